# SPDX-License-Identifier: Apache-2.0
"""A thread as far as vectors go."""

from __future__ import annotations

from enum import IntFlag

from vctx.pymodel.kvm.structs import VState


class VFlag(IntFlag):
    """Bits of `riscv_v_flags`."""

    KERNEL_MODE_V = 1 << 0
    """Kernel code owns the registers and cannot be interrupted by other such code."""
    NEED_RESTORE = 1 << 1
    """The vCPU's registers must be loaded before the guest is entered."""
    VCPU_CTX = 1 << 2
    """The guest has been entered since load: the registers are its own, or NEED_RESTORE is set."""
    PREEMPT_V = 1 << 8
    """The thread is in a preemptible section of kernel-mode vector code."""
    PREEMPT_V_IN_SCHEDULE = 1 << 29
    """It called the scheduler in its section, with the unit on."""
    PREEMPT_V_NEED_RESTORE = 1 << 30
    """The section's registers are in memory, to be loaded on the way out of the outermost trap."""
    PREEMPT_V_DIRTY = 1 << 31
    """A trap interrupted the section, and the registers are still its own."""


_DEPTH_SHIFT = 16
_DEPTH = 0xFF << _DEPTH_SHIFT


class Thread:
    """A thread as far as vectors go.

    Attributes:
        v_flags: `riscv_v_flags`; the depth of traps in a section is part of it, at 23:16.
        has_kernel_vstate: there is room to keep its sections, so that they are preemptible; not for idle threads.
        kernel_vstate: where they are kept.
        trapped: sstatus of the kernel code that traps interrupted, the innermost last.
    """

    def __init__(self, *, has_kernel_vstate: bool = True) -> None:
        self.v_flags = VFlag(0)
        self.has_kernel_vstate = has_kernel_vstate
        self.kernel_vstate: VState | None = None
        self.trapped: list[int] = []

    @property
    def depth(self) -> int:
        """How many traps are nested inside the thread's section."""
        return (self.v_flags & _DEPTH) >> _DEPTH_SHIFT

    @depth.setter
    def depth(self, depth: int) -> None:
        self.v_flags = VFlag(self.v_flags & ~_DEPTH | depth << _DEPTH_SHIFT)
