"""The benchmark's command line: `python -m tb.bench`, which is what `make bench` runs; `--help` has the options."""

from __future__ import annotations

import os
import platform
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from pymodel.errors import VctxError
from tb.bench.report import print_paces, print_speeds
from tb.bench.speed import FULL, QUICK, speeds
from tb.cosim import shown
from tb.pace import paces, plot
from tb.result import write_json
from tb.simulator import SIM_BUILD, SIMULATORS, simulator

_console = Console(highlight=False, width=None if sys.stdout.isatty() else 120)


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


def bench(out_dir: Path, *, quick: bool) -> None:
    """Measure speeds and cycles, print them, and write bench.json and pace.svg."""
    started = time.perf_counter()
    with _console.status("") as status:

        def progress(text: str) -> None:
            if _console.is_terminal:
                status.update(text)
            else:
                _console.print(f"{time.perf_counter() - started:5.0f} s  {text}")

        found = speeds(out_dir, QUICK if quick else FULL, progress)
        cycles = paces(out_dir / "pace", progress)
    print_speeds(_console, found)
    print_paces(_console, cycles)
    result, figure = out_dir / "bench.json", out_dir / "pace.svg"
    figure.write_text(plot(cycles))
    facts = {"machine": machine(), "quick": quick, "speeds": found.as_json()}
    write_json(result, facts | {"paces": [asdict(pace) | {"limit": pace.limit} for pace in cycles]})
    _console.print()
    _console.print(f"result: {shown(result)}   plot: {shown(figure)}   {time.perf_counter() - started:.0f} s")


def main(
    quick: Annotated[bool, typer.Option("--quick", help="Small workloads, one round: shows that it works.")] = False,
) -> None:
    """Measure speeds, as ratios side by side on this machine, and the cycles of save and restore."""
    try:
        bench(SIM_BUILD / "bench", quick=quick)
    except VctxError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(error.exit_code) from None


if __name__ == "__main__":
    typer.run(main)
