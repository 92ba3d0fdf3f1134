# SPDX-License-Identifier: Apache-2.0
"""`vctx policies`: what each policy of saving and restoring costs, on recorded workloads, with cycles of the RTL."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from vctx.pymodel.kvm.kernel import Kernel
from vctx.pymodel.kvm.machine import KernelObserver
from vctx.pymodel.kvm.structs import VState
from vctx.pymodel.kvm.version import CLEAN
from vctx.pymodel.places import out_root
from vctx.pymodel.scenarios.jobs import PROGRAMS
from vctx.pymodel.scenarios.policies import POLICIES, Cost, Move, cost, execute, moves
from vctx.pymodel.scenarios.shared_unit import SharedUnitConfig
from vctx.pymodel.scenarios.workload import Workload, record
from vctx.pymodel.trace import TraceWriter
from vctx.pymodel.trace.recorder import Recorder
from vctx.tb.jobs.audit import AUDIT_RAM_SIZE
from vctx.tb.jobs.cosim import OPERATIONS, header_of
from vctx.tb.knobs import VLENS, Knobs
from vctx.tb.plots.svg import bars
from vctx.tb.process.files import write_json
from vctx.tb.process.folders import claimed
from vctx.tb.replay.accounting import Spread, VisitCount
from vctx.tb.replay.launch import replay
from vctx.tb.replay.result import Latency, Mismatch, ReplayResult
from vctx.tb.runs.defaults import LATENCY, latency_option, latency_suffix, replay_options
from vctx.tb.runs.progress import Progress, silent
from vctx.tb.runs.repeat import vctx_command
from vctx.tb.simulators.find import simulator


def workloads(knobs: Knobs) -> dict[str, SharedUnitConfig]:
    """Return the configuration of each workload by its name: the base, and one knob turned at a time."""
    base = SharedUnitConfig(kernel=knobs.kernel, vlen=knobs.vlen, seed=knobs.seed, pairs=30, entries=400)
    found = {
        "base": base,
        "no guest uses V": replace(base, programs=("scalar",)),
        "1 of 4 uses V": replace(base, programs=("scalar", "scalar", "scalar", "canary")),
        "all use V": replace(base, programs=tuple(name for name in PROGRAMS if name not in ("nov", "scalar"))),
        "exits often": replace(base, slice=60),
        "exits rarely": replace(base, slice=3000),
        "2 vCPUs": replace(base, vcpus=2),
        "8 vCPUs": replace(base, vcpus=8),
    }
    for vlen in VLENS:
        if vlen in (knobs.vlen // 2, knobs.vlen * 2):
            found[f"VLEN {vlen}"] = replace(base, vlen=vlen)
    return found


@dataclass(frozen=True)
class RtlCount:
    """What the bus says of one policy's moves on one workload.

    Attributes:
        saves, restores: whole contexts that crossed the bus; partial: marks in which some other amount did.
        save_cycles, restore_cycles: how many of the whole ones took so many cycles.
        cycles: of all together.
    """

    saves: int
    restores: int
    partial: int
    save_cycles: dict[int, int]
    restore_cycles: dict[int, int]
    cycles: int

    def agrees(self, model: Cost) -> bool:
        """Whether the model counts the same."""
        return not self.partial and (self.saves, self.restores) == (model.saves, model.restores)


@dataclass(frozen=True)
class Run:
    """What a workload takes beside its saves and restores.

    Attributes:
        share: guest entries that use vectors, of all.
        vector_cycles: cycles of the RTL in all other instructions that the block executes.
        scalar: instructions that it does not execute.
    """

    workload: str
    vlen: int
    dlen: int
    share: float
    vector_cycles: int
    scalar: int


@dataclass(frozen=True)
class Row:
    """One policy on one workload: what the model counts, and what the bus of the RTL says."""

    run: Run
    policy: str
    cost: Cost
    rtl: RtlCount

    @property
    def of_unit(self) -> float:
        """Share of the vector unit's cycles that saves and restores are."""
        return _share(self.rtl.cycles, self.run.vector_cycles)

    @property
    def of_all(self) -> float:
        """Share of all cycles, if every instruction that the vector unit does not execute takes one."""
        return _share(self.rtl.cycles, self.run.vector_cycles + self.run.scalar)

    def as_json(self) -> dict[str, Any]:
        """Return the row as JSON-able data."""
        return {
            **asdict(self.run),
            "policy": self.policy,
            "cost": asdict(self.cost),
            "bytes": self.cost.bytes_moved(self.run.vlen),
            "cycles": self.rtl.cycles,
            "of_unit": self.of_unit,
            "of_all": self.of_all,
            "save": asdict(Spread.of(self.rtl.save_cycles)),
            "restore": asdict(Spread.of(self.rtl.restore_cycles)),
            "rtl": asdict(self.rtl),
        }


