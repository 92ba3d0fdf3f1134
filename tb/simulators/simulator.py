# SPDX-License-Identifier: Apache-2.0
"""What the testbench needs to know of a simulator: how it is found, called and told things."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from pathlib import Path

from vctx.pymodel.errors import ToolError, VctxError
from vctx.tb.simulators.design import BATCH_TOP, Design

TIMESCALE = ("1ns", "1ps")
WAVE_FILES = ("dump.fst", "dump.vcd")  # of which a run leaves one


class SimulationError(VctxError):
    """The simulator or the testbench failed (not: the RTL was wrong). The message names the log."""

    exit_code = ToolError.exit_code


class Simulator(ABC):
    """A simulator that works here. Raises ToolError, which says how to get it, when there is none."""

    name: str
    flags: tuple[str, ...] = ()
    four_state = False  # unknown bits exist
    plain_waves = False  # dump VCD, which is readable even if the simulator dies; else FST where possible
    batch_scope = f"{BATCH_TOP}.gen_hart[{{}}].u_hart"  # of a hart of the batch testbench, in waves

    def __init__(self) -> None:
        self.version = self._check()

    @abstractmethod
    def _check(self) -> str:
        """Return the version; ToolError if it is missing or unsuitable."""

    def environment(self) -> dict[str, str]:
        """Return the environment for builds and runs."""
        env = dict(os.environ)
        for name in ("WAVES", "GUI", "COCOTB_TEST_MODULES", "PYTEST_CURRENT_TEST"):  # would steer the runner
            env.pop(name, None)
        return env

    def sources(self, design: Design) -> tuple[Path, ...]:
        """Return the files to compile."""
        return design.sources

    def headers(self, design: Design) -> tuple[Path, ...]:
        """Return the files that those include."""
        return ()

    @abstractmethod
    def wave_file(self) -> str:
        """Return the name of the wave file that a run leaves in its directory."""

    def wave_flags(self) -> tuple[str, ...]:
        """Return build flags for waves beyond those of the runner."""
        return ()

    @abstractmethod
    def run_arguments(self, seed: int, waves: Path | None) -> tuple[list[str], list[str]]:
        """Return (test_args, plusargs) of a run."""

    @abstractmethod
    def batch_command(self, design: Design) -> list[str]:
        """Return the command that builds a batch testbench in the current directory, without the sources."""

    @abstractmethod
    def batch_run(self, build: Path, seed: int, waves: bool) -> list[str]:
        """Return the command that runs a batch testbench, without the names of its files."""

    def build_flags(self, design: Design) -> list[str]:
        """Return the flags of a build that runs under cocotb."""
        return [*self.flags, *(self.wave_flags() if design.waves else ())]


def log_tail(log: Path, lines: int = 12) -> str:
    """Return the last lines of a log, for an error message."""
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])
