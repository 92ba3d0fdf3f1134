# SPDX-License-Identifier: Apache-2.0
"""Icarus Verilog."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

from vctx.pymodel.errors import ToolError
from vctx.tb.simulators.design import Design
from vctx.tb.simulators.simulator import WAVE_FILES, Simulator

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

    def batch_command(self, design: Design) -> list[str]:
        """See the base class."""
        parameters = [f"-P{design.top}.{name}={value}" for name, value in sorted(design.parameters.items())]
        return ["iverilog", "-g2012", "-s", design.top, "-o", "sim.vvp", *parameters]

    def batch_run(self, build: Path, seed: int, waves: bool) -> list[str]:
        """See the base class."""
        return ["vvp", "-n", str(build / "sim.vvp"), *(("-fst",) if waves else ())]

    def wave_file(self) -> str:
        """See the base class."""
        return WAVE_FILES[self.plain_waves]

    def run_arguments(self, seed: int, waves: Path | None) -> tuple[list[str], list[str]]:
        """See the base class. Uninitialised registers are X, so there is nothing to seed."""
        return ["-n"], [f"+dumpfile_path={waves}"] if waves else []
