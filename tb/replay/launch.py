# SPDX-License-Identifier: Apache-2.0
"""Replay of a trace: choose the testbench, build it, run it, and look closer where it differs.

result = replay(trace, sim="verilator", dlen=128, out_dir=Path("sim_build/run"))
"""

from __future__ import annotations

import contextlib
import copy
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path

from vctx.pymodel.errors import UsageError
from vctx.pymodel.places import RTL
from vctx.pymodel.trace import TraceError, TraceReader
from vctx.pymodel.trace.header import Header
from vctx.tb.process.files import write_json
from vctx.tb.replay.live import Recording
from vctx.tb.replay.result import CONFIG_VARIABLE, Latency, ReplayConfig, ReplayResult
from vctx.tb.simulators.build import build
from vctx.tb.simulators.design import BATCH_HART, Design, replay_design
from vctx.tb.simulators.filelist import OwnStatus
from vctx.tb.simulators.find import simulator
from vctx.tb.simulators.gtkwave import FILTERS, write_save_file
from vctx.tb.simulators.run import RESULTS, failure, run
from vctx.tb.simulators.simulator import WAVE_FILES, SimulationError, Simulator

SAVE_FILE = "vctx.gtkw"  # the signal list beside the waves
TEST_MODULES = {True: "vctx.tb.replay.batch.replay", False: "vctx.tb.replay.step.replay"}  # in batch, or not
NEIGHBOURHOOD = 200  # stimulus records before a mismatch of which waves are dumped


def replay(
    trace: Path,
    *,
    sim: str,
    out_dir: Path,
    vlen: int | None = None,
    dlen: int | None = None,
    harts: int | None = None,
    latency: Latency | None = None,
    seed: int | None = None,
    waves: bool = False,
    command: str | None = None,
    progress: Callable[[int], None] | None = None,
    rtl: Path = RTL,
    status: OwnStatus | None = None,
    build_root: Path | None = None,
    step: bool = False,
    closer: bool = False,
    keep_going: bool = False,
    recording: Recording | None = None,
) -> ReplayResult:
    """Replay a trace and return what came of it; the same is left in `out_dir` as result.json.

    Args:
        trace: the file to replay.
        sim: "verilator" or "icarus".
        out_dir: directory of the run's files; two runs at the same time need two.
        vlen, harts: must be those of the trace, if given. dlen: bus width in bits; default 64.
        latency: of memory and translate port; default none.
        seed: of latencies and initial values; default the trace's.
        waves: dump all signals; `ReplayResult.waves` names the file.
        command: what reproduces the run, for failure reports; default what recorded the trace.
        progress: called with the number of events replayed so far.
        rtl: directory of the block. status: what is in the place of its status registers.
        build_root: where builds are kept; default as for `tb.simulators.build.build`.
        step: hand over every instruction from Python, one at a time; slow, for debugging.
        closer: after a mismatch in a batch replay, run once more with waves of the records just before it.
        keep_going: go on behind what differs, in batch only; `ReplayResult.findings` has it by rule.
        recording: `trace` is its file and still being written; in batch only.

    Raises:
        TraceError, UsageError: bad input. ToolError: no such simulator here. SimulationError: the run itself failed.
        CancelledError: the recording was given up.
    """
    header = Header.of(trace)
    for name, value, recorded in (("vlen", vlen, header.vlen), ("harts", harts, header.harts)):
        if value is not None and value != recorded:
            raise UsageError(f"{trace}: recorded with {name}={recorded}, cannot replay with {name}={value}")
    if keep_going and step:
        raise UsageError("--keep-going: not with --step, which stops where it can be looked at")
    tool = simulator(sim)
    design = replay_design(
        header.vlen,
        dlen or 64,
        header.harts,
        ram=header.ram_size,
        has_v=header.has_v,
        waves=waves,
        rtl=rtl,
        status=status,
        batch=not step,
    )
    built = build(tool, design, build_root)

    config = replay_config(
        trace, sim=sim, dlen=design.parameters["DLEN"], out_dir=out_dir, latency=latency, seed=seed, command=command
    )
    config = replace(config, keep_going=keep_going)
    _forget_waves(out_dir)
    try:
        result = run_replay(tool, design, built, config, progress=progress, recording=recording)
    except SimulationError:
        if waves and recording is None and (Path(config.out_dir) / WAVE_FILES[0]).exists():
            _dump_as_text(tool, design, config, build_root)
        raise
    if result.mismatch is not None and recording is None:
        _check(config)
    if closer and result.failed_record is not None and not waves:
        _look_closer(tool, replace(design, waves=True), config, result, build_root)
    return result


def _forget_waves(out_dir: Path) -> None:
    """Remove the waves of an earlier run."""
    for folder in (out_dir, out_dir / "closer"):
        # FST has a second file until it is closed.
        for name in (*WAVE_FILES, f"{WAVE_FILES[0]}.hier", SAVE_FILE, *(file for file, _ in FILTERS.values())):
            (folder / name).unlink(missing_ok=True)


def _dump_as_text(tool: Simulator, design: Design, config: ReplayConfig, build_root: Path | None) -> None:
    """Repeat a run whose simulator died, if it did: nobody can read an FST file that was not closed."""
    out_dir = Path(config.out_dir)
    if (out_dir / RESULTS).exists():
        return
    plain = copy.copy(tool)
    plain.plain_waves = True
    _forget_waves(out_dir)
    with contextlib.suppress(SimulationError):
        run_replay(plain, design, build(plain, design, build_root), config)


