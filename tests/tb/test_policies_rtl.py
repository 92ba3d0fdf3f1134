# SPDX-License-Identifier: Apache-2.0
"""`vctx policies`: the RTL's bus moves what the model counts, for every policy, and what it does not move shows."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from vctx.pymodel.scenarios.policies import POLICIES, cost, moves
from vctx.pymodel.scenarios.shared_unit import SharedUnitConfig
from vctx.pymodel.scenarios.workload import record
from vctx.pymodel.trace import Difference
from vctx.tb.jobs import policies
from vctx.tb.jobs.policies import Replayer, RtlCount, count_traffic, run_policies
from vctx.tb.knobs import Knobs
from vctx.tb.replay.accounting import Spread
from vctx.tb.replay.result import Latency, Mismatch
from vctx.tb.reports.policies import result_of
from vctx.tb.reports.render.terminal import Terminal
from vctx.tb.runs.defaults import LATENCY

NOTHING = RtlCount(saves=0, restores=0, partial=0, save_cycles={}, restore_cycles={}, cycles=0)
CONFIG = SharedUnitConfig(vlen=128, pairs=8, entries=40)


def test_every_policy_moves_on_the_bus_what_the_model_counts(
    sim: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(policies, "out_root", lambda: tmp_path)
    phases = []
    report = run_policies(
        Knobs(sim, vlen=128, dlen=64), {"small one": CONFIG}, progress=lambda *step: phases.append(step)
    )
    assert report.ok
    assert [row.policy for row in report.rows] == list(POLICIES)
    for row in report.rows:
        assert (row.rtl.saves, row.rtl.restores, row.rtl.partial) == (row.cost.saves, row.cost.restores, 0)
        counted = Counter(row.rtl.save_cycles), Counter(row.rtl.restore_cycles)
        assert [count.total() for count in counted] == [row.cost.saves, row.cost.restores]
        assert sum(cycles * visits for count in counted for cycles, visits in count.items()) == row.rtl.cycles
        assert row.run.vector_cycles > 0 and row.run.scalar > 0
        assert 0 < row.of_all < row.of_unit < 1
    by_policy = {row.policy: row.rtl.cycles for row in report.rows}
    assert by_policy["eager"] > by_policy["lazy"] >= by_policy["ownership"] >= by_policy["optimum"]
    data = json.loads(report.path.read_text())
    assert data["ok"] and [row["cycles"] for row in data["rows"]] == list(by_policy.values())
    for row in data["rows"]:
        for spread in (row["save"], row["restore"]):
            assert 0 < spread["least"] <= spread["median"] <= spread["p90"] <= spread["p99"] <= spread["most"]
    assert report.plot.read_text().count("small one, ") == len(POLICIES)
    assert phases == [("record", 0, 1), ("record", 1, 1), ("rtl", 0, 1), ("rtl", 1, 1)]

    mismatch = Mismatch(7, "instruction", 0, [Difference("vl", "0x1", "0x2")], "vctx replay")
    departed = replace(
        report, mismatches={"small one": mismatch}, rows=[replace(row, rtl=NOTHING) for row in report.rows]
    )
    assert not departed.ok
    Terminal(Console(width=120)).render(result_of(departed))
    printed = capsys.readouterr().out
    assert "mismatch at event 7" in printed
    assert "cycles of one save and one restore, at a latency of 10,random,stall=24,xlat=3" in printed

    lazy = next(row for row in report.rows if row.policy == "lazy")
    wrong = replace(lazy, cost=replace(lazy.cost, saves=lazy.cost.saves + 1))
    assert not replace(report, rows=[wrong if row is lazy else row for row in report.rows]).ok


def test_a_move_that_is_not_made_shows_on_the_bus(tmp_path: Path) -> None:
    workload = record("short", CONFIG)
    due = moves("lazy", workload)
    replayed = Replayer(tmp_path, Knobs(vlen=128), LATENCY, "").moves({"lazy": due[:-1]}, workload)
    count = count_traffic("lazy", replayed.visits, 32 * replayed.vlen // 8)
    assert count.agrees(cost(due[:-1]))
    assert not count.agrees(cost(due))


def test_slower_memory_makes_saves_and_restores_slower_and_moves_the_same(tmp_path: Path) -> None:
    workload = record("short", CONFIG)
    plan = {"lazy": moves("lazy", workload)}
    fast, slow = (
        count_traffic("lazy", Replayer(tmp_path, Knobs(vlen=128), latency, "").moves(plan, workload).visits, 512)
        for latency in (Latency(), Latency(cycles=40))
    )
    assert fast.agrees(cost(plan["lazy"])) and slow.agrees(cost(plan["lazy"]))
    assert Spread.of(slow.save_cycles).least > Spread.of(fast.save_cycles).most
    assert Spread.of(slow.restore_cycles).least > Spread.of(fast.restore_cycles).most
