# SPDX-License-Identifier: Apache-2.0
"""Moves and integer arithmetic: results, masks, tails, and what is illegal (E-1 to E-15)."""

from __future__ import annotations

import random

import cocotb
from stimuli import EEWS, ILLEGAL, LIMIT, cause, mask, vtypes

from vctx.pymodel.isa import Csr
from vctx.tb.agents import Bench

VV = ("vadd", "vsub", "vand", "vor", "vxor")
COMPARES = ("vmseq", "vmsne", "vmsltu", "vmslt", "vmsleu", "vmsle")
MASKS = ("vmandn", "vmand", "vmor", "vmxor", "vmorn", "vmnand", "vmnor", "vmxnor")


@cocotb.test(**LIMIT)
@cocotb.parametrize(sew=list(EEWS))
async def add_and_logic_of_vectors(dut, sew):
    async with Bench(dut) as bench:
        for lmul in ("m1", "m2", "m8"):
            bench.vset(sew, lmul)
            for name in VV:
                bench.do(f"{name}.vv", vd=8, vs2=16, vs1=24)


@cocotb.test(**LIMIT)
@cocotb.parametrize(sew=list(EEWS))
async def add_and_logic_with_a_scalar(dut, sew):
    async with Bench(dut) as bench:
        bench.vset(sew, "m2", 11)
        for name in (*VV, "vrsub"):
            bench.do(f"{name}.vx", vd=8, vs2=16, rs1=random.getrandbits(64))


@cocotb.test(**LIMIT)
@cocotb.parametrize(sew=list(EEWS))
async def immediates_are_sign_extended(dut, sew):
    async with Bench(dut) as bench:
        bench.vset(sew, "m1")
        for name in ("vadd", "vrsub", "vand", "vor", "vxor"):
            for imm in (-16, -1, 15):
                bench.do(f"{name}.vi", vd=8, vs2=16, imm=imm)


@cocotb.test(**LIMIT)
@cocotb.parametrize(sew=list(EEWS))
async def compares_write_a_mask(dut, sew):
    async with Bench(dut) as bench:
        bench.do("vmv8r.v", vd=24, vs2=16)  # so that some elements are equal
        bench.vset(sew, "m4", 13)
        bench.do("vadd.vi", vd=24, vs2=24, imm=1)
        bench.vset(sew, "m8")
        for name in COMPARES:
            bench.do(f"{name}.vv", vd=1, vs2=16, vs1=24)
            bench.do(f"{name}.vx", vd=2, vs2=16, rs1=random.getrandbits(64))
        for name in ("vmsgtu", "vmsgt"):
            bench.do(f"{name}.vx", vd=3, vs2=16, rs1=random.getrandbits(64))
            bench.do(f"{name}.vi", vd=4, vs2=16, imm=-3)


@cocotb.test(**LIMIT)
async def mask_logic_writes_vl_bits(dut):
    async with Bench(dut) as bench:
        for vl in (1, 9, bench.vlen):
            bench.vset(8, "m8", vl)
            for name in MASKS:
                bench.do(f"{name}.mm", vd=3, vs2=16, vs1=17)


@cocotb.test(**LIMIT)
@cocotb.parametrize(sew=list(EEWS))
async def masked_arithmetic_leaves_inactive_elements(dut, sew):
    async with Bench(dut) as bench:
        mask(bench)
        bench.vset(sew, "m4")
        bench.do("vadd.vv", vd=8, vs2=16, vs1=24, vm=0)
        bench.do("vmslt.vv", vd=5, vs2=16, vs1=24, vm=0)


@cocotb.test(**LIMIT)
async def merge_takes_from_either_source(dut):
    async with Bench(dut) as bench:
        mask(bench)
        bench.vset(16, "m2")
        bench.do("vmerge.vvm", vd=8, vs2=16, vs1=24)
        bench.do("vmerge.vxm", vd=8, vs2=16, rs1=0x1234)
        bench.do("vmerge.vim", vd=8, vs2=16, imm=-5)


