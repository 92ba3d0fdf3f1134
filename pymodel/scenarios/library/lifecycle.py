# SPDX-License-Identifier: Apache-2.0
"""Group C: the life of a vCPU: reset, load, run, put, on one hart and on several, with a host that uses vectors too."""

from __future__ import annotations

from random import Random

from vctx.pymodel.isa import Csr, Hart
from vctx.pymodel.kvm.exits import Exit, ExitReason
from vctx.pymodel.kvm.kernel import Kernel
from vctx.pymodel.kvm.layout import VS_CLEAN, VS_DIRTY, VS_OFF
from vctx.pymodel.kvm.machine import Slice
from vctx.pymodel.kvm.state import HostTask, Vcpu
from vctx.pymodel.kvm.vector import vector_reset
from vctx.pymodel.scenarios.context import VectorContext
from vctx.pymodel.scenarios.guest_code import A0, A1, FAIL_TRAP, S0, GuestCode
from vctx.pymodel.scenarios.lab import Group, Lab
from vctx.pymodel.scenarios.library.vector_unit import VILL, pattern

GROUP = Group("C", "load, run and put")

_ILLEGAL_IN_GUEST = FAIL_TRAP + 2
_RESET_CSRS = (Csr.VTYPE, Csr.VL, Csr.VSTART, Csr.VCSR)
_RESET_REGS = (0, 7, 8, 31)
_SECONDARY = 0x4000  # of a second hart's code behind that of the first
_OPAQUE = (0x1111, 0x2222)  # of the first start and the second


def host_task(lab: Lab, kernel: Kernel, hart: Hart) -> HostTask:
    """Make a task current that has its own values in all vector registers."""
    task = kernel.task_create(0x70)
    kernel.switch_to(hart, task)
    task.slice = Slice(400)
    task.run()
    return task


def run_task(lab: Lab, task: HostTask, times: int = 1) -> None:
    """Let a task go on for some slices, and judge what it reports."""
    for _ in range(times):
        exit_ = task.run()
        if exit_.reason.value == "report":
            lab.equal("self-checks", f"report of {task.name}", 0, exit_.args[0])


@GROUP.scenario(19, 20, checks=["reset-state", "no-leak"])
def first_entry_after_reset(lab: Lab) -> None:
    """The first thing a guest sees: zero registers and CSRs, vtype vill, nothing of what the host had in them."""
    kernel = lab.kernel()
    hart = kernel.harts[0]
    lab.put_on_hart(kernel, hart, VectorContext(pattern(kernel.vsize), 2, 9, 0x11, 7))

    def write(code: GuestCode) -> None:
        for csr in _RESET_CSRS:
            code.report_csr(csr)
        for reg in _RESET_REGS:
            code.report_vreg(reg)

    vcpu = lab.guest(kernel, write)
    (_, vtype), *csrs = lab.reports(vcpu, hart, 4)
    lab.equal("reset-state", "guest: csrr vtype", VILL, vtype, ["S16"])
    for name, (code, value) in zip(("vl", "vstart", "vcsr"), csrs, strict=True):
        lab.equal("reset-state", f"guest: csrr {name}, reports (code, value)", (0, 0), (code, value))
    for reg in _RESET_REGS:
        ((code, value),) = lab.reports(vcpu, hart)
        lab.equal("no-leak", f"guest: vmv.x.s a1, v{reg}, reports (code, a1)", (0, 0), (code, value))


@GROUP.scenario(15, 30, checks=["reset-state"])
def reset_after_use(lab: Lab) -> None:
    """A reset of a vCPU whose vstart, vl, vtype and vcsr are all nonzero leaves none of them, by itself."""
    kernel = lab.kernel()
    hart = kernel.harts[0]
    vcpu = lab.vcpu(kernel, "canary")
    state = vcpu.guest_context.vector
    lab.set_image(kernel, state, VectorContext(pattern(kernel.vsize), 3, 8, 0x11, 7))
    vector_reset(vcpu, hart)
    found = VectorContext.of_image(state, kernel.vsize)
    due = VectorContext(bytes(kernel.vsize), 0, 0, found.vtype, 0)
    lab.same("reset-state", "vector_reset alone, of a used state", due, found, ["S15"])
    lab.check("reset-state", found.vtype in (0, VILL), "vector_reset alone: vtype", "vill", hex(found.vtype), ["S15"])


def _yielding(code: GuestCode) -> None:
    code.yields(6).report_register().yields(3).report_register()


