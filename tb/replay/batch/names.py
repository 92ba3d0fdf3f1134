# SPDX-License-Identifier: Apache-2.0
"""Names for what waves show as numbers: mnemonics, functions and owners.

The testbench is given numbers with each instruction (`tb/hdl/vctx_tb_view.sv`). A file for each of the three, beside
the dump, says what they mean, a line a number, as viewers' translation filters want it.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from vctx.pymodel.trace import Mark
from vctx.pymodel.trace.bulk import INSN_HEAD, Array, Frames, gather
from vctx.pymodel.trace.file import KIND, decode_event
from vctx.tb.simulators.gtkwave import FILTERS

_NOTHING = "-"  # number 0: outside of all functions


class Names:
    """The functions and owners of a trace, numbered as they come, and the instructions that it has."""

    def __init__(self, harts: int) -> None:
        self._functions = {_NOTHING: 0}
        self._owners = {_NOTHING: 0}
        self._words: set[int] = set()
        self._stacks: list[list[tuple[int, int]]] = [[(0, 0)] for _ in range(harts)]

    def chunk(self, frames: Frames) -> tuple[Array, Array]:
        """Return the numbers of the function and owner that each event of a chunk is in; chunks come in order."""
        events = np.flatnonzero(frames.kinds == KIND["mark"])
        changes: list[list[tuple[int, int, int]]] = [[(0, *stack[-1])] for stack in self._stacks]
        for event in events.tolist():
            mark = decode_event(KIND["mark"], frames.payload(event))
            assert isinstance(mark, Mark)
            if mark.hart >= len(self._stacks):
                continue  # whoever compares says so
            stack = self._stacks[mark.hart]
            if mark.enter:
                function = self._functions.setdefault(mark.what or _NOTHING, len(self._functions))
                stack.append((function, self._owners.setdefault(mark.who or _NOTHING, len(self._owners))))
            elif len(stack) > 1:
                stack.pop()
            changes[mark.hart].append((event, *stack[-1]))
        insns = np.flatnonzero(frames.kinds == KIND["insn"])
        heads = gather(frames.raw, frames.starts[insns], INSN_HEAD)
        self._words.update(np.unique(heads["insn"]).tolist())
        functions, owners = np.zeros((2, len(frames)), np.uint16)
        for hart, found in enumerate(changes):
            mine = insns[heads["hart"] == hart]
            table = np.array(found, np.int64)
            at = np.searchsorted(table[:, 0], mine, side="right") - 1
            functions[mine], owners[mine] = table[at, 1], table[at, 2]
        return functions, owners

    def write(self, folder: Path) -> None:
        """Write the files."""
        from vctx.pymodel.isa import disassemble

        named = {
            "mnemonic": {word: disassemble(word) for word in self._words},
            "function": {number: name for name, number in self._functions.items()},
            "owner": {number: name for name, number in self._owners.items()},
        }
        for what, (file, bits) in FILTERS.items():
            lines = (f"{number:0{bits // 4}x} {name}\n" for number, name in sorted(named[what].items()))
            (folder / file).write_text("".join(lines))
