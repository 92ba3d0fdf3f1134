# SPDX-License-Identifier: Apache-2.0
"""A mismatch, explained: which bits or elements differ, and which rule says what they have to be."""

from __future__ import annotations

import re
from functools import cache
from itertools import groupby

from vctx.pymodel.places import DOCS
from vctx.pymodel.trace import Difference
from vctx.tb.replay.result import Mismatch
from vctx.tb.results.model import Explained, Field, Marked

SHOWN = 16  # fields; more of them say little
_ITEM = re.compile(r"^\| ([A-Z]-\d+) \| (.*?) \| [^|]* \|$", re.MULTILINE)
_VS_FIELDS = ("mstatus_vs", "vsstatus_vs")
VS_NAMES = ("Off", "Initial", "Clean", "Dirty")
_REGISTER = re.compile(r"v\d+")
_RULES = {
    "vl": "A-10",
    "vtype": "A-11",
    "vstart": "A-7",
    "vcsr": "A-9",
    "mstatus_vs": "B-8",
    "vsstatus_vs": "B-13",
}
"""The item that a field is most often about. What the instruction itself has to do is in the chapters C and D."""


@cache
def items() -> dict[str, str]:
    """Return the sentence of each item of docs/specification.md."""
    return dict(_ITEM.findall((DOCS / "specification.md").read_text()))


def explained(mismatch: Mismatch) -> Explained:
    """Return what a mismatch says, with what differs marked."""
    facts = []
    if mismatch.kind == "instruction":
        facts.append(("instruction", f"{mismatch.mode} {mismatch.pc:#x}: {mismatch.insn:08x}  {mismatch.disassembly}"))
    if mismatch.symbol:
        facts.append(("at", mismatch.symbol))
    if mismatch.where != "-":
        facts.append(("in", f"{mismatch.where}, for {mismatch.who or '-'}"))
    if mismatch.time is not None:
        facts.append(("time", f"{mismatch.time:,} ns of the simulation, cycle {mismatch.cycle:,}"))
    return Explained(
        f"mismatch at event {mismatch.index}: {mismatch.kind}, hart {mismatch.hart}",
        tuple(facts),
        tuple(_field(difference) for difference in mismatch.differences[:SHOWN]),
        max(0, len(mismatch.differences) - SHOWN),
        tuple(f"event {each.index}: {each.text()}" for each in mismatch.before),
        mismatch.command,
        mismatch.index,
    )


def _field(difference: Difference) -> Field:
    name, want, got = difference.field, difference.expected, difference.observed
    item = _RULES.get(name, "")
    rule = f"{item}: {items()[item]}" if item in items() else ""
    if len(want) != len(got) and not (want.startswith("0x") and got.startswith("0x")):
        return Field(name, ((want, True),), ((got, True),), "", rule)
    width = max(len(want), len(got))
    if want.startswith("0x"):  # the same digits below each other
        want, got = (f"0x{value[2:].rjust(width - 2, '0')}" for value in (want, got))
    differ = [a != b for a, b in zip(want, got, strict=True)]
    return Field(name, _pieces(want, differ), _pieces(got, differ), _what(name, want, got), rule)


def _pieces(value: str, differ: list[bool]) -> Marked:
    groups = groupby(zip(value, differ, strict=True), key=lambda pair: pair[1])
    return tuple(("".join(char for char, _ in group), mark) for mark, group in groups)


def _what(name: str, want: str, got: str) -> str:
    """Return which bits differ, or, of a vector register, which of its 64-bit elements; of VS, its states."""
    try:
        bits = int(want, 16) ^ int(got, 16)
    except ValueError:  # a trap, say, or unknown bits
        return ""
    places = [at for at in range(bits.bit_length()) if bits >> at & 1]
    if _REGISTER.fullmatch(name):
        elements = sorted({at // 64 for at in places})
        return f"{len(places)} bits, in the 64-bit elements {_listed(elements)}"
    if name in _VS_FIELDS:
        return f"{VS_NAMES[int(want, 16)]}, not {VS_NAMES[int(got, 16)]}"
    return f"bit{'s' * (len(places) > 1)} {_listed(places)}"


def _listed(numbers: list[int]) -> str:
    """Return numbers as text, the lowest first, runs as `3-7`."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return ", ".join(f"{first}" if first == last else f"{first}-{last}" for first, last in runs)
