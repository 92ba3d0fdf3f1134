# SPDX-License-Identifier: Apache-2.0
"""The parts of a batch replay by themselves, without a simulator."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from vctx.pymodel.trace import Event, Insn, Issue, Mark, Retire, TraceError, TraceReader, TraceWriter
from vctx.pymodel.trace.bulk import frames
from vctx.tb.replay.accounting import Accounts, FunctionCount, VisitCount
from vctx.tb.replay.batch.account import BatchAccounts, Items
from vctx.tb.replay.batch.files import OUTPUTS, Files, Stream
from vctx.tb.replay.batch.observe import OBS, READ, ObservationReader, write_dtype
from vctx.tb.replay.observation import Observation
from vctx.tb.replay.result import ReplayConfig

HARTS = 3
BEAT = 8  # bytes


def test_who_starts_a_replay_needs_nothing_of_cocotb() -> None:
    """The simulator's process loads it, which takes longer than loading everything else."""
    code = "import sys, vctx.tb.replay.launch; print('cocotb' in sys.modules)"
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


# Accounting ---------------------------------------------------------------------------------------------------------


@dataclass
class Story:
    """Events, and what was observed of those that are instructions."""

    events: list[Event]
    seen: dict[int, Observation]


@st.composite
def stories(draw: DrawFn) -> Story:
    story = Story([], {})
    stacks: list[list[str]] = [[] for _ in range(HARTS)]
    addr = st.integers(0, 12).map(lambda beat: 0x1000 + BEAT * beat)
    for hart, what in draw(st.lists(st.tuples(st.integers(0, HARTS - 1), st.sampled_from("iiieel")), max_size=40)):
        if what == "i":
            story.seen[len(story.events)] = Observation(
                Retire(),
                cycles=draw(st.integers(1, 9)),
                reads=draw(st.lists(st.tuples(addr, st.integers(1, 4).map(lambda n: n * BEAT)), max_size=2)),
                writes=draw(st.lists(st.tuples(addr, st.integers(0, 255)), max_size=2)),
            )
            story.events.append(Insn(hart, 0, Issue(0), Retire()))
        elif what == "e":
            region = st.tuples(st.sampled_from("pq"), st.integers(0x1000, 0x1050), st.integers(0, 60))
            regions = draw(st.lists(region, max_size=2, unique_by=lambda r: r[0]))
            stacks[hart].append(draw(st.sampled_from("fg")))
            story.events.append(Mark(hart, True, stacks[hart][-1], draw(st.sampled_from("ab")), tuple(regions)))
        elif stacks[hart]:
            story.events.append(Mark(hart, False, stacks[hart].pop()))
    return story


def one_by_one(story: Story) -> tuple[list[FunctionCount], list[VisitCount]]:
    accounts = Accounts(HARTS)
    for index, event in enumerate(story.events):
        if isinstance(event, Mark):
            visit = accounts.harts[event.hart].mark(index, event)
            if visit is not None:
                accounts.add(visit)
        else:
            assert isinstance(event, Insn)
            seen = story.seen[index]
            seen.bytes_read = sum(length for _, length in seen.reads)
            seen.bytes_written = sum(strb.bit_count() for _, strb in seen.writes)
            accounts.harts[event.hart].instruction(seen)
    return accounts.finish()


def by_name(counts: tuple[list[FunctionCount], list[VisitCount]]) -> tuple[list[FunctionCount], list[VisitCount]]:
    """Return the same with the functions in an order that does not depend on where chunks are cut."""
    functions, visits = counts
    return sorted(functions, key=lambda count: (count.what, count.who)), visits


def items_of(story: Story, first: int, end: int) -> Items:
    """Return the items of the events from `first` up to `end`, as the comparison provides them."""
    found = [(event.hart, i) for i, event in enumerate(story.events[first:end], first) if isinstance(event, Insn)]
    found.sort()
    seen = [story.seen[index] for _, index in found]
    bursts = np.array([read for one in seen for read in one.reads], np.int64).reshape(-1, 2)
    beats = np.array([write for one in seen for write in one.writes], np.int64).reshape(-1, 2)
    strobed = np.bitwise_count(beats[:, 1]).astype(np.int64)
    totals = [
        (1, one.cycles, sum(n for _, n in one.reads), sum(strb.bit_count() for _, strb in one.writes), 0)
        for one in seen
    ]
    return Items(
        event=np.array([index - first for _, index in found], np.int64),
        hart=np.array([hart for hart, _ in found], np.uint8),
        totals=np.array(totals, np.int64).reshape(-1, 5).T,
        burst_counts=np.array([len(one.reads) for one in seen], np.int64),
        burst_addr=bursts[:, 0],
        burst_length=bursts[:, 1],
        beat_counts=np.array([len(one.writes) for one in seen], np.int64),
        beat_addr=beats[:, 0],
        strobed=strobed,
        strobes=beats[:, 1:].astype(np.uint64),
        beat_bytes=BEAT,
    )


def written(story: Story, path: Path) -> TraceReader:
    with TraceWriter(path, {}) as writer:
        for event in story.events:
            writer.event(event)
    return TraceReader(path)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("accounts")


