# SPDX-License-Identifier: Apache-2.0
"""What judges mutants: one build of Verilator, with `vctx_tb_vectors` around the block, and what is replayed on it."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vctx.pymodel.places import HDL
from vctx.pymodel.scenarios.directed import SWEEPS
from vctx.pymodel.scenarios.shared_unit import SharedUnitConfig
from vctx.tb.jobs import cosim, sweep
from vctx.tb.mutants.netlists import SELECT
from vctx.tb.replay.vectors import write_vectors
from vctx.tb.runs.progress import silent
from vctx.tb.simulators.design import rtl_sources
from vctx.tb.simulators.find import simulator
from vctx.tb.simulators.job import run_group
from vctx.tb.simulators.simulator import SimulationError

_TOP = "vctx_tb_vectors"
_FLAGS = ("--binary", "--timing", "--no-assert", "--x-assign", "unique", "-Wno-fatal", "-Wno-lint", "-Wno-style")
_PATIENCE = 20  # how many times as long as the block without a bug a mutant may take
_LEAST = 5.0  # seconds, though


@dataclass(frozen=True)
class Layer:
    """Something that is replayed: its name, the folder of its vectors, and how many seconds the block itself takes."""

    name: str
    folder: Path
    seconds: float


def build(rtl: Path, folder: Path, *, vlen: int, dlen: int) -> Path:
    """Build the block in `rtl` with its testbench in `folder`, and return the program.

    Raises:
        SimulationError: Verilator failed; the message names the log.
    """
    folder.mkdir(parents=True)
    hdl = sorted(HDL.glob("*.sv"), key=lambda path: (not path.stem.endswith("_pkg"), path.name))
    sources = [*rtl_sources(rtl), *hdl, HDL / "vectors" / f"{_TOP}.sv"]
    log = folder / "build.log"
    options = ["-CFLAGS", "-fcoroutines", "--output-split", "0", "--top-module", _TOP, "--Mdir", str(folder)]
    command = ["verilator", *_FLAGS, *options, f"-GVLEN={vlen}", f"-GDLEN={dlen}", *map(str, sources)]
    if run_group(command, folder, log, simulator("verilator").environment()):
        raise SimulationError(f"Verilator cannot build the mutants; log: {log}")
    return folder / f"V{_TOP}"


def record(name: str, folder: Path, *, vlen: int, seed: int) -> None:
    """Write the vectors of a layer: the main job, of one hart, or a sweep."""
    folder.mkdir(parents=True)
    trace = folder / "trace.vctx"
    if name == "job":
        cosim.record(SharedUnitConfig(vlen=vlen, harts=1, seed=seed), trace, "make mutants", silent)
    else:
        sweep.record(SWEEPS[name], trace, name=name, vlen=vlen, command="make mutants")
    write_vectors(trace, folder / "vectors.txt")


def layers(program: Path, out: Path, names: Sequence[str], *, vlen: int, seed: int) -> list[Layer]:
    """Record layers, and replay each on the block without a bug.

    Raises:
        SimulationError: the block itself departs from a layer.
    """
    found = []
    for name in names:
        folder = out / name
        record(name, folder, vlen=vlen, seed=seed)
        started = time.monotonic()
        if _run(program, folder, 0, None):
            raise SimulationError(f"the netlists depart from {name} without any bug; vectors: {folder}")
        found.append(Layer(name, folder, time.monotonic() - started))
    return found


def kills(program: Path, layer: Layer, number: int) -> bool:
    """Tell whether a layer notices a mutant: by a wrong answer, or by none in time."""
    try:
        return _run(program, layer.folder, number, max(_LEAST, _PATIENCE * layer.seconds)) != 0
    except subprocess.TimeoutExpired:
        return True


def _run(program: Path, folder: Path, number: int, timeout: float | None) -> int:
    command = [str(program), f"+{SELECT}={number}"]
    done = subprocess.run(command, cwd=folder, capture_output=True, timeout=timeout, check=False)
    return done.returncode
