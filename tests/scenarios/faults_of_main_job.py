# SPDX-License-Identifier: Apache-2.0
"""For each invariant of the main job: faults of a kernel, a routine or a hart that break it and leave all others whole.

An invariant that has several ways to be wrong, at load and at put, for guests and for tasks, has a fault for each.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from faults import against_eager, breaks, defect, job, scenario
from pytest import MonkeyPatch
from spoiling import around, around_load_or_put, at_boot, drop

from vctx.pymodel.isa import Csr, Hart, bits, encode
from vctx.pymodel.isa.registers import HartRegisters
from vctx.pymodel.kvm import V6_5, HostTask, Kernel, KernelOops, Vcpu, host, run, version
from vctx.pymodel.kvm import vector as switch
from vctx.pymodel.kvm.layout import SR_VS, VS_CLEAN, VS_DIRTY, VS_INITIAL, VS_OFF
from vctx.pymodel.kvm.structs import CpuContext, VState
from vctx.pymodel.scenarios.context import VectorContext
from vctx.pymodel.scenarios.invariants import Ledger
from vctx.pymodel.scenarios.monitor import Monitor

for _invariant, _name, _where in (
    ("reset-state", "S15", "reset-after-use"),
    ("novec-guest-off", "S11", "novec-image-forced-on"),
    ("hgatp-kept", "S7", "put-keeps-hgatp"),
    ("one-reg-round-trip", "S1", "every-register-reads-back"),
    ("no-oops", "S4", "host-lacks-v"),
):
    defect(_invariant, _name, _where)


def flip(kernel: Kernel, hart: Hart, address: int) -> None:
    """Change a byte of memory, or change it back."""
    kernel.write(hart, address, bytes([kernel.memory.load(address, 1) ^ 0xFF]))


# Reset


@breaks("reset-state", job())
def reset_leaves_vcsr(patch: MonkeyPatch) -> None:
    def reset(original: Any, vcpu: Vcpu, hart: Hart) -> None:
        original(vcpu, hart)
        vcpu.guest_context.vector.store(hart, vcsr=2)

    around(patch, switch, "vector_reset", reset)


@breaks("reset-state", scenario("two-guests-on-one-hart"))
def reset_says_clean(patch: MonkeyPatch) -> None:
    def reset(original: Any, vcpu: Vcpu, hart: Hart) -> None:
        original(vcpu, hart)
        vcpu.guest_context.set_vs(hart, VS_CLEAN)

    around(patch, switch, "vector_reset", reset)


@breaks("datap-identity", job())
def reset_moves_the_buffer(patch: MonkeyPatch) -> None:
    def reset(original: Any, vcpu: Vcpu, hart: Hart) -> None:
        if vcpu.ran_atleast_once:
            vcpu.guest_context.vector.store(hart, datap=vcpu.kernel.alloc.kzalloc(hart, vcpu.kernel.vsize, "moved"))
        original(vcpu, hart)

    around(patch, switch, "vector_reset", reset)


def move_buffer(vcpu: Vcpu, hart: Hart) -> None:
    """Give the guest's image a new buffer with the same contents."""
    state = vcpu.guest_context.vector
    moved = vcpu.kernel.alloc.kmalloc(hart, vcpu.kernel.vsize, "moved")
    vcpu.kernel.write(hart, moved, vcpu.kernel.memory.read(state["datap"], vcpu.kernel.vsize))
    state.store(hart, datap=moved)


@breaks("datap-identity", scenario("one-write-one-save"))
def put_moves_the_buffer(patch: MonkeyPatch) -> None:
    def save(original: Any, vcpu: Vcpu, hart: Hart) -> None:
        original(vcpu, hart)
        move_buffer(vcpu, hart)

    around(patch, switch, "guest_vector_save", save)


# What moves, and when


