# SPDX-License-Identifier: Apache-2.0
"""What people see of the benchmark: tables."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from vctx.tb.bench.builds import Built
from vctx.tb.bench.long import MAX_MEMORY, LongReplay
from vctx.tb.bench.speed import BARE, STEP, Speeds
from vctx.tb.jobs.pace import Pace


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", box=None, pad_edge=False, header_style="bold", title_style="bold")
    for number, column in enumerate(columns):
        table.add_column(column, justify="right" if number else "left", no_wrap=True)
    return table


def print_speeds(console: Console, found: Speeds) -> None:
    """Print one table a workload."""
    for workload in dict.fromkeys(row.workload for row in found.rows):
        rows = [row for row in found.rows if row.workload == workload]
        columns = ("instructions", "per second", "of step", "of bare", "Python us", "other us")
        table = _table(workload, "", *columns)
        for row in rows:
            ratios = (f"{found.ratio(row, STEP):.2f}", f"{found.ratio(row, BARE):.3f}")
            used = [f"{value:,.2f}" for value in row.processor] if row.processor else []
            table.add_row(row.way, f"{row.rounds[0].instructions:,}", f"{row.per_second:,.0f}", *ratios, *used)
        console.print()
        console.print(table)
    console.print(
        "us: processor time of an instruction, in Python and in other processes, which a busy machine does not change."
    )


def print_paces(console: Console, found: Sequence[Pace]) -> None:
    """Print the cycles of save and restore: a row for each VLEN and DLEN, columns for each latency."""
    latencies = sorted({pace.latency for pace in found})
    columns = [f"{what} {latency}" for latency in latencies for what in ("save", "restore")]
    table = _table("cycles of a context's save and restore, by memory latency", "VLEN/DLEN", "limit", *columns)
    for vlen, dlen in dict.fromkeys((pace.vlen, pace.dlen) for pace in found):
        here = sorted((p for p in found if (p.vlen, p.dlen) == (vlen, dlen)), key=lambda pace: pace.latency)
        cells = [f"{cycles} {cycles / pace.limit:5.2f}" for pace in here for cycles in (pace.save, pace.restore)]
        table.add_row(f"{vlen}/{dlen}", str(here[0].limit), *cells)
    console.print()
    console.print(table)
    console.print("limit: 32 * VLEN / DLEN beats; beside the cycles, their ratio to it.")


def print_long(console: Console, found: Sequence[LongReplay]) -> None:
    """Print time and memory by length, and whether memory keeps within its limit."""
    table = _table(
        "long replays", "instructions", "trace MB", "seconds", "per second", "ns each", "of the first", "MiB"
    )
    for row in found:
        growth = row.nanoseconds / found[0].nanoseconds
        figures = (f"{row.trace_bytes / 1e6:,.0f}", f"{row.seconds:,.1f}", f"{row.instructions / row.seconds:,.0f}")
        more = (f"{row.nanoseconds:,.0f}", f"{growth:.2f}", f"{row.memory / (1 << 20):,.0f}")
        table.add_row(f"{row.instructions:,}", *figures, *more)
    console.print()
    console.print(table)
    console.print(f"MiB: most that Python and the simulator had together; at most {MAX_MEMORY >> 20:,} are allowed.")


def print_builds(console: Console, found: Sequence[Built]) -> None:
    """Print build and run time of every choice."""
    table = _table("builds, in seconds", "", "build", "its CPU", "replay", "simulator's CPU")
    for built in found:
        seconds = (built.wall, built.cpu, min(built.replays), min(built.simulations))
        table.add_row(str(built.choice), *(f"{value:.1f}" if value >= 10 else f"{value:.2f}" for value in seconds))
    console.print()
    console.print(table)
