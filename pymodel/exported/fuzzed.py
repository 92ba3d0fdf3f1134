# SPDX-License-Identifier: Apache-2.0
"""Fuzz programs as ELF files: they are machine code already, and need no more than an end."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

from vctx.pymodel import programs
from vctx.pymodel.fuzz.program import Program, world
from vctx.pymodel.places import SW

_END = "\t.globl\tend\nend:\tj\tend"
_FINISH = "\t.globl\tend\nend:\tli\tt5, 32\n\tecall"  # see sw/programs/finish.S


def write_elf(program: Program, path: Path, title: str, *, signature: int = 0) -> None:
    """Link a fuzz program that ends by itself.

    Args:
        program: the program; its interrupts are left out.
        path: the ELF file. title: what it is.
        signature: what it must leave, for the exit code 0.

    Raises:
        ProgramError: it does not link. ToolError: no compiler.
    """
    text = program.without_irqs().assembly(title, "-")
    if _END not in text:
        raise programs.ProgramError(f"{title} has no end")
    text = text.replace(_END, f"{_FINISH}\n\t.globl\tright\n\t.set\tright, {signature:#x}\n")
    w = world()
    recipe = replace(programs.PROGRAMS["fuzz"], defines=("EXPORTED",))
    with tempfile.TemporaryDirectory(dir=path.parent) as scratch:
        source, data, linked = (Path(scratch) / name for name in ("program.S", "data.bin", path.name))
        data.write_bytes(w.image[w.data - w.base :])
        source.write_text(f'{text}\t.section .world, "aw"\n\t.incbin "{data}"\n')
        finish = SW / "programs" / "finish.S"
        programs.link(recipe, [*programs.sources(recipe), finish, source], linked)
        linked.replace(path)
