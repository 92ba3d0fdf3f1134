# SPDX-License-Identifier: Apache-2.0
"""What jobs of kernels set alike for the memory that they record on and replay from."""

from __future__ import annotations

import shlex

from vctx.tb.process.folders import marked
from vctx.tb.replay.result import Latency
from vctx.tb.runs.repeat import shown
from vctx.tb.simulators.filelist import OwnStatus

FILL = 0xA5  # every byte of RAM that nobody wrote

# Latency of the memory: up to ten cycles, and now and then a beat held back.
LATENCY = Latency(cycles=10, random=True, stall=24, xlat=3)


def latency_option(latency: Latency) -> list[str]:
    """Return the option of a command line that names a latency, if it has to be named."""
    return [] if latency == LATENCY else [f"--latency {latency}"]


def latency_suffix(latency: Latency) -> str:
    """Return what tells the folder of a run by its latency, if that is not the usual one."""
    return "" if latency == LATENCY else f"-latency-{latency}".replace(",", "-").replace("=", "")


def design_options(status: OwnStatus | None, keep_going: bool = False) -> list[str]:
    """Return the options of a command line that name what is in the place of vctx_status, and whether to go on."""
    names = [] if status is None else [f"--design {shlex.quote(shown(status.files.path))}", f"--top {status.top}"]
    return [*names, *(["--keep-going"] if keep_going else [])]


def design_suffix(status: OwnStatus | None) -> str:
    """Return what tells the folder of a run by what is in the place of vctx_status."""
    return "" if status is None else f"-{marked(status.top, str(status.files.path.resolve()))}"


def replay_options(
    sim: str, dlen: int, latency: Latency, status: OwnStatus | None = None, keep_going: bool = False
) -> list[str]:
    """Return the options of `vctx replay` that repeat a replay."""
    return [f"--sim {sim}", f"--dlen {dlen}", *latency_option(latency), *design_options(status, keep_going)]
