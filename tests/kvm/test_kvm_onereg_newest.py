# SPDX-License-Identifier: Apache-2.0
"""One-reg of kernels that have all of it: every errno, the list, V given and taken, copies, hosts (items 42 to 59)."""

from __future__ import annotations

import errno
import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kvm_driving import booted_with, errno_of, get_and_set, make_vcpu, memory_state, run_rounds, run_to_user

from vctx.pymodel.kvm import (
    CLEAN,
    LINUX_6_12,
    LINUX_7_2,
    LINUX_7_3,
    V6_5,
    V12,
    ExitReason,
    Kernel,
    KernelVersion,
    Vcpu,
)
from vctx.pymodel.kvm import onereg as one
from vctx.pymodel.kvm.isa import isa_has
from vctx.pymodel.kvm.layout import VS_INITIAL, VS_OFF

SIZES = [1 << code for code in range(16)]
LARGEST_NUMBER = 40


NEWEST = pytest.mark.parametrize("version", [LINUX_6_12, LINUX_7_2, LINUX_7_3, CLEAN], ids=lambda v: v.name)


def errno_for(kernel: Kernel, vcpu: Vcpu, number: int, size: int, op: str) -> int:
    """Facts, 3.3: the errno of get or set with a good buffer of zeros, from the rules alone."""
    vlenb = kernel.vsize // 32
    if number < 6 and size != 8:
        return errno.EINVAL
    if number < 4:
        return 0
    if number == 4:
        return 0 if op == "get" else errno.EINVAL  # zero is not its value
    if number == 5 or number > 37:
        return errno.ENOENT
    return 0 if size == vlenb else errno.EINVAL


@pytest.mark.parametrize("vlen", [128, 256, 1024, 2048])
@NEWEST
def test_every_size_and_number(version: KernelVersion, vlen: int) -> None:
    kernel, vcpu = booted_with(version, vlen=vlen)
    without_v = make_vcpu(kernel, "scalar", v_allowed=False)
    for number in range(LARGEST_NUMBER + 1):
        for size in SIZES:
            register = one.reg_id(9, number, size)
            for op, call in (("get", one.get_reg), ("set", one.set_reg)):
                buffer = one.UserBuffer(bytes(size))
                found = errno_of(call, vcpu, kernel.harts[0], register, buffer)
                assert found == errno_for(kernel, vcpu, number, size, op), (op, number, size)
                unmapped = errno_of(call, vcpu, kernel.harts[0], register, one.UserBuffer())
                reached = found == 0 or (op == "set" and number == 4 and size == 8)
                assert unmapped == (errno.EFAULT if reached else found), (op, number, size)
                assert errno_of(call, without_v, kernel.harts[0], register, buffer) == errno.ENOENT


@pytest.mark.parametrize(
    ("bits", "expected"),
    [
        (1 << 16, errno.ENOENT),
        (1 << 20, errno.ENOENT),
        (1 << 31, errno.ENOENT),
        (1 << 32, errno.ENOENT),
        (1 << 51, errno.ENOENT),
        (0x02 << 24, errno.ENOENT),  # type 0x0b
        (0xF6 << 24, errno.ENOENT),  # type 0xff
        (1 << 56, 0),  # the architecture is not looked at
        (0x80 << 56, 0),
    ],
)
def test_stray_bits(bits: int, expected: int) -> None:
    kernel, vcpu = booted_with(CLEAN)
    v0 = one.vector_reg_id(CLEAN, kernel.layout, 0, 32)
    assert get_and_set(kernel, vcpu, v0 ^ bits) == expected
    assert get_and_set(kernel, vcpu, v0) == 0


@NEWEST
def test_vlenb(version: KernelVersion) -> None:
    kernel, vcpu = booted_with(version)
    vlenb = one.vector_csr_id(version, kernel.layout, "vlenb")
    assert kernel.get_reg(vcpu, vlenb) == (32).to_bytes(8, "little")  # nonzero right after create (item 52)
    for run in (False, True):
        if run:
            run_to_user(vcpu, kernel.harts[0])
        for value in (0, 1, 16, 33, 64, 32 + (1 << 32), (1 << 64) - 1):
            assert errno_of(kernel.set_reg, vcpu, vlenb, value) == errno.EINVAL
        kernel.set_reg(vcpu, vlenb, 32)
        assert kernel.get_reg(vcpu, vlenb) == (32).to_bytes(8, "little")


