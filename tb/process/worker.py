# SPDX-License-Identifier: Apache-2.0
"""A function in a process of its own, so that it shares neither a core nor Python's lock with its caller.

Processes are forked off a server: one process with a single thread, which has imported what they need and does nothing
else. The caller itself, which has threads, is never forked, so nobody finds a lock held by a thread that is not there.
"""

from __future__ import annotations

import contextlib
import gc
import multiprocessing
import os
import pickle
import resource
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing import forkserver, resource_tracker
from multiprocessing.connection import Connection
from types import FrameType, ModuleType
from typing import Any, Generic, TypeVar

from vctx.pymodel.errors import ToolError, VctxError
from vctx.tb.process.interrupts import INTERRUPTS, heard

T = TypeVar("T")
Ask = Callable[[Any], Any]  # hands a message to the caller, and returns what it says to that

PROCESSES = multiprocessing.get_context("forkserver")
_GARBAGE = 100_000  # new objects after which the process looks for cycles of them
_AGAIN = 1.0  # seconds until a process is told again to stop: Python may hear of a signal just too late, and then wait
_GRACE = 10  # times that it is told so, and thereby seconds that it has to clean up
_ASKED, _RETURNED, _FAILED = "asked", "returned", "failed"


def preload(*modules: str) -> None:
    """Start the server, if it does not run yet; it imports `modules` meanwhile, which its processes then have at once.

    What interrupts a run is blocked in it and in its processes, until they are ready to hear it.
    """
    PROCESSES.set_forkserver_preload(list(modules))
    with _interrupts_held(), _one_thread_each(), without_main():
        resource_tracker.ensure_running()  # it would unblock signals, too early for the server
        blocked = signal.pthread_sigmask(signal.SIG_BLOCK, INTERRUPTS)
        try:
            forkserver.ensure_running()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, blocked)


@contextlib.contextmanager
def without_main() -> Iterator[None]:
    """Hide the main module, which other processes would otherwise execute anew, though nothing in it is for them."""
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


@contextlib.contextmanager
def _one_thread_each() -> Iterator[None]:
    """Let numpy in a process that is started meanwhile have no threads of its own, for it has no use for them."""
    name = "OPENBLAS_NUM_THREADS"
    before = os.environ.get(name)
    os.environ[name] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before


@dataclass(frozen=True)
class Surroundings:
    """What a process of the server's takes over from its caller, as it would from whoever had forked it.

    Attributes:
        environment: the variables. folder: the present directory.
        interrupts: the signals that interrupt it; the others are ignored.
    """

    environment: dict[str, str]
    folder: str
    interrupts: list[signal.Signals]

    @classmethod
    def here(cls) -> Surroundings:
        """Return those of this process."""
        return cls(dict(os.environ), os.getcwd(), heard())

    def enter(self, handler: Callable[[int, FrameType | None], Any] | signal.Handlers) -> None:
        """Take them over, and begin to hear interrupts, with `handler`."""
        os.environ.clear()
        os.environ.update(self.environment)
        os.chdir(self.folder)
        for number in INTERRUPTS:
            signal.signal(number, handler if number in self.interrupts else signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, INTERRUPTS)


class WorkerError(VctxError):
    """The process ended without a word."""

    exit_code = ToolError.exit_code


