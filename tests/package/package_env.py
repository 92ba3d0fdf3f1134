"""An environment with the installed wheel, and the commands of a user in it."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from vctx.pymodel.places import OUT_VARIABLE


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


def environment(**more: str) -> dict[str, str]:
    """Return the environment of a user who knows nothing of this checkout."""
    env = {name: value for name, value in os.environ.items() if name not in (OUT_VARIABLE, "PYTHONPATH", "VIRTUAL_ENV")}
    return env | more


def pip(python: str | Path, *arguments: str | Path) -> None:
    command = [str(python), "-m", "pip", "--disable-pip-version-check", *map(str, arguments)]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
