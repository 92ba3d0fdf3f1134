# SPDX-License-Identifier: Apache-2.0
"""What a hart is, apart from what executes on it: registers, CSR file, memory, translation, and whom it reports to."""

from __future__ import annotations

from vctx.pymodel.isa.csr import CsrFile
from vctx.pymodel.isa.effects import Effects
from vctx.pymodel.isa.errors import HartError
from vctx.pymodel.isa.memory import Memory
from vctx.pymodel.isa.mmu import Mmu
from vctx.pymodel.isa.observer import Observer
from vctx.pymodel.isa.registers import HartConfig, HartRegisters

_SIZED = {size: (1 << 8 * size) - 1 for size in (1, 2, 4, 8)}


class HartState(HartRegisters):
    """The state that instructions are executed on; :class:`~pymodel.isa.hart.Hart` adds what executes them.

    Args:
        config, memory: what the hart is, and what it sees; memory is shared with other harts.
        hart_id: its number.
        observer: receives block instructions and scalar stores; None for none.

    Attributes:
        csr: the CSR file, indexed by address without permission checks.
        mmu: address translation and the fault overlay.
        memory: physical memory, shared with other harts.
        observer: receives block instructions and scalar stores; None for none.
        effects: what the last block instruction wrote.
        waiting: a wfi has retired; the host decides how long to wait, and clears it.
        returns: how many mret and sret have retired.
        irq_elem: the irq element of the step in progress.

    `mode` of the registers is to be changed by `set_mode` only.
    """

    def __init__(self, config: HartConfig, memory: Memory, hart_id: int, observer: Observer | None) -> None:
        super().__init__(config, hart_id)
        self.memory = memory
        self.observer = observer
        self.effects = Effects()
        self.mmu = Mmu(self, memory)
        self.csr = CsrFile(self, self.mmu)
        self.irq_elem: int | None = None
        self.waiting = False
        self.reset(0)

    def reset(self, pc: int) -> None:
        """Enter the reset state (A-14): M-mode at `pc`, CSRs reset; x and v registers keep their contents."""
        self.pc = pc
        self.instret = self.returns = 0
        self.mode = 3, False
        self.csr.reset()
        self.vec.reset()
        self.mmu.flush()

    @property
    def prv(self) -> int:
        """Nominal privilege: 0 U, 1 S, 3 M."""
        return self.mode[0]

    @prv.setter
    def prv(self, value: int) -> None:
        self.set_mode(value, self.virt and value != 3)

    @property
    def virt(self) -> bool:
        """The virtualisation mode V."""
        return self.mode[1]

    @virt.setter
    def virt(self, value: bool) -> None:
        self.set_mode(self.prv, value)

    def set_mode(self, prv: int, virt: bool) -> None:
        """Change the mode; HartError for a mode that does not exist."""
        if prv not in (0, 1, 3) or (prv == 3 and virt):
            raise HartError(f"no mode with prv={prv}, virt={virt}")
        self.mode = prv, bool(virt)
        self.mmu.select()

    def store_physical(self, paddr: int, size: int, value: int) -> None:
        """Store the low `size` bytes of `value` for a scalar instruction and report them."""
        data = (value & _SIZED[size]).to_bytes(size, "little")
        self.memory.write(paddr, data, self.hart_id)
        if self.observer is not None:
            self.observer.store(self.hart_id, paddr, data)