@cocotb.test(**LIMIT)
async def moves_fill_a_group(dut):
    async with Bench(dut) as bench:
        for sew, lmul in vtypes():
            bench.vset(sew, lmul)
            bench.do("vmv.v.x", vd=8, rs1=0x0123_4567_89AB_CDEF)
            bench.do("vmv.v.v", vd=16, vs1=24)
            bench.do("vmv.v.i", vd=8, imm=-7)


@cocotb.test(**LIMIT)
@cocotb.parametrize(registers=[1, 2, 4, 8])
async def whole_register_moves_ignore_vl(dut, registers):
    async with Bench(dut) as bench:
        bench.vset(8, "m1", 1)
        retire = bench.do(f"vmv{registers}r.v", vd=16, vs2=8)
        assert sorted(retire.vregs) == list(range(16, 16 + registers))
        bench.do(f"vmv{registers}r.v", vd=16, vs2=16)


@cocotb.test(**LIMIT)
@cocotb.parametrize(sew=list(EEWS))
async def element_0_goes_to_and_from_a_scalar(dut, sew):
    async with Bench(dut) as bench:
        bench.vset(sew)
        for value in (0x80, 0x8000, 1 << 31, 1 << 63, 0x7F):
            bench.do("vmv.s.x", vd=9, rs1=value)
            bench.do("vmv.x.s", vs2=9)
        bench.vset(sew, "m1", 0)
        bench.do("vmv.s.x", vd=9, rs1=1)  # vl = 0 writes nothing, but
        bench.do("vmv.x.s", vs2=9)  # reads all the same


@cocotb.test(**LIMIT)
async def vid_numbers_the_elements(dut):
    async with Bench(dut) as bench:
        mask(bench)
        for sew, lmul in vtypes():
            bench.vset(sew, lmul)
            bench.do("vid.v", vd=8)
            bench.do("vid.v", vd=16, vm=0)


@cocotb.test(**LIMIT)
async def arithmetic_with_vstart_is_illegal(dut):
    async with Bench(dut) as bench:
        bench.vset(8)
        for mnemonic, operands in (
            ("vadd.vi", {"vd": 8, "vs2": 8, "imm": 1}),
            ("vmv1r.v", {"vd": 8, "vs2": 9}),
            ("vmand.mm", {"vd": 8, "vs2": 9, "vs1": 10}),
            ("vmv.x.s", {"vs2": 8}),
        ):
            bench.csrw(Csr.VSTART, 1)
            retire = bench.do(mnemonic, **operands)
            assert (cause(retire), retire.vstart) == (ILLEGAL, 1)


@cocotb.test(**LIMIT)
async def groups_must_be_aligned(dut):
    async with Bench(dut) as bench:
        bench.vset(8, "m4")
        for operands in ({"vd": 9}, {"vs2": 18}, {"vs1": 25}):
            assert cause(bench.do("vadd.vv", **({"vd": 8, "vs2": 16, "vs1": 24} | operands))) == ILLEGAL
        assert cause(bench.do("vmv2r.v", vd=9, vs2=16)) == ILLEGAL


@cocotb.test(**LIMIT)
async def a_compare_may_overwrite_the_lowest_source_register_only(dut):
    async with Bench(dut) as bench:
        bench.vset(8, "m4")
        for vd in (16, 17, 19, 20):
            assert cause(bench.do("vmseq.vv", vd=vd, vs2=16, vs1=24)) == (ILLEGAL if vd in (17, 19) else None)
        assert cause(bench.do("vmseq.vv", vd=26, vs2=16, vs1=24)) == ILLEGAL


@cocotb.test(**LIMIT)
async def masked_arithmetic_must_not_overwrite_its_mask(dut):
    async with Bench(dut) as bench:
        bench.vset(8)
        assert cause(bench.do("vadd.vi", vd=0, vs2=8, imm=1, vm=0)) == ILLEGAL
        assert cause(bench.do("vmseq.vi", vd=0, vs2=8, imm=1, vm=0)) is None
