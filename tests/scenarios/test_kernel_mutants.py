# SPDX-License-Identifier: Apache-2.0
"""Bugs that other hypervisors and kernels had, put into ours: each is a finding, and none ends the audit."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from pytest import MonkeyPatch

from vctx.pymodel.isa import Hart
from vctx.pymodel.kvm import CLEAN, V6_5, Vcpu, kernel, run, vector
from vctx.pymodel.kvm import vcpu as life
from vctx.pymodel.kvm.layout import VS_CLEAN, VS_DIRTY
from vctx.pymodel.kvm.structs import CpuContext
from vctx.pymodel.kvm.version import KernelVersion, with_routines
from vctx.pymodel.places import SW
from vctx.pymodel.scenarios.lab import run_scenario
from vctx.pymodel.scenarios.library import SCENARIOS

SOURCE = (SW / "kvm/vector.S").read_text()
SAVES = re.search(r"\tvsetvli\tstep.*?vse8\.v\tv24, \(datap\)\n", SOURCE, re.DOTALL)
LOADS = re.search(r"\tvsetvli\tstep[^\n]*\n\tvle8.*?vle8\.v\tv24, \(datap\)\n", SOURCE, re.DOTALL)
CSRS = re.search(r"\tvsetvl\tzero, x_vl.*?\tcsrw\tvcsr, x_vcsr\n", SOURCE, re.DOTALL)
assert SAVES and LOADS and CSRS


def whole(mnemonic: str) -> str:
    """Four moves of eight whole registers."""
    moves = [f"\t{mnemonic}\tv{first}, (datap)\n" for first in (0, 8, 16, 24)]
    return "\tcsrr\tstep, vlenb\n\tslli\tstep, step, 3\n" + "\tadd\tdatap, datap, step\n".join(moves)


SET_VL = CSRS[0].splitlines(keepends=True)[0]
# What is replaced in sw/kvm/vector.S, by what, and the scenario that must notice.
ROUTINES = {
    "vxsat and vxrm are mixed up": (
        {"\tcsrw\tvcsr, x_vcsr\n": "\tsrli\tstep, x_vcsr, 1\n\tcsrw\tvxsat, step\n\tcsrw\tvxrm, x_vcsr\n"},
        "round-trip-of-any-state",
    ),
    "whole registers are stored under the guest's vstart": ({SAVES[0]: whole("vs8r.v")}, "moves-begin-at-element-0"),
    "vl and vtype are not restored": ({SET_VL: ""}, "round-trip-of-any-state"),
    "the address goes on by a byte": (
        {LOADS[0]: LOADS[0].replace("add\tdatap, datap, step", "addi\tdatap, datap, 1")},
        "round-trip-of-any-state",
    ),
    "vl is restored, and cleared again by the next vsetvli": (
        {CSRS[0]: CSRS[0] + "\tvsetvli\tstep, zero, e8, m8, ta, ma\n"},
        "round-trip-of-any-state",
    ),
}


@pytest.mark.parametrize("version", [CLEAN, V6_5], ids=lambda version: version.name)
@pytest.mark.parametrize("name", ROUTINES)
def test_a_bug_of_the_routines_is_found(tmp_path: Path, name: str, version: KernelVersion) -> None:
    edits, scenario = ROUTINES[name]
    text = SOURCE
    for old, new in edits.items():
        assert text.count(old) == 1
        text = text.replace(old, new)
    (tmp_path / "mutant.S").write_text(text)
    assert run_scenario(SCENARIOS[scenario], version).ok
    assert not run_scenario(SCENARIOS[scenario], with_routines(version, str(tmp_path / "mutant.S"))).ok


def buffer_in_the_wrong_unit(patch: MonkeyPatch) -> None:
    alloc = vector.alloc_vector_context

    def short(vcpu: Vcpu, hart: Hart) -> None:
        real = vcpu.kernel.vsize
        vcpu.kernel.vsize = real // 8
        try:
            alloc(vcpu, hart)
        finally:
            vcpu.kernel.vsize = real

    patch.setattr(vector, "alloc_vector_context", short)


def vs_is_ored_in(patch: MonkeyPatch) -> None:
    patch.setattr(CpuContext, "set_vs", lambda self, hart, vs: self.store(hart, sstatus=self["sstatus"] | vs))


def save_restores(patch: MonkeyPatch) -> None:
    move = vector._move

    def swapped(vcpu: Vcpu, hart: Hart, symbol: str, cntx: CpuContext, where: str | None) -> None:
        move(vcpu, hart, "vector_restore" if where == "guest_vector_save" else symbol, cntx, where)

    patch.setattr(vector, "_move", swapped)


def clean_needs_no_restore_where_it_was_last(patch: MonkeyPatch) -> None:
    restore = vector.guest_vector_restore

    def skipping(vcpu: Vcpu, hart: Hart) -> None:
        if not (vcpu.guest_context.vs == VS_CLEAN and vcpu.last_hart is hart):
            restore(vcpu, hart)

    patch.setattr(vector, "guest_vector_restore", skipping)


def vsstatus_is_not_swapped(patch: MonkeyPatch) -> None:
    patch.delitem(life._SWAPPED, "vsstatus")


def host_is_saved_only_if_its_task_is_dirty(patch: MonkeyPatch) -> None:
    save = vector.host_vector_save

    def by_task(vcpu: Vcpu, hart: Hart) -> None:
        task = vcpu.kernel.current.get(hart.hart_id)
        if task is None or task.vs == VS_DIRTY:
            save(vcpu, hart)
        else:
            vcpu.host_saved, vcpu.host_parked = False, True

    patch.setattr(vector, "host_vector_save", by_task)


def csrs_are_thought_to_be_there_still(patch: MonkeyPatch) -> None:
    load = life.vcpu_load

    def fast(vcpu: Vcpu, hart: Hart) -> None:
        with pytest.MonkeyPatch.context() as within:
            if vcpu.last_hart is hart:
                within.setattr(life, "_SWAPPED", {})
            load(vcpu, hart)

    for module in (life, run, kernel):
        patch.setattr(module, "vcpu_load", fast)


# The scenario that must notice, with the kernel that has the bug for itself.
KERNELS: dict[Callable[[MonkeyPatch], None], tuple[str, ...]] = {
    buffer_in_the_wrong_unit: ("one-write-one-save",),
    vs_is_ored_in: ("one-write-one-save",),
    save_restores: ("one-write-one-save",),
    clean_needs_no_restore_where_it_was_last: ("two-guests-on-one-hart",),
    vsstatus_is_not_swapped: ("guest-owns-its-vs",),
    host_is_saved_only_if_its_task_is_dirty: ("host-task-beside-guests",),
    csrs_are_thought_to_be_there_still: ("two-guests-on-one-hart",),
}


@pytest.mark.parametrize("version", [CLEAN, V6_5], ids=lambda version: version.name)
@pytest.mark.parametrize("bug", KERNELS, ids=lambda bug: bug.__name__)
def test_a_bug_of_the_kernel_is_found(
    monkeypatch: MonkeyPatch, bug: Callable[[MonkeyPatch], None], version: KernelVersion
) -> None:
    before = {name: set(run_scenario(SCENARIOS[name], version).ledger.broken) for name in KERNELS[bug]}
    bug(monkeypatch)
    for name, broken in before.items():
        assert set(run_scenario(SCENARIOS[name], version).ledger.broken) > broken, name


def test_a_buffer_in_the_wrong_unit_ends_no_scenario_but_by_a_finding(monkeypatch: MonkeyPatch) -> None:
    """Every scenario of the library: memory behind the buffer is the allocator's, and it says so."""
    buffer_in_the_wrong_unit(monkeypatch)
    outcomes = [run_scenario(scenario, CLEAN) for scenario in SCENARIOS.values()]
    assert sum(not outcome.ok for outcome in outcomes) > 20
