# SPDX-License-Identifier: Apache-2.0
"""The whole modelled kernel on its machine: what scenarios and tests drive."""

from __future__ import annotations

import errno
from collections.abc import Callable, Generator
from typing import Any

from vctx.pymodel.isa import Csr, Hart
from vctx.pymodel.kvm import host, kmode, onereg, power, sections
from vctx.pymodel.kvm.errors import KernelOops, KvmError
from vctx.pymodel.kvm.exit_causes import EXITS
from vctx.pymodel.kvm.exits import Exit
from vctx.pymodel.kvm.kmode import Injection, Xor
from vctx.pymodel.kvm.layout import SR_VS
from vctx.pymodel.kvm.run import vcpu_run
from vctx.pymodel.kvm.state import HostTask, KernelState, Step, Vcpu, Vm
from vctx.pymodel.kvm.vcpu import vcpu_create, vcpu_destroy, vcpu_load, vcpu_put, vcpu_set_boot
from vctx.pymodel.kvm.vector import VREGS
from vctx.pymodel.kvm.version import KernelVersion
from vctx.pymodel.programs import load

GUEST_MEMORY = 0x1_0000

_HIDELEG = 1 << 2 | 1 << 6 | 1 << 10
_HCOUNTEREN = 1 << 1  # time only
_BOOT_LIMIT = 200


