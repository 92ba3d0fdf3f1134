# SPDX-License-Identifier: Apache-2.0
"""Renderers: each shows a result in its own way, and computes nothing of it."""

from __future__ import annotations

from typing import Protocol

from vctx.tb.results.model import Result


class Renderer(Protocol):
    """Shows a result where it was told to when it was made: on a console, or in a file."""

    def render(self, result: Result) -> None:
        """Show the result."""