@breaks("no-traffic-in-loop", scenario("guest-without-vectors"))
def an_exit_stores_a_register(patch: MonkeyPatch) -> None:
    def leave(original: Any, vcpu: Vcpu, trap: Any) -> Any:
        kernel, hart = vcpu.kernel, vcpu.loaded_on
        kernel.csr_set(hart, Csr.SSTATUS, SR_VS)
        hart.inject(encode("vs1r.v", vs3=0, rs1=5), kernel.alloc.kmalloc(hart, 64, "scratch"))
        kernel.csr_clear(hart, Csr.SSTATUS, SR_VS)
        return original(vcpu, trap)

    around(patch, run, "vcpu_exit", leave)


@breaks("save-iff-dirty", job(programs=("scalar", "add", "mask")))
def put_saves_a_clean_guest(patch: MonkeyPatch) -> None:
    def save(vcpu: Vcpu, hart: Hart) -> None:
        cntx = vcpu.guest_context
        with vcpu.kernel.marked(hart, "guest_vector_save", vcpu.name, vcpu.regions("guest_datap", cntx)):
            if cntx.vs != VS_OFF:
                switch._move(vcpu, hart, "vector_save", cntx, None)
                switch.vector_clean(vcpu, hart)

    patch.setattr(switch, "guest_vector_save", save)


@breaks("save-iff-dirty", job())
def put_copies_the_guest_by_other_means(patch: MonkeyPatch) -> None:
    def save(original: Any, vcpu: Vcpu, hart: Hart) -> None:
        if vcpu.guest_context.vs == VS_DIRTY:
            held, state = VectorContext.of_hart(hart), vcpu.guest_context.vector
            vcpu.kernel.write(hart, state["datap"], held.vregs)
            state.store(hart, vstart=held.vstart, vl=held.vl, vtype=held.vtype, vcsr=held.vcsr)
            vcpu.guest_context.set_vs(hart, VS_CLEAN)
        original(vcpu, hart)

    around(patch, switch, "guest_vector_save", save)


@breaks("no-needless-save", scenario("preempted-anywhere"))
def load_leaves_a_guest_dirty(patch: MonkeyPatch) -> None:
    def enter(original: Any, vcpu: Vcpu, hart: Hart) -> None:
        original(vcpu, hart)
        if vcpu.guest_context.vs == VS_CLEAN:
            vcpu.guest_context.set_vs(hart, VS_DIRTY)

    around(patch, run, "guest_vector_enter", enter)


@breaks("no-needless-save", job())
def a_task_never_becomes_clean(patch: MonkeyPatch) -> None:
    def set_vs(task: HostTask, hart: Hart, vs: int) -> None:
        task.regs.store(hart, status=task.regs["status"] | vs)

    patch.setattr(HostTask, "set_vs", set_vs)


@breaks("unit-left-off", job(kernel="clean"))
def a_save_leaves_the_unit_on(patch: MonkeyPatch) -> None:
    at_boot(patch, lambda kernel: drop(kernel, "vector_save", "csrrw zero, sstatus"))


@breaks("unit-left-off", job(kernel="v6.5"))
def a_restore_leaves_the_unit_on(patch: MonkeyPatch) -> None:
    at_boot(patch, lambda kernel: drop(kernel, "vector_restore", "csrrc zero, sstatus"))


# What memory and registers hold


@breaks("clean-is-equal", scenario("two-guests-on-one-hart", V6_5))
def the_image_is_scrambled_while_the_guest_is_loaded(patch: MonkeyPatch) -> None:
    def restore(original: Any, vcpu: Vcpu, hart: Hart) -> None:
        original(vcpu, hart)
        flip(vcpu.kernel, hart, vcpu.guest_context.vector["datap"])

    def save(original: Any, vcpu: Vcpu, hart: Hart) -> None:
        flip(vcpu.kernel, hart, vcpu.guest_context.vector["datap"])
        original(vcpu, hart)

    around(patch, switch, "guest_vector_restore", restore)
    around(patch, switch, "guest_vector_save", save)


