# SPDX-License-Identifier: Apache-2.0
"""The bus: back-pressure, latency, errors, and the shape of bursts; none of it changes what an instruction does."""

from __future__ import annotations

import random

import cocotb
from cocotb.triggers import RisingEdge
from stimuli import BASE, EDGE, LIMIT, OUT, fill, mask

from vctx.pymodel.trace import PAGE_SIZE
from vctx.tb.agents import DECERR, SLVERR, Bench
from vctx.tb.agents.axi_ext import ExtAxiMemory
from vctx.tb.replay.result import Latency

TIMINGS = {
    "slow": Latency(cycles=40, xlat=7),
    "varying": Latency(cycles=12, random=True, xlat=5),
    "halting": Latency(stall=128),
    "everything": Latency(cycles=9, random=True, stall=200, xlat=9),
}


def traffic(bench: Bench) -> None:
    """Loads and stores of many kinds, most of them across pages."""
    fill(bench, EDGE - PAGE_SIZE)
    mask(bench)
    for eew in (8, 64):
        bench.vset(eew, "m4")
        for step in range(3):
            bench.do(f"vle{eew}.v", vd=8, rs1=EDGE - eew * step)
            bench.do(f"vle{eew}.v", vd=16, rs1=EDGE - eew * step + 8, vm=0)
            bench.do(f"vse{eew}.v", vs3=16, rs1=OUT + PAGE_SIZE - eew * step)
            bench.do(f"vse{eew}.v", vs3=8, rs1=OUT + 0x800 + eew * step, vm=0)
    bench.do("vs4r.v", vs3=8, rs1=OUT + 5)


@cocotb.test(**LIMIT)
@cocotb.parametrize(timing=list(TIMINGS))
async def timing_changes_no_result(dut, timing):
    async with Bench(dut, latency=TIMINGS[timing]) as bench:
        traffic(bench)


@cocotb.test(**LIMIT)
@cocotb.parametrize(stall=[0, 150])
async def the_memory_of_cocotbext_axi_gives_the_same_results(dut, stall):
    async with Bench(dut, axi=ExtAxiMemory, latency=Latency(stall=stall)) as bench:
        traffic(bench)


@cocotb.test(**LIMIT)
async def back_pressure_on_write_data_alone(dut):
    async with Bench(dut) as bench:
        bench.vset(8, "m8")
        await bench.drain()
        bench.port.latency = Latency(stall=230)
        for offset in (0, 1, 9):
            bench.do("vse8.v", vs3=8, rs1=OUT + offset)


@cocotb.test(**LIMIT)
async def pauses_between_read_beats(dut):
    async with Bench(dut) as bench:
        fill(bench)
        bench.vset(8, "m8")
        await bench.drain()
        bench.port.latency = Latency(stall=230)
        for offset in (0, 1, 9):
            bench.do("vle8.v", vd=8, rs1=BASE + offset)


@cocotb.test(**LIMIT)
async def waiting_for_responses(dut):
    async with Bench(dut, latency=Latency(cycles=60)) as bench:
        bench.vset(8, "m1")
        flights = []
        for number in range(3):
            bench.do("vse8.v", vs3=8, rs1=OUT + 0x100 * number)
            flights.append(bench.last)
        await bench.drain()
        assert bench.cycles(flights[0]) > 60  # the response is part of the instruction


@cocotb.test(**LIMIT)
@cocotb.parametrize(response=[SLVERR, DECERR])
async def an_error_on_a_read_is_kept(dut, response):
    async with Bench(dut, bus_errors=True) as bench:
        fill(bench)
        bench.vset(8, "m2")
        bench.port.responses.append((BASE + bench.vlenb, 1, response))
        await bench.drain()
        assert str(dut.bus_err_o.value) == "0"
        bench.do("vle8.v", vd=8, rs1=BASE)  # completes all the same
        bench.after(bench.port.responses.clear)
        bench.do("vle8.v", vd=8, rs1=BASE)
        await bench.drain()
        assert str(dut.bus_err_o.value) == "1"


@cocotb.test(**LIMIT)
@cocotb.parametrize(response=[SLVERR, DECERR])
async def an_error_on_a_write_is_kept(dut, response):
    async with Bench(dut, bus_errors=True) as bench:
        bench.vset(8, "m2")
        bench.port.responses.append((OUT, 1, response))
        await bench.drain()
        assert str(dut.bus_err_o.value) == "0"
        bench.do("vse8.v", vs3=8, rs1=OUT)
        bench.after(bench.port.responses.clear)
        bench.do("vse8.v", vs3=8, rs1=OUT)
        await bench.drain()
        assert str(dut.bus_err_o.value) == "1"


@cocotb.test(**LIMIT)
async def reset_forgets_a_bus_error(dut):
    async with Bench(dut, bus_errors=True) as bench:
        bench.vset(8, "m1")
        bench.port.responses.append((BASE, 1, SLVERR))
        bench.do("vle8.v", vd=8, rs1=BASE)
        await bench.drain()
        assert str(dut.bus_err_o.value) == "1"
        await bench.reset()
        assert str(dut.bus_err_o.value) == "0"


@cocotb.test(**LIMIT)
async def an_aligned_access_is_one_burst_a_page(dut):
    async with Bench(dut) as bench:
        fill(bench, EDGE - PAGE_SIZE)
        bench.vset(8, "m8")
        await bench.drain()
        bursts = []
        bench.bus.add_callback(bursts.append)
        size, beat = 8 * bench.vlenb, bench.dlen // 8
        bench.do("vle8.v", vd=8, rs1=BASE)
        bench.do("vse8.v", vs3=8, rs1=EDGE - size // 2)
        await bench.drain()
        most = min(256, size // beat)
        assert (bursts[0].write, bursts[0].addr) == (False, BASE)
        assert {b.beats for b in bursts if not b.write} == {most}
        assert sum(b.beats for b in bursts if b.write) == size // beat
        assert EDGE in [b.addr for b in bursts if b.write]


@cocotb.test(**LIMIT)
async def the_bus_rests_when_nothing_is_to_do(dut):
    async with Bench(dut) as bench:
        bench.vset(8, "m8")
        bench.do("vle8.v", vd=8, rs1=BASE + 5)
        bench.do("vse8.v", vs3=8, rs1=OUT + 5)
        await bench.drain()
        for _ in range(random.randrange(20, 40)):
            await RisingEdge(bench.clock)
            pins = (dut.axi_arvalid_o, dut.axi_awvalid_o, dut.axi_wvalid_o, dut.xlat_valid_o, dut.retire_valid_o)
            assert {str(pin.value) for pin in pins} == {"0"}
