# SPDX-License-Identifier: Apache-2.0
"""Sparse physical memory, shared by the harts of a machine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from vctx.pymodel.isa.errors import HartError, MemoryRangeError
from vctx.pymodel.trace.records import PAGE_SHIFT, PAGE_SIZE

_OFFSET = PAGE_SIZE - 1
VIEWS: Final = ("B", "b", "H", "h", "I", "i", "Q")
"""Elements as which a page can be seen, by their codes in :mod:`struct`; the order is that of `Memory.views`."""

_DOUBLE = VIEWS.index("Q")
LINE_SHIFT = 6  # 64-byte lines: what another hart's write takes a reservation of, and the unit in which writes are told


class Memory:
    """Byte-addressed little-endian RAM in 4 KiB pages that exist once touched.

    Args:
        regions: (base, size) pairs in bytes, multiples of 4096; nothing exists outside them.
        fill: value of every byte never written.

    Attributes:
        regions: as given.
        reserved: the address that each hart has reserved with LR, by hart; to be looked at only.

    >>> memory = Memory([(0x8000_0000, 0x2000)], fill=0)
    >>> memory.write(0x8000_0FFE, b"over a page")
    >>> memory.read(0x8000_1000, 9)
    b'er a page'
    >>> 0x8000_2000 in memory
    False
    """

    def __init__(self, regions: Sequence[tuple[int, int]], fill: int = 0xA5) -> None:
        for base, size in regions:
            if base % PAGE_SIZE or size % PAGE_SIZE or size <= 0:
                raise HartError(f"region ({base:#x}, {size:#x}) is not made of 4 KiB pages")
        self.regions = tuple(regions)
        self._fresh = bytes([fill]) * PAGE_SIZE  # a page before its first write
        self._pages: dict[int, bytearray] = {}  # by page number; those that were touched
        self._views: dict[int, tuple[memoryview, ...]] = {}  # of those pages, as VIEWS: made once, as each costs time
        self._watched: dict[int, set[int]] = {}  # lines watched, by page
        self._listeners: list[Callable[[int], None]] = []  # called with each watched line that is written
        self.reserved: dict[int, int] = {}

    def __contains__(self, paddr: int) -> bool:
        return any(base <= paddr < base + size for base, size in self.regions)

    def read(self, paddr: int, n: int) -> bytes:
        """Return `n` bytes from physical address `paddr`."""
        offset = paddr & _OFFSET
        if offset + n <= PAGE_SIZE:
            page = self._pages.get(paddr >> PAGE_SHIFT)
            if page is None:
                page = self.page(paddr >> PAGE_SHIFT)
            return bytes(page[offset : offset + n])
        head = PAGE_SIZE - offset
        return self.read(paddr, head) + self.read(paddr + head, n - head)

    def write(self, paddr: int, data: bytes | bytearray | memoryview, writer: int | None = None) -> None:
        """Write `data` at physical address `paddr`; nothing is written if any byte is out of range.

        Reservations of lines that it touches end, except those of the hart `writer`.
        """
        n = len(data)
        offset = paddr & _OFFSET
        ppn = paddr >> PAGE_SHIFT
        page = self._pages.get(ppn)
        if page is not None and offset + n <= PAGE_SIZE:
            page[offset : offset + n] = data
            if not self.reserved and not self._watched.get(ppn):
                return
        else:
            self._write_pages(paddr, data)
        self._written(range(paddr >> LINE_SHIFT, (paddr + n - 1 >> LINE_SHIFT) + 1), writer)

    def _write_pages(self, paddr: int, data: bytes | bytearray | memoryview) -> None:
        n = len(data)
        for ppn in range(paddr >> PAGE_SHIFT, (paddr + n - 1 >> PAGE_SHIFT) + 1):
            self.page(ppn)
        done = 0
        while done < n:
            offset = paddr + done & _OFFSET
            step = min(PAGE_SIZE - offset, n - done)
            self.page(paddr + done >> PAGE_SHIFT)[offset : offset + step] = data[done : done + step]
            done += step

    def load(self, paddr: int, size: int) -> int:
        """Return the `size`-byte little-endian integer at `paddr`."""
        if size == 8 and not paddr & 7:
            views = self._views.get(paddr >> PAGE_SHIFT) or self.views(paddr >> PAGE_SHIFT)
            return views[_DOUBLE][(paddr & _OFFSET) >> 3]
        return int.from_bytes(self.read(paddr, size), "little")

    def store(self, paddr: int, size: int, value: int) -> None:
        """Store the low `size` bytes of `value` at `paddr`, little-endian."""
        self.write(paddr, (value & ((1 << 8 * size) - 1)).to_bytes(size, "little"))

    def watch(self, line: int) -> None:
        """Report the next write to `line` (address >> LINE_SHIFT) to the listeners of :meth:`on_write`."""
        self.watched(line << LINE_SHIFT >> PAGE_SHIFT).add(line)

    def watched(self, ppn: int) -> set[int]:
        """Return the lines of a page that are watched now, in a set that follows what is watched later."""
        return self._watched.setdefault(ppn, set())

    def on_write(self, listener: Callable[[int], None]) -> None:
        """Call `listener(line)` when a watched line is written; the line is then no longer watched."""
        self._listeners.append(listener)

    def reserve(self, hart_id: int, paddr: int) -> None:
        """Register the reservation of LR at `paddr`."""
        self.reserved[hart_id] = paddr

    def reservation(self, hart_id: int) -> int | None:
        """Return the address that the hart has reserved."""
        return self.reserved.get(hart_id)

    def unreserve(self, hart_id: int, paddr: int) -> bool:
        """Drop the hart's reservation, as SC does; tell whether it was valid for `paddr`."""
        return self.reserved.pop(hart_id, None) == paddr

    def page(self, ppn: int) -> bytearray:
        """Return the bytes of a page, which stay those of the page; to be read only, since nobody hears of writes.

        Raises:
            MemoryRangeError: there is no such page.
        """
        page = self._pages.get(ppn)
        if page is None:
            if ppn << PAGE_SHIFT not in self:
                raise MemoryRangeError(f"no memory at physical address {ppn << PAGE_SHIFT:#x}")
            page = self._pages[ppn] = bytearray(self._fresh)
        return page

    def views(self, ppn: int) -> tuple[memoryview, ...]:
        """Return a page as elements of each kind of :data:`VIEWS`, in the byte order of this computer, which must be
        little-endian. Nobody hears of writes.

        Raises:
            MemoryRangeError: there is no such page.
        """
        views = self._views.get(ppn)
        if views is None:
            page = memoryview(self.page(ppn))
            views = self._views[ppn] = tuple(page.cast(code) for code in VIEWS)
        return views

    def _written(self, lines: range, writer: int | None) -> None:
        if self.reserved:
            for hart_id, reserved in list(self.reserved.items()):
                if hart_id != writer and reserved >> LINE_SHIFT in lines:
                    del self.reserved[hart_id]
        for line in lines:
            watched = self._watched.get(line << LINE_SHIFT >> PAGE_SHIFT)
            if watched and line in watched:
                watched.discard(line)
                for listener in self._listeners:
                    listener(line)
