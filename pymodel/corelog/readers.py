# SPDX-License-Identifier: Apache-2.0
"""Which format a log has, and its events as a stream."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from vctx.pymodel.corelog.event import Event, Reader
from vctx.pymodel.corelog.keyed_text import KeyedText
from vctx.pymodel.corelog.spike_text import SpikeText
from vctx.pymodel.errors import UsageError

READERS: tuple[Reader, ...] = (SpikeText(), KeyedText("rvfi"), KeyedText("rvvi"))
FORMATS = tuple(reader.name for reader in READERS)
_SNIFFED = 1000  # lines in which to look for one of the format


def read_events(log: Path, hart: int = 0, *, form: str | None = None) -> Iterator[Event]:
    """Return the events of one hart, read as they are asked for.

    Args:
        log: the file.
        hart: whose events.
        form: the name of the format; None for what the first lines look like.

    Raises:
        UsageError: it cannot be read, has no such format, or a line of it is damaged.
    """
    try:
        with log.open(encoding="ascii", errors="replace") as file:
            first = list(islice(file, _SNIFFED))
    except OSError as error:
        raise UsageError(f"cannot read {log}: {error.strerror}") from error
    for reader in READERS:
        if reader.name == form or (form is None and reader.recognises(first)):
            return _stream(reader, log, hart)
    raise UsageError(
        f"{log} is not a commit log: none of its first {_SNIFFED} lines is of a format of {', '.join(FORMATS)}"
    )


def _stream(reader: Reader, log: Path, hart: int) -> Iterator[Event]:
    with log.open(encoding="ascii", errors="replace") as file:
        yield from reader.events(file, hart, log)
