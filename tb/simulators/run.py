# SPDX-License-Identifier: Apache-2.0
"""Runs of cocotb test modules on finished builds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from cocotb_tools.check_results import get_results

from vctx.tb.simulators.design import Design
from vctx.tb.simulators.job import run_job
from vctx.tb.simulators.simulator import TIMESCALE, SimulationError, Simulator, log_tail


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
        env: further environment variables.
        plusargs: further arguments of the simulation.
        poll: called about ten times a second meanwhile.

    Raises:
        SimulationError: no test ran, or the simulator died.
    """
    out_dir.mkdir(parents=True, exist_ok=True)
    log, results = out_dir / "sim.log", out_dir / "results.xml"
    results.unlink(missing_ok=True)
    waves = out_dir / tool.wave_file() if design.waves else None
    test_args, own_plusargs = tool.run_arguments(seed, waves)
    keywords: dict[str, Any] = {
        "test_module": test_module,
        "hdl_toplevel_lang": "verilog",
        "hdl_toplevel": design.top,
        "build_dir": str(build),
        "test_dir": str(out_dir),
        "results_xml": str(results),
        "seed": seed,
        "test_args": test_args,
        "plusargs": [*own_plusargs, *plusargs],
        "timescale": TIMESCALE,
        "waves": design.waves,
    }
    environment = tool.environment() | {"COCOTB_LOG_LEVEL": "WARNING"} | dict(env or {})
    status = run_job({"sim": tool.name, "test": keywords}, out_dir, log, environment, poll)
    try:
        tests, failed = get_results(results)
    except (RuntimeError, OSError):
        raise SimulationError(
            f"{tool.name} ended with status {status} and no results; log: {log}\n{log_tail(log)}"
        ) from None
    if tests == 0:
        raise SimulationError(f"{tool.name} found no test in {test_module}; log: {log}")
    if failed == 0 and status != 0:
        raise SimulationError(f"{tool.name} ended with status {status}; log: {log}\n{log_tail(log)}")
    return failed == 0
