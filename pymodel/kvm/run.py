"""KVM_RUN: enter the guest, look why it came back, and go on until user space has to know."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pymodel.isa import Csr
from pymodel.kvm.errors import KernelMisuseError
from pymodel.kvm.exits import Exit, ExitReason
from pymodel.kvm.layout import SR_SIE, SR_SPIE, SR_SPP
from pymodel.kvm.machine import IRQ_S_TIMER
from pymodel.kvm.vcpu import vcpu_load, vcpu_put, vcpu_reset

if TYPE_CHECKING:
    from pymodel.isa import Hart
    from pymodel.kvm.vcpu import Vcpu

_INTERRUPT = 1 << 63
_ILLEGAL = 2
_VS_ECALL = 10
_VIRTUAL = 22
_GUEST_PAGE_FAULTS = {20, 21, 23}
_WFI = 0x1050_0073

_SBI_NOT_SUPPORTED = -2 & (1 << 64) - 1


@dataclass(frozen=True)
class Trap:
    """What the trap CSRs say about a guest exit."""

    sepc: int
    scause: int
    stval: int
    htval: int


def vcpu_run(vcpu: Vcpu, hart: Hart) -> Generator[Exit, None, Exit]:
    """Run the guest, from `vcpu_load` to `vcpu_put`.

    Yields each exit that the kernel handled itself; there the vCPU may be scheduled out and in again, on any hart. The
    generator's return value is the exit that user space gets.

    Raises:
        KernelMisuseError: the vCPU is loaded already, or was left scheduled out.
        KernelOops: the kernel trapped.
    """
    vcpu.ran_atleast_once = True
    _complete_user_exit(vcpu, hart)
    vcpu_load(vcpu, hart)
    while True:
        if vcpu.hart is None:
            raise KernelMisuseError(f"{vcpu.name} is resumed while scheduled out")
        if vcpu.reset_requested:
            vcpu.reset_requested = False
            vcpu_reset(vcpu, vcpu.loaded_on)
        if vcpu.signal_pending:
            vcpu.signal_pending = False
            exit_ = Exit(ExitReason.INTR)
            break
        exit_ = vcpu_exit(vcpu, enter_exit(vcpu))
        if exit_.reason.to_user:
            break
        yield exit_
    vcpu_put(vcpu)
    vcpu.user_exit = exit_
    return exit_


def enter_exit(vcpu: Vcpu) -> Trap:
    """Run the guest for one slice and return the trap that ended it."""
    kernel, hart = vcpu.kernel, vcpu.loaded_on
    with kernel.marked(hart, "guest", vcpu.name):
        kernel.call_sret(
            hart, "switch_to", vcpu.arch, vcpu.slice, at_sret=lambda: kernel.notify("guest.enter", vcpu, hart)
        )
    kernel.notify("guest.exit", vcpu, hart)
    return Trap(
        vcpu.guest_context["sepc"],
        kernel.csr_read(hart, Csr.SCAUSE),
        kernel.csr_read(hart, Csr.STVAL),
        kernel.csr_read(hart, Csr.HTVAL),
    )


def vcpu_exit(vcpu: Vcpu, trap: Trap) -> Exit:
    """Handle one guest exit, or say what user space has to handle."""
    if trap.scause == _INTERRUPT | IRQ_S_TIMER:
        return Exit(ExitReason.TIMER)
    if trap.scause == _VS_ECALL:
        return _sbi_ecall(vcpu)
    if trap.scause in _GUEST_PAGE_FAULTS:
        gpa = trap.htval << 2 | trap.stval & 3
        if vcpu.vm.map_page(vcpu.loaded_on, gpa):
            return Exit(ExitReason.GSTAGE_FAULT, (gpa,))
        return Exit(ExitReason.MEMORY_FAULT, (gpa, trap.scause))
    if trap.scause == _VIRTUAL:
        if trap.stval == _WFI:
            _skip_insn(vcpu)
            return Exit(ExitReason.WFI)
        # Nothing else that traps this way is emulated; to the guest it is an illegal instruction.
        trap = Trap(trap.sepc, _ILLEGAL, trap.stval, 0)
    if trap.scause == _ILLEGAL:
        vcpu_trap_redirect(vcpu, trap)
        return Exit(ExitReason.REDIRECT, (trap.scause,))
    return Exit(ExitReason.UNKNOWN, (trap.scause, trap.sepc, trap.stval))


def vcpu_trap_redirect(vcpu: Vcpu, trap: Trap) -> None:
    """Make the guest take `trap` itself, as hardware would have delivered it to VS-mode (F-4)."""
    kernel, hart, cntx = vcpu.kernel, vcpu.loaded_on, vcpu.guest_context
    vsstatus = kernel.csr_read(hart, Csr.VSSTATUS)
    sie = vsstatus & SR_SIE
    vsstatus &= ~(SR_SPP | SR_SPIE | SR_SIE)
    vsstatus |= cntx["sstatus"] & SR_SPP
    vsstatus |= SR_SPIE if sie else 0
    kernel.csr_write(hart, Csr.VSSTATUS, vsstatus)
    kernel.csr_write(hart, Csr.VSCAUSE, trap.scause)
    kernel.csr_write(hart, Csr.VSEPC, trap.sepc)
    kernel.csr_write(hart, Csr.VSTVAL, trap.stval)
    cntx.store(hart, sepc=kernel.csr_read(hart, Csr.VSTVEC), sstatus=cntx["sstatus"] | SR_SPP)


def _sbi_yield(vcpu: Vcpu) -> Exit:
    _sbi_return(vcpu, vcpu.loaded_on, 0, 0)
    return Exit(ExitReason.SBI)


def _sbi_putchar(vcpu: Vcpu) -> Exit:
    return Exit(ExitReason.PUTCHAR, (vcpu.guest_context["x10"],))


def _sbi_report(vcpu: Vcpu) -> Exit:
    return Exit(ExitReason.REPORT, (vcpu.guest_context["x10"], vcpu.guest_context["x11"]))


# By extension id, a7. The base extension stands for all cheap calls; the experimental space goes to user space.
_SBI: dict[int, Callable[[Vcpu], Exit]] = {0x10: _sbi_yield, 0x01: _sbi_putchar, 0x0800_0001: _sbi_report}


def _sbi_ecall(vcpu: Vcpu) -> Exit:
    handler = _SBI.get(vcpu.guest_context["x17"])
    if handler is None:
        _sbi_return(vcpu, vcpu.loaded_on, _SBI_NOT_SUPPORTED, 0)
        return Exit(ExitReason.SBI)
    return handler(vcpu)


def _sbi_return(vcpu: Vcpu, hart: Hart, error: int, value: int) -> None:
    vcpu.guest_context.store(hart, x10=error, x11=value, sepc=vcpu.guest_context["sepc"] + 4)


def _skip_insn(vcpu: Vcpu) -> None:
    vcpu.guest_context.store(vcpu.loaded_on, sepc=vcpu.guest_context["sepc"] + 4)


def _complete_user_exit(vcpu: Vcpu, hart: Hart) -> None:
    """Deliver the results of an SBI call that user space served."""
    last, vcpu.user_exit = vcpu.user_exit, None
    if last is not None and last.reason in (ExitReason.PUTCHAR, ExitReason.REPORT):
        _sbi_return(vcpu, hart, 0, 0)
