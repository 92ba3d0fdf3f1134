# SPDX-License-Identifier: Apache-2.0
"""vsetvli, vsetivli, vsetvl: which vl and vtype come of them (C-1 to C-9)."""

from __future__ import annotations

import cocotb
from stimuli import BASE, EEWS, ILLEGAL, LIMIT, LMULS, cause, vtypes

from vctx.pymodel.isa import Csr
from vctx.pymodel.scenarios.directed.stimulus import VILL, vtype
from vctx.tb.agents import Bench


@cocotb.test(**LIMIT)
async def vl_is_the_smaller_of_avl_and_vlmax(dut):
    async with Bench(dut) as bench:
        for sew, lmul in vtypes():
            vlmax = int(bench.vlen * LMULS[lmul]) // sew
            for avl in (0, 1, vlmax - 1, vlmax, vlmax + 1, 2 * vlmax, 1 << 63):
                assert bench.do("vsetvli", rs1=avl, vtypei=vtype(sew, lmul)).vl == min(avl, vlmax)


@cocotb.test(**LIMIT)
async def vsetivli_takes_five_bits(dut):
    async with Bench(dut) as bench:
        for avl in (0, 1, 15, 16, 31):
            for lmul in ("mf2", "m1", "m8"):
                bench.do("vsetivli", uimm=avl, vtypei=vtype(8, lmul))


@cocotb.test(**LIMIT)
async def vsetvl_takes_vtype_from_a_register(dut):
    async with Bench(dut) as bench:
        for sew, lmul in vtypes():
            retire = bench.do("vsetvl", rs1=3, rs2=vtype(sew, lmul, ta=True, ma=True))
            assert retire.vtype == vtype(sew, lmul, ta=True, ma=True)


@cocotb.test(**LIMIT)
async def avl_x0_means_vlmax(dut):
    async with Bench(dut) as bench:
        for sew, lmul in vtypes():
            assert bench.do("vsetvli", rs1=None, vtypei=vtype(sew, lmul)).vl == bench.vlen * LMULS[lmul] // sew


@cocotb.test(**LIMIT)
async def x0_x0_keeps_vl_for_the_same_ratio(dut):
    async with Bench(dut) as bench:
        bench.do("vsetvli", rs1=5, vtypei=vtype(8, "m1"))
        assert bench.do("vsetvli", rd=0, rs1=None, vtypei=vtype(32, "m4")).vl == 5
        assert bench.do("vsetvl", rd=0, rs1=None, rs2=vtype(16, "m2")).vl == 5


@cocotb.test(**LIMIT)
async def x0_x0_with_another_ratio_is_vill(dut):
    async with Bench(dut) as bench:
        bench.do("vsetvli", rs1=5, vtypei=vtype(8, "m1"))
        assert bench.do("vsetvli", rd=0, rs1=None, vtypei=vtype(8, "m2")).vtype == VILL
        assert bench.do("vsetvli", rd=0, rs1=None, vtypei=vtype(8, "m2")).vtype == VILL  # from vill, too


@cocotb.test(**LIMIT)
async def reserved_sew_and_lmul_are_vill(dut):
    async with Bench(dut) as bench:
        good = {vtype(sew, lmul) for sew, lmul in vtypes()}
        for code in range(64):
            retire = bench.do("vsetvli", rs1=4, vtypei=code)
            assert retire.vtype == (code if code in good else VILL)


@cocotb.test(**LIMIT)
@cocotb.parametrize(bit=[8, 9, 10, 11, 31, 32, 62, 63])
async def any_higher_bit_of_vtype_is_vill(dut, bit):
    async with Bench(dut) as bench:
        retire = bench.do("vsetvl", rs1=4, rs2=1 << bit | vtype(8))
        assert (retire.vtype, retire.vl, retire.rd) == (VILL, 0, 0)


@cocotb.test(**LIMIT)
async def vset_clears_vstart(dut):
    async with Bench(dut) as bench:
        for mnemonic, operands in (("vsetvli", {"vtypei": 0}), ("vsetivli", {"vtypei": 0, "uimm": 4})):
            bench.csrw(Csr.VSTART, 3)
            assert bench.do(mnemonic, **operands).vstart == 0


@cocotb.test(**LIMIT)
async def vill_makes_all_but_whole_register_accesses_illegal(dut):
    async with Bench(dut) as bench:
        bench.do("vsetvl", rs1=4, rs2=VILL)
        assert cause(bench.do("vadd.vi", vd=8, vs2=8, imm=1)) == ILLEGAL
        assert cause(bench.do("vle8.v", vd=8, rs1=BASE)) == ILLEGAL
        assert cause(bench.do("vmv1r.v", vd=8, vs2=9)) == ILLEGAL
        assert cause(bench.do("vl1re8.v", vd=8, rs1=BASE)) is None
        assert cause(bench.do("vs1r.v", vs3=8, rs1=BASE)) is None


@cocotb.test(**LIMIT)
@cocotb.parametrize(sew=list(EEWS))
async def emul_out_of_range_is_illegal(dut, sew):
    async with Bench(dut) as bench:
        for eew in EEWS:
            for lmul, factor in LMULS.items():
                if sew > 64 * factor:
                    continue
                bench.vset(sew, lmul, 2)
                legal = 1 / 8 <= eew / sew * factor <= 8
                assert cause(bench.do(f"vle{eew}.v", vd=8, rs1=BASE)) == (None if legal else ILLEGAL)
