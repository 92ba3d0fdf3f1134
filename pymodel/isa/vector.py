# SPDX-License-Identifier: Apache-2.0
"""vset* and the instructions on elements of width SEW, on masks, and the moves (C, E)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vctx.pymodel.isa.bits import M64, sext
from vctx.pymodel.isa.effects import Effects, Execute
from vctx.pymodel.isa.encoding import Decoded
from vctx.pymodel.isa.state import HartState
from vctx.pymodel.isa.vector_state import Booleans, VectorState
from vctx.pymodel.isa.vtype import Vtype, decode_vtype, vset

Array = NDArray[Any]
Mask = Booleans | None

# operation, and whether it is signed (E-5, E-19 to E-21); vrsub takes its operands the other way round
_ARITHMETIC: dict[str, tuple[np.ufunc, bool]] = {
    "vadd": (np.add, False),
    "vsub": (np.subtract, False),
    "vrsub": (np.subtract, False),
    "vand": (np.bitwise_and, False),
    "vor": (np.bitwise_or, False),
    "vxor": (np.bitwise_xor, False),
    "vminu": (np.minimum, False),
    "vmin": (np.minimum, True),
    "vmaxu": (np.maximum, False),
    "vmax": (np.maximum, True),
    "vmul": (np.multiply, False),
}
_SHIFTS: dict[str, tuple[np.ufunc, bool]] = {
    "vsll": (np.left_shift, False),
    "vsrl": (np.right_shift, False),
    "vsra": (np.right_shift, True),
}
# comparison, and whether it is signed (E-13)
_COMPARE: dict[str, tuple[np.ufunc, bool]] = {
    "vmseq": (np.equal, False),
    "vmsne": (np.not_equal, False),
    "vmsltu": (np.less, False),
    "vmslt": (np.less, True),
    "vmsleu": (np.less_equal, False),
    "vmsle": (np.less_equal, True),
    "vmsgtu": (np.greater, False),
    "vmsgt": (np.greater, True),
}
# on whole registers as integers; the caller keeps the bits of the body (E-15)
_MASK_LOGIC: dict[str, Callable[[int, int], int]] = {
    "vmandn": lambda a, b: a & ~b,
    "vmand": lambda a, b: a & b,
    "vmor": lambda a, b: a | b,
    "vmxor": lambda a, b: a ^ b,
    "vmorn": lambda a, b: a | ~b,
    "vmnand": lambda a, b: ~(a & b),
    "vmnor": lambda a, b: ~(a | b),
    "vmxnor": lambda a, b: ~(a ^ b),
}


def touched(vlenb: int, vd: int, size: int, start: int, stop: int, mask: Mask) -> int:
    """Return the registers that hold the active elements `start` to `stop` - 1 of the group at `vd`: bit i for v<i>.

    Args:
        vlenb: bytes in a register.
        vd: lowest register of the group.
        size: element size in bytes.
        start, stop: element range; `mask` is None or has `stop` - `start` booleans.
        mask: the active elements; None for all.
    """
    if mask is None:
        first, last = start * size // vlenb, -(-stop * size // vlenb)
        return (1 << vd + last) - (1 << vd + first)
    indexes = np.flatnonzero(mask) + start
    return sum(1 << reg for reg in set((vd + indexes * size // vlenb).tolist()))


class VectorOp:
    """What every OP-V instruction but vset* has in common: legality and completion.

    A subclass says with which vtypes the instruction is legal, and what it does to the body: the elements vstart to
    vl - 1.
    """

    restartable = True  # it could begin at an element other than 0, if the latitude lets it (E-10)

    def __init__(self, hart: HartState, d: Decoded) -> None:
        self.hart = hart
        self.vec = hart.vec
        self.latitude = hart.config.latitude
        self.d = d
        self.name = d.mnemonic.split(".")[0]
        self.vd, self.vs1, self.vs2 = (d.fields.get(key, 0) for key in ("vd", "vs1", "vs2"))
        self.masked = d.fields.get("vm") == 0
        self.sources = (self.vs1, self.vs2) if "vs1" in d.fields else (self.vs2,)
        self.immediate = d.fields.get("imm", d.fields.get("uimm"))
        self._type: Vtype | None = None  # with which `_is_legal` was found
        self._is_legal = False

    def execute(self, rs1: int, rs2: int, fx: Effects) -> int | None:
        """Execute; illegal unless VS is on, vtype is legal and vstart is acceptable (A-3, B-5, E-9)."""
        vec, hart = self.vec, self.hart
        vtype, vstart = vec.type, vec._vstart
        if vtype is not self._type:
            self._type, self._is_legal = vtype, not vtype.vill and self.legal(vtype)
        if not self._is_legal or (vstart and not self._start_legal()) or not hart.vector_on():
            raise hart.illegal(self.d.word)
        value = self.body(rs1, fx)
        if vstart:  # zero after every vector instruction
            vec.vstart = 0
        hart.executed(bool(fx.regs or vstart))
        return value

    def _start_legal(self) -> bool:
        """Tell whether a vstart other than 0 is acceptable (E-9, E-10)."""
        # E-9: it may trap with a vstart that it never produces (L-9); E-10: some must.
        return self.restartable and not self.latitude.vstart_alu_trap

    def legal(self, vtype: Vtype) -> bool:
        """Tell whether the registers are acceptable with this legal vtype."""
        return True

    def body(self, rs1: int, fx: Effects) -> int | None:
        """Do it, and return the value for x[rd], if any."""
        raise NotImplementedError

    def sources_legal(self, group: int) -> bool:
        """Source groups start at a multiple of LMUL (E-2)."""
        v0_source = self.masked and 0 in self.sources
        return not any(source % group for source in self.sources) and not (
            v0_source and self.latitude.masked_v0_source_trap
        )

    def target_legal(self, group: int) -> bool:
        """The destination group starts at a multiple of LMUL (E-2), and is not the mask."""
        # E-2: a masked destination is not v0, unless what it receives is a mask.
        return self.vd % group == 0 and not (self.masked and self.vd == 0)

    def scalar(self, rs1: int) -> int:
        """Return the scalar source operand, truncated to SEW (E-4)."""
        return (rs1 if self.immediate is None else self.immediate) & (1 << self.vec.type.sew) - 1

    def mask(self) -> Mask:
        """Return which elements of the body are active; None for all."""
        return self.vec.mask_bits(0, self.vec.vstart, self.vec.vl) if self.masked else None


class _Elementwise(VectorOp):
    """Takes elements, and writes elements or mask bits.

    The views of the body stay bound until vtype, vl or vstart changes, which in a loop they seldom do. A scalar operand
    is an array of one element, which numpy combines with others at less cost than an integer.
    """

    target: Array
    a: Array
    b: Array  # the first source operand

    def __init__(self, hart: HartState, d: Decoded) -> None:
        super().__init__(hart, d)
        self._bound: tuple[Vtype, int, int] | None = None
        self._scalar: int | None = None  # x[rs1] that `b` holds; None when `b` is something else

    def legal(self, vtype: Vtype) -> bool:
        return self.sources_legal(vtype.group) and self.target_legal(vtype.group)

    def body(self, rs1: int, fx: Effects) -> None:
        vec = self.vec
        state = vec.type, vec._vstart, vec.vl
        if state[1] >= state[2]:
            return
        if state != self._bound:
            self.bind()
            self._bound = state
        if self._scalar is not None and self._scalar != rs1:
            self._scalar = rs1
            self.b[0] = self.scalar(rs1)
        self.apply(fx)

    def bind(self) -> None:
        """Find the operands of the present body."""
        vec = self.vec
        self.size = vec.type.sew // 8
        self.a = self._elements(self.vs2)
        if "vs1" in self.d.fields:
            self.b = self._elements(self.vs1)
        else:
            self._scalar = 0 if self.immediate is None else None
            self.b = np.array([self.scalar(0)], self.a.dtype)
        self.target = self._elements(self.vd)
        self.body_regs = touched(vec.vlenb, self.vd, self.size, vec.vstart, vec.vl, None)
        self.body_bits = body_bits(vec)

    def _elements(self, register: int) -> Array:
        """Return elements vstart to vl - 1 of the group at `register`, as a view."""
        vec = self.vec
        first = register * vec.vlenb // self.size
        return vec.elements[self.size][first + vec.vstart : first + vec.vl]

    def apply(self, fx: Effects) -> None:
        """Do it to a body that is not empty."""
        raise NotImplementedError

    def write(self, result: Array, fx: Effects) -> None:
        """Write the active elements of the destination group."""
        mask = self.mask()
        if mask is None:
            self.target[:] = result
            fx.regs = self.body_regs
        else:
            np.copyto(self.target, result, where=mask)
            fx.regs = self.active_regs()

    def active_regs(self) -> int:
        """Return the registers of the destination group in which an element is active: bit i for v<i>."""
        vec = self.vec
        active = vec.mask_value(0) & self.body_bits
        each = vec.vlenb // self.size
        ones = (1 << each) - 1
        regs, reg = 0, self.vd
        while active:
            if active & ones:
                regs |= 1 << reg
            active >>= each
            reg += 1
        return regs


class _Arithmetic(_Elementwise):
    """Operations that numpy has, from the elements of vs2 and the first source."""

    first: Array
    second: Array
    result: Array  # the destination, all of them signed if the operation is

    def __init__(self, hart: HartState, d: Decoded) -> None:
        super().__init__(hart, d)
        self.fn, self.signed = (_ARITHMETIC | _SHIFTS)[self.name]

    def bind(self) -> None:
        super().bind()
        views = (self.b, self.a) if self.name == "vrsub" else (self.a, self.b)
        dtype = f"<i{self.size}" if self.signed else self.a.dtype
        self.first, self.second, self.result = (view.view(dtype) for view in (*views, self.target))

    def apply(self, fx: Effects) -> None:
        if self.masked:
            mask = self.vec.mask_bits(0, self.vec.vstart, self.vec.vl)
            self.fn(self.first, self.second, out=self.result, where=mask)
            fx.regs = self.active_regs()
        else:
            self.fn(self.first, self.second, out=self.result)
            fx.regs = self.body_regs


class _Shift(_Arithmetic):
    """Shifts: of an amount, its low log2(SEW) bits count (E-19)."""

    def bind(self) -> None:
        super().bind()
        self.amounts = self.second
        self.second = np.empty_like(self.amounts)

    def apply(self, fx: Effects) -> None:
        np.bitwise_and(self.amounts, 8 * self.size - 1, out=self.second)
        super().apply(fx)


class _MultiplyHigh(_Elementwise):
    """The upper half of a product: unsigned, signed, or vs2 signed and the other one not (E-21)."""

    def apply(self, fx: Effects) -> None:
        a, b, bits = self.a, self.b, 8 * self.size
        if bits == 64:
            high = _high_product(a, b)
        else:
            wide = f"<u{2 * self.size}"
            high = (a.astype(wide) * b.astype(wide) >> bits).astype(a.dtype)
        # A negative operand counts 2**SEW less than its bits say.
        if self.name != "vmulhu":
            high -= np.where(a >> bits - 1, b, 0).astype(a.dtype)
        if self.name == "vmulh":
            high -= np.where(b >> bits - 1, a, 0).astype(a.dtype)
        self.write(high, fx)


def _high_product(a: Array, b: Array) -> Array:
    """Return bits 127:64 of the unsigned products of 64-bit elements."""
    low, half = np.uint64(0xFFFF_FFFF), np.uint64(32)
    a0, a1, b0, b1 = a & low, a >> half, b & low, b >> half
    middle = (a0 * b0 >> half) + (a1 * b0 & low) + (a0 * b1 & low)
    high: Array = a1 * b1 + (a1 * b0 >> half) + (a0 * b1 >> half) + (middle >> half)
    return high


class _MultiplyAdd(_Elementwise):
    """vmacc and vnmsac add a product to vd, vmadd and vnmsub multiply vd; the n forms subtract the product (E-21)."""

    def apply(self, fx: Effects) -> None:
        if self.name in ("vmacc", "vnmsac"):
            factor, addend = self.a, self.target
        else:
            factor, addend = self.target, self.a
        product = factor * self.b
        self.write(addend - product if self.name.startswith("vn") else addend + product, fx)


class _Compare(_Elementwise):
    """The integer compares: one mask bit an element (E-13)."""

    def __init__(self, hart: HartState, d: Decoded) -> None:
        super().__init__(hart, d)
        self.fn, self.signed = _COMPARE[self.name]

    def legal(self, vtype: Vtype) -> bool:
        overlap = any(source < self.vd < source + vtype.group for source in self.sources)
        return self.sources_legal(vtype.group) and not (overlap and self.latitude.compare_overlap_trap)

    def bind(self) -> None:
        super().bind()
        self.first, self.second = self.a, self.b
        self.flags = np.empty(len(self.a), np.bool_)
        if self.signed:
            dtype = f"<i{self.size}"
            self.first, self.second = self.a.view(dtype), self.b.view(dtype)

    def apply(self, fx: Effects) -> None:
        vec = self.vec
        self.fn(self.first, self.second, out=self.flags)
        result = int.from_bytes(np.packbits(self.flags, bitorder="little").tobytes(), "little")
        active = self.body_bits & vec.mask_value(0) if self.masked else self.body_bits
        if active:
            vec.write_mask(self.vd, result << vec.vstart, active)
            fx.regs = 1 << self.vd


class _Move(_Elementwise):
    """vmv.v.v, vmv.v.x, vmv.v.i (E-6)."""

    def legal(self, vtype: Vtype) -> bool:
        return self.vd % vtype.group == 0 and self.vs1 % vtype.group == 0

    def apply(self, fx: Effects) -> None:
        self.write(self.b, fx)


class _Merge(_Elementwise):
    """vmerge: every body element is written (E-6)."""

    def __init__(self, hart: HartState, d: Decoded) -> None:
        super().__init__(hart, d)
        self.masked = True  # by its opcode: there is no vm

    def apply(self, fx: Effects) -> None:
        mask = self.mask()
        assert mask is not None
        self.target[:] = np.where(mask, self.b, self.a)
        fx.regs = self.body_regs


class _Index(_Elementwise):
    """vid.v (E-12)."""

    def legal(self, vtype: Vtype) -> bool:
        return self.target_legal(vtype.group)

    def apply(self, fx: Effects) -> None:
        self.write(np.arange(self.vec.vstart, self.vec.vl).astype(self.target.dtype), fx)


class _MaskLogic(VectorOp):
    """vmand.mm and its kin: bits vstart to vl - 1 (E-15)."""

    def __init__(self, hart: HartState, d: Decoded) -> None:
        super().__init__(hart, d)
        self.fn = _MASK_LOGIC[self.name]

    def body(self, rs1: int, fx: Effects) -> None:
        vec = self.vec
        if vec.vstart < vec.vl:
            result = self.fn(vec.mask_value(self.vs2), vec.mask_value(self.vs1))
            vec.write_mask(self.vd, result, body_bits(vec))
            fx.regs = 1 << self.vd


class _ToScalar(VectorOp):
    """vmv.x.s: element 0, sign-extended, whatever vl and LMUL (E-7)."""

    def body(self, rs1: int, fx: Effects) -> int:
        size = self.vec.type.sew // 8
        return sext(int.from_bytes(self.vec.registers[self.vs2][:size], "little"), 8 * size)


class _FromScalar(VectorOp):
    """vmv.s.x: element 0 if there is a body (E-8)."""

    def body(self, rs1: int, fx: Effects) -> None:
        if self.vec.vstart < self.vec.vl:
            size = self.vec.type.sew // 8
            self.vec.registers[self.vd][:size] = self.scalar(rs1).to_bytes(size, "little")
            fx.regs = 1 << self.vd


class _WholeRegisters(VectorOp):
    """vmv<nr>r.v: from vstart (in SEW units) to the end of nr registers (E-11); none is written if vd is vs2."""

    def __init__(self, hart: HartState, d: Decoded) -> None:
        super().__init__(hart, d)
        self.count = int(self.name[3])

    def legal(self, vtype: Vtype) -> bool:
        return self.vd % self.count == 0 and self.vs2 % self.count == 0

    def body(self, rs1: int, fx: Effects) -> None:
        vec = self.vec
        start, stop = vec.vstart * vec.type.sew // 8, self.count * vec.vlenb
        if start < stop and self.vd != self.vs2:
            source, target = self.vs2 * vec.vlenb, self.vd * vec.vlenb
            vec.view[target + start : target + stop] = vec.view[source + start : source + stop].tobytes()
            fx.regs = touched(vec.vlenb, self.vd, 1, start, stop, None)


def body_bits(vec: VectorState) -> int:
    """Return the mask bits of the body, vstart to vl - 1."""
    return (1 << vec.vl) - (1 << vec.vstart)


SAME_WIDTH: dict[str, type[VectorOp]] = {
    **dict.fromkeys(_ARITHMETIC, _Arithmetic),
    **dict.fromkeys(_SHIFTS, _Shift),
    **dict.fromkeys(("vmulhu", "vmulhsu", "vmulh"), _MultiplyHigh),
    **dict.fromkeys(("vmacc", "vnmsac", "vmadd", "vnmsub"), _MultiplyAdd),
    **dict.fromkeys(_COMPARE, _Compare),
    **dict.fromkeys(_MASK_LOGIC, _MaskLogic),
    **dict.fromkeys(("vmv1r", "vmv2r", "vmv4r", "vmv8r"), _WholeRegisters),
    "vmerge": _Merge,
    "vmv": _Move,
    "vmv.x.s": _ToScalar,
    "vmv.s.x": _FromScalar,
    "vid": _Index,
}
"""The instructions of this module, by mnemonic, or by what is before its first dot."""


def compile_vset(hart: HartState, d: Decoded) -> Execute:
    """Bind vsetvli, vsetivli or vsetvl to `hart` (C-1 to C-10)."""
    vec, latitude, vlen = hart.vec, hart.config.latitude, hart.config.vlen
    fields = d.fields
    # C-5: AVL is x[rs1]; for rs1=x0 all ones if there is a destination, and the old vl for x0, x0; or an immediate.
    keep_vl = fields["rd"] == 0 and fields.get("rs1") == 0
    all_ones = fields["rd"] != 0 and fields.get("rs1") == 0
    given = None if keep_vl else M64 if all_ones else fields.get("uimm")  # AVL, unless it is x[rs1]
    by_register = given is None and not keep_vl
    vtypei = fields.get("vtypei")
    immediate = None if vtypei is None else decode_vtype(vtypei, vlen, latitude.wide_sew_vill)

    def execute(rs1: int, rs2: int, fx: Effects) -> int:
        if not hart.vector_on():
            raise hart.illegal(d.word)
        requested = immediate or decode_vtype(rs2, vlen, latitude.wide_sew_vill)
        if requested.vill and latitude.illegal_vtype_trap:  # L-18: vill, if it does not trap instead
            raise hart.illegal(d.word)
        vec.type, vl = vset(rs1 if by_register else given, vec.type, vec.vl, requested, latitude)
        vec.vl = vl
        if vec._vstart:  # C-10: it becomes zero, and did not matter before
            vec.vstart = 0
        hart.dirty_vs()
        return vl

    return execute
