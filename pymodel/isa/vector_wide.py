# SPDX-License-Identifier: Apache-2.0
"""The integer vector instructions that the block lacks: division, carries, fixed point, gathers, set-before-first.

Harts that stand for other cores execute them (`HartConfig.wide`). Elements are Python integers here, one at a time:
what each rule says can be read off, and these instructions are few in any program.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from vctx.pymodel.isa import vector_mixed
from vctx.pymodel.isa.bits import M64
from vctx.pymodel.isa.effects import Effects, Execute
from vctx.pymodel.isa.encoding import Decoded
from vctx.pymodel.isa.state import HartState
from vctx.pymodel.isa.vector import Array, VectorOp, body_bits
from vctx.pymodel.isa.vector_mixed import body, write_elements
from vctx.pymodel.isa.vector_state import VectorState
from vctx.pymodel.isa.vtype import Vtype

_RNU, _RNE, _RDN = 0, 1, 2  # vxrm; the fourth is round to odd


def rounded(value: int, shift: int, vxrm: int) -> int:
    """Return `value` shifted right by `shift` bits, rounded as vxrm says.

    >>> [rounded(0b1011, 1, vxrm) for vxrm in range(4)]
    [6, 6, 5, 5]
    >>> [rounded(0b1001, 1, vxrm) for vxrm in range(4)]
    [5, 4, 4, 5]
    """
    if shift == 0:
        return value
    result, half, rest = value >> shift, value >> shift - 1 & 1, value & (1 << shift - 1) - 1
    if vxrm == _RNU:
        return result + half
    if vxrm == _RNE:
        return result + (half & (bool(rest) | result & 1))
    return result if vxrm == _RDN else result | bool(half | rest)


class _Saturation:
    """Clips results to a width, and remembers whether it had to."""

    def __init__(self, sew: int, signed: bool) -> None:
        self.low, self.high = (-(1 << sew - 1), (1 << sew - 1) - 1) if signed else (0, (1 << sew) - 1)
        self.happened = False

    def __call__(self, value: int) -> int:
        clipped = min(max(value, self.low), self.high)
        self.happened |= clipped != value
        return clipped


_Rule = Callable[[int, int, int, int, _Saturation], int]
"""vs2's element, the other operand, SEW in bits, vxrm, and what saturates: the result, of which SEW bits are kept."""


def _divide(a: int, b: int, *, remainder: bool) -> int:
    """Divide toward zero; by zero there are all ones, and the dividend as the remainder."""
    if b == 0:
        return a if remainder else -1
    quotient = abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)
    return a - quotient * b if remainder else quotient


# name: whether the operands are signed, and the rule
_RULES: dict[str, tuple[bool, _Rule]] = {
    "vdivu": (False, lambda a, b, sew, vxrm, clip: _divide(a, b, remainder=False)),
    "vdiv": (True, lambda a, b, sew, vxrm, clip: _divide(a, b, remainder=False)),
    "vremu": (False, lambda a, b, sew, vxrm, clip: _divide(a, b, remainder=True)),
    "vrem": (True, lambda a, b, sew, vxrm, clip: _divide(a, b, remainder=True)),
    "vsaddu": (False, lambda a, b, sew, vxrm, clip: clip(a + b)),
    "vsadd": (True, lambda a, b, sew, vxrm, clip: clip(a + b)),
    "vssubu": (False, lambda a, b, sew, vxrm, clip: clip(a - b)),
    "vssub": (True, lambda a, b, sew, vxrm, clip: clip(a - b)),
    "vaaddu": (False, lambda a, b, sew, vxrm, clip: rounded(a + b, 1, vxrm)),
    "vaadd": (True, lambda a, b, sew, vxrm, clip: rounded(a + b, 1, vxrm)),
    "vasubu": (False, lambda a, b, sew, vxrm, clip: rounded(a - b, 1, vxrm)),
    "vasub": (True, lambda a, b, sew, vxrm, clip: rounded(a - b, 1, vxrm)),
    "vsmul": (True, lambda a, b, sew, vxrm, clip: clip(rounded(a * b, sew - 1, vxrm))),
    "vssrl": (False, lambda a, b, sew, vxrm, clip: rounded(a, b & sew - 1, vxrm)),
    "vssra": (True, lambda a, b, sew, vxrm, clip: rounded(a, b & sew - 1, vxrm)),
    "vnclipu": (False, lambda a, b, sew, vxrm, clip: clip(rounded(a, b & 2 * sew - 1, vxrm))),
    "vnclip": (True, lambda a, b, sew, vxrm, clip: clip(rounded(a, b & 2 * sew - 1, vxrm))),
}


