# SPDX-License-Identifier: Apache-2.0
"""The trace file: a magic, a JSON header, framed events, and an end frame with count and checksum.

Layout, all integers little-endian::

    "VCTXTRC" and the number of the format, one digit  u32 header length  header (JSON object)
    repeated:   u8 kind  u32 payload length  payload
    end frame:  kind 0xFF, payload = u64 number of events, u32 CRC-32 of all bytes before

The first line of this is the same in every format, and `vctx` in the header says which version wrote the file, so that
a reader of another format can tell who reads it.

A file is written under a temporary name and appears under its own only when it is complete, so an interrupted
recording leaves nothing behind. Events stream in both directions: neither side holds the whole trace.
"""

from __future__ import annotations

import contextlib
import fcntl
import glob
import json
import os
import struct
import zlib
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

from vctx.pymodel.errors import UsageError
from vctx.pymodel.places import own_version
from vctx.pymodel.trace.records import (
    MODE_NAMES,
    ByteRuns,
    Checkpoint,
    Event,
    Insn,
    Issue,
    Mark,
    Registers,
    Retire,
    Store,
    Sync,
    Trap,
    Xlat,
)

FORMAT = 5  # another number whenever an older reader would misread a file
_NAME = b"VCTXTRC"
MAGIC = b"%s%d" % (_NAME, FORMAT)

_INSN, _STORE, _MARK, _SYNC, _CHECKPOINT, _END = 1, 2, 3, 4, 5, 0xFF

_MOST_HEADER = 1 << 20  # bytes
KIND = {"insn": _INSN, "store": _STORE, "mark": _MARK, "sync": _SYNC, "checkpoint": _CHECKPOINT, "end": _END}

FRAME = struct.Struct("<BI")
END_PAYLOAD = struct.Struct("<QI")
# An instruction is a head, a record and pages; a record is a head, the registers back to back, and runs.
# hart, pc, insn, rs1, rs2, prv, flags (virt 1, fs_dirty 2, vsfs_dirty 4, irq 8), irq_elem, number of pages
_INSN_HEAD = struct.Struct("<BQIQQBBHH")
# flags (trap 1, irq 2, rd 4), cause, tval, tval2, rd, vl, vtype, vstart, vcsr, VS, vsstatus.VS, registers (bit i for
# v<i>), bytes in each or 0, number of runs
_RETIRE_HEAD = struct.Struct("<BBQQQQQQBBBIHH")
_INSN_FRAME = struct.Struct("<" + "".join(part.format.lstrip("<") for part in (FRAME, _INSN_HEAD, _RETIRE_HEAD)))
_FIXED = _INSN_FRAME.size - FRAME.size
_pack_insn = _INSN_FRAME.pack
_XLAT = struct.Struct("<QQBQ")
_RUN = struct.Struct("<QH")
_ADDR = struct.Struct("<BQ")
_NO_ISSUE = Issue(0)

_PENDING = 512  # pieces of events that a writer gathers before it writes them


class TraceError(UsageError):
    """A file is not a trace, is truncated, or is damaged; the message says which."""


def _decode_insn(data: bytes) -> Insn:
    hart, pc, insn, rs1, rs2, prv, flags, irq_elem, pages = _INSN_HEAD.unpack_from(data)
    if (prv, bool(flags & 1)) not in MODE_NAMES:
        raise ValueError
    retire, end = _decode_retire(data, _INSN_HEAD.size)
    if end + pages * _XLAT.size != len(data):
        raise ValueError
    xlat = tuple(Xlat(*fields) for fields in _XLAT.iter_unpack(data[end:]))
    issue = Issue(
        insn,
        rs1,
        rs2,
        prv,
        bool(flags & 1),
        bool(flags & 2),
        bool(flags & 4),
        irq_elem if flags & 8 else None,
        xlat,
    )
    return Insn(hart, pc, issue, retire)


def encode_retire(retire: Retire) -> bytes:
    """Return the one byte encoding of a record: equal records, and only those, have equal encodings."""
    parts: list[bytes] = []
    _add_insn(parts, 0, 0, _NO_ISSUE, retire)
    return b"".join(parts)[FRAME.size + _INSN_HEAD.size :]  # what is left of an instruction without pages


