# SPDX-License-Identifier: Apache-2.0
"""RAM as the replay sees it: the writes that bypass the bus, the image at the end, and the image that must come out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Protocol

import numpy as np

from vctx.pymodel.trace import PAGE_SHIFT, PAGE_SIZE, Difference, TraceError

DUMP_FILE = "ram.hex"  # written by vctx_tb_ram.sv

Word = tuple[int, int, int]  # address, a multiple of 8; byte strobes; 64-bit little-endian data


class RamBackend(Protocol):
    """A memory behind the AXI ports."""

    async def write(self, words: list[Word]) -> None:
        """Write words; seen by every later bus read."""

    async def image(self) -> dict[int, str]:
        """Return the pages that may differ from the fill pattern: page number to hexadecimal text, byte 0 first."""


def read_dump(dump: Path) -> dict[int, str]:
    """Return the image in a dump file, which is removed; see `RamBackend.image`."""
    pages = {}
    for part in dump.read_text().split("@")[1:]:
        addr, *words = part.split()
        digits = np.frombuffer("".join(words).encode(), "S2").reshape(len(words), -1)[:, ::-1]
        pages[int(addr, 16) >> PAGE_SHIFT] = digits.tobytes().decode()
    dump.unlink()
    return pages


def words(paddr: int, data: bytes) -> Iterator[Word]:
    """Cut a run of bytes into words."""
    position = 0
    while position < len(data):
        addr = paddr + position
        lane = addr & 7
        count = min(8 - lane, len(data) - position)
        value = int.from_bytes(data[position : position + count], "little") << 8 * lane
        yield addr - lane, ((1 << count) - 1) << lane, value
        position += count


def _lanes(strb: int) -> int:
    """Return the bits of the bytes that strobes select."""
    return sum(0xFF << 8 * lane for lane in range(8) if strb >> lane & 1)


class PendingStores:
    """Stores of one hart on their way to RAM, merged into words. They need to be there only before a bus reads them."""

    def __init__(self, ram: RamBackend, base: int, size: int) -> None:
        self._ram = ram
        self._base = base
        self._end = base + size
        self._pages: dict[int, dict[int, tuple[int, int]]] = {}  # page -> word address -> (strobes, data)

    def add(self, paddr: int, data: bytes) -> None:
        """Note a store.

        Raises:
            TraceError: it reaches outside RAM.
        """
        if not self._base <= paddr <= paddr + len(data) <= self._end:
            raise TraceError(f"a store of {len(data)} bytes at {paddr:#x} is outside RAM")
        for addr, strb, value in words(paddr, data):
            page = self._pages.setdefault(addr >> PAGE_SHIFT, {})
            old_strb, old_value = page.get(addr, (0, 0))
            page[addr] = (old_strb | strb, old_value & ~_lanes(strb) | value)

    async def flush(self, pages: set[int] | None = None) -> None:
        """Write what is pending in these pages (physical page numbers), or everything."""
        if not self._pages:
            return
        chosen = list(self._pages) if pages is None else [page for page in pages if page in self._pages]
        taken = [(addr, strb, value) for page in chosen for addr, (strb, value) in self._pages.pop(page).items()]
        if taken:
            await self._ram.write(taken)


class GoldenImage:
    """What RAM must hold, from the trace alone: the fill pattern, the stores, and the expected vector stores."""

    def __init__(self, fill: int) -> None:
        self._blank = bytes([fill]) * PAGE_SIZE  # a page before its first write
        self._pages: dict[int, bytearray] = {}

    def _page(self, number: int) -> bytearray:
        page = self._pages.get(number)
        if page is None:
            page = self._pages[number] = bytearray(self._blank)
        return page

    def store(self, paddr: int, data: bytes) -> None:
        """Write a run of bytes."""
        while data:
            offset = paddr & (PAGE_SIZE - 1)
            part = data[: PAGE_SIZE - offset]
            self._page(paddr >> PAGE_SHIFT)[offset : offset + len(part)] = part
            paddr += len(part)
            data = data[len(part) :]

    def update(self, mem: Mapping[int, int]) -> None:
        """Write single bytes by address."""
        number, page = -1, bytearray()
        for addr, value in mem.items():
            if addr >> PAGE_SHIFT != number:
                number = addr >> PAGE_SHIFT
                page = self._page(number)
            page[addr & (PAGE_SIZE - 1)] = value

    def words(self) -> Iterator[tuple[int, int]]:
        """Iterate over (address, value) of every 8 bytes that are not the fill pattern."""
        blank = int.from_bytes(self._blank[:8], "little")
        for number, page in sorted(self._pages.items()):
            for at in range(0, PAGE_SIZE, 8):
                value = int.from_bytes(page[at : at + 8], "little")
                if value != blank:
                    yield (number << PAGE_SHIFT) + at, value

    def differences(self, image: Mapping[int, str], limit: int = 64) -> list[Difference]:
        """Return the bytes in which an image (see `RamBackend.image`) departs from this one, at most `limit`."""
        out: list[Difference] = []
        for number in sorted(self._pages.keys() | image.keys()):
            want = self._pages.get(number, self._blank).hex()
            got = image.get(number, self._blank.hex()).lower()
            if want == got:
                continue
            for i in range(0, 2 * PAGE_SIZE, 2):
                if want[i : i + 2] != got[i : i + 2]:
                    addr = (number << PAGE_SHIFT) + i // 2
                    out.append(Difference(f"ram[{addr:#x}]", f"0x{want[i : i + 2]}", f"0x{got[i : i + 2].upper()}"))
                    if len(out) == limit:
                        return out
        return out
