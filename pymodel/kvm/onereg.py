# SPDX-License-Identifier: Apache-2.0
"""KVM_GET_ONE_REG, KVM_SET_ONE_REG and KVM_GET_REG_LIST: which class a register belongs to; core registers and CSRs.

:mod:`pymodel.kvm.abi` describes the ids. The classes are modules of their own: :mod:`~pymodel.kvm.onereg_vector`,
:mod:`~pymodel.kvm.onereg_isa`, :mod:`~pymodel.kvm.onereg_other`.
"""

from __future__ import annotations

import errno
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from vctx.pymodel.isa import Hart
from vctx.pymodel.kvm import onereg_other as other
from vctx.pymodel.kvm.abi import (
    ARCH_MASK,
    CONFIG,
    CORE,
    CSR,
    CSR_SMSTATEEN,
    FP_D,
    FP_F,
    ISA_EXT_TYPE,
    SBI_EXT_TYPE,
    SBI_STATE,
    SIZE_MASK,
    SUBTYPE_MASK,
    TIMER,
    TYPE_MASK,
    TYPE_SHIFT,
    reg_id,
    reg_size,
)
from vctx.pymodel.kvm.errors import KvmError
from vctx.pymodel.kvm.layout import SR_SPP, VCPU_CSRS
from vctx.pymodel.kvm.onereg_isa import get_isa_ext, list_isa_ext, set_isa_ext
from vctx.pymodel.kvm.onereg_vector import get_reg_vector, list_vector, set_reg_vector
from vctx.pymodel.kvm.register_ids import isa_ext_id, vector_csr_id, vector_reg_id
from vctx.pymodel.kvm.state import Vcpu
from vctx.pymodel.kvm.usercopy import UserBuffer, check_long, long_bytes

__all__ = [
    "CONFIG",
    "CORE",
    "CSR",
    "RegList",
    "UserBuffer",
    "get_reg",
    "get_reg_list",
    "isa_ext_id",
    "list_regs",
    "reg_id",
    "reg_size",
    "set_reg",
    "vector_csr_id",
    "vector_reg_id",
]

_CORE_MODE = 32
_VSIP = 0x222  # what of sip a guest's owner may see; hvip holds it one bit higher
_VSIP_TO_HVIP = 1


@dataclass
class RegList:
    """struct kvm_reg_list in user space: how many ids there is room for, or are; and the ids."""

    n: int = 0
    reg: list[int] = field(default_factory=list)


def get_reg(vcpu: Vcpu, hart: Hart, register: int, buffer: UserBuffer) -> None:
    """Read a register into `buffer`, in a system call on `hart`.

    Raises:
        KvmError: EINVAL for a wrong size, ENOENT for a register that does not exist or not for this guest (before 6.6
            EINVAL for both, S20), EFAULT; in the order of the register's class.
    """
    kernel = vcpu.kernel
    reg_type, number, size = _split(register)
    with kernel.marked(hart, "get_reg", vcpu.name):
        if _exists(vcpu, reg_type):  # before the vector class: of two classes with one type the first is taken (S1)
            data = _GETTERS[reg_type](vcpu, number, size)
        elif reg_type == kernel.version.vector_reg_type:
            data = get_reg_vector(vcpu, number, size)
        else:
            raise KvmError(kernel.version.absent)
        buffer.copy_to_user(data)


def set_reg(vcpu: Vcpu, hart: Hart, register: int, buffer: UserBuffer) -> None:
    """Write a register from `buffer`, in a system call on `hart`.

    Raises:
        KvmError: as :func:`get_reg`, and EINVAL for a value that is not allowed, EBUSY for a change of the ISA after
            the first run (before 6.6 EOPNOTSUPP, also for what the host lacks).
    """
    kernel = vcpu.kernel
    reg_type, number, size = _split(register)
    with kernel.marked(hart, "set_reg", vcpu.name):
        if _exists(vcpu, reg_type):
            _SETTERS[reg_type](vcpu, hart, number, size, buffer)
        elif reg_type == kernel.version.vector_reg_type:
            set_reg_vector(vcpu, hart, number, size, buffer)
        else:
            raise KvmError(kernel.version.absent)


def get_reg_list(vcpu: Vcpu, reg_list: RegList) -> None:
    """Fill `reg_list`; its n becomes the number of registers in any case.

    Raises:
        KvmError: E2BIG if there was room for fewer, EINVAL if the kernel has no such call.
    """
    if not vcpu.kernel.version.reg_list:
        raise KvmError(errno.EINVAL)
    ids = list_regs(vcpu)
    room, reg_list.n = reg_list.n, len(ids)
    if room < len(ids):
        raise KvmError(errno.E2BIG)
    reg_list.reg = ids


