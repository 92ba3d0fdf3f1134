# SPDX-License-Identifier: Apache-2.0
"""Runs of cocotb test modules on finished builds: the one way in which a simulator with cocotb is started."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from xml.etree import ElementTree

import find_libpython
from cocotb_tools.check_results import get_results
from cocotb_tools.config import libs_dir

from vctx.pymodel.errors import ToolError
from vctx.tb.simulators.design import Design
from vctx.tb.simulators.job import run_group
from vctx.tb.simulators.simulator import SimulationError, Simulator, log_tail

RESULTS = "results.xml"  # of a run, in its directory
LOG = "sim.log"
# cocotb's own way to name it imports all of cocotb, which takes longer than some runs.
_PYGPI = libs_dir.parent / f"simulator{EXTENSION_SUFFIXES[0]}"


def run(
    tool: Simulator,
    design: Design,
    build: Path,
    test_module: str,
    out_dir: Path,
    *,
    seed: int,
    env: Mapping[str, str] | None = None,
    plusargs: Sequence[str] = (),
    poll: Callable[[], None] | None = None,
) -> bool:
    """Run a cocotb test module in `out_dir`, and return whether all of its tests passed.

    Args:
        seed: of cocotb's random numbers and of the initial values of registers.
        env: further environment variables; PYTHONPATH comes before what this process has.
        plusargs: further arguments of the simulation.
        poll: called about ten times a second meanwhile; what it raises ends the run.

    Raises:
        SimulationError: no test ran, or the simulator died. ToolError: no libpython.
    """
    log, results = out_dir / LOG, out_dir / RESULTS
    status = start(tool, design, build, [test_module], out_dir, seed=seed, env=env, plusargs=plusargs, poll=poll)
    try:
        tests, failed = get_results(results)
    except (RuntimeError, OSError, ElementTree.ParseError):
        raise SimulationError(
            f"{tool.name} ended with status {status} and no results; log: {log}\n{log_tail(log)}"
        ) from None
    if tests == 0:
        raise SimulationError(f"{tool.name} found no test in {test_module}; log: {log}")
    if failed == 0 and status != 0:
        raise SimulationError(f"{tool.name} ended with status {status}; log: {log}\n{log_tail(log)}")
    return failed == 0


def start(
    tool: Simulator,
    design: Design,
    build: Path,
    test_modules: Sequence[str],
    out_dir: Path,
    *,
    seed: int,
    env: Mapping[str, str] | None = None,
    plusargs: Sequence[str] = (),
    poll: Callable[[], None] | None = None,
) -> int:
    """Run cocotb test modules in `out_dir`, and return the status of the simulator, -N if signal N killed it.

    Arguments as for `run`. What the tests came to is in the `RESULTS` that cocotb leaves; nothing if it did not come so
    far. What the simulator said is in `LOG`.

    Raises:
        ToolError: no libpython.
    """
    out_dir.mkdir(parents=True, exist_ok=True)
    log, results = out_dir / LOG, out_dir / RESULTS
    for stale in (log, results):
        stale.unlink(missing_ok=True)
    command = [*tool.command(design, build, seed, out_dir / tool.wave_file() if design.waves else None), *plusargs]
    environment = (
        tool.environment() | _environment(tool, design, ",".join(test_modules), results, seed) | dict(env or {})
    )
    if env is not None and "PYTHONPATH" in env:
        environment["PYTHONPATH"] = os.pathsep.join([env["PYTHONPATH"], _python_path()])
    return run_group(command, out_dir, log, environment, poll)


def failure(out_dir: Path) -> str:
    """Return what the first test that failed in a run says of it, on one line; nothing if none did."""
    for test in ElementTree.parse(out_dir / RESULTS).iter("testcase"):
        for found in (*test.iter("failure"), *test.iter("error")):
            return f"{found.get('type')}: {' '.join((found.get('message') or '').split())}"
    return ""


def _environment(tool: Simulator, design: Design, test_modules: str, results: Path, seed: int) -> dict[str, str]:
    """Return what cocotb's libraries in the simulator want to know."""
    libpython = find_libpython.find_libpython()
    if libpython is None:
        raise ToolError("libpython is missing, which cocotb needs: a Python that is built with --enable-shared has it")
    # The last one lets threads of Python run whenever the simulator does not call Python: cocotb 2.1 leaves the lock of
    # the interpreter with the simulator, which has no use for it.
    users = (libpython, f"{_PYGPI},initialize", f"{libpython},PyEval_SaveThread")
    return {
        "COCOTB_TOPLEVEL": design.top,
        "COCOTB_TEST_MODULES": test_modules,
        "COCOTB_RESULTS_FILE": str(results),
        "COCOTB_RANDOM_SEED": str(seed),
        "COCOTB_LOG_LEVEL": "WARNING",
        "COCOTB_REWRITE_ASSERTION_FILES": "",  # which costs half a second and makes every assertion slow
        "COCOTB_TRUST_INERTIAL_WRITES": str(int(tool.inertial_writes)),
        "TOPLEVEL_LANG": "verilog",
        "GPI_USERS": ";".join(users),
        "GPI_LOG_LEVEL": "WARNING",
        "PYGPI_PYTHON_BIN": sys.executable,
        "PYTHONPATH": _python_path(),
        "OPENBLAS_NUM_THREADS": "1",  # numpy would start a thread for each core, which have nothing to do here
    }


def _python_path() -> str:
    return os.pathsep.join(path for path in sys.path if path)
