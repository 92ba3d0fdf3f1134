# SPDX-License-Identifier: Apache-2.0
"""Findings that are told in lines, as sections of a result."""

from __future__ import annotations

from collections.abc import Iterable

from vctx.tb.results.model import Text


def sections(lines: Iterable[str]) -> list[Text]:
    """Return a section for each line that is not indented, with the indented ones that follow it."""
    found: list[Text] = []
    for line in lines:
        if line.startswith(" ") and found:
            last = found[-1]
            found[-1] = Text(last.title, (*last.lines, ("", line.strip())), last.tone)
        elif line:
            found.append(Text(line, (), "bad"))
    return found
