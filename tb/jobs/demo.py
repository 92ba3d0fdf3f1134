# SPDX-License-Identifier: Apache-2.0
"""`vctx demo`: a bug put into a copy of the RTL, and found, to see what a mismatch looks like."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from vctx.pymodel.errors import VctxError
from vctx.pymodel.places import RTL, out_root
from vctx.pymodel.scenarios.shared_unit import SharedUnitConfig
from vctx.tb.jobs.cosim import record
from vctx.tb.process.folders import claimed
from vctx.tb.replay.launch import replay
from vctx.tb.replay.result import ReplayResult
from vctx.tb.runs.defaults import LATENCY
from vctx.tb.runs.progress import Progress, silent
from vctx.tb.runs.repeat import vctx_command

FILE = "vctx_status.sv"
SOUND = "if (dirty_i) mstatus_vs_q <= VsDirty;"
BROKEN = "if (dirty_i && !dirty_virt_i) mstatus_vs_q <= VsDirty;"
BUG = "a guest's vector instructions leave mstatus.VS as it is, so that the hypervisor would save nothing of it"
_CONFIG = SharedUnitConfig(vlen=128, pairs=4, entries=40)
_DLEN = 128


@dataclass(frozen=True)
class Demo:
    """What came of it: the replay, which has a mismatch, of `trace`, in `folder`."""

    rtl: ReplayResult
    trace: Path
    folder: Path
    command: str


def demo(sim: str, progress: Progress = silent) -> Demo:
    """Replay a small scenario on a copy of the RTL with `BUG`.

    Args:
        sim: simulator. progress: called with (phase, done, total); phases are "record" and "replay".

    Raises:
        VctxError: see `tb.replay.launch.replay`.
    """
    folder = out_root() / "demo" / sim
    command = vctx_command("demo", f"--sim {sim}")
    with claimed(folder):
        trace = folder / "trace.vctx"
        record(_CONFIG, trace, command, progress)
        result = replay(
            trace,
            sim=sim,
            dlen=_DLEN,
            out_dir=folder / "replay",
            latency=LATENCY,
            command=command,
            rtl=_with_bug(folder / "rtl"),
            progress=lambda done: progress("replay", done, done + 1),
        )
        progress("replay", result.events, result.events)
    return Demo(result, trace, folder, command)


def _with_bug(folder: Path) -> Path:
    """Return a copy of the RTL with `BUG`."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(RTL, folder)
    text = (folder / FILE).read_text()
    if text.count(SOUND) != 1:
        raise VctxError(f"{FILE} has not got the line that the demonstration breaks: {SOUND}")
    (folder / FILE).write_text(text.replace(SOUND, BROKEN))
    return folder
