# SPDX-License-Identifier: Apache-2.0
"""When the RTL retired each instruction of a replay, and what it moved: a file beside the replay's result.

It costs 28 bytes an instruction, of which the trace has some 200; reports draw their timelines from both.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

TIMING_FILE = "timing.bin"
TIMING = np.dtype(
    [
        ("event", "<u8"),  # position in the trace
        ("at", "<u8"),  # ns of the simulation, when it retired
        ("cycles", "<u4"),  # that it took
        ("read", "<u4"),  # bus bytes
        ("written", "<u4"),
    ]
)

Timing = npt.NDArray[np.void]


def read_timing(path: Path) -> Timing:
    """Return what a replay wrote, in the order of the trace; nothing if it wrote nothing, as step by step."""
    found = np.fromfile(path, TIMING) if path.exists() else np.empty(0, TIMING)
    return found[np.argsort(found["event"], kind="stable")]
