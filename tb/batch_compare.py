"""The comparison of a batch replay: expected and observed records of a chunk against each other, in bulk.

What differs in bulk is looked at once more, one by one, with the comparator of the step-by-step replay: it alone
decides, and words the report.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from pymodel.trace import (
    MODE_NAMES,
    Checkpoint,
    Difference,
    Event,
    Insn,
    Mark,
    TraceReader,
    TraceWriter,
)
from pymodel.trace.bulk import Array, Frames, Records, Runs, joined, spread
from pymodel.trace.file import KIND, decode_event
from tb.batch_account import COLUMNS, BatchAccounts, Items
from tb.batch_image import FlatImage
from tb.batch_observe import OBS, READ, Observed, address, four_valued, write_dtype
from tb.batch_stimulus import Stimulus
from tb.compare import compare
from tb.layout import error_texts
from tb.observe import Observation
from tb.result import Mismatch, ReplayConfig, ReplayResult

_TRAP, _IRQ, _RD = 1, 2, 4  # flags of a record
_KNOWN_MARKS = 10_000  # kept, so that memory has a bound


Source = Callable[[int], bytes]  # returns that many bytes of a stream, fewer only at its end


class Comparison:
    """The comparison so far: totals, accounts, the image of RAM.

    Args:
        streams: the files "obs", "vregs", "reads", "writes" of the testbench.
        four_state: the simulator writes unknown bits.
    """

    def __init__(
        self, config: ReplayConfig, streams: Mapping[str, Source], result: ReplayResult, *, four_state: bool
    ) -> None:
        self.config = config
        self.result = result
        self.image = FlatImage(config.ram_base, config.ram_size, config.fill)
        self._streams = streams
        self._four_state = four_state
        self._write = write_dtype(config.dlen)
        self._accounts = BatchAccounts(config.harts)
        self._known_marks: dict[bytes, Mark] = {}
        self._records = 1  # of the stimulus before this chunk
        self._last = np.zeros((config.harts, 4), np.int64)  # totals at each hart's last observation

    # Fetching -------------------------------------------------------------------------------------------------------

    def _fetch(self, name: str, dtype: np.dtype, count: int) -> tuple[Array, Array | None]:
        """Return up to `count` records of a stream, and their unknown bits."""
        size = dtype.itemsize
        if not self._four_state:
            data = self._streams[name](count * size)
            return np.frombuffer(data[: len(data) // size * size], dtype), None
        data = self._streams[name](2 * count * size)
        value, unknown = four_valued(data[: len(data) // (2 * size) * 2 * size])
        return value.view(dtype), unknown.view(dtype) if unknown.any() else None

    def fetch(self, stimulus: Stimulus) -> Observed:
        """Return what was observed of a chunk; fewer items than the chunk has if the testbench gave up."""
        obs, obs_u = self._fetch("obs", OBS, len(stimulus.item))
        order = np.argsort(obs["hart"], kind="stable")
        mask = obs["vd_mask"] | obs["changed"]
        if obs_u is not None:
            mask = mask | obs_u["vd_mask"] | obs_u["changed"]
        reg_counts = np.unpackbits(np.ascontiguousarray(mask).view(np.uint8).reshape(-1, 4), axis=1).sum(1, np.int64)
        vlenb = self.config.vlen // 8
        rows, rows_u = self._fetch("vregs", np.dtype([("value", "u1", (vlenb,))]), int(reg_counts.sum()))
        rows = rows["value"]
        rows_u = None if rows_u is None else rows_u["value"]
        if self.config.harts > 1:
            ends = np.cumsum(reg_counts)
            starts = (ends - reg_counts)[order]
            pick = spread(starts, reg_counts[order])
            rows, rows_u = rows[pick], None if rows_u is None else rows_u[pick]
            obs, reg_counts = obs[order], reg_counts[order]
            obs_u = None if obs_u is None else obs_u[order]
        names = ("bus_busy", "read_bursts", "read_beats", "write_beats")
        totals = np.stack([obs[name].astype(np.int64) for name in names], axis=1)
        before = np.empty_like(totals)
        last = self._last.copy()
        for hart in range(self.config.harts):
            mine = np.flatnonzero(obs["hart"] == hart)
            if len(mine):
                before[mine[1:]] = totals[mine[:-1]]
                before[mine[0]] = last[hart]
                self._last[hart] = totals[mine[-1]]
        busy, bursts, beats, written = ((totals - before) & 0xFFFFFFFF).T
        reads, _ = self._fetch("reads", READ, int(bursts.sum()))
        writes, writes_u = self._fetch("writes", self._write, int(written.sum()))
        if self.config.harts > 1:
            reads = reads[np.argsort(reads["hart"], kind="stable")]
            by_hart = np.argsort(writes["hart"], kind="stable")
            writes = writes[by_hart]
            writes_u = None if writes_u is None else writes_u[by_hart]
        beat_bytes = self.config.dlen // 8
        return Observed(
            obs, obs_u, reg_counts, rows, rows_u, written, writes, writes_u, bursts, reads, busy, beats * beat_bytes
        )

    # Comparing ------------------------------------------------------------------------------------------------------

    def chunk(self, frames: Frames, stimulus: Stimulus) -> Mismatch | None:
        """Compare one chunk and account for it; return the first mismatch."""
        seen = self.fetch(stimulus)
        asked = np.bincount(stimulus.hart, minlength=self.config.harts)
        answered = np.bincount(seen.obs["hart"], minlength=self.config.harts)
        if (answered > asked).any():
            number = int(np.argmax(answered > asked))
            self.result.failed_record = self._records
            return self._unasked(seen.obs[seen.obs["hart"] == number][asked[number]], frames.first)
        item, hart, retire = _present(stimulus, seen, self.config.harts)
        want = Records(frames, retire, self.config.vlen // 8)
        strobes = np.unpackbits(seen.writes["strb"], axis=1, bitorder="little")[:, : self.config.dlen // 8]
        bad = _bad_fields(want, seen) | _bad_registers(want, seen) | _bad_memory(frames.data, want.runs, seen, strobes)
        suspects = np.flatnonzero(bad)
        found = self._first(frames, item, suspects, seen)
        end = found[0] if found else len(frames)
        if found is None and len(item) < len(stimulus.item):
            raise EOFError  # the testbench stopped without a word
        self._account(frames, self._items(frames, item, hart, seen, strobes), end)
        if found is not None:
            event, observation = found
            self.result.failed_record = self._records + int(stimulus.place[event])
            return self._mismatch(frames, event, observation)
        self.result.events += len(frames)
        self._records += stimulus.count
        stored = want.runs
        stored.owner = item[stored.owner]
        self.image.write(memoryview(frames.data), Runs.merged(stored, stimulus.stores))
        return None

    def _first(self, frames: Frames, item: Array, suspects: Array, seen: Observed) -> tuple[int, Observation] | None:
        """Return (event within the frames, observation) of the first item that really differs, or None."""
        for number in suspects[np.argsort(item[suspects])]:
            event = int(item[number])
            expected = decode_event(int(frames.kinds[event]), frames.payload(event))
            assert isinstance(expected, Insn | Checkpoint)
            checkpoint = isinstance(expected, Checkpoint)
            observation = seen.observation(int(number), self.config.dlen, checkpoint=checkpoint)
            if compare(expected.state if isinstance(expected, Checkpoint) else expected.retire, observation):
                return event, observation
        return None

    def _mismatch(self, frames: Frames, event: int, seen: Observation) -> Mismatch:
        expected = decode_event(int(frames.kinds[event]), frames.payload(event))
        index = frames.first + event
        assert isinstance(expected, Insn | Checkpoint)
        where, who = self._accounts.harts[expected.hart].where
        record = expected.state if isinstance(expected, Checkpoint) else expected.retire
        kind = "checkpoint" if isinstance(expected, Checkpoint) else "instruction"
        found = compare(record, seen)
        mismatch = Mismatch(index, kind, expected.hart, found, self.config.command, where=where, who=who)
        if isinstance(expected, Insn):
            from pymodel.isa import disassemble  # loads the whole model, which a replay that agrees never needs

            mismatch.pc = expected.pc
            mismatch.insn = expected.issue.insn
            mismatch.disassembly = disassemble(expected.issue.insn)
            mismatch.mode = MODE_NAMES[(expected.issue.prv, expected.issue.virt)]
        self._write_observed(index, expected, seen)
        return mismatch

    def _write_observed(self, index: int, expected: Insn | Checkpoint, seen: Observation) -> None:
        """Write the observed trace up to the mismatch, which it includes unless it holds unknown bits."""
        reader = TraceReader(Path(self.config.trace))
        with TraceWriter(self.config.observed, reader.header) as writer:
            for number, event in enumerate(reader):
                if number == index:
                    break
                writer.event(event)
            if not seen.unknown:
                last: Event
                if isinstance(expected, Insn):
                    last = Insn(expected.hart, expected.pc, expected.issue, seen.retire)
                else:
                    last = Checkpoint(expected.hart, seen.retire)
                writer.event(last)

    # Accounting -----------------------------------------------------------------------------------------------------

    def _items(self, frames: Frames, item: Array, hart: Array, seen: Observed, strobes: Array) -> Items:
        """Return what is charged for each item; a checkpoint costs nothing."""
        beat_bytes = self.config.dlen // 8
        written = np.bincount(np.repeat(np.arange(len(item)), seen.write_counts), strobes.sum(1), len(item))
        is_insn = frames.kinds[item] == KIND["insn"]
        columns = (is_insn, seen.obs["cycles"], seen.bytes_read, written, seen.bus_busy)
        totals = np.stack([column * is_insn for column in columns], axis=1).astype(np.int64)
        return Items(
            item,
            hart,
            totals,
            seen.read_counts,
            address(seen.reads["addr"]) & -beat_bytes,
            (seen.reads["len"].astype(np.int64) + 1) * beat_bytes,
            seen.write_counts,
            address(seen.writes["addr"]),
            strobes,
        )

    def _account(self, frames: Frames, items: Items, end: int) -> None:
        """Count the events before `end`."""
        result = self.result
        kinds = frames.kinds[:end]
        result.stores += int((kinds == KIND["store"]).sum())
        result.checkpoints += int((kinds == KIND["checkpoint"]).sum())
        sums = self._accounts.chunk(frames.first, items, self._marks(frames, end), end)
        for name, value in zip(COLUMNS, sums, strict=True):
            setattr(result, name, getattr(result, name) + value)

    def _marks(self, frames: Frames, end: int) -> list[tuple[int, Mark]]:
        """Return the marks before event `end`, with their places in the frames. Few of them are new."""
        out = []
        known, data = self._known_marks, frames.data
        events = np.flatnonzero(frames.kinds[:end] == KIND["mark"])
        starts = frames.starts[events]
        stops = starts + frames.lengths[events]
        for event, start, stop in zip(events.tolist(), starts.tolist(), stops.tolist(), strict=True):
            payload = data[start:stop]
            mark = known.get(payload)
            if mark is None:
                if len(known) >= _KNOWN_MARKS:
                    known.clear()
                decoded = decode_event(KIND["mark"], payload)
                assert isinstance(decoded, Mark)
                mark = known[payload] = decoded
            out.append((event, mark))
        return out

    def surplus(self) -> Mismatch | None:
        """Return a mismatch if there are observations that nothing in the trace explains."""
        obs, _ = self._fetch("obs", OBS, 1)
        return self._unasked(obs[0], self.result.events) if len(obs) else None

    def _unasked(self, obs: np.void, index: int) -> Mismatch:
        found = [Difference("protocol", "none", text) for text in error_texts(int(obs["errors"]))]
        return Mismatch(index, "unasked", int(obs["hart"]), found, self.config.command)

    def finish(self) -> None:
        """Put the accounts into the result."""
        self.result.functions, self.result.visits = self._accounts.finish()


def _present(stimulus: Stimulus, seen: Observed, harts: int) -> tuple[Array, Array, Array]:
    """Return (item, hart, retire) of the items that were observed."""
    if len(seen.obs) == len(stimulus.item):
        return stimulus.item, stimulus.hart, stimulus.retire
    keep = np.zeros(len(stimulus.item), bool)
    for hart in range(harts):
        mine = np.flatnonzero(stimulus.hart == hart)
        keep[mine[: int((seen.obs["hart"] == hart).sum())]] = True
    return stimulus.item[keep], stimulus.hart[keep], stimulus.retire[keep]


def _bad_fields(want: Records, seen: Observed) -> Array:
    """Return which items have a protocol error, an unknown bit, or a field that differs."""
    head, obs = want.head, seen.obs
    flags = head["flags"]
    trap, rd = flags & _TRAP != 0, flags & _RD != 0
    bad: Array = obs["errors"] != 0
    bad |= (obs["trap"] != 0) != trap
    bad |= (obs["irq"] != 0) != (flags & _IRQ != 0)
    bad |= (obs["rd_we"] != 0) != rd
    for name in ("cause", "tval", "tval2"):
        bad |= trap & (obs[name] != head[name])
    bad |= rd & (obs["rd"] != head["rd"])
    for name in ("vl", "vtype", "vstart", "vcsr", "mstatus_vs", "vsstatus_vs"):
        bad |= obs[name] != head[name]
    if seen.obs_unknown is not None:
        bad |= seen.obs_unknown.view(np.uint8).reshape(len(obs), -1).any(1)
    return bad


def _bad_registers(want: Records, seen: Observed) -> Array:
    """Return which items wrote other registers than they should, or other bytes."""
    counts = want.head["regs"].astype(np.int64)
    mask = np.zeros(len(counts), np.uint32)
    owner = np.repeat(np.arange(len(counts)), counts)
    np.bitwise_or.at(mask, owner, np.uint32(1) << want.regs.astype(np.uint32))
    bad: Array = mask != seen.fetched()
    good = counts == seen.reg_counts
    bad |= ~good
    left, owner = want.reg_values, owner
    right, seen_owner = seen.vregs, np.repeat(np.arange(len(counts)), seen.reg_counts)
    if not good.all():
        left, owner = left[good[owner]], owner[good[owner]]
        right = right[good[seen_owner]]
    bad[owner[(left != right).any(1)]] = True
    if seen.vregs_unknown is not None:
        bad[seen_owner[seen.vregs_unknown.any(1)]] = True
    return bad


def _bad_memory(data: bytes, runs: Runs, seen: Observed, strobes: Array) -> Array:
    """Return which items stored another number of bytes than they should, to other addresses, or other bytes.

    Order counts, too: what differs in that alone is found equal when it is looked at once more.
    """
    items = len(seen.obs)
    owner = np.repeat(np.arange(items), seen.write_counts)
    beats, count = seen.writes, np.bitwise_count(seen.writes["strb"]).sum(1, np.int64)
    good = np.bincount(runs.owner, runs.length, items) == np.bincount(owner, count, items)
    bad: Array = ~good
    if seen.writes_unknown is not None:
        unknown = (seen.writes_unknown["data"] != 0) & (strobes != 0)
        unknown[:, 0] |= seen.writes_unknown["strb"].any(1) | seen.writes_unknown["addr"].any(1)
        bad[owner[unknown.any(1)]] = True
    keep = count > 0
    if not good.all():
        runs, keep = runs.pick(good[runs.owner]), keep & good[owner]
    if not keep.all():
        owner, beats, count, strobes = owner[keep], beats[keep], count[keep], strobes[keep]
    if not len(owner):
        return bad

    # Both sides are streams of the same length. Their bytes:
    lanes = strobes.shape[1]
    full = count == lanes
    stored = beats["data"].reshape(-1) if full.all() else beats["data"][strobes != 0]
    wrong = np.flatnonzero(stored != joined(data, runs.start, runs.length))
    ends = np.cumsum(count)
    bad[owner[np.searchsorted(ends, wrong, side="right")]] = True

    # Their addresses: of the first byte of each beat, and of every byte where a beat has gaps or touches two runs.
    first = np.where(full, 0, strobes.argmax(1))
    last = lanes - 1 - np.where(full, 0, strobes[:, ::-1].argmax(1))
    base, position = address(beats["addr"]), ends - count
    run_ends = np.cumsum(runs.length)
    to_addr = runs.addr - (run_ends - runs.length)  # add the position in the stream
    run = np.searchsorted(run_ends, position, side="right")
    bad[owner[base + first != to_addr[run] + position]] = True
    odd = np.flatnonzero((last - first + 1 != count) | (ends > run_ends[run]))
    if len(odd):
        at = spread(position[odd], count[odd])
        run = np.searchsorted(run_ends, at, side="right")
        seen_addr = (base[odd][:, None] + np.arange(lanes))[strobes[odd] != 0]
        bad[np.repeat(owner[odd], count[odd])[seen_addr != to_addr[run] + at]] = True
    return bad
