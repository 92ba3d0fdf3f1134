# SPDX-License-Identifier: Apache-2.0
"""Every kind of vector load: which bytes reach which elements (D-1 to D-20)."""

from __future__ import annotations

import cocotb
from stimuli import BASE, EDGE, EEWS, ILLEGAL, LIMIT, cause, fill, mask

from vctx.pymodel.isa import Csr
from vctx.pymodel.trace import PAGE_SHIFT, PAGE_SIZE
from vctx.tb.agents import Bench


@cocotb.test(**LIMIT)
@cocotb.parametrize(eew=list(EEWS))
async def unit_stride_load(dut, eew):
    async with Bench(dut) as bench:
        fill(bench)
        for lmul in ("m1", "m2", "m4", "m8"):
            bench.vset(eew, lmul)
            for vl in (1, 3, bench.vlenb * 8 // eew, 2**16):
                bench.do("vsetvli", rd=0, rs1=vl, vtypei=bench.golden_state.vtype)
                bench.do(f"vle{eew}.v", vd=8, rs1=BASE + 16 * (vl % 100))


@cocotb.test(**LIMIT)
async def load_from_any_byte_address(dut):
    async with Bench(dut) as bench:
        fill(bench)
        bench.vset(8, "m4", bench.vlenb * 3 + 1)
        for offset in range(bench.dlen // 8 + 1):
            bench.do("vle8.v", vd=8 + 4 * (offset % 4), rs1=BASE + offset)


@cocotb.test(**LIMIT)
@cocotb.parametrize(eew=list(EEWS))
async def masked_load_leaves_inactive_elements(dut, eew):
    async with Bench(dut) as bench:
        fill(bench)
        for lmul in ("m1", "m4"):
            mask(bench)
            bench.vset(eew, lmul)
            bench.do(f"vle{eew}.v", vd=8, rs1=BASE + 8, vm=0)


@cocotb.test(**LIMIT)
async def masked_load_without_an_active_element(dut):
    async with Bench(dut) as bench:
        mask(bench, 0)
        bench.vset(8, "m4")
        bench.pages.fault(BASE >> PAGE_SHIFT)
        assert not bench.do("vle8.v", vd=8, rs1=BASE, vm=0).vregs


@cocotb.test(**LIMIT)
async def load_with_another_width_than_sew(dut):
    async with Bench(dut) as bench:
        fill(bench)
        for sew in EEWS:
            for eew in EEWS:
                bench.vset(sew, "m1", 5)
                bench.do(f"vle{eew}.v", vd=8, rs1=BASE)


@cocotb.test(**LIMIT)
async def mask_load(dut):
    async with Bench(dut) as bench:
        fill(bench)
        for vl in (1, 7, 8, 9, bench.vlen):
            bench.vset(8, "m8", vl)
            bench.do("vlm.v", vd=5, rs1=BASE + vl)


@cocotb.test(**LIMIT)
@cocotb.parametrize(registers=[1, 2, 4, 8])
async def whole_register_load_ignores_vl(dut, registers):
    async with Bench(dut) as bench:
        fill(bench)
        bench.vset(64, "m1", 1)
        for eew in EEWS:
            retire = bench.do(f"vl{registers}re{eew}.v", vd=16, rs1=BASE + eew)
            assert sorted(retire.vregs) == list(range(16, 16 + registers))


@cocotb.test(**LIMIT)
async def load_from_vstart_on(dut):
    async with Bench(dut) as bench:
        fill(bench)
        bench.vset(16, "m2")
        for start in (1, 2, 7, bench.vlenb // 2, bench.vlenb - 1, bench.vlenb, bench.vlen - 1):
            bench.csrw(Csr.VSTART, start)
            assert bench.do("vle16.v", vd=8, rs1=BASE).vstart == 0


@cocotb.test(**LIMIT)
async def the_tail_keeps_its_value(dut):
    async with Bench(dut) as bench:
        fill(bench)
        for ta in (0, 1):
            for vl in (1, bench.vlenb // 2 + 1):
                bench.do("vsetvli", rs1=vl, vtypei=1 | ta << 6)
                bench.do("vle8.v", vd=8, rs1=BASE)


@cocotb.test(**LIMIT)
async def vl_0_loads_nothing(dut):
    async with Bench(dut) as bench:
        bench.vset(8, "m1", 0)
        bench.pages.fault(BASE >> PAGE_SHIFT)
        assert not bench.do("vle8.v", vd=8, rs1=BASE).vregs
        assert not bench.do("vlm.v", vd=8, rs1=BASE).vregs


@cocotb.test(**LIMIT)
async def misaligned_load_traps(dut):
    async with Bench(dut) as bench:
        fill(bench)
        for eew in EEWS[1:]:
            bench.vset(eew, "m1")
            for offset in range(1, eew // 8):
                retire = bench.do(f"vle{eew}.v", vd=8, rs1=BASE + offset)
                assert (cause(retire), retire.trap.tval) == (4, BASE + offset)


@cocotb.test(**LIMIT)
async def load_across_a_page_boundary(dut):
    async with Bench(dut) as bench:
        fill(bench, EDGE - PAGE_SIZE)
        bench.vset(8, "m8")
        for before in (1, 7, bench.vlenb, 8 * bench.vlenb - 1):
            bench.do("vle8.v", vd=8, rs1=EDGE - before)


@cocotb.test(**LIMIT)
@cocotb.parametrize(mode=["HS", "U", "VS", "VU"])
async def the_second_page_of_a_load_may_lie_anywhere(dut, mode):
    async with Bench(dut) as bench:
        fill(bench, EDGE - PAGE_SIZE, 4 * PAGE_SIZE)
        bench.vset(8, "m8")
        bench.pages.map(0x1234, (EDGE >> PAGE_SHIFT) + 1)
        bench.pages.map(0x1235, (EDGE >> PAGE_SHIFT) - 1)
        bench.mode = mode
        bench.do("vle8.v", vd=8, rs1=0x1235000 - 2 * bench.vlenb - 3)


@cocotb.test(**LIMIT)
async def a_load_into_a_misaligned_group_is_illegal(dut):
    async with Bench(dut) as bench:
        for lmul, size in (("m2", 2), ("m4", 4), ("m8", 8)):
            bench.vset(8, lmul)
            for vd in range(8, 17):
                assert cause(bench.do("vle8.v", vd=vd, rs1=BASE)) == (ILLEGAL if vd % size else None)


@cocotb.test(**LIMIT)
async def a_masked_load_must_not_overwrite_its_mask(dut):
    async with Bench(dut) as bench:
        bench.vset(8)
        assert cause(bench.do("vle8.v", vd=0, rs1=BASE, vm=0)) == ILLEGAL
        assert cause(bench.do("vle8.v", vd=0, rs1=BASE)) is None


@cocotb.test(**LIMIT)
@cocotb.parametrize(word=[0x06050407, 0x0C050407, 0x20050407, 0x02C50407, 0x10050407])
async def loads_that_do_not_exist_are_illegal(dut, word):
    """Indexed in either order, segment, reserved lumop, mew."""
    async with Bench(dut) as bench:
        bench.vset(8)

        assert cause(bench.word(word, rs1=BASE)) == ILLEGAL
