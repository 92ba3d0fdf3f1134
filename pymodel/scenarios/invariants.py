"""The invariants of the vector context under a hypervisor, by name, and the ledger that counts their checks.

Each has one name here, used by scenarios, reports and tests. The numbers are items of the kvm facts, section 5.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from pymodel.errors import VctxError


@dataclass(frozen=True)
class Invariant:
    """A property that must hold whenever it is checked; `items` are the kvm facts it covers."""

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
        Invariant("save-iff-dirty", (22, 35, 37), "put saves the guest exactly once if VS is Dirty, else not at all"),
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
        Invariant("load-put-idle", (32,), "load and put without an entry change neither memory nor host"),
        Invariant("vsstatus-guest-owned", (33,), "vsstatus.VS at entry is what the guest left"),
        Invariant(
            "guest-off-traps", (34,), "vsstatus.VS Off: a guest's vector instruction traps (2) and dirties nothing"
        ),
        Invariant("novec-guest-off", (38,), "a guest without V is entered with VS Off"),
        Invariant("hgatp-kept", (36,), "put does not write hgatp"),
        Invariant("writes-in-context", (16,), "saving writes nothing outside the context and its buffer"),
        Invariant("guards-intact", (16,), "the guard bytes around every allocation are untouched"),
        Invariant("one-owner", (73, 74), "every register a guest or task is entered with holds its own values"),
        Invariant(
            "one-reg-round-trip", (47, 56), "a vector register set through one-reg reads back, and changes nothing else"
        ),
        Invariant("self-checks", (27,), "guests and host tasks find their own results right"),
        Invariant("eager-equivalent", (75,), "an eager hypervisor shows the guests the same"),
        Invariant("lazy-saves-less", (76,), "no more saves and restores than an eager hypervisor"),
    )
}


@dataclass(frozen=True)
class Violation:
    """One broken invariant: which, where (function, vCPU or task, hart) and what was found."""

    invariant: str
    where: str
    evidence: str


class Ledger:
    """Counts checks by invariant and keeps the violations.

    Attributes:
        checks: number of times each invariant was checked.
        violations: the first `keep` violations of each invariant, in order.
        broken: number of failed checks by invariant.
    """

    def __init__(self, keep: int = 3) -> None:
        self._keep = keep
        self.checks: Counter[str] = Counter()
        self.broken: Counter[str] = Counter()
        self.violations: list[Violation] = []

    def check(self, invariant: str, ok: bool, where: str, evidence: str | Callable[[], str]) -> None:
        """Count a check of `invariant`; `evidence`, called if it is a function, is kept when it does not hold."""
        if invariant not in INVARIANTS:
            raise VctxError(f"no invariant is named {invariant!r}")
        self.checks[invariant] += 1
        if ok:
            return
        self.broken[invariant] += 1
        if self.broken[invariant] <= self._keep:
            self.violations.append(Violation(invariant, where, evidence if isinstance(evidence, str) else evidence()))
