# SPDX-License-Identifier: Apache-2.0
"""The main job, end to end: record the scenario on the golden model, replay it on the RTL, and judge both."""

from __future__ import annotations

import pickle
import shlex
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from vctx.pymodel.errors import UsageError
from vctx.pymodel.kvm.machine import RAM_BASE, load_kernel
from vctx.pymodel.kvm.version import by_name, with_routines
from vctx.pymodel.places import out_root
from vctx.pymodel.scenarios.invariants import INVARIANTS
from vctx.pymodel.scenarios.jobs import DEFAULT_JOB, JOBS
from vctx.pymodel.scenarios.shared_unit import (
    SharedUnitConfig,
    SharedUnitResult,
    compare_with_eager,
    config_of,
    run_shared_unit,
)
from vctx.pymodel.trace import TraceWriter
from vctx.pymodel.trace.recorder import Recorder
from vctx.tb.knobs import Knobs
from vctx.tb.process.files import same_file, write_json
from vctx.tb.process.folders import claimed, name_of
from vctx.tb.process.worker import Ask, Worker, preload
from vctx.tb.replay.accounting import Spread
from vctx.tb.replay.launch import run_replay
from vctx.tb.replay.live import Announcer
from vctx.tb.replay.result import Latency, ReplayConfig, ReplayResult
from vctx.tb.runs.beside import record_and_replay
from vctx.tb.runs.coverage import Watch, coverage_json
from vctx.tb.runs.defaults import FILL, LATENCY, design_options, design_suffix, latency_option, latency_suffix
from vctx.tb.runs.progress import Progress, silent
from vctx.tb.runs.repeat import vctx_command
from vctx.tb.simulators.build import build
from vctx.tb.simulators.design import Design, replay_design
from vctx.tb.simulators.filelist import OwnStatus
from vctx.tb.simulators.find import simulator
from vctx.tb.simulators.run import RESULTS

TASKS = 2

# Save and restore functions, and the region of their mark that the bus traffic is looked for in.
OPERATIONS = {
    "guest_vector_save": "guest_datap",
    "guest_vector_restore": "guest_datap",
    "host_vector_save": "host_datap",
    "host_vector_restore": "host_datap",
    "vstate_save": "task_datap",
    "vstate_restore": "task_datap",
}
# What an eager hypervisor and host would do each of them for: every entry or exit of a guest with V, of any, of a task.
_EAGER = {"guest": "entries with V", "host": "entries", "vstate": "task slices with V"}


@dataclass(frozen=True)
class Operation:
    """One kind of save or restore over the whole run. Bytes and cycles are the RTL's.

    Attributes:
        calls: times the function was called.
        done: calls that moved the whole context over the bus; partial: calls that moved some other amount.
        model: calls that moved it according to the model.
        eager: times an eager hypervisor does it: at every guest entry or exit; of a task, at each of its slices.
        bytes_moved, cycles: bus bytes in the context's buffer; cycles of the instructions involved.
        spread: of the cycles of one that moved the whole context. share: cycles, of all cycles of the vector units.
        eager_bytes, eager_cycles: the same for the eager hypervisor, at this run's mean cost.
    """

    name: str
    calls: int
    done: int
    partial: int
    model: int
    eager: int
    bytes_moved: int
    cycles: int
    spread: Spread
    share: float
    eager_bytes: int
    eager_cycles: int

    @property
    def elided(self) -> int:
        """What the lazy scheme did not do."""
        return self.eager - self.done

    @property
    def agrees(self) -> bool:
        """Whether bus and model say the same."""
        return self.partial == 0 and self.done == self.model


@dataclass
class Verdict:
    """Everything that a co-simulation found; `ok` when nothing is wrong."""

    knobs: Knobs
    model: SharedUnitResult
    rtl: ReplayResult
    operations: list[Operation]
    trace: Path
    path: Path
    command: str

    @property
    def ok(self) -> bool:
        """RTL and model agree, no invariant is broken, and the bus confirms what was saved and elided."""
        return self.rtl.ok and not self.model.ledger.broken and all(op.agrees for op in self.operations)

    def as_json(self) -> dict[str, Any]:
        """Return the verdict as JSON-able data."""
        ledger = self.model.ledger
        return {
            "ok": self.ok,
            "command": self.command,
            "knobs": asdict(self.knobs),
            "trace": str(self.trace),
            "counts": dict(sorted(self.model.counts.items())),
            "instructions_modelled": self.model.instructions,
            "operations": [asdict(op) | {"elided": op.elided, "agrees": op.agrees} for op in self.operations],
            "invariants": {
                name: {"checked": ledger.checks[name], "broken": ledger.broken[name], "text": invariant.text}
                for name, invariant in INVARIANTS.items()
            },
            "coverage": coverage_json(self.model.reached),
            "violations": [asdict(violation) for violation in ledger.violations],
            "rtl": asdict(self.rtl),
        }


