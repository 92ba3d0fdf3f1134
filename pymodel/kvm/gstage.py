# SPDX-License-Identifier: Apache-2.0
"""Guest memory: one slot of RAM and Sv39x4 tables that map it page by page, on first touch."""

from __future__ import annotations

import errno

from vctx.pymodel.isa import Hart
from vctx.pymodel.kvm.errors import KernelMisuseError, KvmError
from vctx.pymodel.kvm.machine import Machine
from vctx.pymodel.programs import Image
from vctx.pymodel.trace.records import PAGE_SHIFT, PAGE_SIZE

_SV39X4 = 8
_MODE_SHIFT, _VMID_SHIFT = 60, 44
_LEVELS = 3
_ROOT_SIZE = 4 * PAGE_SIZE  # the root table is indexed by two more bits (F-3)
_PTE_V = 1 << 0
# V R W X U A D: a guest access counts as user access, and A and D are preset because nothing updates them (Svade).
_LEAF = 0xDF


class GuestMemory:
    """The memory of one virtual machine.

    Args:
        machine: where it lives.
        hart: the hart that creates it.
        vmid: nonzero VMID.
        image: the program to load; it decides where guest memory starts.
        size: guest memory, in bytes.

    Attributes:
        name: "vm<vmid>".
        base, size: guest-physical address and size of guest memory, in bytes; memory: its physical address.
        hgatp: the value that selects it.

    Raises:
        KvmError: ENOMEM.
        KernelMisuseError: the program is larger than guest memory.
    """

    def __init__(self, machine: Machine, hart: Hart, vmid: int, image: Image, size: int) -> None:
        if image.end > image.base + size:
            raise KernelMisuseError(f"{image.name} needs {image.end - image.base} bytes, guest memory has {size}")
        self.machine = machine
        self.name = f"vm{vmid}"
        self.image = image
        self.base = image.base & -PAGE_SIZE
        self.size = size
        self._tables = machine.alloc.kzalloc_all(hart, (_ROOT_SIZE, f"{self.name} G-stage root"))
        self.memory = machine.alloc.alloc_pages(hart, size, f"{self.name} memory")
        if not self.memory:
            self.free(hart)
            raise KvmError(errno.ENOMEM)
        self.hgatp = _SV39X4 << _MODE_SHIFT | vmid << _VMID_SHIFT | self._tables[0] >> PAGE_SHIFT
        for address, data in image.segments:
            machine.write(hart, self.memory + address - self.base, data)

    def gpa_to_hpa(self, gpa: int) -> int | None:
        """Return the physical address behind guest-physical address `gpa`, None outside guest memory."""
        offset = gpa - self.base
        return self.memory + offset if 0 <= offset < self.size else None

    def map_page(self, hart: Hart, gpa: int) -> bool:
        """Map the page of `gpa`; False if that is outside guest memory.

        Raises:
            KvmError: ENOMEM, for a table.
        """
        page = gpa & -PAGE_SIZE
        target = self.gpa_to_hpa(page)
        if target is None:
            return False
        table = self._tables[0]
        for level in reversed(range(1, _LEVELS)):
            table = self._next_table(hart, self._entry(table, page, level))
        self._write_pte(hart, self._entry(table, page, 0), target, _LEAF)
        return True

    def is_mapped(self, gpa: int) -> bool:
        """Whether the page of `gpa` is mapped."""
        return self._leaf(gpa) is not None

    def unmap_page(self, hart: Hart, gpa: int) -> None:
        """Take the page of `gpa` out of the tables, as for migration or ageing; cached translations stay."""
        leaf = self._leaf(gpa)
        if leaf is not None:
            self._write_pte(hart, leaf, 0, 0)

    def _leaf(self, gpa: int) -> int | None:
        """Return the address of the entry that maps the page of `gpa`; None if nothing does."""
        table = self._tables[0]
        for level in reversed(range(_LEVELS)):
            entry = self._entry(table, gpa & -PAGE_SIZE, level)
            pte = self.machine.memory.load(entry, 8)
            if not pte & _PTE_V:
                return None
            table = pte >> 10 << PAGE_SHIFT
        return entry

    def free(self, hart: Hart) -> None:
        """Give back guest memory and tables."""
        for address in (self.memory, *self._tables):
            self.machine.alloc.kfree(hart, address)

    def _entry(self, table: int, gpa: int, level: int) -> int:
        index = gpa >> PAGE_SHIFT + 9 * level
        return table + 8 * (index if level == _LEVELS - 1 else index & 0x1FF)

    def _next_table(self, hart: Hart, entry: int) -> int:
        pte = self.machine.memory.load(entry, 8)
        if pte & _PTE_V:
            return pte >> 10 << PAGE_SHIFT
        (table,) = self.machine.alloc.kzalloc_all(hart, (PAGE_SIZE, f"{self.name} G-stage table"))
        self._tables.append(table)
        self._write_pte(hart, entry, table, _PTE_V)
        return table

    def _write_pte(self, hart: Hart, entry: int, target: int, flags: int) -> None:
        self.machine.write(hart, entry, (target >> PAGE_SHIFT << 10 | flags).to_bytes(8, "little"))
