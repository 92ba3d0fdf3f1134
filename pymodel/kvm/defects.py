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
        source: where in arch/riscv it is: file of kvm/, or header, and function, as the posted patch has them.
        cured_in, cure: the version of Linux that has it no longer (of those known here, if the commit's own is not
            known), and by which commit or how; empty if none has.
    """

    name: str
    text: str
    choice: str
    value: Any
    breaks: tuple[str, ...]
    source: str
    cured_in: str = ""
    cure: str = ""

    @property
    def cured(self) -> str:
        """What became of it upstream, in a line."""
        return f"cured in Linux {self.cured_in}: {self.cure}" if self.cured_in else "no cure upstream"

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
        "include/uapi/asm/kvm.h, KVM_REG_RISCV_VECTOR; vcpu.c, kvm_riscv_vcpu_get_reg and _set_reg",
        cured_in="6.5",
        cure="0f4b82579716, type 9",
    ),
    Defect(
        "S2",
        "whether a guest has V is taken from a bit of the address of its ISA bitmap, not from the bitmap: "
        "a guest denied V gets it",
        "isa_from_address",
        True,
        ("novec-guest-off", "self-checks", "v-by-bitmap"),
        "vcpu_vector.c, `unsigned long isa = vcpu->arch.isa` in every function; vcpu.c, kvm_arch_vcpu_load and _put",
        cured_in="6.5",
        cure="patch 17/17 of the series, merged with 0f4b82579716",
    ),
    Defect(
        "S3",
        "reading a vector register of a guest without V follows an uninitialised pointer: kernel memory leaks",
        "get_reg_uninitialised",
        True,
        ("one-reg-errors", "no-oops"),
        "vcpu_vector.c, kvm_riscv_vcpu_get_reg_vector, `void *reg_val;`",
        cured_in="6.5",
        cure="0f4b82579716; since 630b4cee9c37 in 6.6 an error comes back instead of a pointer",
    ),
    Defect(
        "S4",
        "the host's registers are saved and restored without asking whether the host has V: "
        "an illegal instruction in the kernel at the first vcpu_load",
        "host_save_checks_v",
        False,
        ("no-oops", "no-vector-access"),
        "vcpu_vector.c, kvm_riscv_vcpu_host_vector_save and _restore",
        cured_in="6.5",
        cure="0f4b82579716",
    ),
    Defect(
        "S5",
        "a create that fails for lack of memory leaks the buffer it had already got",
        "unwinds_create",
        False,
        ("no-memory-lost",),
        "vcpu.c, kvm_arch_vcpu_create, the second `return -ENOMEM`",
        cured_in="7.2",
        cure="b7c958d7c1eb",
    ),
    Defect(
        "S6",
        "reset copies the pointer to the guest's buffer out of a template, so two contexts name it: "
        "whoever frees or clears one of them has the wrong one",
        "datap_in_template",
        True,
        ("one-pointer", "no-memory-lost"),
        "vcpu.c, kvm_arch_vcpu_create, `cntx->vector.datap`; kvm_riscv_reset_vcpu, the memcpy of guest_reset_context",
        cured_in="6.16",
        cure="9ffecf04144d",
    ),
    Defect(
        "S7",
        "vcpu_put writes 0 to hgatp, a line that an earlier commit had removed: it flushes the TLB where the VMID "
        "is no tag, and breaks any kernel that skips rewriting hgatp",
        "put_clears_hgatp",
        True,
        ("hgatp-kept",),
        "vcpu.c, kvm_arch_vcpu_put, `csr_write(CSR_HGATP, 0)`",
        cured_in="6.5",
        cure="0f4b82579716 is without the line that 8c3ce496bd61 had removed",
    ),
    Defect(
        "S8",
        "V is inserted in the middle of the ISA_EXT numbers, so that SVPBMT and SSTC move under programs built before",
        "v_renumbers",
        True,
        ("id-table",),
        "include/uapi/asm/kvm.h, enum KVM_RISCV_ISA_EXT_ID",
        cured_in="6.5",
        cure="bf78f1ea6e51, V is the last, number 15",
    ),
    Defect(
        "S9",
        "the guest's buffer is not zeroed when allocated: "
        "a guest that gets V after its creation shows user space old kernel memory",
        "zeroes_guest_buffer",
        False,
        ("no-stale-heap",),
        "vcpu.c, kvm_arch_vcpu_create, `kmalloc(riscv_vsize, GFP_KERNEL)`",
        cured_in="6.16",
        cure="kzalloc",
    ),
    Defect(
        "S10",
        "reset zeroes the buffer of every guest: of one without V, and a null pointer on a host without V",
        "reset_needs_v",
        False,
        ("no-needless-write",),
        "vcpu_vector.c, kvm_riscv_vcpu_vector_reset, the memset",
        cured_in="6.5",
        cure="0f4b82579716",
    ),
    Defect(
        "S11",
        "the state of a guest without V is marked Clean, which opens the vector unit to it",
        "clean_without_v",
        True,
        ("novec-guest-off",),
        "vcpu_vector.c, kvm_riscv_vcpu_vector_clean, called outside the test for V",
    ),
    Defect(
        "S12",
        "changing the ISA does not repeat the vector reset: a guest without V reads others' registers, "
        "and one that was given V late cannot use it",
        "toggle_resets",
        False,
        ("novec-guest-off", "no-leak", "isa-change-complete"),
        "vcpu.c (from 6.6 on vcpu_onereg.c), kvm_riscv_vcpu_set_reg_isa_ext and _config: only kvm_riscv_vcpu_fp_reset",
    ),
    Defect(
        "S13",
        "the guest is restored at load and kernel-mode vector code does not know: "
        "it takes the guest's registers for the process's, saves them there, and overwrites them",
        "restore_at_load",
        True,
        ("kernel-vector", "guest-transparent", "one-owner"),
        "vcpu.c, kvm_arch_vcpu_load, kvm_riscv_vcpu_guest_vector_restore",
        cured_in="7.3",
        cure="the deferred scheme: restored at entry, flushed by kernel_vector_begin",
    ),
    Defect(
        "S14",
        "save and restore leave VS Off whatever it was: a section of kernel-mode vector code around them traps",
        "keeps_vs",
        False,
        ("vs-preserved",),
        "vcpu_switch.S, __kvm_riscv_vector_save and _restore, `csrc CSR_STATUS, status`",
    ),
    Defect(
        "S15",
        "the vector reset leaves vl, vtype, vstart and vcsr to whoever copies the template",
        "reset_clears_csrs",
        False,
        ("reset-state", "isa-change-complete"),
        "vcpu_vector.c, kvm_riscv_vcpu_vector_reset",
    ),
    Defect(
        "S16",
        "vtype after reset is 0, a legal e8,m1: a missing vsetvli does not trap",
        "resets_to_vill",
        False,
        ("reset-state",),
        "vcpu_vector.c, kvm_riscv_vcpu_vector_reset",
    ),
    Defect(
        "S17",
        "register numbers depend on the size of a kernel structure: without vlenb in it v0 is 5, with it 6",
        "vlenb_in_state",
        False,
        ("id-table",),
        "include/uapi/asm/kvm.h, KVM_REG_RISCV_VECTOR_REG(n): sizeof(struct __riscv_v_state)",
        cured_in="6.5",
        cure="c35f3aa34509",
    ),
    Defect(
        "S18",
        "there is no vlenb register and no list of the vector registers: user space cannot know their size",
        "vlenb_register",
        False,
        ("vlenb-register", "reg-list", "id-table"),
        "vcpu_vector.c, kvm_riscv_vcpu_vreg_addr",
        cured_in="6.8",
        cure="197bd237b672, 2fa290372dfe, 3975525e5545",
    ),
    Defect(
        "S19",
        "values that no register can hold are taken from user space as they are: "
        "memory says one thing and the hardware another",
        "legalises",
        False,
        ("one-reg-values", "clean-is-equal"),
        "vcpu_vector.c, kvm_riscv_vcpu_set_reg_vector, copy_from_user straight into the context",
    ),
    Defect(
        "S20",
        "one errno, EINVAL, for what does not exist, what is wrong and what is too late",
        "distinct_errors",
        False,
        ("one-reg-errors", "isa-errors"),
        "vcpu_vector.c, kvm_riscv_vcpu_get_reg_vector and _set_reg_vector; vcpu.c, kvm_riscv_vcpu_set_reg_isa_ext",
        cured_in="6.6",
        cure="ENOENT, EINVAL and EBUSY throughout one-reg",
    ),
    Defect(
        "S21",
        "what KVM uses of the kernel's vector code is not exported: KVM as a module does not load",
        "exports_symbols",
        False,
        ("module-link",),
        "vcpu_vector.c, riscv_vsize and has_vector() of the kernel's vector code",
        cured_in="6.5",
        cure="patch 17/17 of the series",
    ),
    Defect(
        "S22",
        "a process that was denied V by prctl still gives it to its guests",
        "prctl_gates_v",
        False,
        ("novec-guest-off", "self-checks", "prctl-gate"),
        "vcpu.c, kvm_riscv_vcpu_isa_enable_allowed has no case for V",
        cured_in="6.5",
        cure="bf78f1ea6e51: riscv_v_vstate_ctrl_user_allowed()",
    ),
    Defect(
        "S23",
        "every load saves 32 host registers, also when no process has anything in them: "
        "needless traffic, and other people's leftovers are kept",
        "host_side_eager",
        True,
        ("host-side-lazy",),
        "vcpu_vector.c, kvm_riscv_vcpu_host_vector_save",
    ),
    Defect(
        "S24",
        "vector state that a guest without V dirtied is dropped without a word",
        "drops_dirty_silently",
        True,
        ("warns-of-loss",),
        "vcpu_vector.c, kvm_riscv_vcpu_guest_vector_save",
    ),
    Defect(
        "S25",
        "a preemptible section of kernel-mode vector code that is preempted while its thread has a vCPU loaded is "
        "destroyed: put overwrites its registers before they are saved, and it goes on with the host's",
        "preempted_section",
        "lost",
        ("kernel-vector",),
        "vcpu.c, kvm_arch_vcpu_put, kvm_riscv_vcpu_host_vector_restore, before __switch_to_vector saves kernel_vstate",
    ),
)

OF_THE_ROUTINES = frozenset({"keeps_vs"})
"""Choices that are made by vector_save and vector_restore alone."""

DEFECTS: dict[str, Defect] = {defect.name: defect for defect in _ALL}
"""Every defect by S-number."""


def defects_of(version: KernelVersion) -> list[Defect]:
    """Return the defects that `version` has."""
    return [defect for defect in _ALL if defect.present(version)]
