"""A thread as far as vectors go, and the steps at which an interrupt may find it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntFlag
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vctx.pymodel.isa import Hart
    from vctx.pymodel.kvm.layout import VState
    from vctx.pymodel.kvm.vcpu import Vcpu


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


@dataclass(frozen=True)
class Step:
    """A point where an interrupt may come.

    Attributes:
        hart, vcpu: where, and the vCPU concerned.
        where: `vcpu_load` or `vcpu_put` (index 0 before, 1 between and 2 after their two vector functions), `run_loop`
            (0 before an entry, 1 after an exit), or the mark of a save or restore function, index counting its
            instructions.
        index: which step of that.
    """

    hart: Hart
    vcpu: Vcpu
    where: str
    index: int
