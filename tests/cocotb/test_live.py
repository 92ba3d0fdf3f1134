# SPDX-License-Identifier: Apache-2.0
"""The golden hypervisor live: each instruction has retired, and agreed, before the hypervisor goes on."""

from __future__ import annotations

import random

import cocotb
from stimuli import LONG

from vctx.pymodel.kvm import V6_5, ExitReason, Slice
from vctx.pymodel.kvm.register_ids import vector_csr_id
from vctx.pymodel.kvm.state import Vcpu
from vctx.tb.live import LiveKernel
from vctx.tb.replay.result import Latency


async def created(kvm: LiveKernel, owner: int) -> Vcpu:
    return await kvm.vcpu_create(await kvm.vm_create("canary"), owner)


@cocotb.test(**LONG)
async def a_vcpu_is_loaded_and_put_live(dut):
    async with LiveKernel.on_block(dut, V6_5) as kvm:
        await kvm.boot()
        vcpu = await created(kvm, 1)
        for _ in range(3):
            async for exit_ in kvm.vcpu_run(vcpu):
                if exit_.reason is ExitReason.REPORT:
                    assert exit_.args[0] == 0, exit_
                elif vcpu.hart is not None:
                    await kvm.vcpu_put(vcpu)
                    await kvm.vcpu_load(vcpu)


@cocotb.test(**LONG)
async def guests_migrate_live(dut):
    """Between the block and a hart in the model, at each exit that user space does not see."""
    latency = Latency(3, True, 20, 2)
    async with LiveKernel.on_block(dut, V6_5, harts=2, latency=latency) as kvm:
        await kvm.boot()
        reports = 0
        for vcpu in [await created(kvm, owner) for owner in (1, 2)] * 3:
            hart = random.randrange(2)
            async for exit_ in kvm.vcpu_run(vcpu, hart):
                if exit_.reason is ExitReason.REPORT:
                    assert exit_.args[0] == 0, exit_
                    reports += 1
                elif vcpu.hart is not None:
                    hart = 1 - hart
                    await kvm.vcpu_put(vcpu)
                    await kvm.vcpu_load(vcpu, hart)
        assert reports >= 4 and kvm.recorder.counts["Sync"] > 0


@cocotb.test(**LONG)
async def one_reg_and_reset_live(dut):
    async with LiveKernel.on_block(dut, V6_5) as kvm:
        await kvm.boot()
        vcpu = await created(kvm, 1)
        vcsr = vector_csr_id(V6_5, kvm.kernel.layout, "vcsr")
        await kvm.set_reg(vcpu, vcsr, 5)
        await kvm.vcpu_load(vcpu)
        await kvm.vcpu_put(vcpu)
        assert await kvm.get_reg(vcpu, vcsr) == (5).to_bytes(8, "little")
        await kvm.reset(vcpu)
        vcpu.slice = Slice(1)  # the guest gets no further than to its first instruction
        async for _ in kvm.vcpu_run(vcpu):
            break
        assert await kvm.get_reg(vcpu, vcsr) == bytes(8)
