# SPDX-License-Identifier: Apache-2.0
"""The examples in docstrings do what they say."""

from __future__ import annotations

import doctest
import importlib
from types import ModuleType

import pytest

from vctx.pymodel.places import ROOT

# Whose users are elsewhere, and who therefore have an example.
WITH_EXAMPLES = (
    "pymodel.isa.encoding",
    "pymodel.isa.hart",
    "pymodel.isa.memory",
    "pymodel.isa.vtype",
    "pymodel.kvm.kernel",
    "pymodel.scenarios.invariants",
    "pymodel.trace.compare",
    "pymodel.trace.file",
    "tb.replay.layout",
)


def modules_with_examples() -> list[str]:
    paths = [path for folder in ("pymodel", "tb") for path in (ROOT / folder).rglob("*.py")]
    return sorted(
        ".".join(path.relative_to(ROOT).with_suffix("").parts) for path in paths if ">>> " in path.read_text()
    )


def test_those_that_should_have_examples_have_them() -> None:
    assert set(WITH_EXAMPLES) <= set(modules_with_examples())


@pytest.mark.parametrize("name", modules_with_examples())
def test_examples(name: str) -> None:
    result = doctest.testmod(importlib.import_module(f"vctx.{name}"))
    assert result.attempted > 0
    assert result.failed == 0


def test_a_wrong_example_is_noticed() -> None:
    module = ModuleType("wrong", ">>> 1 + 1\n3\n")
    assert doctest.testmod(module).failed == 1
