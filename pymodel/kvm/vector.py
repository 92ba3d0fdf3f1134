# SPDX-License-Identifier: Apache-2.0
"""The vector part of a vCPU: lazy save and restore, reset, and the buffers.

Guest state is saved only if the guest dirtied it since the last save or restore, and only when the vCPU is put or
kernel-mode vector code needs the registers, never at a guest exit. The guest's image of sstatus.VS in memory drives
that. Function by function after the patch, with the differences between versions where :mod:`pymodel.kvm.version` says
so.
"""

from __future__ import annotations

import errno

from vctx.pymodel.isa import Hart
from vctx.pymodel.isa.vtype import decode_vtype
from vctx.pymodel.kvm.errors import KvmError
from vctx.pymodel.kvm.isa import guest_has_v
from vctx.pymodel.kvm.layout import VS_CLEAN, VS_DIRTY, VS_INITIAL, VS_OFF
from vctx.pymodel.kvm.state import Step, Vcpu
from vctx.pymodel.kvm.structs import CpuContext
from vctx.pymodel.kvm.thread import VFlag

VREGS = 32


def alloc_vector_context(vcpu: Vcpu, hart: Hart) -> None:
    """Allocate the guest's buffer and the host's. Nothing happens on a host without V.

    Raises:
        KvmError: ENOMEM. A guest buffer got before the host's failed is freed or leaked (S5). What is freed is the
            live context's, which is not where a template keeps it (S6).
    """
    kernel, version = vcpu.kernel, vcpu.kernel.version
    if not kernel.has_vector:
        return
    allocate = kernel.alloc.kzalloc if version.zeroes_guest_buffer else kernel.alloc.kmalloc
    guest = allocate(hart, kernel.vsize, f"{vcpu.name} guest datap")
    if not guest:
        raise KvmError(errno.ENOMEM)
    vcpu.datap_owner.vector.store(hart, datap=guest)
    datap = kernel.alloc.kzalloc(hart, kernel.vsize, f"{vcpu.name} host datap")
    if not datap:
        if version.unwinds_create:
            kernel.alloc.kfree(hart, vcpu.guest_context.vector["datap"])
        raise KvmError(errno.ENOMEM)
    vcpu.host_context.vector.store(hart, datap=datap)


def free_vector_context(vcpu: Vcpu, hart: Hart) -> None:
    """Free both buffers; a template and the live context may name the same one, which is freed once (S6)."""
    if vcpu.kernel.config_vector:
        vcpu.kernel.alloc.kfree(hart, vcpu.datap_owner.vector["datap"])
        vcpu.kernel.alloc.kfree(hart, vcpu.host_context.vector["datap"])


