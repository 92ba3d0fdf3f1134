# SPDX-License-Identifier: Apache-2.0
"""What is measured: two recorded workloads, with the ways to run the same without the RTL.

* the main job: vCPUs and host tasks on two harts. Its kernel is Python in part, so Spike cannot run it;
* contexts (sw/bench/context.S): a bare-metal program that does nothing but restore a vector context, work and save it.
"""

from __future__ import annotations

import itertools
import os
import resource
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from vctx.pymodel import programs
from vctx.pymodel.isa import Observer
from vctx.pymodel.kvm.machine import RAM_SIZE
from vctx.pymodel.places import SW
from vctx.pymodel.programs import Image, read_elf
from vctx.pymodel.scenarios.bare_metal import FILL, RAM_BASE, ram_size, run_bare_metal
from vctx.pymodel.scenarios.shared_unit import SharedUnitConfig, run_shared_unit
from vctx.pymodel.trace import Event, Issue, Retire, TraceReader, TraceWriter
from vctx.pymodel.trace.bulk import frames
from vctx.pymodel.trace.file import KIND
from vctx.pymodel.trace.recorder import Recorder
from vctx.tb.bench.errors import BenchError
from vctx.tb.jobs import cosim
from vctx.tb.runs.progress import silent
from vctx.tb.spike.log import spike_command

VLEN = 256
HARTS = 2  # of the main job
SEED = 1
SOURCE = SW / "bench" / "context.S"

_CHUNK = 8192
_UNLIMITED = 1 << 40  # instructions

Begin = Callable[[Path], None]
Record = Callable[[Path, Begin | None], object]


@dataclass(frozen=True)
class Timed:
    """So many instructions of the block took `seconds`.

    Attributes:
        recorder, compared: processor time in seconds of Python elsewhere: of a golden model that ran in a process of
            its own, and of the thread in the simulator's process that compares.
        python, others: processor time in seconds, of this process with those, and of all else that it started; None if
            not measured.
    """

    instructions: int
    seconds: float
    recorder: float = 0.0
    compared: float = 0.0
    python: float | None = None
    others: float | None = None


@dataclass(frozen=True)
class Workload:
    """A recorded workload.

    Attributes:
        trace: the recording; harts and ram: how many harts it needs, and how many bytes of RAM.
        recorded: its instructions, and how long the recording took.
        record: records it anew into a file; its second argument gets the name that the file has meanwhile. It can be
            pickled.
        golden: runs the first tenth on the golden model alone, which does not record it.
        spike: runs all of it on Spike; None if Spike cannot.
    """

    name: str
    trace: Path
    harts: int
    ram: int
    recorded: Timed
    record: Record
    golden: Callable[[], Timed]
    spike: Callable[[], Timed] | None = None


class _Count:
    """An observer that counts instructions of the block."""

    def __init__(self) -> None:
        self.instructions = 0

    def insn(self, hart_id: int, pc: int, issue: Issue, retire: Retire) -> None:
        self.instructions += 1

    def store(self, hart_id: int, paddr: int, data: bytes) -> None:
        """Not counted."""

    def event(self, event: Event) -> None:
        """Not counted."""


