# SPDX-License-Identifier: Apache-2.0
"""How far a replay is: what the simulator's process tells of it, by a small file."""

from __future__ import annotations

import time

from vctx.tb.process.files import write_json
from vctx.tb.replay.result import ReplayConfig

_SECONDS = 0.2  # between two reports


class Progress:
    """Writes `ReplayConfig.progress`, not too often."""

    def __init__(self, config: ReplayConfig) -> None:
        self._path = config.progress
        self._next = 0.0

    def __call__(self, events: int) -> None:
        """Say how many events were replayed so far."""
        now = time.monotonic()
        if now >= self._next:
            self._next = now + _SECONDS
            write_json(self._path, {"events": events})
