"""The scenario library and the audit: the clean kernel passes, and these scenarios, no others, catch each defect."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pymodel.errors import UsageError
from pymodel.kvm.defects import DEFECTS, defects_of
from pymodel.kvm.version import CLEAN, DEFERRED, V6_5, V12, KernelVersion
from pymodel.scenarios.audit import audit, covered_items, with_defect
from pymodel.scenarios.invariants import ALL_INVARIANTS
from pymodel.scenarios.lab import run_scenario
from pymodel.scenarios.library import SCENARIOS

# Long, and of no use against any single defect that another scenario of its kind does not show.
_SLOW = frozenset(
    {"preempted-anywhere", "random-run-against-eager", "interrupt-at-each-step", "vs-off-closes-the-unit"}
)
_QUICK = [scenario for name, scenario in SCENARIOS.items() if name not in _SLOW]

_EVERY_PUT = {
    "put-keeps-hgatp",
    "unit-use-by-a-pair",
    "guest-without-vectors",
    "migration",
    "kernel-without-vector-support",
}

# Which scenarios, but the slow ones, catch each defect when it is the only one. S7 shows at every put.
CATCHES = {
    "S1": {
        *("frozen-ids", "every-register-reads-back", "sizes-and-indexes", "vlenb", "user-memory-not-mapped"),
        *("register-list", "migration", "values-after-a-run", "stale-heap-stays-hidden"),
    },
    "S2": {
        *("host-without-v", "guest-denied-v", "novec-image-forced-on", "v-disabled-before-the-first-run"),
        *("host-lacks-v", "v-comes-from-the-bitmap", "register-list", "reset-without-v-writes-nothing"),
        *("flush-with-vs-off", "zve-only-host"),
    },
    "S3": {"get-without-v"},
    "S4": {"host-without-v", "host-lacks-v"},
    "S5": {"create-fails-for-want-of-memory"},
    "S6": {"create-fails-for-want-of-memory", "destroy-frees-everything-once"},
    "S8": {"frozen-ids"},
    "S9": {"stale-heap-stays-hidden"},
    "S10": {"reset-without-v-writes-nothing"},
    "S11": {"novec-image-forced-on"},
    "S12": {"v-disabled-before-the-first-run", "v-enabled-after-create"},
    "S13": {"softirq-in-the-run-loop", "softirq-over-a-dirty-process"},
    "S14": {"live-vs-is-preserved", "preempted-kernel-code"},
    "S15": {"reset-after-use"},
    "S16": {"first-entry-after-reset"},
    "S17": {"frozen-ids", "sizes-and-indexes", "vlenb", "register-list"},
    "S18": {"frozen-ids", "sizes-and-indexes", "vlenb", "register-list"},
    "S19": {"illegal-values"},
    "S20": {"isa-fixed-after-the-first-run", "host-lacks-v", "zve-only-host", "sizes-and-indexes", "get-without-v"},
    "S21": {"kvm-as-a-module"},
    "S22": {
        *("guest-denied-v", "novec-image-forced-on", "process-without-v", "register-list"),
        *("reset-without-v-writes-nothing", "flush-with-vs-off"),
    },
    "S23": {"unit-use-by-a-pair"},
    "S24": {"novec-image-forced-on"},
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
    result = audit(with_defect(name), _QUICK)
    if name == "S7":
        assert set(result.catching) >= _EVERY_PUT
    else:
        assert set(result.catching) == CATCHES[name]
    verdicts = {verdict.defect.name: verdict for verdict in result.defects()}
    assert verdicts[name].text == "found"
    assert all(verdict.text == "absent" for other, verdict in verdicts.items() if other != name)
    assert all(finding.violation.at for finding in verdicts[name].evidence)


@pytest.mark.parametrize("version", [V12, V6_5, DEFERRED], ids=lambda v: v.name)
def test_every_defect_of_a_version_is_found(version: KernelVersion) -> None:
    result = audit(version, _QUICK)
    found = {verdict.defect.name for verdict in result.defects() if verdict.text == "found"}
    hidden = {"S9"} if version is V12 else set()  # its reset zeroes every buffer (S10), so nothing stale shows
    assert found == {defect.name for defect in defects_of(version)} - hidden
    assert {v.defect.name for v in result.defects() if v.text == "not shown"} == hidden
    assert not result.ok


def test_slow_scenarios_catch_what_they_are_for() -> None:
    assert not run_scenario(SCENARIOS["interrupt-at-each-step"], with_defect("S13")).ok
    assert not run_scenario(SCENARIOS["random-run-against-eager"], with_defect("S1")).ok
    assert not run_scenario(SCENARIOS["preempted-anywhere"], with_defect("S7")).ok


def test_a_scenario_that_cannot_end_is_a_finding() -> None:
    oops = replace(CLEAN, host_side_eager=True, host_save_checks_v=False, name="oops")
    outcome = run_scenario(SCENARIOS["reset-without-v-writes-nothing"], oops)
    assert outcome.ok  # it never loads
    assert not run_scenario(SCENARIOS["host-lacks-v"], oops).ok


def test_unknown_defect() -> None:
    with pytest.raises(UsageError, match="S25"):
        with_defect("S25")
