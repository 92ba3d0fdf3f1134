# SPDX-License-Identifier: Apache-2.0
"""Address translation: Bare, Sv39, Sv39x4 with Svade, and an overlay that injects page faults.

Translation has no side effect (a clear A or D bit is a page fault), so it can be asked at any time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple

from vctx.pymodel.isa import bits
from vctx.pymodel.isa.bits import sext
from vctx.pymodel.isa.compiled import CodePage
from vctx.pymodel.isa.csr_numbers import MSTATUS, VSSTATUS, Csr
from vctx.pymodel.isa.errors import ArchTrap, Cause
from vctx.pymodel.isa.memory import Memory
from vctx.pymodel.isa.registers import HartRegisters
from vctx.pymodel.trace.records import PAGE_SHIFT, PAGE_SIZE, Xlat

Access = Literal["fetch", "load", "store"]
Views = tuple[memoryview, ...]  # of a page: see `Memory.views`
Target = tuple[int, Views, set[int]]  # of a store: physical address of the page, its views, its lines that are watched

_PAGE: dict[Access, Cause] = {"fetch": Cause.FETCH_PAGE, "load": Cause.LOAD_PAGE, "store": Cause.STORE_PAGE}
_GUEST: dict[Access, Cause] = {
    "fetch": Cause.FETCH_GUEST_PAGE,
    "load": Cause.LOAD_GUEST_PAGE,
    "store": Cause.STORE_GUEST_PAGE,
}
_ACCESS: dict[Access, Cause] = {"fetch": Cause.FETCH_ACCESS, "load": Cause.LOAD_ACCESS, "store": Cause.STORE_ACCESS}
_MISALIGNED: dict[Access, Cause] = {"load": Cause.LOAD_MISALIGNED, "store": Cause.STORE_MISALIGNED}

_OFFSET = PAGE_SIZE - 1
_PTE_V, _PTE_R, _PTE_W, _PTE_X, _PTE_U, _PTE_A, _PTE_D = 1, 2, 4, 8, 16, 64, 128
_PTE_RESERVED = 0x3FF << 54  # N, PBMT and reserved bits: none of their extensions is present
_PPN = (1 << 44) - 1
_LEVELS = 3
_STATUS = bits.SUM | bits.MXR | bits.MPRV | bits.MPP | bits.MPV  # of mstatus, what matters to translation
_SATP, _VSATP, _HGATP = int(Csr.SATP), int(Csr.VSATP), int(Csr.HGATP)
_IMPLICIT_READ = 0x3000  # htinst/mtinst for a guest-page fault on a read of a VS-stage page table


class Context(NamedTuple):
    """Everything but the tables themselves that decides how an access is translated: the key of the caches.

    Attributes:
        prv, virt: effective privilege.
        atp: satp, or vsatp when `virt`; 0 in M-mode.
        hgatp: the second stage; 0 unless `virt`.
        sum, mxr: of the stage that checks the virtual address; `hs_mxr` of HS level applies at both stages.
        hlvx: the access is a load that needs execute permission instead of read.
    """

    prv: int
    virt: bool
    atp: int = 0
    hgatp: int = 0
    sum: bool = False
    mxr: bool = False
    hs_mxr: bool = False
    hlvx: bool = False


class _Selection(NamedTuple):
    """What is used in one state of mode, status and table roots."""

    fetch: Context
    data: Context
    code: dict[int, CodePage]
    loads: dict[int, Views]
    stores: dict[int, Target]
    xlats: dict[tuple[int, Access], Xlat]


class _PteFault(Exception):  # noqa: N818 (internal control flow)
    """The walk found no usable leaf."""


class Mmu:
    """The translation of one hart.

    Attributes:
        fault_pages: virtual page number -> kinds of access ("fetch", "load", "store") that take a page fault there
            whatever the page tables say; may be changed at any time.
        code: compiled code by virtual page number, valid for the present fetch context.
        loads: views of memory by virtual page number, for loads in the present data context, if no page faults.
        stores: what stores write to, likewise.
    """

    def __init__(self, hart: HartRegisters, memory: Memory) -> None:
        self.hart = hart
        self.memory = memory
        self.fault_pages: dict[int, set[str]] = {}
        # Physical address of each page by virtual page number; tables are read once, as hardware may, until a fence.
        self._tlbs: dict[tuple[Access, Context], dict[int, int]] = {}
        # What was in use in each state of mode and CSRs: a hypervisor comes back to the same few.
        self._selections: dict[tuple[int, ...], _Selection] = {}
        self._codes: dict[Context, dict[int, CodePage]] = {}  # apart, as many selections fetch alike
        self._key: tuple[int, ...] = ()  # of the selection in use
        self._use(_Selection(Context(3, False), Context(3, False), {}, {}, {}, {}))

    def flush(self) -> None:
        """Forget every cached translation (sfence.vma, hfence.*)."""
        self._tlbs.clear()
        self._codes.clear()
        self._selections.clear()
        self._key = ()
        self.select()

    def select(self) -> None:
        """Follow a change of mode, status or table root: choose the contexts for fetches and data accesses."""
        hart = self.hart
        values = hart.csr_values
        status, own = values[MSTATUS], values[VSSTATUS]
        # Everything that the contexts are made of.
        key = (
            *hart.mode,
            status & _STATUS,
            own & (bits.SUM | bits.MXR),
            values[_SATP],
            values[_VSATP],
            values[_HGATP],
        )
        if key == self._key:
            return
        self._key = key
        selection = self._selections.get(key)
        if selection is None:
            selection = self._selections[key] = self._select(status)
        self._use(selection)

    def _select(self, status: int) -> _Selection:
        hart = self.hart
        fetch = data = self._context(*hart.mode)
        if status & bits.MPRV:  # B-14: it moves the access, not the check of VS
            prv = (status & bits.MPP) >> bits.MPP_SHIFT
            data = self._context(prv, prv != 3 and bool(status & bits.MPV))
        return _Selection(fetch, data, self._codes.setdefault(fetch, {}), {}, {}, {})

    def _use(self, selection: _Selection) -> None:
        self._fetch, self._data, self.code, self.loads, self.stores, self._xlats = selection

    def load_page(self, vaddr: int, size: int) -> Views:
        """Return the memory of the page at `vaddr`, for a load of `size` bytes, or raise ArchTrap."""
        views = self.memory.views(self.page(vaddr, "load", size) >> PAGE_SHIFT)
        self.loads[vaddr >> PAGE_SHIFT] = views
        return views

    def store_page(self, vaddr: int, size: int) -> Target:
        """Return the page at `vaddr`, for a store of `size` bytes, or raise ArchTrap."""
        page, memory = self.page(vaddr, "store", size), self.memory
        target = page, memory.views(page >> PAGE_SHIFT), memory.watched(page >> PAGE_SHIFT)
        self.stores[vaddr >> PAGE_SHIFT] = target
        return target

    def page(self, vaddr: int, access: Access, size: int = 1) -> int:
        """Return the physical address of the page that holds `vaddr` for an access in the present mode.

        Raises:
            ArchTrap: misaligned (of a load or store of `size` bytes), page, guest-page or access fault.
        """
        context = self._fetch if access == "fetch" else self._data
        return self.page_in(context, vaddr, access, size)

    def page_in(self, context: Context, vaddr: int, access: Access, size: int = 1) -> int:
        """As :meth:`page`, for an explicit context."""
        if vaddr & size - 1:
            raise ArchTrap(_MISALIGNED[access], vaddr, gva=context.virt)
        vpn = vaddr >> PAGE_SHIFT
        if access in self.fault_pages.get(vpn, ()):
            raise ArchTrap(_PAGE[access], vaddr, gva=context.virt)
        tlb = self._tlbs.setdefault((access, context), {})
        page = tlb.get(vpn)
        if page is None:
            page = tlb[vpn] = self._walk(context, vaddr, access)
        return page

    def hypervisor_context(self, *, hlvx: bool) -> Context:
        """Return the context of hlv, hlvx and hsv: V=1, privilege hstatus.SPVP."""
        spvp = self.hart.csr_values[Csr.HSTATUS] & bits.SPVP
        return self._context(1 if spvp else 0, True, hlvx=hlvx)

    def xlat(self, vaddr: int, access: Access) -> Xlat:
        """Return what the translate port answers for the page of `vaddr`."""
        vpn = vaddr >> PAGE_SHIFT
        answer = None if self.fault_pages else self._xlats.get((vpn, access))
        if answer is None:
            try:
                answer = self._xlats[vpn, access] = Xlat(vpn, ppn=self.page(vaddr, access) >> PAGE_SHIFT)
            except ArchTrap as trap:
                return Xlat(vpn, fault=trap.cause, gpn=trap.tval2 >> PAGE_SHIFT - 2)
        return answer

    def _context(self, prv: int, virt: bool, *, hlvx: bool = False) -> Context:
        if prv == 3:
            return Context(3, False)
        values = self.hart.csr_values
        hs = values[Csr.MSTATUS]
        own, atp, hgatp = hs, values[Csr.SATP], 0
        if virt:
            own, atp, hgatp = values[Csr.VSSTATUS], values[Csr.VSATP], values[Csr.HGATP]
        own_sum, own_mxr, hs_mxr = bool(own & bits.SUM), bool(own & bits.MXR), bool(hs & bits.MXR)
        return Context(prv, virt, atp, hgatp, own_sum, own_mxr, hs_mxr, hlvx)

    def _walk(self, context: Context, vaddr: int, access: Access) -> int:
        try:
            address = self._first_stage(context, vaddr, access) if context.atp >> 60 else vaddr
        except _PteFault:
            raise ArchTrap(_PAGE[access], vaddr, gva=context.virt) from None
        if context.virt:
            address = self._second_stage(context, address, access, vaddr)
        if address not in self.memory:
            raise ArchTrap(_ACCESS[access], vaddr, gva=context.virt)
        return address & ~_OFFSET

    def _first_stage(self, context: Context, vaddr: int, access: Access) -> int:
        if sext(vaddr, 39) != vaddr:
            raise _PteFault

        def read_pte(address: int) -> int:
            if context.virt:
                address = self._second_stage(context, address, access, vaddr, implicit=True)
            return self._read_pte(address, access, vaddr, context.virt)

        pte, size = _find_leaf(read_pte, _root(context.atp), vaddr, 9)
        own_page = bool(pte & _PTE_U) == (context.prv == 0)
        allowed = own_page or (context.prv == 1 and context.sum and access != "fetch")
        if not allowed or not _permits(pte, access, context.mxr or context.hs_mxr, context.hlvx):
            raise _PteFault
        return (pte >> 10 << PAGE_SHIFT) | vaddr & size - 1

    def _second_stage(self, context: Context, gpa: int, access: Access, vaddr: int, *, implicit: bool = False) -> int:
        """Translate a guest-physical address; `implicit` for a read of a VS-stage page table."""
        if not context.hgatp >> 60:
            return gpa
        kind: Access = "load" if implicit else access
        try:
            if gpa >> 41:
                raise _PteFault
            pte, size = _find_leaf(
                lambda address: self._read_pte(address, access, vaddr, True), _root(context.hgatp), gpa, 11
            )
            mxr, hlvx = context.hs_mxr and not implicit, context.hlvx and not implicit  # of explicit accesses
            if not pte & _PTE_U or not _permits(pte, kind, mxr, hlvx):
                raise _PteFault
        except _PteFault:
            tinst = _IMPLICIT_READ if implicit else 0
            raise ArchTrap(_GUEST[access], vaddr, tval2=gpa >> 2, gva=True, tinst=tinst) from None
        return (pte >> 10 << PAGE_SHIFT) | gpa & size - 1

    def _read_pte(self, address: int, access: Access, vaddr: int, virt: bool) -> int:
        if address not in self.memory:
            raise ArchTrap(_ACCESS[access], vaddr, gva=virt)
        return self.memory.load(address, 8)


def _root(atp: int) -> int:
    return (atp & _PPN) << PAGE_SHIFT


def _find_leaf(read_pte: Callable[[int], int], table: int, address: int, top_bits: int) -> tuple[int, int]:
    """Walk three levels; return the leaf PTE and the size of its page in bytes. `top_bits` index the root table."""
    for level in range(_LEVELS - 1, -1, -1):
        shift = PAGE_SHIFT + 9 * level
        width = top_bits if level == _LEVELS - 1 else 9
        pte = read_pte(table + 8 * (address >> shift & (1 << width) - 1))
        if not pte & _PTE_V or pte & (_PTE_R | _PTE_W) == _PTE_W or pte & _PTE_RESERVED:
            raise _PteFault
        if pte & (_PTE_R | _PTE_X):
            size = 1 << shift
            if pte >> 10 << PAGE_SHIFT & size - 1:  # misaligned superpage
                raise _PteFault
            return pte, size
        if pte & (_PTE_U | _PTE_A | _PTE_D):  # reserved in a PTE that is no leaf
            raise _PteFault
        table = pte >> 10 << PAGE_SHIFT
    raise _PteFault


def _permits(pte: int, access: Access, mxr: bool, hlvx: bool) -> bool:
    """Check R, W, X and, as Svade, A and D."""
    if access == "store":
        needed = pte & _PTE_W and pte & _PTE_D
    elif access == "fetch" or hlvx:
        needed = pte & _PTE_X
    else:
        needed = pte & _PTE_R or (mxr and pte & _PTE_X)
    return bool(needed and pte & _PTE_A)
