# SPDX-License-Identifier: Apache-2.0
"""A comparison of policies as a result: one table, what one save and restore take, and each workload in % of eager."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import astuple, fields

from vctx.tb.jobs.policies import PolicyReport, Row
from vctx.tb.replay.accounting import Spread
from vctx.tb.results.explained import explained
from vctx.tb.results.model import Case, Cell, Chart, Result, Section, Table, Text
from vctx.tb.runs.repeat import shown

_COLUMNS = (
    "workload",
    "V share",
    "policy",
    "saves",
    "restores",
    "KiB",
    "kcycles",
    "of eager",
    "of unit",
    "of all",
    "bus",
)
_NOTE = (
    "V share: guest entries that use vectors. kcycles: of the RTL, which replayed all moves. of unit: their share "
    "of the vector unit's cycles, those of the workload itself included; of all: with each instruction that the "
    "unit does not execute as one cycle more. bus: whether it moved exactly what the model counts."
)


def result_of(report: PolicyReport) -> Result:
    """Return a comparison of policies as a result."""
    return Result(
        kind="policies",
        title=f"{len({row.run for row in report.rows})} workloads; latency {report.latency}",
        ok=report.ok,
        headline="bus and model, and nothing beats the optimum" if report.ok else "see above",
        command=report.command,
        sections=tuple(_sections(report)),
        cases=tuple(_cases(report)),
        files=(("plot", shown(report.plot)), ("result", shown(report.path))),
        data=report.as_json(),
    )


def _sections(report: PolicyReport) -> Iterable[Section]:
    eager = {row.run: row.rtl.cycles for row in report.rows if row.policy == "eager"}
    rows = tuple(_row(row, eager[row.run]) for row in report.rows)
    yield Table("policies", _COLUMNS, rows, prose=(2,), note=_NOTE)
    yield _spreads_table(report)
    for workload, mismatch in report.mismatches.items():
        yield Text(workload, (), "bad")
        yield explained(mismatch)
    workloads = list(dict.fromkeys(row.run for row in report.rows))
    cycles = {(row.run, row.policy): row.rtl.cycles for row in report.rows}
    series = tuple(
        (policy, tuple(100 * cycles[run, policy] / eager[run] if eager[run] else None for run in workloads))
        for policy in dict.fromkeys(row.policy for row in report.rows)
        if policy != "eager"
    )
    names = tuple(run.workload for run in workloads)
    yield Chart("cycles of saves and restores, in % of the eager policy's", "%", names, series)


def _row(row: Row, eager: int) -> tuple[Cell, ...]:
    first = row.policy == "eager"
    return (
        Cell(row.run.workload if first else ""),
        Cell(f"{row.run.share:.0%}" if first else ""),
        Cell(row.policy),
        Cell(f"{row.cost.saves:,}"),
        Cell(f"{row.cost.restores:,}"),
        Cell(f"{row.cost.bytes_moved(row.run.vlen) // 1024:,}"),
        Cell(f"{row.rtl.cycles / 1000:,.0f}"),
        Cell(f"{row.rtl.cycles / eager:.0%}" if eager else "-"),
        Cell(f"{row.of_unit:.1%}"),
        Cell(f"{row.of_all:.1%}"),
        Cell("agrees", "good") if row.rtl.agrees(row.cost) else Cell("differs", "bad"),
    )


def _spreads_table(report: PolicyReport) -> Table:
    """Return what one save and one restore take."""
    rows = []
    for vlen, dlen, *both in report.spreads():
        for name, spread in zip(("save", "restore"), both, strict=True):
            numbers = (Cell(f"{cycles:,}") for cycles in astuple(spread))
            rows.append((Cell(name), Cell(str(vlen)), Cell(str(dlen)), *numbers))
    title = f"cycles of one save and one restore, at a latency of {report.latency}"
    return Table(title, ("", "VLEN", "DLEN", *(each.name for each in fields(Spread))), tuple(rows))


def _cases(report: PolicyReport) -> Iterable[Case]:
    for row in report.rows:
        agrees = row.rtl.agrees(row.cost)
        text = "" if agrees else f"bus: {row.rtl.saves} saves, {row.rtl.restores} restores, {row.rtl.partial} partial"
        yield Case(f"{row.run.workload}: {row.policy}", text)
    for workload, mismatch in report.mismatches.items():
        yield Case(f"{workload}: RTL and model agree", mismatch.text())
