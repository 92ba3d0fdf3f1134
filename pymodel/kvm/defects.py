# SPDX-License-Identifier: Apache-2.0
"""The known defects S1 to S25 of the posted patch and its successors, each a single choice of a kernel version.

`DEFECTS["S12"].apply(CLEAN)` is the clean kernel with that defect and no other; `present` tells which a version has.
docs/specification.md says how they are numbered.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from vctx.pymodel.kvm.version import KernelVersion


@dataclass(frozen=True)
class Defect:
    """A defect.

    Attributes:
        name: its S-number.
        text: what it is, and what comes of it.
        choice, value: the field of :class:`~pymodel.kvm.version.KernelVersion` that is the defect, and its bad value.
        breaks: names of the invariants by which it shows.
    """

    name: str
    text: str
    choice: str
    value: Any
    breaks: tuple[str, ...]

    def apply(self, version: KernelVersion) -> KernelVersion:
        """Return `version` with this defect, named "<version>+<defect>"."""
        changes = {self.choice: self.value, "name": f"{version.name}+{self.name}"}
        return replace(version, **changes)

    def present(self, version: KernelVersion) -> bool:
        """Tell whether `version` has this defect."""
        return bool(getattr(version, self.choice) == self.value)


_ALL = (
    Defect(
        "S1",
        "vector one-reg ids share type 7 with the ISA-extension registers, which are tested first: "
        "no vector register can be read or written by user space",
        "vector_reg_type",
        7,
        ("one-reg-round-trip", "id-table"),
    ),
    Defect(
        "S2",
        "whether a guest has V is taken from a bit of the address of its ISA bitmap, not from the bitmap: "
        "a guest denied V gets it",
        "isa_from_address",
        True,
        ("novec-guest-off", "self-checks", "v-by-bitmap"),
    ),
    Defect(
        "S3",
        "reading a vector register of a guest without V follows an uninitialised pointer: kernel memory leaks",
        "get_reg_uninitialised",
        True,
        ("one-reg-errors", "no-oops"),
    ),
    Defect(
        "S4",
        "the host's registers are saved and restored without asking whether the host has V: "
        "an illegal instruction in the kernel at the first vcpu_load",
        "host_save_checks_v",
        False,
        ("no-oops", "no-vector-access"),
    ),
    Defect(
        "S5",
        "a create that fails for lack of memory leaks the buffer it had already got",
        "unwinds_create",
        False,
        ("no-memory-lost",),
    ),
    Defect(
        "S6",
        "reset copies the pointer to the guest's buffer out of a template, so two contexts name it: "
        "whoever frees or clears one of them has the wrong one",
        "datap_in_template",
        True,
        ("one-pointer", "no-memory-lost"),
    ),
    Defect(
        "S7",
        "vcpu_put writes 0 to hgatp, a line that an earlier commit had removed: it flushes the TLB where the VMID "
        "is no tag, and breaks any kernel that skips rewriting hgatp",
        "put_clears_hgatp",
        True,
        ("hgatp-kept",),
    ),
    Defect(
        "S8",
        "V is inserted in the middle of the ISA_EXT numbers, so that SVPBMT and SSTC move under programs built before",
        "v_renumbers",
        True,
        ("id-table",),
    ),
    Defect(
        "S9",
        "the guest's buffer is not zeroed when allocated: "
        "a guest that gets V after its creation shows user space old kernel memory",
        "zeroes_guest_buffer",
        False,
        ("no-stale-heap",),
    ),
    Defect(
        "S10",
        "reset zeroes the buffer of every guest: of one without V, and a null pointer on a host without V",
        "reset_needs_v",
        False,
        ("no-needless-write",),
    ),
    Defect(
        "S11",
        "the state of a guest without V is marked Clean, which opens the vector unit to it",
        "clean_without_v",
        True,
        ("novec-guest-off",),
    ),
    Defect(
        "S12",
        "changing the ISA does not repeat the vector reset: a guest without V reads others' registers, "
        "and one that was given V late cannot use it",
        "toggle_resets",
        False,
        ("novec-guest-off", "no-leak", "isa-change-complete"),
    ),
    Defect(
        "S13",
        "the guest is restored at load and kernel-mode vector code does not know: "
        "it takes the guest's registers for the process's, saves them there, and overwrites them",
        "restore_at_load",
        True,
        ("kernel-vector", "guest-transparent", "one-owner"),
    ),
    Defect(
        "S14",
        "save and restore leave VS Off whatever it was: a section of kernel-mode vector code around them traps",
        "keeps_vs",
        False,
        ("vs-preserved",),
    ),
    Defect(
        "S15",
        "the vector reset leaves vl, vtype, vstart and vcsr to whoever copies the template",
        "reset_clears_csrs",
        False,
        ("reset-state", "isa-change-complete"),
    ),
    Defect(
        "S16",
        "vtype after reset is 0, a legal e8,m1: a missing vsetvli does not trap",
        "resets_to_vill",
        False,
        ("reset-state",),
    ),
    Defect(
        "S17",
        "register numbers depend on the size of a kernel structure: without vlenb in it v0 is 5, with it 6",
        "vlenb_in_state",
        False,
        ("id-table",),
    ),
    Defect(
        "S18",
        "there is no vlenb register and no list of the vector registers: user space cannot know their size",
        "vlenb_register",
        False,
        ("vlenb-register", "reg-list", "id-table"),
    ),
    Defect(
        "S19",
        "values that no register can hold are taken from user space as they are: "
        "memory says one thing and the hardware another",
        "legalises",
        False,
        ("one-reg-values", "clean-is-equal"),
    ),
    Defect(
        "S20",
        "one errno, EINVAL, for what does not exist, what is wrong and what is too late",
        "distinct_errors",
        False,
        ("one-reg-errors", "isa-errors"),
    ),
    Defect(
        "S21",
        "what KVM uses of the kernel's vector code is not exported: KVM as a module does not load",
        "exports_symbols",
        False,
        ("module-link",),
    ),
    Defect(
        "S22",
        "a process that was denied V by prctl still gives it to its guests",
        "prctl_gates_v",
        False,
        ("novec-guest-off", "self-checks", "prctl-gate"),
    ),
    Defect(
        "S23",
        "every load saves 32 host registers, also when no process has anything in them: "
        "needless traffic, and other people's leftovers are kept",
        "host_side_eager",
        True,
        ("host-side-lazy",),
    ),
    Defect(
        "S24",
        "vector state that a guest without V dirtied is dropped without a word",
        "drops_dirty_silently",
        True,
        ("warns-of-loss",),
    ),
    Defect(
        "S25",
        "a preemptible section of kernel-mode vector code that is preempted while its thread has a vCPU loaded is "
        "destroyed: put overwrites its registers before they are saved, and it goes on with the host's",
        "preempted_section",
        "lost",
        ("kernel-vector",),
    ),
)

OF_THE_ROUTINES = frozenset({"keeps_vs"})
"""Choices that are made by vector_save and vector_restore alone."""

DEFECTS: dict[str, Defect] = {defect.name: defect for defect in _ALL}
"""Every defect by S-number."""


def defects_of(version: KernelVersion) -> list[Defect]:
    """Return the defects that `version` has."""
    return [defect for defect in _ALL if defect.present(version)]
