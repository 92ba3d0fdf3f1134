# SPDX-License-Identifier: Apache-2.0
"""Create, load, put, reset, destroy: order, memory, and what is left behind when something fails."""

from __future__ import annotations

import errno
from dataclasses import replace

import pytest
from kvm_driving import BOTH, Log, booted, make_vcpu, owners, run_rounds, run_to_user

from vctx.pymodel.errors import UsageError
from vctx.pymodel.isa import Csr, Hart
from vctx.pymodel.kvm import (
    CLEAN,
    DEFERRED_MAINTAINER,
    LINUX_6_12,
    LINUX_7_2,
    LINUX_7_3,
    V6_5,
    V12,
    AllocError,
    HostTask,
    KernelMisuseError,
    KernelVersion,
    KvmError,
    Step,
    Vcpu,
)
from vctx.pymodel.kvm.version import by_name, versions


def test_versions_by_name() -> None:
    assert {name: by_name(name).name for name in versions} == {name: name for name in versions} | {
        "deferred": "linux-7.3"
    }
    for version in (V12, V6_5, LINUX_6_12, LINUX_7_2, LINUX_7_3, DEFERRED_MAINTAINER, CLEAN):
        assert by_name(version.name) is version
    names = r"v12, v6\.5, linux-6\.12, linux-7\.2, linux-7\.3, deferred-maintainer, clean, deferred"
    with pytest.raises(UsageError, match=f"'v9'.*{names}"):
        by_name("v9")


def test_boot_leaves_vs_off_and_harts_distinct() -> None:
    kernel = booted(harts=2)
    for hart in kernel.harts:
        assert (hart.prv, hart.virt) == (1, False)
        assert hart.csr[Csr.SSTATUS] >> 9 & 3 == 0
        assert hart.csr[Csr.HEDELEG] >> 2 & 1 == 0
        assert hart.csr[Csr.STVEC] == Hart.TRAP_SENTINEL
    assert kernel.vsize == 1024
    assert kernel.harts[0].vec.regs.tobytes() != kernel.harts[1].vec.regs.tobytes()
    assert owners(kernel) == []


@BOTH
def test_create_allocates_two_buffers_and_destroy_frees_them(version: KernelVersion) -> None:
    kernel = booted(version)
    vm = kernel.vm_create("scalar")
    for _ in range(50):
        vcpu = kernel.vcpu_create(vm, owner=1)
        assert owners(kernel) == [vcpu.name, f"{vcpu.name} guest datap", f"{vcpu.name} host datap"]
        assert vcpu.guest_context.vector["datap"] == vcpu.reset_context.vector["datap"]  # S6
        run_to_user(vcpu, kernel.harts[0])
        kernel.vcpu_destroy(vcpu)
        assert owners(kernel) == []
    kernel.alloc.check_guards()
    vm.free(kernel.harts[0])
    assert kernel.alloc.outstanding == []


@BOTH
@pytest.mark.parametrize(("nth", "leaked"), [(1, []), (2, []), (3, ["vcpu0 guest datap"])])
def test_s5_failed_create(version: KernelVersion, nth: int, leaked: list[str]) -> None:
    kernel = booted(version)
    vm = kernel.vm_create("scalar")
    kernel.alloc.fail_nth(nth)
    with pytest.raises(KvmError) as failed:
        kernel.vcpu_create(vm, owner=1)
    assert failed.value.errno == errno.ENOMEM
    assert owners(kernel) == leaked
    assert run_rounds(kernel.vcpu_create(vm, owner=1), kernel.harts[0], 1) == [(0, 0)]


def test_host_without_v_has_no_buffers() -> None:
    for machine in ({"has_v": False}, {"config_vector": False}):
        kernel = booted(V6_5, **machine)
        vm = kernel.vm_create("scalar")
        vcpu = kernel.vcpu_create(vm, owner=1)
        assert owners(kernel) == [vcpu.name]
        assert vcpu.guest_context.vector["datap"] == 0
        kernel.vcpu_destroy(vcpu)
        assert owners(kernel) == []


