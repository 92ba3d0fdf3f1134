# SPDX-License-Identifier: Apache-2.0
"""SBI calls of a guest: served here, or handed to user space."""

from __future__ import annotations

from collections.abc import Callable

from vctx.pymodel.isa import Hart
from vctx.pymodel.kvm import power
from vctx.pymodel.kvm.exits import Exit, ExitReason
from vctx.pymodel.kvm.onereg_other import sbi_has
from vctx.pymodel.kvm.state import Vcpu

_NOT_SUPPORTED = -2 & (1 << 64) - 1
_HART_START, _HART_STOP, _HART_STATUS = range(3)


def sbi_ecall(vcpu: Vcpu) -> Exit:
    """Serve the SBI call that ended the guest's slice, or say what user space has to serve."""
    handler = _EXTENSIONS.get(vcpu.guest_context["x17"])
    if handler is None:
        return _return(vcpu, _NOT_SUPPORTED)
    return handler(vcpu)


def sbi_return(vcpu: Vcpu, hart: Hart, error: int, value: int) -> None:
    """Give the guest the result of an SBI call and go on behind it."""
    vcpu.guest_context.store(hart, x10=error, x11=value, sepc=vcpu.guest_context["sepc"] + 4)


def _return(vcpu: Vcpu, error: int, value: int = 0) -> Exit:
    sbi_return(vcpu, vcpu.loaded_on, error, value)
    return Exit(ExitReason.SBI)


def _base(vcpu: Vcpu) -> Exit:
    return _return(vcpu, 0)


def _putchar(vcpu: Vcpu) -> Exit:
    return Exit(ExitReason.PUTCHAR, (vcpu.guest_context["x10"],))


def _report(vcpu: Vcpu) -> Exit:
    return Exit(ExitReason.REPORT, (vcpu.guest_context["x10"], vcpu.guest_context["x11"]))


def _hsm(vcpu: Vcpu) -> Exit:
    cntx = vcpu.guest_context
    function = cntx["x16"]
    if not sbi_has(vcpu, "hsm"):
        return _return(vcpu, _NOT_SUPPORTED)
    if function == _HART_START:
        return _return(vcpu, power.hart_start(vcpu, vcpu.loaded_on, cntx["x10"], cntx["x11"], cntx["x12"]))
    if function == _HART_STATUS:
        return _return(vcpu, *power.hart_status(vcpu, cntx["x10"]))
    if function == _HART_STOP:
        vcpu.powered_off = True
        return _return(vcpu, 0)  # where it goes on if user space, not a guest, lets it
    return _return(vcpu, _NOT_SUPPORTED)


# By extension id, a7. The base extension stands for all cheap calls; the experimental space goes to user space.
_EXTENSIONS: dict[int, Callable[[Vcpu], Exit]] = {
    0x01: _putchar,
    0x10: _base,
    0x48534D: _hsm,
    0x0800_0001: _report,
}
