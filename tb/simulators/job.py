# SPDX-License-Identifier: Apache-2.0
"""Starting a `cocotb_job`, and ending it with all that it started."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from vctx.tb.process.files import write_json


def run_job(
    job: dict[str, Any],
    directory: Path,
    log: Path,
    env: Mapping[str, str],
    poll: Callable[[], None] | None = None,
) -> int:
    """Run a `cocotb_job` in a process group of its own, and return its status; an interrupt ends the whole group."""
    file = directory / "job.json"
    write_json(file, job)
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "vctx.tb.simulators.cocotb_job", str(file)],
            cwd=directory,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            while True:
                try:
                    return process.wait(0.1)
                except subprocess.TimeoutExpired:
                    if poll is not None:
                        poll()
        finally:
            if process.poll() is None:
                _end_group(process)


def _end_group(process: subprocess.Popen[bytes]) -> None:
    """End a process group: ask, wait a moment, insist."""
    for what in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, what)
        time.sleep(0.2)
    process.wait()
