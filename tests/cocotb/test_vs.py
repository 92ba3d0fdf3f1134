# SPDX-License-Identifier: Apache-2.0
"""VS at both levels: what it forbids, and what makes it Dirty (B-5 to B-16)."""

from __future__ import annotations

import cocotb
from stimuli import BASE, EDGE, GUEST, HOST, ILLEGAL, LIMIT, MODES, cause

from vctx.pymodel.isa import Csr
from vctx.pymodel.scenarios.directed.stimulus import CLEAN, DIRTY, INITIAL, OFF, VS_SHIFT
from vctx.pymodel.trace import PAGE_SHIFT
from vctx.tb.agents import Bench

KINDS = {
    "vset": ("vsetivli", {"uimm": 4, "vtypei": 0}),
    "csr_read": ("csrrs", {"csr": Csr.VL, "rs1": None}),
    "csr_write": ("csrrw", {"csr": Csr.VXRM, "rs1": 1}),
    "load": ("vle8.v", {"vd": 8, "rs1": BASE}),
    "store": ("vse8.v", {"vs3": 8, "rs1": BASE}),
    "whole_load": ("vl2re16.v", {"vd": 8, "rs1": BASE}),
    "arithmetic": ("vadd.vi", {"vd": 8, "vs2": 8, "imm": 1}),
    "move": ("vmv1r.v", {"vd": 8, "vs2": 9}),
    "extract": ("vmv.x.s", {"vs2": 8}),
}


@cocotb.test(**LIMIT)
@cocotb.parametrize(kind=list(KINDS))
async def off_makes_it_illegal_in_every_mode(dut, kind):
    mnemonic, operands = KINDS[kind]
    async with Bench(dut) as bench:
        bench.vset(8)
        bench.status(OFF, DIRTY)
        for bench.mode in MODES:
            assert cause(bench.do(mnemonic, **operands)) == ILLEGAL


@cocotb.test(**LIMIT)
@cocotb.parametrize(kind=list(KINDS))
async def off_in_vsstatus_makes_it_illegal_in_guests_alone(dut, kind):
    mnemonic, operands = KINDS[kind]
    async with Bench(dut) as bench:
        bench.vset(8)
        bench.status(CLEAN, OFF)
        for bench.mode in MODES:
            assert cause(bench.do(mnemonic, **operands)) == (ILLEGAL if bench.mode in GUEST else None)


@cocotb.test(**LIMIT)
@cocotb.parametrize(state=[INITIAL, CLEAN, DIRTY])
async def any_other_state_permits_it(dut, state):
    async with Bench(dut) as bench:
        for bench.mode in MODES:
            bench.status(state, state)
            assert cause(bench.do("vsetivli", uimm=4, vtypei=0)) is None


@cocotb.test(**LIMIT)
@cocotb.parametrize(mode=list(GUEST))
async def vs_at_v1_becomes_dirty_at_both_levels(dut, mode):
    """V=1 makes mstatus.VS and vsstatus.VS Dirty (B-14)."""
    async with Bench(dut) as bench:
        for mnemonic, operands in (KINDS[kind] for kind in KINDS if kind != "csr_read"):
            bench.mode = "M"
            bench.vset(8)
            bench.status(CLEAN, INITIAL)
            bench.mode = mode
            retire = bench.do(mnemonic, **operands)
            assert (retire.mstatus_vs, retire.vsstatus_vs) == (DIRTY, DIRTY), mnemonic


@cocotb.test(**LIMIT)
@cocotb.parametrize(mode=list(HOST))
async def vsstatus_stays_as_it_is_when_the_host_wrote(dut, mode):
    async with Bench(dut) as bench:
        for mnemonic, operands in (KINDS[kind] for kind in KINDS if kind != "csr_read"):
            bench.mode = "M"
            bench.vset(8)
            bench.status(INITIAL, CLEAN)
            bench.mode = mode
            retire = bench.do(mnemonic, **operands)
            assert (retire.mstatus_vs, retire.vsstatus_vs) == (DIRTY, CLEAN), mnemonic


