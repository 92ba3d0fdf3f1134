# SPDX-License-Identifier: Apache-2.0
"""A memory at the other end of the block's AXI4 port."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import cocotb
from cocotb.triggers import RisingEdge
from cocotb_bus.bus import Bus

from vctx.pymodel.isa import Memory
from vctx.pymodel.trace.records import set_runs
from vctx.tb.agents.pins import Handle, high, meaningless, seeded
from vctx.tb.replay.result import Latency

OKAY, EXOKAY, SLVERR, DECERR = range(4)
QUEUE = 4  # bursts accepted ahead, of each direction
_CERTAIN = 256  # of `Latency.stall`
_RESOLVED = str.maketrans("XZUWLH-", "0000000")

AXI_PINS = {
    name: f"axi_{name}_{'o' if from_manager else 'i'}"
    for from_manager, names in (
        (True, ("awid", "awaddr", "awlen", "awsize", "awburst", "awvalid", "wdata", "wstrb", "wlast", "wvalid")),
        (True, ("bready", "arid", "araddr", "arlen", "arsize", "arburst", "arvalid", "rready")),
        (False, ("awready", "wready", "bid", "bresp", "bvalid", "arready", "rid", "rdata", "rresp", "rlast", "rvalid")),
    )
    for name in names
}
"""AXI signal names, and the block's names for them."""


@dataclass
class _Burst:
    """A burst on its way: its next beat's address, beats left, ID, worst response, cycle from which on it may go on."""

    addr: int
    beats: int
    id: int
    resp: int = OKAY
    due: int = 0


