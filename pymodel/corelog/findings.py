# SPDX-License-Identifier: Apache-2.0
"""What is found: differences, grouped by the rule that they break, with the first of each and how many there are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from itertools import groupby
from typing import Any


@dataclass(frozen=True, slots=True)
class First:
    """The first occurrence of a finding.

    Attributes:
        line: of the log; of an RTL, the position of the event in the trace.
        pc, insn, text: the instruction: address, word (None where there is none), disassembly.
        mode: M, HS, U, VS or VU, as the model has it.
        vs: mstatus.VS and vsstatus.VS before it, as the model has them.
        core, model: what each has.
    """

    line: int
    pc: int
    insn: int | None
    text: str
    mode: str
    vs: tuple[int, int]
    core: str
    model: str


@dataclass(slots=True)
class Finding:
    """Differences of one kind: the items of docs/specification.md that they break, what, the first, how many."""

    rule: str
    what: str
    first: First
    count: int = 0


@dataclass
class Findings:
    """Differences by rule and what differs."""

    findings: dict[tuple[str, str], Finding] = field(default_factory=dict, kw_only=True)

    @property
    def sorted(self) -> list[Finding]:
        """The findings: by rule, and the most frequent of a rule first."""
        return sorted(self.findings.values(), key=lambda found: (found.rule, -found.count, found.first.line))

    @property
    def by_rule(self) -> Counter[str]:
        """How many differences break each rule."""
        out = Counter[str]()
        for found in self.sorted:
            out[found.rule] += found.count
        return out

    def add(self, rule: str, what: str, first: First, count: int = 1) -> None:
        """Count differences of a kind, of which `first` is the first if there were none."""
        found = self.findings.get((rule, what))
        if found is None:
            found = self.findings[rule, what] = Finding(rule, what, first)
        found.count += count

    def merge(self, others: Iterable[Finding]) -> None:
        """Count other findings as well, as later ones."""
        for other in others:
            self.add(other.rule, other.what, other.first, other.count)


def told(findings: Iterable[Finding], unit: str) -> list[str]:
    """Return lines for people: each rule with its number of differences, and indented below it each kind.

    Args:
        findings: sorted. unit: what `First.line` counts.
    """
    lines = []
    for rule, group in groupby(findings, lambda found: found.rule):
        kinds = list(group)
        lines += ["", f"{rule}: {sum(found.count for found in kinds):,}"]
        for found in kinds:
            first = found.first
            insn = "" if first.insn is None else f" {first.text}"
            lines.append(f"  {found.count:>8,}  {found.what}")
            lines.append(
                f"            first: {unit} {first.line:,}, {first.mode} {first.pc:#x}{insn}; "
                f"VS {first.vs[0]}, {first.vs[1]}; core {first.core}, model {first.model}"
            )
    return lines


def findings_of(raw: Iterable[Mapping[str, Any]]) -> list[Finding]:
    """Return findings that were made JSON-able by `asdict`."""
    out = []
    for each in raw:
        first = First(**{**each["first"], "vs": tuple(each["first"]["vs"])})
        out.append(Finding(each["rule"], each["what"], first, each["count"]))
    return out


@dataclass
class Report(Findings):
    """What came of a log.

    Attributes:
        events: lines that were an instruction, trap or interrupt of the core.
        ended: the program's end was reached; None for a program without tohost.
        compared: how many values of each kind were compared; `had`: how many there were to compare.
        taken: how much came from the log, by why: interrupts, volatile fields, and values adopted after a difference.
        stopped: why the rest of the log could not be compared; "" if all was.
        notes: what the reader ought to know.
    """

    program: str
    log: str
    profile: str
    vlen: int
    events: int = 0
    ended: bool | None = None
    compared: Counter[str] = field(default_factory=Counter)
    had: Counter[str] = field(default_factory=Counter)
    taken: Counter[str] = field(default_factory=Counter)
    stopped: str = ""
    notes: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """No difference."""
        return not self.findings and not self.stopped

    def as_json(self) -> dict[str, Any]:
        """Return the report as JSON-able data."""
        own = {
            name: getattr(self, name) for name in ("program", "log", "profile", "vlen", "events", "ended", "stopped")
        }
        compared = {name: {"compared": self.compared[name], "of": total} for name, total in sorted(self.had.items())}
        return {
            "ok": self.ok,
            **own,
            "compared": compared,
            "from the log": dict(sorted(self.taken.items())),
            "notes": self.notes,
            "findings": [asdict(found) for found in self.sorted],
        }
