# SPDX-License-Identifier: Apache-2.0
"""The trace file, many events at a time: the same layout as `pymodel.trace.file`, decoded into numpy arrays.

`frames` cuts a file into chunks; `Records` decodes the records of chosen events. Nothing here loops over bytes or
fields in Python, and nothing holds more than one chunk.
"""

from __future__ import annotations

import contextlib
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from vctx.pymodel.trace.file import END_PAYLOAD, FRAME, KIND, TraceError, TraceReader

Array = npt.NDArray[Any]

INSN_HEAD = np.dtype(
    [
        ("hart", "u1"),
        ("pc", "<u8"),
        ("insn", "<u4"),
        ("rs1", "<u8"),
        ("rs2", "<u8"),
        ("prv", "u1"),
        ("flags", "u1"),
        ("irq_elem", "<u2"),
        ("pages", "<u2"),
    ]
)
XLAT = np.dtype([("vpn", "<u8"), ("ppn", "<u8"), ("fault", "u1"), ("gpn", "<u8")])
RETIRE_HEAD = np.dtype(
    [
        ("flags", "u1"),
        ("cause", "u1"),
        ("tval", "<u8"),
        ("tval2", "<u8"),
        ("rd", "<u8"),
        ("vl", "<u8"),
        ("vtype", "<u8"),
        ("vstart", "<u8"),
        ("vcsr", "u1"),
        ("mstatus_vs", "u1"),
        ("vsstatus_vs", "u1"),
        ("regs", "<u4"),
        ("reg_bytes", "<u2"),
        ("runs", "<u2"),
    ]
)
RUN = np.dtype([("addr", "<u8"), ("length", "<u2")])
STORE_HEAD = np.dtype([("hart", "u1"), ("addr", "<u8")])

_BLOCK = 8 << 20  # bytes read at a time
_CUT = 2 << 20  # bytes of frames that are handed out together
_LENGTH = struct.Struct("<xI")  # of a FRAME
_END_HEAD = FRAME.pack(KIND["end"], END_PAYLOAD.size)
_END_SIZE = len(_END_HEAD) + END_PAYLOAD.size


@dataclass(slots=True)
class Frames:
    """Consecutive events of a trace.

    Attributes:
        first: trace index of the first event.
        data: bytes in which the payloads lie; `raw` is the same as an array.
        kinds, starts, lengths: kind of each event (`pymodel.trace.file.KIND`), place and length of its payload.
    """

    first: int
    data: bytes
    raw: Array
    kinds: Array
    starts: Array
    lengths: Array

    def __len__(self) -> int:
        return len(self.kinds)

    def payload(self, event: int) -> bytes:
        """Return the payload of one event, numbered from 0 in these frames."""
        start = int(self.starts[event])
        return self.data[start : start + int(self.lengths[event])]

    def bytes_of(self, first: int, last: int) -> bytes:
        """Return the events from `first` up to `last` as they stand in the file."""
        if first == last:
            return b""
        return self.data[int(self.starts[first]) - FRAME.size : int(self.starts[last - 1] + self.lengths[last - 1])]


