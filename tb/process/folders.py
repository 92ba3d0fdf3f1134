"""Folders of results: whose they are, and that two runs at the same time do not write the same one."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import sys
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def locked(path: Path, what: str = "") -> Iterator[None]:
    """Hold a lock file: for what two runs at the same time must not both do, as a build.

    Args:
        path: the file.
        what: is said if another run holds it; nothing by default.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if what:
                print(f"waiting for another run {what}", file=sys.stderr)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def claimed(folder: Path) -> Iterator[None]:
    """Hold a folder of results: another run that would write there waits."""
    with locked(folder / ".lock", f"that writes to {folder}"):
        yield


def name_of(file: Path) -> str:
    """Return a name for the folder of what is made of a file: its own, marked by where it lies."""
    return marked(file.stem, str(file.resolve()))


def marked(name: str, what: str) -> str:
    """Return `name` with a digest of `what`, which tells it from others of that name."""
    return f"{name}-{hashlib.blake2b(what.encode(), digest_size=4).hexdigest()}"
