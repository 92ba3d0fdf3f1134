"""The vector part of a vCPU: lazy save and restore, reset, and the vector registers of one-reg.

Guest state is saved only if the guest dirtied it since the last save or restore, and only when the vCPU is put, never
at a guest exit. The guest's image of sstatus.VS in memory drives that. Function by function after the patch, with the
differences between versions where :mod:`pymodel.kvm.version` says so.
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from pymodel.kvm.errors import KernelOops, KvmError
from pymodel.kvm.isa import guest_has_v
from pymodel.kvm.layout import VS_CLEAN, VS_DIRTY, VS_INITIAL, VS_OFF, CpuContext

if TYPE_CHECKING:
    from pymodel.isa import Hart
    from pymodel.kvm.onereg import UserBuffer
    from pymodel.kvm.vcpu import Vcpu

VREGS = 32


def alloc_vector_context(vcpu: Vcpu, hart: Hart, cntx: CpuContext) -> None:
    """Allocate the guest's buffer, into `cntx`, and the host's. Nothing happens on a host without V.

    Raises:
        KvmError: ENOMEM. A guest buffer got before the host's failed is leaked (S5).
    """
    kernel = vcpu.kernel
    if not kernel.has_vector:
        return
    for context, allocate, owner in (
        (cntx, kernel.alloc.kmalloc, f"{vcpu.name} guest datap"),
        (vcpu.host_context, kernel.alloc.kzalloc, f"{vcpu.name} host datap"),
    ):
        datap = allocate(hart, kernel.vsize, owner)
        if not datap:
            raise KvmError(errno.ENOMEM)
        context.vector.store(hart, datap=datap)


def free_vector_context(vcpu: Vcpu, hart: Hart) -> None:
    """Free both buffers. The live context's datap is an alias of the reset context's, so it is freed with that (S6)."""
    if vcpu.kernel.config_vector:
        vcpu.kernel.alloc.kfree(hart, vcpu.reset_context.vector["datap"])
        vcpu.kernel.alloc.kfree(hart, vcpu.host_context.vector["datap"])


def vector_reset(vcpu: Vcpu, hart: Hart) -> None:
    """Set VS by the guest's ISA and zero its registers; its vector CSRs come from the reset template (S15)."""
    kernel = vcpu.kernel
    if not kernel.config_vector:
        return
    cntx = vcpu.guest_context
    has_v = guest_has_v(vcpu)
    cntx.set_vs(hart, VS_INITIAL if has_v else VS_OFF)
    if has_v or not kernel.version.reset_needs_v:
        kernel.memset(hart, cntx.vector["datap"], 0, kernel.vsize)


def vector_clean(cntx: CpuContext, hart: Hart) -> None:
    """Note that memory and registers agree, whatever VS was and whether the guest has V or not (S11)."""
    cntx.set_vs(hart, VS_CLEAN)


def guest_vector_save(vcpu: Vcpu, hart: Hart) -> None:
    """Save the guest's registers if it dirtied them; of a guest without V, drop them (S24)."""
    kernel = vcpu.kernel
    if not kernel.config_vector:
        return
    cntx = vcpu.guest_context
    with kernel.marked(hart, "guest_vector_save", vcpu.name, vcpu.regions("guest_datap", cntx)):
        if cntx.vs == VS_DIRTY:
            if guest_has_v(vcpu):
                kernel.call(hart, "vector_save", cntx.address)
            vector_clean(cntx, hart)


def guest_vector_restore(vcpu: Vcpu, hart: Hart) -> None:
    """Load the guest's registers if its VS is on; Initial too, since the zeros of a reset must replace the host's."""
    kernel = vcpu.kernel
    if not kernel.config_vector:
        return
    cntx = vcpu.guest_context
    with kernel.marked(hart, "guest_vector_restore", vcpu.name, vcpu.regions("guest_datap", cntx)):
        if cntx.vs != VS_OFF:
            if guest_has_v(vcpu):
                kernel.call(hart, "vector_restore", cntx.address)
            vector_clean(cntx, hart)


def host_vector_save(vcpu: Vcpu, hart: Hart) -> None:
    """Save whatever the host has in its registers, used or not (S23)."""
    _host_vector(vcpu, hart, "vector_save", "host_vector_save")


def host_vector_restore(vcpu: Vcpu, hart: Hart) -> None:
    """Give the host back what :func:`host_vector_save` found."""
    _host_vector(vcpu, hart, "vector_restore", "host_vector_restore")


def _host_vector(vcpu: Vcpu, hart: Hart, symbol: str, what: str) -> None:
    kernel = vcpu.kernel
    if not kernel.config_vector or (kernel.version.host_save_checks_v and "v" not in kernel.host_isa):
        return
    cntx = vcpu.host_context
    with kernel.marked(hart, what, vcpu.name, vcpu.regions("host_datap", cntx)):
        kernel.call(hart, symbol, cntx.address)


def vreg_addr(vcpu: Vcpu, reg_num: int, reg_size: int) -> int:
    """Return the address of vector register `reg_num` of one-reg (an index of longs, then v0..v31), or 0.

    0 stands for every refusal: wrong size, datap, a number beyond v31, and vlenb, which 6.5 has in the structure but
    not yet as a register (S17, S18).
    """
    vector = vcpu.guest_context.vector
    longs = vcpu.kernel.layout["vstate_size"] // 8
    vlenb = vcpu.kernel.vsize // VREGS
    if reg_num < longs:
        for field in ("vstart", "vl", "vtype", "vcsr"):
            if vector.at(field) == vector.address + 8 * reg_num and reg_size == 8:
                return vector.at(field)
        return 0
    if reg_num < longs + VREGS and reg_size == vlenb:
        return vector["datap"] + (reg_num - longs) * vlenb
    return 0


def get_reg_vector(vcpu: Vcpu, reg_num: int, reg_size: int) -> bytes:
    """Return a vector register of a vCPU that is not loaded, `reg_size` bytes.

    Raises:
        KvmError: EINVAL, for whatever reason (S20).
        KernelOops: the kernel dereferenced stale stack (S3).
    """
    kernel = vcpu.kernel
    address = kernel.stale_stack_word if kernel.version.get_reg_uninitialised else 0
    if guest_has_v(vcpu):
        address = vreg_addr(vcpu, reg_num, reg_size)
    if not address:
        raise KvmError(errno.EINVAL)
    if address not in kernel.memory:
        raise KernelOops(f"one-reg read of {address:#x}")
    return kernel.memory.read(address, reg_size)


def set_reg_vector(vcpu: Vcpu, hart: Hart, reg_num: int, buffer: UserBuffer, reg_size: int) -> None:
    """Write a vector register of a vCPU that is not loaded from `buffer`. Any value is taken (S19).

    Raises:
        KvmError: EINVAL, for whatever reason (S20), before EFAULT.
    """
    address = vreg_addr(vcpu, reg_num, reg_size) if guest_has_v(vcpu) else 0
    if not address:
        raise KvmError(errno.EINVAL)
    vcpu.kernel.write(hart, address, buffer.read(reg_size))
