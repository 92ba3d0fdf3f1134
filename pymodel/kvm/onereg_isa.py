# SPDX-License-Identifier: Apache-2.0
"""The ISA of a guest through one-reg: config.isa, ISA_EXT single, MULTI_EN and MULTI_DIS (facts, 3.4)."""

from __future__ import annotations

import errno

from vctx.pymodel.isa import Hart
from vctx.pymodel.kvm import vector
from vctx.pymodel.kvm.abi import ISA_EXT_TYPE, LONG, MULTI_DIS, MULTI_EN, SINGLE, SUBTYPE_MASK, reg_id
from vctx.pymodel.kvm.errors import KvmError
from vctx.pymodel.kvm.isa import (
    BASE_ISA_MASK,
    guest_has_v,
    isa_bit,
    isa_disable_allowed,
    isa_enable_allowed,
    isa_has,
)
from vctx.pymodel.kvm.state import Vcpu
from vctx.pymodel.kvm.usercopy import UserBuffer, check_long, long_bytes

_BITS = 8 * LONG


def get_isa(vcpu: Vcpu) -> int:
    """Return config.isa: the guest's single-letter extensions."""
    return vcpu.isa & BASE_ISA_MASK


def set_isa(vcpu: Vcpu, hart: Hart, value: int) -> None:
    """Set the single-letter extensions; those that may not change keep their value without an error.

    Raises:
        KvmError: EINVAL for bits beyond the letters, EBUSY after the first run.
    """
    version = vcpu.kernel.version
    if value & ~BASE_ISA_MASK:
        raise KvmError(errno.EINVAL)
    if version.distinct_errors and value == get_isa(vcpu):
        return
    if vcpu.ran_atleast_once:
        raise KvmError(version.too_late)
    for extension in version.isa_ext_ids:
        if len(extension) == 1:
            bit = 1 << isa_bit(extension)
            if not isa_enable_allowed(vcpu, extension):
                value &= ~bit
            if not isa_disable_allowed(extension):
                value |= bit
    value &= sum(1 << isa_bit(extension) for extension in vcpu.kernel.host_isa if len(extension) == 1)
    _change(vcpu, hart, vcpu.isa & ~BASE_ISA_MASK | value)


def get_isa_ext(vcpu: Vcpu, number: int, size: int) -> bytes:
    """Return an ISA_EXT register.

    Raises:
        KvmError: EINVAL for a wrong size, ENOENT for an extension that does not exist or that the host lacks.
    """
    check_long(size)
    subtype, number = number & SUBTYPE_MASK, number & ~SUBTYPE_MASK
    if subtype == SINGLE:
        return long_bytes(_get_single(vcpu, number))
    if not vcpu.kernel.version.multi_isa_ext or subtype not in (MULTI_EN, MULTI_DIS):
        raise KvmError(vcpu.kernel.version.absent)
    value = sum(
        1 << extension % _BITS for extension in _extensions(vcpu, number) if isa_has(vcpu, _name(vcpu, extension))
    )
    return long_bytes(value if subtype == MULTI_EN else ~value & (1 << _BITS) - 1)


def set_isa_ext(vcpu: Vcpu, hart: Hart, number: int, size: int, buffer: UserBuffer) -> None:
    """Write an ISA_EXT register; MULTI_EN and MULTI_DIS pass over what they may not change.

    Raises:
        KvmError: EINVAL for a wrong size, EFAULT, ENOENT, EBUSY for a change after the first run, EINVAL for a change
            that is not allowed.
    """
    check_long(size)
    if not vcpu.kernel.version.multi_isa_ext:
        _name(vcpu, number)  # before the caller's memory, until there were subtypes
    value = buffer.long()
    subtype, number = number & SUBTYPE_MASK, number & ~SUBTYPE_MASK
    if subtype == SINGLE:
        _set_single(vcpu, hart, number, value)
        return
    if not vcpu.kernel.version.multi_isa_ext or subtype not in (MULTI_EN, MULTI_DIS):
        raise KvmError(vcpu.kernel.version.absent)
    for extension in _extensions(vcpu, number):
        if value >> extension % _BITS & 1:
            try:
                _set_single(vcpu, hart, extension, int(subtype == MULTI_EN))
            except KvmError:
                continue


def list_isa_ext(vcpu: Vcpu) -> list[int]:
    """Return the ids that KVM_GET_REG_LIST names: what the host has, whether the guest has it or not."""
    ids = enumerate(vcpu.kernel.version.isa_ext_ids)
    return [reg_id(ISA_EXT_TYPE, number) for number, name in ids if name in vcpu.kernel.host_isa]


def _extensions(vcpu: Vcpu, word: int) -> range:
    """Return the ISA_EXT numbers that a multi register stands for."""
    known = len(vcpu.kernel.version.isa_ext_ids)
    if word > (known - 1) // _BITS:
        raise KvmError(vcpu.kernel.version.absent)
    return range(word * _BITS, min(known, (word + 1) * _BITS))


def _name(vcpu: Vcpu, number: int) -> str:
    ids = vcpu.kernel.version.isa_ext_ids
    if number >= len(ids):
        raise KvmError(vcpu.kernel.version.absent)
    return ids[number]


def _get_single(vcpu: Vcpu, number: int) -> int:
    extension = _name(vcpu, number)
    if vcpu.kernel.version.distinct_errors and extension not in vcpu.kernel.host_isa:
        raise KvmError(errno.ENOENT)
    return int(isa_has(vcpu, extension))


def _set_single(vcpu: Vcpu, hart: Hart, number: int, value: int) -> None:
    version, extension = vcpu.kernel.version, _name(vcpu, number)
    if extension not in vcpu.kernel.host_isa:
        raise KvmError(version.host_lacks)
    if version.distinct_errors and value == isa_has(vcpu, extension):
        return
    if vcpu.ran_atleast_once:
        raise KvmError(version.too_late)
    bit = 1 << isa_bit(extension)
    if value == 1 and isa_enable_allowed(vcpu, extension):
        _change(vcpu, hart, vcpu.isa | bit)
    elif value == 0 and isa_disable_allowed(extension):
        _change(vcpu, hart, vcpu.isa & ~bit)
    else:
        raise KvmError(errno.EINVAL)


def _change(vcpu: Vcpu, hart: Hart, isa: int) -> None:
    """Write the bitmap; if that gives or takes V, the vector state starts anew, or VS stays what it was (S12)."""
    had_v = guest_has_v(vcpu)
    vcpu.set_isa(hart, isa)
    if vcpu.kernel.version.toggle_resets and guest_has_v(vcpu) != had_v:
        vector.vector_reset(vcpu, hart)
