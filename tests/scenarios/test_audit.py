# SPDX-License-Identifier: Apache-2.0
"""The scenario library and the audit: the clean kernel passes, and these scenarios, no others, catch each defect."""

from __future__ import annotations

from dataclasses import replace

import pytest

from vctx.pymodel.errors import UsageError
from vctx.pymodel.kvm.defects import DEFECTS, defects_of
from vctx.pymodel.kvm.version import CLEAN, LINUX_6_12, LINUX_7_2, LINUX_7_3, V6_5, V12, KernelVersion
from vctx.pymodel.scenarios.audit import audit, covered_items, with_defect
from vctx.pymodel.scenarios.invariants import ALL_INVARIANTS
from vctx.pymodel.scenarios.lab import run_scenario
from vctx.pymodel.scenarios.library import SCENARIOS

# The scenarios that catch each defect when it is the only one. S7 shows wherever a vCPU is put.
CATCHES = {
    "S1": {
        *("frozen-ids", "every-register-reads-back", "sizes-and-indexes", "vlenb", "user-memory-not-mapped"),
        *("register-list", "migration", "values-after-a-run", "stale-heap-stays-hidden", "random-run-against-eager"),
    },
    "S2": {
        *("host-without-v", "guest-denied-v", "v-disabled-before-the-first-run", "host-lacks-v", "zve-only-host"),
        *("v-comes-from-the-bitmap", "register-list", "flush-with-vs-off", "random-run-against-eager"),
    },
    "S3": {"get-without-v"},
    "S4": {"host-without-v", "host-lacks-v"},
    "S5": {"create-fails-for-want-of-memory"},
    "S6": {"create-fails-for-want-of-memory", "destroy-frees-everything-once"},
    "S7": {
        *("host-without-v", "kernel-without-vector-support", "first-entry-after-reset", "guest-without-vectors"),
        *("one-write-one-save", "two-guests-on-one-hart", "guest-moves-between-harts", "preempted-anywhere"),
        *("host-task-beside-guests", "reset-inside-the-loop", "hart-started-by-the-guest", "load-and-put-alone"),
        *("guest-owns-its-vs", "spurious-dirty-costs-one-save", "put-keeps-hgatp", "unit-use-by-a-pair"),
        *("guest-denied-v", "novec-image-forced-on", "v-disabled-before-the-first-run", "v-enabled-after-create"),
        *("v-toggled-off-and-on", "isa-fixed-after-the-first-run", "host-lacks-v", "zve-only-host", "illegal-values"),
        *("migration", "values-after-a-run", "destroy-frees-everything-once", "softirq-in-the-run-loop"),
        *("softirq-over-a-dirty-process", "interrupt-at-each-step", "flush-is-idempotent", "flush-with-vs-off"),
        *("flags-over-a-run", "kernel-code-calls-the-scheduler", "preempted-kernel-code", "random-run-against-eager"),
    },
    "S8": {"frozen-ids"},
    "S9": {"stale-heap-stays-hidden"},
    "S10": {"reset-without-v-writes-nothing"},
    "S11": {"novec-image-forced-on"},
    "S12": {"v-disabled-before-the-first-run", "v-enabled-after-create"},
    "S13": {
        *("softirq-in-the-run-loop", "softirq-over-a-dirty-process", "interrupt-at-each-step"),
        *("kernel-code-calls-the-scheduler", "preempted-kernel-code"),
    },
    "S14": {"live-vs-is-preserved", "kernel-code-calls-the-scheduler"},
    "S15": {"reset-after-use"},
    "S16": {"first-entry-after-reset", "hart-started-by-the-guest"},
    "S17": {"frozen-ids", "sizes-and-indexes", "vlenb", "register-list"},
    "S18": {"frozen-ids", "sizes-and-indexes", "vlenb", "register-list"},
    "S19": {"illegal-values"},
    "S20": {"isa-fixed-after-the-first-run", "host-lacks-v", "zve-only-host", "sizes-and-indexes", "get-without-v"},
    "S21": {"kvm-as-a-module"},
    "S22": {"guest-denied-v", "process-without-v", "register-list", "flush-with-vs-off", "random-run-against-eager"},
    "S23": {"unit-use-by-a-pair"},
    "S24": {"novec-image-forced-on"},
    "S25": {"preempted-kernel-code"},
}

