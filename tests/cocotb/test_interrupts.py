# SPDX-License-Identifier: Apache-2.0
"""Interrupts at element boundaries: vector loads and stores stop, and go on (D-20, the rule of the irq port)."""

from __future__ import annotations

import cocotb
from stimuli import BASE, EDGE, LIMIT, OUT, fill, mask

from vctx.pymodel.isa import Csr
from vctx.pymodel.scenarios.directed.stimulus import CLEAN, DIRTY
from vctx.pymodel.trace import PAGE_SHIFT, PAGE_SIZE
from vctx.tb.agents import Bench, InterruptInjector


@cocotb.test(**LIMIT)
@cocotb.parametrize(eew=[8, 16, 32, 64])
async def load_is_interrupted_at_each_element_and_goes_on(dut, eew):
    async with Bench(dut) as bench:
        fill(bench)
        bench.vset(eew, "m2")
        for element in range(0, 2 * bench.vlenb * 8 // eew, 5):
            stopped = bench.do(f"vle{eew}.v", vd=8, rs1=BASE + 24, irq=element)
            assert (stopped.irq, stopped.vstart) == (True, element)
            assert not bench.do(f"vle{eew}.v", vd=8, rs1=BASE + 24).irq


@cocotb.test(**LIMIT)
@cocotb.parametrize(eew=[8, 16, 32, 64])
async def store_is_interrupted_at_each_element_and_goes_on(dut, eew):
    async with Bench(dut) as bench:
        bench.vset(eew, "m2")
        for element in range(0, 2 * bench.vlenb * 8 // eew, 5):
            stopped = bench.do(f"vse{eew}.v", vs3=8, rs1=OUT + 24, irq=element)
            assert len(stopped.mem) == element * eew // 8
            bench.do(f"vse{eew}.v", vs3=8, rs1=OUT + 24)


@cocotb.test(**LIMIT)
async def an_interrupt_behind_the_last_element_is_for_the_core(dut):
    async with Bench(dut) as bench:
        bench.vset(8, "m1", 9)
        for element in (9, 10, 4095, 8191):
            assert not bench.do("vle8.v", vd=8, rs1=BASE, irq=element).irq
            assert not bench.do("vse8.v", vs3=8, rs1=OUT, irq=element).irq


@cocotb.test(**LIMIT)
async def an_interrupt_before_vstart_stops_at_vstart(dut):
    async with Bench(dut) as bench:
        bench.vset(8, "m1")
        bench.csrw(Csr.VSTART, 7)
        retire = bench.do("vle8.v", vd=8, rs1=BASE, irq=3)
        assert (retire.irq, retire.vstart, len(retire.vregs)) == (True, 7, 0)


@cocotb.test(**LIMIT)
async def no_progress_leaves_vs_as_it_is(dut):
    async with Bench(dut) as bench:
        bench.vset(8, "m1")
        bench.status(CLEAN, CLEAN)
        bench.mode = "VS"
        retire = bench.do("vle8.v", vd=8, rs1=BASE, irq=0)
        assert (retire.mstatus_vs, retire.vsstatus_vs) == (CLEAN, CLEAN)
        retire = bench.do("vle8.v", vd=8, rs1=BASE, irq=1)
        assert (retire.mstatus_vs, retire.vsstatus_vs) == (DIRTY, DIRTY)


@cocotb.test(**LIMIT)
async def a_fault_before_the_interrupt_is_taken(dut):
    async with Bench(dut) as bench:
        bench.vset(8, "m1")
        bench.pages.fault(EDGE >> PAGE_SHIFT)
        retire = bench.do("vle8.v", vd=8, rs1=EDGE - 4, irq=6)
        assert (retire.irq, retire.vstart, retire.trap is not None) == (False, 4, True)


@cocotb.test(**LIMIT)
async def the_interrupt_goes_before_a_fault_at_its_element(dut):
    async with Bench(dut) as bench:
        fill(bench, EDGE - PAGE_SIZE)
        bench.vset(8, "m1")
        bench.pages.fault(EDGE >> PAGE_SHIFT)
        for element in (2, 4):
            bench.csrw(Csr.VSTART, 0)
            retire = bench.do("vle8.v", vd=8, rs1=EDGE - 4, irq=element)
            assert (retire.irq, retire.vstart, retire.trap) == (True, element, None)


@cocotb.test(**LIMIT)
async def masked_and_whole_register_accesses_are_interrupted_too(dut):
    async with Bench(dut) as bench:
        fill(bench)
        mask(bench, 0x5A5A5)
        bench.vset(16, "m1")
        for mnemonic, operands in (
            ("vle16.v", {"vd": 8, "vm": 0}),
            ("vse16.v", {"vs3": 8, "vm": 0}),
            ("vl2re8.v", {"vd": 8}),
            ("vs2r.v", {"vs3": 8}),
            ("vle16ff.v", {"vd": 8}),
        ):
            assert bench.do(mnemonic, rs1=OUT, irq=6, **operands).vstart == 6
            assert bench.do(mnemonic, rs1=OUT, **operands).vstart == 0


@cocotb.test(**LIMIT)
async def nothing_else_is_interrupted(dut):
    async with Bench(dut) as bench:
        bench.vset(8, "m1")
        for mnemonic, operands in (
            ("vadd.vi", {"vd": 8, "vs2": 8, "imm": 1}),
            ("vsetivli", {"uimm": 4, "vtypei": 0}),
            ("csrrs", {"csr": Csr.VL, "rs1": None}),
        ):
            assert not bench.do(mnemonic, irq=0, **operands).irq


@cocotb.test(**LIMIT)
@cocotb.parametrize(probability=[0.2, 0.8])
async def interrupts_at_random_change_no_result(dut, probability):
    async with Bench(dut, interrupts=InterruptInjector(probability, 64)) as bench:
        fill(bench)
        bench.vset(8, "m2")
        for number in range(12):
            for mnemonic, operands in (("vle8.v", {"vd": 8, "rs1": BASE}), ("vse8.v", {"vs3": 8, "rs1": OUT})):
                operands["rs1"] += 37 * number
                while bench.do(mnemonic, **operands).irq:
                    pass


@cocotb.test(**LIMIT)
async def an_armed_interrupt_stops_the_next_access_once(dut):
    injector = InterruptInjector()
    async with Bench(dut, interrupts=injector) as bench:
        bench.vset(8, "m1")
        injector.arm(5)
        assert not bench.do("vadd.vi", vd=8, vs2=8, imm=1).irq
        assert bench.do("vle8.v", vd=8, rs1=BASE).vstart == 5
        assert bench.do("vle8.v", vd=8, rs1=BASE).vstart == 0
