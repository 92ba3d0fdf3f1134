# SPDX-License-Identifier: Apache-2.0
"""The example of somebody else's cocotb test: it runs as it stands, and it can fail."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from vctx.pymodel.places import ROOT, RTL
from vctx.tb.simulators.design import rtl_sources
from vctx.tb.simulators.find import SIMULATORS

EXAMPLE = ROOT / "examples" / "own_test.py"
BIN = Path(sys.executable).parent
ENV = os.environ | {"PATH": f"{BIN}:{os.environ['PATH']}"}  # as in an activated environment


def run(example: Path, sim: str, where: Path) -> tuple[int, str]:
    command = [sys.executable, str(example), sim]
    done = subprocess.run(
        command, cwd=where, env=ENV, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    return done.returncode, done.stdout


@pytest.mark.parametrize("sim", SIMULATORS)
def test_the_example_passes(sim: str, tmp_path: Path) -> None:
    status, printed = run(EXAMPLE, sim, tmp_path)
    assert status == 0, printed
    assert "TESTS=1 PASS=1 FAIL=0" in printed


def test_the_example_can_fail(tmp_path: Path) -> None:
    text = EXAMPLE.read_text()
    wrong = tmp_path / "own_test.py"
    wrong.write_text(text.replace("mstatus_vs_o.value == 3", "mstatus_vs_o.value == 2"))
    assert wrong.read_text() != text
    status, printed = run(wrong, "icarus", tmp_path)
    assert status == 1, printed
    assert "TESTS=1 PASS=0 FAIL=1" in printed


def test_files_are_printed_in_order_of_compilation() -> None:
    done = subprocess.run([str(BIN / "vctx"), "files"], capture_output=True, text=True, check=True)
    printed = done.stdout.splitlines()
    assert printed == [str(path) for path in rtl_sources()]
    assert printed[0] == str(RTL / "vctx_pkg.sv")
    assert sorted(printed) == sorted(str(path) for path in RTL.glob("*.sv"))
