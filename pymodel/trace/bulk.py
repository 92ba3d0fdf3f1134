"""The trace file, many events at a time: the same layout as `pymodel.trace.file`, decoded into numpy arrays.

`frames` cuts a file into chunks; `Records` decodes the records of chosen events. Nothing here loops over bytes or
fields in Python, and nothing holds more than one chunk.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from pymodel.trace.file import END_PAYLOAD, FRAME, KIND, TraceError, TraceReader

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
        ("pages", "u1"),
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
        ("regs", "u1"),
        ("reg_bytes", "<u2"),
        ("runs", "<u2"),
    ]
)
RUN = np.dtype([("addr", "<u8"), ("length", "<u2")])
STORE_HEAD = np.dtype([("hart", "u1"), ("addr", "<u8")])

_BLOCK = 1 << 20  # bytes read at a time
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


def frames(reader: TraceReader, events: int, wait: Callable[[int], bool] | None = None) -> Iterator[Frames]:
    """Cut a trace into frames of at most `events` events.

    Args:
        wait: for a file that still grows; called with the number of bytes read when they are all there is, it returns
            when there are more, or False if there will be no more.

    Raises:
        TraceError: the file is truncated or damaged.
    """
    path = reader.path
    length_at = struct.Struct("<I").unpack_from
    head_size, end_kind = FRAME.size, KIND["end"]
    total = crc = 0
    with path.open("rb") as file:
        file.seek(reader.body)
        rest = b""
        while True:
            block = file.read(_BLOCK)
            data = rest + block
            view, raw = memoryview(data), np.frombuffer(data, np.uint8)
            position, end = 0, len(data)
            more = True
            while more:
                heads: list[int] = []
                first = position
                while len(heads) < events and position + head_size <= end and data[position] != end_kind:
                    after = position + head_size + length_at(data, position + 1)[0]
                    if after > end:
                        break
                    heads.append(position)
                    position = after
                more = len(heads) == events
                crc = zlib.crc32(view[first:position], crc)
                if heads:
                    starts = np.array(heads, np.int64)
                    ends = np.append(starts[1:], position)
                    kinds = raw[starts]
                    starts += head_size
                    yield Frames(total, data, raw, kinds, starts, ends - starts)
                    total += len(heads)
            rest = data[position:]
            if rest[:1] == _END_HEAD[:1] and len(rest) >= _END_SIZE:
                if rest[:_END_SIZE] != _END_HEAD + END_PAYLOAD.pack(total, crc):
                    raise TraceError(f"{path}: damaged: event count or checksum does not match")
                return
            if not block and not (wait is not None and wait(file.tell())):
                raise TraceError(f"{path}: truncated after {total} events")


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
    view: Array = np.ndarray((len(raw) - dtype.itemsize + 1,), dtype, raw.data, strides=(1,))
    return view[positions]


def spread(starts: Array, counts: Array, step: int = 1) -> Array:
    """Return starts[i], starts[i] + step, ... (counts[i] of them) for each i, back to back."""
    ends = np.cumsum(counts)
    inside = np.arange(ends[-1] if len(ends) else 0) - np.repeat(ends - counts, counts)
    out: Array = np.repeat(starts, counts) + (inside * step).astype(starts.dtype)
    return out


def joined(data: bytes, starts: Array, lengths: Array) -> Array:
    """Return slices of `data`, back to back."""
    view = memoryview(data)
    stops = (starts + lengths).tolist()
    parts = [view[start:stop] for start, stop in zip(starts.tolist(), stops, strict=True)]
    return np.frombuffer(b"".join(parts), np.uint8)


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
    """The records that start at these positions.

    Attributes:
        head: RETIRE_HEAD of each.
        regs: numbers of the registers written, record by record; `reg_values` their bytes, one row a register.
        runs: what is stored to memory; the owner is the number of the record.
    """

    def __init__(self, frames: Frames, positions: Array, vlenb: int) -> None:
        raw = frames.raw
        head = self.head = gather(raw, positions, RETIRE_HEAD)
        written = head["regs"] > 0
        if (head["reg_bytes"][written] != vlenb).any():
            raise TraceError(f"a register value of the trace does not have {vlenb} bytes")
        entry = np.dtype([("reg", "u1"), ("value", "u1", (vlenb,))])
        reg_counts = head["regs"].astype(np.int64)
        positions = positions + RETIRE_HEAD.itemsize
        entries = gather(raw, spread(positions, reg_counts, entry.itemsize), entry)
        self.regs: Array = entries["reg"]
        self.reg_values: Array = entries["value"]
        self.runs = _runs(raw, positions + reg_counts * entry.itemsize, head["runs"].astype(np.int64))


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


assert INSN_HEAD.itemsize == struct.calcsize("<BQ") + struct.calcsize("<IQQBBHB")
