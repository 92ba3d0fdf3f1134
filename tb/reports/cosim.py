# SPDX-License-Identifier: Apache-2.0
"""A co-simulation as a result: the run, saves and restores, invariants, and what is wrong."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import astuple, fields

from vctx.pymodel.kvm import version
from vctx.pymodel.scenarios.defects import explanations
from vctx.pymodel.scenarios.invariants import INVARIANTS
from vctx.tb.jobs.cosim import Operation, Verdict
from vctx.tb.replay.accounting import Spread
from vctx.tb.replay.timing import TIMING_FILE
from vctx.tb.reports.replay import agreement, differ, differs, waves_of
from vctx.tb.results.model import Case, Cell, Chart, Finding, Findings, Result, Section, Table, Text, Tone
from vctx.tb.runs.coverage import reached_modes
from vctx.tb.runs.repeat import shown

_SHOWN_MODES = ("VS", "VU")  # the holes of the others are in the JSON: no hypervisor goes everywhere in M, HS or U


def _number(value: int) -> str:
    return f"{value:,}"


def result_of(verdict: Verdict) -> Result:
    """Return a co-simulation as a result."""
    knobs = verdict.knobs
    return Result(
        kind="cosim",
        title=f"{knobs.harts} harts, {knobs.vcpus} vCPUs; VLEN {knobs.vlen}, DLEN {knobs.dlen}; kernel {knobs.kernel}; "
        f"seed {knobs.seed}; {knobs.sim}",
        ok=verdict.ok,
        headline=_headline(verdict),
        command=verdict.command,
        sections=tuple(_sections(verdict)),
        cases=tuple(_cases(verdict)),
        files=(("result", shown(verdict.path)), ("trace", shown(verdict.trace)), *waves_of(verdict.rtl)),
        data=verdict.as_json(),
        trace=str(verdict.trace),
        timing=str(verdict.trace.parent / "replay" / TIMING_FILE),
    )


def _headline(verdict: Verdict) -> str:
    rtl, ledger = verdict.rtl, verdict.model.ledger
    if verdict.ok:
        return f"seed {verdict.knobs.seed}, {_number(rtl.instructions)} instructions"
    if rtl.mismatch is not None:
        return differ(rtl)
    if ledger.broken:
        return (
            f"RTL and model agree on all {_number(rtl.instructions)} instructions, but kernel "
            f"{verdict.knobs.kernel} breaks {len(ledger.broken)} invariants"
        )
    names = ", ".join(op.name for op in verdict.operations if not op.agrees)
    return f"bus and model disagree on {names}"


def _sections(verdict: Verdict) -> Iterable[Section]:
    rtl = verdict.rtl
    yield _run_table(verdict)
    if rtl.ok:  # else it ended too early to count anything
        yield _operations_table(verdict.operations)
        yield _lazy_chart(verdict.operations)
    yield _invariants_table(verdict)
    if never := [name for name in INVARIANTS if not verdict.model.ledger.checks[name]]:
        yield Text(f"never checked in this run: {', '.join(never)}", (), "warn")
    yield from _coverage(verdict)
    yield from differs(rtl)
    disagreeing = [op for op in verdict.operations if rtl.ok and not op.agrees]
    if disagreeing:
        yield Text("bus and model disagree", tuple(("", _disagreement(op)) for op in disagreeing), "bad")
    yield from _broken(verdict)


def _disagreement(op: Operation) -> str:
    return (
        f"bus and model disagree on {op.name}: {op.done} whole and {op.partial} partial transfers on the bus, "
        f"{op.model} in the model"
    )


def _broken(verdict: Verdict) -> Iterable[Section]:
    ledger = verdict.model.ledger
    if not ledger.violations:
        return
    found = (Finding(v.invariant, v.where, v.evidence, v.calls, v.event) for v in ledger.violations)
    yield Findings("broken invariants, first cases:", tuple(found))
    defects = explanations(version.by_name(verdict.knobs.kernel), ledger.broken)
    if defects:
        lines = []
        for defect in defects:
            lines += [(defect.name, defect.text), ("", f"{defect.source}; {defect.cured}")]
        title = f"defects that kernel {verdict.knobs.kernel} is known for, and that show this way:"
        yield Text(title, tuple(lines))


def _cases(verdict: Verdict) -> Iterable[Case]:
    ledger = verdict.model.ledger
    yield agreement(verdict.rtl)
    for op in verdict.operations:
        yield Case(f"bus and model agree on {op.name}", "" if op.agrees else _disagreement(op))
    for name in INVARIANTS:
        broken = [f"{v.where}: {v.evidence}" for v in ledger.violations if v.invariant == name]
        yield Case(name, "\n".join((f"broken {ledger.broken[name]} times", *broken)) if ledger.broken[name] else "")


def _run_table(verdict: Verdict) -> Table:
    counts, rtl = verdict.model.counts, verdict.rtl
    mismatches = Cell("0", "good") if rtl.ok else Cell("at least 1", "bad")
    rows: list[tuple[str, str | Cell]] = [
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
    cells = ((Cell(label), value if isinstance(value, Cell) else Cell(value)) for label, value in rows)
    return Table("run", ("", ""), tuple(cells))


def _column(op: Operation) -> str:
    return op.name.replace("vstate", "task").replace("_vector", "").replace("_", "\n")


def _operations_table(operations: list[Operation]) -> Table:
    rows = []
    for label, field, unit in _OPERATION_ROWS:
        values = [getattr(op, field) // unit for op in operations]
        tones: list[Tone] = ["plain"] * len(values)
        if field == "done":
            tones = ["good" if op.agrees else "bad" for op in operations]
        cells = [Cell(_number(value), tone) for value, tone in zip(values, tones, strict=True)]
        total = sum(getattr(op, field) for op in operations) // unit
        rows.append((Cell(label), *cells, Cell(_number(total))))
    columns = [astuple(op.spread) for op in operations]
    for at, spread in enumerate(fields(Spread)):
        cells = [Cell(_number(column[at])) for column in columns]
        rows.append((Cell(f"cycles of one, {spread.name}"), *cells, Cell("")))
    shares = [op.share for op in operations]
    cells = [Cell(f"{share:.1%}") for share in (*shares, sum(shares))]
    rows.append((Cell("of the unit's cycles"), *cells))
    return Table(
        "saves and restores",
        ("", *(_column(op) for op in operations), "all"),
        tuple(rows),
        note="KiB and cycles are the RTL's. eager: at each guest entry and exit, or slice of a task; elided:\n"
        "eager less done.",
    )


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


def _coverage(verdict: Verdict) -> Iterable[Section]:
    modes = reached_modes(verdict.model.reached)
    rows = tuple((Cell(mode.mode), Cell(_number(mode.reached)), Cell(_number(mode.possible))) for mode in modes)
    yield Table("coverage: VS pair x kind of instruction x outcome, by mode", ("", "reached", "possible"), rows)
    shown_holes = [(mode.mode, hole) for mode in modes if mode.mode in _SHOWN_MODES for hole in mode.holes]
    if shown_holes:
        yield Text("", tuple((f"never in {mode}", hole) for mode, hole in shown_holes))


def _lazy_chart(operations: list[Operation]) -> Chart:
    """Return what was done beside what an eager hypervisor would have done."""
    series = (
        ("done", tuple(100 * op.done / op.eager if op.eager else None for op in operations)),
        ("elided", tuple(100 * op.elided / op.eager if op.eager else None for op in operations)),
    )
    positions = tuple(_column(op).replace("\n", " ") for op in operations)
    return Chart("saves and restores, in % of an eager hypervisor's", "%", positions, series)


def _invariants_table(verdict: Verdict) -> Table:
    ledger = verdict.model.ledger
    rows = []
    for name, invariant in INVARIANTS.items():
        checked, broken = ledger.checks[name], ledger.broken[name]
        often = Cell(_number(checked)) if checked else Cell("never", "warn")
        rows.append((Cell(name), often, Cell(_number(broken), "bad" if broken else "good"), Cell(invariant.text)))
    return Table("invariants", ("", "checked", "broken", "what must hold"), tuple(rows), prose=(3,))
