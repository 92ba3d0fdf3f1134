# SPDX-License-Identifier: Apache-2.0
"""A golden hart in the world of fuzz programs: puts a program into memory and runs it to its end."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from vctx.pymodel.fuzz.program import Program, world
from vctx.pymodel.isa import Hart, HartConfig, Memory, Observer
from vctx.pymodel.trace.records import PAGE_SIZE

FILL = 0  # as most of the tables are
_BOOT_STEPS, _STEPS_A_WORD = 200, 60  # far more than any program takes: the longest handler has 25 instructions


class Machine:
    """One hart and the world's memory.

    Args:
        vlen: VLEN in bits.
        observer: receives what the hart does.
        wide: the hart has every integer vector instruction.

    Attributes:
        hart: the golden hart.
    """

    def __init__(self, vlen: int, observer: Observer | None = None, *, wide: bool = False) -> None:
        w = world()
        self.memory = Memory([(w.base, w.size)], FILL)
        self.hart = Hart(HartConfig(vlen, wide=wide), self.memory, 0, observer)

    def image(self) -> bytes:
        """Return the contents of RAM."""
        w = world()
        return b"".join(self.memory.read(w.base + at, PAGE_SIZE) for at in range(0, w.size, PAGE_SIZE))

    def load(self, program: Program) -> list[tuple[int, bytes]]:
        """Put `program` into memory, M-mode at its first instruction, and return the writes that this took.

        Nothing but memory, mode and pc is set: the program sets the rest itself.
        """
        w = world()
        now, wanted = self.image(), program.image()
        writes = [
            (w.base + at + first, wanted[at + first : at + last])
            for at in range(0, w.size, PAGE_SIZE)
            for first, last in _changed(now[at : at + PAGE_SIZE], wanted[at : at + PAGE_SIZE])
        ]
        for address, data in writes:
            self.memory.write(address, data)
        self.hart.set_mode(3, False)
        self.hart.pc = w.boot
        return writes

    def steps(self, program: Program) -> Iterator[int | None]:
        """Yield once for each step that the program, loaded before, has to make: the irq element for that step.

        It ends at the end of the program, or when the program has taken far more steps than it may need; `finished`
        tells which.
        """
        hart, ends = self.hart, program.ends
        irqs = dict(program.irqs)
        for _ in range(limit(program)):
            pc = hart.pc
            if pc in ends:
                return
            number = program.word_at(pc) if irqs else None
            yield irqs.pop(number, None) if number is not None else None

    def run(self, program: Program) -> bool:
        """Run a loaded program; tell whether it reached its end."""
        hart, ends = self.hart, program.ends
        irqs = dict(program.irqs)
        left = limit(program)
        while irqs and left and hart.pc not in ends:
            number = program.word_at(hart.pc)
            if number in irqs:
                hart.step(irqs.pop(number))
                left -= 1
            else:
                left -= hart.run(ends.union(*map(program.addresses, irqs)), left)
        hart.run(ends, left)
        return self.finished(program)

    def finished(self, program: Program) -> bool:
        """Tell whether the program is at its end."""
        return self.hart.pc in program.ends


def limit(program: Program) -> int:
    """Return the most steps a program is given."""
    return _BOOT_STEPS + _STEPS_A_WORD * len(program.words)


def _changed(now: bytes, wanted: bytes) -> list[tuple[int, int]]:
    """Return the range in which two pages differ, as at most one (first, last + 1)."""
    if now == wanted:
        return []
    differing = np.flatnonzero(np.frombuffer(now, np.uint8) != np.frombuffer(wanted, np.uint8))
    return [(int(differing[0]), int(differing[-1]) + 1)]
