# SPDX-License-Identifier: Apache-2.0
"""Fuzzing campaigns: random programs on the golden hart and on Spike in lockstep, and on the RTL by replay.

Program `n` of a campaign depends on seed, VLEN and `n` alone, and results are taken in order, so neither the number of
jobs nor the speed of the machine changes what is found.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import signal
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from time import perf_counter
from typing import Any, TypeVar

from vctx.pymodel.errors import UsageError
from vctx.pymodel.fuzz.coverage import Coverage, CrossResult, Point, evaluate
from vctx.pymodel.fuzz.generator import NEVER, generate, seed_of
from vctx.pymodel.fuzz.program import Program, read_assembly, world
from vctx.pymodel.fuzz.shrink import shrink
from vctx.pymodel.places import out_root
from vctx.tb.jobs import lockstep
from vctx.tb.jobs.fuzz_rtl import LATENCY, Recorded, RtlJudge, program_of, record
from vctx.tb.knobs import DEFAULT_DLEN, DEFAULT_SIM, Knobs
from vctx.tb.process.files import write_json
from vctx.tb.process.folders import claimed, name_of
from vctx.tb.process.worker import PROCESSES, Surroundings, end_with_caller, preload, without_main
from vctx.tb.replay.result import ReplayResult
from vctx.tb.runs.defaults import design_options, design_suffix
from vctx.tb.runs.progress import Progress, silent
from vctx.tb.runs.repeat import shown, vctx_command
from vctx.tb.simulators.build import build
from vctx.tb.simulators.design import replay_design
from vctx.tb.simulators.filelist import OwnStatus
from vctx.tb.simulators.find import simulator

VLENS = (128, 256, 512, 4096)
_CHUNK = 32  # programs that a job takes at a time
_TRACE = 20_000  # instructions of one trace, at least

_T = TypeVar("_T")


@dataclass(frozen=True)
class FuzzConfig:
    """What to run.

    Attributes:
        count: instructions of the block to compare, over all VLENs together, for each of Spike and RTL.
        seed: master seed.
        vlens: register widths in bits, each with an equal share.
        spike, rtl: what to compare the golden hart with.
        sim, dlen: simulator and bus width in bits for the RTL; `dlen` None for the usual one.
        jobs: processes, or simulations, at a time.
        wide: with every integer vector instruction, also those that the block lacks; on Spike only.
        status: what is in the place of the block's status registers.
        keep_going: group what the RTL gets wrong by rule, instead of stopping at the first program.
    """

    count: int = 100_000
    seed: int = 1
    vlens: tuple[int, ...] = VLENS
    spike: bool = True
    rtl: bool = False
    sim: str = DEFAULT_SIM
    dlen: int | None = None
    jobs: int = 1
    wide: bool = False
    status: OwnStatus | None = None
    keep_going: bool = False

    def __post_init__(self) -> None:
        for vlen in self.vlens:
            Knobs(self.sim, vlen, self.dlen_of(vlen), self.seed)
        if self.wide and self.rtl:
            raise UsageError("--rtl: the block has fewer instructions than this profile")
        for name, value in (("count", self.count), ("jobs", self.jobs)):
            if value < 1:
                raise UsageError(f"--{name} {value}: must be at least 1")

    def dlen_of(self, vlen: int) -> int:
        """Return the bus width for a VLEN."""
        return min(DEFAULT_DLEN, vlen) if self.dlen is None else self.dlen

    @property
    def share(self) -> int:
        """Instructions for each VLEN."""
        return -(-self.count // len(self.vlens))

    @property
    def name(self) -> str:
        """A name for the directory of the campaign's files."""
        what = "-".join(["wide"] * self.wide + ["spike"] * self.spike + [self.sim] * self.rtl)
        vlens = "-".join(map(str, self.vlens))
        return f"{what}-vlen{vlens}-seed{self.seed}-count{self.count}{design_suffix(self.status)}"


@dataclass(frozen=True)
class Failure:
    """A program on which the golden hart and the other side differ.

    Attributes:
        against: "Spike" or "RTL".
        vlen, number: which program of the campaign.
        report: the first difference, as text.
        program: the file of the shrunk program; `instructions` of its body; `replay` runs it again.
    """

    against: str
    vlen: int
    number: int
    report: str
    program: str
    instructions: int
    replay: str


