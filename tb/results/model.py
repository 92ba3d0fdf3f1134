# SPDX-License-Identifier: Apache-2.0
"""The one result model: what a job found, as sections that a renderer shows and never has to understand.

Everything is frozen and made of text that is ready to show: the modules of `tb.reports` compute it, one for each job,
and the renderers (`tb.reports.render`) only lay it out. A job adds what it has by adding a section.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

SCHEMA = 1
"""Number of the form of result.json; it grows when a field is renamed or removed, not when one is added."""

Tone = Literal["plain", "good", "bad", "warn"]


@dataclass(frozen=True)
class Cell:
    """A cell of a table."""

    text: str
    tone: Tone = "plain"


@dataclass(frozen=True)
class Table:
    """A table.

    Attributes:
        columns: headings; the first column and those in `left` and `prose` are aligned to the left, all others are
            numbers.
        rows: as many cells each as there are columns. prose: columns of running text. note: below it.
        narrow: columns are as close to each other as can be.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    left: tuple[int, ...] = ()
    prose: tuple[int, ...] = ()
    note: str = ""
    narrow: bool = False


@dataclass(frozen=True)
class Text:
    """Lines of running text, each with a label before it, which may be empty."""

    title: str
    lines: tuple[tuple[str, str], ...]
    tone: Tone = "plain"


@dataclass(frozen=True)
class Finding:
    """Something that is wrong.

    Attributes:
        name: which rule or invariant. where: function, vCPU or task, hart. evidence: what was found instead.
        calls: kernel functions that led there. event: position in the trace, None if nobody knows it.
    """

    name: str
    where: str
    evidence: str
    calls: str = ""
    event: int | None = None


@dataclass(frozen=True)
class Findings:
    """What is wrong, in order."""

    title: str
    findings: tuple[Finding, ...]


Marked = tuple[tuple[str, bool], ...]  # a value cut into pieces, and whether each piece differs


@dataclass(frozen=True)
class Field:
    """A field of an instruction in which expected and observed differ.

    Attributes:
        expected, observed: the values, cut where they begin and end to differ.
        what: which bits or elements differ. rule: the item of docs/specification.md behind it, and its sentence.
    """

    name: str
    expected: Marked
    observed: Marked
    what: str
    rule: str = ""


@dataclass(frozen=True)
class Explained:
    """The first difference between the RTL and the trace, explained.

    Attributes:
        title: where it is. facts: label and text: instruction, symbol, functions, time.
        fields: those that differ. more: how many more there are. before: the instructions that led to it.
        command: what repeats it, and dumps waves of it. event: its position in the trace.
    """

    title: str
    facts: tuple[tuple[str, str], ...]
    fields: tuple[Field, ...]
    more: int
    before: tuple[str, ...]
    command: str
    event: int


Named = tuple[tuple[str, str], ...]  # a text cut into pieces, and whose name each piece is, if it is one


@dataclass(frozen=True)
class Evidence:
    """What demonstrates a defect.

    Attributes:
        where: scenario and place. found: what was expected and found, with the names of owners of state apart.
        calls: kernel functions around it, in a line. path: the same functions, the outermost first.
        at: the last instruction before it.
    """

    where: str
    found: Named
    calls: str = ""
    path: tuple[str, ...] = ()
    at: str = ""


@dataclass(frozen=True)
class Defect:
    """A known defect, and what there is of it.

    Attributes:
        name, text: its number, and what it is. verdict: in a word or two. source: where in the kernel. cure: upstream.
        note: before the evidence. evidence: of each invariant the first. more: what else there is, in a line.
    """

    name: str
    text: str
    verdict: str
    tone: Tone
    source: str
    cure: str
    evidence: tuple[Evidence, ...]
    note: str = ""
    more: str = ""


@dataclass(frozen=True)
class Defects:
    """Defects; `note` is below them."""

    title: str
    defects: tuple[Defect, ...]
    note: str = ""


@dataclass(frozen=True)
class Chart:
    """Values of several series as bars, a group of them at each position.

    Attributes:
        unit: behind each value. positions: names of the groups.
        series: the values by name; one for each position, None where there is none.
    """

    title: str
    unit: str
    positions: tuple[str, ...]
    series: tuple[tuple[str, tuple[float | None, ...]], ...]


Section = Table | Text | Findings | Explained | Defects | Chart


@dataclass(frozen=True)
class Case:
    """One thing that was checked, for CI systems: `text` says what is wrong, or is empty."""

    name: str
    text: str = ""


@dataclass(frozen=True)
class Result:
    """What a job found.

    Attributes:
        kind: the job's command. title: what was run, in a line.
        ok: nothing is wrong. headline: the verdict in one sentence. command: what repeats it.
        sections: what there is to see, in order. cases: what was checked.
        files: by label, the files that it left. data: the job's own fields of result.json.
        trace, timing: the trace that the timeline is made of, and the times of its replay; None without one.
    """

    kind: str
    title: str
    ok: bool
    headline: str
    command: str
    sections: tuple[Section, ...]
    cases: tuple[Case, ...]
    files: tuple[tuple[str, str], ...] = ()
    data: Mapping[str, Any] = field(default_factory=dict)
    trace: str | None = None
    timing: str | None = None

    @property
    def verdict(self) -> str:
        """The verdict in one word."""
        return "agreed" if self.ok else "failed"
