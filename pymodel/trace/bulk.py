"""The trace file, many events at a time: the same layout as `pymodel.trace.file`, decoded into numpy arrays.

`frames` cuts a file into chunks; `Records` decodes the records of chosen events. Nothing here loops over bytes or
fields in Python, and nothing holds more than one chunk.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
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


@dataclass(slots=True)
class Frames:
    """Consecutive events of a trace.

    Attributes:
        first: trace index of the first event.
        raw: bytes in which the payloads lie.
        kinds, starts, lengths: kind of each event (`pymodel.trace.file.KIND`), place and length of its payload.
    """

    first: int
    raw: Array
    kinds: Array
    starts: Array
    lengths: Array

    def __len__(self) -> int:
        return len(self.kinds)

    def payload(self, event: int) -> bytes:
        """Return the payload of one event, numbered from 0 in these frames."""
        start = self.starts[event]
        payload: bytes = self.raw[start : start + self.lengths[event]].tobytes()
        return payload


def frames(reader: TraceReader, events: int) -> Iterator[Frames]:
    """Cut a trace into frames of at most `events` events.

    Raises:
        TraceError: the file is truncated or damaged.
    """
    path = reader.path
    total = crc = 0
    with path.open("rb") as file:
        file.seek(reader.body)
        rest = b""
        while True:
            block = file.read(_BLOCK)
            data = rest + block
            view = memoryview(data)
            position, end = 0, len(data)
            while True:
                kinds: list[int] = []
                starts: list[int] = []
                lengths: list[int] = []
                done = False
                while len(kinds) < events and end - position >= FRAME.size:
                    kind, length = FRAME.unpack_from(data, position)
                    start = position + FRAME.size
                    if start + length > end:
                        break
                    position = start + length
                    if kind == KIND["end"]:
                        done = True
                        break
                    crc = zlib.crc32(view[start:position], crc)
                    kinds.append(kind)
                    starts.append(start)
                    lengths.append(length)
                if kinds:
                    raw = np.frombuffer(data, np.uint8)
                    yield Frames(
                        total, raw, np.array(kinds, np.uint8), np.array(starts, np.int64), np.array(lengths, np.int64)
                    )
                    total += len(kinds)
                if done:
                    if data[start:position] != END_PAYLOAD.pack(total, crc):
                        raise TraceError(f"{path}: damaged: event count or checksum does not match")
                    return
                if len(kinds) < events:
                    break
            rest = data[position:]
            if not block:
                raise TraceError(f"{path}: truncated after {total} events")


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


class Records:
    """The records that start at these positions.

    Attributes:
        head: RETIRE_HEAD of each.
        regs: numbers of the registers written, record by record; `reg_values` their bytes, one row a register.
        mem_counts: bytes stored by each record; `mem_addr`, `mem_data` one entry a byte, record by record.
    """

    def __init__(self, raw: Array, positions: Array, vlenb: int) -> None:
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
        positions = positions + reg_counts * entry.itemsize

        # Runs of stored bytes, one round a run: few records have more than two.
        active = np.flatnonzero(head["runs"])
        owners, addrs, starts, lengths = [], [], [], []
        left = head["runs"][active].astype(np.int64)
        where = positions[active]
        while len(active):
            run = gather(raw, where, RUN)
            length = run["length"].astype(np.int64)
            owners.append(active)
            addrs.append(run["addr"])
            starts.append(where + RUN.itemsize)
            lengths.append(length)
            left = left - 1
            keep = left > 0
            where = (where + RUN.itemsize + length)[keep]
            active, left = active[keep], left[keep]
        if owners:
            owner = np.concatenate(owners)
            order = np.argsort(owner, kind="stable")
            length = np.concatenate(lengths)[order]
            at = spread(np.concatenate(starts)[order], length)
            if len(at) and at.max() >= len(raw):
                raise TraceError("an event of the trace is damaged")
            self.mem_addr: Array = spread(np.concatenate(addrs)[order], length)
            self.mem_data: Array = raw[at]
            self.mem_counts: Array = np.bincount(owner[order], length, len(head)).astype(np.int64)
        else:
            self.mem_addr, self.mem_data = np.empty(0, np.uint64), np.empty(0, np.uint8)
            self.mem_counts = np.zeros(len(head), np.int64)


assert INSN_HEAD.itemsize == struct.calcsize("<BQ") + struct.calcsize("<IQQBBHB")
