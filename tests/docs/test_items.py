# SPDX-License-Identifier: Apache-2.0
"""Every item of the specification that anything names is explained, and every one explained is named."""

from __future__ import annotations

import re
from pathlib import Path

from vctx.pymodel.isa.latitude import POINTS

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "specification.md"
SUFFIXES = {".py", ".sv", ".S", ".h", ".c", ".cpp", ".md", ".vlt"}
RANGE = re.compile(r"\b([A-H])-(\d+)(?: to (?:\1-)?(\d+))?\b")


def named() -> dict[str, Path]:
    """Items that code, tests and documents name, each with one place."""
    found: dict[str, Path] = {}
    for folder in ("pymodel", "tb", "rtl", "formal", "sw", "tests", "docs"):
        for path in (ROOT / folder).rglob("*"):
            if path.suffix in SUFFIXES and path not in (PAGE, Path(__file__)):
                for letter, first, last in RANGE.findall(path.read_text()):
                    found |= {f"{letter}-{n}": path for n in range(int(first), int(last or first) + 1)}
    return found


def test_the_page_explains_what_is_named_and_nothing_else() -> None:
    explained = re.findall(r"^\| ([A-H]-\d+) \|", PAGE.read_text(), re.MULTILINE)
    assert len(set(explained)) == len(explained)
    assert {item: str(path) for item, path in named().items() if item not in explained} == {}
    assert set(explained) - named().keys() == set()


def test_the_table_of_choices_has_every_point() -> None:
    table = (ROOT / "docs" / "verification.md").read_text()
    assert [point.number for point in POINTS if f"| {point.number} |" not in table] == []
