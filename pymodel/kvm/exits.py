# SPDX-License-Identifier: Apache-2.0
"""Why a guest or a host task stopped running."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class ExitReason(Enum):
    """What ended a slice. The first group the kernel deals with itself; the second it hands to user space."""

    TIMER = "timer"
    """The host's timer interrupted a guest or task."""
    SBI = "sbi"
    """An SBI call that the kernel serves."""
    GSTAGE_FAULT = "gstage-fault"
    """A guest page was touched for the first time and is mapped now; args (gpa,)."""
    REDIRECT = "redirect"
    """A trap was passed on to the guest; args (scause,)."""
    RETRY = "retry"
    """The guest's instruction could not be read, since its page is gone; the guest executes it again; args (sepc,)."""
    WFI = "wfi"
    """The guest waited for an interrupt."""
    STOPPED = "stopped"
    """The vCPU is powered off and waits to be started."""

    PUTCHAR = "putchar"
    """Legacy console output; args (character,)."""
    REPORT = "report"
    """A guest or task finished a round; args (0 or failure code, round or detail)."""
    INTR = "intr"
    """KVM_RUN was interrupted by a signal (EINTR)."""
    MMIO = "mmio"
    """A scalar load or store outside guest memory; args (gpa, size in bytes, 1 for a store, value stored or 0)."""
    MEMORY_FAULT = "memory-fault"
    """Another access outside guest memory; args (gpa, scause)."""
    SYSCALL = "syscall"
    """A task made a system call."""
    UNKNOWN = "unknown"
    """A trap that nothing handles; args (scause, epc, stval)."""

    @property
    def to_user(self) -> bool:
        """Whether KVM_RUN returns with it."""
        return self in _TO_USER


_TO_USER = {
    ExitReason.PUTCHAR,
    ExitReason.REPORT,
    ExitReason.INTR,
    ExitReason.MMIO,
    ExitReason.MEMORY_FAULT,
    ExitReason.UNKNOWN,
}


@dataclass(frozen=True, slots=True)
class Exit:
    """An exit and its arguments, which `ExitReason` describes."""

    reason: ExitReason
    args: tuple[int, ...] = ()
