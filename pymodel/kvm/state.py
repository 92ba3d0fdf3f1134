# SPDX-License-Identifier: Apache-2.0
"""What the kernel knows: its virtual machines, vCPUs, host tasks and threads, and which of them is on which hart.

They point at one another, so they are one module. What the kernel *does* with them is in the modules above; the two
things that a vCPU or a task is asked to do itself, to run, are methods that :class:`KernelState` leaves open.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any, Protocol

from vctx.pymodel.isa import Hart
from vctx.pymodel.kvm.errors import KernelMisuseError
from vctx.pymodel.kvm.exits import Exit
from vctx.pymodel.kvm.gstage import GuestMemory
from vctx.pymodel.kvm.layout import SR_SPIE, SR_VS, VS_OFF
from vctx.pymodel.kvm.machine import Machine, Regions, Slice
from vctx.pymodel.kvm.structs import CpuContext, Struct, VcpuCsr, VState
from vctx.pymodel.kvm.thread import Thread
from vctx.pymodel.kvm.version import KernelVersion
from vctx.pymodel.programs import Image

INVALID_GPA = (1 << 64) - 1
_ISA_BYTES = 16


@dataclass(frozen=True)
class Step:
    """A point where an interrupt may come.

    Attributes:
        hart, vcpu: where, and the vCPU concerned.
        where: `vcpu_load` or `vcpu_put` (index 0 before, 1 between and 2 after their two vector functions), `run_loop`
            (0 before an entry, 1 after an exit), or the mark of a save or restore function, index counting its
            instructions.
        index: which step of that.
    """

    hart: Hart
    vcpu: Vcpu
    where: str
    index: int


class Interrupts(Protocol):
    """Decides at which steps an interrupt comes, and takes it."""

    def offer(self, kernel: KernelState, step: Step) -> None:
        """Interrupt at `step` if that is wanted."""


@dataclass
class OtherState:
    """What one-reg classes beside ISA, core, CSRs and vectors hold of a vCPU.

    Attributes:
        machine_ids: mvendorid, marchid, mimpid.
        time_delta, compare, armed: the guest's timer.
        sbi_off: SBI extensions that user space took away.
        sta_shmem: guest-physical address of the steal-time area, all ones for none.
    """

    machine_ids: dict[str, int]
    time_delta: int = 0
    compare: int = 0
    armed: bool = False
    sbi_off: frozenset[str] = frozenset()
    sta_shmem: int = INVALID_GPA


class Vm(GuestMemory):
    """One virtual machine; parameters and errors are those of its memory.

    Attributes:
        vcpus: its vCPUs by id.
        mp_state_reset: KVM_CAP_RISCV_MP_STATE_RESET is enabled.
    """

    def __init__(self, machine: Machine, hart: Hart, vmid: int, image: Image, size: int) -> None:
        super().__init__(machine, hart, vmid, image, size)
        self.vcpus: dict[int, Vcpu] = {}
        self.mp_state_reset = False


class Vcpu:
    """A virtual CPU; its structures lie in the machine's memory, see :mod:`pymodel.kvm.layout`.

    Attributes:
        name: "vcpu<n>", unique in the kernel.
        arch: address of struct kvm_vcpu_arch.
        guest_context, reset_context, host_context: the live guest state, its template at reset, the host's state.
        csr, reset_csr: the guest's CSRs while not loaded, and their template.
        hart: the hart it is loaded on, None while it is put; set last in load and cleared first in put.
        thread: the thread that runs it.
        other: its state beside registers, CSRs and vectors.
        host_saved: vcpu_load saved the host's registers, so that vcpu_put restores them.
        host_parked: nothing of the host is in the registers: that it was saved, or that there was nothing.
        powered_off: it waits for an SBI hart start, or for user space to set its mp_state.
        ran_atleast_once: KVM_RUN was called; ISA changes are refused from then on.
        immediate_exit: kvm_run.immediate_exit: KVM_RUN returns with INTR before it loads the vCPU.
        signal_pending: KVM_RUN is to return with INTR before the next guest entry.
        slice: how long the next guest entry may last; may be changed whenever the guest is not running.
        user_exit: the exit that the last KVM_RUN returned with, which the next one completes.
        sbi_return: (error, value) that user space gives to the SBI call that it served.
        mmio_data: what user space gives to the MMIO load that it served; mmio_insn: that instruction, and its length.
    """

    def __init__(self, kernel: KernelState, vm: Vm, vcpu_id: int, name: str, arch: int) -> None:
        layout = kernel.layout
        self.kernel = kernel
        self.vm = vm
        self.vcpu_id = vcpu_id
        self.name = name
        self.arch = arch
        self.host_context = CpuContext(kernel, arch + layout["arch_host_context"])
        self.guest_context = CpuContext(kernel, arch + layout["arch_guest_context"])
        self.reset_context = CpuContext(kernel, arch + layout["arch_reset_context"])
        self.csr = VcpuCsr(kernel, arch + layout["arch_guest_csr"])
        self.reset_csr = VcpuCsr(kernel, arch + layout["arch_reset_csr"])
        self.isa_address = arch + layout["arch_isa"]
        self.hart: Hart | None = None
        self.last_hart: Hart | None = None
        self.thread = Thread()
        self.other = OtherState(dict(kernel.machine_ids))
        self.host_saved = False
        self.host_parked = False
        self.powered_off = False
        self.ran_atleast_once = False
        self.immediate_exit = False
        self.reset_requested = False
        self.signal_pending = False
        self.slice = Slice()
        self.user_exit: Exit | None = None
        self.sbi_return = (0, 0)
        self.mmio_data = bytes(8)
        self.mmio_insn = (0, 4)

    @property
    def datap_owner(self) -> CpuContext:
        """The context that owns the guest's buffer (S6)."""
        return self.reset_context if self.kernel.version.datap_in_template else self.guest_context

    @property
    def loaded_on(self) -> Hart:
        """The hart it is loaded on; KernelMisuseError if it is not."""
        if self.hart is None:
            raise KernelMisuseError(f"{self.name} is not loaded")
        return self.hart

    @property
    def isa(self) -> int:
        """The guest's ISA bitmap; :mod:`pymodel.kvm.isa` names the bits."""
        return self.kernel.memory.load(self.isa_address, _ISA_BYTES)

    def set_isa(self, hart: Hart, bits: int) -> None:
        """Write the guest's ISA bitmap."""
        self.kernel.write(hart, self.isa_address, bits.to_bytes(_ISA_BYTES, "little"))

    def run(self, hart: Hart) -> Generator[Exit, None, Exit]:
        """KVM_RUN on `hart`, see :func:`pymodel.kvm.run.vcpu_run`."""
        return self.kernel.vcpu_run(self, hart)

    def regions(self, name: str, cntx: CpuContext) -> Regions:
        """Return the register buffer of `cntx` as regions of a mark; empty without one."""
        datap = cntx.vector["datap"]
        return ((name, datap, self.kernel.vsize),) if datap and self.kernel.vsize else ()


