# SPDX-License-Identifier: Apache-2.0
"""What people see of a run of Linux: lines by part, reasons of the explained ones, and what differs."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from vctx.pymodel.scenarios.linux import Kind
from vctx.tb.linux.job import LinuxVerdict
from vctx.tb.runs.repeat import shown

_SHOWN = 10  # lines that differ
_WIDTH = 400  # of each of them
_COLUMNS = (Kind.MATCHED, Kind.EXPLAINED, Kind.DIFFERS)


def print_linux(console: Console, verdict: LinuxVerdict) -> None:
    """Print the verdict."""
    counts = verdict.counts
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("part", no_wrap=True)
    for heading in ("lines", "matched", "explained", "differ"):
        table.add_column(heading, justify="right")
    for name, part in verdict.parts.items():
        table.add_row(name, *_numbers(part))
    table.add_row("all", *_numbers(counts), style="bold")
    console.print()
    console.print(table)
    console.print(f"\n{counts[Kind.BOOKKEEPING]} more lines are not about KVM")
    if not verdict.headers:
        console.print("the parts with a kernel module are left out: this kernel came without its headers")
    for reason, count in verdict.reasons.most_common():
        console.print(f"explained: {count:4} {reason}", soft_wrap=True)
    for one in verdict.differing[:_SHOWN]:
        console.print(Text.assemble(("differs", "red"), f": {str(one)[:_WIDTH]}"), soft_wrap=True)
    if len(verdict.differing) > _SHOWN:
        console.print(f"and {len(verdict.differing) - _SHOWN} more that differ")
    state = "[bold green]agreed[/]" if verdict.ok else "[bold red]failed[/]"
    judged = f"{counts[Kind.MATCHED]:,} lines of Linux {verdict.release} under QEMU {verdict.emulator} match"
    console.print(f"{state}: {judged}, {counts[Kind.DIFFERS]} differ", soft_wrap=True)
    console.print(f"trace: {shown(verdict.trace)}", soft_wrap=True)
    console.print(f"result: {shown(verdict.path)}", soft_wrap=True)
    console.print(f"repeat: {verdict.command}", soft_wrap=True)


def _numbers(counts: dict[Kind, int]) -> list[str]:
    return [f"{sum(counts[kind] for kind in _COLUMNS):,}", *(f"{counts[kind]:,}" for kind in _COLUMNS)]
