# SPDX-License-Identifier: Apache-2.0
"""The kernel's allocator: ordinary kmalloc semantics, and every misuse of it an error.

Each allocation lies between two red zones; memory is poisoned when it is handed out and when it comes back. Sizes that
are powers of two are aligned to themselves, as Linux has promised since 5.4. Whole pages come from the end of the heap,
small objects from its beginning, so that a machine with a lot of guest memory does not move the kernel's structures,
which the posted patch judges by their addresses (S2).
"""

from __future__ import annotations

import errno
from collections.abc import Callable
from dataclasses import dataclass

from vctx.pymodel.errors import VctxError
from vctx.pymodel.isa import Hart, Memory
from vctx.pymodel.kvm.errors import KvmError
from vctx.pymodel.trace.records import PAGE_SIZE

RED_ZONE = b"\xbb" * 64
POISON_ALLOCATED = 0xAA
POISON_FREE = 0x6B
_ALIGN = 64  # of whatever is no power of two


class AllocError(VctxError):
    """Memory was misused: red zone or freed memory overwritten, double or foreign free, heap exhausted."""


@dataclass(frozen=True)
class Allocation:
    """Live memory: `size` bytes at `address`, named for whoever owns it."""

    address: int
    size: int
    owner: str


class Allocator:
    """A heap in `[base, base + size)` of the machine's memory.

    Args:
        memory: the machine's memory, for reading.
        write: writes on behalf of a hart, `write(hart, address, data)`; this is how allocations reach the trace.
        base, size: the heap, in bytes.
    """

    def __init__(self, memory: Memory, write: Callable[[Hart, int, bytes], None], base: int, size: int) -> None:
        self._memory = memory
        self._write = write
        self._low = base  # what lies between these two was never handed out
        self._high = base + size
        self._live: dict[int, Allocation] = {}
        self._free: dict[int, list[int]] = {}
        self._freed: dict[int, str] = {}
        self._fail_in = 0

    @property
    def outstanding(self) -> list[Allocation]:
        """Everything allocated and not freed, oldest first."""
        return list(self._live.values())

    def fail_nth(self, n: int) -> None:
        """Make the n-th allocation from now (1 is the next) return NULL, once; 0 cancels that."""
        self._fail_in = n

    def kmalloc(self, hart: Hart, size: int, owner: str) -> int:
        """Return the address of `size` bytes of poison, or 0 when told to fail.

        Raises:
            AllocError: the heap is exhausted, or freed memory that would be handed out again was written to.
        """
        return self._allocate(hart, size, owner, _natural(size), POISON_ALLOCATED)

    def kzalloc(self, hart: Hart, size: int, owner: str) -> int:
        """Return the address of `size` zero bytes; otherwise as :meth:`kmalloc`."""
        return self._allocate(hart, size, owner, _natural(size), 0)

    def kzalloc_all(self, hart: Hart, *wanted: tuple[int, str]) -> list[int]:
        """Return the addresses of several allocations of zeros, each of (size, owner).

        Raises:
            KvmError: ENOMEM, and none of them was made.
            AllocError: see :meth:`kmalloc`.
        """
        made: list[int] = []
        for size, owner in wanted:
            made.append(self.kzalloc(hart, size, owner))
            if not made[-1]:
                for address in made:
                    self.kfree(hart, address)
                raise KvmError(errno.ENOMEM)
        return made

    def alloc_pages(self, hart: Hart, size: int, owner: str) -> int:
        """Return pages as they are, unpoisoned, for user space and guests; otherwise as :meth:`kmalloc`.

        Args:
            size: a multiple of the page size, in bytes.
        """
        return self._allocate(hart, size, owner, PAGE_SIZE, None)

    def kfree(self, hart: Hart, address: int) -> None:
        """Free what kmalloc returned; NULL is fine.

        Raises:
            AllocError: `address` is not that of a live allocation, or its red zones are damaged.
        """
        if address == 0:
            return
        block = self._live.get(address)
        if block is None:
            before = self._freed.get(address)
            what = f"double free of {before}" if before else "free of memory that was never allocated,"
            raise AllocError(f"{what} at {address:#x}")
        self._check(block)
        del self._live[address]
        self._freed[address] = block.owner
        self._write(hart, address, bytes([POISON_FREE]) * block.size)
        self._free.setdefault(block.size, []).append(address)

    def check_live(self, address: int, size: int) -> None:
        """Raise AllocError unless `size` bytes at `address` are one allocation's, from its start: use after free."""
        block = self._live.get(address)
        if block is None or size > block.size:
            what = f"freed memory of {self._freed[address]}" if address in self._freed else "memory of nobody"
            raise AllocError(f"use of {what}, {size} bytes at {address:#x}")

    def check_guards(self) -> None:
        """Raise AllocError if a red zone, or freed memory, was written to."""
        for block in self._live.values():
            self._check(block)
        for size, addresses in self._free.items():
            for address in addresses:
                self._check_free(address, size)

    def _allocate(self, hart: Hart, size: int, owner: str, align: int, content: int | None) -> int:
        if self._fail_in:
            self._fail_in -= 1
            if not self._fail_in:
                return 0
        address = self._reuse(size, align) or self._extend(hart, size, align, owner)
        self._freed.pop(address, None)
        self._live[address] = Allocation(address, size, owner)
        if content is not None:
            self._write(hart, address, bytes([content]) * size)
        return address

    def _reuse(self, size: int, align: int) -> int:
        addresses = self._free.get(size, [])
        for address in addresses:
            if address % align == 0:
                self._check_free(address, size)
                addresses.remove(address)
                return address
        return 0

    def _extend(self, hart: Hart, size: int, align: int, owner: str) -> int:
        zone = len(RED_ZONE)
        if align < PAGE_SIZE:
            address = -(-(self._low + zone) // align) * align
            low, high = address + size + zone, self._high
        else:
            address = (self._high - zone - size) // align * align
            low, high = self._low, address - zone
        if low > high:
            raise AllocError(f"no memory for {size} bytes of {owner}: {self._high - self._low} are left")
        self._low, self._high = low, high
        self._write(hart, address - zone, RED_ZONE)
        self._write(hart, address + size, RED_ZONE)
        return address

    def _check(self, block: Allocation) -> None:
        below = self._memory.read(block.address - len(RED_ZONE), len(RED_ZONE))
        above = self._memory.read(block.address + block.size, len(RED_ZONE))
        for side, zone in (("below", below), ("above", above)):
            if zone != RED_ZONE:
                raise AllocError(
                    f"red zone {side} {block.owner} ({block.size} bytes at {block.address:#x}) was written"
                )

    def _check_free(self, address: int, size: int) -> None:
        if self._memory.read(address, size) != bytes([POISON_FREE]) * size:
            raise AllocError(f"{self._freed[address]} at {address:#x} was written to after it was freed")


def _natural(size: int) -> int:
    """Return what kmalloc aligns `size` bytes to."""
    return max(size, _ALIGN) if size.bit_count() == 1 else _ALIGN