def _share(part: int, rest: int) -> float:
    return part / (part + rest) if part else 0.0


@dataclass
class PolicyReport:
    """All rows, and where they are kept; `ok` when bus and model agree, and no policy beats the optimum.

    Attributes:
        mismatches: where the RTL left the trace of a workload, by its name; that ends the replay of the workload.
    """

    rows: list[Row]
    path: Path
    plot: Path
    command: str
    latency: Latency = LATENCY
    mismatches: dict[str, Mismatch] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """See the class."""
        best = {row.run: row.cost for row in self.rows if row.policy == "optimum"}
        beaten = any(
            row.cost.saves < best[row.run].saves or row.cost.restores < best[row.run].restores for row in self.rows
        )
        return not beaten and not self.mismatches and all(row.rtl.agrees(row.cost) for row in self.rows)

    def as_json(self) -> dict[str, Any]:
        """Return the report as JSON-able data."""
        return {
            "ok": self.ok,
            "command": self.command,
            "latency": asdict(self.latency),
            "mismatches": {name: asdict(mismatch) for name, mismatch in self.mismatches.items()},
            "rows": [row.as_json() for row in self.rows],
        }

    def spreads(self) -> list[tuple[int, int, Spread, Spread]]:
        """Return VLEN, DLEN, and what a save and a restore took there, whoever had it done."""
        found: dict[tuple[int, int], tuple[Counter[int], Counter[int]]] = {}
        for row in self.rows:
            saves, restores = found.setdefault((row.run.vlen, row.run.dlen), (Counter(), Counter()))
            saves.update(row.rtl.save_cycles)
            restores.update(row.rtl.restore_cycles)
        return [(*key, Spread.of(saves), Spread.of(restores)) for key, (saves, restores) in sorted(found.items())]


