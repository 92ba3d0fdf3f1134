# SPDX-License-Identifier: Apache-2.0
"""The options that several commands share, and how their values are read: a bad one ends with what is allowed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from vctx.pymodel.errors import UsageError
from vctx.pymodel.kvm.version import ALIASES, versions
from vctx.pymodel.places import DOCS, OUT_VARIABLE, use_out
from vctx.pymodel.scenarios.jobs import JOBS
from vctx.tb.ending import console
from vctx.tb.knobs import ALLOWED, LINUX_VLENS, MAX_STEPS, choice, one_of, span
from vctx.tb.replay.result import Latency
from vctx.tb.runs.defaults import LATENCY
from vctx.tb.runs.repeat import shown
from vctx.tb.simulators.filelist import OwnStatus


def number(knob: str, allowed: str | None = None) -> Callable[[str], int]:
    """Return a parser of the number that a knob is; its range is checked where all knobs are known.

    Args:
        knob: its name. allowed: what it may be, if that is not what `ALLOWED` says.
    """

    def parse(text: str) -> int:
        try:
            return int(text)
        except ValueError:
            raise UsageError(f"{knob}={text}: must be {allowed or ALLOWED[knob]}") from None

    return parse


def positive(option: str, least: int = 1) -> Callable[[str], int]:
    """Return a parser of the number from 1, or from `least`, that an option is."""

    def parse(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = least - 1
        if value < least:
            raise UsageError(f"{option} {text}: must be a whole number, at least {least}")
        return value

    return parse


_UNITS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}


def age(text: str) -> float:
    """Return the seconds of an age: a number of days, or with one of the letters d, h, m and s.

    Raises:
        UsageError: it is none.
    """
    number, unit = (text[:-1], text[-1]) if text[-1:] in _UNITS else (text, "d")
    if not number.isascii() or not number.isdigit():
        raise UsageError(f"--older {text}: must be a number of days, or one with d, h, m or s, as 12h")
    return float(int(number) * _UNITS[unit])


def _use_out(folder: Path | None) -> Path | None:
    if folder is not None:
        use_out(folder)
    return folder


def _kernel(name: str) -> str:
    """Say so if a version is called by another name, and go on with its own."""
    if name in ALIASES:
        console.print(f"kernel {name}: the scheme is mainline now, as {ALIASES[name]}; that is what is taken")
    return ALIASES.get(name, name)


def _job(name: str) -> str:
    one_of("JOB", name, tuple(JOBS))
    return name


def own_status(design: Path | None, top: str | None) -> OwnStatus | None:
    """Return what --design and --top name; None without them.

    Raises:
        UsageError: there is one without the other, or it is bad.
    """
    if design is None:
        if top is not None:
            raise UsageError(f"--top {top}: of which --design FILES.f?")
        return None
    if top is None:
        raise UsageError(f"--design {design}: which module of it? --top MODULE")
    return OwnStatus.read(design, top)


_KERNELS = ", ".join(f"{name} (now {ALIASES[name]})" if name in ALIASES else name for name in versions)
Sim = Annotated[str, typer.Option(help="Simulator: verilator or icarus.")]
RtlSim = Annotated[str | None, typer.Option(help="Simulator: verilator (the default) or icarus; with --rtl.")]
Vlen = Annotated[int, typer.Option(parser=number("VLEN"), metavar="N", help="Vector register width in bits.")]
LinuxVlen = Annotated[
    int,
    typer.Option(
        parser=number("VLEN", choice(LINUX_VLENS)), metavar="N", help="Vector register width in bits, 128 to 1024."
    ),
]
Steps = Annotated[
    int, typer.Option(parser=number("STEPS", span(1, MAX_STEPS)), metavar="N", help="Steps of the random walk.")
]
KernelDeb = Annotated[
    list[Path] | None,
    typer.Option(
        metavar="FILE",
        help="Package with a kernel for RISC-V to boot instead of Debian 13's; again for each where it is split.",
    ),
]
Dlen = Annotated[
    int | None,
    typer.Option(
        parser=number("DLEN"), metavar="N", help="Bus and datapath width, 64 to VLEN, at most 1024. Default: 128."
    ),
]
Seed = Annotated[int, typer.Option(parser=number("SEED"), metavar="N", help="Seed of every random choice.")]
Kernel = Annotated[
    str,
    typer.Option(callback=_kernel, help=f"Kernel version: {_KERNELS}; {shown(DOCS / 'kvm.md')} says what they are."),
]
Job = Annotated[
    str,
    typer.Option(
        callback=_job, metavar="full|small", help="Which guests and events; small is the old one, for comparing speeds."
    ),
]
Routines = Annotated[
    str,
    typer.Option(
        metavar="FILE",
        help="Assembly with vector_save and vector_restore, in place of the kernel's own; "
        f"{shown(DOCS / 'scenarios.md')} says what it must define.",
    ),
]
MemoryLatency = Annotated[
    Latency | None,
    typer.Option(
        "--latency",
        parser=Latency.parse,
        metavar="CYCLES[,random][,stall=N][,xlat=N]",
        help="Latency of the memory: always, or with random at most, so many cycles; each beat is held back with "
        f"probability N/256 (stall), and the translate port takes N cycles (xlat). Default: {LATENCY}.",
    ),
]
DesignFiles = Annotated[
    Path | None,
    typer.Option(
        "--design",
        metavar="FILES.f",
        help="File list of status registers of your own, which take the place of the block's vctx_status; with --top. "
        f"{shown(DOCS / 'your-core.md')} says how.",
    ),
]
Top = Annotated[str | None, typer.Option("--top", metavar="MODULE", help="The module of --design with those ports.")]
KeepGoing = Annotated[
    bool,
    typer.Option(
        "--keep-going", help="Do not stop at the first difference of the RTL: group all by the rule they break."
    ),
]
Waves = Annotated[bool, typer.Option("--waves", help="Dump all signals and registers, and a save file for GTKWave.")]
Out = Annotated[
    Path | None,
    typer.Option(
        "--out",
        envvar=OUT_VARIABLE,
        callback=_use_out,
        is_eager=True,
        help="Folder for results and builds. Default: sim_build, in the checkout or, of an installed vctx, here.",
    ),
]
Perfetto = Annotated[
    Path | None,
    typer.Option("--perfetto", metavar="FILE", help="Also write the timeline as a trace for ui.perfetto.dev."),
]
Junit = Annotated[Path | None, typer.Option("--junit", metavar="FILE", help="Also write the result as JUnit XML.")]
