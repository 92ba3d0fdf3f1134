# SPDX-License-Identifier: Apache-2.0
"""Command lines that repeat a run."""

from __future__ import annotations

import shlex
import shutil
import sys
from pathlib import Path

from vctx.pymodel.places import default_out, out_root


def shown(path: Path | str) -> str:
    """Return a path relative to the present directory, if it is below."""
    path = Path(path)
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


def vctx_command(*arguments: str | Path, out: bool = True) -> str:
    """Return a command line of this installation's `vctx`, as short as it can be typed here.

    Args:
        arguments: paths are shortened and quoted, text is taken as it is.
        out: name the folder for results if it is not the usual one; a trace is the same in every folder.
    """
    words = [shlex.quote(shown(word)) if isinstance(word, Path) else word for word in arguments]
    where = [] if not out or out_root() == default_out() else [f"--out {shlex.quote(shown(out_root()))}"]
    return " ".join((_script(), *words, *where))


def _script() -> str:
    """Return what starts this installation's `vctx`: its name where the shell finds it by that."""
    called = Path(sys.argv[0])  # with `pip install --user` it is not beside the interpreter
    script = called.absolute() if called.name == "vctx" else Path(sys.executable).with_name("vctx")
    if not script.exists():
        return f"{shlex.quote(shown(sys.executable))} -m vctx.tb"
    found = shutil.which("vctx")
    return "vctx" if found is not None and script.samefile(found) else shlex.quote(shown(script))
