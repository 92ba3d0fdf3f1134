# SPDX-License-Identifier: Apache-2.0
"""Bugs put into the RTL on purpose: text replaced in a copy of it."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from vctx.pymodel.places import RTL


@dataclass(frozen=True)
class Mutant:
    """One way to put a bug into the RTL: in `file`, each `old` (which occurs once) becomes `new`."""

    bug: str
    name: str
    file: str
    edits: tuple[tuple[str, str], ...]

    def build(self, directory: Path) -> Path:
        """Return a copy of the RTL with the bug."""
        copy = shutil.copytree(RTL, directory)
        text = (copy / self.file).read_text()
        for old, new in self.edits:
            assert text.count(old) == 1, f"{self.file}: {old!r} occurs {text.count(old)} times"
            text = text.replace(old, new)
        (copy / self.file).write_text(text)
        return copy


@dataclass(frozen=True)
class Bug:
    """A mutant with what must find it.

    Attributes:
        name: in a few words.
        file, edits: as of `Mutant`.
        kills: test functions that must fail, as `module: function function ...; module: ...`, modules without `test_`.
    """

    name: str
    file: str
    edits: tuple[tuple[str, str], ...]
    kills: str
