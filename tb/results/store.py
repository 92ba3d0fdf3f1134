# SPDX-License-Identifier: Apache-2.0
"""Results as JSON: the job's own fields, and beside them what there is to see."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from vctx.pymodel.errors import UsageError
from vctx.tb.results.model import (
    SCHEMA,
    Case,
    Cell,
    Chart,
    Defect,
    Defects,
    Evidence,
    Explained,
    Field,
    Finding,
    Findings,
    Result,
    Section,
    Table,
    Text,
)

_OWN = ("schema", "kind", "title", "ok", "headline", "command", "trace", "timing", "sections", "cases")


def as_json(result: Result) -> dict[str, Any]:
    """Return a result as JSON-able data; the fields of the job stand beside those of every result."""
    return {
        "schema": SCHEMA,
        "kind": result.kind,
        "title": result.title,
        "ok": result.ok,
        "headline": result.headline,
        "command": result.command,
        "trace": result.trace,
        "timing": result.timing,
        **{name: value for name, value in result.data.items() if name not in _OWN},
        "sections": [{"type": type(section).__name__} | asdict(section) for section in result.sections],
        "cases": [asdict(case) for case in result.cases],
    }


def is_result(path: Path) -> bool:
    """Return whether a file is a result of some schema; replays within other runs leave their numbers alone."""
    try:
        raw = json.loads(path.read_text())
    except (OSError, ValueError):
        return False
    return isinstance(raw, dict) and "schema" in raw


def read(path: Path) -> Result:
    """Read a result.json.

    Raises:
        UsageError: it is not there, no result, damaged, or of another schema.
    """
    try:
        raw = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise UsageError(f"{path}: no result to read: {error}") from None
    schema = raw.get("schema") if isinstance(raw, dict) else None
    if schema != SCHEMA:
        found = "it names none" if schema is None else f"it has {schema!r}"
        raise UsageError(f"{path}: a result of schema {SCHEMA} is needed, {found}; repeat the run with this version")
    try:
        return _result(raw)
    except (KeyError, TypeError, ValueError) as error:
        raise UsageError(f"{path}: damaged: {error!r}") from None


def _result(raw: dict[str, Any]) -> Result:
    return Result(
        kind=raw["kind"],
        title=raw["title"],
        ok=raw["ok"],
        headline=raw["headline"],
        command=raw["command"],
        sections=tuple(_SECTIONS[section["type"]](section) for section in raw["sections"]),
        cases=tuple(Case(**case) for case in raw["cases"]),
        data={name: value for name, value in raw.items() if name not in _OWN},
        trace=raw["trace"],
        timing=raw["timing"],
    )


def _table(raw: dict[str, Any]) -> Table:
    rows = tuple(tuple(Cell(**cell) for cell in row) for row in raw["rows"])
    left, prose = tuple(raw["left"]), tuple(raw["prose"])
    return Table(raw["title"], tuple(raw["columns"]), rows, left, prose, raw["note"], raw["narrow"])


def _text(raw: dict[str, Any]) -> Text:
    return Text(raw["title"], tuple((label, text) for label, text in raw["lines"]), raw["tone"])


def _findings(raw: dict[str, Any]) -> Findings:
    return Findings(raw["title"], tuple(Finding(**finding) for finding in raw["findings"]))


def _marked(raw: list[list[Any]]) -> tuple[tuple[str, bool], ...]:
    return tuple((text, differs) for text, differs in raw)


def _explained(raw: dict[str, Any]) -> Explained:
    fields = tuple(
        Field(each["name"], _marked(each["expected"]), _marked(each["observed"]), each["what"], each["rule"])
        for each in raw["fields"]
    )
    facts = tuple((label, text) for label, text in raw["facts"])
    return Explained(raw["title"], facts, fields, raw["more"], tuple(raw["before"]), raw["command"], raw["event"])


def _evidence(raw: dict[str, Any]) -> Evidence:
    named = tuple((text, who) for text, who in raw["found"])
    return Evidence(raw["where"], named, raw["calls"], tuple(raw["path"]), raw["at"])


def _defects(raw: dict[str, Any]) -> Defects:
    found = tuple(
        Defect(**each | {"evidence": tuple(_evidence(one) for one in each["evidence"])}) for each in raw["defects"]
    )
    return Defects(raw["title"], found, raw["note"])


def _chart(raw: dict[str, Any]) -> Chart:
    series = tuple((name, tuple(values)) for name, values in raw["series"])
    return Chart(raw["title"], raw["unit"], tuple(raw["positions"]), series)


_SECTIONS: dict[str, Callable[[dict[str, Any]], Section]] = {
    "Table": _table,
    "Text": _text,
    "Findings": _findings,
    "Explained": _explained,
    "Defects": _defects,
    "Chart": _chart,
}
