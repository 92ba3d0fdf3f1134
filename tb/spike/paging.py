# SPDX-License-Identifier: Apache-2.0
"""Page tables for Spike that answer as the translate port of a trace did.

A trace holds no page tables, only the answers: page to page, or a fault. For each instruction that needs it, tables are
built that give just these answers: Sv39, and with V=1 a second stage Sv39x4. Guest-physical addresses of pages that do
not fault in the second stage are chosen freely, at WINDOW above the physical ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from vctx.pymodel.trace import PAGE_SHIFT, PAGE_SIZE, Issue, TraceError, Xlat

ALIGN = 4 * PAGE_SIZE  # of the tables: a root of the second stage has four pages (F-3)
_TABLES = 64  # beside the roots: two for a page far from all others, so that strided accesses find room, too
CODE_OFFSET = (5 + _TABLES) * PAGE_SIZE  # two roots, the tables, then a page for code
SIZE = CODE_OFFSET + PAGE_SIZE
WINDOW = 1 << 40

_SV39 = 8 << 60
_V, _R, _W, _X, _U, _AD = 1, 2, 4, 8, 16, 0xC0
_ROOT_G, _ROOT, _POOL = 0, 4 * PAGE_SIZE, 5 * PAGE_SIZE
_GIGAPAGE = 30
_CODE_SLOTS = range(4, 256)  # entries of the first-stage root that may map the code; data pages use a few others
_SECOND_STAGE = (21, 23)
_ACCESS = (5, 7)
_NOWHERE = 1 << 50  # a physical address that no memory has,
_WINDOW_NOWHERE = 3 << 39  # and a guest-physical one that leads there


@dataclass(frozen=True)
class Tables:
    """What to set up: the bytes of the tables, the first stage's register, hgatp, and where the code is seen."""

    image: bytes
    atp: int
    hgatp: int
    code: int


class _Image:
    """Tables under construction at physical address `base`."""

    def __init__(self, base: int, window: int) -> None:
        self.bytes = bytearray(CODE_OFFSET)
        self.base = base
        self._window = window
        self._free = _POOL
        self._tables: dict[tuple[int, int], int] = {}

    def put(self, table: int, index: int, target: int, flags: int) -> None:
        """Write one entry."""
        at = table + 8 * index
        self.bytes[at : at + 8] = (target >> PAGE_SHIFT << 10 | flags).to_bytes(8, "little")

    def map(self, vpn: int, target: int, flags: int) -> None:
        """Map one 4 KiB page in the first stage."""
        table = _ROOT
        for level in (2, 1):
            prefix = (level, vpn >> 9 * level)
            if prefix not in self._tables:
                if len(self._tables) == _TABLES:
                    raise TraceError("Spike cannot translate as many pages, far from each other, as an access has")
                self._tables[prefix] = self._free
                self._free += PAGE_SIZE
                self.put(table, vpn >> 9 * level & 0x1FF, self._window + self.base + self._tables[prefix], _V)
            table = self._tables[prefix]
        self.put(table, vpn & 0x1FF, target, flags)


def identity(xlat: Sequence[Xlat], base: int, end: int) -> bool:
    """Tell whether Spike gives these answers without translation, with memory at [`base`, `end`)."""
    return all(
        x.fault in _ACCESS and not base <= x.vpn << PAGE_SHIFT < end if x.fault else x.vpn == x.ppn for x in xlat
    )


def tables(issue: Issue, base: int) -> Tables:
    """Return tables at physical address `base` that answer `issue` as its `xlat` says.

    Raises:
        TraceError: no tables can.
    """
    window = WINDOW if _two_stages(issue) else 0
    user = _U if issue.prv == 0 else 0
    image = _Image(base, window)
    roots = {x.vpn >> 18 & 0x1FF for x in issue.xlat}
    slot = next(index for index in _CODE_SLOTS if index not in roots)
    code = base + CODE_OFFSET
    gigapage = -1 << _GIGAPAGE
    image.put(_ROOT, slot, window + (code & gigapage), _V | _R | _X | _AD | user)
    if window:
        for gpa, target in ((window + base, base & gigapage), (_WINDOW_NOWHERE, _NOWHERE)):
            image.put(_ROOT_G, gpa >> _GIGAPAGE, target, _V | _R | _W | _X | _U | _AD)
    for x in issue.xlat:
        canonical = (x.vpn >> 26) in (0, (1 << 26) - 1)
        if x.fault in (13, 15):
            continue
        if not canonical:
            raise TraceError(f"Spike cannot translate page {x.vpn:#x}: it is no Sv39 address")
        target = window + (x.ppn << PAGE_SHIFT)
        if x.fault in _SECOND_STAGE:
            target = x.gpn << PAGE_SHIFT
            taken = ((window + base) >> _GIGAPAGE, _WINDOW_NOWHERE >> _GIGAPAGE)
            if (issue.prv != 3 and not issue.virt) or target >> _GIGAPAGE in taken:
                raise TraceError(f"Spike cannot take a guest-page fault at page {x.vpn:#x}")
        elif x.fault in _ACCESS:
            target = _WINDOW_NOWHERE if window else _NOWHERE
        elif window and x.ppn << PAGE_SHIFT >> _GIGAPAGE != base >> _GIGAPAGE:
            raise TraceError(f"Spike cannot translate page {x.vpn:#x}: {x.ppn:#x} is too far from the tables")
        image.map(x.vpn, target, _V | _R | _W | _AD | user)
    atp = _SV39 | (window + base + _ROOT) >> PAGE_SHIFT
    hgatp = _SV39 | (base + _ROOT_G) >> PAGE_SHIFT if window else 0
    return Tables(bytes(image.bytes), atp, hgatp, slot << _GIGAPAGE | code & ~gigapage)


def _two_stages(issue: Issue) -> bool:
    return issue.virt or any(x.fault in _SECOND_STAGE for x in issue.xlat)
