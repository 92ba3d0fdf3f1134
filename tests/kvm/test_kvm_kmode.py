# SPDX-License-Identifier: Apache-2.0
"""Kernel-mode vector code: where an interrupt may come, nobody loses a register, unless by S13, S14 or S25."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from kvm_driving import Log, booted, hw_state, make_vcpu, memory_state, random_state, run_rounds, set_hw_state

from vctx.pymodel.kvm import (
    CLEAN,
    LINUX_6_12,
    LINUX_7_2,
    LINUX_7_3,
    V6_5,
    V12,
    HostTask,
    Kernel,
    KernelMisuseError,
    KernelOops,
    KernelVersion,
    Slice,
    Step,
    Vcpu,
    VFlag,
)
from vctx.pymodel.kvm.kmode import flush_vector, guest_is_live, softirq
from vctx.pymodel.kvm.layout import SR_VS, VS_CLEAN, VS_DIRTY, VS_INITIAL, VS_OFF

FLUSHING = pytest.mark.parametrize("version", [LINUX_7_3, CLEAN], ids=lambda v: v.name)
SSTATUS = 0x100


def dirty_task(kernel: Kernel) -> HostTask:
    """A process current on hart 0 with values of its own in the registers, in the middle of its work."""
    task = kernel.task_create(0x300)
    kernel.switch_to(kernel.harts[0], task)
    task.slice = Slice(4 * 32 * 6 + 40)  # behind the fill and the load, in the spin loop
    task.run()
    assert task.vs == VS_DIRTY
    task.slice = Slice()
    return task


def steps_of_a_run(version: KernelVersion) -> list[tuple[str, int]]:
    """Every step of a KVM_RUN of the canary guest: which there are, in order of their first appearance."""
    kernel = booted(version)
    dirty_task(kernel)
    vcpu = make_vcpu(kernel, "canary")
    seen: dict[tuple[str, int], None] = {}

    def look(step: Step) -> bool:
        seen[step.where, step.index] = None
        return False

    assert kernel.inject_at(look).taken == []
    run_rounds(vcpu, kernel.harts[0], 2)
    return list(seen)


def test_interrupts_may_come_everywhere() -> None:
    steps = steps_of_a_run(LINUX_6_12)
    for where, count in (
        *(("vcpu_load", 3), ("vcpu_put", 3), ("run_loop", 2)),
        *(("host_vector_save", 24), ("guest_vector_restore", 20)),
        *(("guest_vector_save", 24), ("host_vector_restore", 20)),
    ):
        found = [index for name, index in steps if name == where]
        assert found == sorted(found) and found[0] == 0 and len(found) >= count - 3, (where, found)
    # The restore at entry runs with interrupts off.
    assert {where for where, _ in steps_of_a_run(CLEAN)} == {where for where, _ in steps} - {"guest_vector_restore"}


@FLUSHING
def test_an_interrupt_at_any_step_disturbs_nobody(version: KernelVersion) -> None:
    for where, index in steps_of_a_run(version):
        kernel = booted(version)
        hart, task = kernel.harts[0], dirty_task(kernel)
        vcpu = make_vcpu(kernel, "canary")
        injection = kernel.inject_at(lambda step, at=(where, index): (step.where, step.index) == at)
        assert run_rounds(vcpu, hart, 2) == [(0, 0), (0, 1)], (where, index)
        assert injection.taken, (where, index)
        kernel.injection = None
        assert task.run().args == (0, 0), (where, index)
        assert hart.csr[SSTATUS] & SR_VS == VS_OFF
        kernel.alloc.check_guards()


@pytest.mark.parametrize(
    "version", [V12, V6_5, LINUX_6_12, LINUX_7_2, replace(CLEAN, restore_at_load=True)], ids=lambda v: v.name
)
def test_s13_where_the_guest_is_restored_at_load_it_loses_its_registers(version: KernelVersion) -> None:
    kernel = booted(version)
    vcpu = make_vcpu(kernel, "canary")
    kernel.inject_at(lambda step: step.where == "run_loop")
    assert any(code for code, _ in run_rounds(vcpu, kernel.harts[0], 2))


def test_s13_the_process_gets_the_guests_registers() -> None:
    """Item 66: thread.vstate must not receive guest data, and in a kernel that restores at load it does."""
    for version, leaks in ((LINUX_6_12, True), (LINUX_7_3, False), (CLEAN, False)):
        kernel = booted(version)
        hart, task = kernel.harts[0], dirty_task(kernel)
        own = hw_state(hart).vregs
        vcpu = make_vcpu(kernel, "scalar")
        kernel.sched_in(vcpu, hart)
        guest = random_state(random.Random(1), 32)
        set_hw_state(hart, guest)
        vcpu.guest_context.set_vs(hart, VS_DIRTY)
        if version is not LINUX_6_12:
            vcpu.thread.v_flags = VFlag.VCPU_CTX
        kernel.softirq(hart)
        kernel.sched_out(vcpu)
        stored = memory_state(kernel, task.vstate).vregs
        assert (stored == guest.vregs) is leaks
        if not leaks:
            assert hw_state(hart).vregs == own


def live_guest(kernel: Kernel) -> Vcpu:
    """A vCPU loaded on hart 0 that has run and dirtied its state."""
    vcpu = make_vcpu(kernel, "canary")
    run = vcpu.run(kernel.harts[0])
    while vcpu.guest_context.vs != VS_DIRTY:
        next(run)
    return vcpu


@FLUSHING
def test_flags_follow_the_registers(version: KernelVersion) -> None:
    """Items 68, 70, 71: set by load and flush, cleared by entry and put; flushing again changes nothing."""
    log = Log()
    kernel = booted(version, observer=log)
    hart, vcpu = kernel.harts[0], make_vcpu(kernel, "canary")
    kernel.sched_in(vcpu, hart)
    assert vcpu.thread.v_flags == VFlag.NEED_RESTORE and vcpu.guest_context.vs == VS_INITIAL
    assert not guest_is_live(vcpu)
    kernel.sched_out(vcpu)
    assert vcpu.thread.v_flags == 0

    vcpu = live_guest(kernel)
    assert vcpu.thread.v_flags == VFlag.VCPU_CTX and guest_is_live(vcpu)
    guest = hw_state(hart)
    log.events.clear()
    flush_vector(vcpu, hart)
    assert vcpu.thread.v_flags == VFlag.VCPU_CTX | VFlag.NEED_RESTORE and not guest_is_live(vcpu)
    assert vcpu.guest_context.vs == VS_CLEAN
    assert memory_state(kernel, vcpu.guest_context.vector) == guest
    assert log.count("vse8.v", "guest_vector_save") == 4
    flush_vector(vcpu, hart)
    assert log.count("vse8.v", "guest_vector_save") == 4
    kernel.sched_out(vcpu)
    assert vcpu.thread.v_flags == 0
    assert log.count("vse8.v", "guest_vector_save") == 4


@FLUSHING
def test_flush_with_vs_off_restores_nothing(version: KernelVersion) -> None:
    """Item 69."""
    kernel = booted(version)
    hart, vcpu = kernel.harts[0], make_vcpu(kernel, "scalar", v_allowed=False)
    kernel.sched_in(vcpu, hart)
    flush_vector(vcpu, hart)
    assert vcpu.thread.v_flags == 0
    kernel.sched_out(vcpu)


@FLUSHING
def test_load_and_put_without_an_entry_move_no_guest_byte(version: KernelVersion) -> None:
    log = Log()
    kernel = booted(version, observer=log)
    vcpu = make_vcpu(kernel, "canary")
    log.events.clear()
    kernel.sched_in(vcpu, kernel.harts[0])
    kernel.sched_out(vcpu)
    for function in ("guest_vector_save", "guest_vector_restore"):
        assert log.count("vle8.v", function) == log.count("vse8.v", function) == 0


def test_s23_host_registers_move_only_if_a_process_has_something_in_them() -> None:
    for version, idle in ((LINUX_7_3, 4), (CLEAN, 0)):
        for owned in (False, True):
            log = Log()
            kernel = booted(version, observer=log)
            vcpu = make_vcpu(kernel, "canary")
            if owned:
                dirty_task(kernel)
            log.events.clear()
            kernel.sched_in(vcpu, kernel.harts[0])
            kernel.sched_out(vcpu)
            assert log.count("vse8.v", "host_vector_save") == (4 if owned else idle)
            assert log.count("vle8.v", "host_vector_restore") == (4 if owned else idle)


@FLUSHING
def test_the_guard_keeps_interrupts_off_the_registers(version: KernelVersion) -> None:
    log = Log()
    kernel = booted(version, observer=log)
    vcpu = live_guest(kernel)
    kernel.inject_at(lambda step: step.where == "guest_vector_save")
    log.events.clear()
    kernel.sched_out(vcpu)
    assert kernel.injection is not None and len(kernel.injection.taken) > 20
    assert log.count("vxor.vv", "softirq") == 0  # it did without vectors


def test_sections_do_not_nest() -> None:
    kernel = booted(CLEAN)
    hart = kernel.harts[0]
    kernel.kernel_vector_begin(hart)
    with pytest.raises(KernelMisuseError):
        kernel.kernel_vector_begin(hart)
    kernel.kernel_vector_end(hart)
    kernel.kernel_vector_begin(hart)
    kernel.kernel_vector_end(hart)


# Item 72: preemptible sections, of the thread that runs a vCPU and of others (S14, S25).

SECTIONS = pytest.mark.parametrize("version", [LINUX_6_12, LINUX_7_2, LINUX_7_3, CLEAN], ids=lambda v: v.name)


def live_guest_on(kernel: Kernel, hart: int) -> Vcpu:
    vcpu = make_vcpu(kernel, "canary")
    run = vcpu.run(kernel.harts[hart])
    while vcpu.guest_context.vs != VS_DIRTY:
        next(run)
    return vcpu


def preempted_section(version: KernelVersion, harts: tuple[int, int], *, by_itself: bool = False) -> None:
    """A section of a thread with a vCPU loses its hart to an interrupt, or calls the scheduler between two uses."""
    kernel = booted(version, harts=2)
    task, first, second = dirty_task(kernel), kernel.harts[harts[0]], kernel.harts[harts[1]]
    if first is not task.hart:
        kernel.switch_to(kernel.harts[0], None)
    vcpu = live_guest_on(kernel, first.hart_id)
    kernel.kernel_vector_begin(first)
    kernel.xor(first).load(first)
    if by_itself:
        kernel.xor(first).store(first)
    else:
        kernel.trap_entry(first)
    kernel.sched_out(vcpu)
    set_hw_state(second, random_state(random.Random(3), 32))
    kernel.sched_in(vcpu, second)
    if by_itself:
        kernel.xor(second).load(second)
    else:
        kernel.trap_exit(second)
    kernel.xor(second).store(second)
    kernel.kernel_vector_end(second)
    assert second.csr[SSTATUS] & SR_VS == VS_OFF
    kernel.sched_out(vcpu)
    assert vcpu.thread.v_flags == 0


@pytest.mark.parametrize("harts", [(0, 0), (0, 1), (1, 0)])
def test_a_preempted_section_survives_put_and_load(harts: tuple[int, int]) -> None:
    preempted_section(CLEAN, harts)
    preempted_section(replace(CLEAN, restore_at_load=True), harts)
    for version in (replace(CLEAN, preempted_section="lost", host_side_eager=True), LINUX_7_3, LINUX_7_2, LINUX_6_12):
        with pytest.raises(KernelOops, match="found its registers changed"):
            preempted_section(version, harts)


@pytest.mark.parametrize("harts", [(0, 0), (0, 1), (1, 0)])
def test_a_section_that_calls_the_scheduler_keeps_the_unit_on(harts: tuple[int, int]) -> None:
    preempted_section(CLEAN, harts, by_itself=True)
    preempted_section(replace(CLEAN, preempted_section="lost"), harts, by_itself=True)  # nothing of it is in registers
    for version in (replace(CLEAN, keeps_vs=False, host_side_eager=True), LINUX_7_3, LINUX_7_2, LINUX_6_12):
        with pytest.raises(KernelOops, match="xor_load took a trap: cause 2"):
            preempted_section(version, harts, by_itself=True)


def test_s25_what_is_left_of_a_preempted_section_is_the_hosts() -> None:
    for version in (LINUX_7_3, CLEAN):
        kernel = booted(version)
        hart = kernel.harts[0]
        dirty_task(kernel)
        hosts = hw_state(hart)
        vcpu = live_guest(kernel)
        kernel.kernel_vector_begin(hart)
        kernel.xor(hart).load(hart)
        sections_own = hw_state(hart)
        kernel.trap_entry(hart)
        kernel.sched_out(vcpu)
        kernel.sched_in(vcpu, hart)
        kernel.trap_exit(hart)
        assert hw_state(hart) == (sections_own if version is CLEAN else hosts)


@SECTIONS
def test_a_nested_section_saves_the_one_that_is_preempted_behind_it(version: KernelVersion) -> None:
    """What a softirq has put into memory vcpu_put cannot destroy: most sections of a busy machine survive (S25)."""
    kernel = booted(version)
    hart, task = kernel.harts[0], dirty_task(kernel)
    vcpu = live_guest(kernel)
    kernel.kernel_vector_begin(hart)
    kernel.xor(hart).load(hart)
    kernel.trap_entry(hart)
    kernel.softirq(hart)
    kernel.sched_out(vcpu)
    kernel.sched_in(vcpu, hart)
    kernel.trap_exit(hart)
    kernel.xor(hart).store(hart)
    kernel.kernel_vector_end(hart)
    kernel.sched_out(vcpu)
    if not version.restore_at_load:  # or the process has got the guest's registers (S13)
        assert task.run().args == (0, 0)


@SECTIONS
def test_a_preempted_section_of_a_process_survives(version: KernelVersion) -> None:
    kernel = booted(version, harts=2)
    (hart, _), task, other = kernel.harts, dirty_task(kernel), kernel.task_create(0x301)
    kernel.kernel_vector_begin(hart)
    kernel.xor(hart).load(hart)
    kernel.trap_entry(hart)
    kernel.switch_to(hart, other)
    assert other.run().args == (0, 0)
    kernel.switch_to(hart, task)
    kernel.trap_exit(hart)
    kernel.xor(hart).store(hart)
    kernel.kernel_vector_end(hart)
    assert task.thread.v_flags == 0
    assert task.run().args == (0, 0)


def test_a_section_that_moves_spares_the_process_where_it_goes() -> None:
    kernel = booted(CLEAN, harts=2)
    task, vcpu = dirty_task(kernel), live_guest_on(kernel, 1)
    (there, first), held = kernel.harts, hw_state(kernel.harts[0])
    kernel.kernel_vector_begin(first)
    kernel.xor(first).load(first)
    kernel.trap_entry(first)
    kernel.sched_out(vcpu)
    kernel.sched_in(vcpu, there)
    kernel.trap_exit(there)
    kernel.xor(there).store(there)
    kernel.kernel_vector_end(there)
    kernel.sched_out(vcpu)
    found = []
    kernel.probe = lambda point, who, hart: found.append(hw_state(hart)) if point == "task.enter" else None
    task.run()
    assert found == [held]


def test_the_flags_of_a_section() -> None:
    """Depth of traps, DIRTY from trap entry on, NEED_RESTORE from whoever saved, IN_SCHEDULE with the unit on."""
    kernel = booted(LINUX_7_3)
    hart, task = kernel.harts[0], dirty_task(kernel)
    thread = task.thread
    kernel.kernel_vector_begin(hart)
    assert thread.v_flags == VFlag.PREEMPT_V
    kernel.trap_entry(hart)
    assert thread.v_flags == 0x8001_0100 and thread.depth == 1
    kernel.trap_entry(hart)
    assert thread.v_flags == 0x8002_0100 and thread.depth == 2
    kernel.kernel_vector_begin(hart)
    assert thread.v_flags == 0x4002_0101
    with pytest.raises(KernelMisuseError):
        kernel.kernel_vector_begin(hart)  # no third one inside a second
    kernel.kernel_vector_end(hart)
    kernel.trap_exit(hart)
    assert thread.v_flags == 0x4001_0100
    kernel.trap_exit(hart)
    assert thread.v_flags == VFlag.PREEMPT_V and hart.csr[SSTATUS] & SR_VS == VS_CLEAN
    kernel.switch_to(hart, None)
    assert thread.v_flags == 0x2000_0100 and hart.csr[SSTATUS] & SR_VS == VS_OFF
    kernel.switch_to(hart, task)
    assert thread.v_flags == VFlag.PREEMPT_V and hart.csr[SSTATUS] & SR_VS == VS_DIRTY
    with pytest.raises(KernelMisuseError):
        kernel.kernel_vector_begin(hart)  # nor one in another of the same thread
    kernel.kernel_vector_end(hart)
    assert thread.v_flags == 0


def test_sections_are_preemptible_where_the_thread_has_room() -> None:
    for version, flag in ((V6_5, VFlag.KERNEL_MODE_V), (LINUX_6_12, VFlag.PREEMPT_V), (LINUX_7_3, VFlag.PREEMPT_V)):
        kernel = booted(version)
        hart, task = kernel.harts[0], dirty_task(kernel)
        kernel.kernel_vector_begin(hart)
        assert task.thread.v_flags == flag
        kernel.kernel_vector_end(hart)
        kernel.switch_to(hart, None)
        kernel.kernel_vector_begin(hart)
        assert kernel.thread(hart).v_flags == VFlag.KERNEL_MODE_V  # an idle thread
        kernel.kernel_vector_end(hart)
    kernel = booted(LINUX_7_3)
    task = dirty_task(kernel)
    kernel.alloc.fail_nth(1)
    kernel.kernel_vector_begin(kernel.harts[0])
    assert task.thread.v_flags == VFlag.KERNEL_MODE_V  # no memory


def test_a_hard_interrupt_does_without_vectors() -> None:
    log = Log()
    kernel = booted(LINUX_7_3, observer=log)
    for hard, uses in ((True, 0), (False, 1)):
        log.events.clear()
        kernel.softirq(kernel.harts[0], hard=hard)
        assert (log.count("vxor.vv", "kernel_vector") > 0) == uses


@pytest.mark.parametrize("loaded", [False, True])
def test_an_interrupt_inside_a_section(loaded: bool) -> None:
    kernel = booted(CLEAN)
    hart, task = kernel.harts[0], dirty_task(kernel)
    vcpu = live_guest(kernel) if loaded else None
    guest = hw_state(hart)
    kernel.kernel_vector_begin(hart)
    xor = kernel.xor(hart)
    xor.load(hart)
    kernel.softirq(hart)
    xor.store(hart)
    kernel.kernel_vector_end(hart)
    if vcpu is not None:
        kernel.sched_out(vcpu)
        assert memory_state(kernel, vcpu.guest_context.vector) == guest
    assert task.run().args == (0, 0)


@pytest.mark.parametrize("version", [CLEAN, LINUX_7_3], ids=lambda v: v.name)
def test_s14_vs_around_load_and_put(version: KernelVersion) -> None:
    kernel = booted(version)
    hart, vcpu = kernel.harts[0], make_vcpu(kernel, "scalar")
    for before in (VS_OFF, VS_DIRTY):
        hart.csr[SSTATUS] = hart.csr[SSTATUS] & ~SR_VS | before
        kernel.call(hart, "vector_save", vcpu.guest_context.address)
        assert hart.csr[SSTATUS] & SR_VS == (before if version.keeps_vs else VS_OFF)


def test_an_interrupt_gives_vs_back_to_the_code_it_interrupted() -> None:
    kernel = booted(CLEAN)
    hart = kernel.harts[0]
    for status in (VS_OFF, VS_CLEAN, VS_DIRTY):
        hart.csr[SSTATUS] = hart.csr[SSTATUS] & ~SR_VS | status
        seen: list[int] = []
        softirq(kernel, hart, lambda hart, seen=seen: seen.append(hart.csr[SSTATUS] & SR_VS))
        assert seen == [VS_DIRTY] and hart.csr[SSTATUS] & SR_VS == status


@pytest.mark.parametrize("version", [V12, V6_5, LINUX_6_12, LINUX_7_2, LINUX_7_3, CLEAN], ids=lambda v: v.name)
def test_processes_keep_their_registers_over_interrupts(version: KernelVersion) -> None:
    """No vCPU: begin saves the process, and it is restored at the end or on its way back to user mode."""
    kernel = booted(version)
    task = dirty_task(kernel)
    for _ in range(3):
        kernel.softirq(kernel.harts[0])
        task.slice = Slice(20)
        task.run()
    task.slice = Slice()
    assert task.run().args == (0, 0)


def test_deferred_restore_of_a_process_happens_on_the_way_to_user_mode() -> None:
    for version, now in ((V6_5, 4), (CLEAN, 0)):
        log = Log()
        kernel = booted(version, observer=log)
        hart, task = kernel.harts[0], dirty_task(kernel)
        kernel.switch_to(hart, None)
        log.events.clear()
        kernel.switch_to(hart, task)
        assert task.defer_restore is (now == 0)
        assert log.count("vle8.v", "vstate_restore") == now
        assert task.run().args == (0, 0)
        assert log.count("vle8.v", "vstate_restore") == 4
