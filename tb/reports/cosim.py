# SPDX-License-Identifier: Apache-2.0
"""What people see of a co-simulation: the tables at its end."""

from __future__ import annotations

from dataclasses import astuple, fields

from rich.console import Console
from rich.table import Table
from rich.text import Text

from vctx.pymodel.kvm import version
from vctx.pymodel.scenarios.defects import explanations
from vctx.pymodel.scenarios.invariants import INVARIANTS
from vctx.tb.jobs.cosim import Operation, Verdict
from vctx.tb.replay.accounting import Spread
from vctx.tb.replay.result import ReplayResult
from vctx.tb.runs.coverage import reached_modes
from vctx.tb.runs.repeat import shown

_SHOWN_MODES = ("VS", "VU")  # the holes of the others are in the JSON: no hypervisor goes everywhere in M, HS or U


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", box=None, pad_edge=False, header_style="bold", title_style="bold")
    for number, column in enumerate(columns):
        table.add_column(column, justify="left" if number == 0 else "right", no_wrap=True)
    return table


def _number(value: int) -> str:
    return f"{value:,}"


def print_verdict(console: Console, verdict: Verdict) -> None:
    """Print the tables, the violations and the verdict."""
    console.print()
    console.print(_run_table(verdict))
    console.print()
    if verdict.rtl.ok:  # else it ended too early to count anything
        console.print(_operations_table(verdict.operations))
        console.print("KiB and cycles are the RTL's. eager: at each guest entry and exit, or slice of a task; elided:")
        console.print("eager less done.")
        console.print()
    console.print(_invariants_table(verdict))
    if never := [name for name in INVARIANTS if not verdict.model.ledger.checks[name]]:
        console.print(f"[bold yellow]never checked in this run:[/] {', '.join(never)}", soft_wrap=True)
    console.print()
    _print_coverage(console, verdict)
    _print_findings(console, verdict)
    console.print(f"result: {shown(verdict.path)}   trace: {shown(verdict.trace)}", soft_wrap=True)
    print_waves(console, verdict.rtl)
    console.print(f"repeat: {verdict.command}", soft_wrap=True)


def print_waves(console: Console, result: ReplayResult) -> None:
    """Say where the waves are, and what a second run made of a mismatch."""
    if result.repeated is False:
        console.print("the run with waves ended otherwise: the difference depends on initial values of registers")
    if result.waves:
        console.print(f"waves:  {shown(result.waves)}   signal list: vctx.gtkw beside it", soft_wrap=True)


def _run_table(verdict: Verdict) -> Table:
    counts, rtl = verdict.model.counts, verdict.rtl
    table = _table("run", "", "")
    mismatches = Text("0", "green") if rtl.ok else Text("at least 1", "bold red")
    rows: list[tuple[str, str | Text]] = [
        ("instructions compared", _number(rtl.instructions)),
        ("mismatches", mismatches),
        ("whole-state checkpoints compared", _number(rtl.checkpoints)),
        ("instructions of the golden harts", _number(verdict.model.instructions)),
        ("guest entries", _number(counts["entries"])),
        ("vcpu_load / vcpu_put pairs", _number(counts["pairs"])),
        ("exits to user space", _number(sum(counts[f"exits: {name}"] for name in ("putchar", "report", "intr")))),
        ("preemptions", _number(counts["preemptions"])),
        ("migrations between harts", _number(counts["migrations"])),
        ("resets in the run loop", _number(counts["reset requests"])),
        ("vCPUs destroyed and created again", _number(counts["renewals"])),
        ("slices of host tasks", _number(counts["task slices"])),
    ]
    for name, value in rows:
        table.add_row(name, value)
    return table


