# SPDX-License-Identifier: Apache-2.0
"""Preemptible sections of kernel-mode vector code: where their registers are while traps nest and threads change.

A section belongs to its thread. Its registers are saved lazily, when somebody else needs them: trap entry only notes
that they are live (PREEMPT_V_DIRTY), a nested user or the scheduler saves them, and the way out of the outermost trap
loads them again. A thread that calls the scheduler by itself loses its vector registers like every register that a
function may clobber; only that the unit was on is kept (PREEMPT_V_IN_SCHEDULE).
"""

from __future__ import annotations

from vctx.pymodel.isa import Csr, Hart
from vctx.pymodel.kvm.errors import KvmError
from vctx.pymodel.kvm.layout import SR_VS, VS_CLEAN, VS_DIRTY
from vctx.pymodel.kvm.machine import Machine
from vctx.pymodel.kvm.structs import VState
from vctx.pymodel.kvm.thread import Thread, VFlag


def started(thread: Thread) -> bool:
    """Whether the thread is in a preemptible section."""
    return VFlag.PREEMPT_V in thread.v_flags


def vstate(machine: Machine, hart: Hart, thread: Thread) -> VState | None:
    """Return where the thread's sections are kept, None if it has no room for any.

    The kernel gets the room with the thread; here that is when it is first asked for. A kernel without memory does
    without, and so do idle threads.
    """
    if not thread.has_kernel_vstate or machine.version.preempted_section == "none":
        return None
    if thread.kernel_vstate is None:
        try:
            state, datap = machine.alloc.kzalloc_all(
                hart, (machine.layout["vstate_size"], "kernel_vstate"), (machine.vsize, "kernel_vstate datap")
            )
        except KvmError:
            return None
        thread.kernel_vstate = VState(machine, state)
        thread.kernel_vstate.store(hart, datap=datap)
    return thread.kernel_vstate


def park(machine: Machine, hart: Hart, thread: Thread) -> None:
    """Inside a trap: free the registers for somebody else; the way out of the trap loads them again."""
    if VFlag.PREEMPT_V_DIRTY in thread.v_flags:
        _move(machine, hart, thread, "vector_save", "section_save")
        thread.v_flags &= ~VFlag.PREEMPT_V_DIRTY
    thread.v_flags |= VFlag.PREEMPT_V_NEED_RESTORE


# Traps


def nesting_start(thread: Thread, status: int) -> None:
    """A trap interrupts the thread, whose sstatus was `status`."""
    if started(thread):
        if thread.depth == 0 and status & SR_VS == VS_DIRTY:
            thread.v_flags |= VFlag.PREEMPT_V_DIRTY
        thread.depth += 1


def nesting_end(machine: Machine, hart: Hart, thread: Thread, status: int) -> int:
    """The trap is over; return the sstatus that the thread goes on with."""
    if not started(thread):
        return status
    thread.depth -= 1
    if thread.depth == 0 and VFlag.PREEMPT_V_NEED_RESTORE in thread.v_flags:
        _move(machine, hart, thread, "vector_restore", "section_restore")
        thread.v_flags &= ~(VFlag.PREEMPT_V_DIRTY | VFlag.PREEMPT_V_NEED_RESTORE)
        status = status & ~SR_VS | VS_CLEAN
    return status


# The scheduler


def switch_from(machine: Machine, hart: Hart, thread: Thread) -> None:
    """The thread, which is in a section, loses its hart."""
    if machine.csr_read(hart, Csr.SSTATUS) & SR_VS:
        machine.csr_clear(hart, Csr.SSTATUS, SR_VS)
        thread.v_flags |= VFlag.PREEMPT_V_IN_SCHEDULE
    if VFlag.PREEMPT_V_DIRTY in thread.v_flags:
        _move(machine, hart, thread, "vector_save", "section_save")
        thread.v_flags &= ~VFlag.PREEMPT_V_DIRTY


def switch_into(machine: Machine, hart: Hart, thread: Thread) -> None:
    """The thread, which is in a section, gets a hart."""
    if VFlag.PREEMPT_V_IN_SCHEDULE in thread.v_flags:
        thread.v_flags &= ~VFlag.PREEMPT_V_IN_SCHEDULE
        machine.csr_set(hart, Csr.SSTATUS, SR_VS)
    else:
        thread.v_flags |= VFlag.PREEMPT_V_NEED_RESTORE


def _move(machine: Machine, hart: Hart, thread: Thread, symbol: str, what: str) -> None:
    assert thread.kernel_vstate is not None
    with machine.marked(hart, what, "kernel", (("kernel_datap", thread.kernel_vstate["datap"], machine.vsize),)):
        machine.call(hart, symbol, thread.kernel_vstate.context)
