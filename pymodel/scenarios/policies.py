# SPDX-License-Identifier: Apache-2.0
"""Policies: when to save and restore vector contexts, compared on the same recorded workload.

A policy turns the steps of a workload into moves of whole contexts (32 registers and the CSRs) between a hart and
memory. All policies serve the workload right: whoever may use the unit finds its own values in the registers.

The optimum knows the future. Each hart holds one context; a run that uses vectors forces its owner's context into the
registers, and there is nothing else to choose from. So a lower bound on restores is the number of times that a use
follows with the registers holding something else, or an older version of its owner's context; and each context that is
dirty in the registers when they are taken for another, or when its owner uses another hart, must be saved, unless its
owner never uses vectors again. A context that is only read on another hart stays valid where it was. `optimum` does
exactly these moves, and so no policy does fewer. What it uses of the future is whether an entry will use vectors, so
that it need not restore for one that will not, and whether a context will be needed again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from vctx.pymodel.kvm.kernel import Kernel
from vctx.pymodel.kvm.structs import VState
from vctx.pymodel.scenarios.context import allocate_context
from vctx.pymodel.scenarios.workload import Step, What, Workload, vcpu_of

Direction = Literal["save", "restore"]
_SWITCHES = (What.SAVE, What.RESTORE)


@dataclass(frozen=True)
class Move:
    """A whole context moved between a hart and memory; `owner` is a vCPU, a task, or "host <vcpu>" for what the hart
    held before that vCPU was loaded."""

    hart: int
    owner: str
    direction: Direction


def _save(step: Step, owner: str | None = None) -> Move:
    return Move(step.hart, owner or step.who, "save")


def _restore(step: Step, owner: str | None = None) -> Move:
    return Move(step.hart, owner or step.who, "restore")


def _host(step: Step) -> str:
    return f"host {step.who}"


def _switch(step: Step) -> Move:
    """What the host kernel did for a task; vcpu_load and vcpu_put preserve what they find."""
    return _save(step) if step.what is What.SAVE else _restore(step)


def eager(steps: Sequence[Step]) -> Iterable[Move]:
    """Swap host and guest at every guest entry and exit, whatever VS says."""
    for step in steps:
        if step.what in _SWITCHES:
            yield _switch(step)
        elif step.what is What.RUN and step.guest:
            yield _save(step, _host(step))
            if step.on:
                yield _restore(step)
                yield _save(step)
            yield _restore(step, _host(step))


def lazy(steps: Sequence[Step]) -> Iterable[Move]:
    """The posted patch: swap at load and put, save the guest only if it is dirty."""
    return _at_load(steps, deferred=False)


def deferred(steps: Sequence[Step]) -> Iterable[Move]:
    """Restore the guest at its first entry after load; the rest as lazy."""
    return _at_load(steps, deferred=True)


def _at_load(steps: Sequence[Step], *, deferred: bool) -> Iterable[Move]:
    has_v = {vcpu_of(step.who) for step in steps if step.guest and step.on}
    dirty: set[str] = set()
    waiting: set[str] = set()  # loaded, and not restored yet
    for step in steps:
        if step.what in _SWITCHES:
            yield _switch(step)
        elif step.what is What.LOAD:
            yield _save(step, _host(step))
            if vcpu_of(step.who) in has_v:
                waiting.add(step.who)
        elif step.what is What.RUN and step.guest and step.dirties:
            dirty.add(step.who)
        elif step.what is What.PUT:
            waiting.discard(step.who)
            if step.who in dirty:
                dirty.discard(step.who)
                yield _save(step)
            yield _restore(step, _host(step))
        if step.who in waiting and (step.what is What.RUN or not deferred):
            waiting.discard(step.who)
            yield _restore(step)


def salus(steps: Sequence[Step]) -> Iterable[Move]:
    """Restore the guest at every entry, save it at the exit if it is dirty.

    What a hypervisor does that uses no vectors itself, as Salus: what the hart held before is its own tasks' matter,
    which their switches restore.
    """
    for step in steps:
        if step.what in _SWITCHES:
            yield _switch(step)
        elif step.what is What.RUN and step.guest and step.on:
            yield _restore(step)
            if step.dirties:
                yield _save(step)


def ownership(steps: Sequence[Step]) -> Iterable[Move]:
    """Remember whose context each hart holds; restore only what it does not hold, save at put and at a switch."""
    return _owned(steps, knows_future=False)


def optimum(steps: Sequence[Step]) -> Iterable[Move]:
    """The fewest moves that serve the workload; see the module."""
    return _owned(steps, knows_future=True)


def _owned(steps: Sequence[Step], *, knows_future: bool) -> Iterable[Move]:
    """Ownership tracking.

    With the future known, only uses count, nothing is saved early, and nothing in vain; and a hart that its owner has
    left holds a valid context until the owner changes it elsewhere.
    """
    last_use = {step.who: at for at, step in enumerate(steps) if step.uses}
    holds: dict[int, str] = {}  # whose context each hart holds, as its owner left it
    dirty: set[str] = set()  # owners whose only valid context is in the registers

    def write_back(at: int, hart: int) -> Iterable[Move]:
        owner = holds.get(hart)
        if owner in dirty:
            dirty.discard(owner)
            if not knows_future or last_use[owner] >= at:
                yield Move(hart, owner, "save")

    def elsewhere(step: Step) -> list[int]:
        return [hart for hart, owner in holds.items() if owner == step.who and hart != step.hart]

    for at, step in enumerate(steps):
        if step.what is What.PUT and not knows_future and step.who in dirty:  # it may run elsewhere next
            dirty.discard(step.who)
            yield _save(step)
        needs = step.uses if knows_future else step.on
        if step.what is not What.RUN or not needs:
            continue
        if holds.get(step.hart) != step.who:
            for hart in elsewhere(step):
                yield from write_back(at, hart)
                if not knows_future:
                    del holds[hart]
            yield from write_back(at, step.hart)
            holds[step.hart] = step.who
            yield _restore(step)
        if step.dirties:
            dirty.add(step.who)
            for hart in elsewhere(step):
                del holds[hart]  # that copy is stale now


POLICIES: dict[str, Callable[[Sequence[Step]], Iterable[Move]]] = {
    "eager": eager,
    "salus": salus,
    "lazy": lazy,
    "deferred": deferred,
    "ownership": ownership,
    "optimum": optimum,
}
"""Every policy by name, from the simplest to the best."""


@dataclass(frozen=True)
class Cost:
    """What a policy moves on a workload."""

    saves: int
    restores: int

    @property
    def moves(self) -> int:
        """Contexts moved."""
        return self.saves + self.restores

    def bytes_moved(self, vlen: int) -> int:
        """Bytes of vector registers moved, at a VLEN in bits."""
        return self.moves * 32 * vlen // 8


def moves(policy: str, workload: Workload) -> list[Move]:
    """Return the moves of a policy on a workload, in order."""
    return list(POLICIES[policy](workload.steps))


def cost(found: Sequence[Move]) -> Cost:
    """Count moves."""
    counts = Counter(move.direction for move in found)
    return Cost(counts["save"], counts["restore"])


def execute(found: Sequence[Move], kernel: Kernel, contexts: dict[str, VState], policy: str) -> None:
    """Do the moves with the kernel's routines, each in a mark `policy_save` or `policy_restore` on behalf of `policy`.

    Args:
        kernel: booted, with enough harts.
        contexts: the state in memory of each owner; those that are missing are allocated.
    """
    for move in found:
        hart = kernel.harts[move.hart]
        if move.owner not in contexts:
            contexts[move.owner] = allocate_context(kernel, hart, move.owner)
        state = contexts[move.owner]
        with kernel.marked(hart, f"policy_{move.direction}", policy, (("context", state["datap"], kernel.vsize),)):
            kernel.call(hart, f"vector_{move.direction}", state.context)
