"""Command lines that repeat a run."""

from __future__ import annotations

import sys
from pathlib import Path


def shown(path: Path | str) -> str:
    """Return a path relative to the present directory, if it is below."""
    path = Path(path)
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


def vctx_command(*arguments: str) -> str:
    """Return a command line of this installation's `vctx`, as short as it can be typed here."""
    script = shown(Path(sys.executable).with_name("vctx"))
    return " ".join((script, *arguments))
