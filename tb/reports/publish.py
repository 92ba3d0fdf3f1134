# SPDX-License-Identifier: Apache-2.0
"""Show a result in every way that was asked for."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from vctx.pymodel.errors import UsageError
from vctx.pymodel.trace import TraceError
from vctx.tb.process.folders import claimed
from vctx.tb.reports.render import Renderer
from vctx.tb.reports.render.files import Badge, Json, JUnit
from vctx.tb.reports.render.terminal import Terminal
from vctx.tb.results.model import Explained, Findings, Result
from vctx.tb.runs.repeat import shown
from vctx.tb.timeline.model import Place, Timeline
from vctx.tb.timeline.pack import Packed, pack

REPORT = "report.html"
PAGES = "pages"


def publish(
    console: Console,
    result: Result,
    folder: Path,
    *,
    junit: Path | None = None,
    perfetto: Path | None = None,
    pages: Iterable[tuple[str, Result]] = (),
) -> None:
    """Print a result, and leave it in its folder.

    Args:
        folder: of the run; gets result.json, badge.svg and report.html.
        junit: also write JUnit XML there. perfetto: also write the timeline there, as a Perfetto trace.
        pages: parts of the result, by name, that get a page of their own in the folder `pages`.

    Raises:
        UsageError: a file cannot be written, or there is no timeline for Perfetto.
    """
    from vctx.tb.reports.render.html import Html  # brings jinja2

    result = replace(result, files=(*result.files, ("report", shown(folder / REPORT))))
    found = _timeline(result)
    renderers: list[Renderer] = [Json(folder / "result.json"), Badge(folder / "badge.svg")]
    renderers.append(Html(folder / REPORT, *_on_page(result, found)))
    renderers.append(Terminal(console))  # before what may not be writable
    if junit is not None:
        renderers.append(JUnit(junit))
    if perfetto is not None:
        if found is None:
            raise UsageError(f"--perfetto {perfetto}: this run has no timeline")
        from vctx.tb.reports.render.perfetto import Perfetto  # brings its protocol buffers

        renderers.append(Perfetto(perfetto, found))
    parts = list(pages)
    if parts:
        result = replace(result, files=(*result.files, ("pages", f"{shown(folder / PAGES)}/, {len(parts)} of them")))
    with claimed(folder):
        for renderer in renderers:
            renderer.render(result)
        shutil.rmtree(folder / PAGES, ignore_errors=True)  # those of an earlier run
        for name, part in parts:
            (folder / PAGES).mkdir(exist_ok=True)
            Html(folder / PAGES / f"{name}.html").render(part)


def _timeline(result: Result) -> Timeline | None:
    """Return the timeline of a result, if it has a trace that can be read."""
    if result.trace is None:
        return None
    from vctx.tb.timeline.build import timeline  # brings the whole model

    timing = None if result.timing is None else Path(result.timing)
    try:
        return timeline(Path(result.trace), timing if timing is not None and timing.exists() else None)
    except (TraceError, OSError):  # it broke off, or is no more: there is a result all the same
        return None


def _on_page(result: Result, found: Timeline | None) -> tuple[Packed | None, dict[int, Place]]:
    """Return what a page has of a timeline, and where on it something is wrong, by event."""
    if found is None:
        return None, {}
    from vctx.tb.timeline.build import place

    places = {event: place(found, event, text) for event, text in _wrong(result)}
    return pack(found, list(places.values())), places


def _wrong(result: Result) -> Iterator[tuple[int, str]]:
    """Return the events of the trace at which something is wrong, as the result shows them, and what it is."""
    for section in result.sections:
        if isinstance(section, Explained):
            yield section.event, section.title
        elif isinstance(section, Findings):
            yield from ((f.event, f"{f.name}: {f.evidence}") for f in section.findings if f.event is not None)
