# SPDX-License-Identifier: Apache-2.0
"""What was seen of one instruction, by whichever testbench. Nothing here needs a simulator."""

from __future__ import annotations

from dataclasses import dataclass, field

from vctx.pymodel.trace import Retire


@dataclass(slots=True)
class Observation:
    """One instruction as observed at the pins.

    Attributes:
        retire: the record; fields listed in `unknown` are not meaningful in it.
        unknown: fields that hold X or Z, named as in `differences`, with the value in hexadecimal (X per digit).
        errors: sticky protocol errors, one bit each (`tb.replay.layout.ERRORS`).
        cycles: clock cycles from the accepted issue to retire; `bus_busy` of them had a burst under way.
        reads: read bursts as (first byte address, number of bytes), beats counted whole.
        writes: write beats as (aligned byte address, byte strobes).
        bytes_read, bytes_written: bus bytes; reads count whole beats, writes count strobes.
        time: of the simulation, in ns, at the clock edge that ends the cycle of its retirement; None if nobody looked.
    """

    retire: Retire
    unknown: dict[str, str] = field(default_factory=dict)
    errors: int = 0
    cycles: int = 0
    bus_busy: int = 0
    reads: list[tuple[int, int]] = field(default_factory=list)
    writes: list[tuple[int, int]] = field(default_factory=list)
    bytes_read: int = 0
    bytes_written: int = 0
    time: int | None = None
