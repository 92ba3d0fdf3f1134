# SPDX-License-Identifier: Apache-2.0
"""Drivers: what Python asks of the HDL, as cocotb-bus classes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cocotb.triggers import Lock
from cocotb_bus.drivers import BusDriver

from vctx.tb.replay.layout import POKE, POKES, STIM
from vctx.tb.replay.memory import DUMP_FILE, Word, read_dump
from vctx.tb.replay.step.stimulus import GO


class IssueDriver(BusDriver):
    """Issue port, irq and translate answers of one hart: sends a request of `tb.replay.step.stimulus.requests`.

    The HDL holds the request at the pins until it is done with; a send never waits.
    """

    _signals = ("stim",)

    def __init__(self, hart: Any, clock: Any) -> None:
        super().__init__(hart, None, clock, case_insensitive=False)
        STIM.check("stim", len(self.bus.stim))
        self._go = 0

    async def _driver_send(self, transaction: int, sync: bool = True) -> None:
        self._go ^= GO
        self.bus.stim.value = self._go | transaction


class PokeDriver(BusDriver):
    """Writes to RAM that bypass the bus: (address, a multiple of 8; byte strobes; 64-bit data), up to POKES at once."""

    _signals = ("poke", "poke_go", "poke_done")

    def __init__(self, top: Any, clock: Any) -> None:
        super().__init__(top, None, clock, case_insensitive=False)
        assert len(self.bus.poke) == POKE.width * POKES
        self._go = int(self.bus.poke_done.value)  # as an earlier test of the same simulation has left it
        self._lock = Lock()  # several harts poke, and each request has to be taken before the next

    async def _driver_send(self, transaction: Sequence[Word], sync: bool = True) -> None:
        assert len(transaction) <= POKES
        async with self._lock:
            while int(self.bus.poke_done.value) != self._go:  # the previous request is still on its way
                await self.bus.poke_done.value_change
            vector = 0
            for i, (addr, strb, data) in enumerate(transaction):
                vector |= POKE.pack(addr=addr, strb=strb, data=data) << POKE.width * i
            self._go ^= 1
            self.bus.poke.value = vector
            self.bus.poke_go.value = self._go


class HdlRam:
    """The RAM of `vctx_tb_ram.sv`."""

    def __init__(self, top: Any) -> None:
        self._top = top
        self._poke = PokeDriver(top, top.clk)

    async def write(self, words: list[Word]) -> None:
        """See `RamBackend`."""
        for i in range(0, len(words), POKES):
            await self._poke.send(words[i : i + POKES], sync=False)

    async def image(self) -> dict[int, str]:
        """See `RamBackend`."""
        self._top.dump_go.value = 1 - int(self._top.dump_done.value)
        await self._top.dump_done.value_change
        return read_dump(Path(DUMP_FILE))
