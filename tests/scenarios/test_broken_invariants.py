# SPDX-License-Identifier: Apache-2.0
"""Each invariant, broken on purpose, is broken by its name and alone; that nothing breaks one is a failure, too."""

from __future__ import annotations

import faults_of_library  # noqa: F401  (enters its faults)
import faults_of_main_job  # noqa: F401
import pytest
from faults import FAULTS, Fault

from vctx.pymodel.scenarios.invariants import ALL_INVARIANTS


@pytest.mark.parametrize("name", ALL_INVARIANTS)
def test_an_invariant_has_a_fault(name: str) -> None:
    assert [fault.name for fault in FAULTS if fault.invariant == name]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.invariant}: {fault.name}")
def test_a_fault_breaks_its_invariant_alone(fault: Fault, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = fault.run(lambda: None)
    assert whole.violations == []
    assert whole.checks[fault.invariant]
    broken = fault.run(lambda: fault.spoil(monkeypatch))
    assert set(broken.broken) == {fault.invariant}, broken.violations
