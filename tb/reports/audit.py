# SPDX-License-Identifier: Apache-2.0
"""An audit as a result: the verdict on each defect with its evidence, the invariants, the matrix."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from vctx.pymodel.kvm.linux_names import LINUX_NAMES
from vctx.pymodel.scenarios.audit import DefectVerdict, Finding
from vctx.pymodel.scenarios.invariants import ALL_INVARIANTS
from vctx.pymodel.scenarios.library import SCENARIOS
from vctx.tb.jobs.audit import AuditVerdict
from vctx.tb.results.explained import explained
from vctx.tb.results.model import (
    Case,
    Cell,
    Defect,
    Defects,
    Evidence,
    Named,
    Result,
    Section,
    Table,
    Text,
    Tone,
)
from vctx.tb.runs.repeat import shown

_TONES: dict[str, Tone] = {"found": "bad", "not shown": "warn", "absent": "good"}
_OWNER = re.compile(r"\b((?:vcpu|task)\d+|secret!!)")
_FUNCTION = re.compile(
    rf"\b(?:{'|'.join(re.escape(name) for name in sorted(LINUX_NAMES.values(), key=len, reverse=True))})\b"
)


def result_of(verdict: AuditVerdict) -> Result:
    """Return an audit as a result."""
    return Result(
        kind="audit",
        title=f"kernel {verdict.audit.version.name}, {len(verdict.audit.outcomes)} scenarios",
        ok=verdict.ok,
        headline=_headline(verdict),
        command=verdict.command,
        sections=tuple(_sections(verdict)),
        cases=tuple(_cases(verdict)),
        files=(("result", shown(verdict.path)),),
        data=verdict.as_json(),
    )


def pages_of(result: Result) -> Iterable[tuple[str, Result]]:
    """Return, for each defect that was found, its name and a result of it alone, to be shown as a page of its own."""
    for section in result.sections:
        if isinstance(section, Defects):
            for defect in section.defects:
                if defect.evidence:
                    alone = Defects(section.title, (defect,))
                    yield defect.name, replace(result, headline=f"{defect.name}: {defect.text}", sections=(alone,))


def _sections(verdict: AuditVerdict) -> Iterable[Section]:
    yield _scenarios_table(verdict)
    yield _invariants_table(verdict)
    if any(verdict.matrix().values()):
        yield _matrix_table(verdict)
    yield _defects(verdict)
    unexplained = verdict.audit.unexplained()
    if unexplained:
        title = "findings that no known defect of this kernel explains, first cases"
        found = tuple(
            Defect(finding.violation.invariant, "", "", "bad", "", "", (_evidence(finding),)) for finding in unexplained
        )
        yield Defects(title, found)
    for run in verdict.rtl:
        where = f"RTL, VLEN {run.vlen}, {'V' if run.has_v else 'no V'}"
        if run.mismatch is None:
            agree = f"{len(run.starts)} kernels, {run.instructions:,} instructions agree"
            yield Text("", ((where, agree),))
        else:
            yield Text(f"{where}: differs in {run.culprit}", (), "bad")
            yield explained(run.mismatch)


def _scenarios_table(verdict: AuditVerdict) -> Table:
    rows = []
    for outcome in verdict.audit.outcomes:
        state = Cell("ok", "good") if outcome.ok else Cell("broken", "bad")
        if outcome.why_not:
            state = Cell("n/a", "warn")
        text = f"not applicable: {outcome.why_not}" if outcome.why_not else outcome.scenario.text
        items = ",".join(str(item) for item in outcome.scenario.items)
        checks = f"{sum(outcome.ledger.checks.values()):,}"
        name = f"{outcome.scenario.group} {outcome.scenario.name}"
        rows.append((Cell(name), Cell(items), Cell(checks), state, Cell(text)))
    return Table("scenarios", ("", "items", "checks", "state", "what it does"), tuple(rows), prose=(4,))


def _invariants_table(verdict: AuditVerdict) -> Table:
    checks, broken = verdict.audit.checks, verdict.audit.broken
    rows = []
    for name, invariant in ALL_INVARIANTS.items():
        if checks[name]:  # else it is of another part of the library
            state = Cell(f"{broken[name]:,}", "bad" if broken[name] else "good")
            rows.append((Cell(name), Cell(f"{checks[name]:,}"), state, Cell(invariant.text)))
    return Table("invariants", ("", "checked", "broken", "what must hold"), tuple(rows), prose=(3,))


def _matrix_table(verdict: AuditVerdict) -> Table:
    matrix = verdict.matrix()
    defects = [name for name, scenarios in matrix.items() if scenarios]
    rows = []
    for name in dict.fromkeys(scenario for scenarios in matrix.values() for scenario in scenarios):
        rows.append((Cell(name), *(Cell("x" if name in matrix[defect] else ".") for defect in defects)))
    columns = ("", *(name.removeprefix("S") for name in defects))
    return Table("evidence of each defect, by scenario", columns, tuple(rows), narrow=True)


def _defects(verdict: AuditVerdict) -> Defects:
    whole = len(verdict.audit.outcomes) == len(SCENARIOS)
    verdicts = verdict.audit.defects()
    # What a part of the library does not show says nothing.
    told = [one for one in verdicts if one.text == "found" or (one.text == "not shown" and whole)]
    absent = [one.defect.name for one in verdicts if one.text == "absent" and one.defect.name in verdict.audit.named]
    note = f"absent: {', '.join(absent)}" if absent else ""
    return Defects("defects", tuple(_defect(verdict, one) for one in told), note)


def _defect(verdict: AuditVerdict, one: DefectVerdict) -> Defect:
    first = {finding.violation.invariant: finding for finding in reversed(one.evidence)}  # of each invariant
    cases = [finding for finding in one.evidence if finding is first[finding.violation.invariant]]
    note = more = ""
    if len(one.evidence) > len(cases):
        others = ", ".join(dict.fromkeys(f.scenario for f in one.evidence if f not in cases))
        more = f"and {len(one.evidence) - len(cases)} more in {others}"
    if not cases and one.defect.name in verdict.elsewhere:
        note = "something else in this version hides it; over the clean kernel it shows:"
        cases = [verdict.elsewhere[one.defect.name]]
    return Defect(
        one.defect.name,
        one.defect.text,
        one.text,
        _TONES[one.text],
        one.defect.source,
        one.defect.cured,
        tuple(_evidence(finding) for finding in cases),
        note,
        more,
    )


def _evidence(finding: Finding) -> Evidence:
    violation = finding.violation
    named = _named(violation.evidence)
    path = tuple(_FUNCTION.findall(violation.calls))
    return Evidence(f"{finding.scenario}: {violation.where}", named, violation.calls, path, violation.at)


def _named(text: str) -> Named:
    """Return a text with the names of owners of state, and what a scenario planted to be leaked, cut out."""
    return tuple((piece, piece if _OWNER.fullmatch(piece) else "") for piece in _OWNER.split(text) if piece)


def _cases(verdict: AuditVerdict) -> Iterable[Case]:
    for outcome in verdict.audit.outcomes:
        found = (f"{v.invariant}: {v.where}: {v.evidence}" for v in outcome.ledger.violations)
        yield Case(outcome.scenario.name, "" if outcome.ok else "\n".join(found) or "broken")
    for run in verdict.rtl:
        text = "" if run.mismatch is None else run.mismatch.text()
        yield Case(f"RTL agrees, VLEN {run.vlen}{'' if run.has_v else ', no V'}", text)


def _headline(verdict: AuditVerdict) -> str:
    result = verdict.audit
    found = [one.defect.name for one in result.defects() if one.text == "found"]
    broken = len(result.catching)
    idle = sum(bool(outcome.why_not) for outcome in result.outcomes)
    meant = len(result.outcomes) - idle
    passed = f"{meant - broken} of {meant} scenarios pass" + (f", {idle} not applicable" if idle else "")
    name = result.version.name
    if verdict.ok:
        return f"kernel {name} is clean, {passed}"
    if result.ok:
        return f"kernel {name} is clean, {passed}, but RTL and model differ, see above"
    plural = "s" if len(found) > 1 else ""
    known = f"{len(found)} known defect{plural}: {', '.join(found)}" if found else "no known defect"
    return f"defects found in kernel {name}: {known}; {passed}"
