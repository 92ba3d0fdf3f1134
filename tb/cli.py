# SPDX-License-Identifier: Apache-2.0
"""The command line: `vctx cosim`, `vctx run`, `vctx audit` and the others; `vctx --help` lists them.

Exit codes: 0 all agreed; 1 a mismatch or a broken invariant; 2 bad usage or input; 3 a tool that is missing or failed;
130 interrupted; 141 whoever read the output left.
"""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Annotated

import typer

from vctx.pymodel.errors import UsageError
from vctx.pymodel.places import out_root, own_version
from vctx.pymodel.scenarios.jobs import DEFAULT_JOB
from vctx.tb.bars import Bars as _Bars
from vctx.tb.cli_campaign import campaigns
from vctx.tb.cli_cores import cores
from vctx.tb.cli_linux import real_linux
from vctx.tb.cli_reports import reports, traces
from vctx.tb.ending import console, execute
from vctx.tb.knobs import DEFAULT_DLEN, DEFAULT_SIM, Knobs
from vctx.tb.options import (
    DesignFiles,
    Dlen,
    Job,
    Junit,
    KeepGoing,
    Kernel,
    KernelDeb,
    LinuxVlen,
    MemoryLatency,
    Out,
    Perfetto,
    Routines,
    RtlSim,
    Seed,
    Sim,
    Steps,
    Top,
    Vlen,
    Waves,
    age,
    number,
    own_status,
    positive,
)
from vctx.tb.runs.defaults import LATENCY, replay_options
from vctx.tb.runs.repeat import vctx_command

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Co-simulate the RISC-V vector context under a hypervisor. Exit codes: 0 all agreed; 1 a mismatch or a broken "
    "invariant; 2 bad usage or input; 3 a tool that is missing or failed.",
)
app.add_typer(traces, name="trace")
for commands in (cores, real_linux, reports):
    app.add_typer(commands)
app.add_typer(campaigns, name="campaign")


def _refuse(ctx: typer.Context, why: str, *options: str) -> None:
    """Raise UsageError if one of `options` is given: it would have no effect."""
    for name in options:
        source = ctx.get_parameter_source(name)
        if source is not None and source.name == "COMMANDLINE":
            value = ctx.params[name]
            text = " ".join(map(str, value)) if isinstance(value, list) else value
            raise UsageError(f"--{name.replace('_', '-')} {text}: {why}")


