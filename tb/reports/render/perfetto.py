# SPDX-License-Identifier: Apache-2.0
"""A timeline as a trace for ui.perfetto.dev and trace_processor.

A thread for each hart and for each vCPU and task, a slice for each function, two counters of bus bytes for each hart. A
cycle counts as `PERIOD` ns, as in the waves.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from perfetto.protos.perfetto.trace.perfetto_trace_pb2 import TracePacket, TrackDescriptor, TrackEvent
from perfetto.trace_builder.proto_builder import StreamingTraceProtoBuilder

from vctx.tb.replay.report import PERIOD
from vctx.tb.results.model import Result
from vctx.tb.timeline.model import HartTimeline, Timeline

_PROCESS = 1  # number of the process, and of its track
_OWNERS = 1000  # numbers of threads of vCPUs and tasks begin here
_COUNTERS = 2000
_SEQUENCE = 1


class _Slice(NamedTuple):
    """A function, as in `tb.timeline.model.Slices`."""

    event: int
    hart: int
    at: int
    start: int
    end: int
    depth: int
    name: str
    who: str


class Perfetto:
    """Renders the timeline of a result as a Perfetto trace."""

    def __init__(self, path: Path, found: Timeline) -> None:
        self._path = path
        self._found = found

    def render(self, result: Result) -> None:
        """Write the file."""
        with self._path.open("wb") as file:
            _Writer(StreamingTraceProtoBuilder(file)).write(self._found, f"vctx {result.kind}")


class _Writer:
    def __init__(self, builder: Any) -> None:
        self._builder = builder

    def write(self, found: Timeline, title: str) -> None:
        """Write all tracks."""
        packet = self._packet()
        packet.track_descriptor.uuid = _PROCESS
        packet.track_descriptor.process.pid = _PROCESS
        packet.track_descriptor.process.process_name = title
        self._builder.write_packet(packet)
        everything = [list(_slices(found, number)) for number in range(len(found.harts))]
        for number, slices in enumerate(everything):
            self._thread(_PROCESS + 1 + number, f"hart {number}")
            self._nested(_PROCESS + 1 + number, slices, found)
            self._counters(number, found.harts[number])
        whose: dict[str, list[_Slice]] = {}
        for each in sorted(each for slices in everything for each in slices):
            if each.who:
                whose.setdefault(each.who, []).append(each)
        for number, (who, slices) in enumerate(sorted(whose.items())):
            self._thread(_OWNERS + number, who)
            self._nested(_OWNERS + number, slices, found)

    def _packet(self, time: int | None = None) -> TracePacket:
        packet = self._builder.create_packet()
        packet.trusted_packet_sequence_id = _SEQUENCE
        if time is not None:
            packet.timestamp = time * PERIOD
        return packet

    def _thread(self, number: int, name: str) -> None:
        packet = self._packet()
        track = packet.track_descriptor
        track.uuid, track.parent_uuid = number, _PROCESS
        track.thread.pid, track.thread.tid, track.thread.thread_name = _PROCESS, number, name
        self._builder.write_packet(packet)

    def _nested(self, track: int, slices: list[_Slice], found: Timeline) -> None:
        """Write slices in the order in which they were entered.

        The units of two harts may run ahead of each other, but a vCPU is at one place at a time: what began on another
        hart before it was done on the one before begins when that is done.
        """
        now = 0
        inside: list[_Slice] = []

        def leave() -> None:
            nonlocal now
            now = max(now, inside.pop().end)
            self._event(track, now, TrackEvent.TYPE_SLICE_END)

        for each in slices:
            while inside and not _is_in(each, inside[-1]):
                leave()
            now = max(now, each.start)
            self._event(track, now, TrackEvent.TYPE_SLICE_BEGIN, each, found.harts[each.hart])
            inside.append(each)
        while inside:
            leave()

    def _event(
        self, track: int, time: int, kind: int, begun: _Slice | None = None, hart: HartTimeline | None = None
    ) -> None:
        packet = self._packet(time)
        event = packet.track_event
        event.type, event.track_uuid = kind, track
        if begun is not None and hart is not None:
            event.name = begun.name
            self._note(event, "for", begun.who)
            self._note(event, "hart", begun.hart)
            for column in ("read", "written", "cycles"):
                self._note(event, column, int(getattr(hart.slices, column)[begun.at]))
        self._builder.write_packet(packet)

    @staticmethod
    def _note(event: TrackEvent, name: str, value: str | int) -> None:
        note = event.debug_annotations.add()
        note.name = name
        if isinstance(value, str):
            note.string_value = value
        else:
            note.int_value = value

    def _counters(self, number: int, hart: HartTimeline) -> None:
        """Write how many bytes were moved so far, each time that there are more."""
        for at, column in enumerate(("read", "written")):
            packet = self._packet()
            track = packet.track_descriptor
            track.uuid, track.parent_uuid = _COUNTERS + 2 * number + at, _PROCESS
            track.name = f"hart {number}, bytes {column}"
            track.counter.unit = TrackDescriptor().counter.UNIT_SIZE_BYTES
            self._builder.write_packet(packet)
            moved = getattr(hart.instructions, column)
            some = np.flatnonzero(moved)
            total = np.cumsum(moved[some], dtype=np.int64)
            for time, value in zip(hart.instructions.end[some].tolist(), total.tolist(), strict=True):
                packet = self._packet(time)
                packet.track_event.type = TrackEvent.TYPE_COUNTER
                packet.track_event.track_uuid = _COUNTERS + 2 * number + at
                packet.track_event.counter_value = value
                self._builder.write_packet(packet)


def _slices(found: Timeline, hart: int) -> Iterator[_Slice]:
    slices = found.harts[hart].slices
    columns = (slices.event, slices.start, slices.end, slices.depth, slices.name, slices.who)
    for at, (event, start, end, depth, name, who) in enumerate(
        zip(*(column.tolist() for column in columns), strict=True)
    ):
        yield _Slice(event, hart, at, start, end, depth, found.names[name], found.names[who])


def _is_in(inner: _Slice, outer: _Slice) -> bool:
    return inner.hart == outer.hart and inner.depth > outer.depth and inner.end <= outer.end
