# SPDX-License-Identifier: Apache-2.0
"""Mutation score of the RTL: `python -m vctx.tb.mutants`, which `make mutants` runs; `--help` has the options.

Yosys makes the mutants, one build of Verilator holds all of them, and each is replayed until something notices it:
the main job first, then the sweeps. Those that nothing notices are compared with the block by proof: what is equivalent
counts as none. sim_build/mutants/ receives the outcome of each as JSON. Exit codes: 0 done, 2 bad usage, 3 a tool is
missing or failed.
"""

from __future__ import annotations

import os
import shutil
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from vctx.pymodel.places import out_root
from vctx.pymodel.scenarios.directed import SWEEPS
from vctx.tb.ending import console, execute
from vctx.tb.mutants.netlists import MODULES, Mutant, is_equivalent, make
from vctx.tb.mutants.rig import Layer, build, kills, layers
from vctx.tb.process.files import write_json
from vctx.tb.process.folders import claimed
from vctx.tb.runs.repeat import shown

VLEN, DLEN = 256, 128
LAYERS = ("job", *SWEEPS)
EQUIVALENT, ALIVE = "equivalent", "alive"


def fate(mutant: Mutant, program: Path, found: list[Layer], work: Path) -> str:
    """Return the first layer that notices a mutant, or `equivalent`, or `alive`."""
    for layer in found:
        if kills(program, layer, mutant.number):
            return layer.name
    return EQUIVALENT if is_equivalent(mutant, work) else ALIVE


def score(out: Path, names: tuple[str, ...], *, count: int, seed: int, jobs: int) -> list[tuple[Mutant, str]]:
    """Make `count` mutants of each module in the folder `out`, and return the fate of each."""
    for name in ("rtl", "yosys", "build", *LAYERS):
        shutil.rmtree(out / name, ignore_errors=True)
    mutants = make(out / "rtl", out / "yosys", vlen=VLEN, dlen=DLEN, count=count, seed=seed)
    program = build(out / "rtl", out / "build", vlen=VLEN, dlen=DLEN)
    found = layers(program, out, names, vlen=VLEN, seed=seed)
    with ThreadPoolExecutor(jobs) as pool:
        fates = pool.map(lambda mutant: fate(mutant, program, found, out / "yosys"), mutants)
        return list(zip(mutants, fates, strict=True))


def main(
    count: Annotated[int, typer.Option(min=1, max=5000, help="Mutants of each module.")] = 120,
    seed: Annotated[int, typer.Option(min=0, help="Of the choice of mutants, and of the main job.")] = 1,
    jobs: Annotated[int, typer.Option(min=1, help="Mutants at the same time.")] = os.cpu_count() or 1,
) -> None:
    """Say which mutants of the RTL the main job and the sweeps notice."""
    out = out_root() / "mutants"
    with claimed(out):
        with console.status("mutants"):
            fates = score(out, LAYERS, count=count, seed=seed, jobs=jobs)
        rows = [
            {"number": m.number, "module": m.module, "what": m.what, "where": m.where, "fate": found}
            for m, found in fates
        ]
        write_json(out / "mutants.json", rows)
    _print(fates)
    console.print(f"seed {seed}; {shown(out)}/mutants.json", soft_wrap=True, markup=False)


def _print(fates: list[tuple[Mutant, str]]) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    columns = ("module", "mutants", *LAYERS, EQUIVALENT, ALIVE, "score")
    for column in columns:
        table.add_column(column, justify="left" if column == "module" else "right")
    for module in (*MODULES, "all"):
        counts = Counter(found for mutant, found in fates if module in (mutant.module, "all"))
        total = sum(counts.values())
        real = total - counts[EQUIVALENT]
        percent = f"{100 * (real - counts[ALIVE]) / real:.1f} %" if real else "-"
        table.add_row(module, str(total), *(str(counts[name]) for name in (*LAYERS, EQUIVALENT, ALIVE)), percent)
    console.print(table)
    for mutant, found in fates:
        if found == ALIVE:
            console.print(f"alive: {mutant.number} {mutant.where} {mutant.what}", markup=False, soft_wrap=True)


if __name__ == "__main__":
    execute(lambda: typer.run(main))
