# SPDX-License-Identifier: Apache-2.0
"""One cocotb build or test in a process of its own: `python -m vctx.tb.simulators.cocotb_job JOB.json`.

cocotb's runner waits for its simulator in a way that cannot be interrupted cleanly. Started in a new session, this
process and everything below it form one process group, which `tb.simulators.simulator` can end as a whole.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from cocotb_tools.runner import Icarus, Runner, Verilator, get_runner


class SelectiveVerilator(Verilator):
    """Verilator with only those signals public that a control file among the sources names."""

    def _build_command(self) -> list[list[str]]:
        verilate, make = super()._build_command()
        verilate.remove("--public-flat-rw")
        return [verilate, make]


class PlainIcarus(Icarus):
    """Icarus with waves as VCD."""

    def _test_command(self) -> list[list[str]]:
        return [["-vcd" if word == "-fst" else word for word in command] for command in super()._test_command()]


def runner_for(sim: str, plain_waves: bool = False) -> Runner:
    """Return cocotb's runner of a simulator."""
    if sim == "icarus" and plain_waves:
        return PlainIcarus()
    return SelectiveVerilator() if sim == "verilator" else get_runner(sim)


def main(path: Path) -> None:
    """Run the job: {"sim": name, "build" | "test": keyword arguments of the runner's method}; with
    "plain_waves" true, waves are VCD.
    """
    job = json.loads(path.read_text())
    runner = runner_for(job["sim"], job.get("plain_waves", False))
    if "build" in job:
        runner.build(**job["build"])
    else:
        runner.test(**job["test"])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
