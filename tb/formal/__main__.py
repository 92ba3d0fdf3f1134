# SPDX-License-Identifier: Apache-2.0
"""Prove properties of the RTL: `python -m vctx.tb.formal`, which `make formal` runs; `--help` has the options.

A property is good if it holds in every state that can be reached, whatever the inputs are that its block allows, if its
mutant breaks it, and if its cover is reached. sim_build/formal/ receives the table as JSON, and a folder a question.
Exit codes: 0 all proven, 1 not, 2 bad usage, 3 a tool is missing or failed.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated

import typer
from rich.table import Table

from vctx.pymodel.errors import UsageError
from vctx.pymodel.places import out_root
from vctx.tb.ending import console, execute
from vctx.tb.formal.blocks import BLOCKS
from vctx.tb.formal.check import Verdict, check
from vctx.tb.formal.property import CORNERS, Block
from vctx.tb.formal.solve import Solver
from vctx.tb.process.files import write_json
from vctx.tb.process.folders import claimed
from vctx.tb.runs.repeat import shown


def chosen_blocks(word: str) -> dict[Block, frozenset[str]]:
    """Return the blocks and the names of their properties that a word means: a block, one of it, or nothing: all.

    Raises:
        UsageError: there is none; the message lists what there is.
    """
    block_name, _, name = word.partition(".")
    chosen = {
        block: frozenset(p.name for p in block.properties if name in ("", p.name))
        for block in BLOCKS
        if block_name in ("", block.name)
    }
    if not any(chosen.values()):
        names = [f"{b.name}.{p.name}" for b in BLOCKS if block_name == b.name for p in b.properties]
        known = ", ".join(names or [b.name for b in BLOCKS])
        raise UsageError(f"--property {word}: must be one of {known}")
    return chosen


def chosen_corner(word: str) -> dict[str, int]:
    """Return the VLEN and DLEN of a corner as `128/64`, or nothing for all.

    Raises:
        UsageError: it is none of them.
    """
    corners = {f"{vlen}/{dlen}": {"VLEN": vlen, "DLEN": dlen} for vlen, dlen in CORNERS}
    if word and word not in corners:
        raise UsageError(f"--corner {word}: must be one of {', '.join(corners)}")
    return corners.get(word, {})


def main(
    property_: Annotated[str, typer.Option("--property", metavar="BLOCK[.NAME]", help="Only this one.")] = "",
    corner: Annotated[str, typer.Option(metavar="VLEN/DLEN", help="Only this one.")] = "",
    jobs: Annotated[int, typer.Option(min=1, help="Proofs at the same time.")] = os.cpu_count() or 1,
) -> None:
    """Prove properties of the RTL, show that each finds a bug, and that what it speaks of happens."""
    blocks, only = chosen_blocks(property_), chosen_corner(corner)
    out = out_root() / "formal"
    verdicts: list[Verdict] = []
    with claimed(out):
        solver = Solver()
        with ThreadPoolExecutor(jobs) as pool, console.status("proving"):
            try:
                runs = [
                    check(solver, pool, out, block, parameters, names)
                    for block, names in blocks.items()
                    for parameters in block.corners()
                    if all(only.get(name, value) == value for name, value in parameters.items())
                ]
                for run in runs:
                    verdicts += run()
            except BaseException:
                solver.close()
                pool.shutdown(cancel_futures=True)
                raise
        write_json(out / "formal.json", [verdict.row() for verdict in verdicts])
    _print(verdicts)
    failed = [verdict for verdict in verdicts if not verdict.good]
    console.print(f"{len(verdicts) - len(failed)} of {len(verdicts)} proven, mutant killed and cover reached; ", end="")
    console.print(f"{shown(out)}/formal.json", soft_wrap=True, markup=False)
    raise typer.Exit(1 if failed else 0)


def _print(verdicts: list[Verdict]) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("block.property", "items", "corner", "verdict", "k", "s", "mutant", "cover"):
        table.add_column(column, justify="right" if column in ("k", "s") else "left", no_wrap=True)
    for verdict in verdicts:
        row = verdict.row()
        table.add_row(
            f"{row['block']}.{row['property']}",
            verdict.rule.items,
            str(row["corner"]),
            verdict.status if verdict.status == "proven" else f"[bold red]{verdict.status}[/]",
            str(verdict.k),
            f"{verdict.seconds:.1f}",
            f"killed at {verdict.killed}" if verdict.killed is not None else "[bold red]alive[/]",
            f"at {verdict.reached}" if verdict.reached is not None else "[bold red]not reached[/]",
        )
    console.print(table)


if __name__ == "__main__":
    execute(lambda: typer.run(main))