@dataclass
class Tally:
    """What one side of the comparison has done: instructions of the block, steps of any kind, whole programs."""

    instructions: int = 0
    steps: int = 0
    programs: int = 0
    unfinished: int = 0
    seconds: float = 0.0

    @property
    def rate(self) -> int:
        """Instructions a second."""
        return round(self.instructions / self.seconds) if self.seconds else 0


@dataclass
class FuzzResult:
    """What a campaign found; `ok` when no program differs."""

    config: FuzzConfig
    path: Path
    command: str
    spike: Tally = field(default_factory=Tally)
    rtl: Tally = field(default_factory=Tally)
    points: Counter[Point] = field(default_factory=Counter)
    failures: list[Failure] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """No program differs."""
        return not self.failures

    @property
    def crosses(self) -> list[CrossResult]:
        """What was reached."""
        return evaluate(self.points, irqs=self.config.rtl)

    def as_json(self) -> dict[str, Any]:
        """Return the result as JSON-able data."""
        return {
            "ok": self.ok,
            "command": self.command,
            "config": asdict(replace(self.config, status=None)) | {"design": design_options(self.config.status)},
            "spike": asdict(self.spike),
            "rtl": asdict(self.rtl),
            "failures": [asdict(failure) for failure in self.failures],
            "not judged by Spike": {point.number: f"{point.subject}: {point.unjudged}" for point in lockstep.UNJUDGED},
            "never generated": NEVER,
            "coverage points": len(self.points),
            "coverage": [asdict(cross) for cross in self.crosses],
        }


def fuzz(config: FuzzConfig, progress: Progress = silent) -> FuzzResult:
    """Run a campaign until it is done, or until the first program of a VLEN that differs, which is shrunk.

    Args:
        config: what to run.
        progress: called with (phase, done, total).

    Raises:
        VctxError: a tool is missing, or a simulation failed.
    """
    out_dir = _campaign(config)
    result = FuzzResult(config, out_dir / "result.json", command_of(config))
    with claimed(out_dir):
        result.path.unlink(missing_ok=True)
        world()  # built once, before there are several processes
        for vlen in config.vlens:
            if config.spike:
                _against_spike(config, vlen, result, progress)
            if config.rtl:
                _against_rtl(config, vlen, result, progress)
        write_json(result.path, result.as_json())
    return result


def replay_program(path: Path, config: FuzzConfig) -> list[str]:
    """Run one program from its file on everything that `config` names; return a report for each that differs."""
    program = read_assembly(path)
    reports = []
    if config.spike:
        with lockstep.Lockstep(program.vlen, wide=program.wide) as both:
            divergence = both.run(program)
        if divergence is not None:
            reports.append(lockstep.text(divergence))
    if config.rtl:
        judge = _judge(config, program.vlen, out_root() / "fuzz" / "replay" / name_of(path))
        with claimed(judge.out_dir):
            recorded = _record_one(program, judge, "")
            mismatch = judge.replay(recorded.trace, command=_replay_command(path, config)).mismatch
        if mismatch is not None:
            reports.append(mismatch.text())
    return reports


def command_of(config: FuzzConfig) -> str:
    """Return the command that repeats a campaign."""
    arguments = ["fuzz", f"--count {config.count}", f"--seed {config.seed}"]
    arguments += [f"--vlen {vlen}" for vlen in config.vlens]
    arguments += ["--profile spike"] * config.wide
    return vctx_command(*arguments, *_sides(config))


def _campaign(config: FuzzConfig) -> Path:
    """Return the directory of a campaign's files."""
    return out_root() / "fuzz" / config.name


def _sides(config: FuzzConfig) -> list[str]:
    arguments = ["--oracle spike"] if config.spike else []
    if config.rtl:
        arguments += ["--rtl", f"--sim {config.sim}"] + ([f"--dlen {config.dlen}"] if config.dlen else [])
        arguments += design_options(config.status, config.keep_going)
    return arguments


def _replay_command(path: Path, config: FuzzConfig) -> str:
    return vctx_command("fuzz", "--replay", path, *_sides(config))


# --- against Spike ---


@dataclass(frozen=True)
class _Chunk:
    """What came of some programs in a row; `differing` is the number of the program at which it stopped."""

    tally: Tally
    points: Counter[Point]
    differing: int | None


