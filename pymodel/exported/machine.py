# SPDX-License-Identifier: Apache-2.0
"""The machine that an exported program is made for. What a core has otherwise is said here, and nowhere else."""

from __future__ import annotations

from dataclasses import dataclass

from vctx.pymodel.errors import UsageError
from vctx.pymodel.trace.records import PAGE_SIZE

# Bits of the status registers that choose the byte order: mstatus.MBE, SBE, and UBE of all three (B-22). A core where
# they can be set would not find its own data any more.
_BYTE_ORDER = 1 << 37 | 1 << 36 | 1 << 6
_GIGABYTE = 1 << 30


@dataclass(frozen=True)
class Machine:
    """Parameters of a machine; the defaults are those of Spike and of `vctx run`.

    Attributes:
        vlen: VLEN in bits.
        ram_base, ram_size: where RAM begins, and its bytes.
        reset_pc: where the core starts, a page of RAM; the program lies from there on. None for the begin of RAM.
        tohost: where the program ends by a store (HTIF), a page of RAM of its own. None for one behind the program.
        hole: an address at a multiple of 1 GiB where there is no memory, for access faults.
        never_set: bits that no write to a status register may set.

    Raises:
        UsageError: an address does not fit.
    """

    vlen: int = 256
    ram_base: int = 0x8000_0000
    ram_size: int = 1 << 28
    reset_pc: int | None = None
    tohost: int | None = None
    hole: int = 1 << 50
    never_set: int = _BYTE_ORDER

    def __post_init__(self) -> None:
        for name, value in (("reset_pc", self.start), ("tohost", self.start if self.tohost is None else self.tohost)):
            if value % PAGE_SIZE or not self.ram_base <= value < self.end:
                raise UsageError(f"{name} {value:#x}: must be the address of a page of RAM")
        if self.hole % _GIGABYTE or self.ram_base <= self.hole < self.end:
            raise UsageError(f"hole {self.hole:#x}: must be a multiple of 1 GiB outside RAM")
        if self.ram_base // _GIGABYTE != (self.end - 1) // _GIGABYTE:
            raise UsageError("RAM must lie between two multiples of 1 GiB")

    @property
    def start(self) -> int:
        """Address of the program's first instruction."""
        return self.ram_base if self.reset_pc is None else self.reset_pc

    @property
    def end(self) -> int:
        """First address behind RAM."""
        return self.ram_base + self.ram_size
