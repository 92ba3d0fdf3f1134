# SPDX-License-Identifier: Apache-2.0
"""The comparison of a batch replay: expected and observed records of a chunk against each other, in bulk.

What differs in bulk is looked at once more, one by one, with the comparator of the step-by-step replay: it alone
decides, and words the report.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from vctx.pymodel.trace import (
    Checkpoint,
    Difference,
    Event,
    Insn,
    TraceReader,
    TraceWriter,
)
from vctx.pymodel.trace.bulk import Array, Frames, Records, Runs, copy_slices, joined, spread, sums
from vctx.pymodel.trace.file import KIND, decode_event
from vctx.tb.replay.batch.account import COLUMNS, BatchAccounts, Items
from vctx.tb.replay.batch.going_on import Departed, GoingOn
from vctx.tb.replay.batch.image import FlatImage
from vctx.tb.replay.batch.observe import ObservationReader, Observed, Source, strobed_lanes
from vctx.tb.replay.batch.stimulus import Stimulus
from vctx.tb.replay.compare import compare
from vctx.tb.replay.layout import error_texts
from vctx.tb.replay.observation import Observation
from vctx.tb.replay.report import history, mismatch_at, where_at
from vctx.tb.replay.result import Mismatch, ReplayConfig, ReplayResult
from vctx.tb.replay.timing import TIMING, TIMING_FILE

_TRAP, _IRQ, _RD = 1, 2, 4  # flags of a record
_INSTRUCTIONS = COLUMNS.index("instructions")


class Comparison:
    """The comparison so far: totals, accounts, the image of RAM.

    Args:
        streams: the files "obs", "vregs", "reads", "writes" of the testbench.
        four_state: the simulator writes unknown bits.

    Attributes:
        departed: the first mismatch, if the comparison went on behind it.
    """

    departed: Mismatch | None = None

    def __init__(
        self, config: ReplayConfig, streams: Mapping[str, Source], result: ReplayResult, *, four_state: bool
    ) -> None:
        self.config = config
        self.result = result
        self.image = FlatImage(config.ram_base, config.ram_size, config.fill)
        self._seen = ObservationReader(config, streams, four_state=four_state)
        self._accounts = BatchAccounts(config.harts)
        self._records = 1  # of the stimulus before this chunk
        self._timing = Path(config.out_dir, TIMING_FILE)
        self._timing.unlink(missing_ok=True)
        self._going_on = GoingOn(config) if config.keep_going else None

    # Comparing ------------------------------------------------------------------------------------------------------

    def chunk(self, frames: Frames, stimulus: Stimulus) -> Mismatch | None:
        """Compare one chunk and account for it; return the first mismatch."""
        seen = self._seen.chunk(len(stimulus.item))
        if self._going_on is not None:
            self._going_on.fresh_errors(seen)
        asked = np.bincount(stimulus.hart, minlength=self.config.harts)
        answered = np.bincount(seen.obs["hart"], minlength=self.config.harts)
        if (answered > asked).any():
            number = int(np.argmax(answered > asked))
            self.result.failed_record = self._records
            return self._unasked(seen.obs[seen.obs["hart"] == number][asked[number]], frames.first)
        present = _present(stimulus, seen, self.config.harts)
        item, hart = stimulus.item[present], stimulus.hart[present]
        want = Records(frames, stimulus.retire[present], stimulus.behind[present], self.config.vlen // 8)
        bad = _bad_fields(want, seen) | _bad_registers(want, seen)
        bad |= _bad_memory(frames.raw, want.runs, seen, self.config.dlen)
        differing = self._differing(frames, item, np.flatnonzero(bad), seen)
        stopped = len(item) < len(stimulus.item)
        end = int(np.setdiff1d(stimulus.item, item)[0]) if stopped else len(frames)
        found = next(differing, None)
        if self._going_on is not None:
            every = [] if found is None else [found, *differing]
            if found is not None and self.departed is None:
                self.result.failed_record = self._records + int(stimulus.place[found.event])
                self.departed = self._mismatch(frames, found)
            self._going_on.chunk(frames, hart, want, seen, every, end)
            found = None
        if found is not None:
            end = found.event
        elif stopped:
            self.result.events += end
            raise EOFError  # the testbench stopped without a word
        items = self._items(frames, item, hart, seen)
        self._account(frames, items, end)
        self._note_times(frames, items, seen, end)
        if found is not None:
            self.result.failed_record = self._records + int(stimulus.place[found.event])
            self._write_observed(frames.first + found.event, found.expected, found.observation)
            return self._mismatch(frames, found)
        self.result.events += len(frames)
        self._records += stimulus.count
        stored = want.runs
        stored.owner = item[stored.owner]
        self.image.write(frames.raw, Runs.merged(stored, stimulus.stores))
        return None

    def _differing(self, frames: Frames, item: Array, suspects: Array, seen: Observed) -> Iterator[Departed]:
        """Yield the items that really differ, in the order of the trace."""
        for number in suspects[np.argsort(item[suspects])]:
            event = int(item[number])
            expected = decode_event(int(frames.kinds[event]), frames.payload(event))
            assert isinstance(expected, Insn | Checkpoint)
            checkpoint = isinstance(expected, Checkpoint)
            observation = seen.observation(int(number), self.config.dlen, checkpoint=checkpoint)
            if compare(expected.state if isinstance(expected, Checkpoint) else expected.retire, observation):
                yield Departed(int(number), event, expected, observation)

    def _mismatch(self, frames: Frames, found: Departed) -> Mismatch:
        expected, seen, index = found.expected, found.observation, frames.first + found.event
        record = expected.state if isinstance(expected, Checkpoint) else expected.retire
        kind = "checkpoint" if isinstance(expected, Checkpoint) else "instruction"
        insn = expected if isinstance(expected, Insn) else None
        return self._report(index, kind, compare(record, seen), expected.hart, seen.time, insn)

    def _report(
        self, index: int, kind: str, found: list[Difference], hart: int, time: int | None, insn: Insn | None = None
    ) -> Mismatch:
        config, trace = self.config, TraceReader(Path(self.config.trace))
        return mismatch_at(
            index,
            kind,
            found,
            command=config.command,
            programs=config.programs,
            hart=hart,
            insn=insn,
            before=history(trace, index, hart),
            where=where_at(trace, index, hart),
            time=time,
        )

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

    def _items(self, frames: Frames, item: Array, hart: Array, seen: Observed) -> Items:
        """Return what is charged for each item; a checkpoint costs nothing."""
        beat_bytes = self.config.dlen // 8
        is_insn = frames.kinds[item] == KIND["insn"]
        columns = (is_insn, seen.obs["cycles"], seen.bytes_read, seen.bytes_written(), seen.bus_busy)
        totals = np.empty((len(columns), len(item)), np.int64)
        for total, column in zip(totals, columns, strict=True):
            np.multiply(column, is_insn, out=total)
        return Items(
            item,
            hart,
            totals,
            seen.read_counts,
            seen.burst_addr() & -beat_bytes,
            seen.burst_beats() * beat_bytes,
            seen.write_counts,
            seen.beat_addr,
            seen.strobed,
            seen.writes["strb"],
            beat_bytes,
        )

    def _account(self, frames: Frames, items: Items, end: int) -> None:
        """Count the events before `end`."""
        result = self.result
        kinds = frames.kinds[:end]
        result.stores += int(np.count_nonzero(kinds == KIND["store"]))
        result.checkpoints += int(np.count_nonzero(kinds == KIND["checkpoint"]))
        sums = self._accounts.chunk(frames, items, end)
        for name, value in zip(COLUMNS, sums, strict=True):
            setattr(result, name, getattr(result, name) + value)

    def _note_times(self, frames: Frames, items: Items, seen: Observed, end: int) -> None:
        """Write when each instruction before event `end` retired."""
        noted = np.flatnonzero((items.event < end) & (items.totals[_INSTRUCTIONS] != 0))
        out = np.empty(len(noted), TIMING)
        out["event"] = frames.first + items.event[noted]
        out["at"] = seen.obs["at"][noted]
        for name, column in (("cycles", "cycles"), ("read", "bytes_read"), ("written", "bytes_written")):
            out[name] = items.totals[COLUMNS.index(column)][noted]
        with self._timing.open("ab") as file:
            out.tofile(file)

    def surplus(self) -> Mismatch | None:
        """Return a mismatch if there are observations that nothing in the trace explains."""
        obs = self._seen.surplus()
        return None if obs is None else self._unasked(obs, self.result.events)

    def _unasked(self, obs: np.void, index: int) -> Mismatch:
        found = [Difference("protocol", "none", text) for text in error_texts(int(obs["errors"]))]
        return self._report(index, "unasked", found, int(obs["hart"]), int(obs["at"]))

    def finish(self) -> None:
        """Put the accounts into the result."""
        self.result.functions, self.result.visits = self._accounts.finish()
        if self._going_on is not None:
            self._going_on.finish(self.result)


def _present(stimulus: Stimulus, seen: Observed, harts: int) -> Array | slice:
    """Return which items were observed."""
    if len(seen.obs) == len(stimulus.item):
        return slice(None)
    keep = np.zeros(len(stimulus.item), bool)
    for hart in range(harts):
        mine = np.flatnonzero(stimulus.hart == hart)
        keep[mine[: int((seen.obs["hart"] == hart).sum())]] = True
    return keep


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
    counts = want.reg_counts
    owner = np.repeat(np.arange(len(counts)), counts)
    good = counts == seen.reg_counts
    bad: Array = (want.head["regs"] != seen.fetched) | ~good
    left, right = want.reg_values.view(np.uint64), np.ascontiguousarray(seen.vregs).view(np.uint64)
    seen_owner = owner
    if not good.all():
        seen_owner = np.repeat(np.arange(len(counts)), seen.reg_counts)
        left, owner = left[good[owner]], owner[good[owner]]
        right = right[good[seen_owner]]
    wrong = left != right
    if wrong.any():
        bad[owner[wrong.any(1)]] = True
    if seen.vregs_unknown is not None:
        bad[seen_owner[seen.vregs_unknown.any(1)]] = True
    return bad


def _bad_memory(raw: Array, runs: Runs, seen: Observed, dlen: int) -> Array:
    """Return which items stored another number of bytes than they should, to other addresses, or other bytes.

    Order counts, too: what differs in that alone is found equal when it is looked at once more.
    """
    items, lanes = len(seen.obs), dlen // 8
    owner = np.repeat(np.arange(items), seen.write_counts)
    beats, count, base = seen.writes, seen.strobed, seen.beat_addr
    good = sums(runs.length, np.bincount(runs.owner, minlength=items)) == seen.bytes_written()
    bad: Array = ~good
    if seen.writes_unknown is not None:
        unknown = (seen.writes_unknown["data"] != 0) & (strobed_lanes(beats["strb"], dlen) != 0)
        unknown[:, 0] |= seen.writes_unknown["strb"].any(1) | (seen.writes_unknown["beat"] != 0)
        bad[owner[unknown.any(1)]] = True
    keep = count > 0
    if not good.all():
        runs, keep = runs.pick(good[runs.owner]), keep & good[owner]
    if not keep.all():
        owner, beats, count, base = owner[keep], beats[keep], count[keep], base[keep]
    if not len(owner):
        return bad

    # Both sides are streams of the same length. Their bytes:
    ends = np.cumsum(count, dtype=np.int64)
    position = ends - count
    partial = np.flatnonzero(count != lanes)  # beats that do not store all of their bytes; few
    strobes = strobed_lanes(beats["strb"][partial], dlen)
    if len(partial):
        stored = np.empty(int(ends[-1]), np.uint8)
        full = np.flatnonzero(count == lanes)
        size = np.full(len(full), lanes)
        copy_slices(
            np.ascontiguousarray(beats["data"][full]).reshape(-1),
            np.arange(len(full)) * lanes,
            stored,
            position[full],
            size,
        )
        stored[spread(position[partial], count[partial])] = beats["data"][partial][strobes != 0]
    else:
        stored = beats["data"].reshape(-1)
    wrong = np.flatnonzero(stored != joined(raw, runs.start, runs.length))
    bad[owner[np.searchsorted(ends, wrong, side="right")]] = True

    # Their addresses: of the first byte of each beat, and of every byte where a beat has gaps or touches two runs.
    first, past = np.zeros(len(owner), np.int64), np.full(len(owner), lanes)
    first[partial] = strobes.argmax(1)
    past[partial] = lanes - strobes[:, ::-1].argmax(1)
    run_ends = np.cumsum(runs.length)
    to_addr = runs.addr - (run_ends - runs.length)  # add the position in the stream
    run = np.searchsorted(run_ends, position, side="right")
    bad[owner[base + first != to_addr[run] + position]] = True
    odd = np.flatnonzero((past - first != count) | (ends > run_ends[run]))
    if len(odd):
        at = spread(position[odd], count[odd])
        run = np.searchsorted(run_ends, at, side="right")
        lane_addr = base[odd][:, None] + np.arange(lanes)
        seen_addr = lane_addr[strobed_lanes(beats["strb"][odd], dlen) != 0]
        bad[np.repeat(owner[odd], count[odd])[seen_addr != to_addr[run] + at]] = True
    return bad
