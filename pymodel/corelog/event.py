# SPDX-License-Identifier: Apache-2.0
"""One line of a core's log, whatever its format: an instruction that took effect, a trap, or an interrupt."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple, Protocol

Pairs = Iterable[tuple[int, int]]


class Access(NamedTuple):
    """A memory access in a log: virtual address; of a store also its value and how many bytes it has, if known."""

    address: int
    value: int | None = None
    size: int = 0


class Event:
    """What a log says of one step of the core; None or empty is what it does not say.

    Attributes:
        line: number of the line, from 1.
        pc, insn: of the instruction; of a trap, pc is xepc.
        prv, virt: the mode it executed in.
        x, f, csrs: (number, value) of each register written.
        v: (number, value as an integer) of each vector register written.
        mem: accesses, in order; they may be fewer than there were, if `mem_known`.
        trap: it trapped, with `cause` and `tval` if they are known; `interrupt`: it was taken for none of its own.
        enters: it is the first instruction of a trap handler (RVFI's intr).
    """

    __slots__ = (
        *("line", "pc", "insn", "prv", "virt", "x", "f", "v", "csrs", "mem"),
        *("trap", "interrupt", "cause", "tval", "enters"),
    )

    line: int
    pc: int
    insn: int | None
    prv: int | None
    virt: bool | None
    x: Pairs
    f: Pairs
    v: Pairs
    csrs: Pairs
    mem: list[Access] | tuple[()]
    trap: bool
    interrupt: bool
    cause: int | None
    tval: int | None
    enters: bool

    def __init__(self, line: int, pc: int, insn: int | None = None, prv: int | None = None) -> None:
        self.line = line
        self.pc = pc
        self.insn = insn
        self.prv = prv
        self.virt = self.cause = self.tval = None
        self.x = self.f = self.v = self.csrs = self.mem = ()
        self.trap = self.interrupt = self.enters = False


class Reader(Protocol):
    """Reads a log of one format, line by line: nothing is kept but what the format needs."""

    name: str

    def recognises(self, lines: list[str]) -> bool:
        """Tell whether the first lines of a log are of this format."""

    def events(self, lines: Iterable[str], hart: int, path: Path) -> Iterator[Event]:
        """Yield the events of one hart; UsageError for a line that is damaged."""
