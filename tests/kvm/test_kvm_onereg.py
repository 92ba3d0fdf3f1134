# SPDX-License-Identifier: Apache-2.0
"""One-reg: ids, sizes and errors of both versions, and the collision that makes v12's vector registers unreachable."""

from __future__ import annotations

import errno
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kvm_driving import (
    booted_with,
    get_and_set,
    make_vcpu,
    memory_state,
    random_state,
    run_rounds,
    run_to_user,
    set_memory_state,
)

from vctx.pymodel.kvm import V6_5, V12, KernelVersion, KvmError
from vctx.pymodel.kvm import onereg as one
from vctx.pymodel.kvm.isa import isa_has

SIZES = [1 << code for code in range(16)]
LARGEST_NUMBER = 40


# Frozen: what user space was compiled with. VLEN 256.
@pytest.mark.parametrize(
    ("version", "csrs", "v0", "v31", "isa_v"),
    [
        (V12, 0x8030000007000000, 0x8050000007000005, 0x8050000007000024, 0x8030000007000007),
        (V6_5, 0x8030000009000000, 0x8050000009000006, 0x8050000009000025, 0x803000000700000F),
    ],
    ids=["v12", "v6.5"],
)
def test_ids(version: KernelVersion, csrs: int, v0: int, v31: int, isa_v: int) -> None:
    kernel, _ = booted_with(version)
    layout = kernel.layout
    found = [one.vector_csr_id(version, layout, field) for field in ("vstart", "vl", "vtype", "vcsr")]
    assert found == [csrs + n for n in range(4)]
    assert one.vector_reg_id(version, layout, 0, 32) == v0
    assert one.vector_reg_id(version, layout, 31, 32) == v31
    assert one.isa_ext_id(version, "v") == isa_v
    for vlen, code in ((128, 4), (256, 5), (512, 6), (1024, 7), (2048, 8)):
        assert one.vector_reg_id(version, layout, 0, vlen // 8) >> 52 == 0x800 | code


def test_s8_isa_ext_numbers() -> None:
    assert (V6_5.isa_ext_ids.index("svpbmt"), V6_5.isa_ext_ids.index("sstc")) == (7, 8)
    assert (V12.isa_ext_ids.index("svpbmt"), V12.isa_ext_ids.index("sstc")) == (8, 9)
    assert V12.isa_ext_ids.index("v") == 7
    assert V6_5.isa_ext_ids.index("v") == 15


@pytest.mark.parametrize("vlen", [128, 256, 1024])
def test_every_size_and_number_of_6_5(vlen: int) -> None:
    kernel, vcpu = booted_with(V6_5, vlen=vlen)
    for number in range(LARGEST_NUMBER + 1):
        for size in SIZES:
            expected = errno.EINVAL
            if (number < 4 and size == 8) or (6 <= number < 38 and size == vlen // 8):
                expected = 0
            found = get_and_set(kernel, vcpu, one.reg_id(9, number, size))
            assert found == expected, (number, size)


def test_every_size_and_number_of_v12_is_an_isa_extension() -> None:
    kernel, vcpu = booted_with(V12)
    for number in range(LARGEST_NUMBER + 1):
        for size in SIZES:
            register = one.reg_id(7, number, size)
            if size == 8 and number < len(V12.isa_ext_ids):
                expected = int(isa_has(vcpu, V12.isa_ext_ids[number]))
                assert kernel.get_reg(vcpu, register) == expected.to_bytes(8, "little")
            else:
                assert get_and_set(kernel, vcpu, register) == errno.EINVAL, (number, size)


def test_s1_writing_a_vector_csr_takes_extensions_away() -> None:
    kernel, vcpu = booted_with(V12)
    for field, extension in (("vtype", "d"), ("vcsr", "f")):
        register = one.vector_csr_id(V12, kernel.layout, field)
        assert isa_has(vcpu, extension)
        kernel.set_reg(vcpu, register, 0)
        assert not isa_has(vcpu, extension)
    assert kernel.get_reg(vcpu, one.vector_csr_id(V12, kernel.layout, "vstart")) == (1).to_bytes(8, "little")

    kernel, vcpu = booted_with(V6_5)
    isa = vcpu.isa
    for field in ("vstart", "vl", "vtype", "vcsr"):
        kernel.set_reg(vcpu, one.vector_csr_id(V6_5, kernel.layout, field), 0)
    assert vcpu.isa == isa


@given(seed=st.integers(0, 2**32), order=st.permutations(range(36)))
@settings(max_examples=20, deadline=None)
def test_round_trip_and_migration(seed: int, order: list[int]) -> None:
    """Every register set in any order reads back, and a guest that gets them all goes on as the first would have."""
    kernel, vcpu = booted_with(V6_5)
    state = random_state(random.Random(seed), 32)
    fields = {"vstart": state.vstart, "vl": state.vl, "vtype": state.vtype, "vcsr": state.vcsr}
    ids = [one.vector_csr_id(V6_5, kernel.layout, field) for field in fields]
    ids += [one.vector_reg_id(V6_5, kernel.layout, n, 32) for n in range(32)]
    values = [value.to_bytes(8, "little") for value in fields.values()]
    values += [state.vregs[32 * n : 32 * n + 32] for n in range(32)]
    for n in order:
        kernel.set_reg(vcpu, ids[n], values[n])
    assert [kernel.get_reg(vcpu, register) for register in ids] == values
    assert memory_state(kernel, vcpu.guest_context.vector) == state
    kernel.alloc.check_guards()


def test_migration_of_a_running_guest() -> None:
    kernel, source = booted_with(V6_5, "canary")
    hart = kernel.harts[0]
    run_rounds(source, hart, 2)
    source.signal_pending = False
    run = source.run(hart)
    next(run)  # somewhere inside the third round, registers dirty
    source.signal_pending = True
    with pytest.raises(StopIteration):
        next(run)

    target = make_vcpu(kernel, "canary")
    for address in range(0, source.vm.size, 4096):
        kernel.memcpy(hart, target.vm.memory + address, source.vm.memory + address, 4096)
    ids = [one.reg_id(one.CORE, n) for n in range(33)]
    ids += [one.reg_id(one.CSR, n) for n in range(10)]
    ids += [one.vector_csr_id(V6_5, kernel.layout, field) for field in ("vstart", "vl", "vtype", "vcsr")]
    ids += [one.vector_reg_id(V6_5, kernel.layout, n, 32) for n in range(32)]
    for register in ids:
        kernel.set_reg(target, register, kernel.get_reg(source, register))
    assert run_rounds(target, hart, 3) == [(0, 2), (0, 3), (0, 4)]


def test_s19_no_value_is_refused_and_hardware_normalises() -> None:
    kernel, vcpu = booted_with(V6_5, "copy")
    odd = {"vl": 1000, "vcsr": (1 << 64) - 1, "vstart": 0xABCDEF, "vtype": 0xD8}
    ids = {field: one.vector_csr_id(V6_5, kernel.layout, field) for field in odd}
    for field, value in odd.items():
        kernel.set_reg(vcpu, ids[field], value)
    vcpu.signal_pending = True
    run_to_user(vcpu, kernel.harts[0])  # never entered: what was set stays
    assert {f: int.from_bytes(kernel.get_reg(vcpu, r), "little") for f, r in ids.items()} == odd
    vec = kernel.harts[0].vec
    kernel.sched_in(vcpu, kernel.harts[0])
    assert (vec.vl, vec.vcsr, vec.vstart, vec.vtype) == (4, 7, 0xABCDEF & 255, 0xD8)
    kernel.sched_out(vcpu)


def test_faults() -> None:
    kernel, vcpu = booted_with(V6_5)
    hart = kernel.harts[0]
    v4 = one.vector_reg_id(V6_5, kernel.layout, 4, 32)
    set_memory_state(kernel, vcpu.guest_context.vector, random_state(random.Random(2), 32))
    before = kernel.get_reg(vcpu, v4)
    for mapped in (0, 16, 31):
        buffer = one.UserBuffer(bytes([0x5A]) * mapped)
        with pytest.raises(KvmError) as refused:
            one.get_reg(vcpu, hart, v4, buffer)
        assert refused.value.errno == errno.EFAULT
        assert bytes(buffer.data) == before[:mapped]
    for mapped in (0, 16, 31):
        kernel.set_reg(vcpu, v4, before)
        with pytest.raises(KvmError) as refused:
            one.set_reg(vcpu, hart, v4, one.UserBuffer(bytes([0x5A]) * mapped))
        assert refused.value.errno == errno.EFAULT
        assert kernel.get_reg(vcpu, v4) == (bytes([0x5A]) * mapped).ljust(32, b"\0")  # item 53
    read_only = one.UserBuffer(before, writable=0)
    with pytest.raises(KvmError) as refused:
        one.get_reg(vcpu, hart, v4, read_only)
    assert refused.value.errno == errno.EFAULT and bytes(read_only.data) == before
    one.set_reg(vcpu, hart, v4, read_only)
    assert kernel.get_reg(vcpu, v4) == before


def test_registers_of_a_guest_without_v_do_not_exist() -> None:
    kernel, _ = booted_with(V6_5)
    vcpu = make_vcpu(kernel, "scalar", v_allowed=False)
    for register in (one.reg_id(9, 0), one.reg_id(9, 6, 32), one.reg_id(9, 3)):
        assert get_and_set(kernel, vcpu, register) == errno.EINVAL


@pytest.mark.parametrize("version", [V12, V6_5], ids=lambda v: v.name)
@pytest.mark.parametrize(
    ("extension", "value", "expected"),
    [
        ("d", 0, 0),
        ("d", 1, 0),
        ("v", 0, 0),
        ("v", 2, errno.EINVAL),
        ("h", 1, errno.EINVAL),
        ("h", 0, 0),
        ("m", 0, errno.EINVAL),
        ("m", 1, 0),
        ("svpbmt", 1, errno.EOPNOTSUPP),
    ],
)
def test_isa_extensions(version: KernelVersion, extension: str, value: int, expected: int) -> None:
    kernel, vcpu = booted_with(version)
    register = one.isa_ext_id(version, extension)
    before = vcpu.isa
    try:
        kernel.set_reg(vcpu, register, value)
        found = 0
    except KvmError as error:
        found = error.errno
        assert vcpu.isa == before
    else:
        assert isa_has(vcpu, extension) == value
    assert found == expected
    run_to_user(vcpu, kernel.harts[0])
    with pytest.raises(KvmError) as late:
        kernel.set_reg(vcpu, register, value)
    assert late.value.errno == errno.EOPNOTSUPP


def test_config_isa() -> None:
    kernel, vcpu = booted_with(V6_5)
    register = one.reg_id(one.CONFIG, 0)
    isa = int.from_bytes(kernel.get_reg(vcpu, register), "little")
    assert isa >> 21 & 1 and not isa >> 7 & 1
    kernel.set_reg(vcpu, register, isa & ~(1 << 21 | 1 << 12) | 1 << 7)  # without V and M, with H
    assert int.from_bytes(kernel.get_reg(vcpu, register), "little") == isa & ~(1 << 21)
    with pytest.raises(KvmError):
        kernel.set_reg(vcpu, register, 1 << 26)
    run_to_user(vcpu, kernel.harts[0])
    with pytest.raises(KvmError):
        kernel.set_reg(vcpu, register, isa)


def test_core_and_csr_registers() -> None:
    kernel, vcpu = booted_with(V6_5)
    for number in range(32):
        kernel.set_reg(vcpu, one.reg_id(one.CORE, number), 1000 + number)
    assert vcpu.guest_context["sepc"] == 1000 and vcpu.guest_context["x31"] == 1031
    mode = one.reg_id(one.CORE, 32)
    for value in (0, 1):
        kernel.set_reg(vcpu, mode, value)
        assert kernel.get_reg(vcpu, mode) == value.to_bytes(8, "little")
    for number in range(10):
        kernel.set_reg(vcpu, one.reg_id(one.CSR, number), 0x222)
        assert kernel.get_reg(vcpu, one.reg_id(one.CSR, number)) == (0x222).to_bytes(8, "little")
    assert vcpu.csr["hvip"] == 0x444
    for register in (one.reg_id(one.CORE, 33), one.reg_id(one.CSR, 10), one.reg_id(one.CONFIG, 1), one.reg_id(11, 0)):
        assert get_and_set(kernel, vcpu, register) == errno.EINVAL
