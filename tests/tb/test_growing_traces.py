# SPDX-License-Identifier: Apache-2.0
"""Replay of a trace while it is still being recorded."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from tb_scripts import HEADER, script

from vctx.pymodel.errors import UsageError
from vctx.pymodel.trace import Event, Insn, TraceError, TraceReader, TraceWriter
from vctx.pymodel.trace.bulk import verify
from vctx.tb.process.worker import WorkerError
from vctx.tb.replay.launch import replay
from vctx.tb.replay.live import Announcer, CancelledError, Recording, overlap
from vctx.tb.replay.result import ReplayResult


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
        result.result(120)
    assert not (tmp_path / "run" / "result.json").exists() and not (tmp_path / "t.trace").exists()


def test_a_recording_without_end_is_a_truncated_trace(tmp_path: Path) -> None:
    partial = tmp_path / "t.part"
    whole = script("csr").write(tmp_path / "whole.trace").read_bytes()
    partial.write_bytes(whole[: len(whole) // 2])
    recording = Recording(partial, tmp_path / "run" / "live.trace")
    partial.unlink()  # the recorder has failed
    with pytest.raises(TraceError, match="truncated"):
        replay(recording.trace, sim="icarus", out_dir=tmp_path / "run", recording=recording)


def write(trace: Path, events: list[Event], pause: float, announcer: Announcer) -> int:
    """Write a trace, as `overlap` wants it."""
    with TraceWriter(trace, HEADER) as writer:
        announcer.begin(writer.partial)
        for done, event in enumerate(events):
            writer.event(event)
            announcer.progress(done + 1, len(events))
            time.sleep(pause)
    announcer.end(writer.events)
    return os.getpid()


def recorder(trace: Path, events: list[Event], pause: float = 0.0) -> Callable[[Announcer], int]:
    return partial(write, trace, events, pause)


def follower(run: Path) -> Callable[[Recording], ReplayResult]:
    return lambda recording: replay(recording.trace, sim="verilator", out_dir=run, recording=recording)


def test_recording_and_replay_overlap_in_two_processes(tmp_path: Path) -> None:
    events = script("context").events
    reports: list[tuple[int, int]] = []
    known: list[int] = []

    def follow(recording: Recording) -> ReplayResult:
        assert not trace.exists()
        result = follower(tmp_path / "run")(recording)
        known.append(recording.events)
        return result

    trace, link = tmp_path / "t.trace", tmp_path / "run" / "live.trace"
    both = overlap(recorder(trace, events, 0.005), follow, link, lambda done, total: reports.append((done, total)))
    assert both.recorded != os.getpid()
    assert both.recorder_seconds > 0
    assert both.replayed.ok and both.replayed.events == len(events)
    assert reports[-1] == (len(events), len(events))
    assert known[0] in (0, len(events))  # the replay may end before the recorder says so
    assert verify(TraceReader(trace)) == len(events)
    assert Path(both.replayed.observed).read_bytes() == trace.read_bytes()
    assert not link.exists()


def write_and_give_up(trace: Path, announcer: Announcer) -> None:
    with TraceWriter(trace, HEADER) as writer:
        announcer.begin(writer.partial)
        for event in script("context").events:
            writer.event(event)
        time.sleep(1)
        raise UsageError("the model gives up")


def test_a_recorder_that_fails_ends_the_replay_and_is_the_reason(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="the model gives up"):
        overlap(
            partial(write_and_give_up, tmp_path / "t.trace"),
            follower(tmp_path / "run"),
            tmp_path / "run" / "live.trace",
        )
    assert list(tmp_path.glob("t.trace*")) == []
    assert not (tmp_path / "run" / "result.json").exists()


def refuse(announcer: Announcer) -> None:
    raise UsageError("no such kernel")


def test_a_recorder_that_fails_before_it_begins_is_the_reason(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such kernel"):
        overlap(refuse, follower(tmp_path / "run"), tmp_path / "run" / "live.trace")


def begin_and_die(trace: Path, announcer: Announcer) -> None:
    with TraceWriter(trace, HEADER) as writer:
        announcer.begin(writer.partial)
        time.sleep(1)
        os.kill(os.getpid(), signal.SIGKILL)


def test_a_recorder_that_is_killed_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(WorkerError):
        overlap(
            partial(begin_and_die, tmp_path / "t.trace"), follower(tmp_path / "run"), tmp_path / "run" / "live.trace"
        )
    assert list(tmp_path.rglob("*.trace*")) == []


@pytest.mark.parametrize("error", [UsageError("no simulator"), KeyboardInterrupt()])
def test_a_replay_that_fails_ends_the_recorder(tmp_path: Path, error: BaseException) -> None:
    def follow(recording: Recording) -> None:
        raise error

    started = time.monotonic()
    with pytest.raises(type(error)):
        overlap(recorder(tmp_path / "t.trace", script("context").events, 600), follow, tmp_path / "live.trace")
    assert time.monotonic() - started < 300
    assert list(tmp_path.iterdir()) == []


def test_a_mismatch_does_not_end_the_recording(tmp_path: Path) -> None:
    """What failed can be replayed again, so the trace is needed in full."""
    events = script("context").events
    first = next(at for at, event in enumerate(events) if isinstance(event, Insn))
    wrong = replace(events[first], retire=events[first].retire._replace(vl=7))
    changed = [*events[:first], wrong, *events[first + 1 :]]
    trace = tmp_path / "t.trace"
    both = overlap(recorder(trace, changed, 0.005), follower(tmp_path / "run"), tmp_path / "run" / "live.trace")
    assert both.replayed.mismatch is not None
    assert list(TraceReader(trace)) == changed
