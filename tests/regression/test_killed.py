# SPDX-License-Identifier: Apache-2.0
"""Every test of the regression fails for the bug that `rtl_mutants.py` names for it, and nothing else is named there.

Here a share of the bugs; all of them with MUTANTS=all, or some by MUTANTS=name,name.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from rtl_mutants import CONTROLS, EVERYWHERE, KILLED_BY, MUTANTS

from vctx.tb.knobs import Knobs
from vctx.tb.regression.cases import discover
from vctx.tb.regression.run import regression

COCOTB = Path(__file__).resolve().parents[1] / "cocotb"
SHARE = 24  # every so manieth bug, beside the four that have to be there
ALWAYS = ("VS at V=1", "strobe dropped", "overlap of load and store", "vstart lost after a fault")
WANTED = os.environ.get("MUTANTS", "")
CHOSEN = list(MUTANTS) if WANTED == "all" else WANTED.split(",") if WANTED else [*ALWAYS, *list(MUTANTS)[::SHARE]]


def test_every_test_has_its_bug() -> None:
    assert {case.function for case in discover([COCOTB])} == KILLED_BY.keys()
    assert set(KILLED_BY.values()) == MUTANTS.keys()


def test_every_bug_can_be_put_in(tmp_path: Path) -> None:
    """Also those that are not built here: the text that each replaces is there, once."""
    for number, mutant in enumerate(MUTANTS.values()):
        mutant.build(tmp_path / str(number))


def test_names_are_unique() -> None:
    names = [case.name for case in discover([COCOTB])]
    assert len(set(names)) == len(names), "records are kept by name"


@pytest.mark.parametrize("bug", CHOSEN)
def test_a_bug_is_found_by_the_tests_that_are_named_for_it(bug: str, tmp_path: Path) -> None:
    wanted = {function for function, name in KILLED_BY.items() if name == bug}
    cases = discover([COCOTB])
    controls = [case for case in cases if case.full in CONTROLS]
    cases = controls + [case for case in cases if case.function in wanted and case not in controls]
    rtl = MUTANTS[bug].build(tmp_path / "rtl")
    outcomes = regression(
        cases, Knobs("icarus"), out_dir=tmp_path / "run", command="vctx cocotb", rtl=rtl, build_root=tmp_path
    )
    failed = {outcome.case.function for outcome in outcomes if not outcome.passed}
    assert wanted <= failed
    assert bug in EVERYWHERE or any(outcome.passed for outcome in outcomes if outcome.case in controls)
