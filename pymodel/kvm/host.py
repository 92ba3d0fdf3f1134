# SPDX-License-Identifier: Apache-2.0
"""Host processes that use vectors, and how the host kernel switches between them.

The registers are saved and restored by the same assembly as a guest's: saved when a process is switched out with VS
Dirty, restored when one is switched in with VS not Off, or when it then returns to user mode (facts, 3.10).
"""

from __future__ import annotations

from vctx.pymodel.isa import Csr, Hart
from vctx.pymodel.kvm import sections
from vctx.pymodel.kvm.errors import KernelMisuseError
from vctx.pymodel.kvm.exits import Exit, ExitReason
from vctx.pymodel.kvm.layout import VS_CLEAN, VS_DIRTY, VS_INITIAL, VS_OFF
from vctx.pymodel.kvm.machine import IRQ_S_TIMER
from vctx.pymodel.kvm.state import HostTask, KernelState

_INTERRUPT = 1 << 63
_ILLEGAL = 2
_U_ECALL = 8
_SYS_REPORT = 1
_SYS_CALL = 2
_OP_V, _LOAD_FP, _STORE_FP, _SYSTEM = 0x57, 0x07, 0x27, 0x73
_VECTOR_WIDTHS = (0, 5, 6, 7)  # of loads and stores: 8, 16, 32 and 64 bits
_VECTOR_CSRS = (*range(0x008, 0x010), *range(0xC20, 0xC23))  # vstart to vcsr, vl to vlenb


def task_run(task: HostTask) -> Exit:
    """Run a task on the hart where it is current, until the timer or a system call.

    Returns:
        TIMER, REPORT or SYSCALL with its arguments, or UNKNOWN for a trap that would kill the process. REPORT
        stands outside the modelled system; SYSCALL is a system call like any other, which throws the vector
        registers away if the kernel does that.

    Raises:
        KernelMisuseError: it is not current anywhere.
    """
    hart, kernel = task.hart, task.kernel
    if hart is None:
        raise KernelMisuseError(f"{task.name} is not current on any hart")
    while True:
        if task.defer_restore:
            vstate_restore(task, hart)
        with kernel.marked(hart, "task", task.name):
            kernel.call_sret(
                hart, "user_enter", task.address, task.slice, lambda: kernel.notify("task.enter", task, hart)
            )
        kernel.notify("task.exit", task, hart)
        scause, stval = kernel.csr_read(hart, Csr.SCAUSE), kernel.csr_read(hart, Csr.STVAL)
        if scause == _INTERRUPT | IRQ_S_TIMER:
            return Exit(ExitReason.TIMER)
        if scause == _U_ECALL and task.regs["x17"] == _SYS_REPORT:
            args = task.regs["x10"], task.regs["x11"]
            task.regs.store(hart, x10=0, epc=task.regs["epc"] + 4)
            return Exit(ExitReason.REPORT, args)
        if scause == _U_ECALL and task.regs["x17"] == _SYS_CALL:
            _discard(task, hart)
            task.regs.store(hart, x10=0, epc=task.regs["epc"] + 4)
            return Exit(ExitReason.SYSCALL)
        if scause != _ILLEGAL or not _first_use(task, hart, stval):
            return Exit(ExitReason.UNKNOWN, (scause, task.regs["epc"], stval))


def _first_use(task: HostTask, hart: Hart, word: int) -> bool:
    """Give a task that never used vectors a vector state; False if its illegal instruction is another matter (H-6).

    Raises:
        KvmError: ENOMEM, where Linux sends SIGBUS.
    """
    kernel = task.kernel
    if task.vs != VS_OFF or not kernel.has_vector or not insn_is_vector(word):
        return False
    (datap,) = kernel.alloc.kzalloc_all(hart, (kernel.vsize, f"{task.name} datap"))
    task.vstate.store(hart, datap=datap)
    task.set_vs(hart, VS_INITIAL)
    vstate_restore(task, hart)
    return True


