# SPDX-License-Identifier: Apache-2.0
"""Many events at a time are the events one at a time."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import vctx.pymodel.trace.bulk as bulk
from vctx.pymodel.trace import Event, Mark, Store, Sync, TraceError, TraceReader, TraceWriter
from vctx.pymodel.trace.file import decode_event

EVENTS: list[Event] = [
    Mark(0, True, "f", "v0"),
    Store(1, 0x1000, bytes(range(200))),
    Sync(),
    *(Store(0, 8 * i, bytes([i])) for i in range(50)),
    Mark(0, False, "f"),
]


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    with TraceWriter(tmp_path / "t.trace", {}) as writer:
        for event in EVENTS:
            writer.event(event)
    return tmp_path / "t.trace"


@pytest.mark.parametrize("block", [1, 7, 100, 1 << 20])
@pytest.mark.parametrize("events", [1, 3, 1000])
def test_chunks_hold_all_events_in_order(block: int, events: int, trace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "_BLOCK", block)
    found: list[Event] = []
    for part in bulk.frames(TraceReader(trace), events):
        assert part.first == len(found) and 0 < len(part) <= events
        found += (decode_event(int(part.kinds[at]), part.payload(at)) for at in range(len(part)))
    assert found == EVENTS


@pytest.mark.parametrize("cut", [1, 40, 1 << 20])
@pytest.mark.parametrize("block", [1, 7, 100])
def test_the_cuts_depend_on_the_trace_alone(
    block: int, cut: int, trace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a chunk ends, the testbench waits for the harts: how the file is read, or how it grows, must not count."""

    def sizes(path: Path, wait: Callable[[int], bool] | None = None) -> list[int]:
        return [len(part) for part in bulk.frames(TraceReader(path), 20, wait)]

    def grow(read: int) -> bool:
        with growing.open("ab") as file:
            return file.write(data[read : read + block]) > 0

    monkeypatch.setattr(bulk, "_CUT", cut)
    expected = sizes(trace)
    assert sum(expected) == len(EVENTS)
    assert cut < 1000 or max(expected) == 20
    assert cut > 1 or expected == [1] * len(EVENTS)
    data = trace.read_bytes()
    growing = tmp_path / "growing.trace"
    growing.write_bytes(data[: TraceReader(trace).body])
    monkeypatch.setattr(bulk, "_BLOCK", block)
    assert sizes(trace) == sizes(growing, grow) == expected


@pytest.mark.parametrize("block", [7, 1 << 20])
def test_no_byte_can_change_or_be_missing_unnoticed(
    block: int, trace: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(bulk, "_BLOCK", block)
    data = trace.read_bytes()
    bad = tmp_path / "bad.trace"
    for at in range(TraceReader(trace).body, len(data)):
        for damaged in (data[:at], data[:at] + bytes([data[at] ^ 0xFF]) + data[at + 1 :]):
            bad.write_bytes(damaged)
            with pytest.raises(TraceError, match=r"truncated|damaged"):
                bulk.verify(TraceReader(bad))


slices = st.lists(st.tuples(st.integers(0, 90), st.sampled_from([0, 1, 2, 3, 10])))


@given(slices)
def test_slices_are_joined_in_their_order(parts: list[tuple[int, int]]) -> None:
    raw = np.arange(100, dtype=np.uint8)
    starts, lengths = np.array(parts, np.int64).reshape(-1, 2).T
    expected = b"".join(bytes(raw[start : start + length]) for start, length in parts)
    assert bulk.joined(raw, starts, lengths).tobytes() == expected


def test_nothing_is_read_beyond_the_end() -> None:
    raw = np.zeros(10, np.uint8)
    with pytest.raises(TraceError, match="damaged"):
        bulk.joined(raw, np.array([8]), np.array([3]))
    with pytest.raises(TraceError, match="damaged"):
        bulk.gather(raw, np.array([3]), np.dtype("<u8"))


def test_structures_are_gathered_from_any_place() -> None:
    dtype = np.dtype([("a", "u1"), ("b", "<u4")])
    raw = np.arange(20, dtype=np.uint8)
    found = bulk.gather(raw, np.array([7, 0, 15]), dtype)
    assert found["a"].tolist() == [7, 0, 15]
    assert found["b"].tolist() == [0x0B0A0908, 0x04030201, 0x13121110]
    assert bulk.in_order(found, np.array([2, 2])).tolist() == [(15, 0x13121110)] * 2


@given(st.lists(st.lists(st.integers(0, 255))))
def test_sums_of_groups(groups: list[list[int]]) -> None:
    values = np.array([value for group in groups for value in group], np.uint8)
    counts = np.array([len(group) for group in groups], np.int64)
    assert bulk.sums(values, counts).tolist() == [sum(group) for group in groups]


def test_spread() -> None:
    starts, counts = np.array([5, 100, 7]), np.array([2, 0, 3])
    assert bulk.spread(starts, counts).tolist() == [5, 6, 7, 8, 9]
    assert all(b - a == 4 for a, b in pairwise(bulk.spread(starts[:1], counts[:1], 4).tolist()))
