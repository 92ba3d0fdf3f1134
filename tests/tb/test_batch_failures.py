# SPDX-License-Identifier: Apache-2.0
"""Batch replays that fail in themselves: one clear reason, nothing half made, waves that can be read."""

from __future__ import annotations

import os
import signal
import struct
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
from tb_designs import DLEN, edited, ordinary
from tb_scripts import Script, script
from test_simulator import running_in

from vctx.tb.replay.launch import TEST_MODULES, replay, replay_config, run_replay
from vctx.tb.simulators.build import build
from vctx.tb.simulators.design import Design
from vctx.tb.simulators.find import simulator
from vctx.tb.simulators.simulator import SimulationError

BREAKING = """
import os

from vctx.tb.replay.batch import replay as module
from vctx.tb.replay.batch.replay import replay

calls = []
usual = module.{where}

def breaking(*args):
    calls.append(args)
    if len(calls) == {call}:
        {how}
    return usual(*args)

module.{where} = breaking
"""

IMPATIENT = """
from vctx.tb.replay.batch import replay as module
from vctx.tb.replay.batch.replay import replay

module.patience = lambda config: 20_000
"""


def fails(design: Design, sim: str, tmp_path: Path, *, chunk: int = 10, module: str | None = None) -> str:
    """Replay a script on a design and return how that fails; it leaves no result."""
    tool = simulator(sim)
    trace = script("context").write(tmp_path / "t.trace")
    config = replay_config(trace, sim=sim, dlen=DLEN, out_dir=tmp_path / "run")
    config = replace(config, chunk=chunk)
    with pytest.raises(SimulationError) as error:
        run_replay(tool, design, build(tool, design), config, test_module=module, env={"PYTHONPATH": str(tmp_path)})
    assert error.value.exit_code == 3
    assert not config.result.exists() and not config.observed.exists()
    return str(error.value)


def assert_readable(run: Path) -> None:
    """Waves were closed: an FST has its time of end, a VCD whole lines."""
    (dump,) = run.glob("dump.*")
    if dump.suffix == ".fst":
        kind, _, start, end = struct.unpack(">BQQQ", dump.read_bytes()[:25])
        assert kind == 0 and end > start
    else:
        text = dump.read_text()
        assert "$enddefinitions" in text and text.rstrip("\n").splitlines()[-1][0] in "#01b"


@pytest.mark.parametrize(
    ("where", "call"), [("mark_record", 1), ("BatchReplay._compare", 2), ("BatchReplay._start", 3)]
)
def test_an_exception_in_the_coroutine_is_the_reason(where: str, call: int, sim: str, tmp_path: Path) -> None:
    """Anywhere: at the end, on the thread that compares, and between two chunks."""
    how = 'raise RuntimeError("a coroutine has gone wrong")'
    (tmp_path / "raises.py").write_text(BREAKING.format(where=where, call=call, how=how))
    text = fails(ordinary(batch=True, waves=True), sim, tmp_path, module="raises")
    assert text.startswith(f"{sim}: the replay failed: RuntimeError: a coroutine has gone wrong; log: ")
    assert_readable(tmp_path / "run")


def test_a_testbench_that_gets_nowhere_is_ended(sim: str, tmp_path: Path) -> None:
    """Its time goes on and on."""
    edits = {"vctx_tb_batch_hart.sv": ("assign take_o  = valid_i", "assign take_o  = 1'b0 && valid_i")}
    (tmp_path / "impatient.py").write_text(IMPATIENT)
    design = edited(ordinary(batch=True, waves=True), edits, tmp_path / "hdl")
    text = fails(design, sim, tmp_path, module="impatient")
    assert "StuckError: the testbench has taken no record in 20,000 cycles" in text and "\n" not in text
    assert_readable(tmp_path / "run")


def test_a_testbench_that_ends_too_early_is_not_believed(tmp_path: Path) -> None:
    edits = {"vctx_tb_batch.sv": ("kind = got ?", "kind = got && records < 20 ?")}
    text = fails(edited(ordinary(batch=True), edits, tmp_path / "hdl"), "icarus", tmp_path)
    assert "StoppedError: the testbench stopped before the trace did" in text


def test_a_simulator_that_gives_up_closes_its_waves(tmp_path: Path) -> None:
    give_up = 'if (records == 40) $fatal(1, "no more");'
    edits = {"vctx_tb_batch.sv": ("records = records + 1;", f"records = records + 1; {give_up}")}
    text = fails(edited(ordinary(batch=True, waves=True), edits, tmp_path / "hdl"), "icarus", tmp_path)
    assert "the simulation ended prematurely" in text and "\n" not in text
    assert "no more" in (tmp_path / "run" / "sim.log").read_text()
    assert_readable(tmp_path / "run")


def test_a_simulator_that_is_killed_is_an_error(sim: str, tmp_path: Path) -> None:
    s = Script()
    s.on()
    for _ in range(200_000 if sim == "verilator" else 20_000):
        s.csrr(0xC22, 16)
    trace, run = s.write(tmp_path / "long.trace"), tmp_path / "run"

    def kill() -> None:
        while not (run / "progress.json").exists():
            time.sleep(0.01)
        for process in running_in(run):
            os.kill(process, signal.SIGKILL)

    killer = threading.Thread(target=kill, daemon=True)
    build(simulator(sim), ordinary(batch=True))
    killer.start()
    with pytest.raises(SimulationError, match=f"{sim} ended with status -9"):
        replay(trace, sim=sim, out_dir=run, dlen=DLEN)
    assert not (run / "result.json").exists() and not (run / "observed.trace").exists()


def test_waves_of_a_simulator_that_died_can_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are dumped anew, as text; the other kind of file is nothing unless it is closed."""
    (tmp_path / "dies.py").write_text(BREAKING.format(where="BatchReplay._conclude", call=1, how="os._exit(9)"))
    monkeypatch.setitem(TEST_MODULES, True, "dies")
    monkeypatch.syspath_prepend(tmp_path)
    trace, run = script("context").write(tmp_path / "t.trace"), tmp_path / "run"
    with pytest.raises(SimulationError, match="icarus ended with status 9 and no results"):
        replay(trace, sim="icarus", out_dir=run, dlen=DLEN, waves=True)
    assert [path.name for path in run.glob("dump.*")] == ["dump.vcd"]
    assert_readable(run)


def test_a_testbench_that_does_not_import_is_an_error(tmp_path: Path) -> None:
    text = fails(ordinary(batch=True), "icarus", tmp_path, module="nothing_of_that_name")
    assert "no results" in text and "nothing_of_that_name" in text
