# SPDX-License-Identifier: Apache-2.0
"""The result model: it survives its JSON, a mismatch explains itself, and each renderer says what the result says."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest
from rich.console import Console

from vctx.pymodel.errors import UsageError
from vctx.pymodel.trace import Difference
from vctx.tb.replay.result import Instruction, Mismatch
from vctx.tb.reports.render.files import Badge, Json, JUnit
from vctx.tb.reports.render.terminal import Terminal
from vctx.tb.results.explained import explained
from vctx.tb.results.model import Case, Cell, Chart, Finding, Findings, Result, Table, Text
from vctx.tb.results.store import read

MISMATCH = Mismatch(
    17,
    "instruction",
    1,
    [
        Difference("vl", "0x4", "0x10"),
        Difference("v8", "00" * 15 + "ff", "80" + "00" * 14 + "fe"),
        Difference("v9", "00" * 16, "not written"),
        *(Difference(f"mem[{at:#x}]", "0x0", "0x1") for at in range(20)),
    ],
    "vctx replay t.vctx",
    pc=0x80000000,
    insn=0x5E003457,
    disassembly="vmv.v.i v8, 0",
    mode="VS",
    where="guest",
    who="vcpu1",
    symbol="xor: main+0x10",
    time=1230,
    cycle=123,
    before=[Instruction(15, 0x7FFFFFFC, 0x0C307057, "vsetvli", "VS", "xor: main")],
)


def result(*, ok: bool = False) -> Result:
    return Result(
        kind="cosim",
        title="2 harts",
        ok=ok,
        headline="RTL and model differ [at] event 17",
        command="vctx cosim --seed 7",
        sections=(
            Table("run", ("", "n"), ((Cell("mismatches"), Cell("1", "bad")),), note="a note"),
            Text("known", (("S1", "a defect"), ("", "its source")), "warn"),
            Findings("broken", (Finding("one-owner", "hart 0", "registers of [vcpu1]", "in vcpu_load", 12),)),
            explained(MISMATCH),
            Chart("share", "%", ("save", "restore"), (("done", (50.0, None)),)),
        ),
        cases=(Case("agree", "differs\nat event 17 \x1b"), Case("one-owner")),
        files=(("result", "result.json"), ("trace", "t.vctx"), ("waves", "w.fst")),
        data={"counts": {"entries": 3}, "trace": "/t.vctx"},
        trace="/t.vctx",
    )


def test_a_result_survives_its_json(tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    Json(path).render(result())
    back = read(path)
    assert back.sections == result().sections
    assert back.cases == result().cases
    assert (back.ok, back.headline, back.trace) == (False, result().headline, "/t.vctx")
    assert json.loads(path.read_text())["counts"] == {"entries": 3} == back.data["counts"]


@pytest.mark.parametrize(
    ("text", "why"),
    [("{}", "it names none"), ('{"schema": 99}', "it has 99"), ("[1]", "names none"), ("{", "no result")],
)
def test_what_is_no_result_is_refused_in_a_line(text: str, why: str, tmp_path: Path) -> None:
    (tmp_path / "result.json").write_text(text)
    with pytest.raises(UsageError, match=why):
        read(tmp_path / "result.json")


def test_a_mismatch_says_which_bits_and_elements_differ_and_by_which_rule() -> None:
    found = explained(MISMATCH)
    vl, v8, v9 = found.fields[:3]
    assert "".join(text for text, _ in vl.expected) == "0x04"  # as wide as what was observed
    assert vl.observed == (("0x", False), ("10", True))
    assert vl.what == "bits 2, 4" and vl.rule.startswith("A-10: vl is unsigned")
    assert [text for text, differs in v8.observed if differs] == ["8", "e"]
    assert v8.what == "2 bits, in the 64-bit elements 0-1"
    assert v9.observed == (("not written", True),) and v9.what == ""
    assert len(found.fields) == 16 and found.more == len(MISMATCH.differences) - 16


def test_the_terminal_says_all_of_it(capsys: pytest.CaptureFixture[str]) -> None:
    Terminal(Console(width=160)).render(result())
    printed = capsys.readouterr().out
    for text in (
        "a note",
        "S1: a defect",
        "one-owner: hart 0: registers of [vcpu1]",
        "VS 0x80000000: 5e003457  vmv.v.i v8, 0",
        "rule A-10",
        "failed: RTL and model differ [at] event 17",
        "result: result.json   trace: t.vctx\nwaves: w.fst\nrepeat: vctx cosim --seed 7",
    ):
        assert text in printed, text
    lines = printed.splitlines()
    marks = next(number for number, line in enumerate(lines) if "^" in line)
    digits = [lines[marks - 1][at] for at, char in enumerate(lines[marks]) if char == "^"]
    assert digits == ["1", "0"]  # of vl, below each other


def test_junit_and_badge_say_what_failed(tmp_path: Path) -> None:
    JUnit(tmp_path / "junit.xml").render(result())
    suite = ElementTree.parse(tmp_path / "junit.xml").getroot()[0]
    assert (suite.get("tests"), suite.get("failures")) == ("2", "1")
    failure = suite[0][0]
    assert failure.get("message") == "differs" and "repeat: vctx cosim --seed 7" in (failure.text or "")
    assert len(suite[1]) == 0
    for ok, word in ((True, "agreed"), (False, "failed")):
        Badge(tmp_path / "badge.svg").render(result(ok=ok))
        assert ElementTree.parse(tmp_path / "badge.svg").getroot().get("aria-label") == f"vctx cosim: {word}"
