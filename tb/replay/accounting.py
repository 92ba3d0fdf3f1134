# SPDX-License-Identifier: Apache-2.0
"""Who used the block, and for how much bus traffic: counters per function, and per kind of visit to a function.

Bytes come from the bus (bursts and strobes seen by the HDL), never from the records, so that a saved transfer shows.
Visits that moved the same are counted together, so what is kept does not grow with the length of a trace.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate

from vctx.pymodel.trace import Mark, TraceError
from vctx.tb.replay.observation import Observation


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

    def charge(self, instructions: int, cycles: int, bytes_read: int, bytes_written: int) -> None:
        """Count instructions."""
        self.instructions += instructions
        self.cycles += cycles
        self.bytes_read += bytes_read
        self.bytes_written += bytes_written


@dataclass(slots=True)
class RegionCount:
    """Bus bytes that fell into one region of memory."""

    bytes_read: int = 0
    bytes_written: int = 0


@dataclass(slots=True)
class VisitCount:
    """Visits of a function whose mark names regions, on behalf of one `who`, that moved the same bytes.

    Attributes:
        visits: how many there were.
        regions: what each of them moved, with everything it called.
        instructions, cycles: of all of them together.
        by_cycles: how many of them took so many cycles.
    """

    what: str
    who: str
    regions: dict[str, RegionCount]
    visits: int = 0
    instructions: int = 0
    cycles: int = 0
    by_cycles: dict[int, int] = field(default_factory=dict)

    def charge(self, instructions: int, cycles: int) -> None:
        """Count a visit that is over."""
        self.visits += 1
        self.instructions += instructions
        self.cycles += cycles
        self.by_cycles[cycles] = self.by_cycles.get(cycles, 0) + 1


@dataclass(frozen=True)
class Spread:
    """What visits took, in cycles: the least, percentiles (nearest rank), the most; all 0 without visits."""

    least: int
    median: int
    p90: int
    p99: int
    most: int

    @classmethod
    def of(cls, by_cycles: Mapping[int, int]) -> Spread:
        """Return that of so many visits of each number of cycles."""
        if not by_cycles:
            return cls(0, 0, 0, 0, 0)
        cycles = sorted(by_cycles)
        ranks = list(accumulate(by_cycles[each] for each in cycles))

        def percentile(percent: int) -> int:
            return cycles[bisect_left(ranks, ranks[-1] * percent / 100)]

        return cls(cycles[0], percentile(50), percentile(90), percentile(99), cycles[-1])


@dataclass(slots=True)
class Visit:
    """One visit, from the mark that enters to the mark that leaves."""

    mark: Mark
    regions: dict[str, RegionCount] = field(default_factory=dict)
    instructions: int = 0
    cycles: int = 0

    @classmethod
    def of(cls, mark: Mark) -> Visit:
        """Return a visit that has just begun."""
        return cls(mark, {name: RegionCount() for name, _, _ in mark.regions})


Entered = tuple[Mark, FunctionCount]  # a function that is under way


class Accounts:
    """The counters of all harts."""

    def __init__(self, harts: int) -> None:
        self._functions: dict[tuple[str, str], FunctionCount] = {}  # by what and who
        self._visits: dict[tuple[object, ...], VisitCount] = {}  # by all that they moved, so that like ones are one
        self.harts = [HartAccount(h, self) for h in range(harts)]

    def function(self, what: str, who: str) -> FunctionCount:
        """Return the counter of a function."""
        count = self._functions.get((what, who))
        if count is None:
            count = self._functions[what, who] = FunctionCount(what, who)
        return count

    def add(self, visit: Visit) -> None:
        """Count a visit that is over."""
        count = self.visit_count(visit.mark, [(r.bytes_read, r.bytes_written) for r in visit.regions.values()])
        count.charge(visit.instructions, visit.cycles)

    def visit_count(self, mark: Mark, moved: Sequence[tuple[int, int]]) -> VisitCount:
        """Return the counter of visits that moved so many bytes, read and written, in each region of their mark."""
        names = list(dict.fromkeys(name for name, _, _ in mark.regions))
        key = (mark.what, mark.who, *((name, *both) for name, both in zip(names, moved, strict=True)))
        count = self._visits.get(key)
        if count is None:
            regions = {name: RegionCount(*both) for name, both in zip(names, moved, strict=True)}
            count = self._visits[key] = VisitCount(mark.what, mark.who, regions)
        return count

    def finish(self) -> tuple[list[FunctionCount], list[VisitCount]]:
        """Return the functions that did anything, and the visits; those still open count as they are."""
        for hart in self.harts:
            while hart.open:
                self.add(hart.open.pop())
        functions = [count for count in self._functions.values() if count.calls or count.instructions]
        return functions, [count for _, count in sorted(self._visits.items(), key=lambda item: repr(item[0]))]


class HartAccount:
    """The mark stack of one hart, and where its instructions are charged.

    Attributes:
        stack: the functions under way, innermost last. open: the visits under way.
    """

    def __init__(self, hart: int, accounts: Accounts) -> None:
        self._hart = hart
        self._accounts = accounts
        self.stack: list[Entered] = []
        self._current = accounts.function("-", "-")
        self.open: list[Visit] = []

    @property
    def where(self) -> tuple[str, str]:
        """The function (calls joined by " > ") and the `who` of the innermost mark."""
        if not self.stack:
            return "-", "-"
        return " > ".join(mark.what for mark, _ in self.stack), self.stack[-1][0].who

    def mark(self, index: int, mark: Mark) -> Visit | None:
        """Enter or leave a function; return the visit that this ends, which is the caller's to count.

        Raises:
            TraceError: the function left is not the one entered last.
        """
        stack = self.stack
        if mark.enter:
            if mark.regions:
                self.open.append(Visit.of(mark))
            self._current = self._accounts.function(mark.what, mark.who)
            self._current.calls += 1
            stack.append((mark, self._current))
            return None
        if not stack or stack[-1][0].what != mark.what:
            raise self.not_in(index, mark.what)
        entered = stack.pop()[0]
        self._current = stack[-1][1] if stack else self._accounts.function("-", "-")
        return self.open.pop() if entered.regions else None

    def not_in(self, index: int, what: str) -> TraceError:
        """Return the error of event `index`, which leaves a function that was not entered last."""
        return TraceError(f"event {index}: hart {self._hart} leaves {what!r}, which it is not in")

    def instruction(self, seen: Observation) -> None:
        """Charge one instruction to the current function and to every open visit."""
        self._current.charge(1, seen.cycles, seen.bytes_read, seen.bytes_written)
        for visit in self.open:
            visit.instructions += 1
            visit.cycles += seen.cycles
            for name, first, size in visit.mark.regions:
                region = visit.regions[name]
                for addr, length in seen.reads:
                    region.bytes_read += max(0, min(addr + length, first + size) - max(addr, first))
                for addr, strb in seen.writes:
                    region.bytes_written += _strobed(addr, strb, first, first + size)


def _strobed(addr: int, strb: int, first: int, end: int) -> int:
    """Count the bytes of a write beat that lie in [first, end)."""
    if addr < first:
        strb = strb >> (first - addr) << (first - addr)
    if end > addr:
        return (strb & ((1 << (end - addr)) - 1)).bit_count()
    return 0
