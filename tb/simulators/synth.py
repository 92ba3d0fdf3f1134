# SPDX-License-Identifier: Apache-2.0
"""Synthesis of the RTL with Yosys: what it costs, and that it maps.

    python -m vctx.tb.simulators.synth

Logic goes to 6-input lookup tables, registers to flip-flops, and the register file to block RAM (the 16 kbit block
RAM of Lattice parts stands for any). The longest path is a number of lookup tables; carry chains are not used.

Prints a table. sim_build/synth/ receives the numbers as JSON, and for each configuration Yosys's log and files.
Exit codes: 0 everything mapped, 1 a latch, an unmapped cell or a register file in flip-flops, 3 Yosys is missing.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path

from vctx.pymodel.errors import ToolError, VctxError
from vctx.pymodel.places import RTL, out_root
from vctx.tb.ending import execute
from vctx.tb.process.files import write_json
from vctx.tb.simulators.design import rtl_sources

CONFIGURATIONS = ((128, 64), (256, 128))  # VLEN, DLEN

_MEMORY, _RAM, _LUT, _FLIP_FLOP = "$mem_v2", "$__PDPW16KD_", "$lut", "$_DFF"
_BANK_BITS = 64  # width of a bank of the register file
# abc without its area recovery, which would turn fast adders back into ripple carry.
_ABC = "+strash;ifraig;dch,-f;if,-K,6;mfs2"

_SCRIPT = """\
read_slang --top vctx -G VLEN={vlen} -G DLEN={dlen} {sources}
hierarchy -check -top vctx
proc
flatten
opt
memory -nomap
opt -full
check -assert
tee -q -o rtl.json stat -json
memory_libmap -lib +/lattice/brams_16kd.txt -no-auto-distributed
alumacc
share
opt
techmap
opt -fast
abc -lut 6 -script {abc}
opt_clean
tee -q -o mapped.json stat -json
tee -q -o path.txt ltp -noff
"""

# libyosys crashes in its exit handlers, hence the sudden end.
_RUNNER = """\
import os, sys
from pyosys import libyosys as ys
ys.run_pass("script " + sys.argv[1], ys.yosys_get_design())
sys.stdout.flush()
os._exit(0)
"""


class SynthesisError(VctxError):
    """Yosys failed, or the result is not acceptable. The message says why and names the log."""


@dataclass(frozen=True)
class Report:
    """What a configuration costs.

    Attributes:
        vlen, dlen: its parameters.
        luts, flip_flops, block_rams: mapped cells.
        memories: memories before mapping, one a bank of the register file.
        levels: lookup tables on the longest path from `path_from` to `path_to`.
    """

    vlen: int
    dlen: int
    luts: int
    flip_flops: int
    block_rams: int
    memories: int
    levels: int
    path_from: str
    path_to: str


def _out() -> Path:
    return out_root() / "synth"


def synthesize(vlen: int, dlen: int, rtl: Path = RTL, out_dir: Path | None = None) -> Report:
    """Synthesize one configuration of the block in directory `rtl`; the files go to `out_dir`/vlen<n>-dlen<n>/.

    Raises:
        ToolError: Yosys is missing.
        SynthesisError: it failed, or left a latch, an unmapped cell or a register file outside RAM.
    """
    if importlib.util.find_spec("pyosys") is None:
        raise ToolError("Yosys is missing: pip install pyosys==0.70 into this Python environment")
    directory = (out_dir or _out()) / f"vlen{vlen}-dlen{dlen}"
    directory.mkdir(parents=True, exist_ok=True)
    script, log = directory / "synth.ys", directory / "yosys.log"
    # Relative, because read_slang takes no quotes and the way here may contain spaces.
    sources = " ".join(os.path.relpath(path, directory) for path in rtl_sources(rtl))
    script.write_text(_SCRIPT.format(vlen=vlen, dlen=dlen, sources=sources, abc=_ABC))
    with log.open("w") as output:
        done = subprocess.run(
            [sys.executable, "-c", _RUNNER, script.name],
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=directory,
            env={**os.environ, "TMPDIR": str(directory)},  # where Yosys leaves files if it is interrupted
            check=False,
        )
    if done.returncode:
        errors = [line.strip() for line in log.read_text().splitlines() if "error" in line.lower()]
        raise SynthesisError(f"VLEN={vlen} DLEN={dlen}: {'; '.join(errors[:3]) or 'Yosys failed'}\nlog: {log}")

    before, after = _cells(directory / "rtl.json"), _cells(directory / "mapped.json")
    levels, path_from, path_to = _longest_path((directory / "path.txt").read_text())
    report = Report(
        vlen=vlen,
        dlen=dlen,
        luts=after[_LUT],
        flip_flops=sum(count for cell, count in after.items() if cell.startswith(_FLIP_FLOP)),
        block_rams=after[_RAM],
        memories=before[_MEMORY],
        levels=levels,
        path_from=path_from,
        path_to=path_to,
    )
    if report.memories != dlen // _BANK_BITS or not report.block_rams:
        raise SynthesisError(
            f"VLEN={vlen} DLEN={dlen}: {report.memories} memories instead of {dlen // _BANK_BITS}: "
            f"the register file is not in RAM\nlog: {log}"
        )
    unmapped = sorted(cell for cell in after if cell not in (_LUT, _RAM) and not cell.startswith(_FLIP_FLOP))
    if unmapped:
        raise SynthesisError(f"VLEN={vlen} DLEN={dlen}: latches or unmapped cells: {', '.join(unmapped)}\nlog: {log}")
    return report


def _cells(stat: Path) -> Counter[str]:
    return Counter(json.loads(stat.read_text())["design"]["num_cells_by_type"])


def _longest_path(text: str) -> tuple[int, str, str]:
    """Parse the output of `ltp`: (cells on the path, name of its start, name of its end)."""
    length = re.search(r"\(length=(\d+)\)", text)
    steps = re.findall(r"^ +\d+: \\?(\S+)", text, re.MULTILINE)
    if length is None or not steps:
        raise SynthesisError("Yosys did not report a longest path")
    end = re.search(r"^ +ff: \\?(\S+)", text, re.MULTILINE)
    return int(length[1]), steps[0], end[1] if end else steps[-1]


def main() -> None:
    """Synthesize every configuration and print a table."""
    columns = ("luts", "flip_flops", "memories", "block_rams", "levels")
    print("VLEN DLEN" + "".join(f"{name:>12}" for name in columns) + "  longest path")
    reports = []
    for vlen, dlen in CONFIGURATIONS:
        report = synthesize(vlen, dlen)
        reports.append(asdict(report))
        cells = "".join(f"{reports[-1][name]:12}" for name in columns)
        print(f"{vlen:4} {dlen:4}{cells}  {report.path_from} to {report.path_to}", flush=True)
    write_json(_out() / "synth.json", reports)


if __name__ == "__main__":
    execute(main)
