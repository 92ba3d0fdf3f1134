# SPDX-License-Identifier: Apache-2.0
"""How a job tells how far it is."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[str, int, int], None]  # of a phase, what is done of it, and the whole


def silent(phase: str, done: int, total: int) -> None:
    """Tell nobody."""
