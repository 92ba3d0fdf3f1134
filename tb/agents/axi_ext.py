# SPDX-License-Identifier: Apache-2.0
"""The memory at the block's AXI4 port, as cocotbext-axi has it: a second one, written by others."""

from __future__ import annotations

import logging
import random
from collections.abc import Iterator
from typing import Any

from cocotbext.axi import AxiBus, AxiSlave, MemoryInterface

from vctx.pymodel.isa import Memory
from vctx.tb.agents.axi_memory import AXI_PINS
from vctx.tb.agents.pins import Handle, seeded
from vctx.tb.replay.result import Latency


class _Pins:
    """The block's AXI signals under the names that the library looks for."""

    def __init__(self, entity: Handle) -> None:
        self._name = entity._name
        self._log = entity._log
        for name, pin in AXI_PINS.items():
            setattr(self, f"axi_{name}", getattr(entity, pin))


class _Target(MemoryInterface):
    """What the library reads and writes."""

    def __init__(self, memory: Memory) -> None:
        super().__init__(size=1 << 56)
        self._memory = memory

    async def _read(self, address: int, length: int, **kwargs: Any) -> bytes:
        return self._memory.read(address, length)

    async def _write(self, address: int, data: bytes, **kwargs: Any) -> None:
        self._memory.write(address, data)


class ExtAxiMemory:
    """Like `AxiMemory`, by cocotbext-axi's `AxiSlave`; of `Latency`, `stall` is all that it knows.

    An access outside the memory is answered with SLVERR.

    Args:
        entity, clock, memory, latency: as for `AxiMemory`.

    Example::

        from vctx.tb.agents.axi_ext import ExtAxiMemory
        async with Bench(dut, axi=ExtAxiMemory) as bench:
            ...
    """

    def __init__(self, entity: Handle, clock: Handle, memory: Memory, latency: Latency | None = None) -> None:
        logging.getLogger(f"cocotb.{entity._name}.axi").setLevel(logging.WARNING)  # it tells of every burst
        slave = AxiSlave(AxiBus.from_prefix(_Pins(entity), "axi"), clock, target=_Target(memory))
        self._ports = (slave.write_if, slave.read_if)
        self._channels = {
            "aw": slave.write_if.aw_channel,
            "w": slave.write_if.w_channel,
            "b": slave.write_if.b_channel,
            "ar": slave.read_if.ar_channel,
            "r": slave.read_if.r_channel,
        }
        if latency is not None and latency.stall:
            for name, channel in self._channels.items():
                channel.set_pause_generator(_pauses(seeded(f"axi {name}"), latency.stall))

    def stop(self) -> None:
        """Forget every burst; for a reset, after which a new port takes over."""
        for part in (*self._ports, *self._channels.values()):
            part.assert_reset(True)
        for channel in self._channels.values():
            channel.clear_pause_generator()


def _pauses(rng: random.Random, stall: int) -> Iterator[bool]:
    while True:
        yield rng.randrange(256) < stall
