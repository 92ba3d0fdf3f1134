# SPDX-License-Identifier: Apache-2.0
"""Every kind of vector store: which bytes are written, and that no other is (D-1 to D-20)."""

from __future__ import annotations

import cocotb
from stimuli import EDGE, EEWS, LIMIT, OUT, cause, mask

from vctx.pymodel.isa import Csr
from vctx.pymodel.trace import PAGE_SHIFT
from vctx.tb.agents import Bench


@cocotb.test(**LIMIT)
@cocotb.parametrize(eew=list(EEWS))
async def unit_stride_store(dut, eew):
    async with Bench(dut) as bench:
        for lmul in ("m1", "m2", "m4", "m8"):
            bench.vset(eew, lmul)
            for vl in (1, 3, bench.vlenb * 8 // eew, 2**16):
                bench.do("vsetvli", rd=0, rs1=vl, vtypei=bench.golden_state.vtype)
                bench.do(f"vse{eew}.v", vs3=8, rs1=OUT + 16 * (vl % 100))


@cocotb.test(**LIMIT)
async def store_to_any_byte_address_drops_no_strobe(dut):
    """Each beat has exactly the strobes of the bytes that it stores."""
    async with Bench(dut) as bench:
        bench.vset(8, "m4", bench.vlenb * 3 + 1)
        for offset in range(bench.dlen // 8 + 1):
            stored = bench.do("vse8.v", vs3=8 + 4 * (offset % 4), rs1=OUT + offset * 0x201).mem
            assert len(stored) == bench.vlenb * 3 + 1


@cocotb.test(**LIMIT)
@cocotb.parametrize(eew=list(EEWS))
async def masked_store_writes_active_elements_only(dut, eew):
    async with Bench(dut) as bench:
        for lmul in ("m1", "m4"):
            mask(bench)
            bench.vset(eew, lmul)
            bench.do(f"vse{eew}.v", vs3=8, rs1=OUT + 0x100 + 3 * eew // 8, vm=0)


@cocotb.test(**LIMIT)
async def masked_store_without_an_active_element(dut):
    async with Bench(dut) as bench:
        mask(bench, 0)
        bench.vset(8, "m4")
        bench.pages.fault(OUT >> PAGE_SHIFT)
        assert not bench.do("vse8.v", vs3=8, rs1=OUT, vm=0).mem


@cocotb.test(**LIMIT)
async def mask_store(dut):
    async with Bench(dut) as bench:
        for vl in (1, 7, 8, 9, bench.vlen):
            bench.vset(8, "m8", vl)
            assert len(bench.do("vsm.v", vs3=5, rs1=OUT + vl).mem) == -(-vl // 8)


@cocotb.test(**LIMIT)
@cocotb.parametrize(registers=[1, 2, 4, 8])
async def whole_register_store_ignores_vl(dut, registers):
    async with Bench(dut) as bench:
        bench.vset(64, "m1", 1)
        assert len(bench.do(f"vs{registers}r.v", vs3=16, rs1=OUT + 3).mem) == registers * bench.vlenb


@cocotb.test(**LIMIT)
async def store_from_vstart_on(dut):
    async with Bench(dut) as bench:
        bench.vset(16, "m2")
        for start in (1, 2, 7, bench.vlenb // 2, bench.vlenb - 1, bench.vlenb, bench.vlen - 1):
            bench.csrw(Csr.VSTART, start)
            retire = bench.do("vse16.v", vs3=8, rs1=OUT)
            assert len(retire.mem) == 2 * max(0, bench.vlenb - start)


@cocotb.test(**LIMIT)
async def vl_0_stores_nothing(dut):
    async with Bench(dut) as bench:
        bench.vset(8, "m1", 0)
        bench.pages.fault(OUT >> PAGE_SHIFT)
        assert not bench.do("vse8.v", vs3=8, rs1=OUT).mem


@cocotb.test(**LIMIT)
async def misaligned_store_traps(dut):
    async with Bench(dut) as bench:
        for eew in EEWS[1:]:
            bench.vset(eew, "m1")
            for offset in range(1, eew // 8):
                retire = bench.do(f"vse{eew}.v", vs3=8, rs1=OUT + offset)
                assert (cause(retire), retire.trap.tval) == (6, OUT + offset)


@cocotb.test(**LIMIT)
async def store_across_a_page_boundary(dut):
    async with Bench(dut) as bench:
        bench.vset(8, "m8")
        for before in (1, 7, bench.vlenb, 8 * bench.vlenb - 1):
            bench.do("vse8.v", vs3=8, rs1=EDGE - before)


@cocotb.test(**LIMIT)
@cocotb.parametrize(mode=["HS", "U", "VS", "VU"])
async def the_second_page_of_a_store_may_lie_anywhere(dut, mode):
    async with Bench(dut) as bench:
        bench.vset(8, "m8")
        bench.pages.map(0x1234, (EDGE >> PAGE_SHIFT) + 1)
        bench.pages.map(0x1235, (EDGE >> PAGE_SHIFT) - 1)
        bench.mode = mode
        bench.do("vse8.v", vs3=8, rs1=0x1235000 - 2 * bench.vlenb - 3)


@cocotb.test(**LIMIT)
async def a_masked_store_may_store_its_mask(dut):
    async with Bench(dut) as bench:
        mask(bench)
        bench.vset(8)
        assert cause(bench.do("vse8.v", vs3=0, rs1=OUT, vm=0)) is None
