"""A function in a process of its own, so that it shares neither a core nor Python's lock with its caller."""

from __future__ import annotations

import contextlib
import gc
import multiprocessing
import os
import pickle
import resource
import signal
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from types import FrameType
from typing import Any, Generic, TypeVar

from vctx.pymodel.errors import ToolError, VctxError
from vctx.tb.process.interrupts import INTERRUPTS, heard

T = TypeVar("T")
Ask = Callable[[Any], Any]  # hands a message to the caller, and returns what it says to that

_FORK = multiprocessing.get_context("fork")  # the function need not be importable, and nothing is imported anew
_GARBAGE = 100_000  # new objects after which the process looks for cycles of them
_GRACE = 10.0  # seconds that a process has to clean up once it is told to stop
_ORPHANED = 0.5  # seconds until a process notices that its caller is dead
_ASKED, _RETURNED, _FAILED = "asked", "returned", "failed"


class WorkerError(VctxError):
    """The process ended without a word."""

    exit_code = ToolError.exit_code


class Worker(Generic[T]):
    """A process that executes a function, which goes on while its caller does something else.

    It ends with its caller. Stopping it raises KeyboardInterrupt in the function, as an interrupt from a terminal does.

    Args:
        function: what to execute; its argument is for messages to this process. Messages, and what it returns or
            raises, are pickled.
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
        self._connection, theirs = _FORK.Pipe()
        self._process = _FORK.Process(target=_execute, args=(function, theirs, self._connection), daemon=True)
        with _interrupts_held():
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
        if self._listener.is_alive():
            self._process.terminate()
            self._listener.join(_GRACE)
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
    """Hold interrupts back until the end of this: Python swallows what is raised amid its own work around a fork."""
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


def _execute(function: Callable[[Ask], Any], connection: Connection, callers: Connection) -> None:
    """What the process does."""

    def ask(message: Any) -> Any:
        connection.send((_ASKED, message))
        return connection.recv()

    try:
        for number in heard():
            signal.signal(number, _interrupt)
        callers.close()  # so that the death of the caller is noticed, at the next message
        end_with_caller(_terminate)
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
    """Call `end`, on a thread of its own, once the process that started this one is dead."""
    caller = multiprocessing.parent_process()
    assert caller is not None

    def watch() -> None:
        while os.getppid() == caller.pid:
            time.sleep(_ORPHANED)
        end()

    threading.Thread(target=watch, daemon=True).start()


def _terminate() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


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
