# SPDX-License-Identifier: Apache-2.0
"""Stimulus of a batch replay: the events of a trace as records that the testbench in `tb/hdl/batch` reads.

Every record has 80 bytes, most significant byte first, and mirrors a `rec_*_t` of `tb/hdl/vctx_tb_pkg.sv`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vctx.pymodel.trace import TraceError
from vctx.pymodel.trace.bulk import (
    INSN_HEAD,
    RETIRE_HEAD,
    STORE_HEAD,
    XLAT,
    Array,
    Frames,
    Runs,
    copy_slices,
    gather,
    spread,
)
from vctx.pymodel.trace.file import KIND
from vctx.tb.replay.batch.names import Names
from vctx.tb.replay.layout import MANY, PAGES
from vctx.tb.replay.result import ReplayConfig

CONFIG = np.dtype(
    [
        ("kind", "u1"),
        ("harts", "u1"),
        ("fill", "u1"),
        ("is_random", "u1"),
        ("latency", "u1"),
        ("stall", "u1"),
        ("xlat", "u1"),
        ("pad", "u1"),
        ("seed", ">u8"),
        ("ram_base", ">u8"),
        ("ram_size", ">u8"),
        ("pad2", "u1", (48,)),
    ]
)
INSN = np.dtype(
    [
        ("kind", "u1"),
        ("hart", "u1"),
        ("prv", "u1"),
        ("flags", "u1"),
        ("irq_elem", ">u2"),
        ("fault0", "u1"),
        ("fault1", "u1"),
        ("pad", ">u4"),
        ("insn", ">u4"),
        ("rs1", ">u8"),
        ("rs2", ">u8"),
        ("vpn0", ">u8"),
        ("target0", ">u8"),
        ("vpn1", ">u8"),
        ("target1", ">u8"),
        ("pc", ">u8"),
        ("at", ">u4"),
        ("in_function", ">u2"),
        ("owner", ">u2"),
    ]
)
STORE = np.dtype(
    [
        ("kind", "u1"),
        ("hart", "u1"),
        ("pad", ">u2"),
        ("strb", ">u4"),
        ("addr", ">u8"),
        ("data", "u1", (32,)),
        ("pad2", "u1", (32,)),
    ]
)
RECORD_BYTES = 80
RECORD = np.dtype(f"V{RECORD_BYTES}")  # of any kind
LINE = 32  # bytes of a STORE
MOST_PAGES = 4096  # of an instruction: as many as there are elements
REC_CONFIG, REC_INSN, REC_STORE, REC_CHECKPOINT, REC_SYNC, REC_FLUSH, REC_END, REC_STOP, REC_PAGES = range(9)
assert CONFIG.itemsize == INSN.itemsize == STORE.itemsize == RECORD_BYTES


@dataclass(slots=True)
class Stimulus:
    """One chunk.

    Attributes:
        records: what the testbench is told, ended by a flush; `count` of them.
        place: the first record of each event among them.
        item: events (within the frames) that are observed, instructions and checkpoints, hart by hart.
        hart: of each item; retire, behind: where its expected record begins, and what is behind that.
        stores: the stores among the events; the owner is the event.
    """

    records: memoryview
    count: int
    place: Array
    item: Array
    hart: Array
    retire: Array
    behind: Array
    stores: Runs


def config_record(config: ReplayConfig) -> bytes:
    """Return the first record."""
    latency = config.latency
    record = np.zeros(1, CONFIG)
    record["kind"] = REC_CONFIG
    record["harts"] = config.harts
    record["fill"] = config.fill
    record["is_random"] = latency.random
    record["latency"] = latency.cycles
    record["stall"] = latency.stall
    record["xlat"] = latency.xlat
    record["seed"] = config.seed & 0xFFFFFFFF
    record["ram_base"] = config.ram_base
    record["ram_size"] = config.ram_size
    return record.tobytes()


def mark_record(kind: int) -> bytes:
    """Return a record that has nothing but a kind."""
    return bytes([kind]) + bytes(RECORD_BYTES - 1)


def encode(frames: Frames, config: ReplayConfig, names: Names | None = None) -> Stimulus:
    """Return the stimulus of one chunk; with `names`, it tells the testbench what waves are to show.

    Raises:
        TraceError: an event is for a hart that does not exist, or stores outside RAM.
    """
    event = np.flatnonzero(frames.kinds != KIND["mark"])  # those that the testbench is told of
    raw, kinds, starts = frames.raw, frames.kinds[event], frames.starts[event]
    is_insn, is_store = kinds == KIND["insn"], kinds == KIND["store"]
    is_check, is_sync = kinds == KIND["checkpoint"], kinds == KIND["sync"]
    hart = np.where(is_sync, np.uint8(0), raw[np.minimum(starts, len(raw) - 1)])  # a sync has no payload
    if hart.max(initial=0) >= config.harts:
        bad = frames.first + int(event[np.argmax(hart >= config.harts)])
        raise TraceError(f"event {bad} is for hart {hart.max()}, but the header says {config.harts} harts")

    insn = gather(raw, starts[is_insn], INSN_HEAD)
    pages = insn["pages"].astype(np.int64)
    shortest = INSN_HEAD.itemsize + RETIRE_HEAD.itemsize + pages * XLAT.itemsize
    if pages.max(initial=0) > MOST_PAGES or (frames.lengths[event[is_insn]] < shortest).any():
        raise TraceError("an event of the trace is damaged")
    store = gather(raw, starts[is_store], STORE_HEAD)
    length = frames.lengths[event[is_store]] - STORE_HEAD.itemsize
    if length.min(initial=0) < 0:
        raise TraceError("an event of the trace is damaged")
    addr = store["addr"].astype(np.int64)
    outside = (addr < config.ram_base) | (addr + length > config.ram_base + config.ram_size)
    if outside.any():
        first = int(np.argmax(outside))
        raise TraceError(f"a store of {length[first]} bytes at {addr[first]:#x} is outside RAM")
    lines = (addr + length + LINE - 1) // LINE - addr // LINE

    # Place of each event's records: trace order, but harts take turns between two points where all of them wait.
    counts = np.ones(len(event), np.int64)
    counts[is_store] = lines
    before = np.where(pages > PAGES, (pages + PAGES - 1) // PAGES, 0)  # records of pages ahead of an instruction
    counts[is_insn] += before
    place = np.cumsum(counts) - counts
    if config.harts > 1:
        order = _turns(hart, is_sync, event, frames)
        ends = np.cumsum(counts[order])
        place[order] = ends - counts[order]
    records = np.zeros(int(counts.sum()) + 1, RECORD)

    behind = starts + frames.lengths[event]
    _put_pages(records, raw, behind[is_insn], place[is_insn], insn, before)
    out = _insns(raw, behind[is_insn], insn)
    if names is not None:
        functions, owners = names.chunk(frames)
        out["at"] = frames.first + event[is_insn]
        out["in_function"], out["owner"] = functions[event[is_insn]], owners[event[is_insn]]
    _put(records, place[is_insn] + before, out)
    stores = Runs(event[is_store], addr, starts[is_store] + STORE_HEAD.itemsize, length)
    _put_stores(records, raw, place[is_store], store["hart"], stores, lines)
    _put_bare(records, place[is_check], REC_CHECKPOINT, hart[is_check])
    _put_bare(records, place[is_sync], REC_SYNC)
    _put_bare(records, np.array([-1]), REC_FLUSH)

    item = np.flatnonzero(is_insn | is_check)
    if config.harts > 1:
        item = item[np.argsort(hart[item], kind="stable")]
    retire = starts + 1
    retire[is_insn] = starts[is_insn] + INSN_HEAD.itemsize
    behind[is_insn] -= pages * XLAT.itemsize  # which are no part of the record
    at = np.zeros(len(frames), np.int64)
    at[event] = place
    return Stimulus(
        records.view(np.uint8).data, len(records), at, event[item], hart[item], retire[item], behind[item], stores
    )


def _turns(hart: Array, is_sync: Array, event: Array, frames: Frames) -> Array:
    """Return the order in which events are handed out, which are only some of the frames. A mark takes a turn, too."""
    hart_of = np.zeros(len(frames), np.uint8)
    hart_of[event] = hart
    syncs = np.zeros(len(frames), bool)
    syncs[event] = is_sync
    epoch = np.cumsum(syncs)  # a sync comes first in the epoch that it opens
    key = epoch[event] << 40
    for number in range(int(hart.max(initial=0)) + 1):
        so_far = np.cumsum((hart_of == number) & ~syncs)
        before = np.append(0, so_far[syncs])  # at the beginning of each epoch
        mine = np.flatnonzero((hart == number) & ~is_sync)
        key[mine] += (so_far[event[mine]] - before[epoch[event[mine]]] << 8) + number
    return np.argsort(key, kind="stable")


def _put(records: Array, place: Array, out: Array) -> None:
    """Put structures of some kind in their places."""
    records[place] = out.view(RECORD)


def _put_bare(records: Array, place: Array, kind: int, hart: Array | int = 0) -> None:
    out = np.zeros(len(place), INSN)
    out["kind"] = kind
    out["hart"] = hart
    _put(records, place, out)


def _put_pages(records: Array, raw: Array, ends: Array, place: Array, insn: Array, counts: Array) -> None:
    """Put the pages of instructions that have many of them in their places: `counts` records for each instruction."""
    owner = np.repeat(np.arange(len(insn)), counts)
    out = np.zeros(len(owner), INSN)
    out["kind"] = REC_PAGES
    out["hart"] = insn["hart"][owner]
    first = PAGES * (spread(np.zeros(len(insn), np.int64), counts))
    left = insn["pages"][owner].astype(np.int64) - first
    out["flags"] = np.minimum(left, PAGES) << 4
    for number in range(PAGES):
        given = np.flatnonzero(left > number)
        _put_page(out, given, number, gather(raw, ends[owner[given]] - (left[given] - number) * XLAT.itemsize, XLAT))
    _put(records, spread(place, counts), out)


def _insns(raw: Array, ends: Array, insn: Array) -> Array:
    """Return the records of instructions; their payloads end at `ends`, with the pages."""
    out = np.zeros(len(insn), INSN)
    out["kind"] = REC_INSN
    for name in ("hart", "prv", "irq_elem", "insn", "rs1", "rs2", "pc"):
        out[name] = insn[name]
    out["flags"] = insn["flags"] | np.where(insn["pages"] > PAGES, MANY, insn["pages"]).astype(np.uint8) << 4
    for number in range(PAGES):
        given = np.flatnonzero((insn["pages"] > number) & (insn["pages"] <= PAGES))
        back = insn["pages"][given].astype(np.int64) - number
        _put_page(out, given, number, gather(raw, ends[given] - back * XLAT.itemsize, XLAT))
    return out


def _put_page(out: Array, given: Array, number: int, xlat: Array) -> None:
    """Put answers of the translate port into place `number` of the records `given`."""
    out[f"fault{number}"][given] = xlat["fault"]
    out[f"vpn{number}"][given] = xlat["vpn"]
    out[f"target{number}"][given] = np.where(xlat["fault"] != 0, xlat["gpn"], xlat["ppn"])


def _put_stores(records: Array, raw: Array, place: Array, hart: Array, stores: Runs, lines: Array) -> None:
    first_line = np.cumsum(lines) - lines
    at = first_line * LINE + stores.addr % LINE
    image = np.zeros(int(lines.sum()) * LINE, np.uint8)
    copy_slices(raw, stores.start, image, at, stores.length)
    lanes = np.zeros(len(image), np.uint8)
    ones = np.ones(int(stores.length.max(initial=0)), np.uint8)
    copy_slices(ones, np.zeros(len(stores), np.int64), lanes, at, stores.length)
    out = np.zeros(int(lines.sum()), STORE)
    out["kind"] = REC_STORE
    out["hart"] = np.repeat(hart, lines)
    out["strb"] = np.packbits(lanes, bitorder="little").view("<u4")
    out["addr"] = spread(stores.addr // LINE * LINE, lines, LINE)
    out["data"] = image.reshape(-1, LINE)[:, ::-1]
    _put(records, spread(place, lines), out)