class AxiMemory:
    """Answers bursts in order from a sparse memory, a beat a cycle at most.

    Data comes two cycles after its address, and the response a cycle after the last beat, plus `Latency.cycles`; every
    ready, and every beat of data, is held back with the probability `Latency.stall` / 256. What lies outside the
    memory's regions is answered with DECERR and reads as 0. Read data is meaningless (X, or noise in Verilator)
    whenever `axi_rvalid_i` is 0.

    Pins: the `axi_*` signals of the block, with DLEN bits of data: see docs/architecture.md.

    Args:
        entity: the block, or whatever scope has signals of these names.
        clock: its clock.
        memory: what is read and written; several ports may share one.
        latency: its timing.

    Attributes:
        memory: as given.
        latency: as given; may be changed at any time.
        responses: (first address, length in bytes, response): bursts that touch it get that response, SLVERR or
            DECERR, with every beat of a read in it; the access itself takes place all the same.

    Example::

        memory = Memory([(0x8000_0000, 0x10000)])
        memory.write(0x8000_0000, bytes(range(256)))
        port = AxiMemory(dut, dut.clk_i, memory, Latency(cycles=20, random=True, stall=128))
        port.responses.append((0x8000_0040, 16, SLVERR))
    """

    def __init__(self, entity: Handle, clock: Handle, memory: Memory, latency: Latency | None = None) -> None:
        self.memory = memory
        self.latency = latency or Latency()
        self.responses: list[tuple[int, int, int]] = []
        self._bus = Bus(entity, None, AXI_PINS, case_insensitive=False)
        self._clock = clock
        self._bytes = len(self._bus.rdata) // 8
        self._rng = {
            True: seeded("axi write"),
            False: seeded("axi read"),
        }  # of each direction
        self._noise = seeded("axi noise")
        self._now = {True: 0, False: 0}  # cycles in which something was under way
        self._reads: deque[_Burst] = deque()
        self._writes: deque[_Burst] = deque()
        self._answers: deque[_Burst] = deque()
        self._ready = {"arready": False, "awready": False, "wready": False}
        self._rvalid = self._bvalid = False
        self._silent()
        self._tasks = [cocotb.start_soon(self._serve_reads()), cocotb.start_soon(self._serve_writes())]

    def stop(self) -> None:
        """Forget every burst; for a reset, after which a new port takes over."""
        for task in self._tasks:
            task.cancel()
        self._silent()

    def _silent(self) -> None:
        bus = self._bus
        for signal in (bus.arready, bus.awready, bus.wready, bus.rvalid, bus.bvalid):
            signal.value = 0
        self._no_data()
        for signal in (bus.bid, bus.bresp):
            signal.value = meaningless(signal, self._noise)

    def _no_data(self) -> None:
        bus = self._bus
        for signal in (bus.rdata, bus.rid, bus.rresp, bus.rlast):
            signal.value = meaningless(signal, self._noise)

    def _drive_ready(self, name: str, value: bool) -> None:
        if self._ready[name] != value:
            self._ready[name] = value
            getattr(self._bus, name).value = int(value)

    def _flows(self, write: bool) -> bool:
        """Draw whether something goes on in this cycle, or is held back."""
        return not self.latency.stall or self._rng[write].randrange(_CERTAIN) >= self.latency.stall

    def _due(self, write: bool) -> int:
        latency = self.latency
        return self._now[write] + (self._rng[write].randint(0, latency.cycles) if latency.random else latency.cycles)

    async def _serve_reads(self) -> None:
        edge, valid, wake = RisingEdge(self._clock), self._bus.arvalid, RisingEdge(self._bus.arvalid)
        while True:
            idle = not (self._reads or self._rvalid)
            if idle and not high(valid):
                await wake
            await edge
            if idle and not high(valid):
                continue  # it was no more than a glitch, which not every simulator has
            self._now[False] += 1
            self._read()

    async def _serve_writes(self) -> None:
        edge, valid, wake = RisingEdge(self._clock), self._bus.awvalid, RisingEdge(self._bus.awvalid)
        while True:
            idle = not (self._writes or self._answers or self._bvalid)
            if idle and not high(valid):
                await wake
            await edge
            if idle and not high(valid):
                continue
            self._now[True] += 1
            self._write()

    def _response(self, addr: int, length: int) -> int:
        """Return the response to an access to these bytes."""
        if addr not in self.memory:
            return DECERR
        return max(
            (resp for first, size, resp in self.responses if addr < first + size and first < addr + length),
            default=OKAY,
        )

    def _read(self) -> None:
        bus, size = self._bus, self._bytes
        if not self._rvalid or high(bus.rready):
            if self._reads and self._reads[0].due <= self._now[False] and self._flows(False):
                burst = self._reads[0]
                addr, burst.addr, burst.beats = burst.addr, burst.addr + size, burst.beats - 1
                data = self.memory.read(addr, size) if addr in self.memory else bytes(size)
                bus.rdata.value = int.from_bytes(data, "little")
                bus.rid.value = burst.id
                bus.rresp.value = self._response(addr, size)
                bus.rlast.value = int(burst.beats == 0)
                if burst.beats == 0:
                    self._reads.popleft()
                if not self._rvalid:
                    self._rvalid = True
                    bus.rvalid.value = 1
            elif self._rvalid:
                self._rvalid = False
                bus.rvalid.value = 0
                self._no_data()
        if self._ready["arready"] and high(bus.arvalid):
            self._reads.append(self._burst(bus.araddr, bus.arlen, bus.arid, False))
        self._drive_ready("arready", len(self._reads) < QUEUE and self._flows(False))

    def _write(self) -> None:
        bus = self._bus
        if not self._bvalid or high(bus.bready):
            if self._answers and self._answers[0].due <= self._now[True]:
                answer = self._answers.popleft()
                bus.bid.value = answer.id
                bus.bresp.value = answer.resp
                if not self._bvalid:
                    self._bvalid = True
                    bus.bvalid.value = 1
            elif self._bvalid:
                self._bvalid = False
                bus.bvalid.value = 0
        if self._ready["wready"] and high(bus.wvalid):
            self._beat(self._writes[0])
        if self._ready["awready"] and high(bus.awvalid):
            self._writes.append(self._burst(bus.awaddr, bus.awlen, bus.awid, True))
        self._drive_ready("awready", len(self._writes) < QUEUE and self._flows(True))
        self._drive_ready("wready", bool(self._writes) and len(self._answers) < QUEUE and self._flows(True))

    def _burst(self, addr: Handle, length: Handle, identifier: Handle, write: bool) -> _Burst:
        first = int(addr.value) & -self._bytes
        return _Burst(first, int(length.value) + 1, int(identifier.value), due=self._due(write))

    def _beat(self, burst: _Burst) -> None:
        """Take one beat of write data."""
        size = self._bytes
        burst.resp = max(burst.resp, self._response(burst.addr, size))
        if burst.addr in self.memory:
            # The monitor tells of X in a byte that is stored.
            data = int(str(self._bus.wdata.value).translate(_RESOLVED), 2).to_bytes(size, "little")
            for first, count in set_runs(int(self._bus.wstrb.value)):
                self.memory.write(burst.addr + first, data[first : first + count])
        burst.addr, burst.beats = burst.addr + size, burst.beats - 1
        if burst.beats == 0:
            self._writes.popleft()
            burst.due = self._due(True)
            self._answers.append(burst)