def command_of(
    knobs: Knobs,
    pairs: int,
    entries: int,
    routines: str = "",
    *,
    job: str = DEFAULT_JOB,
    sim: bool = True,
    latency: Latency = LATENCY,
    waves: bool = False,
    status: OwnStatus | None = None,
    keep_going: bool = False,
) -> str:
    """Return the command that repeats a co-simulation; without `sim`, what determines its trace."""
    arguments = ["cosim", f"--vlen {knobs.vlen}", f"--harts {knobs.harts}", f"--vcpus {knobs.vcpus}"]
    arguments += [f"--kernel {knobs.kernel}", f"--job {job}", f"--seed {knobs.seed}"]
    arguments += [f"--pairs {pairs}", f"--entries {entries}"]
    arguments += [f"--routines {shlex.quote(routines)}"] if routines else []
    if sim:
        arguments += [f"--sim {knobs.sim}", f"--dlen {knobs.dlen}", *latency_option(latency)]
        arguments += [*design_options(status, keep_going), *(["--waves"] if waves else [])]
    return vctx_command(*arguments, out=sim)


def cosim(
    knobs: Knobs,
    *,
    job: str = DEFAULT_JOB,
    pairs: int | None = None,
    entries: int | None = None,
    routines: str = "",
    latency: Latency = LATENCY,
    waves: bool = False,
    live: bool = False,
    status: OwnStatus | None = None,
    keep_going: bool = False,
    progress: Progress = silent,
) -> Verdict:
    """Run the main job.

    Args:
        knobs: what takes part, on which simulator. job: which guests and events, by name, of JOBS.
        pairs, entries: least numbers of vcpu_load/vcpu_put pairs and of guest entries; by default the job's.
        routines: a file with save and restore routines in place of the kernel's own.
        latency: of memory and translate port. waves: dump waves.
        live: let the golden hypervisor drive the RTL itself, one instruction at a time, instead of a recording of it.
        status: what is in the place of the block's status registers.
        keep_going: do not stop at the RTL's first difference; not with `live`.
        progress: called with (phase, done, total); phases are "record", "build" and "replay", or "build" and "live".

    Raises:
        VctxError: see `tb.replay.launch.replay` and `pymodel.programs.build`.
    """

    if live and keep_going:
        raise UsageError("--keep-going: not with --live, which goes where the RTL goes")
    pairs = JOBS[job].pairs if pairs is None else pairs
    entries = JOBS[job].entries if entries is None else entries
    config = config_of(
        job,
        kernel=knobs.kernel,
        vlen=knobs.vlen,
        harts=knobs.harts,
        vcpus=knobs.vcpus,
        tasks=TASKS,
        seed=knobs.seed,
        pairs=pairs,
        entries=entries,
        routines=routines,
    )
    load_kernel(with_routines(by_name(knobs.kernel), routines))  # before anything slow
    name = (
        f"{knobs.sim}-{knobs.kernel}-vlen{knobs.vlen}-dlen{knobs.dlen}-h{knobs.harts}-v{knobs.vcpus}-seed{knobs.seed}"
    )
    if job != DEFAULT_JOB:
        name += f"-{job}"
    if (pairs, entries) != (JOBS[job].pairs, JOBS[job].entries):
        name += f"-pairs{pairs}-entries{entries}"
    if routines:
        name += f"-{name_of(Path(routines))}"
    out_dir = out_root() / "cosim" / (name + latency_suffix(latency) + design_suffix(status) + "-live" * live)
    trace = out_dir / "trace.vctx"
    again = partial(command_of, knobs, pairs, entries, routines, job=job)
    command = again(latency=latency, waves=waves, status=status, keep_going=keep_going) + " --live" * live
    preload(__name__)
    tool = simulator(knobs.sim)  # before anything slow: is it there?
    design = replay_design(
        knobs.vlen, knobs.dlen, knobs.harts, ram=config.ram_size, waves=waves, status=status, batch=not live
    )

    recorder = partial(_record, config, trace, again(sim=False))

    def prepare() -> None:
        progress("build", 0, 1)
        build(tool, design)
        progress("build", 1, 1)

    with claimed(out_dir):
        for stale in ("result.json", RESULTS):
            (out_dir / stale).unlink(missing_ok=True)
        twin = Worker(partial(_run_eagerly, config))
        try:
            if live:
                prepare()
                model, rtl = run_live(config, knobs, trace, design, command, latency, progress)
            else:
                both = record_and_replay(
                    recorder,
                    knobs,
                    trace,
                    latency=latency,
                    waves=waves,
                    progress=progress,
                    status=status,
                    keep_going=keep_going,
                    prepare=prepare,
                )
                model, rtl = both.recorded, both.replayed
            if rtl.mismatch is None or not live:
                compare_with_eager(model, twin.result())
        finally:
            twin.stop()
        verdict = Verdict(
            knobs, model, rtl, operations(model, rtl, knobs.vlen), trace, out_dir / "result.json", command
        )
        write_json(verdict.path, verdict.as_json())
        same_file(out_dir / "replay" / RESULTS, out_dir / RESULTS)
    return verdict


def _run_eagerly(config: SharedUnitConfig, ask: Ask) -> SharedUnitResult:
    """Run the scenario with a hypervisor that saves and restores always, in a process of its own."""
    return run_shared_unit(config.eagerly())


