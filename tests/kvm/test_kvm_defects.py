# SPDX-License-Identifier: Apache-2.0
"""Every S-number is one choice over the clean kernel, and which version has which."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest
from kvm_driving import booted, owners

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
    KvmError,
)
from vctx.pymodel.kvm.abi import FROZEN
from vctx.pymodel.kvm.alloc import AllocError
from vctx.pymodel.kvm.defects import DEFECTS, defects_of
from vctx.pymodel.kvm.errors import KernelOops
from vctx.pymodel.kvm.register_ids import vector_ids
from vctx.pymodel.kvm.vcpu import vcpu_load
from vctx.pymodel.scenarios.defects import explanations


def numbers(text: str) -> list[str]:
    """S-numbers from a text like "5 6 9"."""
    return [f"S{number}" for number in text.split()]


# Linux with S25: sections have been preemptible, and so can be lost, since 6.8.
LINUX = {(6, 0): V12, (6, 5): V6_5, (6, 12): LINUX_6_12, (7, 2): LINUX_7_2, (7, 3): LINUX_7_3}
BEGAN = {"S25": (6, 8)}


@pytest.mark.parametrize("name", DEFECTS)
def test_the_version_that_cured_it_has_it_no_longer(name: str) -> None:
    """And every version before has it: what the reports say upstream did is what the versions are."""
    defect = DEFECTS[name]
    assert bool(defect.cured_in) == bool(defect.cure)
    cured = tuple(map(int, defect.cured_in.split("."))) if defect.cured_in else (99,)
    for number, version in LINUX.items():
        assert defect.present(version) == (BEGAN.get(name, (0,)) <= number < cured), version.name


def test_each_has_its_place_in_the_patch() -> None:
    """By file; S12, S22 and S25 are in what the patch leaves as it was."""
    for defect in DEFECTS.values():
        assert defect.source.startswith(("vcpu.c", "vcpu_vector.c", "vcpu_switch.S", "include/uapi/asm/kvm.h")), defect
    assert DEFECTS["S7"].cured.startswith("cured in Linux 6.5: ")
    assert DEFECTS["S12"].cured == "no cure upstream"


def test_all_of_them_in_order() -> None:
    assert list(DEFECTS) == [f"S{number}" for number in range(1, 26)]
    assert [defect.name for defect in DEFECTS.values()] == list(DEFECTS)
    assert len({defect.choice for defect in DEFECTS.values()}) == len(DEFECTS)


@pytest.mark.parametrize("name", DEFECTS)
def test_one_choice_alone(name: str) -> None:
    defect = DEFECTS[name]
    broken = defect.apply(CLEAN)
    assert broken.name == f"clean+{name}"
    changed = [f.name for f in fields(KernelVersion) if getattr(broken, f.name) != getattr(CLEAN, f.name)]
    assert changed == ["name", defect.choice]
    assert [found.name for found in defects_of(broken)] == [name]
    assert defect.text and defect.breaks


@pytest.mark.parametrize(
    ("version", "has"),
    [
        (CLEAN, ""),
        (DEFERRED_MAINTAINER, "11 12 14 15 16 19 23 24 25"),
        (LINUX_7_3, "11 12 14 15 16 19 23 24 25"),
        (LINUX_7_2, "11 12 13 14 15 16 19 23 24 25"),
        (LINUX_6_12, "5 6 9 11 12 13 14 15 16 19 23 24 25"),
        (V6_5, "5 6 9 11 12 13 14 15 16 18 19 20 23 24"),
        (V12, " ".join(map(str, range(1, 25)))),
    ],
    ids=lambda value: value.name if isinstance(value, KernelVersion) else "",
)
def test_versions_and_their_defects(version: KernelVersion, has: str) -> None:
    assert [defect.name for defect in defects_of(version)] == numbers(has)


def test_explanations_are_those_of_the_version() -> None:
    assert [d.name for d in explanations(V12, {"hgatp-kept"})] == ["S7"]
    assert explanations(V6_5, {"hgatp-kept"}) == []


# Frozen ids (S1, S8, S17, S18; items 46 and 59)


@pytest.mark.parametrize(
    ("version", "abi"),
    [
        *((V12, "seed"), (V6_5, "6.5"), (LINUX_6_12, "newest"), (LINUX_7_2, "newest"), (LINUX_7_3, "newest")),
        (CLEAN, "newest"),
    ],
)
def test_ids_are_the_frozen_ones(version: KernelVersion, abi: str) -> None:
    assert version.abi == abi
    kernel = Kernel(version, vlen=128)
    assert vector_ids(version, kernel.layout, 16) == FROZEN[abi]
    assert [name for name, frozen in FROZEN.items() if frozen == vector_ids(version, kernel.layout, 16)] == [abi]


@pytest.mark.parametrize("name", ["S1", "S8", "S17", "S18"])
def test_a_defect_of_the_numbers_moves_ids(name: str) -> None:
    version = DEFECTS[name].apply(CLEAN)
    kernel = Kernel(version, vlen=128)
    assert vector_ids(version, kernel.layout, 16) != FROZEN["newest"]


def test_no_two_classes_share_a_type() -> None:
    others = {1, 2, 3, 4, 5, 6, 7, 8, 10}
    for version in (V6_5, LINUX_6_12, LINUX_7_2, LINUX_7_3, CLEAN):
        assert version.vector_reg_type not in others
    assert V12.vector_reg_type in others


# Memory (S5, S6, S9, S10)


@pytest.mark.parametrize("nth", [1, 2, 3])
@pytest.mark.parametrize(
    ("version", "leaks"),
    [
        (CLEAN, False),
        (LINUX_7_3, False),
        (LINUX_7_2, False),
        (DEFECTS["S5"].apply(CLEAN), True),
        (DEFECTS["S6"].apply(CLEAN), True),  # what is freed is the live context's pointer, the template has the other
        (LINUX_6_12, True),
    ],
    ids=lambda value: value.name if isinstance(value, KernelVersion) else "",
)
def test_failed_create(version: KernelVersion, leaks: bool, nth: int) -> None:
    kernel = booted(version)
    vm = kernel.vm_create("scalar")
    kernel.alloc.fail_nth(nth)
    with pytest.raises(KvmError):
        kernel.vcpu_create(vm, owner=1)
    assert owners(kernel) == (["vcpu0 guest datap"] if leaks and nth == 3 else [])


def test_s6_which_contexts_name_the_buffer() -> None:
    for version, naming in ((CLEAN, 1), (DEFECTS["S6"].apply(CLEAN), 2)):
        kernel = booted(version)
        vcpu = kernel.vcpu_create(kernel.vm_create("scalar"), owner=1)
        for _ in range(3):
            pointers = [context.vector["datap"] for context in (vcpu.guest_context, vcpu.reset_context)]
            assert sum(map(bool, pointers)) == naming
            kernel.request_reset(vcpu)
            vcpu.signal_pending = True
            list(vcpu.run(kernel.harts[0]))
        kernel.vcpu_destroy(vcpu)
        assert owners(kernel) == []


def test_use_after_free_is_noticed() -> None:
    kernel = booted(CLEAN)
    vcpu = kernel.vcpu_create(kernel.vm_create("scalar"), owner=1)
    kernel.alloc.kfree(kernel.harts[0], vcpu.guest_context.vector["datap"])
    with pytest.raises(AllocError, match="use of freed memory of vcpu0 guest datap"):
        list(vcpu.run(kernel.harts[0]))


def test_s10_null_pointer() -> None:
    for version, uses in ((CLEAN, 0), (DEFECTS["S10"].apply(CLEAN), 1)):
        kernel = booted(version, has_v=False)
        kernel.vcpu_create(kernel.vm_create("scalar"), owner=1)
        assert len(kernel.null_accesses) == uses


# S21, S24, the stack


def test_s21_kvm_as_a_module() -> None:
    Kernel(CLEAN, modular=True).boot()
    broken = DEFECTS["S21"].apply(CLEAN)
    booted(broken)
    kernel = Kernel(broken, modular=True)
    with pytest.raises(KvmError, match="ENOENT"):
        kernel.boot()
    assert kernel.warnings == ["kvm: Unknown symbol riscv_v_vsize"]
    Kernel(broken, modular=True, config_vector=False).boot()


def test_s24_dirty_state_of_a_guest_without_v() -> None:
    for version, warnings in ((CLEAN, 1), (DEFECTS["S24"].apply(CLEAN), 0)):
        kernel = booted(version)
        kernel.prctl_v_allowed = False
        vcpu = kernel.vcpu_create(kernel.vm_create("scalar"), owner=1)
        vcpu_load(vcpu, kernel.harts[0])
        vcpu.guest_context.set_vs(kernel.harts[0], 0x600)
        kernel.sched_out(vcpu)
        assert len(kernel.warnings) == warnings
        assert vcpu.guest_context.vs == 0


def test_vlenb_of_any_size_stays_off_the_stack() -> None:
    for version, overrun in ((CLEAN, False), (replace(CLEAN, vlenb_checks_size=False), True)):
        kernel = booted(version)
        vcpu = kernel.vcpu_create(kernel.vm_create("scalar"), owner=1)
        for code in range(9):
            register = 0x8000_0000_0900_0004 | code << 52
            if code == 3:
                kernel.set_reg(vcpu, register, 32)
            elif overrun and code > 3:
                with pytest.raises(KernelOops, match="on the stack"):
                    kernel.set_reg(vcpu, register, bytes(1 << code))
            else:
                with pytest.raises(KvmError):
                    kernel.set_reg(vcpu, register, bytes(1 << code))
