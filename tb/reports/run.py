# SPDX-License-Identifier: Apache-2.0
"""What people see of a program of theirs: whether all agreed, and what it wanted that is not there."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from vctx.pymodel.scenarios.bare_metal import Illegal
from vctx.tb.jobs.run import RunResult


def print_run(console: Console, program: Path, result: RunResult) -> None:
    """Print how a program ended: a mismatch, an illegal instruction that it did not handle, or agreement."""
    ended, rtl = result.program, result.rtl
    if rtl.mismatch is not None:
        console.print(rtl.mismatch.text(), soft_wrap=True, markup=False)
        return
    on_rtl = f"{rtl.instructions:,} instructions on the RTL, {ended.setup} of them to set it up"
    if ended.unhandled is not None:
        console.print("[bold red]illegal instruction, not handled[/]: ", end="")
        console.print(_told(ended.unhandled, program), soft_wrap=True, markup=False, highlight=False)
        console.print(
            f"the program executed {ended.instructions:,} instructions and ended with exit code {ended.exit_code}; "
            f"up to there the RTL did the same: {on_rtl}",
            soft_wrap=True,
        )
        return
    console.print(
        f"[bold green]agreed[/]: {on_rtl}; the program executed {ended.instructions:,}, took {ended.traps:,} traps, "
        f"and ended with exit code {ended.exit_code}",
        soft_wrap=True,
    )
    if ended.vectors:
        counts, names = ended.vectors.values(), ", ".join(sorted(ended.vectors))
        text = f"vector instructions: {len(counts)} different, {sum(counts):,} retired: {names}"
        console.print(text, soft_wrap=True, highlight=False)
    if ended.first_illegal is not None:
        console.print(f"[yellow]illegal instructions[/]: {ended.illegal:,}, the first ", end="")
        console.print(_told(ended.first_illegal, program), soft_wrap=True, markup=False, highlight=False)


def _told(illegal: Illegal, program: Path) -> str:
    why = "not among the instructions of docs/isa.md" if illegal.missing else "not legal in the state that it met"
    return f"{illegal.text(program)}, is {why}"
