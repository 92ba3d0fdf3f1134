# SPDX-License-Identifier: Apache-2.0
"""What people see of a log that was checked."""

from __future__ import annotations

from rich.console import Console

from vctx.pymodel.corelog.findings import Finding
from vctx.tb.jobs.check_log import Checked
from vctx.tb.runs.repeat import shown

_KINDS = {
    "pc": "instructions (pc, word)",
    "mode": "privilege modes",
    "x": "x registers written",
    "f": "f registers written",
    "v": "vector registers written",
    "csr": "CSRs written",
    "mem": "memory accesses",
    "trap": "traps and their causes",
    "tval": "tval",
}
_TAKEN = {
    "interrupts": "interrupts taken where the log has them",
    "volatile": "fields that the profile calls volatile",
    "adopted": "values adopted after their difference was reported",
}


def print_checked(console: Console, checked: Checked) -> None:
    """Print what was compared, what came from the log, and every finding by its rule."""
    report = checked.report
    end = {True: "program ended", False: "program not ended", None: "program without tohost"}[report.ended]
    console.print(
        f"[bold]{report.events:,} events[/] of {report.log}: profile {report.profile}, VLEN {report.vlen}; {end}",
        soft_wrap=True,
    )
    console.print("[bold]compared[/]")
    for kind, text in _KINDS.items():
        if report.had[kind] or report.compared[kind]:
            console.print(f"  {text:<28}{report.compared[kind]:>12,} of {report.had[kind]:,}", highlight=False)
    console.print("[bold]from the log[/]")
    for kind, text in _TAKEN.items():
        console.print(f"  {text:<52}{report.taken[kind]:>10,}", highlight=False)
    for note in report.notes:
        console.print(f"[yellow]note[/]: {note}", soft_wrap=True)
    rule = ""
    for found in report.sorted:
        if found.rule != rule:
            rule = found.rule
            total = sum(other.count for other in report.findings.values() if other.rule == rule)
            console.print(f"\n[bold]{rule}[/]: {total:,}", highlight=False)
        _print_finding(console, found)
    if report.findings:
        console.print()
    if report.stopped:
        console.print(f"[bold red]stopped[/]: {report.stopped}", soft_wrap=True)
    console.print(f"result: {shown(checked.path)}", soft_wrap=True)
    if report.ok:
        console.print("[bold green]agreed[/]")
    else:
        total = sum(found.count for found in report.findings.values())
        console.print(f"[bold red]differs[/]: {total:,} differences of {len(report.findings)} kinds")


def _print_finding(console: Console, found: Finding) -> None:
    first = found.first
    insn = "" if first.insn is None else f" {first.text}"
    console.print(f"  {found.count:>8,}  {found.what}", soft_wrap=True, markup=False, highlight=False)
    console.print(
        f"            first: line {first.line:,}, {first.mode} {first.pc:#x}{insn}; VS {first.vs[0]}, {first.vs[1]}; "
        f"core {first.core}, model {first.model}",
        soft_wrap=True,
        markup=False,
        highlight=False,
    )
