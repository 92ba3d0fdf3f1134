# SPDX-License-Identifier: Apache-2.0
"""Whether a vCPU runs at all: KVM_GET/SET_MP_STATE, and the SBI calls that start and stop harts (facts, 3.7)."""

from __future__ import annotations

import errno
from enum import IntEnum

from vctx.pymodel.isa import Hart
from vctx.pymodel.kvm.errors import KvmError
from vctx.pymodel.kvm.state import Vcpu
from vctx.pymodel.kvm.vcpu import vcpu_reset

SBI_INVALID_PARAM = -3 & (1 << 64) - 1
SBI_ALREADY_AVAILABLE = -6 & (1 << 64) - 1
HART_STARTED, HART_STOPPED = 0, 1


class MpState(IntEnum):
    """The states of KVM_GET_MP_STATE that this architecture knows."""

    RUNNABLE = 0
    INIT_RECEIVED = 2
    STOPPED = 5


def get_mpstate(vcpu: Vcpu) -> MpState:
    """KVM_GET_MP_STATE."""
    return MpState.STOPPED if vcpu.powered_off else MpState.RUNNABLE


def set_mpstate(vcpu: Vcpu, hart: Hart, state: int) -> None:
    """KVM_SET_MP_STATE: power on or off without a reset, or, if the VM has that enabled, reset.

    Raises:
        KvmError: EINVAL for a state that does not exist or is not enabled.
    """
    if state == MpState.RUNNABLE:
        vcpu.powered_off = False
    elif state == MpState.STOPPED:
        vcpu.powered_off = True
    elif state == MpState.INIT_RECEIVED and vcpu.vm.mp_state_reset:
        vcpu_reset(vcpu, hart)
        vcpu.guest_context.store(hart, sepc=0, x10=0, x11=0)
    else:
        raise KvmError(errno.EINVAL)


def hart_start(vcpu: Vcpu, hart: Hart, target_id: int, address: int, opaque: int) -> int:
    """SBI hart_start by the guest on `vcpu`: the target is reset at its next run, not now; return the SBI error."""
    target = vcpu.vm.vcpus.get(target_id)
    if target is None:
        return SBI_INVALID_PARAM
    if not target.powered_off:
        return SBI_ALREADY_AVAILABLE
    target.reset_context.store(hart, sepc=address, x10=target_id, x11=opaque)
    target.reset_requested = True
    target.powered_off = False
    return 0


def hart_status(vcpu: Vcpu, target_id: int) -> tuple[int, int]:
    """SBI hart_get_status; return (error, value)."""
    target = vcpu.vm.vcpus.get(target_id)
    if target is None:
        return SBI_INVALID_PARAM, 0
    return 0, HART_STOPPED if target.powered_off else HART_STARTED