@GROUP.scenario(21, checks=["vector-unit-budget"])
def guest_without_vectors(lab: Lab) -> None:
    """A guest that never touches its vectors: no register moves between exit and entry, and none are saved."""
    kernel = lab.kernel()
    hart = kernel.harts[0]
    vcpu = lab.guest(kernel, _yielding)
    lab.reports(vcpu, hart, 2)
    moved = lab.monitor.counts["moved: guest_vector_save"]
    lab.equal("vector-unit-budget", "guest saves in two KVM_RUNs of a guest without vectors", 0, moved)


@GROUP.scenario(22, 23, checks=["vector-unit-budget"])
def one_write_one_save(lab: Lab) -> None:
    """A guest writes a register once: its next put saves, the one after that does not."""
    kernel = lab.kernel()
    hart = kernel.harts[0]

    def write(code: GuestCode) -> None:
        code.vset(4, 0).insn("vmv.v.i", vd=3, imm=5)
        _yielding(code)

    vcpu = lab.guest(kernel, write)
    for due in (1, 1):
        lab.reports(vcpu, hart)
        moved = lab.monitor.counts["moved: guest_vector_save"]
        lab.equal("vector-unit-budget", "guest saves so far", due, moved)


@GROUP.scenario(23, 24, 25, 27, checks=["self-checks"])
def two_guests_on_one_hart(lab: Lab) -> None:
    """Guests of all kinds take turns on one hart; each finds its own registers."""
    kernel = lab.kernel(harts=1)
    hart = kernel.harts[0]
    vcpus = [lab.vcpu(kernel, name, n + 1) for n, name in enumerate(("canary", "vill", "vstart", "mask", "copy"))]
    for _ in range(3):
        for vcpu in vcpus:
            lab.rounds(vcpu, hart, 1)


@GROUP.scenario(28, checks=["self-checks"])
def guest_moves_between_harts(lab: Lab) -> None:
    """A vCPU's state follows it to another hart, while another guest uses the first."""
    kernel = lab.kernel(harts=2)
    wanderer, other = lab.vcpu(kernel, "canary", 1), lab.vcpu(kernel, "xor", 2)
    for turn in range(6):
        lab.rounds(wanderer, kernel.harts[turn % 2], 1)
        lab.rounds(other, kernel.harts[turn % 2], 1)


def _preempted(lab: Lab, kernel: Kernel, vcpu: Vcpu, harts: list[Hart], slices: list[Slice]) -> None:
    run = vcpu.run(harts[0])
    for turn, slice_ in enumerate(slices):
        vcpu.slice = slice_
        try:
            next(run)
        except StopIteration as returned:
            code, detail = returned.value.args if len(returned.value.args) == 2 else (0, 0)
            lab.equal("self-checks", f"guest of {vcpu.name}: detail {detail}", 0, code)
            run = vcpu.run(harts[turn % len(harts)])
            continue
        kernel.sched_out(vcpu)
        kernel.sched_in(vcpu, harts[turn % len(harts)])
    vcpu.signal_pending = True
    vcpu.slice = Slice()
    lab.finish(run)


@GROUP.scenario(29, checks=["self-checks"])
def preempted_anywhere(lab: Lab) -> None:
    """A guest is scheduled out and in after any number of instructions, and inside vector memory instructions."""
    kernel = lab.kernel(harts=2)
    random = Random(29)
    slices = [Slice(budget) for budget in range(1, 40)]
    slices += [Slice(random.randrange(1, 300), random.choice((1, 3, 17, 31))) for _ in range(60)]
    for program in ("canary", "add"):
        _preempted(lab, kernel, lab.vcpu(kernel, program), kernel.harts, slices)


@GROUP.scenario(26, 27, checks=["self-checks"])
def host_task_beside_guests(lab: Lab) -> None:
    """A host task keeps its registers over whatever guests do: vectors, illegal instructions, resets in the loop."""
    kernel = lab.kernel(harts=1)
    hart = kernel.harts[0]
    task = host_task(lab, kernel, hart)
    for program in ("canary", "vill", "vstart", "scalar"):
        vcpu = lab.vcpu(kernel, program)
        lab.rounds(vcpu, hart, 1)
        run_task(lab, task, 2)
        kernel.request_reset(vcpu)
        lab.rounds(vcpu, hart, 1)
        run_task(lab, task, 3)
    trapping = lab.guest(kernel, lambda code: code.insn("vsetvli", rd=0, rs1=0, vtypei=0), vs=VS_OFF)
    lab.reports(trapping, hart)
    run_task(lab, task, 3)


@GROUP.scenario(30, checks=["datap-identity", "self-checks"])
def reset_inside_the_loop(lab: Lab) -> None:
    """A reset in the run loop is put, zero, load; the buffer stays where it is."""
    kernel = lab.kernel(harts=1)
    hart = kernel.harts[0]
    vcpu = lab.vcpu(kernel, "canary", 1)
    before = vcpu.guest_context.vector["datap"]
    for _ in range(3):
        lab.rounds(vcpu, hart, 1)
        kernel.request_reset(vcpu)
        run = vcpu.run(hart)
        vcpu.slice = Slice(50)
        next(run)
        vcpu.slice = Slice()
        lab.finish(run)
    lab.equal("datap-identity", "datap after three resets", before, vcpu.guest_context.vector["datap"])


