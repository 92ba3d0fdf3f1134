# SPDX-License-Identifier: Apache-2.0
"""cocotb tests in which the golden kernel drives `vctx_tb` itself; test_live_kernel.py runs them."""

from __future__ import annotations

from typing import Any

import cocotb

from vctx.pymodel.kvm.exits import ExitReason
from vctx.pymodel.kvm.register_ids import vector_csr_id
from vctx.pymodel.kvm.version import CLEAN
from vctx.tb.live import LiveKernel
from vctx.tb.replay.result import Latency

VLEN, DLEN, HARTS = 128, 64, 2


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def migration(dut: Any) -> None:
    """A guest that checks its own registers moves to the other hart at every exit."""
    async with LiveKernel.on(dut, CLEAN, vlen=VLEN, dlen=DLEN, harts=HARTS, latency=Latency(3, True, 8, 2)) as kvm:
        await kvm.boot()
        vcpus = [await kvm.vcpu_create(await kvm.vm_create("canary"), owner) for owner in (1, 2)]
        reports = 0
        for turn in range(6):
            for number, vcpu in enumerate(vcpus):
                hart = (turn + number) % HARTS
                async for exit_ in kvm.vcpu_run(vcpu, hart):
                    if exit_.reason is ExitReason.REPORT:
                        assert exit_.args[0] == 0, f"{vcpu.name} says of itself: {exit_.args}"
                        reports += 1
                    elif vcpu.hart is not None:
                        hart = 1 - hart
                        await kvm.vcpu_put(vcpu)
                        await kvm.vcpu_load(vcpu, hart)
        assert reports >= 8 and kvm.recorder.counts["Sync"] > 0  # the guests did meet each other's harts


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def one_reg(dut: Any) -> None:
    """What user space sets survives load and put on either hart."""
    async with LiveKernel.on(dut, CLEAN, vlen=VLEN, dlen=DLEN, harts=HARTS) as kvm:
        await kvm.boot()
        vcpu = await kvm.vcpu_create(await kvm.vm_create("canary"), owner=1)
        vcsr = vector_csr_id(CLEAN, kvm.kernel.layout, "vcsr")
        await kvm.set_reg(vcpu, vcsr, 5)
        assert await kvm.get_reg(vcpu, vcsr) == (5).to_bytes(8, "little")
        for hart in (1, 0):
            await kvm.vcpu_load(vcpu, hart)
            await kvm.vcpu_put(vcpu)
            assert await kvm.get_reg(vcpu, vcsr) == (5).to_bytes(8, "little")
