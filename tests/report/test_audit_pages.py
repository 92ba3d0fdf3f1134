# SPDX-License-Identifier: Apache-2.0
"""`vctx audit --report`: a page for each defect, where it is, what was expected and found, and its cure."""

from __future__ import annotations

from pathlib import Path

import pytest
from rich.console import Console

from vctx.tb.jobs import audit as job
from vctx.tb.reports.audit import pages_of, result_of
from vctx.tb.reports.publish import PAGES, publish
from vctx.tb.results.model import Defects
from vctx.tb.results.store import read


def test_each_defect_that_is_found_gets_a_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job, "out_root", lambda: tmp_path)
    verdict = job.run_audit("v12", scenarios=["put-keeps-hgatp", "get-without-v", "two-enables"])
    result = result_of(verdict)
    folder = verdict.path.parent
    publish(Console(quiet=True), result, folder, pages=pages_of(result))
    pages = {path.stem: path.read_text() for path in (folder / PAGES).glob("*.html")}
    found = {one.defect.name for one in verdict.audit.defects() if one.text == "found"}
    assert pages.keys() == found and {"S3", "S7"} <= found
    for text in ("kvm_riscv_vcpu_get_reg_vector", "cured in Linux 6.5", "get-without-v: get vstart without V"):
        assert text in pages["S3"], text
    assert '<b class="owner">secret!!</b>' in pages["S3"]  # what leaked
    assert "<li><code>kvm_arch_vcpu_put</code></li>" in pages["S7"] and "S3" not in pages["S7"]
    assert result_of(verdict).sections == read(verdict.path).sections

    (broken,) = [case for case in result.cases if case.name == "put-keeps-hgatp"]
    assert "hgatp-kept: vcpu_put: expected [], found ['csrw hgatp, 0x0'" in broken.text
    clean = result_of(job.run_audit("clean", scenarios=["put-keeps-hgatp"]))
    assert clean.ok and list(pages_of(clean)) == []
    assert [section.note for section in clean.sections if isinstance(section, Defects)] == ["absent: S7"]