@breaks("saved-is-equal", scenario("two-guests-on-one-hart", V6_5))
def the_image_is_scrambled_while_the_guest_is_away(patch: MonkeyPatch) -> None:
    def save(original: Any, vcpu: Vcpu, hart: Hart) -> None:
        original(vcpu, hart)
        flip(vcpu.kernel, hart, vcpu.guest_context.vector["datap"])

    def restore(original: Any, vcpu: Vcpu, hart: Hart) -> None:
        if vcpu.last_hart is not None:
            flip(vcpu.kernel, hart, vcpu.guest_context.vector["datap"])
        original(vcpu, hart)

    around(patch, switch, "guest_vector_save", save)
    around(patch, switch, "guest_vector_restore", restore)


@breaks("image-vs-at-put", scenario("two-guests-on-one-hart"))
def put_leaves_dirty_and_the_next_load_mends_that(patch: MonkeyPatch) -> None:
    def put(original: Any, vcpu: Vcpu) -> None:
        hart = vcpu.loaded_on
        original(vcpu)
        vcpu.guest_context.set_vs(hart, VS_CLEAN)

    def save(original: Any, vcpu: Vcpu, hart: Hart) -> None:
        original(vcpu, hart)
        vcpu.guest_context.set_vs(hart, VS_DIRTY)

    around(patch, switch, "guest_vector_save", save)
    around_load_or_put(patch, "vcpu_put", put)


@breaks("image-vs-at-load", scenario("two-guests-on-one-hart"))
def the_image_is_dirty_when_it_is_loaded(patch: MonkeyPatch) -> None:
    def load(original: Any, vcpu: Vcpu, hart: Hart) -> None:
        if vcpu.guest_context.vs == VS_CLEAN:
            vcpu.guest_context.set_vs(hart, VS_DIRTY)
        original(vcpu, hart)

    around_load_or_put(patch, "vcpu_load", load)


@breaks("load-put-idle", scenario("load-and-put-alone"))
def an_idle_put_changes_the_image_and_the_next_load_mends_that(patch: MonkeyPatch) -> None:
    flipped: set[str] = set()

    def restore(original: Any, vcpu: Vcpu, hart: Hart) -> None:
        if vcpu.name in flipped:
            flip(vcpu.kernel, hart, vcpu.guest_context.vector["datap"])
            flipped.discard(vcpu.name)
        original(vcpu, hart)

    def save(original: Any, vcpu: Vcpu, hart: Hart) -> None:
        idle = vcpu.guest_context.vs != VS_DIRTY
        original(vcpu, hart)
        if idle:
            flip(vcpu.kernel, hart, vcpu.guest_context.vector["datap"])
            flipped.add(vcpu.name)

    around(patch, switch, "guest_vector_restore", restore)
    around(patch, switch, "guest_vector_save", save)


@breaks("writes-in-context", job())
def a_save_writes_elsewhere(patch: MonkeyPatch) -> None:
    def move(original: Any, vcpu: Vcpu, hart: Hart, symbol: str, cntx: CpuContext, where: str | None) -> None:
        original(vcpu, hart, symbol, cntx, where)
        if symbol == "vector_save":
            beside = vcpu.kernel.program.entry
            vcpu.kernel.write(hart, beside, vcpu.kernel.memory.read(beside, 8))

    around(patch, switch, "_move", move)


@breaks("writes-in-context", scenario("one-write-one-save"))
def a_save_stores_a_register_elsewhere(patch: MonkeyPatch) -> None:
    def move(original: Any, vcpu: Vcpu, hart: Hart, symbol: str, cntx: CpuContext, where: str | None) -> None:
        if symbol == "vector_save":
            scratch = vcpu.kernel.alloc.kmalloc(hart, 64, "scratch")
            vcpu.kernel.csr_set(hart, Csr.SSTATUS, SR_VS)
            hart.inject(encode("vs1r.v", vs3=0, rs1=5), scratch)
            vcpu.kernel.csr_clear(hart, Csr.SSTATUS, SR_VS)
        original(vcpu, hart, symbol, cntx, where)

    around(patch, switch, "_move", move)