class Kernel(KernelState):
    """A booted-on-demand kernel; see :class:`~pymodel.kvm.machine.Machine` for the parameters.

    Attributes:
        modular: KVM is a module and not part of the kernel proper (S21).

    :class:`~pymodel.kvm.state.KernelState` has the others.

    One vCPU, run until it has a page that its program touches:

    >>> from vctx.pymodel.kvm import CLEAN, Kernel
    >>> kernel = Kernel(CLEAN, harts=1, vlen=128)
    >>> kernel.boot()
    >>> hart = kernel.harts[0]
    >>> vcpu = kernel.vcpu_create(kernel.vm_create("add"), owner=1)
    >>> run = kernel.vcpu_run(vcpu, hart)
    >>> next(run).reason
    <ExitReason.GSTAGE_FAULT: 'gstage-fault'>

    Each `next` is a guest entry and exit, and between two of them anything may happen to the vCPU:

    >>> kernel.sched_out(vcpu)
    >>> kernel.sched_in(vcpu, hart)
    >>> next(run).reason.to_user
    False
    """

    def __init__(self, version: KernelVersion, *, modular: bool = False, **machine: Any) -> None:
        super().__init__(version, **machine)
        self.modular = modular
        self._xor: Xor | None = None  # made when first asked for
        self._task_entries: dict[str, int] = {}  # entry point of each task program that is in memory
        self._count = {"vm": 0, "vcpu": 0, "task": 0}  # how many were made, for their names

    # Boot

    def boot(self) -> None:
        """Load the kernel, start every hart, each with registers of its own, and enable the hypervisor extension.

        Raises:
            KernelOops: a hart did not reach HS-mode, or harts differ in VLEN.
            KvmError: ENOENT: KVM is a module and needs a symbol that the kernel does not export (S21).
        """
        for address, data in self.program.segments:
            self.write(self.harts[0], address, data)
        for hart in self.harts:
            with self.marked(hart, "boot"):
                self._start(hart)
                self.csr_write(hart, Csr.STVEC, Hart.TRAP_SENTINEL)
                self._hardware_enable(hart)
                self._setup_vsize(hart)
        if self.modular and self.config_vector and not self.version.exports_symbols:
            self.warn("kvm: Unknown symbol riscv_v_vsize")
            raise KvmError(errno.ENOENT)

    def _start(self, hart: Hart) -> None:
        size = VREGS * hart.config.vlen // 8
        canary = self.alloc.kmalloc(hart, size, f"hart {hart.hart_id} boot canary")
        self.write(hart, canary, bytes((0xC0 + hart.hart_id) ^ at * 37 & 0xFF for at in range(size)))
        hart.reset(self.program.entry)
        hart.x[1], hart.x[10] = Hart.RETURN, canary
        hart.run({Hart.RETURN}, _BOOT_LIMIT)
        if hart.pc != Hart.RETURN:
            raise KernelOops(f"hart {hart.hart_id} did not boot; pc {hart.pc:#x}")
        self.alloc.kfree(hart, canary)

    def _hardware_enable(self, hart: Hart) -> None:
        self.csr_write(hart, Csr.HEDELEG, EXITS[self.version.exits].hedeleg)
        self.csr_write(hart, Csr.HIDELEG, _HIDELEG)
        self.csr_write(hart, Csr.HCOUNTEREN, _HCOUNTEREN)
        self.csr_write(hart, Csr.HVIP, 0)

    def _setup_vsize(self, hart: Hart) -> None:
        """Find the size of 32 vector registers; all harts must agree."""
        if not (self.has_zve if self.version.zve_is_vector else "v" in self.host_isa):
            return
        self.csr_set(hart, Csr.SSTATUS, SR_VS)
        vsize = VREGS * self.csr_read(hart, Csr.VLENB)
        self.csr_clear(hart, Csr.SSTATUS, SR_VS)
        if self.vsize not in (0, vsize):
            raise KernelOops(f"hart {hart.hart_id} has {vsize} bytes of vector registers, others {self.vsize}")
        self.vsize = vsize

    # Virtual machines

    def vm_create(self, program: str, size: int = GUEST_MEMORY) -> Vm:
        """Create a VM with `size` bytes of memory and load the guest `program` of sw/ into it."""
        return Vm(self, self.harts[0], self._number("vm") + 1, load(program), size)

    def unmap_page(self, vm: Vm, gpa: int) -> None:
        """Take the page of `gpa` from a VM, as swapping it out does; the guest will fault on it again.

        A vCPU may be loaded meanwhile: kvm_unmap_gfn_range flushes translations on every hart.
        """
        vm.unmap_page(self.harts[0], gpa)
        for hart in self.harts:
            self.hfence_gvma(hart)

    def vcpu_create(self, vm: Vm, owner: int, vcpu_id: int = 0, hart: Hart | None = None) -> Vcpu:
        """Create a vCPU that starts at the entry of the VM's program with `owner` in a1; errors as vcpu.vcpu_create."""
        hart = hart or self.harts[0]
        created = vcpu_create(vm, hart, vcpu_id, f"vcpu{self._number('vcpu')}", self)
        vcpu_set_boot(created, hart, vm.image.entry, owner)
        return created

    def vcpu_destroy(self, vcpu: Vcpu, hart: Hart | None = None) -> None:
        """Destroy a vCPU that is not loaded."""
        vcpu_destroy(vcpu, hart or self.harts[0])

    def vcpu_run(self, vcpu: Vcpu, hart: Hart) -> Generator[Exit, None, Exit]:
        """KVM_RUN, see :func:`~pymodel.kvm.run.vcpu_run`."""
        return vcpu_run(vcpu, hart)

    def sched_out(self, vcpu: Vcpu) -> None:
        """The thread that runs the vCPU loses its hart: the preempt notifier, then the switch itself."""
        hart = vcpu.loaded_on
        vcpu_put(vcpu)
        if sections.started(vcpu.thread):
            sections.switch_from(self, hart, vcpu.thread)

    def sched_in(self, vcpu: Vcpu, hart: Hart) -> None:
        """The thread that runs the vCPU gets `hart`: the switch itself, then the preempt notifier."""
        if sections.started(vcpu.thread):
            kmode.park_process(self, hart)
            sections.switch_into(self, hart, vcpu.thread)
        vcpu_load(vcpu, hart)

    def request_reset(self, vcpu: Vcpu) -> None:
        """Have the run loop reset the vCPU before it enters the guest again, as for an SBI HSM start."""
        vcpu.reset_requested = True

    def set_reg(self, vcpu: Vcpu, reg_id: int, value: int | bytes) -> None:
        """KVM_SET_ONE_REG with an ordinary buffer; errors as onereg.set_reg."""
        size = onereg.reg_size(reg_id)
        data = value if isinstance(value, bytes) else value.to_bytes(size, "little")
        onereg.set_reg(vcpu, self.harts[0], reg_id, onereg.UserBuffer(data))

    def get_reg_list(self, vcpu: Vcpu) -> list[int]:
        """KVM_GET_REG_LIST with room for all; KvmError EINVAL if the kernel has no such call."""
        reg_list = onereg.RegList(len(onereg.list_regs(vcpu)))
        onereg.get_reg_list(vcpu, reg_list)
        return reg_list.reg

    def get_mpstate(self, vcpu: Vcpu) -> power.MpState:
        """KVM_GET_MP_STATE."""
        return power.get_mpstate(vcpu)

    def set_mpstate(self, vcpu: Vcpu, state: int) -> None:
        """KVM_SET_MP_STATE; errors as power.set_mpstate."""
        power.set_mpstate(vcpu, vcpu.hart or self.harts[0], state)

    def enable_mp_state_reset(self, vm: Vm) -> None:
        """KVM_ENABLE_CAP of KVM_CAP_RISCV_MP_STATE_RESET; KvmError EINVAL if the kernel does not know it."""
        if not self.version.mp_state_reset:
            raise KvmError(errno.EINVAL)
        vm.mp_state_reset = True

    def get_reg(self, vcpu: Vcpu, reg_id: int) -> bytes:
        """KVM_GET_ONE_REG with an ordinary buffer; errors as onereg.get_reg."""
        buffer = onereg.UserBuffer(bytes(onereg.reg_size(reg_id)))
        onereg.get_reg(vcpu, self.harts[0], reg_id, buffer)
        return bytes(buffer.data)

    # Kernel-mode vector code and interrupts

    def kernel_vector_begin(self, hart: Hart) -> None:
        """Start a section of kernel-mode vector code, see :func:`~pymodel.kvm.kmode.kernel_vector_begin`."""
        kmode.kernel_vector_begin(self, hart)

    def kernel_vector_end(self, hart: Hart) -> None:
        """End a section of kernel-mode vector code."""
        kmode.kernel_vector_end(self, hart)

    def softirq(self, hart: Hart, *, hard: bool = False) -> None:
        """Interrupt the kernel on `hart`; the handler uses vectors if it may, in a `hard` interrupt never."""
        kmode.softirq(self, hart, self.xor(hart), hard=hard)

    def trap_entry(self, hart: Hart) -> None:
        """Interrupt the kernel code on `hart`; until :meth:`trap_exit` the scheduler may give the thread another."""
        kmode.trap_entry(self, hart)

    def trap_exit(self, hart: Hart) -> None:
        """Go back, in the thread that runs on `hart` now, to what :meth:`trap_entry` interrupted."""
        kmode.trap_exit(self, hart)

    def xor(self, hart: Hart) -> Xor:
        """Return the kernel's user of kernel-mode vector code."""
        if self._xor is None:
            self._xor = Xor(self, hart)
        return self._xor

    def inject_at(self, at: Callable[[Step], bool]) -> Injection:
        """Interrupt the kernel from now on at each :class:`~pymodel.kvm.state.Step` for which `at` returns True.

        The handler computes a parity in all 32 vector registers. Returns what says where interrupts came.
        """
        injection = self.injection = Injection(at, self.xor(self.harts[0]), [])
        return injection

    # Host tasks

    def task_create(self, owner: int, hart: Hart | None = None, program: str = "task") -> HostTask:
        """Create a process that runs a host `program` of sw/ with `owner` in a1."""
        hart = hart or self.harts[0]
        return HostTask(self, hart, f"task{self._number('task')}", self._load_task(hart, program), owner)

    def task_run(self, task: HostTask) -> Exit:
        """Run a task where it is current, see :func:`~pymodel.kvm.host.task_run`."""
        return host.task_run(task)

    def switch_to(self, hart: Hart, task: HostTask | None) -> None:
        """Context switch, see :func:`~pymodel.kvm.host.switch_to`."""
        host.switch_to(self, hart, task)

    def task_destroy(self, task: HostTask, hart: Hart | None = None) -> None:
        """End a task that is not current."""
        host.task_destroy(task, hart or self.harts[0])

    def _load_task(self, hart: Hart, program: str) -> int:
        """Return the entry of a host program, which all its processes share."""
        if program not in self._task_entries:
            image = load(program)
            text = self.alloc.kmalloc(hart, image.end - image.base, f"{program} text")
            if not text:
                raise KvmError(errno.ENOMEM)
            image = image.relocated(text)
            for address, data in image.segments:
                self.write(hart, address, data)
            self._task_entries[program] = image.entry
        return self._task_entries[program]

    def _number(self, what: str) -> int:
        number = self._count[what]
        self._count[what] = number + 1
        return number
