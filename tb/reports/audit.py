# SPDX-License-Identifier: Apache-2.0
"""What people see of an audit: the verdict on each defect with its evidence, the invariants, the matrix."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from vctx.pymodel.scenarios.audit import Finding
from vctx.pymodel.scenarios.invariants import ALL_INVARIANTS
from vctx.pymodel.scenarios.library import SCENARIOS
from vctx.tb.jobs.audit import AuditVerdict
from vctx.tb.runs.repeat import shown

_MATRIX_WIDTH = 120  # 25 defects beside the name of a scenario
_STYLES = {"found": "bold red", "not shown": "yellow", "absent": "green"}


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", box=None, pad_edge=False, header_style="bold", title_style="bold")
    for column in columns:
        table.add_column(column, no_wrap=True)
    return table


def print_audit(console: Console, verdict: AuditVerdict) -> None:
    """Print the verdict."""
    console.print()
    console.print(_scenarios_table(verdict))
    console.print()
    console.print(_invariants_table(verdict))
    if any(verdict.matrix().values()):
        console.print()
        console.print(_matrix_table(verdict), width=_MATRIX_WIDTH, crop=False)
    console.print()
    _print_defects(console, verdict)
    _print_unexplained(console, verdict)
    _print_rtl(console, verdict)
    _print_summary(console, verdict)


def _scenarios_table(verdict: AuditVerdict) -> Table:
    table = _table("scenarios", "", "items", "checks", "")
    table.add_column("what it does", overflow="fold")
    for outcome in verdict.audit.outcomes:
        state = Text("broken", "bold red") if not outcome.ok else Text("ok", "green")
        if outcome.why_not:
            state = Text("n/a", "yellow")
        text = f"not applicable: {outcome.why_not}" if outcome.why_not else outcome.scenario.text
        items = ",".join(str(item) for item in outcome.scenario.items)
        name = f"{outcome.scenario.group} {outcome.scenario.name}"
        table.add_row(name, items, str(sum(outcome.ledger.checks.values())), state, escape(text))
    return table


def _invariants_table(verdict: AuditVerdict) -> Table:
    checks, broken = verdict.audit.checks, verdict.audit.broken
    table = _table("invariants", "", "checked", "broken")
    table.add_column("what must hold", overflow="fold")
    for name, invariant in ALL_INVARIANTS.items():
        if not checks[name]:
            continue  # of a part of the library
        state = Text(f"{broken[name]:,}", "bold red" if broken[name] else "green")
        table.add_row(name, f"{checks[name]:,}", state, invariant.text)
    return table


def _matrix_table(verdict: AuditVerdict) -> Table:
    matrix = verdict.matrix()
    defects = [name for name, scenarios in matrix.items() if scenarios]
    table = _table("evidence of each defect, by scenario", "", *(name.removeprefix("S") for name in defects))
    table.padding = (0, 1, 0, 0)
    for name in dict.fromkeys(scenario for scenarios in matrix.values() for scenario in scenarios):
        table.add_row(name, *("x" if name in matrix[defect] else "." for defect in defects))
    return table


def _print_defects(console: Console, verdict: AuditVerdict) -> None:
    console.print("[bold]defects[/]")
    whole = len(verdict.audit.outcomes) == len(SCENARIOS)
    for one in verdict.audit.defects():
        # What a part of the library does not show says nothing.
        if one.text == "absent" or (one.text == "not shown" and not whole):
            continue
        console.print(f"[{_STYLES[one.text]}]{one.defect.name} {one.text}[/]: {one.defect.text}", soft_wrap=True)
        console.print(f"    {escape(one.defect.source)}; {escape(one.defect.cured)}", soft_wrap=True)
        if one.evidence:
            first = {finding.violation.invariant: finding for finding in reversed(one.evidence)}  # of each invariant
            cases = [finding for finding in one.evidence if finding is first[finding.violation.invariant]]
            for finding in cases:
                _print_finding(console, finding)
            if len(one.evidence) > len(cases):
                others = ", ".join(dict.fromkeys(f.scenario for f in one.evidence if f not in cases))
                console.print(f"    and {len(one.evidence) - len(cases)} more in {others}", soft_wrap=True)
        elif one.defect.name in verdict.elsewhere:
            console.print("    something else in this version hides it; over the clean kernel it shows:")
            _print_finding(console, verdict.elsewhere[one.defect.name])
    shown = verdict.audit.named
    absent = [one.defect.name for one in verdict.audit.defects() if one.text == "absent" and one.defect.name in shown]
    if absent:
        console.print(f"[green]absent[/]: {', '.join(absent)}", soft_wrap=True)


def _print_finding(console: Console, finding: Finding) -> None:
    violation = finding.violation
    console.print(f"    {finding.scenario}: {escape(violation.where)}", soft_wrap=True)
    console.print(f"      {escape(violation.evidence)}", soft_wrap=True)
    if violation.calls:
        console.print(f"      {escape(violation.calls)}", soft_wrap=True)
    if violation.at:
        console.print(f"      {escape(violation.at)}", soft_wrap=True)


def _print_unexplained(console: Console, verdict: AuditVerdict) -> None:
    unexplained = verdict.audit.unexplained()
    if not unexplained:
        return
    console.print()
    console.print("[bold red]findings that no known defect of this kernel explains, first cases[/]")
    for finding in unexplained:
        console.print(f"  {finding.violation.invariant}:")
        _print_finding(console, finding)


def _print_rtl(console: Console, verdict: AuditVerdict) -> None:
    for run in verdict.rtl:
        where = f"VLEN {run.vlen}, {'V' if run.has_v else 'no V'}"
        kernels = f"{len(run.starts)} kernels"
        if run.mismatch is None:
            console.print(f"RTL, {where}: {kernels}, {run.instructions:,} instructions agree", soft_wrap=True)
        else:
            console.print(f"[bold red]RTL, {where}: differs in {run.culprit}[/]", soft_wrap=True)
            console.print(run.mismatch.text(), soft_wrap=True, markup=False)


def _print_summary(console: Console, verdict: AuditVerdict) -> None:
    result = verdict.audit
    found = [one.defect.name for one in result.defects() if one.text == "found"]
    broken = len(result.catching)
    console.print()
    idle = sum(bool(outcome.why_not) for outcome in result.outcomes)
    meant = len(result.outcomes) - idle
    passed = f"{meant - broken} of {meant} scenarios pass" + (f", {idle} not applicable" if idle else "")
    name = result.version.name
    if verdict.ok:
        console.print(f"[bold green]clean[/]: kernel {name}, {passed}")
    elif result.ok:
        console.print(f"[bold red]failed[/]: kernel {name} is clean, {passed}, but RTL and model differ, see above")
    else:
        plural = "s" if len(found) > 1 else ""
        known = f"{len(found)} known defect{plural}: {', '.join(found)}" if found else "no known defect"
        console.print(f"[bold red]defects found[/] in kernel {name}: {known}; {passed}", soft_wrap=True)
    console.print(f"result: {shown(verdict.path)}", soft_wrap=True)
    console.print(f"repeat: {verdict.command}", soft_wrap=True)
