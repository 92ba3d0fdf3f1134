# SPDX-License-Identifier: Apache-2.0
"""The invariants of the vector context under a hypervisor, by name, and the ledger that counts their checks.

Each has one name here, used by scenarios, reports and tests. The numbers are items of the scenario library.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from vctx.pymodel.errors import VctxError


@dataclass(frozen=True)
class Invariant:
    """A property that must hold whenever it is checked; `items` are those it covers."""

    name: str
    items: tuple[int, ...]
    text: str


INVARIANTS: dict[str, Invariant] = {
    i.name: i
    for i in (
        Invariant(
            "reset-state", (19, 20, 30, 31), "after reset: registers and CSRs read zero, VS Initial (Off without V)"
        ),
        Invariant("datap-identity", (30,), "reset, load and put never move the guest's register buffer"),
        Invariant(
            "no-traffic-in-loop", (21,), "between a guest exit and re-entry inside the run loop, no vector access"
        ),
        Invariant(
            "save-iff-dirty",
            (22, 35, 37),
            "guest_vector_save moves registers if and only if VS is Dirty; a put of a Dirty guest does so exactly once",
        ),
        Invariant(
            "no-needless-save",
            (22, 37),
            "a guest or task in VS Dirty is saved only if it changed something since it was last saved or restored",
        ),
        Invariant("unit-left-off", (17,), "save and restore do not leave on a vector unit that they found off"),
        Invariant("clean-is-equal", (23,), "VS Clean: the registers equal the memory image, bit for bit"),
        Invariant("saved-is-equal", (23,), "after put: the memory image equals what the registers were at guest exit"),
        Invariant("image-vs-at-put", (24,), "after put the image's VS is Off, Initial or Clean"),
        Invariant("image-vs-at-load", (25,), "at load the image's VS is never Dirty"),
        Invariant("host-preserved", (26,), "host registers and vector CSRs before load equal those after put"),
        Invariant(
            "guest-transparent",
            (27, 28, 29),
            "a guest finds its registers as it left them: other owners, harts, preemption",
        ),
        Invariant("task-transparent", (26, 29), "a host task finds its registers as it left them"),
        Invariant("load-put-idle", (32,), "load and put without an entry leave the guest's image as it was"),
        Invariant("vsstatus-guest-owned", (33,), "vsstatus.VS at entry is what the guest left"),
        Invariant(
            "hypervisor-off-traps",
            (34, 38),
            "sstatus.VS Off: a guest's vector instruction traps (2) and dirties nothing, whatever vsstatus.VS is",
        ),
        Invariant(
            "guest-off-traps",
            (34,),
            "sstatus.VS on, vsstatus.VS Off: a guest's vector instruction traps (2) and dirties nothing",
        ),
        Invariant("novec-guest-off", (38,), "a guest without V is entered with VS Off"),
        Invariant("hgatp-kept", (36,), "put does not write hgatp"),
        Invariant("writes-in-context", (16,), "saving writes nothing outside the context and its buffer"),
        Invariant("guards-intact", (16,), "the guard bytes around every allocation are untouched"),
        Invariant(
            "one-owner",
            (73, 74),
            "every register that a guest with V, or a task, is entered with came from it, from its image or a reset",
        ),
        Invariant(
            "one-reg-round-trip", (47, 56), "a vector register set through one-reg reads back, and changes nothing else"
        ),
        Invariant("no-oops", (18, 54, 64), "the kernel does not fault"),
        Invariant("self-checks", (27,), "guests and host tasks find their own results right"),
        Invariant("eager-equivalent", (75,), "an eager hypervisor shows the guests the same"),
        Invariant("lazy-saves-less", (76,), "no more saves and restores than an eager hypervisor"),
    )
}

"""What the monitor and the main job check."""

LIBRARY_INVARIANTS: dict[str, Invariant] = {
    i.name: i
    for i in (
        Invariant("completes", (77,), "a scenario comes to its end: no oops, no refusal of what must be served"),
        Invariant(
            "off-traps", (1, 2), "with VS Off at any level in force, every vector instruction traps with cause 2"
        ),
        Invariant(
            "vs-tracking", (2, 3, 4, 35), "VS turns Dirty at the right levels, never spuriously to Off or Initial"
        ),
        Invariant("csr-rules", (5,), "vl, vtype, vlenb are read-only; vcsr is vxrm and vxsat; SD follows VS"),
        Invariant("vset-rules", (6, 7), "vset* gives vl and vtype by the rules, and zeroes vstart"),
        Invariant("linear-image", (8,), "four moves of eight registers are the image n*vlenb of all 32"),
        Invariant("save-restore-identity", (9, 10), "restore then save gives back any state, bit for bit"),
        Invariant("moves-are-whole", (11, 13), "no load or store of save and restore begins behind element 0"),
        Invariant("mutation-caught", (10, 11, 12, 13), "a wrong save or restore routine does not pass unnoticed"),
        Invariant("save-is-whole", (14,), "a save writes all 32*vlenb bytes, whatever vl is"),
        Invariant("save-leaves", (15,), "a save leaves v0-v31 and vcsr, vtype e8,m8, vl VLMAX, vstart 0"),
        Invariant("vs-preserved", (17, 72), "save and restore leave the live sstatus.VS as it was"),
        Invariant("no-vector-access", (18, 64), "on a hart without V no vector instruction is executed"),
        Invariant("vector-unit-budget", (21, 32, 37), "a load/put pair moves a context at most once each way"),
        Invariant("host-side-lazy", (37,), "host registers in which nobody has anything are not moved"),
        Invariant("no-leak", (20, 27, 38), "no value of one owner can be read by another"),
        Invariant("v-by-bitmap", (45,), "whether a guest has V depends on its ISA bitmap alone"),
        Invariant(
            "isa-change-complete", (39, 40, 41), "giving or taking V before the first run gives or takes the unit"
        ),
        Invariant("isa-errors", (42, 43, 44), "changes of the ISA are refused exactly when and how they must be"),
        Invariant("prctl-gate", (43,), "a process without V cannot give it to a guest"),
        Invariant("id-table", (46, 59), "the numbers of user space's interface are the final, frozen ones"),
        Invariant("one-reg-errors", (48, 49, 50, 53, 54), "one-reg fails exactly when, and with the errno, it must"),
        Invariant("one-reg-values", (47, 55), "what user space set, legal or not, is what the hardware then holds"),
        Invariant("vlenb-register", (51, 52), "vlenb reads VLEN/8 and takes no other value"),
        Invariant("reg-list", (57,), "the register list is complete, in order, and sized honestly"),
        Invariant(
            "migration", (58,), "a vCPU copied register by register, in any order, goes on as if nothing happened"
        ),
        Invariant("no-memory-lost", (60, 61, 63), "every allocation is freed exactly once, also when create fails"),
        Invariant("no-stale-heap", (62,), "no byte of an earlier allocation reaches user space"),
        Invariant("one-pointer", (61,), "exactly one context names the guest's buffer"),
        Invariant(
            "no-needless-write", (62, 64), "resetting a guest without V writes to no buffer, and to no null pointer"
        ),
        Invariant("warns-of-loss", (38,), "state that cannot be kept is not dropped in silence"),
        Invariant(
            "kernel-vector", (65, 66, 67, 68, 69, 72), "kernel-mode vector code disturbs no owner and reads none"
        ),
        Invariant("deferral-flags", (68, 69, 70, 71), "the flags of deferred restore say what is in the registers"),
        Invariant("module-link", (77,), "what KVM needs of the kernel's vector code is exported"),
    )
}
"""What the scenario library checks beyond :data:`INVARIANTS`."""

ALL_INVARIANTS = INVARIANTS | LIBRARY_INVARIANTS


@dataclass(frozen=True)
class Violation:
    """One broken invariant: which, where (function, vCPU or task, hart) and what was found.

    `at` is the last instruction before that, and `calls` the functions of the kernel around it, or before it, if anyone
    can tell; `defects` are known ones that it demonstrates, if the kernel has them. `event` is the number of events
    that the trace had then, None if there is no trace.
    """

    invariant: str
    where: str
    evidence: str
    at: str = ""
    defects: tuple[str, ...] = ()
    calls: str = ""
    event: int | None = None


class Ledger:
    """Counts checks by invariant and keeps the violations.

    Attributes:
        checks: number of times each invariant was checked.
        violations: the first `keep` violations of each invariant, in order.
        broken: number of failed checks by invariant.
        named: known defects that a check, failed or not, would demonstrate.
        locate, calls: tell where execution is, and through which functions it came there, for violations; None if
            nobody can. event: tells how many events the trace has.

    >>> ledger = Ledger()
    >>> ledger.check("hgatp-kept", True, "vcpu_put vcpu0", "hgatp was written")
    >>> ledger.check("hgatp-kept", False, "vcpu_put vcpu0", lambda: f"hgatp is {0:#x}, it was {0x80:#x}")
    >>> ledger.checks["hgatp-kept"], ledger.broken["hgatp-kept"]
    (2, 1)
    >>> ledger.violations[0].evidence
    'hgatp is 0x0, it was 0x80'
    """

    def __init__(self, keep: int = 3) -> None:
        self._keep = keep
        self.checks: Counter[str] = Counter()
        self.broken: Counter[str] = Counter()
        self.violations: list[Violation] = []
        self.named: set[str] = set()
        self.locate: Callable[[], str] | None = None
        self.calls: Callable[[], str] | None = None
        self.event: Callable[[], int] | None = None

    def check(
        self,
        invariant: str,
        ok: bool,
        where: str,
        evidence: str | Callable[[], str],
        defects: Sequence[str] = (),
    ) -> None:
        """Count a check of `invariant`; `evidence`, called if it is a function, is kept when it does not hold.

        The first violation that demonstrates a further defect is kept in any case.
        """
        if invariant not in ALL_INVARIANTS:
            raise VctxError(f"no invariant is named {invariant!r}")
        self.checks[invariant] += 1
        if defects:
            self.named.update(defects)
        if ok:
            return
        self.broken[invariant] += 1
        shown = {name for violation in self.violations for name in violation.defects}
        if self.broken[invariant] <= self._keep or set(defects) - shown:
            text = evidence if isinstance(evidence, str) else evidence()
            at = self.locate() if self.locate is not None else ""
            calls = self.calls() if self.calls is not None else ""
            event = self.event() if self.event is not None else None
            self.violations.append(Violation(invariant, where, text, at, tuple(defects), calls, event))
