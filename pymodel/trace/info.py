# SPDX-License-Identifier: Apache-2.0
"""What a trace holds, counted."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from vctx.pymodel.trace.bulk import frames
from vctx.pymodel.trace.file import FORMAT, KIND, TraceReader

_EVENTS = 1 << 16  # at a time


@dataclass(frozen=True)
class TraceInfo:
    """What a whole and undamaged trace holds.

    Attributes:
        path, size: the file, and its bytes. format: its number.
        header: what the recording says of itself; `vctx` in it is the version that wrote the file, if it says so.
        events: how many of each kind, by the names of `pymodel.trace.file.KIND`.
        instructions: how many of each hart that has any, by its number.
    """

    path: Path
    size: int
    format: int
    header: dict[str, Any]
    events: dict[str, int]
    instructions: dict[int, int]

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON-able data."""
        return {
            "path": str(self.path),
            "size": self.size,
            "format": self.format,
            "header": self.header,
            "events": self.events,
            "instructions": {str(hart): count for hart, count in self.instructions.items()},
        }


def inspect(trace: Path) -> TraceInfo:
    """Read a whole trace and count what is in it.

    Raises:
        TraceError: it is none, of another format, truncated or damaged.
    """
    reader = TraceReader(trace)
    kinds, harts = np.zeros(256, np.int64), np.zeros(256, np.int64)
    for part in frames(reader, _EVENTS):
        kinds += np.bincount(part.kinds, minlength=256)
        instructions = part.starts[part.kinds == KIND["insn"]]
        harts += np.bincount(part.raw[instructions], minlength=256)  # the first byte of one is its hart
    return TraceInfo(
        trace,
        trace.stat().st_size,
        FORMAT,
        reader.header,
        {name: int(kinds[kind]) for name, kind in KIND.items() if name != "end"},
        {int(hart): int(harts[hart]) for hart in np.flatnonzero(harts)},
    )