def _operations_table(operations: list[Operation]) -> Table:
    names = [op.name.replace("vstate", "task").replace("_vector", "").replace("_", "\n") for op in operations]
    table = _table("saves and restores", "", *names, "all")
    for label, field, unit in _OPERATION_ROWS:
        values = [getattr(op, field) // unit for op in operations]
        cells = [Text(_number(value)) for value in (*values, sum(getattr(op, field) for op in operations) // unit)]
        if field == "done":
            for cell, op in zip(cells, operations, strict=False):
                cell.stylize("green" if op.agrees else "bold red")
        table.add_row(label, *cells)
    columns = [astuple(op.spread) for op in operations]
    for at, spread in enumerate(fields(Spread)):
        table.add_row(f"cycles of one, {spread.name}", *(_number(column[at]) for column in columns), "")
    shares = [op.share for op in operations]
    table.add_row("of the unit's cycles", *(f"{share:.1%}" for share in (*shares, sum(shares))))
    return table


_OPERATION_ROWS = (
    ("calls", "calls", 1),
    ("done, bus", "done", 1),
    ("done, model", "model", 1),
    ("elided", "elided", 1),
    ("eager", "eager", 1),
    ("KiB", "bytes_moved", 1024),
    ("KiB, eager", "eager_bytes", 1024),
    ("cycles", "cycles", 1),
    ("cycles, eager", "eager_cycles", 1),
)


def _invariants_table(verdict: Verdict) -> Table:
    ledger = verdict.model.ledger
    table = _table("invariants", "", "checked", "broken")
    table.add_column("what must hold", justify="left", overflow="fold")
    for name, invariant in INVARIANTS.items():
        checked, broken = ledger.checks[name], ledger.broken[name]
        often = Text(_number(checked)) if checked else Text("never", "bold yellow")
        table.add_row(name, often, Text(_number(broken), "bold red" if broken else "green"), invariant.text)
    return table


def _print_coverage(console: Console, verdict: Verdict) -> None:
    modes = reached_modes(verdict.model.reached)
    table = _table("coverage: VS pair x kind of instruction x outcome, by mode", "", "reached", "possible")
    for mode in modes:
        table.add_row(mode.mode, _number(mode.reached), _number(mode.possible))
    console.print(table)
    for mode in modes:
        for hole in mode.holes if mode.mode in _SHOWN_MODES else ():
            console.print(f"  never in {mode.mode}: {hole}", soft_wrap=True, highlight=False)
    console.print()


def _print_findings(console: Console, verdict: Verdict) -> None:
    rtl, ledger = verdict.rtl, verdict.model.ledger
    if rtl.mismatch is not None:
        console.print(rtl.mismatch.text(), soft_wrap=True, highlight=False)
        console.print()
    for op in verdict.operations:
        if rtl.ok and not op.agrees:
            console.print(
                f"[bold red]bus and model disagree[/] on {op.name}: {op.done} whole and {op.partial} partial transfers "
                f"on the bus, {op.model} in the model",
                soft_wrap=True,
            )
    if ledger.violations:
        console.print("broken invariants, first cases:", style="bold red")
        for violation in ledger.violations:
            console.print(
                f"  {violation.invariant}: {violation.where}: {violation.evidence}", soft_wrap=True, highlight=False
            )
            if violation.calls:
                console.print(f"    {violation.calls}", soft_wrap=True, highlight=False)
        defects = explanations(version.by_name(verdict.knobs.kernel), ledger.broken)
        if defects:
            console.print(f"defects that kernel {verdict.knobs.kernel} is known for, and that show this way:")
        for defect in defects:
            console.print(f"  {defect.name}: {defect.text}", soft_wrap=True, highlight=False)
            console.print(f"    {defect.source}; {defect.cured}", soft_wrap=True, highlight=False, markup=False)
        console.print()
    if verdict.ok:
        console.print(f"[bold green]agreed[/]: seed {verdict.knobs.seed}, {_number(rtl.instructions)} instructions")
    elif rtl.ok and ledger.broken:
        console.print(
            f"[bold red]failed[/]: RTL and model agree on all {_number(rtl.instructions)} instructions, but kernel "
            f"{verdict.knobs.kernel} breaks {len(ledger.broken)} invariants",
            soft_wrap=True,
        )
    elif rtl.mismatch is not None:
        console.print(f"[bold red]failed[/]: RTL and model differ at event {_number(rtl.mismatch.index)}")
    else:
        names = ", ".join(op.name for op in verdict.operations if not op.agrees)
        console.print(f"[bold red]failed[/]: bus and model disagree on {names}")
