# SPDX-License-Identifier: Apache-2.0
"""Bugs of other designs: this one does not have them, and would be caught if it did."""

from __future__ import annotations

from pathlib import Path

import pytest
from mutants import IMPOSSIBLE, MUTANTS, Mutant

from vctx.pymodel.isa.vector_state import VectorState
from vctx.pymodel.scenarios.directed.field_bugs import BUGS, field_bugs, only
from vctx.tb.jobs.sweep import Opinion, golden_opinion, record, rtl_opinion, spike_opinion

VLEN = 128


@pytest.fixture(scope="module")
def opinions(tmp_path_factory: pytest.TempPathFactory) -> list[Opinion]:
    """All sequences in one trace: what the golden model, Spike and both simulators make of it."""
    folder = tmp_path_factory.mktemp("bugs")
    trace = folder / "bugs.vctx"
    probes = record(field_bugs, trace, name="bugs", vlen=VLEN)
    rtl = [rtl_opinion(trace, probes, sim=sim, out_dir=folder / sim) for sim in ("icarus", "verilator")]
    return [golden_opinion(trace, probes), spike_opinion(trace, probes), *rtl]


def test_every_bug_of_a_design_has_a_sequence_and_a_mutant() -> None:
    assert list(BUGS) == [f"B{n}" for n in range(1, 25)]
    assert {mutant.bug for mutant in MUTANTS} | {"B23"} == BUGS.keys()
    assert IMPOSSIBLE.keys() <= BUGS.keys()


@pytest.mark.parametrize("number", BUGS)
def test_all_are_free_of_it(number: str, opinions: list[Opinion]) -> None:
    assert len(opinions) == 4
    for opinion in opinions:
        assert opinion.mismatch is None, opinion.mismatch.text()
        assert [f.text() for f in opinion.failures if f.probe.key[0] == number] == [], opinion.name
        assert not opinion.unjudged


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: f"{mutant.bug}, {mutant.name}")
def test_it_is_caught_in_the_rtl(mutant: Mutant, tmp_path: Path) -> None:
    """The first difference is at an instruction of which the sequence requires something."""
    trace = tmp_path / "bug.vctx"
    probes = record(only(mutant.bug), trace, name=mutant.bug, vlen=VLEN)
    rtl = mutant.build(tmp_path / "rtl")
    opinion = rtl_opinion(trace, probes, sim="icarus", out_dir=tmp_path / "run", rtl=rtl, build_root=tmp_path)
    assert opinion.mismatch is not None
    assert opinion.mismatch.index in {probe.index for probe in probes}, opinion.mismatch.text()


def test_b23_is_caught_in_the_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trace = tmp_path / "bug.vctx"
    assert golden_opinion(trace, record(only("B23"), trace, name="B23", vlen=VLEN)).ok
    monkeypatch.setattr(VectorState, "vxsat", property(lambda state: 0, lambda state, value: None))
    opinion = golden_opinion(trace, record(only("B23"), trace, name="B23", vlen=VLEN))
    assert len(opinion.failures) == 3
