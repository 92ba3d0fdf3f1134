# SPDX-License-Identifier: Apache-2.0
"""Guests and host tasks find their state as they left it, whatever the scheduler, the timer and resets do to them."""

from __future__ import annotations

import random
from collections.abc import Generator
from dataclasses import replace

import pytest
from kvm_driving import (
    BOTH,
    Log,
    booted,
    hw_state,
    make_vcpu,
    random_slice,
    random_state,
    run_rounds,
    run_to_user,
    set_hw_state,
)

from vctx.pymodel.isa import Csr, Hart, encode
from vctx.pymodel.kvm import (
    V12,
    Exit,
    ExitReason,
    HostTask,
    Kernel,
    KernelMisuseError,
    KernelOops,
    KernelVersion,
    KvmError,
    Slice,
    Vcpu,
)
from vctx.pymodel.kvm.layout import VS_OFF
from vctx.pymodel.kvm.onereg import CORE, CSR, reg_id
from vctx.pymodel.programs import GUESTS
from vctx.pymodel.scenarios.guest_code import GuestCode
from vctx.pymodel.scenarios.guest_driver import Code, GuestDriver, driver_vm
from vctx.pymodel.scenarios.jobs import WITHOUT_V
from vctx.pymodel.trace.records import PAGE_SIZE, Issue, Retire


@pytest.mark.parametrize("program", GUESTS)
@BOTH
def test_guest_passes_its_rounds(version: KernelVersion, program: str) -> None:
    if version is V12:  # its guests have V whenever their address says so, prctl or not (S2, S22)
        version = replace(version, isa_from_address=False, prctl_gates_v=True)
    kernel, rng = booted(version), random.Random(program)
    vcpu = make_vcpu(kernel, program, v_allowed=program not in WITHOUT_V)
    vcpu.slice = random_slice(rng)
    assert run_rounds(vcpu, kernel.harts[0], 24) == [(0, n) for n in range(24)]
    kernel.alloc.check_guards()


@pytest.mark.parametrize("vlen", [128, 512, 4096])
def test_guests_at_other_vlens(vlen: int) -> None:
    kernel = booted(vlen=vlen)
    for program in ("canary", "copy", "vstart"):
        assert run_rounds(make_vcpu(kernel, program), kernel.harts[0], 4) == [(0, n) for n in range(4)]


class Scheduler:
    """Runs vCPUs and tasks on all harts at random; collects what they report."""

    def __init__(self, kernel: Kernel, vcpus: list[Vcpu], tasks: list[HostTask], rng: random.Random) -> None:
        self.kernel, self.rng = kernel, rng
        self.runs: dict[Vcpu, Generator[Exit, None, Exit]] = {}
        self.vcpus, self.tasks = vcpus, tasks
        self.reports: dict[str, list[tuple[int, ...]]] = {who.name: [] for who in (*vcpus, *tasks)}

    def step(self) -> None:
        hart = self.rng.choice(self.kernel.harts)
        loaded = self.kernel.running.get(hart.hart_id)
        if loaded is not None and self.rng.random() < 0.6:
            self.run_vcpu(loaded, hart)
            return
        if loaded is not None:
            self.kernel.sched_out(loaded)
        if self.tasks and self.rng.random() < 0.4:
            self.run_task(hart)
            return
        self.kernel.switch_to(hart, None)
        waiting = [vcpu for vcpu in self.vcpus if vcpu.hart is None]
        if waiting:
            self.run_vcpu(self.rng.choice(waiting), hart)

    def run_vcpu(self, vcpu: Vcpu, hart: Hart) -> None:
        vcpu.slice = random_slice(self.rng)
        if vcpu not in self.runs:
            self.runs[vcpu] = vcpu.run(hart)
        elif vcpu.hart is None:
            self.kernel.sched_in(vcpu, hart)
        try:
            next(self.runs[vcpu])
        except StopIteration as stop:
            del self.runs[vcpu]
            self.report(vcpu.name, stop.value)

    def run_task(self, hart: Hart) -> None:
        free = [task for task in self.tasks if task.hart in (None, hart)]
        if not free:
            return
        task = self.rng.choice(free)
        self.kernel.switch_to(hart, task)
        task.slice = random_slice(self.rng)
        self.report(task.name, task.run())

    def report(self, name: str, exit_: Exit) -> None:
        assert exit_.reason in (ExitReason.TIMER, ExitReason.REPORT, ExitReason.PUTCHAR), (name, exit_)
        if exit_.reason is ExitReason.REPORT:
            self.reports[name].append(exit_.args)


