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
    """Preemptible kernel code owns the registers."""


class Thread:
    """A thread as far as vectors go: `v_flags`, and where its preemptible kernel code is kept while others run."""

    def __init__(self) -> None:
        self.v_flags = VFlag(0)
        self.kernel_vstate: VState | None = None
