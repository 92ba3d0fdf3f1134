# SPDX-License-Identifier: Apache-2.0
"""One-reg from kernel to kernel: what was added after 6.12, and in which order the oldest looked at things."""

from __future__ import annotations

import errno
from collections.abc import Callable

import pytest
from kvm_driving import booted, errno_of, get_and_set, make_vcpu, run_to_user

from vctx.pymodel.kvm import (
    CLEAN,
    DEFERRED_MAINTAINER,
    LINUX_6_12,
    LINUX_7_2,
    LINUX_7_3,
    V6_5,
    V12,
    Kernel,
    KernelVersion,
    UserBuffer,
    Vcpu,
)
from vctx.pymodel.kvm import onereg as one
from vctx.pymodel.kvm.version import versions

EVERY = pytest.mark.parametrize("version", dict.fromkeys(versions.values()), ids=lambda v: v.name)
EVERYTHING = (*"acdfhim", "sstc", "zicbom", "zicboz", "zicbop", "sscofpmf", "smnpm", "svadu", "zalasr", "zicfilp")

# The first numbers that each kernel does not know: ISA_EXT, SBI_EXT (None: it has no such class), CONFIG.
ENDS = {
    V12: (10, None, 1),
    V6_5: (17, None, 6),
    LINUX_6_12: (62, 11, 7),
    LINUX_7_2: (78, 14, 8),
    LINUX_7_3: (80, 14, 8),
    DEFERRED_MAINTAINER: (80, 14, 8),
    CLEAN: (80, 14, 8),
}


def get(kernel: Kernel, vcpu: Vcpu, register: int) -> int:
    return int.from_bytes(kernel.get_reg(vcpu, register), "little")


@EVERY
def test_where_the_numbers_end(version: KernelVersion) -> None:
    kernel = booted(version, isa=EVERYTHING)
    vcpu = make_vcpu(kernel, "scalar")
    isa_exts, sbi_exts, config_regs = ENDS[version]
    known = set(kernel.host_isa)
    for number in range(100):
        found = errno_of(kernel.get_reg, vcpu, one.reg_id(7, number))
        name = version.isa_ext_ids[number] if number < isa_exts else ""
        assert (found == 0) == (name in known or (bool(name) and not version.distinct_errors)), number
        assert (errno_of(kernel.get_reg, vcpu, one.reg_id(8, number)) == 0) == (number < (sbi_exts or 0)), number
        assert (errno_of(kernel.get_reg, vcpu, one.reg_id(one.CONFIG, number)) == 0) == (number < config_regs), number


# Numbers of ISA_EXT that came after 6.12, as user space was compiled with.
@pytest.mark.parametrize(
    ("number", "name"),
    [
        *((62, "smnpm"), (63, "ssnpm"), (64, "svade"), (65, "svadu"), (66, "svvptc"), (67, "zabha"), (68, "ziccrse")),
        *((69, "zaamo"), (70, "zalrsc"), (71, "zicbop"), (72, "zfbfmin"), (73, "zvfbfmin"), (74, "zvfbfwma")),
        *((75, "zclsd"), (76, "zilsd"), (77, "zalasr"), (78, "zicfilp"), (79, "zicfiss")),
    ],
)
def test_the_numbers_are_frozen(number: int, name: str) -> None:
    assert one.isa_ext_id(LINUX_7_3, name) == 0x8030_0000_0700_0000 + number
    assert (name in LINUX_7_2.isa_ext_ids) == (number < 78)
    assert name not in LINUX_6_12.isa_ext_ids


@pytest.mark.parametrize("present", [False, True])
@EVERY
def test_block_sizes(version: KernelVersion, present: bool) -> None:
    """From 7.2 on every guest has them, and without the extension they are 0."""
    blocks = {"zicbom": 1, "zicboz": 5, "zicbop": 7}
    kernel = booted(version, isa=("a", "c", "i", "m", *(blocks if present else ())))
    vcpu = make_vcpu(kernel, "scalar")
    for extension, number in blocks.items():
        register = one.reg_id(one.CONFIG, number)
        here = present and extension in version.isa_ext_ids and number < version.config_regs
        if version.block_sizes_listed:
            size = 64 if present else 0
            assert get(kernel, vcpu, register) == size
            assert errno_of(kernel.set_reg, vcpu, register, size) == 0
            assert errno_of(kernel.set_reg, vcpu, register, size + 1) == errno.EINVAL
        else:
            assert errno_of(kernel.get_reg, vcpu, register) == (0 if here else version.absent)
            assert errno_of(kernel.set_reg, vcpu, register, 0) == (errno.EINVAL if here else version.absent)
        if version.reg_list:
            assert (register in kernel.get_reg_list(vcpu)) == (version.block_sizes_listed or here)


@EVERY
def test_registers_of_smstateen(version: KernelVersion) -> None:
    """Of a guest without it: 6.12 said EINVAL, which later became what it is of every register that does not exist."""
    kernel = booted(version)
    vcpu = make_vcpu(kernel, "scalar")
    due = errno.EINVAL if version in (V12, V6_5, LINUX_6_12) else errno.ENOENT
    assert get_and_set(kernel, vcpu, one.reg_id(one.CSR, 2 << 16)) == due
    for subtype in (1, 3, 4):
        assert get_and_set(kernel, vcpu, one.reg_id(one.CSR, subtype << 16)) == version.absent


def test_the_pmu_of_a_kernel_that_does_not_look() -> None:
    for version in (LINUX_6_12, LINUX_7_3):
        for config, offered in ((True, False), (False, True)):
            kernel = booted(version, config_pmu_sbi=config)
            ids = kernel.get_reg_list(make_vcpu(kernel, "scalar"))
            assert (one.reg_id(8, 6) in ids) is offered