def _add_insn(parts: list[bytes], hart: int, pc: int, issue: Issue, retire: Retire) -> None:
    """Append the frame of an instruction to `parts`, in pieces.

    Most of a trace is written here. What has a fixed length is packed at once, and tuples are taken apart, because that
    costs less than anything else.
    """
    insn, rs1, rs2, prv, virt, fs_dirty, vsfs_dirty, irq_elem, xlat = issue
    trap, irq, rd, vl, vtype, vstart, vcsr, mstatus_vs, vsstatus_vs, vregs, mem = retire
    flags = 1 if virt else 0
    if fs_dirty:
        flags |= 2
    if vsfs_dirty:
        flags |= 4
    if irq_elem is None:
        irq_elem = 0
    else:
        flags |= 8
    if rd is None:
        done = rd = 0
    else:
        done = 4
    cause = tval = tval2 = 0
    if trap is not None:
        done |= 1
        cause, tval, tval2 = trap.cause, trap.tval, trap.tval2
    if irq:
        done |= 2
    registers = vregs if type(vregs) is Registers else Registers.of(vregs)
    regs, values = registers.mask, registers.data
    reg_bytes = len(values) // regs.bit_count() if regs else 0
    runs = (mem if type(mem) is ByteRuns else ByteRuns.of(mem)).runs
    length = _FIXED + len(values) + len(xlat) * _XLAT.size
    for _, data in runs:
        length += _RUN.size + len(data)
    # fmt: off
    parts.append(_pack_insn(
        _INSN, length, hart, pc, insn, rs1, rs2, prv, flags, irq_elem, len(xlat), done, cause, tval, tval2, rd,
        vl, vtype, vstart, vcsr, mstatus_vs, vsstatus_vs, regs, reg_bytes, len(runs),
    ))
    # fmt: on
    if regs:
        parts.append(values)
    for addr, data in runs:
        parts.append(_RUN.pack(addr, len(data)))
        parts.append(data)
    for page in xlat:
        parts.append(_XLAT.pack(page.vpn, page.ppn, page.fault, page.gpn))


def decode_retire(data: bytes) -> Retire:
    """Return the record of an encoding; ValueError or struct.error if that is of none."""
    retire, end = _decode_retire(data, 0)
    if end != len(data):
        raise ValueError("not the encoding of a record")
    return retire


def _decode_retire(data: bytes, pos: int) -> tuple[Retire, int]:
    """Return the record whose encoding starts at `pos`, and where it ends, which may be behind what is there."""
    flags, cause, tval, tval2, rd, vl, vtype, vstart, vcsr, vs, vsvs, regs, reg_bytes, count = _RETIRE_HEAD.unpack_from(
        data, pos
    )
    pos += _RETIRE_HEAD.size
    end = pos + regs.bit_count() * reg_bytes
    vregs = Registers(regs, data[pos:end])
    runs = []
    for _ in range(count):
        addr, length = _RUN.unpack_from(data, end)
        end += _RUN.size
        runs.append((addr, data[end : end + length]))
        end += length
    retire = Retire(
        Trap(cause, tval, tval2) if flags & 1 else None,
        bool(flags & 2),
        rd if flags & 4 else None,
        vl,
        vtype,
        vstart,
        vcsr,
        vs,
        vsvs,
        vregs,
        ByteRuns(runs),
    )
    return retire, end


@lru_cache(maxsize=4096, typed=True)  # the same functions, again and again; typed because JSON tells 1 from true
def _mark(hart: int, enter: bool, what: str, who: str, regions: tuple[tuple[str, int, int], ...]) -> bytes:
    """Return the payload of a mark."""
    return json.dumps([hart, enter, what, who, regions]).encode()