def list_regs(vcpu: Vcpu) -> list[int]:
    """Return the id of every register of the guest, in the order of the kernel (facts, 3.5)."""
    version = vcpu.kernel.version
    sbi = [*other.list_sbi_ext(vcpu), *other.list_sbi_state(vcpu)] if version.sbi_classes else []
    return [
        *other.list_config(vcpu),
        *(reg_id(CORE, number) for number in range(_CORE_MODE + 1)),
        *(reg_id(CSR, number) for number in range(version.csr_regs)),
        *other.list_timer(vcpu),
        *other.list_fp(vcpu),
        *list_vector(vcpu),
        *list_isa_ext(vcpu),
        *sbi,
    ]


def _split(register: int) -> tuple[int, int, int]:
    """Return type, number and size. Stray bits stay in the number, which makes it one that does not exist."""
    reg_type = (register & TYPE_MASK) >> TYPE_SHIFT
    return reg_type, register & ~(ARCH_MASK | SIZE_MASK | TYPE_MASK), reg_size(register)


def _exists(vcpu: Vcpu, reg_type: int) -> bool:
    return reg_type in _GETTERS and (reg_type not in _SBI_CLASSES or vcpu.kernel.version.sbi_classes)


def _get_core(vcpu: Vcpu, number: int, size: int) -> bytes:
    check_long(size)
    cntx = vcpu.guest_context
    if number == _CORE_MODE:
        return long_bytes(1 if cntx["sstatus"] & SR_SPP else 0)
    return long_bytes(cntx[_core_field(vcpu, number)])


def _set_core(vcpu: Vcpu, hart: Hart, number: int, size: int, buffer: UserBuffer) -> None:
    check_long(size)
    cntx = vcpu.guest_context
    if number == _CORE_MODE:
        mode = SR_SPP if buffer.long() == 1 else 0
        cntx.store(hart, sstatus=cntx["sstatus"] & ~SR_SPP | mode)
    else:
        cntx.store(hart, **{_core_field(vcpu, number): buffer.long()})


def _core_field(vcpu: Vcpu, number: int) -> str:
    if number > _CORE_MODE:
        raise KvmError(vcpu.kernel.version.absent)
    return "sepc" if number == 0 else f"x{number}"


def _get_csr(vcpu: Vcpu, number: int, size: int) -> bytes:
    check_long(size)
    field_name = _csr_field(vcpu, number)
    value = vcpu.csr[field_name]
    return long_bytes(value >> _VSIP_TO_HVIP & _VSIP if field_name == "hvip" else value)


def _set_csr(vcpu: Vcpu, hart: Hart, number: int, size: int, buffer: UserBuffer) -> None:
    check_long(size)
    if vcpu.kernel.version.csr_subtypes == 1:
        _csr_field(vcpu, number)  # before subtypes came the number was looked at first, then the caller's memory
    value = buffer.long()
    field_name = _csr_field(vcpu, number)
    vcpu.csr.store(hart, **{field_name: (value & _VSIP) << _VSIP_TO_HVIP if field_name == "hvip" else value})


def _csr_field(vcpu: Vcpu, number: int) -> str:
    """Return the field of a general CSR register; of the other subtypes no guest here has the extension."""
    version = vcpu.kernel.version
    if number & SUBTYPE_MASK == CSR_SMSTATEEN and version.csr_subtypes > 2 and not version.smstateen_enoent:
        raise KvmError(errno.EINVAL)
    if number >= version.csr_regs:
        raise KvmError(version.absent)
    return VCPU_CSRS[number]


def _get_fp(reg_type: int, vcpu: Vcpu, number: int, size: int) -> bytes:
    return other.get_fp(vcpu, reg_type, number, size)


def _set_fp(reg_type: int, vcpu: Vcpu, hart: Hart, number: int, size: int, buffer: UserBuffer) -> None:
    other.set_fp(vcpu, hart, reg_type, number, size, buffer)


_SBI_CLASSES = frozenset({SBI_EXT_TYPE, SBI_STATE})
_GETTERS: dict[int, Callable[[Vcpu, int, int], bytes]] = {
    CONFIG: other.get_config,
    CORE: _get_core,
    CSR: _get_csr,
    TIMER: other.get_timer,
    FP_F: partial(_get_fp, FP_F),
    FP_D: partial(_get_fp, FP_D),
    ISA_EXT_TYPE: get_isa_ext,
    SBI_EXT_TYPE: other.get_sbi_ext,
    SBI_STATE: other.get_sbi_state,
}
_SETTERS: dict[int, Callable[[Vcpu, Hart, int, int, UserBuffer], None]] = {
    CONFIG: other.set_config,
    CORE: _set_core,
    CSR: _set_csr,
    TIMER: other.set_timer,
    FP_F: partial(_set_fp, FP_F),
    FP_D: partial(_set_fp, FP_D),
    ISA_EXT_TYPE: set_isa_ext,
    SBI_EXT_TYPE: other.set_sbi_ext,
    SBI_STATE: other.set_sbi_state,
}
