"""The block at the bus's pace: exact cycles of a context save and restore, and how close to the limit they are."""

from __future__ import annotations

from pathlib import Path

import pytest

from tb.pace import measure

# VLEN, DLEN, memory latency: cycles of save and restore. Their overhead does not depend on VLEN or DLEN.
CYCLES = {
    (128, 64, 0): (75, 74),
    (256, 128, 0): (75, 74),
    (512, 128, 0): (139, 138),
    (1024, 128, 0): (267, 266),
    (1024, 128, 10): (276, 275),
    (1024, 128, 50): (316, 315),
    (2048, 128, 50): (572, 571),
}
# What the cycles may be at most, in beats.
LIMIT = {(256, 0): 1.20, (512, 0): 1.10, (1024, 0): 1.05, (1024, 50): 1.30, (2048, 50): 1.30}


@pytest.mark.parametrize(("vlen", "dlen", "latency"), CYCLES)
def test_save_and_restore_keep_the_bus_busy(vlen: int, dlen: int, latency: int, tmp_path: Path) -> None:
    pace = measure(vlen, dlen, latency, tmp_path)
    assert (pace.save, pace.restore) == CYCLES[vlen, dlen, latency]
    if dlen == 128 and (vlen, latency) in LIMIT:
        assert max(pace.save, pace.restore) <= LIMIT[vlen, latency] * pace.limit
