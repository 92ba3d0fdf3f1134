# SPDX-License-Identifier: Apache-2.0
"""Strided loads and stores: elements far apart, and everything that can happen between them (D-24)."""

from __future__ import annotations

import cocotb
from stimuli import BASE, EDGE, EEWS, LIMIT, OUT, cause, fill, mask

from vctx.pymodel.isa import Csr
from vctx.pymodel.trace import PAGE_SHIFT, PAGE_SIZE
from vctx.tb.agents import Bench
from vctx.tb.replay.result import Latency

STRIDES = (0, 1, 3, -1, 24, -40)  # elements


@cocotb.test(**LIMIT)
@cocotb.parametrize(eew=list(EEWS))
async def strided_load(dut, eew):
    async with Bench(dut) as bench:
        fill(bench, EDGE - PAGE_SIZE)
        bench.vset(eew, "m2", 13)
        for stride in STRIDES:
            bench.do(f"vlse{eew}.v", vd=8, rs1=EDGE, rs2=stride * eew // 8)


@cocotb.test(**LIMIT)
@cocotb.parametrize(eew=list(EEWS))
async def strided_store(dut, eew):
    async with Bench(dut) as bench:
        vl = bench.vset(eew, "m2", 13).vl
        for stride in STRIDES:
            stored = bench.do(f"vsse{eew}.v", vs3=8, rs1=OUT + 0x1000, rs2=stride * eew // 8).mem
            assert len(stored) == eew // 8 * (vl if stride else 1)


@cocotb.test(**LIMIT)
async def masked_strided_access_passes_inactive_elements(dut):
    async with Bench(dut) as bench:
        fill(bench)
        mask(bench)
        bench.vset(16, "m2")
        bench.pages.fault((BASE >> PAGE_SHIFT) + 8)
        bench.do("vlse16.v", vd=8, rs1=BASE, rs2=6, vm=0)
        bench.do("vsse16.v", vs3=8, rs1=OUT + PAGE_SIZE, rs2=-10, vm=0)


@cocotb.test(**LIMIT)
async def strided_access_from_vstart_on(dut):
    async with Bench(dut) as bench:
        fill(bench)
        bench.vset(8, "m2", 20)
        for start in (1, 7, 19, 20):
            bench.csrw(Csr.VSTART, start)
            bench.do("vlse8.v", vd=8, rs1=BASE, rs2=33)
            bench.csrw(Csr.VSTART, start)
            assert len(bench.do("vsse8.v", vs3=8, rs1=OUT, rs2=33).mem) == 20 - start


@cocotb.test(**LIMIT)
async def strided_access_faults_at_its_element(dut):
    async with Bench(dut) as bench:
        fill(bench, EDGE - PAGE_SIZE)
        bench.vset(32, "m4")
        page = EDGE >> PAGE_SHIFT
        for mnemonic, operands in (("vlse32.v", {"vd": 8}), ("vsse32.v", {"vs3": 8})):
            for element in (0, 3, 11):
                bench.pages.fault(page)
                retire = bench.do(mnemonic, rs1=EDGE - 12 * element, rs2=12, **operands)
                assert (retire.vstart, retire.trap.tval) == (element, EDGE)
                bench.pages.clear(page)
                assert cause(bench.do(mnemonic, rs1=EDGE - 12 * element, rs2=12, **operands)) is None


@cocotb.test(**LIMIT)
async def a_misaligned_stride_traps_where_it_matters(dut):
    async with Bench(dut) as bench:
        bench.vset(32, "m1")
        retire = bench.do("vlse32.v", vd=8, rs1=BASE, rs2=6)
        assert (cause(retire), retire.vstart, retire.trap.tval) == (4, 1, BASE + 6)


@cocotb.test(**LIMIT)
async def strided_access_is_interrupted(dut):
    async with Bench(dut) as bench:
        fill(bench)
        bench.vset(16, "m2")
        for element in (0, 1, 9):
            for mnemonic, operands in (("vlse16.v", {"vd": 8}), ("vsse16.v", {"vs3": 8})):
                assert bench.do(mnemonic, rs1=OUT, rs2=10, irq=element, **operands).vstart == element
                assert not bench.do(mnemonic, rs1=OUT, rs2=10, **operands).irq


@cocotb.test(**LIMIT)
async def hazard_strided_among_unit_stride(dut):
    async with Bench(dut, latency=Latency(cycles=20)) as bench:
        fill(bench)
        bench.vset(8, "m1")
        for number in range(4):
            bench.do("vlse8.v", vd=8, rs1=BASE, rs2=7 + number)
            bench.do("vle8.v", vd=9, rs1=BASE + number)
            bench.do("vsse8.v", vs3=9, rs1=OUT, rs2=3)
            bench.do("vse8.v", vs3=8, rs1=OUT + number)
            bench.do("vlse8.v", vd=9, rs1=OUT, rs2=2)
