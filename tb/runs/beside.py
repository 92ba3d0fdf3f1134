# SPDX-License-Identifier: Apache-2.0
"""Recording and replaying at the same time."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from vctx.tb.knobs import Knobs
from vctx.tb.replay.launch import replay
from vctx.tb.replay.live import Announcer, Overlapped, Recording, overlap
from vctx.tb.replay.result import Latency, ReplayResult
from vctx.tb.runs.defaults import replay_options
from vctx.tb.runs.progress import Progress
from vctx.tb.runs.repeat import vctx_command
from vctx.tb.simulators.filelist import OwnStatus

T = TypeVar("T")


def record_and_replay(
    recorder: Callable[[Announcer], T],
    knobs: Knobs,
    trace: Path,
    *,
    latency: Latency,
    waves: bool,
    progress: Progress,
    status: OwnStatus | None = None,
    keep_going: bool = False,
    prepare: Callable[[], object] = lambda: None,
) -> Overlapped[T, ReplayResult]:
    """Record a trace, in a process of its own, and replay it meanwhile, in a folder beside it.

    Args:
        recorder: writes `trace`; it is pickled; see `tb.replay.live.overlap`.
        knobs: simulator and DLEN. latency: of memory and translate port. waves: dump waves.
        progress: called with (phase, done, total); phases are "record" and "replay".
        status, keep_going: as for `tb.replay.launch.replay`.
        prepare: called before the replay, while the recording goes on.

    Raises:
        whatever `recorder`, `prepare` or `tb.replay.launch.replay` raises.
    """
    out_dir = trace.parent / "replay"
    options = replay_options(knobs.sim, knobs.dlen, latency, status, keep_going)

    def follow(recording: Recording) -> ReplayResult:
        prepare()
        return replay(
            recording.trace,
            sim=knobs.sim,
            dlen=knobs.dlen,
            out_dir=out_dir,
            latency=latency,
            waves=waves,
            closer=True,
            status=status,
            keep_going=keep_going,
            recording=recording,
            command=vctx_command("replay", trace, *options, "--waves"),
            progress=lambda done: progress("replay", done, max(done, recording.events)),
        )

    both = overlap(recorder, follow, out_dir / "live.trace", lambda done, total: progress("record", done, total))
    progress("replay", both.replayed.events, both.replayed.events)
    return both
