# SPDX-License-Identifier: Apache-2.0
"""One program of the user's on the golden hart and on the RTL: record, log its commits, and replay meanwhile."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from vctx.pymodel.errors import UsageError
from vctx.pymodel.isa.commit import CSR_NAMES
from vctx.pymodel.places import out_root
from vctx.pymodel.programs import Image, read_elf
from vctx.pymodel.scenarios.bare_metal import FILL, RAM_BASE, BareResult, ram_size, run_bare_metal
from vctx.pymodel.trace import TraceWriter
from vctx.pymodel.trace.commit_log import CommitLog
from vctx.pymodel.trace.recorder import Recorder
from vctx.tb.knobs import Knobs
from vctx.tb.process.folders import claimed, name_of
from vctx.tb.process.worker import preload
from vctx.tb.replay.live import Announcer
from vctx.tb.replay.result import Latency, ReplayResult
from vctx.tb.runs.beside import record_and_replay
from vctx.tb.runs.defaults import LATENCY, latency_suffix
from vctx.tb.runs.progress import Progress, silent
from vctx.tb.runs.repeat import vctx_command
from vctx.tb.simulators.find import simulator

_MAX_EXIT_CODE = 255


@dataclass(frozen=True)
class RunResult:
    """How a program ended on the golden hart, and whether the RTL agreed; `trace` is of both."""

    program: BareResult
    rtl: ReplayResult
    trace: Path

    @property
    def exit_code(self) -> int:
        """1 if the RTL departs from the golden hart; else the program's code, at most 255."""
        return min(self.program.exit_code, _MAX_EXIT_CODE) if self.rtl.ok else 1


def run(
    program: Path,
    knobs: Knobs,
    *,
    max_instructions: int,
    commit_log: Path | None = None,
    latency: Latency = LATENCY,
    waves: bool = False,
    progress: Progress = silent,
) -> RunResult:
    """Run a bare-metal ELF program.

    Args:
        program: the ELF file.
        knobs: simulator, VLEN, DLEN and seed; of the latencies, since nothing else is random.
        max_instructions: most instructions and traps on the golden hart.
        commit_log: file for the golden hart's commit log; None for none.
        latency: of memory and translate port. waves: dump waves.
        progress: called with (phase, done, total); phases are "record" (total: `max_instructions`) and "replay".

    Raises:
        UsageError: not a program that can be run, or the log cannot be written.
        RunError: the program did not end.
        VctxError: see `tb.replay.launch.replay`.
    """

    preload(__name__)
    simulator(knobs.sim)  # before anything slow: is it there?
    image = read_elf(program.name, program)
    out_dir = out_root() / "run" / f"{name_of(program)}-{knobs.sim}-vlen{knobs.vlen}-dlen{knobs.dlen}"
    out_dir = out_dir.with_name(out_dir.name + latency_suffix(latency))
    trace = out_dir / "trace.vctx"

    recorder = partial(_log_and_record, image, knobs, trace, commit_log, max_instructions)
    with claimed(out_dir):
        both = record_and_replay(recorder, knobs, trace, latency=latency, waves=waves, progress=progress)
    return RunResult(both.recorded, both.replayed, trace)


def _log_and_record(
    image: Image, knobs: Knobs, trace: Path, commit_log: Path | None, limit: int, announcer: Announcer
) -> BareResult:
    """Record, in a process of its own."""
    with _open_log(commit_log, image.path) as log:
        return _record(image, knobs, trace, log, limit, announcer)


def _record(
    image: Image,
    knobs: Knobs,
    trace: Path,
    log: CommitLog | None,
    limit: int,
    announcer: Announcer,
) -> BareResult:
    """Run the program on the golden hart; return how it ended."""
    header = {
        "scenario": "run",
        "command": vctx_command("run", image.path, f"--vlen {knobs.vlen}"),
        "vlen": knobs.vlen,
        "harts": 1,
        "seed": knobs.seed,
        "ram_base": RAM_BASE,
        "ram_size": ram_size(image),
        "fill": FILL,
        "programs": {str(image.path.resolve()): image.base},
    }
    with TraceWriter(trace, header) as writer:
        announcer.begin(writer.partial)
        recorder = Recorder(writer, knobs.vlen // 8, alone=True)
        ended = run_bare_metal(
            image,
            knobs.vlen,
            recorder,
            log,
            limit=limit,
            progress=lambda done: announcer.progress(done, limit),
        )
        recorder.finish()
    announcer.progress(limit, limit)
    announcer.end(writer.events)
    return ended


@contextlib.contextmanager
def _open_log(path: Path | None, program: Path) -> Iterator[CommitLog | None]:
    if path is None:
        yield None
        return
    if path.exists() and path.samefile(program):
        raise UsageError(f"{path} is the program: the log would replace it")
    try:
        file = path.open("w")
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}") from error
    with file:
        yield CommitLog(file, CSR_NAMES)
