"""The life of a vCPU: create, reset, load onto a hart, put, destroy."""

from __future__ import annotations

import errno
from collections.abc import Generator
from typing import TYPE_CHECKING

from vctx.pymodel.isa import Csr
from vctx.pymodel.kvm import vector
from vctx.pymodel.kvm.errors import KernelMisuseError, KvmError
from vctx.pymodel.kvm.exits import Exit
from vctx.pymodel.kvm.isa import setup_isa
from vctx.pymodel.kvm.kmode import guarded
from vctx.pymodel.kvm.layout import HSTATUS_SPV, HSTATUS_SPVP, HSTATUS_VTW, SR_SPIE, SR_SPP, CpuContext, VcpuCsr
from vctx.pymodel.kvm.machine import Regions, Slice
from vctx.pymodel.kvm.onereg_other import OtherState
from vctx.pymodel.kvm.thread import Step, Thread

if TYPE_CHECKING:
    from vctx.pymodel.isa import Hart
    from vctx.pymodel.kvm.gstage import Vm
    from vctx.pymodel.kvm.kernel import Kernel

# The guest's CSRs that vcpu_load writes and vcpu_put reads, in the kernel's order; switch_to swaps scounteren.
_SWAPPED = {
    "vsstatus": Csr.VSSTATUS,
    "vsie": Csr.VSIE,
    "vstvec": Csr.VSTVEC,
    "vsscratch": Csr.VSSCRATCH,
    "vsepc": Csr.VSEPC,
    "vscause": Csr.VSCAUSE,
    "vstval": Csr.VSTVAL,
    "hvip": Csr.HVIP,
    "vsatp": Csr.VSATP,
}
_ISA_BYTES = 16
_COUNTERS = 0x7  # cycle, time and instret for VU-mode


