# SPDX-License-Identifier: Apache-2.0
"""The batch testbench as a coroutine sees it: the signals of `tb/hdl/batch/vctx_tb_batch.sv`."""

from __future__ import annotations

from typing import Any

from cocotb.triggers import Timer

from vctx.tb.replay.batch.files import Files
from vctx.tb.replay.result import ReplayConfig

_HELD = 16 + 8  # instructions that a hart may have: in its queue, and in flight
_HANGS = 50_000  # cycles after which the testbench itself finds that a hart hangs
_ELEMENT = 64  # cycles, at least, that the block may need for an element
_PERIOD = 10  # ns


def patience(config: ReplayConfig) -> int:
    """Return a number of cycles in which the testbench takes a record of the stimulus, or finds that a hart hangs.

    All that a hart holds may have to be finished before; each instruction may access memory once for each element.
    """
    latency = config.latency
    access = (_ELEMENT + 2 * latency.cycles + latency.xlat) * 256 // (256 - latency.stall)
    return _HELD * (config.vlen * access + _HANGS)


class StuckError(Exception):
    """The testbench goes on and on, and gets nowhere."""


class Engine:
    """Runs chunks, one at a time.

    Args:
        top: handle of the testbench.
    """

    def __init__(self, top: Any) -> None:
        self._top = top
        self._go = 0

    def start(self, files: Files) -> None:
        """Start a chunk, whose stimulus is in these files; the one before it is done."""
        self._go ^= 1
        self._top.files.value = files.vector()
        self._top.go.value = self._go

    async def done(self) -> bool:
        """Wait until a chunk is done; return False if it was the last that the testbench can do."""
        await self._top.chunks.value_change
        return not self._top.over.value

    def dump(self) -> None:
        """Switch waves on."""
        self._top.waves.value = 1

    async def dump_from(self, record: int) -> None:
        """Switch waves on once that record of the stimulus comes next."""
        self._top.watched.value = record
        await self._top.reached.value_change
        self.dump()

    async def watch(self, patience: int) -> None:
        """Raise StuckError when simulated time goes on for that many cycles, but no record of the stimulus is taken."""
        before = -1
        while True:
            records = int(self._top.records.value)
            if records == before:
                raise StuckError(f"the testbench has taken no record in {patience:,} cycles, after {records:,}")
            before = records
            await Timer(patience * _PERIOD, "ns")
