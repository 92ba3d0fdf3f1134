# SPDX-License-Identifier: Apache-2.0
"""What a real KVM did with vector contexts: how often, for how much on the bus, and for how many cycles of the RTL."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any

from vctx.tb.replay.result import ReplayResult

_PREFIX = "kvm_riscv_vcpu_"
LOAD, PUT = "kvm_arch_vcpu_load", "kvm_arch_vcpu_put"
MOVES = {
    "guest save": f"{_PREFIX}guest_vector_save",
    "guest restore": f"{_PREFIX}guest_vector_restore",
    "host save": f"{_PREFIX}host_vector_save",
    "host restore": f"{_PREFIX}host_vector_restore",
}
"""The functions that move a context, by what they do."""


@dataclass(frozen=True)
class Move:
    """What one of them did.

    Attributes:
        calls: how often it was called. done: how often a whole context went over the bus.
        bytes, cycles: of the bus and of the RTL, of those that did.
    """

    calls: int
    done: int
    bytes: int
    cycles: int

    @property
    def elided(self) -> int:
        """How often it was called and moved nothing."""
        return self.calls - self.done


@dataclass(frozen=True)
class Switches:
    """All of it.

    Attributes:
        loads, puts: how often a vCPU was scheduled in and out.
        moves: by the names of `MOVES`.
        partial: visits in which a part of a context went over the bus.
    """

    loads: int
    puts: int
    moves: dict[str, Move]
    partial: int

    @property
    def ok(self) -> bool:
        """Nothing moved half a context."""
        return not self.partial

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON-able data."""
        return asdict(self)


def switches(replayed: ReplayResult, vlen: int) -> Switches:
    """Return what happened, from the marks of the functions, and from the bus.

    Args:
        replayed: the replay of a recording of Linux. vlen: in bits.
    """
    calls: Counter[str] = Counter()
    for function in replayed.functions:
        calls[function.what] += function.calls
    context = 32 * vlen // 8
    moves, partial = {}, 0
    for name, what in MOVES.items():
        done = size = cycles = 0
        for visit in replayed.visits:
            moved = sum(r.bytes_written if "save" in name else r.bytes_read for r in visit.regions.values())
            if visit.what != what or not moved:
                continue
            partial += visit.visits * (moved != context)
            done += visit.visits
            size += visit.visits * moved
            cycles += visit.cycles
        moves[name] = Move(calls[what], done, size, cycles)
    return Switches(calls[LOAD], calls[PUT], moves, partial)
