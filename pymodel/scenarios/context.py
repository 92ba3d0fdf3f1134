# SPDX-License-Identifier: Apache-2.0
"""A vector context as a value: what a hart holds, what a memory image holds, and whether they are the same."""

from __future__ import annotations

from typing import NamedTuple

from vctx.pymodel.isa import Hart
from vctx.pymodel.kvm.kernel import Kernel
from vctx.pymodel.kvm.structs import VState

VREGS = 32


class VectorContext(NamedTuple):
    """v0..v31 back to back (32*VLEN/8 bytes) and the CSRs that a context switch must carry."""

    vregs: bytes
    vstart: int
    vl: int
    vtype: int
    vcsr: int

    @classmethod
    def of_hart(cls, hart: Hart) -> VectorContext:
        """Return what the hart's registers hold."""
        vec = hart.vec
        return cls(vec.view.tobytes(), vec.vstart, vec.vl, vec.vtype, vec.vcsr)

    @classmethod
    def of_image(cls, state: VState, vsize: int) -> VectorContext:
        """Return what a struct __riscv_v_ext_state and its buffer of `vsize` bytes hold."""
        vregs = state.machine.memory.read(state["datap"], vsize)
        return cls(vregs, state["vstart"], state["vl"], state["vtype"], state["vcsr"])

    @classmethod
    def zero(cls, vsize: int, vtype: int = 0) -> VectorContext:
        """Return the state after reset: all zero, but vtype as the kernel has it (S16)."""
        return cls(bytes(vsize), 0, 0, vtype, 0)

    @classmethod
    def discarded(cls, vsize: int, vcsr: int) -> VectorContext:
        """Return what the host kernel leaves of registers thrown away (H-3): all ones, vill, and vcsr as it was."""
        return cls(b"\xff" * vsize, 0, 0, 1 << 63, vcsr)

    def differs(self, other: VectorContext) -> str:
        """Name what differs from `other`, "other value -> own value"; empty when nothing does."""
        found = []
        vlenb = len(self.vregs) // VREGS
        for reg in range(VREGS):
            part = slice(reg * vlenb, (reg + 1) * vlenb)
            if self.vregs[part] != other.vregs[part]:
                found.append(f"v{reg} {other.vregs[part][::-1].hex()} -> {self.vregs[part][::-1].hex()}")
        for name in ("vstart", "vl", "vtype", "vcsr"):
            want, got = getattr(other, name), getattr(self, name)
            if want != got:
                found.append(f"{name} {want:#x} -> {got:#x}")
        return "; ".join(found[:4]) + ("; ..." if len(found) > 4 else "")


def allocate_context(kernel: Kernel, hart: Hart, owner: str) -> VState:
    """Return a vector state in memory of its own, with a buffer, as if inside a struct kvm_cpu_context."""
    address = kernel.alloc.kzalloc(hart, kernel.layout["context_size"], owner)
    state = VState(kernel, address + kernel.layout["context_vector"])
    state.store(hart, datap=kernel.alloc.kzalloc(hart, kernel.vsize, f"{owner} datap"))
    return state
