"""The comparison of a batch replay: expected and observed records of a chunk against each other, in bulk.

What differs in bulk is looked at once more, one by one, with the comparator of the step-by-step replay: it alone
decides, and words the report.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from pymodel.trace import (
    MODE_NAMES,
    PAGE_SHIFT,
    PAGE_SIZE,
    Checkpoint,
    Difference,
    Event,
    Insn,
    Mark,
    TraceError,
    TraceReader,
    TraceWriter,
)
from pymodel.trace.bulk import Array, Frames, Records
from pymodel.trace.file import KIND, decode_event
from tb.accounting import FunctionCount, HartAccount, Interval
from tb.batch_observe import OBS, READ, Observed, address, four_valued, write_dtype
from tb.batch_stimulus import Stimulus
from tb.compare import compare
from tb.layout import error_texts
from tb.memory import GoldenImage
from tb.result import Mismatch, ReplayConfig, ReplayResult

_TRAP, _IRQ, _RD = 1, 2, 4  # flags of a record


class FlatImage:
    """What RAM must hold, as one array. Pages that are never written cost nothing."""

    def __init__(self, base: int, size: int, fill: int) -> None:
        self._base = base
        self._fill = fill
        self._bytes = np.zeros(size, np.uint8)  # of each byte its difference (XOR) from the fill pattern
        self._pages = np.zeros(-(-size // PAGE_SIZE), bool)

    def write(self, addr: Array, data: Array) -> None:
        """Write single bytes, in order; bytes outside RAM have nowhere to go."""
        offset = addr.astype(np.int64) - self._base
        inside = (offset >= 0) & (offset < len(self._bytes))
        if not inside.all():
            offset, data = offset[inside], data[inside]
        self._bytes[offset] = data ^ self._fill
        self._pages[offset >> PAGE_SHIFT] = True

    def differences(self, image: dict[int, str]) -> list[Difference]:
        """See `GoldenImage.differences`."""
        golden = GoldenImage(self._fill)
        for page in np.flatnonzero(self._pages):
            start = int(page) << PAGE_SHIFT
            golden.store(self._base + start, (self._bytes[start : start + PAGE_SIZE] ^ self._fill).tobytes())
        return golden.differences(image)


Source = Callable[[int], bytes]  # returns that many bytes of a stream, fewer only at its end


class Comparison:
    """The comparison so far: totals, accounts, the image of RAM.

    Args:
        streams: the files "obs", "vregs", "reads", "writes" of the testbench.
        four_state: the simulator writes unknown bits.
    """

    def __init__(
        self, config: ReplayConfig, streams: dict[str, Source], result: ReplayResult, *, four_state: bool
    ) -> None:
        self.config = config
        self.result = result
        self.image = FlatImage(config.ram_base, config.ram_size, config.fill)
        self._streams = streams
        self._four_state = four_state
        self._write = write_dtype(config.dlen)
        self._functions: dict[tuple[str, str], FunctionCount] = {}
        self._intervals: list[Interval] = []
        self._accounts = [HartAccount(h, self._functions, self._intervals) for h in range(config.harts)]
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
            pick = np.repeat(starts, reg_counts[order]) + _inside(reg_counts[order])
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
            hart = int(np.argmax(answered > asked))
            return self._unasked(seen.obs[seen.obs["hart"] == hart][asked[hart]], frames.first)
        item, hart, retire = _present(stimulus, seen, self.config.harts)
        want = Records(frames.raw, retire, self.config.vlen // 8)
        strobes = np.unpackbits(seen.writes["strb"], axis=1, bitorder="little")[:, : self.config.dlen // 8]
        suspects = np.flatnonzero(self._suspects(want, seen, strobes))
        found = self._first(frames, item, suspects, seen)
        end = found[0] if found else len(frames)
        if found is None and len(item) < len(stimulus.item):
            raise EOFError  # the testbench stopped without a word
        self._account(frames, stimulus, item, hart, end, seen, strobes)
        if found is not None:
            event, observation = found
            return self._mismatch(frames, event, observation)
        self.result.events += len(frames)
        self.image.write(*_in_order(item, want, stimulus))
        return None

    def _suspects(self, want: Records, seen: Observed, strobes: Array) -> Array:
        """Return which items may differ."""
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

        # Registers: the same ones, then the same bytes.
        counts = head["regs"].astype(np.int64)
        mask = np.zeros(len(obs), np.uint32)
        owner = np.repeat(np.arange(len(obs)), counts)
        np.bitwise_or.at(mask, owner, np.uint32(1) << want.regs.astype(np.uint32))
        bad |= mask != seen.fetched()
        good = counts == seen.reg_counts
        bad |= ~good
        left = want.reg_values[good[owner]]
        seen_owner = np.repeat(np.arange(len(obs)), seen.reg_counts)
        right = good[seen_owner]
        bad[owner[good[owner]][(left != seen.vregs[right]).any(1)]] = True
        if seen.vregs_unknown is not None:
            bad[seen_owner[seen.vregs_unknown.any(1)]] = True

        # Memory: the same number of bytes, then the same bytes in the same order.
        beat_owner = np.repeat(np.arange(len(obs)), seen.write_counts)
        stored = np.bincount(beat_owner, strobes.sum(1), len(obs)).astype(np.int64)
        good = want.mem_counts == stored
        bad |= ~good
        strobed = strobes.astype(bool)
        byte_owner = np.repeat(np.arange(len(obs)), want.mem_counts)
        lanes = address(seen.writes["addr"])[:, None] + np.arange(strobes.shape[1])
        chosen = strobed & good[beat_owner][:, None]
        mine = good[byte_owner]
        wrong = want.mem_addr[mine].astype(np.int64) != lanes[chosen]
        wrong |= want.mem_data[mine] != seen.writes["data"][chosen]
        bad[byte_owner[mine][wrong]] = True
        if seen.writes_unknown is not None:
            unknown = (seen.writes_unknown["data"] != 0) & strobed
            unknown[:, 0] |= seen.writes_unknown["strb"].any(1) | seen.writes_unknown["addr"].any(1)
            bad[beat_owner[unknown.any(1)]] = True
        return bad

    def _first(self, frames: Frames, item: Array, suspects: Array, seen: Observed):  # type: ignore[no-untyped-def]
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

    def _mismatch(self, frames: Frames, event: int, seen) -> Mismatch:  # type: ignore[no-untyped-def]
        expected = decode_event(int(frames.kinds[event]), frames.payload(event))
        index = frames.first + event
        assert isinstance(expected, Insn | Checkpoint)
        where, who = self._accounts[expected.hart].where
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

    def _write_observed(self, index: int, expected: Insn | Checkpoint, seen) -> None:  # type: ignore[no-untyped-def]
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

    def _account(
        self,
        frames: Frames,
        stimulus: Stimulus,
        item: Array,
        hart: Array,
        end: int,
        seen: Observed,
        strobes: Array,
    ) -> None:
        """Count the events before `end`, hart by hart, in pieces between marks."""
        result = self.result
        kinds = frames.kinds[:end]
        result.stores += int((kinds == KIND["store"]).sum())
        result.checkpoints += int((kinds == KIND["checkpoint"]).sum())
        is_insn = (frames.kinds[item] == KIND["insn"]) & (item < end)
        beat_bytes = self.config.dlen // 8
        written = np.bincount(np.repeat(np.arange(len(item)), seen.write_counts), strobes.sum(1), len(item))
        columns = np.stack(
            [
                is_insn,
                is_insn * seen.obs["cycles"],
                is_insn * seen.bytes_read,
                is_insn * written,
                is_insn * seen.bus_busy,
            ],
            axis=1,
        ).astype(np.int64)
        running = np.vstack([np.zeros((1, 5), np.int64), np.cumsum(columns, axis=0)])
        result.instructions += int(running[-1, 0])
        result.cycles += int(running[-1, 1])
        result.bytes_read += int(running[-1, 2])
        result.bytes_written += int(running[-1, 3])
        result.bus_busy += int(running[-1, 4])
        read_ends = np.concatenate([[0], np.cumsum(seen.read_counts)])
        write_ends = np.concatenate([[0], np.cumsum(seen.write_counts)])
        burst_addr = address(seen.reads["addr"]) & -beat_bytes
        burst_length = (seen.reads["len"].astype(np.int64) + 1) * beat_bytes
        beat_addr = address(seen.writes["addr"])

        def charge(account: HartAccount, first: int, last: int) -> None:
            if first == last:
                return
            count, cycles, bytes_read, bytes_written, _ = (running[last] - running[first]).tolist()
            reads = slice(read_ends[first], read_ends[last] if account.wants_traffic else read_ends[first])
            writes = slice(write_ends[first], write_ends[last] if account.wants_traffic else write_ends[first])
            account.instructions(
                count,
                cycles,
                bytes_read,
                bytes_written,
                (burst_addr[reads], burst_length[reads]),
                (beat_addr[writes], strobes[writes]),
            )

        starts = np.searchsorted(hart, np.arange(self.config.harts + 1))
        stops = [int(s + np.searchsorted(item[s:e], end)) for s, e in itertools.pairwise(starts)]
        done = [int(start) for start in starts[:-1]]
        for event, mark in _marks(frames, end):
            if mark.hart >= self.config.harts:
                raise TraceError(
                    f"event {frames.first + event} is for hart {mark.hart}, "
                    f"but the header says {self.config.harts} harts"
                )
            at = int(starts[mark.hart] + np.searchsorted(item[starts[mark.hart] : starts[mark.hart + 1]], event))
            charge(self._accounts[mark.hart], done[mark.hart], at)
            done[mark.hart] = at
            self._accounts[mark.hart].mark(frames.first + event, mark)
        for number, account in enumerate(self._accounts):
            charge(account, done[number], stops[number])

    def surplus(self) -> Mismatch | None:
        """Return a mismatch if there are observations that nothing in the trace explains."""
        obs, _ = self._fetch("obs", OBS, 1)
        return self._unasked(obs[0], self.result.events) if len(obs) else None

    def _unasked(self, obs: np.void, index: int) -> Mismatch:
        found = [Difference("protocol", "none", text) for text in error_texts(int(obs["errors"]))]
        return Mismatch(index, "unasked", int(obs["hart"]), found, self.config.command)

    def finish(self) -> None:
        """Put the accounts into the result."""
        self.result.functions = [f for f in self._functions.values() if f.calls or f.instructions]
        self.result.intervals = sorted(self._intervals, key=lambda interval: interval.index)


def _inside(counts: Array) -> Array:
    ends = np.cumsum(counts)
    out: Array = np.arange(ends[-1] if len(ends) else 0) - np.repeat(ends - counts, counts)
    return out


def _present(stimulus: Stimulus, seen: Observed, harts: int) -> tuple[Array, Array, Array]:
    """Return (item, hart, retire) of the items that were observed."""
    if len(seen.obs) == len(stimulus.item):
        return stimulus.item, stimulus.hart, stimulus.retire
    keep = np.zeros(len(stimulus.item), bool)
    for hart in range(harts):
        mine = np.flatnonzero(stimulus.hart == hart)
        keep[mine[: int((seen.obs["hart"] == hart).sum())]] = True
    return stimulus.item[keep], stimulus.hart[keep], stimulus.retire[keep]


def _in_order(item: Array, want: Records, stimulus: Stimulus) -> tuple[Array, Array]:
    """Return (address, byte) of everything that a chunk writes to memory, in trace order."""
    event = np.concatenate([np.repeat(item, want.mem_counts), stimulus.stores.event])
    order = np.argsort(event, kind="stable")
    addr = np.concatenate([want.mem_addr.astype(np.int64), stimulus.stores.addr])
    data = np.concatenate([want.mem_data, stimulus.stores.data])
    return addr[order], data[order]


def _marks(frames: Frames, end: int) -> Iterator[tuple[int, Mark]]:
    """Yield the marks before event `end`, with their places in the frames."""
    for event in np.flatnonzero(frames.kinds[:end] == KIND["mark"]):
        mark = decode_event(KIND["mark"], frames.payload(int(event)))
        assert isinstance(mark, Mark)
        yield int(event), mark
