# SPDX-License-Identifier: Apache-2.0
"""Vector loads and stores: which elements move, where they stop, and why (D).

Elements go in order. Those of a unit-stride access go page by page: a misaligned base traps at the first active
element, a page with a fault at its first active element. Those of a strided access go one by one. At one element the
order is irq, misaligned, page fault.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from vctx.pymodel.isa.bits import M64
from vctx.pymodel.isa.effects import Effects, Execute
from vctx.pymodel.isa.encoding import Decoded
from vctx.pymodel.isa.errors import ArchTrap, InterruptedInsn
from vctx.pymodel.isa.mmu import Access
from vctx.pymodel.isa.state import HartState
from vctx.pymodel.isa.vector import touched
from vctx.pymodel.isa.vector_state import Booleans
from vctx.pymodel.isa.vtype import Vtype
from vctx.pymodel.trace.records import PAGE_SHIFT, PAGE_SIZE, ByteRuns, Xlat, set_runs

_ELEMENTS = re.compile(r"v[ls](s?)e(\d+)(ff)?\.v")
_WHOLE = re.compile(r"v[ls](\d)r(?:e(\d+))?\.v")
_OFFSET = PAGE_SIZE - 1


@dataclass(frozen=True, slots=True)
class ElementForm:
    """What the encoding alone says.

    Attributes:
        size: EEW in bytes.
        whole: registers of a whole-register access, else 0.
        mask: vlm.v or vsm.v.
        first_only: fault-only-first.
        strided: x[rs2] is the distance from one element to the next (D-24).
    """

    size: int
    whole: int = 0
    mask: bool = False
    first_only: bool = False
    strided: bool = False

    def count(self, vl: int, vlenb: int) -> int:
        """Return evl, the number of elements (D-16 to D-19)."""
        if self.whole:
            return self.whole * vlenb // self.size
        return -(-vl // 8) if self.mask else vl

    def stride(self, rs2: int) -> int:
        """Return the distance from one element to the next in bytes, given x[rs2]; negative as its complement."""
        return rs2 if self.strided else self.size


def element_form(mnemonic: str) -> ElementForm:
    """Return the form of a vector load or store."""
    if elements := _ELEMENTS.fullmatch(mnemonic):
        return ElementForm(int(elements[2]) // 8, first_only=bool(elements[3]), strided=bool(elements[1]))
    if whole := _WHOLE.fullmatch(mnemonic):
        return ElementForm(int(whole[2] or 8) // 8, whole=int(whole[1]))
    return ElementForm(1, mask=True)


class _VectorAccess:
    """One vector load or store instruction bound to a hart."""

    def __init__(self, hart: HartState, d: Decoded) -> None:
        self.hart = hart
        self.vec = hart.vec
        self.vlenb = hart.vec.vlenb
        self.word = d.word
        self.form = element_form(d.mnemonic)
        self.size = self.form.size
        self.store = "vs3" in d.fields
        self.access: Access = "store" if self.store else "load"
        self.reg = d.fields["vs3" if self.store else "vd"]
        self.masked = d.fields.get("vm") == 0
        self._bound: tuple[Vtype, int] | None = None  # vtype and vl of what `_bind` found

    def execute(self, rs1: int, rs2: int, fx: Effects) -> None:
        """Execute with base address `rs1` and, where there is one, stride `rs2`."""
        hart, vec = self.hart, self.vec
        self.stride = self.form.stride(rs2)
        evl = self._check()
        start = vec._vstart
        if start == 0 and self._move_all(rs1, fx):
            hart.executed(bool(fx.regs))
            return
        trims = False
        if start < evl:
            irq = hart.irq_elem
            stop, interrupted = self._transfer(rs1, start, evl, evl if irq is None else max(irq, start), fx)
            if stop < evl and self.form.first_only and stop > 0 and not interrupted:
                vec.vl = stop  # D-14: the exception of an element > 0 trims vl instead
                trims = True
            elif stop < evl:
                vec.vstart = stop  # D-8: a fault at element i leaves i there, and all before it done
                if stop > start or not interrupted:  # B-9: it has changed something; a fault may count anyway
                    hart.executed(stop > start)
                raise InterruptedInsn if interrupted else self._trap(rs1 + stop * self.stride & M64)
        vec.vstart = 0  # zero after every vector instruction; D-6: also if there was nothing to do
        hart.executed(bool(fx.regs or start or trims))

    def _check(self) -> int:
        """Return evl, the number of elements, or raise illegal instruction (D-1 to D-4, D-16 to D-19)."""
        hart, vec = self.hart, self.vec
        state = vec.type, vec.vl
        if state != self._bound:
            self._bind(*state)
            self._bound = state
        vstart = vec._vstart
        if not self._legal or (vstart and not self._start_legal(vstart)) or not hart.vector_on():
            raise hart.illegal(self.word)
        return self._evl

    def _bind(self, vtype: Vtype, vl: int) -> None:
        """Find what stays the same until vtype or vl changes: legality, elements, and the place of them all."""
        self._legal = self._legal_with(vtype)
        self._evl = evl = self.form.count(vl, self.vlenb)
        self._length = evl * self.size
        origin = self.reg * self.vlenb
        self._place = self.vec.view[origin : origin + self._length]
        self._regs = touched(self.vlenb, self.reg, self.size, 0, evl, None)

    def _start_legal(self, vstart: int) -> bool:
        """Tell whether a `vstart` other than 0 is acceptable."""
        latitude = self.hart.config.latitude
        if self.form.whole:
            return not latitude.vstart_wholereg_trap or vstart < self._evl
        return not latitude.vstart_vlmax_trap or vstart < self.form.count(self.vec.type.vlmax, self.vlenb)

    def _legal_with(self, vtype: Vtype) -> bool:
        """Tell whether the encoding is legal under `vtype`."""
        form = self.form
        if form.whole:  # D-17: registers aligned to their number; D-18: vill and vl do not matter
            return self.reg % form.whole == 0
        if vtype.vill:
            return False
        # D-4: a masked load does not write v0; a masked store of v0 is reserved (L-14).
        if self.masked and self.reg == 0 and (not self.store or self.hart.config.latitude.masked_v0_store_trap):
            return False
        if form.mask:  # D-16: one register, whatever LMUL is
            return True
        # D-3: EMUL is EEW/SEW*LMUL, from 1/8 to 8, and a group starts at a multiple of it.
        emul_eighths = 8 * self.size * vtype.lmul_eighths // vtype.sew
        return 1 <= emul_eighths <= 64 and self.reg % max(1, emul_eighths // 8) == 0

    def _move_all(self, base: int, fx: Effects) -> bool:
        """Move all elements at once, if there is one page, no irq, and no exception; tell whether it was so."""
        hart, length, offset = self.hart, self._length, base & _OFFSET
        whole = length and offset + length <= PAGE_SIZE and not base % self.size
        if not whole or hart.irq_elem is not None:
            return False
        xlat = hart.mmu.xlat(base, self.access)
        if xlat.fault:
            return False
        fx.xlat = (xlat,)
        paddr = xlat.ppn << PAGE_SHIFT | offset
        if self.masked:
            self._move_active(paddr, fx)
        elif self.store:
            data = self._place.tobytes()
            hart.memory.write(paddr, data, hart.hart_id)
            fx.stored = ByteRuns(((paddr, data),), joined=True)
        else:
            self._place[:] = hart.memory.page(xlat.ppn)[offset : offset + length]
            fx.regs = self._regs
        return True

    def _move_active(self, paddr: int, fx: Effects) -> None:
        """Move the active ones of all elements, the first of which belongs to `paddr`; all are on one page."""
        evl = self._evl
        active = self.vec.mask_value(0) & (1 << evl) - 1
        if not active:
            return
        if self.store:
            runs = self._store(paddr, 0, active)
            fx.stored = ByteRuns(runs, joined=True)
        else:
            self._load(paddr, 0, evl, self.vec.mask_bits(0, 0, evl), fx)

    def _transfer(self, base: int, start: int, evl: int, irq: int, fx: Effects) -> tuple[int, bool]:
        """Move elements from `start`; return the element where it stopped and whether `irq` is what stopped it."""
        size = self.size
        mask = self.vec.mask_bits(0, start, evl) if self.masked else None
        pages = self._pages(base, start, evl)
        fx.xlat = tuple([xlat for _, _, xlat in pages])
        stored: list[tuple[int, bytes]] = []
        fault = self._first_fault(base, start, evl, mask, pages)
        interrupted = irq < evl and irq <= fault
        stop = irq if interrupted else fault
        for first, last, xlat in pages:
            last = min(last, stop)
            if first >= last:
                break
            part = None if mask is None else mask[first - start : last - start]
            if part is not None and not part.any():  # D-5: only active elements access memory
                continue
            paddr = xlat.ppn << PAGE_SHIFT | base + first * size & _OFFSET
            if self.store:
                active = (1 << last - first) - 1
                if self.masked:
                    active &= self.vec.mask_value(0) >> first
                stored += self._store(paddr, first, active)
            else:
                self._load(paddr, first, last, part, fx)
        if stored:
            fx.stored = ByteRuns(stored)
        return stop, interrupted

    def _pages(self, base: int, start: int, evl: int) -> list[tuple[int, int, Xlat]]:
        """Split elements `start` to `evl` - 1 by the page of their first byte, as (first, last + 1, translation)."""
        size, mmu = self.size, self.hart.mmu
        pages = []
        first = start
        while first < evl:
            address = base + first * size & M64
            last = min(evl, first - (-(PAGE_SIZE - (address & _OFFSET)) // size))
            pages.append((first, last, mmu.xlat(address, self.access)))
            first = last
        return pages

    def _first_fault(
        self, base: int, start: int, evl: int, mask: Booleans | None, pages: list[tuple[int, int, Xlat]]
    ) -> int:
        """Return the first element that raises an exception, or `evl`."""

        def first_active(first: int, last: int) -> int:
            if mask is None:
                return first
            active = np.flatnonzero(mask[first - start : last - start])  # D-10: what is masked off does not fault
            return first + int(active[0]) if active.size else evl

        if base % self.size:  # D-12: a misaligned element works or traps; here (L-16) it traps
            return first_active(start, evl)
        return min([first_active(first, last) for first, last, xlat in pages if xlat.fault], default=evl)

    def _trap(self, address: int) -> ArchTrap:
        try:
            self.hart.mmu.page(address, self.access, self.size)
        except ArchTrap as trap:
            return trap
        raise AssertionError("the faulting element does not fault")

    def _load(self, paddr: int, first: int, last: int, mask: Booleans | None, fx: Effects) -> None:
        """Load elements `first` to `last` - 1, of which the first one is at `paddr`."""
        vec, size = self.vec, self.size
        origin = self.reg * self.vlenb + first * size
        data = self.hart.memory.read(paddr, (last - first) * size)
        if mask is None:
            vec.view[origin : origin + len(data)] = data
        else:
            target = vec.flat[origin : origin + len(data)]
            np.copyto(target, np.frombuffer(data, np.uint8), where=np.repeat(mask, size))
        fx.regs |= touched(vec.vlenb, self.reg, size, first, last, mask)

    def _store(self, paddr: int, first: int, active: int) -> tuple[tuple[int, bytes], ...]:
        """Store elements from `first` on, of which that belongs to `paddr`, and return what was stored where.

        Bit i of `active` tells whether element `first` + i is active.
        """
        view, memory, size, hart_id = self.vec.view, self.hart.memory, self.size, self.hart.hart_id
        origin = self.reg * self.vlenb + first * size
        stored = []
        for at, count in set_runs(active):
            start = at * size
            data = view[origin + start : origin + start + count * size].tobytes()
            memory.write(paddr + start, data, hart_id)
            stored.append((paddr + start, data))
        return tuple(stored)


class _StridedAccess(_VectorAccess):
    """One strided load or store: each active element is an access of its own, in order (D-24)."""

    def _move_all(self, base: int, fx: Effects) -> bool:
        return False

    def _transfer(self, base: int, start: int, evl: int, irq: int, fx: Effects) -> tuple[int, bool]:
        """Move active elements from `start`; see `_VectorAccess._transfer`."""
        mmu, size = self.hart.mmu, self.size
        mask = self.vec.mask_value(0) if self.masked else -1
        addresses = {i: base + i * self.stride & M64 for i in range(start, evl) if mask >> i & 1}
        pages = {i: mmu.xlat(address, self.access) for i, address in addresses.items()}
        fx.xlat = tuple(page for page, _ in groupby(pages.values()))
        fault = next((i for i, page in pages.items() if addresses[i] % size or page.fault), evl)
        interrupted = irq < evl and irq <= fault
        stop = irq if interrupted else fault
        stored: dict[int, int] = {}  # of two elements in one place, the later one stays
        for i, page in pages.items():
            if i >= stop:
                break
            paddr = page.ppn << PAGE_SHIFT | addresses[i] & _OFFSET
            if self.store:
                for address, data in self._store(paddr, i, 1):
                    stored |= enumerate(data, address)
            else:
                self._load(paddr, i, i + 1, None, fx)
        if stored:
            fx.stored = ByteRuns.of(stored)
        return stop, interrupted


def compile_vmem(hart: HartState, d: Decoded) -> Execute:
    """Bind a vector load or store to `hart`."""
    kind = _StridedAccess if element_form(d.mnemonic).strided else _VectorAccess
    return kind(hart, d).execute
