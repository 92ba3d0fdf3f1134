# SPDX-License-Identifier: Apache-2.0
"""Under pytest, each cocotb test here is an item of its own, on each simulator.

cocotb's own plugin for pytest reports each test, but has an item for each simulator run only: a test of it cannot
be chosen by its node id, nothing is said of those that a dying simulator takes along, and a run is one unit of work to
xdist. So items are made here, and those of one module and simulator share one run of `vctx.tb.regression`, whichever
of them comes first, in whichever process of xdist.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from cocotb.regression import TestGenerator

from vctx.pymodel.places import out_root
from vctx.tb.knobs import SIMULATORS, Knobs
from vctx.tb.process.files import write_json
from vctx.tb.process.folders import locked
from vctx.tb.regression.cases import Case
from vctx.tb.regression.run import regression, repeat
from vctx.tb.runs.repeat import shown, vctx_command

SEED = int(os.environ.get("COCOTB_RANDOM_SEED", "1"))
HERE = Path(__file__).resolve().parent


class CocotbItem(pytest.Item):
    """One cocotb test on one simulator."""

    def __init__(self, *, case: Case, sim: str, line: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.case = case
        self.sim = sim
        self._line = line

    def runtest(self) -> None:
        """Fail if the test did, or if it has no outcome."""
        message = _outcomes(self)[self.case.full]
        if message is not None:
            pytest.fail(f"{message}\nrepeat with: {repeat(_command(self.sim), self.case)}", pytrace=False)

    def reportinfo(self) -> tuple[Path, int, str]:
        """See the base class."""
        return self.path, self._line, self.name


def _command(sim: str) -> str:
    return vctx_command("cocotb", shown(HERE), f"--sim {sim}", f"--seed {SEED}")


def _outcomes(item: CocotbItem) -> dict[str, str | None]:
    """Return what came of the selected tests of a module: None, or why a test failed."""
    name = f"{item.sim}-{item.case.module}"
    run = getattr(item.config, "workerinput", {}).get("testrunuid", str(os.getpid()))
    folder = out_root() / "cocotb" / "pytest" / name
    kept = folder.with_name(f"{name}.json")
    with locked(folder.with_name(f".{name}.lock")):
        if kept.exists():
            found = json.loads(kept.read_text())
            if found["run"] == run:
                return dict(found["outcomes"])
        wanted = [
            other.case
            for other in item.session.items
            if isinstance(other, CocotbItem) and (other.sim, other.case.module) == (item.sim, item.case.module)
        ]
        outcomes = regression(wanted, Knobs(item.sim, seed=SEED), out_dir=folder, command=_command(item.sim))
        messages = {outcome.case.full: None if outcome.passed else outcome.message for outcome in outcomes}
        write_json(kept, {"run": run, "outcomes": messages})
        return messages


def pytest_pycollect_makeitem(collector: pytest.Module, name: str, obj: object) -> list[pytest.Item] | None:
    """Make items of a cocotb test function."""
    if not isinstance(obj, TestGenerator):
        return None
    line = obj.func.__code__.co_firstlineno - 1
    return [
        CocotbItem.from_parent(
            collector, name=f"{test.name}[{sim}]", case=Case(test.module, test.name, HERE), sim=sim, line=line
        )
        for sim in SIMULATORS
        for test in obj.generate_tests()
    ]
