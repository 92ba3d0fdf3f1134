# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from vctx.pymodel.places import RTL

Mutate = Callable[[str, str, str], Path]


@pytest.fixture
def mutate(tmp_path: Path) -> Mutate:
    """Return a function that copies the RTL with one text replaced in one file."""

    def mutate(file: str, old: str, new: str) -> Path:
        copy = shutil.copytree(RTL, tmp_path / "rtl")
        text = (copy / file).read_text()
        assert old in text
        (copy / file).write_text(text.replace(old, new, 1))
        return copy

    return mutate
