# SPDX-License-Identifier: Apache-2.0
"""Ways to spoil a kernel on purpose: its routines in memory, and its functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pytest import MonkeyPatch

from vctx.pymodel.isa import disassemble
from vctx.pymodel.kvm import kernel, run
from vctx.pymodel.kvm import vcpu as life
from vctx.pymodel.kvm.kernel import Kernel


def words(booted: Kernel, routine: str) -> list[tuple[int, int, str]]:
    """(address, word, disassembly) of a routine, up to its ret."""
    out: list[tuple[int, int, str]] = []
    at = booted.program.symbols[routine]
    while not out or out[-1][2] != "ret":
        word = booted.memory.load(at, 4)
        out.append((at, word, "ret" if word == 0x8067 else disassemble(word)))
        at += 4
    return out


def swap(booted: Kernel, routine: str, first: str, second: str) -> None:
    """Exchange the instructions whose disassembly starts with `first` and `second`."""
    code = words(booted, routine)
    (at_a, a, _), (at_b, b, _) = (next(row for row in code if row[2].startswith(text)) for text in (first, second))
    booted.memory.write(at_a, b.to_bytes(4, "little"))
    booted.memory.write(at_b, a.to_bytes(4, "little"))


def replace_insn(booted: Kernel, routine: str, text: str, word: int, nth: int = 0) -> None:
    """Replace the instruction whose disassembly starts with `text`."""
    at = [row for row in words(booted, routine) if row[2].startswith(text)][nth][0]
    booted.memory.write(at, word.to_bytes(4, "little"))


def drop(booted: Kernel, routine: str, text: str, nth: int = 0) -> None:
    """Replace an instruction by a nop."""
    replace_insn(booted, routine, text, 0x13, nth)


def at_boot(patch: MonkeyPatch, spoil: Callable[[Kernel], None]) -> None:
    """Spoil each kernel as soon as it has booted."""
    boot = Kernel.boot

    def boot_and_spoil(booted: Kernel) -> None:
        boot(booted)
        spoil(booted)

    patch.setattr(Kernel, "boot", boot_and_spoil)


def around(patch: MonkeyPatch, owner: Any, name: str, replacement: Callable[..., Any]) -> None:
    """Replace a function by one that gets the original as its first argument."""
    original = getattr(owner, name)
    patch.setattr(owner, name, lambda *args, **kwargs: replacement(original, *args, **kwargs))


def around_load_or_put(patch: MonkeyPatch, name: str, replacement: Callable[..., Any]) -> None:
    """The same for `vcpu_load` or `vcpu_put`, under each of the names by which the kernel calls them."""
    original = getattr(life, name)
    for module in (life, run, kernel):
        patch.setattr(module, name, lambda *args: replacement(original, *args))
