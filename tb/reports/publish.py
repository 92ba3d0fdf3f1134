# SPDX-License-Identifier: Apache-2.0
"""Show a result in every way that was asked for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from vctx.pymodel.trace import TraceError
from vctx.tb.process.folders import claimed
from vctx.tb.replay.timing import TIMING_FILE
from vctx.tb.reports.render import Renderer
from vctx.tb.reports.render.files import Badge, Json, JUnit
from vctx.tb.reports.render.terminal import Terminal
from vctx.tb.results.model import Explained, Findings, Result
from vctx.tb.runs.repeat import shown

REPORT = "report.html"


def publish(console: Console, result: Result, folder: Path, *, junit: Path | None = None) -> None:
    """Print a result, and leave it in its folder.

    Args:
        folder: of the run; gets result.json, badge.svg and report.html.
        junit: also write JUnit XML there.
    """
    result = replace(result, files=(*result.files, ("report", shown(folder / REPORT))))
    files: list[Renderer] = [Json(folder / "result.json"), Badge(folder / "badge.svg"), page_of(result, folder)]
    if junit is not None:
        files.append(JUnit(junit))
    with claimed(folder):
        for renderer in files:
            renderer.render(result)
    Terminal(console).render(result)


def page_of(result: Result, folder: Path) -> Renderer:
    """Return what makes report.html of a result, with the timeline of its trace if that can be read."""
    from vctx.tb.reports.render.html import Html  # brings jinja2
    from vctx.tb.timeline.build import place, timeline  # brings the whole model
    from vctx.tb.timeline.pack import pack

    path = folder / REPORT
    if result.trace is None:
        return Html(path)
    timing = folder / "replay" / TIMING_FILE
    try:
        found = timeline(Path(result.trace), timing if timing.exists() else None)
    except (TraceError, OSError):  # it broke off, or is no more: there is a result all the same
        return Html(path)
    places = {event: place(found, event, text) for event, text in _wrong(result)}
    return Html(path, pack(found, list(places.values())), places)


def _wrong(result: Result) -> Iterator[tuple[int, str]]:
    """Return the events of the trace at which something is wrong, as the result shows them, and what it is."""
    for section in result.sections:
        if isinstance(section, Explained):
            yield section.event, section.title
        elif isinstance(section, Findings):
            yield from ((f.event, f"{f.name}: {f.evidence}") for f in section.findings if f.event is not None)
