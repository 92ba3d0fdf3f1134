# SPDX-License-Identifier: Apache-2.0
"""The report of policies: counting bus traffic, and the plot."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vctx.pymodel.scenarios.policies import Cost
from vctx.tb.jobs.policies import Row, RtlCount, Run, count_traffic, workloads
from vctx.tb.knobs import Knobs
from vctx.tb.plots.svg import bars
from vctx.tb.replay.accounting import RegionCount, Spread, VisitCount

VSIZE = 1024


def visit(what: str, written: int = 0, read: int = 0, who: str = "lazy", cycles: int = 10) -> VisitCount:
    return VisitCount(what, who, {"context": RegionCount(read, written)}, 1, cycles=cycles, by_cycles={cycles: 1})


def test_traffic_is_counted_by_policy_and_direction() -> None:
    visits = [
        visit("policy_save", written=VSIZE),
        visit("policy_restore", read=VSIZE, cycles=7),
        visit("policy_restore", read=VSIZE, who="eager"),
    ]
    found = count_traffic("lazy", visits, VSIZE)
    assert found == RtlCount(1, 1, partial=0, save_cycles={10: 1}, restore_cycles={7: 1}, cycles=17)
    assert found.agrees(Cost(1, 1))
    assert not found.agrees(Cost(1, 2))
    assert not replace(found, partial=1).agrees(Cost(1, 1))


def test_a_partial_transfer_is_not_a_move() -> None:
    found = count_traffic("lazy", [visit("policy_save", written=VSIZE - 8)], VSIZE)
    assert (found.saves, found.partial, found.save_cycles, found.cycles) == (0, 1, {}, 10)


@given(st.lists(st.integers(1, 300), min_size=1))
def test_percentiles_are_nearest_ranks(cycles: list[int]) -> None:
    cycles.sort()
    due = [min(c for c in cycles if 100 * sum(other <= c for other in cycles) >= n * len(cycles)) for n in (50, 90, 99)]
    assert Spread.of(Counter(cycles)) == Spread(cycles[0], *due, cycles[-1])


def test_without_visits_there_is_no_spread() -> None:
    assert Spread.of({}) == Spread(0, 0, 0, 0, 0)


def test_shares_count_the_rest_of_the_workload() -> None:
    run = Run("base", 256, 128, 0.5, vector_cycles=300, scalar=500)
    row = Row(run, "lazy", Cost(1, 1), RtlCount(1, 1, 0, {60: 1}, {40: 1}, 100))
    assert (row.of_unit, row.of_all) == (100 / 400, 100 / 900)
    assert replace(row, rtl=RtlCount(0, 0, 0, {}, {}, 0)).of_unit == 0


def test_workloads_follow_the_knobs() -> None:
    narrow, wide = (workloads(Knobs(vlen=vlen, dlen=64, seed=7, kernel="v12")) for vlen in (128, 4096))
    assert [name for name in narrow if name.startswith("VLEN")] == ["VLEN 256"]
    assert [name for name in wide if name.startswith("VLEN")] == ["VLEN 2048"]
    assert all((config.seed, config.kernel) == (7, "v12") for config in narrow.values())
    assert wide["base"].vlen == 4096


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
