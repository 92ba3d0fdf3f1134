# SPDX-License-Identifier: Apache-2.0
"""Instructions whose operands differ in width, or that look across elements (E-17 to E-26), and the compiler of all.

Results are computed from the sources as they are at first, and then written. Going element by element would give the
same: where groups may overlap, no element is overwritten before the last one that needs it is computed (E-18).
"""

from __future__ import annotations

import numpy as np

from vctx.pymodel.isa.bits import M64
from vctx.pymodel.isa.effects import Effects, Execute
from vctx.pymodel.isa.encoding import Decoded
from vctx.pymodel.isa.state import HartState
from vctx.pymodel.isa.vector import SAME_WIDTH, Array, VectorOp, body_bits, touched
from vctx.pymodel.isa.vector_state import VectorState
from vctx.pymodel.isa.vtype import ELEN, Vtype

_LARGEST = 64  # LMUL of 8, in eighths


def overlap_legal(vd: int, wide: int, vs: int, source: int, lmul_eighths: int) -> bool:
    """Tell whether a destination group may overlap a source group as it does (E-18).

    Args:
        vd, vs: lowest registers of the groups, which are aligned.
        wide, source: log2 of the element width of each, in SEW.
        lmul_eighths: LMUL * 8.
    """
    targets, sources = (max(1, _scaled(lmul_eighths, scale) // 8) for scale in (wide, source))
    if wide == source or vd + targets <= vs or vs + sources <= vd:
        return True
    if wide < source:  # the lowest part of the source
        return vd == vs
    return _scaled(lmul_eighths, source) >= 8 and vd + targets == vs + sources  # the highest part of the destination


def _scaled(value: int, scale: int) -> int:
    return value << scale if scale >= 0 else value >> -scale


class Mixed(VectorOp):
    """Takes elements of some widths and writes elements of another.

    Attributes:
        wide: log2 of the destination's element width in SEW; sources: the same for (register, width) of each source.
    """

    wide = 0

    def widths(self) -> tuple[tuple[int, int], ...]:
        """Return the source groups as (lowest register, log2 of the element width in SEW)."""
        raise NotImplementedError

    def legal(self, vtype: Vtype) -> bool:
        """Check widths, alignment and overlap of every group (E-2, E-17, E-18, E-22)."""
        lmul = vtype.lmul_eighths
        for register, scale in ((self.vd, self.wide), *self.widths()):
            eighths = _scaled(lmul, scale)
            if not 8 <= _scaled(vtype.sew, scale) <= ELEN or not 1 <= eighths <= _LARGEST:
                return False
            if register % max(1, eighths // 8):
                return False
        if self.masked and (self.vd == 0 or (0 in self.sources and self.latitude.masked_v0_source_trap)):
            return False
        return all(overlap_legal(self.vd, self.wide, register, scale, lmul) for register, scale in self.widths())

    def elements(self, register: int, scale: int = 0, *, signed: bool = False) -> Array:
        """Return the body of a group of elements of SEW * 2**scale bits, as a view."""
        vec = self.vec
        return body(vec, register, _scaled(vec.type.sew // 8, scale), signed=signed)

    def second(self, rs1: int, *, signed: bool = False) -> Array:
        """Return the other operand, of SEW bits: the body of vs1, or one element with the scalar."""
        if "vs1" in self.d.fields:
            return self.elements(self.vs1, signed=signed)
        size = self.vec.type.sew // 8
        return np.array([self.scalar(rs1)], f"<u{size}").view(f"<i{size}" if signed else f"<u{size}")

    def body(self, rs1: int, fx: Effects) -> None:
        """See `VectorOp`: write the active elements of the result."""
        vec = self.vec
        if vec.vstart < vec.vl:
            size = _scaled(vec.type.sew // 8, self.wide)
            write_elements(vec, self.vd, size, vec.vstart, self.result(rs1, f"<u{size}"), self.masked, fx)

    def result(self, rs1: int, dtype: str) -> Array:
        """Return the elements of the body, as `dtype`: unsigned ones of the destination's width."""
        raise NotImplementedError


def body(vec: VectorState, register: int, size: int, *, signed: bool = False) -> Array:
    """Return elements vstart to vl - 1, of `size` bytes, of the group at `register`, as a view."""
    first = register * vec.vlenb // size
    elements = vec.elements[size][first + vec.vstart : first + vec.vl]
    return elements.view(f"<i{size}") if signed else elements


def write_elements(
    vec: VectorState, register: int, size: int, start: int, result: Array, masked: bool, fx: Effects
) -> None:
    """Write elements `start` upwards, of `size` bytes, of the group at `register`: the active ones, if `masked`."""
    stop, first = start + len(result), register * vec.vlenb // size
    mask = vec.mask_bits(0, start, stop) if masked else None
    np.copyto(vec.elements[size][first + start : first + stop], result, where=True if mask is None else mask)
    fx.regs = touched(vec.vlenb, register, size, start, stop, mask)


class _Extend(Mixed):
    """vzext, vsext: elements of a half, quarter or eighth of SEW (E-17)."""

    def __init__(self, hart: HartState, d: Decoded) -> None:
        super().__init__(hart, d)
        self.narrow = -{"vf2": 1, "vf4": 2, "vf8": 3}[d.mnemonic[-3:]]

    def widths(self) -> tuple[tuple[int, int], ...]:
        return ((self.vs2, self.narrow),)

    def result(self, rs1: int, dtype: str) -> Array:
        return self.elements(self.vs2, self.narrow, signed=self.name == "vsext").astype(dtype)


class _Narrow(Mixed):
    """vnsrl, vnsra: vs2 has elements of 2*SEW; of the amount, the low log2(2*SEW) bits count (E-19)."""

    def widths(self) -> tuple[tuple[int, int], ...]:
        return (self.vs2, 1), *(((self.vs1, 0),) if "vs1" in self.d.fields else ())

    def result(self, rs1: int, dtype: str) -> Array:
        wide = self.elements(self.vs2, 1, signed=self.name == "vnsra")
        amount = self.second(rs1).astype(wide.dtype) & 2 * self.vec.type.sew - 1
        shifted: Array = wide >> amount
        return shifted.astype(dtype)


# name: operation, whether vs2 is signed, whether the other operand is, and whether vd is added (E-21, E-22)
_WIDENING: dict[str, tuple[np.ufunc, bool, bool, bool]] = {
    "vwaddu": (np.add, False, False, False),
    "vwadd": (np.add, True, True, False),
    "vwsubu": (np.subtract, False, False, False),
    "vwsub": (np.subtract, True, True, False),
    "vwmulu": (np.multiply, False, False, False),
    "vwmulsu": (np.multiply, True, False, False),
    "vwmul": (np.multiply, True, True, False),
    "vwmaccu": (np.multiply, False, False, True),
    "vwmacc": (np.multiply, True, True, True),
    "vwmaccus": (np.multiply, True, False, True),
    "vwmaccsu": (np.multiply, False, True, True),
}


class _Widen(Mixed):
    """Sums, differences and products of 2*SEW bits (E-22)."""

    wide = 1

    def __init__(self, hart: HartState, d: Decoded) -> None:
        super().__init__(hart, d)
        self.fn, self.vs2_signed, self.second_signed, self.adds = _WIDENING[self.name]
        self.vs2_wide = int(d.mnemonic.partition(".")[2].startswith("w"))

    def widths(self) -> tuple[tuple[int, int], ...]:
        return (self.vs2, self.vs2_wide), *(((self.vs1, 0),) if "vs1" in self.d.fields else ())

    def result(self, rs1: int, dtype: str) -> Array:
        first = self.elements(self.vs2, self.vs2_wide, signed=self.vs2_signed).astype(dtype)
        result: Array = self.fn(first, self.second(rs1, signed=self.second_signed).astype(dtype))
        return result + self.elements(self.vd, 1) if self.adds else result


# name: operation, and whether it is signed (E-23)
_REDUCTIONS: dict[str, tuple[np.ufunc, bool]] = {
    "vredsum": (np.add, False),
    "vredand": (np.bitwise_and, False),
    "vredor": (np.bitwise_or, False),
    "vredxor": (np.bitwise_xor, False),
    "vredminu": (np.minimum, False),
    "vredmin": (np.minimum, True),
    "vredmaxu": (np.maximum, False),
    "vredmax": (np.maximum, True),
    "vwredsumu": (np.add, False),
    "vwredsum": (np.add, True),
}


class _Reduce(VectorOp):
    """vd[0] is vs1[0] with all active elements of vs2, if vl is not 0; vd and vs1 are single registers (E-23)."""

    restartable = False

    def __init__(self, hart: HartState, d: Decoded) -> None:
        super().__init__(hart, d)
        self.fn, self.signed = _REDUCTIONS[self.name]
        self.wide = int(self.name.startswith("vw"))

    def legal(self, vtype: Vtype) -> bool:
        v0_source = self.masked and 0 in self.sources and self.latitude.masked_v0_source_trap
        return vtype.sew << self.wide <= ELEN and self.vs2 % vtype.group == 0 and not v0_source

    def body(self, rs1: int, fx: Effects) -> None:
        vec = self.vec
        if vec.vl == 0:
            return
        narrow = vec.type.sew // 8
        size = narrow << self.wide
        elements = body(vec, self.vs2, narrow, signed=self.signed)
        if self.masked:
            elements = elements[vec.mask_bits(0, 0, vec.vl)]
        dtype = f"<i{size}" if self.signed else f"<u{size}"
        first = np.frombuffer(vec.registers[self.vs1][:size], dtype)
        result = self.fn.reduce(np.concatenate((first, elements.astype(dtype))), dtype=dtype)
        vec.registers[self.vd][:size] = result.astype(dtype).tobytes()
        fx.regs = 1 << self.vd


class _Slide(VectorOp):
    """vslideup, vslidedown, vslide1up, vslide1down (E-24)."""

    def __init__(self, hart: HartState, d: Decoded) -> None:
        super().__init__(hart, d)
        self.up, self.one = self.name.endswith("up"), "1" in self.name

    def legal(self, vtype: Vtype) -> bool:
        group = vtype.group
        return self.sources_legal(group) and self.target_legal(group) and not (self.up and self.vd == self.vs2)

    def body(self, rs1: int, fx: Effects) -> None:
        vec = self.vec
        offset = 1 if self.one else rs1 if self.immediate is None else self.immediate
        start, vl, vlmax, size = vec.vstart, vec.vl, vec.type.vlmax, vec.type.sew // 8
        if self.up and not self.one:
            start = max(start, offset)  # elements below the offset stay
        if start >= vl:
            return
        first = self.vs2 * vec.vlenb // size
        source = vec.elements[size][first : first + vlmax]
        # Element i comes from index i - offset or i + offset; behind the group, and before it, there are zeros.
        index = np.arange(start, vl) - offset if self.up else np.arange(start, vl) + min(offset, vlmax)
        inside = (index >= 0) & (index < vlmax)
        result = np.where(inside, source[np.where(inside, index, 0)], 0).astype(source.dtype)
        if self.one and self.up and start == 0:
            result[0] = self.scalar(rs1)
        elif self.one and not self.up:
            result[-1] = self.scalar(rs1)
        write_elements(vec, self.vd, size, start, result, self.masked, fx)


class _MaskQuery(VectorOp):
    """vcpop.m, vfirst.m: how many active bits are set, and the index of the first, or -1 (E-25)."""

    restartable = False

    def body(self, rs1: int, fx: Effects) -> int:
        bits = active_bits(self.vec, self.vs2, self.masked)
        if self.name == "vcpop":
            return bits.bit_count()
        return (bits & -bits).bit_length() - 1 & M64


class _Iota(VectorOp):
    """viota.m: element i is the number of active bits set below i (E-26)."""

    restartable = False

    def legal(self, vtype: Vtype) -> bool:
        return self.target_legal(vtype.group) and not self.vd <= self.vs2 < self.vd + vtype.group

    def body(self, rs1: int, fx: Effects) -> None:
        vec = self.vec
        if vec.vl:
            size = vec.type.sew // 8
            bits = vec.mask_bits(self.vs2, 0, vec.vl).astype(np.uint16)
            if self.masked:
                bits &= vec.mask_bits(0, 0, vec.vl)
            below = (np.cumsum(bits, dtype=np.uint16) - bits).astype(f"<u{size}")
            write_elements(vec, self.vd, size, 0, below, self.masked, fx)


def active_bits(vec: VectorState, register: int, masked: bool) -> int:
    """Return the mask bits of the body, those that are active if `masked`."""
    bits = vec.mask_value(register) & body_bits(vec)
    return bits & vec.mask_value(0) if masked else bits


_KINDS: dict[str, type[VectorOp]] = {
    **SAME_WIDTH,
    **dict.fromkeys(("vzext", "vsext"), _Extend),
    **dict.fromkeys(("vnsrl", "vnsra"), _Narrow),
    **dict.fromkeys(_WIDENING, _Widen),
    **dict.fromkeys(_REDUCTIONS, _Reduce),
    **dict.fromkeys(("vslideup", "vslidedown", "vslide1up", "vslide1down"), _Slide),
    **dict.fromkeys(("vcpop", "vfirst"), _MaskQuery),
    "viota": _Iota,
}


def compile_vop(hart: HartState, d: Decoded) -> Execute:
    """Bind any OP-V instruction but vset* to `hart`."""
    kind = _KINDS.get(d.mnemonic) or _KINDS[d.mnemonic.partition(".")[0]]
    return kind(hart, d).execute
