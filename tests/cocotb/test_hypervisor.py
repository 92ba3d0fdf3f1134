# SPDX-License-Identifier: Apache-2.0
"""The golden hypervisor runs guests and tasks, which check their own registers; the block executes it all behind."""

from __future__ import annotations

import random

import cocotb
from kernel_bench import KernelBench
from stimuli import LONG

from vctx.pymodel.kvm import Exit, ExitReason, Slice
from vctx.pymodel.kvm.state import Vcpu
from vctx.pymodel.trace import Issue, Retire


def slices(bench: KernelBench) -> Slice:
    """Return how long a guest may run, often into the middle of a vector load or store.

    It looks at each byte of its registers, so the time that it takes between two reports is proportional to VLEN.
    """
    scale = max(1, bench.vlen // 256)
    return Slice(random.randrange(1, 300) * scale, random.choice((None, 0, 1, 5, 17)))


def create(bench: KernelBench, owner: int, program: str = "canary") -> Vcpu:
    vcpu = bench.kernel.vcpu_create(bench.kernel.vm_create(program), owner)
    vcpu.slice = slices(bench)
    return vcpu


def run(bench: KernelBench, vcpu: Vcpu, hart: int = 0, *, moves: bool = False) -> None:
    """One KVM_RUN; `moves` takes the vCPU to another hart at each exit that user space does not see."""
    running = vcpu.run(bench.kernel.harts[hart])
    while True:
        try:
            next(running)
        except StopIteration as stop:
            check(stop.value)
            return
        vcpu.slice = slices(bench)
        if moves and vcpu.hart is not None:
            hart = 1 - hart
            bench.kernel.sched_out(vcpu)
            bench.kernel.sched_in(vcpu, bench.kernel.harts[hart])


def check(exit_: Exit) -> None:
    """A guest reports 0 first if it found its registers as it had left them."""
    assert exit_.reason in (ExitReason.REPORT, ExitReason.PUTCHAR, ExitReason.TIMER), exit_
    if exit_.reason is ExitReason.REPORT:
        assert exit_.args[0] == 0, exit_


@cocotb.test(**LONG)
async def a_guest_finds_its_registers_as_it_left_them(dut):
    async with KernelBench(dut) as bench:
        vcpu = create(bench, 0x11)
        for _ in range(4):
            run(bench, vcpu)


@cocotb.test(**LONG)
async def two_guests_never_find_each_others_registers(dut):
    async with KernelBench(dut) as bench:
        vcpus = [create(bench, owner) for owner in (0x11, 0x22)]
        for turn in range(6):
            run(bench, vcpus[turn % 2])


@cocotb.test(**LONG)
async def a_task_of_the_host_and_a_guest_take_turns(dut):
    async with KernelBench(dut) as bench:
        kernel, hart = bench.kernel, bench.hart
        vcpu, task = create(bench, 0x11), kernel.task_create(0x200)
        for _ in range(4):
            run(bench, vcpu)
            kernel.switch_to(hart, task)
            task.slice = slices(bench)
            check(task.run())
            kernel.switch_to(hart, None)


class TwoHarts(KernelBench):
    """Counts the instructions of the hart that is in the model only."""

    elsewhere = 0

    def insn(self, hart_id: int, pc: int, issue: Issue, retire: Retire) -> None:
        self.elsewhere += hart_id == 1
        super().insn(hart_id, pc, issue, retire)


@cocotb.test(**LONG)
async def a_guest_migrates_between_the_block_and_a_golden_hart(dut):
    """What the block saved is restored by the model, and the other way round: their contexts are the same."""
    async with TwoHarts(dut, harts=2) as bench:
        vcpus = [create(bench, owner) for owner in (0x11, 0x22)]
        for turn in range(6):
            run(bench, vcpus[turn % 2], turn // 2 % 2, moves=True)
        await bench.drain()
        assert bench.elsewhere > 50 and bench.board.instructions > 50
