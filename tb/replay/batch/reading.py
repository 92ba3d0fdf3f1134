# SPDX-License-Identifier: Apache-2.0
"""The trace of a batch replay, a chunk at a time, as stimulus; it may still be growing."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from vctx.pymodel.trace import TraceReader
from vctx.pymodel.trace.bulk import Frames, frames
from vctx.tb.replay.batch.names import Names
from vctx.tb.replay.batch.stimulus import RECORD_BYTES, Stimulus, encode
from vctx.tb.replay.result import ReplayConfig

_AHEAD = 1 << 20  # bytes that should be there before the replay of a growing trace goes on
_POLL = 0.01  # seconds


class GivenUpError(Exception):
    """Nobody wants the trace any more."""


@dataclass(frozen=True)
class Chunk:
    """One chunk.

    Attributes:
        frames: its events. stimulus: what they are for the testbench.
        records: what the testbench is given of it: all records, unless the run ends before.
        cut: it does end there.
    """

    frames: Frames
    stimulus: Stimulus
    records: memoryview
    cut: bool


class Reading:
    """Reads the chunks of the trace that a configuration names, one after the other.

    Args:
        meanwhile: called while the trace does not grow; does something else and returns True, or has nothing to do.
    """

    def __init__(self, config: ReplayConfig, meanwhile: Callable[[], bool]) -> None:
        self._config = config
        self._trace = Path(config.trace)
        self._growing = None if config.growing is None else Path(config.growing)
        self._meanwhile = meanwhile
        self._parent = os.getppid()
        self._given_up = threading.Event()
        self._frames = frames(TraceReader(self._trace), config.chunk, self._wait if self._growing else None)
        self._records = 0  # of the chunks so far
        self.names = None if config.waves_from is None else Names(config.harts)  # of what waves show
        self._ended = False

    def next(self) -> Chunk | None:
        """Return the next chunk; None at the end of the trace.

        Raises:
            TraceError: the trace is bad. GivenUpError: see there.
        """
        part = next(self._frames, None)
        if part is None or self._ended:
            return None
        stimulus = encode(part, self._config, self.names)
        first, until = self._records, self._config.until
        self._records += stimulus.count
        if until is None or until >= self._records:
            return Chunk(part, stimulus, stimulus.records, cut=False)
        self._ended = True
        return Chunk(part, stimulus, stimulus.records[: max(0, until - first) * RECORD_BYTES], cut=True)

    def give_up(self) -> None:
        """End a call of `next` that waits for the trace to grow; from another thread."""
        self._given_up.set()

    def _wait(self, position: int) -> bool:
        """Wait for more to read than `position` bytes; return whether there is, False once the recording has ended."""
        assert self._growing is not None
        while True:
            if self._given_up.is_set() or os.getppid() != self._parent:  # who started this is dead
                raise GivenUpError
            over = not self._growing.exists()
            size = self._trace.stat().st_size
            if over or size >= position + _AHEAD:
                return size > position
            if not self._meanwhile():
                time.sleep(_POLL)
