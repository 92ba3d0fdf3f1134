# SPDX-License-Identifier: Apache-2.0
"""Speeds: every way to run a workload, measured in turns, so that a busy machine hurts all of them alike.

A speed is instructions of the block a second: the ones that are compared. The best of the rounds counts; only ratios
within one run of the benchmark mean something.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from vctx.tb.bench.bare import build_bare, run_bare, write_stimulus
from vctx.tb.bench.errors import BenchError
from vctx.tb.bench.workload import VLEN, Record, Timed, Workload, contexts, cut, main_job, with_processor_time
from vctx.tb.process.worker import preload
from vctx.tb.replay.launch import replay, replay_config
from vctx.tb.replay.live import Announcer, overlap
from vctx.tb.replay.result import Latency
from vctx.tb.runs.defaults import LATENCY
from vctx.tb.simulators.build import build
from vctx.tb.simulators.design import replay_design
from vctx.tb.simulators.find import simulator

DLEN = 128
STEP = "step replay, Verilator"
BATCH = "batch replay, Verilator"
BARE = "bare C++ loop"
GOLDEN = "golden model alone"
SPIKE = "Spike alone"
PIPELINE = "record, batch replay, compare"
ICARUS_STEP = "step replay, Icarus"
ICARUS_BATCH = "batch replay, Icarus"
WITHOUT_LATENCY = frozenset((BARE, GOLDEN, SPIKE))

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Size:
    """How much is measured.

    Attributes:
        entries, iterations: of the main job, and of contexts.
        step, icarus: events of the cut that is replayed step by step, and of the one on Icarus.
        rounds: how often; the best counts.
    """

    entries: int
    iterations: int
    step: int
    icarus: int
    rounds: int


FULL = Size(entries=20_000, iterations=8_000, step=12_000, icarus=8_000, rounds=3)
QUICK = Size(entries=1_000, iterations=400, step=3_000, icarus=500, rounds=1)


@dataclass
class Row:
    """One way to run one workload: what each round took, for how many instructions."""

    workload: str
    way: str
    rounds: list[Timed] = field(default_factory=list)

    @property
    def per_second(self) -> float:
        """Instructions a second in the best round."""
        return max(timed.instructions / timed.seconds for timed in self.rounds)

    @property
    def processor(self) -> tuple[float, float] | None:
        """Processor time of each instruction in microseconds, in Python and in other processes; None if not measured.

        Unlike a speed it hardly depends on what else the machine does.
        """
        used = [
            (1e6 * timed.python / timed.instructions, 1e6 * timed.others / timed.instructions)
            for timed in self.rounds
            if timed.python is not None and timed.others is not None
        ]
        return min(used, key=sum, default=None)


@dataclass
class Speeds:
    """All rows, in the order of the table."""

    rows: list[Row]

    def ratio(self, row: Row, way: str) -> float:
        """Return how many times as fast as another way to run the same workload a row is."""
        (other,) = (other for other in self.rows if (other.workload, other.way) == (row.workload, way))
        return row.per_second / other.per_second

    def as_json(self) -> list[dict[str, object]]:
        """Return the rows as JSON-able data."""
        return [
            {
                "workload": row.workload,
                "way": row.way,
                "instructions": row.rounds[0].instructions,
                "seconds": [round(timed.seconds, 4) for timed in row.rounds],
                "per second": round(row.per_second),
                "of step replay": round(self.ratio(row, STEP), 3),
                "of the bare loop": round(self.ratio(row, BARE), 4),
                "processor time": row.processor,
            }
            for row in self.rows
        ]


Measure = Callable[[], Timed]


def speeds(out_dir: Path, size: Size, progress: Progress) -> Speeds:
    """Record the workloads and measure.

    Raises:
        BenchError: RTL and trace differ. VctxError: see `tb.simulators.simulator.replay`.
    """
    out_dir.mkdir(parents=True, exist_ok=True)
    progress("recording contexts")
    loop = contexts(out_dir, size.iterations)
    progress("recording the main job")
    job = main_job(out_dir, size.entries)
    cases = (
        (f"{job.name}, usual latencies", job, LATENCY),
        (f"{job.name}, memory without latency", job, Latency()),
        (f"{loop.name}, memory without latency", loop, Latency()),
    )
    tables: list[tuple[Workload, dict[str, Row], dict[str, Measure]]] = []
    shared: dict[tuple[str, str], list[Timed]] = {}
    for title, workload, latency in cases:
        progress(f"building for {title}")
        measures = _measures(workload, latency, size, out_dir)
        rows = {way: Row(title, way) for way in measures}
        for way in (
            rows.keys() & WITHOUT_LATENCY
        ):  # the same, whatever the latency: measured in each case, counts for all
            rows[way].rounds = shared.setdefault((workload.name, way), [])
        tables.append((workload, rows, measures))
    for number in range(size.rounds):
        for _, rows, measures in tables:
            for way, measure in measures.items():
                progress(f"round {number + 1} of {size.rounds}: {rows[way].workload}: {way}")
                rows[way].rounds.append(with_processor_time(measure))
    return Speeds([row for _, rows, _ in tables for row in rows.values()])


def _measures(workload: Workload, latency: Latency, size: Size, out_dir: Path) -> dict[str, Measure]:
    """Build what is needed, and return what measures each way once."""
    builds = {
        (sim, step): build(simulator(sim), replay_design(VLEN, DLEN, workload.harts, ram=workload.ram, batch=not step))
        for sim in ("verilator", "icarus")
        for step in (False, True)
    }
    bare = build_bare(VLEN, DLEN)
    config = replay_config(workload.trace, sim="verilator", dlen=DLEN, out_dir=out_dir / "run")
    stimulus = write_stimulus(config, workload.trace.with_suffix(".stimulus"))
    step_cut = cut(workload.trace, workload.trace.with_suffix(".step"), size.step)
    icarus_cut = cut(workload.trace, workload.trace.with_suffix(".icarus"), size.icarus)
    instructions = workload.recorded.instructions

    def replayed(trace: Path, sim: str, *, step: bool) -> Timed:
        _place_anew(builds[sim, step])
        result = replay(trace, sim=sim, dlen=DLEN, out_dir=out_dir / "run", latency=latency, step=step)
        if result.mismatch is not None:
            raise BenchError(result.mismatch.text())
        return Timed(result.instructions, result.seconds, compared=result.compared)

    def bare_loop() -> Timed:
        _place_anew(bare.parent)
        return Timed(instructions, run_bare(bare, stimulus, instructions).seconds)

    def whole_pipeline() -> Timed:
        _place_anew(builds["verilator", False])
        return pipeline(workload, latency, out_dir / "pipeline")

    measures = {
        STEP: lambda: replayed(step_cut, "verilator", step=True),
        BATCH: lambda: replayed(workload.trace, "verilator", step=False),
        BARE: bare_loop,
        GOLDEN: workload.golden,
        ICARUS_STEP: lambda: replayed(icarus_cut, "icarus", step=True),
        ICARUS_BATCH: lambda: replayed(icarus_cut, "icarus", step=False),
    }
    if workload.spike is not None:
        measures[SPIKE] = workload.spike
    return measures | {PIPELINE: whole_pipeline}


def _place_anew(build: Path) -> None:
    """Replace the programs of a build by copies of themselves.

    A program's speed depends on where its file lies in the computer's memory (docs/bench.md), which stays as it is for
    as long as the file does. No way should have good or bad luck in every round.
    """
    programs = [path for path in build.iterdir() if path.is_file() and os.access(path, os.X_OK)]
    with tempfile.TemporaryDirectory(dir=build) as scratch:
        for program in programs:
            Path(shutil.copy2(program, scratch)).replace(program)


def _record(record: Record, trace: Path, announcer: Announcer) -> None:
    record(trace, announcer.begin)


def pipeline(workload: Workload, latency: Latency, out_dir: Path) -> Timed:
    """Record the workload anew and replay it meanwhile, as `vctx cosim` does, but without the eager hypervisor's run.

    Raises:
        BenchError: RTL and trace differ, or not everything was compared.
    """
    trace = out_dir / "pipeline.trace"
    preload(__name__)
    started = time.perf_counter()
    both = overlap(
        partial(_record, workload.record, trace),
        lambda recording: replay(
            recording.trace, sim="verilator", dlen=DLEN, out_dir=out_dir, latency=latency, recording=recording
        ),
        out_dir / "live.trace",
    )
    seconds = time.perf_counter() - started
    trace.unlink()
    if both.replayed.mismatch is not None:
        raise BenchError(both.replayed.mismatch.text())
    if both.replayed.instructions != workload.recorded.instructions:
        raise BenchError(f"{both.replayed.instructions:,} of {workload.recorded.instructions:,} instructions compared")
    return Timed(both.replayed.instructions, seconds, both.recorder_seconds, both.replayed.compared)
