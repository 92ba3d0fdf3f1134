# SPDX-License-Identifier: Apache-2.0
"""A log that was checked as a result: what was compared, what came from the log, and every finding by its rule."""

from __future__ import annotations

from collections.abc import Iterable

from vctx.pymodel.corelog.findings import Report, told
from vctx.tb.jobs.check_log import Checked
from vctx.tb.reports.told import sections
from vctx.tb.results.model import Case, Cell, Result, Section, Table, Text
from vctx.tb.runs.repeat import shown

_KINDS = {
    "pc": "instructions (pc, word)",
    "mode": "privilege modes",
    "x": "x registers written",
    "f": "f registers written",
    "v": "vector registers written",
    "csr": "CSRs written",
    "mem": "memory accesses",
    "trap": "traps and their causes",
    "tval": "tval",
}
_TAKEN = {
    "interrupts": "interrupts taken where the log has them",
    "volatile": "fields that the profile calls volatile",
    "adopted": "values adopted after their difference was reported",
}


def result_of(checked: Checked, command: str) -> Result:
    """Return a log that was checked as a result; `command` repeats it."""
    report = checked.report
    end = {True: "program ended", False: "program not ended", None: "program without tohost"}[report.ended]
    total = sum(found.count for found in report.findings.values())
    about = f"{report.events:,} events of {report.log}: profile {report.profile}, VLEN {report.vlen}; {end}"
    return Result(
        kind="check-log",
        title=about,
        ok=report.ok,
        headline=f"{report.events:,} events" if report.ok else f"{total:,} differences of {len(report.findings)} kinds",
        command=command,
        sections=(Text(about, ()), *_sections(report)),
        cases=tuple(_cases(report)),
        files=(("result", shown(checked.path)),),
        data=report.as_json(),
    )


def _sections(report: Report) -> Iterable[Section]:
    rows = tuple(
        (Cell(text), Cell(f"{report.compared[kind]:,}"), Cell(f"{report.had[kind]:,}"))
        for kind, text in _KINDS.items()
        if report.had[kind] or report.compared[kind]
    )
    yield Table("compared", ("", "compared", "of"), rows)
    taken = tuple((Cell(text), Cell(f"{report.taken[kind]:,}")) for kind, text in _TAKEN.items())
    yield Table("from the log", ("", ""), taken)
    if report.notes:
        yield Text("", tuple(("note", note) for note in report.notes), "warn")
    yield from sections(told(report.sorted, "line"))
    if report.stopped:
        yield Text("stopped", (("", report.stopped),), "bad")


def _cases(report: Report) -> Iterable[Case]:
    yield Case("the log could be followed to its end", report.stopped or "")
    for section in sections(told(report.sorted, "line")):
        yield Case(section.title.partition(":")[0], "\n".join(text for _, text in section.lines))
