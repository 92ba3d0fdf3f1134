# SPDX-License-Identifier: Apache-2.0
"""Group G: kernel-mode vector code between and inside the steps of load, run and put."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from vctx.pymodel.isa import Hart
from vctx.pymodel.kvm.kernel import Kernel
from vctx.pymodel.kvm.kmode import flush_vector
from vctx.pymodel.kvm.layout import VS_OFF
from vctx.pymodel.kvm.state import Step, Vcpu
from vctx.pymodel.kvm.thread import VFlag
from vctx.pymodel.scenarios.context import VectorContext
from vctx.pymodel.scenarios.guest_code import GuestCode
from vctx.pymodel.scenarios.lab import Group, Lab, Run
from vctx.pymodel.scenarios.library.lifecycle import host_task, run_task

GROUP = Group("G", "kernel-mode vector code")

_SEED_SCHEME = "the kernel restores the guest at load and has no flags of deferred restore"
_STEPS_OF_A_ROUTINE = 15  # at least; each instruction of it is a step
_KERNEL_CODE = "kernel-mode vector code"


def _uses_vectors(code: GuestCode) -> None:
    code.vset(16, 0).insn("vmv.v.i", vd=8, imm=5).yields(2).report_vreg(8)
    code.vset(16, 0).insn("vmv.v.i", vd=8, imm=6).yields(2).report_vreg(8)


def _expect_values(lab: Lab, vcpu: Vcpu, hart: Hart, between: Callable[[], object], how: str) -> None:
    """Run the guest of `_uses_vectors`, with something happening at each of its exits."""
    for due in (0x0505_0505_0505_0505, 0x0606_0606_0606_0606):
        run = vcpu.run(hart)
        report: tuple[int, ...] = ()
        while not report:
            try:
                next(run)
                between()
            except StopIteration as returned:
                report = returned.value.args
        lab.equal("kernel-vector", f"{how}: guest reports (code, v8)", (0, due), report, ["S13"])


@GROUP.scenario(65, checks=["kernel-vector"])
def softirq_in_the_run_loop(lab: Lab) -> None:
    """An interrupt handler uses vectors between each exit and the next entry: the guest keeps its registers."""
    kernel = lab.kernel(harts=1)
    hart = kernel.harts[0]
    vcpu = lab.guest(kernel, _uses_vectors)
    with lab.survives("kernel-vector", f"{_KERNEL_CODE} in the run loop", "S13"):
        _expect_values(lab, vcpu, hart, lambda: kernel.softirq(hart), "softirq after each exit")


@GROUP.scenario(66, checks=["kernel-vector"])
def softirq_over_a_dirty_process(lab: Lab) -> None:
    """The same while the process that runs the vCPU has dirty registers: its memory must not get the guest's."""
    kernel = lab.kernel(harts=1)
    hart = kernel.harts[0]
    task = host_task(lab, kernel, hart)
    own = VectorContext.of_hart(hart)
    vcpu = lab.guest(kernel, _uses_vectors)
    with lab.survives("kernel-vector", f"{_KERNEL_CODE} in the run loop of a process with vectors", "S13"):
        _expect_values(lab, vcpu, hart, lambda: kernel.softirq(hart), "softirq after each exit")
    in_memory = task.defer_restore
    held = VectorContext.of_image(task.vstate, kernel.vsize) if in_memory else VectorContext.of_hart(hart)
    lab.same("kernel-vector", "the process's registers after KVM_RUN", own, held, ["S13"])
    run_task(lab, task, 3)


@GROUP.scenario(67, checks=["kernel-vector"])
def interrupt_at_each_step(lab: Lab) -> None:
    """An interrupt handler uses vectors at every point of load and put, and at each instruction of save and restore."""
    for where, least in (
        ("vcpu_load", 3),
        ("vcpu_put", 3),
        ("run_loop", 2),
        ("guest_vector_save", _STEPS_OF_A_ROUTINE),
        ("guest_vector_restore", _STEPS_OF_A_ROUTINE),
        ("host_vector_save", _STEPS_OF_A_ROUTINE),
        ("host_vector_restore", _STEPS_OF_A_ROUTINE),
    ):
        for index in range(least):
            kernel = lab.kernel(harts=1)
            hart = kernel.harts[0]
            task = host_task(lab, kernel, hart)
            vcpu = lab.guest(kernel, _uses_vectors)
            kernel.inject_at(partial(_is, where, index))
            call = f"{_KERNEL_CODE} in {where}, step {index}"
            with lab.survives("kernel-vector", call, "S13"):
                _expect_values(lab, vcpu, hart, lambda: None, call)
                run_task(lab, task, 2)