def _uses_vectors_and_stops(code: GuestCode) -> None:
    """Report what a hart starts with: a0, a1, the vector CSRs and some registers; dirty all of that, and stop."""
    code.insn("addi", rd=S0, rs1=A1, imm=0).report_register(A0).report_register(S0)
    for csr in _RESET_CSRS:
        code.report_csr(csr)
    for reg in _RESET_REGS:
        code.report_vreg(reg)
    code.vset(9, 0)
    for reg in _RESET_REGS:
        code.insn("vmv.v.i", vd=reg, imm=5)
    code.csrw(Csr.VCSR, 7).csrw(Csr.VSTART, 3).hart_stop()


@GROUP.scenario(30, 31, checks=["reset-state", "no-leak", "self-checks"])
def hart_started_by_the_guest(lab: Lab) -> None:
    """SBI hart_start of a second hart, before its first KVM_RUN and again inside one: it starts from zero, not before.

    Before the first start user space has filled its registers; before the second it has done so itself, and they are
    on the hart on which its KVM_RUN waits.
    """
    kernel = lab.kernel(harts=2)
    hart, other = kernel.harts
    lab.put_on_hart(kernel, other, VectorContext(pattern(kernel.vsize), 2, 9, 0x11, 7))
    vm = kernel.vm_create("scalar")
    boot, secondary = (kernel.vcpu_create(vm, 0, vcpu_id) for vcpu_id in (0, 1))
    code = GuestCode(vm, offset=_SECONDARY)
    _uses_vectors_and_stops(code)
    code.load(hart)
    starter = GuestCode(vm)
    for opaque in _OPAQUE:
        starter.hart_start(secondary.vcpu_id, code.entry, opaque).report_register(A0)
    starter.load(hart)

    filled = VectorContext(pattern(kernel.vsize, 31), 1, 4, 0xD0, 5)
    lab.set_image(kernel, secondary.guest_context.vector, filled)
    lab.monitor.changed_by_user(secondary)
    run = secondary.run(other)
    lab.equal("self-checks", "KVM_RUN of a hart that was not started", ExitReason.STOPPED, next(run).reason)
    secondary.signal_pending = True
    lab.finish(run)

    lab.equal(
        "self-checks", "SBI hart_start of a stopped hart, reports (code, error)", (0, 0), lab.reports(boot, hart)[0]
    )
    image = VectorContext.of_image(secondary.guest_context.vector, kernel.vsize)
    lab.same("reset-state", "the started hart's image before its next KVM_RUN", filled, image)
    run = secondary.run(other)
    for opaque in _OPAQUE:
        if opaque != _OPAQUE[0]:
            started = lab.reports(boot, hart)[0]
            lab.equal("self-checks", "SBI hart_start while KVM_RUN waits, reports (code, error)", (0, 0), started)
        _expect_reset_state(lab, secondary, lab.finish(run), opaque)
        run = secondary.run(other)
        while next(run).reason is not ExitReason.STOPPED:
            pass
    secondary.signal_pending = True
    lab.finish(run)


def _expect_reset_state(lab: Lab, vcpu: Vcpu, first: Exit, opaque: int) -> None:
    """Judge the reports of `_uses_vectors_and_stops`, of which user space has got the first."""
    hart = vcpu.kernel.harts[1]
    found = [first.args, *lab.reports(vcpu, hart, 1 + len(_RESET_CSRS) + len(_RESET_REGS))]
    due = {"a0, the hart's id": vcpu.vcpu_id, "a1, from hart_start": opaque}
    for (name, value), report in zip(due.items(), found[:2], strict=True):
        lab.equal("self-checks", f"started hart: {name}, reports (code, value)", (0, value), report)
    for csr, report in zip(_RESET_CSRS, found[2:], strict=False):
        value, defects = (VILL, ["S16"]) if csr is Csr.VTYPE else (0, [])
        lab.equal(
            "reset-state", f"started hart: csrr {csr.name.lower()}, reports (code, value)", (0, value), report, defects
        )
    for reg, report in zip(_RESET_REGS, found[2 + len(_RESET_CSRS) :], strict=True):
        lab.equal("no-leak", f"started hart: v{reg}, reports (code, value)", (0, 0), report)


