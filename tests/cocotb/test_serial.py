# SPDX-License-Identifier: Apache-2.0
"""Instructions that take their elements one by one, and what else plain loops need: see docs/isa.md."""

from __future__ import annotations

import random

import cocotb
from stimuli import EEWS, ILLEGAL, LIMIT, cause, fill, mask

from vctx.pymodel.isa import Csr
from vctx.tb.agents import Bench

MULTIPLY = ("vmul", "vmulh", "vmulhu", "vmulhsu")
ACCUMULATE = ("vmacc", "vnmsac", "vmadd", "vnmsub")
SHIFTS = ("vsll", "vsrl", "vsra")
EXTREMES = ("vminu", "vmin", "vmaxu", "vmax")
REDUCE = ("vredsum", "vredand", "vredor", "vredxor", "vredminu", "vredmin", "vredmaxu", "vredmax")
WIDEN = ("vwaddu", "vwadd", "vwsubu", "vwsub", "vwmulu", "vwmulsu", "vwmul")


@cocotb.test(**LIMIT)
@cocotb.parametrize(sew=list(EEWS))
async def multiplication(dut, sew):
    async with Bench(dut) as bench:
        bench.vset(sew, "m1", 9)
        for name in (*MULTIPLY, *ACCUMULATE):
            for form, source in ((".vv", {"vs1": 24}), (".vx", {"rs1": random.getrandbits(64)})):
                bench.do(f"{name}{form}", vd=8, vs2=16, **source)


@cocotb.test(**LIMIT)
@cocotb.parametrize(sew=list(EEWS))
async def shifts_and_extremes(dut, sew):
    async with Bench(dut) as bench:
        bench.vset(sew, "m2")
        for name in (*SHIFTS, *EXTREMES):
            bench.do(f"{name}.vv", vd=8, vs2=16, vs1=24)
            bench.do(f"{name}.vx", vd=8, vs2=16, rs1=random.getrandbits(64))
        for name in SHIFTS:
            bench.do(f"{name}.vi", vd=8, vs2=16, uimm=5)


@cocotb.test(**LIMIT)
@cocotb.parametrize(sew=list(EEWS))
async def reductions(dut, sew):
    async with Bench(dut) as bench:
        mask(bench)
        bench.vset(sew, "m2", 11)
        for name in REDUCE:
            bench.do(f"{name}.vs", vd=8, vs2=16, vs1=24)
            bench.do(f"{name}.vs", vd=9, vs2=16, vs1=24, vm=0)
        bench.vset(sew, "m1", 0)
        assert not bench.do("vredsum.vs", vd=8, vs2=16, vs1=24).vregs


@cocotb.test(**LIMIT)
@cocotb.parametrize(sew=[8, 16, 32])
async def widening_and_narrowing(dut, sew):
    async with Bench(dut) as bench:
        bench.vset(sew, "m1", 7)
        for name in WIDEN:
            bench.do(f"{name}.vv", vd=8, vs2=16, vs1=24)
        for name in ("vwadd", "vwsubu"):
            bench.do(f"{name}.wv", vd=8, vs2=16, vs1=24)
        for name in ("vnsrl", "vnsra"):
            bench.do(f"{name}.wi", vd=8, vs2=16, uimm=3)
        bench.vset(2 * sew, "m1", 7)
        bench.do("vzext.vf2", vd=8, vs2=16)
        bench.do("vsext.vf2", vd=8, vs2=16)


@cocotb.test(**LIMIT)
async def slides(dut):
    async with Bench(dut) as bench:
        for sew in EEWS:
            bench.vset(sew, "m2", 13)
            for offset in (0, 1, 5, 40):
                bench.do("vslideup.vx", vd=8, vs2=16, rs1=offset)
                bench.do("vslidedown.vx", vd=10, vs2=16, rs1=offset)
            bench.do("vslide1up.vx", vd=8, vs2=16, rs1=random.getrandbits(64))
            bench.do("vslide1down.vx", vd=8, vs2=16, rs1=random.getrandbits(64))


@cocotb.test(**LIMIT)
async def counting_mask_bits(dut):
    async with Bench(dut) as bench:
        for vl in (0, 1, 20, bench.vlen):
            bench.vset(8, "m8", vl)
            bench.do("vcpop.m", vs2=9)
            bench.do("vfirst.m", vs2=9)
            bench.do("viota.m", vd=16, vs2=9)
        mask(bench, 0)
        bench.vset(8, "m1")
        assert bench.do("vfirst.m", vs2=0).rd == (1 << 64) - 1


@cocotb.test(**LIMIT)
async def serial_instructions_with_vstart_are_illegal(dut):
    async with Bench(dut) as bench:
        bench.vset(8)
        for mnemonic in ("vmul.vv", "vredsum.vs", "vslide1up.vx"):
            operands = {"vs1": 24} if mnemonic != "vslide1up.vx" else {"rs1": 3}
            bench.csrw(Csr.VSTART, 1)
            assert cause(bench.do(mnemonic, vd=8, vs2=16, **operands)) == ILLEGAL


@cocotb.test(**LIMIT)
async def hazard_multiplication_behind_a_load(dut):
    async with Bench(dut) as bench:
        fill(bench)
        bench.vset(8, "m1")
        for number in range(3):
            bench.do("vle8.v", vd=8, rs1=0x8000_0000 + number)
            bench.do("vmul.vv", vd=9, vs2=8, vs1=8)
            bench.do("vse8.v", vs3=9, rs1=0x8000_8000)
