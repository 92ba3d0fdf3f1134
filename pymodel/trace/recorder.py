# SPDX-License-Identifier: Apache-2.0
"""The recorder: turns what the golden model reports into a trace that the RTL can replay on several harts at once.

Two things are decided here so that the model need not know them:

* **Scalar stores are combined.** The block sees memory only through its own loads and stores. Bytes stored by scalar
  code are held back, and reach the trace as a `Store` just before the block touches their line, or at the end.
* **Order between harts.** The model runs one hart at a time; the testbench runs them together. A `Sync` is recorded
  only where one hart touches a line that another one has touched since the last `Sync`, and one of them wrote.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Sequence
from itertools import chain
from typing import Protocol

from vctx.pymodel.trace.file import TraceWriter
from vctx.pymodel.trace.records import (
    PAGE_SHIFT,
    PAGE_SIZE,
    ByteRuns,
    Event,
    Insn,
    Issue,
    Retire,
    Store,
    Sync,
    set_runs,
)

_MOP_SHIFT, _STRIDED = 26, 2  # D-24

LINE = 64
_LINE_MASK = LINE - 1
_ONES = [(1 << size) - 1 for size in range(LINE + 1)]

Lines = Sequence[int]  # addresses of lines


class Sink(Protocol):
    """Where events go, e.g. a :class:`~pymodel.trace.file.TraceWriter`."""

    def event(self, event: Event) -> None:
        """Take the next event of the trace."""


class _HeldLine:
    """Bytes of a line that are held back: `data`, of which those count whose bit in `mask` is set."""

    __slots__ = ("data", "mask")

    def __init__(self) -> None:
        self.data = bytearray(LINE)
        self.mask = 0

    def runs(self) -> Iterator[tuple[int, bytes]]:
        """Iterate over the runs of consecutive bytes, as (offset, bytes)."""
        for at, length in set_runs(self.mask):
            yield at, bytes(self.data[at : at + length])


class Recorder:
    """Observer of harts and kernel that writes a trace to `sink`.

    Args:
        sink: takes the events in order.
        vlenb: VLEN/8; a vector memory instruction moves at most 8*vlenb bytes.
        alone: there is one hart only, and so never a need for order.
    """

    def __init__(self, sink: Sink, vlenb: int, *, alone: bool = False) -> None:
        self._sink = sink
        self._alone = alone
        # Most of a trace are instructions: a file takes them without the event around them.
        self._insn = sink.insn if isinstance(sink, TraceWriter) else self._insn_event
        self._span = 8 * vlenb
        self._held: dict[int, _HeldLine] = {}  # by line
        self._written: defaultdict[int, set[int]] = defaultdict(set)  # hart -> lines it wrote since the last Sync
        self._read: defaultdict[int, set[int]] = defaultdict(set)  # hart -> lines it read since the last Sync
        self._insns = 0
        self._others: Counter[str] = Counter()

    @property
    def counts(self) -> Counter[str]:
        """Number of events written, by type name."""
        return self._others + Counter(Insn=self._insns)

    def event(self, event: Event) -> None:
        """Pass an event through: marks and checkpoints carry no memory access."""
        self._sink.event(event)
        self._others[type(event).__name__] += 1

    def store(self, hart: int, paddr: int, data: bytes) -> None:
        """Memory written by scalar code or the kernel: hold it until the block could see it."""
        offset, size = paddr & _LINE_MASK, len(data)
        if offset + size > LINE:
            head = LINE - offset
            self.store(hart, paddr, data[:head])
            for at in range(head, size, LINE):
                self.store(hart, paddr + at, data[at : at + LINE])
            return
        held = self._held.get(paddr - offset)
        if held is None:
            held = self._held[paddr - offset] = _HeldLine()
        held.data[offset : offset + size] = data
        held.mask |= _ONES[size] << offset

    def insn(self, hart: int, pc: int, issue: Issue, retire: Retire) -> None:
        """An instruction that the block executes."""
        if issue.xlat:
            reach = self._reach(issue)
            if not self._held.keys().isdisjoint(reach):
                self._flush(hart, [line for line in reach if line in self._held])
            if not self._alone:
                if retire.mem:
                    self._order_write(hart, _lines_of(ByteRuns.of(retire.mem).runs))
                else:
                    self._order_read(hart, reach)
        self._insn(hart, pc, issue, retire)
        self._insns += 1

    def _insn_event(self, hart: int, pc: int, issue: Issue, retire: Retire) -> None:
        self._sink.event(Insn(hart, pc, issue, retire))

    def finish(self) -> None:
        """Release every byte still held, so that the whole memory can be compared at the end of the trace."""
        self._flush(0, sorted(self._held))

    def _reach(self, issue: Issue) -> Lines:
        """Every line that the instruction could read or write, from its base address and pages."""
        ranges = []
        base = issue.rs1
        strided = issue.insn >> _MOP_SHIFT & 3 == _STRIDED
        for page in issue.xlat:
            if page.fault:
                continue
            if strided:  # anywhere
                ranges.append(range(page.ppn << PAGE_SHIFT, page.ppn + 1 << PAGE_SHIFT, LINE))
                continue
            first = base - (page.vpn << PAGE_SHIFT)  # in the page; the end likewise
            if first >= PAGE_SIZE:  # it goes on at address 0
                first -= 1 << 64
            end = first + self._span
            here, to = page.ppn << PAGE_SHIFT, end if end < PAGE_SIZE else PAGE_SIZE
            ranges.append(range(here + first & ~_LINE_MASK if first > 0 else here, here + to, LINE))
        return ranges[0] if len(ranges) == 1 else list(dict.fromkeys(chain.from_iterable(ranges)))

    def _flush(self, hart: int, lines: Lines) -> None:
        if not lines:
            return
        if not self._alone:
            self._order_write(hart, lines)
        for line in lines:
            for offset, data in self._held.pop(line).runs():
                self.event(Store(hart, line + offset, data))

    def _order_write(self, hart: int, lines: Collection[int]) -> None:
        if self._touched_elsewhere(self._written, hart, lines) or self._touched_elsewhere(self._read, hart, lines):
            self._sync()
        self._written[hart].update(lines)

    def _order_read(self, hart: int, lines: Collection[int]) -> None:
        if self._touched_elsewhere(self._written, hart, lines):
            self._sync()
        self._read[hart].update(lines)

    @staticmethod
    def _touched_elsewhere(by: dict[int, set[int]], hart: int, lines: Collection[int]) -> bool:
        for other, touched in by.items():  # noqa: SIM110 (a generator costs more than the loop over one or two harts)
            if other != hart and not touched.isdisjoint(lines):
                return True
        return False

    def _sync(self) -> None:
        self._written.clear()
        self._read.clear()
        self.event(Sync())


def _lines_of(runs: Sequence[tuple[int, bytes]]) -> Collection[int]:
    """Return the lines that hold some runs of bytes, each once."""
    if len(runs) == 1:
        ((first, data),) = runs
        return range(first & ~_LINE_MASK, first + len(data), LINE)
    lines = set()
    for first, data in runs:  # most of a masked store are short
        start, last = first & ~_LINE_MASK, first + len(data) - 1 & ~_LINE_MASK
        lines.add(start)
        if start != last:
            lines.update(range(start, last + 1, LINE))
    return lines
