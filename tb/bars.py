# SPDX-License-Identifier: Apache-2.0
"""Progress on a terminal."""

from __future__ import annotations

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from vctx.tb.ending import console


class Bars:
    """Progress bars by phase, on a terminal; a line when a phase ends, elsewhere."""

    def __init__(self) -> None:
        self._progress = Progress(
            TextColumn("{task.description:<8}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=console,
            disable=not console.is_terminal,
        )
        self._tasks: dict[str, TaskID] = {}
        self._ended: set[str] = set()

    def __enter__(self) -> Bars:
        self._progress.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._progress.stop()

    def __call__(self, phase: str, done: int, total: int) -> None:
        """Show how far a phase is."""
        if phase not in self._tasks:
            self._tasks[phase] = self._progress.add_task(phase, total=total)
            if not console.is_terminal:
                console.print(f"{phase} ...")
        self._progress.update(self._tasks[phase], completed=done, total=total)
