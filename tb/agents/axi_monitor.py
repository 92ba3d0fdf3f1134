# SPDX-License-Identifier: Apache-2.0
"""What goes over the block's AXI4 port: checked against the protocol, and kept for the retirement it belongs to."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

import cocotb
from cocotb.simtime import get_sim_time
from cocotb.triggers import RisingEdge, ValueChange
from cocotb_bus.monitors import BusMonitor

from vctx.tb.agents.axi_memory import AXI_PINS
from vctx.tb.agents.pins import Errors, Handle, high, low, unknown
from vctx.tb.replay.layout import hexadecimal

_INCR = 1
_PAGE = 4096
_ORPHAN = "write data without an address"


@dataclass
class Burst:
    """One burst, seen whole.

    Attributes:
        write: its direction.
        addr: byte address of its first beat as requested (56 bits).
        beats: how many it has.
        owner: the instruction that it belongs to, as `AxiMonitor.owner_of` says.
        data: of a write, the beats so far: (address, byte strobes, data as DLEN characters 0, 1, X or Z).
        ended: simulation time at which the last beat of a read, or the response of a write, was taken; -1 before.
    """

    write: bool
    addr: int
    beats: int
    owner: object = None
    data: list[tuple[int, int, str]] = field(default_factory=list)
    done: int = 0
    ended: int = -1


class AxiMonitor(BusMonitor):
    """Watches the AXI4 port and hands on each `Burst` when it has ended. It drives nothing, so any memory will do.

    Checked: bursts are full-width INCR and stay within 4 KiB; what is offered does not change until it is taken;
    WLAST and strobes are right; bytes that are not stored are 0; nothing that matters is X; what is accessed may be.

    Pins: the `axi_*` signals of the block: see docs/architecture.md.

    Args:
        entity: the block, or whatever scope has signals of these names.
        clock: its clock.
        errors: takes note of broken rules.
        owner_of: tells which instruction accesses a physical page for loading (False) or storing (True); None if none
            may, which is an error.

    Attributes:
        under_way: bursts that have begun and not ended, oldest first.

    Example::

        monitor = AxiMonitor(dut, dut.clk_i, errors)
        burst = await monitor.wait_for_recv()
        assert (burst.write, burst.addr, burst.beats) == (False, 0x8000_0000, 16)
    """

    _signals = AXI_PINS

    def __init__(
        self,
        entity: Handle,
        clock: Handle,
        errors: Errors,
        owner_of: Callable[[int, bool], object] | None = None,
    ) -> None:
        self._errors = errors
        self._owner_of = owner_of or (lambda ppn, store: errors)
        self.under_way: deque[Burst] = deque()
        self._held: dict[str, tuple[str, ...]] = {}  # what was offered and not taken, by the signal that offers it
        super().__init__(entity, None, clock, case_insensitive=False)
        self._bytes = len(self.bus.wdata) // 8

    def stop(self) -> None:
        """Watch no more; for a reset."""
        for task in self._tasks:
            task.cancel()

    async def _monitor_recv(self) -> None:
        """Start what watches each direction; what this base class has starts is one task only."""
        self._tasks = [cocotb.start_soon(watch) for watch in (self._reads(), self._writes(), self._orphans())]

    async def _reads(self) -> None:
        bus, edge, wake = self.bus, RisingEdge(self.clock), ValueChange(self.bus.arvalid)
        while True:
            if low(bus.arvalid) and not self._busy(False):
                await wake
            await edge
            self._clear(bus.arvalid, bus.rready)
            if self._offered("arvalid", "arready", ("araddr", "arlen", "arsize", "arburst"), "read address"):
                self._request(False)
            if high(bus.rvalid) and high(bus.rready):
                self._read_beat()

    async def _writes(self) -> None:
        bus, edge, wake = self.bus, RisingEdge(self.clock), ValueChange(self.bus.awvalid)
        while True:
            if low(bus.awvalid) and not self._busy(True):
                await wake
            await edge
            self._clear(bus.awvalid, bus.wvalid, bus.bready)
            if self._offered("awvalid", "awready", ("awaddr", "awlen", "awsize", "awburst"), "write address"):
                self._request(True)
            self._offered("wvalid", "wready", ("wdata", "wstrb", "wlast"), "write data")
            if high(bus.wvalid) and high(bus.wready):
                self._write_beat()
            if high(bus.bvalid) and high(bus.bready):
                self._end(next((b for b in self.under_way if b.write and b.done == b.beats), None))

    async def _orphans(self) -> None:
        """Watch for write data that begins while no write is under way, and so is not looked at otherwise."""
        bus, edge, wake = self.bus, RisingEdge(self.clock), ValueChange(self.bus.wvalid)
        while True:
            await wake
            await edge
            self._clear(bus.wvalid)
            if high(bus.wvalid) and not (high(bus.awvalid) or self._busy(True)):
                self._errors.flag(_ORPHAN)

    def _busy(self, write: bool) -> bool:
        """Tell whether bursts of a direction are under way, or something was offered and not taken."""
        offers = ("awvalid", "wvalid") if write else ("arvalid",)
        return any(burst.write == write for burst in self.under_way) or any(name in self._held for name in offers)

    def _clear(self, *signals: Handle) -> None:
        if any(unknown(signal) for signal in signals):
            self._errors.flag("X or Z on a bus control signal")

    def _offered(self, valid: str, ready: str, payload: tuple[str, ...], what: str) -> bool:
        """Check that an offer stays as it is, and return whether it is a new one."""
        bus, held = self.bus, self._held.pop(valid, None)
        if not high(getattr(bus, valid)):
            if held is not None:
                self._errors.flag(f"{what} changed before it was accepted")
            return False
        offer = tuple(str(getattr(bus, name).value) for name in payload)
        if held is not None and held != offer:
            self._errors.flag(f"{what} changed before it was accepted")
        if not high(getattr(bus, ready)):
            self._held[valid] = offer
        return held is None

    def _request(self, write: bool) -> None:
        bus, kind = self.bus, "write" if write else "read"
        pins = [getattr(bus, f"{'aw' if write else 'ar'}{name}") for name in ("addr", "len", "size", "burst")]
        if any(unknown(pin) for pin in pins):
            self._errors.flag("X or Z on a bus control signal")
            return
        addr, length, size, burst = (int(pin.value) for pin in pins)
        if 1 << size != self._bytes or burst != _INCR:
            self._errors.flag(f"{kind} burst is not full-width INCR")
        if (addr & -self._bytes) % _PAGE + (length + 1) * self._bytes > _PAGE:
            self._errors.flag(f"{kind} burst crosses a 4 KiB boundary")
        owner = self._owner_of(addr // _PAGE, write)
        if owner is None:
            forbidden = ("write to", "storing") if write else ("read from", "loading")
            self._errors.flag(f"{forbidden[0]} a page that was not translated for {forbidden[1]}")
        self.under_way.append(Burst(write, addr, length + 1, owner))

    def _write_beat(self) -> None:
        bus, size = self.bus, self._bytes
        burst = next((b for b in self.under_way if b.write and b.done < b.beats), None)
        if burst is None:
            self._errors.flag(_ORPHAN)
            return
        if unknown(bus.wstrb) or unknown(bus.wlast):
            self._errors.flag("X or Z on a bus control signal")
            return
        strobes, bits = int(bus.wstrb.value), str(bus.wdata.value)
        if burst.done == 0 and strobes & (1 << burst.addr % size) - 1:
            self._errors.flag("write strobe below the start of the burst")
        if strobes != (1 << size) - 1:
            lanes = (lane for lane in range(size) if not strobes >> lane & 1)
            if any(bits[8 * (size - 1 - lane) : 8 * (size - lane)] != "00000000" for lane in lanes):
                self._errors.flag("write data shows bytes that it does not store")
        burst.data.append(((burst.addr & -size) + burst.done * size, strobes, bits))
        burst.done += 1
        if high(bus.wlast) != (burst.done == burst.beats):
            self._errors.flag("WLAST is not on the last beat of its burst")

    def _read_beat(self) -> None:
        burst = next((b for b in self.under_way if not b.write), None)
        if burst is not None:
            burst.done += 1
            if burst.done == burst.beats:
                self._end(burst)

    def _end(self, burst: Burst | None) -> None:
        if burst is not None:
            self.under_way.remove(burst)
            burst.ended = int(get_sim_time("step"))
            self._recv(burst)


def stored(data: list[tuple[int, int, str]]) -> tuple[dict[int, int], dict[str, str]]:
    """Return what beats of write data store: bytes by physical address, and those with X or Z by name."""
    known: dict[int, int] = {}
    unclear: dict[str, str] = {}
    for addr, strobes, bits in data:
        size = len(bits) // 8
        if strobes == (1 << size) - 1 and not bits.strip("01"):
            known.update(zip(range(addr, addr + size), int(bits, 2).to_bytes(size, "little"), strict=True))
            continue
        for lane in range(size):
            if strobes >> lane & 1:
                text = bits[8 * (size - 1 - lane) : 8 * (size - lane)]
                if text.strip("01"):
                    unclear[f"mem[{addr + lane:#x}]"] = hexadecimal(text)
                else:
                    known[addr + lane] = int(text, 2)
    return known, unclear
