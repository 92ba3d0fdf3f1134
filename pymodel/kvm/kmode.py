"""Kernel-mode vector code: who may use the unit, what is saved for it, and interrupts at any step (S13; facts, 3.9).

`riscv_v_flags` of the thread that runs on a hart say whose values the registers hold. A kernel that restores the guest
at load has none of this: its kernel-mode vector code saves the process's registers, which are the guest's by then.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from vctx.pymodel.isa import Csr, Hart
from vctx.pymodel.kvm import host, vector
from vctx.pymodel.kvm.errors import KernelMisuseError, KernelOops
from vctx.pymodel.kvm.layout import SR_VS, VS_DIRTY, VS_OFF
from vctx.pymodel.kvm.state import KernelState, Step, Vcpu
from vctx.pymodel.kvm.structs import VState
from vctx.pymodel.kvm.thread import Thread, VFlag


def guest_is_live(vcpu: Vcpu) -> bool:
    """Whether the registers of the hart where the vCPU is loaded are the guest's."""
    if vcpu.hart is None or vcpu.kernel.version.restore_at_load:
        return vcpu.hart is not None
    return bool(vcpu.thread.v_flags & VFlag.VCPU_CTX) and not vcpu.thread.v_flags & VFlag.NEED_RESTORE


# The context guard, which load and put hold while they move registers


def get_cpu_vector_context(kernel: KernelState, hart: Hart) -> None:
    """Keep other kernel-mode vector code off the registers; what preemptible code has in them is saved.

    Raises:
        KernelOops: it is held already.
    """
    if kernel.version.restore_at_load:
        return
    thread = kernel.thread(hart)
    if thread.v_flags & VFlag.KERNEL_MODE_V:
        raise KernelOops(f"hart {hart.hart_id}: nested use of kernel-mode vector")
    if thread.v_flags & VFlag.PREEMPT_V:
        preempt_v_save(kernel, thread, hart)
    thread.v_flags |= VFlag.KERNEL_MODE_V


def put_cpu_vector_context(kernel: KernelState, hart: Hart) -> None:
    """Undo :func:`get_cpu_vector_context`."""
    if kernel.version.restore_at_load:
        return
    thread = kernel.thread(hart)
    thread.v_flags &= ~VFlag.KERNEL_MODE_V
    if thread.v_flags & VFlag.PREEMPT_V:
        park_process(kernel, hart)
        preempt_v_restore(kernel, thread, hart)


def may_use_simd(kernel: KernelState, hart: Hart) -> bool:
    """Whether an interrupt may use vectors on `hart` now; if not it does without."""
    return not kernel.thread(hart).v_flags & VFlag.KERNEL_MODE_V


def preempt_v_save(kernel: KernelState, thread: Thread, hart: Hart) -> None:
    """Save the registers of preemptible kernel-mode vector code."""
    assert thread.kernel_vstate is not None
    kernel.call(hart, "vector_save", thread.kernel_vstate.context)


def preempt_v_restore(kernel: KernelState, thread: Thread, hart: Hart) -> None:
    """Load the registers of preemptible kernel-mode vector code."""
    assert thread.kernel_vstate is not None
    kernel.call(hart, "vector_restore", thread.kernel_vstate.context)


# Sections of kernel-mode vector code


def kernel_vector_begin(kernel: KernelState, hart: Hart, *, preemptible: bool = False) -> None:
    """Save what the registers hold, by what the thread's flags say that is, and turn the unit on.

    Args:
        kernel, hart: where.
        preemptible: the section may be scheduled out. A kernel that restores at load has no such sections.

    Raises:
        KernelMisuseError: :func:`may_use_simd` is false.
    """
    if not may_use_simd(kernel, hart):
        raise KernelMisuseError("kernel_vector_begin where the registers are in use")
    thread = kernel.thread(hart)
    get_cpu_vector_context(kernel, hart)
    _flush(kernel, hart, thread)
    if preemptible and not kernel.version.restore_at_load:
        # The flag comes last: a switch in between must not take what the flush moved for the section's own registers.
        put_cpu_vector_context(kernel, hart)
        thread.kernel_vstate = thread.kernel_vstate or _allocate_vstate(kernel, hart)
        thread.v_flags |= VFlag.PREEMPT_V
    kernel.csr_set(hart, Csr.SSTATUS, SR_VS)


