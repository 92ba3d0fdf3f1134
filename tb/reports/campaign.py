# SPDX-License-Identifier: Apache-2.0
"""What people see of a campaign: progress, tables, and JUnit for CI systems."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from xml.etree import ElementTree

from rich.console import Console
from rich.table import Table
from rich.text import Text

from vctx.tb.campaign.campaign import Report, State
from vctx.tb.campaign.merge import SHOWN_SEEDS, Bucket
from vctx.tb.campaign.outcome import UNJUDGED
from vctx.tb.campaign.store import Result, Store
from vctx.tb.runs.repeat import shown, vctx_command

_EVERY = {True: 0.5, False: 15.0}  # seconds between two words of progress, on a terminal and elsewhere


class Live:
    """Says how far a campaign is: in one line of a terminal, or in a line now and then."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._every = _EVERY[console.is_terminal]
        self._said = 0.0

    def __call__(self, state: State) -> None:
        """Say it, unless that was done just before."""
        now = time.monotonic()
        last = state.before + state.done == state.total
        if now - self._said < self._every and not last:
            return
        self._said = now
        if self._console.is_terminal:
            sys.stdout.write(f"\r\x1b[K{_line(state)}" + "\n" * last)
            sys.stdout.flush()
        else:
            self._console.print(_line(state), soft_wrap=True)


def _line(state: State) -> str:
    parts = [f"cells {state.before + state.done:,} of {state.total:,}"]
    parts += [f"{state.before:,} from before"] if state.before else []
    parts += [f"{state.failed:,} not passed"] if state.failed else []
    parts += [f"{state.rate:,.1f} a second"] if state.done else []
    if state.left is not None and state.before + state.done < state.total:
        minutes, seconds = divmod(round(state.left), 60)
        parts.append(f"{minutes}:{seconds:02} left")
    return "; ".join(parts)


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", box=None, pad_edge=False, header_style="bold", title_style="bold")
    for number, column in enumerate(columns):
        table.add_column(column, justify="left" if number == 0 else "right", no_wrap=True)
    return table


def print_report(console: Console, report: Report, *, full: bool = False) -> None:
    """Print tables of jobs and coverage, the buckets, and the verdict.

    Args:
        full: the whole text of failures and logs.
    """
    found = report.merged
    table = _table("cells", "", "passed", "failed", *UNJUDGED)
    for job, statuses in sorted(found.jobs.items()):
        numbers = (statuses[name] for name in ("passed", "failed", *UNJUDGED))
        table.add_row(job, *(Text(f"{number:,}", "red" if at and number else "") for at, number in enumerate(numbers)))
    console.print(table)
    for job, counts in sorted(found.counts.items()):
        if counts:
            console.print(f"{job}: " + ", ".join(f"{number:,} {name}" for name, number in sorted(counts.items())))
    if found.checks:
        broken = sum(found.broken.values())
        console.print(f"invariants: {sum(found.checks.values()):,} checks of {len(found.checks)}, {broken:,} broken")
    if found.coverage:
        console.print(f"coverage: {found.reached:,} of {found.possible:,} bins, {found.reached / found.possible:.1%}")
    for signature in sorted(found.buckets):
        console.print()
        _print_bucket(console, found.buckets[signature], report, full=full)
    for name, (status, log, command) in sorted(found.unjudged.items()):
        console.print()
        console.print(f"[bold red]{status}[/]: {name}", soft_wrap=True)
        for line in log.splitlines() if full else log.splitlines()[-3:]:
            console.print(f"  {line}", soft_wrap=True, markup=False)
        console.print(f"  repeat: {command}", soft_wrap=True, markup=False)
    console.print()
    if gone := report.trends["gone"]:
        console.print(f"gone since the last campaign: {', '.join(gone)}")
    console.print(f"result: {shown(report.path)}   hash: {report.digest}", soft_wrap=True)
    if report.missing:
        console.print(f"[bold red]{report.missing:,} cells are missing[/]: vctx campaign resume {report.name}")
    elif report.ok:
        console.print(f"[bold green]passed[/]: {found.statuses.total():,} cells")
    else:
        console.print(
            f"[bold red]failed[/]: {len(found.buckets)} buckets of {found.statuses['failed']:,} cells, "
            f"{len(found.unjudged):,} cells not judged"
        )


def _print_bucket(console: Console, bucket: Bucket, report: Report, *, full: bool) -> None:
    smallest = bucket.smallest
    assert smallest is not None
    what = ", ".join(part for part in bucket.signature if part)
    news = " new" if bucket.id in report.trends["new"] else ""
    flaky = f", {len(bucket.flaky)} of them flaky" if bucket.flaky else ""
    console.print(f"[bold red]bucket {bucket.id}[/]{news}: {bucket.cells:,} cells{flaky}: {what}", soft_wrap=True)
    lines = smallest.text.splitlines()
    for line in lines if full else lines[:6]:
        console.print(f"  {line}", soft_wrap=True, markup=False, highlight=False)
    if bucket.seeds:
        seeds = sorted(bucket.seeds)
        more = f" and {len(seeds) - SHOWN_SEEDS:,} more" if len(seeds) > SHOWN_SEEDS else ""
        console.print(f"  seeds: {' '.join(map(str, seeds[:SHOWN_SEEDS]))}{more}")
    console.print(f"  smallest, {smallest.size:,}: {bucket.command}", soft_wrap=True, markup=False)
    if smallest.case:
        case = report.path.parent / "cases" / f"{bucket.id}.S"
        console.print(f"  shrunk: {vctx_command('fuzz', '--replay', case)}{_side(smallest.rule)}", soft_wrap=True)


def _side(rule: str) -> str:
    return " --rtl" if rule == "RTL" else ""


def print_status(console: Console, name: str, store: Store) -> None:
    """Print how many cells there are of each status."""
    counts = store.counts()
    words = ", ".join(f"{number:,} {status}" for status, number in sorted(counts.items()))
    console.print(f"{name}: {sum(counts.values()):,} cells: {words}", soft_wrap=True)


def write_junit(path: Path, name: str, results: list[Result]) -> None:
    """Write the cells as test cases of JUnit."""
    suite = ElementTree.Element("testsuite", name=name, tests=str(len(results)))
    failures = errors = 0
    for result in results:
        case = ElementTree.SubElement(
            suite,
            "testcase",
            classname=f"{name}.{result.cell.job}",
            name=result.cell.name,
            time=f"{result.seconds:.3f}",
        )
        outcome = result.outcome
        if outcome.failure is not None:
            failures += 1
            message = ", ".join(part for part in outcome.failure.signature if part) + " (flaky)" * outcome.flaky
            text = f"{outcome.failure.text}\nrepeat: {result.cell.command}"
            ElementTree.SubElement(case, "failure", message=_clean(message)).text = _clean(text)
        elif outcome.status in UNJUDGED:
            errors += 1
            text = f"{outcome.log}\nrepeat: {result.cell.command}"
            ElementTree.SubElement(case, "error", message=outcome.status).text = _clean(text)
    suite.set("failures", str(failures))
    suite.set("errors", str(errors))
    ElementTree.ElementTree(suite).write(path, encoding="utf-8", xml_declaration=True)


def _clean(text: str) -> str:
    """Replace what XML cannot hold."""
    return "".join(letter if letter.isprintable() or letter in "\n\t" else "?" for letter in text)
