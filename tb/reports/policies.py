# SPDX-License-Identifier: Apache-2.0
"""What people see of a comparison of policies: one table, and where the plot is."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from vctx.tb.jobs.policies import PolicyReport
from vctx.tb.runs.repeat import shown


def print_policies(console: Console, report: PolicyReport) -> None:
    """Print the table."""
    table = Table(title="policies", title_justify="left", box=None, pad_edge=False, header_style="bold")
    for column in ("workload", "V share", "policy"):
        table.add_column(column, no_wrap=True)
    for column in ("saves", "restores", "KiB", "kcycles", "of eager", "bus"):
        table.add_column(column, justify="right", no_wrap=True)
    eager = {row.workload: row.rtl.cycles for row in report.rows if row.policy == "eager"}
    for row in report.rows:
        first = row.policy == "eager"
        bus = Text("agrees", "green") if row.rtl.agrees(row.cost) else Text("differs", "bold red")
        table.add_row(
            row.workload if first else "",
            f"{row.share:.0%}" if first else "",
            row.policy,
            f"{row.cost.saves:,}",
            f"{row.cost.restores:,}",
            f"{row.cost.bytes_moved(row.vlen) // 1024:,}",
            f"{row.rtl.cycles / 1000:,.0f}",
            f"{row.rtl.cycles / eager[row.workload]:.0%}" if eager[row.workload] else "-",
            bus,
        )
    console.print()
    console.print(table)
    console.print(
        "V share: guest entries that use vectors. kcycles: of the RTL, which replayed all moves. bus: whether it "
        "moved exactly what the model counts.",
        soft_wrap=True,
    )
    for workload, mismatch in report.mismatches.items():
        console.print(f"[bold red]{workload}[/]:")
        console.print(mismatch.text(), soft_wrap=True, markup=False)
    verdict = "[bold green]agreed[/]" if report.ok else "[bold red]failed[/]"
    console.print(f"{verdict}: bus and model, and nothing beats the optimum" if report.ok else verdict)
    console.print(f"plot:   {shown(report.plot)}   result: {shown(report.path)}", soft_wrap=True)
    console.print(f"repeat: {report.command}", soft_wrap=True)