class _ByElement(vector_mixed.Mixed):
    """One operand of vs2, which vnclip has twice as wide, and one other: a rule for each element."""

    def __init__(self, hart: HartState, d: Decoded) -> None:
        super().__init__(hart, d)
        self.signed, self.rule = _RULES[self.name]
        self.vs2_wide = int(self.name.startswith("vnclip"))

    def widths(self) -> tuple[tuple[int, int], ...]:
        return (self.vs2, self.vs2_wide), *(((self.vs1, 0),) if "vs1" in self.d.fields else ())

    def body(self, rs1: int, fx: Effects) -> None:
        vec = self.vec
        if vec.vstart >= vec.vl:
            return
        sew, vxrm, rule = vec.type.sew, vec.vxrm, self.rule
        clip = _Saturation(sew, self.signed)
        first = self.elements(self.vs2, self.vs2_wide, signed=self.signed).tolist()
        second = self.second(rs1, signed=self.signed).tolist()
        if len(second) != len(first):
            second *= len(first)
        mask = self.mask()
        active = [True] * len(first) if mask is None else mask.tolist()
        results = [rule(a, b, sew, vxrm, clip) if on else 0 for a, b, on in zip(first, second, active, strict=True)]
        _write(vec, self.vd, results, self.masked, fx)
        if clip.happened:  # vxsat is sticky
            vec.vxsat = 1
            fx.saturated = True


def _write(vec: VectorState, register: int, values: Iterable[int], masked: bool, fx: Effects) -> None:
    """Write the body of the group at `register`: SEW bits of each value, those that are active if `masked`."""
    size = vec.type.sew // 8
    ones = (1 << 8 * size) - 1
    result = np.array([value & ones for value in values], f"<u{size}")
    write_elements(vec, register, size, vec.vstart, result, masked, fx)


class _Carry(VectorOp):
    """vadc, vsbc: the carry of each element is a bit of v0. vmadc, vmsbc: carry out, as a mask."""

    def __init__(self, hart: HartState, d: Decoded) -> None:
        super().__init__(hart, d)
        self.subtracts = self.name in ("vsbc", "vmsbc")
        self.to_mask = self.name.startswith("vm")
        self.carries = d.mnemonic.endswith("m")  # there is no mask: vm says whether a carry comes in

    def legal(self, vtype: Vtype) -> bool:
        group = vtype.group
        if not self.sources_legal(group):
            return False
        if not self.to_mask:
            return self.vd % group == 0 and self.vd != 0
        # E-13: the destination, a mask, overlaps a source only as its lowest register.
        return not any(source < self.vd < source + group for source in self.sources)

    def body(self, rs1: int, fx: Effects) -> None:
        vec = self.vec
        if vec.vstart >= vec.vl:
            return
        sew, size, count = vec.type.sew, vec.type.sew // 8, vec.vl - vec.vstart
        first = body(vec, self.vs2, size).tolist()
        second = body(vec, self.vs1, size).tolist() if "vs1" in self.d.fields else [self.scalar(rs1)] * count
        carries = vec.mask_bits(0, vec.vstart, vec.vl).tolist() if self.carries else [False] * count
        sign = -1 if self.subtracts else 1
        sums = [a + sign * (b + c) for a, b, c in zip(first, second, carries, strict=True)]
        if not self.to_mask:
            _write(vec, self.vd, sums, False, fx)
            return
        out = sum(1 << i for i, value in enumerate(sums, vec.vstart) if value >> sew)
        vec.write_mask(self.vd, out, body_bits(vec))
        fx.regs = 1 << self.vd


