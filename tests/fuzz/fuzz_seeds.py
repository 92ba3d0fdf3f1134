# SPDX-License-Identifier: Apache-2.0
"""Seeds: fixed ones, and fresh ones that are printed, whoever captures the output."""

from __future__ import annotations

import secrets
import sys

import pytest

FIXED = 1


def fresh(capsys: pytest.CaptureFixture[str], command: str) -> int:
    """Return a new seed, and say on standard error with which command it is used again."""
    seed = secrets.randbelow(1 << 32)
    with capsys.disabled():
        print(f"\nfresh seed {seed}: {command} --seed {seed}", file=sys.stderr)
    return seed
