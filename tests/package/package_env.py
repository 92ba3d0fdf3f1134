# SPDX-License-Identifier: Apache-2.0
"""An environment with the installed wheel, and the commands of a user in it."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from vctx.pymodel.places import OUT_VARIABLE, ROOT

_FOLDERS = ("docs", "pymodel", "rtl", "src", "sw", "tb")


@dataclass(frozen=True)
class Installed:
    """An environment into which pip installed the wheel; `wheel` is that file."""

    folder: Path
    wheel: Path

    @property
    def python(self) -> Path:
        return self.folder / "bin" / "python"

    @property
    def vctx(self) -> Path:
        return self.folder / "bin" / "vctx"


def copy_checkout(to: Path) -> Path:
    """Copy what a wheel is made of, and the Makefile, as they are in the checkout."""
    to.mkdir()
    for path in ROOT.iterdir():
        if path.is_file():
            shutil.copy(path, to)
    for name in _FOLDERS:
        ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
        shutil.copytree(ROOT / name, to / name, symlinks=True, ignore=ignored)
    return to


def environment(**more: str) -> dict[str, str]:
    """Return the environment of a user who knows nothing of this checkout."""
    env = {name: value for name, value in os.environ.items() if name not in (OUT_VARIABLE, "PYTHONPATH", "VIRTUAL_ENV")}
    return env | more


def pip(python: str | Path, *arguments: str | Path) -> None:
    command = [str(python), "-m", "pip", "--disable-pip-version-check", *map(str, arguments)]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