@pytest.mark.parametrize("seed", range(3))
@BOTH
def test_any_schedule_is_transparent(version: KernelVersion, seed: int) -> None:
    kernel, rng = booted(version, harts=2), random.Random(seed)
    programs = ["canary", "canary", "vill", "vstart", "mask", "copy", "scalar"]
    vcpus = [make_vcpu(kernel, program, owner) for owner, program in enumerate(programs, 0x100)]
    tasks = [kernel.task_create(owner) for owner in (0x200, 0x201, 0x202)]
    scheduler = Scheduler(kernel, vcpus, tasks, rng)
    for _ in range(600):
        scheduler.step()
    for name, reports in scheduler.reports.items():
        assert reports == [(0, n) for n in range(len(reports))], name
        assert reports, name
    kernel.alloc.check_guards()


def test_a_leak_would_be_reported() -> None:
    """The guests' own checks see a register that changes behind their back."""
    kernel = booted()
    vcpu = make_vcpu(kernel, "canary")
    run = vcpu.run(kernel.harts[0])
    while (exit_ := next(run)).reason is not ExitReason.SBI:
        pass
    kernel.harts[0].vec.flat[31 * 32] ^= 1
    with pytest.raises(StopIteration) as stop:
        while True:
            next(run)
    exit_ = stop.value.value
    assert exit_.reason is ExitReason.PUTCHAR
    assert run_to_user(vcpu, kernel.harts[0]).args == (5, 0)

    task = kernel.task_create(0x300)
    task.slice = Slice(1)
    hart = kernel.harts[0]
    kernel.switch_to(hart, task)
    while hart.vec.vcsr != 0 or task.regs["x18"] == 0:
        assert task.run().reason in (ExitReason.TIMER, ExitReason.REPORT)
    task.slice = Slice(4 * 32 * 6 + 40)  # behind the fill and the load, in the spin loop
    assert task.run().reason is ExitReason.TIMER
    hart.vec.flat[5] ^= 1
    task.slice = Slice()
    exit_ = task.run()
    assert exit_.reason is ExitReason.REPORT and exit_.args[0] == 5


@BOTH
def test_reset_inside_the_loop(version: KernelVersion) -> None:
    kernel, rng = booted(version), random.Random(9)
    hart, vcpu = kernel.harts[0], make_vcpu(kernel, "canary")
    datap = vcpu.guest_context.vector["datap"]
    host = random_state(rng, 32)
    set_hw_state(hart, host)
    for _ in range(5):
        assert run_rounds(vcpu, hart, 3)[0] == (0, 0)  # starts over
        run = vcpu.run(hart)
        next(run)
        kernel.request_reset(vcpu)
        vcpu.signal_pending = True
        with pytest.raises(StopIteration):
            next(run)
        assert vcpu.guest_context.vector["datap"] == datap
        assert kernel.memory.read(datap, 1024) == bytes(1024)
        assert hw_state(hart) == host


def test_signal_interrupts_before_entry() -> None:
    kernel = booted()
    hart, vcpu = kernel.harts[0], make_vcpu(kernel, "scalar")
    vcpu.signal_pending = True
    assert run_to_user(vcpu, hart) == Exit(ExitReason.INTR)
    assert vcpu.ran_atleast_once and vcpu.hart is None
    assert run_rounds(vcpu, hart, 2) == [(0, 0), (0, 1)]


def test_guest_outside_its_memory() -> None:
    kernel = booted()
    vcpu = make_vcpu(kernel, "scalar")
    kernel.set_reg(vcpu, reg_id(CORE, 0), 0x5000_0000)
    assert run_to_user(vcpu, kernel.harts[0]) == Exit(ExitReason.MEMORY_FAULT, (0x5000_0000, 20))


LI_A7_REPORT = [encode("lui", rd=17, imm=0x8000), encode("addi", rd=17, rs1=17, imm=1)]
ECALL = encode("ecall")


