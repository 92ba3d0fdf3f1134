# SPDX-License-Identifier: Apache-2.0
"""What a fault of an invariant is, and the runs in which faults show."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from pytest import MonkeyPatch

from vctx.pymodel.kvm import CLEAN
from vctx.pymodel.kvm.defects import DEFECTS
from vctx.pymodel.kvm.version import KernelVersion
from vctx.pymodel.scenarios.invariants import Ledger
from vctx.pymodel.scenarios.lab import run_scenario
from vctx.pymodel.scenarios.library import SCENARIOS
from vctx.pymodel.scenarios.shared_unit import SharedUnitConfig, compare_with_eager, run_shared_unit

Spoil = Callable[[MonkeyPatch], None]
Run = Callable[[Callable[[], None]], Ledger]
"""Calls its argument, which spoils something, when it is time for that, and returns the checks."""


@dataclass(frozen=True)
class Fault:
    """A fault that must break `invariant` in `run`, and nothing else; without it nothing breaks."""

    invariant: str
    name: str
    run: Run
    spoil: Spoil


FAULTS: list[Fault] = []


def breaks(invariant: str, run: Run) -> Callable[[Spoil], Spoil]:
    """Enter a function that spoils something as a fault of `invariant`."""

    def enter(spoil: Spoil) -> Spoil:
        FAULTS.append(Fault(invariant, spoil.__name__, run, spoil))
        return spoil

    return enter


def scenario(name: str, version: KernelVersion = CLEAN) -> Run:
    """Run a scenario of the library on a kernel."""

    def run(spoil: Callable[[], None]) -> Ledger:
        spoil()
        return run_scenario(SCENARIOS[name], version).ledger

    return run


def job(**changes: Any) -> Run:
    """Run a short main job."""

    def run(spoil: Callable[[], None]) -> Ledger:
        spoil()
        return run_shared_unit(_config(**changes)).ledger

    return run


def against_eager(*, spoiled: str, **changes: Any) -> Run:
    """Run a short main job and its eager twin; one of them, "lazy" or "eager", is spoiled."""

    def run(spoil: Callable[[], None]) -> Ledger:
        config = _config(**changes)
        order = (config, config.eagerly()) if spoiled == "eager" else (config.eagerly(), config)
        first = run_shared_unit(order[0])
        spoil()
        second = run_shared_unit(order[1])
        lazy, eager = (first, second) if spoiled == "eager" else (second, first)
        compare_with_eager(lazy, eager)
        return lazy.ledger

    return run


def defect(invariant: str, name: str, where: str) -> None:
    """Enter a known defect of kernels, alone over the clean one, as a fault of `invariant`."""
    choice = DEFECTS[name]

    def spoil(patch: MonkeyPatch) -> None:
        # A version is frozen; this one is the test's own.
        patch.setitem(vars(version), choice.choice, choice.value)

    version = replace(CLEAN)
    FAULTS.append(Fault(invariant, name, scenario(where, version), spoil))


def _config(**changes: Any) -> SharedUnitConfig:
    return SharedUnitConfig(**{"pairs": 40, "entries": 200, "vlen": 128} | changes)
