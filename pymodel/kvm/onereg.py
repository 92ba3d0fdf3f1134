"""KVM_GET_ONE_REG and KVM_SET_ONE_REG: ids, sizes, and which class of registers an id belongs to.

An id is architecture (63:56), log2 of the size in bytes (55:52), class (31:24) and number in the class (23:0).
Modelled classes: CONFIG (isa), CORE, CSR, ISA_EXT (single) and the vector one; the rest is refused as unknown.
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from pymodel.kvm import vector
from pymodel.kvm.errors import KvmError
from pymodel.kvm.isa import BASE_ISA_MASK, isa_bit, isa_disable_allowed, isa_enable_allowed, isa_has
from pymodel.kvm.layout import SR_SPP, VCPU_CSRS

if TYPE_CHECKING:
    from pymodel.isa import Hart
    from pymodel.kvm.layout import Layout
    from pymodel.kvm.vcpu import Vcpu
    from pymodel.kvm.version import KernelVersion

ARCH_RISCV = 0x80 << 56
_ARCH_MASK = 0xFF << 56
_SIZE_SHIFT = 52
_SIZE_MASK = 0xF << _SIZE_SHIFT
_TYPE_SHIFT = 24
_TYPE_MASK = 0xFF << _TYPE_SHIFT

CONFIG, CORE, CSR, ISA_EXT = 1, 2, 3, 7

_LONG = 8
_CORE_MODE = 32
_VSIP = 0x222  # what of sip a guest's owner may see; hvip holds it one bit higher
_VSIP_TO_HVIP = 1


class UserBuffer:
    """Memory of user space that a one-reg call points to; bytes beyond it are not mapped (EFAULT)."""

    def __init__(self, data: bytes = b"") -> None:
        self.data = bytearray(data)

    def read(self, size: int) -> bytes:
        """copy_from_user; KvmError EFAULT."""
        if size > len(self.data):
            raise KvmError(errno.EFAULT)
        return bytes(self.data[:size])

    def write(self, data: bytes) -> None:
        """copy_to_user; KvmError EFAULT."""
        if len(data) > len(self.data):
            raise KvmError(errno.EFAULT)
        self.data[: len(data)] = data


def reg_id(reg_type: int, number: int, size: int = _LONG) -> int:
    """Return the id of register `number` of a class, `size` bytes (a power of two)."""
    return ARCH_RISCV | (size.bit_length() - 1) << _SIZE_SHIFT | reg_type << _TYPE_SHIFT | number


def reg_size(register: int) -> int:
    """Return the size in bytes that an id names."""
    return 1 << ((register & _SIZE_MASK) >> _SIZE_SHIFT)


def vector_csr_id(version: KernelVersion, layout: Layout, field: str) -> int:
    """Return the id of a vector CSR: the index of its long in the vector state (S17)."""
    return reg_id(version.vector_reg_type, layout[f"vstate_{field}"] // _LONG)


def vector_reg_id(version: KernelVersion, layout: Layout, n: int, vlenb: int) -> int:
    """Return the id of v<n>, numbered behind the longs of the vector state (S17)."""
    return reg_id(version.vector_reg_type, layout["vstate_size"] // _LONG + n, vlenb)


def isa_ext_id(version: KernelVersion, extension: str) -> int:
    """Return the id of an ISA_EXT register (S8)."""
    return reg_id(ISA_EXT, version.isa_ext_ids.index(extension))


def get_reg(vcpu: Vcpu, hart: Hart, register: int, buffer: UserBuffer) -> None:
    """Read a register into `buffer`, in a system call on `hart`.

    Raises:
        KvmError: EINVAL for an id that does not exist, has the wrong size or is not there for this guest (S20); EFAULT.
    """
    kernel = vcpu.kernel
    reg_type, number, size = _split(register)
    with kernel.marked(hart, "get_reg", vcpu.name):
        if reg_type in _GETTERS:  # before the vector class: of two classes with one type the first is taken (S1)
            if size != _LONG:
                raise KvmError(errno.EINVAL)
            data = _GETTERS[reg_type](vcpu, number).to_bytes(_LONG, "little")
        elif reg_type == kernel.version.vector_reg_type:
            data = vector.get_reg_vector(vcpu, number, size)
        else:
            raise KvmError(errno.EINVAL)
        buffer.write(data)


def set_reg(vcpu: Vcpu, hart: Hart, register: int, buffer: UserBuffer) -> None:
    """Write a register from `buffer`, in a system call on `hart`.

    Raises:
        KvmError: as :func:`get_reg`, and EINVAL for a value that is not allowed, EOPNOTSUPP for a change of the ISA
            that the host cannot do or that comes after the first run.
    """
    kernel = vcpu.kernel
    reg_type, number, size = _split(register)
    with kernel.marked(hart, "set_reg", vcpu.name):
        if reg_type in _SETTERS:
            if size != _LONG:
                raise KvmError(errno.EINVAL)
            _SETTERS[reg_type](vcpu, hart, number, int.from_bytes(buffer.read(_LONG), "little"))
        elif reg_type == kernel.version.vector_reg_type:
            vector.set_reg_vector(vcpu, hart, number, buffer, size)
        else:
            raise KvmError(errno.EINVAL)


def _split(register: int) -> tuple[int, int, int]:
    """Return type, number and size. Stray bits stay in the number, which makes it one that does not exist."""
    reg_type = (register & _TYPE_MASK) >> _TYPE_SHIFT
    return reg_type, register & ~(_ARCH_MASK | _SIZE_MASK | _TYPE_MASK), reg_size(register)


def _get_config(vcpu: Vcpu, number: int) -> int:
    if number != 0:
        raise KvmError(errno.EINVAL)
    return vcpu.isa & BASE_ISA_MASK


def _set_config(vcpu: Vcpu, hart: Hart, number: int, value: int) -> None:
    """Set the single-letter extensions; those that may not change keep their value without an error."""
    if number != 0 or value & ~BASE_ISA_MASK:
        raise KvmError(errno.EINVAL)
    if vcpu.ran_atleast_once:
        raise KvmError(errno.EOPNOTSUPP)
    for extension in vcpu.kernel.version.isa_ext_ids:
        bit = 1 << isa_bit(extension)
        if not bit & BASE_ISA_MASK:
            continue
        if not isa_enable_allowed(vcpu, extension):
            value &= ~bit
        if not isa_disable_allowed(extension):
            value |= bit
        if extension not in vcpu.kernel.host_isa:
            value &= ~bit
    vcpu.set_isa(hart, vcpu.isa & ~BASE_ISA_MASK | value)


def _get_core(vcpu: Vcpu, number: int) -> int:
    cntx = vcpu.guest_context
    if number == _CORE_MODE:
        return 1 if cntx["sstatus"] & SR_SPP else 0
    if number > _CORE_MODE:
        raise KvmError(errno.EINVAL)
    return cntx["sepc" if number == 0 else f"x{number}"]


def _set_core(vcpu: Vcpu, hart: Hart, number: int, value: int) -> None:
    cntx = vcpu.guest_context
    if number == _CORE_MODE:
        cntx.store(hart, sstatus=cntx["sstatus"] & ~SR_SPP | (SR_SPP if value == 1 else 0))
    elif number > _CORE_MODE:
        raise KvmError(errno.EINVAL)
    else:
        cntx.store(hart, **{"sepc" if number == 0 else f"x{number}": value})


def _get_csr(vcpu: Vcpu, number: int) -> int:
    if number >= len(VCPU_CSRS):
        raise KvmError(errno.EINVAL)
    value = vcpu.csr[VCPU_CSRS[number]]
    return value >> _VSIP_TO_HVIP & _VSIP if VCPU_CSRS[number] == "hvip" else value


def _set_csr(vcpu: Vcpu, hart: Hart, number: int, value: int) -> None:
    if number >= len(VCPU_CSRS):
        raise KvmError(errno.EINVAL)
    field = VCPU_CSRS[number]
    vcpu.csr.store(hart, **{field: (value & _VSIP) << _VSIP_TO_HVIP if field == "hvip" else value})


def _isa_extension(vcpu: Vcpu, number: int) -> str:
    ids = vcpu.kernel.version.isa_ext_ids
    if number >= len(ids):
        raise KvmError(errno.EINVAL)
    return ids[number]


def _get_isa_ext(vcpu: Vcpu, number: int) -> int:
    return int(isa_has(vcpu, _isa_extension(vcpu, number)))


def _set_isa_ext(vcpu: Vcpu, hart: Hart, number: int, value: int) -> None:
    """Give or take one extension. The vector reset is not repeated, so VS stays what it was (S12)."""
    extension = _isa_extension(vcpu, number)
    if extension not in vcpu.kernel.host_isa or vcpu.ran_atleast_once:
        raise KvmError(errno.EOPNOTSUPP)
    bit = 1 << isa_bit(extension)
    if value == 1 and isa_enable_allowed(vcpu, extension):
        vcpu.set_isa(hart, vcpu.isa | bit)
    elif value == 0 and isa_disable_allowed(extension):
        vcpu.set_isa(hart, vcpu.isa & ~bit)
    else:
        raise KvmError(errno.EINVAL)


_GETTERS = {CONFIG: _get_config, CORE: _get_core, CSR: _get_csr, ISA_EXT: _get_isa_ext}
_SETTERS = {CONFIG: _set_config, CORE: _set_core, CSR: _set_csr, ISA_EXT: _set_isa_ext}
