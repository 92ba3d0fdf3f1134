# SPDX-License-Identifier: Apache-2.0
"""The commands for other people's cores: `vctx programs`, `vctx check-log` and `vctx profile`."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from vctx.pymodel.errors import UsageError
from vctx.tb.bars import Bars
from vctx.tb.ending import console
from vctx.tb.knobs import DEFAULT_DLEN, Knobs
from vctx.tb.options import Junit, Out, Seed, Vlen, number, positive
from vctx.tb.runs.repeat import shown, vctx_command

cores = typer.Typer(rich_markup_mode=None)


@cores.command("check-log")
def check_log(
    program: Annotated[Path, typer.Argument(help="The ELF program that the core ran.")],
    log: Annotated[Path, typer.Argument(help="The core's commit log: Spike's format, or RVFI or RVVI as text.")],
    profile: Annotated[
        str | None, typer.Option(help="What the core is like: a TOML file, or one of `vctx profile`. Default: spike.")
    ] = None,
    vlen: Annotated[
        int | None, typer.Option(parser=number("VLEN"), metavar="N", help="VLEN in bits. Default: the profile's.")
    ] = None,
    hart: Annotated[int, typer.Option(parser=positive("--hart", 0), metavar="N", help="Which hart of the log.")] = 0,
    form: Annotated[
        str | None, typer.Option("--format", help="spike, rvfi or rvvi. Default: what the log looks like.")
    ] = None,
    junit: Junit = None,
    out: Out = None,
) -> None:
    """Check the commit log of any core with the golden hart. Differences are grouped by the rule that they break."""
    from vctx.pymodel.corelog.readers import FORMATS
    from vctx.pymodel.profiles import profile_of
    from vctx.tb.jobs import check_log as job
    from vctx.tb.reports.check_log import result_of
    from vctx.tb.reports.publish import publish

    if form not in (None, *FORMATS):
        raise UsageError(f"--format {form}: must be one of {', '.join(FORMATS)}")
    chosen = profile_of(profile).with_vlen(vlen)
    with Bars() as bars:
        checked = job.check_log(program, log, chosen, hart=hart, form=form, progress=bars)
    given = [f"--{name} {shlex.quote(str(value))}" for name, value in (("profile", profile), ("vlen", vlen)) if value]
    given += [f"--format {form}"] if form else []
    command = vctx_command("check-log", program, log, *given, f"--hart {hart}")
    publish(console, result_of(checked, command), checked.path.parent, junit=junit)
    raise typer.Exit(0 if checked.report.ok else 1)


@cores.command()
def profile(
    name: Annotated[str | None, typer.Argument(help="A known core; without it, their names.")] = None,
) -> None:
    """Print the profile of a known core, to be copied and changed, or the names of all."""
    from vctx.pymodel.profiles import KNOWN, text_of

    for line in KNOWN if name is None else text_of(name).splitlines():
        console.out(line, highlight=False)


@cores.command()
def programs(
    names: Annotated[
        list[str] | None,
        typer.Argument(help="states, csr, vset, faults, irq, edges, bugs, kvm, fuzz. Default: all of them."),
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Folder for the programs; needed.")] = None,
    vlen: Vlen = 256,
    count: Annotated[
        int, typer.Option("--fuzz", parser=positive("--fuzz"), metavar="N", help="Number of fuzz programs.")
    ] = 20,
    seed: Seed = 1,
    pairs: Annotated[
        int, typer.Option(parser=positive("--pairs"), metavar="N", help="Of kvm: as of `vctx cosim`.")
    ] = 200,
    entries: Annotated[
        int, typer.Option(parser=positive("--entries"), metavar="N", help="Of kvm: as of `vctx cosim`.")
    ] = 2000,
    log: Annotated[bool, typer.Option(help="Write the expected commit logs.")] = True,
) -> None:
    """Export sweeps, the main job and fuzz programs as bare-metal ELF files. They check themselves, on any core."""
    from vctx.tb.jobs import programs as job
    from vctx.tb.reports.programs import print_programs

    if out is None:
        raise UsageError("--out DIR: name a folder for the programs")
    Knobs(vlen=vlen, dlen=min(DEFAULT_DLEN, vlen), seed=seed)
    config = job.ProgramsConfig(tuple(names or job.NAMES), vlen, seed, count, pairs, entries, log)
    options = [f"--out {shown(out)}", f"--vlen {vlen}", f"--seed {seed}", f"--fuzz {count}"]
    options += [f"--pairs {pairs}", f"--entries {entries}"]
    with Bars() as bars:
        manifest = job.export(config, out, vctx_command("programs", *config.names, *options, out=False), bars)
    print_programs(console, manifest)
