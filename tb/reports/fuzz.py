# SPDX-License-Identifier: Apache-2.0
"""What people see of a fuzzing campaign."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from vctx.pymodel.fuzz.generator import NEVER
from vctx.tb.jobs.fuzz import Failure, FuzzResult
from vctx.tb.jobs.lockstep import UNJUDGED
from vctx.tb.runs.repeat import shown

_SHOWN = 12  # bins never reached that are listed of one cross; all of them are in the JSON file


def print_result(console: Console, result: FuzzResult) -> None:
    """Print counts, coverage, what was not compared, and every failure."""
    console.print()
    console.print(_counts(result))
    console.print()
    console.print(_coverage(result))
    _print_never(console, result)
    if result.config.spike:
        console.print()
        console.print("[bold]not Spike's to judge[/]")
        for point in UNJUDGED:
            console.print(f"  {point.number} {point.subject}: {point.unjudged}", soft_wrap=True)
    console.print()
    console.print("[bold]never generated[/]")
    for text in NEVER:
        console.print(f"  {text}", soft_wrap=True)
    console.print()
    for failure in result.failures:
        _print_failure(console, failure)
    console.print(f"result: {shown(result.path)}", soft_wrap=True)
    console.print(f"repeat: {result.command}", soft_wrap=True)
    verdict = "[bold green]agreed[/]" if result.ok else "[bold red]failed[/]: see above"
    console.print(f"{verdict}: seed {result.config.seed}", soft_wrap=True)


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", box=None, pad_edge=False, header_style="bold", title_style="bold")
    for number, column in enumerate(columns):
        table.add_column(column, justify="left" if number == 0 else "right", no_wrap=True)
    return table


def _counts(result: FuzzResult) -> Table:
    table = _table("compared", "", "instructions", "programs", "cut off", "mismatches", "a second")
    sides = [("golden, Spike", "Spike", result.spike, result.config.spike)]
    sides += [(f"golden, RTL ({result.config.sim})", "RTL", result.rtl, result.config.rtl)]
    for name, against, tally, on in sides:
        if on:
            failures = sum(failure.against == against for failure in result.failures)
            counts = (tally.instructions, tally.programs, tally.unfinished, failures, tally.rate)
            table.add_row(name, *(f"{count:,}" for count in counts))
    return table


def _coverage(result: FuzzResult) -> Table:
    table = _table("reached", "", "bins", "possible", "never", "not expected")
    for cross in result.crosses:
        counts = (cross.reached, cross.possible, len(cross.never), len(cross.beside))
        table.add_row(cross.name, *(f"{count:,}" for count in counts))
    table.add_row("all features at once", f"{len(result.points):,}", "", "", "")
    return table


def _print_never(console: Console, result: FuzzResult) -> None:
    for cross in result.crosses:
        for what, bins in (("never reached", cross.never), ("reached, not expected", cross.beside)):
            if bins:
                more = f" and {len(bins) - _SHOWN} more" if len(bins) > _SHOWN else ""
                console.print(f"{what}, {cross.name}: {'; '.join(bins[:_SHOWN])}{more}", soft_wrap=True)


def _print_failure(console: Console, failure: Failure) -> None:
    console.print(
        f"[bold red]golden model and {failure.against} differ[/]: VLEN {failure.vlen}, program {failure.number}, "
        f"shrunk to {failure.instructions} instructions",
        soft_wrap=True,
    )
    console.print(failure.report, soft_wrap=True, markup=False)
    console.print(f"program: {failure.program}", soft_wrap=True)
    console.print(f"replay:  {failure.replay}", soft_wrap=True)
    console.print()
