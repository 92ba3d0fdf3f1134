# SPDX-License-Identifier: Apache-2.0
"""Recorded behaviour of a real Linux KVM as the judge of the golden hypervisor.

A recording is JSON lines, one observation each: `ctx` the part of the run, `t` the kind of line, and what was done and
seen. Each line is done again on the golden hypervisor, with the guest's part executed by a guest, and every field is
compared, unless it is an input of the line or belongs to the recorder alone. A field that nobody accounts for is an
error, so nothing passes by being ignored.

The recorder's machine was an emulator. Where it takes a choice that the architecture leaves open, the golden hart takes
the same one (`session.EMULATOR`); where it departs from the architecture, a line differs although Linux is right.
:class:`Explanation` says which lines those may be; each checks that the recorded value is exactly what its reason
predicts.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

from vctx.pymodel.errors import UsageError

Row = dict[str, Any]

# What a line says of the recorder itself: time, addresses in its own guest program, how often it called KVM_RUN.
RECORDER_FIELDS = frozenset({"up", "ctx", "t", "note", "ms", "secs", "sepc_off", "kvm_runs"})
# Lines that say nothing of KVM: the boot, time spent, the kernel's log, the end.
BOOKKEEPING = frozenset({"boot", "kvm", "part", "klog", "klog_sum", "end"})


class Kind(Enum):
    """What became of a line."""

    MATCHED = "matched"
    EXPLAINED = "explained"
    DIFFERS = "differs"
    BOOKKEEPING = "bookkeeping"


@dataclass(frozen=True)
class Difference:
    """One field that differs: what was recorded, and what the golden hypervisor gives."""

    name: str
    recorded: Any
    golden: Any

    def __str__(self) -> str:
        return f"{self.name}: recorded {self.recorded!r}, golden {self.golden!r}"


@dataclass(frozen=True)
class Explanation:
    """Why a line differs although Linux is right: `reason` names the fact, `text` the prediction that holds."""

    reason: str
    text: str


@dataclass(frozen=True)
class Verdict:
    """What became of line `line` (from 1) of the recording."""

    line: int
    row: Row
    kind: Kind
    differences: tuple[Difference, ...] = ()
    explanation: Explanation | None = None

    def __str__(self) -> str:
        text = "; ".join(map(str, self.differences))
        why = f" ({self.explanation.reason}: {self.explanation.text})" if self.explanation else ""
        return f"line {self.line}, {self.row['ctx']} {self.row['t']}: {self.kind.value}: {text}{why}"


@dataclass
class Observed:
    """What the golden hypervisor makes of a line.

    Attributes:
        values: fields to compare, by name; integers compare with numbers in any notation.
        inputs: fields of the line that say what to do.
    """

    values: Row
    inputs: Sequence[str] = ()
    explanation: Explanation | None = field(default=None)


def read_rows(path: Path) -> list[Row]:
    """Return the lines of a recording; UsageError if it cannot be read or is none."""
    try:
        rows = [json.loads(line) for line in path.read_text().splitlines()]
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error
    except ValueError as error:
        raise UsageError(f"{path} does not hold JSON lines: {error}") from error
    for number, row in enumerate(rows, 1):
        if not isinstance(row, dict) or not {"ctx", "t"} <= row.keys():
            raise UsageError(f"line {number} of {path} has no ctx and t")
    return rows


def number(value: Any) -> Any:
    """Return a field as a number if it is one, in decimal or hexadecimal."""
    if isinstance(value, str) and value.startswith("0x"):
        return int(value, 16)
    return value


def differences(row: Row, observed: Observed) -> tuple[Difference, ...]:
    """Compare a line with what the golden hypervisor made of it.

    Raises:
        UsageError: a field of the line is neither compared nor an input nor the recorder's own.
    """
    unaccounted = row.keys() - observed.values.keys() - set(observed.inputs) - RECORDER_FIELDS
    if unaccounted:
        raise UsageError(f"a {row['ctx']} {row['t']} line has fields that nothing judges: {sorted(unaccounted)}")
    return tuple(
        Difference(name, row[name], value)
        for name, value in observed.values.items()
        if name in row and number(row[name]) != number(value)
    )


def fnv1a(data: bytes) -> str:
    """Return the 64-bit FNV-1a hash by which recordings name register contents."""
    value = 0xCBF2_9CE4_8422_2325
    for byte in data:
        value = (value ^ byte) * 0x100_0000_01B3 & (1 << 64) - 1
    return f"{value:016x}"


def summary(verdicts: Iterable[Verdict]) -> dict[Kind, int]:
    """Count the verdicts by kind."""
    counts = dict.fromkeys(Kind, 0)
    for verdict in verdicts:
        counts[verdict.kind] += 1
    return counts
