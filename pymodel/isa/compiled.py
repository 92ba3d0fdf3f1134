# SPDX-License-Identifier: Apache-2.0
"""Compiled code, apart from what compiles it: instructions, the blocks they form, paths, and the pages they are on."""

from __future__ import annotations

from collections.abc import Callable, Collection
from enum import Enum, auto
from typing import Final, NamedTuple

from vctx.pymodel.isa.memory import LINE_SHIFT

Op = Callable[[int], int]
"""A compiled instruction: does it at the given pc and returns the next pc, or raises ArchTrap or InterruptedInsn."""

Run = Callable[[int, int], tuple[int, int]]
"""From pc of the first instruction, and how many instructions may be executed, to the next pc and how many were.

At least the first block must be allowed. When an instruction raises, `Stopped` has been told where.
"""

Stopped = Callable[[int, int], None]
"""Is told where code stops that is about to raise: at which pc, how many instructions behind its beginning."""


class Flow(Enum):
    """What comes after an instruction that does not trap.

    NEXT: the next one, in the same mode and with the same translations.
    TURN: perhaps one elsewhere.
    SYSTEM: as TURN, and anything that the host looks at between instructions may be different: mode, CSRs, wfi. It may
        also read the count of retired instructions.
    """

    NEXT = auto()
    TURN = auto()
    SYSTEM = auto()


class Step(NamedTuple):
    """An instruction of a path.

    Attributes:
        offset: in bytes from the beginning of the path.
        word, size: the instruction, in 32-bit form, and its length in memory.
        after: offset where the path goes on, None at its end, 0 to go round.
        block: if a block begins here, the number of its instructions, else 0.
    """

    offset: int
    word: int
    size: int
    after: int | None
    block: int


class Block:
    """Compiled instructions that follow one another; only the last may go elsewhere, and SYSTEM ones are alone.

    Attributes:
        ops: the instructions. It becomes empty when the block is discarded, which ends a loop over it.
        offsets: of each from the first one, in bytes; `length` of all in bytes.
        flow: of the last one.
        runs: how often all of it was executed since it began to be counted.
        after: where execution went on the last time, in bytes from the first instruction.
    """

    __slots__ = ("_home", "_start", "after", "flow", "length", "offsets", "ops", "runs")

    def __init__(self, ops: list[Op], offsets: tuple[int, ...], length: int, flow: Flow) -> None:
        self.ops = ops
        self.offsets = offsets
        self.length = length
        self.flow = flow
        self.runs = self.after = 0
        self._home: dict[int, Block] | None = None

    def keep(self, home: dict[int, Block], start: int) -> None:
        """Put the block into `home`, under `start`, until it is discarded."""
        self._home, self._start = home, start
        home[start] = self

    def index(self, distance: int) -> int:
        """Return the number of instructions in the first `distance` bytes."""
        return len(self.offsets) if distance == self.length else self.offsets.index(distance)

    def until(self, stops: Collection[int], start: int) -> int:
        """Return how many instructions come before the first of `stops` that is not the first instruction.

        Args:
            stops: offsets in the page; start: that of the block.
        """
        ahead = [stop - start for stop in stops if 0 < stop - start < self.length]
        return min((self.offsets.index(at) for at in ahead if at in self.offsets), default=len(self.offsets))

    def discard(self) -> None:
        """Never run this block again; if it is running, end it after the present instruction.

        Single instructions, which belong to no page, end by themselves.
        """
        if self._home is not None:
            self._home.pop(self._start, None)
            self.ops.clear()


class Path:
    """Compiled code that is executed from its first instruction on, translated to one function.

    Attributes:
        run: the function; `block`: number of instructions of the first block, the fewest to be executed.
        starts: offsets of its instructions in their page; `lines`: the lines of memory that they occupy.
    """

    __slots__ = ("_home", "_ops", "_start", "block", "lines", "run", "starts")
    flow: Final = Flow.TURN

    def __init__(self, home: CodePage, start: int, steps: tuple[Step, ...], ops: list[Op], run: Run) -> None:
        self._home, self._start, self._ops = home, start, ops
        self.run = run
        self.block = steps[0].block
        self.starts = frozenset(start + step.offset for step in steps)
        first = home.base + start
        self.lines = frozenset(
            first + step.offset + byte >> LINE_SHIFT for step in steps for byte in (0, step.size - 1)
        )
        home.paths[start] = self

    def discard(self) -> None:
        """Never run this path again; if it is running, end it after the present instruction."""
        self._home.paths.pop(self._start, None)
        self._ops.clear()
        block = self._home.blocks.get(self._start)
        if block is not None:
            block.runs = 0


class CodePage:
    """What is compiled of a page of physical memory, by offset in it: single instructions, longer blocks, and paths."""

    __slots__ = ("base", "blocks", "insns", "paths")

    def __init__(self, base: int) -> None:
        self.base = base
        self.insns: dict[int, Block] = {}
        self.blocks: dict[int, Block] = {}
        self.paths: dict[int, Path] = {}
