# SPDX-License-Identifier: Apache-2.0
"""A result as a page: one file that opens from disk, with nothing loaded from anywhere."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from vctx.tb.process.files import write_text
from vctx.tb.results.model import Chart, Result
from vctx.tb.timeline.model import Place
from vctx.tb.timeline.pack import Packed

PAGE = Path(__file__).resolve().parent.parent / "page"


class Html:
    """Renders as a page.

    Args:
        packed: its timeline, if it has one. places: of events of the trace on it.
    """

    def __init__(self, path: Path, packed: Packed | None = None, places: Mapping[int, Place] | None = None) -> None:
        self._path = path
        self._packed = packed
        self._places = places or {}

    def render(self, result: Result) -> None:
        """Write the file."""
        first = next((event for event in self._places), None)
        page = _environment().get_template("report.html.j2")
        write_text(
            self._path,
            page.render(result=result, timeline=self._packed, places=self._places, first=first),
        )


class Overview:
    """Renders many results as one page that leads to theirs."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def render_all(self, results: list[tuple[str, Result]]) -> None:
        """Write the file; each result comes with the path of its own page, empty if it has none."""
        page = _environment().get_template("overview.html.j2")
        write_text(self._path, page.render(results=results))


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(PAGE), autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=StrictUndefined
    )
    environment.filters["script"] = _script
    environment.filters["place"] = lambda place: json.dumps(asdict(place))
    environment.filters["most"] = _most
    environment.filters["type"] = lambda section: type(section).__name__
    environment.globals["include_raw"] = lambda name: Markup((PAGE / name).read_text())
    return environment


def _script(value: Any) -> Markup:
    """Return JSON that may stand in a script element: nothing in it ends that."""
    return Markup(json.dumps(value, separators=(",", ":")).replace("<", "\\u003c"))


def _most(chart: Chart) -> float:
    """Return what the longest bar stands for."""
    return max((value for _, values in chart.series for value in values if value is not None), default=0) or 1
