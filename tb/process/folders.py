# SPDX-License-Identifier: Apache-2.0
"""Folders of results: whose they are, and that two runs at the same time do not write the same one."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

LOCK = ".lock"  # the file in a folder of results that its run holds
_used: dict[Path, IO[str]] = {}  # the lock files of the folders that this process uses, open


@contextlib.contextmanager
def locked(path: Path, what: str = "") -> Iterator[None]:
    """Hold a lock file: for what two runs at the same time must not both do, as a build.

    Args:
        path: the file.
        what: is said if another run holds it; nothing by default.
    """
    with _acquired(path, fcntl.LOCK_EX, what):
        yield


def made_once(folder: Path, made: Callable[[], bool], make: Callable[[], object]) -> None:
    """Make a folder that many processes use, unless that is done already, and keep it from being removed.

    Nobody removes it as long as this process lives: it holds the lock file beside it, together with other users.

    Args:
        folder: which. made: whether it is there, and whole. make: makes it; never called by two at the same time.
    """
    lock = folder.with_name(f".{folder.name}.lock")
    while folder not in _used or not made():
        _used.pop(folder, None)
        use = _acquired(lock, fcntl.LOCK_SH)
        if made():
            _used[folder] = use
            break
        use.close()
        with locked(lock):
            if not made():  # another process may have done it meanwhile
                make()


@contextlib.contextmanager
def unused(path: Path) -> Iterator[bool]:
    """Hold an existing lock file if nobody else does; tell whether that is so."""
    with contextlib.ExitStack() as stack:
        try:
            file = stack.enter_context(path.open("r+"))
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            free = _names(path, file)
        except (BlockingIOError, FileNotFoundError):
            free = False
        yield free


def _acquired(path: Path, how: int, what: str = "") -> IO[str]:
    while True:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            file = path.open("w")
        except FileNotFoundError:  # its folder is just being removed
            continue
        try:
            fcntl.flock(file, how | fcntl.LOCK_NB)
        except BlockingIOError:
            if what:
                print(f"waiting for another run {what}", file=sys.stderr)
            fcntl.flock(file, how)
        if _names(path, file):
            return file
        file.close()  # it was removed before it was locked


def _names(path: Path, file: IO[str]) -> bool:
    """Return whether `path` is the name of an open file."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


@contextlib.contextmanager
def claimed(folder: Path) -> Iterator[None]:
    """Hold a folder of results: another run that would write there waits."""
    with locked(folder / LOCK, f"that writes to {folder}"):
        yield


def name_of(file: Path) -> str:
    """Return a name for the folder of what is made of a file: its own, marked by where it lies."""
    return marked(file.stem, str(file.resolve()))


def marked(name: str, what: str) -> str:
    """Return `name` with a digest of `what`, which tells it from others of that name."""
    return f"{name}-{hashlib.blake2b(what.encode(), digest_size=4).hexdigest()}"