def kernel_vector_end(kernel: KernelState, hart: Hart) -> None:
    """Turn the unit off, and see to it that the process gets its registers back."""
    thread = kernel.thread(hart)
    kernel.csr_clear(hart, Csr.SSTATUS, SR_VS)
    if thread.v_flags & VFlag.PREEMPT_V and not thread.v_flags & VFlag.KERNEL_MODE_V:
        thread.v_flags &= ~VFlag.PREEMPT_V
    else:
        put_cpu_vector_context(kernel, hart)
    if _owned_by_process(kernel, hart):
        host.set_restore(kernel, hart)


def _flush(kernel: KernelState, hart: Hart, thread: Thread) -> None:
    vcpu = kernel.running.get(hart.hart_id)
    if vcpu is not None and thread.v_flags & VFlag.VCPU_CTX:
        flush_vector(vcpu)
    elif _owned_by_process(kernel, hart):
        _save_process(kernel, hart)


def _owned_by_process(kernel: KernelState, hart: Hart) -> bool:
    """Whether the registers are those of the current process, or this kernel believes so.

    They are not from the save to the restore of a vCPU's host side; a kernel that restores at load does not look.
    """
    vcpu = kernel.running.get(hart.hart_id)
    return vcpu is None or not vcpu.host_parked or kernel.version.restore_at_load


def _save_process(kernel: KernelState, hart: Hart) -> None:
    task = kernel.current.get(hart.hart_id)
    if task is not None and task.vs == VS_DIRTY:
        host.vstate_save(task, hart)


def park_process(kernel: KernelState, hart: Hart) -> None:
    """Take the registers from the process that is current on `hart`, which finds its own again when it runs."""
    if _owned_by_process(kernel, hart):
        _save_process(kernel, hart)
        host.set_restore(kernel, hart)


def flush_vector(vcpu: Vcpu) -> None:
    """Save the guest if it is dirty, and have it restored at its next entry; doing it again changes nothing."""
    vector.guest_vector_save(vcpu, vcpu.loaded_on)
    if vcpu.guest_context.vs != VS_OFF:
        vcpu.thread.v_flags |= VFlag.NEED_RESTORE


def _allocate_vstate(kernel: KernelState, hart: Hart) -> VState:
    state, datap = kernel.alloc.kzalloc_all(
        hart, (kernel.layout["vstate_size"], "kernel_vstate"), (kernel.vsize, "kernel_vstate datap")
    )
    vstate = VState(kernel, state)
    vstate.store(hart, datap=datap)
    return vstate


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


def softirq(kernel: KernelState, hart: Hart, body: Callable[[Hart], None]) -> None:
    """Interrupt whatever the kernel does on `hart`, and run `body` as kernel-mode vector code if that may be.

    Trap entry turns the unit off, so that kernel code that did not ask for it is noticed, and return from the trap
    gives the interrupted code its sstatus back.
    """
    with kernel.marked(hart, "softirq"):
        status = kernel.csr_read_clear(hart, Csr.SSTATUS, SR_VS)
        if may_use_simd(kernel, hart):
            kernel_vector_begin(kernel, hart)
            with kernel.marked(hart, "kernel_vector", "kernel"):
                body(hart)
            kernel_vector_end(kernel, hart)
        kernel.csr_write(hart, Csr.SSTATUS, status)


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


@contextmanager
def guarded(kernel: KernelState, hart: Hart) -> Iterator[None]:
    """Hold the context guard."""
    get_cpu_vector_context(kernel, hart)
    yield
    put_cpu_vector_context(kernel, hart)