@GROUP.scenario(32, 37, checks=["load-put-idle"])
def load_and_put_alone(lab: Lab) -> None:
    """KVM_RUN that returns before the first entry, and sched_in followed by sched_out: nothing changes."""
    kernel = lab.kernel()
    hart = kernel.harts[0]
    task = host_task(lab, kernel, hart)
    vcpu = lab.vcpu(kernel, "canary")
    lab.rounds(vcpu, hart, 1)
    before = VectorContext.of_image(vcpu.guest_context.vector, kernel.vsize)
    for _ in range(3):
        vcpu.signal_pending = True
        lab.to_user(vcpu, hart)
    found = VectorContext.of_image(vcpu.guest_context.vector, kernel.vsize)
    lab.same("load-put-idle", "the guest's image after three KVM_RUNs without entry", before, found)
    run_task(lab, task, 3)


@GROUP.scenario(33, 34, checks=["guest-off-traps", "vsstatus-guest-owned"])
def guest_owns_its_vs(lab: Lab) -> None:
    """vsstatus.VS is the guest's over exits and preemption; Off there makes its vector instructions illegal."""
    kernel = lab.kernel(harts=2)
    hart, other = kernel.harts
    for vs in (VS_OFF, VS_CLEAN):

        def write(code: GuestCode) -> None:
            code.yields(2).report_csr(Csr.SSTATUS).insn("vsetvli", rd=0, rs1=0, vtypei=0)

        vcpu = lab.guest(kernel, write, vs=vs)
        run = vcpu.run(hart)
        for _ in range(2):
            next(run)
            kernel.sched_out(vcpu)
            kernel.sched_in(vcpu, other)
        code, sstatus = lab.finish(run).args
        lab.equal(
            "vsstatus-guest-owned",
            "guest: csrr sstatus, after two moves, reports (code, VS)",
            (0, vs),
            (code, sstatus & VS_DIRTY),
        )
        report = lab.reports(vcpu, hart)[0][0]
        due = _ILLEGAL_IN_GUEST if vs == VS_OFF else 0
        lab.equal("guest-off-traps", f"guest: vsetvli with its VS {vs:#x}", due, report)


@GROUP.scenario(35, checks=["vector-unit-budget"])
def spurious_dirty_costs_one_save(lab: Lab) -> None:
    """Hardware may say Dirty although nothing changed; that costs a save and nothing else."""
    kernel = lab.kernel(harts=1)
    hart = kernel.harts[0]
    vcpu = lab.guest(kernel, _yielding)
    run = vcpu.run(hart)
    for _ in range(3):
        next(run)
    vcpu.guest_context.set_vs(hart, VS_DIRTY)
    lab.monitor.turned_dirty(vcpu)
    lab.finish(run)
    moved = lab.monitor.counts["moved: guest_vector_save"]
    lab.equal("vector-unit-budget", "saves after one spurious Dirty", 1, moved)
    zero = bytes(kernel.vsize)
    lab.equal(
        "load-put-idle",
        "the guest's registers",
        zero,
        kernel.memory.read(vcpu.guest_context.vector["datap"], len(zero)),
    )


@GROUP.scenario(36, checks=["hgatp-kept"])
def put_keeps_hgatp(lab: Lab) -> None:
    """vcpu_put does not write hgatp, which every hart with a loaded vCPU needs again at the next load."""
    kernel = lab.kernel(harts=1)
    hart = kernel.harts[0]
    vcpu = lab.vcpu(kernel, "scalar")
    lab.rounds(vcpu, hart, 2)
    writes = [f"csrw hgatp, {write.value:#x}" for write in kernel.hgatp_writes if write.where == "vcpu_put"]
    lab.equal("hgatp-kept", "vcpu_put", [], writes, ["S7"])
    lab.equal("hgatp-kept", "hgatp after KVM_RUN", vcpu.vm.hgatp, kernel.csr_read(hart, Csr.HGATP), ["S7"])


@GROUP.scenario(37, 76, checks=["vector-unit-budget", "host-side-lazy"])
def unit_use_by_a_pair(lab: Lab) -> None:
    """One load/put pair moves each context at most once each way, and no host registers that nobody uses."""
    kernel = lab.kernel(harts=1)
    hart = kernel.harts[0]
    vcpu = lab.vcpu(kernel, "canary")
    lab.rounds(vcpu, hart, 4)
    counts = lab.monitor.counts
    for what in ("guest_vector_save", "guest_vector_restore", "host_vector_save", "host_vector_restore"):
        moved = counts[f"moved: {what}"]
        call = f"{what} over {counts['pairs']} load/put pairs"
        lab.check("vector-unit-budget", moved <= counts["pairs"], call, f"at most {counts['pairs']}", moved)
        if what.startswith("host"):
            lab.equal("host-side-lazy", f"{call}, no host process with vectors", 0, moved, ["S23"])
