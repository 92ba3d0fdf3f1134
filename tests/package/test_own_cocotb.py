# SPDX-License-Identifier: Apache-2.0
"""A cocotb test of somebody else's, as docs/cocotb.md shows it, with the installed package."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from package_env import Installed
from test_installed import agreed, run

from vctx.pymodel.places import ROOT

TEN_LINES, LIVE, RUNNER = re.findall(r"^```python\n(.*?)^```$", (ROOT / "docs" / "cocotb.md").read_text(), re.S | re.M)


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """A user's folder, in which Verilator can work, too."""
    folder = tmp_path / "work"
    folder.mkdir()
    (folder / "test_mine.py").write_text(TEN_LINES)
    return folder


def test_it_has_ten_lines() -> None:
    assert len([line for line in TEN_LINES.splitlines() if line]) == 10


@pytest.mark.parametrize("sim", ["verilator", "icarus"])
def test_the_ten_lines_and_the_hypervisor(installed: Installed, here: Path, sim: str) -> None:
    (here / "test_live.py").write_text(LIVE)
    shown = agreed([installed.vctx, "cocotb", "test_mine.py", "test_live.py", "--sim", sim], here)
    assert "passed test_mine.a_guest_stores_what_it_loaded" in shown
    assert "passed test_live.a_vcpu_is_put_and_loaded_at_each_exit" in shown
    assert "all passed: 2 tests of 2 functions" in shown
    (folder,) = (here / "sim_build" / "cocotb").iterdir()
    cases = ElementTree.parse(folder / "results.xml").findall(".//testcase")
    assert len(cases) == 2 and not [case for case in cases if len(case.findall("failure"))]


def test_ten_lines_that_are_wrong_fail(installed: Installed, here: Path) -> None:
    """One that expects what is not so, and one that stops at an exception; the third is as before."""
    body = TEN_LINES[TEN_LINES.index("@cocotb") :]
    wrong = (
        body.replace("a_guest", "wrong_guest")
        + "        bench.last.insn.retire = bench.last.insn.retire._replace(vl=1)\n"
    )
    raising = body.replace("a_guest", "raising_guest") + "        bench.do('vle8')\n"
    (here / "test_mine.py").write_text(TEN_LINES + wrong + raising)
    done = run([installed.vctx, "cocotb", "test_mine.py", "--sim", "icarus"], here)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "passed test_mine.a_guest_stores_what_it_loaded" in done.stdout
    assert re.search(r"vl +0x1 +0x20", done.stdout)
    assert "HartError: unknown mnemonic 'vle8'" in done.stdout and "2 failed: 3 tests of 3 functions" in done.stdout
    repeat = re.search(r"repeat with: (.*--test test_mine.wrong_guest_stores_what_it_loaded)", done.stdout)
    assert repeat is not None
    assert "1 failed: 1 tests" in run(repeat[1], here).stdout


def test_the_ten_lines_by_the_runner_of_cocotb(installed: Installed, here: Path) -> None:
    (here / "go.py").write_text(RUNNER)
    path = f"{installed.folder}/bin:/usr/bin:/bin"
    assert "TESTS=1 PASS=1 FAIL=0" in agreed([installed.python, "go.py"], here, PATH=path)


def test_an_unknown_name(installed: Installed, here: Path) -> None:
    done = run([installed.vctx, "cocotb", "test_mine.py", "--test", "a_guest_loads"], here)
    assert (done.returncode, done.stdout) == (2, "")
    assert "near: test_mine.a_guest_stores_what_it_loaded" in done.stderr