@breaks("guards-intact", scenario("one-write-one-save"))
def put_writes_before_the_buffer(patch: MonkeyPatch) -> None:
    def put(original: Any, vcpu: Vcpu, hart: Hart) -> None:
        original(vcpu, hart)
        flip(vcpu.kernel, hart, vcpu.guest_context.vector["datap"] - 1)

    around(patch, switch, "host_vector_restore", put)


# What owners find


@breaks("host-preserved", scenario("two-guests-on-one-hart", V6_5))
def the_host_gets_another_vcsr(patch: MonkeyPatch) -> None:
    def restore(original: Any, vcpu: Vcpu, hart: Hart) -> None:
        original(vcpu, hart)
        vcpu.kernel.csr_set(hart, Csr.SSTATUS, SR_VS)
        vcpu.kernel.csr_write(hart, Csr.VCSR, vcpu.kernel.csr_read(hart, Csr.VCSR) ^ 7)
        vcpu.kernel.csr_clear(hart, Csr.SSTATUS, SR_VS)

    around(patch, switch, "host_vector_restore", restore)


@breaks("guest-transparent", job(programs=("vstart", "vill")))
def a_register_changes_while_the_guest_is_away(patch: MonkeyPatch) -> None:
    def load(original: Any, vcpu: Vcpu, hart: Hart) -> None:
        if vcpu.guest_context.vs == VS_CLEAN:  # not after a reset
            flip(vcpu.kernel, hart, vcpu.guest_context.vector["datap"] + vcpu.kernel.vsize - 1)
        original(vcpu, hart)

    around_load_or_put(patch, "vcpu_load", load)


def _task_beside_another(owners: tuple[int, int]) -> Callable[[Callable[[], None]], Ledger]:
    """Two host tasks take turns on a hart, one round each."""

    def run_tasks(spoil: Callable[[], None]) -> Ledger:
        spoil()
        ledger = Ledger()
        monitor = Monitor(ledger, None)
        kernel = Kernel(V6_5, harts=1, vlen=128, observer=monitor)
        monitor.attach(kernel)
        kernel.boot()
        hart = kernel.harts[0]
        tasks = [kernel.task_create(owner) for owner in owners]
        for _ in range(3):
            for task in tasks:
                kernel.switch_to(hart, task)
                task.run()
        return ledger

    return run_tasks


@breaks("task-transparent", _task_beside_another((1, 2)))
def a_register_changes_while_the_task_is_away(patch: MonkeyPatch) -> None:
    def save(original: Any, task: HostTask, hart: Hart) -> None:
        original(task, hart)
        flip(task.kernel, hart, task.vstate["datap"])

    around(patch, host, "vstate_save", save)


def holds(hart: Hart, state: VState) -> bool:
    return hart.vec.view.tobytes() == state.machine.memory.read(state["datap"], state.machine.vsize)


def restore_csrs(hart: Hart, state: VState) -> None:
    vec = hart.vec
    vec.vtype, vec.vl, vec.vstart, vec.vcsr = (state[name] for name in ("vtype", "vl", "vstart", "vcsr"))


@breaks("one-owner", job(kernel="clean", programs=("scalar",)))
def a_guest_is_not_restored_if_the_same_values_are_there(patch: MonkeyPatch) -> None:
    def load(original: Any, vcpu: Vcpu, hart: Hart, where: str | None) -> None:
        if holds(hart, vcpu.guest_context.vector):
            restore_csrs(hart, vcpu.guest_context.vector)
            switch.vector_clean(vcpu, hart)
        else:
            original(vcpu, hart, where)

    around(patch, switch, "_load_guest", load)


@breaks("one-owner", _task_beside_another((1, 1)))
def a_task_is_not_restored_if_the_same_values_are_there(patch: MonkeyPatch) -> None:
    def restore(original: Any, task: HostTask, hart: Hart) -> None:
        if holds(hart, task.vstate):
            restore_csrs(hart, task.vstate)
            task.defer_restore = False
            task.set_vs(hart, VS_CLEAN)
        else:
            original(task, hart)

    around(patch, host, "vstate_restore", restore)


