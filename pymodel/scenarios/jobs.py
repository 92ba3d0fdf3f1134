# SPDX-License-Identifier: Apache-2.0
"""What the main job may be: which guests and host tasks take part, and how often what happens to them."""

from __future__ import annotations

from dataclasses import dataclass

WITHOUT_V = frozenset({"nov", "states-nov"})
"""Guests whose creator may not use V, so that they have none."""

PROGRAMS_WITHOUT_V = ("scalar", "nov")
"""What can take part on harts that have no V."""


@dataclass(frozen=True)
class Job:
    """One make of the main job: who takes part, and how often what happens.

    Attributes:
        programs: the guests: the first VCPUS of them at the start, the next whenever a vCPU is created anew.
        pairs, entries: least numbers of load/put pairs and of guest entries, unless others are asked for.
        slice: longest time slice of a guest, in instructions: what decides how often guests exit.
        tasks: programs of the host tasks, in turn.
        kept: so many vCPUs, the first, live as long as the run, if there are more.
        renewals: vCPUs destroyed and created again in one run.
        resets: guests reset inside the run loop in one run.
        inside: share of the slices that end inside a vector memory instruction, if one comes.
        early: most of these at an early element, where short vectors have one.
        swap_outs: share of the guest entries before which a page of the guest's memory is taken away.
        softirqs: share of the turns of a hart without a vCPU in which its kernel uses vectors itself.
        frees_vms: a VM whose vCPU is destroyed gives its memory back.
    """

    programs: tuple[str, ...]
    pairs: int = 200
    entries: int = 2000
    slice: int = 500
    tasks: tuple[str, ...] = ("task",)
    kept: int = 0
    renewals: int = 6
    resets: int = 6
    inside: float = 0.3
    early: bool = False
    swap_outs: float = 0.0
    softirqs: float = 0.0
    frees_vms: bool = False


PROGRAMS = ("canary", "copy", "vstart", "nov", "xor", "vill", "scalar", "add", "mask", "set")
"""The guests of the small job: each is about one part of the state."""

JOBS = {
    "small": Job(PROGRAMS),
    "full": Job(
        (
            *("states", "procs", "states-nov", "canary", "rude", "vstart", "vill", "copy", "mask", "nov", "add"),
            *("rude", "scalar", "xor", "set"),
        ),
        entries=3000,
        slice=900,
        tasks=("task", "calls"),
        kept=3,
        renewals=11,
        inside=0.4,
        early=True,
        swap_outs=0.05,
        softirqs=0.08,
        frees_vms=True,
    ),
}
"""The main job by name. The small one is what the main job was for long: its traces stay, so that speeds compare."""

DEFAULT_JOB = "full"
