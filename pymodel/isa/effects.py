"""What one vector instruction writes, gathered while it executes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from pymodel.trace.records import Xlat


@dataclass(slots=True)
class Effects:
    """Side effects for the record.

    Attributes:
        regs: vector registers in which at least one element was written.
        stored: bytes stored, as (physical address, bytes).
        xlat: every page that holds body elements.
    """

    regs: set[int] = field(default_factory=set)
    stored: list[tuple[int, bytes]] = field(default_factory=list)
    xlat: tuple[Xlat, ...] = ()


# Executes an instruction given x[rs1], x[rs2] and where to note its effects; returns the value for x[rd], if any.
# Raises ArchTrap or InterruptedInsn.
Execute = Callable[[int, int, Effects], int | None]
