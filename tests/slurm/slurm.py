# SPDX-License-Identifier: Apache-2.0
"""`make test-slurm`: one plan on one process, on local workers, on a Dask cluster and on a real SLURM, disturbed there.

The hash must be the same everywhere. On SLURM processes of cells and workers are killed and stopped, the controller is
killed and started again. A campaign whose disk is full is resumed when it is not. Needs root and Debian's SLURM.
"""

from __future__ import annotations

import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from slurm_cluster import Slurm

from vctx.pymodel.places import CACHE_VARIABLE, OUT_VARIABLE, build_root

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "campaign"))
from planted_faults import PLANTED, good, planted

VCTX = [sys.executable, "-m", "vctx.tb"]
CELLS = 200
PLAN = good(35, 51) + planted(list(PLANTED))  # 35 + 3 * 51 + 12
SMALL = '[[cells]]\njob = "command"\nrun = "sleep 1"\nseeds = 60\n'


def campaign(out: Path, plan: Path, *words: str, env: dict[str, str] | None = None, code: int = 1) -> tuple[str, float]:
    """Run a campaign, and return the hash of its result and how many seconds it took."""
    mine = (os.environ if env is None else env) | {OUT_VARIABLE: str(out), CACHE_VARIABLE: str(build_root())}
    begun = time.monotonic()
    done = subprocess.run([*VCTX, "campaign", str(plan), *words], env=mine, capture_output=True, text=True, check=False)
    if done.returncode != code:
        raise SystemExit(f"{' '.join(words) or 'one process'}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
    found = json.loads((out / "campaign" / plan.stem / "result.json").read_text())
    if found["missing"] or found["not judged"]:
        raise SystemExit(f"{' '.join(words)}: missing or not judged:\n{done.stdout}")
    return found["hash"], time.monotonic() - begun


@contextmanager
def dask_cluster(folder: Path, workers: int) -> Iterator[str]:
    """Provide the address of a scheduler with workers, each a process of its own."""
    folder.mkdir(parents=True)
    file = folder / "scheduler.json"
    env = os.environ | {"DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "0"}
    common = [sys.executable, "-m"]
    log = (folder / "log").open("ab")
    scheduler = [*common, "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard"]
    processes = [subprocess.Popen([*scheduler, "--scheduler-file", str(file)], env=env, stdout=log, stderr=log)]
    worker = [*common, "distributed.cli.dask_worker", "--scheduler-file", str(file), "--nthreads", "1"]
    worker += ["--nworkers", "1", "--no-dashboard", "--memory-limit", "0", "--local-directory", str(folder)]
    processes += [subprocess.Popen(worker, env=env, stdout=log, stderr=log) for _ in range(workers)]
    try:
        while not file.exists():
            time.sleep(0.1)
        yield json.loads(file.read_text())["address"]
    finally:
        for process in reversed(processes):
            process.terminate()
        for process in processes:
            process.wait()
        log.close()


def full_disk(out: Path, plan: Path) -> tuple[str, float]:
    """Run a campaign in a folder that becomes full, and resume it once there is room; return as `campaign`."""
    out.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(out)], check=True)
    env = os.environ | {OUT_VARIABLE: str(out), CACHE_VARIABLE: str(build_root())}
    try:
        done = subprocess.run([*VCTX, "campaign", str(plan)], env=env, capture_output=True, text=True, check=False)
        if done.returncode == 0 or not re.search("full|No space", done.stdout + done.stderr):
            raise SystemExit(f"the disk did not become full:\n{done.stdout}{done.stderr}")
        print(f"  full: exit code {done.returncode}: {done.stderr.strip().splitlines()[-1:]}", flush=True)
        subprocess.run(["mount", "-o", "remount,size=256m", str(out)], check=True)
        status = subprocess.run(
            [*VCTX, "campaign", "status", plan.stem], env=env, capture_output=True, text=True, check=True
        )
        print(f"  kept: {status.stdout.strip()}", flush=True)
        return campaign(out, plan)
    finally:
        subprocess.run(["umount", str(out)], check=True)


def processes(pattern: str, below: Path) -> list[int]:
    """Return the processes of SLURM's workers whose command matches, by the folder that theirs are in."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            command = (entry / "cmdline").read_text().replace("\0", " ")
            variables = (entry / "environ").read_text()
        except OSError:
            continue
        if re.search(pattern, command) and "SLURM_JOB_ID=" in variables and f"SLURM_CONF={below}" in variables:
            found.append(int(entry.name))
    return found


def disturb(slurm: Slurm, below: Path, chance: random.Random, until: threading.Event, done: list[str]) -> None:
    """Kill and stop processes, and the controller, until the campaign has ended."""

    def signalled(pattern: str, number: signal.Signals) -> Callable[[], str | None]:
        def act() -> str | None:
            pids = processes(pattern, below)
            if not pids:
                return None
            try:
                os.kill(chance.choice(pids), number)
            except ProcessLookupError:
                return None
            return f"{number.name} {pattern}"

        return act

    def restart() -> str:
        slurm.kill_controller()
        time.sleep(2)
        slurm.start_controller()
        return "slurmctld killed and started again"

    actions = [
        signalled("campaign.child", signal.SIGKILL),
        signalled("spawn_main", signal.SIGKILL),
        signalled("campaign.child", signal.SIGSTOP),
        restart,
        signalled("spawn_main", signal.SIGSTOP),
        signalled("dask_worker", signal.SIGKILL),
    ]
    while actions and not until.wait(3):
        if processes("campaign.child", below) and (what := actions[0]()) is not None:
            done.append(what)
            actions.pop(0)


def main() -> None:
    """Run everything, and print figures."""
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else random.SystemRandom().getrandbits(32)
    print(f"seed {seed}", flush=True)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        plan = folder / "plan.toml"
        plan.write_text(PLAN)
        hashes = {}

        def tell(name: str, found: tuple[str, float]) -> None:
            hashes[name] = found[0]
            print(f"{name:<24}{found[0]}  {found[1]:6.1f} s", flush=True)

        tell("one process", campaign(folder / "alone", plan))
        tell("two local workers", campaign(folder / "local", plan, "--jobs", "2"))
        tell("on a full disk, resumed", full_disk(folder / "full", plan))
        with dask_cluster(folder / "dask", 2) as address:
            tell("Dask, two workers", campaign(folder / "cluster", plan, "--scheduler", address))
        with Slurm(folder / "slurm") as slurm:
            queue = ("--slurm", "--jobs", "2", "--host", "127.0.0.1")
            tell("SLURM, two workers", campaign(folder / "queued", plan, *queue, env=slurm.env))
            small = folder / "small.toml"
            small.write_text(f"timeout = 20\n{SMALL}")
            calm = campaign(folder / "calm", small, code=0)[0]
            ended, done = threading.Event(), list[str]()
            arguments = (slurm, folder / "slurm", random.Random(seed), ended, done)
            disturber = threading.Thread(target=disturb, args=arguments)
            disturber.start()
            try:
                disturbed, seconds = campaign(folder / "disturbed", small, *queue, env=slurm.env, code=0)
            finally:
                ended.set()
                disturber.join()
            print(f"{'SLURM, disturbed':<24}{disturbed}  {seconds:6.1f} s; undisturbed {calm}: {', '.join(done)}")
        if len(set(hashes.values())) != 1 or disturbed != calm or len(done) < 6:
            raise SystemExit("failed")
        print(f"agreed: {CELLS} cells on four kinds of workers, and resumed on a full disk")


if __name__ == "__main__":
    main()
