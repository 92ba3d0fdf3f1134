# SPDX-License-Identifier: Apache-2.0
"""Icarus Verilog."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from cocotb_tools.config import lib_entry

from vctx.pymodel.errors import ToolError
from vctx.tb.simulators.design import Design
from vctx.tb.simulators.simulator import TIMESCALE, WAVE_FILES, WAVES_DEFINED, Simulator

MIN_ICARUS = 11


class Icarus(Simulator):
    """Icarus Verilog 11 or later, from the system's packages."""

    name = "icarus"
    four_state = True

    def _check(self) -> str:
        hint = f"Icarus Verilog {MIN_ICARUS} or later is needed: sudo apt-get install iverilog"
        if shutil.which("iverilog") is None or shutil.which("vvp") is None:
            raise ToolError(f"Icarus is missing. {hint}")
        banner = subprocess.run(["iverilog", "-V"], capture_output=True, text=True, check=False).stdout
        match = re.search(r"version (\d+)\.(\d+)", banner)
        if match is None or int(match[1]) < MIN_ICARUS:
            raise ToolError(f"Icarus {match[0] if match else 'of an unknown version'} will not do. {hint}")
        return f"{match[1]}.{match[2]}"

    def batch_flags(self, design: Design) -> list[str]:
        """See the base class."""
        parameters = [f"-P{design.top}.{name}={value}" for name, value in sorted(design.parameters.items())]
        defined = [*design.own_flags, *([WAVES_DEFINED] if design.waves else ())]
        return ["-g2012", "-s", design.top, *defined, *parameters]

    def batch_build(self, design: Design, directory: Path) -> Iterator[list[str]]:
        """See the base class."""
        options = directory / "options.f"  # the one place where Icarus can be told this
        options.write_text(f"+timescale+{'/'.join(TIMESCALE)}\n")
        sources = map(str, self.sources(design))
        yield ["iverilog", *self.batch_flags(design), "-f", options.name, "-o", "sim.vvp", *sources]

    def command(self, design: Design, build: Path, seed: int, waves: Path | None) -> list[str]:
        """See the base class."""
        options, plusargs = self.run_arguments(seed, waves)
        dump = "-none" if waves is None else "-vcd" if self.plain_waves else "-fst"
        return ["vvp", "-m", lib_entry("vpi", "icarus"), *options, str(build / "sim.vvp"), dump, *plusargs]

    def wave_file(self) -> str:
        """See the base class."""
        return WAVE_FILES[self.plain_waves]

    def run_arguments(self, seed: int, waves: Path | None) -> tuple[list[str], list[str]]:
        """See the base class. Uninitialised registers are X, so there is nothing to seed."""
        return ["-n"], [f"+dumpfile_path={waves}"] if waves else []
