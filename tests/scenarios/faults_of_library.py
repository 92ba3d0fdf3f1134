# SPDX-License-Identifier: Apache-2.0
"""For each invariant of the scenario library that the main job does not check: a fault that breaks it alone."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from faults import breaks, defect, scenario
from pytest import MonkeyPatch
from spoiling import around, at_boot, drop, replace_insn

from vctx.pymodel.isa import Csr, Hart, UnexpectedTrap, bits, block, encode, vector
from vctx.pymodel.isa.csr import CsrFile
from vctx.pymodel.isa.vector_state import VectorState
from vctx.pymodel.kvm import Vcpu, run
from vctx.pymodel.kvm import vector as switch
from vctx.pymodel.kvm.exits import Exit, ExitReason
from vctx.pymodel.kvm.kernel import Kernel
from vctx.pymodel.kvm.thread import VFlag

for _invariant, _name, _where in (
    ("vs-preserved", "S14", "live-vs-is-preserved"),
    ("host-side-lazy", "S23", "unit-use-by-a-pair"),
    ("v-by-bitmap", "S2", "v-comes-from-the-bitmap"),
    ("isa-change-complete", "S12", "v-enabled-after-create"),
    ("isa-errors", "S20", "isa-fixed-after-the-first-run"),
    ("prctl-gate", "S22", "process-without-v"),
    ("id-table", "S8", "frozen-ids"),
    ("one-reg-errors", "S17", "sizes-and-indexes"),
    ("one-reg-values", "S1", "values-after-a-run"),
    ("vlenb-register", "S18", "vlenb"),
    ("reg-list", "S18", "register-list"),
    ("migration", "S1", "migration"),
    ("no-memory-lost", "S5", "create-fails-for-want-of-memory"),
    ("no-stale-heap", "S9", "stale-heap-stays-hidden"),
    ("one-pointer", "S6", "destroy-frees-everything-once"),
    ("no-needless-write", "S10", "reset-without-v-writes-nothing"),
    ("warns-of-loss", "S24", "novec-image-forced-on"),
    ("kernel-vector", "S25", "preempted-kernel-code"),
    ("module-link", "S21", "kvm-as-a-module"),
):
    defect(_invariant, _name, _where)


@breaks("completes", scenario("guest-without-vectors"))
def a_call_of_the_guest_is_unknown(patch: MonkeyPatch) -> None:
    patch.setattr(run, "sbi_ecall", lambda vcpu: Exit(ExitReason.UNKNOWN, (10, 0, 0)))


@breaks("off-traps", scenario("vs-off-closes-the-unit"))
def vlenb_is_not_gated_by_vs(patch: MonkeyPatch) -> None:
    def check(original: Any, csrs: CsrFile, word: int, address: int, *, write: bool) -> Any:
        return csrs.table[address] if address == Csr.VLENB and not write else original(csrs, word, address, write=write)

    around(patch, CsrFile, "check", check)


@breaks("vs-tracking", scenario("two-enables"))
def the_hypervisors_vs_stays_clean(patch: MonkeyPatch) -> None:
    def dirty(original: Any, hart: Hart) -> None:
        if hart.virt:
            hart.csr.values[Csr.VSSTATUS] |= bits.VS
        else:
            original(hart)

    around(patch, Hart, "dirty_vs", dirty)


@breaks("csr-rules", scenario("csr-access-rules"))
def vxsat_reads_zero(patch: MonkeyPatch) -> None:
    patch.setattr(VectorState, "vxsat", property(lambda state: 0, lambda state, value: None))


@breaks("vset-rules", scenario("vset-results"))
def vset_keeps_vstart(patch: MonkeyPatch) -> None:
    def compile_vset(hart: Hart, decoded: Any) -> Any:
        execute = vector.compile_vset(hart, decoded)

        def broken(rs1: int, rs2: int, fx: Any) -> int:
            vstart = hart.vec.vstart
            value = execute(rs1, rs2, fx)
            hart.vec.vstart = vstart
            return value

        return broken

    patch.setitem(block._COMPILERS, block.Kind.VSET, compile_vset)


@breaks("linear-image", scenario("linear-image"))
def the_last_group_is_not_loaded(patch: MonkeyPatch) -> None:
    at_boot(patch, lambda kernel: drop(kernel, "vector_restore", "vle8.v", 3))


@breaks("save-restore-identity", scenario("round-trip-of-any-state"))
def vcsr_is_not_restored(patch: MonkeyPatch) -> None:
    at_boot(patch, lambda kernel: drop(kernel, "vector_restore", "csrrw zero, vcsr"))


@breaks("moves-are-whole", scenario("moves-begin-at-element-0"))
def whole_registers_are_saved_under_the_guests_vstart(patch: MonkeyPatch) -> None:
    def spoil(kernel: Kernel) -> None:
        replace_insn(kernel, "vector_save", "csrrs t3, vcsr", encode("csrrs", rd=29, csr=Csr.VLENB, rs1=0))
        replace_insn(kernel, "vector_save", "vsetvli", encode("slli", rd=29, rs1=29, imm=3))
        replace_insn(kernel, "vector_save", "vse8.v v0", encode("vs8r.v", vs3=0, rs1=11))

    at_boot(patch, spoil)


@breaks("mutation-caught", scenario("wrong-routines-are-caught"))
def vcsr_holds_what_the_test_puts_there_whatever_is_written(patch: MonkeyPatch) -> None:
    patch.setattr(VectorState, "vcsr", property(lambda state: 6, lambda state, value: None))


@breaks("save-is-whole", scenario("a-save-is-whole-and-gentle"))
def the_last_group_is_not_saved(patch: MonkeyPatch) -> None:
    at_boot(patch, lambda kernel: drop(kernel, "vector_save", "vse8.v", 3))


@breaks("save-leaves", scenario("a-save-is-whole-and-gentle"))
def a_save_writes_vcsr(patch: MonkeyPatch) -> None:
    clears = encode("csrrci", rd=28, csr=Csr.VCSR, uimm=7)
    at_boot(patch, lambda kernel: replace_insn(kernel, "vector_save", "csrrs t3, vcsr", clears))


@breaks("no-vector-access", scenario("host-without-v"))
def load_reads_vlenb_whether_there_is_one_or_not(patch: MonkeyPatch) -> None:
    def save(original: Any, vcpu: Vcpu, hart: Hart) -> None:
        with suppress(UnexpectedTrap):
            hart.inject(encode("csrrs", rd=5, csr=Csr.VLENB, rs1=0))
        original(vcpu, hart)

    around(patch, switch, "host_vector_save", save)


@breaks("vector-unit-budget", scenario("unit-use-by-a-pair"))
def a_load_restores_twice(patch: MonkeyPatch) -> None:
    def restore(original: Any, vcpu: Vcpu, hart: Hart) -> None:
        needed = vcpu.thread.v_flags
        original(vcpu, hart)
        vcpu.thread.v_flags = needed
        original(vcpu, hart)

    around(patch, run, "guest_vector_enter", restore)


@breaks("no-leak", scenario("first-entry-after-reset"))
def the_first_element_is_somebody_elses(patch: MonkeyPatch) -> None:
    around(patch, vector._ToScalar, "body", lambda original, *args: original(*args) ^ (1 << 20))


@breaks("deferral-flags", scenario("flags-over-a-run"))
def put_leaves_a_flag(patch: MonkeyPatch) -> None:
    def restore(original: Any, vcpu: Vcpu, hart: Hart) -> None:
        original(vcpu, hart)
        vcpu.thread.v_flags |= VFlag.VCPU_CTX

    around(patch, switch, "host_vector_restore", restore)