# The scenarios that the audit of the posted patch gives as evidence, where all defects are there at once.
EVIDENCE_V12 = {
    "S1": {
        *("frozen-ids", "every-register-reads-back", "sizes-and-indexes", "user-memory-not-mapped", "migration"),
        *("values-after-a-run", "stale-heap-stays-hidden"),
    },
    "S2": {"host-lacks-v", "v-comes-from-the-bitmap"},
    "S3": {"get-without-v"},
    "S4": {"host-without-v", "host-lacks-v", "zve-only-host"},
    "S5": {"create-fails-for-want-of-memory"},
    "S6": {"destroy-frees-everything-once"},
    "S7": {"put-keeps-hgatp"},
    "S8": {"frozen-ids"},
    "S9": set[str](),
    "S10": {"reset-without-v-writes-nothing"},
    "S11": {"novec-image-forced-on"},
    "S12": {"v-disabled-before-the-first-run"},
    "S13": {"softirq-in-the-run-loop", "softirq-over-a-dirty-process", "interrupt-at-each-step"},
    "S14": {"live-vs-is-preserved"},
    "S15": {"reset-after-use"},
    "S16": {"first-entry-after-reset", "hart-started-by-the-guest"},
    "S17": {"frozen-ids"},
    "S18": {"frozen-ids", "vlenb", "register-list"},
    "S19": {"illegal-values"},
    "S20": {"isa-fixed-after-the-first-run", "host-lacks-v", "zve-only-host", "sizes-and-indexes", "get-without-v"},
    "S21": {"kvm-as-a-module"},
    "S22": {"guest-denied-v", "process-without-v"},
    "S23": {"unit-use-by-a-pair"},
    "S24": {"novec-image-forced-on"},
    "S25": set[str](),  # it has no preemptible sections
}


def test_clean_kernel_passes_everything_and_every_promised_check_is_made() -> None:
    result = audit(CLEAN)
    assert result.findings == []
    assert set(ALL_INVARIANTS) == set(result.checks)
    for outcome in result.outcomes:
        assert not outcome.why_not
        assert set(outcome.scenario.checks) <= set(outcome.ledger.checks), outcome.scenario.name


def test_the_library_covers_every_item() -> None:
    assert covered_items() == set(range(1, 78))
    for scenario in SCENARIOS.values():
        assert scenario.text.endswith("."), scenario.name


@pytest.mark.parametrize("name", DEFECTS)
def test_a_defect_is_caught_by_these_scenarios_and_named(name: str) -> None:
    result = audit(with_defect(name))
    assert set(result.catching) == CATCHES[name]
    verdicts = {verdict.defect.name: verdict for verdict in result.defects()}
    assert verdicts[name].text == "found"
    assert all(verdict.text == "absent" for other, verdict in verdicts.items() if other != name)
    assert all(finding.violation.at for finding in verdicts[name].evidence)


@pytest.mark.parametrize("version", [V12, V6_5, LINUX_6_12, LINUX_7_2, LINUX_7_3], ids=lambda v: v.name)
def test_every_defect_of_a_version_is_found(version: KernelVersion) -> None:
    result = audit(version)
    found = {verdict.defect.name for verdict in result.defects() if verdict.text == "found"}
    hidden = {"S9"} if version is V12 else set()  # its reset zeroes every buffer (S10), so nothing stale shows
    assert found == {defect.name for defect in defects_of(version)} - hidden
    assert {v.defect.name for v in result.defects() if v.text == "not shown"} == hidden
    if version is V12:
        assert {v.defect.name: {f.scenario for f in v.evidence} for v in result.defects()} == EVIDENCE_V12
    assert not result.ok


def test_a_scenario_that_cannot_end_is_a_finding() -> None:
    oops = replace(CLEAN, host_side_eager=True, host_save_checks_v=False, name="oops")
    outcome = run_scenario(SCENARIOS["reset-without-v-writes-nothing"], oops)
    assert outcome.ok  # it never loads
    assert not run_scenario(SCENARIOS["host-lacks-v"], oops).ok


def test_unknown_defect() -> None:
    with pytest.raises(UsageError, match="S26"):
        with_defect("S26")
