# SPDX-License-Identifier: Apache-2.0
"""The store of a campaign: an SQLite file that one process writes, and anybody may read meanwhile."""

from __future__ import annotations

import json
import sqlite3
import time
import zlib
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vctx.pymodel.errors import UsageError
from vctx.tb.campaign.cells import Cell
from vctx.tb.campaign.outcome import UNJUDGED, Outcome

FILE = "store.sqlite"
_FORMAT = 1
_TABLES = """
create table if not exists meta (name text primary key, value text) without rowid;
create table if not exists cell (key text primary key, job text, options text) without rowid;
create table if not exists result (key text primary key, status text, outcome blob, worker text, seconds real,
                                   attempts integer) without rowid;
create table if not exists attempt (key text, worker text, status text, log text, at real);
create table if not exists campaign (at real, hash text, summary text);
"""


@dataclass(frozen=True)
class Result:
    """The final outcome of a cell; `seconds` of wall time on a worker, after so many `attempts`."""

    cell: Cell
    outcome: Outcome
    worker: str
    seconds: float
    attempts: int


class Store:
    """A store, open.

    Args:
        path: the file. write: make it if there is none; else it is only read.

    Raises:
        UsageError: there is none to read, or the file is no store.
    """

    def __init__(self, path: Path, *, write: bool = False) -> None:
        self.path = path
        if not write and not path.is_file():
            raise UsageError(f"{path}: no such file; `vctx campaign PLAN.toml` makes it")
        if write:
            path.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(path, isolation_level=None)
        try:
            if write:
                self._db.execute("pragma journal_mode = wal")
                self._db.execute("pragma synchronous = normal")  # a killed process loses nothing
                self._db.executescript(_TABLES)
                self._db.execute("insert or ignore into meta values ('format', ?)", (str(_FORMAT),))
            found = self.meta("format")
        except sqlite3.DatabaseError as error:
            self._db.close()
            raise _failed(path, error) from error
        if found != str(_FORMAT):
            raise UsageError(f"{path}: a store of format {found}; this vctx reads {_FORMAT}")

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *exc: object) -> None:
        self._db.close()

    def meta(self, name: str) -> str | None:
        """Return a fact of the campaign."""
        row = self._db.execute("select value from meta where name = ?", (name,)).fetchone()
        return None if row is None else str(row[0])

    def set_meta(self, name: str, value: str) -> None:
        """Keep a fact of the campaign."""
        self._write([("insert or replace into meta values (?, ?)", (name, value))])

    def begin(self, cells: Iterable[Cell]) -> None:
        """Make these the cells of the campaign; results of others stay, for when they come back."""
        rows = [(cell.key, cell.job, json.dumps(dict(cell.options), sort_keys=True)) for cell in cells]
        self._write([("delete from cell", ())], [("insert or ignore into cell values (?, ?, ?)", rows)])

    def add(self, cells: Iterable[Cell]) -> None:
        """Add cells to the campaign."""
        rows = [(cell.key, cell.job, json.dumps(dict(cell.options), sort_keys=True)) for cell in cells]
        self._write([], [("insert or ignore into cell values (?, ?, ?)", rows)])

    def finished(self) -> set[str]:
        """Return the keys that have a judged result."""
        marks = ", ".join("?" * len(UNJUDGED))
        return {key for (key,) in self._db.execute(f"select key from result where status not in ({marks})", UNJUDGED)}

    def put(self, result: Result) -> None:
        """Keep the result of a cell; a second one of the same cell takes the place of the first."""
        blob = zlib.compress(json.dumps(result.outcome.as_json()).encode(), 6)
        row = (result.cell.key, result.outcome.status, blob, result.worker, result.seconds, result.attempts)
        self._write([("insert or replace into result values (?, ?, ?, ?, ?, ?)", row)])

    def attempted(self, key: str, worker: str, outcome: Outcome) -> None:
        """Keep that a cell was tried and did not pass."""
        row = (key, worker, outcome.status, outcome.log, time.time())
        self._write([("insert into attempt values (?, ?, ?, ?, ?)", row)])

    def results(self) -> Iterator[Result]:
        """Yield the results of the campaign's cells, in the order of their keys."""
        rows = self._db.execute(
            "select key, job, options, outcome, worker, seconds, attempts from cell join result using (key) "
            "order by key"
        )
        for key, job, options, blob, worker, seconds, attempts in rows:
            outcome = Outcome.of_json(json.loads(zlib.decompress(blob)))
            yield Result(Cell(job, json.loads(options), key), outcome, worker, seconds, attempts)

    def missing(self) -> list[Cell]:
        """Return the cells of the campaign that have no result at all."""
        rows = self._db.execute("select key, job, options from cell where key not in (select key from result)")
        return [Cell(job, json.loads(options), key) for key, job, options in rows]

    def counts(self) -> dict[str, int]:
        """Return how many cells there are by status; "missing" for those without a result."""
        rows = self._db.execute(
            "select coalesce(status, 'missing'), count(*) from cell left join result using (key) group by 1"
        )
        return dict(rows.fetchall())

    def ended(self, digest: str, summary: dict[str, Any]) -> None:
        """Keep what a campaign came to, for the trends of the next one."""
        self._write([("insert into campaign values (?, ?, ?)", (time.time(), digest, json.dumps(summary)))])

    def before(self, cells: str) -> dict[str, Any] | None:
        """Return the summary of the last campaign that had other cells than those whose digest is `cells`."""
        for (summary,) in self._db.execute("select summary from campaign order by at desc"):
            found: dict[str, Any] = json.loads(summary)
            if found["cells"] != cells:
                return found
        return None

    def take(self, other: Path) -> int:
        """Take over all cells and results of another store; return how many cells that adds.

        Raises:
            UsageError: it is none.
        """
        added = 0
        with Store(other) as theirs:
            for cell, result in theirs._everything():
                added += self._db.execute("select 1 from cell where key = ?", (cell.key,)).fetchone() is None
                self.add([cell])
                if result is not None:
                    self.put(result)
        return added

    def _everything(self) -> Iterator[tuple[Cell, Result | None]]:
        yield from ((result.cell, result) for result in self.results())
        yield from ((cell, None) for cell in self.missing())

    def _write(
        self, single: list[tuple[str, tuple[Any, ...]]], many: list[tuple[str, list[Any]]] | None = None
    ) -> None:
        """Write all of it or nothing."""
        try:
            with closing(self._db.cursor()) as cursor:
                cursor.execute("begin immediate")
                for statement, row in single:
                    cursor.execute(statement, row)
                for statement, rows in many or ():
                    cursor.executemany(statement, rows)
                cursor.execute("commit")
        except sqlite3.Error as error:
            if self._db.in_transaction:
                self._db.rollback()
            raise _failed(self.path, error) from error


def _failed(path: Path, error: sqlite3.Error) -> UsageError:
    return UsageError(f"{path}: {error}; what was kept before stays, and `vctx campaign resume` goes on")
