# SPDX-License-Identifier: Apache-2.0
"""A function in a process of its own: what it returns, raises and says arrives, and it can be ended."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from vctx.pymodel.errors import UsageError
from vctx.tb.process.worker import Ask, Worker, WorkerError

pytestmark = pytest.mark.usefixtures("interruptible")


def caller() -> int:
    """The process that wanted this one."""
    parent = multiprocessing.parent_process()
    assert parent is not None and parent.pid is not None
    return parent.pid


def talk(ask: Ask) -> tuple[int, int]:
    return os.getpid(), ask("two") + ask("three")


def test_the_value_and_the_messages_arrive_from_another_process() -> None:
    heard: list[Any] = []

    def hear(message: str) -> int:
        heard.append(message)
        return len(message)

    worker = Worker(talk, hear)
    pid, answers = worker.result()
    assert pid != os.getpid()
    assert (answers, heard) == (8, ["two", "three"])


def work(seconds: float, ask: Ask) -> None:
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass


def test_its_processor_time_is_told() -> None:
    worker = Worker(partial(work, 0.2))
    worker.result()
    assert worker.seconds >= 0.2


def refuse(ask: Ask) -> None:
    raise UsageError("no such thing")


def test_what_it_raises_is_raised_here() -> None:
    ended: list[BaseException | None] = []
    worker = Worker(refuse, ended=ended.append)
    with pytest.raises(UsageError, match="no such thing"):
        worker.result()
    assert [str(error) for error in ended] == ["no such thing"]


def culprit(ask: Ask) -> None:
    raise AssertionError("broken")


def test_an_error_tells_where_in_the_other_process_it_happened() -> None:
    with pytest.raises(AssertionError, match="broken") as caught:
        Worker(culprit).result()
    assert "in culprit" in "".join(caught.value.__notes__)


def raise_a_local_error(ask: Ask) -> None:
    class LocalError(Exception):
        pass

    raise LocalError("only here")


def test_an_error_that_cannot_travel_is_reported_as_text() -> None:
    with pytest.raises(RuntimeError, match="only here"):
        Worker(raise_a_local_error).result()


def ask_on(ask: Ask) -> None:
    while True:
        ask("anything")


def test_a_listener_that_fails_ends_the_worker() -> None:
    def hear(message: str) -> None:
        raise OSError("no space left")

    with pytest.raises(OSError, match="no space left"):
        Worker(ask_on, hear).result()


def kill_itself(ask: Ask) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_worker_that_is_killed_is_an_error() -> None:
    with pytest.raises(WorkerError, match="killed"):
        Worker(kill_itself).result()


def interrupt_itself(number: int, ask: Ask) -> str:
    os.kill(os.getpid(), number)
    return "alive"


def test_what_is_ignored_stays_ignored() -> None:
    """As SIGHUP under nohup, and SIGINT in the background of a script; even if the first worker came before that."""
    assert Worker(partial(interrupt_itself, 0)).result() == "alive"
    for number in (signal.SIGINT, signal.SIGHUP):
        with ignored(number):
            assert Worker(partial(interrupt_itself, number)).result() == "alive"
        with pytest.raises(KeyboardInterrupt):
            Worker(partial(interrupt_itself, number)).result()


@contextlib.contextmanager
def ignored(number: signal.Signals) -> Iterator[None]:
    before = signal.signal(number, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(number, before)


def kill_the_caller(ask: Ask) -> None:
    try:
        os.kill(caller(), signal.SIGKILL)
        time.sleep(600)
    finally:
        print("cleaned up", flush=True)


def run_python(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Python, which finds this module, and for which a warning is an error."""
    path = os.pathsep.join([str(Path(__file__).parent), *filter(None, [os.environ.get("PYTHONPATH")])])
    command = [sys.executable, "-W", "error", *arguments]
    environment = {**os.environ, "PYTHONPATH": path}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)


def run_script(text: str) -> subprocess.CompletedProcess[str]:
    return run_python("-c", f"from test_worker import *\n{text}")


