# SPDX-License-Identifier: Apache-2.0
"""`vctx audit`: the scenario library on a kernel version, on the golden model and, if asked for, on the RTL."""

from __future__ import annotations

import shlex
from bisect import bisect_right
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from vctx.pymodel.errors import UsageError
from vctx.pymodel.kvm.defects import DEFECTS
from vctx.pymodel.kvm.machine import RAM_BASE, RAM_SIZE, KernelObserver, load_kernel
from vctx.pymodel.kvm.version import CLEAN, KernelVersion, by_name, with_routines
from vctx.pymodel.places import out_root
from vctx.pymodel.programs import GUESTS
from vctx.pymodel.scenarios.audit import Audit, Finding, audit, with_defect
from vctx.pymodel.scenarios.invariants import ALL_INVARIANTS
from vctx.pymodel.scenarios.joined import JoinedTrace
from vctx.pymodel.scenarios.lab import HARTS, RecorderFactory, Scenario
from vctx.pymodel.scenarios.library import SCENARIOS
from vctx.pymodel.trace import TraceWriter
from vctx.tb.knobs import DEFAULT_DLEN, DEFAULT_SIM
from vctx.tb.process.files import write_json
from vctx.tb.process.folders import claimed, marked
from vctx.tb.replay.launch import replay
from vctx.tb.replay.result import Mismatch
from vctx.tb.runs.defaults import FILL, LATENCY
from vctx.tb.runs.progress import Progress, silent
from vctx.tb.runs.repeat import vctx_command

# Scenarios place RAM at RAM_BASE or right behind it.
AUDIT_RAM_SIZE = 2 * RAM_SIZE


@dataclass
class RtlRun:
    """The kernels of one configuration, replayed in one simulation.

    Attributes:
        starts: index of the first event of each scenario's kernels, ascending, and the scenario's name.
        instructions: compared; mismatch: the first difference, and `culprit` the scenario in which it is.
    """

    vlen: int
    has_v: bool
    trace: Path
    starts: list[tuple[int, str]] = field(default_factory=list)
    instructions: int = 0
    events: int = 0
    mismatch: Mismatch | None = None

    @property
    def culprit(self) -> str:
        """See the class; empty without a mismatch."""
        if self.mismatch is None:
            return ""
        at = bisect_right(self.starts, self.mismatch.index, key=lambda start: start[0])
        return self.starts[at - 1][1]


@dataclass
class AuditVerdict:
    """What an audit found; `ok` when nothing is wrong with the kernel and RTL and model agree.

    Attributes:
        elsewhere: for each defect that the version has and hides, what shows it over the clean kernel.
        rtl: the replays; empty if none were asked for.
        path: where the JSON is.
    """

    audit: Audit
    elsewhere: dict[str, Finding]
    rtl: list[RtlRun]
    path: Path
    command: str

    @property
    def ok(self) -> bool:
        """See the class."""
        return self.audit.ok and all(run.mismatch is None for run in self.rtl)

    def as_json(self) -> dict[str, Any]:
        """Return the verdict as JSON-able data."""
        found, checks, broken = self.audit, self.audit.checks, self.audit.broken
        return {
            "ok": self.ok,
            "command": self.command,
            "kernel": asdict(found.version),
            "defects": [
                {
                    "name": v.defect.name,
                    "text": v.defect.text,
                    "source": v.defect.source,
                    "cured_in": v.defect.cured_in,
                    "cure": v.defect.cure,
                    "verdict": v.text,
                    "evidence": _findings(v.evidence),
                }
                for v in found.defects()
            ],
            "shown_over_the_clean_kernel": {name: _findings([one])[0] for name, one in self.elsewhere.items()},
            "scenarios": [
                {
                    "name": o.scenario.name,
                    "group": o.scenario.group,
                    "items": o.scenario.items,
                    "text": o.scenario.text,
                    "ok": o.ok,
                    "not_applicable": o.why_not,
                    "checks": dict(sorted(o.ledger.checks.items())),
                    "broken": dict(sorted(o.ledger.broken.items())),
                }
                for o in found.outcomes
            ],
            "invariants": {
                name: {"checked": checks[name], "broken": broken[name], "text": invariant.text}
                for name, invariant in ALL_INVARIANTS.items()
            },
            "matrix": self.matrix(),
            "findings": _findings(found.findings),
            "rtl": [
                {
                    "vlen": run.vlen,
                    "has_v": run.has_v,
                    "trace": str(run.trace),
                    "instructions": run.instructions,
                    "mismatch": None if run.mismatch is None else run.mismatch.text(),
                    "scenario": run.culprit,
                }
                for run in self.rtl
            ],
        }

    def matrix(self) -> dict[str, list[str]]:
        """Return the scenarios that give evidence of each defect."""
        verdicts = self.audit.defects()
        return {v.defect.name: list(dict.fromkeys(f.scenario for f in v.evidence)) for v in verdicts}


def _findings(findings: Any) -> list[dict[str, Any]]:
    return [{"scenario": finding.scenario} | asdict(finding.violation) for finding in findings]