def run_policies(
    knobs: Knobs,
    chosen: Mapping[str, SharedUnitConfig] | None = None,
    *,
    latency: Latency = LATENCY,
    progress: Progress = silent,
) -> PolicyReport:
    """Compare the policies on workloads, on the golden model and the RTL.

    Args:
        knobs: the simulator that replays the moves; VLEN and DLEN, which is less where a VLEN is; seed and kernel of
            the recorded workloads.
        chosen: the configuration of each workload, by name; default `workloads(knobs)`.
        latency: of memory and translate port.
        progress: called with (phase, done, total); phases are "record" and "rtl".

    Raises:
        VctxError: see `tb.replay.launch.replay`.
    """

    chosen = workloads(knobs) if chosen is None else chosen
    simulator(knobs.sim)  # before anything slow: is it there?
    name = f"{knobs.sim}-{knobs.kernel}-vlen{knobs.vlen}-dlen{knobs.dlen}-seed{knobs.seed}{latency_suffix(latency)}"
    directory = out_root() / "policies" / name
    where = [f"--sim {knobs.sim}", f"--vlen {knobs.vlen}", f"--dlen {knobs.dlen}", *latency_option(latency)]
    command = vctx_command("policies", *where, f"--seed {knobs.seed}", f"--kernel {knobs.kernel}")
    with claimed(directory):
        recorded: list[Workload] = []
        for done, (name, config) in enumerate(chosen.items()):
            progress("record", done, len(chosen))
            header = header_of(config, command)
            with TraceWriter(_trace(directory, name, "run"), header) as writer:
                recorder = Recorder(writer, config.vlen // 8)
                recorded.append(record(name, config, recorder))
                recorder.finish()
        progress("record", len(recorded), len(recorded))
        report = PolicyReport([], directory / "result.json", directory / "policies.svg", command, latency)
        replayer = Replayer(directory, knobs, latency, command)
        for done, workload in enumerate(recorded):
            progress("rtl", done, len(recorded))
            _compare(workload, replayer, report)
        progress("rtl", len(recorded), len(recorded))
        write_json(report.path, report.as_json())
        report.plot.write_text(plot(report.rows))
    return report


def _compare(workload: Workload, replayer: Replayer, report: PolicyReport) -> None:
    """Add what each policy costs on a workload to a report."""
    vlen = workload.config.vlen
    itself = replayer.run(workload)
    plan = {policy: moves(policy, workload) for policy in POLICIES}
    replayed = replayer.moves(plan, workload)
    for result in (replayed, itself):
        if result.mismatch is not None:
            report.mismatches[workload.name] = result.mismatch
    switches = sum(visit.cycles for visit in itself.visits if visit.what in OPERATIONS)
    scalar = max(0, workload.instructions - itself.instructions)
    run = Run(workload.name, vlen, itself.dlen, workload.vector_share, itself.cycles - switches, scalar)
    report.rows += [
        Row(run, policy, cost(found), count_traffic(policy, replayed.visits, 32 * vlen // 8))
        for policy, found in plan.items()
    ]


def record_moves(plan: Mapping[str, list[Move]], vlen: int, harts: int, observer: KernelObserver) -> None:
    """Execute the moves of every policy on golden harts, into `observer`."""
    kernel = Kernel(CLEAN, harts=harts, vlen=vlen, observer=observer)
    kernel.boot()
    contexts: dict[str, VState] = {}
    for policy, found in plan.items():
        execute(found, kernel, contexts, policy)


def _trace(directory: Path, name: str, what: str) -> Path:
    """Return the trace of a workload."""
    return directory / f"{name.replace(' ', '-')}-{what}.vctx"


@dataclass(frozen=True)
class Replayer:
    """Replays workloads, and the moves of policies on them, on the RTL.

    Attributes:
        directory: where their traces are. command: what recorded those.
        knobs: of the simulator and DLEN. latency: of memory and translate port.
    """

    directory: Path
    knobs: Knobs
    latency: Latency
    command: str

    def run(self, workload: Workload) -> ReplayResult:
        """Replay a workload itself.

        Raises:
            VctxError: see `tb.replay.launch.replay`.
        """
        return self._replay(_trace(self.directory, workload.name, "run"), workload.config.vlen)

    def moves(self, plan: Mapping[str, list[Move]], workload: Workload) -> ReplayResult:
        """Replay the moves of every policy, in marks on behalf of the policy.

        Raises:
            VctxError: see `tb.replay.launch.replay`.
        """
        config = workload.config
        trace = _trace(self.directory, workload.name, "moves")
        header = header_of(config, self.command) | {"scenario": "policies", "ram_size": AUDIT_RAM_SIZE}
        with TraceWriter(trace, header) as writer:
            recorder = Recorder(writer, config.vlen // 8)
            record_moves(plan, config.vlen, config.harts, recorder)
            recorder.finish()
        return self._replay(trace, config.vlen)

    def _replay(self, trace: Path, vlen: int) -> ReplayResult:
        sim, dlen = self.knobs.sim, min(self.knobs.dlen, vlen)
        return replay(
            trace,
            sim=sim,
            dlen=dlen,
            out_dir=self.directory / f"replay-{trace.stem}",
            latency=self.latency,
            command=vctx_command("replay", trace, *replay_options(sim, dlen, self.latency), "--waves"),
        )


def count_traffic(policy: str, visits: Sequence[VisitCount], vsize: int) -> RtlCount:
    """Count the moves of a policy from the bus traffic in its marks; a context is `vsize` bytes."""
    counts = {"policy_save": Counter[int](), "policy_restore": Counter[int]()}
    partial = cycles = 0
    for visit in visits:
        if visit.who != policy or visit.what not in counts:
            continue
        traffic = visit.regions["context"]
        cycles += visit.cycles
        if vsize == (traffic.bytes_written if visit.what == "policy_save" else traffic.bytes_read):
            counts[visit.what].update(visit.by_cycles)
        else:
            partial += visit.visits
    saves, restores = counts.values()
    return RtlCount(saves.total(), restores.total(), partial, dict(saves), dict(restores), cycles)


def plot(rows: Sequence[Row]) -> str:
    """Return a bar chart of the cycles, in SVG: a group of bars for each workload, a bar for each policy."""
    groups = list(dict.fromkeys(row.run.workload for row in rows))
    values = {(row.run.workload, row.policy): row.rtl.cycles for row in rows}
    series = {policy: [values[group, policy] / 1000 for group in groups] for policy in POLICIES}
    return bars("cycles spent on saves and restores, in thousands", groups, series)