def test_list_of_registers() -> None:
    for version in (LINUX_6_12, LINUX_7_3, CLEAN):
        kernel, vcpu = booted_with(version)
        ids = kernel.get_reg_list(vcpu)
        vectors = [register for register in ids if register >> 24 & 0xFF == 9]
        at = ids.index(vectors[0])
        assert vectors == [0x8030_0000_0900_0000 + n for n in range(5)] + [0x8050_0000_0900_0006 + n for n in range(32)]
        assert ids[at : at + 37] == vectors
        assert (ids[at - 1], ids[at + 37]) == (0x8020_0000_0600_0020, 0x8030_0000_0700_0000)  # fcsr of FP_D; ISA_EXT A
        assert len(set(ids)) == len(ids)
        for register in ids:
            assert errno_of(kernel.get_reg, vcpu, register) == 0, hex(register)

        short = one.RegList(len(ids) - 1)
        assert errno_of(one.get_reg_list, vcpu, short) == errno.E2BIG
        assert short.n == len(ids) and short.reg == []

        kernel.set_reg(vcpu, one.isa_ext_id(version, "v"), 0)
        assert kernel.get_reg_list(vcpu) == [register for register in ids if register not in vectors]

    for version in (V12, V6_5):
        kernel, vcpu = booted_with(version)
        assert errno_of(kernel.get_reg_list, vcpu) == errno.EINVAL


def test_s18_a_list_without_vectors() -> None:
    kernel, vcpu = booted_with(replace(CLEAN, vlenb_register=False))
    assert not any(register >> 24 & 0xFF == 9 for register in kernel.get_reg_list(vcpu))
    assert get_and_set(kernel, vcpu, one.reg_id(9, 4)) == errno.ENOENT


# V in ISA_EXT (facts, 3.4): (value, after the first run, V allowed by prctl, expected errno)
V_CHANGES = [
    (1, False, True, 0),
    (0, False, True, 0),
    (2, False, True, errno.EINVAL),
    (1, True, True, 0),
    (0, True, True, errno.EBUSY),
    (2, True, True, errno.EBUSY),
    (0, False, False, 0),
]


@pytest.mark.parametrize(("value", "ran", "allowed", "expected"), V_CHANGES)
@NEWEST
def test_changes_of_v(version: KernelVersion, value: int, ran: bool, allowed: bool, expected: int) -> None:
    kernel, vcpu = booted_with(version)
    kernel.prctl_v_allowed = allowed
    if ran:
        run_to_user(vcpu, kernel.harts[0])
    assert errno_of(kernel.set_reg, vcpu, one.isa_ext_id(version, "v"), value) == expected


@NEWEST
def test_a_process_without_v_cannot_give_it(version: KernelVersion) -> None:
    kernel, _ = booted_with(version)
    vcpu = make_vcpu(kernel, "scalar", v_allowed=False)
    kernel.prctl_v_allowed = False
    v = one.isa_ext_id(version, "v")
    assert errno_of(kernel.set_reg, vcpu, v, 1) == errno.EINVAL
    kernel.set_reg(vcpu, MULTI_EN_0, 1 << 15)
    assert not isa_has(vcpu, "v")
    kernel.set_reg(vcpu, one.reg_id(one.CONFIG, 0), vcpu.isa & (1 << 26) - 1 | 1 << 21)
    assert not isa_has(vcpu, "v")


MULTI_EN_0, MULTI_DIS_0 = 0x8030_0000_0701_0000, 0x8030_0000_0702_0000