class Vcpu:
    """A virtual CPU; its structures lie in the machine's memory, see :mod:`pymodel.kvm.layout`.

    Attributes:
        name: "vcpu<n>", unique in the kernel.
        arch: address of struct kvm_vcpu_arch.
        guest_context, reset_context, host_context: the live guest state, its template at reset, the host's state.
        csr, reset_csr: the guest's CSRs while not loaded, and their template.
        hart: the hart it is loaded on, None while it is put.
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

    def __init__(self, kernel: Kernel, vm: Vm, vcpu_id: int, name: str, arch: int) -> None:
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


def vcpu_create(vm: Vm, hart: Hart, vcpu_id: int, name: str, kernel: Kernel) -> Vcpu:
    """Create vCPU `vcpu_id` of `vm` from `hart`, as the process that is current there.

    Every vCPU but number 0 starts powered off, until the guest or user space starts it.

    Raises:
        KvmError: EEXIST; ENOMEM, and what of its memory is then leaked is S5's matter.
    """
    layout = kernel.layout
    if vcpu_id in vm.vcpus:
        raise KvmError(errno.EEXIST)
    (arch,) = kernel.alloc.kzalloc_all(hart, (layout["arch_size"], name))
    vcpu = Vcpu(kernel, vm, vcpu_id, name, arch)
    with kernel.marked(hart, "vcpu_create", name):
        setup_isa(vcpu, hart)
        vcpu.reset_context.store(
            hart, x10=vcpu_id, sstatus=SR_SPP | SR_SPIE, hstatus=HSTATUS_VTW | HSTATUS_SPVP | HSTATUS_SPV
        )
        try:
            vector.alloc_vector_context(vcpu, hart)
        except KvmError:
            kernel.alloc.kfree(hart, arch)
            raise
        vcpu.reset_csr.store(hart, scounteren=_COUNTERS)
        vcpu_reset(vcpu, hart)
    vcpu.powered_off = vcpu_id != 0
    vm.vcpus[vcpu_id] = vcpu
    return vcpu


def vcpu_set_boot(vcpu: Vcpu, hart: Hart, entry: int, owner: int) -> None:
    """Say where the guest starts, now and after each reset, and what its a1 holds then."""
    for cntx in (vcpu.reset_context, vcpu.guest_context):
        cntx.store(hart, sepc=entry, x11=owner)


def vcpu_reset(vcpu: Vcpu, hart: Hart) -> None:
    """Reset the vCPU; one that is loaded is put before and loaded again after (item 30)."""
    kernel = vcpu.kernel
    loaded = vcpu.hart is not None
    with kernel.marked(hart, "vcpu_reset", vcpu.name):
        if loaded:
            vcpu_put(vcpu)
        kernel.memcpy(hart, vcpu.csr.address, vcpu.reset_csr.address, vcpu.csr.size)
        datap = vcpu.datap_owner.vector["datap"]
        kernel.memcpy(hart, vcpu.guest_context.address, vcpu.reset_context.address, vcpu.guest_context.size)
        # From a template that owns the buffer the pointer came along: both contexts now name it (S6).
        vcpu.guest_context.vector.store(hart, datap=datap)
        vector.vector_reset(vcpu, hart)
        if loaded:
            vcpu_load(vcpu, hart)
    kernel.notify("vcpu_reset.exit", vcpu, hart)


def vcpu_load(vcpu: Vcpu, hart: Hart) -> None:
    """Put the guest's CSRs and vector state onto `hart`, after saving the host's vector state.

    Raises:
        KernelMisuseError: it is loaded already, or the hart has another vCPU loaded.
        KernelOops: the host's vector state was saved on a host without V (S4).
    """
    kernel = vcpu.kernel
    other = kernel.running.get(hart.hart_id)
    if vcpu.hart is not None or other is not None:
        raise KernelMisuseError(f"vcpu_load of {vcpu.name} on hart {hart.hart_id}, which runs {other or vcpu}")
    kernel.notify("vcpu_load.enter", vcpu, hart)
    kernel.running[hart.hart_id] = vcpu
    with kernel.marked(hart, "vcpu_load", vcpu.name):
        for field, csr in _SWAPPED.items():
            kernel.csr_write(hart, csr, vcpu.csr[field])
        kernel.csr_write(hart, Csr.HGATP, vcpu.vm.hgatp, "vcpu_load")
        if vcpu.last_hart is not hart:
            kernel.hfence_gvma(hart)  # translations of an earlier stay on this hart may be stale
        kernel.interruptible(Step(hart, vcpu, "vcpu_load", 0))
        with guarded(kernel, hart):
            vector.host_vector_save(vcpu, hart)
            kernel.interruptible(Step(hart, vcpu, "vcpu_load", 1))
            vector.guest_vector_restore(vcpu, hart)
        vcpu.hart = vcpu.last_hart = hart
        kernel.interruptible(Step(hart, vcpu, "vcpu_load", 2))
    kernel.notify("vcpu_load.exit", vcpu, hart)


def vcpu_put(vcpu: Vcpu) -> None:
    """Take the guest's state off its hart and give the host its vector state back.

    Raises:
        KernelMisuseError: it is not loaded.
    """
    kernel, hart = vcpu.kernel, vcpu.loaded_on
    kernel.notify("vcpu_put.enter", vcpu, hart)
    with kernel.marked(hart, "vcpu_put", vcpu.name):
        kernel.interruptible(Step(hart, vcpu, "vcpu_put", 0))
        with guarded(kernel, hart):
            vector.guest_vector_save(vcpu, hart)
            kernel.interruptible(Step(hart, vcpu, "vcpu_put", 1))
            vector.host_vector_restore(vcpu, hart)
        vcpu.hart = None
        kernel.interruptible(Step(hart, vcpu, "vcpu_put", 2))
        if kernel.version.put_clears_hgatp:
            kernel.csr_write(hart, Csr.HGATP, 0, "vcpu_put")
        vcpu.csr.store(hart, **{field: kernel.csr_read(hart, csr) for field, csr in _SWAPPED.items()})
        del kernel.running[hart.hart_id]
    kernel.notify("vcpu_put.exit", vcpu, hart)


def vcpu_destroy(vcpu: Vcpu, hart: Hart) -> None:
    """Free everything that create allocated.

    Raises:
        KernelMisuseError: it is loaded.
    """
    kernel = vcpu.kernel
    if vcpu.hart is not None:
        raise KernelMisuseError(f"{vcpu.name} is destroyed while loaded")
    with kernel.marked(hart, "vcpu_destroy", vcpu.name):
        vector.free_vector_context(vcpu, hart)
        kernel.alloc.kfree(hart, vcpu.arch)
    del vcpu.vm.vcpus[vcpu.vcpu_id]
    kernel.notify("vcpu_destroy.exit", vcpu, hart)
