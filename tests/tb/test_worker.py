"""A function in a process of its own: what it returns, raises and says arrives, and it can be ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from vctx.pymodel.errors import UsageError
from vctx.tb.process.worker import Ask, Worker, WorkerError


def test_the_value_and_the_messages_arrive_from_another_process() -> None:
    heard: list[Any] = []

    def function(ask: Ask) -> tuple[int, int]:
        return os.getpid(), ask("two") + ask("three")

    def hear(message: str) -> int:
        heard.append(message)
        return len(message)

    worker = Worker(function, hear)
    pid, answers = worker.result()
    assert pid != os.getpid()
    assert (answers, heard) == (8, ["two", "three"])


def test_its_processor_time_is_told() -> None:
    def busy(ask: Ask) -> None:
        end = time.process_time() + 0.2
        while time.process_time() < end:
            pass

    worker = Worker(busy)
    worker.result()
    assert worker.seconds >= 0.2


def test_what_it_raises_is_raised_here() -> None:
    def fails(ask: Ask) -> None:
        raise UsageError("no such thing")

    ended: list[BaseException | None] = []
    worker = Worker(fails, ended=ended.append)
    with pytest.raises(UsageError, match="no such thing"):
        worker.result()
    assert [str(error) for error in ended] == ["no such thing"]


def test_an_error_tells_where_in_the_other_process_it_happened() -> None:
    def culprit(ask: Ask) -> None:
        raise AssertionError("broken")

    with pytest.raises(AssertionError, match="broken") as caught:
        Worker(culprit).result()
    assert "in culprit" in "".join(caught.value.__notes__)


def test_an_error_that_cannot_travel_is_reported_as_text() -> None:
    class LocalError(Exception):
        pass

    def fails(ask: Ask) -> None:
        raise LocalError("only here")

    with pytest.raises(RuntimeError, match="only here"):
        Worker(fails).result()


def test_a_listener_that_fails_ends_the_worker() -> None:
    def function(ask: Ask) -> None:
        while True:
            ask("anything")

    def hear(message: str) -> None:
        raise OSError("no space left")

    with pytest.raises(OSError, match="no space left"):
        Worker(function, hear).result()


def test_a_worker_that_is_killed_is_an_error() -> None:
    worker = Worker(lambda ask: os.kill(os.getpid(), signal.SIGKILL))
    with pytest.raises(WorkerError, match="killed"):
        worker.result()


def test_what_is_ignored_stays_ignored() -> None:
    """As under nohup."""
    script = """
import os, signal
from vctx.tb.process.worker import Worker
signal.signal(signal.SIGHUP, signal.SIG_IGN)
print(Worker(lambda ask: os.kill(os.getpid(), signal.SIGHUP) or "alive").result())
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert (done.stdout, done.stderr) == ("alive\n", "")


def test_it_ends_with_its_caller() -> None:
    script = """
import os, signal, time
from vctx.tb.process.worker import Worker
def function(ask):
    try:
        os.kill(os.getppid(), signal.SIGKILL)
        time.sleep(60)
    finally:
        print("cleaned up", flush=True)
Worker(function).result()
"""
    started = time.monotonic()
    done = subprocess.run([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (-signal.SIGKILL, "cleaned up\n")
    assert time.monotonic() - started < 30


def test_stopping_lets_it_clean_up(tmp_path: Path) -> None:
    mark = tmp_path / "mark"

    def function(ask: Ask) -> None:
        try:
            mark.touch()
            ask("started")
            time.sleep(60)
        finally:
            mark.unlink()

    started = time.monotonic()
    begun: list[str] = []
    worker = Worker(function, begun.append)
    while not begun:
        time.sleep(0.01)
    assert mark.exists()
    worker.stop()
    assert not mark.exists()
    assert time.monotonic() - started < 30
    with pytest.raises(KeyboardInterrupt):
        worker.result()


def test_a_second_interrupt_does_not_disturb_the_clean_up(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """The terminal interrupts every process of a run, and whoever waits for this one then stops it."""
    done = tmp_path / "done"

    def function(ask: Ask) -> None:
        try:
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(60)
        finally:
            ask("cleaning up")
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(0.1)
            done.touch()

    with pytest.raises(KeyboardInterrupt):
        Worker(function).result()
    assert done.exists()
    assert capfd.readouterr().err == ""


def test_stopping_one_that_has_ended_keeps_its_value() -> None:
    worker = Worker(lambda ask: 5)
    assert worker.result() == 5
    worker.stop()
    assert worker.result() == 5


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_amid_the_start_is_not_lost(number: int) -> None:
    """It comes where Python swallows whatever is raised."""
    script = f"""
import os, signal
from vctx.tb.process.worker import Worker
def terminate(number, frame): raise KeyboardInterrupt
signal.signal(signal.SIGTERM, terminate)
os.register_at_fork(before=lambda: signal.raise_signal({int(number)}))
try:
    Worker(lambda ask: None)
except KeyboardInterrupt:
    print("interrupted")
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "interrupted\n", "")
