"""A trace that is replayed while it is still being recorded."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

from pymodel.errors import VctxError

_AHEAD = 1 << 20  # bytes that should be there before the replay goes on
_POLL = 0.01  # seconds


class CancelledError(VctxError):
    """The recording failed or was interrupted, so its replay has no point."""


class Recording:
    """A recording under way, as its replay sees it.

    Args:
        partial: the file that is being written; it takes its final name, or vanishes, when the recording ends.
        link: a second name for it that lasts until `close`.
    """

    def __init__(self, partial: Path, link: Path) -> None:
        link.parent.mkdir(parents=True, exist_ok=True)
        link.unlink(missing_ok=True)
        os.link(partial, link)
        self.trace = link
        self._partial = partial
        self._cancelled = threading.Event()
        self._kill: Callable[[], None] | None = None

    def wait(self, position: int) -> bool:
        """Wait for more to read than `position` bytes; return whether there is, False once the recording has ended.

        Raises:
            CancelledError: see there.
        """
        while True:
            self.check()
            over = not self._partial.exists()
            size = self.trace.stat().st_size
            if over or size >= position + _AHEAD:
                return size > position
            time.sleep(_POLL)

    def check(self) -> None:
        """Raise CancelledError if that is so."""
        if self._cancelled.is_set():
            raise CancelledError("the recording did not come to its end")

    def on_cancel(self, kill: Callable[[], None]) -> None:
        """Name what ends the simulator at once."""
        self._kill = kill

    def cancel(self) -> None:
        """Give the replay up."""
        self._cancelled.set()
        if self._kill is not None:
            self._kill()

    def close(self) -> None:
        """Remove the second name."""
        self.trace.unlink(missing_ok=True)
