# SPDX-License-Identifier: Apache-2.0
"""Small things that all agents do with pins."""

from __future__ import annotations

import functools
import random
from typing import Any

import cocotb
from cocotb.types import LogicArray

from vctx.tb.replay.layout import ERRORS

Handle = Any  # a signal, or what has signals below it; cocotb's own types depend on the design


def high(signal: Handle) -> bool:
    """Tell whether a one-bit signal is 1; X and Z are not."""
    return str(signal.value) == "1"


def low(signal: Handle) -> bool:
    """Tell whether a one-bit signal is 0; X and Z are not."""
    return str(signal.value) == "0"


def unknown(signal: Handle) -> bool:
    """Tell whether a signal has a bit that is neither 0 nor 1."""
    return bool(str(signal.value).strip("01"))


def seeded(name: str) -> random.Random:
    """Return an agent's own random numbers: they follow from cocotb's seed of the test and this name, and from no other
    agent's, so that they do not depend on the order in which a simulator wakes them.
    """
    return random.Random(f"{cocotb.RANDOM_SEED}/{name}")


def meaningless(signal: Handle, rng: random.Random) -> LogicArray | int:
    """Return what to drive where the value does not count: X, or noise in Verilator, which has no X.

    The numbers must be used for nothing else, as not every simulator draws them.
    """
    width = len(signal)
    if "verilator" in cocotb.SIM_NAME.lower():
        return rng.getrandbits(width)
    return _unknowns(width)


@functools.cache
def _unknowns(width: int) -> LogicArray:
    return LogicArray("X" * width)


class Errors:
    """Rules of the interface that were broken, one bit each; a bit that is set stays.

    Attributes:
        bits: bit i stands for text i of `vctx.tb.replay.layout.ERRORS`.

    Example::

        errors = Errors()
        AxiMonitor(dut, dut.clk_i, errors)
        ...
        assert not errors.bits, errors.texts()
    """

    def __init__(self) -> None:
        self.bits = 0

    def flag(self, text: str) -> None:
        """Note that a rule is broken, by its text."""
        self.bits |= 1 << ERRORS.index(text)

    def texts(self) -> list[str]:
        """Return the texts of the bits that are set."""
        return [text for bit, text in enumerate(ERRORS) if self.bits >> bit & 1]
