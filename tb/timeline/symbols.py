# SPDX-License-Identifier: Apache-2.0
"""Symbols of many instructions at once: every different one of a trace.

As in `tb.replay.report` nothing says which program runs at an address, so a program has to have these very instructions
there. What is loaded anywhere is looked for at the distance that explains most of a mode's instructions.
"""

from __future__ import annotations

import bisect
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from vctx.pymodel.errors import VctxError
from vctx.pymodel.places_in_source import code_symbols
from vctx.pymodel.programs import PROGRAMS, build, instructions, read_elf

Key = tuple[int, int, str]  # pc, word, mode


def symbols(programs: Mapping[str, int | None], keys: Sequence[Key]) -> list[str]:
    """Return `program: symbol+offset` of each instruction; empty where no program has it.

    Args:
        programs: as in `pymodel.trace.header.Header`.
    """
    found: list[dict[str, str]] = [{} for _ in keys]
    for name, base in programs.items():
        try:
            path = build(name) if name in PROGRAMS else Path(name)
            image = read_elf(name, path)
            words, table = dict(instructions(path)), code_symbols(path)
        except VctxError:  # it is no more
            continue
        shown = name if name in PROGRAMS else path.stem
        for mode in {mode for _, _, mode in keys}:
            mine = [number for number, key in enumerate(keys) if key[2] == mode]
            moved = _distance(words, [keys[number] for number in mine]) if base is None else base - image.base
            if moved is None:
                continue
            for number in mine:
                pc, word, _ = keys[number]
                if words.get(pc - moved) == word:
                    found[number].setdefault(_name(table, pc - moved), shown)
    return [" or ".join(f"{program}: {symbol}" for symbol, program in each.items()) for each in found]


def _distance(words: Mapping[int, int], keys: Sequence[Key]) -> int | None:
    """Return how far a program was moved, if it was: the distance that explains most instructions, and 2 at least."""
    at: dict[int, list[int]] = {}
    for address, word in words.items():
        at.setdefault(word, []).append(address)
    distances = Counter(pc - address for pc, word, _ in keys for address in at.get(word, ()))
    distance, explained = max(distances.items(), key=lambda item: item[1], default=(0, 0))
    return distance if explained > 1 else None


def _name(table: Sequence[tuple[int, str]], pc: int) -> str:
    at = bisect.bisect(table, (pc + 1,)) - 1
    if at < 0:
        return f"{pc:#x}"
    address, name = table[at]
    return f"{name}+{pc - address:#x}" if pc > address else name
