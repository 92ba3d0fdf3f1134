# SPDX-License-Identifier: Apache-2.0
"""The cocotb test of `vctx cosim --live`: the main job, with the hypervisor driving the RTL itself.

The environment names the configuration: VCTX_REPLAY the replay's, VCTX_LIVE a JSON file with the header of the trace
and the :class:`~pymodel.scenarios.shared_unit.SharedUnitConfig`. What the model saw is left as a pickle beside it.
"""

from __future__ import annotations

import json
import os
import pickle
from pathlib import Path
from typing import Any

import cocotb
from cocotb.task import bridge

from vctx.pymodel.scenarios.shared_unit import SharedUnitConfig, SharedUnitResult, run_shared_unit
from vctx.pymodel.trace.recorder import Recorder
from vctx.tb.live.port import LivePort
from vctx.tb.replay.result import MismatchError, ReplayConfig
from vctx.tb.replay.step.drivers import HdlRam
from vctx.tb.replay.step.replay import Replay, reset
from vctx.tb.runs.coverage import Watch

LIVE_VARIABLE = "VCTX_LIVE"  # environment variable that names the file with header and configuration
MODEL_FILE = "model.pickle"


@cocotb.test()
async def cosim(dut: Any) -> None:
    """Run the main job on `vctx_tb`, and fail at the first instruction that differs."""
    config = ReplayConfig.given()
    live = json.loads(Path(os.environ[LIVE_VARIABLE]).read_text())
    unit = SharedUnitConfig(**live["unit"] | {"programs": tuple(live["unit"]["programs"])})
    harts = [dut.gen_hart[h].u_hart for h in range(config.harts)]
    await reset(dut, harts, config)
    replay = Replay(config, dut, harts, HdlRam(dut))
    try:
        with LivePort(replay, live["header"]) as port:
            recorder = Recorder(port, unit.vlen // 8)

            def run() -> SharedUnitResult:
                """Run in a thread of its own, where the port may wait for the RTL."""
                watch = Watch(recorder, unit.vlen)
                model = run_shared_unit(unit, watch, event=lambda: port.events)
                recorder.finish()
                model.reached = watch.points
                return model

            model = await bridge(run)()
            await port.flush()
            model.counts["trace events"] = port.events
        Path(config.out_dir, MODEL_FILE).write_bytes(pickle.dumps(model))
    except MismatchError:
        await replay.finish()
        raise
    await replay.finish()
    if replay.result.mismatch is not None:  # of the last events, or of RAM
        raise MismatchError(replay.result.mismatch)
