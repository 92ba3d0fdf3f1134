# SPDX-License-Identifier: Apache-2.0
"""The record types: what an instruction was issued with, and what it did.

One type, :class:`Retire`, says "an instruction took effect". The golden hart produces it, the RTL's monitors
produce it, Spike produces it, and one comparator reads it. Everything else in a trace is stimulus or annotation.

All integers are unsigned. Addresses are byte addresses; `vpn`, `ppn` and `gpn` are 4 KiB page numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from functools import lru_cache
from typing import NamedTuple

PAGE_SHIFT = 12
PAGE_SIZE = 1 << PAGE_SHIFT


class Prv(IntEnum):
    """Nominal privilege as encoded in mstatus.MPP."""

    U = 0
    S = 1
    M = 3


MODE_NAMES = {(3, False): "M", (1, False): "HS", (0, False): "U", (1, True): "VS", (0, True): "VU"}


@lru_cache(maxsize=1024)  # programs use few masks, again and again
def set_runs(mask: int) -> Sequence[tuple[int, int]]:
    """Return the runs of set bits in `mask`, as (lowest bit, number of bits)."""
    at = 0
    runs = []
    while mask:
        gap = (mask & -mask).bit_length() - 1
        at, mask = at + gap, mask >> gap
        length = (~mask & mask + 1).bit_length() - 1
        runs.append((at, length))
        at, mask = at + length, mask >> length
    return tuple(runs)


class ByteRuns(Mapping[int, int]):
    """Bytes by address, as any mapping, but kept as runs of consecutive addresses.

    Args:
        runs: (first address, bytes) of each, in any order; no two hold the same address.
        joined: the runs are a tuple that is already as the attribute has to be.

    Attributes:
        runs: the same in the order of addresses, those that adjoin made one.
    """

    __slots__ = ("runs",)

    def __init__(self, runs: Iterable[tuple[int, bytes]], joined: bool = False) -> None:
        if joined and isinstance(runs, tuple):
            self.runs: tuple[tuple[int, bytes], ...] = runs
            return
        whole: list[tuple[int, bytes]] = []
        for first, data in sorted(runs):
            if whole and whole[-1][0] + len(whole[-1][1]) == first:
                first, before = whole.pop()
                data = before + data
            whole.append((first, data))
        self.runs = tuple(whole)

    @classmethod
    def of(cls, mem: Mapping[int, int]) -> ByteRuns:
        """Return the bytes of any mapping."""
        return mem if isinstance(mem, ByteRuns) else cls((addr, bytes([byte])) for addr, byte in mem.items())

    def __getitem__(self, addr: int) -> int:
        for first, data in self.runs:
            if 0 <= addr - first < len(data):
                return data[addr - first]
        raise KeyError(addr)

    def __iter__(self) -> Iterator[int]:
        for first, data in self.runs:
            yield from range(first, first + len(data))

    def __len__(self) -> int:
        return sum(len(data) for _, data in self.runs)

    def __bool__(self) -> bool:
        return bool(self.runs)

    def __repr__(self) -> str:
        return repr(dict(self))


class Registers(Mapping[int, bytes]):
    """Values of vector registers by number, as any mapping, but kept as they lie in the register file.

    Attributes:
        mask: bit i is set if v<i> is one of them.
        data: their values back to back, in the order of numbers.
    """

    __slots__ = ("data", "mask")

    def __init__(self, mask: int, data: bytes) -> None:
        self.mask = mask
        self.data = data

    @classmethod
    def of(cls, vregs: Mapping[int, bytes]) -> Registers:
        """Return the registers of any mapping."""
        if isinstance(vregs, Registers):
            return vregs
        return cls(sum(1 << reg for reg in vregs), b"".join(vregs[reg] for reg in sorted(vregs)))

    def __getitem__(self, reg: int) -> bytes:
        if reg < 0 or not self.mask >> reg & 1:
            raise KeyError(reg)
        size = len(self.data) // len(self)
        at = (self.mask & (1 << reg) - 1).bit_count() * size
        return self.data[at : at + size]

    def __iter__(self) -> Iterator[int]:
        for first, count in set_runs(self.mask):
            yield from range(first, first + count)

    def __len__(self) -> int:
        return self.mask.bit_count()

    def __repr__(self) -> str:
        return repr(dict(self))


NO_REGISTERS = Registers(0, b"")
NO_BYTES = ByteRuns(())


@dataclass(slots=True, frozen=True)
class Xlat:
    """Answer of the translate port for one virtual page.

    `fault` is 0 when the page translates to `ppn`, else the exception cause (5/7, 13/15 or 21/23); `gpn` is the
    guest-physical page number reported through htval for a guest-page fault (H "htval").
    """

    vpn: int
    ppn: int = 0
    fault: int = 0
    gpn: int = 0


class Issue(NamedTuple):
    """One instruction as offered to the block's issue port.

    Attributes:
        insn: 32-bit instruction word.
        rs1, rs2: operand values of x[rs1], x[rs2], 64 bits.
        prv: privilege 0 U, 1 S, 3 M; `virt` is the virtualisation bit V.
        fs_dirty, vsfs_dirty: mstatus.FS / vsstatus.FS is Dirty; feeds SD of the same register (B-12).
        irq_elem: an interrupt is pending and a vector memory instruction must stop at the first element boundary
            at or after this element index; None for no interrupt.
        xlat: answers of the translate port, one for each page that body elements touch, in address order: at most two,
            as they are at most 4096 bytes. Of a strided access, one each time that an active element is on another page
            than the one before it.
    """

    insn: int
    rs1: int = 0
    rs2: int = 0
    prv: int = 3
    virt: bool = False
    fs_dirty: bool = False
    vsfs_dirty: bool = False
    irq_elem: int | None = None
    xlat: tuple[Xlat, ...] = ()


@dataclass(slots=True, frozen=True)
class Trap:
    """A synchronous exception: cause, xtval, and htval/mtval2 (guest-physical address >> 2, 0 if none)."""

    cause: int
    tval: int = 0
    tval2: int = 0


class Retire(NamedTuple):
    """What an instruction did: the state it left and everything it wrote.

    Attributes:
        trap: the exception it raised, or None.
        irq: it stopped at element `vstart` for a pending interrupt and did not complete.
        rd: value written to x[rd]; None when nothing is written (rd is x0, no scalar result, trap). For mstatus,
            sstatus and vsstatus only the bits SD and VS, which are all the block owns.
        vl, vtype, vstart, vcsr: the vector CSRs afterwards (64, 64, 64, 3 bits).
        mstatus_vs, vsstatus_vs: both VS fields afterwards.
        vregs: full value (VLEN/8 bytes, byte 0 first) of each vector register in which at least one element was
            written, by register number; see also :class:`Registers`.
        mem: every byte stored, physical address to value; see also :class:`ByteRuns`.
    """

    trap: Trap | None = None
    irq: bool = False
    rd: int | None = None
    vl: int = 0
    vtype: int = 1 << 63
    vstart: int = 0
    vcsr: int = 0
    mstatus_vs: int = 0
    vsstatus_vs: int = 0
    vregs: Mapping[int, bytes] = NO_REGISTERS
    mem: Mapping[int, int] = NO_BYTES


@dataclass(slots=True)
class Insn:
    """Trace event: hart `hart` issues `issue` from address `pc`, and `retire` is what must come of it."""

    hart: int
    pc: int
    issue: Issue
    retire: Retire


@dataclass(slots=True)
class Store:
    """Trace event: memory written by something other than the block (scalar store, kernel memset, DMA)."""

    hart: int
    paddr: int
    data: bytes


@dataclass(slots=True)
class Mark:
    """Trace event: hart `hart` enters (`enter`) or leaves a function on behalf of `who`.

    Marks give reports their "which vCPU, which hypervisor function", and delimit the intervals in which bus traffic
    is counted. `regions` names memory whose traffic is counted apart, as (name, first address, length in bytes).
    """

    hart: int
    enter: bool
    what: str
    who: str = ""
    regions: tuple[tuple[str, int, int], ...] = ()


@dataclass(slots=True)
class Sync:
    """Trace event: everything before it, on every hart, has finished before anything after it starts."""


@dataclass(slots=True)
class Checkpoint:
    """Trace event: the whole vector state of hart `hart`: all 32 registers back to back in `vregs`, and the CSRs.

    `state` is a :class:`Retire` whose `vregs` holds all 32 registers and whose `mem` is empty.
    """

    hart: int
    state: Retire


Event = Insn | Store | Mark | Sync | Checkpoint


@dataclass(slots=True)
class Commit:
    """Any instruction, scalar ones included, that took effect: what it read and wrote as software sees it.

    A vector load or store that faulted took effect up to the fault. What a trap writes belongs to no instruction.

    Attributes:
        hart, pc, prv: where it executed, `prv` as in :class:`Prv`.
        insn, size: the instruction word as it stands in memory, 2 or 4 bytes.
        x: the integer register written, and its value; None for none and for x0.
        f: the same of a floating-point register.
        vregs: full value (VLEN/8 bytes, byte 0 first) of each vector register in which an element was written.
        vector: (SEW in bits, LMUL as in `m2` or `mf4`, vl) for an instruction that works on vector registers.
        csrs: value of each CSR written, by address.
        loads: virtual addresses read, one for each element, in order.
        stores: (virtual address, bytes, value) written, in order.
    """

    hart: int
    pc: int
    prv: int
    insn: int
    size: int
    x: tuple[int, int] | None = None
    vregs: Mapping[int, bytes] = field(default_factory=dict)
    vector: tuple[int, str, int] | None = None
    csrs: dict[int, int] = field(default_factory=dict)
    loads: Sequence[int] = ()
    stores: Sequence[tuple[int, int, int]] = ()
    f: tuple[int, int] | None = None