class Worker(Generic[T]):
    """A process that executes a function, which goes on while its caller does something else.

    It ends with its caller. Stopping it raises KeyboardInterrupt in the function, as an interrupt from a terminal does.

    Args:
        function: what to execute; its argument is for messages to this process. It is pickled, as are messages, and
            what it returns or raises: it is a function of a module, not the main one, or a partial application of it.
        hear: called with each message, on a thread of its own; what it returns is the answer.
        ended: called on that thread once the function has ended, with what it raised, or None.

    Attributes:
        seconds: processor time that the process took, once it has ended by itself.
    """

    def __init__(
        self,
        function: Callable[[Ask], T],
        hear: Callable[[Any], Any] | None = None,
        ended: Callable[[BaseException | None], None] | None = None,
    ) -> None:
        self.seconds = 0.0
        self._hear = hear
        self._ended = ended
        self._value: T
        self._error: BaseException | None = None
        preload()
        self._connection, theirs = PROCESSES.Pipe()
        self._process = PROCESSES.Process(target=_execute, args=(function, theirs, Surroundings.here()), daemon=True)
        with _interrupts_held(), without_main():
            self._process.start()
        theirs.close()
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def result(self) -> T:
        """Wait for the end of the function, and return what it returned, or raise what it raised.

        Raises:
            WorkerError: the process was killed.
        """
        self._listener.join()
        if self._error is not None:
            raise self._error
        return self._value

    def stop(self) -> None:
        """End the process, if it has not ended, and wait until it has."""
        for _ in range(_GRACE):
            if not self._listener.is_alive():
                return
            self._process.terminate()
            self._listener.join(_AGAIN)
        self._process.kill()
        self._listener.join()

    def _listen(self) -> None:
        try:
            kind, value = self._answer()
            if kind == _FAILED:
                self._error = value
            else:
                self._value, self.seconds = value
        except (EOFError, ConnectionError):
            self._error = WorkerError("a process of this run was killed")
        except BaseException as error:  # of `hear`
            self._error = error
        self._connection.close()  # if the function still runs, it ends at its next message
        self._process.join()
        if self._ended is not None:
            self._ended(self._error)

    def _answer(self) -> tuple[str, Any]:
        """Answer messages up to the last one, and return that."""
        while True:
            kind, value = self._connection.recv()
            if kind != _ASKED:
                return kind, value
            self._connection.send(None if self._hear is None else self._hear(value))


@contextlib.contextmanager
def _interrupts_held() -> Iterator[None]:
    """Hold interrupts back until the end of this, lest a process be started that nobody knows of."""
    if threading.current_thread() is not threading.main_thread():  # which alone hears of them
        yield
        return
    held: list[int] = []
    handlers = {number: signal.signal(number, lambda signum, frame: held.append(signum)) for number in heard()}
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
    if held:
        signal.raise_signal(held[0])


def _execute(function: Callable[[Ask], Any], connection: Connection, surroundings: Surroundings) -> None:
    """What the process does."""

    def ask(message: Any) -> Any:
        connection.send((_ASKED, message))
        return connection.recv()

    try:
        end_with_caller(_terminate)
        surroundings.enter(_interrupt)
        gc.set_threshold(_GARBAGE)  # there are hardly any cycles, and looking for them is slow
        value = function(ask)
        _ignore_interrupts()
        answer: tuple[str, Any] = _RETURNED, (value, _processor_time())
    except BaseException as error:
        answer = _FAILED, _portable(error)
    _ignore_interrupts()
    with contextlib.suppress(OSError):  # nobody is there any more
        connection.send(answer)


def end_with_caller(end: Callable[[], object]) -> None:
    """Call `end`, on a thread of its own, once the process that wanted this one is dead."""
    caller = multiprocessing.parent_process()
    assert caller is not None

    def watch() -> None:
        caller.join()
        end()

    threading.Thread(target=watch, daemon=True).start()


def _terminate() -> None:
    while True:
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(_AGAIN)


def _interrupt(signum: int, frame: FrameType | None) -> None:
    _ignore_interrupts()  # the terminal and the caller may both send one, and cleaning up should not be interrupted
    raise KeyboardInterrupt


def _ignore_interrupts() -> None:
    for number in INTERRUPTS:
        signal.signal(number, lambda signum, frame: None)  # SIG_IGN would complain of one that is just being handled


def _portable(error: BaseException) -> BaseException:
    """Return an exception that survives the way to another process; its traceback, which does not, becomes a note."""
    if not isinstance(error, VctxError):
        error.add_note(f"in another process:\n{''.join(traceback.format_exception(error))}")
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return RuntimeError("".join(traceback.format_exception(error)))
    return error


def _processor_time() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)
