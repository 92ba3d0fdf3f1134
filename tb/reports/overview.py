# SPDX-License-Identifier: Apache-2.0
"""Many results on one page, each with a link to its own."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from vctx.pymodel.errors import UsageError
from vctx.tb.reports.publish import REPORT
from vctx.tb.reports.render.files import JUnit
from vctx.tb.reports.render.html import Overview
from vctx.tb.results.model import Result
from vctx.tb.results.store import is_result, read
from vctx.tb.runs.repeat import shown

RESULT = "result.json"


def overview(console: Console, folders: Sequence[Path], page: Path, junit: Path | None = None) -> bool:
    """Write a page of all results below some folders, print their verdicts, and tell whether all are good.

    Raises:
        UsageError: a folder is not there, or there is no result at all.
    """
    found: list[tuple[str, Result]] = []
    for path in _files(folders):
        result = read(path)
        link = os.path.relpath(path.with_name(REPORT), page.resolve().parent)
        found.append((link if path.with_name(REPORT).exists() else "", result))
    Overview(page).render_all(found)
    if junit is not None:
        JUnit(junit).render_all([result for _, result in found])
    for _, result in found:
        style = "green" if result.ok else "bold red"
        console.print(f"[{style}]{result.verdict}[/] {result.kind}: ", end="")
        console.print(f"{result.title}: {result.headline}", soft_wrap=True, markup=False)
    console.print(f"report: {shown(page.resolve())}", soft_wrap=True)
    return all(result.ok for _, result in found)


def _files(folders: Sequence[Path]) -> list[Path]:
    """Return the results below some folders; those of replays that are part of another run belong to that."""
    for folder in folders:
        if not folder.is_dir():
            raise UsageError(f"{folder}: is no folder")
    every = {path.resolve() for folder in folders for path in folder.rglob(RESULT)}
    files = sorted(path for path in every if is_result(path))
    if not files:
        raise UsageError(f"no results below {', '.join(map(str, folders))}: a run leaves a {RESULT} in its folder")
    return files
