# SPDX-License-Identifier: Apache-2.0
"""Files that others may read at any time."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path


def write_json(path: Path, value: object) -> None:
    """Write a JSON file atomically."""
    write_text(path, json.dumps(value, indent=1) + "\n")


def write_text(path: Path, text: str) -> None:
    """Write a text file atomically."""
    partial = path.with_name(f"{path.name}.{os.getpid()}.part")
    partial.write_text(text)
    partial.replace(path)


def same_file(source: Path, target: Path) -> None:
    """Give a file a second name, or copy it where that cannot be. What had that name before is not written to."""
    new = target.with_name(f"{target.name}.{os.getpid()}.part")
    new.unlink(missing_ok=True)
    try:
        os.link(source, new)
    except OSError:
        shutil.copyfile(source, new)
    new.replace(target)
    new.unlink(missing_ok=True)  # two names of one file are both kept by that
