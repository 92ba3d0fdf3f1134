"""Vector loads and stores: which elements move, where they stop, and why (D).

Elements go in order, page by page. A misaligned base traps at the first active element, a page with a fault at its
first active element. At one element the order is irq, misaligned, page fault.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pymodel.isa.bits import M64
from pymodel.isa.effects import Effects, Execute
from pymodel.isa.encoding import Decoded
from pymodel.isa.errors import ArchTrap, InterruptedInsn
from pymodel.isa.mmu import Access
from pymodel.isa.vector import touched
from pymodel.trace.records import PAGE_SHIFT, PAGE_SIZE, Xlat

if TYPE_CHECKING:
    from pymodel.isa.hart import Hart

_UNIT = re.compile(r"v[ls]e(\d+)(ff)?\.v")
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
    """

    size: int
    whole: int = 0
    mask: bool = False
    first_only: bool = False

    def count(self, vl: int, vlenb: int) -> int:
        """Return evl, the number of elements (D-16 to D-19)."""
        if self.whole:
            return self.whole * vlenb // self.size
        return -(-vl // 8) if self.mask else vl


def element_form(mnemonic: str) -> ElementForm:
    """Return the form of a vector load or store."""
    if unit := _UNIT.fullmatch(mnemonic):
        return ElementForm(int(unit[1]) // 8, first_only=bool(unit[2]))
    if whole := _WHOLE.fullmatch(mnemonic):
        return ElementForm(int(whole[2] or 8) // 8, whole=int(whole[1]))
    return ElementForm(1, mask=True)


class _VectorAccess:
    """One vector load or store instruction bound to a hart."""

    def __init__(self, hart: Hart, d: Decoded) -> None:
        self.hart = hart
        self.vec = hart.vec
        self.word = d.word
        self.form = element_form(d.mnemonic)
        self.store = "vs3" in d.fields
        self.access: Access = "store" if self.store else "load"
        self.reg = d.fields["vs3" if self.store else "vd"]
        self.masked = d.fields.get("vm") == 0

    def execute(self, rs1: int, rs2: int, fx: Effects) -> None:
        """Execute with base address `rs1`."""
        hart, vec = self.hart, self.vec
        evl = self._check()
        start = vec.vstart
        if start < evl:
            irq = hart.irq_elem
            stop, interrupted = self._transfer(rs1, start, evl, evl if irq is None else max(irq, start), fx)
            if stop < evl and self.form.first_only and stop > 0 and not interrupted:
                vec.vl = stop  # D-14: the exception of an element > 0 trims vl instead
            elif stop < evl:
                vec.vstart = stop
                if stop > start or not interrupted:
                    hart.dirty_vs()
                raise InterruptedInsn if interrupted else self._trap(rs1 + stop * self.form.size & M64)
        vec.vstart = 0
        hart.dirty_vs()

    def _check(self) -> int:
        """Return evl, the number of elements, or raise illegal instruction (D-1 to D-4, D-16 to D-19)."""
        hart, vec, form = self.hart, self.vec, self.form
        latitude = hart.config.latitude
        legal = hart.vector_on()
        evl = form.count(vec.vl, vec.vlenb)
        if form.whole:
            legal = legal and self.reg % form.whole == 0
            legal = legal and not (latitude.vstart_wholereg_trap and vec.vstart >= evl)
        else:
            legal = legal and not vec.type.vill
            if not form.mask and legal:
                emul_eighths = 8 * form.size * vec.type.lmul_eighths // vec.type.sew
                legal = 1 <= emul_eighths <= 64 and self.reg % max(1, emul_eighths // 8) == 0
            if self.masked and self.reg == 0:
                legal = legal and self.store and not latitude.masked_v0_store_trap
            legal = legal and not (latitude.vstart_vlmax_trap and vec.vstart >= form.count(vec.type.vlmax, vec.vlenb))
        if not legal:
            raise hart.illegal(self.word)
        return evl

    def _transfer(self, base: int, start: int, evl: int, irq: int, fx: Effects) -> tuple[int, bool]:
        """Move elements from `start`; return the element where it stopped and whether `irq` is what stopped it."""
        size, mmu = self.form.size, self.hart.mmu
        mask = self.vec.mask_bits(0, start, evl) if self.masked else None
        pages = [
            (first, last, mmu.xlat(base + first * size & M64, self.access))
            for first, last in _pages(base, size, start, evl)
        ]
        fx.xlat = tuple(xlat for _, _, xlat in pages)
        fault = self._first_fault(base, start, evl, mask, pages)
        interrupted = irq < evl and irq <= fault
        stop = irq if interrupted else fault
        for first, last, xlat in pages:
            last = min(last, stop)
            if first >= last:
                break
            part = None if mask is None else mask[first - start : last - start]
            if part is None or part.any():
                paddr = xlat.ppn << PAGE_SHIFT | base + first * size & _OFFSET
                move = self._store if self.store else self._load
                move(paddr, first, last, part, fx)
        return stop, interrupted

    def _first_fault(
        self, base: int, start: int, evl: int, mask: NDArray[np.bool_] | None, pages: list[tuple[int, int, Xlat]]
    ) -> int:
        """Return the first element that raises an exception, or `evl`."""

        def first_active(first: int, last: int) -> int:
            if mask is None:
                return first
            active = np.flatnonzero(mask[first - start : last - start])
            return first + int(active[0]) if active.size else evl

        if base % self.form.size:
            return first_active(start, evl)
        return min((first_active(first, last) for first, last, xlat in pages if xlat.fault), default=evl)

    def _trap(self, address: int) -> ArchTrap:
        try:
            self.hart.mmu.page(address, self.access, self.form.size)
        except ArchTrap as trap:
            return trap
        raise AssertionError("the faulting element does not fault")

    def _span(self, first: int, last: int) -> NDArray[np.uint8]:
        """Return the register bytes of elements `first` to `last` - 1, as a view."""
        origin, size = self.reg * self.vec.vlenb, self.form.size
        return self.vec.flat[origin + first * size : origin + last * size]

    def _load(self, paddr: int, first: int, last: int, mask: NDArray[np.bool_] | None, fx: Effects) -> None:
        target = self._span(first, last)
        data = np.frombuffer(self.hart.memory.read(paddr, target.size), np.uint8)
        if mask is None:
            target[:] = data
        else:
            np.copyto(target, data, where=np.repeat(mask, self.form.size))
        fx.regs |= touched(self.vec, self.reg, self.form.size, first, last, mask)

    def _store(self, paddr: int, first: int, last: int, mask: NDArray[np.bool_] | None, fx: Effects) -> None:
        memory = self.hart.memory
        source = self._span(first, last)
        if mask is None:
            data = source.tobytes()
            memory.write(paddr, data, self.hart.hart_id)
            fx.mem.update(zip(range(paddr, paddr + len(data)), data, strict=True))
            return
        size = self.form.size
        for i in np.flatnonzero(mask).tolist():
            data = source[i * size : (i + 1) * size].tobytes()
            at = paddr + i * size
            memory.write(at, data, self.hart.hart_id)
            fx.mem.update(zip(range(at, at + size), data, strict=True))


def _pages(base: int, size: int, start: int, evl: int) -> Iterator[tuple[int, int]]:
    """Split elements `start` to `evl` - 1 by the page of their first byte, as (first, last + 1)."""
    first = start
    while first < evl:
        room = PAGE_SIZE - (base + first * size & _OFFSET)
        last = min(evl, first - (-room // size))
        yield first, last
        first = last


def compile_vmem(hart: Hart, d: Decoded) -> Execute:
    """Bind a vector load or store to `hart`."""
    return _VectorAccess(hart, d).execute
