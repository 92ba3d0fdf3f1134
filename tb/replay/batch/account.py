# SPDX-License-Identifier: Apache-2.0
"""Accounting of a batch replay: a chunk's instructions charged to functions and visits with a few array operations.

What is counted is what `tb.replay.accounting` counts one instruction at a time. There are about as many marks as
instructions in some traces, so what is done for each of them is as little as possible, and what depends on it is done
in bulk.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from vctx.pymodel.trace import Mark, TraceError
from vctx.pymodel.trace.bulk import Array, Frames, spread
from vctx.pymodel.trace.file import KIND, decode_event
from vctx.tb.replay.accounting import Accounts, Entered, Visit, VisitCount
from vctx.tb.replay.batch.observe import strobed_lanes

COLUMNS = ("instructions", "cycles", "bytes_read", "bytes_written", "bus_busy")

_KNOWN_MARKS = 10_000  # kept, so that memory has a bound


@dataclass(slots=True)
class Items:
    """The items of a chunk, hart by hart, and their bus traffic.

    Attributes:
        event: event of each item, numbered within the chunk; ascending for each hart.
        hart: hart of each item, ascending.
        totals: one row for each of COLUMNS, one column for each item.
        burst_counts, burst_addr, burst_length: read bursts of each item; first byte and number of bytes of each.
        beat_counts, beat_addr, strobed, strobes: write beats of each item; first byte, number of bytes that are
            written, and strobes of each. beat_bytes: width of a beat.
    """

    event: Array
    hart: Array
    totals: Array
    burst_counts: Array
    burst_addr: Array
    burst_length: Array
    beat_counts: Array
    beat_addr: Array
    strobed: Array
    strobes: Array
    beat_bytes: int


class _Known:
    """A mark that was seen before.

    Attributes:
        entered: what goes on the stack. function: number of its function.
        kind: number of its visits' kind, which those share that differ in nothing but addresses; None without regions.
    """

    __slots__ = ("enter", "entered", "function", "hart", "kind", "what")

    def __init__(self, mark: Mark, entered: Entered, function: int, kind: int | None) -> None:
        self.hart = mark.hart
        self.enter = mark.enter
        self.what = mark.what
        self.entered = entered
        self.function = function
        self.kind = kind


@dataclass(slots=True)
class _Stay:
    """The part of a visit that lies in this chunk: items from `first` up to `last`.

    Attributes:
        kind: see `_Known`. visit: what earlier chunks know of it, None if it began in this one.
    """

    mark: Mark
    kind: int
    first: int
    last: int = 0
    visit: Visit | None = None


class BatchAccounts(Accounts):
    """The counters of all harts, charged a chunk at a time."""

    def __init__(self, harts: int) -> None:
        super().__init__(harts)
        self._known: dict[bytes, _Known] = {}  # by payload
        self._numbered = [self.function("-", "-")]
        self._numbers = {("-", "-"): 0}
        self._kinds: dict[tuple[object, ...], int] = {}
        self._counts: dict[tuple[int, tuple[tuple[int, int], ...]], VisitCount] = {}
        self._levels = [[0] for _ in range(harts)]  # numbers of the functions that each hart is in, innermost last
        self._inside: list[list[_Stay]] = [[] for _ in range(harts)]

    def chunk(self, frames: Frames, items: Items, end: int) -> list[int]:
        """Charge the items of the events before `end`; return the sum of each of COLUMNS.

        Raises:
            TraceError: a mark is for a hart that does not exist, or leaves a function that was not entered.
        """
        running = np.zeros((len(COLUMNS), len(items.event) + 1), np.int64)
        np.cumsum(items.totals, axis=1, out=running[:, 1:])
        events, marks = self._read_marks(frames, end)
        hart = np.array([mark.hart for mark in marks], np.int64)
        starts = np.searchsorted(items.hart, np.arange(len(self.harts) + 1))
        stops = starts[1:].copy()
        place = np.empty(len(events), np.int64)  # first item after each mark
        of_hart = []
        for number in range(len(self.harts)):
            own = items.event[starts[number] : starts[number + 1]]
            stops[number] = starts[number] + np.searchsorted(own, end)
            mine = np.flatnonzero(hart == number)
            place[mine] = starts[number] + np.searchsorted(own, events[mine])
            of_hart.append(mine)

        before = [levels[-1] for levels in self._levels]
        for inside, first in zip(self._inside, starts.tolist(), strict=False):
            for stay in inside:
                stay.first = first
        after, over = self._walk(frames.first, events, marks, place)
        owners, pieces = [], []
        for number, mine in enumerate(of_hart):
            cuts = np.concatenate([starts[number : number + 1], place[mine], stops[number : number + 1]])
            at = running[:, cuts]
            owners.append(np.concatenate([[before[number]], after[mine]]))
            pieces.append(at[:, 1:] - at[:, :-1])
        sums = self._charge_functions(np.concatenate(owners), np.concatenate(pieces, axis=1))
        still = []
        for inside, last in zip(self._inside, stops.tolist(), strict=True):
            for stay in inside:
                stay.last = last
            still += inside
        self._charge_visits(over, still, running, items)
        return sums

    # Marks ----------------------------------------------------------------------------------------------------------

    def _read_marks(self, frames: Frames, end: int) -> tuple[Array, list[_Known]]:
        """Return the marks before event `end`, and their events. Few of them are new."""
        if len(self._known) >= _KNOWN_MARKS:
            self._known.clear()
        events = np.flatnonzero(frames.kinds[:end] == KIND["mark"])
        starts = frames.starts[events]
        stops = starts + frames.lengths[events]
        payloads = list(map(frames.data.__getitem__, map(slice, starts.tolist(), stops.tolist())))
        try:
            marks = list(map(self._known.__getitem__, payloads))
        except KeyError:
            self._learn(frames.first, dict(zip(reversed(payloads), reversed(events.tolist()), strict=True)))
            marks = list(map(self._known.__getitem__, payloads))
        return events, marks

    def _learn(self, first: int, events: Mapping[bytes, int]) -> None:
        """Note the marks that are new among these, each with the first of its events; hart by hart."""
        new: list[tuple[int, Mark, bytes]] = []
        for payload, event in events.items():
            if payload not in self._known:
                mark = decode_event(KIND["mark"], payload)
                assert isinstance(mark, Mark)
                new.append((event, mark, payload))
        new.sort(key=lambda one: one[0])
        for event, mark, _ in new:
            if mark.hart >= len(self.harts):
                harts = len(self.harts)
                raise TraceError(f"event {first + event} is for hart {mark.hart}, but the header says {harts} harts")
        for _, mark, payload in sorted(new, key=lambda one: one[1].hart):
            function, kind = 0, None
            if mark.enter:
                function = self._numbers.setdefault((mark.what, mark.who), len(self._numbered))
                if function == len(self._numbered):
                    self._numbered.append(self.function(mark.what, mark.who))
                if mark.regions:
                    names = (mark.what, mark.who, *(name for name, _, _ in mark.regions))
                    kind = self._kinds.setdefault(names, len(self._kinds))
            self._known[payload] = _Known(mark, (mark, self._numbered[function]), function, kind)

    def _walk(self, first: int, events: Array, marks: Sequence[_Known], place: Array) -> tuple[Array, list[_Stay]]:
        """Follow the marks; return the number of the function that each leads into, and the visits that are over."""
        stacks = [account.stack for account in self.harts]
        inside, levels = self._inside, self._levels
        after: list[int] = []
        over: list[_Stay] = []
        for event, mark, item in zip(events.tolist(), marks, place.tolist(), strict=True):
            hart = mark.hart
            stack = stacks[hart]
            if mark.enter:
                entered = mark.entered
                stack.append(entered)
                entered[1].calls += 1
                levels[hart].append(mark.function)
                if mark.kind is not None:
                    inside[hart].append(_Stay(entered[0], mark.kind, item))
            else:
                if not stack or stack[-1][0].what != mark.what:
                    raise self.harts[hart].not_in(first + event, mark.what)
                if stack.pop()[0].regions:
                    stay = inside[hart].pop()
                    stay.last = item
                    over.append(stay)
                levels[hart].pop()
            after.append(levels[hart][-1])
        return np.array(after, np.int64), over

    # Charging -------------------------------------------------------------------------------------------------------

    def _charge_functions(self, owners: Array, pieces: Array) -> list[int]:
        """Charge pieces, one column each, to the functions of these numbers; return the sum of each row."""
        size = len(self._numbered)
        table = np.array([np.bincount(owners, row, size) for row in pieces]).astype(np.int64)  # exact below 2**53
        for number in np.flatnonzero(table[0]).tolist():
            self._numbered[number].charge(*table[:4, number].tolist())
        return [int(total) for total in pieces.sum(1)]

    def _charge_visits(self, over: Sequence[_Stay], still: Sequence[_Stay], running: Array, items: Items) -> None:
        """Charge the parts of visits in this chunk, and count those that are over."""
        stays = [*over, *still]
        if not stays:
            return
        bounds = np.array([[stay.first for stay in stays], [stay.last for stay in stays]], np.int64)
        charged = running[:2, bounds[1]] - running[:2, bounds[0]]
        moved = _moved(stays, bounds, items)
        counts = self._counts
        position = 0
        for number, (stay, instructions, cycles) in enumerate(zip(stays, *charged.tolist(), strict=True)):
            until = position + len(stay.mark.regions)
            mine = tuple(moved[position:until])
            position = until
            if stay.visit is None and number < len(over):
                count = counts.get((stay.kind, mine))
                if count is None:
                    count = counts[stay.kind, mine] = self.visit_count(stay.mark, mine)
                count.charge(instructions, cycles)
                continue
            visit = stay.visit = stay.visit or Visit.of(stay.mark)
            visit.instructions += instructions
            visit.cycles += cycles
            for region, (bytes_read, bytes_written) in zip(visit.regions.values(), mine, strict=True):
                region.bytes_read += bytes_read
                region.bytes_written += bytes_written
            if number < len(over):
                self.add(visit)
        for account, inside in zip(self.harts, self._inside, strict=True):
            account.open = [stay.visit for stay in inside if stay.visit is not None]


def _moved(stays: Sequence[_Stay], bounds: Array, items: Items) -> list[tuple[int, int]]:
    """Return the bytes read and written in each region of each stay, whose first and last items are `bounds`."""
    regions = [region for stay in stays for region in stay.mark.regions]
    low = np.array([addr for _, addr, _ in regions], np.int64)
    high = low + np.array([size for _, _, size in regions], np.int64)
    bounds = np.repeat(bounds, [len(stay.mark.regions) for stay in stays], axis=1)

    def read(burst: Array, low: Array, high: Array) -> Array:
        addr = items.burst_addr[burst]
        out: Array = np.minimum(addr + items.burst_length[burst], high) - np.maximum(addr, low)
        return out

    def written(beat: Array, low: Array, high: Array) -> Array:
        lanes = items.beat_addr[beat][:, None] + np.arange(items.beat_bytes)
        inside = (lanes >= low[:, None]) & (lanes < high[:, None])
        out: Array = (strobed_lanes(items.strobes[beat], 8 * items.beat_bytes) & inside).sum(1)
        return out

    bursts = _entries(items.burst_counts, bounds)
    bytes_read = _inside(bursts, low, high, items.burst_addr, items.burst_length, items.burst_length, read)
    beats = _entries(items.beat_counts, bounds)
    width = np.full(len(items.beat_addr), items.beat_bytes)
    bytes_written = _inside(beats, low, high, items.beat_addr, width, items.strobed, written)
    return list(zip(bytes_read.tolist(), bytes_written.tolist(), strict=True))


def _entries(per_item: Array, bounds: Array) -> Array:
    """Return the first and the last entry of the items from bounds[0] up to bounds[1], given how many each has."""
    ends = np.zeros(len(per_item) + 1, np.int64)
    np.cumsum(per_item, out=ends[1:])
    return ends[bounds]


def _inside(
    entries: Array,
    low: Array,
    high: Array,
    addr: Array,
    length: Array,
    amount: Array,
    part: Callable[[Array, Array, Array], Array],
) -> Array:
    """Return how many bytes the entries from entries[0] up to entries[1] move in [low, high), region by region.

    Args:
        addr, length, amount: of each entry; it lies in `length` bytes from `addr` and moves `amount` bytes of them.
        part: returns the bytes that entries move in parts of memory; for those that may cross a border.
    """
    moved = np.zeros(len(low), np.int64)
    some = np.flatnonzero(entries[0] < entries[1])
    some = some[np.argsort(entries[0, some], kind="stable")]  # so that reduceat passes over little more than it must
    if not len(some):
        return moved
    first, last = entries[:, some]
    low, high = low[some], high[some]
    pairs = np.stack([first, last], axis=1).ravel()
    lowest = np.minimum.reduceat(np.append(addr, 0), pairs)[::2]
    highest = np.maximum.reduceat(np.append(addr + length, 0), pairs)[::2]
    running = np.zeros(len(addr) + 1, np.int64)
    np.cumsum(amount, out=running[1:])
    whole = (lowest >= low) & (highest <= high)
    moved[some] = np.where(whole, running[last] - running[first], 0)
    mixed = np.flatnonzero(~whole & (lowest < high) & (highest > low))
    if len(mixed):
        number = last[mixed] - first[mixed]
        entry = spread(first[mixed], number)
        region = np.repeat(mixed, number)
        near = (addr[entry] < high[region]) & (addr[entry] + length[entry] > low[region])
        entry, region = entry[near], region[near]
        sums = np.bincount(region, part(entry, low[region], high[region]), len(some))
        moved[some] += sums.astype(np.int64)
    return moved
