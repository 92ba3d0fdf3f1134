# SPDX-License-Identifier: Apache-2.0
"""Group H: properties of whole runs."""

from __future__ import annotations

from vctx.pymodel.scenarios.lab import Group, Lab
from vctx.pymodel.scenarios.shared_unit import SharedUnit, SharedUnitConfig, compare_with_eager

GROUP = Group("H", "whole runs")

_CONFIG = SharedUnitConfig(vlen=128, vcpus=4, tasks=2, pairs=30, entries=150)


@GROUP.scenario(73, 74, 75, 76, checks=["one-owner", "eager-equivalent", "lazy-saves-less"])
def random_run_against_eager(lab: Lab) -> None:
    """A random run of guests and tasks on two harts: each value has one owner, and an eager kernel looks the same."""
    lazy = SharedUnit(_CONFIG, lab.observer(_CONFIG.vlen, _CONFIG.harts), version=lab.version, ledger=lab.ledger)
    lazy.execute()
    eager = SharedUnit(_CONFIG.eagerly(), None, version=lab.version)
    eager.execute()
    compare_with_eager(lazy.result, eager.result)


@GROUP.scenario(77, checks=["module-link"])
def kvm_as_a_module(lab: Lab) -> None:
    """KVM built as a module finds the kernel's vector symbols."""
    with lab.survives("module-link", "insmod kvm.ko, which needs riscv_v_vsize", "S21"):
        lab.kernel(harts=1, modular=True)
