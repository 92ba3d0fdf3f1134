# SPDX-License-Identifier: Apache-2.0
"""What the testbench needs to know of a simulator: how it is found, called and told things."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path

from vctx.pymodel.errors import ToolError, VctxError
from vctx.tb.simulators.design import Design

TIMESCALE = ("1ns", "1ps")
WAVES_DEFINED = "-DVCTX_WAVES"  # the testbench has what only waves show
WAVE_FILES = ("dump.fst", "dump.vcd")  # of which a run leaves one


class SimulationError(VctxError):
    """The simulator or the testbench failed (not: the RTL was wrong). The message names the log."""

    exit_code = ToolError.exit_code


class Simulator(ABC):
    """A simulator that works here. Raises ToolError, which says how to get it, when there is none."""

    name: str
    flags: tuple[str, ...] = ()
    four_state = False  # unknown bits exist
    inertial_writes = False  # what cocotb writes may be left to the simulator to apply, as cocotb's own runner has it
    plain_waves = False  # dump VCD, which is readable even if the simulator dies; else FST where possible

    def __init__(self) -> None:
        self.version = self._check()

    @abstractmethod
    def _check(self) -> str:
        """Return the version; ToolError if it is missing or unsuitable."""

    def environment(self) -> dict[str, str]:
        """Return the environment for builds and runs."""
        env = dict(os.environ)
        for name in ("WAVES", "GUI", "COCOTB_TEST_MODULES", "COCOTB_TEST_FILTER", "PYTEST_CURRENT_TEST"):
            env.pop(name, None)  # would steer cocotb
        return env

    def sources(self, design: Design) -> tuple[Path, ...]:
        """Return the files to compile."""
        return design.sources

    def headers(self, design: Design) -> tuple[Path, ...]:
        """Return the files that those include."""
        return design.headers

    @abstractmethod
    def wave_file(self) -> str:
        """Return the name of the wave file that a run leaves in its directory."""

    def wave_flags(self) -> tuple[str, ...]:
        """Return build flags for waves beyond those of the runner."""
        return ()

    @abstractmethod
    def run_arguments(self, seed: int, waves: Path | None) -> tuple[list[str], list[str]]:
        """Return (options, plusargs) of a run."""

    @abstractmethod
    def command(self, design: Design, build: Path, seed: int, waves: Path | None) -> list[str]:
        """Return the command that runs a build with cocotb; `waves` is the file for the waves, if any are wanted."""

    @abstractmethod
    def batch_flags(self, design: Design) -> list[str]:
        """Return everything but the sources that decides what comes of the build of a batch testbench."""

    @abstractmethod
    def batch_build(self, design: Design, directory: Path) -> Iterator[list[str]]:
        """Yield the commands that build a batch testbench in a directory, each once the one before has succeeded."""

    def build_flags(self, design: Design) -> list[str]:
        """Return the flags of a build by cocotb's runner."""
        return [*self.flags, *design.own_flags, *([WAVES_DEFINED, *self.wave_flags()] if design.waves else ())]


def log_tail(log: Path, lines: int = 12) -> str:
    """Return the last lines of a log, for an error message."""
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])