def _encode(event: Store | Mark | Sync | Checkpoint) -> tuple[int, bytes]:
    """Return kind and payload of an event."""
    if isinstance(event, Store):
        return _STORE, _ADDR.pack(event.hart, event.paddr) + event.data
    if isinstance(event, Mark):
        return _MARK, _mark(event.hart, event.enter, event.what, event.who, event.regions)
    if isinstance(event, Sync):
        return _SYNC, b""
    return _CHECKPOINT, bytes([event.hart]) + encode_retire(event.state)


def decode_event(kind: int, data: bytes) -> Event:
    """Return the event of a frame, given its kind and payload.

    Raises:
        TraceError: it is damaged.
    """
    try:
        return _decode(kind, data)
    except (struct.error, ValueError, IndexError, TypeError):
        raise TraceError("an event of the trace is damaged") from None


def _decode(kind: int, data: bytes) -> Event:
    if kind == _INSN:
        return _decode_insn(data)
    if kind == _STORE:
        hart, paddr = _ADDR.unpack_from(data)
        return Store(hart, paddr, data[_ADDR.size :])
    if kind == _MARK:
        hart, enter, what, who, regions = json.loads(data)
        mark = Mark(hart, enter, what, who, tuple((name, addr, size) for name, addr, size in regions))
        if not isinstance(hart, int) or _encode(mark) != (kind, data):  # JSON, but nothing that was written as a mark
            raise ValueError
        return mark
    if kind == _SYNC:
        return Sync()
    if kind == _CHECKPOINT:
        return Checkpoint(data[0], decode_retire(data[1:]))
    raise TraceError(f"unknown event kind {kind}; written by a newer version?")


def encode_head(header: dict[str, Any]) -> bytes:
    """Return everything before the first event; the version of vctx is added unless the header has one."""
    text = json.dumps({"vctx": own_version()} | header, sort_keys=True).encode()
    return MAGIC + struct.pack("<I", len(text)) + text


class TraceWriter:
    """Write a trace; use as a context manager. On an exception the file is discarded.

    >>> import tempfile
    >>> from vctx.pymodel.trace import Store, Sync, TraceReader, TraceWriter
    >>> path = Path(tempfile.mkdtemp()) / "trace.vctx"
    >>> with TraceWriter(path, {"vlen": 128}) as writer:
    ...     writer.event(Store(0, 0x8000_0000, b"data"))
    ...     writer.event(Sync())
    >>> trace = TraceReader(path)
    >>> trace.header["vlen"]
    128
    >>> list(trace)
    [Store(hart=0, paddr=2147483648, data=b'data'), Sync()]

    Args:
        path: the file that appears when the trace is complete.
        header: JSON-able facts about the recording (vlen, harts, seed, command, ...); the version of vctx is added
            unless it is there, as it is in what somebody else recorded.

    Attributes:
        events: how many were written. partial: the file until the trace is complete.
    """

    def __init__(self, path: Path, header: dict[str, Any]) -> None:
        self.path = path
        self.events = 0
        self._pending: list[bytes] = []  # frames not written yet, in pieces
        self.partial = path.with_name(f"{path.name}.{os.getpid()}.part")
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove_abandoned(path)
        self._file = _create(self.partial)
        head = encode_head(header)
        self._crc = zlib.crc32(head)
        self._file.write(head)
        self._file.flush()  # whoever reads along needs it

    def event(self, event: Event) -> None:
        """Append one event."""
        if isinstance(event, Insn):
            self.insn(event.hart, event.pc, event.issue, event.retire)
            return
        kind, payload = _encode(event)
        self._pending += (FRAME.pack(kind, len(payload)), payload)
        self.events += 1
        if len(self._pending) >= _PENDING:
            self._write_pending()

    def insn(self, hart: int, pc: int, issue: Issue, retire: Retire) -> None:
        """Append the :class:`Insn` that these make."""
        parts = self._pending
        _add_insn(parts, hart, pc, issue, retire)
        self.events += 1
        if len(parts) >= _PENDING:
            self._write_pending()

    def copied(self, frames: bytes, count: int) -> None:
        """Append `count` events as they stand in another trace."""
        self._pending.append(frames)
        self.events += count
        self._write_pending()

    def _write_pending(self) -> None:
        frames = b"".join(self._pending)
        self._crc = zlib.crc32(frames, self._crc)
        self._file.write(frames)
        self._pending.clear()

    def __enter__(self) -> TraceWriter:
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        if exc_type is None:
            self._write_pending()
            self._file.write(FRAME.pack(_END, END_PAYLOAD.size) + END_PAYLOAD.pack(self.events, self._crc))
        self._file.close()
        if exc_type is None:
            self.partial.replace(self.path)
        else:
            self.partial.unlink(missing_ok=True)


