"""Replay of a trace while it is still being recorded."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tb_scripts import HEADER, script

from pymodel.trace import TraceError, TraceReader, TraceWriter
from tb.launch import replay
from tb.live import CancelledError, Recording


def test_a_growing_trace_is_replayed_to_its_end(sim: str, tmp_path: Path) -> None:
    events = script("context").events
    with ThreadPoolExecutor(1) as follower:
        with TraceWriter(tmp_path / "t.trace", HEADER) as writer:
            recording = Recording(writer.partial, tmp_path / "run" / "live.trace")
            result = follower.submit(replay, recording.trace, sim=sim, out_dir=tmp_path / "run", recording=recording)
            for event in events:
                writer.event(event)
                time.sleep(0.005)
        assert result.result().ok and result.result().events == len(events)
    recording.close()
    assert not recording.trace.exists()
    assert Path(result.result().observed).read_bytes() == (tmp_path / "t.trace").read_bytes()
    assert sum(1 for _ in TraceReader(tmp_path / "t.trace")) == len(events)


def test_a_recording_that_is_given_up_ends_its_replay(tmp_path: Path) -> None:
    with (
        ThreadPoolExecutor(1) as follower,
        pytest.raises(CancelledError),
        TraceWriter(tmp_path / "t.trace", HEADER) as writer,
    ):
        recording = Recording(writer.partial, tmp_path / "run" / "live.trace")
        result = follower.submit(replay, recording.trace, sim="icarus", out_dir=tmp_path / "run", recording=recording)
        time.sleep(1)
        recording.cancel()
        result.result(20)
    assert not (tmp_path / "run" / "result.json").exists() and not (tmp_path / "t.trace").exists()


def test_a_recording_without_end_is_a_truncated_trace(tmp_path: Path) -> None:
    partial = tmp_path / "t.part"
    whole = script("csr").write(tmp_path / "whole.trace").read_bytes()
    partial.write_bytes(whole[: len(whole) // 2])
    recording = Recording(partial, tmp_path / "run" / "live.trace")
    partial.unlink()  # the recorder has failed
    with pytest.raises(TraceError, match="truncated"):
        replay(recording.trace, sim="icarus", out_dir=tmp_path / "run", recording=recording)