def _version(wanted: bool) -> None:
    if wanted:
        console.print(f"vctx {own_version()}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    pass


@app.command()
def cosim(
    sim: Sim = DEFAULT_SIM,
    vlen: Vlen = 256,
    dlen: Dlen = None,
    seed: Seed = 1,
    vcpus: Annotated[int, typer.Option(parser=number("VCPUS"), metavar="N", help="Number of vCPUs.")] = 4,
    harts: Annotated[
        int, typer.Option(parser=number("HARTS"), metavar="N", help="Number of harts, each with a vector unit.")
    ] = 2,
    kernel: Kernel = "v6.5",
    job: Job = DEFAULT_JOB,
    pairs: Annotated[
        int | None,
        typer.Option(parser=positive("--pairs"), metavar="N", help="Least number of vcpu_load/vcpu_put pairs: 200."),
    ] = None,
    entries: Annotated[
        int | None,
        typer.Option(
            parser=positive("--entries"), metavar="N", help="Least number of guest entries: 3000, or 2000 if small."
        ),
    ] = None,
    live: Annotated[
        bool,
        typer.Option("--live", help="The golden hypervisor drives the RTL itself, with no trace in between; slow."),
    ] = False,
    routines: Routines = "",
    design: DesignFiles = None,
    top: Top = None,
    keep_going: KeepGoing = False,
    latency: MemoryLatency = None,
    waves: Waves = False,
    junit: Junit = None,
    perfetto: Perfetto = None,
    out: Out = None,
) -> None:
    """The main job: vCPUs and host tasks share vector units. Golden model and RTL must agree on every instruction."""
    from vctx.tb.jobs import cosim as run
    from vctx.tb.reports.cosim import result_of
    from vctx.tb.reports.publish import publish

    knobs = Knobs(sim, vlen, min(DEFAULT_DLEN, vlen) if dlen is None else dlen, seed, harts, vcpus, kernel)
    status = own_status(design, top)
    console.print(
        f"[bold]vctx cosim[/]: {harts} harts, {vcpus} vCPUs, {run.TASKS} host tasks; VLEN {vlen}, DLEN {knobs.dlen}; "
        f"kernel {kernel}; seed {seed}; {sim}",
        soft_wrap=True,
    )
    with _Bars() as bars:
        verdict = run.cosim(
            knobs,
            job=job,
            pairs=pairs,
            entries=entries,
            routines=routines,
            latency=latency or LATENCY,
            waves=waves,
            live=live,
            status=status,
            keep_going=keep_going,
            progress=bars,
        )
    publish(console, result_of(verdict), verdict.path.parent, junit=junit, perfetto=perfetto)
    raise typer.Exit(0 if verdict.ok else 1)


@app.command()
def replay(
    trace: Annotated[Path, typer.Argument(help="Trace file, as `vctx cosim` leaves it in sim_build/.")],
    sim: Sim = DEFAULT_SIM,
    dlen: Dlen = None,
    design: DesignFiles = None,
    top: Top = None,
    keep_going: KeepGoing = False,
    latency: MemoryLatency = None,
    waves: Waves = False,
    step: Annotated[bool, typer.Option("--step", help="One instruction at a time, from Python; slow.")] = False,
    junit: Junit = None,
    perfetto: Perfetto = None,
    out: Out = None,
) -> None:
    """Replay a recorded trace on the RTL. It stops at the first instruction that differs, unless told to go on."""
    from vctx.pymodel.trace import TraceReader
    from vctx.pymodel.trace.bulk import verify
    from vctx.pymodel.trace.header import Header
    from vctx.tb.process.folders import claimed, name_of
    from vctx.tb.replay import launch
    from vctx.tb.reports.publish import publish
    from vctx.tb.reports.replay import result_of
    from vctx.tb.runs.defaults import design_suffix, latency_suffix

    latency, status = latency or LATENCY, own_status(design, top)
    header = Header.of(trace)
    events = verify(TraceReader(trace))
    knobs = Knobs(sim, header.vlen, min(DEFAULT_DLEN, header.vlen) if dlen is None else dlen, harts=header.harts)
    name = f"{name_of(trace)}-{sim}-dlen{knobs.dlen}{latency_suffix(latency)}{design_suffix(status)}"
    out_dir = out_root() / "replay" / name
    command = vctx_command("replay", trace, *replay_options(sim, knobs.dlen, latency, status, keep_going), "--waves")
    with claimed(out_dir), _Bars() as bars:
        result = launch.replay(
            trace,
            sim=sim,
            dlen=knobs.dlen,
            out_dir=out_dir,
            latency=latency,
            waves=waves,
            step=step,
            closer=True,
            status=status,
            keep_going=keep_going,
            command=command,
            progress=lambda done: bars("replay", done, events),
        )
        bars("replay", result.events, events)
    publish(console, result_of(result, trace, out_dir, command), out_dir, junit=junit, perfetto=perfetto)
    raise typer.Exit(0 if result.ok else 1)


@app.command("cocotb")
def cocotb_tests(
    paths: Annotated[list[Path], typer.Argument(help="Modules of cocotb tests, or directories of test_*.py.")],
    sim: Sim = DEFAULT_SIM,
    vlen: Vlen = 256,
    dlen: Dlen = None,
    seed: Seed = 1,
    test: Annotated[str | None, typer.Option(help="A test's name, or a regular expression that it matches.")] = None,
    waves: Waves = False,
    jobs: Annotated[
        int, typer.Option(parser=positive("--jobs"), metavar="N", help="Simulator processes at the same time.")
    ] = 1,
    out: Out = None,
) -> None:
    """Run cocotb tests on the block, whose pins are theirs; docs/cocotb.md has the agents for them."""
    from vctx.pymodel.places import out_root
    from vctx.tb.regression.cases import discover, select
    from vctx.tb.regression.run import regression
    from vctx.tb.reports.regression import print_outcome, print_regression
    from vctx.tb.runs.repeat import vctx_command

    knobs = Knobs(sim, vlen, min(DEFAULT_DLEN, vlen) if dlen is None else dlen, seed)
    cases = select(discover(paths), test)
    width = f"--vlen {vlen} --dlen {knobs.dlen}"
    command = vctx_command("cocotb", *map(str, paths), f"--sim {sim}", width, f"--seed {seed}")
    console.print(f"[bold]vctx cocotb[/]: VLEN {vlen}, DLEN {knobs.dlen}; seed {seed}; {sim}", soft_wrap=True)
    outcomes = regression(
        cases,
        knobs,
        out_dir=out_root() / "cocotb" / f"{sim}-vlen{vlen}-dlen{knobs.dlen}",
        command=command,
        waves=waves,
        jobs=jobs,
        progress=lambda outcome: print_outcome(console, outcome),
    )
    print_regression(console, outcomes, command)
    raise typer.Exit(0 if all(outcome.passed for outcome in outcomes) else 1)


@app.command()
def sweep(
    name: Annotated[str, typer.Argument(help="states, csr, vset, faults, irq, edges, bugs, or all.")] = "states",
    sim: Sim = DEFAULT_SIM,
    vlen: Vlen = 128,
    dlen: Annotated[
        int, typer.Option(parser=number("DLEN"), metavar="N", help="Bus and datapath width, 64 to VLEN, at most 1024.")
    ] = 64,
    spike: Annotated[bool, typer.Option(help="Ask Spike, too.")] = True,
    design: DesignFiles = None,
    top: Top = None,
    keep_going: KeepGoing = False,
    out: Out = None,
) -> None:
    """Check all VS states, CSR accesses, vset* and faults. Golden model, RTL and Spike against the specification."""
    from vctx.pymodel.scenarios.directed import SWEEPS
    from vctx.tb.jobs import sweep as job
    from vctx.tb.reports.publish import publish
    from vctx.tb.reports.sweep import result_of

    if name not in (*SWEEPS, "all"):
        raise UsageError(f"sweep {name!r}: must be one of {', '.join(SWEEPS)}, all")
    Knobs(sim, vlen, dlen)
    status, ok = own_status(design, top), True
    for each in SWEEPS if name == "all" else (name,):
        result = job.sweep(each, sim=sim, vlen=vlen, dlen=dlen, spike=spike, status=status, keep_going=keep_going)
        publish(console, result_of(result), result.path.parent)
        ok = ok and result.ok
    raise typer.Exit(0 if ok else 1)


@app.command()
def fuzz(
    ctx: typer.Context,
    count: Annotated[
        int,
        typer.Option(parser=positive("--count"), metavar="N", help="Instructions to compare, over all VLENs together."),
    ] = 100_000,
    seed: Seed = 1,
    vlen: Annotated[
        list[int] | None,
        typer.Option(
            parser=number("VLEN"),
            metavar="N",
            help="Register width in bits; may be repeated. Default: 128 256 512 4096.",
        ),
    ] = None,
    oracle: Annotated[
        str | None, typer.Option(help="spike: compare the golden hart with Spike. The default without --rtl.")
    ] = None,
    rtl: Annotated[bool, typer.Option("--rtl", help="Compare the golden hart with the RTL.")] = False,
    sim: RtlSim = None,
    dlen: Annotated[
        int | None,
        typer.Option(
            parser=number("DLEN"),
            metavar="N",
            help="Bus and datapath width, 64 to VLEN, at most 1024, with --rtl. Default: 128.",
        ),
    ] = None,
    jobs: Annotated[
        int,
        typer.Option(
            parser=positive("--jobs"),
            metavar="N",
            help="Processes, or simulations, at a time; does not change the result.",
        ),
    ] = 1,
    profile: Annotated[
        str | None,
        typer.Option(help="Also what this core has and the block lacks (see `vctx profile`); against Spike only."),
    ] = None,
    replay: Annotated[Path | None, typer.Option(help="Run this one program, as a failure leaves it, instead.")] = None,
    junit: Junit = None,
    design: DesignFiles = None,
    top: Top = None,
    keep_going: KeepGoing = False,
    out: Out = None,
) -> None:
    """Compare golden hart, Spike and RTL on random programs. The first program on which they differ is shrunk."""
    from vctx.pymodel.profiles import profile_of
    from vctx.tb.jobs import fuzz as job
    from vctx.tb.reports.fuzz import result_of
    from vctx.tb.reports.publish import publish

    if oracle not in (None, "spike"):
        raise UsageError(f"--oracle {oracle}: must be spike")
    if not rtl:
        _refuse(ctx, "without --rtl there is no simulation", "sim", "dlen", "design", "top", "keep_going")
    spike = oracle is not None or not rtl
    if replay is not None:
        _refuse(ctx, "which program to run is up to --replay", "count", "seed", "vlen", "jobs", "profile", "junit")
    wide = profile is not None and profile_of(profile).hart.wide
    vlens, status = tuple(vlen or job.VLENS), own_status(design, top)
    config = job.FuzzConfig(count, seed, vlens, spike, rtl, sim or DEFAULT_SIM, dlen, jobs, wide, status, keep_going)
    if replay is not None:
        reports = job.replay_program(replay, config)
        for report in reports:
            console.print(report, soft_wrap=True, markup=False)
        console.print("[bold red]failed[/]" if reports else "[bold green]agreed[/]")
        raise typer.Exit(1 if reports else 0)
    with _Bars() as bars:
        result = job.fuzz(config, bars)
    publish(console, result_of(result), result.path.parent, junit=junit)
    raise typer.Exit(0 if result.ok else 1)


@app.command()
def run(
    program: Annotated[Path, typer.Argument(help="Bare-metal RV64 ELF program; it ends by HTIF (symbol tohost).")],
    vlen: Vlen = 256,
    dlen: Dlen = None,
    sim: Sim = DEFAULT_SIM,
    commit_log: Annotated[
        Path | None, typer.Option(help="Write a commit log in the format of `spike -l --log-commits`.")
    ] = None,
    max_instructions: Annotated[
        int,
        typer.Option(
            parser=positive("--max-instructions"),
            metavar="N",
            help="Give up after this many instructions and traps.",
        ),
    ] = 10_000_000,
    latency: MemoryLatency = None,
    waves: Waves = False,
    junit: Junit = None,
    perfetto: Perfetto = None,
    out: Out = None,
) -> None:
    """Run a program of your own on golden model and RTL. Its exit code becomes this command's."""
    from vctx.tb.jobs import run as job
    from vctx.tb.reports.publish import publish
    from vctx.tb.reports.run import result_of

    knobs = Knobs(sim, vlen, min(DEFAULT_DLEN, vlen) if dlen is None else dlen, harts=1)
    with _Bars() as bars:
        result = job.run(
            program,
            knobs,
            max_instructions=max_instructions,
            commit_log=commit_log,
            latency=latency or LATENCY,
            waves=waves,
            progress=bars,
        )
    command = vctx_command("run", program, f"--vlen {knobs.vlen}", *replay_options(sim, knobs.dlen, latency or LATENCY))
    publish(console, result_of(program, result, command), result.trace.parent, junit=junit, perfetto=perfetto)
    raise typer.Exit(result.exit_code)


@app.command()
def judge(
    trace: Annotated[Path, typer.Argument(help="Trace file, as `vctx cosim` leaves it in sim_build/.")],
    golden: Annotated[
        bool, typer.Option("--golden", help="On the golden hart, of what Spike recorded, instead.")
    ] = False,
    out: Out = None,
) -> None:
    """Execute a recorded trace on Spike. It stops at the first instruction that differs."""
    from vctx.pymodel.trace import TraceReader
    from vctx.pymodel.trace.bulk import verify
    from vctx.tb.runs.golden import judge as execute_golden
    from vctx.tb.spike.judge import judge as execute

    verify(TraceReader(trace))
    if golden:
        judged = execute_golden(trace, vctx_command("judge", "--golden", trace))
        if judged.mismatch is not None:
            console.print(judged.mismatch.text(), soft_wrap=True, markup=False)
        else:
            console.print(f"[bold green]agreed[/]: {judged.judged:,} instructions on the golden hart")
        raise typer.Exit(0 if judged.ok else 1)
    found = execute(trace, vctx_command("judge", trace))
    for reason, count in sorted(found.unjudged.items()):
        console.print(f"not judged: {count:,} ({reason})")
    if found.mismatch is not None:
        console.print(found.mismatch.text(), soft_wrap=True, markup=False)
    else:
        console.print(f"[bold green]agreed[/]: {found.judged:,} instructions, {found.checkpoints:,} checkpoints")
    raise typer.Exit(0 if found.ok else 1)


@app.command()
def audit(
    ctx: typer.Context,
    kernel: Kernel = "v6.5",
    defect: Annotated[str | None, typer.Option(help="Add a known defect, S1 to S25, to that version.")] = None,
    scenario: Annotated[
        list[str] | None, typer.Option(help="Run only this scenario; may be given several times.")
    ] = None,
    routines: Routines = "",
    rtl: Annotated[bool, typer.Option("--rtl", help="Also replay every instruction on the RTL.")] = False,
    sim: RtlSim = None,
    report: Annotated[bool, typer.Option("--report", help="Also write a page for each defect that was found.")] = False,
    junit: Junit = None,
    out: Out = None,
) -> None:
    """Find a kernel's defects with the scenario library. It shows which invariants they break, with evidence."""
    from vctx.tb.jobs.audit import run_audit
    from vctx.tb.reports.audit import pages_of, result_of
    from vctx.tb.reports.publish import publish

    if not rtl:
        _refuse(ctx, "without --rtl there is no simulation", "sim")
    with _Bars() as bars:
        verdict = run_audit(
            kernel,
            defect=defect,
            routines=routines,
            scenarios=scenario or (),
            rtl=rtl,
            sim=sim or DEFAULT_SIM,
            progress=bars,
        )
    result = result_of(verdict)
    publish(console, result, verdict.path.parent, junit=junit, pages=pages_of(result) if report else ())
    raise typer.Exit(0 if verdict.ok else 1)


@app.command()
def policies(
    sim: Sim = DEFAULT_SIM,
    vlen: Vlen = 256,
    dlen: Dlen = None,
    latency: MemoryLatency = None,
    seed: Seed = 1,
    kernel: Kernel = "v6.5",
    junit: Junit = None,
    out: Out = None,
) -> None:
    """Compare policies of saving and restoring. The offline optimum is among them; the workloads are recorded."""
    from vctx.tb.jobs.policies import run_policies
    from vctx.tb.reports.policies import result_of
    from vctx.tb.reports.publish import publish

    knobs = Knobs(sim, vlen, min(DEFAULT_DLEN, vlen) if dlen is None else dlen, seed, kernel=kernel)
    with _Bars() as bars:
        report = run_policies(knobs, latency=latency or LATENCY, progress=bars)
    publish(console, result_of(report), report.path.parent, junit=junit)
    raise typer.Exit(0 if report.ok else 1)


@app.command()
def linux_kvm(
    ctx: typer.Context,
    seed: Annotated[
        int | None,
        typer.Option(parser=number("SEED"), metavar="N", help="Seed of every random choice. Default: a fresh one."),
    ] = None,
    vlen: LinuxVlen = 256,
    steps: Steps = 400,
    without_v: Annotated[bool, typer.Option("--without-v", help="Harts without V.")] = False,
    zve_only: Annotated[bool, typer.Option("--zve-only", help="Harts with Zve64f and without V.")] = False,
    kernel_deb: KernelDeb = None,
    qemu: Annotated[str | None, typer.Option(metavar="COMMAND", help="Another qemu-system-riscv64.")] = None,
    out: Out = None,
) -> None:
    """Judge the golden hypervisor by a real Linux KVM. It runs under QEMU, driven with a fresh seed."""
    from vctx.tb.linux import job
    from vctx.tb.linux.boot import Machine
    from vctx.tb.linux.needs import QEMU
    from vctx.tb.reports.linux import result_of
    from vctx.tb.reports.publish import publish

    if without_v:
        _refuse(ctx, "--without-v leaves no vector registers", "vlen", "zve_only")
    if zve_only:
        _refuse(ctx, "--zve-only has registers of 128 bits", "vlen")
    machine = Machine(
        None if without_v or zve_only else vlen,
        secrets.randbits(32) if seed is None else seed,
        steps,
        zve_only,
        qemu or QEMU,
    )
    job.check(machine)
    harts = "harts without V" if without_v else "harts with Zve64f only" if zve_only else f"VLEN {vlen}"
    console.print(f"[bold]vctx linux-kvm[/]: {harts}; seed {machine.seed}; {steps} steps", soft_wrap=True)
    with _Bars() as bars:
        verdict = job.linux_kvm(machine, kernel_deb or (), progress=bars)
    publish(console, result_of(verdict), verdict.path.parent)
    raise typer.Exit(0 if verdict.ok else 1)


@app.command()
def clean(
    keep: Annotated[
        int | None,
        typer.Option(parser=positive("--keep", 0), metavar="N", help="Keep the N of each kind that were used last."),
    ] = None,
    older: Annotated[
        float | None,
        typer.Option(parser=age, metavar="AGE", help="Remove what was not used for so long: 7 days, or 12h, 30m, 10s."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Remove nothing; say what would be.")] = False,
    out: Out = None,
) -> None:
    """Remove old runs and builds. What a run uses stays, and so do programs, Spike's shim, and Linux's kernel."""
    from vctx.tb.jobs import clean as job
    from vctx.tb.reports.clean import print_cleaned

    if (keep is None) == (older is None):
        raise UsageError("what to remove is up to either --keep N or --older AGE")
    print_cleaned(console, job.clean(keep=keep, older=older, dry_run=dry_run), dry_run=dry_run)


@app.command()
def files() -> None:
    """Print the SystemVerilog files of the block, one a line, in the order in which to compile them."""
    from vctx.tb.simulators.design import rtl_sources

    for path in rtl_sources():
        console.out(path)


@app.command()
def doctor(out: Out = None) -> None:
    """Say which tools were found, and how to get the others."""
    from vctx.tb.doctor import examine

    raise typer.Exit(examine(console))


def main() -> None:
    """Run the command line."""
    execute(app)


if __name__ == "__main__":
    main()