@pytest.mark.parametrize(
    ("words", "reasons", "last"),
    [
        ([encode("wfi"), *LI_A7_REPORT, ECALL], ["wfi", "report"], (0, 0x1234)),
        ([encode("addi", rd=17, rs1=0, imm=99), ECALL, *LI_A7_REPORT, ECALL], ["sbi", "report"], (2**64 - 2, 0)),
        ([encode("csrrs", rd=10, csr=Csr.HGATP, rs1=0)], ["redirect", "report"], (2, 0x1234)),
        ([encode("csrrs", rd=10, csr=Csr.VL, rs1=0)], ["redirect", "report"], (2, 0x1234)),
        ([encode("addi", rd=6, rs1=0, imm=3), encode("lw", rd=6, rs1=6, imm=0)], ["redirect", "report"], (4, 0x1234)),
    ],
    ids=["wfi", "unknown SBI call", "virtual instruction", "VS Off", "misaligned load"],
)
def test_exits(words: list[int], reasons: list[str], last: tuple[int, ...]) -> None:
    """Instructions in place of a guest; its trap handler reports scause."""
    kernel = booted()
    vcpu = make_vcpu(kernel, "scalar")
    handler = [encode("csrrs", rd=10, csr=Csr.SCAUSE, rs1=0), *LI_A7_REPORT, ECALL]
    for offset, code in ((0, words), (0x40, handler)):
        kernel.memory.write(vcpu.vm.memory + offset, b"".join(word.to_bytes(4, "little") for word in code))
    kernel.set_reg(vcpu, reg_id(CSR, 2), vcpu.vm.base + 0x40)  # stvec
    run, found = vcpu.run(kernel.harts[0]), []
    with pytest.raises(StopIteration) as stop:
        while True:
            found.append(next(run).reason.value)
    exit_ = stop.value.value
    assert [reason for reason in found if reason != "gstage-fault"] + [exit_.reason.value] == reasons
    assert exit_.args == last


@pytest.mark.parametrize(("word", "evidence"), [(ECALL, "a trap to M-mode"), (0, "ended in pc")])
def test_a_broken_world_switch_ends_in_an_oops(word: int, evidence: str) -> None:
    kernel = booted()
    vcpu = make_vcpu(kernel, "scalar")
    kernel.memory.write(kernel.program.symbols["switch_return"], word.to_bytes(4, "little"))
    with pytest.raises(KernelOops, match=evidence):
        run_to_user(vcpu, kernel.harts[0])


def test_resuming_a_vcpu_that_is_scheduled_out_is_misuse() -> None:
    kernel = booted()
    vcpu = make_vcpu(kernel, "scalar")
    run = vcpu.run(kernel.harts[0])
    next(run)
    kernel.sched_out(vcpu)
    with pytest.raises(KernelMisuseError):
        next(run)


def test_interrupt_in_the_middle_of_a_vector_instruction() -> None:
    """The guest leaves with vstart set and goes on from there."""
    kernel = booted()
    hart, vcpu = kernel.harts[0], make_vcpu(kernel, "canary")
    stopped = []
    kernel.probe = lambda point, who, hart: stopped.append(hart.vec.vstart) if point == "guest.exit" else None
    vcpu.slice = Slice(30, irq_elem=17)
    assert run_rounds(vcpu, hart, 4) == [(0, n) for n in range(4)]
    assert 17 in stopped


# CSRs that a guest writes by their supervisor names, with values for two guests.
OWN_CSRS = {
    Csr.STVEC: (0x1000, 0x2000),
    Csr.SSCRATCH: (1, 2),
    Csr.SEPC: (0x100, 0x200),
    Csr.SCAUSE: (3, 5),
    Csr.STVAL: (7, 9),
    Csr.SIE: (0x2, 0x20),
    Csr.SCOUNTEREN: (1, 2),
}


@pytest.mark.parametrize("csr", OWN_CSRS, ids=lambda csr: csr.name.lower())
@pytest.mark.parametrize("preempted", [False, True])
def test_guests_on_one_hart_have_csrs_of_their_own(csr: Csr, preempted: bool) -> None:
    """They are swapped at load and put; scounteren, which is no VS-mode CSR, at entry and exit (F-8)."""
    kernel = booted()
    hart, runs = kernel.harts[0], []
    for value in OWN_CSRS[csr]:
        vm = kernel.vm_create("scalar")
        GuestCode(vm, VS_OFF).csrw(csr, value).yields().report_csr(csr).load(hart)
        vcpu = kernel.vcpu_create(vm, owner=0)
        run = vcpu.run(hart)
        while next(run).reason is not ExitReason.SBI:
            pass
        kernel.sched_out(vcpu)
        runs.append((vcpu, run, value))
    for vcpu, run, value in runs:
        kernel.sched_in(vcpu, hart)
        if preempted:
            kernel.sched_out(vcpu)
            kernel.sched_in(vcpu, hart)
        with pytest.raises(StopIteration) as stop:
            while True:
                next(run)
        assert stop.value.value == Exit(ExitReason.REPORT, (0, value))


