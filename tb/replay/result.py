# SPDX-License-Identifier: Apache-2.0
"""What a replay is told, and what it found. Both cross a process border as JSON."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from vctx.pymodel.corelog.findings import Finding, findings_of, told
from vctx.pymodel.errors import UsageError
from vctx.pymodel.trace import Difference
from vctx.tb.process.files import write_json
from vctx.tb.replay.accounting import FunctionCount, RegionCount, VisitCount

CONFIG_VARIABLE = "VCTX_REPLAY"  # environment variable that names the ReplayConfig file
CHUNK = 16_384  # events that a batch replay hands over at a time


@dataclass(frozen=True)
class Latency:
    """Timing of the memory and the translate port; never of the result.

    Attributes:
        cycles: from an accepted address to data, 0 to 255.
        random: latencies are uniform in 0..cycles (seeded) instead of all equal to it.
        stall: back-pressure; a ready, or a beat, is held back with probability stall/256.
        xlat: latency of the translate port, as `cycles`.
    """

    cycles: int = 0
    random: bool = False
    stall: int = 0
    xlat: int = 0

    def __post_init__(self) -> None:
        for name, value in (("cycles", self.cycles), ("stall", self.stall), ("xlat", self.xlat)):
            if not 0 <= value <= 255:
                raise ValueError(f"latency: {name}={value} must be from 0 to 255")

    @classmethod
    def parse(cls, text: str) -> Latency:
        """Return what a text such as `10,random,stall=24,xlat=3` says; what it does not name is 0, and nothing random.

        Raises:
            UsageError: it says something else.
        """
        cycles, *others = text.split(",")
        names = dict(other.partition("=")[::2] for other in others)
        random = names.pop("random", None)
        try:
            if random or len(names) + (random is not None) != len(others) or names.keys() - {"stall", "xlat"}:
                raise ValueError
            numbers = {name: int(value) for name, value in (("cycles", cycles), *names.items())}
            return cls(random=random is not None, **numbers)
        except ValueError:
            raise UsageError(
                f"latency {text}: must be CYCLES[,random][,stall=N][,xlat=N], each number from 0 to 255"
            ) from None

    def __str__(self) -> str:
        """Return what `parse` reads."""
        named = [f"{name}={value}" for name, value in (("stall", self.stall), ("xlat", self.xlat)) if value]
        return ",".join((str(self.cycles), *(["random"] if self.random else []), *named))


@dataclass(frozen=True)
class ReplayConfig:
    """Everything the cocotb side needs. Paths are absolute; sizes in bytes; programs as in the header of the trace.

    Of a batch replay only:

    Attributes:
        growing: another name of the trace, which it has for as long as it is being written; None if it is complete.
        chunk: events that are handed over at a time. They decide when harts wait for each other, and so the cycles.
        waves_from: record of the stimulus from which waves are dumped; None for none.
        until: record of the stimulus before which the run ends; None for none.
        keep_going: go on behind what differs, and group it by rule.
    """

    trace: str
    out_dir: str
    sim: str
    vlen: int
    dlen: int
    harts: int
    ram_base: int
    ram_size: int
    fill: int
    seed: int
    command: str
    latency: Latency = field(default_factory=Latency)
    programs: dict[str, int | None] = field(default_factory=dict)
    growing: str | None = None
    chunk: int = CHUNK
    waves_from: int | None = None
    until: int | None = None
    keep_going: bool = False

    @classmethod
    def given(cls) -> ReplayConfig:
        """Return the configuration that the environment names, in the process of the simulator."""
        raw = json.loads(Path(os.environ[CONFIG_VARIABLE]).read_text())
        raw["latency"] = Latency(**raw["latency"])
        return cls(**raw)

    @property
    def observed(self) -> Path:
        """The trace of what was observed: the same events with the records that the RTL produced."""
        return Path(self.out_dir) / "observed.trace"

    @property
    def result(self) -> Path:
        """The `ReplayResult` file."""
        return Path(self.out_dir) / "result.json"

    @property
    def progress(self) -> Path:
        """A small file with the number of events replayed so far, rewritten now and then."""
        return Path(self.out_dir) / "progress.json"


@dataclass
class Instruction:
    """An instruction in a report.

    Attributes:
        index: position of the event in the trace. insn: the word.
        symbol: `program: symbol+offset`, with file and line if they are known; empty if nothing is.
    """

    index: int
    pc: int
    insn: int
    disassembly: str
    mode: str
    symbol: str

    def text(self) -> str:
        """Return it in one line."""
        return f"{self.mode} {self.pc:#x}: {self.insn:08x}  {self.disassembly:<32}  {self.symbol}".rstrip()


@dataclass
class Mismatch:
    """The first place at which the RTL left the trace.

    Attributes:
        index: position of the event in the trace; the number of events for a difference in the final RAM image.
        kind: "instruction", "checkpoint", "ram", or "unasked": a hart retired what was never issued.
        hart, pc, insn, disassembly, mode, symbol: of the instruction ("" and 0 where there is none); see `Instruction`.
        where: functions of the mark stack, outermost first; `who` is on whose behalf the innermost runs.
        differences: the fields that differ.
        command: what reproduces the failure.
        time, cycle: of the simulation, in ns and in periods of its clock, when the RTL retired it; None without a
            simulation.
        before: the last instructions of the hart before it, the last one last.
    """

    index: int
    kind: str
    hart: int
    differences: list[Difference]
    command: str
    pc: int = 0
    insn: int = 0
    disassembly: str = ""
    mode: str = ""
    where: str = "-"
    who: str = "-"
    symbol: str = ""
    time: int | None = None
    cycle: int | None = None
    before: list[Instruction] = field(default_factory=list)

    def text(self) -> str:
        """Return the report for people: several lines, fields as a table."""
        lines = [f"mismatch at event {self.index}: {self.kind}, hart {self.hart}"]
        if self.kind == "instruction":
            lines.append(f"  {self.mode} {self.pc:#x}: {self.insn:08x}  {self.disassembly}")
        if self.symbol:
            lines.append(f"  at {self.symbol}")
        if self.where != "-":
            lines.append(f"  in {self.where}, for {self.who or '-'}")
        if self.time is not None:
            lines.append(f"  at {self.time:,} ns of the simulation, cycle {self.cycle:,}")
        rows = [("field", "expected", "observed")]
        rows += [(d.field, d.expected, d.observed) for d in self.differences[:_SHOWN]]
        widths = [max(len(row[i]) for row in rows) for i in (0, 1)]
        lines += (f"  {name:{widths[0]}}  {want:{widths[1]}}  {got}" for name, want, got in rows)
        if len(self.differences) > _SHOWN:
            lines.append(f"  ... and {len(self.differences) - _SHOWN} more")
        if self.before:
            lines.append(f"the last {len(self.before)} instructions of hart {self.hart} before:")
            lines += (f"  event {each.index}: {each.text()}" for each in self.before)
        lines.append(f"reproduce with: {self.command}")
        return "\n".join(lines)


_SHOWN = 16


class MismatchError(Exception):
    """Fails the cocotb test of a replay: carries the mismatch, and reads as its report."""

    def __init__(self, mismatch: Mismatch) -> None:
        super().__init__(mismatch.text())
        self.mismatch = mismatch


@dataclass
class ReplayResult:
    """Outcome of one replay, mirrored in its JSON file.

    Attributes:
        ok: every record agreed.
        sim, vlen, dlen, harts, seed, latency: what was run.
        events, instructions, stores, checkpoints: how many were replayed.
        cycles: clock cycles that instructions took, summed over harts; `bus_busy` of them had a burst under way.
        bytes_read, bytes_written: bus bytes.
        seconds: wall time of the replay, without build and simulator start.
        compared: of a batch replay, processor time in seconds of the thread that encodes and compares.
        mismatch: the first difference, or None.
        findings: of a replay that goes on: what differs, by rule. departures: instructions that differ; `following` of
            them only because state differed before. notes: what the reader ought to know.
        functions, visits: accounting; see `tb.replay.accounting`.
        observed, waves: files; `waves` is None without waves.
        failed_record: of a batch replay, the stimulus record that the mismatch belongs to, if it belongs to one.
        repeated: a second run, for waves, failed in the same way; None if there was none.
        error: a fault in the trace itself, found while reading it; None otherwise.
    """

    ok: bool
    sim: str
    vlen: int
    dlen: int
    harts: int
    seed: int
    latency: Latency
    events: int = 0
    instructions: int = 0
    stores: int = 0
    checkpoints: int = 0
    cycles: int = 0
    bus_busy: int = 0
    bytes_read: int = 0
    bytes_written: int = 0
    seconds: float = 0.0
    compared: float = 0.0
    mismatch: Mismatch | None = None
    findings: list[Finding] = field(default_factory=list)
    departures: int = 0
    following: int = 0
    notes: list[str] = field(default_factory=list)
    functions: list[FunctionCount] = field(default_factory=list)
    visits: list[VisitCount] = field(default_factory=list)
    observed: str = ""
    waves: str | None = None
    failed_record: int | None = None
    repeated: bool | None = None
    error: str | None = None

    @classmethod
    def begin(cls, config: ReplayConfig) -> ReplayResult:
        """Return the result of a replay of which nothing is known yet."""
        return cls(False, config.sim, config.vlen, config.dlen, config.harts, config.seed, config.latency)

    def text(self) -> str:
        """Return for people what differs: by rule if the replay went on, else the first alone; "" if nothing."""
        if self.mismatch is None:
            return ""
        if not self.findings:
            return self.mismatch.text()
        lines = [*told(self.findings, "event"), ""]
        lines.append(f"{self.departures:,} of {self.instructions:,} instructions differ")
        if self.following:
            lines.append(
                f"  {self.following:,} of them only follow from state that differed before, and are not counted above"
            )
        return "\n".join(
            [*lines, *(f"note: {note}" for note in self.notes), f"reproduce with: {self.mismatch.command}"]
        )

    def write(self, path: Path) -> None:
        """Write the JSON file; it appears complete or not at all."""
        write_json(path, asdict(self))

    @classmethod
    def read(cls, path: Path) -> ReplayResult:
        """Read what `write` wrote."""
        data = json.loads(path.read_text())
        raw: dict[str, Any] = {each.name: data[each.name] for each in fields(cls)}  # it may have more: a report's
        raw["latency"] = Latency(**raw["latency"])
        if raw["mismatch"] is not None:
            mismatch = raw["mismatch"]
            mismatch["differences"] = [Difference(**d) for d in mismatch["differences"]]
            mismatch["before"] = [Instruction(**each) for each in mismatch["before"]]
            raw["mismatch"] = Mismatch(**mismatch)
        raw["findings"] = findings_of(raw["findings"])
        raw["functions"] = [FunctionCount(**f) for f in raw["functions"]]
        for visit in raw["visits"]:
            visit["regions"] = {name: RegionCount(**r) for name, r in visit["regions"].items()}
            visit["by_cycles"] = {int(cycles): visits for cycles, visits in visit["by_cycles"].items()}
        raw["visits"] = [VisitCount(**visit) for visit in raw["visits"]]
        return cls(**raw)
