# SPDX-License-Identifier: Apache-2.0
"""What `vctx trace info` counts is what is there."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
from typer.testing import CliRunner

from vctx.pymodel.places import own_version
from vctx.pymodel.trace import (
    Checkpoint,
    Event,
    Insn,
    Issue,
    Mark,
    Retire,
    Store,
    Sync,
    TraceError,
    TraceReader,
    TraceWriter,
)
from vctx.pymodel.trace.file import FORMAT
from vctx.pymodel.trace.info import inspect
from vctx.tb.cli import app

EVENTS: list[Event] = [
    Mark(0, True, "save", "vcpu0"),
    *(Insn(hart, 4 * number, Issue(0x57), Retire(rd=number)) for number, hart in enumerate([0, 2, 2, 0, 2, 2])),
    Store(1, 0x8000_0000, b"\x01\x02"),  # its first byte looks like a kind, and is not one
    Sync(),
    Sync(),
    Checkpoint(2, Retire(vregs={3: bytes(16)})),
]


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    path = tmp_path / "t.vctx"
    with TraceWriter(
        path, {"vlen": 128, "harts": 3, "ram_base": 0x8000_0000, "command": "vctx cosim --seed 7"}
    ) as writer:
        for event in EVENTS:
            writer.event(event)
    return path


def test_counts_are_those_of_the_events(trace: Path) -> None:
    info = inspect(trace)
    kinds = Counter(type(event).__name__.lower() for event in TraceReader(trace))
    assert info.events == dict(kinds) == {"insn": 6, "store": 1, "mark": 1, "sync": 2, "checkpoint": 1}
    assert info.instructions == {0: 2, 2: 4}
    assert (info.size, info.format) == (trace.stat().st_size, FORMAT)
    assert info.header == TraceReader(trace).header


def test_json_and_text(trace: Path) -> None:
    runner = CliRunner()
    shown = runner.invoke(app, ["trace", "info", "--json", str(trace)])
    assert shown.exit_code == 0
    assert json.loads(shown.output) == inspect(trace).as_json()
    text = runner.invoke(app, ["trace", "info", str(trace)]).output
    for part in (
        f"{FORMAT}, written by vctx {own_version()}",
        f"{trace.stat().st_size:,} bytes",
        "harts 3, ram_base 0x80000000, vlen 128",
        "vctx cosim --seed 7",
        "11: 6 insn, 1 store, 1 mark, 2 sync, 1 checkpoint",
        "6 (hart 0: 2, hart 2: 4)",
    ):
        assert part in text


@pytest.mark.parametrize("cut", [3, 20, -1])
def test_a_damaged_trace_is_not_counted(trace: Path, cut: int) -> None:
    trace.write_bytes(trace.read_bytes()[:cut])
    with pytest.raises(TraceError):
        inspect(trace)