class HostTask:
    """A user process: pt_regs and thread.vstate in memory, and a work area that its program gets in a0.

    Attributes:
        name: "task<n>", unique in the kernel.
        regs: struct pt_regs: epc, x1..x31, status.
        vstate: thread.vstate; its datap is NULL until the task first uses vectors.
        hart: the hart it is current on, None while it is switched out.
        thread: its thread.
        defer_restore: its registers are in memory and must be loaded before it runs again.
        slice: how long it runs before the next timer interrupt.

    Raises:
        KvmError: ENOMEM.
    """

    def __init__(self, kernel: KernelState, hart: Hart, name: str, entry: int, owner: int) -> None:
        layout, alloc = kernel.layout, kernel.alloc
        self.kernel = kernel
        self.name = name
        self.address, self.work = alloc.kzalloc_all(
            hart, (layout["task_size"], name), (2 * kernel.vsize, f"{name} work area")
        )
        gprs = {f"x{n}": 8 * n for n in range(1, 32)}
        self.regs = Struct(kernel, self.address, layout.fields("task") | gprs)
        self.vstate = VState(kernel, self.regs.at("vstate"))
        self.hart: Hart | None = None
        self.thread = Thread()
        self.defer_restore = False
        self.slice = Slice()
        self.regs.store(hart, epc=entry, status=SR_SPIE, x10=self.work, x11=owner)

    @property
    def vs(self) -> int:
        """VS bits of pt_regs.status, in place."""
        return self.regs["status"] & SR_VS

    def set_vs(self, hart: Hart, vs: int) -> None:
        """Replace the VS bits of pt_regs.status."""
        self.regs.store(hart, status=self.regs["status"] & ~SR_VS | vs)

    def run(self) -> Exit:
        """Run on the hart where the task is current, see :func:`pymodel.kvm.host.task_run`."""
        return self.kernel.task_run(self)


