# SPDX-License-Identifier: Apache-2.0
"""`vctx audit`: many kernels in one trace agree with the RTL, and whatever is found belongs to its scenario."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from vctx.pymodel.errors import UsageError
from vctx.pymodel.kvm.defects import DEFECTS
from vctx.pymodel.trace import TraceReader
from vctx.pymodel.trace.records import Insn
from vctx.tb.jobs import audit
from vctx.tb.replay.result import Mismatch
from vctx.tb.reports.audit import result_of
from vctx.tb.reports.render.terminal import Terminal

SCENARIOS = ("two-enables", "one-write-one-save", "host-without-v", "wrong-routines-are-caught")


@pytest.fixture(autouse=True)
def _own_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "out_root", lambda: tmp_path)


def test_scenarios_agree_with_the_rtl(sim: str) -> None:
    verdict = audit.run_audit("clean", scenarios=SCENARIOS, rtl=True, sim=sim)
    assert verdict.ok
    assert {(run.vlen, run.has_v) for run in verdict.rtl} == {(256, True), (256, False)}
    for run in verdict.rtl:
        insns = sum(isinstance(event, Insn) for event in TraceReader(run.trace))
        assert run.instructions == insns > 0
    data = json.loads(verdict.path.read_text())
    assert data["ok"] and len(data["scenarios"]) == len(SCENARIOS)


def test_a_defect_makes_it_fail_with_evidence() -> None:
    verdict = audit.run_audit("clean", defect="S7", scenarios=["put-keeps-hgatp"])
    assert not verdict.ok
    data = json.loads(verdict.path.read_text())
    found = {defect["name"]: defect for defect in data["defects"] if defect["verdict"] == "found"}
    assert list(found) == ["S7"]
    assert "csrw hgatp, 0x0" in found["S7"]["evidence"][0]["evidence"]
    assert data["matrix"]["S7"] == ["put-keeps-hgatp"]


def test_a_difference_belongs_to_the_scenario_in_which_it_is() -> None:
    run = audit.RtlRun(256, True, Path("x"), [(0, "a"), (10, "b"), (20, "b"), (30, "c")])
    assert run.culprit == ""
    for index, culprit in ((0, "a"), (9, "a"), (10, "b"), (29, "b"), (30, "c"), (99, "c")):
        run.mismatch = Mismatch(index, "instruction", 0, [], "")
        assert run.culprit == culprit


def test_a_defect_that_the_version_hides_is_shown_over_the_clean_kernel() -> None:
    verdict = audit.run_audit("v12")
    assert list(verdict.elsewhere) == ["S9"]
    assert verdict.elsewhere["S9"].scenario == "stale-heap-stays-hidden"


def test_the_report_names_call_expectation_and_finding() -> None:
    console = Console(record=True, width=120, file=io.StringIO())
    Terminal(console).render(
        result_of(audit.run_audit("v12", scenarios=["put-keeps-hgatp", "flush-with-vs-off", "two-enables"]))
    )
    text = console.export_text()
    assert "put-keeps-hgatp: vcpu_put\n      expected [], found ['csrw hgatp, 0x0', 'csrw hgatp, 0x0']\n" in text
    assert "\n      after kvm_arch_vcpu_put for vcpu0, hart 0\n" in text
    assert "vcpu.c, kvm_arch_vcpu_put, `csr_write(CSR_HGATP, 0)`; cured in Linux 6.5: " in text
    assert "S7 found" in text and "S13" not in text
    assert "1 known defect: S7; 1 of 2 scenarios pass, 1 not applicable" in text


def test_a_part_of_the_library_says_only_what_it_can_show() -> None:
    """No invariant that it does not check, and no defect that none of its checks would demonstrate."""
    console = Console(record=True, width=120, file=io.StringIO())
    Terminal(console).render(result_of(audit.run_audit("clean", scenarios=["put-keeps-hgatp"])))
    text = console.export_text()
    assert "absent: S7\n" in text and "hgatp-kept" in text and "one-reg-errors" not in text
    console = Console(record=True, width=120, file=io.StringIO())
    Terminal(console).render(result_of(audit.run_audit("clean")))
    assert f"absent: {', '.join(DEFECTS)}\n" in console.export_text()


def test_an_oops_names_the_functions_around_it() -> None:
    verdict = audit.run_audit("v12", scenarios=["host-without-v"])
    (oops,) = [f.violation for f in verdict.audit.findings if f.violation.invariant == "no-oops"]
    assert oops.evidence.endswith(", in kvm_arch_vcpu_load > kvm_riscv_vcpu_host_vector_save")
    assert oops.calls == "after kvm_arch_vcpu_load for vcpu0, hart 0"


def test_unknown_names() -> None:
    with pytest.raises(UsageError, match="put-keeps-hgatp"):
        audit.run_audit("clean", scenarios=["nothing"])
    with pytest.raises(UsageError, match="S24"):
        audit.run_audit("clean", defect="S99")
    with pytest.raises(UsageError, match="deferred"):
        audit.run_audit("v13")
