# SPDX-License-Identifier: Apache-2.0
"""A run of Linux as a result: lines by part, reasons of the explained ones, and what differs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from vctx.pymodel.scenarios.linux import Kind
from vctx.tb.linux.job import LinuxVerdict
from vctx.tb.results.model import Case, Cell, Result, Section, Table, Text
from vctx.tb.runs.repeat import shown

_SHOWN = 10  # lines that differ
_WIDTH = 400  # of each of them
_COLUMNS = (Kind.MATCHED, Kind.EXPLAINED, Kind.DIFFERS)


def result_of(verdict: LinuxVerdict) -> Result:
    """Return a run of Linux as a result."""
    counts = verdict.counts
    judged = f"{counts[Kind.MATCHED]:,} lines of Linux {verdict.release} under QEMU {verdict.emulator} match"
    return Result(
        kind="linux-kvm",
        title=f"Linux {verdict.release}, QEMU {verdict.emulator}",
        ok=verdict.ok,
        headline=f"{judged}, {counts[Kind.DIFFERS]} differ",
        command=verdict.command,
        sections=tuple(_sections(verdict)),
        cases=tuple(
            Case(name, f"{part[Kind.DIFFERS]} lines differ" if part[Kind.DIFFERS] else "")
            for name, part in verdict.parts.items()
        ),
        files=(("trace", shown(verdict.trace)), ("result", shown(verdict.path))),
        data=verdict.as_json(),
    )


def _sections(verdict: LinuxVerdict) -> Iterable[Section]:
    rows = [_row(name, part) for name, part in verdict.parts.items()]
    rows.append(_row("all", verdict.counts))
    yield Table("lines", ("part", "lines", "matched", "explained", "differ"), tuple(rows))
    notes = [f"{verdict.counts[Kind.BOOKKEEPING]} more lines are not about KVM"]
    if not verdict.headers:
        notes.append("the parts with a kernel module are left out: this kernel came without its headers")
    explained = [("explained", f"{count:4} {reason}") for reason, count in verdict.reasons.most_common()]
    yield Text("", (*(("", note) for note in notes), *explained))
    if verdict.differing:
        lines = [("differs", str(one)[:_WIDTH]) for one in verdict.differing[:_SHOWN]]
        if len(verdict.differing) > _SHOWN:
            lines.append(("", f"and {len(verdict.differing) - _SHOWN} more that differ"))
        yield Text("lines that differ", tuple(lines), "bad")


def _row(name: str, counts: Mapping[Kind, int]) -> tuple[Cell, ...]:
    numbers = (sum(counts[kind] for kind in _COLUMNS), *(counts[kind] for kind in _COLUMNS))
    return (Cell(name), *(Cell(f"{number:,}") for number in numbers))
