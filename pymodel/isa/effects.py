"""What one vector instruction writes, gathered while it executes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pymodel.trace.records import Xlat


class Effects:
    """Side effects for the record; whoever starts an instruction empties them.

    Attributes:
        regs: vector registers in which at least one element was written, ascending.
        stored: bytes stored, as (physical address, bytes).
        xlat: every page that holds body elements.
    """

    __slots__ = ("regs", "stored", "xlat")

    regs: Sequence[int]
    stored: Sequence[tuple[int, bytes]]
    xlat: tuple[Xlat, ...]

    def __init__(self) -> None:
        self.regs = self.stored = self.xlat = ()


# Executes an instruction given x[rs1], x[rs2] and where to note its effects; returns the value for x[rd], if any.
# Raises ArchTrap or InterruptedInsn.
Execute = Callable[[int, int, Effects], int | None]
