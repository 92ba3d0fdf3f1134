# SPDX-License-Identifier: Apache-2.0
"""Windows: loads and stores next to one another whose addresses are checked together.

Most accesses of a routine go to a few places at constant distances from registers: its stack, a structure. One look at
such a register tells whether all of them are aligned, on one page, and on one whose translation is known.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from vctx.pymodel.isa.encoding import Decoded, Kind
from vctx.pymodel.isa.semantics import LOADS, STORES, Access

ACCESSES = frozenset({Kind.LOAD, Kind.STORE})
_WIDEST = 2048  # bytes from the first to the last access of a base


@dataclass
class Base:
    """The accesses of a window by one base register, which keeps its value up to the last of them.

    Attributes:
        low, high: range of bytes, from what the register holds. The largest access fits at `low` if it is aligned.
        align: size of the largest access; shifts: binary logarithms of all sizes.
        loads, stores: whether there are any.
    """

    register: int
    low: int
    high: int
    align: int = 1
    shifts: set[int] = field(default_factory=set)
    loads: bool = False
    stores: bool = False

    @property
    def span(self) -> int:
        """Bytes from the lowest address on."""
        return self.high - self.low

    def add(self, d: Decoded) -> bool:
        """Add an access by this base; tell whether that is possible."""
        access, imm = access_of(d), d.fields["imm"]
        align = max(self.align, access.size)
        low, high = min(self.low, imm), max(self.high, imm + access.size)
        if self.shifts:
            low -= low % align
            if imm % access.size or self.low % self.align or high - low > _WIDEST:
                return False
        self.low, self.high, self.align = low, high, align
        self.shifts.add(access.shift)
        self.loads |= d.kind is Kind.LOAD
        self.stores |= d.kind is Kind.STORE
        return True


@dataclass
class Window:
    """Instructions `first` to `last` - 1: accesses, and arithmetic between them."""

    first: int
    last: int
    bases: dict[int, Base]


def access_of(d: Decoded) -> Access:
    """Return what a load or store accesses."""
    return (STORES if d.kind is Kind.STORE else LOADS)[d.mnemonic]


def windows(code: Sequence[Decoded], first: int, last: int) -> Iterator[Window]:
    """Iterate over the windows that hold all loads and stores from `first` to `last` - 1.

    Between these there is nothing but loads, stores and arithmetic.
    """
    while first < last:
        if code[first].kind in ACCESSES:
            window = _window(code, first, last)
            yield window
            first = window.last
        else:
            first += 1


def _window(code: Sequence[Decoded], first: int, last: int) -> Window:
    """Return the longest window that begins at `first`, which is an access."""
    window = Window(first, first, {})
    written: set[int] = set()
    for index in range(first, last):
        d = code[index]
        if d.kind in ACCESSES:
            register, imm = d.fields["rs1"], d.fields["imm"]
            if register in written or not window.bases.setdefault(register, Base(register, imm, imm)).add(d):
                break
            window.last = index + 1
        if rd := d.fields.get("rd", 0):
            written.add(rd)
    return window
