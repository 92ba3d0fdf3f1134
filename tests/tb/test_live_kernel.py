# SPDX-License-Identifier: Apache-2.0
"""The golden hypervisor live: what it does on the RTL is, byte for byte, what a recording of it holds."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from shutil import copytree

import pytest
from live_kernel_tests import DLEN, HARTS, VLEN

from vctx.pymodel.places import RTL
from vctx.tb.jobs import cosim as job
from vctx.tb.jobs.cosim import cosim
from vctx.tb.knobs import Knobs
from vctx.tb.simulators.build import build
from vctx.tb.simulators.design import replay_design
from vctx.tb.simulators.find import simulator
from vctx.tb.simulators.run import run

HERE = Path(__file__).resolve().parent
# A run's folder is named after its knobs: each parallel test process has a seed, and so folders, of its own.
SEED = 200 + int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))


def run_module(sim: str, out_dir: Path, rtl: Path = RTL, root: Path | None = None) -> bool:
    tool, design = simulator(sim), replay_design(VLEN, DLEN, HARTS, ram=1 << 21, rtl=rtl)
    built = build(tool, design) if root is None else build(tool, design, root)
    return run(tool, design, built, "live_kernel_tests", out_dir, seed=7, env={"PYTHONPATH": str(HERE)})


def test_the_main_job_live_is_the_recorded_one(sim: str) -> None:
    knobs = Knobs(sim, 128, 64, SEED)
    recorded, live = (cosim(knobs, pairs=4, entries=20, live=live) for live in (False, True))
    assert recorded.ok and live.ok
    assert live.trace.read_bytes() == recorded.trace.read_bytes()
    assert live.model.counts == recorded.model.counts
    assert live.model.ledger.checks == recorded.model.ledger.checks
    counted = [[(op.name, op.calls, op.done, op.bytes_moved) for op in one.operations] for one in (recorded, live)]
    assert counted[0] == counted[1]
    assert (live.rtl.instructions, live.rtl.events) == (recorded.rtl.instructions, recorded.rtl.events)


def test_the_main_job_live_stops_where_the_rtl_departs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rtl = broken(tmp_path)
    monkeypatch.setattr(job, "replay_design", partial(replay_design, rtl=rtl))
    # Long enough for every seed; it ends where the RTL departs.
    verdict = cosim(Knobs("icarus", 128, 64, SEED), pairs=4, entries=100, live=True)
    assert not verdict.ok and verdict.rtl.mismatch is not None
    assert verdict.rtl.mismatch.kind == "instruction"
    assert {d.field for d in verdict.rtl.mismatch.differences} <= {"vsstatus_vs", "rd"}
    assert verdict.command.endswith("--live") and verdict.rtl.mismatch.command == verdict.command


def test_a_test_of_ones_own(sim: str, tmp_path: Path) -> None:
    assert run_module(sim, tmp_path)


def test_a_test_of_ones_own_fails_on_a_broken_block(tmp_path: Path) -> None:
    assert not run_module("icarus", tmp_path / "run", broken(tmp_path), tmp_path)
    assert "vsstatus_vs" in (tmp_path / "run" / "results.xml").read_text()


def broken(folder: Path) -> Path:
    """Return a copy of the block in which what a guest does never dirties vsstatus.VS (B-13)."""
    rtl = copytree(RTL, folder / "rtl")
    text = (rtl / "vctx_status.sv").read_text()
    old = "if (dirty_i && dirty_virt_i)"
    assert old in text
    (rtl / "vctx_status.sv").write_text(text.replace(old, "if (1'b0)"))
    return rtl