def _is(where: str, index: int, step: Step) -> bool:
    return step.where == where and step.index == index


def _flags(vcpu: Vcpu) -> VFlag:
    return vcpu.thread.v_flags & (VFlag.NEED_RESTORE | VFlag.VCPU_CTX)


def _flag_text(flags: VFlag) -> str:
    return " ".join(flag.name or "" for flag in VFlag if flag in flags) or "none"


def _expect_flags(lab: Lab, call: str, due: VFlag, vcpu: Vcpu) -> None:
    lab.equal("deferral-flags", call, _flag_text(due), _flag_text(_flags(vcpu)))


@GROUP.scenario(68, checks=["deferral-flags"])
def flush_is_idempotent(lab: Lab) -> None:
    """Flushing a dirty guest saves it once; flushing again, or a clean one, saves nothing; each asks for a restore."""
    if lab.version.restore_at_load:
        lab.not_applicable(_SEED_SCHEME)
        return
    kernel = lab.kernel(harts=1)
    hart = kernel.harts[0]
    vcpu = lab.guest(kernel, _uses_vectors)
    run = vcpu.run(hart)
    while lab.monitor.counts["guest"] < 2:
        next(run)
    held = VectorContext.of_hart(hart)
    for due in (1, 1):
        with kernel.marked(hart, "kernel_vector", "kernel"):  # who may move registers here
            flush_vector(vcpu, hart)
        saves = lab.monitor.counts["moved: guest_vector_save"]
        lab.equal("deferral-flags", "guest saves after a flush", due, saves)
        _expect_flags(lab, "flags after a flush", VFlag.NEED_RESTORE | VFlag.VCPU_CTX, vcpu)
    image = VectorContext.of_image(vcpu.guest_context.vector, kernel.vsize)
    lab.same("deferral-flags", "the guest's image after a flush", held, image)
    lab.finish(run)


@GROUP.scenario(69, checks=["deferral-flags"])
def flush_with_vs_off(lab: Lab) -> None:
    """Flushing a guest without V asks for nothing."""
    if lab.version.restore_at_load:
        lab.not_applicable(_SEED_SCHEME)
        return
    kernel = lab.kernel(harts=1)
    hart = kernel.harts[0]
    vcpu = lab.guest(kernel, lambda code: code.yields(2), v_allowed=False, vs=VS_OFF)
    run = vcpu.run(hart)
    next(run)
    flush_vector(vcpu, hart)
    _expect_flags(lab, "flags after a flush of a guest without V", VFlag(0), vcpu)
    lab.finish(run)


@GROUP.scenario(70, 71, checks=["deferral-flags"])
def flags_over_a_run(lab: Lab) -> None:
    """NEED_RESTORE from load to the first entry, VCPU_CTX from there to put; then registers and memory agree."""
    if lab.version.restore_at_load:
        lab.not_applicable(_SEED_SCHEME)
        return
    kernel = lab.kernel(harts=1)
    hart = kernel.harts[0]
    vcpu = lab.guest(kernel, _uses_vectors)
    run = vcpu.run(hart)
    next(run)
    _expect_flags(lab, "flags after the first exit", VFlag.VCPU_CTX, vcpu)
    kernel.sched_out(vcpu)
    _expect_flags(lab, "flags after put", VFlag(0), vcpu)
    kernel.sched_in(vcpu, hart)
    _expect_flags(lab, "flags after load", VFlag.NEED_RESTORE, vcpu)
    next(run)
    _expect_flags(lab, "flags after the next entry", VFlag.VCPU_CTX, vcpu)
    lab.finish(run)
    _expect_flags(lab, "flags after KVM_RUN", VFlag(0), vcpu)


