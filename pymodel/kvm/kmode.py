# SPDX-License-Identifier: Apache-2.0
"""Kernel-mode vector code: who may use the unit, what is saved for it, and interrupts at any step (S13; facts, 3.9).

`riscv_v_flags` of the thread that runs on a hart say whose values the registers hold. A kernel that restores the guest
at load has no flags for guests: its kernel-mode vector code saves the process's registers, which are the guest's by
then. :mod:`~pymodel.kvm.sections` says how sections survive traps and the scheduler.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from vctx.pymodel.isa import Csr, Hart
from vctx.pymodel.kvm import host, sections, vector
from vctx.pymodel.kvm.errors import KernelMisuseError, KernelOops
from vctx.pymodel.kvm.layout import SR_VS, VS_DIRTY, VS_OFF
from vctx.pymodel.kvm.state import KernelState, Step, Vcpu
from vctx.pymodel.kvm.thread import Thread, VFlag


def guest_is_live(vcpu: Vcpu) -> bool:
    """Whether the registers of the hart where the vCPU is loaded are the guest's."""
    if vcpu.hart is None or vcpu.kernel.version.restore_at_load:
        return vcpu.hart is not None
    return bool(vcpu.thread.v_flags & VFlag.VCPU_CTX) and not vcpu.thread.v_flags & VFlag.NEED_RESTORE


# The context guard, which load and put hold while they move registers


def get_cpu_vector_context(kernel: KernelState, hart: Hart) -> None:
    """Keep other kernel-mode vector code off the registers.

    Raises:
        KernelOops: it is held already.
    """
    thread = kernel.thread(hart)
    if thread.v_flags & VFlag.KERNEL_MODE_V:
        raise KernelOops(f"hart {hart.hart_id}: nested use of kernel-mode vector")
    thread.v_flags |= VFlag.KERNEL_MODE_V


def put_cpu_vector_context(kernel: KernelState, hart: Hart) -> None:
    """Undo :func:`get_cpu_vector_context`."""
    kernel.thread(hart).v_flags &= ~VFlag.KERNEL_MODE_V


@contextmanager
def guarded(kernel: KernelState, hart: Hart) -> Iterator[None]:
    """Move a vCPU's and the host's registers: with the context guard, if the kernel knows of it.

    A section of the thread itself, preempted by the trap that we are in, is out of the guard's reach. No kernel saves
    its registers before they are overwritten (S25); the cure is to do as a nested section does.
    """
    thread = kernel.thread(hart)
    if kernel.version.preempted_section == "saved" and thread.depth:
        sections.park(kernel, hart, thread)
    if kernel.version.restore_at_load:
        yield
        return
    get_cpu_vector_context(kernel, hart)
    yield
    put_cpu_vector_context(kernel, hart)


def may_use_simd(kernel: KernelState, hart: Hart, *, hard: bool = False) -> bool:
    """Whether code that interrupted `hart` may use vectors; if not it does without. Never in a hard interrupt."""
    return not hard and not kernel.thread(hart).v_flags & VFlag.KERNEL_MODE_V


# Sections of kernel-mode vector code


def kernel_vector_begin(kernel: KernelState, hart: Hart) -> None:
    """Save what the registers hold, by what the thread's flags say that is, and turn the unit on.

    The section is preemptible if the thread has room for its registers, unless it nests in another that is.

    Raises:
        KernelMisuseError: :func:`may_use_simd` is false, or the thread is in a section already and no trap came.
    """
    thread = kernel.thread(hart)
    if not may_use_simd(kernel, hart) or (sections.started(thread) and not thread.depth):
        raise KernelMisuseError("kernel_vector_begin where the registers are in use")
    preemptible = sections.vstate(kernel, hart, thread) is not None
    get_cpu_vector_context(kernel, hart)
    if sections.started(thread):
        sections.park(kernel, hart, thread)
    else:
        _flush(kernel, hart, thread)
        if preemptible:
            # The flag comes last: a switch in between must not take what the flush moved for the section's own.
            put_cpu_vector_context(kernel, hart)
            thread.v_flags |= VFlag.PREEMPT_V
    kernel.csr_set(hart, Csr.SSTATUS, SR_VS)


def kernel_vector_end(kernel: KernelState, hart: Hart) -> None:
    """Turn the unit off; a process that is not restored on its way to user mode is restored now."""
    thread = kernel.thread(hart)
    kernel.csr_clear(hart, Csr.SSTATUS, SR_VS)
    if sections.started(thread) and not thread.depth:
        thread.v_flags &= ~(VFlag.PREEMPT_V | VFlag.PREEMPT_V_DIRTY)
    else:
        put_cpu_vector_context(kernel, hart)
    if not kernel.version.user_restore_deferred:
        host.set_restore(kernel, hart)