def _create(partial: Path) -> BinaryIO:
    """Open a new file, locked for as long as it is open, so that no other writer takes it for an abandoned one."""
    while True:
        file = partial.open("wb")
        fcntl.flock(file, fcntl.LOCK_EX)
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(file.fileno()), partial.stat()):
                return file
        file.close()  # one did, before it was locked


def _remove_abandoned(path: Path) -> None:
    """Remove what writers of this trace left that were killed: those hold no lock any more."""
    for partial in path.parent.glob(f"{glob.escape(path.name)}.*.part"):
        with contextlib.suppress(OSError), partial.open("rb") as file:  # locked, gone by now, or somebody else's
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            partial.unlink()


def _of_another_format(number: int, header: dict[str, Any]) -> str:
    """Say who can read a trace of another format, and how to get one of this."""
    writer, command = header.get("vctx"), header.get("command")
    by = f"vctx {writer}, which" if isinstance(writer, str) else f"a vctx before {own_version()}, which alone"
    again = f"; what recorded it: {command}" if isinstance(command, str) and command else ""
    return (
        f"trace format {number} of {by} can read it; this is vctx {own_version()}, which reads format {FORMAT}{again}"
    )


class TraceReader:
    """Read a trace; iterate over it for its events, as often as wanted.

    Attributes:
        header: the recording's header.
        body: position of the first event in the file. crc: checksum of everything before it.

    Raises:
        TraceError: the file is missing, foreign, truncated or damaged; the last two are found while iterating.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            with path.open("rb") as file:
                self.header: dict[str, Any] = self._read_header(file)
                self.body = file.tell()
        except OSError as error:
            raise TraceError(f"{path}: {error.strerror}") from None

    def _read_header(self, file: BinaryIO) -> dict[str, Any]:
        magic = file.read(len(MAGIC))
        if not magic.startswith(_NAME) or not magic[len(_NAME) :].isdigit():
            raise TraceError(f"{self.path}: not a vctx trace (it does not start with {MAGIC.decode()})")
        try:
            size = file.read(4)
            (length,) = struct.unpack("<I", size)
            if length > _MOST_HEADER:
                raise ValueError
            text = file.read(length)
            self.crc = zlib.crc32(magic + size + text)
            header = json.loads(text)
        except (struct.error, ValueError, RecursionError):
            raise TraceError(f"{self.path}: truncated or damaged trace header") from None
        if len(text) != length or not isinstance(header, dict):
            raise TraceError(f"{self.path}: truncated or damaged trace header")
        if magic != MAGIC:
            raise TraceError(f"{self.path}: {_of_another_format(int(magic[len(_NAME) :]), header)}")
        return header

    def __iter__(self) -> Iterator[Event]:
        count, crc = 0, self.crc
        with self.path.open("rb") as file:
            file.seek(self.body)
            while True:
                head = file.read(FRAME.size)
                if len(head) < FRAME.size:
                    raise TraceError(f"{self.path}: truncated after {count} events")
                kind, length = FRAME.unpack(head)
                payload = file.read(length)
                if len(payload) < length:
                    raise TraceError(f"{self.path}: truncated after {count} events")
                if kind == _END:
                    more = file.read(1)
                    break
                crc = zlib.crc32(payload, zlib.crc32(head, crc))
                try:
                    event = decode_event(kind, payload)
                except TraceError as error:
                    raise TraceError(f"{self.path}: event {count}: {error}") from None
                yield event
                count += 1
        if more or payload != END_PAYLOAD.pack(count, crc):
            raise TraceError(f"{self.path}: damaged: event count or checksum does not match")
