# SPDX-License-Identifier: Apache-2.0
"""A campaign: hand out what is missing, keep what comes back, try again what came to nothing, and merge."""

from __future__ import annotations

import json
import os
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from vctx.pymodel.errors import UsageError
from vctx.pymodel.places import build_root, out_root
from vctx.tb.campaign.cells import Cell, fingerprint
from vctx.tb.campaign.merge import Merged, merged, trends
from vctx.tb.campaign.outcome import DIED, FAILED, PASSED, UNJUDGED, Outcome
from vctx.tb.campaign.plan import Entry, Plan
from vctx.tb.campaign.pools import LOST, Pool
from vctx.tb.campaign.runner import Done, Task
from vctx.tb.campaign.store import FILE, Result, Store
from vctx.tb.process.files import write_json

TRIES = 2  # of a cell that died, hung, or failed
LOSSES = 4  # of a cell whose worker was lost: others on the same node may be, too
_STOP = "stop"  # the file that asks a campaign to stop


@dataclass(frozen=True)
class State:
    """How far a campaign is: cells done before this run and in it, of how many, failed ones among them, and seconds."""

    before: int
    done: int
    total: int
    failed: int
    seconds: float

    @property
    def rate(self) -> float:
        """Cells a second in this run."""
        return self.done / self.seconds if self.seconds else 0.0

    @property
    def left(self) -> float | None:
        """Seconds until the end, if it goes on like this; None if nobody can tell."""
        return (self.total - self.before - self.done) / self.rate if self.done else None


Tell = Callable[[State], None]


@dataclass(frozen=True)
class Report:
    """What a campaign came to, so far.

    Attributes:
        merged: all of it. digest: its hash. missing: cells without a result.
        trends: see `tb.campaign.merge.trends`. path: the JSON.
    """

    name: str
    merged: Merged
    digest: str
    missing: int
    trends: dict[str, list[str]]
    path: Path

    @property
    def ok(self) -> bool:
        """Every cell passed, and none is missing."""
        return self.merged.ok and not self.missing


def folder_of(name: str) -> Path:
    """Return the folder of a campaign."""
    return out_root() / "campaign" / name


def name_with_shard(plan: Plan) -> str:
    """Return the name of a campaign's folder; each shard has its own."""
    part, parts = plan.shard
    return plan.name if parts == 1 else f"{plan.name}-shard{part}of{parts}"


def kept_plan(store: Store) -> Plan:
    """Return the plan of a campaign from its store.

    Raises:
        UsageError: it has none, as one that was merged.
    """
    text = store.meta("plan")
    if text is None:
        raise UsageError(f"{store.path}: holds no plan, so it cannot be resumed; it was merged from others")
    data: dict[str, Any] = json.loads(text)
    entries = tuple(Entry(**entry) for entry in data.pop("entries"))
    return Plan(entries=entries, **data | {"shard": tuple(data["shard"])})


def run(plan: Plan, pool: Pool, store: Store, tell: Tell = lambda state: None) -> None:
    """Run what is missing of a campaign.

    Args:
        plan: what it consists of. pool: where it runs. store: where results go, as they come.
        tell: called now and then.

    Raises:
        UsageError: nothing more can be stored; what was stays.
    """
    _Run(plan, pool, store, tell).all()


def ask_to_stop(name: str) -> None:
    """Ask a campaign that runs to stop; what its workers have begun comes to its end.

    Raises:
        UsageError: there is no such campaign.
    """
    folder = folder_of(name)
    if not (folder / FILE).is_file():
        raise UsageError(f"campaign {name}: there is none in {folder.parent}")
    (folder / _STOP).touch()


