# SPDX-License-Identifier: Apache-2.0
"""The life of a vCPU: create, reset, load onto a hart, put, destroy."""

from __future__ import annotations

import errno

from vctx.pymodel.isa import Csr, Hart
from vctx.pymodel.kvm import vector
from vctx.pymodel.kvm.errors import KernelMisuseError, KvmError
from vctx.pymodel.kvm.isa import setup_isa
from vctx.pymodel.kvm.kmode import guarded
from vctx.pymodel.kvm.layout import HSTATUS_SPV, HSTATUS_SPVP, HSTATUS_VTW, SR_SPIE, SR_SPP
from vctx.pymodel.kvm.state import KernelState, Step, Vcpu, Vm

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


def vcpu_create(vm: Vm, hart: Hart, vcpu_id: int, name: str, kernel: KernelState) -> Vcpu:
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
        vcpu.reset_csr.store(hart, scounteren=kernel.version.reset_scounteren)
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
        vcpu.hart = None
        kernel.interruptible(Step(hart, vcpu, "vcpu_put", 0))
        with guarded(kernel, hart):
            vector.guest_vector_save(vcpu, hart)
            kernel.interruptible(Step(hart, vcpu, "vcpu_put", 1))
            vector.host_vector_restore(vcpu, hart)
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
