# SPDX-License-Identifier: Apache-2.0
"""Page tables that answer as the translate port of a trace did.

A trace holds only answers: page to page, or a fault. Answers that do not contradict each other share a set of tables,
Sv39 at the first stage; with V=1 a second stage, Sv39x4, maps all of RAM a long way up, and not the pages whose
guest-page faults are wanted. The code is seen through two pages of 1 GiB, one for U and VU and one for HS and VS.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from vctx.pymodel.errors import VctxError
from vctx.pymodel.trace.records import PAGE_SHIFT, PAGE_SIZE, Xlat

_SV39 = 8 << 60
_V, _R, _W, _X, _U, _AD = 1, 2, 4, 8, 16, 0xC0
_GIGAPAGE = 30
_GUEST_PAGES = (21, 23)
_PAGE_FAULTS = (13, 15)
_ACCESS = (5, 7)
_ROOT_SLOTS = range(4, 256)  # of the first stage: addresses that are no sign extension; 0 to 3 look like physical ones
_G_SLOTS = range(
    512, 1024
)  # of the second stage, above all guest-physical addresses; QEMU 7.2 has none from 1 << 40 on
G_ALIGN = 4 * PAGE_SIZE  # of the second stage's root (F-3)


class NoTablesError(VctxError):
    """No page tables give these answers."""


@dataclass(frozen=True)
class Answer:
    """What one page leads to: `ppn` of the trace's memory, `gpn` that faults, nowhere, or, without any, no page."""

    user: bool
    ppn: int | None = None
    gpn: int | None = None
    nowhere: bool = False

    @classmethod
    def of(cls, xlat: Xlat, *, user: bool, virt: bool) -> Answer:
        """Return what a page has to lead to; NoTablesError if no table can."""
        if xlat.fault in _PAGE_FAULTS:
            return cls(False)
        if xlat.vpn >> 26 not in (0, (1 << 26) - 1):
            raise NoTablesError(f"page {xlat.vpn:#x} is no Sv39 address")
        if xlat.fault in _GUEST_PAGES:
            if not virt or xlat.gpn >> 29:
                raise NoTablesError(f"no guest-page fault at page {xlat.vpn:#x}")
            return cls(user, gpn=xlat.gpn)
        if xlat.fault in _ACCESS:
            return cls(user, nowhere=True)
        return cls(user, ppn=xlat.ppn)


@dataclass
class TableSet:
    """One first stage: what it answers for each virtual page."""

    pages: dict[int, Answer] = field(default_factory=dict)

    def takes(self, answers: Mapping[int, Answer]) -> bool:
        """Add answers unless one of them contradicts; tell which."""
        if any(self.pages.get(vpn, answer) != answer for vpn, answer in answers.items()):
            return False
        self.pages.update(answers)
        return True


class Sets:
    """The sets of one kind, for V=0 or for V=1."""

    def __init__(self) -> None:
        self.sets = [TableSet()]
        self._last = 0

    def find(self, answers: Mapping[int, Answer]) -> int:
        """Return the number of a set that gives these answers: the one before, if it can."""
        numbers: list[int] = [self._last, *range(len(self.sets))]
        number = next((each for each in numbers if self.sets[each].takes(answers)), len(self.sets))
        if number == len(self.sets):
            self.sets.append(TableSet(dict(answers)))
        self._last = number
        return number

    @property
    def pages(self) -> set[int]:
        """Every virtual page that is asked for."""
        return {vpn for each in self.sets for vpn in each.pages}


class Tables:
    """Both kinds of sets as bytes at physical address `base`, which is a multiple of G_ALIGN.

    Args:
        host, guest: the sets for V=0 and for V=1.
        base: where the bytes go.
        code: any address of the gigabyte that code and RAM lie in.
        window: physical address of the trace's first page of memory; `first` is its number in the trace.
        hole: a physical address without memory.

    Attributes:
        image: the bytes.
        satp, vsatp: by number of the set.
        hgatp: of all of them.
    """

    def __init__(self, host: Sets, guest: Sets, *, base: int, code: int, window: int, first: int, hole: int) -> None:
        self.base = base
        self._moved = (window >> PAGE_SHIFT) - first
        self._hole = hole
        self._gigabyte = code >> _GIGAPAGE << _GIGAPAGE
        self._bytes = bytearray(G_ALIGN)
        every = [*host.sets, *guest.sets]
        roots = {vpn >> 18 & 0x1FF for each in every for vpn in each.pages}
        self._slots = _free(_ROOT_SLOTS, roots)
        taken = {answer.gpn >> 18 for each in every for answer in each.pages.values() if answer.gpn is not None}
        self._up, self._nowhere = (slot << _GIGAPAGE for slot in _free(_G_SLOTS, taken))
        for guest_address, target in ((self._up, self._gigabyte), (self._nowhere, hole)):
            self._put(0, guest_address >> _GIGAPAGE, target, _V | _R | _W | _X | _U | _AD)
        self.hgatp = _SV39 | base >> PAGE_SHIFT
        self.satp = [_SV39 | self._build(each, 0) >> PAGE_SHIFT for each in host.sets]
        lift = self._up - self._gigabyte
        self.vsatp = [_SV39 | self._build(each, lift) >> PAGE_SHIFT for each in guest.sets]

    @property
    def image(self) -> bytes:
        """The bytes."""
        return bytes(self._bytes)

    def seen(self, address: int, *, user: bool) -> int:
        """Return the virtual address at which code at physical `address` is seen below M-mode."""
        return self._slots[not user] << _GIGAPAGE | address & (1 << _GIGAPAGE) - 1

    def _build(self, pages: TableSet, lift: int) -> int:
        """Build a first stage, whose addresses are `lift` above the physical ones; return its root's address."""
        root = self._page()
        for slot, user in zip(self._slots, (_U, 0), strict=True):
            self._put(root, slot, lift + self._gigabyte, _V | _R | _X | _AD | user)
        tables: dict[tuple[int, int], int] = {}
        for vpn, answer in sorted(pages.pages.items()):
            if answer == Answer(False):
                continue
            table = root
            for level in (2, 1):
                prefix = level, vpn >> 9 * level
                if prefix not in tables:
                    tables[prefix] = self._page()
                    self._put(table, vpn >> 9 * level & 0x1FF, lift + self.base + tables[prefix], _V)
                table = tables[prefix]
            user = _U if answer.user else 0
            self._put(table, vpn & 0x1FF, self._target(answer, lift), _V | _R | _W | _AD | user)
        return lift + self.base + root

    def _target(self, answer: Answer, lift: int) -> int:
        if answer.ppn is not None:
            return lift + (answer.ppn + self._moved << PAGE_SHIFT)
        if answer.gpn is not None:
            return answer.gpn << PAGE_SHIFT
        return self._nowhere if lift else self._hole

    def _page(self) -> int:
        at = len(self._bytes)
        self._bytes += bytes(PAGE_SIZE)
        return at

    def _put(self, table: int, index: int, target: int, flags: int) -> None:
        at = table + 8 * index
        self._bytes[at : at + 8] = (target >> PAGE_SHIFT << 10 | flags).to_bytes(8, "little")


def _free(slots: Iterable[int], taken: set[int]) -> tuple[int, int]:
    """Return two slots that are not taken."""
    free = [slot for slot in slots if slot not in taken]
    if len(free) < 2:
        raise NoTablesError("the trace leaves no addresses for the code")
    return free[0], free[1]