def test_a_vcpu_that_comes_back_to_a_hart_finds_no_stale_translation_there() -> None:
    """It has executed a page of its memory there; meanwhile, on another hart, that page has moved."""
    kernel = booted(harts=2)
    there, other = kernel.harts
    vm = kernel.vm_create("scalar")
    GuestCode(vm, VS_OFF).yields(2).insn("addi", rd=11, rs1=0, imm=1).report_register().load(there)
    vcpu = kernel.vcpu_create(vm, owner=0)
    run = vcpu.run(there)

    def to_yield() -> None:
        while next(run).reason is not ExitReason.SBI:
            pass

    to_yield()
    kernel.sched_out(vcpu)
    kernel.sched_in(vcpu, other)
    to_yield()
    kernel.sched_out(vcpu)
    vm.memory = kernel.alloc.alloc_pages(other, vm.size, "moved")
    GuestCode(vm, VS_OFF).yields(2).insn("addi", rd=11, rs1=0, imm=2).report_register().load(other)
    assert vm.map_page(other, vm.base)
    kernel.sched_in(vcpu, there)
    with pytest.raises(StopIteration) as stop:
        while True:
            next(run)
    assert stop.value.value == Exit(ExitReason.REPORT, (0, 2))


def test_a_guest_page_without_memory_for_its_table_ends_kvm_run() -> None:
    kernel = booted()
    hart, vcpu = kernel.harts[0], make_vcpu(kernel, "scalar")
    kernel.alloc.fail_nth(1)
    with pytest.raises(KvmError, match="ENOMEM"):
        run_to_user(vcpu, hart)
    assert vcpu.hart is None
    assert run_rounds(vcpu, hart, 2) == [(0, 0), (0, 1)]


@pytest.mark.parametrize("nth", [1, 2])
def test_a_vm_without_memory_is_not_created(nth: int) -> None:
    kernel = booted()
    kernel.alloc.fail_nth(nth)
    with pytest.raises(KvmError, match="ENOMEM"):
        kernel.vm_create("scalar")
    assert kernel.alloc.outstanding == []


class Image(Log):
    """Rebuilds memory from the trace alone."""

    def __init__(self, base: int, size: int) -> None:
        super().__init__()
        self.base, self.memory = base, bytearray(b"\xa5" * size)

    def insn(self, hart_id: int, pc: int, issue: Issue, retire: Retire) -> None:
        for address, byte in retire.mem.items():
            self.memory[address - self.base] = byte

    def store(self, hart_id: int, paddr: int, data: bytes) -> None:
        self.memory[paddr - self.base : paddr - self.base + len(data)] = data


def test_every_write_is_in_the_trace() -> None:
    ram_base, ram_size = 0x8020_0000, 0x20_0000
    image = Image(ram_base, ram_size)
    kernel = booted(harts=2, observer=image)
    vcpus = [make_vcpu(kernel, program) for program in ("canary", "vill", "add")]
    scheduler = Scheduler(kernel, vcpus, [kernel.task_create(1)], random.Random(5))
    for _ in range(200):
        scheduler.step()
    assert bytes(image.memory) == kernel.memory.read(ram_base, ram_size)
    kernel.memory.write(ram_base + ram_size - 1, b"\0")
    assert bytes(image.memory) != kernel.memory.read(ram_base, ram_size)


@BOTH
def test_a_guest_keeps_its_state_when_its_pages_are_taken_away(version: KernelVersion) -> None:
    """As swapping out does: all pages go at every fifth exit, and are mapped again when the guest faults on them."""
    kernel = booted(version)
    driver = GuestDriver(kernel, kernel.vcpu_create(driver_vm(kernel), 0))
    driver.start()
    driver.command("set_vs", 1)
    vm, exits, taken = driver.vcpu.vm, 0, 0

    def take(vcpu: Vcpu) -> None:
        nonlocal exits, taken
        exits += 1
        if exits % 5 == 0:
            mapped = [page for page in range(vm.base, vm.base + vm.size, PAGE_SIZE) if vm.is_mapped(page)]
            taken += len(mapped)
            for page in mapped:
                kernel.unmap_page(vm, page)
            assert not any(vm.is_mapped(page) for page in mapped)

    driver.preempt = take
    driver.vcpu.slice = Slice(7)
    vregs = bytes(n * 7 & 0xFF for n in range(kernel.vsize))
    assert driver.load(vregs, 3, 0xC8, 5, 2) is Code.DONE
    driver.set_buffer(bytes(kernel.vsize))
    assert driver.command("dump") is Code.DONE
    assert driver.buffer == vregs
    assert [driver[name] for name in ("vl", "vtype", "vcsr", "vstart")] == [3, 0xC8, 5, 2]
    assert taken > 2
