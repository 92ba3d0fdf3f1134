# SPDX-License-Identifier: Apache-2.0
"""Harts that start and stop, mp_state, exits that return at once, and loads and stores outside guest memory."""

from __future__ import annotations

import errno

import pytest
from kvm_driving import booted, run_to_user

from vctx.pymodel.isa import encode
from vctx.pymodel.kvm import CLEAN, LINUX_6_12, V12, Exit, ExitReason, Kernel, KernelVersion, KvmError, MpState, Vcpu
from vctx.pymodel.kvm.abi import SBI_EXT, SBI_EXT_TYPE
from vctx.pymodel.kvm.layout import VS_INITIAL, VS_OFF
from vctx.pymodel.kvm.onereg import isa_ext_id, reg_id, vector_csr_id
from vctx.pymodel.scenarios.guest_code import GuestCode
from vctx.pymodel.scenarios.guest_driver import Code, DriverError, GuestDriver, driver_vm

VERSIONS = pytest.mark.parametrize("version", [V12, LINUX_6_12, CLEAN], ids=lambda v: v.name)


def two_vcpus(kernel: Kernel) -> tuple[GuestDriver, GuestDriver]:
    vm = driver_vm(kernel)
    boot, secondary = (GuestDriver(kernel, kernel.vcpu_create(vm, 0, vcpu_id)) for vcpu_id in (0, 1))
    assert boot.start() is Code.READY
    boot.command("set_vs", 1)
    return boot, secondary


@VERSIONS
def test_a_started_hart_is_reset_at_its_next_run_and_not_before(version: KernelVersion) -> None:
    kernel = booted(version, harts=2)
    boot, secondary = two_vcpus(kernel)
    assert [kernel.get_mpstate(d.vcpu) for d in (boot, secondary)] == [MpState.RUNNABLE, MpState.STOPPED]
    state = secondary.vcpu.guest_context.vector
    state.store(kernel.harts[0], vl=5, vcsr=3)
    secondary.vcpu.guest_context.store(kernel.harts[0], sepc=0x1234)
    assert boot.command("hart_start", 1) is Code.DONE and boot["result"] == 0
    assert (state["vl"], state["vcsr"], secondary.vcpu.guest_context["sepc"]) == (5, 3, 0x1234)
    assert secondary.start(kernel.harts[1]) is Code.READY
    assert (state["vl"], state["vcsr"], state["vtype"]) == (0, 0, version.reset_vtype)
    assert boot.command("hart_start", 1) is Code.DONE
    assert boot["result"] == -6 & (1 << 64) - 1  # it runs already
    assert boot.command("hart_start", 7) is Code.DONE
    assert boot["result"] == -3 & (1 << 64) - 1  # there is none

    assert secondary.command("hart_stop", hart=kernel.harts[1]) is Code.INTR
    assert kernel.get_mpstate(secondary.vcpu) is MpState.STOPPED
    assert boot.command("hart_start", 1) is Code.DONE and boot["result"] == 0
    assert secondary.start() is Code.READY


def run_words(vcpu: Vcpu, words: list[int]) -> tuple[int, ...]:
    """Run instructions in place of the guest, and then report a0 and a1."""
    words = [*words, encode("lui", rd=17, imm=0x8000), encode("addi", rd=17, rs1=17, imm=1), encode("ecall")]
    vcpu.kernel.memory.write(vcpu.vm.memory, b"".join(word.to_bytes(4, "little") for word in words))
    exit_ = run_to_user(vcpu, vcpu.kernel.harts[0])
    assert exit_.reason is ExitReason.REPORT
    return exit_.args


