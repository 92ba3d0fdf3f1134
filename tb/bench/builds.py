# SPDX-License-Identifier: Apache-2.0
"""Build time of the batch testbench against its run time, for the choices that compiler and Verilator leave."""

from __future__ import annotations

import os
import resource
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from vctx.tb.bench.errors import BenchError
from vctx.tb.bench.speed import DLEN
from vctx.tb.bench.workload import VLEN, Workload, processor_time
from vctx.tb.replay.launch import replay_config, run_replay
from vctx.tb.runs.defaults import LATENCY
from vctx.tb.simulators.build import build_batch
from vctx.tb.simulators.design import replay_design
from vctx.tb.simulators.find import simulator
from vctx.tb.simulators.simulator import SimulationError
from vctx.tb.simulators.verilator import Compilation, Verilator

CHOICES = (
    *(Compilation(optimize, jobs=1) for optimize in ("-O0", "-Os", "-O1", "-O2", "-O3")),
    *(Compilation(optimize, jobs=2) for optimize in ("-O0", "-Os", "-O1", "-O2", "-O3")),
    Compilation("-O1", jobs=2, slow="-O0"),
    Compilation("-O1", jobs=2, split=4000),
    Compilation("-O1", jobs=2, split=4000, slow="-O0"),
    Compilation("-O2", jobs=2, split=4000, slow="-O0"),
)


@dataclass
class Built:
    """What a choice costs, in seconds.

    Attributes:
        wall, cpu: of the build.
        replays, simulations: of each replay, and of the simulator's process in it.
    """

    choice: Compilation
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


def _build(choice: Compilation, job: Workload, directory: Path) -> Built:
    tool = Verilator()
    design = replay_design(VLEN, DLEN, job.harts, ram=job.ram, batch=True)
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir()
    log = directory / "build.log"
    variables = [f"VM_PARALLEL_BUILDS={int(choice.split > 0)}"]
    if choice.split:
        variables.append("CFG_CXXFLAGS_PCH_I=-include")  # the wheel leaves it empty
    environment = tool.environment() | {"MAKEFLAGS": " ".join(variables)}
    before, started = processor_time(resource.RUSAGE_CHILDREN), time.perf_counter()
    if build_batch(tool.batch_build(design, directory, choice), directory, log, environment) != 0:
        raise SimulationError(f"Verilator cannot build the testbench with {choice}; log: {log}")
    return Built(choice, time.perf_counter() - started, processor_time(resource.RUSAGE_CHILDREN) - before)


def _replay(built: Built, job: Workload, directory: Path) -> None:
    tool = simulator("verilator")
    config = replay_config(job.trace, sim="verilator", dlen=DLEN, out_dir=directory / "run", latency=LATENCY)
    before = processor_time(resource.RUSAGE_CHILDREN)
    design = replay_design(VLEN, DLEN, job.harts, ram=job.ram, batch=True)
    result = run_replay(tool, design, directory, config)
    if result.mismatch is not None:
        raise BenchError(result.mismatch.text())
    os.remove(result.observed)
    built.replays.append(result.seconds)
    built.simulations.append(processor_time(resource.RUSAGE_CHILDREN) - before)
