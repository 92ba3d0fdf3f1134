# SPDX-License-Identifier: Apache-2.0
"""The catalogue fits the files; one small property is proven, and what must not pass does not."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from vctx.pymodel.errors import UsageError
from vctx.pymodel.places import DOCS, RTL
from vctx.tb.formal.__main__ import chosen_blocks, chosen_corner
from vctx.tb.formal.blocks import BLOCKS
from vctx.tb.formal.check import Verdict, check
from vctx.tb.formal.property import FORMAL, Block
from vctx.tb.formal.solve import Question, Solver

STATUS = next(block for block in BLOCKS if block.name == "status")
SD = next(prop for prop in STATUS.properties if prop.name == "sd")


def test_every_property_has_its_assertion_and_its_cover() -> None:
    for block in BLOCKS:
        text = (FORMAL / f"{block.top}.sv").read_text()
        names = [prop.name for prop in block.properties]
        assert sorted(re.findall(r"\bp_(\w+): assert", text)) == sorted(names), block.name
        assert sorted(re.findall(r"\bc_(\w+): cover", text)) == sorted(names), block.name
    assert {f"{block.top}.sv" for block in BLOCKS} == {path.name for path in FORMAL.glob("*.sv")} - {"formal_reset.sv"}


def test_every_mutant_fits_the_rtl() -> None:
    for block in BLOCKS:
        for prop in block.properties:
            assert (RTL / prop.mutant.file).read_text().count(prop.mutant.old) == 1, f"{block.name}.{prop.name}"


def test_every_block_is_explained() -> None:
    page = (DOCS / "formal.md").read_text()
    assert [block.name for block in BLOCKS if f"| `{block.name}` |" not in page] == []


def verdict_of(block: Block, out: Path) -> Verdict:
    with ThreadPoolExecutor(2) as pool:
        (verdict,) = check(Solver(), pool, out, block, {}, frozenset({"sd"}))()
    return verdict


def test_a_property_is_proven_its_bug_found_and_its_cover_reached(tmp_path: Path) -> None:
    verdict = verdict_of(STATUS, tmp_path)
    assert verdict.good
    assert verdict.row()["verdict"] == "proven"


def test_a_bug_that_breaks_nothing_is_no_kill(tmp_path: Path) -> None:
    harmless = replace(SD, mutant=replace(SD.mutant, new=f"({SD.mutant.old})"))
    verdict = verdict_of(replace(STATUS, properties=(harmless,)), tmp_path)
    assert verdict.status == "proven"
    assert verdict.killed is None
    assert not verdict.good


def test_a_bug_is_not_proven(tmp_path: Path) -> None:
    answer = Solver().ask(tmp_path / "bug", Question("prove", STATUS.top, {}, STATUS.depth, mutant=SD.mutant))
    assert answer.status == "FAIL"
    assert "p_sd" in answer.steps


@pytest.mark.parametrize(
    ("word", "message"),
    [("nothing", "--property nothing: must be one of .*status"), ("status.no", "must be one of .*status.sd")],
)
def test_a_property_that_does_not_exist(word: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        chosen_blocks(word)


def test_a_corner_that_does_not_exist() -> None:
    with pytest.raises(UsageError, match="must be one of 128/64, 256/128"):
        chosen_corner("512/64")
