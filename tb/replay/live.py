# SPDX-License-Identifier: Apache-2.0
"""A trace that is replayed while it is still being recorded, by a process of its own."""

from __future__ import annotations

import os
import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Generic, TypeVar

from vctx.pymodel.errors import VctxError
from vctx.pymodel.trace import TraceError
from vctx.tb.process.worker import Ask, Worker

_REPORTS = 0.1  # seconds between reports of progress

T = TypeVar("T")
R = TypeVar("R")


class CancelledError(VctxError):
    """The recording failed or was interrupted, so its replay has no point."""


class Recording:
    """A recording under way, as its replay sees it.

    Args:
        partial: the file that is being written; it takes its final name, or vanishes, when the recording ends.
        link: a second name for it that lasts until `close`.

    Attributes:
        partial: the file. trace: that second name. events: how many the trace has; 0 while that is not known.
    """

    def __init__(self, partial: Path, link: Path) -> None:
        link.parent.mkdir(parents=True, exist_ok=True)
        link.unlink(missing_ok=True)
        os.link(partial, link)
        self.trace = link
        self.events = 0
        self.partial = partial
        self._cancelled = threading.Event()  # set by the thread that hears of the recorder

    def check(self) -> None:
        """Raise CancelledError if that is so."""
        if self._cancelled.is_set():
            raise CancelledError("the recording did not come to its end")

    def cancel(self) -> None:
        """Give the replay up."""
        self._cancelled.set()

    def close(self) -> None:
        """Remove both names of a recording that has ended; only a recorder that was killed leaves the first."""
        self.trace.unlink(missing_ok=True)
        self.partial.unlink(missing_ok=True)


class Announcer:
    """What a recorder, in its own process, tells of its progress.

    Args:
        ask: hands a message to the process that replays.
    """

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._next = 0.0  # when progress is worth a message again

    def begin(self, partial: Path) -> None:
        """Say which file is being written, and wait until the replay has got hold of it."""
        self._ask(partial)

    def end(self, events: int) -> None:
        """Say how many events the trace has, once it is complete."""
        self._ask(events)

    def progress(self, done: int, total: int) -> None:
        """Say how far the recording is, not too often."""
        now = time.monotonic()
        if now >= self._next or done >= total:
            self._next = now + _REPORTS
            self._ask((done, total))


@dataclass(frozen=True)
class Overlapped(Generic[T, R]):
    """What recorder and replay returned.

    Attributes:
        recorder_seconds: processor time of the recorder's process.
    """

    recorded: T
    replayed: R
    recorder_seconds: float


def _recorded(record: Callable[[Announcer], T], ask: Ask) -> T:
    """What the recorder's process does."""
    return record(Announcer(ask))


def overlap(
    record: Callable[[Announcer], T],
    replay: Callable[[Recording], R],
    link: Path,
    progress: Callable[[int, int], None] | None = None,
) -> Overlapped[T, R]:
    """Record a trace in a process of its own, and replay it here meanwhile, so that the two share no core.

    Args:
        record: writes the trace; it names the file (`Announcer.begin`) before the first event. It is pickled.
        replay: replays the trace, which grows until the recording ends.
        link: a second name for the file, for as long as this lasts.
        progress: called with (done, total) as the recorder tells, on another thread.

    Raises:
        whatever ends recorder or replay. The other one is then ended, and the trace does not appear.
    """
    begun: queue.SimpleQueue[Recording | None] = queue.SimpleQueue()
    recordings: list[Recording] = []

    def hear(message: Path | int | tuple[int, int]) -> None:
        if isinstance(message, Path):
            recordings.append(Recording(message, link))
            begun.put(recordings[0])
        elif isinstance(message, int):
            recordings[0].events = message
        elif progress is not None:
            progress(*message)

    def ended(error: BaseException | None) -> None:
        if error is not None:
            for recording in recordings:
                recording.cancel()
        begun.put(None)

    recorder = Worker(partial(_recorded, record), hear, ended)
    try:
        recording = begun.get()
        if recording is None:
            recorder.result()
            raise AssertionError("the recorder has named no file")
        try:
            with ThreadPoolExecutor(1) as follower:  # on a thread, which an interrupt cannot hit in its clean-up
                following = follower.submit(replay, recording)
                try:
                    replayed = following.result()
                except BaseException:
                    recording.cancel()
                    raise
        except (CancelledError, TraceError):  # a trace without end, if the replay sees that first
            recorder.result()  # raises why
            raise
        return Overlapped(recorder.result(), replayed, recorder.seconds)
    finally:
        recorder.stop()
        for recording in recordings:
            recording.close()
