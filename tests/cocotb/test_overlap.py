# SPDX-License-Identifier: Apache-2.0
"""Overlap: how far instructions run into each other, and that nobody can tell from what they do."""

from __future__ import annotations

import random
from itertools import pairwise

import cocotb
from stimuli import BASE, EDGE, ILLEGAL, LIMIT, MODES, OUT, cause, fill, mask

from vctx.pymodel.isa import Csr
from vctx.pymodel.scenarios.directed.stimulus import CLEAN, DIRTY
from vctx.pymodel.trace import PAGE_SHIFT, PAGE_SIZE
from vctx.tb.agents import Bench
from vctx.tb.replay.result import Latency

SLOW = Latency(cycles=30)


@cocotb.test(**LIMIT)
async def a_load_begins_while_another_one_moves_its_data(dut):
    async with Bench(dut, latency=SLOW) as bench:
        fill(bench)
        bench.vset(8, "m4")
        await bench.drain()
        flights = []
        for number in range(4):
            bench.do("vle8.v", vd=8 + 4 * number, rs1=BASE + number)
            flights.append(bench.last)
        await bench.drain()
        assert all(one.retired > other.accepted for one, other in pairwise(flights))


@cocotb.test(**LIMIT)
async def a_store_begins_while_another_one_moves_its_data(dut):
    async with Bench(dut, latency=SLOW) as bench:
        bench.vset(8, "m4")
        await bench.drain()
        flights = []
        for number in range(4):
            bench.do("vse8.v", vs3=8 + 4 * number, rs1=OUT + 0x123 * number)
            flights.append(bench.last)
        await bench.drain()
        assert all(one.retired > other.accepted for one, other in pairwise(flights))


@cocotb.test(**LIMIT)
async def csr_instructions_retire_one_a_cycle(dut):
    async with Bench(dut) as bench:
        await bench.drain()
        flights = []
        for csr in (Csr.VL, Csr.VTYPE, Csr.VSTART, Csr.VCSR) * 3:
            bench.csrr(csr)
            flights.append(bench.last)
        await bench.drain()
        assert all(bench.cycle_at(b.retired) == bench.cycle_at(a.retired) + 1 for a, b in pairwise(flights))
        assert bench.cycles(flights[5]) == 2


@cocotb.test(**LIMIT)
@cocotb.parametrize(cycles=[0, 1, 30])
async def hazard_a_store_behind_a_load_stores_what_was_loaded(dut, cycles):
    """The overlap hazard between registers: the store must wait for the data of the load."""
    async with Bench(dut, latency=Latency(cycles=cycles)) as bench:
        fill(bench)
        bench.vset(8, "m4")
        for number in range(6):
            bench.do("vle8.v", vd=8, rs1=BASE + 97 * number)
            bench.do("vse8.v", vs3=8, rs1=OUT + 0x200 * number)


@cocotb.test(**LIMIT)
@cocotb.parametrize(cycles=[0, 1, 30])
async def hazard_a_load_behind_a_store_loads_what_was_stored(dut, cycles):
    """The overlap hazard through memory: the load must wait until the store is done."""
    async with Bench(dut, latency=Latency(cycles=cycles)) as bench:
        bench.vset(8, "m4")
        for number in range(6):
            bench.do("vse8.v", vs3=8 + 4 * (number % 3), rs1=OUT + number)
            bench.do("vle8.v", vd=20, rs1=OUT + number + 1)


@cocotb.test(**LIMIT)
async def hazard_arithmetic_behind_a_load_sees_its_data(dut):
    async with Bench(dut, latency=SLOW) as bench:
        fill(bench)
        bench.vset(16, "m2")
        for number in range(4):
            bench.do("vle16.v", vd=8, rs1=BASE + 64 * number)
            bench.do("vadd.vv", vd=10, vs2=8, vs1=8)
            bench.do("vse16.v", vs3=10, rs1=OUT + 64 * number)


@cocotb.test(**LIMIT)
async def hazard_two_loads_of_the_same_register(dut):
    async with Bench(dut, latency=Latency(cycles=20, random=True, stall=60)) as bench:
        fill(bench)
        bench.vset(8, "m4")
        for number in range(8):
            bench.do("vle8.v", vd=8, rs1=BASE + 0x100 * number + number)


@cocotb.test(**LIMIT)
async def hazard_two_stores_to_the_same_bytes(dut):
    async with Bench(dut, latency=Latency(cycles=20, random=True, stall=60)) as bench:
        bench.vset(8, "m4")
        for number in range(8):
            bench.do("vse8.v", vs3=8 + 4 * (number % 4), rs1=OUT + number)


