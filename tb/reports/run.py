# SPDX-License-Identifier: Apache-2.0
"""A program of one's own as a result: whether all agreed, and what it wanted that is not there."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from vctx.pymodel.scenarios.bare_metal import Illegal
from vctx.tb.jobs.run import RunResult
from vctx.tb.replay.timing import TIMING_FILE
from vctx.tb.reports.replay import agreement, differs, waves_of
from vctx.tb.results.model import Case, Result, Text
from vctx.tb.runs.repeat import shown


def result_of(program: Path, result: RunResult, command: str) -> Result:
    """Return how a program ended: a mismatch, an illegal instruction that it did not handle, or agreement."""
    ended, rtl, folder = result.program, result.rtl, result.trace.parent
    on_rtl = f"{rtl.instructions:,} instructions on the RTL, {ended.setup} of them to set it up"
    lines: list[tuple[str, str]] = []
    if rtl.mismatch is not None:
        headline = f"RTL and model differ at event {rtl.mismatch.index:,}"
    elif ended.unhandled is not None:
        lines.append(("illegal instruction, not handled", _told(ended.unhandled, program)))
        headline = (
            f"the program executed {ended.instructions:,} instructions and ended with exit code {ended.exit_code}; "
            f"up to there the RTL did the same: {on_rtl}"
        )
    else:
        headline = (
            f"{on_rtl}; the program executed {ended.instructions:,}, took {ended.traps:,} traps, "
            f"and ended with exit code {ended.exit_code}"
        )
        if ended.vectors:
            counts, names = ended.vectors.values(), ", ".join(sorted(ended.vectors))
            lines.append(("vector instructions", f"{len(counts)} different, {sum(counts):,} retired: {names}"))
        if ended.first_illegal is not None:
            told = _told(ended.first_illegal, program)
            lines.append(("illegal instructions", f"{ended.illegal:,}, the first {told}"))
    return Result(
        kind="run",
        title=f"{program}; VLEN {rtl.vlen}, DLEN {rtl.dlen}; {rtl.sim}",
        ok=rtl.ok and ended.unhandled is None,
        headline=headline,
        command=command,
        sections=(*differs(rtl), *([Text("", tuple(lines))] if lines else [])),
        cases=(
            agreement(rtl),
            Case("no illegal instruction was left to nobody", lines[0][1] if ended.unhandled else ""),
        ),
        files=(
            ("result", shown(folder / "result.json")),
            ("trace", shown(result.trace)),
            *waves_of(rtl),
        ),
        data={"exit_code": ended.exit_code, "rtl": asdict(rtl)},
        trace=str(result.trace),
        timing=str(folder / "replay" / TIMING_FILE),
    )


def _told(illegal: Illegal, program: Path) -> str:
    why = "not among the instructions of docs/isa.md" if illegal.missing else "not legal in the state that it met"
    return f"{illegal.text(program)}, is {why}"
