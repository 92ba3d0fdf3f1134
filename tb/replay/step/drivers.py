"""Drivers: what Python asks of the HDL, as cocotb-bus classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cocotb.triggers import Lock
from cocotb_bus.drivers import BusDriver

from vctx.pymodel.trace import Issue, Xlat
from vctx.tb.replay.layout import MANY, PAGE, PAGES, POKE, POKES, STIM
from vctx.tb.replay.memory import DUMP_FILE, read_dump

_GO = 1 << STIM.shift("go")
_MORE = 1 << STIM.shift("more")
_ISSUE = 1 << STIM.shift("issue")
_INSN = STIM.shift("insn")
_RS1 = STIM.shift("rs1")
_RS2 = STIM.shift("rs2")
_PRV = STIM.shift("prv")
_VIRT = STIM.shift("virt")
_FS = STIM.shift("fs_dirty")
_VSFS = STIM.shift("vsfs_dirty")
_IRQ_ELEM = STIM.shift("irq_elem")
_IRQ_VALID = STIM.shift("irq_valid")
_PAGES = STIM.shift("pages")
_PAGE = (STIM.shift("page0"), STIM.shift("page1"))


def _page(page: Xlat) -> int:
    return PAGE.pack(vpn=page.vpn, ppn=page.ppn, fault=page.fault, gpn=page.gpn)


@dataclass(frozen=True)
class MorePages:
    """One or two of the pages of an instruction that has more than PAGES, and that is sent after all of them."""

    pages: tuple[Xlat, ...]


class IssueDriver(BusDriver):
    """Issue port, irq and translate answers of one hart.

    Sends an `Issue`, `MorePages` of the issue to come, or None to observe the state only.

    The HDL holds the request at the pins until the instruction retires; a send never waits.
    """

    _signals = ("stim",)

    def __init__(self, hart: Any, clock: Any) -> None:
        super().__init__(hart, None, clock, case_insensitive=False)
        STIM.check("stim", len(self.bus.stim))
        self._go = 0

    async def _driver_send(self, transaction: Issue | MorePages | None, sync: bool = True) -> None:
        self._go ^= _GO
        vector = self._go
        if isinstance(transaction, MorePages):
            vector |= _MORE | _pages(transaction.pages)
        elif transaction is not None:
            issue = transaction
            vector |= (
                _ISSUE
                | issue.insn << _INSN
                | issue.rs1 << _RS1
                | issue.rs2 << _RS2
                | issue.prv << _PRV
                | issue.virt << _VIRT
                | issue.fs_dirty << _FS
                | issue.vsfs_dirty << _VSFS
            )
            if issue.irq_elem is not None:
                vector |= 1 << _IRQ_VALID | issue.irq_elem << _IRQ_ELEM
            vector |= _pages(issue.xlat) if len(issue.xlat) <= PAGES else MANY << _PAGES
        self.bus.stim.value = vector


def _pages(pages: Sequence[Xlat]) -> int:
    vector = len(pages) << _PAGES
    for page, shift in zip(pages, _PAGE, strict=False):
        vector |= _page(page) << shift
    return vector


class PokeDriver(BusDriver):
    """Writes to RAM that bypass the bus: (address, a multiple of 8; byte strobes; 64-bit data), up to POKES at once."""

    _signals = ("poke", "poke_go", "poke_done")

    def __init__(self, top: Any, clock: Any) -> None:
        super().__init__(top, None, clock, case_insensitive=False)
        assert len(self.bus.poke) == POKE.width * POKES
        self._go = int(self.bus.poke_done.value)  # as an earlier test of the same simulation has left it
        self._lock = Lock()

    async def _driver_send(self, transaction: Sequence[tuple[int, int, int]], sync: bool = True) -> None:
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

    async def write(self, words: list[tuple[int, int, int]]) -> None:
        """See `RamBackend`."""
        for i in range(0, len(words), POKES):
            await self._poke.send(words[i : i + POKES], sync=False)

    async def image(self) -> dict[int, str]:
        """See `RamBackend`."""
        self._top.dump_go.value = 1 - int(self._top.dump_done.value)
        await self._top.dump_done.value_change
        return read_dump(Path(DUMP_FILE))
