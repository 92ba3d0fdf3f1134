# SPDX-License-Identifier: Apache-2.0
"""Reset: the state it leaves, and that nothing of what it interrupts comes back (A-14)."""

from __future__ import annotations

import cocotb
from cocotb.triggers import ClockCycles, RisingEdge
from stimuli import BASE, EDGE, ILLEGAL, LIMIT, OUT, cause, fill

from vctx.pymodel.isa import Csr
from vctx.tb.agents import Bench
from vctx.tb.replay.result import Latency


async def until(bench: Bench, pin: str, times: int = 1) -> None:
    """Wait until a pin has been 1 at so many edges."""
    while times:
        await RisingEdge(bench.clock)
        times -= str(getattr(bench.dut, pin).value) == "1"


def go_on(bench: Bench) -> None:
    """Bring everything that reset leaves open to a known state again, and use it."""
    bench.status(3, 3)
    bench.load_registers()
    bench.write(OUT, bytes(0x1000))
    bench.vset(8, "m4")
    bench.do("vle8.v", vd=8, rs1=BASE + 3)
    bench.do("vse8.v", vs3=8, rs1=OUT + 1)


@cocotb.test(**LIMIT)
async def reset_leaves_vill_and_zeros(dut):
    async with Bench(dut, load=False) as bench:
        await bench.checkpoint()
        state = bench.golden.hart.snapshot()
        assert (state.vtype, state.vl, state.vstart, state.vcsr) == (1 << 63, 0, 0, 0)


@cocotb.test(**LIMIT)
async def reset_turns_vs_off_at_both_levels(dut):
    async with Bench(dut, load=False) as bench:
        assert bench.csrr(Csr.MSTATUS) == bench.csrr(Csr.VSSTATUS) == 0
        assert cause(bench.do("vid.v", vd=8)) == ILLEGAL


@cocotb.test(**LIMIT)
async def reset_clears_what_was_set(dut):
    async with Bench(dut) as bench:
        bench.vset(32, "m2")
        bench.csrw(Csr.VCSR, 7)
        bench.csrw(Csr.VSTART, 5)
        await bench.drain()
        await bench.reset()
        await bench.checkpoint()
        assert bench.csrr(Csr.MSTATUS) == 0


@cocotb.test(**LIMIT)
async def reset_keeps_the_registers(dut):
    async with Bench(dut) as bench:
        await bench.reset()
        await ClockCycles(bench.clock, 8)
        await bench.checkpoint()


@cocotb.test(**LIMIT)
@cocotb.parametrize(beats=[1, 2, 5])
async def reset_in_the_middle_of_a_read_burst(dut, beats):
    async with Bench(dut, latency=Latency(cycles=3)) as bench:
        fill(bench)
        bench.vset(8, "m8")
        bench.do("vle8.v", vd=16, rs1=BASE + 1)
        bench.do("vle8.v", vd=24, rs1=BASE + 0x800)
        await until(bench, "axi_rvalid_i", beats)
        await bench.reset()
        go_on(bench)


@cocotb.test(**LIMIT)
@cocotb.parametrize(beats=[1, 2, 5])
async def reset_in_the_middle_of_a_write_burst(dut, beats):
    async with Bench(dut) as bench:
        bench.vset(8, "m8")
        bench.do("vse8.v", vs3=16, rs1=OUT + 1)
        bench.do("vse8.v", vs3=24, rs1=OUT + 0x800)
        await until(bench, "axi_wvalid_o", beats)
        await bench.reset()
        go_on(bench)


@cocotb.test(**LIMIT)
async def reset_while_a_response_is_awaited(dut):
    async with Bench(dut, latency=Latency(cycles=200)) as bench:
        bench.vset(8, "m1")
        bench.do("vse8.v", vs3=16, rs1=OUT)
        while not any(burst.done == burst.beats for burst in bench.bus.under_way):
            await RisingEdge(bench.clock)
        await ClockCycles(bench.clock, 5)
        await bench.reset()
        go_on(bench)


@cocotb.test(**LIMIT)
async def reset_while_a_translation_is_awaited(dut):
    async with Bench(dut, latency=Latency(xlat=100)) as bench:
        bench.vset(8, "m1")
        bench.do("vle8.v", vd=16, rs1=EDGE)
        await until(bench, "xlat_valid_o", 10)
        await bench.reset()
        assert str(dut.xlat_valid_o.value) == "0"
        go_on(bench)


@cocotb.test(**LIMIT)
async def reset_in_the_middle_of_a_mask_fetch(dut):
    async with Bench(dut) as bench:
        bench.vset(8, "m1")
        await bench.drain()
        bench.do("vadd.vi", vd=8, vs2=16, imm=1, vm=0)
        while bench.last.accepted < 0:
            await RisingEdge(bench.clock)
        await RisingEdge(bench.clock)
        await bench.reset()
        go_on(bench)
        bench.do("vadd.vi", vd=8, vs2=16, imm=1, vm=0)
