# SPDX-License-Identifier: Apache-2.0
"""Mutants by Yosys: netlists in which a number selects one of hundreds of bugs, and proofs that some are none."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vctx.pymodel.errors import ToolError
from vctx.pymodel.places import RTL
from vctx.tb.simulators.design import rtl_sources

SELECT = "mutsel"  # the plusarg that selects a mutant; 0, or none, is the block as it is

# Each takes the modules below it along. The top, vctx, and the register file stay: testbenches look into them.
_MODULES = {
    "vctx_ctrl": ("VLEN",),
    "vctx_csr": ("VLEN",),
    "vctx_legal": (),
    "vctx_vset": ("VLEN",),
    "vctx_issue": ("VLEN",),
    "vctx_mask": ("VLEN", "DLEN"),
    "vctx_alu": ("VLEN", "DLEN"),
    "vctx_serial": ("VLEN", "DLEN"),
    "vctx_lsu": ("VLEN", "DLEN"),
}
MODULES = tuple(_MODULES)
_PATIENCE = 15  # seconds of a proof that a mutant is none, which hardly any multiplier yields to
_CLOCKS = re.compile(r" -port (WR_CLK|RD_CLK|CLK|ARST) ")  # these cannot be written as Verilog

_LIST = """\
read_slang --top {module} {parameters} {sources}
prep -top {module}
opt_dff
opt_clean
write_rtlil {module}.il
mutate -list {count} -seed {seed} -ctrl {select} 16 {first} -o {module}.list
"""
_WRITE = """\
read_rtlil {module}.il
script {module}.mutate
opt_clean
bwmuxmap
write_verilog -noattr {module}.v
"""
# Registers of the two are paired by name, so what is proven is that every one of them, and every output, is the same.
_PROVE = """\
read_rtlil {netlist}
rename {module} gold
copy gold gate
{line}
async2sync
equiv_make gold gate equiv
hierarchy -top equiv
equiv_simple -undef -seq 2
equiv_induct -undef -seq 2
equiv_status -assert
"""


@dataclass(frozen=True)
class Mutant:
    """A bug in a module.

    Attributes:
        number: that selects it. module: where. what: the kind of change, the cell and the port.
        where: a line of the source. line: of Yosys.
    """

    number: int
    module: str
    what: str
    where: str
    line: str


def make(
    rtl: Path, work: Path, *, vlen: int, dlen: int, count: int, seed: int, modules: Sequence[str] = MODULES
) -> list[Mutant]:
    """Put netlists with `count` mutants of each module into `rtl`, a new folder, in place of the modules.

    Args:
        work: a folder for what Yosys writes.

    Raises:
        ToolError: Yosys failed; the message names the log.
    """
    shutil.copytree(RTL, rtl)
    work.mkdir(parents=True)
    sources = [path.name for path in rtl_sources(RTL)]
    for name in sources:
        shutil.copyfile(RTL / name, work / name)
    mutants: list[Mutant] = []
    for index, module in enumerate(modules):
        values = {"VLEN": vlen, "DLEN": dlen}
        facts = {
            "module": module,
            "parameters": " ".join(f"-G {name}={values[name]}" for name in _MODULES[module]),
            "sources": " ".join(sources),
            "count": count,
            "seed": seed,
            "select": SELECT,
            "first": 1 + index * count,
        }
        run_yosys(work, f"{module}-list", _LIST.format(**facts))
        lines = [line for line in (work / f"{module}.list").read_text().splitlines() if not _CLOCKS.search(line)]
        (work / f"{module}.mutate").write_text("\n".join(lines) + "\n")
        mutants += [_mutant(module, line) for line in lines]
        run_yosys(work, f"{module}-write", _WRITE.format(**facts))
        (rtl / f"{module}.sv").write_text(_selectable(module, (work / f"{module}.v").read_text()))
    return mutants


def is_equivalent(mutant: Mutant, work: Path) -> bool:
    """Tell whether it is proven that a mutant changes no register and no output of its module, whatever the inputs.

    A proof that takes too long is none.
    """
    line = re.sub(r" -ctrl \S+ \S+ \S+", "", mutant.line).replace(f"-module {mutant.module}", "-module gate")
    script = _PROVE.format(module=mutant.module, netlist=f"{mutant.module}.il", line=line)
    try:
        run_yosys(work, f"equal-{mutant.number}", script, _PATIENCE)
    except subprocess.TimeoutExpired:
        return False
    except ToolError:
        if "unproven" in (work / f"equal-{mutant.number}.log").read_text():
            return False
        raise
    return True


def run_yosys(folder: Path, name: str, script: str, timeout: float | None = None) -> None:
    """Run a script in a folder, with a log.

    Raises:
        ToolError: it failed. TimeoutExpired: it took more than `timeout` seconds.
    """
    (folder / f"{name}.ys").write_text(script)
    done = subprocess.run(
        [sys.executable, yosys_program(), "-ql", f"{name}.log", f"{name}.ys"],
        cwd=folder,
        env={**os.environ, "TMPDIR": str(folder)},
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    if done.returncode:
        raise ToolError(f"Yosys failed: {done.stderr.strip()[-200:]}\nlog: {folder / name}.log")


def yosys_program() -> str:
    """Return the file that `python` runs as Yosys."""
    return str(Path(__file__).parent.parent / "formal" / "yosys.py")


def _mutant(module: str, line: str) -> Mutant:
    number = re.search(r"-ctrl \S+ \S+ (\d+)", line)
    places = re.findall(r"-src \S*?(\w+\.sv:\d+)", line)
    assert number is not None
    what = " ".join(re.findall(r"-(?:mode|wire|wirebit|port|portbit) (\S+)", line))
    return Mutant(int(number[1]), module, what, places[-1] if places else "", line)


def _selectable(module: str, netlist: str) -> str:
    """Return a netlist that takes the number of its mutant from a plusarg, and parameters as the module did."""
    head = re.search(rf"^module {module}\((.*?)\);", netlist, re.DOTALL | re.MULTILINE)
    ports = f"  input [15:0] {SELECT};\n  wire [15:0] {SELECT};\n"
    if head is None or ports not in netlist:
        raise ToolError(f"Yosys wrote {module} in a way that is not understood")
    names = re.sub(rf",\s*{SELECT}\b", "", head[1])
    parameters = "parameter VLEN = 0, parameter DLEN = 0, parameter HasV = 1"
    netlist = netlist.replace(head[0], f"module {module} #({parameters}) ({names});", 1)
    reads = f'  initial if (!$value$plusargs("{SELECT}=%d", {SELECT})) {SELECT} = 0;\n'
    return netlist.replace(ports, f"  reg [15:0] {SELECT};\n{reads}", 1)
