# SPDX-License-Identifier: Apache-2.0
"""What people see of a directed sweep: the 80 states as a table, and who satisfies the specification."""

from __future__ import annotations

from collections.abc import Mapping

from rich.console import Console
from rich.table import Table
from rich.text import Text

from vctx.pymodel.scenarios.directed.stimulus import ILLEGAL
from vctx.pymodel.scenarios.directed.vs_states import KINDS, STATES, Outcome, Outcomes, State, outcomes
from vctx.tb.jobs.sweep import SweepResult
from vctx.tb.runs.repeat import shown

VS_NAMES = ("Off", "Initial", "Clean", "Dirty")
_READ, *_CHANGES = KINDS
_LISTED = 8


def _cell(found: Outcomes, state: State) -> str:
    """Return one opinion on one state: after the read, then after what the other kinds agree on."""
    read = found.get((_READ, *state.key))
    changes = [found.get((kind, *state.key)) for kind in _CHANGES]
    if read is None or None in changes:
        return "-"
    if {read.cause, *(change.cause for change in changes if change)} == {ILLEGAL}:
        texts = {o.text() for o in (read, *changes) if o}
        return "illegal " + ", ".join(sorted(texts))
    parts = [_named(read)]
    parts += sorted({_named(change) for change in changes if change})
    return " -> ".join((parts[0], ", ".join(parts[1:])))


def _named(outcome: Outcome) -> str:
    return (f"cause {outcome.cause} " if outcome.cause else "") + outcome.text()


def print_states(console: Console, result: SweepResult) -> None:
    """Print the 80 states. Where opinions differ a cell has a line for each."""
    opinions = {opinion.name: outcomes(result.probes, opinion.records) for opinion in result.opinions}
    table = Table(title=f"the 80 states: {', '.join(opinions)}", title_justify="left", box=None, pad_edge=False)
    table.title_style = table.header_style = "bold"
    table.add_column("mode")
    table.add_column("mstatus.VS")
    for vs, name in enumerate(VS_NAMES):
        table.add_column(f"vsstatus.VS {name}" if vs == 0 else name, no_wrap=True)
    rows: dict[tuple[str, int], list[State]] = {}
    for state in STATES:
        rows.setdefault((state.mode, state.mstatus_vs), []).append(state)
    for (mode, vs), states in rows.items():
        table.add_row(mode if vs == 0 else "", VS_NAMES[vs], *(_shared_cell(opinions, state) for state in states))
    console.print(table)
    console.print(
        "mstatus.VS/vsstatus.VS after a CSR read -> after vadd, vset, load and store (each alone); * SD of that "
        "register is set. illegal: all five raise illegal instruction (2) and leave both fields as shown.",
    )


def _shared_cell(opinions: Mapping[str, Outcomes], state: State) -> Text:
    cells = {name: _cell(found, state) for name, found in opinions.items()}
    if len(set(cells.values())) == 1:
        return Text(next(iter(cells.values())))
    return Text("\n".join(f"{name}: {cell}" for name, cell in cells.items()), "bold red")


def print_sweep(console: Console, result: SweepResult) -> None:
    """Print who satisfies the specification, and where not."""
    table = Table(title=f"sweep {result.name}", title_justify="left", box=None, pad_edge=False)
    table.title_style = table.header_style = "bold"
    for name in ("", "instructions", "checked", "failed", "not judged"):
        table.add_column(name, justify="left" if not name else "right", no_wrap=True)
    for o in result.opinions:
        failed = Text(f"{len(o.failures):,}", "green" if o.ok else "bold red")
        unjudged = ", ".join(f"{count:,} ({reason})" for reason, count in sorted(o.unjudged.items())) or "0"
        table.add_row(o.name, f"{len(o.records):,}", f"{o.probes:,}", failed, unjudged)
    console.print(table)
    for o in result.opinions:
        if not o.ok:
            console.print(f"[bold red]{o.name}[/] departs from the specification or from the golden model:")
        for failure in o.failures[:_LISTED]:
            console.print(f"  {failure.text()}", soft_wrap=True, markup=False)
        if o.mismatch is not None:
            console.print(o.mismatch.text(), soft_wrap=True, markup=False)
    verdict = "[bold green]agreed[/]" if result.ok else "[bold red]failed[/]"
    who = f"{', '.join(o.name for o in result.opinions)} against the specification"
    console.print(f"{verdict}: {who}, {len(result.probes):,} requirements", soft_wrap=True)
    console.print(f"result: {shown(result.path)}   trace: {shown(result.trace)}", soft_wrap=True)
    console.print(f"repeat: {result.command}", soft_wrap=True)