def _flush(kernel: KernelState, hart: Hart, thread: Thread) -> None:
    """Save whose registers these are: the guest's, if it was entered and the kernel knows, or else the process's."""
    vcpu = kernel.running.get(hart.hart_id)
    if vcpu is not None and thread.v_flags & VFlag.VCPU_CTX:
        flush_vector(vcpu, hart)
    else:
        park_process(kernel, hart)


def _owned_by_process(kernel: KernelState, hart: Hart) -> bool:
    """Whether the registers are those of the current process, or this kernel believes so.

    They are not from the save to the restore of a vCPU's host side; a kernel that restores at load does not look.
    Before the first entry Linux does save the process here, with what the host's save has made of vl and vtype: whoever
    made the system call has no claim to those.
    """
    vcpu = kernel.running.get(hart.hart_id)
    return vcpu is None or not vcpu.host_parked or kernel.version.restore_at_load


def park_process(kernel: KernelState, hart: Hart) -> None:
    """Take the registers from the process that is current on `hart`, which finds its own again when it runs."""
    task = kernel.current.get(hart.hart_id)
    if task is None or not _owned_by_process(kernel, hart):
        return
    if task.vs == VS_DIRTY:
        host.vstate_save(task, hart)
    if kernel.version.user_restore_deferred:
        host.set_restore(kernel, hart)


def flush_vector(vcpu: Vcpu, hart: Hart) -> None:
    """Save the guest if it is dirty, and have it restored at its next entry; doing it again changes nothing."""
    vector.guest_vector_save(vcpu, hart)
    if vcpu.guest_context.vs != VS_OFF:
        vcpu.thread.v_flags |= VFlag.NEED_RESTORE


# Traps from kernel code


def trap_entry(kernel: KernelState, hart: Hart) -> None:
    """Interrupt the kernel code on `hart`. The unit goes off, so that code that did not ask for it is noticed."""
    thread = kernel.thread(hart)
    status = kernel.csr_read_clear(hart, Csr.SSTATUS, SR_VS)
    thread.trapped.append(status)
    sections.nesting_start(thread, status)


def trap_exit(kernel: KernelState, hart: Hart) -> None:
    """Go back to the code that was interrupted, with its sstatus and, in a section, its registers."""
    thread = kernel.thread(hart)
    status = sections.nesting_end(kernel, hart, thread, thread.trapped.pop())
    kernel.csr_write(hart, Csr.SSTATUS, status)


# Interrupts


class Xor:
    """A user of kernel-mode vector: the parity of three blocks of 8 * VLEN/8 bytes, computed in 32 registers."""

    def __init__(self, kernel: KernelState, hart: Hart) -> None:
        self._kernel = kernel
        size = kernel.vsize // 4
        self._blocks = kernel.alloc.kzalloc_all(hart, *((size, f"xor block {n}") for n in range(4)))
        self._size = size
        data = [bytes((n * 89 + at * (2 * n + 3)) & 0xFF for at in range(size)) for n in range(3)]
        for block, content in zip(self._blocks, data, strict=False):
            kernel.write(hart, block, content)
        self._parity = bytes(a ^ b ^ c for a, b, c in zip(*data, strict=True))

    def __call__(self, hart: Hart) -> None:
        """Compute it in one go; KernelOops if the result is wrong."""
        self.load(hart)
        self.store(hart)

    def load(self, hart: Hart) -> None:
        """First half: load the blocks."""
        self._kernel.call(hart, "xor_load", *self._blocks[:3])

    def store(self, hart: Hart) -> None:
        """Second half: store the parity; KernelOops if it is wrong, or the unit is off."""
        kernel = self._kernel
        kernel.memset(hart, self._blocks[3], 0, self._size)
        kernel.call(hart, "xor_store", self._blocks[3])
        if kernel.memory.read(self._blocks[3], self._size) != self._parity:
            raise KernelOops(f"hart {hart.hart_id}: kernel-mode vector code found its registers changed")


def softirq(kernel: KernelState, hart: Hart, body: Callable[[Hart], None], *, hard: bool = False) -> None:
    """Interrupt whatever the kernel does on `hart`, and run `body` as kernel-mode vector code if that may be.

    Args:
        kernel, hart, body: see above.
        hard: it is the hard interrupt itself, where that may never be.
    """
    with kernel.marked(hart, "softirq"):
        trap_entry(kernel, hart)
        if may_use_simd(kernel, hart, hard=hard):
            kernel_vector_begin(kernel, hart)
            with kernel.marked(hart, "kernel_vector", "kernel"):
                body(hart)
            kernel_vector_end(kernel, hart)
        trap_exit(kernel, hart)


@dataclass
class Injection:
    """An interrupt at each step that `at` chooses; `taken` are the steps where it came."""

    at: Callable[[Step], bool]
    body: Callable[[Hart], None]
    taken: list[Step]

    def offer(self, kernel: KernelState, step: Step) -> None:
        """Interrupt at `step` if it is chosen."""
        if self.at(step):
            self.taken.append(step)
            softirq(kernel, step.hart, self.body)
