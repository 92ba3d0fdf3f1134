"""What a hart reports while it runs."""

from __future__ import annotations

from typing import Protocol

from pymodel.trace.records import Issue, Retire


class Observer(Protocol):
    """Receives the events of one or more harts, in program order of each."""

    def insn(self, hart_id: int, pc: int, issue: Issue, retire: Retire) -> None:
        """Hart `hart_id` executed, at `pc`, an instruction that belongs to the RTL block."""

    def store(self, hart_id: int, paddr: int, data: bytes) -> None:
        """A scalar store or AMO wrote `data` at physical address `paddr`."""
