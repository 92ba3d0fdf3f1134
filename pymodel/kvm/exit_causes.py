# SPDX-License-Identifier: Apache-2.0
"""What a kernel does with each trap of a guest: one table a kernel, with an entry for every exception code.

The tables are those of `kvm_riscv_vcpu_exit` and of the value that the kernel writes to hedeleg. What a kernel does not
name there ends KVM_RUN with KVM_EXIT_UNKNOWN; here that is an entry like any other, so that nothing is left out by
forgetting it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType

from vctx.pymodel.isa import Cause


class Action(Enum):
    """What becomes of a trap."""

    DELEGATED = "the guest takes it by itself: hedeleg"
    REDIRECT = "the kernel has the guest take it"
    SBI = "a call of the guest's supervisor"
    VIRTUAL = "emulated, or an illegal instruction to the guest"
    GSTAGE = "a page is mapped, or it is a load or store for user space"
    UNKNOWN = "KVM_RUN ends with KVM_EXIT_UNKNOWN"


@dataclass(frozen=True)
class Exits:
    """What a kernel does.

    Attributes:
        actions: by exception code; every :class:`Cause` has one.
        retries_fetch: a guest-page fault while the kernel reads the guest's instruction lets the guest execute it
            again, which maps the page (from 2025 on). Otherwise the guest takes that fault, as it takes any other.
    """

    actions: Mapping[int, Action]
    retries_fetch: bool

    @property
    def hedeleg(self) -> int:
        """The value of hedeleg."""
        return sum(1 << cause for cause, action in self.actions.items() if action is Action.DELEGATED)

    def action(self, cause: int) -> Action:
        """Return what becomes of a trap; a reserved code is as unknown to the kernel as any that it does not name.

        A trap that is delegated does not come here; if one does all the same, the kernel has nothing for it.
        """
        action = self.actions.get(cause, Action.UNKNOWN)
        return Action.UNKNOWN if action is Action.DELEGATED else action


def _exits(
    *, misaligned: Action, access: Action, illegal: Action = Action.REDIRECT, retries_fetch: bool = True
) -> Exits:
    """Return a table; what never differed between kernels stands here."""
    actions: dict[int, Action] = {
        Cause.FETCH_MISALIGNED: Action.DELEGATED,
        Cause.FETCH_ACCESS: access,
        Cause.ILLEGAL: illegal,
        Cause.BREAKPOINT: Action.DELEGATED,
        Cause.LOAD_MISALIGNED: misaligned,
        Cause.LOAD_ACCESS: access,
        Cause.STORE_MISALIGNED: misaligned,
        Cause.STORE_ACCESS: access,
        Cause.ECALL_U: Action.DELEGATED,
        Cause.ECALL_HS: Action.UNKNOWN,
        Cause.ECALL_VS: Action.SBI,
        Cause.ECALL_M: Action.UNKNOWN,
        Cause.FETCH_PAGE: Action.DELEGATED,
        Cause.LOAD_PAGE: Action.DELEGATED,
        Cause.STORE_PAGE: Action.DELEGATED,
        Cause.SOFTWARE_CHECK: Action.UNKNOWN,
        Cause.HARDWARE_ERROR: Action.UNKNOWN,
        Cause.FETCH_GUEST_PAGE: Action.GSTAGE,
        Cause.LOAD_GUEST_PAGE: Action.GSTAGE,
        Cause.VIRTUAL: Action.VIRTUAL,
        Cause.STORE_GUEST_PAGE: Action.GSTAGE,
    }
    return Exits(MappingProxyType(actions), retries_fetch)


EXITS: Mapping[str, Exits] = MappingProxyType(
    {
        # Linux 6.0, on which the patch was posted, has no entry for an illegal instruction either, and ends such a
        # guest; the redirection came with 6.3. The patch is judged with it, or every guest that probes for V would die
        # of its base.
        "v12": _exits(misaligned=Action.UNKNOWN, access=Action.UNKNOWN, retries_fetch=False),
        "6.5": _exits(misaligned=Action.REDIRECT, access=Action.UNKNOWN, retries_fetch=False),
        "6.12": _exits(misaligned=Action.REDIRECT, access=Action.REDIRECT),
        "7.2": _exits(misaligned=Action.REDIRECT, access=Action.REDIRECT, illegal=Action.DELEGATED),
    }
)
"""The tables by name; a :class:`~pymodel.kvm.version.KernelVersion` names its own."""
