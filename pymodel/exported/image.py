# SPDX-License-Identifier: Apache-2.0
"""An exported program as an ELF file: the runner of sw/programs and the bytes that go with it."""

from __future__ import annotations

import tempfile
from pathlib import Path

from vctx.pymodel import programs
from vctx.pymodel.exported.program import Exported
from vctx.pymodel.exported.runner import Places

_CPU = "generic_rv64+m+a+v+h+zicsr+zifencei"
_RUNNER = "programs/runner.S"
_FLAGS = {"words": "ax", "tables": "aw", "window": "aw", "steps": "a"}


def write_elf(exported: Exported, path: Path) -> None:
    """Link a program and write it to `path`.

    Raises:
        ProgramError: it does not link. ToolError: no compiler.
    """
    places = Places(exported.machine)
    at = {"text": places.text, "tohost": exported.tohost, "state": places.state}
    at |= {part.name: part.address for part in exported.parts}
    with tempfile.TemporaryDirectory(dir=path.parent) as scratch:
        script, source, linked = (Path(scratch) / name for name in ("program.ld", "parts.S", path.name))
        script.write_text(_script(at))
        lines = []
        for part in exported.parts:
            data = Path(scratch) / f"{part.name}.bin"
            data.write_bytes(part.data)
            lines += [f'\t.section .{part.name}, "{_FLAGS[part.name]}"', f"\t.globl {part.name}", f"{part.name}:"]
            lines.append(f'\t.incbin "{data}"')
        source.write_text("\n".join([*lines, ""]))
        recipe = programs.Program((_RUNNER,), str(script), cpu=_CPU)
        programs.link(recipe, [*programs.sources(recipe), source], linked)
        linked.replace(path)


def _script(at: dict[str, int]) -> str:
    """Return a linker script that puts each section where it is to lie."""
    sections = [f"\t.{name} {at[name]:#x} : {{ *(.{name}) }}" for name in sorted(at, key=at.__getitem__)]
    discard = "\t/DISCARD/ : { *(.data .bss .comment) *(.note*) *(.eh_frame*) *(.riscv.attributes) }"
    return "\n".join(["ENTRY(_start)", "SECTIONS", "{", *sections, discard, "}", ""])
