# SPDX-License-Identifier: Apache-2.0
"""The vector loads and stores that the block lacks: indexed, and of segments (D-22, D-23).

Harts that stand for other cores execute them (`HartConfig.wide`). Each field of each active element is an access of its
own, in order: element by element, and field by field in each. What precedes a fault is done, in its element, too
(L-20).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from vctx.pymodel.isa import vmem
from vctx.pymodel.isa.bits import M64
from vctx.pymodel.isa.effects import Effects, Execute
from vctx.pymodel.isa.encoding import Decoded
from vctx.pymodel.isa.errors import ArchTrap, InterruptedInsn
from vctx.pymodel.isa.mmu import Access
from vctx.pymodel.isa.state import HartState
from vctx.pymodel.isa.vtype import Vtype
from vctx.pymodel.trace.records import PAGE_SHIFT, PAGE_SIZE, ByteRuns

_FORM = re.compile(r"v([ls])(s?)([uo]x)?(?:seg(\d))?e(i?)(\d+)(ff)?\.v")
_OFFSET = PAGE_SIZE - 1


@dataclass(frozen=True, slots=True)
class SegmentForm:
    """What the encoding alone says.

    Attributes:
        eew: bytes of the width in the encoding: of the data, or of an index.
        fields: fields of a segment, 1 for what is none.
        indexed, strided, first_only: which kind it is.
    """

    eew: int
    fields: int
    indexed: bool
    strided: bool
    first_only: bool


def segment_form(mnemonic: str) -> SegmentForm | None:
    """Return the form of an indexed or segment access; None for any other vector load or store."""
    found = _FORM.fullmatch(mnemonic)
    if found is None or not (found[3] or found[4]):
        return None
    return SegmentForm(int(found[6]) // 8, int(found[4] or 1), bool(found[3]), bool(found[2]), bool(found[7]))


class _SegmentAccess:
    """One such instruction bound to a hart."""

    def __init__(self, hart: HartState, d: Decoded, form: SegmentForm) -> None:
        self.hart = hart
        self.vec = hart.vec
        self.word = d.word
        self.form = form
        self.store = "vs3" in d.fields
        self.access: Access = "store" if self.store else "load"
        self.reg = d.fields["vs3" if self.store else "vd"]
        self.index = d.fields.get("vs2", 0)
        self.masked = d.fields["vm"] == 0

    def execute(self, rs1: int, rs2: int, fx: Effects) -> None:
        """Execute with base address `rs1` and, where there is one, stride `rs2`."""
        hart, vec, form = self.hart, self.vec, self.form
        vtype, start, evl = vec.type, vec.vstart, vec.vl
        latitude = hart.config.latitude
        late = latitude.vstart_vlmax_trap and start and start >= vtype.vlmax
        if vtype.vill or late or not self._legal(vtype) or not hart.vector_on():
            raise hart.illegal(self.word)
        size = vtype.sew // 8 if form.indexed else form.eew
        registers = max(1, size * vtype.lmul_eighths // vtype.sew)  # of one field: EMUL is EEW/SEW * LMUL
        offsets = self._offsets(rs2, size, evl)
        mask = vec.mask_value(0) if self.masked else -1
        stored: dict[int, int] = {}
        fx.moved = []
        trims = False
        try:
            for i in range(start, evl):
                if hart.irq_elem is not None and i >= hart.irq_elem:
                    vec.vstart = i
                    if i > start:
                        hart.executed(True)
                    raise InterruptedInsn
                if mask >> i & 1:
                    self._segment(i, rs1 + offsets[i], size, registers, stored, fx)
        except ArchTrap:
            if not form.first_only or i == 0:
                vec.vstart = i  # D-23: the segment where it stopped
                hart.executed(bool(fx.regs or i != start))
                raise
            vec.vl, trims = i, True  # D-14
        finally:
            if stored:
                fx.stored = ByteRuns.of(stored)
        vec.vstart = 0
        hart.executed(bool(fx.regs or start or trims))

    def _segment(self, i: int, base: int, size: int, registers: int, stored: dict[int, int], fx: Effects) -> None:
        """Move the fields of element `i`, one after the other."""
        hart, vec, memory = self.hart, self.vec, self.hart.memory
        for field in range(self.form.fields):
            address = base + field * size & M64
            xlat = hart.mmu.xlat(address, self.access)
            if xlat.fault or address % size:
                hart.mmu.page(address, self.access, size)  # raises
            if not fx.xlat or fx.xlat[-1] is not xlat:
                fx.xlat += (xlat,)
            paddr = xlat.ppn << PAGE_SHIFT | address & _OFFSET
            register = self.reg + field * registers
            at = register * vec.vlenb + i * size
            if self.store:
                data = vec.view[at : at + size].tobytes()
                memory.write(paddr, data, hart.hart_id)
                stored.update(enumerate(data, paddr))
                fx.moved.append((address, size, int.from_bytes(data, "little")))
            else:
                vec.view[at : at + size] = memory.read(paddr, size)
                fx.regs |= 1 << at // vec.vlenb
                fx.moved.append((address, size, None))

    def _offsets(self, rs2: int, size: int, evl: int) -> list[int] | range:
        """Return how far each element is from the base; read before anything is loaded."""
        form, vec = self.form, self.vec
        if form.indexed:
            first = self.index * vec.vlenb // form.eew
            offsets: list[int] = vec.elements[form.eew][first : first + evl].tolist()
            return offsets
        if form.strided:
            return [i * rs2 for i in range(evl)]
        return range(0, evl * size * form.fields, size * form.fields)

    def _legal(self, vtype: Vtype) -> bool:
        """Tell whether the encoding is legal under a vtype (D-3, D-4, D-22)."""
        form = self.form
        eighths = 8 * form.eew * vtype.lmul_eighths // vtype.sew  # EMUL of the encoded width
        if not 1 <= eighths <= 64:
            return False
        if self.masked and self.reg == 0 and (not self.store or self.hart.config.latitude.masked_v0_store_trap):
            return False
        count = max(1, eighths // 8)
        data = vtype.group if form.indexed else count
        if self.reg % data or form.fields * data > 8 or self.reg + form.fields * data > 32:
            return False
        return not form.indexed or (self.index % count == 0 and (self.store or self._apart(vtype, eighths)))

    def _apart(self, vtype: Vtype, eighths: int) -> bool:
        """Tell whether the fields of a load and its indexes overlap only where that is legal (E-18)."""
        data, count = vtype.group, max(1, eighths // 8)
        size = vtype.sew // 8
        for field in range(self.form.fields):
            vd = self.reg + field * data
            if vd + data <= self.index or self.index + count <= vd:
                continue
            if self.form.fields > 1:  # D-22: a segment load must not overwrite its indexes
                return False
            wider, narrower = self.form.eew > size, self.form.eew < size
            if wider and vd != self.index:
                return False
            if narrower and (eighths < 8 or vd + data != self.index + count):
                return False
        return True


def compile_vmem(hart: HartState, d: Decoded) -> Execute:
    """Bind a vector load or store to `hart`."""
    form = segment_form(d.mnemonic)
    return vmem.compile_vmem(hart, d) if form is None else _SegmentAccess(hart, d, form).execute
