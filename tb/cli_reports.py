# SPDX-License-Identifier: Apache-2.0
"""The commands that show what there is: `vctx report`, `vctx demo` and `vctx trace info`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from vctx.tb.bars import Bars
from vctx.tb.ending import console
from vctx.tb.knobs import DEFAULT_SIM
from vctx.tb.options import Out, Sim

reports = typer.Typer()
traces = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Look at recorded traces.")


@reports.command()
def report(
    folders: Annotated[list[Path], typer.Argument(help="Folders of results, or folders above them, as sim_build.")],
    page: Annotated[Path, typer.Option(help="The page to write.")] = Path("report.html"),
    junit: Annotated[
        Path | None, typer.Option("--junit", metavar="FILE", help="Also write all of them as JUnit XML.")
    ] = None,
) -> None:
    """One page for many results: verdicts, what repeats each, and a link to its report."""
    from vctx.tb.reports.overview import overview

    ok = overview(console, folders, page, junit)
    raise typer.Exit(0 if ok else 1)


@reports.command()
def demo(sim: Sim = DEFAULT_SIM, out: Out = None) -> None:
    """Break a copy of the RTL on purpose, and show how the mismatch explains itself; exit code 0 if there is one."""
    from vctx.tb.jobs import demo as job
    from vctx.tb.reports.demo import result_of
    from vctx.tb.reports.publish import publish

    with Bars() as bars:
        found = job.demo(sim, bars)
    publish(console, result_of(found), found.folder)
    raise typer.Exit(0 if found.rtl.mismatch is not None else 1)


@traces.command()
def info(
    trace: Annotated[Path, typer.Argument(help="Trace file, as `vctx cosim` leaves it in sim_build/.")],
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Say what a trace holds: format and version, header, events by kind, harts, instructions, size."""
    from vctx.pymodel.trace.info import inspect
    from vctx.tb.reports.trace import print_info

    found = inspect(trace)
    if as_json:
        console.print(json.dumps(found.as_json(), indent=1), soft_wrap=True, markup=False)
    else:
        print_info(console, found)