@NEWEST
def test_many_extensions_at_once(version: KernelVersion) -> None:
    kernel, vcpu = booted_with(version)
    enabled = int.from_bytes(kernel.get_reg(vcpu, MULTI_EN_0), "little")
    assert enabled == sum(1 << n for n, name in enumerate(version.isa_ext_ids) if isa_has(vcpu, name))
    assert int.from_bytes(kernel.get_reg(vcpu, MULTI_DIS_0), "little") == ~enabled & (1 << 64) - 1
    kernel.set_reg(vcpu, MULTI_DIS_0, (1 << 64) - 1)  # what may not go stays, without an error
    assert {name for name in version.isa_ext_ids if isa_has(vcpu, name)} == {"a", "c", "i", "m", "sstc"}
    kernel.set_reg(vcpu, MULTI_EN_0, (1 << 64) - 1)
    assert int.from_bytes(kernel.get_reg(vcpu, MULTI_EN_0), "little") == enabled
    run_to_user(vcpu, kernel.harts[0])
    kernel.set_reg(vcpu, MULTI_DIS_0, 1 << 15)
    assert isa_has(vcpu, "v")
    words = -(-len(version.isa_ext_ids) // 64)
    for register in (MULTI_EN_0 + words, MULTI_DIS_0 + words, 0x8030_0000_0703_0000):
        assert get_and_set(kernel, vcpu, register) == errno.ENOENT


def test_giving_and_taking_v() -> None:
    """Item 41, S12, S15: a toggle keeps contents and VS in kernels that do not reset; in others it starts anew."""
    for version, kept in ((LINUX_6_12, True), (LINUX_7_3, True), (CLEAN, False)):
        for off, on in (
            ((one.isa_ext_id(version, "v"), 0), (one.isa_ext_id(version, "v"), 1)),
            ((MULTI_DIS_0, 1 << 15), (MULTI_EN_0, 1 << 15)),
            ((one.reg_id(one.CONFIG, 0), 0x112D & ~(1 << 7)), (one.reg_id(one.CONFIG, 0), 0x20112D)),
        ):
            kernel, vcpu = booted_with(version, "canary")
            vl = one.vector_csr_id(version, kernel.layout, "vl")
            kernel.set_reg(vcpu, vl, 5)
            kernel.set_reg(vcpu, *off)
            assert get_and_set(kernel, vcpu, vl) == errno.ENOENT
            assert vcpu.guest_context.vs == (VS_INITIAL if kept else VS_OFF)
            kernel.set_reg(vcpu, *on)
            assert vcpu.guest_context.vs == VS_INITIAL
            assert kernel.get_reg(vcpu, vl) == (5 if kept else 0).to_bytes(8, "little")
            assert run_rounds(vcpu, kernel.harts[0], 2) == [(0, 0), (0, 1)]
    broken = replace(CLEAN, reset_clears_csrs=False)
    kernel, vcpu = booted_with(broken)
    vcsr = one.vector_csr_id(broken, kernel.layout, "vcsr")
    kernel.set_reg(vcpu, vcsr, 5)
    for value in (0, 1):
        kernel.set_reg(vcpu, one.isa_ext_id(broken, "v"), value)
    assert kernel.get_reg(vcpu, vcsr)[0] == 5  # S15


@given(order=st.randoms(use_true_random=False))
@settings(max_examples=10, deadline=None)
def test_a_whole_vcpu_copied_in_any_order(order: random.Random) -> None:
    """Item 58: every listed register, to another host, in any order; the guest goes on."""
    for version in (CLEAN, LINUX_6_12):
        kernel, source = booted_with(version, "canary")
        hart = kernel.harts[0]
        run_rounds(source, hart, 1)
        run = source.run(hart)
        next(run)
        source.signal_pending = True
        with pytest.raises(StopIteration):
            next(run)
        ids = kernel.get_reg_list(source)
        values = {register: kernel.get_reg(source, register) for register in ids}

        elsewhere, target = booted_with(version, "canary")
        for address in range(0, source.vm.size, 4096):
            page = kernel.memory.read(source.vm.memory + address, 4096)
            elsewhere.write(elsewhere.harts[0], target.vm.memory + address, page)
        order.shuffle(ids)
        failed = [register for register in ids if errno_of(elsewhere.set_reg, target, register, values[register])]
        assert failed == [0x8030_0000_0400_0003]  # a timer that is not armed cannot be disarmed
        assert {r: elsewhere.get_reg(target, r) for r in ids if r >> 24 & 0xFF == 9} == {
            r: values[r] for r in ids if r >> 24 & 0xFF == 9
        }
        assert [report[0] for report in run_rounds(target, elsewhere.harts[0], 3)] == [0, 0, 0]


def test_s19_memory_says_what_the_hardware_holds() -> None:
    odd = {"vl": 1000, "vcsr": (1 << 64) - 1, "vstart": 0xABCDEF, "vtype": 0xD8}
    for version, legal in ((LINUX_6_12, False), (CLEAN, True)):
        kernel, vcpu = booted_with(version)
        for name, value in odd.items():
            kernel.set_reg(vcpu, one.vector_csr_id(version, kernel.layout, name), value)
        run_to_user(vcpu, kernel.harts[0])
        state = memory_state(kernel, vcpu.guest_context.vector)
        hardware = (4, 7, 0xABCDEF & 255, 0xD8)
        found = (state.vl, state.vcsr, state.vstart, state.vtype)
        assert found == (hardware if legal else tuple(odd[name] for name in ("vl", "vcsr", "vstart", "vtype")))


# Hosts (item 44)


@NEWEST
def test_hosts_without_v(version: KernelVersion) -> None:
    for machine in ({"has_v": False}, {"config_vector": False}):
        kernel = Kernel(version, **machine)
        kernel.boot()
        vcpu = make_vcpu(kernel, "scalar")
        for register in (one.reg_id(9, 0), one.reg_id(9, 4), one.reg_id(9, 6, 16), one.reg_id(9, 0, 1)):
            assert get_and_set(kernel, vcpu, register) == errno.ENOENT
        assert get_and_set(kernel, vcpu, one.isa_ext_id(version, "v")) == errno.ENOENT
        assert not any(register >> 24 & 0xFF == 9 for register in kernel.get_reg_list(vcpu))


@pytest.mark.parametrize(("version", "buffers"), [(V6_5, 0), (LINUX_6_12, 2), (CLEAN, 2)], ids=lambda v: str(v)[:20])
def test_hosts_with_zve_only(version: KernelVersion, buffers: int) -> None:
    kernel = Kernel(version, zve_only=True)
    kernel.boot()
    hart, vcpu = kernel.harts[0], make_vcpu(kernel, "nov")
    owners = [block.owner for block in kernel.alloc.outstanding if block.owner.endswith("datap")]
    assert len(owners) == buffers
    assert vcpu.guest_context.vs == VS_OFF
    assert errno_of(kernel.set_reg, vcpu, one.isa_ext_id(version, "v"), 1) == version.host_lacks
    before = hart.vec.regs.tobytes()
    assert run_rounds(vcpu, hart, 2) == [(0, 0), (0, 1)]
    assert hart.vec.regs.tobytes() == before
    task = kernel.task_create(0x200)
    kernel.switch_to(hart, task)
    assert (task.run().reason is ExitReason.REPORT) is (buffers == 2)


def test_timer_fp_and_sbi_registers() -> None:
    kernel, vcpu = booted_with(LINUX_6_12)
    hart = kernel.harts[0]
    frequency, time, compare, state = (one.reg_id(4, number) for number in range(4))
    assert errno_of(kernel.set_reg, vcpu, frequency, 1) == errno.EINVAL
    kernel.set_reg(vcpu, frequency, kernel.get_reg(vcpu, frequency))
    kernel.set_reg(vcpu, time, 1 << 40)
    assert int.from_bytes(kernel.get_reg(vcpu, time), "little") - (1 << 40) in range(1000)
    kernel.set_reg(vcpu, compare, 77)
    assert kernel.get_reg(vcpu, compare)[0] == 77
    for value, expected in ((0, errno.EINVAL), (1, 0), (1, 0), (0, 0), (0, errno.EINVAL)):
        assert errno_of(kernel.set_reg, vcpu, state, value) == expected

    f31, fcsr = one.reg_id(5, 31, 4), one.reg_id(6, 32, 4)
    for register in (f31, fcsr, one.reg_id(6, 31, 8)):
        data = bytes(range(one.reg_size(register)))
        kernel.set_reg(vcpu, register, data)
        assert kernel.get_reg(vcpu, register) == data
    assert get_and_set(kernel, vcpu, one.reg_id(5, 31, 8)) == errno.EINVAL
    assert get_and_set(kernel, vcpu, one.reg_id(5, 33, 4)) == errno.ENOENT
    assert errno_of(one.set_reg, vcpu, hart, f31, one.UserBuffer(b"\1\2")) == errno.EFAULT
    assert kernel.get_reg(vcpu, f31) == b"\1\2\0\0"
    kernel.set_reg(vcpu, one.isa_ext_id(LINUX_6_12, "f"), 0)
    assert get_and_set(kernel, vcpu, f31) == errno.ENOENT

    hsm, pmu = one.reg_id(8, 5), one.reg_id(8, 6)
    assert kernel.get_reg(vcpu, hsm)[0] == 1
    assert errno_of(kernel.set_reg, vcpu, hsm, 2) == errno.EINVAL
    assert get_and_set(kernel, vcpu, pmu) == errno.ENOENT
    kernel.set_reg(vcpu, hsm, 0)
    assert kernel.get_reg(vcpu, hsm)[0] == 0
    lo, hi = one.reg_id(10, 0), one.reg_id(10, 1)
    assert kernel.get_reg(vcpu, lo) == kernel.get_reg(vcpu, hi) == b"\xff" * 8
    kernel.set_reg(vcpu, lo, 0x1000)
    assert kernel.get_reg(vcpu, hi) == bytes(8)
    assert errno_of(kernel.set_reg, vcpu, hi, 1) == errno.EINVAL
    run_to_user(vcpu, hart)
    assert errno_of(kernel.set_reg, vcpu, hsm, 0) == errno.EBUSY

    mvendorid, satp_mode = one.reg_id(one.CONFIG, 2), one.reg_id(one.CONFIG, 6)
    assert errno_of(kernel.set_reg, vcpu, mvendorid, 5) == errno.EBUSY
    assert errno_of(kernel.set_reg, vcpu, satp_mode, 9) == errno.EINVAL
    kernel.set_reg(vcpu, satp_mode, 8)
    other = make_vcpu(kernel, "scalar")
    kernel.set_reg(other, mvendorid, 5)
    assert kernel.get_reg(other, mvendorid)[0] == 5