@cocotb.test(**LIMIT)
async def hazard_a_mask_that_is_just_being_loaded(dut):
    async with Bench(dut, latency=SLOW) as bench:
        fill(bench)
        bench.vset(8, "m2")
        for number in range(3):
            bench.do("vl1re8.v", vd=0, rs1=BASE + 64 * number)
            bench.do("vle8.v", vd=8, rs1=BASE + 0x800, vm=0)
            bench.do("vl1re8.v", vd=0, rs1=BASE + 64 * number + 7)
            bench.do("vadd.vi", vd=8, vs2=8, imm=3, vm=0)


@cocotb.test(**LIMIT)
async def vset_behind_a_load_does_not_change_it(dut):
    async with Bench(dut, latency=SLOW) as bench:
        fill(bench)
        for sew in (8, 16, 32, 64):
            bench.vset(sew, "m2")
            bench.do(f"vle{sew}.v", vd=8, rs1=BASE)
            bench.do("vsetivli", uimm=3, vtypei=0)
            bench.do("vle8.v", vd=8, rs1=BASE + 64)


@cocotb.test(**LIMIT)
async def a_csr_write_behind_a_load_takes_effect_after_it(dut):
    async with Bench(dut, latency=SLOW) as bench:
        bench.vset(8, "m2")
        for start in (1, 5):
            bench.do("vle8.v", vd=8, rs1=BASE)
            bench.csrw(Csr.VSTART, start)
            bench.do("vle8.v", vd=10, rs1=BASE)
            assert bench.csrr(Csr.VSTART) == 0


@cocotb.test(**LIMIT)
async def a_fault_behind_a_load_waits_for_it(dut):
    async with Bench(dut, latency=SLOW) as bench:
        fill(bench, EDGE - PAGE_SIZE)
        bench.vset(8, "m4")
        bench.pages.fault(EDGE >> PAGE_SHIFT)
        for number in range(3):
            bench.do("vle8.v", vd=8, rs1=EDGE - PAGE_SIZE)
            assert cause(bench.do("vle8.v", vd=12, rs1=EDGE - 9 * number)) == 13
            bench.csrw(Csr.VSTART, 0)


@cocotb.test(**LIMIT)
async def an_interrupt_behind_a_store_waits_for_it(dut):
    async with Bench(dut, latency=SLOW) as bench:
        bench.vset(8, "m4")
        for element in (0, 1, 17):
            bench.do("vse8.v", vs3=8, rs1=OUT)
            assert bench.do("vse8.v", vs3=12, rs1=OUT + 0x800, irq=element).vstart == element
            bench.csrw(Csr.VSTART, 0)


@cocotb.test(**LIMIT)
async def an_illegal_instruction_behind_a_load_waits_for_it(dut):
    async with Bench(dut, latency=SLOW) as bench:
        fill(bench)
        bench.vset(8, "m4")
        bench.do("vle8.v", vd=8, rs1=BASE)
        assert cause(bench.do("vle8.v", vd=9, rs1=BASE)) == ILLEGAL
        bench.do("vle8.v", vd=8, rs1=BASE + 5)
        assert cause(bench.csrw(Csr.VL, 0)) == ILLEGAL


@cocotb.test(**LIMIT)
async def a_load_of_a_guest_dirties_its_vs_whoever_comes_behind(dut):
    async with Bench(dut, latency=SLOW) as bench:
        bench.vset(8, "m4")
        for first, second in (("VS", "HS"), ("HS", "VS")):
            bench.mode = "M"
            bench.status(CLEAN, CLEAN)
            bench.mode = first
            one = bench.do("vle8.v", vd=8, rs1=BASE)
            bench.mode = second
            other = bench.do("vle8.v", vd=12, rs1=BASE)
            assert one.vsstatus_vs == (DIRTY if first == "VS" else CLEAN)
            assert other.vsstatus_vs == DIRTY


@cocotb.test(**LIMIT)
@cocotb.parametrize(gap=[1, 3, 12])
async def pauses_between_issues_change_nothing(dut, gap):
    numbers = random.Random(random.getrandbits(32))
    latency = Latency(cycles=15, random=True, stall=40, xlat=3)
    async with Bench(dut, gap=lambda: numbers.randint(0, gap), latency=latency) as bench:
        fill(bench)
        mask(bench)
        for sew in (8, 32):
            bench.vset(sew, "m2")
            for bench.mode in MODES:
                bench.do(f"vle{sew}.v", vd=8, rs1=BASE + sew)
                bench.do(f"vle{sew}.v", vd=10, rs1=BASE + 2 * sew)
                bench.do("vadd.vv", vd=12, vs2=8, vs1=10, vm=0)
                bench.do(f"vse{sew}.v", vs3=12, rs1=OUT)
                bench.do(f"vse{sew}.v", vs3=10, rs1=OUT + 128)
                bench.csrr(Csr.VL)
