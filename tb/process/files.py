# SPDX-License-Identifier: Apache-2.0
"""Files that others may read at any time."""

from __future__ import annotations

import json
import os
from pathlib import Path


def write_json(path: Path, value: object) -> None:
    """Write a JSON file atomically."""
    partial = path.with_name(f"{path.name}.{os.getpid()}.part")
    partial.write_text(json.dumps(value, indent=1) + "\n")
    partial.replace(path)
