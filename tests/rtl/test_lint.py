# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from vctx.tb.simulators import lint

Mutate = Callable[[str, str, str], Path]


def test_the_rtl_is_clean() -> None:
    checks = list(lint.lint())
    assert {check.name.split()[0] for check in checks} == {"verilator", "icarus", "verible"}
    assert [check for check in checks if check.findings] == []


@pytest.mark.parametrize(
    ("tool", "old", "new", "finding"),
    [
        (lint.verilator, "assign vl_o ", "logic lost;\n  assign vl_o ", "UNUSEDSIGNAL"),
        (lint.icarus, ".accept_i           (accept)", ".accept_i           (4'd1)", "accept_i"),
        (lint.icarus, "(accept)", "(acept)", "acept"),
    ],
)
def test_a_finding_is_reported(mutate: Mutate, tool: lint.Tool, old: str, new: str, finding: str) -> None:
    check = tool(mutate("vctx.sv", old, new), 256, 128, 1)
    assert any(finding in line for line in check.findings)


def test_a_style_finding_is_reported(mutate: Mutate) -> None:
    check = lint.verible(mutate("vctx.sv", "assign vl_o ", "\tassign vl_o "))
    assert any("tab" in line.lower() for line in check.findings)


def test_a_waiver_does_not_cover_a_new_signal(mutate: Mutate) -> None:
    rtl = mutate("vctx_csr.sv", "  logic [63:0] wdata;", "  logic [63:0] wdata, wdata2;\n  assign wdata2 = wdata;")
    assert lint.verilator(rtl, 256, 128, 1).findings


@pytest.mark.parametrize(
    ("vlen", "dlen", "message"),
    [
        (64, 64, "vlen_must_be"),
        (192, 64, "vlen_must_be"),
        (8192, 64, "vlen_must_be"),
        (256, 32, "dlen_must_be"),
        (256, 96, "dlen_must_be"),
        (128, 256, "dlen_must_be"),
        (4096, 2048, "at_most_1024"),  # AxSIZE has no code for more
    ],
)
@pytest.mark.parametrize("tool", [lint.verilator, lint.icarus])
def test_bad_parameters_are_refused(tool: lint.Tool, vlen: int, dlen: int, message: str) -> None:
    assert any(message in line for line in tool(lint.RTL, vlen, dlen, 1).findings)


def test_main_prints_findings_and_fails(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(lint, "lint", lambda: [lint.Check("good", ()), lint.Check("bad", ("what is wrong",))])
    assert lint.main() == 1
    assert capsys.readouterr().out.splitlines() == ["ok   good", "FAIL bad", "     what is wrong"]
