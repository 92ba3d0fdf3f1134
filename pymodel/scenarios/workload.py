# SPDX-License-Identifier: Apache-2.0
"""A workload: who used the vector unit of which hart, when, as recorded from a run on the golden model.

It says nothing of saves and restores: what a policy does about them is the matter of :mod:`pymodel.scenarios.policies`.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import Enum

from vctx.pymodel.isa import decode
from vctx.pymodel.isa.csr_numbers import VECTOR_CSRS
from vctx.pymodel.isa.encoding import Kind
from vctx.pymodel.kvm.machine import KernelObserver
from vctx.pymodel.scenarios.shared_unit import SharedUnitConfig, run_shared_unit
from vctx.pymodel.trace.records import Event, Issue, Mark, Retire

_VECTOR_KINDS = frozenset({Kind.VSET, Kind.VMEM, Kind.VOP})


class What(Enum):
    """What happened."""

    LOAD = "load"
    """vcpu_load of a guest."""
    RUN = "run"
    """One entry and exit of a guest, or one slice of a task."""
    PUT = "put"
    """vcpu_put of a guest."""
    SAVE = "save"
    """The host kernel switched a task out and saved its registers."""
    RESTORE = "restore"
    """The host kernel switched a task in and restored its registers."""


_STEPS = {
    "vcpu_load": What.LOAD,
    "vcpu_put": What.PUT,
    "vstate_save": What.SAVE,
    "vstate_restore": What.RESTORE,
}


@dataclass(frozen=True)
class Step:
    """One step on one hart.

    Attributes:
        what, hart, who: which, where, and the vCPU or task; `guest` tells which of the two. A vCPU that has been reset
            counts as another: nothing of what it was is needed any more.
        on: of a RUN, the unit was open to it (VS not Off at HS level).
        uses: of a RUN, it executed a vector instruction; dirties: one that writes vector state.
    """

    what: What
    hart: int
    who: str
    guest: bool
    on: bool = False
    uses: bool = False
    dirties: bool = False


@dataclass(frozen=True)
class Workload:
    """A recorded workload: its steps in order, the configuration of its run, and the instructions of all harts."""

    name: str
    config: SharedUnitConfig
    steps: tuple[Step, ...]
    instructions: int = 0

    @property
    def vector_share(self) -> float:
        """Share of the guest entries that use vectors."""
        entries = [step for step in self.steps if step.what is What.RUN and step.guest]
        return sum(step.uses for step in entries) / len(entries)


class WorkloadRecorder:
    """Observer that turns marks and instructions into steps, and passes everything on to `also`."""

    def __init__(self, also: KernelObserver | None = None) -> None:
        self._also = also
        self.steps: list[Step] = []
        self._running: dict[int, dict[str, bool]] = {}
        self._lives: Counter[str] = Counter()
        self._resetting: dict[str, bool] = {}  # vCPUs inside vcpu_reset, and whether their new life has begun

    def insn(self, hart_id: int, pc: int, issue: Issue, retire: Retire) -> None:
        """Note what a guest or task does with vectors."""
        if self._also is not None:
            self._also.insn(hart_id, pc, issue, retire)
        running = self._running.get(hart_id)
        if running is None:
            return
        running["on"] |= retire.mstatus_vs != 0
        if issue.prv == 1 and not issue.virt:
            return  # the world switch
        decoded = decode(issue.insn)
        vector = decoded.kind in _VECTOR_KINDS
        csr = decoded.kind is Kind.CSR and decoded.fields["csr"] in VECTOR_CSRS
        if retire.trap is None or (decoded.kind is Kind.VMEM and retire.trap.cause != 2):
            running["uses"] |= vector or csr
            # A CSR instruction that may only read does not dirty, whatever it reads.
            reads = csr and decoded.mnemonic.startswith(("csrrs", "csrrc")) and not issue.insn >> 15 & 31
            running["dirties"] |= vector or (csr and not reads)

    def store(self, hart_id: int, paddr: int, data: bytes) -> None:
        """Scalar stores do not matter here."""
        if self._also is not None:
            self._also.store(hart_id, paddr, data)

    def event(self, event: Event) -> None:
        """Note entries, exits, loads and puts."""
        if self._also is not None:
            self._also.event(event)
        if not isinstance(event, Mark):
            return
        hart, what, who = event.hart, event.what, event.who
        if what == "vcpu_reset":
            if event.enter:
                self._resetting[who] = False
            elif not self._resetting.pop(who):
                self._lives[who] += 1
        elif what in ("guest", "task"):
            if event.enter:
                self._running[hart] = {"on": False, "uses": False, "dirties": False}
            else:
                step = Step(What.RUN, hart, self._name(who), what == "guest", **self._running.pop(hart))
                self.steps.append(step)
        elif event.enter and what in _STEPS:
            if what == "vcpu_load" and self._resetting.get(who) is False:
                self._resetting[who] = True
                self._lives[who] += 1
            self.steps.append(Step(_STEPS[what], hart, self._name(who), what.startswith("vcpu")))

    def _name(self, who: str) -> str:
        return f"{who}#{self._lives[who]}" if self._lives[who] else who


def vcpu_of(who: str) -> str:
    """Return the vCPU of which `who` is a life between two resets."""
    return who.partition("#")[0]


def record(name: str, config: SharedUnitConfig, also: KernelObserver | None = None) -> Workload:
    """Record the workload of a run of the main job; `also` is told all that happens in it."""
    recorder = WorkloadRecorder(also)
    ended = run_shared_unit(config, recorder)
    return Workload(name, config, tuple(recorder.steps), ended.instructions)
