# SPDX-License-Identifier: Apache-2.0
"""What the agents check is checked: a block that breaks a rule is caught, and the rule is named."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from vctx.pymodel.places import RTL
from vctx.tb.knobs import Knobs
from vctx.tb.regression.cases import discover
from vctx.tb.regression.engine import Outcome
from vctx.tb.regression.run import regression
from vctx.tb.replay.layout import ERRORS

TESTS = Path(__file__).resolve().parents[1]

# Number in tests/tb/vctx_saboteur.sv, and what the failure says.
SAYS = {
    1: ERRORS[0],
    2: ERRORS[1],
    3: ERRORS[2],
    4: ERRORS[3],
    5: ERRORS[4],
    6: ERRORS[5],
    7: ERRORS[6],
    8: ERRORS[7],
    9: ERRORS[8],
    10: ERRORS[9],
    11: ERRORS[10],
    12: ERRORS[11],
    13: ERRORS[12],
    14: ERRORS[13],
    15: ERRORS[14],
    16: ERRORS[15],
    17: ERRORS[16],
    18: ERRORS[17],
    19: ERRORS[18],
    20: ERRORS[20],
    21: ERRORS[10],  # a flood of reads: there is no log that could be full
    22: "v8",
    23: "v31",
    24: "rd",
    25: ERRORS[21],
    26: ERRORS[18],
    27: "retire_valid_o is X or Z",
}


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Outcome]:
    """What came of each sabotage, by its number; 0 is none."""
    folder = tmp_path_factory.mktemp("saboteur")
    rtl = shutil.copytree(RTL, folder / "rtl")
    block = (rtl / "vctx.sv").read_text()
    assert block.count("\nmodule vctx\n") == 1
    (rtl / "vctx.sv").write_text(block.replace("\nmodule vctx\n", "\nmodule vctx_honest\n"))
    shutil.copy(TESTS / "tb" / "vctx_saboteur.sv", rtl)
    cases = discover([TESTS / "regression" / "unruly" / "saboteur_tests.py"])
    found = regression(
        cases, Knobs("icarus"), out_dir=folder / "run", command="vctx cocotb", rtl=rtl, build_root=folder
    )
    return dict(enumerate(found))


def test_an_honest_block_passes(outcomes: dict[int, Outcome]) -> None:
    assert outcomes[0].passed, outcomes[0].message


@pytest.mark.parametrize("number", SAYS)
def test_a_broken_rule_is_named(number: int, outcomes: dict[int, Outcome]) -> None:
    assert not outcomes[number].passed
    assert SAYS[number] in outcomes[number].message


def test_every_rule_of_the_agents_is_broken() -> None:
    assert set(ERRORS) - set(SAYS.values()) == {"more bus traffic than the logs hold"}