@EVERY
def test_many_at_once_came_with_6_6(version: KernelVersion) -> None:
    kernel = booted(version)
    vcpu = make_vcpu(kernel, "scalar")
    for subtype in (1, 2):
        found = get_and_set(kernel, vcpu, one.reg_id(7, subtype << 16))
        assert found == (errno.EINVAL if version in (V12, V6_5) else 0)


# Which is looked at first, the number or the caller's memory? (item 53)


@pytest.mark.parametrize(
    ("register", "number_first"),
    [
        (one.reg_id(one.CORE, 33), lambda version: True),
        (one.reg_id(one.CSR, 11), lambda version: version is V12),
        (one.reg_id(one.CSR, 4 << 16), lambda version: version is V12),
        (one.reg_id(7, 99), lambda version: version in (V12, V6_5)),
        (one.reg_id(one.CONFIG, 99), lambda version: False),
        (one.reg_id(9, 5), lambda version: True),
        (one.reg_id(9, 40), lambda version: True),
    ],
    ids=["core", "CSR", "CSR, subtype", "ISA_EXT", "CONFIG", "datap", "vector"],
)
@EVERY
def test_a_register_that_does_not_exist_and_memory_that_is_not_there(
    version: KernelVersion, register: int, number_first: Callable[[KernelVersion], bool]
) -> None:
    kernel = booted(version)
    vcpu = make_vcpu(kernel, "scalar")
    expected = version.absent if number_first(version) else errno.EFAULT
    if version is V12 and register >> 24 & 0xFF == 9:
        expected = version.absent  # it has no such class
    assert errno_of(one.set_reg, vcpu, kernel.harts[0], register, UserBuffer()) == expected
    assert errno_of(one.get_reg, vcpu, kernel.harts[0], register, UserBuffer()) == version.absent


@EVERY
def test_vector_registers_where_nobody_has_vectors(version: KernelVersion) -> None:
    """No number, no size: an error each, and not a byte is touched, also where the size of a register is 0."""
    for machine in ({"has_v": False}, {"config_vector": False}, {"zve_only": True}):
        kernel = booted(version, **machine)
        vcpu = make_vcpu(kernel, "scalar")
        if version.isa_from_address:
            continue  # whether a guest has V is chance there (S2)
        for number in (*range(8), 37, 38):
            for size in (1 << code for code in range(16)):
                register = one.reg_id(version.vector_reg_type, number, size)
                buffer = UserBuffer(b"\xa5" * size)
                for call in (one.get_reg, one.set_reg):
                    assert errno_of(call, vcpu, kernel.harts[0], register, buffer) == version.absent
                assert buffer.data == b"\xa5" * size
        assert kernel.null_accesses == []


# Reset and load


@EVERY
def test_counters_after_a_reset(version: KernelVersion) -> None:
    """New kernels clear the guest's CSRs whole; before, cycle, time and instret were open to VU-mode."""
    kernel = booted(version)
    vcpu = make_vcpu(kernel, "scalar")
    due = 7 if version in (V12, V6_5, LINUX_6_12) else 0
    for _ in range(2):
        assert get(kernel, vcpu, one.reg_id(one.CSR, 9)) == due
        kernel.set_reg(vcpu, one.reg_id(one.CSR, 9), 2)
        kernel.request_reset(vcpu)
        run_to_user(vcpu, kernel.harts[0])


@pytest.mark.parametrize("version", [V12, V6_5], ids=lambda v: v.name)
def test_the_classes_that_the_patch_found_there(version: KernelVersion) -> None:
    """TIMER and FP come before ISA_EXT and vectors; whatever does not exist is EINVAL, and no frequency is taken."""
    kernel = booted(version, isa=tuple("acdfim"))
    vcpu = make_vcpu(kernel, "scalar")
    frequency, compare = (one.reg_id(4, number) for number in (0, 2))
    assert get(kernel, vcpu, frequency) == 10_000_000
    assert errno_of(kernel.set_reg, vcpu, frequency, 10_000_000) == errno.EOPNOTSUPP
    kernel.set_reg(vcpu, compare, 77)
    assert get(kernel, vcpu, compare) == 77
    for reg_type, size in ((5, 4), (6, 8)):
        kernel.set_reg(vcpu, one.reg_id(reg_type, 9, size), 5)
        assert get(kernel, vcpu, one.reg_id(reg_type, 9, size)) == 5
        assert get_and_set(kernel, vcpu, one.reg_id(reg_type, 9, 12 - size)) == errno.EINVAL
        assert get_and_set(kernel, vcpu, one.reg_id(reg_type, 33, size)) == errno.EINVAL
    for number, buffer in ((4, UserBuffer()), (4, UserBuffer(bytes(8)))):  # the number first, then the memory
        assert errno_of(one.set_reg, vcpu, kernel.harts[0], one.reg_id(4, number), buffer) == errno.EINVAL
    assert errno_of(one.set_reg, vcpu, kernel.harts[0], compare, UserBuffer()) == errno.EFAULT


def test_the_frequency_may_be_set_to_what_it_is_from_6_6_on() -> None:
    kernel = booted(LINUX_6_12)
    vcpu = make_vcpu(kernel, "scalar")
    assert errno_of(kernel.set_reg, vcpu, one.reg_id(4, 0), 10_000_000) == 0
    assert errno_of(kernel.set_reg, vcpu, one.reg_id(4, 0), 10_000_001) == errno.EINVAL
