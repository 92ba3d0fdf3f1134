# SPDX-License-Identifier: Apache-2.0
"""A directed sweep as a result: the 80 states as a table, and who satisfies the specification."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from vctx.pymodel.scenarios.directed.stimulus import ILLEGAL
from vctx.pymodel.scenarios.directed.vs_states import KINDS, STATES, Outcome, Outcomes, State, outcomes
from vctx.tb.jobs.sweep import Opinion, SweepResult
from vctx.tb.replay.timing import TIMING_FILE
from vctx.tb.reports.replay import differs
from vctx.tb.results.explained import explained
from vctx.tb.results.model import Case, Cell, Result, Section, Table, Text
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


def result_of(result: SweepResult) -> Result:
    """Return a sweep as a result."""
    who = ", ".join(opinion.name for opinion in result.opinions)
    return Result(
        kind="sweep",
        title=f"{result.name}; VLEN {result.vlen}",
        ok=result.ok,
        headline=f"{who} against the specification, {len(result.probes):,} requirements",
        command=result.command,
        sections=tuple(_sections(result)),
        cases=tuple(Case(o.name, "\n".join(_failures(o))) for o in result.opinions),
        files=(("result", shown(result.path)), ("trace", shown(result.trace))),
        data=result.as_json(),
        trace=str(result.trace),
        timing=str(result.path.parent / "replay" / TIMING_FILE),
    )


def _sections(result: SweepResult) -> Iterable[Section]:
    if result.name == "states":
        yield _states_table(result)
    rows = []
    for o in result.opinions:
        failed = Cell(f"{len(o.failures):,}", "good" if o.ok else "bad")
        unjudged = ", ".join(f"{count:,} ({reason})" for reason, count in sorted(o.unjudged.items())) or "0"
        rows.append((Cell(o.name), Cell(f"{len(o.records):,}"), Cell(f"{o.probes:,}"), failed, Cell(unjudged)))
    yield Table(f"sweep {result.name}", ("", "instructions", "checked", "failed", "not judged"), tuple(rows))
    for o in result.opinions:
        if not o.ok:
            title = f"{o.name} departs from the specification or from the golden model:"
            yield Text(title, tuple(("", text) for text in _failures(o)[:_LISTED]), "bad")
        if o.replayed is not None:
            yield from differs(o.replayed)
        elif o.mismatch is not None:
            yield explained(o.mismatch)


def _failures(opinion: Opinion) -> list[str]:
    found = [failure.text() for failure in opinion.failures]
    of = opinion.replayed or opinion.mismatch
    return found if opinion.mismatch is None or of is None else [*found, of.text()]


def _states_table(result: SweepResult) -> Table:
    """Return the 80 states. Where opinions differ a cell has a line for each."""
    opinions = {opinion.name: outcomes(result.probes, opinion.records) for opinion in result.opinions}
    states: dict[tuple[str, int], list[State]] = {}
    for state in STATES:
        states.setdefault((state.mode, state.mstatus_vs), []).append(state)
    rows = tuple(
        (Cell(mode if vs == 0 else ""), Cell(VS_NAMES[vs]), *(_shared_cell(opinions, state) for state in row))
        for (mode, vs), row in states.items()
    )
    columns = tuple(f"vsstatus.VS {name}" if vs == 0 else name for vs, name in enumerate(VS_NAMES))
    return Table(
        f"the 80 states: {', '.join(opinions)}",
        ("mode", "mstatus.VS", *columns),
        rows,
        left=tuple(range(2 + len(VS_NAMES))),
        note="mstatus.VS/vsstatus.VS after a CSR read -> after vadd, vset, load and store (each alone); * SD of that\n"
        "register is set. illegal: all five raise illegal instruction (2) and leave both fields as shown.",
    )


def _shared_cell(opinions: Mapping[str, Outcomes], state: State) -> Cell:
    cells = {name: _cell(found, state) for name, found in opinions.items()}
    if len(set(cells.values())) == 1:
        return Cell(next(iter(cells.values())))
    return Cell("\n".join(f"{name}: {cell}" for name, cell in cells.items()), "bad")
