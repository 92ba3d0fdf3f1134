# SPDX-License-Identifier: Apache-2.0
"""Show a result in every way that was asked for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from vctx.tb.process.folders import claimed
from vctx.tb.reports.render import Renderer
from vctx.tb.reports.render.files import Badge, Json, JUnit
from vctx.tb.reports.render.terminal import Terminal
from vctx.tb.results.model import Result


def publish(console: Console, result: Result, folder: Path, *, junit: Path | None = None) -> None:
    """Print a result, and leave it in its folder.

    Args:
        folder: of the run; gets result.json and badge.svg.
        junit: also write JUnit XML there.
    """
    files: Sequence[Renderer] = [
        Json(folder / "result.json"),
        Badge(folder / "badge.svg"),
        *([JUnit(junit)] if junit is not None else []),
    ]
    with claimed(folder):
        for renderer in files:
            renderer.render(result)
    Terminal(console).render(result)
