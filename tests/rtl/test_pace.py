# SPDX-License-Identifier: Apache-2.0
"""The block at the bus's pace: exact cycles of a context save and restore, and how close to the limit they are."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from vctx.tb.jobs.pace import DLENS, LATENCIES, VLENS, Pace, measure, plot

# VLEN, DLEN, memory latency: cycles of save and restore. Their overhead does not depend on VLEN or DLEN.
CYCLES = {
    (128, 64, 0): (75, 74),
    (128, 128, 0): (43, 42),
    (256, 128, 0): (75, 74),
    (256, 128, 10): (84, 83),
    (256, 128, 50): (164, 162),
    (512, 128, 0): (139, 138),
    (512, 512, 50): (140, 138),
    (1024, 128, 0): (267, 266),
    (1024, 128, 10): (276, 275),
    (1024, 128, 50): (316, 315),
    (2048, 128, 0): (523, 522),
    (2048, 128, 50): (572, 571),
    (4096, 128, 0): (1035, 1034),
    (4096, 128, 50): (1084, 1083),
}
# What the cycles may be at most, in beats.
LIMITS = {
    (256, 128, 0): 1.20,
    (512, 128, 0): 1.10,
    (1024, 128, 0): 1.05,
    (2048, 128, 0): 1.05,
    (4096, 128, 0): 1.05,
    (1024, 128, 50): 1.30,
    (2048, 128, 50): 1.30,
    (4096, 128, 50): 1.30,
}


@pytest.mark.parametrize(("vlen", "dlen", "latency"), CYCLES)
def test_save_and_restore_take_these_cycles(vlen: int, dlen: int, latency: int, tmp_path: Path) -> None:
    pace = measure(vlen, dlen, latency, tmp_path)
    assert (pace.save, pace.restore) == CYCLES[vlen, dlen, latency]


@pytest.mark.parametrize(("vlen", "dlen", "latency"), LIMITS)
def test_save_and_restore_keep_the_bus_busy(vlen: int, dlen: int, latency: int) -> None:
    pace = Pace(vlen, dlen, latency, *CYCLES[vlen, dlen, latency])
    assert max(pace.save, pace.restore) <= LIMITS[vlen, dlen, latency] * pace.limit


def test_the_limit_is_the_number_of_beats() -> None:
    assert Pace(1024, 128, 0, 0, 0).limit == 256
    assert Pace(128, 64, 0, 0, 0).limit == 64


def test_the_plot_has_a_curve_for_each_bus_in_each_panel() -> None:
    configs = [(v, d, latency) for v in VLENS for d in DLENS if d <= v for latency in LATENCIES]
    found = [
        Pace(*config, save=2 * 32 * config[0] // config[1], restore=32 * config[0] // config[1]) for config in configs
    ]
    root = ElementTree.fromstring(plot(found))
    namespace = "{http://www.w3.org/2000/svg}"
    curves = [curve.attrib["points"].split() for curve in root.iter(f"{namespace}polyline")]
    assert len(curves) == 2 * len(LATENCIES) * len(DLENS)
    assert [len(curve) for curve in curves[: len(DLENS)]] == [6, 6, 5, 4]
    saves, restores = curves[: len(curves) // 2], curves[len(curves) // 2 :]
    heights = [{point.split(",")[1] for curve in half for point in curve} for half in (saves, restores)]
    assert len(heights[0]) == len(heights[1]) == 1  # all twice the limit, and all at it: a line each
    axis = {line.attrib["y1"] for line in root.iter(f"{namespace}line") if line.attrib["stroke"] == "#000000"}
    assert heights[1] < axis
