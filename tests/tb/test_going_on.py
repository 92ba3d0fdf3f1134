# SPDX-License-Identifier: Apache-2.0
"""A replay that goes on behind differences: it finds all of them, on all harts, however the trace is handed over."""

from __future__ import annotations

import copy
from dataclasses import replace
from pathlib import Path

from tb_designs import DLEN, ordinary
from tb_scripts import HARTS, script, write_trace

from vctx.pymodel.trace import Checkpoint, Insn, TraceReader
from vctx.tb.replay.launch import replay, replay_config, run_replay
from vctx.tb.simulators.build import build
from vctx.tb.simulators.find import simulator


def falsified(path: Path) -> Path:
    """Write a trace of which every third instruction that executes on a hart leaves another vl than it must."""
    events = copy.deepcopy(list(script("bus").events))
    for hart in range(HARTS):
        own = [event for event in events if isinstance(event, Insn) and event.hart == hart and not event.retire.trap]
        for event in own[1::3]:
            event.retire = event.retire._replace(vl=event.retire.vl ^ 1)
    return write_trace(path, events)


def test_every_difference_is_found(sim: str, tmp_path: Path) -> None:
    trace = falsified(tmp_path / "t.trace")
    first = replay(trace, sim=sim, out_dir=tmp_path / "first")
    result = replay(trace, sim=sim, out_dir=tmp_path / "on", keep_going=True)
    wrong = {
        index: event
        for index, (event, true) in enumerate(zip(TraceReader(trace), script("bus").events, strict=True))
        if event != true
    }
    assert len(wrong) > 5 and len({event.hart for event in wrong.values() if isinstance(event, Insn)}) > 1
    assert (result.departures, result.following) == (len(wrong), 0)
    assert sum(found.count for found in result.findings) == len(wrong)
    assert {found.rule for found in result.findings} == {"C-6, A-10"}
    assert {found.first.line for found in result.findings} <= wrong.keys()
    assert first.mismatch is not None and result.mismatch is not None
    assert first.mismatch.text() == result.mismatch.text()
    assert list(TraceReader(Path(result.observed))) == list(script("bus").events)  # which is what the RTL does


def test_the_size_of_a_chunk_changes_nothing(tmp_path: Path) -> None:
    trace = falsified(tmp_path / "t.trace")
    tool, design = simulator("icarus"), ordinary(batch=True)
    config = replay_config(trace, sim="icarus", dlen=DLEN, out_dir=tmp_path / "run")
    config = replace(config, keep_going=True)
    whole = run_replay(tool, design, build(tool, design), config)
    cut = run_replay(tool, design, build(tool, design), replace(config, chunk=7))
    assert cut.findings == whole.findings and cut.departures == whole.departures > 5


def test_without_a_difference_it_agrees(tmp_path: Path) -> None:
    trace = script("context").write(tmp_path / "t.trace")
    result = replay(trace, sim="icarus", out_dir=tmp_path / "run", keep_going=True)
    assert result.ok and not result.findings and result.text() == ""
    assert Path(result.observed).samefile(trace)


def test_a_checkpoint_that_differs_is_a_finding(tmp_path: Path) -> None:
    events = copy.deepcopy(list(script("context").events))
    last = [event for event in events if isinstance(event, Checkpoint)][-1]
    last.state = last.state._replace(vcsr=last.state.vcsr ^ 1)
    result = replay(write_trace(tmp_path / "t.trace", events), sim="icarus", out_dir=tmp_path / "run", keep_going=True)
    assert [(found.rule, found.count) for found in result.findings] == [("checkpoint", 1)]