@pytest.mark.parametrize(
    ("hart", "function", "has_hsm", "expected"),
    [
        (0, 2, True, (0, 0)),
        (1, 2, True, (0, 1)),
        (7, 2, True, (-3, 0)),
        (0, 9, True, (-2, 0)),
        (1, 2, False, (-2, 0)),
    ],
)
def test_hart_status(hart: int, function: int, has_hsm: bool, expected: tuple[int, int]) -> None:
    kernel = booted(CLEAN, harts=2)
    vm = kernel.vm_create("scalar")
    vcpu, _ = (kernel.vcpu_create(vm, owner=1, vcpu_id=vcpu_id) for vcpu_id in (0, 1))
    kernel.set_reg(vcpu, reg_id(SBI_EXT_TYPE, SBI_EXT.index("hsm")), int(has_hsm))
    words = [encode("lui", rd=17, imm=0x485), encode("addi", rd=17, rs1=17, imm=0x34D)]  # 0x48534d, "HSM"
    words += [encode("addi", rd=rd, rs1=0, imm=imm) for rd, imm in ((10, hart), (11, 0), (16, function))]
    assert run_words(vcpu, [*words, encode("ecall")]) == tuple(value & (1 << 64) - 1 for value in expected)


def test_mp_state_changes_no_register() -> None:
    kernel = booted(CLEAN, harts=2)
    _, secondary = two_vcpus(kernel)
    vcpu, hart = secondary.vcpu, kernel.harts[0]
    kernel.set_mpstate(vcpu, MpState.RUNNABLE)
    assert secondary.start() is Code.READY
    secondary.command("set_vs", 1)
    secondary.load(bytes(range(256)) * 4, 3, 0xD0, 5, 2)
    before = kernel.memory.read(vcpu.guest_context.address, vcpu.guest_context.size)
    kernel.set_mpstate(vcpu, MpState.STOPPED)
    assert run_to_user_or_stopped(vcpu, kernel) is ExitReason.STOPPED
    kernel.set_mpstate(vcpu, MpState.RUNNABLE)
    assert kernel.memory.read(vcpu.guest_context.address, vcpu.guest_context.size)[-48:] == before[-48:]
    assert secondary.start(hart) in (Code.DONE, Code.READY)


def test_a_stopped_hart_that_user_space_lets_run_goes_on_behind_its_call() -> None:
    kernel = booted(CLEAN)
    vm = kernel.vm_create("scalar")
    GuestCode(vm, VS_OFF).hart_stop().insn("addi", rd=11, rs1=0, imm=7).report_register().load(kernel.harts[0])
    vcpu = kernel.vcpu_create(vm, owner=0)
    run = vcpu.run(kernel.harts[0])
    while next(run).reason is not ExitReason.STOPPED:
        pass
    vcpu.signal_pending = True
    with pytest.raises(StopIteration):
        next(run)
    kernel.set_mpstate(vcpu, MpState.RUNNABLE)
    run = vcpu.run(kernel.harts[0])
    with pytest.raises(StopIteration) as stop:
        for _ in range(10):  # a hart that stops again would do so for ever
            next(run)
    assert stop.value.value == Exit(ExitReason.REPORT, (0, 7))


def run_to_user_or_stopped(vcpu: Vcpu, kernel: Kernel) -> ExitReason:
    run = vcpu.run(kernel.harts[0])
    exit_ = next(run)
    vcpu.signal_pending = True
    with pytest.raises(StopIteration):
        next(run)
    return exit_.reason


def test_reset_by_mp_state_needs_its_capability() -> None:
    for version, available in ((CLEAN, True), (LINUX_6_12, False)):
        kernel = booted(version, harts=2)
        boot, _ = two_vcpus(kernel)
        boot.load(bytes(range(256)) * 4, 3, 0xD0, 5, 2)
        for state in (MpState.INIT_RECEIVED, 77):
            with pytest.raises(KvmError) as refused:
                kernel.set_mpstate(boot.vcpu, state)
            assert refused.value.errno == errno.EINVAL
        if not available:
            with pytest.raises(KvmError):
                kernel.enable_mp_state_reset(boot.vcpu.vm)
            continue
        kernel.enable_mp_state_reset(boot.vcpu.vm)
        kernel.set_mpstate(boot.vcpu, MpState.INIT_RECEIVED)
        context = boot.vcpu.guest_context
        assert context.vs == VS_INITIAL and context["sepc"] == 0
        assert kernel.memory.read(context.vector["datap"], kernel.vsize) == bytes(kernel.vsize)