def main_job(out_dir: Path, entries: int) -> Workload:
    """Record the main job with this many guest entries."""
    config = SharedUnitConfig(vlen=VLEN, harts=HARTS, seed=SEED, entries=entries)
    tenth = replace(config, entries=entries // 10, pairs=config.pairs // 10)
    trace = out_dir / "main.trace"

    record = partial(_record_main_job, config)

    def golden() -> Timed:
        return _counted(lambda observer: run_shared_unit(tenth, observer))

    return Workload("main job", trace, HARTS, RAM_SIZE, _recorded(trace, record), record, golden)


def _record_main_job(config: SharedUnitConfig, trace: Path, begin: Begin | None) -> None:
    cosim.record(config, trace, "make bench", silent, begin)


def contexts(out_dir: Path, iterations: int) -> Workload:
    """Record the program of contexts with this many iterations."""
    image = context_program(out_dir, iterations)
    tenth = context_program(out_dir, iterations // 10)
    spike_command(image.path, VLEN, Path(os.devnull))  # before anything slow: is Spike there?
    trace = out_dir / "contexts.trace"

    record = partial(record_program, image, VLEN)
    recorded = _recorded(trace, record)

    def golden(observer: Observer) -> None:
        run_bare_metal(tenth, VLEN, observer, limit=_UNLIMITED)

    def spike() -> Timed:
        return Timed(recorded.instructions, _spike_seconds(image))

    return Workload("contexts", trace, 1, ram_size(image), recorded, record, lambda: _counted(golden), spike)


def context_program(out_dir: Path, iterations: int) -> Image:
    """Build the program of contexts."""
    recipe = replace(programs.PROGRAMS["bare-loops"], defines=(f"ITERATIONS={iterations}",))
    elf = out_dir / f"context-{iterations}.elf"
    programs.link(recipe, [programs.sources(recipe)[0], SOURCE], elf)
    return read_elf(elf.name, elf)


def record_program(image: Image, vlen: int, trace: Path, begin: Begin | None = None) -> None:
    """Record a bare-metal program; `begin` gets the name that the file has while it is written.

    Raises:
        BenchError: it does not end with exit code 0.
    """
    header = {"command": "make bench", "vlen": vlen, "harts": 1, "seed": SEED, "fill": FILL}
    with TraceWriter(trace, header | {"ram_base": RAM_BASE, "ram_size": ram_size(image)}) as writer:
        if begin is not None:
            begin(writer.partial)
        recorder = Recorder(writer, vlen // 8, alone=True)
        ended = run_bare_metal(image, vlen, recorder, limit=_UNLIMITED)
        recorder.finish()
    if ended.exit_code != 0:
        raise BenchError(f"{image.name} ended with exit code {ended.exit_code}")


def with_processor_time(measure: Callable[[], Timed]) -> Timed:
    """Return what `measure` returns, with the processor time that it took."""
    before = [processor_time(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    timed = measure()
    after = [processor_time(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return replace(
        timed,
        python=after[0] - before[0] + timed.recorder + timed.compared,
        others=after[1] - before[1] - timed.compared,
    )


def processor_time(who: int) -> float:
    """Return the processor time of `resource.RUSAGE_SELF`, or of the processes that it started and that have ended."""
    used = resource.getrusage(who)
    return used.ru_utime + used.ru_stime


def instructions_of(trace: Path) -> int:
    """Return the number of instructions in a trace."""
    return sum(int((part.kinds == KIND["insn"]).sum()) for part in frames(TraceReader(trace), _CHUNK))


def cut(trace: Path, out: Path, events: int) -> Path:
    """Write the first events of a trace as a trace."""
    reader = TraceReader(trace)
    with TraceWriter(out, reader.header) as writer:
        for event in itertools.islice(reader, events):
            writer.event(event)
    return out


def _recorded(trace: Path, record: Record) -> Timed:
    started = time.perf_counter()
    record(trace, None)
    seconds = time.perf_counter() - started
    return Timed(instructions_of(trace), seconds)


def _counted(run: Callable[[_Count], object]) -> Timed:
    observer = _Count()
    started = time.perf_counter()
    run(observer)
    return Timed(observer.instructions, time.perf_counter() - started)


def _spike_seconds(image: Image) -> float:
    """Run a program on Spike without a log."""
    command = [
        word for word in spike_command(image.path, VLEN, Path(os.devnull)) if word not in ("-l", "--log-commits")
    ]
    started = time.perf_counter()
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    if done.returncode != 0:
        raise BenchError(f"{image.name} ended on Spike with exit code {done.returncode}")
    return time.perf_counter() - started
