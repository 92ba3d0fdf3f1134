# SPDX-License-Identifier: Apache-2.0
"""`vctx campaign`: run a plan, and look at, stop, resume, merge what it left."""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from vctx.pymodel.errors import UsageError
from vctx.tb.campaign import batch, pools
from vctx.tb.campaign import campaign as engine
from vctx.tb.campaign.plan import Plan, hours, read_plan, shard_of, share
from vctx.tb.campaign.store import FILE, Store
from vctx.tb.ending import console
from vctx.tb.options import Out, number, positive
from vctx.tb.process.folders import claimed
from vctx.tb.reports.campaign import Live, print_report, print_status, write_junit


class _PlanOrCommand(TyperGroup):
    """Takes `vctx campaign PLAN.toml` for `vctx campaign run PLAN.toml`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Insert the command that is left out."""
        if args and args[0] not in self.commands and args[0] != "--help":
            args = ["run", *args]
        return super().parse_args(ctx, args)


campaigns = typer.Typer(
    cls=_PlanOrCommand,
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Run many cells of jobs, here or on a cluster: vctx campaign PLAN.toml. docs/campaigns.md has more.",
)


def _real(option: str, check: Callable[[str, float], float]) -> Callable[[str], float]:
    def parse(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = -1.0
        return check(option, value)

    return parse


Jobs = Annotated[
    int, typer.Option(parser=positive("--jobs"), metavar="N", help="Worker processes, here or in a queue.")
]
Scheduler = Annotated[
    str | None, typer.Option(metavar="tcp://HOST:PORT", help="Use the workers of this Dask scheduler.")
]
Slurm = Annotated[bool, typer.Option("--slurm", help="Start --jobs workers through SLURM.")]
Lsf = Annotated[bool, typer.Option("--lsf", help="Start them through LSF.")]
Pbs = Annotated[bool, typer.Option("--pbs", help="Start them through PBS.")]
Queue = Annotated[
    list[str] | None,
    typer.Option("--queue", metavar="OPTION", help="An option for the batch system, as --partition=NAME; repeatable."),
]
Host = Annotated[
    str | None, typer.Option(metavar="NAME", help="How nodes reach this machine. Default: the name that it has.")
]
Junit = Annotated[Path | None, typer.Option(metavar="FILE", help="Also write the cells as JUnit.")]
Name = Annotated[str, typer.Argument(help="Name of the campaign: its plan's, or what the plan says.")]


@campaigns.command("run")
def run(
    plan: Annotated[Path, typer.Argument(help="The plan: a TOML file.")],
    seeds: Annotated[
        int | None, typer.Option(parser=positive("--seeds"), metavar="N", help="Seeds of everything that takes any.")
    ] = None,
    first_seed: Annotated[
        int | None, typer.Option(parser=number("SEED"), metavar="N", help="The first of them.")
    ] = None,
    for_hours: Annotated[
        float | None,
        typer.Option(
            "--hours", parser=_real("--hours", hours), metavar="H", help="Go on with further seeds for so long."
        ),
    ] = None,
    until_coverage: Annotated[
        float | None,
        typer.Option(
            parser=_real("--until-coverage", share),
            metavar="SHARE",
            help="Go on with further seeds until this share of the bins is reached, 1 for all.",
        ),
    ] = None,
    shard: Annotated[str, typer.Option(metavar="i/n", help="Only part i of n; see `vctx campaign merge`.")] = "1/1",
    jobs: Jobs = 1,
    scheduler: Scheduler = None,
    slurm: Slurm = False,
    lsf: Lsf = False,
    pbs: Pbs = False,
    queue: Queue = None,
    host: Host = None,
    junit: Junit = None,
    out: Out = None,
) -> None:
    """Run a plan. What an earlier run of it finished, with the same sources and tools, stays and is not run again."""
    chosen = read_plan(plan).with_seeds(seeds, first_seed)
    chosen = replace(chosen, shard=shard_of(shard))
    if for_hours is not None:
        chosen = replace(chosen, hours=for_hours)
    if until_coverage is not None:
        chosen = replace(chosen, until_coverage=until_coverage)
    _run(chosen, _where(jobs, scheduler, slurm, lsf, pbs, queue, host), junit)


@campaigns.command()
def resume(
    name: Name,
    jobs: Jobs = 1,
    scheduler: Scheduler = None,
    slurm: Slurm = False,
    lsf: Lsf = False,
    pbs: Pbs = False,
    queue: Queue = None,
    host: Host = None,
    junit: Junit = None,
    out: Out = None,
) -> None:
    """Go on with a campaign that was stopped or killed: run what is missing, and what was not judged."""
    with _open(name) as store:
        plan = engine.kept_plan(store)
    _run(plan, _where(jobs, scheduler, slurm, lsf, pbs, queue, host), junit)


@campaigns.command()
def status(name: Name, out: Out = None) -> None:
    """Say how far a campaign is. It may be running."""
    with _open(name) as store:
        print_status(console, name, store)


@campaigns.command()
def stop(name: Name, out: Out = None) -> None:
    """Ask a running campaign to stop once the cells that have begun are done."""
    engine.ask_to_stop(name)


@campaigns.command()
def report(
    name: Name,
    full: Annotated[bool, typer.Option("--full", help="Whole reports and logs.")] = False,
    junit: Junit = None,
    out: Out = None,
) -> None:
    """Merge what a campaign has found so far, and print it."""
    with _open(name) as store:
        _finish(store, name, junit, full=full)


@campaigns.command()
def merge(
    parts: Annotated[list[Path], typer.Argument(help="Folders of campaigns, or the store.sqlite of each.")],
    name: Annotated[str, typer.Option(help="Name of the merged campaign.")] = "merged",
    junit: Junit = None,
    out: Out = None,
) -> None:
    """Merge campaigns, as the shards of one, into one. Cells that several of them have count once."""
    folder = engine.folder_of(name)
    with claimed(folder):
        (folder / FILE).unlink(missing_ok=True)
        with Store(folder / FILE, write=True) as store:
            engine.merge(store, parts)
            _finish(store, name, junit)


def _open(name: str) -> Store:
    return Store(engine.folder_of(name) / FILE)


_Where = Callable[[Path], AbstractContextManager[pools.Pool]]  # given a folder for files of workers


def _where(
    jobs: int, scheduler: str | None, slurm: bool, lsf: bool, pbs: bool, queue: list[str] | None, host: str | None
) -> _Where:
    """Return what provides the workers that the options name."""
    chosen = [name for name, given in (("slurm", slurm), ("lsf", lsf), ("pbs", pbs)) if given]
    names = [*(f"--{name}" for name in chosen), *(["--scheduler"] if scheduler is not None else [])]
    if len(names) > 1:
        raise UsageError(f"{' and '.join(names)}: only one of them")
    if not chosen and (queue or host):
        raise UsageError(f"{'--queue' if queue else '--host'}: without --slurm, --lsf or --pbs there is no queue")
    if chosen:
        at = host or socket.gethostname()
        return lambda folder: batch.queued(chosen[0], jobs, folder, at, queue or ())
    if scheduler is not None:
        if jobs != 1:
            raise UsageError(f"--jobs {jobs}: how many workers there are is up to the scheduler of --scheduler")
        return lambda folder: pools.remote(scheduler)
    return lambda folder: pools.alone() if jobs == 1 else pools.local(jobs, folder)


def _run(plan: Plan, where: _Where, junit: Path | None) -> None:
    name = engine.name_with_shard(plan)
    folder = engine.folder_of(name)
    console.print(f"[bold]vctx campaign[/] {name}: {folder}", soft_wrap=True)
    with claimed(folder), Store(folder / FILE, write=True) as store:
        with where(folder / "workers") as pool:
            engine.run(plan, pool, store, Live(console))
        _finish(store, name, junit, remember=True)


def _finish(store: Store, name: str, junit: Path | None, *, full: bool = False, remember: bool = False) -> None:
    """Print the report, write the files that are asked for, and exit with the verdict."""
    made = engine.report(store, name)
    if remember:
        engine.close(store, made)
    if junit is not None:
        write_junit(junit, name, list(store.results()))
    print_report(console, made, full=full)
    raise typer.Exit(0 if made.ok else 1)
