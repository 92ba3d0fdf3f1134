# SPDX-License-Identifier: Apache-2.0
"""What all commands of this project do alike: where they print, and how failures and interrupts end them."""

from __future__ import annotations

import errno
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import NoReturn

from rich.console import Console

from vctx.pymodel.errors import UsageError, VctxError
from vctx.pymodel.places import OUT_VARIABLE, out_root
from vctx.tb.process.interrupts import heard

_SIGNALLED = 128  # plus the number of a signal: the exit code of a command that it ended, as shells have it
_NO_ROOM = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT)
_interrupts: list[int] = []  # signals that ended this command; each counts as SIGINT


class _Console(Console):
    """A console whose reader may leave before the end, as `head` does."""

    def on_broken_pipe(self) -> NoReturn:
        """End as a command does that SIGPIPE ends. Python ignores that signal, and we need that: simulators may die."""
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115  # so that the last flush does not fail, too
        sys.exit(_SIGNALLED + signal.SIGPIPE)


if sys.stdout is None:  # closed by whoever called
    sys.stdout = open(os.devnull, "w")  # noqa: SIM115
console = _Console(highlight=False, width=None if sys.stdout.isatty() else 120)


def execute(command: Callable[[], int | None]) -> NoReturn:
    """Execute a command and exit with what it returns; what a user can cause ends as one line and an exit code.

    Args:
        command: returns an exit code, or None for 0.
    """
    for number in heard():  # a run that is ended takes its simulator along
        signal.signal(number, _interrupt)
    try:
        sys.exit(command())
    except SystemExit:
        if _interrupts:  # the library of the command line has made this of it
            _say_interrupted()
        raise
    except BrokenPipeError:
        console.on_broken_pipe()
    except VctxError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except OSError as error:  # a full disk, a folder that must not be written to
        print(f"error: {error.filename or 'output'}: {error.strerror or error}{_elsewhere(error)}", file=sys.stderr)
        sys.exit(UsageError.exit_code)
    except KeyboardInterrupt:
        _say_interrupted()
        sys.exit(_SIGNALLED + signal.SIGINT)


def _say_interrupted() -> None:
    by = signal.Signals(_interrupts[0]) if _interrupts else signal.SIGINT
    print(f"interrupted by {by.name}", file=sys.stderr)


def _elsewhere(error: OSError) -> str:
    """Return what helps if it is the folder of everything generated that cannot be written to."""
    if error.errno not in _NO_ROOM or not isinstance(error.filename, str | os.PathLike):
        return ""
    path, root = Path(error.filename), out_root()
    inside = path.is_relative_to(root) or root.is_relative_to(path)
    return f"; --out DIR, or {OUT_VARIABLE}, names another folder" if inside else ""


def _interrupt(signum: int, frame: FrameType | None) -> None:
    _interrupts.append(signum)
    raise KeyboardInterrupt
