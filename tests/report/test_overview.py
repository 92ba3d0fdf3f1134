# SPDX-License-Identifier: Apache-2.0
"""`vctx demo`, whose mismatch explains itself, and `vctx report`, one page for many results."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from browser import Browser
from rich.console import Console

from vctx.pymodel.errors import UsageError
from vctx.pymodel.places import ROOT
from vctx.tb.reports.overview import overview


def vctx(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "vctx.tb.cli", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600, check=False)


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("out")


@pytest.fixture(scope="module")
def demo(out: Path) -> subprocess.CompletedProcess[str]:
    return vctx("demo", "--sim", "icarus", "--out", out)


def test_the_demonstration_names_the_bug_by_its_rule(demo: subprocess.CompletedProcess[str]) -> None:
    assert demo.returncode == 0, demo.stderr
    assert "Dirty, not Clean" in demo.stdout
    assert "rule B-8: whatever changes vector state makes VS Dirty, in every mode" in demo.stdout
    assert "in guest, for vcpu" in demo.stdout and "the last 10 instructions before:" in demo.stdout
    assert f"reproduce with: {demo.stdout.split('repeat: ')[1].strip()}" in demo.stdout


@pytest.mark.usefixtures("demo")
def test_its_page_marks_what_differs(out: Path, tmp_path: Path) -> None:
    page = out / "demo" / "icarus" / "report.html"
    browser = Browser(tmp_path)
    try:
        browser.open(page, theme="dark")
        assert [element.text for element in browser.all(".fields mark")] == ["3", "2"]
        assert "B-8" in browser.text(".fields")
        browser.button("Show the first break").click()
        browser.settle()
        assert "mismatch at event" in browser.text("#record")
        assert browser.complaints() == [] and browser.barriers() == []
        done = vctx("report", out, "--page", out / "all.html", "--junit", out / "all.xml")
        assert done.returncode == 1 and "failed demo: " in done.stdout  # the demonstration's own verdict
        browser.open(out / "all.html", width=400)
        assert browser.complaints() == [] and browser.barriers() == []
        browser.one("a").click()
        browser.until("return document.title === 'vctx demo: failed'")
    finally:
        browser.driver.quit()
    (suite,) = ElementTree.parse(out / "all.xml").getroot()
    assert suite.get("failures") == "1"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (None, "no results below"),
        ('{"schema": 1, "kind": "cosim"}', "damaged: KeyError('title')"),
        ('{"schema": 2}', "a result of schema 1 is needed, it has 2"),
    ],
)
def test_what_cannot_be_shown_is_refused_in_a_line(text: str | None, why: str, tmp_path: Path) -> None:
    if text is not None:
        (tmp_path / "result.json").write_text(text)
    with pytest.raises(UsageError, match=re.escape(why)):
        overview(Console(quiet=True), [tmp_path], tmp_path / "all.html")
    assert not (tmp_path / "all.html").exists()


@pytest.mark.usefixtures("demo")
def test_a_replay_within_a_run_is_no_result_of_its_own(out: Path) -> None:
    assert "schema" not in json.loads((out / "demo/icarus/replay/result.json").read_text())
