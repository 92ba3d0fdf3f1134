# SPDX-License-Identifier: Apache-2.0
"""What is found: differences, grouped by the rule that they break, with the first of each and how many there are."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class First:
    """The first occurrence of a finding.

    Attributes:
        line: of the log.
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
class Report:
    """What came of a log.

    Attributes:
        events: lines that were an instruction, trap or interrupt of the core.
        ended: the program's end was reached; None for a program without tohost.
        compared: how many values of each kind were compared; `had`: how many there were to compare.
        taken: how much came from the log, by why: interrupts, volatile fields, and values adopted after a difference.
        findings: by rule and what differs.
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
    findings: dict[tuple[str, str], Finding] = field(default_factory=dict)
    stopped: str = ""
    notes: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """No difference."""
        return not self.findings and not self.stopped

    @property
    def sorted(self) -> list[Finding]:
        """The findings: by rule, and the most frequent of a rule first."""
        return sorted(self.findings.values(), key=lambda found: (found.rule, -found.count, found.first.line))

    def add(self, rule: str, what: str, first: First) -> None:
        """Count a difference."""
        found = self.findings.get((rule, what))
        if found is None:
            found = self.findings[rule, what] = Finding(rule, what, first)
        found.count += 1

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
