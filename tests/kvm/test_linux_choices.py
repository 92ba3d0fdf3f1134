# SPDX-License-Identifier: Apache-2.0
"""Every choice of a kernel version turned round alone: real Linux decides it, or docs/linux-kvm.md says why not.

The tables there are what is tested.
"""

from __future__ import annotations

import re
from dataclasses import fields, replace
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from vctx.pymodel.kvm import KernelVersion
from vctx.pymodel.kvm.exit_causes import EXITS
from vctx.pymodel.scenarios.linux import Kind, read_rows, replay
from vctx.pymodel.scenarios.linux.replay import version_of
from vctx.pymodel.scenarios.linux.session import Platform
from vctx.pymodel.scenarios.linux.trace import Row

DATA = Path(__file__).parent / "data" / "linux-kvm"
DOCS = (Path(__file__).parents[2] / "docs" / "linux-kvm.md").read_text()
MOST_UNDECIDED = 10
_FACTS = {"boot", "cfg"}  # lines that say what the machine is


class Decision(NamedTuple):
    """A row of the table: with `choice` turned to `value`, a line of `part` of `recording` differs."""

    choice: str
    value: str
    recording: str
    part: str


DECISIONS = [
    Decision(*found)
    for found in re.findall(r"^\| `(\w+)` \| ([\w.]+) \| `([\w.-]+)` \| `(\w+)` \|$", DOCS, re.MULTILINE)
]
UNDECIDED = re.findall(
    r"^\| `(\w+)` \| ([^|`]*[a-z] [^|]*) \|$", DOCS.split("Three more no recording decides")[1], re.M
)
CHOICES = {field.name for field in fields(KernelVersion)} - {"name", "abi", "routines"}


@cache
def rows_of(recording: str) -> tuple[Row, ...]:
    return tuple(read_rows(DATA / f"{recording}.jsonl"))


def part_of(recording: str, part: str) -> list[Row]:
    return [row for row in rows_of(recording) if row["t"] in _FACTS or row["ctx"] == part]


def turned(version: KernelVersion, choice: str, text: str) -> KernelVersion:
    old = getattr(version, choice)
    new: Any = {"True": True, "False": False}[text] if isinstance(old, bool) else type(old)(text)
    assert new != old, f"{choice} of {version.name} is {old} already"
    return replace(version, **{choice: new})


def others(version: KernelVersion, choice: str) -> list[KernelVersion]:
    return [turned(version, choice, str(not getattr(version, choice)))]


def differing(rows: list[Row], version: KernelVersion) -> set[str]:
    return {verdict.row["ctx"] for verdict in replay(rows, version) if verdict.kind is Kind.DIFFERS}


def test_the_tables_name_every_choice_once() -> None:
    named = [decision.choice for decision in DECISIONS] + [choice for choice, _ in UNDECIDED]
    assert sorted(named) == sorted(CHOICES)
    assert f"A kernel version is {len(CHOICES)} choices" in DOCS
    assert len(UNDECIDED) <= MOST_UNDECIDED
    assert {decision.value for decision in DECISIONS if decision.choice == "exits"} <= EXITS.keys()


@pytest.mark.parametrize("decision", DECISIONS, ids=lambda decision: decision.choice)
def test_real_linux_decides(decision: Decision) -> None:
    rows = part_of(decision.recording, decision.part)
    version = version_of(Platform.of(rows))
    assert differing(rows, version) == set()
    assert decision.part in differing(rows, turned(version, decision.choice, decision.value))


@pytest.mark.parametrize("choice", [choice for choice, _ in UNDECIDED])
def test_what_is_called_undecided_is(choice: str) -> None:
    """It would be in the other table if any recording told."""
    for path in sorted(DATA.glob("linux-7.2-*.jsonl")):
        rows = list(rows_of(path.stem))
        for version in others(version_of(Platform.of(rows)), choice):
            assert differing(rows, version) == set(), path.stem
