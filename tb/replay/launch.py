# SPDX-License-Identifier: Apache-2.0
"""Replay of a trace: choose the testbench, build it, run it, and look closer where it differs.

result = replay(trace, sim="verilator", dlen=128, out_dir=Path("sim_build/run"))
"""

from __future__ import annotations

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
from vctx.tb.simulators.design import Design, replay_design
from vctx.tb.simulators.find import simulator
from vctx.tb.simulators.gtkwave import write_save_file
from vctx.tb.simulators.run import run
from vctx.tb.simulators.simulator import WAVE_FILES, SimulationError, Simulator, log_tail

SAVE_FILE = "vctx.gtkw"  # the signal list beside the waves
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
    build_root: Path | None = None,
    step: bool = False,
    closer: bool = False,
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
        rtl: directory of the block.
        build_root: where builds are kept; default as for `tb.simulators.build.build`.
        step: hand over every instruction from Python, one at a time; slow, for debugging.
        closer: after a mismatch in a batch replay, run once more with waves of the records just before it.
        recording: `trace` is its file and still being written; in batch only.

    Raises:
        TraceError, UsageError: bad input. ToolError: no such simulator here. SimulationError: the run itself failed.
        CancelledError: the recording was given up.
    """
    header = Header.of(trace)
    for name, value, recorded in (("vlen", vlen, header.vlen), ("harts", harts, header.harts)):
        if value is not None and value != recorded:
            raise UsageError(f"{trace}: recorded with {name}={recorded}, cannot replay with {name}={value}")
    tool = simulator(sim)
    design = replay_design(
        header.vlen,
        dlen or 64,
        header.harts,
        ram=header.ram_size,
        has_v=header.has_v,
        waves=waves,
        rtl=rtl,
        batch=not step,
    )
    built = build(tool, design, build_root)

    config = replay_config(
        trace, sim=sim, dlen=design.parameters["DLEN"], out_dir=out_dir, latency=latency, seed=seed, command=command
    )
    _forget_waves(out_dir)
    if step:
        result = run_replay(tool, design, built, config, progress=progress)
    else:
        result = run_batch(tool, design, built, config, progress=progress, recording=recording)
    if result.mismatch is not None and recording is None:
        _check(config)
    if closer and result.failed_record is not None and not waves:
        _look_closer(tool, replace(design, waves=True), config, result, build_root)
    return result


def _forget_waves(out_dir: Path) -> None:
    """Remove the waves of an earlier run."""
    for folder in (out_dir, out_dir / "closer"):
        for name in (*WAVE_FILES, SAVE_FILE):
            (folder / name).unlink(missing_ok=True)


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
    window = max(0, result.failed_record - NEIGHBOURHOOD), result.failed_record
    again = run_batch(tool, design, built, replace(config, out_dir=str(out_dir)), window=window)
    result.waves = again.waves
    result.repeated = again.mismatch is not None and again.mismatch.text() == result.mismatch.text()
    result.write(config.result)


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
    )


def run_replay(
    tool: Simulator,
    design: Design,
    built: Path,
    config: ReplayConfig,
    *,
    test_module: str = "vctx.tb.replay.step.replay",
    env: Mapping[str, str] | None = None,
    plusargs: Sequence[str] = (),
    progress: Callable[[int], None] | None = None,
) -> ReplayResult:
    """Run a replay test module on a finished build; see `replay`."""
    out_dir, config_file = Path(config.out_dir), Path(config.out_dir) / "config.json"
    result_file, progress_file = config.result, config.progress
    for stale in (result_file, progress_file, config.observed):
        stale.unlink(missing_ok=True)
    write_json(config_file, asdict(config))

    def poll() -> None:
        if progress is not None and progress_file.exists():
            progress(json.loads(progress_file.read_text())["events"])

    environment = {CONFIG_VARIABLE: str(config_file), **(env or {})}
    passed = run(
        tool, design, built, test_module, out_dir, seed=config.seed, env=environment, plusargs=plusargs, poll=poll
    )
    if not result_file.exists():
        raise SimulationError(
            f"the replay ended without a result; log: {out_dir / 'sim.log'}\n{log_tail(out_dir / 'sim.log')}"
        )
    result = ReplayResult.read(result_file)
    if result.error is not None:
        raise TraceError(result.error)
    if result.ok != passed:
        raise SimulationError(f"the replay failed after it had passed; log: {out_dir / 'sim.log'}")
    if design.waves:
        result.waves = str(out_dir / tool.wave_file())
        write_save_file(out_dir / SAVE_FILE, Path(result.waves), f"{design.top}.gen_hart[{{}}].u_hart", config.harts)
        result.write(result_file)
    return result


def run_batch(
    tool: Simulator,
    design: Design,
    built: Path,
    config: ReplayConfig,
    *,
    plusargs: Sequence[str] = (),
    progress: Callable[[int], None] | None = None,
    window: tuple[int, int] | None = None,
    recording: Recording | None = None,
) -> ReplayResult:
    """Replay in batch on a finished build; see `replay`.

    Args:
        window: stimulus records, first and last, of which waves are dumped; the run ends there. Default all.
    """
    from vctx.tb.replay.batch.conversation import (  # brings numpy, which the simulators' processes never need
        BatchError,
        batch_replay,
    )

    config.result.unlink(missing_ok=True)
    config.observed.unlink(missing_ok=True)
    waves = Path(config.out_dir) / tool.wave_file() if design.waves else None
    command = [*tool.batch_run(built, config.seed, design.waves), *plusargs]
    if waves is not None:
        first, until = (window[0], window[1] + 1) if window else (0, -1)
        command += [f"+waves={waves}", f"+waves_from={first}", f"+until={until}"]
    try:
        result = batch_replay(
            command,
            config,
            four_state=tool.four_state,
            graceful=design.waves,
            recording=recording,
            progress=progress,
        )
    except BatchError as error:
        log = Path(config.out_dir) / "sim.log"
        raise SimulationError(f"{tool.name}: {error}; log: {log}\n{log_tail(log)}") from None
    if waves is not None and waves.exists():
        result.waves = str(waves)
        write_save_file(waves.with_name(SAVE_FILE), waves, tool.batch_scope, config.harts)
    result.write(config.result)
    return result
