"""`vctx policies`: the RTL's bus moves what the model counts, for every policy, and what it does not move shows."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from pymodel.scenarios.policies import POLICIES, cost, moves
from pymodel.scenarios.shared_unit import SharedUnitConfig
from pymodel.scenarios.workload import record
from tb import policies
from tb.policies import replay_moves, run_policies

CONFIG = SharedUnitConfig(vlen=128, pairs=8, entries=40)


def test_every_policy_moves_on_the_bus_what_the_model_counts(
    sim: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(policies, "SIM_BUILD", tmp_path)
    phases = []
    report = run_policies({"small one": CONFIG}, sim=sim, progress=lambda *step: phases.append(step))
    assert report.ok
    assert [row.policy for row in report.rows] == list(POLICIES)
    for row in report.rows:
        assert (row.rtl.saves, row.rtl.restores, row.rtl.partial) == (row.cost.saves, row.cost.restores, 0)
        assert row.rtl.save_cycles > 0 and row.rtl.restore_cycles > 0
    by_policy = {row.policy: row.rtl.cycles for row in report.rows}
    assert by_policy["eager"] > by_policy["lazy"] >= by_policy["ownership"] >= by_policy["optimum"]
    data = json.loads(report.path.read_text())
    assert data["ok"] and [row["cycles"] for row in data["rows"]] == list(by_policy.values())
    assert report.plot.read_text().count("small one, ") == len(POLICIES)
    assert phases == [("record", 0, 1), ("record", 1, 1), ("rtl", 0, 1), ("rtl", 1, 1)]

    lazy = next(row for row in report.rows if row.policy == "lazy")
    wrong = replace(lazy, cost=replace(lazy.cost, saves=lazy.cost.saves + 1))
    assert not replace(report, rows=[wrong if row is lazy else row for row in report.rows]).ok


def test_a_move_that_is_not_made_shows_on_the_bus(tmp_path: Path) -> None:
    workload = record("short", CONFIG)
    due = moves("lazy", workload)
    counts = replay_moves({"lazy": due[:-1]}, workload, tmp_path, "verilator", "")
    assert counts["lazy"].agrees(cost(due[:-1]))
    assert not counts["lazy"].agrees(cost(due))
