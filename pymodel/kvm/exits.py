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
    WFI = "wfi"
    """The guest waited for an interrupt."""

    PUTCHAR = "putchar"
    """Legacy console output; args (character,)."""
    REPORT = "report"
    """A guest or task finished a round; args (0 or failure code, round or detail)."""
    INTR = "intr"
    """KVM_RUN was interrupted by a signal (EINTR)."""
    MEMORY_FAULT = "memory-fault"
    """The guest touched an address outside its memory; args (gpa, scause)."""
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
    ExitReason.MEMORY_FAULT,
    ExitReason.UNKNOWN,
}


@dataclass(frozen=True, slots=True)
class Exit:
    """An exit and its arguments, which `ExitReason` describes."""

    reason: ExitReason
    args: tuple[int, ...] = ()
