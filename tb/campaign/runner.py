# SPDX-License-Identifier: Apache-2.0
"""Runs cells in a warm process of its own, which may be killed: one that hangs or dies costs nobody else anything."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vctx.tb.campaign.child import log_of
from vctx.tb.campaign.outcome import DIED, HUNG, Outcome


@dataclass(frozen=True)
class Task:
    """A cell on its way to a worker.

    Attributes:
        key, job, options: of the cell. attempt: how often it was tried before.
        folder: where its files go. cache: where builds are. cwd: where relative paths begin.
        timeout: seconds after which it counts as hung.
        fingerprint: of the sources that the campaign is about.
    """

    key: str
    job: str
    options: dict[str, Any]
    attempt: int
    folder: str
    cache: str
    cwd: str
    timeout: float
    fingerprint: str


@dataclass(frozen=True)
class Done:
    """A task that has come back: its outcome, the worker that had it, and wall time in seconds."""

    task: Task
    outcome: Outcome
    worker: str
    seconds: float


class Runner:
    """A process for cells, started when it is needed."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._process: subprocess.Popen[bytes] | None = None
        self._requests = self._answers = -1

    def run(self, task: Task) -> Done:
        """Run a cell and wait for it; one that hangs is killed, with everything it started."""
        begun = time.monotonic()
        request = {name: getattr(task, name) for name in ("job", "options", "folder", "cache", "cwd")}
        line = self._ask(json.dumps(request).encode() + b"\n", begun + task.timeout)
        seconds = time.monotonic() - begun
        if line:
            return Done(task, Outcome.of_json(json.loads(line)), self.name, seconds)
        log = log_of(Path(task.folder))
        if line is None:
            self.stop()
            return Done(task, Outcome(HUNG, log=f"no end after {task.timeout:g} s\n{log}".strip()), self.name, seconds)
        status = self._ended()
        how = f"signal {-status}" if status < 0 else f"exit code {status}"
        return Done(task, Outcome(DIED, log=f"its process ended with {how}\n{log}".strip()), self.name, seconds)

    def stop(self) -> None:
        """End the process and everything it started."""
        if self._process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._ended()

    def _ended(self) -> int:
        assert self._process is not None
        status = self._process.wait()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)  # what it left behind
        os.close(self._requests)
        os.close(self._answers)
        self._process = None
        return status

    def _ask(self, request: bytes, until: float) -> bytes | None:
        """Return the line that answers a request; empty if the process has ended, None if there is none in time."""
        if self._process is None:
            self._start()
        try:
            os.write(self._requests, request)
        except BrokenPipeError:
            return b""
        answer = select.poll()
        answer.register(self._answers, select.POLLIN)
        line = b""
        while not line.endswith(b"\n"):
            if not answer.poll(max(0.0, until - time.monotonic()) * 1000):
                return None
            part = os.read(self._answers, 1 << 16)
            if not part:
                return b""
            line += part
        return line

    def _start(self) -> None:
        theirs, self._requests = os.pipe()
        self._answers, out = os.pipe()
        command = [sys.executable, "-m", "vctx.tb.campaign.child", str(theirs), str(out)]
        self._process = subprocess.Popen(
            command, pass_fds=(theirs, out), stdin=subprocess.DEVNULL, start_new_session=True
        )
        os.close(theirs)
        os.close(out)
