# SPDX-License-Identifier: Apache-2.0
"""The header of a trace that can be executed: one schema, checked whole before anything is made of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from vctx.pymodel.trace.file import TraceError, TraceReader
from vctx.pymodel.trace.records import PAGE_SIZE

MAX_RAM = 1 << 30  # bytes; a replay holds all of it, in memory and as an image
MAX_HARTS = 8
_PADDR_END = 1 << 56

# Of each number: whether a value is allowed, and what is.
_NUMBERS: dict[str, tuple[Callable[[int], bool], str]] = {
    "vlen": (lambda value: value in [128 << i for i in range(6)], "a power of two from 128 to 4096"),
    "harts": (lambda value: 1 <= value <= MAX_HARTS, f"from 1 to {MAX_HARTS}"),
    "seed": (lambda value: 0 <= value < 1 << 64, "from 0 to 2^64 - 1"),
    "ram_base": (lambda value: 0 <= value < _PADDR_END and value % PAGE_SIZE == 0, "a page's address below 2^56"),
    "ram_size": (lambda value: 8 <= value <= MAX_RAM and value % 8 == 0, f"a multiple of 8 from 8 to {MAX_RAM:#x}"),
    "fill": (lambda value: 0 <= value <= 255, "from 0 to 255"),
}


@dataclass(frozen=True)
class Header:
    """What executing a trace needs from its header.

    Attributes:
        vlen: VLEN in bits. harts: how many there are. seed: of the latencies and initial values of a replay.
        ram_base, ram_size: where RAM begins, and its bytes. fill: every byte of it that nobody wrote.
        command: what recorded the trace. has_v: harts have the vector extension.
        programs: those that may have run, for reports: names of programs of sw/ or paths of ELF files, and the address
            that each was loaded at, None if it may be any.
    """

    vlen: int
    harts: int
    seed: int
    ram_base: int
    ram_size: int
    fill: int
    command: str = ""
    has_v: bool = True
    programs: dict[str, int | None] = field(default_factory=dict)

    @classmethod
    def of(cls, trace: Path) -> Header:
        """Read the header of a trace file.

        Raises:
            TraceError: the file is no trace, or a value is missing or not allowed; the message says what is.
        """
        return cls.checked(TraceReader(trace).header, trace)

    @classmethod
    def checked(cls, raw: dict[str, Any], trace: Path) -> Header:
        """Return the header that JSON data make; errors as for :meth:`of`."""
        for name, (allowed, text) in _NUMBERS.items():
            value = raw.get(name)
            if type(value) is not int or not allowed(value):
                shown = "missing" if name not in raw else f"{value!r:.40}"
                raise TraceError(f"{trace}: header: {name} is {shown}; it must be a number, {text}")
        if raw["ram_base"] + raw["ram_size"] > _PADDR_END:
            raise TraceError(f"{trace}: header: RAM ends behind 2^56")
        for name, kind in (("command", str), ("has_v", bool)):
            if not isinstance(raw.get(name, kind()), kind):
                what = "text" if kind is str else "true or false"
                raise TraceError(f"{trace}: header: {name} is {raw[name]!r:.40}; it must be {what}")
        programs = raw.get("programs", {})
        if not isinstance(programs, dict) or not all(base is None or type(base) is int for base in programs.values()):
            raise TraceError(f"{trace}: header: programs is {programs!r:.40}; it must be addresses, or null, by name")
        known = {each.name for each in fields(cls)}
        return cls(**{name: value for name, value in raw.items() if name in known})
