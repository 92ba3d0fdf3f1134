# SPDX-License-Identifier: Apache-2.0
"""Counts what the golden harts of a run reach, by the model of coverage that the fuzzer has."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from typing import Any

from vctx.pymodel.fuzz.coverage import Coverage, ModeResult, Point, by_mode, evaluate
from vctx.pymodel.kvm.machine import KernelObserver
from vctx.pymodel.trace.records import Event, Issue, Retire


class Watch:
    """Observer of harts that counts every instruction of the block, and passes everything on.

    Args:
        then: receives everything.
        vlen: VLEN of all harts, in bits.
    """

    def __init__(self, then: KernelObserver, vlen: int) -> None:
        self._vlen = vlen
        self._harts: dict[int, Coverage] = {}
        self._then = then
        self.store = then.store

    def insn(self, hart_id: int, pc: int, issue: Issue, retire: Retire) -> None:
        """An instruction that the block executes."""
        hart = self._harts.get(hart_id)
        if hart is None:
            hart = self._harts[hart_id] = Coverage(self._vlen)
        hart.add(issue, retire)
        self._then.insn(hart_id, pc, issue, retire)

    def event(self, event: Event) -> None:
        """A mark, or another annotation."""
        self._then.event(event)

    @property
    def points(self) -> Counter[Point]:
        """What all harts reached."""
        return sum((hart.points for hart in self._harts.values()), Counter[Point]())


def reached_modes(points: Counter[Point]) -> list[ModeResult]:
    """Return what was reached in each mode; see :func:`pymodel.fuzz.coverage.by_mode`."""
    return by_mode(point for point in points if point.insn != "reserved" and point.outcome != "irq")


def coverage_json(points: Counter[Point]) -> dict[str, Any]:
    """Return all of it as JSON-able data: by mode with the holes, every cross, and points with how often."""
    return {
        "modes": [asdict(mode) for mode in reached_modes(points)],
        "crosses": [asdict(cross) for cross in evaluate(points)],
        "points": len(points),
    }
