# SPDX-License-Identifier: Apache-2.0
"""Instructions on their way: what each must do, and whether the block has done it."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from cocotb.simtime import get_sim_time

from vctx.pymodel.isa import disassemble
from vctx.pymodel.trace import MODE_NAMES, Checkpoint, Difference, Event, Insn, Issue, Retire, Xlat
from vctx.tb.agents.axi_monitor import Burst, stored
from vctx.tb.agents.pins import Errors
from vctx.tb.agents.retire import Effects
from vctx.tb.replay.compare import compare
from vctx.tb.replay.observation import Observation
from vctx.tb.replay.result import Mismatch

_NEVER = -1


class ScoreboardError(AssertionError):
    """The block did something else than the golden hart; says what, field by field."""

    def __init__(self, mismatch: Mismatch) -> None:
        super().__init__(mismatch.text())
        self.mismatch = mismatch


@dataclass(eq=False)
class Flight:
    """One instruction from its issue to its retirement.

    Attributes:
        insn: as it must be issued, and what must come of it.
        accepted, retired: simulation time of either, in steps; -1 before.
        granted: (physical page, for a store) that the translate port has given it.
        observation: what was seen of it; None before it retired.
    """

    insn: Insn
    accepted: int = _NEVER
    retired: int = _NEVER
    granted: set[tuple[int, bool]] = field(default_factory=set)
    observation: Observation | None = None


class Scoreboard:
    """Holds every retirement against what the golden hart says, in order, while others are on their way.

    It has a method for each agent to call. Instructions are handed over with `expect`, before they are issued.

    Args:
        command: what repeats the test, for the report of a failure.

    Attributes:
        errors: rules of the interface that were broken; whatever is set fails the next instruction that retires.
        waiting: handed over, not yet accepted, oldest first.
        window: accepted, not yet retired, oldest first.
        observed: the events so far, with what was observed in place of what was expected.
        instructions: how many have agreed.

    Example::

        board = Scoreboard()
        driver = IssueDriver(dut, dut.clk_i)
        driver.accepted.append(board.accepted)
        responder = TranslateResponder(dut, dut.clk_i, board, board.errors)
        responder.granted.append(board.granted)
        axi = AxiMonitor(dut, dut.clk_i, board.errors, board.owner_of)
        axi.add_callback(board.ended)
        monitor = RetireMonitor(dut, dut.clk_i, board.errors, registers, lambda: board.stores(axi.under_way))
        monitor.add_callback(board.check)
        insn = golden.execute(encode("vsetivli", rd=5, uimm=4, vtypei=0))
        board.expect(insn)
        await driver.send(insn.issue)
    """

    def __init__(self, command: str = "") -> None:
        self._command = command
        self.errors = Errors()
        self.waiting: deque[Flight] = deque()
        self.window: deque[Flight] = deque()
        self.observed: list[Event] = []
        self.instructions = 0
        self._ended: deque[Burst] = deque()

    def expect(self, insn: Insn) -> Flight:
        """Hand over the next instruction to be issued."""
        flight = Flight(insn)
        self.waiting.append(flight)
        return flight

    def accepted(self, issue: Issue) -> None:
        """For `IssueDriver.accepted`."""
        flight = self.waiting.popleft()
        assert flight.insn.issue == issue, "issued in another order than expected"
        flight.accepted = int(get_sim_time("step"))
        self.window.append(flight)

    def answer(self, vpn: int, store: bool) -> Xlat | None:
        """For `TranslateResponder`: the answer that came with the youngest instruction that has one."""
        for flight in reversed(self.window):
            for xlat in flight.insn.issue.xlat:
                if xlat.vpn == vpn:
                    return xlat
        return None

    def granted(self, ppn: int, store: bool) -> None:
        """For `TranslateResponder.granted`."""
        if self.window:
            self.window[-1].granted.add((ppn, store))

    def owner_of(self, ppn: int, store: bool) -> Flight | None:
        """For `AxiMonitor`: the youngest instruction that was granted the page."""
        if not self.window:
            self.errors.flag("bus request without an instruction")
        return next((flight for flight in reversed(self.window) if (ppn, store) in flight.granted), None)

    def ended(self, burst: Burst) -> None:
        """For `AxiMonitor.add_callback`."""
        self._ended.append(burst)

    def stores(self, under_way: deque[Burst]) -> Effects:
        """For `RetireMonitor`: what was stored by bursts that ended before this cycle.

        Args:
            under_way: `AxiMonitor.under_way`.
        """
        now = int(get_sim_time("step"))
        oldest = self.window[0] if self.window else None
        late = [burst for burst in self._ended if burst.ended == now]  # so not of the oldest
        if any(burst.owner is oldest for burst in (*under_way, *late)):
            self.errors.flag("retired with bus transactions outstanding")
        data = []
        while self._ended and self._ended[0].ended < now:
            data += self._ended.popleft().data
        return stored(data)

    def check(self, observation: Observation) -> None:
        """For `RetireMonitor.add_callback`.

        Raises:
            ScoreboardError: it differs from what the oldest instruction must do.
        """
        if not self.window:
            self.errors.flag("retired without an instruction")
            observation.errors = self.errors.bits
            raise ScoreboardError(self._mismatch("unasked", compare(observation.retire, observation)))
        flight = self.window.popleft()
        flight.retired, flight.observation = int(get_sim_time("step")), observation
        insn = flight.insn
        found = compare(insn.retire, observation)
        if found:
            mismatch = self._mismatch("instruction", found)
            mismatch.pc, mismatch.insn = insn.pc, insn.issue.insn
            mismatch.disassembly = disassemble(insn.issue.insn)
            mismatch.mode = MODE_NAMES[insn.issue.prv, insn.issue.virt]
            raise ScoreboardError(mismatch)
        self.observed.append(Insn(insn.hart, insn.pc, insn.issue, observation.retire))
        self.instructions += 1

    def checkpoint(self, expected: Retire, observation: Observation) -> None:
        """Compare the whole state while nothing is on its way.

        Raises:
            ScoreboardError: it differs.
        """
        found = compare(expected, observation)
        if found:
            raise ScoreboardError(self._mismatch("checkpoint", found))
        self.observed.append(Checkpoint(0, observation.retire))

    def ram(self, found: list[Difference]) -> None:
        """Fail if memory differs."""
        if found:
            raise ScoreboardError(self._mismatch("ram", found))

    def hang(self) -> None:
        """Fail because nothing retires."""
        self.errors.flag("no retirement: the instruction hangs")
        oldest = next(iter(self.window or self.waiting))
        observation = Observation(oldest.insn.retire, errors=self.errors.bits)
        mismatch = self._mismatch("instruction", compare(oldest.insn.retire, observation))
        mismatch.disassembly, mismatch.insn = disassemble(oldest.insn.issue.insn), oldest.insn.issue.insn
        mismatch.mode = MODE_NAMES[oldest.insn.issue.prv, oldest.insn.issue.virt]
        raise ScoreboardError(mismatch)

    def _mismatch(self, kind: str, found: list[Difference]) -> Mismatch:
        return Mismatch(len(self.observed), kind, 0, found, self._command)
