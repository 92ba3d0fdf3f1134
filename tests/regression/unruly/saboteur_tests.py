# SPDX-License-Identifier: Apache-2.0
"""A block that breaks a rule of the interface on request, between agents that must tell; ../test_agents.py looks."""

from __future__ import annotations

import cocotb
from cocotb.triggers import ClockCycles

from vctx.tb.agents import RAM_BASE, Bench
from vctx.tb.replay.result import Latency

HONEST = 0
NUMBERS = list(range(28))


class Block:
    """The saboteur's pins, and the register file of the block inside."""

    def __init__(self, dut):
        self._dut = dut

    def __getattr__(self, name):
        return getattr(self._dut.u_honest if name == "u_regfile" else self._dut, name)


@cocotb.test(timeout_time=1, timeout_unit="ms")
@cocotb.parametrize(number=NUMBERS)
async def sabotage(dut, number):
    dut.sabotage.value = HONEST
    async with Bench(Block(dut), latency=Latency(cycles=3, stall=100, xlat=2)) as bench:
        dut.sabotage.value = number
        await ClockCycles(bench.clock, 4)
        bench.vset(8, "m2")
        for offset in (0, 5):
            bench.do("vle8.v", vd=8, rs1=RAM_BASE + offset)
            bench.do("vse8.v", vs3=8, rs1=RAM_BASE + 0x800 + offset)
            bench.csrr(0xC20)
        await bench.drain()
        await ClockCycles(bench.clock, 40)