class _Recording:
    """The traces of an audit, one for each VLEN and kind of hart."""

    def __init__(self, directory: Path, command: str, program: str, stack: ExitStack) -> None:
        self._directory = directory
        self._command = command
        self._program = program
        self._stack = stack
        self._joined: dict[tuple[int, bool], JoinedTrace] = {}
        self.runs: dict[tuple[int, bool], RtlRun] = {}

    def of(self, scenario: Scenario) -> RecorderFactory:
        """Return what records the kernels of a scenario."""

        def recorder(number: int, vlen: int, harts: int, has_v: bool, ram_base: int) -> KernelObserver:
            assert harts <= HARTS and RAM_BASE <= ram_base <= RAM_BASE + RAM_SIZE
            key = vlen, has_v
            if key not in self._joined:
                self._open(vlen, has_v)
            made = self._joined[key].kernel()
            self.runs[key].starts.append((self._joined[key].events, scenario.name))
            return made

        return recorder

    def finish(self) -> None:
        """End all traces."""
        for key, joined in self._joined.items():
            joined.finish()
            self.runs[key].events = joined.events

    def _open(self, vlen: int, has_v: bool) -> None:
        path = self._directory / f"vlen{vlen}{'' if has_v else '-nov'}.vctx"
        header = {
            "scenario": "audit",
            "command": self._command,
            "vlen": vlen,
            "harts": HARTS,
            "seed": 1,
            "ram_base": RAM_BASE,
            "ram_size": AUDIT_RAM_SIZE,
            "fill": FILL,
            "has_v": has_v,
            "programs": dict.fromkeys((self._program, *GUESTS, "driver", "caller", "task")),
        }
        writer = self._stack.enter_context(TraceWriter(path, header))
        self._joined[vlen, has_v] = JoinedTrace(writer, vlen, has_v=has_v, fill=FILL)
        self.runs[vlen, has_v] = RtlRun(vlen, has_v, path)


def run_audit(
    kernel: str,
    *,
    defect: str | None = None,
    routines: str = "",
    scenarios: Sequence[str] = (),
    rtl: bool = False,
    sim: str = DEFAULT_SIM,
    progress: Progress = silent,
) -> AuditVerdict:
    """Audit a kernel version.

    Args:
        kernel: its name; defect: an S-number to add to it.
        routines: a file with save and restore routines in place of the kernel's own.
        scenarios: names of those to run; by default all.
        rtl: replay every instruction of the scenarios on the RTL, too, on `sim`.
        progress: called with (phase, done, total); phases are "model" and "rtl".

    Raises:
        UsageError: unknown kernel, defect or scenario, or routines that cannot be used.
        VctxError: see `tb.replay.launch.replay`.
    """
    version = by_name(kernel) if defect is None else with_defect(defect, by_name(kernel))
    version = with_routines(version, routines)
    load_kernel(version)  # before anything slow
    chosen = [_scenario(name) for name in scenarios] if scenarios else list(SCENARIOS.values())
    arguments = [f"--kernel {kernel}", *([f"--defect {defect}"] if defect else [])]
    arguments += [f"--routines {shlex.quote(routines)}"] if routines else []
    arguments += [f"--scenario {name}" for name in scenarios]
    arguments += ["--rtl", f"--sim {sim}"] if rtl else []
    command = vctx_command("audit", *arguments)
    parts = [*scenarios, *([str(Path(routines).resolve())] if routines else [])]
    directory = out_root() / "audit" / (marked(version.name, " ".join(parts)) if parts else version.name)

    with claimed(directory):
        with ExitStack() as stack:
            recording = _Recording(directory, command, version.program, stack) if rtl else None
            result = audit(
                version,
                chosen,
                recorders=recording.of if recording is not None else None,
                progress=lambda name, done, total: progress("model", done, total),
            )
            if recording is not None:
                recording.finish()
        runs = list(recording.runs.values()) if recording is not None else []
        total = sum(run.events for run in runs)
        before = 0
        for run in runs:
            _replay(run, sim, directory, partial(_shifted, progress, before, total))
            before += run.events
            progress("rtl", before, total)
        elsewhere = {} if scenarios else _elsewhere(result)
        verdict = AuditVerdict(result, elsewhere, runs, directory / "result.json", command)
        write_json(verdict.path, verdict.as_json())
    return verdict


def _scenario(name: str) -> Scenario:
    if name not in SCENARIOS:
        raise UsageError(f"unknown scenario {name!r}; allowed are {', '.join(SCENARIOS)}")
    return SCENARIOS[name]


def _shifted(progress: Progress, before: int, total: int, done: int) -> None:
    progress("rtl", before + done, total)


def _replay(run: RtlRun, sim: str, directory: Path, progress: Callable[[int], None]) -> None:
    dlen = min(DEFAULT_DLEN, run.vlen)
    result = replay(
        run.trace,
        sim=sim,
        dlen=dlen,
        out_dir=directory / f"replay-{run.trace.stem}",
        latency=LATENCY,
        command=vctx_command("replay", run.trace, f"--sim {sim} --dlen {dlen} --waves"),
        progress=progress,
    )
    run.instructions, run.mismatch = result.instructions, result.mismatch


def _elsewhere(result: Audit) -> dict[str, Finding]:
    """Show over the clean kernel the defects that the version has, but something else in it hides."""
    shown_there = {}
    for verdict in result.defects():
        if verdict.text == "not shown":
            name = verdict.defect.name
            shown_there[name] = _first_evidence(name, with_defect(name, CLEAN))
    return shown_there


def _first_evidence(name: str, version: KernelVersion) -> Finding:
    for scenario in SCENARIOS.values():
        for verdict in audit(version, [scenario]).defects():
            if verdict.defect is DEFECTS[name] and verdict.evidence:
                return verdict.evidence[0]
    raise AssertionError(f"no scenario shows {name}")
