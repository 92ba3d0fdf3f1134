# SPDX-License-Identifier: Apache-2.0
"""Batch replay beside step-by-step replay: the same counts, the same reports, whatever the size of a chunk."""

from __future__ import annotations

import copy
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tb_designs import DLEN, ordinary
from tb_scripts import script, write_trace

from vctx.pymodel.trace import Insn
from vctx.pymodel.trace.bulk import Runs
from vctx.tb.replay.batch.image import FlatImage
from vctx.tb.replay.launch import replay, replay_config, run_replay
from vctx.tb.replay.memory import GoldenImage
from vctx.tb.replay.result import Latency, ReplayResult
from vctx.tb.simulators.build import build
from vctx.tb.simulators.find import simulator

BASE, SIZE, FILL = 0x8000_0000, 0x3000, 0xA5


def counts(result: ReplayResult) -> dict[str, Any]:
    """Return everything that must not depend on how the trace was handed over; cycles do."""
    assert result.ok, result.mismatch
    raw = asdict(result)
    kept = ("events", "instructions", "stores", "checkpoints", "bytes_read", "bytes_written", "functions", "visits")
    for count in (*raw["functions"], *raw["visits"]):
        del count["cycles"]
    for visit in raw["visits"]:
        visit["by_cycles"] = sum(visit["by_cycles"].values())
    return {name: raw[name] for name in kept}


def falsified(name: str, path: Path) -> Path:
    """Write a script's trace with a wrong bit in the last vl that an instruction leaves."""
    events = copy.deepcopy(list(script(name).events))
    last = [event for event in events if isinstance(event, Insn)][-1]
    last.retire = last.retire._replace(vl=last.retire.vl ^ 1)
    return write_trace(path, events)


@pytest.mark.parametrize("name", ["context", "bus", "memory"])
def test_batch_counts_what_step_by_step_counts(name: str, sim: str, tmp_path: Path) -> None:
    trace = script(name).write(tmp_path / "t.trace")
    batch, step = (replay(trace, sim=sim, out_dir=tmp_path / str(step), step=step) for step in (False, True))
    assert counts(batch) == counts(step)


@pytest.mark.parametrize("chunk", [1, 7])
def test_the_size_of_a_chunk_changes_nothing_but_cycles(chunk: int, tmp_path: Path) -> None:
    trace = script("context").write(tmp_path / "t.trace")
    tool, design = simulator("icarus"), ordinary(batch=True)
    config = replay_config(trace, sim="icarus", dlen=DLEN, out_dir=tmp_path / "run")
    usual = run_replay(tool, design, build(tool, design), config)
    small = run_replay(tool, design, build(tool, design), replace(config, chunk=chunk))
    assert counts(small) == counts(usual)
    assert small.cycles != usual.cycles  # of which it takes more, since harts wait more often


def test_both_ways_report_the_same_mismatch(sim: str, tmp_path: Path) -> None:
    trace = falsified("context", tmp_path / "t.trace")
    batch, step = (replay(trace, sim=sim, out_dir=tmp_path / str(step), step=step) for step in (False, True))
    assert batch.mismatch is not None and step.mismatch is not None
    timeless = [replace(mismatch, time=None, cycle=None).text() for mismatch in (batch.mismatch, step.mismatch)]
    assert timeless[0] == timeless[1]
    assert Path(batch.observed).read_bytes() == Path(step.observed).read_bytes()


def test_a_mismatch_is_repeated_with_waves(sim: str, tmp_path: Path) -> None:
    trace = falsified("context", tmp_path / "t.trace")
    result = replay(trace, sim=sim, out_dir=tmp_path / "run", latency=Latency(cycles=3, random=True), closer=True)
    assert result.mismatch is not None and result.repeated is True
    assert result.waves is not None and Path(result.waves).stat().st_size > 1000
    assert ReplayResult.read(tmp_path / "run" / "result.json") == result


def test_waves_start_where_they_are_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Waves of the last record alone are smaller than waves of all."""
    trace = falsified("context", tmp_path / "t.trace")
    sizes = []
    for reach in (0, 200):
        monkeypatch.setattr("vctx.tb.replay.launch.NEIGHBOURHOOD", reach)
        result = replay(trace, sim="icarus", out_dir=tmp_path / str(reach), closer=True)
        assert result.repeated and result.waves is not None
        sizes.append(Path(result.waves).stat().st_size)
    assert sizes[0] < sizes[1]


@given(st.lists(st.tuples(st.integers(-20, SIZE + 20), st.binary(min_size=1, max_size=5000)), max_size=8))
def test_the_image_in_runs_is_the_image_in_bytes(stores: list[tuple[int, bytes]]) -> None:
    data = b"".join(part for _, part in stores)
    length = np.array([len(part) for _, part in stores], np.int64)
    addr = np.array([BASE + offset for offset, _ in stores], np.int64)
    flat, golden = FlatImage(BASE, SIZE, FILL), GoldenImage(FILL)
    flat.write(np.frombuffer(data, np.uint8), Runs(np.arange(len(stores)), addr, np.cumsum(length) - length, length))
    pages: dict[int, str] = {}
    for offset, part in stores:
        for i, byte in enumerate(part):
            if 0 <= offset + i < SIZE:
                golden.store(BASE + offset + i, bytes([byte]))
    for page in range(BASE >> 12, (BASE + SIZE) >> 12):
        pages[page] = bytes(golden._page(page)).hex()
    assert flat.differences(pages) == []
    pages[BASE >> 12] = "00" + pages[BASE >> 12][2:]
    assert len(flat.differences(pages)) == (golden._page(BASE >> 12)[0] != 0)
