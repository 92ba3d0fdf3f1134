"""Batch replay: the simulator and Python side by side, joined by pipes.

A feeder thread turns the trace into stimulus, chunk by chunk; the simulator applies it at the block's own pace; a
collector thread per output file takes what it writes; the caller's thread compares. A chunk ends with a flush, after
which all that is needed to compare it has been written. So no side ever waits for a side that waits for it, and memory
holds a few chunks, however long the trace.
"""

from __future__ import annotations

import contextlib
import fcntl
import gc
import os
import queue
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pymodel.errors import VctxError
from pymodel.trace import TraceReader
from pymodel.trace.bulk import Frames, frames
from tb.batch_compare import Comparison
from tb.batch_stimulus import REC_END, Stimulus, config_record, encode, mark_record
from tb.live import Recording
from tb.memory import DUMP_FILE, read_dump
from tb.result import Mismatch, ReplayConfig, ReplayResult

CHUNK = 8192  # events
_PIPE = 1 << 20  # bytes
AHEAD = 3  # chunks between feeder and comparison
OUTPUTS = ("obs", "vregs", "reads", "writes")


class BatchError(VctxError):
    """The simulator stopped without a reason that the records show."""


class _Collector(threading.Thread):
    """Takes everything from a pipe, so that its writer never waits."""

    def __init__(self, fd: int) -> None:
        super().__init__(daemon=True)
        self._fd = fd
        self._data = bytearray()
        self._ended = False
        self._changed = threading.Condition()

    def run(self) -> None:
        while True:
            block = os.read(self._fd, 1 << 20)
            with self._changed:
                self._data += block
                self._ended = not block
                self._changed.notify()
            if not block:
                os.close(self._fd)
                return

    def take(self, size: int) -> bytes:
        """Return the next `size` bytes, fewer only at the end."""
        with self._changed:
            while len(self._data) < size and not self._ended:
                self._changed.wait()
            out = bytes(self._data[:size])
            del self._data[:size]
            return out


@dataclass(slots=True)
class _Chunk:
    frames: Frames
    stimulus: Stimulus


class _Feeder(threading.Thread):
    """Encodes the trace, hands each chunk to the comparison and its records to the simulator."""

    def __init__(self, fd: int, config: ReplayConfig, recording: Recording | None) -> None:
        super().__init__(daemon=True)
        self._fd = fd
        self._config = config
        self._wait = recording.wait if recording is not None else None
        self.chunks: queue.Queue[_Chunk | VctxError | None] = queue.Queue(AHEAD)
        self.stop = threading.Event()

    def run(self) -> None:
        try:
            with os.fdopen(self._fd, "wb", buffering=0) as pipe, contextlib.suppress(BrokenPipeError):
                self._send(pipe.write, config_record(self._config))
                for part in frames(TraceReader(Path(self._config.trace)), CHUNK, self._wait):
                    stimulus = encode(part, self._config)
                    self._put(_Chunk(part, stimulus))
                    self._send(pipe.write, stimulus.records)
                    if self.stop.is_set():
                        return
                self._send(pipe.write, mark_record(REC_END))
            self._put(None)
        except VctxError as error:
            self._put(error)

    def _put(self, chunk: _Chunk | VctxError | None) -> None:
        while not self.stop.is_set():
            with contextlib.suppress(queue.Full):
                self.chunks.put(chunk, timeout=0.1)
                return

    def _send(self, write: Callable[[memoryview], int], data: bytes) -> None:
        view = memoryview(data)
        while view and not self.stop.is_set():
            view = view[write(view) :]


def batch_replay(
    command: Sequence[str],
    config: ReplayConfig,
    *,
    four_state: bool,
    graceful: bool = False,
    recording: Recording | None = None,
    progress: Callable[[int], None] | None = None,
) -> ReplayResult:
    """Replay a trace on a batch testbench and return what came of it, as `tb.launch.replay` does.

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
    stim_read, stim_write = _pipe()
    pipes = {name: _pipe() for name in OUTPUTS}
    files = [f"+stim=/dev/fd/{stim_read}", *(f"+{name}=/dev/fd/{pipes[name][1]}" for name in OUTPUTS)]
    theirs = [stim_read, *(write for _, write in pipes.values())]
    with (out_dir / "sim.log").open("wb") as log:
        process = subprocess.Popen(
            [*command, *files], cwd=out_dir, stdin=subprocess.DEVNULL, stdout=log, stderr=log, pass_fds=theirs
        )
    for fd in theirs:
        os.close(fd)
    if recording is not None:
        recording.on_cancel(process.kill)
    feeder = _Feeder(stim_write, config, recording)
    collectors = {name: _Collector(read) for name, (read, _) in pipes.items()}
    streams = {name: collector.take for name, collector in collectors.items()}
    comparison = Comparison(config, streams, result, four_state=four_state)
    mismatch: Mismatch | None = None
    thresholds = gc.get_threshold()
    gc.set_threshold(100_000, *thresholds[1:])  # looking for cycles, of which there are none, is slow
    try:
        for thread in (feeder, *collectors.values()):
            thread.start()
        while mismatch is None:
            chunk = feeder.chunks.get()
            if isinstance(chunk, VctxError):
                raise chunk
            if chunk is None:
                break
            mismatch = comparison.chunk(chunk.frames, chunk.stimulus)
            if progress is not None:
                progress(result.events)
        if mismatch is None:
            process.wait()
            mismatch = comparison.surplus()
        if mismatch is None:
            if process.returncode != 0 or not (out_dir / DUMP_FILE).exists():
                raise BatchError(f"the simulator ended with status {process.returncode} and no image of RAM")
            found = comparison.image.differences(read_dump(out_dir / DUMP_FILE))
            if found:
                mismatch = Mismatch(result.events, "ram", 0, found, config.command)
            _same_file(Path(config.trace), config.observed)  # every record was found equal
    except EOFError:
        process.wait()
        if recording is not None:
            recording.check()
        raise BatchError(f"the simulator ended with status {process.returncode} before the trace did") from None
    finally:
        gc.set_threshold(*thresholds)
        feeder.stop.set()
        if graceful and mismatch is not None:
            process.wait()
        if process.poll() is None:
            process.kill()
            process.wait()
        for thread in (feeder, *collectors.values()):
            thread.join()
    comparison.finish()
    result.ok = mismatch is None
    result.mismatch = mismatch
    result.observed = str(config.observed)
    result.seconds = time.perf_counter() - started
    return result


def _pipe() -> tuple[int, int]:
    """Return a pipe as long as the system allows: the simulator should not wait for Python to take turns."""
    read, write = os.pipe()
    with contextlib.suppress(OSError):  # more than this user may have
        fcntl.fcntl(write, fcntl.F_SETPIPE_SZ, _PIPE)
    return read, write


def _same_file(source: Path, target: Path) -> None:
    """Give a file a second name, or copy it where that cannot be."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
