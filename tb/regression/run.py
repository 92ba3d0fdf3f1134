# SPDX-License-Identifier: Apache-2.0
"""A regression from its knobs to its outcomes."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from vctx.pymodel.places import RTL
from vctx.tb.agents.names import COMMAND, RECORDS
from vctx.tb.knobs import Knobs
from vctx.tb.process.folders import claimed
from vctx.tb.regression.cases import Case
from vctx.tb.regression.engine import STUCK, Outcome, Suite
from vctx.tb.simulators.build import build
from vctx.tb.simulators.design import block_design
from vctx.tb.simulators.find import simulator


def regression(
    cases: Sequence[Case],
    knobs: Knobs,
    *,
    out_dir: Path,
    command: str,
    waves: bool = False,
    jobs: int = 1,
    rtl: Path = RTL,
    build_root: Path | None = None,
    stuck: float = STUCK,
    progress: Callable[[Outcome], None] = lambda outcome: None,
) -> list[Outcome]:
    """Build the block, or find it built, and run cocotb tests on it.

    Args:
        cases: the tests.
        knobs: simulator, VLEN, DLEN and seed.
        out_dir: folder of the run; `records` in it gets what each test has seen retire, as a trace.
        command: what repeats one test, without its name.
        waves: dump all signals.
        jobs: simulator processes at the same time.
        rtl: directory of the block.
        build_root: where builds are kept; default as for `build`.
        stuck, progress: see `Suite`.

    Raises:
        ToolError, SimulationError: no such simulator here, or it fails.
    """
    tool = simulator(knobs.sim)
    design = block_design(knobs.vlen, knobs.dlen, waves=waves, rtl=rtl)
    build(tool, design, build_root)  # before anything waits for it
    env = {RECORDS: str(out_dir / "records"), COMMAND: command}
    with claimed(out_dir):
        shutil.rmtree(out_dir / "records", ignore_errors=True)
        suite = Suite(
            tool, design, lambda tool: build(tool, design, build_root), out_dir, knobs.seed, env, stuck, jobs, progress
        )
        return suite.run(cases)


def repeat(command: str, case: Case) -> str:
    """Return the command line that repeats one test."""
    return f"{command} --test {shlex.quote(case.full)}"
