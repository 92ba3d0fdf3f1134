# SPDX-License-Identifier: Apache-2.0
"""What people see of a comparison of policies: one table, and where the plot is."""

from __future__ import annotations

from dataclasses import astuple, fields

from rich.console import Console
from rich.table import Table
from rich.text import Text

from vctx.tb.jobs.policies import PolicyReport
from vctx.tb.replay.accounting import Spread
from vctx.tb.runs.repeat import shown


def print_policies(console: Console, report: PolicyReport) -> None:
    """Print the table."""
    table = Table(title="policies", title_justify="left", box=None, pad_edge=False, header_style="bold")
    for column in ("workload", "V share", "policy"):
        table.add_column(column, no_wrap=True)
    for column in ("saves", "restores", "KiB", "kcycles", "of eager", "of unit", "of all", "bus"):
        table.add_column(column, justify="right", no_wrap=True)
    eager = {row.run: row.rtl.cycles for row in report.rows if row.policy == "eager"}
    for row in report.rows:
        first = row.policy == "eager"
        bus = Text("agrees", "green") if row.rtl.agrees(row.cost) else Text("differs", "bold red")
        table.add_row(
            row.run.workload if first else "",
            f"{row.run.share:.0%}" if first else "",
            row.policy,
            f"{row.cost.saves:,}",
            f"{row.cost.restores:,}",
            f"{row.cost.bytes_moved(row.run.vlen) // 1024:,}",
            f"{row.rtl.cycles / 1000:,.0f}",
            f"{row.rtl.cycles / eager[row.run]:.0%}" if eager[row.run] else "-",
            f"{row.of_unit:.1%}",
            f"{row.of_all:.1%}",
            bus,
        )
    console.print()
    console.print(table)
    console.print(
        "V share: guest entries that use vectors. kcycles: of the RTL, which replayed all moves. of unit: their share "
        "of the vector unit's cycles, those of the workload itself included; of all: with each instruction that the "
        "unit does not execute as one cycle more. bus: whether it moved exactly what the model counts.",
        soft_wrap=True,
    )
    console.print()
    console.print(f"cycles of one save and one restore, at a latency of {report.latency}", highlight=False)
    console.print(_spreads_table(report))
    for workload, mismatch in report.mismatches.items():
        console.print(f"[bold red]{workload}[/]:")
        console.print(mismatch.text(), soft_wrap=True, markup=False)
    verdict = "[bold green]agreed[/]" if report.ok else "[bold red]failed[/]"
    console.print(f"{verdict}: bus and model, and nothing beats the optimum" if report.ok else verdict)
    console.print(f"plot:   {shown(report.plot)}   result: {shown(report.path)}", soft_wrap=True)
    console.print(f"repeat: {report.command}", soft_wrap=True)


def _spreads_table(report: PolicyReport) -> Table:
    """Return what one save and one restore take."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("")
    for column in ("VLEN", "DLEN", *(each.name for each in fields(Spread))):
        table.add_column(column, justify="right", no_wrap=True)
    for vlen, dlen, *both in report.spreads():
        for name, spread in zip(("save", "restore"), both, strict=True):
            table.add_row(name, str(vlen), str(dlen), *(f"{cycles:,}" for cycles in astuple(spread)))
    return table
