# SPDX-License-Identifier: Apache-2.0
"""Workers through a batch system: a scheduler here, and an array of jobs of which each starts `dask worker`.

dask-jobqueue does this, too; docs/campaigns.md says why it is not used.
"""

from __future__ import annotations

import contextlib
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from vctx.pymodel.errors import ToolError
from vctx.tb.campaign.pools import Cluster, Pool, library, quiet

_PATIENCE = 120  # seconds for which a worker looks for its scheduler before it ends
_LIVES = 10  # times that a job starts its worker, which may be killed


@dataclass(frozen=True)
class System:
    """A batch system.

    Attributes:
        submit, cancel: its commands; the script comes by standard input, the job's number goes to `cancel`.
        directive: how a line of the script begins that is an option.
        options: of an array of so many jobs that write to a log in a folder.
    """

    submit: tuple[str, ...]
    cancel: str
    directive: str
    options: Callable[[int, Path], list[str]]


SYSTEMS = {
    "slurm": System(
        ("sbatch", "--parsable"),
        "scancel",
        "#SBATCH",
        lambda n, logs: [
            "--job-name=vctx",
            f"--array=1-{n}",
            "--ntasks=1",
            "--cpus-per-task=1",
            f"--output={logs}/%A-%a.log",
            "--requeue",
        ],
    ),
    "lsf": System(
        ("bsub",), "bkill", "#BSUB", lambda n, logs: [f"-J vctx[1-{n}]", "-n 1", f"-o {logs}/%J-%I.log", "-r"]
    ),
    "pbs": System(
        ("qsub",),
        "qdel",
        "#PBS",
        lambda n, logs: ["-N vctx", *([f"-J 1-{n}"] if n > 1 else []), "-l select=1:ncpus=1", "-j oe", f"-o {logs}"],
    ),
}


def script(system: System, address: str, workers: int, folder: Path, more: Sequence[str]) -> str:
    """Return the batch script of an array of jobs.

    Args:
        address: of the scheduler. workers: how many jobs, of one worker each. folder: of their logs and files.
        more: options for the batch system, as its queue.
    """
    options = [*system.options(workers, folder), *more]
    command = [sys.executable, "-m", "distributed.cli.dask_worker", address, "--nthreads", "1", "--nworkers", "1"]
    command += ["--no-dashboard", "--memory-limit", "0", "--death-timeout", str(_PATIENCE)]
    command += ["--local-directory", str(folder)]
    lines = ["#!/bin/sh", *(f"{system.directive} {option}" for option in options)]
    lines += ["export OPENBLAS_NUM_THREADS=1", f"for life in $(seq {_LIVES}); do"]
    lines += [f"    {shlex.join(command)} && exit", "    sleep 1", "done"]
    return "\n".join(lines) + "\n"


@contextlib.contextmanager
def queued(name: str, workers: int, folder: Path, host: str, more: Sequence[str] = ()) -> Iterator[Pool]:
    """Provide a scheduler here, and workers as jobs of a batch system; they are cancelled at the end.

    Args:
        name: one of `SYSTEMS`. workers: how many. folder: for their logs, seen by all nodes.
        host: name or address by which nodes reach this machine. more: options for the batch system.

    Raises:
        ToolError: there is no such system here, or it refuses the jobs.
    """
    system = SYSTEMS[name]
    if shutil.which(system.submit[0]) is None:
        raise ToolError(f"--{name}: there is no {system.submit[0]} here")
    distributed = library()
    folder.mkdir(parents=True, exist_ok=True)
    with quiet(), distributed.LocalCluster(n_workers=0, host=host, dashboard_address=f"{host}:0") as cluster:
        number = _submit(name, script(system, cluster.scheduler_address, workers, folder.absolute(), more))
        try:
            with distributed.Client(cluster) as client:
                yield Cluster(client)
        finally:
            subprocess.run([system.cancel, number], capture_output=True, check=False)


def _submit(name: str, text: str) -> str:
    """Submit a script, and return the job's number."""
    system = SYSTEMS[name]
    done = subprocess.run(system.submit, input=text, capture_output=True, text=True, check=False)
    found = re.search(r"\d[\w.\[\]]*", done.stdout)
    if done.returncode or found is None:
        said = (done.stderr or done.stdout).strip().replace("\n", "; ")
        raise ToolError(f"--{name}: {system.submit[0]} refuses the workers: {said}")
    return found[0]