def test_it_ends_with_its_caller() -> None:
    started = time.monotonic()
    done = run_script("Worker(kill_the_caller).result()")
    assert (done.returncode, done.stdout, done.stderr) == (-signal.SIGKILL, "cleaned up\n", "")
    assert time.monotonic() - started < 300


def start_and_wait(mark: Path, ask: Ask) -> None:
    try:
        mark.touch()
        ask("started")
        time.sleep(600)
    finally:
        mark.unlink()


def test_stopping_lets_it_clean_up(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    started = time.monotonic()
    begun: list[str] = []
    worker = Worker(partial(start_and_wait, mark), begun.append)
    while not begun:
        time.sleep(0.01)
    assert mark.exists()
    worker.stop()
    assert not mark.exists()
    assert time.monotonic() - started < 300
    with pytest.raises(KeyboardInterrupt):
        worker.result()


def interrupt_twice(done: Path, ask: Ask) -> None:
    try:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(600)
    finally:
        ask("cleaning up")
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(0.1)
        done.touch()


def test_a_second_interrupt_does_not_disturb_the_clean_up(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """The terminal interrupts every process of a run, and whoever waits for this one then stops it."""
    done = tmp_path / "done"
    with pytest.raises(KeyboardInterrupt):
        Worker(partial(interrupt_twice, done)).result()
    assert done.exists()
    assert capfd.readouterr().err == ""


def five(ask: Ask) -> int:
    return 5


def test_stopping_one_that_has_ended_keeps_its_value() -> None:
    worker = Worker(five)
    assert worker.result() == 5
    worker.stop()
    assert worker.result() == 5


@pytest.mark.parametrize("event", ["socket.bind", "socket.connect"])  # of the start of the server, and of a process
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_amid_the_start_is_not_lost(number: int, event: str) -> None:
    done = run_script(f"""
def interrupted(number, frame): raise KeyboardInterrupt
signal.signal(signal.SIGTERM, interrupted)
sys.addaudithook(lambda event, _: signal.raise_signal({int(number)}) if event == "{event}" else None)
try:
    Worker(five)
except KeyboardInterrupt:
    print("interrupted")
""")
    assert (done.returncode, done.stdout, done.stderr) == (0, "interrupted\n", "")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_while_a_process_imports_what_it_needs_is_not_lost(number: int, tmp_path: Path) -> None:
    (tmp_path / "slow.py").write_text(
        "import multiprocessing, time\n"
        "if multiprocessing.parent_process(): time.sleep(1)\n"
        "def function(ask): time.sleep(600)\n"
    )
    done = run_script(f"""
sys.path.insert(0, {str(tmp_path)!r})
import slow
worker = Worker(slow.function)
time.sleep(0.5)
os.kill(multiprocessing.active_children()[0].pid, {int(number)})
try:
    worker.result()
except KeyboardInterrupt:
    print("interrupted")
""")
    assert (done.returncode, done.stdout, done.stderr) == (0, "interrupted\n", "")


def here(ask: Ask) -> tuple[str, str | None]:
    return os.getcwd(), os.environ.get("VCTX_TESTED")


def test_folder_and_environment_are_those_of_the_caller(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not those of the server, which may have started earlier."""
    assert Worker(here).result() == (os.getcwd(), None)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VCTX_TESTED", "yes")
    assert Worker(here).result() == (str(tmp_path), "yes")


def test_the_main_module_is_not_executed_anew(tmp_path: Path) -> None:
    """So a script needs no precautions."""
    script = tmp_path / "script.py"
    script.write_text("print('once')\nfrom test_worker import *\nprint(Worker(five).result())\n")
    done = run_python(str(script))
    assert (done.returncode, done.stdout, done.stderr) == (0, "once\n5\n", "")


def test_no_process_with_threads_is_forked() -> None:
    """Python 3.12 and later warn where that is done, and here a warning is an error."""
    done = run_script("""
import threading, numpy
threading.Thread(target=time.sleep, args=(1,)).start()
print(Worker(five).result(), Worker(threads).result())
""")
    assert (done.returncode, done.stdout, done.stderr) == (0, "5 2\n", "")


def threads(ask: Ask) -> int:
    """Of this process: one watches the caller; those that numpy would have belong to nobody."""
    return len(os.listdir("/proc/self/task"))
