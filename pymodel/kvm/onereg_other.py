# SPDX-License-Identifier: Apache-2.0
"""One-reg classes beside ISA, core, CSRs and vectors: CONFIG, TIMER, FP, SBI_EXT, SBI_STATE.

They carry no vector state. They are here because a vCPU is copied to another host register by register, all of them.
"""

from __future__ import annotations

import errno

from vctx.pymodel.isa import Csr, Hart
from vctx.pymodel.kvm.abi import CONFIG, CONFIG_REGS, FP_D, FP_F, LONG, SBI_EXT, SBI_EXT_TYPE, SBI_STATE, TIMER, reg_id
from vctx.pymodel.kvm.errors import KvmError
from vctx.pymodel.kvm.isa import isa_has
from vctx.pymodel.kvm.onereg_isa import get_isa, set_isa
from vctx.pymodel.kvm.state import INVALID_GPA, Vcpu
from vctx.pymodel.kvm.usercopy import UserBuffer, check_long, long_bytes

_M64 = (1 << 64) - 1
_BLOCK_SIZE = 64
_BLOCK_SIZE_OF = "_block_size"
_TIMEBASE = 10_000_000
_FREQUENCY, _TIME, _COMPARE, _STATE = range(4)
_FP_REGS = 32
_FCSR = 32


# CONFIG


def _config_name(vcpu: Vcpu, number: int) -> str:
    version = vcpu.kernel.version
    if number >= version.config_regs:
        raise KvmError(version.absent)
    name = CONFIG_REGS[number]
    if not version.block_sizes_listed and _lacks_blocks(vcpu, name):
        raise KvmError(version.absent)
    return name


def _lacks_blocks(vcpu: Vcpu, name: str) -> bool:
    """Whether a CONFIG register is the block size of an extension that the host does not have."""
    return name.endswith(_BLOCK_SIZE_OF) and name.removesuffix(_BLOCK_SIZE_OF) not in vcpu.kernel.host_isa


def get_config(vcpu: Vcpu, number: int, size: int) -> bytes:
    """Return a CONFIG register; KvmError EINVAL for a wrong size, ENOENT."""
    check_long(size)
    name = _config_name(vcpu, number)
    return long_bytes(get_isa(vcpu) if name == "isa" else _fixed(vcpu, name))


def set_config(vcpu: Vcpu, hart: Hart, number: int, size: int, buffer: UserBuffer) -> None:
    """Write a CONFIG register; KvmError EINVAL, EFAULT, ENOENT, EBUSY."""
    check_long(size)
    value = buffer.long()
    name = _config_name(vcpu, number)
    if name == "isa":
        set_isa(vcpu, hart, value)
    elif value != _fixed(vcpu, name):
        if name not in vcpu.other.machine_ids:
            raise KvmError(errno.EINVAL)
        if vcpu.ran_atleast_once:
            raise KvmError(vcpu.kernel.version.too_late)
        vcpu.other.machine_ids[name] = value


def _fixed(vcpu: Vcpu, name: str) -> int:
    if name in vcpu.other.machine_ids:
        return vcpu.other.machine_ids[name]
    if name == "satp_mode":
        return vcpu.kernel.satp_mode
    return 0 if _lacks_blocks(vcpu, name) else _BLOCK_SIZE


def list_config(vcpu: Vcpu) -> list[int]:
    """Return the ids of the CONFIG registers that exist."""
    version = vcpu.kernel.version
    return [
        reg_id(CONFIG, number)
        for number, name in enumerate(CONFIG_REGS[: version.config_regs])
        if version.block_sizes_listed
        or not name.endswith(_BLOCK_SIZE_OF)
        or isa_has(vcpu, name.removesuffix(_BLOCK_SIZE_OF))
    ]


# TIMER


def get_timer(vcpu: Vcpu, number: int, size: int) -> bytes:
    """Return frequency, time, compare or state; KvmError EINVAL for a wrong size, ENOENT."""
    check_long(size)
    if number > _STATE:
        raise KvmError(vcpu.kernel.version.absent)
    now = vcpu.kernel.harts[0].csr[Csr.TIME] + vcpu.other.time_delta & _M64
    return long_bytes((_TIMEBASE, now, vcpu.other.compare, int(vcpu.other.armed))[number])


def set_timer(vcpu: Vcpu, hart: Hart, number: int, size: int, buffer: UserBuffer) -> None:
    """Write a timer register.

    Raises:
        KvmError: EINVAL for a wrong size, ENOENT, EFAULT; EINVAL for another frequency (before 6.6 EOPNOTSUPP for any)
            and for disarming what is not armed.
    """
    check_long(size)
    if number > _STATE:
        raise KvmError(vcpu.kernel.version.absent)
    value, other = buffer.long(), vcpu.other
    if number == _FREQUENCY and not vcpu.kernel.version.distinct_errors:
        raise KvmError(errno.EOPNOTSUPP)
    if number == _FREQUENCY and value != _TIMEBASE:
        raise KvmError(errno.EINVAL)
    if number == _TIME:
        other.time_delta = value - hart.csr[Csr.TIME] & _M64
    elif number == _COMPARE:
        other.compare = value
    elif number == _STATE:
        if value != 1 and not other.armed:
            raise KvmError(errno.EINVAL)
        other.armed = value == 1


# FP: the context in memory, where F and D share one area; no instruction of the model touches it


