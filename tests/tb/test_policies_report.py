"""The report of policies: counting bus traffic, and the plot."""

from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree

from pymodel.scenarios.policies import Cost
from tb.accounting import RegionCount, VisitCount
from tb.policies import RtlCount, count_traffic
from tb.svg import bars

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
    heights = [float(bar.attrib["height"]) for bar in root.iter("{http://www.w3.org/2000/svg}rect") if len(bar) == 1]
    assert heights == [300, 75, 150, 0]
