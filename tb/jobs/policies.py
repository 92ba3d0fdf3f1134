# SPDX-License-Identifier: Apache-2.0
"""`vctx policies`: what each policy of saving and restoring costs, on recorded workloads, with cycles of the RTL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from vctx.pymodel.kvm.kernel import Kernel
from vctx.pymodel.kvm.machine import RAM_BASE, KernelObserver
from vctx.pymodel.kvm.structs import VState
from vctx.pymodel.kvm.version import CLEAN
from vctx.pymodel.places import out_root
from vctx.pymodel.scenarios.policies import POLICIES, Cost, Move, cost, execute, moves
from vctx.pymodel.scenarios.shared_unit import PROGRAMS, SharedUnitConfig
from vctx.pymodel.scenarios.workload import Workload, record
from vctx.pymodel.trace import TraceWriter
from vctx.pymodel.trace.recorder import Recorder
from vctx.tb.jobs.audit import AUDIT_RAM_SIZE
from vctx.tb.knobs import DEFAULT_DLEN, DEFAULT_SIM
from vctx.tb.plots.svg import bars
from vctx.tb.process.files import write_json
from vctx.tb.process.folders import claimed
from vctx.tb.replay.accounting import VisitCount
from vctx.tb.replay.launch import replay
from vctx.tb.replay.result import Mismatch, ReplayResult
from vctx.tb.runs.defaults import FILL, LATENCY
from vctx.tb.runs.progress import Progress, silent
from vctx.tb.runs.repeat import vctx_command
from vctx.tb.simulators.find import simulator

_BASE = SharedUnitConfig(pairs=30, entries=400)

# Name and configuration of each workload: the base, and one knob turned at a time.
WORKLOADS: dict[str, SharedUnitConfig] = {
    "base": _BASE,
    "no guest uses V": replace(_BASE, programs=("scalar",)),
    "1 of 4 uses V": replace(_BASE, programs=("scalar", "scalar", "scalar", "canary")),
    "all use V": replace(_BASE, programs=tuple(name for name in PROGRAMS if name not in ("nov", "scalar"))),
    "exits often": replace(_BASE, slice=60),
    "exits rarely": replace(_BASE, slice=3000),
    "2 vCPUs": replace(_BASE, vcpus=2),
    "8 vCPUs": replace(_BASE, vcpus=8),
    "VLEN 128": replace(_BASE, vlen=128),
    "VLEN 512": replace(_BASE, vlen=512),
}


@dataclass(frozen=True)
class RtlCount:
    """What the bus says of one policy's moves on one workload.

    Attributes:
        saves, restores: whole contexts that crossed the bus; partial: marks in which some other amount did.
        save_cycles, restore_cycles: of all of them.
    """

    saves: int
    restores: int
    partial: int
    save_cycles: int
    restore_cycles: int

    @property
    def cycles(self) -> int:
        """All cycles."""
        return self.save_cycles + self.restore_cycles

    def agrees(self, model: Cost) -> bool:
        """Whether the model counts the same."""
        return not self.partial and (self.saves, self.restores) == (model.saves, model.restores)


@dataclass(frozen=True)
class Row:
    """One policy on one workload: what the model counts, and what the bus of the RTL says."""

    workload: str
    vlen: int
    share: float
    policy: str
    cost: Cost
    rtl: RtlCount


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
    mismatches: dict[str, Mismatch] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """See the class."""
        best = {row.workload: row.cost for row in self.rows if row.policy == "optimum"}
        beaten = any(
            row.cost.saves < best[row.workload].saves or row.cost.restores < best[row.workload].restores
            for row in self.rows
        )
        return not beaten and not self.mismatches and all(row.rtl.agrees(row.cost) for row in self.rows)

    def as_json(self) -> dict[str, Any]:
        """Return the report as JSON-able data."""
        return {
            "ok": self.ok,
            "command": self.command,
            "mismatches": {name: asdict(mismatch) for name, mismatch in self.mismatches.items()},
            "rows": [
                asdict(row) | {"bytes": row.cost.bytes_moved(row.vlen), "cycles": row.rtl.cycles} for row in self.rows
            ],
        }


def run_policies(
    workloads: Mapping[str, SharedUnitConfig] = WORKLOADS,
    *,
    sim: str = DEFAULT_SIM,
    progress: Progress = silent,
) -> PolicyReport:
    """Compare the policies on workloads, on the golden model and the RTL.

    Args:
        workloads: the configuration of each, by name.
        sim: the simulator that replays the moves.
        progress: called with (phase, done, total); phases are "record" and "rtl".

    Raises:
        VctxError: see `tb.replay.launch.replay`.
    """

    simulator(sim)  # before anything slow: is it there?
    directory = out_root() / "policies"
    command = vctx_command("policies", f"--sim {sim}")
    with claimed(directory):
        recorded: list[Workload] = []
        for done, (name, config) in enumerate(workloads.items()):
            progress("record", done, len(workloads))
            recorded.append(record(name, config))
        progress("record", len(recorded), len(recorded))
        rows: list[Row] = []
        mismatches: dict[str, Mismatch] = {}
        for done, workload in enumerate(recorded):
            progress("rtl", done, len(recorded))
            plan = {policy: moves(policy, workload) for policy in POLICIES}
            replayed = replay_moves(plan, workload, directory, sim, command)
            if replayed.mismatch is not None:
                mismatches[workload.name] = replayed.mismatch
            counts = {policy: count_traffic(policy, replayed.visits, 32 * replayed.vlen // 8) for policy in plan}
            rows += [
                Row(workload.name, workload.config.vlen, workload.vector_share, policy, cost(found), counts[policy])
                for policy, found in plan.items()
            ]
        progress("rtl", len(recorded), len(recorded))
        result = PolicyReport(rows, directory / "result.json", directory / "policies.svg", command, mismatches)
        write_json(result.path, result.as_json())
        result.plot.write_text(plot(rows))
    return result


def record_moves(plan: dict[str, list[Move]], vlen: int, harts: int, observer: KernelObserver) -> None:
    """Execute the moves of every policy on golden harts, into `observer`."""
    kernel = Kernel(CLEAN, harts=harts, vlen=vlen, observer=observer)
    kernel.boot()
    contexts: dict[str, VState] = {}
    for policy, found in plan.items():
        execute(found, kernel, contexts, policy)


def replay_moves(
    plan: dict[str, list[Move]], workload: Workload, directory: Path, sim: str, command: str
) -> ReplayResult:
    """Replay the moves of every policy on the RTL, in marks on behalf of the policy.

    Raises:
        VctxError: see `tb.simulators.simulator.replay`.
    """
    vlen, harts = workload.config.vlen, workload.config.harts
    name = workload.name.replace(" ", "-")
    trace = directory / f"{name}.vctx"
    header = {
        "scenario": "policies",
        "command": command,
        "vlen": vlen,
        "harts": harts,
        "seed": 1,
        "ram_base": RAM_BASE,
        "ram_size": AUDIT_RAM_SIZE,
        "fill": FILL,
    }
    with TraceWriter(trace, header) as writer:
        recorder = Recorder(writer, vlen // 8)
        record_moves(plan, vlen, harts, recorder)
        recorder.finish()
    dlen = min(DEFAULT_DLEN, vlen)
    return replay(
        trace,
        sim=sim,
        dlen=dlen,
        out_dir=directory / f"replay-{name}",
        latency=LATENCY,
        command=vctx_command("replay", trace, f"--sim {sim} --dlen {dlen} --waves"),
    )


def count_traffic(policy: str, visits: Sequence[VisitCount], vsize: int) -> RtlCount:
    """Count the moves of a policy from the bus traffic in its marks; a context is `vsize` bytes."""
    own = [count for count in visits if count.who == policy]
    saves = [(count, count.regions["context"].bytes_written) for count in own if count.what == "policy_save"]
    restores = [(count, count.regions["context"].bytes_read) for count in own if count.what == "policy_restore"]
    return RtlCount(
        saves=sum(count.visits for count, size in saves if size == vsize),
        restores=sum(count.visits for count, size in restores if size == vsize),
        partial=sum(count.visits for count, size in (*saves, *restores) if size != vsize),
        save_cycles=sum(count.cycles for count, _ in saves),
        restore_cycles=sum(count.cycles for count, _ in restores),
    )


def plot(rows: Sequence[Row]) -> str:
    """Return a bar chart of the cycles, in SVG: a group of bars for each workload, a bar for each policy."""
    groups = list(dict.fromkeys(row.workload for row in rows))
    values = {(row.workload, row.policy): row.rtl.cycles for row in rows}
    series = {policy: [values[group, policy] / 1000 for group in groups] for policy in POLICIES}
    return bars("cycles spent on saves and restores, in thousands", groups, series)
