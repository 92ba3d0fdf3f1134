# SPDX-License-Identifier: Apache-2.0
"""The scenario library: what must hold of a hypervisor, items 1 to 77, as scenarios, in their groups A to H."""

from __future__ import annotations

from vctx.pymodel.scenarios.lab import Group, Scenario
from vctx.pymodel.scenarios.library import (
    allocation,
    cross,
    isa_permission,
    kernel_mode,
    lifecycle,
    routines,
    user_registers,
    vector_unit,
)

GROUPS: tuple[Group, ...] = (
    vector_unit.GROUP,
    routines.GROUP,
    lifecycle.GROUP,
    isa_permission.GROUP,
    user_registers.GROUP,
    allocation.GROUP,
    kernel_mode.GROUP,
    cross.GROUP,
)

SCENARIOS: dict[str, Scenario] = {scenario.name: scenario for group in GROUPS for scenario in group.scenarios}
"""Every scenario by name, in the order of the groups."""
