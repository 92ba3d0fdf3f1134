# SPDX-License-Identifier: Apache-2.0
"""Plans: a TOML file that names jobs, knobs and seeds, checked key by key; docs/campaigns.md describes it."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from vctx.pymodel import schema
from vctx.pymodel.errors import UsageError
from vctx.tb.campaign.cells import Cell, cell_of
from vctx.tb.campaign.jobs import JOBS, SEED
from vctx.tb.knobs import between

MAX_CELLS = 1_000_000
_SEEDS = (0, 2**32 - 1)
_TIMEOUT = 3600  # seconds


@dataclass(frozen=True)
class Entry:
    """One `[[cells]]` of a plan.

    Attributes:
        job: one of `JOBS`. options: each with the values that it takes; cells are their product.
        first: the first seed. seeds: how many; None for a job that is run without one.
    """

    job: str
    options: Mapping[str, Sequence[Any]]
    first: int = 1
    seeds: int | None = None

    def cells(self, number: int) -> Iterator[Cell]:
        """Yield the cells of one round: the first round has number 0, and each later one the seeds that follow."""
        seeds: Sequence[int | None] = [None] if number == 0 else []
        if self.seeds is not None:
            first = self.first + number * self.seeds
            between(SEED, first + self.seeds - 1, *_SEEDS)
            seeds = range(first, first + self.seeds)
        for values in itertools.product(*self.options.values()):
            options = dict(zip(self.options, values, strict=True))
            for seed in seeds:
                yield cell_of(self.job, options if seed is None else options | {SEED: seed})


@dataclass(frozen=True)
class Plan:
    """A campaign to run.

    Attributes:
        name: names its folder.
        entries: what it consists of.
        timeout: seconds after which a cell counts as hung.
        hours: time after which no further cell begins; None for no limit. until_coverage: share of the bins at which
            the same holds, from 0 to 1. With either of them, rounds of further seeds follow until it is reached.
        shard: (i, n): only the cells of part i of n, from 1.
    """

    name: str
    entries: tuple[Entry, ...]
    timeout: int = _TIMEOUT
    hours: float | None = None
    until_coverage: float | None = None
    shard: tuple[int, int] = (1, 1)

    @property
    def endless(self) -> bool:
        """Whether rounds follow each other until something ends them."""
        return self.hours is not None or self.until_coverage is not None

    def with_seeds(self, seeds: int | None, first: int | None) -> Plan:
        """Return the plan with another number of seeds, or another first one, for everything that takes any."""
        entries = []
        for entry in self.entries:
            if entry.seeds is not None:
                entry = replace(entry, seeds=seeds or entry.seeds, first=entry.first if first is None else first)
            entries.append(entry)
        return replace(self, entries=tuple(entries))

    def round(self, number: int) -> list[Cell]:
        """Return the cells of a round: each once, those of this shard, in the order of the plan.

        Raises:
            UsageError: there are too many, or a seed is too large.
        """
        found: dict[str, Cell] = {}
        for entry in self.entries:
            for cell in entry.cells(number):
                found.setdefault(cell.key, cell)
                if len(found) > MAX_CELLS:
                    raise UsageError(f"plan {self.name}: more than {MAX_CELLS:,} cells")
        part, parts = self.shard
        return [cell for cell in found.values() if parts == 1 or _part(cell, parts) == part - 1]


def _part(cell: Cell, parts: int) -> int:
    """Return which part a cell belongs to: by what it is, so that sources or tools that change move none."""
    return int.from_bytes(hashlib.blake2b(cell.name.encode(), digest_size=8).digest()) % parts


def shard_of(text: str) -> tuple[int, int]:
    """Return the part and the number of parts that `i/n` names.

    Raises:
        UsageError: it is none.
    """
    part, _, parts = text.partition("/")
    if not (part.isdecimal() and parts.isdecimal() and 1 <= int(part) <= int(parts)):
        raise UsageError(f"--shard {text}: must be i/n, with i from 1 to n")
    return int(part), int(parts)


def read_plan(path: Path) -> Plan:
    """Read a plan.

    Raises:
        UsageError: it cannot be read, or has a key or value that is not allowed; the message says what is.
    """
    data = schema.load(path, str(path))
    try:
        return _plan(data, path.stem)
    except UsageError as error:
        raise UsageError(f"{path}: {error}") from error


def _number(low: float, high: float) -> Callable[[str, Any], float]:
    def check(where: str, value: Any) -> float:
        if not isinstance(value, int | float) or isinstance(value, bool) or not low < value <= high:
            raise UsageError(f"{where} = {value!r}: must be a number above {low:g}, at most {high:g}")
        return float(value)

    return check


hours, share = _number(0, 10_000), _number(0, 1)
_TOP: dict[str, schema.Check] = {
    "name": schema.string,
    "timeout": schema.integer(1, 7 * 86_400),
    "hours": hours,
    "until_coverage": share,
}


def _plan(data: dict[str, Any], stem: str) -> Plan:
    cells = data.pop("cells", None)
    for key in data:
        schema.known(key, (*_TOP, "cells"), "keys of a plan", "plan")
    top = {key: _TOP[key](key, value) for key, value in data.items()}
    name = top.pop("name", stem)
    if not name or not all(letter.isalnum() or letter in "-_." for letter in name) or name.startswith("."):
        raise UsageError(f"name = {name!r}: must consist of letters, digits, '-', '_' and '.'")
    if not isinstance(cells, list) or not cells or not all(isinstance(entry, dict) for entry in cells):
        raise UsageError("it needs at least one [[cells]]")
    return Plan(name, tuple(_entry(entry, f"cells[{number}]") for number, entry in enumerate(cells, 1)), **top)


def _entry(data: dict[str, Any], where: str) -> Entry:
    kind = data.pop("job", None)
    if not isinstance(kind, str):
        raise UsageError(f"{where}: job must be one of {', '.join(JOBS)}")
    schema.known(kind, tuple(JOBS), "jobs", f"{where}.job")
    job = JOBS[kind]
    first, seeds = 1, None
    if "first_seed" in data:
        first = schema.integer(*_SEEDS)(f"{where}.first_seed", data.pop("first_seed"))
        data.setdefault("seeds", 1)
    if "seeds" in data:
        if not job.seeded:
            raise UsageError(f"{where}.seeds: {kind} takes no seed")
        seeds = schema.integer(1, MAX_CELLS)(f"{where}.seeds", data.pop("seeds"))
    elif job.seeded and kind != "command":
        seeds = 1
    options: dict[str, list[Any]] = {}
    for key, value in data.items():
        schema.known(key, dict(job.options), f"options of {kind}", where)
        values = value if isinstance(value, list) else [value]
        if not values:
            raise UsageError(f"{where}.{key}: must have at least one value")
        options[key] = [job.options[key](f"{where}.{key}", each) for each in values]
    if missing := [name for name in job.needed if name not in options]:
        raise UsageError(f"{where}: {kind} needs {', '.join(missing)}")
    for name in job.files:
        for file in options.get(name, ()):
            if not Path(file).is_file():
                raise UsageError(f"{where}.{name} = {file!r}: no such file")
    for combination in itertools.product(*options.values()):
        try:
            job.check(dict(zip(options, combination, strict=True)))
        except UsageError as error:
            raise UsageError(f"{where}: {error}") from error
    return Entry(kind, options, first, seeds)
