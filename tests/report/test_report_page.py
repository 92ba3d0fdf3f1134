# SPDX-License-Identifier: Apache-2.0
"""report.html in a real browser: from disk, in both themes, narrow and wide, its timeline used as people use it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import Browser
from rich.console import Console
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

from vctx.pymodel.places import ROOT
from vctx.tb.jobs.cosim import Verdict, cosim
from vctx.tb.knobs import Knobs
from vctx.tb.reports.cosim import result_of
from vctx.tb.reports.publish import REPORT, publish

SEED = 300 + int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
SHOTS = ROOT / "sim_build" / "screenshots"
MOST = 5_000_000  # bytes of a page


@pytest.fixture(scope="module")
def verdict() -> Verdict:
    """A kernel with known defects, for long enough to meet some of them."""
    return cosim(Knobs(vlen=128, kernel="v12", seed=SEED), pairs=20, entries=200)


@pytest.fixture(scope="module")
def page(verdict: Verdict) -> Path:
    """Its report."""
    folder = verdict.path.parent
    publish(Console(quiet=True), result_of(verdict), folder)
    return folder / REPORT


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    opened = Browser(tmp_path_factory.mktemp("profile"))
    yield opened
    opened.driver.quit()


def shoot(browser: Browser, name: str) -> None:
    SHOTS.mkdir(parents=True, exist_ok=True)
    assert browser.driver.save_screenshot(str(SHOTS / f"{name}.png"))


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [400, 1600])
def test_a_page_opens_from_disk_and_keeps_nobody_out(browser: Browser, page: Path, width: int, theme: str) -> None:
    browser.complaints()
    browser.open(page, width=width, theme=theme)
    shoot(browser, f"cosim-{width}-{theme}")
    assert "breaks" in browser.text("h1") and "FAILED" in browser.text(".verdict")
    assert browser.complaints() == []
    assert browser.requests() == [page.as_uri()]
    assert browser.run("return document.documentElement.scrollWidth <= window.innerWidth"), "wider than the window"
    back = browser.run("return getComputedStyle(document.body).backgroundColor")
    assert (back == "rgb(255, 255, 255)") == (theme == "light")
    assert browser.barriers() == []
    assert page.stat().st_size < MOST


def test_the_first_break_is_one_click_away_with_owner_function_and_bytes(
    browser: Browser, page: Path, verdict: Verdict
) -> None:
    browser.open(page)
    browser.button("Show the first break").click()
    browser.settle()
    record = browser.text("#record")
    first = verdict.model.ledger.violations[0]
    assert f"{first.invariant}: {first.evidence}" in record
    shoot(browser, "first-break")
    assert "registers hold" in record and "bytes on the bus" in record and "kvm_" in browser.text("#record h3")
    browser.button("First instruction").click()
    browser.until("return document.querySelector('#record table') !== null")
    assert "mstatus.VS" in browser.text("#record table") and "symbol" in browser.text("#record")
    assert browser.complaints() == []


def test_a_search_finds_vcpus_functions_and_instructions(browser: Browser, page: Path, verdict: Verdict) -> None:
    browser.open(page)
    pairs = verdict.model.counts["pairs"]
    box = browser.one("#query")
    box.send_keys("kvm_arch_vcpu_load", Keys.ENTER)
    browser.until("return document.getElementById('found').textContent !== ''")
    assert browser.text("#found") == f"1 of {pairs:,}"
    assert browser.text("#record h3") == "kvm_arch_vcpu_load"
    browser.button("Next").click()
    browser.until("return document.getElementById('found').textContent.startsWith('2 ')")
    for query, expected in (("vse8.v v24", "vse8.v v24, (a1)"), ("vcpu1", "vcpu1")):
        box.clear()
        box.send_keys(query, Keys.ENTER)
        browser.until(f"return document.getElementById('record').textContent.includes({expected!r})")
    pc = browser.run("return page.codes[0][0]")
    box.clear()
    box.send_keys(pc, Keys.ENTER)
    browser.until(f"return document.getElementById('record').textContent.includes({pc!r})")
    shoot(browser, "instruction")
    box.clear()
    box.send_keys("no such thing", Keys.ENTER)
    browser.until("return document.getElementById('found').textContent === 'not found'")
    assert browser.complaints() == []


def test_the_timeline_zooms_from_the_whole_run_to_one_instruction(browser: Browser, page: Path) -> None:
    browser.open(page)
    whole = browser.text("#range")
    assert whole.startswith("cycles 0 to ")
    middle = browser.run("const h = harts[0], i = h.packed.pieces[0]; return Math.floor((i.start + i.end) / 2)")
    browser.run(f"show({middle} - 200, {middle} + 200)")
    drawn = "drawings[0].hits.findLast((hit) => hit[2] === drawings[0].rows.length - 1)"  # in the row of instructions
    left, right, row = browser.until(f"return {drawn}?.slice(0, 3)")
    canvas = browser.one(".hart canvas")
    browser.run("document.querySelector('.hart canvas').scrollIntoView({block: 'center'})")
    width, height = canvas.size["width"], canvas.size["height"]
    at = int((left + right) / 2 - width / 2), int(row * 17 + 10 - height / 2)
    ActionChains(browser.driver).move_to_element_with_offset(canvas, *at).click().perform()
    browser.until("return document.querySelector('#record table') !== null")
    group = browser.one(".hart")
    for _ in range(8):
        group.send_keys("+")
    browser.settle()
    shown = browser.run("return view.to - view.from")
    assert 4 <= shown < 40
    shoot(browser, "zoomed")
    before = browser.run("return view.from")
    group.send_keys(Keys.ARROW_RIGHT)
    browser.settle()
    assert browser.run("return view.from") > before
    browser.button("Whole run").click()
    browser.settle()
    assert browser.text("#range") == whole
    assert browser.complaints() == []
