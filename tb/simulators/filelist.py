# SPDX-License-Identifier: Apache-2.0
"""File lists as simulators take them (-f FILE): what a team's own design is made of.

Understood are files, +incdir+, +define+, nested lists by -f and -F, comments, and variables of the environment. Paths
are relative to the folder of the list that has them.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from vctx.pymodel.errors import UsageError

_ALLOWED = "files, +incdir+DIR, +define+NAME=VALUE, -f LIST, and comments"
_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|\((\w+)\)|(\w+))")
_COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
_MODULE = re.compile(r"\bmodule\s+(?:static\s+|automatic\s+)?([A-Za-z_]\w*)")
_INCLUDE = re.compile(r'^\s*`include\s+"([^"]+)"', re.MULTILINE)


@dataclass(frozen=True)
class FileList:
    """What a list says, in its order.

    Attributes:
        path: the list.
        sources: files to compile. includes: directories for `include. defines: NAME or NAME=VALUE.
    """

    path: Path
    sources: tuple[Path, ...]
    includes: tuple[Path, ...]
    defines: tuple[str, ...]

    def modules(self) -> set[str]:
        """Return the names of all modules in the files."""
        return {name for path in self.sources for name in _MODULE.findall(_COMMENT.sub(" ", _text(path)))}

    def headers(self) -> tuple[Path, ...]:
        """Return the files that the sources include, and those include, as far as the directories have them."""
        found: dict[Path, None] = {}
        waiting = list(self.sources)
        while waiting:
            for name in _INCLUDE.findall(_text(waiting.pop())):
                path = next((at for folder in self.includes if (at := folder / name).is_file()), None)
                if path is not None and path not in found:
                    found[path] = None
                    waiting.append(path)
        return tuple(found)


def read_file_list(path: Path) -> FileList:
    """Read a file list.

    Raises:
        UsageError: it names a file or folder that does not exist, or has a line of another kind.
    """
    sources: dict[Path, None] = {}  # once, though two lists name it
    includes: dict[Path, None] = {}
    defines: dict[str, None] = {}
    for where, word, folder in _words(path.resolve(), ()):
        kind, plus, rest = word[1:].partition("+")
        if not word.startswith(("+", "-")):
            sources[_file(folder / word, where)] = None
        elif word[0] == "+" and plus and kind in ("incdir", "define"):
            for value in filter(None, rest.split("+")):
                if kind == "define":
                    defines[value] = None
                else:
                    includes[_folder(folder / value, where)] = None
        else:
            raise UsageError(f"{where}: {word!r}: a file list may have {_ALLOWED}")
    if not sources:
        raise UsageError(f"{path}: names no files")
    return FileList(path, tuple(sources), tuple(includes), tuple(defines))


def _words(path: Path, outer: tuple[Path, ...]) -> Iterator[tuple[str, str, Path]]:
    """Yield (list and line, word, folder that paths are relative to) for each word of a list and those it names."""
    if path in outer:
        raise UsageError(f"{outer[-1]}: names {path}, which names it in turn")
    for number, line in enumerate(_text(path).splitlines(), 1):
        where = f"{path}:{number}"
        words = iter(line.split())
        for word in words:
            if word.startswith(("//", "#")):
                break
            if word not in ("-f", "-F"):
                yield where, _expanded(word, where), path.parent
                continue
            name = next(words, None)
            if name is None:
                raise UsageError(f"{where}: {word}: which list?")
            nested = _file(path.parent / _expanded(name, where), where)
            yield from _words(nested, (*outer, path))


def _expanded(word: str, where: str) -> str:
    def value(variable: re.Match[str]) -> str:
        name = variable[1] or variable[2] or variable[3]
        if name not in os.environ:
            raise UsageError(f"{where}: {word}: the environment has no variable {name}")
        return os.environ[name]

    return _VARIABLE.sub(value, word)


def _file(path: Path, where: str) -> Path:
    if not path.is_file():
        raise UsageError(f"{where}: no file {path}")
    return path.resolve()


def _folder(path: Path, where: str) -> Path:
    if not path.is_dir():
        raise UsageError(f"{where}: no folder {path}")
    return path.resolve()


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from None


@dataclass(frozen=True)
class OwnStatus:
    """A module of somebody's own in the place of vctx_status.

    Attributes:
        files: what it is made of. top: its name; it has the ports of vctx_status, and no parameters need be given.
    """

    files: FileList
    top: str

    @classmethod
    def read(cls, path: Path, top: str) -> OwnStatus:
        """Read the list of its files.

        Raises:
            UsageError: as of `read_file_list`, or no file has that module.
        """
        files = read_file_list(path)
        modules = files.modules()
        if top not in modules:
            near = get_close_matches(top, modules, 1)
            more = f"; did you mean {near[0]}?" if near else ""
            raise UsageError(f"--top {top}: none of the files of {path} has a module of that name{more}")
        return cls(files, top)