Probe = Callable[[str, Vcpu | HostTask, Hart], None]


class KernelState(Machine, ABC):
    """The kernel as its functions know it; see :class:`~pymodel.kvm.machine.Machine` for the parameters.

    Attributes:
        probe: called as `probe(point, vcpu_or_task, hart)` at vcpu_load.enter, vcpu_load.exit, vcpu_put.enter,
            vcpu_put.exit, guest.enter (about to execute sret), guest.exit, vcpu_reset.exit, vcpu_destroy.exit,
            task.enter (about to execute sret) and task.exit. It must not change anything.
        running: the vCPU loaded on each hart, by hart id.
        current: the host task current on each hart, by hart id.
        prctl_v_allowed: whether the process that creates and configures vCPUs may use V (S22).
        stale_stack_word: what an uninitialised variable of the kernel happens to hold (S3).
        injection: takes the interrupts that are to come; None for none.
    """

    def __init__(self, version: KernelVersion, **machine: Any) -> None:
        super().__init__(version, **machine)
        self.injection: Interrupts | None = None
        self._idle = {hart.hart_id: Thread(has_kernel_vstate=False) for hart in self.harts}
        self.probe: Probe | None = None
        self.running: dict[int, Vcpu] = {}
        self.current: dict[int, HostTask] = {}
        self.prctl_v_allowed = True
        self.stale_stack_word = 0xAAAA_AAAA_AAAA_AAAA

    @abstractmethod
    def vcpu_run(self, vcpu: Vcpu, hart: Hart) -> Generator[Exit, None, Exit]:
        """KVM_RUN."""

    @abstractmethod
    def task_run(self, task: HostTask) -> Exit:
        """Run a host task where it is current."""

    @property
    def has_vector(self) -> bool:
        """has_vector(): the kernel supports V and found it."""
        return self.vsize > 0

    def notify(self, point: str, who: Vcpu | HostTask, hart: Hart) -> None:
        """Call the probe, if there is one."""
        if self.probe is not None:
            self.probe(point, who, hart)

    def thread(self, hart: Hart) -> Thread:
        """Return the thread that runs on `hart`: a loaded vCPU's, or that of the current process, or the idle one."""
        vcpu, task = self.running.get(hart.hart_id), self.current.get(hart.hart_id)
        if vcpu is not None:
            return vcpu.thread
        return self._idle[hart.hart_id] if task is None else task.thread

    def register_owner(self, hart: Hart) -> HostTask | None:
        """Return the process whose values the registers of `hart` hold as far as the host is concerned (S23)."""
        task = self.current.get(hart.hart_id)
        return None if task is None or task.vs == VS_OFF or task.defer_restore else task

    def interruptible(self, step: Step) -> None:
        """A point where an interrupt may come."""
        if self.injection is not None:
            self.injection.offer(self, step)
