# SPDX-License-Identifier: Apache-2.0
"""All agents around one block, wired: what a test of one's own starts from."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import cocotb
from cocotb.clock import Clock
from cocotb.simtime import convert, get_sim_time
from cocotb.task import Task, current_task
from cocotb.triggers import ClockCycles, RisingEdge, SimTimeoutError, with_timeout
from cocotb.triggers import Event as Signal

from vctx.pymodel.isa import Csr, Hart, Latitude, Memory, encode
from vctx.pymodel.isa.encoding import TABLE
from vctx.pymodel.scenarios.directed.stimulus import DIRTY, VS_SHIFT, vtype
from vctx.pymodel.trace import (
    MODE_NAMES,
    PAGE_SHIFT,
    PAGE_SIZE,
    ByteRuns,
    Difference,
    Event,
    Insn,
    Issue,
    Retire,
    Store,
    TraceWriter,
)
from vctx.tb.agents.axi_memory import AxiMemory
from vctx.tb.agents.axi_monitor import AxiMonitor, Burst
from vctx.tb.agents.golden import FILL, RAM_BASE, RAM_SIZE, Golden
from vctx.tb.agents.interrupts import InterruptInjector
from vctx.tb.agents.issue import IssueDriver
from vctx.tb.agents.names import COMMAND, RECORDS
from vctx.tb.agents.pins import Handle, high
from vctx.tb.agents.retire import RegisterFile, RetireMonitor
from vctx.tb.agents.scoreboard import Flight, Scoreboard
from vctx.tb.agents.translate import PageMap, TranslateResponder
from vctx.tb.replay.result import Latency

A0, A1, RD = 10, 11, 5  # x registers that `Bench.do` names
IMAGE: Final = RAM_BASE + 0xF_0000  # initial values of the vector registers
HANG: Final = 20_000  # cycles without a retirement
_MODES = {name: mode for mode, name in MODE_NAMES.items()}
_PERIOD = 10  # ns
_ALL = 0xFFFF_FFFF


@dataclass
class _Poke:
    """Memory that is written, by something other than the block, when everything before has retired."""

    addr: int
    data: bytes


@dataclass
class _Call:
    """A change of the environment, such as a latency, when everything before has retired."""

    what: Callable[[], None]


class Bench:
    """The block with a core, a memory and a golden hart around it; use it as `async with Bench(dut) as bench:`.

    It starts the clock, resets the block, turns VS on, and loads all registers from memory. Instructions are handed
    over by `do`, which executes them on the golden hart at once and returns what must come of them; the block executes
    them behind, as closely one after the other as it can, and each is compared when it retires. Everything has retired
    at the end of the `async with`, and then all registers, CSRs and memory are compared, too.

    Args:
        dut: the block; VLEN and DLEN are found from it.
        latency: of memory and translations.
        gap: returns how many cycles to wait before each issue; default none.
        interrupts: which loads and stores are interrupted; default none.
        bus_errors: responses other than OKAY are expected.
        axi: makes the memory at the bus: called with the block, its clock, the memory and the latency.
        ram: first address and size in bytes of memory.
        load: turn VS on and load the registers after reset; without, registers are compared where written only.
        latitude: of the golden hart.

    Attributes:
        mode: mode of the next instruction: "M", "HS", "U", "VS" or "VU".
        pages: translations, for golden hart and block.
        port: the memory at the bus, as made by `axi`.
        golden, board: the golden hart, and the scoreboard.
        vlen, dlen: in bits; `vlenb` in bytes.

    Example::

        @cocotb.test(timeout_time=1, timeout_unit="ms")
        async def a_load_writes_a_register(dut):
            async with Bench(dut) as bench:
                bench.write(0x8000_0000, bytes(range(64)))
                bench.vset(8, "m1")
                assert bench.do("vle8.v", vd=8, rs1=0x8000_0000).vregs[8][:4] == b"\\0\\1\\2\\3"
    """

    def __init__(
        self,
        dut: Handle,
        *,
        latency: Latency | None = None,
        gap: Callable[[], int] | None = None,
        interrupts: InterruptInjector | None = None,
        bus_errors: bool = False,
        axi: Callable[[Handle, Handle, Memory, Latency], Any] = AxiMemory,
        ram: tuple[int, int] = (RAM_BASE, RAM_SIZE),
        load: bool = True,
        latitude: Latitude | None = None,
    ) -> None:
        self.dut = dut
        self.clock = dut.clk_i
        self.dlen = len(dut.axi_wdata_o)
        self.registers = RegisterFile(dut.u_regfile, self.dlen)
        self.vlen = self.registers.vlen
        self.vlenb = self.vlen // 8
        self.mode = "M"
        self.pages = PageMap()
        self.golden = Golden(self.vlen, ram, self.pages, latitude)
        self.memory = Memory([ram], fill=FILL)
        self._ram = ram
        self._touched: set[int] = set()  # pages that are not all fill
        self._hart, self._image = self.golden.hart, self.golden.memory  # what block and memory are compared with
        self.board = Scoreboard(_command())
        self._latency = latency or Latency()
        self._gap = gap
        self._interrupts = interrupts
        self._bus_errors = bus_errors
        self._axi = axi
        self._load = load
        self._queue: deque[Flight | _Poke | _Call] = deque()
        self._more = Signal()
        self._progress = Signal()
        self._feeder: Task[None] | None = None

    # --- the beginning, the end ---

    async def __aenter__(self) -> Self:
        Clock(self.clock, _PERIOD, "ns").start(start_high=False)
        self.dut.rst_ni.value = 0
        await ClockCycles(self.clock, 2)
        self._connect()  # the block's outputs are those of the reset by now
        await self._release_reset()
        if self._load:
            self.status(DIRTY, DIRTY)
            self.load_registers()
            await self.drain()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            await self.drain()
            self._compare_all()
        self._disconnect()
        if kind is None and os.environ.get(RECORDS):
            self._write_records(Path(os.environ[RECORDS]))

    def _connect(self) -> None:
        dut, clock, board = self.dut, self.clock, self.board
        self.driver = IssueDriver(dut, clock, self._gap)
        self.driver.accepted.append(board.accepted)
        self.responder = TranslateResponder(dut, clock, board, board.errors, self._latency)
        self.responder.granted.append(board.granted)
        self.bus = AxiMonitor(dut, clock, board.errors, board.owner_of)
        self.bus.add_callback(board.ended)
        self.bus.add_callback(self._note)
        self.port = self._axi(dut, clock, self.memory, self._latency)
        self.monitor = RetireMonitor(dut, clock, board.errors, self.registers, self._stores)
        self.monitor.add_callback(self._retired)
        self._feeder = cocotb.start_soon(self._feed())

    def _disconnect(self) -> None:
        for agent in (self.driver, self.responder, self.bus, self.port, self.monitor):
            agent.stop()
        if self._feeder is not None:
            self._feeder.cancel()

    async def _release_reset(self) -> None:
        await ClockCycles(self.clock, 3)
        self.dut.rst_ni.value = 1
        await RisingEdge(self.clock)

    async def reset(self) -> None:
        """Reset the block now, whatever is on its way; golden hart and block start again in the reset state.

        The registers that a load was writing hold anything afterwards, and so do the bytes that a store was writing;
        `load_registers` and `write` make them known again.
        """
        self._disconnect()
        self._queue.clear()
        self.dut.rst_ni.value = 0
        board, self.board = self.board, Scoreboard(_command())
        self.board.observed, self.board.instructions = board.observed, board.instructions
        self.golden.reset()
        await RisingEdge(self.clock)
        self._connect()
        await self._release_reset()

    # --- stimulus ---

    def do(
        self,
        mnemonic: str,
        *,
        rs1: int | None = 0,
        rs2: int | None = None,
        rd: int = RD,
        irq: int | None = None,
        **operands: int,
    ) -> Retire:
        """Hand over one instruction by mnemonic and operands, in `mode`, and return what must come of it.

        Args:
            mnemonic: as in `vctx.pymodel.isa.encode`.
            rs1, rs2: 64-bit operand *values*, in x10 and x11, where the instruction has them; None for register x0.
            rd: number of the scalar destination register, where the instruction has one.
            irq: an interrupt is pending, at this element.
            operands: all others, by the keywords of `encode`: vd, vs1, vs2, vs3, vm, csr, uimm, imm, vtypei.
        """
        names: dict[str, int] = {}
        row = TABLE.get(mnemonic)
        fields = () if row is None else [operand.keyword for operand in row.operands]
        if "rs1" in fields:
            names["rs1"] = 0 if rs1 is None else A0
        if "rs2" in fields:
            names["rs2"] = 0 if rs2 is None else A1
        if "rd" in fields:
            names["rd"] = rd
        return self.word(encode(mnemonic, **names, **operands), rs1=rs1 or 0, rs2=rs2, irq=irq)

    def word(self, word: int, *, rs1: int = 0, rs2: int | None = None, irq: int | None = None) -> Retire:
        """As `do`, by instruction word; the values go to the registers that it names."""
        if irq is None and self._interrupts is not None:
            irq = self._interrupts.element(word)
        prv, virt = _MODES[self.mode]
        self.hand_over(self.golden.execute(word, rs1=rs1, rs2=rs2, prv=prv, virt=virt, irq_elem=irq))
        return self.golden_state

    def hand_over(self, insn: Insn) -> Flight:
        """Hand over an instruction with what must come of it, whoever says so."""
        flight = self.board.expect(insn)
        self._queue.append(flight)
        self._more.set()
        self.last = flight
        return flight

    @property
    def golden_state(self) -> Retire:
        """What the last instruction handed over must do."""
        return self.last.insn.retire

    def write(self, addr: int, data: bytes) -> None:
        """Write memory, as something other than the block would, after everything handed over so far."""
        self.golden.memory.write(addr, data)
        self.hand_store(addr, data)

    def hand_store(self, addr: int, data: bytes) -> None:
        """Write the block's memory alone, after everything handed over so far: the golden hart has done it itself."""
        self._touched.update(range(addr >> PAGE_SHIFT, (addr + len(data) - 1 >> PAGE_SHIFT) + 1))
        self._queue.append(_Poke(addr, bytes(data)))
        self._more.set()

    # Another golden hart reports here, as to any observer: see `follow`.

    def follow(self, hart: Hart, memory: Memory) -> None:
        """Let the block do what another hart than `golden` does, from its reset on; it has this bench as its observer.

        Further harts may report here, too: the block shares memory with them, and that is all it sees of them.

        Args:
            hart: whose instructions the block executes, and what it is compared with at the end.
            memory: what memory is compared with.
        """
        self._hart, self._image = hart, memory

    def insn(self, hart_id: int, pc: int, issue: Issue, retire: Retire) -> None:
        """Observer: a hart executed an instruction of the block."""
        if hart_id == self._hart.hart_id:
            self.hand_over(Insn(0, pc, issue, retire))
        else:
            for addr, data in ByteRuns.of(retire.mem).runs:
                self.hand_store(addr, data)

    def store(self, hart_id: int, paddr: int, data: bytes) -> None:
        """Observer: a hart, or a kernel on it, stored."""
        self.hand_store(paddr, data)

    def event(self, event: Event) -> None:
        """Observer: an annotation, which changes nothing."""

    def after(self, what: Callable[[], None]) -> None:
        """Call `what` when everything handed over so far has retired, before anything else is issued."""
        self._queue.append(_Call(what))
        self._more.set()

    def status(self, vs: int, vsstatus_vs: int | None = None) -> None:
        """Write VS of mstatus, and of vsstatus if given, from M-mode."""
        mode, self.mode = self.mode, "M"
        self.do("csrrw", rd=0, csr=Csr.MSTATUS, rs1=vs << VS_SHIFT)
        if vsstatus_vs is not None:
            self.do("csrrw", rd=0, csr=Csr.VSSTATUS, rs1=vsstatus_vs << VS_SHIFT)
        self.mode = mode

    def csrw(self, csr: int, value: int) -> Retire:
        """Write a CSR."""
        return self.do("csrrw", rd=0, csr=csr, rs1=value)

    def csrr(self, csr: int) -> int | None:
        """Read a CSR; None if that traps."""
        return self.do("csrrs", csr=csr, rs1=None).rd

    def vset(self, sew: int, lmul: str = "m1", avl: int = -1) -> Retire:
        """Set vtype and vl, by vsetvl; the default AVL gives VLMAX."""
        return self.do("vsetvl", rs1=avl, rs2=vtype(sew, lmul))

    def load_registers(self) -> None:
        """Load all 32 registers, with bytes that differ from their neighbours, by loads that are not interrupted."""
        data = bytes((i * 0x9D ^ i >> 8 ^ 0x5B) & 0xFF for i in range(32 * self.vlenb))
        self.write(IMAGE, data)
        interrupts, self._interrupts = self._interrupts, None
        for first in range(0, 32, 8):
            self.do("vl8re8.v", vd=first, rs1=IMAGE + first * self.vlenb)
        self._interrupts = interrupts

    # --- waiting, and the verdict ---

    async def drain(self) -> None:
        """Wait until everything handed over has retired.

        Raises:
            ScoreboardError: nothing retires any more.
        """
        while self._queue or self.board.waiting or self.board.window:
            self._progress.clear()
            try:
                await with_timeout(self._progress.wait(), HANG * _PERIOD, "ns")
            except SimTimeoutError:
                self.board.hang()

    async def checkpoint(self) -> None:
        """Wait until everything has retired, and compare all registers and CSRs."""
        await self.drain()
        self._compare_state()

    @property
    def cycle(self) -> int:
        """The number of clock cycles since the simulation began."""
        return self.cycle_at(int(get_sim_time("step")))

    @staticmethod
    def cycle_at(time: int) -> int:
        """Return the number of the clock cycle at a simulation time, as a `Flight` has it."""
        return int(convert(time, "step", to="ns")) // _PERIOD

    def cycles(self, flight: Flight) -> int:
        """Return the cycles of an instruction, from the accepted issue to the retirement."""
        assert flight.retired >= 0, "has not retired"
        return self.cycle_at(flight.retired) - self.cycle_at(flight.accepted)

    async def _feed(self) -> None:
        while True:
            while not self._queue:
                self._more.clear()
                await self._more.wait()
            item = self._queue[0]
            if isinstance(item, Flight):
                await self.driver.send(item.insn.issue)
                self._queue.popleft()
                continue
            while self.board.window:
                self._progress.clear()
                await self._progress.wait()
            if isinstance(item, _Poke):
                self.memory.write(item.addr, item.data)
                self.board.observed.append(Store(0, item.addr, item.data))
            else:
                item.what()
            self._queue.popleft()
            self._progress.set()

    def _stores(self) -> tuple[dict[int, int], dict[str, str]]:
        if high(self.dut.bus_err_o) and not self._bus_errors:
            self.board.errors.flag("bus error response (an access outside RAM)")
        return self.board.stores(self.bus.under_way)

    def _retired(self, observation: Any) -> None:
        self.board.check(observation)
        self._progress.set()

    def _note(self, burst: Burst) -> None:
        if burst.write:
            self._touched.add(burst.addr >> PAGE_SHIFT)

    def _compare_all(self) -> None:
        self._compare_state()
        found = []
        for page in sorted(self._touched):
            want, got = self._image.page(page), self.memory.page(page)
            if want != got:
                for i in range(PAGE_SIZE):
                    if want[i] != got[i]:
                        name = f"ram[{(page << PAGE_SHIFT) + i:#x}]"
                        found.append(Difference(name, f"{want[i]:#04x}", f"{got[i]:#04x}"))
        self.board.ram(found)

    def _compare_state(self) -> None:
        expected = self._hart.snapshot()
        observation = self.monitor.observe(_ALL if self._load else 0)
        observation.retire = observation.retire._replace(trap=None, irq=False, rd=None)
        self.board.checkpoint(expected if self._load else expected._replace(vregs={}), observation)

    def _write_records(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        header = {"vlen": self.vlen, "harts": 1, "seed": 0, "ram_base": self._ram[0], "ram_size": self._ram[1]}
        with TraceWriter(directory / f"{_name().replace('/', ',')}.vctx", header | {"fill": FILL}) as writer:
            for event in self.board.observed:
                writer.event(event)


def _name() -> str:
    """Return the name of the test that calls this."""
    return current_task().get_name().removeprefix("Test ")


def _command() -> str:
    """Return what repeats the test that calls this."""
    command = os.environ.get(COMMAND)
    seed = os.environ.get("COCOTB_RANDOM_SEED", "?")
    return (
        f"COCOTB_RANDOM_SEED={seed} COCOTB_TEST_FILTER={_name()}" if command is None else f"{command} --test {_name()}"
    )
