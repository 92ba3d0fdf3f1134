# SPDX-License-Identifier: Apache-2.0
"""What one vector instruction writes, gathered while it executes."""

from __future__ import annotations

from collections.abc import Callable

from vctx.pymodel.trace.records import ByteRuns, Xlat


class Effects:
    """Side effects for the record; whoever starts an instruction empties them.

    Attributes:
        regs: vector registers in which at least one element was written: bit i for v<i>.
        stored: bytes stored, by physical address; None for none.
        xlat: every page that holds body elements.
        saturated: vxsat was set; emptied by who looks at it.
        moved: each access of the last indexed or segment load or store, in order: virtual address, bytes, and the value
            of a store.
    """

    __slots__ = ("moved", "regs", "saturated", "stored", "xlat")

    regs: int
    stored: ByteRuns | None
    xlat: tuple[Xlat, ...]
    saturated: bool
    moved: list[tuple[int, int, int | None]]

    def __init__(self) -> None:
        self.regs = 0
        self.xlat = ()
        self.stored = None
        self.saturated = False
        self.moved = []


# Executes an instruction given x[rs1], x[rs2] and where to note its effects; returns the value for x[rd], if any.
# Raises ArchTrap or InterruptedInsn.
Execute = Callable[[int, int, Effects], int | None]
