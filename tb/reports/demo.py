# SPDX-License-Identifier: Apache-2.0
"""The demonstration as a result: what was broken, and how that shows."""

from __future__ import annotations

from dataclasses import replace

from vctx.tb.jobs.demo import BROKEN, BUG, FILE, SOUND, Demo
from vctx.tb.reports.replay import result_of as replayed
from vctx.tb.results.model import Result, Text


def result_of(demo: Demo) -> Result:
    """Return the demonstration as a result, which failed as it should."""
    base = replayed(demo.rtl, demo.trace, demo.folder / "replay", demo.command)
    lines = (("in words", BUG), (f"{FILE} has", BROKEN), ("instead of", SOUND))
    return replace(
        base,
        kind="demo",
        sections=(Text("a bug put into a copy of the RTL", lines, "warn"), *base.sections),
        files=tuple((label, path) for label, path in base.files if label != "result"),
    )
