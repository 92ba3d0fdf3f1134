# SPDX-License-Identifier: Apache-2.0
"""Processes of simulators and builds: each in a group of its own, which ends as a whole."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from vctx.tb.process.files import write_json

_POLL = 100  # milliseconds
_GRACE = 0.2  # seconds


def run_group(
    command: Sequence[str],
    directory: Path,
    log: Path,
    env: Mapping[str, str],
    poll: Callable[[], None] | None = None,
) -> int:
    """Run a command in a process group of its own, and return its status; an interrupt ends the whole group.

    Args:
        directory: where it runs.
        log: file to which what it says is appended.
        poll: called about ten times a second meanwhile; what it raises ends the group, too.
    """
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            cwd=directory,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            with _ending(process) as ended:
                while not ended.poll(_POLL):
                    if poll is not None:
                        poll()
            return process.wait()
        finally:
            if process.poll() is None:
                _end_group(process)


def run_build(job: dict[str, Any], directory: Path, log: Path, env: Mapping[str, str]) -> int:
    """Run a job of `cocotb_build` as `run_group` does."""
    file = directory / "job.json"
    write_json(file, job)
    return run_group([sys.executable, "-m", "vctx.tb.simulators.cocotb_build", str(file)], directory, log, env)


@contextlib.contextmanager
def _ending(process: subprocess.Popen[bytes]) -> Iterator[select.poll]:
    """Provide what can be polled for the end of a process."""
    descriptor = os.pidfd_open(process.pid)
    try:
        ended = select.poll()
        ended.register(descriptor, select.POLLIN)
        yield ended
    finally:
        os.close(descriptor)


def _end_group(process: subprocess.Popen[bytes]) -> None:
    """End a process group: ask, wait a moment, insist."""
    for what in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, what)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_GRACE)
    process.wait()