def _fp_address(vcpu: Vcpu, reg_type: int, number: int, size: int) -> int:
    letter, width = ("f", 4) if reg_type == FP_F else ("d", LONG)
    if not isa_has(vcpu, letter) or number > _FCSR:
        raise KvmError(vcpu.kernel.version.absent)
    if size != (4 if number == _FCSR else width):
        raise KvmError(errno.EINVAL)
    return vcpu.guest_context.at("fp") + width * number


def get_fp(vcpu: Vcpu, reg_type: int, number: int, size: int) -> bytes:
    """Return an FP_F or FP_D register; KvmError ENOENT for a guest without it, EINVAL for a wrong size."""
    return vcpu.kernel.memory.read(_fp_address(vcpu, reg_type, number, size), size)


def set_fp(vcpu: Vcpu, hart: Hart, reg_type: int, number: int, size: int, buffer: UserBuffer) -> None:
    """Write an FP_F or FP_D register; errors as :func:`get_fp`, then EFAULT."""
    address = _fp_address(vcpu, reg_type, number, size)
    data, whole = buffer.copy_from_user(size)
    vcpu.kernel.write(hart, address, data)
    if not whole:
        raise KvmError(errno.EFAULT)


def list_fp(vcpu: Vcpu) -> list[int]:
    """Return the ids of f0 to f31 and fcsr, in both widths that the guest has."""
    found = []
    for reg_type, letter, width in ((FP_F, "f", 4), (FP_D, "d", LONG)):
        if isa_has(vcpu, letter):
            found += [reg_id(reg_type, n, width) for n in range(_FP_REGS)] + [reg_id(reg_type, _FCSR, 4)]
    return found


# SBI_EXT, SBI_STATE


def sbi_has(vcpu: Vcpu, extension: str) -> bool:
    """Whether the guest may use an SBI extension, by its name in :data:`~pymodel.kvm.abi.SBI_EXT`."""
    return _sbi_available(vcpu, extension) and extension not in vcpu.other.sbi_off


def _sbi_extensions(vcpu: Vcpu) -> tuple[str, ...]:
    """Return the SBI extensions that the kernel knows, by SBI_EXT number."""
    return SBI_EXT[: vcpu.kernel.version.sbi_ext_count]


def _sbi_available(vcpu: Vcpu, extension: str) -> bool:
    """Whether the kernel offers an extension: the PMU's needs that of the host, if the kernel was built to look."""
    return extension != "pmu" or "sscofpmf" in vcpu.kernel.host_isa or not vcpu.kernel.config_pmu_sbi


def _sbi_name(vcpu: Vcpu, number: int) -> str:
    known = _sbi_extensions(vcpu)
    if number >= len(known) or not _sbi_available(vcpu, known[number]):
        raise KvmError(vcpu.kernel.version.absent)
    return known[number]


def get_sbi_ext(vcpu: Vcpu, number: int, size: int) -> bytes:
    """Return whether the guest has an SBI extension; KvmError EINVAL for a wrong size, ENOENT."""
    check_long(size)
    return long_bytes(int(_sbi_name(vcpu, number) not in vcpu.other.sbi_off))


def set_sbi_ext(vcpu: Vcpu, hart: Hart, number: int, size: int, buffer: UserBuffer) -> None:
    """Give or take an SBI extension; KvmError EINVAL, EBUSY after the first run, EFAULT, ENOENT, EINVAL."""
    check_long(size)
    if vcpu.ran_atleast_once:
        raise KvmError(errno.EBUSY)
    value = buffer.long()
    name = _sbi_name(vcpu, number)
    if value not in (0, 1):
        raise KvmError(errno.EINVAL)
    vcpu.other.sbi_off = vcpu.other.sbi_off - {name} if value else vcpu.other.sbi_off | {name}


def list_sbi_ext(vcpu: Vcpu) -> list[int]:
    """Return the ids of the SBI extensions that the kernel offers."""
    known = enumerate(_sbi_extensions(vcpu))
    return [reg_id(SBI_EXT_TYPE, number) for number, name in known if _sbi_available(vcpu, name)]


def get_sbi_state(vcpu: Vcpu, number: int, size: int) -> bytes:
    """Return sta.shmem_lo or sta.shmem_hi; KvmError EINVAL for a wrong size, ENOENT."""
    check_long(size)
    if number > 1:
        raise KvmError(errno.ENOENT)
    shmem = vcpu.other.sta_shmem
    return long_bytes(shmem if number == 0 or shmem == INVALID_GPA else 0)


def set_sbi_state(vcpu: Vcpu, hart: Hart, number: int, size: int, buffer: UserBuffer) -> None:
    """Write sta.shmem_lo; shmem_hi is only compared; KvmError EINVAL, EFAULT, ENOENT."""
    check_long(size)
    value = buffer.long()
    if number > 1:
        raise KvmError(errno.ENOENT)
    if number == 0:
        vcpu.other.sta_shmem = value
    elif value not in (0, INVALID_GPA):
        raise KvmError(errno.EINVAL)


def list_sbi_state(vcpu: Vcpu) -> list[int]:
    """Return the ids of sta.shmem_lo and sta.shmem_hi."""
    return [reg_id(SBI_STATE, number) for number in range(2)]


def list_timer(vcpu: Vcpu) -> list[int]:
    """Return the ids of the timer registers, which every vCPU has."""
    return [reg_id(TIMER, number, LONG) for number in range(_STATE + 1)]
