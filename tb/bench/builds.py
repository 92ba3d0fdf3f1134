# SPDX-License-Identifier: Apache-2.0
"""Build time of the batch testbench against its run time, for the choices that compiler and Verilator leave."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from vctx.tb.bench.errors import BenchError
from vctx.tb.bench.speed import DLEN
from vctx.tb.bench.workload import VLEN, Workload, processor_time
from vctx.tb.replay.launch import replay_config, run_batch
from vctx.tb.runs.defaults import LATENCY
from vctx.tb.simulators.design import replay_design
from vctx.tb.simulators.find import simulator
from vctx.tb.simulators.simulator import SimulationError
from vctx.tb.simulators.verilator import BATCH_CFLAGS


@dataclass(frozen=True)
class Choice:
    """One way to build.

    Attributes:
        optimize: of the C++ compiler, for everything.
        jobs: compilations at a time.
        split: statements in a C++ file, about; 0 compiles all of the model as one file.
        slow: of the C++ compiler, for what runs once, and for Verilator's library; None for `optimize`.
    """

    optimize: str
    jobs: int
    split: int = 0
    slow: str | None = None

    def __str__(self) -> str:
        files = f"files of {self.split}" if self.split else "one file"
        jobs = f"{self.jobs} job{'s' if self.jobs > 1 else ''}"
        return ", ".join([self.optimize, files, jobs, *([f"{self.slow} for the rest"] if self.slow else [])])


CHOICES = (
    *(Choice(optimize, jobs=1) for optimize in ("-O0", "-Os", "-O1", "-O2", "-O3")),
    *(Choice(optimize, jobs=2) for optimize in ("-O0", "-Os", "-O1", "-O2", "-O3")),
    Choice("-O1", jobs=2, slow="-O0"),
    Choice("-O1", jobs=2, split=4000),
    Choice("-O1", jobs=2, split=4000, slow="-O0"),
    Choice("-O2", jobs=2, split=4000, slow="-O0"),
)


@dataclass
class Built:
    """What a choice costs, in seconds.

    Attributes:
        wall, cpu: of the build.
        replays, simulations: of each replay, and of the simulator's process in it.
    """

    choice: Choice
    wall: float
    cpu: float
    replays: list[float] = field(default_factory=list)
    simulations: list[float] = field(default_factory=list)


def builds(out_dir: Path, job: Workload, rounds: int, progress: Callable[[str], None]) -> list[Built]:
    """Build the testbench of the main job in every way, without a compiler cache, and replay with each in turns.

    Raises:
        SimulationError: a build fails. BenchError: RTL and trace differ.
    """
    out_dir.mkdir(parents=True, exist_ok=True)
    found = []
    for number, choice in enumerate(CHOICES):
        progress(f"building: {choice}")
        found.append(_build(choice, job, out_dir / str(number)))
    for number in range(rounds):
        for at, built in enumerate(found):
            progress(f"round {number + 1} of {rounds}: {built.choice}")
            _replay(built, job, out_dir / str(at))
    return found


def _build(choice: Choice, job: Workload, directory: Path) -> Built:
    tool = simulator("verilator")
    design = replay_design(VLEN, DLEN, job.harts, ram=job.ram, batch=True)
    usual = tool.batch_command(design)
    assert tuple(usual[-len(BATCH_CFLAGS) :]) == BATCH_CFLAGS  # in whose place come the choice's
    usual = usual[: -len(BATCH_CFLAGS)]
    options = ["--build-jobs", str(choice.jobs)]
    variables = [f"VM_PARALLEL_BUILDS={int(choice.split > 0)}"]
    if choice.split:
        options += ["--output-split", str(choice.split)]
        variables.append("CFG_CXXFLAGS_PCH_I=-include")  # the wheel leaves it empty
    if choice.slow:
        variables += [f"OPT_FAST={choice.optimize}", f"OPT_SLOW={choice.slow}", f"OPT_GLOBAL={choice.slow}"]
    else:
        options += ["-CFLAGS", choice.optimize]
    command = [*usual, *options, *map(str, tool.sources(design))]
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir()
    log = directory / "build.log"
    before, started = processor_time(resource.RUSAGE_CHILDREN), time.perf_counter()
    with log.open("wb") as output:
        environment = tool.environment() | {"MAKEFLAGS": " ".join(variables)}
        done = subprocess.run(command, cwd=directory, env=environment, stdout=output, stderr=output, check=False)
    if done.returncode != 0:
        raise SimulationError(f"Verilator cannot build the testbench with {choice}; log: {log}")
    return Built(choice, time.perf_counter() - started, processor_time(resource.RUSAGE_CHILDREN) - before)


def _replay(built: Built, job: Workload, directory: Path) -> None:
    tool = simulator("verilator")
    config = replay_config(job.trace, sim="verilator", dlen=DLEN, out_dir=directory / "run", latency=LATENCY)
    before = processor_time(resource.RUSAGE_CHILDREN)
    design = replay_design(VLEN, DLEN, job.harts, ram=job.ram, batch=True)
    result = run_batch(tool, design, directory, config)
    if result.mismatch is not None:
        raise BenchError(result.mismatch.text())
    os.remove(result.observed)
    built.replays.append(result.seconds)
    built.simulations.append(processor_time(resource.RUSAGE_CHILDREN) - before)