def _discard(task: HostTask, hart: Hart) -> None:
    """Throw the registers away, as every system call does to its caller's."""
    version = task.kernel.version
    nothing = VS_INITIAL if version.initial_is_discarded else VS_OFF
    if task.vs > nothing and version.syscall_discards:
        _vstate_discard(task, hart)
        task.set_vs(hart, VS_DIRTY)


def insn_is_vector(word: int) -> bool:
    """Whether the kernel takes an instruction for one of the V extension: OP-V, a load or store, a CSR (H-6)."""
    opcode, width, csr = word & 0x7F, word >> 12 & 7, word >> 20
    if opcode in (_LOAD_FP, _STORE_FP):
        return width in _VECTOR_WIDTHS
    return opcode == _OP_V or (opcode == _SYSTEM and csr in _VECTOR_CSRS)


def switch_to(kernel: KernelState, hart: Hart, task: HostTask | None) -> None:
    """Make `task` current on `hart` instead of whatever is; None is a process that does not use vectors, as a VMM.

    Raises:
        KernelMisuseError: a vCPU is loaded there, or the task is current on another hart.
    """
    if hart.hart_id in kernel.running or (task is not None and task.hart not in (None, hart)):
        raise KernelMisuseError(f"hart {hart.hart_id} cannot switch to {task.name if task else 'no task'}")
    previous = kernel.current.get(hart.hart_id)
    if previous is task:
        return
    if previous is not None:
        if sections.started(previous.thread):
            sections.switch_from(kernel, hart, previous.thread)
        elif previous.vs == VS_DIRTY:
            vstate_save(previous, hart)
        previous.hart = None
        del kernel.current[hart.hart_id]
    if task is not None:
        task.hart = hart
        kernel.current[hart.hart_id] = task
        if sections.started(task.thread):
            sections.switch_into(kernel, hart, task.thread)
        else:
            set_restore(kernel, hart)


def task_destroy(task: HostTask, hart: Hart) -> None:
    """End a task and free its memory; KernelMisuseError while it is current."""
    if task.hart is not None:
        raise KernelMisuseError(f"{task.name} ends while it is current")
    for address in (task.vstate["datap"], task.work, task.address):
        task.kernel.alloc.kfree(hart, address)


def set_restore(kernel: KernelState, hart: Hart) -> None:
    """See to it that the process current on `hart` finds its registers: now, or when it returns to user mode."""
    task = kernel.current.get(hart.hart_id)
    if task is None or task.vs == VS_OFF:
        return
    if kernel.version.user_restore_deferred:
        task.defer_restore = True
    else:
        vstate_restore(task, hart)


def vstate_save(task: HostTask, hart: Hart) -> None:
    """Save a process's registers to its thread.vstate; its VS becomes Clean."""
    _move(task, hart, "vector_save", "vstate_save")


def vstate_restore(task: HostTask, hart: Hart) -> None:
    """Load a process's registers from its thread.vstate; its VS becomes Clean.

    In VS Initial the newest scheme has nothing to load, and leaves what a discard leaves (facts, 3.10).
    """
    if task.vs == VS_INITIAL and task.kernel.version.initial_is_discarded:
        _vstate_discard(task, hart)
    else:
        _move(task, hart, "vector_restore", "vstate_restore")
    task.defer_restore = False


def _vstate_discard(task: HostTask, hart: Hart) -> None:
    """Fill the registers with ones and make vtype illegal (H-3); vcsr stays as it is."""
    with task.kernel.marked(hart, "vstate_discard", task.name):
        task.kernel.call(hart, "vector_discard")


def _move(task: HostTask, hart: Hart, symbol: str, what: str) -> None:
    kernel = task.kernel
    with kernel.marked(hart, what, task.name, (("task_datap", task.vstate["datap"], kernel.vsize),)):
        kernel.call(hart, symbol, task.vstate.context)
        task.set_vs(hart, VS_CLEAN)