@settings(max_examples=300)
@given(story=stories(), chunk=st.sampled_from([1, 3, 8, 1000]))
def test_a_chunk_is_charged_as_its_instructions_one_by_one(story: Story, chunk: int, folder: Path) -> None:
    accounts = BatchAccounts(HARTS)
    for part in frames(written(story, folder / "t.trace"), chunk):
        accounts.chunk(part, items_of(story, part.first, part.first + len(part)), len(part))
    assert by_name(accounts.finish()) == by_name(one_by_one(story))


@settings(max_examples=50)
@given(story=stories(), where=st.integers(0, 40))
def test_nothing_behind_a_mismatch_is_charged(story: Story, where: int, folder: Path) -> None:
    accounts = BatchAccounts(HARTS)
    end = min(where, len(story.events))
    for part in frames(written(story, folder / "t.trace"), 1000):
        accounts.chunk(part, items_of(story, 0, len(part)), end)
    before = Story(story.events[:end], {i: seen for i, seen in story.seen.items() if i < end})
    assert by_name(accounts.finish()) == by_name(one_by_one(before))


@pytest.mark.parametrize(
    ("events", "message"),
    [
        ([Mark(0, True, "f"), Mark(1, False, "f")], "event 1: hart 1 leaves 'f', which it is not in"),
        ([Mark(0, True, "f"), Mark(0, False, "g")], "event 1: hart 0 leaves 'g', which it is not in"),
        ([Mark(0, True, "f"), Mark(HARTS, True, "f")], f"event 1 is for hart {HARTS}, but the header says"),
    ],
)
def test_marks_that_mean_nothing(events: list[Event], message: str, tmp_path: Path) -> None:
    story = Story(events, {})
    (part,) = frames(written(story, tmp_path / "t.trace"), 1000)
    with pytest.raises(TraceError, match=message):
        BatchAccounts(HARTS).chunk(part, items_of(story, 0, len(part)), len(part))


# Files --------------------------------------------------------------------------------------------------------------


def test_each_chunk_has_its_files_to_itself() -> None:
    """A shell script stands for the testbench: it appends the stimulus to one output, and its length to another."""
    files = Files()
    words = [files.vector() >> 32 * number & 0xFFFFFFFF for number in range(1 + len(OUTPUTS))]
    script = f"cat /dev/fd/{words[0]} >/dev/fd/{words[1]}; wc -c </dev/fd/{words[0]} >/dev/fd/{words[4]}"
    for stimulus in (b"first", b"", b"2nd" * 1_000_000):
        files.put(b"<", memoryview(stimulus))
        subprocess.run(["sh", "-c", script], pass_fds=words, check=True)
        assert files.get("obs") == b"<" + stimulus
        assert int(files.get("writes")) == 1 + len(stimulus)
        assert files.get("vregs") == files.get("reads") == b""
    files.close()


@given(st.lists(st.tuples(st.binary(max_size=9), st.integers(0, 9))))
def test_a_stream_loses_nothing(steps: list[tuple[bytes, int]]) -> None:
    """What one chunk leaves comes first in the next."""
    stream = Stream()
    added = taken = b""
    for data, size in steps:
        stream.add(data)
        added += data
        part = stream.take(size)
        assert len(part) == min(size, len(added) - len(taken))
        taken += part
    assert taken + stream.take(1000) == added


# Observations -------------------------------------------------------------------------------------------------------


def test_half_an_observation_is_the_end(tmp_path: Path) -> None:
    """A simulator that was killed while it wrote."""
    config = ReplayConfig("", str(tmp_path), "verilator", 128, 64, 1, 0, 4096, 0, 0, "")
    one = bytearray(96)
    one[56] = 1  # v0 was written
    streams = {"obs": bytes(one), "vregs": bytes(15), "reads": b"", "writes": b""}
    reader = ObservationReader(config, {name: lambda n, d=d: d[:n] for name, d in streams.items()}, four_state=False)
    with pytest.raises(EOFError):
        reader.chunk(1)


def test_what_an_unfinished_instruction_moved_is_nobody_elses(tmp_path: Path) -> None:
    """Hart 0 was ended amid an instruction; what it moved for that comes before what hart 1 finished with."""
    config = ReplayConfig("", str(tmp_path), "verilator", 128, 64, 2, 0, 4096, 0, 0, "")
    obs = np.zeros(2, OBS)
    obs["hart"] = 0, 1
    obs["read_bursts"] = obs["read_beats"] = obs["write_beats"] = 1
    reads, writes = np.zeros(3, READ), np.zeros(3, write_dtype(64))
    reads["hart"] = 0, 0, 1
    reads["burst"] = 0x1000, 0x1100, 0x1200
    writes["beat"] = 0x1000, 0x1100, 1 << 56 | 0x1200
    streams = {name: array.tobytes() for name, array in (("obs", obs), ("reads", reads), ("writes", writes))}
    streams["vregs"] = b""
    reader = ObservationReader(config, {name: lambda n, d=d: d[:n] for name, d in streams.items()}, four_state=False)
    seen = reader.chunk(3)
    assert [seen.beat_addr.tolist(), seen.burst_addr().tolist()] == [[0x1000, 0x1200], [0x10, 0x12]]