@cocotb.test(**LIMIT)
@cocotb.parametrize(mode=list(MODES))
async def reading_a_csr_leaves_vs_as_it_is(dut, mode):
    async with Bench(dut) as bench:
        bench.status(CLEAN, INITIAL)
        bench.mode = mode
        for csr in (Csr.VL, Csr.VTYPE, Csr.VLENB, Csr.VSTART, Csr.VCSR, Csr.VXRM, Csr.VXSAT):
            retire = bench.do("csrrs", csr=csr, rs1=None)
            assert (retire.mstatus_vs, retire.vsstatus_vs) == (CLEAN, INITIAL)


@cocotb.test(**LIMIT)
@cocotb.parametrize(csr=["VSTART", "VXSAT", "VXRM", "VCSR"])
async def writing_a_csr_makes_vs_dirty_whatever_the_value(dut, csr):
    async with Bench(dut) as bench:
        for mnemonic in ("csrrw", "csrrs", "csrrc"):
            bench.status(CLEAN, CLEAN)
            retire = bench.do(mnemonic, csr=Csr[csr], rs1=0)
            assert (retire.mstatus_vs, retire.vsstatus_vs) == (DIRTY, CLEAN)


@cocotb.test(**LIMIT)
async def an_illegal_instruction_leaves_vs_as_it_is(dut):
    async with Bench(dut) as bench:
        bench.vset(8)
        bench.csrw(Csr.VSTART, 1)
        bench.status(CLEAN, INITIAL)
        bench.mode = "VS"
        for retire in (
            bench.do("vadd.vi", vd=8, vs2=8, imm=1),
            bench.csrw(Csr.VL, 1),
            bench.csrw(Csr.VSSTATUS, 0),
            bench.word(0x57),
        ):
            assert retire.trap is not None
            assert (retire.mstatus_vs, retire.vsstatus_vs) == (CLEAN, INITIAL)


@cocotb.test(**LIMIT)
@cocotb.parametrize(mode=["HS", "VS"])
async def a_fault_makes_vs_dirty(dut, mode):
    async with Bench(dut) as bench:
        bench.vset(8)
        bench.status(CLEAN, CLEAN)
        bench.pages.fault(EDGE >> PAGE_SHIFT)
        bench.mode = mode
        retire = bench.do("vle8.v", vd=8, rs1=EDGE)
        assert (cause(retire), retire.mstatus_vs) == (13, DIRTY)


@cocotb.test(**LIMIT)
async def vl_0_makes_vs_dirty_all_the_same(dut):
    async with Bench(dut) as bench:
        bench.vset(8, "m1", 0)
        for mnemonic, operands in (KINDS["load"], KINDS["store"], KINDS["arithmetic"]):
            bench.status(CLEAN, CLEAN)
            assert bench.do(mnemonic, **operands).mstatus_vs == DIRTY


@cocotb.test(**LIMIT)
async def both_fields_hold_all_four_states(dut):
    async with Bench(dut) as bench:
        for first in range(4):
            for second in range(4):
                bench.status(first, second)
                assert bench.csrr(Csr.SSTATUS) is not None
                bench.mode = "HS"
                retire = bench.csrw(Csr.VSSTATUS, second << VS_SHIFT)
                assert (retire.mstatus_vs, retire.vsstatus_vs) == (first, second)
                retire = bench.csrw(Csr.SSTATUS, second << VS_SHIFT)
                assert (retire.mstatus_vs, retire.vsstatus_vs) == (second, second)


@cocotb.test(**LIMIT)
async def status_registers_can_be_written_while_vs_is_off(dut):
    async with Bench(dut) as bench:
        bench.status(OFF, OFF)
        bench.mode = "VS"
        assert bench.csrw(Csr.SSTATUS, INITIAL << VS_SHIFT).vsstatus_vs == INITIAL
        bench.mode = "HS"
        assert bench.csrw(Csr.SSTATUS, INITIAL << VS_SHIFT).mstatus_vs == INITIAL
