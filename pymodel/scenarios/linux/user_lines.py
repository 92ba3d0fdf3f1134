# SPDX-License-Identifier: Apache-2.0
"""Lines about user space: registers and their list, errors, faulting addresses, the guest's ISA."""

from __future__ import annotations

import errno

from vctx.pymodel.kvm.abi import CONFIG, CONFIG_REGS, ISA_EXT_TYPE, SBI_STATE, TYPE_MASK, TYPE_SHIFT, reg_id, reg_size
from vctx.pymodel.kvm.onereg import RegList, UserBuffer, get_reg_list
from vctx.pymodel.scenarios.guest_driver import Code
from vctx.pymodel.scenarios.linux.part import Part, lines
from vctx.pymodel.scenarios.linux.session import errno_name, errno_of
from vctx.pymodel.scenarios.linux.trace import Observed, Row, fnv1a, number

_FILLS = (0xA5, 0x5A)  # what a buffer holds before a get; no byte can equal both
_TYPES = range(SBI_STATE + 1)
_VECTOR = 9
_NUMBER_MASK = 0xFFFFFF
_ROOM = 5


def _reg_type(register: int) -> int:
    return (register & TYPE_MASK) >> TYPE_SHIFT


@lines("cfg")
def cfg(part: Part, row: Row) -> Observed:
    """The configuration registers of a new vCPU, and whether it has V."""
    kernel, driver = part.session.kernel, part.vcpu(row)
    values: Row = {
        name: int.from_bytes(kernel.get_reg(driver.vcpu, reg_id(CONFIG, at)), "little")
        for at, name in enumerate(CONFIG_REGS)
        if name in row
    }
    return Observed(values | {"isa_v": part.session.get(driver, "V")})


@lines("reg")
def reg(part: Part, row: Row) -> Observed:
    """One entry of the register list: where it stands, and what its id says."""
    kernel, driver = part.session.kernel, part.vcpu(row)
    register = number(row["id"])
    ids = kernel.get_reg_list(driver.vcpu)
    values = {
        "idx": ids.index(register) if register in ids else None,
        "type": _reg_type(register),
        "num": register & _NUMBER_MASK,
        "size": reg_size(register),
    }
    if _reg_type(register) == ISA_EXT_TYPE:
        values |= {"isa_ext": register & _NUMBER_MASK, "value": kernel.get_reg(driver.vcpu, register)[0]}
    return Observed(values, ("id",))


@lines("reg_list")
def reg_list(part: Part, row: Row) -> Observed:
    """KVM_GET_REG_LIST without and with room; how many registers of each class."""
    vcpu = part.vcpu(row).vcpu
    probe = RegList()
    probe_error = errno_of(lambda: get_reg_list(vcpu, probe))
    full = RegList(probe.n)
    error = errno_of(lambda: get_reg_list(vcpu, full))
    types = [_reg_type(register) for register in full.reg]
    return Observed(
        {
            "probe_err": errno_name(probe_error),
            "probe_n": probe.n,
            "err": errno_name(error),
            "n": full.n,
            "vector": types.count(_VECTOR),
            "by_type": [types.count(reg_type) for reg_type in _TYPES],
        }
    )


@lines("reg_list_small")
def reg_list_small(part: Part, row: Row) -> Observed:
    """KVM_GET_REG_LIST with room for a few."""
    few = RegList(_ROOM)
    error = errno_of(lambda: get_reg_list(part.vcpu(row).vcpu, few))
    return Observed({"err": error, "ename": errno_name(error), "n": few.n})


@lines("one_reg")
def one_reg(part: Part, row: Row) -> Observed:
    """One call: its error, the data, and how many bytes of the caller's buffer it changed."""
    driver, register = part.vcpu(row), number(row["id"])
    if row["op"] == "set":
        data = bytes.fromhex(row["data"])
        buffer = UserBuffer(data)
        error = part.session.call(driver, "set", register, buffer)
        touched = sum(a != b for a, b in zip(data, buffer.data, strict=True))
        values: Row = {"touched": touched}
    else:
        buffers = [UserBuffer(bytes([fill]) * row["size"]) for fill in _FILLS]
        error, _ = [part.session.call(driver, "get", register, buffer) for buffer in buffers]
        touched = sum(
            any(buffer.data[at] != fill for buffer, fill in zip(buffers, _FILLS, strict=True))
            for at in range(row["size"])
        )
        values = {"touched": touched, "data": "" if error else buffers[0].data.hex()}
    return Observed(values | {"err": error, "ename": errno_name(error)}, ("op", "id", "size", "data"))


@lines("bad_addr")
def bad_addr(part: Part, row: Row) -> Observed:
    """A call with an address that is null, not mapped, the kernel's, or read-only and zero."""
    name = row["reg"]
    register = number(name) if name.startswith("0x") else part.session.named_id(name)
    buffer = UserBuffer(bytes(reg_size(register)), writable=0) if row["addr"] == "readonly" else UserBuffer()
    error = part.session.call(part.vcpu(row), row["op"], register, buffer)
    return Observed({"err": error, "ename": errno_name(error)}, ("op", "reg", "addr"))


@lines("partial_fault")
def partial_fault(part: Part, row: Row) -> Observed:
    """A call of which only half the buffer is mapped: it fails, and a set leaves that half behind."""
    session, driver = part.session, part.vcpu(row)
    register = session.named_id(row["reg"])
    before = session.kernel.get_reg(driver.vcpu, register)
    buffer = UserBuffer(bytes([_FILLS[1]]) * (session.vlenb // 2))
    error = session.call(driver, row["op"], register, buffer)
    after = session.kernel.get_reg(driver.vcpu, register)
    values = {"err": error, "ename": errno_name(error), "before": before.hex(), "after": after.hex()}
    return Observed(values, ("op", "reg"))


@lines("set_all")
def set_all(part: Part, row: Row) -> Observed:
    """All vector registers of a vCPU set from a seed."""
    error = 0
    for driver in part.both(part.vcpu(row)):
        csrs = {name: number(row[name]) for name in ("vstart", "vl", "vtype", "vcsr")}
        error = part.session.set_state(driver, part.pattern(row["seed"]), csrs)
    fnv = fnv1a(part.session.vregs(part.vcpu(row)))
    return Observed({"err": error, "fnv": fnv}, ("vcpu", "seed", "vl", "vtype", "vcsr", "vstart"))


@lines("isa_bits")
def isa_bits(part: Part, row: Row) -> Observed:
    """config.isa and the V extension."""
    driver = part.vcpu(row)
    return Observed({"err": 0, "isa": part.session.get(driver, "isa"), "V": part.session.get(driver, "V")})


@lines("run_immediate_exit")
def run_immediate_exit(part: Part, row: Row) -> Observed:
    """KVM_RUN that returns before it enters the guest."""
    driver = part.vcpu(row)
    driver.vcpu.immediate_exit = True
    code = driver.start()
    driver.vcpu.immediate_exit = False
    error = errno.EINTR if code is Code.INTR else 0
    return Observed({"err": error, "ename": errno_name(error)})
