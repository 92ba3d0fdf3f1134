# SPDX-License-Identifier: Apache-2.0
"""Run a directed sweep: record it on the golden model, replay it on the RTL, execute it on Spike, check all three."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

from vctx.pymodel.isa import Latitude
from vctx.pymodel.places import RTL, out_root
from vctx.pymodel.scenarios.directed import SWEEPS, Failure, Probe, Sequence, Stimulus, failures
from vctx.pymodel.scenarios.directed.stimulus import FILL, RAM_BASE, RAM_SIZE
from vctx.pymodel.scenarios.directed.vs_states import KINDS, STATES, outcomes
from vctx.pymodel.trace import Insn, Retire, TraceReader, TraceWriter
from vctx.tb.process.files import write_json
from vctx.tb.process.folders import claimed
from vctx.tb.replay.launch import replay
from vctx.tb.replay.result import Latency, Mismatch, ReplayResult
from vctx.tb.runs.defaults import design_options, design_suffix
from vctx.tb.runs.repeat import vctx_command
from vctx.tb.simulators.filelist import OwnStatus
from vctx.tb.spike.judge import judge

GOLDEN, SPIKE = "golden model", "Spike"
_LISTED = 20  # failures kept in the JSON file, for each opinion


@dataclass
class Opinion:
    """What one producer made of the trace.

    Attributes:
        name: GOLDEN, SPIKE, or "RTL (simulator)".
        records: by position in the trace, as far as it got.
        probes: how many were checked.
        failures: probes that it does not satisfy.
        mismatch: the first difference from the golden model.
        replayed: of an RTL, the replay.
        unjudged: instructions that it was not asked about, by reason.
    """

    name: str
    records: Mapping[int, Retire]
    probes: int
    failures: list[Failure]
    mismatch: Mismatch | None = None
    unjudged: Mapping[str, int] = field(default_factory=dict)
    replayed: ReplayResult | None = None

    @property
    def ok(self) -> bool:
        """It satisfies the specification and agrees with the golden model."""
        return not self.failures and self.mismatch is None


@dataclass
class SweepResult:
    """A sweep and all opinions on it; `path` is its JSON file."""

    name: str
    vlen: int
    dlen: int
    trace: Path
    path: Path
    command: str
    instructions: int
    probes: list[Probe]
    opinions: list[Opinion]

    @property
    def ok(self) -> bool:
        """All satisfy the specification."""
        return all(opinion.ok for opinion in self.opinions)

    def as_json(self) -> dict[str, Any]:
        """Return the result as JSON-able data."""
        opinions = [
            {
                "name": o.name,
                "ok": o.ok,
                "probes": o.probes,
                "failed": len(o.failures),
                "failures": [failure.text() for failure in o.failures[:_LISTED]],
                "mismatch": o.mismatch and asdict(o.mismatch),
                "unjudged": dict(o.unjudged),
                **(_departures(o.replayed) if o.replayed and o.replayed.findings else {}),
            }
            for o in self.opinions
        ]
        facts = {"sweep": self.name, "vlen": self.vlen, "dlen": self.dlen, "trace": str(self.trace)}
        return {"ok": self.ok, "command": self.command, **facts, "instructions": self.instructions} | {
            "probes": len(self.probes),
            "opinions": opinions,
            **({"states": self._states()} if self.name == "states" else {}),
        }

    def _states(self) -> list[dict[str, Any]]:
        """Return what every opinion says of the 80 states, one entry for each kind of instruction and state."""
        found = {o.name: outcomes(self.probes, o.records) for o in self.opinions}
        rows = []
        for kind, state in product(KINDS, STATES):
            key = (kind, *state.key)
            by_name = {name: asdict(states[key]) for name, states in found.items() if key in states}
            rows.append({"kind": kind, **asdict(state), "outcomes": by_name})
        return rows


def _departures(replayed: ReplayResult) -> dict[str, Any]:
    return {
        "departures": replayed.departures,
        "following": replayed.following,
        "findings": [asdict(found) for found in replayed.findings],
        "notes": replayed.notes,
    }


def record(
    sequence: Sequence, path: Path, *, name: str, vlen: int, latitude: Latitude | None = None, command: str = ""
) -> list[Probe]:
    """Record a directed sequence on the golden model as a trace, and return its probes."""
    header = {
        "scenario": name,
        "command": command or vctx_command("replay", path),
        "vlen": vlen,
        "harts": 1,
        "seed": 1,
        "ram_base": RAM_BASE,
        "ram_size": RAM_SIZE,
        "fill": FILL,
        "latitude": asdict(latitude or Latitude()),
    }
    with TraceWriter(path, header) as writer:
        stimulus = Stimulus(writer, vlen, latitude)
        sequence(stimulus)
    return stimulus.probes


def records_of(trace: Path) -> dict[int, Retire]:
    """Return the record of every instruction of a trace, by position."""
    return {index: event.retire for index, event in enumerate(TraceReader(trace)) if isinstance(event, Insn)}


def golden_opinion(trace: Path, probes: list[Probe]) -> Opinion:
    """Check what the golden model recorded."""
    records = records_of(trace)
    return Opinion(GOLDEN, records, len(probes), failures(probes, records))


def spike_opinion(trace: Path, probes: list[Probe]) -> Opinion:
    """Execute the trace on Spike and check what it did; what it must not judge is counted, not checked."""
    found = judge(trace)
    checked = [probe for probe in probes if probe.index in found.records]
    wrong = failures(checked, found.records)
    return Opinion(SPIKE, found.records, len(checked), wrong, found.mismatch, found.unjudged)


def rtl_opinion(
    trace: Path,
    probes: list[Probe],
    *,
    sim: str,
    out_dir: Path,
    dlen: int = 64,
    latency: Latency | None = None,
    rtl: Path = RTL,
    status: OwnStatus | None = None,
    keep_going: bool = False,
    build_root: Path | None = None,
) -> Opinion:
    """Replay the trace on the RTL and check what was observed; arguments as for `tb.replay.launch.replay`."""
    result = replay(
        trace,
        sim=sim,
        out_dir=out_dir,
        dlen=dlen,
        latency=latency,
        rtl=rtl,
        status=status,
        keep_going=keep_going,
        build_root=build_root,
    )
    records = records_of(Path(result.observed))
    if result.mismatch is not None:
        probes = [probe for probe in probes if probe.index in records]  # it ended there
    wrong = failures(probes, records)
    return Opinion(f"RTL ({sim})", records, len(probes), wrong, result.mismatch, replayed=result)


def sweep(
    name: str,
    *,
    sim: str,
    vlen: int,
    dlen: int,
    spike: bool = True,
    status: OwnStatus | None = None,
    keep_going: bool = False,
) -> SweepResult:
    """Run one sweep of SWEEPS and write its result to sim_build/sweep.

    Args:
        name: which.
        sim, vlen, dlen: simulator, VLEN and bus width of the RTL.
        spike: ask Spike, too.
        status: what is in the place of the block's status registers.
        keep_going: do not stop at the RTL's first difference.

    Raises:
        VctxError: see `tb.replay.launch.replay`. ToolError: Spike is not installed.
    """
    out_dir = out_root() / "sweep" / f"{name}-{sim}-vlen{vlen}-dlen{dlen}{design_suffix(status)}"
    arguments = [name, f"--sim {sim}", f"--vlen {vlen}", f"--dlen {dlen}", *([] if spike else ["--no-spike"])]
    arguments += design_options(status, keep_going)
    command = vctx_command("sweep", *arguments)
    trace = out_dir / "trace.vctx"
    with claimed(out_dir):
        (out_dir / "result.json").unlink(missing_ok=True)
        probes = record(SWEEPS[name], trace, name=name, vlen=vlen, command=command)
        opinions = [golden_opinion(trace, probes)]
        if spike:
            opinions.append(spike_opinion(trace, probes))
        folder = out_dir / "replay"
        opinions.append(
            rtl_opinion(trace, probes, sim=sim, out_dir=folder, dlen=dlen, status=status, keep_going=keep_going)
        )
        instructions = len(opinions[0].records)
        result = SweepResult(name, vlen, dlen, trace, out_dir / "result.json", command, instructions, probes, opinions)
        write_json(result.path, result.as_json())
    return result
