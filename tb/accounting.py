"""Who used the block, and for how much bus traffic: counters per function and per marked interval.

Bytes come from the bus (bursts and strobes seen by the HDL), never from the records, so that a saved transfer shows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing

from pymodel.trace import Mark, TraceError
from tb.observe import Observation

Traffic = tuple[np.typing.NDArray[Any], np.typing.NDArray[Any]]  # addresses, and lengths or strobes


@dataclass(slots=True)
class FunctionCount:
    """What one function did on behalf of one `who`, without the functions it called. Bytes are bus bytes."""

    what: str
    who: str
    calls: int = 0
    instructions: int = 0
    cycles: int = 0
    bytes_read: int = 0
    bytes_written: int = 0


@dataclass(slots=True)
class RegionCount:
    """Bus bytes that fell into one region of memory."""

    bytes_read: int = 0
    bytes_written: int = 0


@dataclass(slots=True)
class Interval:
    """One visit of a function whose mark names regions, with everything it called.

    `index` is the trace index of the mark that opened it.
    """

    index: int
    hart: int
    what: str
    who: str
    instructions: int = 0
    cycles: int = 0
    regions: dict[str, RegionCount] = field(default_factory=dict)


@dataclass(slots=True)
class _Frame:
    mark: Mark
    interval: Interval | None


class HartAccount:
    """The mark stack of one hart, and where its instructions are charged."""

    def __init__(self, hart: int, functions: dict[tuple[str, str], FunctionCount], intervals: list[Interval]) -> None:
        self._hart = hart
        self._functions = functions
        self._intervals = intervals
        self._stack: list[_Frame] = []
        self._open: list[tuple[Interval, Sequence[tuple[str, int, int]]]] = []
        self._current = self._function("-", "-")

    def _function(self, what: str, who: str) -> FunctionCount:
        return self._functions.setdefault((what, who), FunctionCount(what, who))

    @property
    def where(self) -> tuple[str, str]:
        """The function (calls joined by " > ") and the `who` of the innermost mark."""
        if not self._stack:
            return "-", "-"
        return " > ".join(frame.mark.what for frame in self._stack), self._stack[-1].mark.who

    def mark(self, index: int, mark: Mark) -> None:
        """Enter or leave a function.

        Raises:
            TraceError: the function left is not the one entered last.
        """
        if mark.enter:
            interval = None
            if mark.regions:
                names = {name: RegionCount() for name, _, _ in mark.regions}
                interval = Interval(index, self._hart, mark.what, mark.who, regions=names)
                self._intervals.append(interval)
                self._open.append((interval, mark.regions))
            self._stack.append(_Frame(mark, interval))
            self._current = self._function(mark.what, mark.who)
            self._current.calls += 1
            return
        if not self._stack or self._stack[-1].mark.what != mark.what:
            raise TraceError(f"event {index}: hart {self._hart} leaves {mark.what!r}, which it is not in")
        if self._stack.pop().interval is not None:
            self._open.pop()
        top = self._stack[-1].mark if self._stack else None
        self._current = self._function(top.what, top.who) if top else self._function("-", "-")

    def instruction(self, seen: Observation) -> None:
        """Charge one instruction to the current function and to every open interval."""
        count = self._current
        count.instructions += 1
        count.cycles += seen.cycles
        count.bytes_read += seen.bytes_read
        count.bytes_written += seen.bytes_written
        for interval, regions in self._open:
            interval.instructions += 1
            interval.cycles += seen.cycles
            for name, first, size in regions:
                region = interval.regions[name]
                for addr, length in seen.reads:
                    region.bytes_read += max(0, min(addr + length, first + size) - max(addr, first))
                for addr, strb in seen.writes:
                    region.bytes_written += _strobed(addr, strb, first, first + size)

    @property
    def wants_traffic(self) -> bool:
        """Whether an interval with regions is open."""
        return bool(self._open)

    def instructions(
        self, number: int, cycles: int, bytes_read: int, bytes_written: int, reads: Traffic, writes: Traffic
    ) -> None:
        """Charge several instructions, as `instruction` does each.

        Args:
            reads: address and length in bytes of every read burst. writes: address of every write beat, and its byte
                strobes, one row of 0 or 1 a beat. Both count only while `wants_traffic`.
        """
        count = self._current
        count.instructions += number
        count.cycles += cycles
        count.bytes_read += bytes_read
        count.bytes_written += bytes_written
        for interval, regions in self._open:
            interval.instructions += number
            interval.cycles += cycles
            for name, first, size in regions:
                region = interval.regions[name]
                addr, length = reads
                inside = np.minimum(addr + length, first + size) - np.maximum(addr, first)
                region.bytes_read += int(np.maximum(inside, 0).sum())
                addr, strobes = writes
                lanes = addr[:, None] + np.arange(strobes.shape[1])
                region.bytes_written += int(strobes[(lanes >= first) & (lanes < first + size)].sum())


def _strobed(addr: int, strb: int, first: int, end: int) -> int:
    """Count the bytes of a write beat that lie in [first, end)."""
    if addr < first:
        strb = strb >> (first - addr) << (first - addr)
    if end > addr:
        return (strb & ((1 << (end - addr)) - 1)).bit_count()
    return 0