def test_a_vcpu_id_is_taken_once() -> None:
    kernel = booted(CLEAN, harts=2)
    vm = kernel.vm_create("scalar")
    vcpu = kernel.vcpu_create(vm, owner=1)
    with pytest.raises(KvmError) as refused:
        kernel.vcpu_create(vm, owner=1)
    assert refused.value.errno == errno.EEXIST
    kernel.vcpu_destroy(vcpu)
    kernel.vcpu_create(vm, owner=1)


def test_immediate_exit_counts_as_a_run_and_changes_no_register() -> None:
    kernel = booted(LINUX_6_12, harts=2)
    vcpu = kernel.vcpu_create(kernel.vm_create("scalar"), owner=1)
    vl = vector_csr_id(LINUX_6_12, kernel.layout, "vl")
    kernel.set_reg(vcpu, vl, 9999)
    vcpu.immediate_exit = True
    assert run_to_user(vcpu, kernel.harts[0]) == Exit(ExitReason.INTR)
    assert kernel.get_reg(vcpu, vl) == (9999).to_bytes(8, "little")
    with pytest.raises(KvmError) as refused:
        kernel.set_reg(vcpu, isa_ext_id(LINUX_6_12, "v"), 0)
    assert refused.value.errno == errno.EBUSY


@pytest.mark.parametrize(
    ("mnemonic", "size", "loaded"),
    [
        ("lb", 1, 0xFFFF_FFFF_FFFF_FF88),
        ("lbu", 1, 0x88),
        ("lh", 2, 0x7788),
        ("lwu", 4, 0x55667788),
        ("ld", 8, 0x1122334455667788),
    ],
)
def test_mmio(mnemonic: str, size: int, loaded: int) -> None:
    kernel = booted(CLEAN, harts=2)
    vcpu = kernel.vcpu_create(kernel.vm_create("scalar"), owner=1)
    store = "s" + mnemonic[1]
    words = [
        encode("lui", rd=5, imm=0x10000),
        encode(store, rs1=5, rs2=11, imm=8),
        encode(mnemonic, rd=6, rs1=5, imm=0),
    ]
    words += [encode("lui", rd=17, imm=0x8000), encode("addi", rd=17, rs1=17, imm=1), encode("ecall")]
    kernel.memory.write(vcpu.vm.memory, b"".join(word.to_bytes(4, "little") for word in words))
    kernel.set_reg(vcpu, reg_id(2, 11), 0xAABB_CCDD_EEFF_0011)
    hart = kernel.harts[0]
    value = 0xAABB_CCDD_EEFF_0011 & (1 << 8 * size) - 1
    assert run_to_user(vcpu, hart) == Exit(ExitReason.MMIO, (0x1000_0008, size, 1, value))
    assert run_to_user(vcpu, hart) == Exit(ExitReason.MMIO, (0x1000_0000, size, 0, 0))
    vcpu.mmio_data = bytes.fromhex("8877665544332211")
    assert run_to_user(vcpu, hart).reason is ExitReason.REPORT
    assert vcpu.guest_context["x6"] == loaded


def test_the_driver_says_when_its_guest_dies() -> None:
    kernel = booted(CLEAN, harts=2)
    driver, _ = two_vcpus(kernel)
    driver.vcpu.guest_context.store(kernel.harts[0], sepc=0x7000_0000)
    driver.vcpu.user_exit = None
    with pytest.raises(DriverError, match="memory-fault"):
        driver.start()
    with pytest.raises(DriverError, match="5 instructions for 4 slots"):
        driver.execute(*[0x13] * 5)