def _check(config: ReplayConfig) -> None:
    """Raise TraceError if the trace is damaged: then the mismatch is no fault of the RTL's."""
    from vctx.pymodel.trace.bulk import verify  # brings numpy

    try:
        verify(TraceReader(Path(config.trace)))
    except TraceError:
        config.result.unlink()
        raise


def _look_closer(
    tool: Simulator, design: Design, config: ReplayConfig, result: ReplayResult, build_root: Path | None
) -> None:
    """Repeat a batch replay that failed, with waves of what led to it, and note the outcome in `result`.

    Its timing is repeated with it, which a replay step by step would not do.
    """
    assert result.mismatch is not None and result.failed_record is not None
    out_dir = Path(config.out_dir) / "closer"
    out_dir.mkdir(exist_ok=True)
    built = build(tool, design, build_root)
    first, last = max(0, result.failed_record - NEIGHBOURHOOD), result.failed_record
    config = replace(config, out_dir=str(out_dir), growing=None, keep_going=False)
    again = run_replay(tool, design, built, replace(config, waves_from=first, until=last + 1))
    result.waves = again.waves
    result.repeated = again.mismatch is not None and again.mismatch.text() == result.mismatch.text()
    result.write(out_dir.parent / config.result.name)


def replay_config(
    trace: Path,
    *,
    sim: str,
    dlen: int,
    out_dir: Path,
    latency: Latency | None = None,
    seed: int | None = None,
    command: str | None = None,
) -> ReplayConfig:
    """Return the configuration of a replay in `out_dir`, which is made; arguments as for `replay`."""
    header = Header.of(trace)
    out_dir = out_dir.resolve()
    out_dir.mkdir(parents=True, exist_ok=True)
    return ReplayConfig(
        trace=str(trace.resolve()),
        out_dir=str(out_dir),
        sim=sim,
        vlen=header.vlen,
        dlen=dlen,
        harts=header.harts,
        ram_base=header.ram_base,
        ram_size=header.ram_size,
        fill=header.fill,
        seed=header.seed if seed is None else seed,
        command=header.command if command is None else command,
        latency=latency or Latency(),
        programs=header.programs,
    )


def run_replay(
    tool: Simulator,
    design: Design,
    built: Path,
    config: ReplayConfig,
    *,
    test_module: str | None = None,
    env: Mapping[str, str] | None = None,
    plusargs: Sequence[str] = (),
    progress: Callable[[int], None] | None = None,
    recording: Recording | None = None,
) -> ReplayResult:
    """Run the cocotb test of a replay on a finished build; see `replay`.

    Args:
        test_module: the module with the test; default the one for the testbench of `design`.
        env, plusargs: see `tb.simulators.run.run`.
    """
    out_dir, config_file = Path(config.out_dir), Path(config.out_dir) / "config.json"
    for stale in (config.result, config.progress, config.observed):
        stale.unlink(missing_ok=True)
    if recording is not None:
        config = replace(config, growing=str(recording.partial))
    if design.batch and design.waves and config.waves_from is None:
        config = replace(config, waves_from=0)
    write_json(config_file, asdict(config))

    def report() -> None:
        if progress is not None and config.progress.exists():
            progress(json.loads(config.progress.read_text())["events"])

    def poll() -> None:
        if recording is not None:
            recording.check()
        report()

    module = test_module or TEST_MODULES[design.batch]
    environment = {CONFIG_VARIABLE: str(config_file), **(env or {})}
    try:
        passed = run(
            tool, design, built, module, out_dir, seed=config.seed, env=environment, plusargs=plusargs, poll=poll
        )
        report()  # what the last poll came too early for
        result = _result(tool, config, passed=passed)
    except BaseException as error:
        for half_made in (config.result, config.observed):
            half_made.unlink(missing_ok=True)
        if recording is not None and isinstance(error, SimulationError):
            recording.check()  # which may be why
        raise
    waves = out_dir / tool.wave_file()
    if design.waves and waves.exists():
        scope = f"{design.top}.gen_hart[{{}}].{BATCH_HART if design.batch else 'u_hart'}"
        vlen = config.vlen if design.parameters["HasV"] else 0
        result.waves = str(waves)
        write_save_file(out_dir / SAVE_FILE, waves, scope, config.harts, vlen, view=design.batch)
        result.write(config.result)
    return result


def _result(tool: Simulator, config: ReplayConfig, *, passed: bool) -> ReplayResult:
    """Return what a replay that has ended left.

    Raises:
        TraceError: the trace is bad. SimulationError: nothing was left, or it is not true.
    """
    out_dir = Path(config.out_dir)
    log = out_dir / "sim.log"
    if not config.result.exists():
        why = failure(out_dir) or "it ended without a result"
        raise SimulationError(f"{tool.name}: the replay failed: {why}; log: {log}")
    result = ReplayResult.read(config.result)
    if result.error is not None:
        raise TraceError(result.error)
    if result.ok != passed:
        raise SimulationError(f"{tool.name}: the replay failed after it had passed; log: {log}")
    return result
