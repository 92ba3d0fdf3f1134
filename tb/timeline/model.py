# SPDX-License-Identifier: Apache-2.0
"""A timeline: columns of numbers, one set for each hart, and the tables that the numbers point into.

Times are cycles of the simulation, or, of a trace that nothing timed, positions in the trace. Time is the vector
unit's: what else a hart executes takes none.
"""

from __future__ import annotations

from dataclasses import dataclass

from vctx.pymodel.trace.bulk import Array

MODES = ("U", "HS", "", "M", "VU", "VS")  # by privilege, and 4 more with V=1
NOBODY = "nobody"


@dataclass(frozen=True)
class Lane:
    """A value that changes now and then: from each time on, until the next."""

    time: Array
    value: Array


@dataclass(frozen=True)
class Slices:
    """Functions that a hart was in, in the order in which it entered them.

    Attributes:
        start, end: times. depth: how many others it was in. name, who: numbers in `Timeline.names`.
        event: position in the trace of the mark that entered. first, last: instructions from the one up to the other.
        read, written, cycles: bus bytes, and cycles of its instructions; with what it called.
        owner: who was in the registers when it was entered, a number in `Timeline.names`.
        moves: 1 if it is a save or restore, which its mark names a region for; it is elided if it moved nothing.
    """

    start: Array
    end: Array
    depth: Array
    name: Array
    who: Array
    event: Array
    first: Array
    last: Array
    read: Array
    written: Array
    cycles: Array
    owner: Array
    moves: Array

    def __len__(self) -> int:
        return len(self.start)


@dataclass(frozen=True)
class Instructions:
    """Instructions of a hart, in their order.

    Attributes:
        event: position in the trace. end: when it retired. cycles: that it took. read, written: bus bytes.
        code, state: numbers in `Timeline.codes` and `Timeline.states`; the state is that after it.
        trap: cause of the exception that it raised and 1; 0 for none; 128 if an interrupt stopped it.
        regs: mask of the vector registers that it wrote. address: x[rs1]. rd: what it wrote there; 0 if nothing.
    """

    event: Array
    end: Array
    cycles: Array
    read: Array
    written: Array
    code: Array
    state: Array
    trap: Array
    regs: Array
    address: Array
    rd: Array

    def __len__(self) -> int:
        return len(self.event)


@dataclass(frozen=True)
class HartTimeline:
    """What happened on one hart.

    Attributes:
        owner: who is in the registers, a number in `Timeline.names`. mode: a place in `MODES`.
        migrations: numbers of the slices in which a guest runs that ran on another hart before.
    """

    instructions: Instructions
    slices: Slices
    owner: Lane
    mstatus_vs: Lane
    vsstatus_vs: Lane
    mode: Lane
    migrations: Array


@dataclass(frozen=True)
class Code:
    """An instruction where it stands: disassembled, and its symbol if it is known."""

    pc: int
    insn: int
    mode: str
    text: str
    symbol: str


@dataclass(frozen=True)
class Place:
    """A finding on the timeline: on which hart, when, in which slice, -1 for none, and what it says."""

    hart: int
    time: int
    slice: int
    text: str = ""


@dataclass(frozen=True)
class Timeline:
    """A timeline.

    Attributes:
        unit: of times: "cycles", or "events" of a trace that nothing timed.
        states: vl, vtype, vstart, vcsr, mstatus.VS and vsstatus.VS, one row each.
        context: bytes of a whole vector context.
    """

    unit: str
    end: int
    vlen: int
    context: int
    names: tuple[str, ...]
    codes: tuple[Code, ...]
    states: tuple[tuple[int, ...], ...]
    harts: tuple[HartTimeline, ...]