class _Run:
    def __init__(self, plan: Plan, pool: Pool, store: Store, tell: Tell) -> None:
        self._plan, self._pool, self._store, self._tell = plan, pool, store, tell
        self._folder = store.path.parent
        self._begun = time.monotonic()
        self._cells: dict[str, Cell] = {}  # those under way
        self._tried: dict[str, list[Outcome]] = {}
        self._again: deque[tuple[Task, str]] = deque()  # and the worker that had it
        self._before = self._done = self._failed = self._total = 0
        self._stopped = False

    def all(self) -> None:
        stop = self._folder / _STOP
        stop.unlink(missing_ok=True)
        self._store.set_meta("plan", json.dumps(asdict(self._plan)))
        self._store.set_meta("fingerprint", fingerprint())
        number = 0
        cells = self._plan.round(number)
        self._store.begin(cells)
        while True:
            self._round(cells)
            number += 1
            if self._stopped or not self._plan.endless or self._reached():
                break
            cells = self._plan.round(number)
            if not cells:  # nothing takes seeds
                break
            self._store.add(cells)
        stop.unlink(missing_ok=True)

    def _round(self, cells: list[Cell]) -> None:
        finished = self._store.finished()
        missing = deque(cell for cell in cells if cell.key not in finished)
        self._before += len(cells) - len(missing)
        self._total += len(cells)
        self._say()
        while missing or self._again or self._pool.outstanding:
            if not self._stopped and self._must_stop():
                self._stopped = True
                self._pool.drop()
            if self._stopped:
                missing.clear()
                self._again.clear()
                if not self._pool.outstanding:
                    break
            for _ in range(self._pool.room()):
                if self._again:
                    self._pool.submit(*self._again.popleft())
                elif missing:
                    cell = missing.popleft()
                    self._cells[cell.key] = cell
                    self._pool.submit(self._task(cell, 0))
                else:
                    break
            for done in self._pool.wait():
                self._take(done)
            self._say()

    def _must_stop(self) -> bool:
        hours = self._plan.hours
        return (self._folder / _STOP).exists() or (hours is not None and self._seconds() > hours * 3600)

    def _reached(self) -> bool:
        wanted = self._plan.until_coverage
        if wanted is None:
            return False
        found = merged(self._store.results())
        return found.possible == 0 or found.reached / found.possible >= wanted

    def _seconds(self) -> float:
        return time.monotonic() - self._begun

    def _say(self) -> None:
        self._tell(State(self._before, self._done, self._total, self._failed, self._seconds()))

    def _task(self, cell: Cell, attempt: int) -> Task:
        folder = self._folder / "cells" / cell.key[:2] / f"{cell.key}-{attempt}"
        return Task(
            cell.key,
            cell.job,
            dict(cell.options),
            attempt,
            str(folder.absolute()),
            str(build_root()),
            os.getcwd(),
            self._plan.timeout,
            fingerprint(),
        )

    def _take(self, done: Done) -> None:
        """Keep a result, or have the cell tried once more, elsewhere."""
        key, outcome = done.task.key, done.outcome
        cell = self._cells[key]
        tried = self._tried.setdefault(key, [])
        tried.append(outcome)
        if outcome.status != PASSED:
            self._store.attempted(key, done.worker, outcome)
        if self._another_try(tried) and not self._stopped:
            self._again.append((self._task(cell, len(tried)), done.worker))
            return
        final = _final(tried)
        if final.status in UNJUDGED and self._stopped and len(tried) == 1:
            return  # it is missing, and resuming tries it
        self._store.put(Result(cell, final, done.worker, done.seconds, len(tried)))
        del self._cells[key], self._tried[key]
        self._done += 1
        self._failed += final.status != PASSED

    def _another_try(self, tried: list[Outcome]) -> bool:
        last = tried[-1]
        if last.status == PASSED:
            return False
        if last.status == DIED and last.log.startswith(LOST):
            return len(tried) < LOSSES
        return sum(not each.log.startswith(LOST) for each in tried) < TRIES


def _final(tried: list[Outcome]) -> Outcome:
    """Return what a cell comes to that was tried several times."""
    failed = [outcome for outcome in tried if outcome.status == FAILED]
    judged = [outcome for outcome in tried if outcome.status not in UNJUDGED]
    if not failed:
        return tried[-1]
    assert failed[0].failure is not None
    first = failed[0].failure.signature
    same = all(each.failure is not None and each.failure.signature == first for each in judged)
    return failed[0] if same else replace(failed[0], flaky=True)


def report(store: Store, name: str) -> Report:
    """Merge what a store holds, and leave it as JSON beside it."""
    found = merged(store.results())
    data = found.as_json()
    before = store.before(data["cells"])
    digest, missing = found.digest(), store.counts().get("missing", 0)
    path = store.path.parent / "result.json"
    made = Report(name, found, digest, missing, trends(found, before), path)
    _keep_cases(found, store.path.parent / "cases")
    write_json(path, {"name": name, "hash": digest, "missing": missing, "trends": made.trends, **data, "ok": made.ok})
    return made


def close(store: Store, made: Report) -> None:
    """Remember what a campaign came to, so that the next one can tell what is new."""
    if not made.missing:
        data = made.merged.as_json()
        store.ended(made.digest, {"cells": data["cells"], "buckets": [bucket["id"] for bucket in data["buckets"]]})


def merge(store: Store, others: Iterable[Path]) -> None:
    """Take cells and results of other stores over.

    Raises:
        UsageError: one is none, or of other sources.
    """
    for other in others:
        path = other / FILE if other.is_dir() else other
        with Store(path) as theirs:
            version = theirs.meta("fingerprint")
        if version is not None:
            if store.meta("fingerprint") not in (None, version):
                raise UsageError(f"{path}: of other sources or tools than those before it")
            store.set_meta("fingerprint", version)
        store.take(path)


def _keep_cases(found: Merged, folder: Path) -> None:
    """Write the smallest case of each bucket that has one."""
    for bucket in found.buckets.values():
        if bucket.smallest is not None and bucket.smallest.case:
            folder.mkdir(exist_ok=True)
            (folder / f"{bucket.id}.S").write_text(bucket.smallest.case)
