# SPDX-License-Identifier: Apache-2.0
"""A replay as a result: what was compared, and the first difference."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from vctx.tb.replay.result import ReplayResult
from vctx.tb.replay.timing import TIMING_FILE
from vctx.tb.reports import told
from vctx.tb.results.explained import explained
from vctx.tb.results.model import Case, Cell, Result, Section, Table, Text
from vctx.tb.runs.repeat import shown

OTHERWISE = "the run with waves ended otherwise: the difference depends on initial values of registers"


def waves_of(result: ReplayResult) -> tuple[tuple[str, str], ...]:
    """Return the files of waves of a replay, if there are any."""
    return (("waves", f"{shown(result.waves)}   signal list: vctx.gtkw beside it"),) if result.waves else ()


def differs(result: ReplayResult) -> Iterable[Section]:
    """Return what there is to see of a mismatch, if there is one."""
    if result.findings:
        yield from told.sections(result.text().splitlines())
    elif result.mismatch is not None:
        yield explained(result.mismatch)
    if result.repeated is False:
        yield Text("waves", (("", OTHERWISE),), "warn")


def agreement(result: ReplayResult) -> Case:
    """Return the comparison of RTL and trace as something that was checked."""
    return Case("RTL and model agree", result.text())


def differ(result: ReplayResult) -> str:
    """Return in a line where RTL and model differ."""
    assert result.mismatch is not None
    first = " first" if result.findings else ""
    return f"RTL and model differ{first} at event {result.mismatch.index:,}"


def result_of(result: ReplayResult, trace: Path, folder: Path, command: str) -> Result:
    """Return a replay as a result.

    Args:
        trace: what was replayed. folder: of the replay. command: what repeats it.
    """
    rows = [
        ("events", result.events),
        ("instructions compared", result.instructions),
        ("whole-state checkpoints compared", result.checkpoints),
        ("cycles of all harts", result.cycles),
        ("bytes read", result.bytes_read),
        ("bytes written", result.bytes_written),
    ]
    headline = f"{result.instructions:,} instructions, {result.checkpoints:,} checkpoints"
    if result.mismatch is not None:
        headline = differ(result)
    return Result(
        kind="replay",
        title=f"{result.harts} harts; VLEN {result.vlen}, DLEN {result.dlen}; latency {result.latency}; "
        f"seed {result.seed}; {result.sim}",
        ok=result.ok,
        headline=headline,
        command=command,
        sections=(
            Table("replayed", ("", ""), tuple((Cell(label), Cell(f"{value:,}")) for label, value in rows)),
            *differs(result),
        ),
        cases=(agreement(result),),
        files=(("result", shown(folder / "result.json")), ("trace", shown(trace)), *waves_of(result)),
        data=asdict(result),
        trace=str(trace.resolve()),
        timing=str(folder / TIMING_FILE),
    )
