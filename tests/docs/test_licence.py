# SPDX-License-Identifier: Apache-2.0
"""Every source file names its licence, and the licence is there."""

from __future__ import annotations

import hashlib
import os
import tomllib
from pathlib import Path

import pytest

from vctx.pymodel.places import ROOT

LINE = "SPDX-License-Identifier: Apache-2.0"
SUFFIXES = {".py", ".sv", ".svh", ".vlt", ".c", ".cc", ".cpp", ".h", ".S", ".sh", ".ld", ".core", ".js", ".css", ".j2"}
NAMES = {"Makefile", "run"}  # sources without a suffix; the latter is that of CI
GENERATED = {".git", "sim_build", "build", "dist", "node_modules", "__pycache__"}
TEXT_OF_APACHE_2_0 = "cfc7749b96f63bd31c3c42b5c471bf756814053e847c10f3eb003417bc523d30"  # sha256, as apache.org has it


def sources(root: Path) -> list[Path]:
    """Source files below a folder, without what is generated or an environment."""
    found = []
    for folder, folders, files in os.walk(root):
        here = Path(folder)
        folders[:] = [
            name
            for name in folders
            if name not in GENERATED and not name.endswith("_cache") and not (here / name / "pyvenv.cfg").exists()
        ]
        found += [here / name for name in files if Path(name).suffix in SUFFIXES or name in NAMES]
    return found


def without_licence(root: Path) -> list[str]:
    """Source files that do not name it in their first three lines: a shebang, or a format's first line, may precede."""
    return [
        str(path.relative_to(root))
        for path in sources(root)
        if not any(LINE in line for line in path.read_text().splitlines()[:3])
    ]


def test_every_source_file_names_its_licence() -> None:
    assert len(sources(ROOT)) > 300
    assert without_licence(ROOT) == []


@pytest.mark.parametrize(
    ("name", "text", "named"),
    [
        ("a.py", f'# {LINE}\n"""Module."""\n', True),
        ("a.sh", f"#!/bin/sh\n# {LINE}\n", True),
        ("a.py", '"""Module."""\n', False),
        ("a.S", "", False),
        ("deep/Makefile", "all:\n", False),
        ("a.sv", f"\n\n\n// {LINE}\n", False),
        ("a.c", "// SPDX-License-Identifier: MIT\n", False),
        ("sim_build/a.py", "", True),
        ("environment/lib/a.py", "", True),
        ("a.md", "", True),
    ],
)
def test_one_that_does_not_is_found(tmp_path: Path, name: str, text: str, named: bool) -> None:
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    (tmp_path / "environment").mkdir(exist_ok=True)
    (tmp_path / "environment" / "pyvenv.cfg").touch()
    assert without_licence(tmp_path) == ([] if named else [name])


def test_the_licence_is_the_true_text() -> None:
    assert hashlib.sha256((ROOT / "LICENSE").read_bytes()).hexdigest() == TEXT_OF_APACHE_2_0
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["license"] == "Apache-2.0"
    assert project["license-files"] == ["LICENSE"]
