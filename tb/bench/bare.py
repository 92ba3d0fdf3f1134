# SPDX-License-Identifier: Apache-2.0
"""The limit: the block alone, Verilated, in a C++ loop that replays the stimulus of a trace and checks nothing."""

from __future__ import annotations

import hashlib
import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

from vctx.pymodel.places import HDL, out_root
from vctx.pymodel.trace import TraceReader
from vctx.pymodel.trace.bulk import frames
from vctx.tb.bench.errors import BenchError
from vctx.tb.process.folders import made_once
from vctx.tb.replay.batch.stimulus import REC_END, config_record, encode, mark_record
from vctx.tb.replay.result import CHUNK, ReplayConfig
from vctx.tb.simulators.design import rtl_sources
from vctx.tb.simulators.find import simulator
from vctx.tb.simulators.simulator import SimulationError

MAIN = HDL / "bare" / "main.cpp"

# Everything that costs time in the model is off, and the compiler does what it can: the build is made once.
_FLAGS = ("-O3", "--x-assign", "fast", "--x-initial", "fast", "--no-timing", "-Wno-fatal", "-Wno-lint", "-Wno-style")
_CFLAGS = "-O3"


@dataclass(frozen=True)
class BareRun:
    """What a run did: instructions retired and clock cycles, over all harts; `seconds` of the loop alone."""

    instructions: int
    cycles: int
    seconds: float


def build_bare(vlen: int, dlen: int, root: Path | None = None) -> Path:
    """Build the loop unless that is done already, and return the program.

    Raises:
        ToolError: no Verilator. SimulationError: it does not compile.
    """
    root = root or out_root()
    tool = simulator("verilator")
    command = ["verilator", "--cc", "--exe", "--build", "--top-module", "vctx", "--Mdir", ".", "-o", "bare"]
    command += [*_FLAGS, f"-GVLEN={vlen}", f"-GDLEN={dlen}", "-CFLAGS", f"{_CFLAGS} -DDLEN={dlen}"]
    sources = (*rtl_sources(), MAIN)
    digest = hashlib.sha256(json.dumps([tool.version, command]).encode())
    for source in sources:
        digest.update(source.read_bytes())
    directory = root / f"bare-{digest.hexdigest()[:16]}"
    program, log = directory / "bare", directory / "build.log"

    def make() -> None:
        directory.mkdir(exist_ok=True)
        with log.open("wb") as output:
            status = subprocess.run(
                [*command, *map(str, sources)],
                cwd=directory,
                env=tool.environment(),
                stdout=output,
                stderr=output,
                check=False,
            ).returncode
        if status != 0:
            raise SimulationError(f"Verilator cannot build the bare loop; log: {log}")

    made_once(directory, program.exists, make)
    return program


def write_stimulus(config: ReplayConfig, out: Path) -> Path:
    """Write the stimulus of a whole trace to a file."""
    with out.open("wb") as file:
        file.write(config_record(config))
        for part in frames(TraceReader(Path(config.trace)), CHUNK):
            file.write(encode(part, config).records)
        file.write(mark_record(REC_END))
    return out


def run_bare(program: Path, stimulus: Path, instructions: int, ram: Path | None = None) -> BareRun:
    """Replay a stimulus.

    Args:
        instructions: how many the trace has, which is how many must retire.
        ram: file for the image of memory at the end.

    Raises:
        BenchError: another number retired, or the loop gave up.
    """
    command = [str(program), str(stimulus), *([str(ram)] if ram else [])]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise BenchError(f"{program.name} ended with status {done.returncode}: {done.stderr.strip()}")
    run = BareRun(**json.loads(done.stdout))
    if run.instructions != instructions:
        raise BenchError(f"the bare loop retired {run.instructions:,} instructions of {instructions:,}")
    return run
