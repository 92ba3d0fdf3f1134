# SPDX-License-Identifier: Apache-2.0
"""The command for a real Linux on the RTL: `vctx linux`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vctx.tb.bars import Bars
from vctx.tb.ending import console
from vctx.tb.knobs import DEFAULT_DLEN, DEFAULT_SIM, LINUX_HARTS, Knobs, choice
from vctx.tb.options import Dlen, KernelDeb, LinuxVlen, MemoryLatency, Out, Seed, Sim, Steps, Waves, number
from vctx.tb.runs.defaults import LATENCY

real_linux = typer.Typer(rich_markup_mode=None)


@real_linux.command()
def linux(
    sim: Sim = DEFAULT_SIM,
    vlen: LinuxVlen = 256,
    dlen: Dlen = None,
    seed: Seed = 1,
    harts: Annotated[int, typer.Option(parser=number("HARTS", choice(LINUX_HARTS)), metavar="N", help="Harts.")] = 2,
    steps: Steps = 400,
    part: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Run this part of the init program only; again for more.")
    ] = None,
    since: Annotated[
        str,
        typer.Option(
            "--from",
            metavar="MARK",
            help="Record from here on: reset, init, kvm_loaded, or the name of a part, which is where that begins.",
        ),
    ] = "reset",
    until: Annotated[str, typer.Option(metavar="MARK", help="Stop the machine here.")] = "end",
    kernel_deb: KernelDeb = None,
    image: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A kernel of your own: arch/riscv/boot/Image.")
    ] = None,
    module: Annotated[Path | None, typer.Option(metavar="FILE", help="Its kvm.ko.")] = None,
    defect: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Put a defect into the loaded KVM; docs/linux.md has them."),
    ] = None,
    golden: Annotated[
        bool, typer.Option("--golden", help="Let the golden hart judge the trace as well; a minute or two.")
    ] = False,
    latency: MemoryLatency = None,
    waves: Waves = False,
    out: Out = None,
) -> None:
    """Boot a real Linux and its KVM on Spike; replay all that they do with vectors on the RTL."""
    from vctx.tb.linux import real
    from vctx.tb.reports.real import print_real

    knobs = Knobs(sim, vlen, min(DEFAULT_DLEN, vlen) if dlen is None else dlen, seed, harts)
    program = real.Program(steps, tuple(part or ()), since, until, defect)
    source = real.Source(tuple(kernel_deb or ()), image, module)
    real.check(knobs, program, source)
    console.print(f"[bold]vctx linux[/]: VLEN {vlen}, {harts} harts; seed {seed}; on {sim}", soft_wrap=True)
    with Bars() as bars:
        run = real.linux(knobs, program, source, latency=latency or LATENCY, waves=waves, golden=golden, progress=bars)
    print_real(console, run)
    raise typer.Exit(0 if run.ok else 1)
