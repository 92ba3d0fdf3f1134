"""The recorder: turns what the golden model reports into a trace that the RTL can replay on several harts at once.

Two things are decided here so that the model need not know them:

* **Scalar stores are combined.** The block sees memory only through its own loads and stores. Bytes stored by scalar
  code are held back, and reach the trace as a `Store` just before the block touches their line, or at the end.
* **Order between harts.** The model runs one hart at a time; the testbench runs them together. A `Sync` is recorded
  only where one hart touches a line that another one has touched since the last `Sync`, and one of them wrote.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Protocol

from pymodel.trace.records import PAGE_SHIFT, PAGE_SIZE, Event, Insn, Issue, Retire, Store, Sync

LINE = 64
_LINE_MASK = LINE - 1


class Sink(Protocol):
    """Where events go, e.g. a :class:`~pymodel.trace.file.TraceWriter`."""

    def event(self, event: Event) -> None:
        """Take the next event of the trace."""


class Recorder:
    """Observer of harts and kernel that writes a trace to `sink`.

    Args:
        sink: takes the events in order.
        vlenb: VLEN/8; a vector memory instruction moves at most 8*vlenb bytes.

    Attributes:
        counts: number of events written, by type name.
    """

    def __init__(self, sink: Sink, vlenb: int) -> None:
        self._sink = sink
        self._span = 8 * vlenb
        self._held: dict[int, dict[int, int]] = {}  # line -> offset in it -> byte
        self._writer: dict[int, int] = {}  # line -> hart that wrote it since the last Sync
        self._readers: dict[int, set[int]] = {}  # line -> harts that read it since the last Sync
        self.counts: Counter[str] = Counter()

    def event(self, event: Event) -> None:
        """Pass an event through: marks and checkpoints carry no memory access."""
        self._sink.event(event)
        self.counts[type(event).__name__] += 1

    def store(self, hart: int, paddr: int, data: bytes) -> None:
        """Memory written by scalar code or the kernel: hold it until the block could see it."""
        held = self._held
        for addr, byte in enumerate(data, paddr):
            line = addr & ~_LINE_MASK
            if line not in held:
                held[line] = {}
            held[line][addr & _LINE_MASK] = byte

    def insn(self, hart: int, pc: int, issue: Issue, retire: Retire) -> None:
        """An instruction that the block executes."""
        if issue.xlat:
            lines = self._lines(issue)
            self._flush(hart, (line for line in lines if line in self._held))
            if retire.mem:
                self._order_write(hart, {addr & ~_LINE_MASK for addr in retire.mem})
            else:
                self._order_read(hart, lines)
        self.event(Insn(hart, pc, issue, retire))

    def finish(self) -> None:
        """Release every byte still held, so that the whole memory can be compared at the end of the trace."""
        self._flush(0, sorted(self._held))

    def _lines(self, issue: Issue) -> list[int]:
        """Every line that the instruction could read or write, from its base address and pages."""
        lines: list[int] = []
        base, end = issue.rs1, issue.rs1 + self._span
        for page in issue.xlat:
            if page.fault:
                continue
            start_va = page.vpn << PAGE_SHIFT
            first = max(base, start_va) - start_va
            last = min(end, start_va + PAGE_SIZE) - start_va
            start_pa = page.ppn << PAGE_SHIFT
            lines.extend(range((start_pa + first) & ~_LINE_MASK, start_pa + last, LINE))
        return lines

    def _flush(self, hart: int, lines: Iterable[int]) -> None:
        flushed = list(lines)
        if not flushed:
            return
        self._order_write(hart, flushed)
        for line in flushed:
            held = self._held.pop(line)
            start = None
            for offset in sorted(held):
                if start is None:
                    start, data = offset, bytearray()
                elif offset != start + len(data):
                    self.event(Store(hart, line + start, bytes(data)))
                    start, data = offset, bytearray()
                data.append(held[offset])
            assert start is not None
            self.event(Store(hart, line + start, bytes(data)))

    def _order_write(self, hart: int, lines: Iterable[int]) -> None:
        lines = list(lines)
        if any(self._writer.get(ln, hart) != hart or self._readers.get(ln, set()) - {hart} for ln in lines):
            self._sync()
        for line in lines:
            self._writer[line] = hart

    def _order_read(self, hart: int, lines: Iterable[int]) -> None:
        lines = list(lines)
        if any(self._writer.get(ln, hart) != hart for ln in lines):
            self._sync()
        for line in lines:
            self._readers.setdefault(line, set()).add(hart)

    def _sync(self) -> None:
        self._writer.clear()
        self._readers.clear()
        self.event(Sync())
