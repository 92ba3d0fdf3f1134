# SPDX-License-Identifier: Apache-2.0
"""The golden hart in step with a core's log: what must come next, what came, and how the two find together again.

Three things come from the log, and each is counted: interrupts, what the profile calls volatile, and values adopted
after their difference was reported. What the log does not say stays the model's own.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from pathlib import Path

from vctx.pymodel.corelog.compare import Comparison
from vctx.pymodel.corelog.event import Event
from vctx.pymodel.corelog.findings import Report
from vctx.pymodel.corelog.golden import Golden
from vctx.pymodel.corelog.rules import of_trap, trap_differs
from vctx.pymodel.errors import UsageError
from vctx.pymodel.isa.encoding import Kind
from vctx.pymodel.isa.errors import AbsentInsn, ArchTrap, Cause, HartError
from vctx.pymodel.places_in_source import place_of
from vctx.pymodel.profiles import Profile
from vctx.pymodel.programs import Image

_AHEAD = 8  # steps in which the model looks for where the log goes on
_LOST = 64  # jumps in a row, without an instruction on which the two agree, after which the log is given up
_ACCESS_FAULTS = {Cause.FETCH_ACCESS: "fetch", Cause.LOAD_ACCESS: "load", Cause.STORE_ACCESS: "store"}
_AMO, _SC, _SC_MASK = 0x2F, 0x1800_002F, 0xF800_007F
_OP_V_FLOAT = (0x1057, 0x5057)
_INSN_TVAL = (Cause.ILLEGAL, Cause.VIRTUAL)
_REPORTED = 1 << 14  # events between two calls of progress


class Checker:
    """One log against one program.

    Args:
        image: the program.
        profile: what the core is like.
        log: the log's name, for the report.

    Attributes:
        report: what was found so far.
    """

    def __init__(self, image: Image, profile: Profile, log: Path) -> None:
        self.golden = Golden(image, profile)
        self.report = Report(str(image.path), str(log), profile.name, profile.hart.vlen)
        self._image = image
        self._profile = profile
        self._comparison = Comparison(self.golden, profile, self.report)
        self._pending: ArchTrap | None = None  # of a vector access that was logged as far as it got
        self._recent: deque[tuple[int, bool]] = deque(maxlen=_AHEAD)  # address, and whether a trap
        self._jumps = 0

    def run(self, events: Iterable[Event], progress: Callable[[int], None] | None = None) -> Report:
        """Compare all events from the program's entry on, up to its end.

        Raises:
            UsageError: the log never comes to the program, or an instruction that the golden hart lacks.
        """
        report, golden, entry = self.report, self.golden, self._image.entry
        begun = False
        event: Event | None = None
        try:
            for event in events:
                if not begun:
                    begun = event.pc == entry and not event.trap
                    if not begun:
                        continue
                report.events += 1
                self._event(event)
                if golden.ended or report.stopped:
                    break
                if progress is not None and report.events % _REPORTED == 0:
                    progress(report.events)
        except AbsentInsn as absent:
            raise self._absent(event, absent.word) from absent
        if not begun:
            raise UsageError(f"{report.log}: no instruction at {entry:#x}, where {self._image.path} begins")
        report.ended = golden.ended if golden.ends else None
        if report.ended is False and not report.stopped and event is not None:
            self._add("log", "ends before the program does", event, "end of the log", f"goes on at {golden.hart.pc:#x}")
        self._comparison.finish()
        return report

    def _add(self, rule: str, what: str, event: Event, core: str, model: str) -> None:
        self._comparison.add(rule, what, event, core, model)

    # --- one event ---

    def _event(self, event: Event) -> None:
        comparison, hart = self._comparison, self.golden.hart
        comparison.begin()
        if event.trap or event.interrupt:
            self._trap(event)
            return
        if (event.pc != hart.pc or self._pending is not None) and not self._aligned(event):
            return
        golden = self.golden
        if event.insn is not None and event.insn & 0x7F == _AMO:
            self._before_amo(event)
        golden.seen = None
        trap = hart.attempt()
        self._recent.append((event.pc, False))
        if trap is not None:
            self._must_trap(event, trap)
            return
        commit = golden.seen
        if commit is not None:
            comparison.commit(event, commit)
        self._jumps = 0

    def _before_amo(self, event: Event) -> None:
        """A store-conditional fails when the core says so: whether it does is its matter."""
        failed = any(value for _, value in event.x)
        if event.insn is not None and event.insn & _SC_MASK == _SC and failed and self._profile.volatile_sc:
            if self.golden.hart.memory.reservation(self.golden.hart.hart_id) is not None:
                self.report.taken["volatile"] += 1
            self.golden.lose_reservation()

    def _must_trap(self, event: Event, trap: ArchTrap) -> None:
        """The log has an instruction that takes effect, and the model's traps."""
        golden, comparison = self.golden, self._comparison
        hart = golden.hart
        if golden.seen is not None:  # a vector access took effect up to where it faults: the trap is the next event
            comparison.commit(event, golden.seen)
            self._pending = trap
            return
        word = self._word(event)
        access = _ACCESS_FAULTS.get(Cause(trap.cause))
        if access is not None and access not in self._profile.access_faults:
            self.report.taken["volatile"] += 1
        else:
            self._refuse_absent(event, word, trap)
            d = comparison.decoded(word)
            self._add(*trap_differs(d, None, trap.cause, hart.virt), event, "executes", _told(trap))
        comparison.adopt(event)
        hart.pc = event.pc + (4 if word & 3 == 3 else 2)

    def _trap(self, event: Event) -> None:
        """The log has a trap or an interrupt."""
        golden, hart, report = self.golden, self.golden.hart, self.report
        if event.pc != hart.pc and not self._aligned(event):
            return
        self._recent.append((event.pc, True))
        if event.interrupt:
            self._interrupt(event)
            return
        trap, self._pending = self._pending, None
        if trap is None:
            saved = golden.save()
            golden.seen = None
            trap = hart.attempt()
            if trap is None:
                golden.restore(saved)
                word = self._word(event)
                self._refuse_absent(event, word, None)
                d = self._comparison.decoded(word)
                if event.cause is None:
                    rule, what = of_trap(d, None, None, hart.virt), f"{d.mnemonic} traps, must execute"
                else:
                    rule, what = trap_differs(d, event.cause, None, hart.virt)
                self._add(rule, what, event, _seen(event), "executes")
                cause_taken = Cause.ILLEGAL if event.cause is None else event.cause
                assumed = word if cause_taken in _INSN_TVAL and hart.config.latitude.tval_insn else 0
                hart.take(ArchTrap(cause_taken, assumed if event.tval is None else event.tval))
                return
            golden.keep()
        self._jumps = 0
        hart.take(self._comparison.trap(event, trap, self._word(event)))
        report.compared["trap"] += event.cause is not None
        report.had["trap"] += 1

    def _interrupt(self, event: Event) -> None:
        self.report.taken["interrupts"] += 1
        try:
            self.golden.hart.interrupt(event.cause or 0)
        except HartError as error:
            self._add("F-5", f"interrupt {event.cause} taken", event, _seen(event), str(error))

    # --- where the log is not where the model is ---

    def _aligned(self, event: Event) -> bool:
        """Bring the model to where the log is; tell whether the event is then to be compared."""
        golden, hart = self.golden, self.golden.hart
        if self._pending is not None:  # the trap of a vector access is not in the log
            self._missing_trap(event, self._pending)
            hart.take(self._pending)
            self._pending = None
            if event.pc == hart.pc:
                return True
        if event.enters and golden.interrupt_to(event.pc) is not None:
            self.report.taken["interrupts"] += 1
            return True
        saved = golden.save()
        ahead, lacking = self._look_ahead(event)
        back = self._look_back(event)
        if ahead and (back is None or ahead <= back):
            golden.keep()
            if lacking:
                more = f"{lacking} event{'s' * (lacking > 1)} missing before this one"
                self._add("log", "events missing", event, f"{event.pc:#x}", f"{saved.pc:#x}: {more}")
            return True
        golden.restore(saved)
        if back is not None:
            self._add("log", "repeated or out of order", event, f"{event.pc:#x}", f"{hart.pc:#x}")
            return False
        if "trap" not in self._profile.complete and not event.trap and golden.interrupt_to(event.pc) is not None:
            self.report.taken["interrupts"] += 1
            return True
        if event.insn is not None and event.insn == self._word(event):  # as it must be, but for the address
            self._add("control flow", "address of an instruction", event, f"{event.pc:#x}", f"{hart.pc:#x}")
            return True
        self._add("control flow", "goes where it must not", event, f"{event.pc:#x}", f"{hart.pc:#x}")
        self.report.taken["adopted"] += 1
        hart.pc = event.pc
        self._jumps += 1
        if self._jumps == _LOST:
            self.report.stopped = (
                f"line {event.line}: log and program go different ways, {_LOST} jumps in a row without an instruction "
                "on which they agree; is it the log of this program?"
            )
            return False
        return True

    def _look_ahead(self, event: Event) -> tuple[int, int]:
        """Go on until the model is where the event is; return the steps, 0 for not found, and how many are findings."""
        golden, hart = self.golden, self.golden.hart
        lacking = 0
        for steps in range(1, _AHEAD + 1):
            try:
                trap = hart.attempt()
            except AbsentInsn:
                break
            if trap is not None:
                hart.take(trap)
                lacking += "trap" in self._profile.complete
            else:
                lacking += 1
            if hart.pc == event.pc:
                return steps, lacking
            if golden.ended:
                break
        return 0, 0

    def _look_back(self, event: Event) -> int | None:
        """Return how many events ago the log had this one; None for not lately."""
        key = event.pc, event.trap
        recent = list(self._recent)
        return recent[::-1].index(key) + 1 if key in recent else None

    def _missing_trap(self, event: Event, trap: ArchTrap) -> None:
        if "trap" in self._profile.complete:
            self._add("log", "events missing", event, f"{event.pc:#x}", f"trap, cause {trap.cause}, is not in the log")

    # --- what the golden hart lacks ---

    def _word(self, event: Event) -> int:
        """Return the instruction at the model's pc, as it stands in memory."""
        hart = self.golden.hart
        try:
            low = hart.memory.load(hart.mmu.page(hart.pc, "fetch") | hart.pc & 0xFFF, 2)
            if low & 3 != 3:
                return low
            at = hart.pc + 2
            return low | hart.memory.load(hart.mmu.page(at, "fetch") | at & 0xFFF, 2) << 16
        except ArchTrap:
            return event.insn or 0

    def _refuse_absent(self, event: Event, word: int, trap: ArchTrap | None) -> None:
        """Raise UsageError if the core executes what the golden hart has not, though the core may have it."""
        hart = self.golden.hart
        if event.insn not in (None, word):
            return
        illegal = trap is not None and trap.cause == Cause.ILLEGAL
        config = hart.config
        if illegal and word & 0x707F in _OP_V_FLOAT and config.has_v and hart.vector_on() and hart.float_on():
            raise self._absent(event, word)
        if illegal and self._comparison.decoded(word).kind is Kind.UNKNOWN and word & 0x7F != 0x57:
            raise self._absent(event, word)

    def _absent(self, event: Event | None, word: int) -> UsageError:
        place = place_of(self._image.path, self.golden.hart.pc)
        where = f"in {place}, at {self.golden.hart.pc:#x}" if place else f"at {self.golden.hart.pc:#x}"
        text = self._comparison.text(word)
        line = 0 if event is None else event.line
        return UsageError(
            f"{self.report.log}: line {line}: the golden hart lacks {text} ({word:#010x}) {where}; up to there "
            f"{self.report.events:,} events were compared, with {len(self.report.findings)} kinds of differences "
            "(docs/your-core.md says what it has)"
        )


def _told(trap: ArchTrap) -> str:
    return f"trap, cause {trap.cause}, tval {trap.tval:#x}"


def _seen(event: Event) -> str:
    kind = "interrupt" if event.interrupt else "trap"
    return f"{kind}, cause {event.cause}" + ("" if event.tval is None else f", tval {event.tval:#x}")
