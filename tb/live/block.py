# SPDX-License-Identifier: Apache-2.0
"""The live port of a bench: where a recorder's events go to the block between agents."""

from __future__ import annotations

from cocotb.task import resume

from vctx.pymodel.trace import Checkpoint, Event, Insn, Store
from vctx.tb.agents import Bench


class BlockPort:
    """A :class:`~pymodel.trace.recorder.Sink` that executes each event on the block, and returns when it has retired.

    The block is one hart of the model. What the others store, it finds in memory; that is all it sees of them.

    Call :meth:`event` from a bridged function only.

    Args:
        bench: with the block.
        hart: number of its hart.

    Example::

        async with Bench(dut, ram=(RAM_BASE, RAM_SIZE), load=False) as bench:
            kernel = Kernel(V6_5, harts=1, vlen=bench.vlen, observer=Recorder(BlockPort(bench), bench.vlenb))
            bench.follow(kernel.harts[0], kernel.memory)
            await bridge(kernel.boot)()
    """

    def __init__(self, bench: Bench, hart: int = 0) -> None:
        self._bench = bench
        self._hart = hart
        self._drain = resume(bench.drain)
        self._checkpoint = resume(bench.checkpoint)

    def event(self, event: Event) -> None:
        """Execute an event.

        Raises:
            ScoreboardError: the block departs from the model, or nothing retires any more.
        """
        match event:
            case Insn():
                self._bench.insn(event.hart, event.pc, event.issue, event.retire)
                if event.hart == self._hart:
                    self._drain()
            case Store():
                self._bench.hand_store(event.paddr, event.data)
            case Checkpoint() if event.hart == self._hart:
                self._checkpoint()
