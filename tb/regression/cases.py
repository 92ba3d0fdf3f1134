# SPDX-License-Identifier: Apache-2.0
"""Which cocotb tests there are, found without a simulator, and which of them are wanted."""

from __future__ import annotations

import difflib
import importlib
import re
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from cocotb.regression import TestGenerator

from vctx.pymodel.errors import UsageError

_NEAR = 5  # names to suggest


@dataclass(frozen=True)
class Case:
    """One cocotb test.

    Attributes:
        module: name of its module.
        name: its own, with the values of its parameters if it is one of several, as cocotb has it.
        directory: where the module lies.
    """

    module: str
    name: str
    directory: Path

    @property
    def full(self) -> str:
        """Its name as cocotb tells it from others."""
        return f"{self.module}.{self.name}"

    @property
    def function(self) -> str:
        """The full name of the test function, without parameters."""
        return self.full.partition("/")[0]


def discover(paths: Iterable[Path]) -> list[Case]:
    """Return the tests of modules, and of the modules `test_*.py` in directories.

    Raises:
        UsageError: there is no such file, a module cannot be imported, or none has a test.
    """
    cases: list[Case] = []
    for path in paths:
        if not path.exists():
            raise UsageError(f"no such file or directory: {path}")
        files = sorted(path.glob("test_*.py")) if path.is_dir() else [path]
        for file in files:
            cases += cases_of(_import(file))
    if not cases:
        raise UsageError(f"no cocotb test in {', '.join(map(str, paths))}")
    return cases


def _import(file: Path) -> ModuleType:
    directory = str(file.resolve().parent)
    added = directory not in sys.path
    if added:
        sys.path.insert(0, directory)
    try:
        return _imported(file)
    except UsageError:
        if added:
            sys.path.remove(directory)  # whose modules would be found in place of others
        raise


def _imported(file: Path) -> ModuleType:
    try:
        module = importlib.import_module(file.stem)
    except Exception as error:  # whatever the module does
        raise UsageError(f"{file}: {type(error).__name__}: {error}") from None
    if module.__file__ is None or Path(module.__file__).resolve() != file.resolve():
        raise UsageError(f"{file}: another module has the name {file.stem}: {module.__file__}")
    return module


def cases_of(module: ModuleType) -> list[Case]:
    """Return the tests of a module, in their order."""
    directory = Path(str(module.__file__)).resolve().parent
    return [
        Case(module.__name__, test.name, directory)
        for generator in vars(module).values()
        if isinstance(generator, TestGenerator)
        for test in generator.generate_tests()
    ]


def select(cases: Sequence[Case], pattern: str | None) -> list[Case]:
    """Return the test of exactly this name, or those in whose full name it is found as a regular expression.

    Raises:
        UsageError: it is none, or no test has such a name; the message lists near ones.
    """
    if pattern is None:
        return list(cases)
    exact = [case for case in cases if pattern in (case.full, case.name)]
    if exact:
        return exact
    try:
        wanted = re.compile(pattern)
    except re.error as error:
        raise UsageError(f"TEST={pattern}: not a regular expression: {error}") from None
    chosen = [case for case in cases if wanted.search(case.full)]
    if not chosen:
        names = {name: case.function for case in cases for name in (case.function, case.function.partition(".")[2])}
        near = difflib.get_close_matches(pattern, names, _NEAR, cutoff=0.4)
        hint = ", ".join(dict.fromkeys(names[name] for name in near)) or f"one of {len(cases)} tests"
        raise UsageError(f"TEST={pattern}: no test has such a name; near: {hint}")
    return chosen
