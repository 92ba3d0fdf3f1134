# SPDX-License-Identifier: Apache-2.0
"""The Perfetto trace, read back with Perfetto's own classes: tracks, nesting, times and counters are the timeline's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from perfetto.protos.perfetto.trace.perfetto_trace_pb2 import Trace, TrackEvent
from rich.console import Console

from vctx.pymodel.errors import UsageError
from vctx.tb.jobs.cosim import cosim
from vctx.tb.knobs import Knobs
from vctx.tb.replay.report import PERIOD
from vctx.tb.reports.cosim import result_of
from vctx.tb.reports.publish import publish
from vctx.tb.results.model import Result
from vctx.tb.timeline.build import timeline


def test_a_run_read_back_with_perfetto_s_classes(tmp_path: Path) -> None:
    verdict = cosim(Knobs(vlen=128, seed=411), job="small", pairs=6, entries=40)
    folder = verdict.path.parent
    publish(Console(quiet=True), result_of(verdict), folder, perfetto=tmp_path / "t.pftrace")
    found = timeline(verdict.trace, folder / "replay" / "timing.bin")
    trace = Trace()
    trace.ParseFromString((tmp_path / "t.pftrace").read_bytes())
    threads = {p.track_descriptor.uuid: p.track_descriptor.thread.thread_name for p in trace.packet}
    names = set(threads.values())
    assert {"hart 0", "hart 1", "vcpu0", "vcpu1", "vcpu2", "vcpu3", "task0"} <= names

    events: dict[str, list[tuple[int, TrackEvent]]] = {}
    for packet in trace.packet:
        if packet.HasField("track_event") and packet.track_event.type != TrackEvent.TYPE_COUNTER:
            events.setdefault(threads[packet.track_event.track_uuid], []).append((packet.timestamp, packet.track_event))
    for who, each in events.items():
        times = [time for time, _ in each]
        assert times == sorted(times), who
        depth = 0
        for _, event in each:
            depth += 1 if event.type == TrackEvent.TYPE_SLICE_BEGIN else -1
            assert depth >= 0, who
        assert depth == 0, who

    for number, hart in enumerate(found.harts):
        begun = [(time, e.name) for time, e in events[f"hart {number}"] if e.type == TrackEvent.TYPE_SLICE_BEGIN]
        slices = hart.slices
        starts = (slices.start * PERIOD).tolist()
        assert begun == list(zip(starts, [found.names[name] for name in slices.name.tolist()], strict=True))
        ended = [time for time, e in events[f"hart {number}"] if e.type == TrackEvent.TYPE_SLICE_END]
        assert sorted(ended) == sorted((slices.end * PERIOD).tolist())
    saves = [e for _, e in events["vcpu1"] if e.name == "kvm_riscv_vcpu_guest_vector_save"]
    noted = [{note.name: note.int_value for note in e.debug_annotations}["written"] for e in saves]
    assert set(noted) <= {0, found.context} and found.context in noted

    counters: dict[str, list[int]] = {}
    for packet in trace.packet:
        if packet.HasField("track_event") and packet.track_event.type == TrackEvent.TYPE_COUNTER:
            counters.setdefault(str(packet.track_event.track_uuid), []).append(packet.track_event.counter_value)
    for values in counters.values():
        assert (np.diff(values) > 0).all()
    totals = [verdict.rtl.bytes_read, verdict.rtl.bytes_written]
    last = [values[-1] for _, values in sorted(counters.items())]
    assert [sum(last[0::2]), sum(last[1::2])] == totals


def test_without_a_timeline_there_is_no_trace_of_one(tmp_path: Path) -> None:
    result = Result("sweep", "all", True, "fine", "vctx sweep all", (), ())
    with pytest.raises(UsageError, match="has no timeline"):
        publish(Console(quiet=True), result, tmp_path, perfetto=tmp_path / "t.pftrace")
    assert not (tmp_path / "t.pftrace").exists()
