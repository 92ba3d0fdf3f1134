# SPDX-License-Identifier: Apache-2.0
"""A profile as the rest of the project sees it: what the golden hart is to be like, and what of a log is the core's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from vctx.pymodel.isa import HartConfig

LOGGED = ("x", "v", "csr", "mem", "trap", "tval")
"""What a log may have of each instruction, besides its address."""


@dataclass(frozen=True)
class Profile:
    """One core.

    Attributes:
        name, description: for people.
        hart: the golden hart that stands for it.
        ram: address and size of RAM in bytes; a size of 0 is what the program needs.
        access_faults: accesses (fetch, load, store) that fault where there is no RAM; others are a device's.
        reset_pc: where the core begins; None for the program's entry.
        reset_x: integer registers at the program's entry; None for the address of the entry.
        reset_csrs: CSRs at the program's entry.
        volatile_csrs: CSRs of which reads give what the core says.
        volatile_bits: bits of CSRs of which the same holds, by address.
        volatile_sc: whether a store-conditional succeeds is the core's matter.
        complete: of `LOGGED`: what a log has whenever an instruction has it, so that where it lacks, it is wrong.
    """

    name: str
    description: str = ""
    hart: HartConfig = field(default_factory=lambda: HartConfig(wide=True, has_zicntr=False))
    ram: tuple[int, int] = (0x8000_0000, 0)
    access_faults: frozenset[str] = frozenset({"fetch", "load", "store"})
    reset_pc: int | None = None
    reset_x: Mapping[int, int | None] = field(default_factory=dict)
    reset_csrs: Mapping[int, int] = field(default_factory=dict)
    volatile_csrs: frozenset[int] = frozenset()
    volatile_bits: Mapping[int, int] = field(default_factory=dict)
    volatile_sc: bool = True
    complete: frozenset[str] = frozenset()

    def with_vlen(self, vlen: int | None) -> Profile:
        """Return the profile with another VLEN; None for its own."""
        return self if vlen is None else replace(self, hart=replace(self.hart, vlen=vlen))
