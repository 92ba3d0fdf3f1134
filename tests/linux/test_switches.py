# SPDX-License-Identifier: Apache-2.0
"""What the marks and the bus say of context switches."""

from __future__ import annotations

from vctx.tb.linux.switches import LOAD, MOVES, Move, switches
from vctx.tb.replay.accounting import FunctionCount, RegionCount, VisitCount
from vctx.tb.replay.result import Latency, ReplayResult

CONTEXT = 1024  # bytes, at VLEN 256


def replayed(saved: int) -> ReplayResult:
    """Return a replay in which one guest was saved, with so many bytes, and not saved twice more."""
    save = MOVES["guest save"]
    return ReplayResult(
        True,
        "verilator",
        256,
        128,
        1,
        1,
        Latency(),
        functions=[
            FunctionCount(save, "vCPU 0", 2),
            FunctionCount(save, "vCPU 1", 1),
            FunctionCount(LOAD, "vCPU 0", 4),
        ],
        visits=[
            VisitCount(save, "vCPU 0", {"memory": RegionCount(0, saved)}, 1, 9, 80, {80: 1}),
            VisitCount(save, "vCPU 1", {"memory": RegionCount()}, 2, 4, 4, {2: 2}),
        ],
    )


def test_moves_are_counted_from_the_bus() -> None:
    found = switches(replayed(CONTEXT), 256)
    assert (found.loads, found.puts, found.partial, found.ok) == (4, 0, 0, True)
    assert found.moves["guest save"] == Move(calls=3, done=1, bytes=CONTEXT, cycles=80)
    assert found.moves["guest save"].elided == 2
    assert found.moves["host restore"] == Move(0, 0, 0, 0)


def test_half_a_context_is_no_success() -> None:
    found = switches(replayed(CONTEXT // 2), 256)
    assert (found.partial, found.ok) == (1, False)
