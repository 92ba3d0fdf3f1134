"""vset* and the element-wise, mask and move instructions (C, E)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pymodel.isa.bits import M64, sext, signed
from pymodel.isa.effects import Effects, Execute
from pymodel.isa.encoding import Decoded
from pymodel.isa.vector_state import VectorState
from pymodel.isa.vtype import decode_vtype, vset

if TYPE_CHECKING:
    from pymodel.isa.hart import Hart

_Array = NDArray[Any]
_Mask = NDArray[np.bool_] | None
_Function = Callable[[_Array, Any], _Array]

_ARITHMETIC: dict[str, _Function] = {
    "vadd": np.add,
    "vsub": np.subtract,
    "vrsub": lambda a, b: np.subtract(b, a),
    "vand": np.bitwise_and,
    "vor": np.bitwise_or,
    "vxor": np.bitwise_xor,
}
# comparison, and whether it is signed (E-13)
_COMPARE: dict[str, tuple[_Function, bool]] = {
    "vmseq": (np.equal, False),
    "vmsne": (np.not_equal, False),
    "vmsltu": (np.less, False),
    "vmslt": (np.less, True),
    "vmsleu": (np.less_equal, False),
    "vmsle": (np.less_equal, True),
    "vmsgtu": (np.greater, False),
    "vmsgt": (np.greater, True),
}
_MASK_LOGIC: dict[str, Callable[[_Array, _Array], _Array]] = {
    "vmandn": lambda a, b: a & ~b,
    "vmand": lambda a, b: a & b,
    "vmor": lambda a, b: a | b,
    "vmxor": lambda a, b: a ^ b,
    "vmorn": lambda a, b: a | ~b,
    "vmnand": lambda a, b: ~(a & b),
    "vmnor": lambda a, b: ~(a | b),
    "vmxnor": lambda a, b: ~(a ^ b),
}


def touched(vec: VectorState, vd: int, size: int, start: int, stop: int, mask: _Mask) -> set[int]:
    """Return the registers that hold the active elements `start` to `stop` - 1 of the group at `vd`.

    Args:
        vec: gives the register length.
        vd: lowest register of the group.
        size: element size in bytes.
        start, stop: element range; `mask` is None or has `stop` - `start` booleans.
        mask: the active elements; None for all.
    """
    if mask is None:
        return set(range(vd + start * size // vec.vlenb, vd + (stop * size - 1) // vec.vlenb + 1))
    indexes = np.flatnonzero(mask) + start
    registers: list[int] = (vd + indexes * size // vec.vlenb).tolist()
    return set(registers)


class _VectorOp:
    """What every OP-V instruction but vset* has in common: legality, operands, completion."""

    def __init__(self, hart: Hart, d: Decoded) -> None:
        self.hart = hart
        self.vec = hart.vec
        self.latitude = hart.config.latitude
        self.d = d
        self.name = d.mnemonic.split(".")[0]
        self.vd, self.vs1, self.vs2 = (d.fields.get(key, 0) for key in ("vd", "vs1", "vs2"))
        self.masked = d.fields.get("vm") == 0
        self.sources = (self.vs1, self.vs2) if "vs1" in d.fields else (self.vs2,)

    def begin(self) -> None:
        """Raise unless VS is on, vtype is legal and vstart is acceptable (A-3, B-5, E-9)."""
        if not self.hart.vector_on() or self.vec.type.vill or (self.vec.vstart and self.latitude.vstart_alu_trap):
            raise self.hart.illegal(self.d.word)

    def require(self, legal: bool) -> None:
        if not legal:
            raise self.hart.illegal(self.d.word)

    def aligned(self, *registers: int) -> None:
        """Raise unless every register group starts at a multiple of LMUL (E-2)."""
        group = self.vec.type.group
        self.require(all(register % group == 0 for register in registers))

    def finish(self) -> None:
        self.vec.vstart = 0
        self.hart.dirty_vs()

    def group(self, register: int) -> _Array:
        """Return elements vstart to vl - 1 of the group at `register`, as a view."""
        size = self.vec.type.sew // 8
        first = register * self.vec.vlenb // size
        return self.vec.elements[size][first + self.vec.vstart : first + self.vec.vl]

    def source(self, rs1: int) -> _Array | int:
        """Return the first source operand: elements, or a scalar truncated to SEW (E-4)."""
        if "vs1" in self.d.fields:
            return self.group(self.vs1)
        return self.d.fields.get("imm", rs1) & (1 << self.vec.type.sew) - 1

    def mask(self) -> _Mask:
        return self.vec.mask_bits(0, self.vec.vstart, self.vec.vl) if self.masked else None

    def write(self, result: Any, mask: _Mask, fx: Effects) -> None:
        """Write elements vstart to vl - 1 of the destination group."""
        target = self.group(self.vd)
        if mask is None:
            target[:] = result
        else:
            np.copyto(target, result, where=mask)
        fx.regs |= touched(self.vec, self.vd, self.vec.type.sew // 8, self.vec.vstart, self.vec.vl, mask)

    def write_bits(self, result: _Array, mask: _Mask, fx: Effects) -> None:
        """Write bits vstart to vl - 1 of the mask register vd; the others stay (E-13, E-16)."""
        bits = self.vec.mask_bits(self.vd, 0, self.vec.vlen)
        np.copyto(bits[self.vec.vstart : self.vec.vl], result, where=True if mask is None else mask)
        self.vec.regs[self.vd] = np.packbits(bits, bitorder="little")
        if mask is None or mask.any():
            fx.regs.add(self.vd)

    def elementwise(self, rs1: int, rs2: int, fx: Effects) -> None:
        """vadd, vsub, vrsub, vand, vor, vxor."""
        self.begin()
        self._check_sources()
        self.aligned(self.vd)
        self.require(not (self.masked and self.vd == 0))
        if self.vec.vstart < self.vec.vl:
            fn = _ARITHMETIC[self.name]
            self.write(fn(self.group(self.vs2), self.source(rs1)), self.mask(), fx)
        self.finish()

    def compare(self, rs1: int, rs2: int, fx: Effects) -> None:
        """The integer compares: one mask bit an element (E-13)."""
        self.begin()
        self._check_sources()
        if self.latitude.compare_overlap_trap:
            group = self.vec.type.group
            self.require(not any(source < self.vd < source + group for source in self.sources))
        if self.vec.vstart < self.vec.vl:
            fn, is_signed = _COMPARE[self.name]
            a, b = self.group(self.vs2), self.source(rs1)
            if is_signed:
                a = a.view(a.dtype.str.replace("u", "i"))
                b = signed(b, self.vec.type.sew) if isinstance(b, int) else b.view(a.dtype)
            self.write_bits(fn(a, b), self.mask(), fx)
        self.finish()

    def _check_sources(self) -> None:
        self.aligned(*self.sources)
        self.require(not (self.masked and 0 in self.sources and self.latitude.masked_v0_source_trap))

    def move(self, rs1: int, rs2: int, fx: Effects) -> None:
        """vmv.v.v, vmv.v.x, vmv.v.i (E-6)."""
        self.begin()
        self.aligned(self.vd, self.vs1)
        if self.vec.vstart < self.vec.vl:
            self.write(self.source(rs1), None, fx)
        self.finish()

    def merge(self, rs1: int, rs2: int, fx: Effects) -> None:
        """vmerge: every body element is written (E-6)."""
        self.begin()
        self.masked = True
        self._check_sources()
        self.aligned(self.vd)
        self.require(self.vd != 0)
        if self.vec.vstart < self.vec.vl:
            a, b = self.group(self.vs2), self.source(rs1)
            self.write(np.where(self.mask(), np.asarray(b, a.dtype), a), None, fx)  # type: ignore[arg-type]
        self.finish()

    def mask_logic(self, rs1: int, rs2: int, fx: Effects) -> None:
        """vmand.mm and its kin: bits vstart to vl - 1 (E-15)."""
        self.begin()
        start, stop = self.vec.vstart, self.vec.vl
        if start < stop:
            a, b = (self.vec.mask_bits(register, start, stop) for register in (self.vs2, self.vs1))
            self.write_bits(_MASK_LOGIC[self.name](a, b), None, fx)
        self.finish()

    def index(self, rs1: int, rs2: int, fx: Effects) -> None:
        """vid.v (E-12)."""
        self.begin()
        self.aligned(self.vd)
        self.require(not (self.masked and self.vd == 0))
        start, stop = self.vec.vstart, self.vec.vl
        if start < stop:
            dtype = self.vec.elements[self.vec.type.sew // 8].dtype
            self.write(np.arange(start, stop).astype(dtype), self.mask(), fx)
        self.finish()

    def to_scalar(self, rs1: int, rs2: int, fx: Effects) -> int:
        """vmv.x.s: element 0, sign-extended, whatever vl and LMUL (E-7)."""
        self.begin()
        size = self.vec.type.sew // 8
        value = sext(int(self.vec.elements[size][self.vs2 * self.vec.vlenb // size]), 8 * size)
        self.finish()
        return value

    def from_scalar(self, rs1: int, rs2: int, fx: Effects) -> None:
        """vmv.s.x: element 0 if there is a body (E-8)."""
        self.begin()
        if self.vec.vstart < self.vec.vl:
            size = self.vec.type.sew // 8
            self.vec.elements[size][self.vd * self.vec.vlenb // size] = rs1 & (1 << 8 * size) - 1
            fx.regs.add(self.vd)
        self.finish()

    def whole_registers(self, rs1: int, rs2: int, fx: Effects) -> None:
        """vmv<nr>r.v: from vstart (in SEW units) to the end of nr registers (E-11); none is written if vd is vs2."""
        count = int(self.name[3])
        self.begin()
        self.require(self.vd % count == 0 and self.vs2 % count == 0)
        vlenb = self.vec.vlenb
        start, stop = self.vec.vstart * self.vec.type.sew // 8, count * vlenb
        if start < stop and self.vd != self.vs2:
            source = self.vec.flat[self.vs2 * vlenb + start : self.vs2 * vlenb + stop].copy()
            self.vec.flat[self.vd * vlenb + start : self.vd * vlenb + stop] = source
            fx.regs |= touched(self.vec, self.vd, 1, start, stop, None)
        self.finish()


def compile_vop(hart: Hart, d: Decoded) -> Execute:
    """Bind an element-wise, mask or move instruction to `hart`."""
    op = _VectorOp(hart, d)
    special: dict[str, Execute] = {
        "vmv.x.s": op.to_scalar,
        "vmv.s.x": op.from_scalar,
        "vid.v": op.index,
    }
    if d.mnemonic in special:
        return special[d.mnemonic]
    if op.name in _ARITHMETIC:
        return op.elementwise
    if op.name in _COMPARE:
        return op.compare
    if op.name in _MASK_LOGIC:
        return op.mask_logic
    if op.name == "vmerge":
        return op.merge
    return op.move if op.name == "vmv" else op.whole_registers


def compile_vset(hart: Hart, d: Decoded) -> Execute:
    """Bind vsetvli, vsetivli or vsetvl to `hart` (C-1 to C-10)."""
    vec, latitude, vlen = hart.vec, hart.config.latitude, hart.config.vlen
    fields = d.fields
    keep_vl = fields["rd"] == 0 and fields.get("rs1") == 0
    all_ones = fields["rd"] != 0 and fields.get("rs1") == 0

    def execute(rs1: int, rs2: int, fx: Effects) -> int:
        if not hart.vector_on():
            raise hart.illegal(d.word)
        requested = decode_vtype(fields.get("vtypei", rs2), vlen, latitude.wide_sew_vill)
        if requested.vill and latitude.illegal_vtype_trap:
            raise hart.illegal(d.word)
        avl = fields.get("uimm", rs1)
        vec.type, vec.vl = vset(None if keep_vl else M64 if all_ones else avl, vec.type, vec.vl, requested, latitude)
        vec.vstart = 0
        hart.dirty_vs()
        return vec.vl

    return execute
