# SPDX-License-Identifier: Apache-2.0
"""The report of policies: counting bus traffic, and the plot."""

from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree

import pytest

from vctx.pymodel.scenarios.policies import Cost
from vctx.tb.jobs.policies import RtlCount, count_traffic
from vctx.tb.plots.svg import bars
from vctx.tb.replay.accounting import RegionCount, VisitCount

VSIZE = 1024


def visit(what: str, written: int = 0, read: int = 0, who: str = "lazy", cycles: int = 10) -> VisitCount:
    return VisitCount(what, who, {"context": RegionCount(read, written)}, visits=1, cycles=cycles)


def test_traffic_is_counted_by_policy_and_direction() -> None:
    visits = [
        visit("policy_save", written=VSIZE),
        visit("policy_restore", read=VSIZE, cycles=7),
        visit("policy_restore", read=VSIZE, who="eager"),
    ]
    found = count_traffic("lazy", visits, VSIZE)
    assert found == RtlCount(saves=1, restores=1, partial=0, save_cycles=10, restore_cycles=7)
    assert found.agrees(Cost(1, 1))
    assert not found.agrees(Cost(1, 2))
    assert not replace(found, partial=1).agrees(Cost(1, 1))


def test_a_partial_transfer_is_not_a_move() -> None:
    found = count_traffic("lazy", [visit("policy_save", written=VSIZE - 8)], VSIZE)
    assert (found.saves, found.partial) == (0, 1)


def test_the_plot_is_svg_with_a_bar_for_each_value() -> None:
    text = bars("cycles <k>", ["a & b", "c"], {"eager": [4, 2], "lazy": [1, 0]})
    root = ElementTree.fromstring(text)
    labels = [text.text for text in root.iter("{http://www.w3.org/2000/svg}text")]
    assert [label for label in labels if label and label.isdigit()] == ["0", "1", "2", "3", "4"]
    heights = [float(bar.attrib["height"]) for bar in root.iter("{http://www.w3.org/2000/svg}rect") if len(bar) == 1]
    assert heights == [300, 75, 150, 0]


@pytest.mark.parametrize(
    ("highest", "ticks"), [(347, "0 100 200 300 400"), (0.7, "0 0.2 0.4 0.6 0.8"), (5000, "0 5,000")]
)
def test_the_scale_has_round_numbers_and_room_for_the_highest_bar(highest: float, ticks: str) -> None:
    root = ElementTree.fromstring(bars("x", ["a"], {"eager": [highest]}))
    texts = [text.text or "" for text in root.iter("{http://www.w3.org/2000/svg}text")]
    assert set(ticks.split()) <= set(texts)
    (height,) = [float(bar.attrib["height"]) for bar in root.iter("{http://www.w3.org/2000/svg}rect") if len(bar) == 1]
    top = float(ticks.split()[-1].replace(",", ""))
    assert height == pytest.approx(300 * highest / top, abs=0.1) and height <= 300
