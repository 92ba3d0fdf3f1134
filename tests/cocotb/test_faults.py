# SPDX-License-Identifier: Apache-2.0
"""Faults at elements: where they are taken, what they report, and what is left to do (D-8 to D-15, D-19)."""

from __future__ import annotations

import cocotb
from stimuli import BASE, EDGE, LIMIT, OUT, cause, fill, mask

from vctx.pymodel.isa import Csr
from vctx.pymodel.scenarios.directed.stimulus import CLEAN, DIRTY
from vctx.pymodel.trace import PAGE_SHIFT, PAGE_SIZE
from vctx.tb.agents import Bench

PAGE = EDGE >> PAGE_SHIFT
FAULTS = {"page": (13, 15), "guest": (21, 23), "access": (5, 7)}


def interrupted_by_a_fault(bench: Bench, mnemonic: str, addr: int, **operands: int) -> int:
    """Execute an instruction that runs into the page at EDGE, repair it, and go on; return where it stopped."""
    bench.pages.fault(PAGE)
    stopped = bench.do(mnemonic, rs1=addr, **operands)
    bench.pages.clear(PAGE)
    finished = bench.do(mnemonic, rs1=addr, **operands)
    assert stopped.trap is not None and finished.trap is None and finished.vstart == 0
    return stopped.vstart


