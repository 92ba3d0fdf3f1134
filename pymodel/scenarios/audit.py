# SPDX-License-Identifier: Apache-2.0
"""The audit: run the scenario library on a kernel version and say which defects and which invariants it breaks.

A scenario's check names the known defects that its failure would demonstrate. It is evidence for one of them if the
kernel has that defect; what is left over is a finding without a name.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from vctx.pymodel.errors import UsageError
from vctx.pymodel.kvm.defects import DEFECTS, OF_THE_ROUTINES, Defect
from vctx.pymodel.kvm.version import CLEAN, KernelVersion
from vctx.pymodel.scenarios.invariants import Violation
from vctx.pymodel.scenarios.lab import Outcome, RecorderFactory, Scenario, run_scenario
from vctx.pymodel.scenarios.library import SCENARIOS

Progress = Callable[[str, int, int], None]
Recorders = Callable[[Scenario], RecorderFactory]


@dataclass(frozen=True)
class Finding:
    """A violation, and the scenario that found it."""

    scenario: str
    violation: Violation


@dataclass(frozen=True)
class DefectVerdict:
    """What the audit says of one defect.

    Attributes:
        present: the version is known to have it.
        evidence: the violations that demonstrate it, in the order of the library.
    """

    defect: Defect
    present: bool
    evidence: tuple[Finding, ...]

    @property
    def text(self) -> str:
        """The verdict in one word."""
        if self.evidence:
            return "found"
        return "not shown" if self.present else "absent"


@dataclass(frozen=True)
class Audit:
    """An audit of one version."""

    version: KernelVersion
    outcomes: tuple[Outcome, ...]

    @property
    def findings(self) -> list[Finding]:
        """Every violation kept, in the order of the library."""
        return [Finding(o.scenario.name, violation) for o in self.outcomes for violation in o.ledger.violations]

    @property
    def ok(self) -> bool:
        """Whether no scenario broke anything."""
        return all(outcome.ok for outcome in self.outcomes)

    @property
    def broken(self) -> Counter[str]:
        """Failed checks by invariant."""
        return sum((outcome.ledger.broken for outcome in self.outcomes), Counter[str]())

    @property
    def checks(self) -> Counter[str]:
        """Checks by invariant."""
        return sum((outcome.ledger.checks for outcome in self.outcomes), Counter[str]())

    @property
    def catching(self) -> list[str]:
        """Names of the scenarios that broke something."""
        return [outcome.scenario.name for outcome in self.outcomes if not outcome.ok]

    @property
    def named(self) -> set[str]:
        """The defects that the scenarios that were run can show."""
        return {name for outcome in self.outcomes for name in outcome.ledger.named}

    def defects(self) -> list[DefectVerdict]:
        """Return the verdict on each known defect.

        Whether somebody else's routines have a defect that is the routines' own is not known before it shows.
        """
        findings = self.findings
        verdicts = []
        for defect in DEFECTS.values():
            shown = tuple(f for f in findings if defect.name in f.violation.defects)
            theirs = bool(self.version.routines) and defect.choice in OF_THE_ROUTINES
            present = bool(shown) if theirs else defect.present(self.version)
            verdicts.append(DefectVerdict(defect, present, shown if present else ()))
        return verdicts

    def unexplained(self) -> list[Finding]:
        """Return the findings in scenarios where no known defect of the version breaks that invariant."""
        verdicts = self.defects()
        expected = {name for verdict in verdicts if verdict.present for name in verdict.defect.breaks}
        named = {finding.scenario for verdict in verdicts for finding in verdict.evidence}
        return [f for f in self.findings if f.scenario not in named and f.violation.invariant not in expected]


def audit(
    version: KernelVersion,
    scenarios: Iterable[Scenario] | None = None,
    *,
    recorders: Recorders | None = None,
    progress: Progress | None = None,
) -> Audit:
    """Run scenarios, by default the whole library, on a kernel version.

    Args:
        recorders: gives for each scenario what records its kernels; None to record nothing.
        progress: called with (scenario about to run, scenarios done, scenarios in all).
    """
    chosen = list(SCENARIOS.values() if scenarios is None else scenarios)
    outcomes = []
    for done, scenario in enumerate(chosen):
        if progress is not None:
            progress(scenario.name, done, len(chosen))
        outcomes.append(run_scenario(scenario, version, recorders(scenario) if recorders is not None else None))
    if progress is not None:
        progress("", len(chosen), len(chosen))
    return Audit(version, tuple(outcomes))


def with_defect(name: str, version: KernelVersion = CLEAN) -> KernelVersion:
    """Return a version with a defect by its S-number.

    Raises:
        UsageError: there is no such defect.
    """
    if name not in DEFECTS:
        raise UsageError(f"unknown defect {name!r}; allowed are {', '.join(DEFECTS)}")
    return DEFECTS[name].apply(version)


def covered_items() -> set[int]:
    """Return the items of the library that scenarios cover."""
    return {item for scenario in SCENARIOS.values() for item in scenario.items}
