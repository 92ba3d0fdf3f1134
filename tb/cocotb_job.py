"""One cocotb build or test in a process of its own: `python -m tb.cocotb_job JOB.json`.

cocotb's runner waits for its simulator in a way that cannot be interrupted cleanly. Started in a new session, this
process and everything below it form one process group, which `tb.simulator` can end as a whole.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from cocotb_tools.runner import get_runner


def main(path: Path) -> None:
    """Run the job: {"sim": name, "build" | "test": keyword arguments of the runner's method}."""
    job = json.loads(path.read_text())
    runner = get_runner(job["sim"])
    if "build" in job:
        runner.build(**job["build"])
    else:
        runner.test(**job["test"])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
