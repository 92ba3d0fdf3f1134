# SPDX-License-Identifier: Apache-2.0
"""The golden kernel as coroutines, for tests of one's own."""

from __future__ import annotations

import contextlib
import os
from collections.abc import AsyncIterator, Callable, Generator
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import cocotb
from cocotb.task import bridge

from vctx.pymodel.kvm.exits import Exit
from vctx.pymodel.kvm.kernel import Kernel
from vctx.pymodel.kvm.machine import RAM_BASE, RAM_SIZE
from vctx.pymodel.kvm.state import Vcpu, Vm
from vctx.pymodel.kvm.version import KernelVersion
from vctx.pymodel.trace.recorder import Recorder, Sink
from vctx.tb.agents import Bench
from vctx.tb.live.block import BlockPort
from vctx.tb.live.port import LivePort
from vctx.tb.replay.result import Latency, MismatchError, ReplayConfig
from vctx.tb.replay.step.drivers import HdlRam
from vctx.tb.replay.step.replay import Replay, reset
from vctx.tb.runs.defaults import FILL

P = ParamSpec("P")
R = TypeVar("R")


class LiveKernel:
    """A golden kernel whose vector and status-CSR instructions the RTL executes, too, checked as they retire.

    It is the kernel that :attr:`kernel` names, driven another way: whatever has no coroutine here is called by
    :meth:`do`. Each raises what the kernel raises, and an error that tells all when the RTL departs from it.

    Args:
        version: the kernel's version, e.g. `by_name("v6.5")`.
        port: executes its instructions; what is behind it has the harts and the VLEN.
        harts: how many. vlen: VLEN in bits. ram_size: of the machine, in bytes.

    Example::

        async with LiveKernel.on_block(dut, CLEAN) as kvm:  # `dut` is the block, `vctx`
            await kvm.boot()
            vcpu = await kvm.vcpu_create(await kvm.vm_create("canary"), owner=1)
            async for exit_ in kvm.vcpu_run(vcpu):
                await kvm.vcpu_put(vcpu)
                await kvm.vcpu_load(vcpu)
    """

    def __init__(self, version: KernelVersion, port: Sink, *, harts: int, vlen: int, ram_size: int = RAM_SIZE) -> None:
        self.recorder = Recorder(port, vlen // 8)
        self.kernel = Kernel(version, harts=harts, vlen=vlen, ram_size=ram_size, observer=self.recorder)

    @classmethod
    @contextlib.asynccontextmanager
    async def on_block(
        cls, dut: Any, version: KernelVersion, *, harts: int = 1, latency: Latency | None = None
    ) -> AsyncIterator[LiveKernel]:
        """Reset the block `vctx`, yield a kernel on it, and compare registers, CSRs and memory at the end.

        Args:
            dut: the block, which is hart 0; VLEN and DLEN are found from it.
            harts: of the machine; those beyond the first are in the model only, and share memory with the block.
            latency: of memory and translations; default none.

        Raises:
            ScoreboardError: the block departed from the model.
        """
        async with Bench(dut, ram=(RAM_BASE, RAM_SIZE), load=False, latency=latency) as bench:
            kvm = cls(version, BlockPort(bench), harts=harts, vlen=bench.vlen)
            bench.follow(kvm.kernel.harts[0], kvm.kernel.memory)
            yield kvm
            await kvm.do(kvm.recorder.finish)

    @classmethod
    @contextlib.asynccontextmanager
    async def on(
        cls,
        dut: Any,
        version: KernelVersion,
        *,
        vlen: int,
        dlen: int,
        harts: int,
        latency: Latency | None = None,
        out_dir: Path = Path(),
    ) -> AsyncIterator[LiveKernel]:
        """Reset the testbench `vctx_tb`, yield a kernel on it, and compare the whole memory at the end.

        Args:
            dut: the testbench; vlen, dlen and harts are its parameters.
            latency: of its memory; default none. Its seed is that of cocotb's run.
            out_dir: where observed.trace and result.json go, by default where the simulation runs.

        Raises:
            MismatchError: the RTL departed from the model.
        """
        seed = cocotb.RANDOM_SEED & 0xFFFF_FFFF
        header = {"scenario": "live", "command": "", "vlen": vlen, "harts": harts, "seed": seed}
        header |= {"ram_base": RAM_BASE, "ram_size": RAM_SIZE, "fill": FILL}
        config = ReplayConfig(
            trace="",
            out_dir=str(out_dir.resolve()),
            sim=cocotb.SIM_NAME,
            vlen=vlen,
            dlen=dlen,
            harts=harts,
            ram_base=RAM_BASE,
            ram_size=RAM_SIZE,
            fill=FILL,
            seed=seed,
            command=f"the same test with COCOTB_RANDOM_SEED={os.environ.get('COCOTB_RANDOM_SEED', cocotb.RANDOM_SEED)}",
            latency=latency or Latency(),
        )
        handles = [dut.gen_hart[hart].u_hart for hart in range(harts)]
        await reset(dut, handles, config)
        replay = Replay(config, dut, handles, HdlRam(dut))
        with LivePort(replay, header) as port:
            kvm = cls(version, port, harts=harts, vlen=vlen)
            yield kvm
            await kvm.do(kvm.recorder.finish)
            await port.flush()
        result = await replay.finish()
        if result.mismatch is not None:
            raise MismatchError(result.mismatch)

    async def do(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Call a function of the model that may execute instructions, e.g. `kvm.do(kernel.switch_to, hart, task)`."""
        return await bridge(function)(*args, **kwargs)

    async def boot(self) -> None:
        """See `Kernel.boot`."""
        await self.do(self.kernel.boot)

    async def vm_create(self, program: str) -> Vm:
        """See `Kernel.vm_create`: a VM that runs `program` of sw/."""
        return await self.do(self.kernel.vm_create, program)

    async def vcpu_create(self, vm: Vm, owner: int, vcpu_id: int = 0) -> Vcpu:
        """See `Kernel.vcpu_create`."""
        return await self.do(self.kernel.vcpu_create, vm, owner, vcpu_id)

    async def vcpu_load(self, vcpu: Vcpu, hart: int = 0) -> None:
        """The thread of a vCPU gets a hart, by its number: vcpu_load."""
        await self.do(self.kernel.sched_in, vcpu, self.kernel.harts[hart])

    async def vcpu_put(self, vcpu: Vcpu) -> None:
        """The thread of a vCPU loses its hart: vcpu_put."""
        await self.do(self.kernel.sched_out, vcpu)

    async def vcpu_run(self, vcpu: Vcpu, hart: int = 0) -> AsyncIterator[Exit]:
        """KVM_RUN on a hart: yield each exit that the kernel handled itself, and last the one that user space gets.

        Between two of them the vCPU may be put, and loaded on another hart.
        """
        run = self.kernel.vcpu_run(vcpu, self.kernel.harts[hart])
        while True:
            exit_, ended = await self.do(_advance, run)
            yield exit_
            if ended:
                return

    async def set_reg(self, vcpu: Vcpu, reg_id: int, value: int | bytes) -> None:
        """KVM_SET_ONE_REG."""
        await self.do(self.kernel.set_reg, vcpu, reg_id, value)

    async def get_reg(self, vcpu: Vcpu, reg_id: int) -> bytes:
        """KVM_GET_ONE_REG."""
        return await self.do(self.kernel.get_reg, vcpu, reg_id)

    async def reset(self, vcpu: Vcpu) -> None:
        """Have the run loop reset the vCPU before it enters the guest again."""
        await self.do(self.kernel.request_reset, vcpu)


def _advance(run: Generator[Exit, None, Exit]) -> tuple[Exit, bool]:
    """Return the next exit of a KVM_RUN, and whether it is the last one."""
    try:
        return next(run), False
    except StopIteration as stop:
        return stop.value, True
