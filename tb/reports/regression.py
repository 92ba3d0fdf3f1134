# SPDX-License-Identifier: Apache-2.0
"""What a regression of cocotb tests says on the terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from vctx.tb.regression.engine import Outcome
from vctx.tb.regression.run import repeat

_SHOWN = 24  # lines of a failure


def print_outcome(console: Console, outcome: Outcome) -> None:
    """Print one line for a test that has ended."""
    verdict = "[green]passed[/]" if outcome.passed else "[bold red]failed[/]"
    console.print(f"{verdict} {escape(outcome.case.full)}", soft_wrap=True)


def print_regression(console: Console, outcomes: Sequence[Outcome], command: str) -> None:
    """Print a row for each module, then every failure with the command that repeats it."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading, justify in (("module", "left"), ("tests", "right"), ("failed", "right"), ("simulated", "right")):
        table.add_column(heading, justify=justify)  # type: ignore[arg-type]
    tests, failed, simulated = Counter[str](), Counter[str](), Counter[str]()
    for outcome in outcomes:
        module = outcome.case.module
        tests[module] += 1
        failed[module] += not outcome.passed
        simulated[module] += round(outcome.nanoseconds)
    for module in (*tests, ""):
        counts = [counter[module] if module else counter.total() for counter in (tests, failed, simulated)]
        table.add_row(module or "all", f"{counts[0]:,}", f"{counts[1]:,}", f"{counts[2] / 1000:,.1f} us")
    console.print(table)
    for outcome in outcomes:
        if outcome.passed:
            continue
        console.print(f"\n[bold red]failed[/]: {escape(outcome.case.full)}", soft_wrap=True)
        lines = outcome.message.splitlines()
        for line in lines[-_SHOWN:]:
            console.print(f"  {line}", markup=False, soft_wrap=True)
        console.print(f"  log: {outcome.log}", markup=False, soft_wrap=True)
        if outcome.waves is not None:
            console.print(f"  waves: {outcome.waves}", markup=False, soft_wrap=True)
        console.print(f"  repeat with: {repeat(command, outcome.case)}", markup=False, soft_wrap=True)
    functions = len({outcome.case.function for outcome in outcomes})
    bad = failed.total()
    verdict = f"[bold red]{bad} failed[/]" if bad else "[bold green]all passed[/]"
    console.print(f"{verdict}: {len(outcomes)} tests of {functions} functions")