def _record(config: SharedUnitConfig, trace: Path, command: str, announcer: Announcer) -> SharedUnitResult:
    """Record, in a process of its own."""

    def tell(phase: str, done: int, total: int) -> None:
        announcer.progress(done, total)

    model = record(config, trace, command, tell, announcer.begin)
    announcer.end(model.counts["trace events"])
    return model


def run_live(
    config: SharedUnitConfig,
    knobs: Knobs,
    trace: Path,
    design: Design,
    command: str,
    latency: Latency,
    progress: Progress,
) -> tuple[SharedUnitResult, ReplayResult]:
    """Run the scenario with the golden hypervisor inside the simulation; what the RTL did becomes the trace.

    Args:
        config: the scenario. trace: the file that the RTL's own records make. design: a testbench that was built.
        command: what reproduces it. latency: of memory and translate port.

    Raises:
        VctxError: see `tb.replay.launch.run_replay`.
    """
    out_dir = (trace.parent / "replay").resolve()
    out_dir.mkdir(parents=True, exist_ok=True)
    again = command_of(knobs, config.pairs, config.entries, config.routines, job=config.job, sim=False)
    header = header_of(config, again)
    write_json(out_dir / "live.json", {"unit": asdict(config), "header": header})
    run_config = ReplayConfig(
        trace=str(trace),
        out_dir=str(out_dir),
        sim=knobs.sim,
        vlen=knobs.vlen,
        dlen=knobs.dlen,
        harts=knobs.harts,
        ram_base=RAM_BASE,
        ram_size=config.ram_size,
        fill=FILL,
        seed=knobs.seed,
        command=command,
        latency=latency,
        programs=header["programs"],
    )
    model_file = out_dir / "model.pickle"
    model_file.unlink(missing_ok=True)
    tool = simulator(knobs.sim)
    rtl = run_replay(
        tool,
        design,
        build(tool, design),
        run_config,
        test_module="vctx.tb.live.cosim_test",
        env={"VCTX_LIVE": str(out_dir / "live.json")},
        progress=lambda done: progress("live", done, done + 1),
    )
    progress("live", rtl.events, rtl.events)
    Path(rtl.observed).replace(trace)
    rtl.observed = str(trace)
    # Without a file the RTL departed from the model, which then had no chance to come to its end.
    model = pickle.loads(model_file.read_bytes()) if model_file.exists() else SharedUnitResult()
    return model, rtl


def header_of(config: SharedUnitConfig, command: str) -> dict[str, Any]:
    """Return the header of the scenario's trace; `command` is what reproduces it."""
    return {
        "scenario": "shared-unit",
        "command": command,
        "vlen": config.vlen,
        "harts": config.harts,
        "seed": config.seed,
        "ram_base": RAM_BASE,
        "ram_size": config.ram_size,
        "fill": FILL,
        "programs": config.images(),
    }


def record(
    config: SharedUnitConfig,
    trace: Path,
    command: str,
    progress: Progress,
    begin: Callable[[Path], None] | None = None,
) -> SharedUnitResult:
    """Record the scenario into a trace file.

    Args:
        config: the scenario. trace: the file. command: what reproduces it.
        progress: called with ("record", done, total).
        begin: called with the name that the file has while it is written, before the first event.
    """
    with TraceWriter(trace, header_of(config, command)) as writer:
        if begin is not None:
            begin(writer.partial)
        recorder = Recorder(writer, config.vlen // 8)
        watch = Watch(recorder, config.vlen)
        result = run_shared_unit(
            config, watch, lambda done, total: progress("record", done, total), lambda: writer.events
        )
        recorder.finish()
    result.reached = watch.points
    result.counts["trace events"] = writer.events
    return result


def operations(model: SharedUnitResult, rtl: ReplayResult, vlen: int) -> list[Operation]:
    """Count saves and restores from the bus traffic of the replay, beside what the model says."""
    vsize = 32 * vlen // 8
    found = []
    for name, region in OPERATIONS.items():
        visits = [count for count in rtl.visits if count.what == name]
        moved = Counter[int]()
        whole = Counter[int]()
        for count in visits:
            traffic = count.regions[region]
            size = traffic.bytes_written if name.endswith("save") else traffic.bytes_read
            moved[size] += count.visits
            if size == vsize:
                whole.update(count.by_cycles)
        done = moved[vsize]
        cycles = sum(count.cycles for count in visits)
        eager = model.counts[_EAGER[name.partition("_")[0]]]
        found.append(
            Operation(
                name,
                calls=moved.total(),
                done=done,
                partial=sum(number for size, number in moved.items() if 0 < size != vsize),
                model=model.counts[f"moved: {name}"],
                eager=eager,
                bytes_moved=sum(size * number for size, number in moved.items()),
                cycles=cycles,
                spread=Spread.of(whole),
                share=cycles / rtl.cycles if rtl.cycles else 0.0,
                eager_bytes=eager * vsize,
                eager_cycles=round(eager * cycles / done) if done else 0,
            )
        )
    return found
