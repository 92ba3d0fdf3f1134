# SPDX-License-Identifier: Apache-2.0
"""What people see of exported programs."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from vctx.tb.jobs.programs import Manifest


def print_programs(console: Console, manifest: Manifest) -> None:
    """Print one line for each program, and where all of them are."""
    table = Table(box=None, pad_edge=False)
    for title in ("program", "instructions", "traps", "checks", "left out", "RAM"):
        table.add_column(title, justify="left" if title == "program" else "right")
    for program in manifest.programs:
        left_out = sum(program.left_out.values())
        numbers = (program.instructions, program.traps, program.checked, left_out)
        table.add_row(program.elf, *(f"{number:,}" for number in numbers), f"{program.ram >> 20} MiB")
    console.print(table)
    reasons = sorted({reason for program in manifest.programs for reason in program.left_out})
    if reasons:
        console.print(f"left out: {'; '.join(reasons)}", soft_wrap=True, markup=False, highlight=False)
    console.print(f"{len(manifest.programs)} programs; {manifest.path} describes them", soft_wrap=True)
