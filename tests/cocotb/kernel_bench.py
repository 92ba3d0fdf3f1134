# SPDX-License-Identifier: Apache-2.0
"""A bench whose golden hart is that of a kernel: what the hypervisor executes on it, the block executes, too."""

from __future__ import annotations

import random
from typing import Self

from vctx.pymodel.isa import Csr, encode
from vctx.pymodel.kvm import RAM_BASE, RAM_SIZE, V6_5, Kernel
from vctx.pymodel.kvm.structs import VState
from vctx.pymodel.scenarios.context import VectorContext, allocate_context
from vctx.pymodel.scenarios.directed.stimulus import DIRTY, VILL, VS_SHIFT, vtype
from vctx.tb.agents import Bench
from vctx.tb.replay.result import Latency


class KernelBench(Bench):
    """The block is hart 0 of the kernel's machine; further harts exist in the model only, and share memory with it."""

    def __init__(self, dut: object, harts: int = 1) -> None:
        latency = Latency(cycles=4, random=True, stall=30, xlat=2)
        super().__init__(dut, ram=(RAM_BASE, RAM_SIZE), load=False, latency=latency)
        self._harts = harts

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        self.kernel = Kernel(V6_5, vlen=self.vlen, harts=self._harts, observer=self)
        self.hart = self.kernel.harts[0]
        self.follow(self.hart, self.kernel.memory)
        self.kernel.boot()
        return self

    def state(self, vtype: int = vtype(8, "m8"), vl: int = 9, vstart: int = 3) -> VectorContext:
        """Return a context with random registers."""
        vl = 0 if vtype == VILL else vl
        return VectorContext(random.randbytes(self.kernel.vsize), vstart, vl, vtype, random.randrange(8))

    def context(self, content: VectorContext | None = None) -> VState:
        """Return memory for a context, with `content` if given."""
        state = allocate_context(self.kernel, self.hart, "test")
        if content is not None:
            self.kernel.write(self.hart, state["datap"], content.vregs)
            state.store(self.hart, vstart=content.vstart, vl=content.vl, vtype=content.vtype, vcsr=content.vcsr)
        return state

    def saved(self, state: VState) -> VectorContext:
        """Return what memory holds."""
        return VectorContext.of_image(state, self.kernel.vsize)

    def save(self, state: VState) -> None:
        """Call the routine."""
        self.kernel.call(self.hart, "vector_save", state.context)

    def restore(self, state: VState) -> None:
        """Call the routine."""
        self.kernel.call(self.hart, "vector_restore", state.context)

    def preempt(self, here: VState, other: VState) -> None:
        """Another owner takes the unit, and gives it back: its code changes everything that it can."""
        status = self.kernel.csr_read(self.hart, Csr.SSTATUS)
        self.save(here)
        self.restore(other)
        self.vs(DIRTY)
        for insn in (encode("vsetivli", rd=0, uimm=7, vtypei=vtype(64, "m4")), encode("vid.v", vd=4)):
            self.hart.inject(insn)
        self.kernel.csr_write(self.hart, Csr.VCSR, 7)
        self.save(other)
        self.restore(here)
        self.kernel.csr_write(self.hart, Csr.SSTATUS, status)

    def vs(self, state: int) -> None:
        """Set sstatus.VS."""
        self.kernel.csr_clear(self.hart, Csr.SSTATUS, 3 << VS_SHIFT)
        self.kernel.csr_set(self.hart, Csr.SSTATUS, state << VS_SHIFT)
