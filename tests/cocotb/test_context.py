# SPDX-License-Identifier: Apache-2.0
"""The hypervisor's save and restore routines, as machine code: preempted and interrupted wherever they can be.

The golden hart executes them and reports to the bench; the block executes the same instructions behind it.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import count

import cocotb
from kernel_bench import KernelBench
from stimuli import LONG

from vctx.pymodel.isa import Csr, Hart, encode
from vctx.pymodel.scenarios.context import VectorContext
from vctx.pymodel.scenarios.directed.stimulus import CLEAN, DIRTY, OFF, VILL, VS_SHIFT, vtype
from vctx.tb.agents.interrupts import is_vector_memory

POINTS = 30  # more than there are instructions in either routine


def states(host: KernelBench) -> list[VectorContext]:
    return [
        host.state(),
        host.state(VILL, vstart=7),
        host.state(vtype(64, "m1"), 1, 0),
        host.state(vtype(16, "mf2"), 0, host.vlen - 1),
    ]


def interrupted(host: KernelBench, routine: str, argument: int, elements: Iterator[int]) -> int:
    """Run a routine, each of its loads and stores interrupted once; return how many were."""
    hart, found = host.hart, 0
    registers, pc = list(hart.x), hart.pc
    hart.x[1], hart.x[10], hart.pc = Hart.RETURN, argument, host.kernel.program.symbols[routine]
    resumed = False
    while hart.pc != Hart.RETURN:
        at = hart.pc
        element = next(elements) if is_vector_memory(host.kernel.memory.load(at, 4)) and not resumed else None
        hart.step(element)
        resumed = hart.pc == at
        found += resumed
    hart.x[:], hart.pc = registers, pc
    return found


@cocotb.test(**LONG)
async def what_is_restored_and_saved_again_is_the_same(dut):
    async with KernelBench(dut) as host:
        for content in states(host):
            source, target = host.context(content), host.context()
            host.restore(source)
            host.save(target)
            assert host.saved(target) == content


@cocotb.test(**LONG)
async def save_leaves_the_registers_and_vs_off(dut):
    async with KernelBench(dut) as host:
        content = host.state()
        host.restore(host.context(content))
        host.save(host.context())
        assert VectorContext.of_hart(host.hart).vregs == content.vregs
        assert host.kernel.csr_read(host.hart, Csr.SSTATUS) >> VS_SHIFT & 3 == OFF


@cocotb.test(**LONG)
async def save_is_preempted_before_each_instruction(dut):
    async with KernelBench(dut) as host:
        content, foreign = host.state(), host.state(vtype(32, "m2"), 5, 0)
        here, other, target = host.context(), host.context(foreign), host.context()
        source = host.context(content)
        for point in range(POINTS):
            host.restore(source)
            host.kernel.call_stepwise(
                host.hart,
                "vector_save",
                target.context,
                lambda step, point=point: host.preempt(here, other) if step == point else None,
            )
            assert host.saved(target) == content, point


@cocotb.test(**LONG)
async def restore_is_preempted_before_each_instruction(dut):
    async with KernelBench(dut) as host:
        content, foreign = host.state(), host.state(vtype(32, "m2"), 5, 0)
        here, other, source = host.context(), host.context(foreign), host.context(content)
        for point in range(POINTS):
            host.kernel.call_stepwise(
                host.hart,
                "vector_restore",
                source.context,
                lambda step, point=point: host.preempt(here, other) if step == point else None,
            )
            assert VectorContext.of_hart(host.hart) == content, point


@cocotb.test(**LONG)
@cocotb.parametrize(routine=["save", "restore"])
async def a_routine_is_interrupted_in_every_load_and_store(dut, routine):
    """At an element; the handler leaves the unit alone, and the instruction goes on where it stopped."""
    async with KernelBench(dut) as host:
        content = host.state()
        state, target = host.context(content), host.context()
        for first in (0, 1, host.vlenb + 5):
            argument = state.context
            if routine == "save":
                host.restore(state)
                argument = target.context
            assert interrupted(host, f"vector_{routine}", argument, count(first, host.vlenb + 17)) == 4
            if routine == "save":
                assert host.saved(target) == content
            else:
                assert VectorContext.of_hart(host.hart) == content


def owners_take_turns(host: KernelBench, lazy: bool) -> list[VectorContext]:
    """Two owners use the unit in turn, not always; return what is theirs at the end."""
    numbers = random.Random(5)
    homes = [host.context(VectorContext.zero(host.kernel.vsize)) for _ in range(2)]
    status = [CLEAN, CLEAN]
    loaded = -1
    for turn in range(8):
        owner = turn % 2
        uses, writes = numbers.random() < 0.6, numbers.random() < 0.5
        if not lazy or (uses and loaded != owner):
            if lazy and loaded >= 0 and status[loaded] == DIRTY:
                host.save(homes[loaded])
            host.restore(homes[owner])
            loaded = owner
            status[owner] = CLEAN
        host.vs(CLEAN if loaded == owner else OFF)
        if uses:
            host.kernel.csr_read(host.hart, Csr.VL)
            if writes:
                host.hart.inject(encode("vsetivli", rd=0, uimm=9, vtypei=vtype(32, "m2")))
                host.hart.inject(encode("vid.v", vd=2 * turn))
        if loaded == owner:
            status[owner] = max(status[owner], host.kernel.csr_read(host.hart, Csr.SSTATUS) >> VS_SHIFT & 3)
        if not lazy:
            host.save(homes[owner])
    if lazy and status[loaded] == DIRTY:
        host.save(homes[loaded])
    return [host.saved(home) for home in homes]


@cocotb.test(**LONG)
async def lazy_and_eager_switching_leave_the_same(dut):
    async with KernelBench(dut) as host:
        moved = []
        bursts = []
        host.bus.add_callback(bursts.append)
        results = []
        for lazy in (False, True):
            bursts.clear()
            results.append(owners_take_turns(host, lazy))
            await host.drain()
            moved.append(sum(burst.beats for burst in bursts))
        assert results[0] == results[1]
        assert 0 < moved[1] < moved[0] / 2
