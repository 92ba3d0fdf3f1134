# SPDX-License-Identifier: Apache-2.0
"""KVM_RUN: enter the guest, look why it came back, and go on until user space has to know."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass

from vctx.pymodel.isa import Cause, Csr, Hart
from vctx.pymodel.kvm.errors import KernelMisuseError, KvmError
from vctx.pymodel.kvm.exit_causes import EXITS, Action
from vctx.pymodel.kvm.exits import Exit, ExitReason
from vctx.pymodel.kvm.layout import SR_SIE, SR_SPIE, SR_SPP
from vctx.pymodel.kvm.machine import IRQ_S_TIMER
from vctx.pymodel.kvm.mmio import UnprivilegedFault, mmio_exit, mmio_return
from vctx.pymodel.kvm.sbi import sbi_ecall, sbi_return
from vctx.pymodel.kvm.state import Step, Vcpu
from vctx.pymodel.kvm.vcpu import vcpu_load, vcpu_put, vcpu_reset
from vctx.pymodel.kvm.vector import guest_vector_enter

_INTERRUPT = 1 << 63
_WFI = 0x1050_0073


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
    generator's return value is the exit that user space gets. A vCPU that is powered off yields STOPPED until it is
    started or a signal comes.

    Raises:
        KernelMisuseError: the vCPU is loaded already, or was left scheduled out.
        KernelOops: the kernel trapped.
    """
    vcpu.ran_atleast_once = True
    _complete_user_exit(vcpu, hart)
    if vcpu.immediate_exit:
        return Exit(ExitReason.INTR)
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
        if vcpu.powered_off:
            yield Exit(ExitReason.STOPPED)
            continue
        vcpu.kernel.interruptible(Step(vcpu.loaded_on, vcpu, "run_loop", 0))
        trap = enter_exit(vcpu)
        try:
            exit_ = vcpu_exit(vcpu, trap)
        except KvmError:
            vcpu_put(vcpu)
            raise
        vcpu.kernel.interruptible(Step(vcpu.loaded_on, vcpu, "run_loop", 1))
        if exit_.reason.to_user:
            break
        yield exit_
    vcpu_put(vcpu)
    vcpu.user_exit = exit_
    return exit_


def enter_exit(vcpu: Vcpu) -> Trap:
    """Run the guest for one slice and return the trap that ended it."""
    kernel, hart = vcpu.kernel, vcpu.loaded_on
    guest_vector_enter(vcpu, hart)
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
    """Handle one guest exit by the kernel's table, or say what user space has to handle."""
    if trap.scause == _INTERRUPT | IRQ_S_TIMER:
        return Exit(ExitReason.TIMER)
    match EXITS[vcpu.kernel.version.exits].action(trap.scause):
        case Action.REDIRECT:
            return _redirect(vcpu, trap)
        case Action.SBI:
            return sbi_ecall(vcpu)
        case Action.GSTAGE:
            return _gstage_page_fault(vcpu, trap)
        case Action.VIRTUAL:
            return _virtual_insn(vcpu, trap)
        case _:
            return Exit(ExitReason.UNKNOWN, (trap.scause, trap.sepc, trap.stval))


def _redirect(vcpu: Vcpu, trap: Trap) -> Exit:
    vcpu_trap_redirect(vcpu, trap)
    return Exit(ExitReason.REDIRECT, (trap.scause,))


def _virtual_insn(vcpu: Vcpu, trap: Trap) -> Exit:
    """Emulate WFI. To the guest, whatever else traps this way is an illegal instruction."""
    if trap.stval == _WFI:
        _skip_insn(vcpu)
        return Exit(ExitReason.WFI)
    return _redirect(vcpu, Trap(trap.sepc, Cause.ILLEGAL, trap.stval, 0))


def _gstage_page_fault(vcpu: Vcpu, trap: Trap) -> Exit:
    """Map the page that the guest touched, or emulate the load or store outside its memory."""
    gpa = trap.htval << 2 | trap.stval & 3
    if vcpu.vm.map_page(vcpu.loaded_on, gpa):
        return Exit(ExitReason.GSTAGE_FAULT, (gpa,))
    if trap.scause == Cause.FETCH_GUEST_PAGE:
        return Exit(ExitReason.MEMORY_FAULT, (gpa, trap.scause))
    try:
        served = mmio_exit(vcpu, gpa)
    except UnprivilegedFault as fault:
        if fault.cause == Cause.LOAD_GUEST_PAGE and EXITS[vcpu.kernel.version.exits].retries_fetch:
            return Exit(ExitReason.RETRY, (trap.sepc,))
        return _redirect(vcpu, Trap(trap.sepc, fault.cause, fault.tval, 0))
    return served or Exit(ExitReason.MEMORY_FAULT, (gpa, trap.scause))


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


def _skip_insn(vcpu: Vcpu) -> None:
    vcpu.guest_context.store(vcpu.loaded_on, sepc=vcpu.guest_context["sepc"] + 4)


def _complete_user_exit(vcpu: Vcpu, hart: Hart) -> None:
    """Deliver the results of what user space served: an SBI call, a load or store."""
    last, vcpu.user_exit = vcpu.user_exit, None
    if last is None:
        return
    if last.reason in (ExitReason.PUTCHAR, ExitReason.REPORT):
        sbi_return(vcpu, hart, *vcpu.sbi_return)
        vcpu.sbi_return = (0, 0)
    elif last.reason is ExitReason.MMIO:
        mmio_return(vcpu, hart)
