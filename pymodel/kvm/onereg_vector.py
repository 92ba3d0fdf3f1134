# SPDX-License-Identifier: Apache-2.0
"""The vector class of one-reg: vstart, vl, vtype, vcsr, vlenb, and v0 to v31 (facts, 3.2 and 3.3)."""

from __future__ import annotations

import errno

from vctx.pymodel.isa import Hart
from vctx.pymodel.kvm.abi import LONG, VECTOR_CSRS
from vctx.pymodel.kvm.errors import KernelOops, KvmError
from vctx.pymodel.kvm.isa import guest_has_v
from vctx.pymodel.kvm.register_ids import vector_ids
from vctx.pymodel.kvm.state import Vcpu
from vctx.pymodel.kvm.usercopy import UserBuffer, check_long
from vctx.pymodel.kvm.vector import VREGS


def vreg_addr(vcpu: Vcpu, reg_num: int, reg_size: int) -> int:
    """Return the address of vector register `reg_num` (an index of longs, then v0..v31), `reg_size` bytes.

    Raises:
        KvmError: EINVAL for a wrong size, of CSRs before it is known whether they exist; ENOENT for datap and for
            what does not exist, v31 + 1 included.
    """
    version, vector = vcpu.kernel.version, vcpu.guest_context.vector
    longs = vcpu.kernel.layout["vstate_size"] // LONG
    vlenb = vcpu.kernel.vsize // VREGS
    if reg_num < longs:
        check_long(reg_size)
        fields = (*VECTOR_CSRS, "vlenb") if version.vlenb_register and version.vlenb_in_state else VECTOR_CSRS
        for field in fields:
            if vector.at(field) == vector.address + LONG * reg_num:
                return vector.at(field)
    elif reg_num < longs + VREGS:
        if reg_size != vlenb:
            raise KvmError(errno.EINVAL)
        return vector["datap"] + (reg_num - longs) * vlenb
    raise KvmError(version.absent)


def get_reg_vector(vcpu: Vcpu, reg_num: int, reg_size: int) -> bytes:
    """Return a vector register of a vCPU that is not loaded, `reg_size` bytes.

    Raises:
        KvmError: ENOENT for a guest without V, then as :func:`vreg_addr`.
        KernelOops: the kernel dereferenced stale stack (S3).
    """
    kernel = vcpu.kernel
    if guest_has_v(vcpu):
        address = vreg_addr(vcpu, reg_num, reg_size)
    elif kernel.version.get_reg_uninitialised and kernel.stale_stack_word:
        address = kernel.stale_stack_word
        if address not in kernel.memory:
            raise KernelOops(f"one-reg read of {address:#x}")
    else:
        raise KvmError(kernel.version.absent)
    return kernel.memory.read(address, reg_size)


def set_reg_vector(vcpu: Vcpu, hart: Hart, reg_num: int, reg_size: int, buffer: UserBuffer) -> None:
    """Write a vector register of a vCPU that is not loaded from `buffer`. Any value is taken (S19).

    What cannot be copied becomes zero in the register, although the call fails (item 53).

    Raises:
        KvmError: as :func:`get_reg_vector`, then EFAULT; for vlenb EINVAL unless it is the present value.
        KernelOops: more bytes than a long were copied to the stack.
    """
    version, vector = vcpu.kernel.version, vcpu.guest_context.vector
    if not guest_has_v(vcpu):
        raise KvmError(version.absent)
    if version.vlenb_register and version.vlenb_in_state and vector.at("vlenb") == vector.address + LONG * reg_num:
        if version.vlenb_checks_size:
            check_long(reg_size)
        if reg_size > LONG:
            raise KernelOops(f"{reg_size} bytes copied to a long on the stack")
        if buffer.long() != vector["vlenb"]:
            raise KvmError(errno.EINVAL)
        return
    address = vreg_addr(vcpu, reg_num, reg_size)
    data, whole = buffer.copy_from_user(reg_size)
    vcpu.kernel.write(hart, address, data)
    if not whole:
        raise KvmError(errno.EFAULT)


def list_vector(vcpu: Vcpu) -> list[int]:
    """Return the ids of the vector registers that KVM_GET_REG_LIST names: all or, without V, none (S18)."""
    kernel = vcpu.kernel
    if not guest_has_v(vcpu) or not kernel.version.vlenb_register:
        return []
    ids = vector_ids(kernel.version, kernel.layout, kernel.vsize // VREGS)
    return [register for name, register in ids.items() if not name.startswith("isa.")]
