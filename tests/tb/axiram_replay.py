# SPDX-License-Identifier: Apache-2.0
"""Cocotb test module: replay on `vctx_tb_pins`, whose memory is cocotbext-axi's AxiRam."""

from __future__ import annotations

from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotbext.axi import AxiBus, AxiRam

from vctx.pymodel.trace import PAGE_SHIFT, PAGE_SIZE
from vctx.tb.replay.result import ReplayConfig
from vctx.tb.replay.step.replay import reset, run_replay


class AxiRamBackend:
    """A `RamBackend` on an AxiRam. Its addresses are modulo its size, a power of two that divides the base."""

    def __init__(self, ram: AxiRam, base: int, size: int, fill: int) -> None:
        self._ram = ram
        self._base = base
        self._size = size
        ram.write(0, bytes([fill]) * size)

    async def write(self, words: list[tuple[int, int, int]]) -> None:
        for addr, strb, data in words:
            for i in range(8):
                if strb >> i & 1:
                    self._ram.write(addr - self._base + i, bytes([data >> 8 * i & 0xFF]))

    async def image(self) -> dict[int, str]:
        return {
            (self._base + offset) >> PAGE_SHIFT: self._ram.read(offset, PAGE_SIZE).hex()
            for offset in range(0, self._size, PAGE_SIZE)
        }


@cocotb.test()
async def replay(dut: Any) -> None:
    config = ReplayConfig.given()
    Clock(dut.clk, 10, "ns").start()
    await reset(dut, [dut.u_hart], config)
    # Attached after reset: before it, an X on a valid would stop the library on Icarus.
    ram = AxiRam(AxiBus.from_prefix(dut, "m_axi"), dut.clk, size=config.ram_size)
    assert config.ram_base % config.ram_size == 0
    backend = AxiRamBackend(ram, config.ram_base, config.ram_size, config.fill)
    await run_replay(dut, [dut.u_hart], backend, config)