class _SetMask(VectorOp):
    """vmsbf.m, vmsif.m, vmsof.m: mask bits before, up to, or at the first one that is set."""

    restartable = False

    def legal(self, vtype: Vtype) -> bool:
        return self.vd != self.vs2 and not (self.masked and self.vd == 0)

    def body(self, rs1: int, fx: Effects) -> None:
        vec = self.vec
        written = body_bits(vec) & (vec.mask_value(0) if self.masked else -1)
        source = vec.mask_value(self.vs2) & written
        first = source & -source
        before = first - 1 if first else -1
        result = {"vmsbf": before, "vmsif": before | first, "vmsof": first}[self.name]
        if written:
            vec.write_mask(self.vd, result, written)
            fx.regs = 1 << self.vd


class _Gather(VectorOp):
    """vrgather, vrgatherei16: element i of the result is the element of vs2 with the number that i gives."""

    def __init__(self, hart: HartState, d: Decoded) -> None:
        super().__init__(hart, d)
        self.ei16 = self.name == "vrgatherei16"

    def legal(self, vtype: Vtype) -> bool:
        group = vtype.group
        if self.vs2 % group or not self.target_legal(group) or self.vd == self.vs2:
            return False
        if self.masked and 0 in self.sources and self.latitude.masked_v0_source_trap:
            return False
        if "vs1" not in self.d.fields:
            return True
        if not self.ei16:
            return self.vs1 % group == 0 and self.vd != self.vs1
        eighths = 16 * vtype.lmul_eighths // vtype.sew
        count = max(1, eighths // 8)
        apart = self.vd + group <= self.vs1 or self.vs1 + count <= self.vd
        return 1 <= eighths <= 64 and self.vs1 % count == 0 and apart

    def body(self, rs1: int, fx: Effects) -> None:
        vec = self.vec
        if vec.vstart >= vec.vl:
            return
        size, vlmax = vec.type.sew // 8, vec.type.vlmax
        first = self.vs2 * vec.vlenb // size
        table = vec.elements[size][first : first + vlmax]
        if "vs1" in self.d.fields:
            index = body(vec, self.vs1, 2 if self.ei16 else size).astype(np.uint64)
        else:
            number = rs1 if self.immediate is None else self.immediate
            index = np.full(vec.vl - vec.vstart, number & M64, np.uint64)
        inside = index < vlmax
        result: Array = np.where(inside, table[np.where(inside, index, 0).astype(np.intp)], 0).astype(table.dtype)
        write_elements(vec, self.vd, size, vec.vstart, result, self.masked, fx)


class _Compress(VectorOp):
    """vcompress.vm: the elements of vs2 whose bit is set in vs1, side by side."""

    restartable = False

    def legal(self, vtype: Vtype) -> bool:
        group = vtype.group
        apart = self.vs1 < self.vd or self.vs1 >= self.vd + group
        return self.vd % group == 0 and self.vs2 % group == 0 and self.vd != self.vs2 and apart

    def body(self, rs1: int, fx: Effects) -> None:
        vec = self.vec
        size = vec.type.sew // 8
        chosen: Array = body(vec, self.vs2, size)[vec.mask_bits(self.vs1, 0, vec.vl)]
        if len(chosen):
            write_elements(vec, self.vd, size, 0, chosen, False, fx)


_KINDS: dict[str, type[VectorOp]] = {
    **dict.fromkeys(_RULES, _ByElement),
    **dict.fromkeys(("vadc", "vmadc", "vsbc", "vmsbc"), _Carry),
    **dict.fromkeys(("vmsbf", "vmsif", "vmsof"), _SetMask),
    **dict.fromkeys(("vrgather", "vrgatherei16"), _Gather),
    "vcompress": _Compress,
}


def compile_vop(hart: HartState, d: Decoded) -> Execute:
    """Bind any OP-V instruction but vset* to `hart`."""
    kind = _KINDS.get(d.mnemonic.partition(".")[0])
    return vector_mixed.compile_vop(hart, d) if kind is None else kind(hart, d).execute