def frames(reader: TraceReader, events: int, wait: Callable[[int], bool] | None = None) -> Iterator[Frames]:
    """Cut a trace into frames of at most `events` events and about `_CUT` bytes.

    The cuts depend on nothing but the trace: not on how it is read, nor on how fast it grows.

    Args:
        wait: for a file that still grows; called with the number of bytes read when they are all there is, it returns
            when there are more, or False if there will be no more.

    Raises:
        TraceError: the file is truncated or damaged.
    """
    path = reader.path
    total, crc = 0, reader.crc
    with path.open("rb") as file:
        file.seek(reader.body)
        data = b""
        position = 0
        while True:
            block = file.read(_BLOCK)
            data = data[position:] + block
            view, raw = memoryview(data), np.frombuffer(data, np.uint8)
            position = 0
            while True:
                heads, after = _chain(data, raw, position, events)
                ended = data[after : after + 1] == _END_HEAD[:1] and len(data) >= after + _END_SIZE
                if not ended and len(heads) < events and after < position + _CUT:
                    break
                crc = zlib.crc32(view[position:after], crc)
                position = after
                if len(heads):
                    starts = heads + FRAME.size
                    ends = np.append(heads[1:], position)
                    yield Frames(total, data, raw, raw[heads], starts, ends - starts)
                    total += len(heads)
                if ended:
                    end = _END_HEAD + END_PAYLOAD.pack(total, crc)
                    if data[after:] != end or file.read(1):
                        raise TraceError(f"{path}: damaged: event count or checksum does not match")
                    return
            if not block and not (wait is not None and wait(file.tell())):
                raise TraceError(f"{path}: truncated after {total + len(heads)} events")


def _chain(data: bytes, raw: Array, position: int, events: int) -> tuple[Array, int]:
    """Return the positions of at most `events` complete frames from a position on, and the position after them.

    None of them begins `_CUT` bytes or more after the first, and the end frame ends them. The loop does as little as it
    can: it runs for every event.
    """
    heads: list[int] = []
    append, length_at = heads.append, _LENGTH.unpack_from
    first, last = position, position + _CUT
    with contextlib.suppress(struct.error):  # there is no whole head any more
        for _ in range(events):
            (length,) = length_at(data, position)
            append(position)
            position += FRAME.size + length
            if position >= last:
                break
    if position > len(data):  # the last frame is not complete
        position = heads.pop()
    out = np.array(heads, np.int64)
    end = np.flatnonzero(raw[out] == KIND["end"])
    if len(end):
        position = int(out[end[0]])
        out = out[: end[0]]
    return out, position if len(out) else first


def verify(reader: TraceReader) -> int:
    """Read a whole trace and return its number of events; raise TraceError if it is truncated or damaged."""
    return sum(len(part) for part in frames(reader, 1 << 16))


def gather(raw: Array, positions: Array, dtype: np.dtype[Any]) -> Array:
    """Return one structure of `dtype` from each position of a byte array.

    Raises:
        TraceError: a position is too close to the end.
    """
    if not len(positions):
        return np.empty(0, dtype)
    if positions.max() + dtype.itemsize > len(raw):
        raise TraceError("an event of the trace is damaged")
    out: Array = _windows(raw, dtype.itemsize)[positions].view(dtype)
    return out


def _windows(raw: Array, size: int) -> Array:
    """Return an array of all slices of `size` bytes. They are opaque: numpy copies those much faster than fields."""
    return np.ndarray((len(raw) - size + 1,), f"V{size}", raw.data, strides=(1,))


def in_order(array: Array, order: Array) -> Array:
    """Return `array[order]` of an array of structures, as fast as `gather`."""
    out: Array = array.view(f"V{array.itemsize}")[order].view(array.dtype)
    return out


def spread(starts: Array, counts: Array, step: int = 1) -> Array:
    """Return starts[i], starts[i] + step, ... (counts[i] of them) for each i, back to back."""
    ends = np.cumsum(counts)
    inside = np.arange(ends[-1] if len(ends) else 0) - np.repeat(ends - counts, counts)
    out: Array = np.repeat(starts, counts) + (inside * step).astype(starts.dtype)
    return out


def sums(values: Array, counts: Array) -> Array:
    """Return the sum of the first counts[0] values, of the next counts[1], and so on."""
    running = np.zeros(len(values) + 1, np.int64)
    np.cumsum(values, out=running[1:])
    ends = np.cumsum(counts)
    out: Array = running[ends] - running[ends - counts]
    return out


def joined(raw: Array, starts: Array, lengths: Array) -> Array:
    """Return slices of a byte array, back to back."""
    ends = np.cumsum(lengths)
    out = np.empty(int(ends[-1]) if len(ends) else 0, np.uint8)
    copy_slices(raw, starts, out, ends - lengths, lengths)
    return out


