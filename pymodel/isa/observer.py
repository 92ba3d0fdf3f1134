# SPDX-License-Identifier: Apache-2.0
"""What a hart reports while it runs."""

from __future__ import annotations

from typing import Protocol

from vctx.pymodel.trace.records import Commit, Issue, Retire


class Observer(Protocol):
    """Receives the events of one or more harts, in program order of each."""

    def insn(self, hart_id: int, pc: int, issue: Issue, retire: Retire) -> None:
        """Hart `hart_id` executed, at `pc`, an instruction that belongs to the RTL block."""

    def store(self, hart_id: int, paddr: int, data: bytes) -> None:
        """A scalar store or AMO wrote `data` at physical address `paddr`."""


class CommitObserver(Protocol):
    """Receives every instruction that takes effect, and every trap, in program order of each hart."""

    def commit(self, commit: Commit) -> None:
        """An instruction took effect."""

    def trap(self, hart: int, epc: int, cause: int, tval: int) -> None:
        """Hart `hart` takes a trap; `cause` and `tval` as in xcause and xtval."""