def _lockstep_chunk(seed: int, vlen: int, wide: bool, first: int) -> _Chunk:
    """Run `_CHUNK` programs in lockstep, up to the first that differs."""
    coverage = Coverage(vlen)
    differing = None
    with lockstep.Lockstep(vlen, coverage.add, wide=wide) as both:
        for number in range(first, first + _CHUNK):
            coverage.restart()
            if both.run(generate(seed_of(seed, vlen, number), vlen, wide=wide)) is not None:
                differing = number
                break
        tally = Tally(both.instructions, both.steps, number + 1 - first, both.unfinished)
    return _Chunk(tally, coverage.points, differing)


def _against_spike(config: FuzzConfig, vlen: int, result: FuzzResult, progress: Progress) -> None:
    started, done, share = perf_counter(), 0, config.share
    arguments = ((config.seed, vlen, config.wide, first) for first in itertools.count(0, _CHUNK))
    # Closed here, and not by the collector of garbage, in which an interrupt would be lost.
    with contextlib.closing(_in_order(config.jobs, _lockstep_chunk, arguments)) as chunks:
        for chunk in chunks:
            _add(result.spike, chunk.tally)
            result.points.update(chunk.points)
            done += chunk.tally.instructions
            progress(f"spike {vlen}", min(done, share), share)
            if chunk.differing is not None:
                program = generate(seed_of(config.seed, vlen, chunk.differing), vlen, wide=config.wide)
                result.failures.append(_spike_failure(config, program, chunk.differing))
                break
            if done >= share:
                break
    result.spike.seconds += perf_counter() - started


def _spike_failure(config: FuzzConfig, program: Program, number: int) -> Failure:
    first = _divergence(program)
    small = shrink(program, lockstep.diverges, program.word_at(first.pc))
    report = lockstep.text(_divergence(small))
    path = _program_path(config, "spike", program.vlen, number)
    return _keep(path, "Spike", small, number, report, config, _replay_command(path, FuzzConfig()))


def _divergence(program: Program) -> lockstep.Divergence:
    with lockstep.Lockstep(program.vlen, wide=program.wide) as both:
        divergence = both.run(program)
    assert divergence is not None, "the program differed before"
    return divergence


def _add(total: Tally, more: Tally) -> None:
    total.instructions += more.instructions
    total.steps += more.steps
    total.programs += more.programs
    total.unfinished += more.unfinished


def _join_pool(surroundings: Surroundings) -> None:
    """Begin a process of a pool: it ends with whoever made the pool, or when it is interrupted, and without a word."""
    surroundings.enter(signal.SIG_DFL)
    end_with_caller(lambda: os._exit(1))


def _in_order(jobs: int, work: Callable[..., _T], arguments: Iterator[tuple[Any, ...]]) -> Generator[_T, None, None]:
    """Yield the results of `work` for endless `arguments`, in their order; a few are computed ahead."""
    if jobs == 1:
        yield from (work(*args) for args in arguments)
        return
    preload(__name__)
    with ProcessPoolExecutor(jobs, PROCESSES, initializer=_join_pool, initargs=(Surroundings.here(),)) as pool:
        with without_main():
            pool.submit(int)  # the first one starts all processes
        yield from _ahead(pool, jobs, work, arguments)


def _ahead(pool: Executor, jobs: int, work: Callable[..., _T], arguments: Iterator[tuple[Any, ...]]) -> Iterator[_T]:
    pending: deque[Future[_T]] = deque()
    try:
        while True:
            while len(pending) <= jobs and (args := next(arguments, None)) is not None:
                pending.append(pool.submit(work, *args))
            if not pending:
                return
            yield pending.popleft().result()
    finally:
        for future in pending:
            future.cancel()


# --- against the RTL ---


def _judge(config: FuzzConfig, vlen: int, out_dir: Path) -> RtlJudge:
    return RtlJudge(config.sim, config.dlen_of(vlen), out_dir, status=config.status, keep_going=config.keep_going)


def _record_one(program: Program, judge: RtlJudge, command: str) -> Recorded:
    return record([program], program.vlen, judge.out_dir / "program.trace", command=command)


