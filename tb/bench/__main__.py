# SPDX-License-Identifier: Apache-2.0
"""The benchmark's command line: `python -m vctx.tb.bench`, which `make bench` runs; `--help` has the options."""

from __future__ import annotations

import os
import platform
import time
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from vctx.pymodel.errors import UsageError
from vctx.pymodel.places import out_root
from vctx.tb.bench.builds import builds as measure_builds
from vctx.tb.bench.long import LENGTHS, MAX_MEMORY, long_replays
from vctx.tb.bench.report import print_builds, print_long, print_paces, print_speeds
from vctx.tb.bench.speed import FULL, QUICK, speeds
from vctx.tb.bench.workload import main_job
from vctx.tb.ending import console, execute
from vctx.tb.jobs.pace import paces, plot
from vctx.tb.process.files import write_json
from vctx.tb.process.folders import claimed
from vctx.tb.runs.repeat import shown
from vctx.tb.simulators.find import SIMULATORS, simulator


def machine() -> dict[str, object]:
    """Return what the figures depend on."""
    found = Path("/proc/cpuinfo")
    models = (
        [line for line in found.read_text().splitlines() if line.startswith("model name")] if found.exists() else []
    )
    return {
        "cores": os.cpu_count(),
        "processor": models[0].partition(":")[2].strip() if models else platform.processor(),
        "python": platform.python_version(),
        **{name: simulator(name).version for name in SIMULATORS},
    }


class _Reporter:
    """What is being done: in place on a terminal, a line each elsewhere."""

    def __init__(self) -> None:
        self._started = time.perf_counter()
        self._status = console.status("")

    def __enter__(self) -> _Reporter:
        self._status.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._status.stop()

    def __call__(self, text: str) -> None:
        if console.is_terminal:
            self._status.update(text)
        else:
            console.print(f"{self.seconds:5.0f} s  {text}")

    @property
    def seconds(self) -> float:
        """Time since the start."""
        return time.perf_counter() - self._started


def bench(out_dir: Path, *, quick: bool) -> None:
    """Measure speeds and cycles, print them, and write bench.json and pace.svg."""
    with _Reporter() as progress:
        found = speeds(out_dir, QUICK if quick else FULL, progress)
        progress("cycles of save and restore")
        cycles = paces(out_dir / "pace")
    print_speeds(console, found)
    print_paces(console, cycles)
    figure = out_dir / "pace.svg"
    figure.write_text(plot(cycles))
    facts = {"quick": quick, "speeds": found.as_json()}
    facts["paces"] = [asdict(pace) | {"limit": pace.limit} for pace in cycles]
    _finish(out_dir / "bench.json", facts, progress.seconds)
    console.print(f"plot:   {shown(figure)}")


def long(out_dir: Path) -> bool:
    """Replay long traces, print what that took, write long.json, and tell whether memory kept within its limit."""
    with _Reporter() as progress:
        found = long_replays(out_dir / "long", LENGTHS, progress)
    print_long(console, found)
    _finish(out_dir / "long.json", {"replays": [asdict(row) for row in found]}, progress.seconds)
    return all(row.memory <= MAX_MEMORY for row in found)


def builds(out_dir: Path) -> None:
    """Measure ways to build, print them, and write builds.json."""
    with _Reporter() as progress:
        progress("recording the main job")
        out_dir.mkdir(parents=True, exist_ok=True)
        job = main_job(out_dir, FULL.entries)
        found = measure_builds(out_dir / "builds", job, FULL.rounds, progress)
    print_builds(console, found)
    _finish(out_dir / "builds.json", {"builds": [asdict(built) for built in found]}, progress.seconds)


def _finish(path: Path, facts: dict[str, Any], seconds: float) -> None:
    write_json(path, {"machine": machine()} | facts)
    console.print()
    console.print(f"result: {shown(path)} ({seconds:.0f} s)")


def main(
    quick: Annotated[bool, typer.Option("--quick", help="Small workloads, one round: shows that it works.")] = False,
    long_: Annotated[bool, typer.Option("--long", help="Instead: replay up to ten million instructions.")] = False,
    builds_: Annotated[bool, typer.Option("--builds", help="Instead: ways to build the testbench.")] = False,
) -> None:
    """Measure speeds, as ratios side by side on this machine, and the cycles of save and restore."""
    out_dir = out_root() / "bench"
    if quick + long_ + builds_ > 1:
        raise UsageError("--quick, --long and --builds exclude each other")
    machine()  # before anything slow: are the simulators there?
    with claimed(out_dir):
        if long_:
            raise typer.Exit(0 if long(out_dir) else 1)
        if builds_:
            builds(out_dir)
        else:
            bench(out_dir, quick=quick)


if __name__ == "__main__":
    execute(lambda: typer.run(main))