@breaks("self-checks", job(programs=("scalar",)))
def a_scalar_register_of_a_guest_changes(patch: MonkeyPatch) -> None:
    def put(original: Any, vcpu: Vcpu) -> None:
        vcpu.guest_context.store(vcpu.loaded_on, x14=vcpu.guest_context["x14"] + 1)
        original(vcpu)

    around_load_or_put(patch, "vcpu_put", put)


# VS of guests


@breaks("vsstatus-guest-owned", job())
def put_marks_the_guests_vs_initial(patch: MonkeyPatch) -> None:
    def put(original: Any, vcpu: Vcpu) -> None:
        hart = vcpu.loaded_on
        original(vcpu)
        if vcpu.csr["vsstatus"] & SR_VS != VS_OFF:
            vcpu.csr.store(hart, vsstatus=vcpu.csr["vsstatus"] & ~SR_VS | VS_INITIAL)

    around_load_or_put(patch, "vcpu_put", put)


def _refusal_dirties(patch: MonkeyPatch, outer_on: bool) -> None:
    def illegal(original: Any, hart: HartRegisters, word: int) -> Any:
        values = hart.csr_values
        if hart.mode[1] and bool(values[Csr.MSTATUS] & bits.VS) == outer_on:
            values[Csr.VSSTATUS] |= bits.VS
        return original(hart, word)

    around(patch, HartRegisters, "illegal", illegal)


@breaks("hypervisor-off-traps", scenario("guest-denied-v"))
def a_refusal_by_the_hypervisors_vs_dirties_the_guests(patch: MonkeyPatch) -> None:
    _refusal_dirties(patch, outer_on=False)


@breaks("guest-off-traps", scenario("guest-owns-its-vs"))
def a_refusal_by_the_guests_vs_dirties_it(patch: MonkeyPatch) -> None:
    _refusal_dirties(patch, outer_on=True)


@breaks("hgatp-kept", job(kernel="v6.5"))
def put_clears_hgatp(patch: MonkeyPatch) -> None:
    patch.setitem(vars(version.V6_5), "put_clears_hgatp", True)


@breaks("no-oops", job())
def the_kernel_faults(patch: MonkeyPatch) -> None:
    puts = iter(range(10**6))

    def save(original: Any, vcpu: Vcpu, hart: Hart) -> None:
        if next(puts) == 20:
            raise KernelOops("null pointer")
        original(vcpu, hart)

    around(patch, switch, "guest_vector_save", save)


# Against an eager hypervisor


@breaks("eager-equivalent", against_eager(spoiled="lazy"))
def tp_counts_puts(patch: MonkeyPatch) -> None:
    def put(original: Any, vcpu: Vcpu) -> None:
        vcpu.guest_context.store(vcpu.loaded_on, x4=vcpu.guest_context["x4"] + 1)
        original(vcpu)

    around_load_or_put(patch, "vcpu_put", put)


@breaks("eager-equivalent", against_eager(spoiled="eager"))
def the_eager_one_loses_a_register(patch: MonkeyPatch) -> None:
    def save(original: Any, vcpu: Vcpu, hart: Hart) -> None:
        original(vcpu, hart)
        flip(vcpu.kernel, hart, vcpu.guest_context.vector["datap"] + vcpu.kernel.vsize - 1)

    around(patch, switch, "guest_vector_save", save)


@breaks("eager-equivalent", against_eager(spoiled="eager"))
def the_eager_one_loses_vcsr(patch: MonkeyPatch) -> None:
    def save(original: Any, vcpu: Vcpu, hart: Hart) -> None:
        original(vcpu, hart)
        vcpu.guest_context.vector.store(hart, vcsr=0)

    around(patch, switch, "guest_vector_save", save)


@breaks("lazy-saves-less", against_eager(spoiled="lazy"))
def the_lazy_one_restores_the_host_twenty_times(patch: MonkeyPatch) -> None:
    def restore(original: Any, vcpu: Vcpu, hart: Hart) -> None:
        for _ in range(20):
            original(vcpu, hart)

    around(patch, switch, "host_vector_restore", restore)
