# SPDX-License-Identifier: Apache-2.0
"""One build by cocotb's runner in a process of its own: `python -m vctx.tb.simulators.cocotb_build JOB.json`.

cocotb's runner waits for what it starts in a way that cannot be interrupted cleanly. Started in a new session, this
process and everything below it form one process group, which `tb.simulators.job` can end as a whole.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from cocotb_tools.runner import Runner, Verilator, get_runner


class SelectiveVerilator(Verilator):
    """Verilator with only those signals public that a control file among the sources names."""

    def _build_command(self) -> list[list[str]]:
        verilate, make = super()._build_command()
        verilate.remove("--public-flat-rw")
        return [verilate, make]


def runner_for(sim: str) -> Runner:
    """Return cocotb's runner of a simulator."""
    return SelectiveVerilator() if sim == "verilator" else get_runner(sim)


def main(path: Path) -> None:
    """Run the job: {"sim": name, "build": keyword arguments of the runner's method}."""
    job = json.loads(path.read_text())
    runner_for(job["sim"]).build(**job["build"])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