def _against_rtl(config: FuzzConfig, vlen: int, result: FuzzResult, progress: Progress) -> None:
    out_dir = _campaign(config) / f"vlen{vlen}"
    judge = _judge(config, vlen, out_dir)
    design = replay_design(vlen, judge.dlen, 1, ram=world().size, status=config.status, batch=True)
    build(simulator(config.sim), design)  # once, before replays run side by side
    started, done, share = perf_counter(), 0, config.share
    traces = _traces(config, vlen, out_dir, result)
    with ThreadPoolExecutor(config.jobs) as pool:
        for first, recorded, rtl in _ahead(pool, config.jobs, lambda at, r: (at, r, judge.replay(r.trace)), traces):
            _add(result.rtl, Tally(rtl.instructions, rtl.instructions, recorded.programs, recorded.unfinished))
            done += rtl.instructions
            progress(f"rtl {vlen}", min(done, share), share)
            if not rtl.ok and config.keep_going:
                result.failures.append(_departed(config, first, recorded, rtl))
                continue
            if not rtl.ok:
                result.failures.append(_rtl_failure(config, judge, first, recorded, rtl))
                break
            recorded.trace.unlink()
            Path(rtl.observed).unlink()
    result.rtl.seconds += perf_counter() - started


def _traces(config: FuzzConfig, vlen: int, out_dir: Path, result: FuzzResult) -> Iterator[tuple[int, Recorded]]:
    """Record traces until the share of `vlen` is reached; yield the number of the first program with each."""
    first, left = 0, config.share
    while left > 0:
        coverage = Coverage(vlen)
        recorded = record(
            (generate(seed_of(config.seed, vlen, number), vlen) for number in itertools.count(first)),
            vlen,
            out_dir / f"{first}.trace",
            command=result.command,
            seed=config.seed + first,
            enough=min(left, _TRACE),
            observer=coverage.add,
        )
        result.points.update(coverage.points)
        yield first, recorded
        first += recorded.programs
        left -= recorded.instructions


def _rtl_failure(config: FuzzConfig, judge: RtlJudge, first: int, recorded: Recorded, rtl: ReplayResult) -> Failure:
    mismatch = rtl.mismatch
    assert mismatch is not None
    at = program_of(mismatch)
    only = FuzzConfig(spike=False, rtl=True, sim=config.sim, dlen=config.dlen, status=config.status)
    alone = judge.at(judge.out_dir / "shrink")
    numbers = range(first, first + recorded.programs) if at is None else [first + at]
    for number in numbers:
        program = generate(seed_of(config.seed, rtl.vlen, number), rtl.vlen)
        if alone([program]) == 0:
            path = _program_path(config, "rtl", rtl.vlen, number)
            command = _replay_command(path, only)
            small = shrink(program, alone, program.word_at(mismatch.pc))
            again = alone.replay(_record_one(small, alone, "").trace, command=command).mismatch
            assert again is not None, "the program failed before"
            return _keep(path, "RTL", small, number, again.text(), config, command)
    command = _replay_of(config, recorded, rtl)
    report = f"{mismatch.text()}\n  no program of the trace fails alone; the trace is kept"
    return Failure("RTL", rtl.vlen, numbers[0], report, shown(recorded.trace), 0, command)


def _departed(config: FuzzConfig, first: int, recorded: Recorded, rtl: ReplayResult) -> Failure:
    """Return what differs in a whole trace, by rule. The trace is kept."""
    command = _replay_of(config, recorded, rtl)
    return Failure("RTL", rtl.vlen, first, rtl.text(), shown(recorded.trace), 0, command)


def _replay_of(config: FuzzConfig, recorded: Recorded, rtl: ReplayResult) -> str:
    options = [f"--sim {rtl.sim}", f"--dlen {rtl.dlen}", f"--latency {LATENCY}"]
    return vctx_command("replay", recorded.trace, *options, *design_options(config.status, config.keep_going))


def _program_path(config: FuzzConfig, against: str, vlen: int, number: int) -> Path:
    return _campaign(config) / f"{against}-vlen{vlen}-program{number}.S"


def _keep(
    path: Path, against: str, program: Program, number: int, report: str, config: FuzzConfig, command: str
) -> Failure:
    """Write a shrunk program to its file."""
    title = f"{against} and golden model differ: seed {config.seed}, VLEN {program.vlen}, program {number}, shrunk.\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(program.assembly(title + report, command))
    return Failure(against, program.vlen, number, report, shown(path), len(program.words), command)