def _sections_exist(lab: Lab) -> bool:
    exist = lab.version.preempted_section != "none"
    if not exist:
        lab.not_applicable("the kernel has no preemptible kernel-mode vector code")
    return exist


def _in_the_loop(lab: Lab, kernel: Kernel, hart: Hart) -> tuple[Vcpu, Run]:
    """Return a vCPU in the run loop, its KVM_RUN at an exit, loaded by a process that has values in the registers."""
    host_task(lab, kernel, hart)
    vcpu = lab.guest(kernel, _uses_vectors)
    run = vcpu.run(hart)
    next(run)
    return vcpu, run


@GROUP.scenario(72, 17, checks=["kernel-vector"])
def kernel_code_calls_the_scheduler(lab: Lab) -> None:
    """Kernel-mode vector code calls the scheduler in its section: vcpu_put and vcpu_load leave the unit on for it."""
    if not _sections_exist(lab):
        return
    kernel = lab.kernel(harts=1)
    hart = kernel.harts[0]
    vcpu, run = _in_the_loop(lab, kernel, hart)
    xor = kernel.xor(hart)
    with lab.survives("kernel-vector", f"{_KERNEL_CODE} that sleeps while a vCPU is loaded", "S14"):
        kernel.kernel_vector_begin(hart)
        _kernel_code(kernel, hart, xor)
        kernel.sched_out(vcpu)
        kernel.sched_in(vcpu, hart)
        _kernel_code(kernel, hart, xor)  # from the start: a function call may clobber vector registers
        kernel.kernel_vector_end(hart)
        lab.finish(run)


@GROUP.scenario(72, checks=["kernel-vector"])
def preempted_kernel_code(lab: Lab) -> None:
    """An interrupt preempts kernel-mode vector code of a thread with a vCPU loaded: it keeps its registers."""
    if not _sections_exist(lab):
        return
    kernel = lab.kernel(harts=1)
    hart = kernel.harts[0]
    vcpu, run = _in_the_loop(lab, kernel, hart)
    kernel.kernel_vector_begin(hart)
    _kernel_code(kernel, hart, kernel.xor(hart).load)
    own = VectorContext.of_hart(hart)
    kernel.trap_entry(hart)
    kernel.sched_out(vcpu)
    kernel.sched_in(vcpu, hart)
    kernel.trap_exit(hart)
    call = f"registers of {_KERNEL_CODE} after vcpu_put and vcpu_load in an interrupt"
    lab.same("kernel-vector", call, own, VectorContext.of_hart(hart), ["S25"])
    with lab.survives("kernel-vector", f"{_KERNEL_CODE} goes on after it was preempted", "S25"):
        _kernel_code(kernel, hart, kernel.xor(hart).store)
    kernel.kernel_vector_end(hart)
    lab.finish(run)


@GROUP.scenario(72, checks=["kernel-vector"])
def preempted_kernel_code_of_a_process(lab: Lab) -> None:
    """The same in a thread without a vCPU, and with an interrupt that uses vectors before the scheduler does."""
    if not _sections_exist(lab):
        return
    for nested in (False, True):
        kernel = lab.kernel(harts=1)
        hart = kernel.harts[0]
        task, other = host_task(lab, kernel, hart), kernel.task_create(0x71)
        how = ", after a softirq with vectors" if nested else ""
        with lab.survives("kernel-vector", f"{_KERNEL_CODE} of a process is preempted{how}"):
            kernel.kernel_vector_begin(hart)
            _kernel_code(kernel, hart, kernel.xor(hart).load)
            kernel.trap_entry(hart)
            if nested:
                kernel.softirq(hart)
            kernel.switch_to(hart, other)
            other.run()
            kernel.switch_to(hart, task)
            kernel.trap_exit(hart)
            _kernel_code(kernel, hart, kernel.xor(hart).store)
            kernel.kernel_vector_end(hart)
            run_task(lab, task, 2)


def _kernel_code(kernel: Kernel, hart: Hart, body: Callable[[Hart], None]) -> None:
    with kernel.marked(hart, "kernel_vector", "kernel"):
        body(hart)