@cocotb.test(**LIMIT)
@cocotb.parametrize(eew=[8, 16, 32, 64])
async def load_stops_at_each_element_and_goes_on(dut, eew):
    async with Bench(dut) as bench:
        fill(bench, EDGE - PAGE_SIZE)
        bench.vset(eew, "m2")
        size = eew // 8
        for element in range(0, 2 * bench.vlenb // size, 3):
            at = interrupted_by_a_fault(bench, f"vle{eew}.v", EDGE - element * size, vd=8)
            assert at == element


@cocotb.test(**LIMIT)
@cocotb.parametrize(eew=[8, 16, 32, 64])
async def store_stops_at_each_element_and_goes_on(dut, eew):
    async with Bench(dut) as bench:
        bench.vset(eew, "m2")
        size = eew // 8
        for element in range(0, 2 * bench.vlenb // size, 3):
            at = interrupted_by_a_fault(bench, f"vse{eew}.v", EDGE - element * size, vs3=8)
            assert at == element


@cocotb.test(**LIMIT)
async def vstart_after_a_fault_is_the_element_that_faulted(dut):
    """A handler that reads vstart must find the element, and vl as it was (D-8)."""
    async with Bench(dut) as bench:
        bench.vset(16, "m2", 9)
        bench.pages.fault(PAGE)
        for element in (1, 4, 8):
            bench.do("vle16.v", vd=8, rs1=EDGE - 2 * element)
            assert (bench.csrr(Csr.VSTART), bench.csrr(Csr.VL)) == (element, 9)
            bench.csrw(Csr.VSTART, 0)


@cocotb.test(**LIMIT)
async def mask_load_and_store_fault_at_a_byte(dut):
    async with Bench(dut) as bench:
        fill(bench, EDGE - PAGE_SIZE)
        bench.vset(16, "m8")
        for element in (0, 1, bench.vlenb // 2 - 1):
            assert interrupted_by_a_fault(bench, "vlm.v", EDGE - element, vd=8) == element
            assert interrupted_by_a_fault(bench, "vsm.v", EDGE - element, vs3=8) == element


@cocotb.test(**LIMIT)
async def whole_register_load_and_store_fault_at_an_element(dut):
    async with Bench(dut) as bench:
        fill(bench, EDGE - PAGE_SIZE)
        assert interrupted_by_a_fault(bench, "vl4re32.v", EDGE - 4 * 5, vd=8) == 5
        assert interrupted_by_a_fault(bench, "vs4r.v", EDGE - 37, vs3=8) == 37


@cocotb.test(**LIMIT)
@cocotb.parametrize(mode=["HS", "U", "VS", "VU"])
@cocotb.parametrize(fault=list(FAULTS))
async def a_fault_reports_cause_and_addresses(dut, mode, fault):
    if fault == "guest" and mode in ("HS", "U"):
        mode = "VS" if mode == "HS" else "VU"
    async with Bench(dut) as bench:
        bench.vset(32, "m2")
        bench.pages.fault(PAGE, fault, gpn=0x12345 if fault == "guest" else 0)
        bench.mode = mode
        for mnemonic, register, number in (("vle32.v", "vd", 0), ("vse32.v", "vs3", 1)):
            trap = bench.do(mnemonic, rs1=EDGE - 12, **{register: 8}).trap
            bench.csrw(Csr.VSTART, 0)
            tval2 = 0x12345 << 10 if fault == "guest" else 0
            assert (trap.cause, trap.tval, trap.tval2) == (FAULTS[fault][number], EDGE, tval2)


@cocotb.test(**LIMIT)
async def a_page_without_an_active_element_does_not_fault(dut):
    async with Bench(dut) as bench:
        fill(bench, EDGE - PAGE_SIZE)
        bench.pages.fault(PAGE)
        mask(bench, (1 << 11) - 1)
        bench.vset(8, "m1")
        assert bench.do("vle8.v", vd=8, rs1=EDGE - 11, vm=0).trap is None
        assert bench.do("vse8.v", vs3=8, rs1=EDGE - 11, vm=0).trap is None
        assert bench.do("vle8.v", vd=8, rs1=EDGE - 10, vm=0).vstart == 10


@cocotb.test(**LIMIT)
async def a_fault_is_taken_at_the_first_active_element_of_its_page(dut):
    async with Bench(dut) as bench:
        mask(bench, 1 << 20 | 7)
        bench.vset(8, "m2")
        bench.pages.fault(PAGE)
        retire = bench.do("vle8.v", vd=8, rs1=EDGE - 9, vm=0)
        assert (retire.vstart, retire.trap.tval) == (20, EDGE + 11)


@cocotb.test(**LIMIT)
async def fault_only_first_trims_vl(dut):
    async with Bench(dut) as bench:
        fill(bench, EDGE - PAGE_SIZE)
        bench.pages.fault(PAGE)
        for element in (1, 5, 15):
            bench.vset(16, "m2")
            retire = bench.do("vle16ff.v", vd=8, rs1=EDGE - 2 * element)
            assert (cause(retire), retire.vl, retire.vstart) == (None, element, 0)


@cocotb.test(**LIMIT)
async def fault_only_first_traps_at_element_0(dut):
    async with Bench(dut) as bench:
        bench.pages.fault(PAGE)
        bench.vset(16, "m1")
        retire = bench.do("vle16ff.v", vd=8, rs1=EDGE)
        assert (cause(retire), retire.vl) == (13, bench.vlen // 16)


@cocotb.test(**LIMIT)
async def misaligned_goes_before_a_page_fault(dut):
    async with Bench(dut) as bench:
        bench.pages.fault(PAGE)
        bench.vset(32, "m1")
        assert cause(bench.do("vle32.v", vd=8, rs1=EDGE + 2)) == 4
        assert cause(bench.do("vse32.v", vs3=8, rs1=EDGE + 2)) == 6


@cocotb.test(**LIMIT)
async def a_fault_in_a_guest_makes_both_levels_dirty(dut):
    async with Bench(dut) as bench:
        bench.vset(8)
        bench.status(CLEAN, CLEAN)
        bench.pages.fault(PAGE, "guest", gpn=5)
        bench.mode = "VU"
        retire = bench.do("vse8.v", vs3=8, rs1=EDGE - 1)
        assert (retire.mstatus_vs, retire.vsstatus_vs) == (DIRTY, DIRTY)


@cocotb.test(**LIMIT)
async def registers_before_the_fault_are_written_and_no_others(dut):
    async with Bench(dut) as bench:
        fill(bench, EDGE - PAGE_SIZE)
        bench.vset(8, "m4")
        bench.pages.fault(PAGE)
        retire = bench.do("vle8.v", vd=8, rs1=EDGE - bench.vlenb - 1)
        assert sorted(retire.vregs) == [8, 9]
        assert len(bench.do("vse8.v", vs3=16, rs1=EDGE - 2 * bench.vlenb - 1).mem) == bench.vlenb  # from vstart on


@cocotb.test(**LIMIT)
async def an_address_without_memory_is_an_access_fault(dut):
    async with Bench(dut) as bench:
        bench.vset(8, "m1")
        assert cause(bench.do("vle8.v", vd=8, rs1=0x4000_0000)) == 5
        assert cause(bench.do("vse8.v", vs3=8, rs1=0x4000_0000)) == 7
        assert cause(bench.do("vse8.v", vs3=8, rs1=OUT)) is None
        assert cause(bench.do("vle8.v", vd=8, rs1=BASE)) is None