def vector_reset(vcpu: Vcpu, hart: Hart) -> None:
    """Set VS by the guest's ISA and zero its registers; vector CSRs may come from the reset template (S15, S16)."""
    kernel, version = vcpu.kernel, vcpu.kernel.version
    if not kernel.config_vector:
        return
    cntx = vcpu.guest_context
    has_v = guest_has_v(vcpu)
    cntx.set_vs(hart, VS_INITIAL if has_v else VS_OFF)
    if version.vlenb_register and version.vlenb_in_state:
        cntx.vector.store(hart, vlenb=kernel.vsize // VREGS)
    if version.reset_clears_csrs:
        cntx.vector.store(hart, vstart=0, vl=0, vtype=0, vcsr=0)
    if version.resets_to_vill:
        cntx.vector.store(hart, vtype=version.reset_vtype)
    if has_v or not version.reset_needs_v:
        kernel.memset(hart, cntx.vector["datap"], 0, kernel.vsize)


def vector_clean(vcpu: Vcpu, hart: Hart) -> None:
    """Note that memory and registers agree; for a guest without V that VS is Off, or Clean all the same (S11)."""
    clean = guest_has_v(vcpu) or vcpu.kernel.version.clean_without_v
    vcpu.guest_context.set_vs(hart, VS_CLEAN if clean else VS_OFF)


def guest_vector_save(vcpu: Vcpu, hart: Hart) -> None:
    """Save the guest's registers if it dirtied them; of a guest without V, drop them (S24)."""
    kernel = vcpu.kernel
    if not kernel.config_vector:
        return
    cntx = vcpu.guest_context
    with kernel.marked(hart, "guest_vector_save", vcpu.name, vcpu.regions("guest_datap", cntx)):
        if cntx.vs == VS_DIRTY:
            if guest_has_v(vcpu):
                _move(vcpu, hart, "vector_save", cntx, "guest_vector_save")
            elif not kernel.version.drops_dirty_silently:
                kernel.warn(f"{vcpu.name} has no V and dirtied the vector unit")
            vector_clean(vcpu, hart)


def guest_vector_restore(vcpu: Vcpu, hart: Hart) -> None:
    """At load: load the guest's registers if its VS is on, or have that done at its first entry.

    Initial counts as on, since the zeros of a reset must replace the host's.
    """
    kernel = vcpu.kernel
    if not kernel.config_vector:
        return
    cntx = vcpu.guest_context
    with kernel.marked(hart, "guest_vector_restore", vcpu.name, vcpu.regions("guest_datap", cntx)):
        if cntx.vs == VS_OFF:
            return
        if not guest_has_v(vcpu):
            if kernel.version.restore_at_load or not kernel.version.clean_without_v:
                vector_clean(vcpu, hart)  # a kernel that restores at entry leaves VS as it is, too
        elif kernel.version.restore_at_load:
            _load_guest(vcpu, hart, "guest_vector_restore")
        else:
            vcpu.thread.v_flags |= VFlag.NEED_RESTORE


def guest_vector_enter(vcpu: Vcpu, hart: Hart) -> None:
    """At entry, with interrupts off: load the guest's registers if that is still to be done (facts, 3.9)."""
    kernel, thread = vcpu.kernel, vcpu.thread
    if not thread.v_flags & VFlag.NEED_RESTORE:
        return
    thread.v_flags = thread.v_flags & ~VFlag.NEED_RESTORE | VFlag.VCPU_CTX
    regions = vcpu.regions("guest_datap", vcpu.guest_context)
    with kernel.marked(hart, "guest_vector_restore", vcpu.name, regions):
        _load_guest(vcpu, hart, None)


def host_vector_save(vcpu: Vcpu, hart: Hart) -> None:
    """Save what the host has in its registers, or also what nobody has there (S23)."""
    kernel = vcpu.kernel
    if not _host_side(vcpu):
        return
    # A kernel that did not look whether the host has V (S4) does not know whose registers these are either.
    unchecked = "v" not in kernel.host_isa
    vcpu.host_saved = kernel.version.host_side_eager or unchecked or kernel.register_owner(hart) is not None
    cntx = vcpu.host_context
    with kernel.marked(hart, "host_vector_save", vcpu.name, vcpu.regions("host_datap", cntx)):
        if vcpu.host_saved:
            _move(vcpu, hart, "vector_save", cntx, "host_vector_save")
        vcpu.host_parked = True


def host_vector_restore(vcpu: Vcpu, hart: Hart) -> None:
    """Give the host back what :func:`host_vector_save` found."""
    kernel = vcpu.kernel
    vcpu.thread.v_flags &= ~(VFlag.NEED_RESTORE | VFlag.VCPU_CTX)
    if not _host_side(vcpu):
        return
    cntx = vcpu.host_context
    with kernel.marked(hart, "host_vector_restore", vcpu.name, vcpu.regions("host_datap", cntx)):
        if vcpu.host_saved:
            _move(vcpu, hart, "vector_restore", cntx, "host_vector_restore")
        vcpu.host_parked = False


def _host_side(vcpu: Vcpu) -> bool:
    """Whether this kernel moves the host's registers at all: not on a host without V, if it looks (S4)."""
    kernel = vcpu.kernel
    return kernel.config_vector and ("v" in kernel.host_isa or not kernel.version.host_save_checks_v)


def _load_guest(vcpu: Vcpu, hart: Hart, where: str | None) -> None:
    if vcpu.kernel.version.legalises:
        _legalise(vcpu, hart)
    _move(vcpu, hart, "vector_restore", vcpu.guest_context, where)
    vector_clean(vcpu, hart)


def _legalise(vcpu: Vcpu, hart: Hart) -> None:
    """Replace CSR values that no register can hold by what the restore would make of them (S19)."""
    state, vlen = vcpu.guest_context.vector, hart.config.vlen
    vtype = decode_vtype(state["vtype"], vlen, hart.config.latitude.wide_sew_vill)
    legal = {
        "vstart": state["vstart"] & vlen - 1,
        "vl": min(state["vl"], vtype.vlmax),
        "vtype": vtype.value,
        "vcsr": state["vcsr"] & 7,
    }
    changed = {name: value for name, value in legal.items() if state[name] != value}
    state.store(hart, **changed)


def _move(vcpu: Vcpu, hart: Hart, symbol: str, cntx: CpuContext, where: str | None) -> None:
    """Run the assembly on a context whose buffer must be live memory; interrupts come in between if `where` is given.

    Raises:
        AllocError: its buffer has been freed.
        KernelOops: the assembly trapped.
    """
    kernel, datap = vcpu.kernel, cntx.vector["datap"]
    if kernel.has_vector:
        kernel.alloc.check_live(datap, kernel.vsize)
    if where is None or kernel.injection is None:
        kernel.call(hart, symbol, cntx.address)
        return
    kernel.call_stepwise(hart, symbol, cntx.address, lambda index: kernel.interruptible(Step(hart, vcpu, where, index)))
