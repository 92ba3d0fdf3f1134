# SPDX-License-Identifier: Apache-2.0
"""Kills processes of a running campaign, at random, and has it resumed: nothing may be lost or counted twice.

`python tests/campaign/campaign_kills.py 20 [SEED]` kills 20 times and says what came of it.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from vctx.pymodel.places import CACHE_VARIABLE, OUT_VARIABLE, build_root
from vctx.tb.campaign.merge import merged
from vctx.tb.campaign.store import FILE, Store

VCTX = [sys.executable, "-m", "vctx.tb"]
PLAN = """
[[cells]]
job = "fuzz"
count = 50
vlen = [128, 256]
seeds = {seeds}

[[cells]]
job = "audit"
kernel = "clean"
defect = ["S3", "S9"]
scenario = ["get-without-v", "stale-heap-stays-hidden"]
"""
NAME = "killed"


@dataclass
class Story:
    """What was killed, how often the campaign was begun again, and what it came to."""

    killed: Counter[str] = field(default_factory=Counter)
    resumed: int = 0
    digest: str = ""
    cells: int = 0
    statuses: dict[str, int] = field(default_factory=dict)


def _family(root: int) -> Iterator[tuple[int, str]]:
    """Yield processes below `root`, each with what it is: "worker" of Dask, or "cell", in which cells run."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except (OSError, IndexError):
                continue
            children.setdefault(parent, []).append(int(entry.name))
    below = list(children.get(root, ()))
    while below:
        pid = below.pop()
        below += children.get(pid, ())
        try:
            command = Path(f"/proc/{pid}/cmdline").read_text()
        except OSError:
            continue
        if "campaign.child" in command:
            yield pid, "cell"
        elif "spawn_main" in command:
            yield pid, "worker"


def story(folder: Path, kills: int, seeds: int, chance: random.Random) -> Story:
    """Run the plan in `folder`, with so many kills, resuming it until it is done."""
    plan = folder / f"{NAME}.toml"
    plan.write_text(PLAN.format(seeds=seeds))
    env = os.environ | {CACHE_VARIABLE: str(build_root()), OUT_VARIABLE: str(folder / "out")}
    told = Story()
    command = ["campaign", str(plan), "--jobs", "2"]
    store = folder / "out" / "campaign" / NAME / FILE
    while True:
        with subprocess.Popen([*VCTX, *command], env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as client:
            while client.poll() is None and told.killed.total() < kills:
                time.sleep(chance.uniform(0.2, 1.5))
                if not store.exists() or not any(what == "cell" for _, what in _family(client.pid)):
                    continue
                pid, what = chance.choice([*_family(client.pid), (client.pid, "client")])
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    continue
                told.killed[what] += 1
            output, _ = client.communicate()
            if client.returncode != -signal.SIGKILL:
                assert client.returncode == 1, output.decode()  # two cells of the plan fail
                break
        told.resumed += 1
        command = ["campaign", "resume", NAME, "--jobs", "2"]
    told.digest, told.cells, told.statuses = came_to(store)
    return told


def came_to(path: Path) -> tuple[str, int, dict[str, int]]:
    """Return the hash of what a store holds, its cells, and how many of each status."""
    with Store(path) as store:
        found = merged(store.results())
        assert len(found.keys) == len(set(found.keys))
        return found.digest(), len(found.keys) + len(store.missing()), store.counts()


def main() -> None:
    """Kill as often as the first argument says, and compare with a campaign that nobody disturbs."""
    kills = int(sys.argv[1])
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else random.SystemRandom().getrandbits(32)
    print(f"seed {seed}", flush=True)
    with tempfile.TemporaryDirectory() as scratch:
        folders = [Path(scratch, name) for name in ("calm", "killed")]
        for folder in folders:
            folder.mkdir()
        calm = story(folders[0], 0, 10 * kills, random.Random(seed))
        told = story(folders[1], kills, 10 * kills, random.Random(seed))
        print(f"killed: {dict(told.killed)}; begun again {told.resumed} times; {told.cells} cells: {told.statuses}")
        print(f"hash {told.digest}, undisturbed {calm.digest}")
        sys.exit(told.digest != calm.digest or told.killed.total() < kills)


if __name__ == "__main__":
    main()
