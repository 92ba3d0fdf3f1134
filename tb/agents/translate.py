# SPDX-License-Identifier: Apache-2.0
"""The core's side of the translate port: a map of pages, and what answers from it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

import cocotb
from cocotb.triggers import RisingEdge
from cocotb_bus.bus import Bus

from vctx.pymodel.trace import Xlat
from vctx.tb.agents.pins import Errors, Handle, high, meaningless, seeded
from vctx.tb.replay.result import Latency

Fault = Literal["page", "guest", "access"]

_CAUSE: dict[Fault, tuple[int, int]] = {"page": (13, 15), "guest": (21, 23), "access": (5, 7)}  # of a load, of a store
_NOT_TOUCHED = "translation requested for a page that the instruction does not touch"
_UNSTABLE = "translation request changed before it was answered"
_PPN = (1 << 44) - 1


@dataclass(frozen=True)
class Page:
    """What becomes of one virtual page: `ppn` (44 bits), or a fault with the guest-physical page `gpn` (52 bits)."""

    ppn: int = 0
    fault: Fault | None = None
    gpn: int = 0


class Answers(Protocol):
    """Where a responder finds its answers."""

    def answer(self, vpn: int, store: bool) -> Xlat | None:
        """Return the answer for a virtual page number (52 bits); None if the question should not have been asked."""


class PageMap:
    """Virtual pages of 4 KiB, in every mode: each is itself unless something else was said.

    Attributes:
        pages: what was said, by virtual page number.

    Example::

        pages = PageMap()
        pages.map(0x40000, 0x80001)          # loads and stores at 0x4000_0000 go to 0x8000_1000
        pages.fault(0x40001, "page")         # the page after it takes page faults (13, 15),
        pages.fault(0x40002, "guest", 0x99)  # the next one guest-page faults (21, 23) at guest-physical page 0x99
        pages.clear(0x40001)                 # repaired: an identity again
    """

    def __init__(self) -> None:
        self.pages: dict[int, Page] = {}

    def map(self, vpn: int, ppn: int) -> None:
        """Let a page lead to physical page `ppn` (44 bits)."""
        self.pages[vpn] = Page(ppn)

    def fault(self, vpn: int, fault: Fault = "page", gpn: int = 0) -> None:
        """Let a page fault; `gpn` is reported with a guest-page fault."""
        self.pages[vpn] = Page(fault=fault, gpn=gpn)

    def clear(self, vpn: int) -> None:
        """Let a page be itself again."""
        self.pages.pop(vpn, None)

    def answer(self, vpn: int, store: bool) -> Xlat:
        """See `Answers`."""
        page = self.pages.get(vpn, Page(vpn & _PPN))
        fault = 0 if page.fault is None else _CAUSE[page.fault][store]
        return Xlat(vpn, 0 if fault else page.ppn, fault, page.gpn if page.fault == "guest" else 0)


class TranslateResponder:
    """Answers the translate port, a cycle after the request or later.

    A request for which there is no answer takes a page fault, and is an error.

    Pins: `xlat_valid_o`, `xlat_vpn_o[51:0]`, `xlat_store_o`; `xlat_ready_i` and, meaningless without it,
    `xlat_fault_i`, `xlat_cause_i[5:0]`, `xlat_ppn_i[43:0]`, `xlat_gpn_i[51:0]`.

    Args:
        entity: the block, or whatever scope has signals of these names.
        clock: its clock.
        answers: a `PageMap`, or anything like it.
        errors: takes note of broken rules.
        latency: `xlat` cycles more, or with `random` up to that many.

    Attributes:
        granted: is called with (physical page number, for a store) at each answer that is not a fault.

    Example::

        pages = PageMap()
        pages.fault(0x80001)
        TranslateResponder(dut, dut.clk_i, pages, latency=Latency(xlat=3))
    """

    _SIGNALS = {  # noqa: RUF012
        "valid": "xlat_valid_o",
        "vpn": "xlat_vpn_o",
        "store": "xlat_store_o",
        "ready": "xlat_ready_i",
        "fault": "xlat_fault_i",
        "cause": "xlat_cause_i",
        "ppn": "xlat_ppn_i",
        "gpn": "xlat_gpn_i",
    }

    def __init__(
        self,
        entity: Handle,
        clock: Handle,
        answers: Answers,
        errors: Errors | None = None,
        latency: Latency | None = None,
    ) -> None:
        self._bus = Bus(entity, None, self._SIGNALS, case_insensitive=False)
        self._clock = clock
        self._answers = answers
        self._errors = errors or Errors()
        self._latency = latency or Latency()
        self._rng = seeded("translate")
        self._noise = seeded("translate noise")
        self.granted: list[Callable[[int, bool], None]] = []
        self._silent()
        self._task = cocotb.start_soon(self._run())

    def stop(self) -> None:
        """Answer no more; for a reset, after which a new responder takes over."""
        self._task.cancel()
        self._silent()

    def _silent(self) -> None:
        self._bus.ready.value = 0
        for signal in (self._bus.fault, self._bus.cause, self._bus.ppn, self._bus.gpn):
            signal.value = meaningless(signal, self._noise)

    def _delay(self) -> int:
        latency = self._latency
        return self._rng.randint(0, latency.xlat) if latency.random else latency.xlat

    async def _run(self) -> None:
        bus, edge, asked = self._bus, RisingEdge(self._clock), RisingEdge(self._bus.valid)
        while True:
            await asked
            await edge  # from here on everything is as the block's own flip-flops see it
            while high(bus.valid):
                request = int(bus.vpn.value), high(bus.store)
                for _ in range(self._delay()):
                    await edge
                    self._check(request)
                self._respond(*request)
                await edge
                self._check(request)
                self._silent()
                await edge

    def _check(self, request: tuple[int, bool]) -> None:
        bus = self._bus
        if not high(bus.valid) or (int(bus.vpn.value), high(bus.store)) != request:
            self._errors.flag(_UNSTABLE)

    def _respond(self, vpn: int, store: bool) -> None:
        bus, xlat = self._bus, self._answers.answer(vpn, store)
        if xlat is None:
            self._errors.flag(_NOT_TOUCHED)
            xlat = Xlat(vpn, fault=_CAUSE["page"][store])
        bus.ready.value = 1
        bus.fault.value = int(xlat.fault != 0)
        bus.cause.value = xlat.fault
        bus.ppn.value = xlat.ppn
        bus.gpn.value = xlat.gpn
        if not xlat.fault:
            for hear in self.granted:
                hear(xlat.ppn, store)