def test_freeing_the_live_buffer_twice_would_be_noticed() -> None:
    kernel = booted()
    vcpu = make_vcpu(kernel, "scalar")
    kernel.alloc.kfree(kernel.harts[0], vcpu.guest_context.vector["datap"])
    with pytest.raises(AllocError, match="double free of vcpu0 guest datap"):
        kernel.vcpu_destroy(vcpu)


def test_order_of_load_and_put_is_checked() -> None:
    kernel = booted(harts=2)
    first, second = make_vcpu(kernel, "scalar"), make_vcpu(kernel, "scalar")
    with pytest.raises(KernelMisuseError):
        kernel.sched_out(first)
    kernel.sched_in(first, kernel.harts[0])
    for vcpu, hart in ((first, kernel.harts[1]), (second, kernel.harts[0])):
        with pytest.raises(KernelMisuseError):
            kernel.sched_in(vcpu, hart)
    with pytest.raises(KernelMisuseError):
        kernel.vcpu_destroy(first)
    with pytest.raises(KernelMisuseError):
        kernel.switch_to(kernel.harts[0], None)
    kernel.sched_in(second, kernel.harts[1])
    kernel.sched_out(first)
    kernel.sched_out(second)


@pytest.mark.parametrize("version", [V12, V6_5, LINUX_7_3, CLEAN], ids=lambda v: v.name)
def test_the_cpu_is_set_last_and_cleared_first(version: KernelVersion) -> None:
    """vcpu->cpu is -1 for all of put, and becomes the hart's only when load has moved everything."""
    kernel = booted(version)
    hart, vcpu = kernel.harts[0], make_vcpu(kernel, "canary")
    seen: dict[str, set[bool]] = {}

    def look(step: Step) -> bool:
        loaded = step.where == "run_loop" or (step.where, step.index) == ("vcpu_load", 2)
        seen.setdefault(step.where, set()).add((step.vcpu.hart is hart) == loaded)
        return False

    kernel.inject_at(look)
    run_rounds(vcpu, hart, 2)
    assert all(right == {True} for right in seen.values())
    assert seen.keys() >= {"vcpu_load", "vcpu_put", "run_loop", "guest_vector_save"}


def test_probe_sees_every_point_in_order() -> None:
    kernel, seen = booted(), []

    def probe(point: str, who: Vcpu | HostTask, hart: Hart) -> None:
        seen.append((point, who.name))
        if point == "guest.enter":
            assert hart.pc == kernel.program.symbols["switch_sret"]
            assert (hart.prv, hart.virt) == (1, False)

    kernel.probe = probe
    vcpu = make_vcpu(kernel, "scalar")
    kernel.request_reset(vcpu)
    run_to_user(vcpu, kernel.harts[0])
    kernel.vcpu_destroy(vcpu)
    load = ["vcpu_load.enter", "vcpu_load.exit"]
    put = ["vcpu_put.enter", "vcpu_put.exit"]
    entries = [point for point, _ in seen].count("guest.enter")
    assert entries >= 2
    assert seen == [
        (point, "vcpu0")
        for point in [
            *("vcpu_reset.exit", *load, *put, *load, "vcpu_reset.exit"),
            *["guest.enter", "guest.exit"] * entries,
            *(*put, "vcpu_destroy.exit"),
        ]
    ]


def test_marks_balance_even_when_calls_fail() -> None:
    log = Log()
    kernel = booted(V6_5, observer=log)
    vcpu = make_vcpu(kernel, "scalar")
    with pytest.raises(KvmError):
        kernel.get_reg(vcpu, 0x8030_0000_0900_0004)
    kernel.alloc.fail_nth(2)
    with pytest.raises(KvmError):
        kernel.vcpu_create(vcpu.vm, owner=1)
    list(log.mnemonics())  # asserts the balance


def test_a_choice_is_tried_alone() -> None:
    kernel = booted(replace(V6_5, name="probe", put_clears_hgatp=True))
    run_to_user(make_vcpu(kernel, "scalar"), kernel.harts[0])
    assert [w.where for w in kernel.hgatp_writes] == ["vcpu_load", "vcpu_put"]
