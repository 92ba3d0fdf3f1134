"""Accounting of a batch replay: a chunk's instructions charged to functions and visits with a few array operations.

What is counted is what `tb.accounting` counts one instruction at a time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from pymodel.trace import Mark, TraceError
from pymodel.trace.bulk import Array, spread
from tb.accounting import Accounts, HartAccount, Visit

COLUMNS = ("instructions", "cycles", "bytes_read", "bytes_written", "bus_busy")


@dataclass(slots=True)
class Items:
    """The items of a chunk, hart by hart, and their bus traffic.

    Attributes:
        event: event of each item, numbered within the chunk; ascending for each hart.
        hart: hart of each item, ascending.
        totals: COLUMNS of each item, one row an item.
        burst_counts, burst_addr, burst_length: read bursts of each item; first byte and number of bytes of each.
        beat_counts, beat_addr, strobes: write beats of each item; first byte, and one row of lanes (0 or 1) of each.
    """

    event: Array
    hart: Array
    totals: Array
    burst_counts: Array
    burst_addr: Array
    burst_length: Array
    beat_counts: Array
    beat_addr: Array
    strobes: Array


@dataclass(slots=True)
class _Stay:
    """The part of a visit that lies in this chunk: items from `first` up to `last`."""

    visit: Visit
    first: int
    last: int
    over: bool = False


class BatchAccounts(Accounts):
    """The counters of all harts, charged a chunk at a time."""

    def chunk(self, first: int, items: Items, marks: Sequence[tuple[int, Mark]], end: int) -> list[int]:
        """Charge the items of the events before `end`; return the sum of each of COLUMNS.

        Args:
            first: trace index of the chunk's first event.
            marks: the marks before `end`, with their events, in order.

        Raises:
            TraceError: a mark is for a hart that does not exist, or leaves a function that was not entered.
        """
        running = np.zeros((len(items.event) + 1, len(COLUMNS)), np.int64)
        np.cumsum(items.totals, axis=0, out=running[1:])
        sums = np.zeros(len(COLUMNS), np.int64)
        starts = np.searchsorted(items.hart, np.arange(len(self.harts) + 1))
        stays: list[_Stay] = []
        for number, (account, mine) in enumerate(zip(self.harts, self._by_hart(first, marks), strict=True)):
            begin, stop = int(starts[number]), int(starts[number + 1])
            own = items.event[begin:stop]
            stop = begin + int(np.searchsorted(own, end))
            at = begin + np.searchsorted(own, np.array([event for event, _ in mine], np.int64))
            cuts = np.concatenate([[begin], at, [stop]])
            pieces = (running[cuts[1:]] - running[cuts[:-1]]).tolist()
            sums += running[stop] - running[begin]
            stays += _walk(account, first, mine, cuts.tolist(), pieces)
        _charge_visits(stays, running)
        _charge_regions(stays, items)
        for stay in stays:
            if stay.over:
                self.add(stay.visit)
        return sums.tolist()

    def _by_hart(self, first: int, marks: Iterable[tuple[int, Mark]]) -> list[list[tuple[int, Mark]]]:
        out: list[list[tuple[int, Mark]]] = [[] for _ in self.harts]
        for event, mark in marks:
            if mark.hart >= len(out):
                raise TraceError(f"event {first + event} is for hart {mark.hart}, but the header says {len(out)} harts")
            out[mark.hart].append((event, mark))
        return out


def _walk(
    account: HartAccount,
    first: int,
    marks: Sequence[tuple[int, Mark]],
    cuts: Sequence[int],
    pieces: Sequence[Sequence[int]],
) -> list[_Stay]:
    """Charge functions along the marks of one hart; return the parts of visits.

    Args:
        cuts: first item, item at each mark, end. pieces: COLUMNS between two cuts.
    """
    inside = [_Stay(visit, cuts[0], cuts[-1]) for visit in account.open]
    over = []
    for (event, mark), position, piece in zip(marks, cuts[1:], pieces, strict=False):
        if piece[0]:
            account.charge(*piece[:4])
        if account.mark(first + event, mark) is not None:
            stay = inside.pop()
            stay.last, stay.over = position, True
            over.append(stay)
        elif len(account.open) > len(inside):
            inside.append(_Stay(account.open[-1], position, cuts[-1]))
    account.charge(*pieces[-1][:4])
    return over + inside


def _charge_visits(stays: Sequence[_Stay], running: Array) -> None:
    if not stays:
        return
    sums = running[[stay.last for stay in stays]] - running[[stay.first for stay in stays]]
    for stay, (instructions, cycles, *_) in zip(stays, sums.tolist(), strict=True):
        stay.visit.instructions += instructions
        stay.visit.cycles += cycles


def _charge_regions(stays: Sequence[_Stay], items: Items) -> None:
    counts = [count for stay in stays for count in stay.visit.regions.values()]
    if not counts:
        return
    bounds = np.array(
        [(stay.first, stay.last, low, low + size) for stay in stays for _, low, size in stay.visit.mark.regions],
        np.int64,
    )
    first, last, low, high = bounds.T

    def picked(per_item: Array) -> tuple[Array, Array]:
        """Return (region, entry) of every bus entry of the items in a region's visit."""
        ends = np.concatenate([[0], np.cumsum(per_item)])
        number = ends[last] - ends[first]
        return np.repeat(np.arange(len(bounds)), number), spread(ends[first], number)

    region, burst = picked(items.burst_counts)
    addr = items.burst_addr[burst]
    read = np.minimum(addr + items.burst_length[burst], high[region]) - np.maximum(addr, low[region])
    bytes_read = np.bincount(region, np.maximum(read, 0), len(bounds))

    region, beat = picked(items.beat_counts)
    addr = items.beat_addr[beat]
    near = (addr < high[region]) & (addr + items.strobes.shape[1] > low[region])
    region, beat, addr = region[near], beat[near], addr[near]
    lanes = addr[:, None] + np.arange(items.strobes.shape[1])
    strobes = items.strobes[beat] & (lanes >= low[region][:, None]) & (lanes < high[region][:, None])
    bytes_written = np.bincount(region, strobes.sum(1), len(bounds))

    for count, read_sum, written_sum in zip(counts, bytes_read.tolist(), bytes_written.tolist(), strict=True):
        count.bytes_read += int(read_sum)
        count.bytes_written += int(written_sum)
