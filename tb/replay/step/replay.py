# SPDX-License-Identifier: Apache-2.0
"""The cocotb test: replay a trace on the RTL and compare every instruction with what the trace expects.

`tb.replay.launch.replay` starts it in a simulator; the environment variable VCTX_REPLAY names its `ReplayConfig`.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import cocotb
from cocotb.triggers import Timer

from vctx.pymodel.trace import (
    Checkpoint,
    Difference,
    Event,
    Insn,
    Issue,
    Mark,
    Store,
    Sync,
    TraceError,
    TraceReader,
    TraceWriter,
)
from vctx.tb.replay.accounting import Accounts
from vctx.tb.replay.compare import compare
from vctx.tb.replay.layout import CFG
from vctx.tb.replay.memory import GoldenImage, PendingStores, RamBackend
from vctx.tb.replay.observation import Observation
from vctx.tb.replay.progress import Progress
from vctx.tb.replay.report import HISTORY, mismatch_at
from vctx.tb.replay.result import Mismatch, MismatchError, ReplayConfig, ReplayResult
from vctx.tb.replay.step.drivers import HdlRam, IssueDriver
from vctx.tb.replay.step.observe import RetireMonitor
from vctx.tb.replay.step.stimulus import requests

BATCH = 1024  # events between two points at which all harts wait for each other, if no Sync comes first


def batches(events: Iterable[Event]) -> Iterator[list[tuple[int, Event]]]:
    """Cut a trace, events numbered from 0, at every `Sync` and after `BATCH` events. Every event is in one batch."""
    batch: list[tuple[int, Event]] = []
    for index, event in enumerate(events):
        batch.append((index, event))
        if isinstance(event, Sync) or len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


class Hart:
    """One hart of the testbench: its driver and monitor, its pending stores, its mark stack."""

    def __init__(self, replay: Replay, number: int, handle: Any) -> None:
        config = replay.config
        self._replay = replay
        self._number = number
        self._issue = IssueDriver(handle, replay.clock)
        self._monitor = RetireMonitor(handle, replay.clock, config.vlen, config.dlen)
        self.stores = PendingStores(replay.ram, config.ram_base, config.ram_size)
        self._account = replay.accounts.harts[number]
        self._before: deque[tuple[int, Insn]] = deque(maxlen=HISTORY)  # of this instruction

    async def run(self, events: Iterable[tuple[int, Event]]) -> None:
        """Replay this hart's events of one batch, in order.

        Raises:
            MismatchError: the RTL departs from the trace.
            TraceError: the trace contradicts itself.
        """
        replay = self._replay
        for index, event in events:
            if replay.stopped:
                return
            if isinstance(event, Insn):
                issue = event.issue
                if issue.xlat:
                    await self.stores.flush({page.ppn for page in issue.xlat})
                seen = await self._observe(issue)
                if not seen.unknown:  # a record cannot hold X, and must not hide it
                    replay.observed[index] = Insn(event.hart, event.pc, issue, seen.retire)
                found = compare(event.retire, seen)
                if found:
                    raise MismatchError(self._mismatch(index, "instruction", found, seen, event))
                self._before.append((index, event))
                self._account.instruction(seen)
                replay.count(seen)
                if event.retire.mem:
                    replay.golden.update(event.retire.mem)
            elif isinstance(event, Store):
                self.stores.add(event.paddr, event.data)
                replay.golden.store(event.paddr, event.data)
                replay.result.stores += 1
            elif isinstance(event, Mark):
                visit = self._account.mark(index, event)
                if visit is not None:
                    replay.accounts.add(visit)
            elif isinstance(event, Checkpoint):
                await self._checkpoint(index, event)

    async def _observe(self, issue: Issue | None) -> Observation:
        for request in requests(issue):
            await self._issue.send(request, sync=False)
            seen: Observation = await self._monitor.wait_for_recv()
        return seen

    async def _checkpoint(self, index: int, event: Checkpoint) -> None:
        seen = await self._observe(None)
        self._monitor.all_registers(seen)
        if not seen.unknown:
            self._replay.observed[index] = Checkpoint(event.hart, seen.retire)
        found = compare(event.state, seen)
        if found:
            raise MismatchError(self._mismatch(index, "checkpoint", found, seen))
        self._replay.result.checkpoints += 1

    def _mismatch(
        self, index: int, kind: str, found: list[Difference], seen: Observation, insn: Insn | None = None
    ) -> Mismatch:
        config = self._replay.config
        return mismatch_at(
            index,
            kind,
            found,
            command=config.command,
            programs=config.programs,
            hart=self._number,
            insn=insn,
            before=self._before,
            where=self._account.where,
            time=seen.time,
        )


class Replay:
    """One replay: the harts, the RAM, the comparison so far."""

    def __init__(self, config: ReplayConfig, top: Any, harts: list[Any], ram: RamBackend) -> None:
        self.config = config
        self.clock = top.clk
        self.ram = ram
        self.golden = GoldenImage(config.fill)
        self.accounts = Accounts(config.harts)
        self.observed: dict[int, Event] = {}
        self.stopped = False
        self.result = ReplayResult.begin(config)
        self._harts = [Hart(self, number, handle) for number, handle in enumerate(harts)]
        self.failures: list[Mismatch] = []
        self._progress = Progress(config)
        self._started = time.perf_counter()

    def count(self, seen: Observation) -> None:
        """Add one instruction to the totals."""
        result = self.result
        result.instructions += 1
        result.cycles += seen.cycles
        result.bus_busy += seen.bus_busy
        result.bytes_read += seen.bytes_read
        result.bytes_written += seen.bytes_written

    async def run(self) -> ReplayResult:
        """Replay the whole trace and write the observed records and the result file."""
        reader = TraceReader(Path(self.config.trace))
        try:
            with TraceWriter(self.config.observed, reader.header) as writer:
                for batch in batches(reader):
                    await self.feed(batch, writer)
                    if self.stopped:
                        break
        except TraceError as error:
            self.result.error = str(error)
        return await self.finish()

    async def feed(self, batch: list[tuple[int, Event]], writer: TraceWriter) -> None:
        """Replay some events, numbered from the beginning of the trace, and append what was observed of them."""
        await self._run_batch(batch)
        self._write_observed(batch, writer)
        self.result.events += len(batch)
        self._progress(self.result.events)

    async def finish(self) -> ReplayResult:
        """Compare RAM unless the replay was stopped, and write the result file."""
        result = self.result
        if not self.stopped and result.error is None:
            await self._compare_ram()
        result.ok = not self.failures and result.error is None
        if self.failures:
            result.mismatch = min(self.failures, key=lambda mismatch: mismatch.index)
        if result.error is None:
            result.observed = str(self.config.observed)
        result.functions, result.visits = self.accounts.finish()
        result.seconds = time.perf_counter() - self._started
        result.write(self.config.result)
        return result

    async def _run_batch(self, batch: list[tuple[int, Event]]) -> None:
        """Run the harts of a batch side by side; afterwards all of their stores are in RAM."""
        queues: list[list[tuple[int, Event]]] = [[] for _ in self._harts]
        for index, event in batch:
            if isinstance(event, Sync):
                continue
            if event.hart >= len(queues):
                raise TraceError(f"event {index} is for hart {event.hart}, but the header says {len(queues)} harts")
            queues[event.hart].append((index, event))
        busy = [(hart, queue) for hart, queue in zip(self._harts, queues, strict=True) if queue]
        if len(busy) == 1:
            await self._run_hart(*busy[0])
        else:
            for task in [cocotb.start_soon(self._run_hart(hart, queue)) for hart, queue in busy]:
                await task
        for hart, _ in busy:
            await hart.stores.flush()

    async def _run_hart(self, hart: Hart, events: list[tuple[int, Event]]) -> None:
        try:
            await hart.run(events)
        except MismatchError as error:
            self.stopped = True
            self.failures.append(error.mismatch)

    def _write_observed(self, batch: list[tuple[int, Event]], writer: TraceWriter) -> None:
        """Append a batch in trace order, at most up to the first mismatch."""
        last = min((mismatch.index for mismatch in self.failures), default=batch[-1][0])
        for index, event in batch:
            if index > last:
                return
            if isinstance(event, Insn | Checkpoint):
                seen = self.observed.pop(index, None)
                if seen is None:
                    return
                writer.event(seen)
            else:
                writer.event(event)

    async def _compare_ram(self) -> None:
        found = self.golden.differences(await self.ram.image())
        if found:
            self.failures.append(mismatch_at(self.result.events, "ram", found, command=self.config.command))


async def reset(top: Any, harts: list[Any], config: ReplayConfig) -> None:
    """Configure the testbench and bring the harts out of reset."""
    latency = config.latency
    CFG.check("cfg", len(top.cfg))
    top.cfg.value = CFG.pack(
        ram_base=config.ram_base,
        ram_size=config.ram_size,
        fill=config.fill,
        random=latency.random,
        latency=latency.cycles,
        stall=latency.stall,
        xlat=latency.xlat,
        seed=config.seed & 0xFFFFFFFF,
    )
    top.rst_n.value = 0  # an earlier test of the same simulation has left it high
    for hart in harts:
        hart.stim.value = 0
    await Timer(42, "ns")
    top.rst_n.value = 1
    await Timer(20, "ns")


async def run_replay(top: Any, harts: list[Any], ram: RamBackend, config: ReplayConfig) -> None:
    """Replay, and fail the cocotb test unless every record agreed."""
    result = await Replay(config, top, harts, ram).run()
    if result.mismatch is not None:
        raise MismatchError(result.mismatch)
    assert result.ok, result.error


@cocotb.test()
async def replay(dut: Any) -> None:
    """Replay the configured trace on `vctx_tb`."""
    config = ReplayConfig.given()
    harts = [dut.gen_hart[h].u_hart for h in range(config.harts)]
    await reset(dut, harts, config)
    await run_replay(dut, harts, HdlRam(dut), config)
