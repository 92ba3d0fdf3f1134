# SPDX-License-Identifier: Apache-2.0
"""Cocotb tests that end in every way in which a test should not, between some that pass."""

from __future__ import annotations

import os
import signal

import cocotb
from cocotb.triggers import Timer

from vctx.tb.agents import Bench


@cocotb.test
async def passes_first(dut):
    async with Bench(dut) as bench:
        bench.vset(8)


@cocotb.test
async def raises(dut):
    async with Bench(dut) as bench:
        bench.vset(8)
        raise ValueError("what went wrong")


@cocotb.test
async def raises_in_the_background(dut):
    async def background():
        await Timer(30, "ns")
        raise KeyError("in a task of its own")

    async with Bench(dut) as bench:
        bench.vset(8)
        cocotb.start_soon(background())
        await Timer(1, "us")


@cocotb.test(timeout_time=5, timeout_unit="us")
async def never_ends(dut):
    async with Bench(dut) as bench:
        while True:
            bench.vset(8)
            await bench.drain()


@cocotb.test
async def dies(dut):
    async with Bench(dut) as bench:
        bench.vset(8)
        await bench.drain()
        os.kill(os.getpid(), signal.SIGKILL)


@cocotb.test
async def lets_no_time_pass(dut):
    while True:
        pass


@cocotb.test
async def expects_something_else(dut):
    async with Bench(dut) as bench:
        retire = bench.vset(8)
        bench.last.insn.retire = retire._replace(vl=retire.vl + 1)


@cocotb.test
async def passes_last(dut):
    async with Bench(dut) as bench:
        bench.vset(8)
