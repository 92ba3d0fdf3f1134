# SPDX-License-Identifier: Apache-2.0
"""The scalar core's side of the issue port."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cocotb.triggers import RisingEdge
from cocotb_bus.drivers import BusDriver

from vctx.pymodel.trace import Issue
from vctx.tb.agents.pins import Handle, high, meaningless, seeded

_OPERANDS = ("insn", "rs1", "rs2", "prv", "virt", "fs_dirty", "vsfs_dirty")


class IssueDriver(BusDriver):
    """Offers instructions at the issue port, one after the other, and never waits for a retirement.

    `send` returns when the block has accepted the instruction, `append` at once. Instructions follow each other without
    a cycle between them as long as the queue of `append` holds any, or the next `send` comes at once. Operands are
    meaningless (X, or noise in Verilator) whenever `issue_valid_i` is 0, and so is `irq_elem_i` without `irq_valid_i`.

    Pins: `issue_valid_i`, `issue_ready_o`, `issue_insn_i[31:0]`, `issue_rs1_i[63:0]`, `issue_rs2_i[63:0]`,
    `issue_prv_i[1:0]`, `issue_virt_i`, `issue_fs_dirty_i`, `issue_vsfs_dirty_i`, `irq_valid_i`, `irq_elem_i[12:0]`.

    Args:
        entity: the block, or whatever scope has signals of these names.
        clock: its clock.
        gap: returns how many cycles to wait before an instruction is offered; default none.

    Attributes:
        accepted: is called with each instruction, at the edge at which the block accepts it.

    Example::

        driver = IssueDriver(dut, dut.clk_i)
        driver.append(Issue(encode("csrrwi", rd=0, csr=Csr.MSTATUS, uimm=0)))  # from M-mode
        await driver.send(Issue(encode("csrrs", rd=5, csr=Csr.VL, rs1=0), prv=1, virt=True))  # from VS-mode
    """

    _signals = {  # noqa: RUF012  # as cocotb-bus has it
        "valid": "issue_valid_i",
        "ready": "issue_ready_o",
        **{name: f"issue_{name}_i" for name in _OPERANDS},
        "irq_valid": "irq_valid_i",
        "irq_elem": "irq_elem_i",
    }

    def __init__(self, entity: Handle, clock: Handle, gap: Callable[[], int] | None = None) -> None:
        self._rng = seeded("issue")
        self._gap = gap
        self.accepted: list[Callable[[Issue], None]] = []
        super().__init__(entity, None, clock, case_insensitive=False)
        self.bus.valid.value = 0
        self._meaningless()

    def stop(self) -> None:
        """Withdraw what is on offer and forget what waits; for a reset, after which a new driver takes over."""
        self._thread.cancel()
        self.bus.valid.value = 0
        self._meaningless()

    async def _driver_send(self, transaction: Issue, sync: bool = True, **kwargs: Any) -> None:
        bus, edge = self.bus, RisingEdge(self.clock)
        for _ in range(self._gap() if self._gap is not None else 0):
            await edge
        for name in _OPERANDS:
            getattr(bus, name).value = int(getattr(transaction, name))
        irq = transaction.irq_elem
        bus.irq_valid.value = int(irq is not None)
        bus.irq_elem.value = meaningless(bus.irq_elem, self._rng) if irq is None else irq
        bus.valid.value = 1
        while True:
            await edge
            if high(bus.ready):
                break
        bus.valid.value = 0  # unless the next one comes at once, which then has the last word
        self._meaningless()
        for hear in self.accepted:
            hear(transaction)

    def _meaningless(self) -> None:
        for name in (*_OPERANDS, "irq_elem"):
            signal = getattr(self.bus, name)
            signal.value = meaningless(signal, self._rng)
        self.bus.irq_valid.value = 0
