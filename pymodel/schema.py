# SPDX-License-Identifier: Apache-2.0
"""Checks of what a TOML file says: each takes where a value stands and the value, and says what is allowed instead."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from vctx.pymodel.errors import UsageError

Check = Callable[[str, Any], Any]


def integer(low: int = 0, high: int = (1 << 64) - 1) -> Check:
    """Return a check for a number from `low` to `high`."""

    def check(where: str, value: Any) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise UsageError(f"{where} = {value!r}: must be a number from {low:#x} to {high:#x}")
        return value

    return check


def boolean(where: str, value: Any) -> bool:
    """Check that a value is true or false."""
    if not isinstance(value, bool):
        raise UsageError(f"{where} = {value!r}: must be true or false")
    return value


def string(where: str, value: Any) -> str:
    """Check that a value is a text."""
    if not isinstance(value, str):
        raise UsageError(f"{where} = {value!r}: must be a text")
    return value


def names(allowed: tuple[str, ...] | dict[str, Any], what: str) -> Check:
    """Return a check for a list of names, each of which is `allowed`; `what` they are, for the error."""

    def check(where: str, value: Any) -> list[str]:
        if not isinstance(value, list):
            raise UsageError(f"{where} = {value!r}: must be a list of {what}")
        for name in value:
            known(name, allowed, what, where)
        return value

    return check


def known(name: Any, allowed: tuple[str, ...] | dict[str, Any], what: str, where: str) -> None:
    """Raise UsageError unless `name` is allowed: it says which one was meant, or which there are."""
    if name in allowed:
        return
    near = get_close_matches(str(name), list(allowed), 3)
    hint = f"did you mean {' or '.join(near)}?" if near else f"known: {_some(allowed)}"
    raise UsageError(f"{where}: {name!r} is not among the {what}; {hint}")


def _some(names: tuple[str, ...] | dict[str, Any]) -> str:
    shown = list(names)[:20]
    return ", ".join(shown) + (", ..." if len(names) > len(shown) else "")


def table(allowed: dict[str, Any], what: str, check_value: Check) -> Check:
    """Return a check for a table with `allowed` keys and values that `check_value` takes."""

    def check(where: str, value: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise UsageError(f"{where} = {value!r}: must be a table of {what}")
        for name in value:
            known(name, allowed, what, where)
        return {name: check_value(f"{where}.{name}", item) for name, item in value.items()}

    return check


def load(path: Path, shown: str) -> dict[str, Any]:
    """Return what a TOML file holds.

    Args:
        path: the file. shown: what to call it.

    Raises:
        UsageError: it cannot be read, or is not TOML.
    """
    try:
        return tomllib.loads(path.read_bytes().decode())
    except OSError as error:
        raise UsageError(f"cannot read {shown}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{shown} is not TOML: {error}") from error
