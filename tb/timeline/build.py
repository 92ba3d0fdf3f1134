# SPDX-License-Identifier: Apache-2.0
"""Make the timeline of a trace. Instructions are handled in bulk; only marks are looked at one by one."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import numpy as np

from vctx.pymodel.isa import disassemble
from vctx.pymodel.kvm.linux_names import LINUX_NAMES
from vctx.pymodel.trace import Mark, TraceReader
from vctx.pymodel.trace.bulk import INSN_HEAD, RETIRE_HEAD, Array, Frames, frames, gather
from vctx.pymodel.trace.file import KIND, decode_event
from vctx.pymodel.trace.header import Header
from vctx.tb.replay.report import PERIOD
from vctx.tb.replay.timing import Timing, read_timing
from vctx.tb.timeline.model import MODES, Code, HartTimeline, Instructions, Lane, Place, Slices, Timeline
from vctx.tb.timeline.owners import Owners
from vctx.tb.timeline.symbols import symbols

_EVENTS = 1 << 16  # at a time
_TRAP, _IRQ, _RD = 1, 2, 4  # flags of a record
_INTERRUPTED = 128
_CODE = np.dtype([("pc", "<u8"), ("insn", "<u4"), ("mode", "u1")])
_STATE = ("vl", "vtype", "vstart", "vcsr", "mstatus_vs", "vsstatus_vs")
_STATE_ROW = np.dtype([(name, "<u8") for name in _STATE])


class _Table:
    """Different rows of an array type, numbered in the order in which they were seen."""

    def __init__(self) -> None:
        self.rows: list[tuple[int, ...]] = []
        self._known: dict[tuple[int, ...], int] = {}

    def numbers(self, rows: Array) -> Array:
        """Return the number of each row; many are the same, so each different one is looked at once."""
        different, inverse = np.unique(rows, return_inverse=True)
        known = []
        for row in different.tolist():
            number = self._known.get(row)
            if number is None:
                number = self._known[row] = len(self.rows)
                self.rows.append(row)
            known.append(number)
        out: Array = np.array(known, np.uint32)[inverse]
        return out


class _Names:
    """Numbers of names."""

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}

    def of(self, name: str) -> int:
        """Return the number of a name."""
        return self.numbers.setdefault(name, len(self.numbers))


def timeline(trace: Path, timing: Path | None = None) -> Timeline:
    """Return the timeline of a whole trace.

    Args:
        timing: what a replay of it wrote (`tb.replay.timing`). It ends where the replay did, and so does the timeline.

    Raises:
        TraceError: the file is no trace, truncated or damaged.
    """
    header = Header.of(trace)
    times = read_timing(timing) if timing is not None else None
    columns, codes, states, marks = _read(trace, header.harts, times)
    keys = [(pc, insn, MODES[mode]) for pc, insn, mode in codes.rows]
    named = symbols(header.programs, keys)
    names = _Names()
    walked = _walk(columns, marks, names)
    harts = tuple(
        HartTimeline(
            columns[hart],
            slices,
            owner,
            _lane(columns[hart], [row[4] for row in states.rows], columns[hart].state),
            _lane(columns[hart], [row[5] for row in states.rows], columns[hart].state),
            _lane(columns[hart], [row[2] for row in codes.rows], columns[hart].code),
            migrations,
        )
        for hart, (slices, owner, migrations) in enumerate(walked)
    )
    return Timeline(
        unit="events" if times is None else "cycles",
        end=max((int(each.end[-1]) for each in columns if len(each)), default=0),
        vlen=header.vlen,
        context=32 * header.vlen // 8,
        names=tuple(names.numbers),
        codes=tuple(
            Code(pc, insn, mode, disassemble(insn), symbol)
            for (pc, insn, mode), symbol in zip(keys, named, strict=True)
        ),
        states=tuple(states.rows),
        harts=harts,
    )


def place(found: Timeline, event: int, text: str) -> Place:
    """Return where on a timeline the trace had so many events: behind the last of them, on its hart."""
    last = -1
    where = Place(0, 0, -1, text)
    for number, hart in enumerate(found.harts):
        slices, instructions = hart.slices, hart.instructions
        at = int(np.searchsorted(slices.event, event)) - 1
        index = int(np.searchsorted(instructions.event, event)) - 1
        newest = max(int(slices.event[at]) if at >= 0 else -1, int(instructions.event[index]) if index >= 0 else -1)
        if newest > last:
            last = newest
            where = Place(number, int(instructions.end[index]) if index >= 0 else 0, at, text)
    return where


def _read(
    trace: Path, harts: int, times: Timing | None
) -> tuple[list[Instructions], _Table, _Table, list[tuple[int, Mark]]]:
    """Return the instructions of each hart, the tables of their codes and states, and the marks with their events."""
    codes, states = _Table(), _Table()
    parts: list[list[dict[str, Array]]] = [[] for _ in range(harts)]
    marks: list[tuple[int, Mark]] = []
    known: dict[bytes, Mark] = {}
    until = None if times is None else int(times["event"][-1]) + 1 if len(times) else 0
    for part in frames(TraceReader(trace), _EVENTS):
        _add_marks(part, marks, known)
        event = np.flatnonzero(part.kinds == KIND["insn"])
        if until is not None:
            event = event[part.first + event < until]
        whole = _columns(part, event, codes, states)
        if times is not None:
            first = int(np.searchsorted(times["event"], part.first))
            mine = times[first : first + len(event)]
            whole |= {"end": mine["at"] // PERIOD, "cycles": mine["cycles"]}
            whole |= {"read": mine["read"], "written": mine["written"]}
        for hart in range(harts):
            chosen = whole["hart"] == hart
            parts[hart].append({name: column[chosen] for name, column in whole.items()})
    names = [field.name for field in fields(Instructions)]
    columns = [Instructions(*(np.concatenate([part[name] for part in each]) for name in names)) for each in parts]
    return columns, codes, states, [(event, mark) for event, mark in marks if until is None or event <= until]


def _add_marks(part: Frames, marks: list[tuple[int, Mark]], known: dict[bytes, Mark]) -> None:
    for number in np.flatnonzero(part.kinds == KIND["mark"]).tolist():
        payload = part.payload(number)
        mark = known.get(payload)
        if mark is None:
            decoded = decode_event(KIND["mark"], payload)
            assert isinstance(decoded, Mark)
            mark = known[payload] = decoded
        marks.append((part.first + number, mark))


def _columns(part: Frames, event: Array, codes: _Table, states: _Table) -> dict[str, Array]:
    """Return what there is of some instructions; times are positions in the trace."""
    insn = gather(part.raw, part.starts[event], INSN_HEAD)
    done = gather(part.raw, part.starts[event] + INSN_HEAD.itemsize, RETIRE_HEAD)
    code, state = np.empty(len(event), _CODE), np.empty(len(event), _STATE_ROW)
    code["pc"], code["insn"] = insn["pc"], insn["insn"]
    code["mode"] = insn["prv"] + 4 * (insn["flags"] & 1)
    for name in _STATE:
        state[name] = done[name]
    flags = done["flags"]
    trap = np.where(flags & _TRAP, done["cause"] + 1, np.where(flags & _IRQ, _INTERRUPTED, 0))
    zeros = np.zeros(len(event), np.uint32)
    return {
        "hart": insn["hart"],
        "event": (part.first + event).astype(np.uint64),
        "end": (part.first + event + 1).astype(np.uint64),
        "cycles": zeros + 1,
        "read": zeros,
        "written": zeros,
        "code": codes.numbers(code),
        "state": states.numbers(state),
        "trap": trap.astype(np.uint32),
        "regs": done["regs"],
        "address": insn["rs1"],
        "rd": np.where(flags & _RD, done["rd"], 0).astype(np.uint64),
    }


def _lane(columns: Instructions, values: list[int], number: Array) -> Lane:
    """Return how a value changes, given that of each number."""
    value = np.array(values, np.uint32)[number] if len(number) else np.empty(0, np.uint32)
    changed = np.flatnonzero(np.diff(value, prepend=np.uint32(0xFFFFFFFF)))
    return Lane(columns.end[changed], value[changed])


def _walk(
    columns: list[Instructions], marks: list[tuple[int, Mark]], names: _Names
) -> list[tuple[Slices, Lane, Array]]:
    """Follow the marks; return the slices, the owners and the migrations of each hart.

    A function begins where the hart's instruction before it ended, so that times and marks have the same order.
    """
    images: dict[int, dict[str, int]] = {}
    reset: set[str] = set()
    walks = [_HartWalk(each, names, Owners(images, reset)) for each in columns]
    ran: dict[str, int] = {}  # the hart that each guest ran on last
    for event, mark in marks:
        if mark.enter and mark.what == "guest":
            if ran.get(mark.who, mark.hart) != mark.hart:
                walks[mark.hart].migrates()
            ran[mark.who] = mark.hart
        walks[mark.hart].mark(event, mark)
    return [walk.finish() for walk in walks]


class _HartWalk:
    """The marks of one hart."""

    def __init__(self, columns: Instructions, names: _Names, owners: Owners) -> None:
        self._columns, self._names, self._owners = columns, names, owners
        self._events = columns.event.tolist()
        self._ends = columns.end.tolist()
        self._regs = columns.regs.tolist()
        self._sums = {name: _running(getattr(columns, name)) for name in ("read", "written", "cycles")}
        self._at = 0  # instructions before the present mark
        self._stack: list[tuple[int, Mark]] = []  # number of the slice, and its mark
        self._rows: list[list[int]] = []
        self._owner = [(0, names.of(owners.name))]
        self._migrations: list[int] = []

    def migrates(self) -> None:
        """Note that the slice that begins next is of a guest that comes from another hart."""
        self._migrations.append(len(self._rows))

    def mark(self, event: int, mark: Mark) -> None:
        """Enter or leave a function."""
        self._advance(event)
        at = self._at
        time = self._ends[at - 1] if at else 0
        if mark.enter:
            row = [time, time, len(self._stack), self._names.of(LINUX_NAMES.get(mark.what, mark.what))]
            row += [self._names.of(mark.who), event, at, at, 0, 0, 0, self._owner[-1][1], bool(mark.regions)]
            self._stack.append((len(self._rows), mark))
            self._rows.append(row)
        elif self._stack:
            self._leave(time)

    def finish(self) -> tuple[Slices, Lane, Array]:
        """Return what there is, with the functions still open ended where the hart's last instruction did."""
        self._advance(1 << 63)
        while self._stack:
            self._leave(self._ends[-1] if self._ends else 0)
        table = np.array(self._rows, np.uint64).reshape(-1, len(fields(Slices)))
        owner = np.array(self._owner, np.uint64).reshape(-1, 2)
        return Slices(*table.T), Lane(owner[:, 0], owner[:, 1]), np.array(self._migrations, np.uint64)

    def _leave(self, time: int) -> None:
        number, entered = self._stack.pop()
        row = self._rows[number]
        first, last = row[6], self._at
        moved = [int(self._sums[name][last] - self._sums[name][first]) for name in ("read", "written", "cycles")]
        row[1], row[7], row[8:11] = time, last, moved
        self._owners.left(entered, last > first)

    def _advance(self, event: int) -> None:
        """Pass over the instructions before an event, which all belong to the innermost function."""
        at, events, end = self._at, self._events, len(self._events)
        regs = 0
        while at < end and events[at] < event:
            regs |= self._regs[at]
            at += 1
        if regs:
            self._owners.wrote(self._stack[-1][1] if self._stack else None, regs)
            owner = self._names.of(self._owners.name)
            if owner != self._owner[-1][1]:
                self._owner.append((self._ends[at - 1], owner))
        self._at = at


def _running(values: Array) -> Array:
    out = np.zeros(len(values) + 1, np.int64)
    np.cumsum(values, out=out[1:])
    return out
