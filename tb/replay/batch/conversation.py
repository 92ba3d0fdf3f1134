# SPDX-License-Identifier: Apache-2.0
"""Batch replay: the simulator and Python side by side, joined by pipes.

Python turns the trace into stimulus, chunk by chunk, and compares what comes back; the simulator applies it at the
block's own pace. A chunk ends with a flush, after which all that is needed to compare it has been written. Python sends
a few chunks before it compares the first one of them, so the simulator always has something to do, and memory holds a
few chunks, however long the trace.
"""

from __future__ import annotations

import gc
import os
import shutil
import subprocess
import time
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from vctx.pymodel.errors import ToolError, VctxError
from vctx.pymodel.trace import TraceReader
from vctx.pymodel.trace.bulk import Frames, frames
from vctx.tb.replay.batch.compare import Comparison
from vctx.tb.replay.batch.pipes import Pipes
from vctx.tb.replay.batch.stimulus import REC_END, Stimulus, config_record, encode, mark_record
from vctx.tb.replay.live import Recording
from vctx.tb.replay.memory import DUMP_FILE, read_dump
from vctx.tb.replay.result import Mismatch, ReplayConfig, ReplayResult

CHUNK = 16_384  # events
AHEAD = 2  # chunks that the simulator may have beyond the one that is compared
OUTPUTS = ("obs", "vregs", "reads", "writes")


class BatchError(VctxError):
    """The simulator stopped without a reason that the records show."""

    exit_code = ToolError.exit_code


class _DiffersError(Exception):
    """The comparison has found a mismatch."""

    def __init__(self, mismatch: Mismatch) -> None:
        super().__init__()
        self.mismatch = mismatch


class _Conversation:
    """Sends the chunks of a trace, and compares what comes back.

    Args:
        progress: called after each chunk.
    """

    def __init__(
        self,
        config: ReplayConfig,
        pipes: Pipes,
        comparison: Comparison,
        recording: Recording | None,
        progress: Callable[[], None],
    ) -> None:
        self._config = config
        self._pipes = pipes
        self._comparison = comparison
        self._recording = recording
        self._progress = progress
        self._sent: deque[tuple[Frames, Stimulus]] = deque()  # and not compared yet

    def run(self) -> None:
        """Go through the whole trace.

        Raises:
            _DiffersError: a mismatch. TraceError: the trace is bad, and agrees so far. CancelledError: see `Recording`.
            EOFError: the simulator ended too early.
        """
        self._pipes.send(config_record(self._config))
        wait = self._wait if self._recording is not None else None
        try:
            for part in frames(TraceReader(Path(self._config.trace)), CHUNK, wait):
                stimulus = encode(part, self._config)
                self._pipes.send(stimulus.records)
                self._sent.append((part, stimulus))
                self._compare(AHEAD)
        except VctxError:
            self._compare(0)
            raise
        self._pipes.send(mark_record(REC_END))
        self._pipes.end()
        self._compare(0)

    def _wait(self, position: int) -> bool:
        """See `Recording.wait`. There is time to compare everything."""
        assert self._recording is not None
        self._compare(0)
        return self._recording.wait(position)

    def _compare(self, left: int) -> None:
        """Compare what was sent, except for the last `left` chunks."""
        while len(self._sent) > left:
            part, stimulus = self._sent.popleft()
            try:
                mismatch = self._comparison.chunk(part, stimulus)
            except VctxError:
                self._sent.clear()  # the trace is bad here: what follows means nothing
                raise
            if mismatch is not None:
                raise _DiffersError(mismatch)
            self._progress()


def batch_replay(
    command: Sequence[str],
    config: ReplayConfig,
    *,
    four_state: bool,
    graceful: bool = False,
    recording: Recording | None = None,
    progress: Callable[[int], None] | None = None,
) -> ReplayResult:
    """Replay a trace on a batch testbench and return what came of it, as `tb.replay.launch.replay` does.

    Args:
        command: runs the testbench; the names of its files are added.
        four_state: the simulator knows unknown bits.
        recording: the trace is still being written.
        graceful: let the simulator end by itself after a mismatch, as one that writes waves has to.

    Raises:
        TraceError: the trace is bad. BatchError: the simulator failed. CancelledError: the recording was given up.
    """
    started = time.perf_counter()
    result = ReplayResult(False, config.sim, config.vlen, config.dlen, config.harts, config.seed, config.latency)
    out_dir = Path(config.out_dir)
    (out_dir / DUMP_FILE).unlink(missing_ok=True)
    pipes = Pipes(OUTPUTS)
    with (out_dir / "sim.log").open("wb") as log:
        process = subprocess.Popen(
            [*command, *pipes.arguments],
            cwd=out_dir,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=pipes.theirs,
        )
    pipes.started()
    if recording is not None:
        recording.on_cancel(process.kill)
    streams = {name: partial(pipes.take, name) for name in OUTPUTS}
    comparison = Comparison(config, streams, result, four_state=four_state)
    report = partial(_report, progress, result)
    mismatch: Mismatch | None = None
    thresholds = gc.get_threshold()
    gc.set_threshold(100_000, *thresholds[1:])  # looking for cycles, of which there are none, is slow
    try:
        _Conversation(config, pipes, comparison, recording, report).run()
        mismatch = comparison.surplus()
        if mismatch is None:
            process.wait()
            if process.returncode != 0 or not (out_dir / DUMP_FILE).exists():
                raise BatchError(f"the simulator ended with status {process.returncode} and no image of RAM")
            found = comparison.image.differences(read_dump(out_dir / DUMP_FILE))
            if found:
                mismatch = Mismatch(result.events, "ram", 0, found, config.command)
            _same_file(Path(config.trace), config.observed)  # every record was found equal
    except _DiffersError as differs:
        mismatch = differs.mismatch
    except EOFError:
        process.wait()
        if recording is not None:
            recording.check()
        raise BatchError(f"the simulator ended with status {process.returncode} before the trace did") from None
    finally:
        gc.set_threshold(*thresholds)
        pipes.end(at_once=True)
        if graceful and mismatch is not None:
            pipes.drain()
        elif process.poll() is None:
            process.kill()
        process.wait()
        pipes.close()
    comparison.finish()
    result.ok = mismatch is None
    result.mismatch = mismatch
    result.observed = str(config.observed)
    result.seconds = time.perf_counter() - started
    return result


def _report(progress: Callable[[int], None] | None, result: ReplayResult) -> None:
    if progress is not None:
        progress(result.events)


def _same_file(source: Path, target: Path) -> None:
    """Give a file a second name, or copy it where that cannot be. What had that name before is not written to."""
    new = target.with_name(f"{target.name}.{os.getpid()}.part")
    new.unlink(missing_ok=True)
    try:
        os.link(source, new)
    except OSError:
        shutil.copyfile(source, new)
    new.replace(target)
    new.unlink(missing_ok=True)  # two names of one file are both kept by that