def copy_slices(source: Array, starts: Array, target: Array, places: Array, lengths: Array) -> None:
    """Copy slices of one byte array into another; they must not overlap there. One operation a length: few differ.

    Raises:
        TraceError: a slice reaches beyond the end of the source.
    """
    if not len(lengths):
        return
    if (starts + lengths).max() > len(source):
        raise TraceError("an event of the trace is damaged")
    for length in np.unique(lengths).tolist():
        if length:
            mine = lengths == length
            _windows(target, length)[places[mine]] = _windows(source, length)[starts[mine]]


@dataclass(slots=True)
class Runs:
    """Runs of bytes that go to consecutive addresses of memory.

    Attributes:
        owner: what each run belongs to, ascending.
        addr, length: first address and number of bytes; `start` is the place of the first one in the frames' data.
    """

    owner: Array
    addr: Array
    start: Array
    length: Array

    def __len__(self) -> int:
        return len(self.owner)

    def pick(self, which: Array) -> Runs:
        """Return some of the runs, by mask or by number."""
        return Runs(self.owner[which], self.addr[which], self.start[which], self.length[which])

    @classmethod
    def merged(cls, *parts: Runs) -> Runs:
        """Return all runs of some parts, ordered by owner; runs of one owner keep their order."""
        columns = [
            np.concatenate([getattr(part, name) for part in parts]) for name in ("owner", "addr", "start", "length")
        ]
        out = cls(*columns)
        return out.pick(np.argsort(out.owner, kind="stable"))


_NO_RUNS = Runs(*(np.empty(0, np.int64) for _ in range(4)))


class Records:
    """The records that start at `positions` and end at `ends`.

    Attributes:
        head: RETIRE_HEAD of each.
        reg_counts: number of registers written by each.
        reg_values: bytes of the registers written, one row a register, record by record.
        runs: what is stored to memory; the owner is the number of the record.

    Raises:
        TraceError: a register has not `vlenb` bytes, or a record ends elsewhere.
    """

    def __init__(self, frames: Frames, positions: Array, ends: Array, vlenb: int) -> None:
        raw = frames.raw
        head = self.head = gather(raw, positions, RETIRE_HEAD)
        written = head["regs"] != 0
        if (head["reg_bytes"][written] != vlenb).any():
            raise TraceError(f"a register value of the trace does not have {vlenb} bytes")
        counts = self.reg_counts = np.bitwise_count(head["regs"]).astype(np.int64)
        values = positions + RETIRE_HEAD.itemsize
        rows = spread(values, counts, vlenb)
        self.reg_values: Array = gather(raw, rows, np.dtype(f"V{vlenb}")).view(np.uint8).reshape(-1, vlenb)
        behind = values + counts * vlenb
        runs = self.runs = _runs(raw, behind, head["runs"].astype(np.int64))
        np.add.at(behind, runs.owner, RUN.itemsize + runs.length)
        if (behind != ends).any():
            raise TraceError("an event of the trace is damaged")


def _runs(raw: Array, where: Array, counts: Array) -> Runs:
    """Return counts[i] runs, which are encoded from where[i]. One round a run: few records have more than two."""
    rounds = [_NO_RUNS]
    owner = np.flatnonzero(counts)
    where, left = where[owner], counts[owner]
    while len(owner):
        run = gather(raw, where, RUN)
        length = run["length"].astype(np.int64)
        rounds.append(Runs(owner, run["addr"].astype(np.int64), where + RUN.itemsize, length))
        where = where + RUN.itemsize + length
        if where.max() > len(raw):
            raise TraceError("an event of the trace is damaged")
        more = left > 1
        owner, where, left = owner[more], where[more], left[more] - 1
    return Runs.merged(*rounds)


assert INSN_HEAD.itemsize == struct.calcsize("<BQ") + struct.calcsize("<IQQBBHH")
