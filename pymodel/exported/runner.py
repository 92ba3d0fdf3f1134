# SPDX-License-Identifier: Apache-2.0
"""The records that sw/programs/runner.S reads, and the snippets that it executes; both sides agree here.

Everything lies at addresses that are known before anything is linked, so the table is made as bytes.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum

from vctx.pymodel.exported.machine import Machine
from vctx.pymodel.isa import decode, encode
from vctx.pymodel.isa.bits import M64
from vctx.pymodel.isa.csr_numbers import STATUS_CSRS, Csr
from vctx.pymodel.isa.encoding import Kind
from vctx.pymodel.trace.records import PAGE_SIZE

FACTOR = 0x9E37_79B9_7F4A_7C15
STEP_BYTES = 56
SNIPPET_BYTES = 32
STUB_BYTES = 8
WORD, BEHIND, LEAVE = 16, 20, 24  # offsets in a snippet
LINE = 64
FAILED = 8190
"""How many failed records a program remembers: the address of each, and the fold that it found."""
_RS1, _RS2 = 32, 40  # offsets in the record of a step
_SP = 2


class Entry(IntEnum):
    """Routines of the runner, in the order of the jumps at its beginning."""

    BOOT = 0
    STEP = 1
    RESUME = 2
    RESUME_STATUS = 3
    COPY_LINE = 4
    COPY = 5
    COPY_BYTES = 6
    STATUS = 7
    TRANSLATE = 8
    LOAD_REGISTER = 9
    ADOPT = 10
    SAVE_REGISTERS = 11
    CHECK = 12
    END = 13


@dataclass(frozen=True)
class Places:
    """Where the fixed parts of a program lie."""

    machine: Machine

    @property
    def text(self) -> int:
        """The runner."""
        return self.machine.start

    @property
    def state(self) -> int:
        """What the runner writes: signature, failures, vector registers."""
        return self.text + PAGE_SIZE

    @property
    def registers(self) -> int:
        """Where all vector registers are saved to."""
        return self.state + 32 * PAGE_SIZE

    @property
    def words(self) -> int:
        """The snippets."""
        return self.registers + 4 * PAGE_SIZE

    def entry(self, entry: Entry) -> int:
        """Address of a routine."""
        return self.text + 4 * entry


def fold(values: Iterable[int], start: int = 0) -> int:
    """Fold numbers of 64 bits into one, as the runner does."""
    folded = start
    for value in values:
        folded = (folded + value) * FACTOR & M64
        folded ^= folded >> 32
    return folded


@dataclass(frozen=True)
class Operands:
    """Which integer registers an instruction word reads and writes; 0 for none."""

    rs1: int
    rs2: int
    rd: int
    status: bool

    @classmethod
    def of(cls, word: int) -> Operands:
        """Return those of an instruction word."""
        d = decode(word)
        fields = {} if d.kind is Kind.UNKNOWN else d.fields
        status = d.kind is Kind.CSR and fields["csr"] in STATUS_CSRS
        return cls(fields.get("rs1", 0), fields.get("rs2", 0), fields.get("rd", 0), status)

    def before(self, rs1: int, rs2: int) -> int:
        """Return what rd holds before the instruction, by the values of its operands; 0 without rd."""
        if self.rd and self.rd == self.rs1:
            return rs1
        return rs2 if self.rd and self.rd == self.rs2 else 0


class Snippets:
    """One snippet for each different instruction word."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self._offsets: dict[int, int] = {}

    def offset(self, word: int) -> int:
        """Return where the snippet of an instruction word begins, from the first one."""
        return self._offsets.setdefault(word, SNIPPET_BYTES * len(self._offsets))

    def image(self) -> bytes:
        """Return all snippets."""
        return b"".join(self._snippet(word, offset) for word, offset in self._offsets.items())

    def _snippet(self, word: int, offset: int) -> bytes:
        operands = Operands.of(word)
        loads = {operands.rs2: _RS2, operands.rs1: _RS1}
        loads.pop(0, None)
        enter = [encode("ld", rd=reg, rs1=_SP, imm=at) for reg, at in loads.items() if reg != _SP]
        if operands.rd not in (0, *loads):
            clear = encode("addi", rd=operands.rd, rs1=0, imm=0)
            enter = [*enter, clear] if operands.rd == _SP else [clear, *enter]
        if _SP in loads:  # last: it is the pointer of the others
            enter.append(encode("ld", rd=_SP, rs1=_SP, imm=loads[_SP]))
        enter.append(encode("mret"))
        enter += [0] * (WORD // 4 - len(enter))
        leave = encode("addi", rd=10, rs1=operands.rd, imm=0)
        if operands.rd == _SP:
            leave = encode("csrrs", rd=10, csr=Csr.MSCRATCH, rs1=0)
        to = self._places.entry(Entry.RESUME_STATUS if operands.status else Entry.RESUME)
        here = self._places.words + offset + LEAVE + 4
        words = [*enter, word, encode("ecall"), leave, encode("jal", rd=0, imm=to - here)]
        return struct.pack(f"<{len(words)}I", *words)


class Table:
    """The records of a program, one after the other."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self._bytes = bytearray()

    def __len__(self) -> int:
        return len(self._bytes)

    def add(self, entry: Entry, *numbers: int, data: bytes = b"") -> int:
        """Add a record and return its offset."""
        at = len(self._bytes)
        self._bytes += struct.pack(f"<{1 + len(numbers)}Q", self._places.entry(entry), *numbers)
        self._bytes += data.ljust(-(-len(data) // 8) * 8, b"\0")
        return at

    def store(self, address: int, data: bytes) -> None:
        """Add stores of bytes to physical memory."""
        while data:
            if address % 8 or len(data) < 8:
                size = min(len(data), -address % 8 or 8)
                self.add(Entry.COPY_BYTES, address, size, data=data[:size])
            elif len(data) == LINE:
                size = LINE
                self.add(Entry.COPY_LINE, address, data=data)
            else:
                size = len(data) // 8 * 8
                self.add(Entry.COPY, address, size // 8, data=data[:size])
            address, data = address + size, data[size:]

    def image(self) -> bytes:
        """Return all records, with the last that ends the program."""
        return bytes(self._bytes) + struct.pack("<Q", self._places.entry(Entry.END))
