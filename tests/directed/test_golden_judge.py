# SPDX-License-Identifier: Apache-2.0
"""The golden hart as a judge of traces: it agrees with what it recorded, and sees a difference."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from vctx.pymodel.scenarios.directed import SWEEPS
from vctx.pymodel.trace import Event, Insn, Retire, TraceError, TraceReader, TraceWriter
from vctx.tb.jobs.sweep import record
from vctx.tb.runs.golden import judge

VLEN = 128


def changed(source: Path, target: Path, change: Callable[[int, Insn], Insn]) -> Path:
    """Copy a trace with its instructions changed."""
    reader = TraceReader(source)
    with TraceWriter(target, reader.header) as writer:
        for index, event in enumerate(reader):
            now: Event = change(index, event) if isinstance(event, Insn) else event
            writer.event(now)
    return target


@pytest.mark.parametrize("name", ["bugs", "faults"])
def test_it_agrees_with_itself(name: str, tmp_path: Path) -> None:
    trace = tmp_path / name
    record(SWEEPS[name], trace, name=name, vlen=VLEN)
    found = judge(trace)
    assert found.ok
    assert found.judged == sum(isinstance(event, Insn) for event in TraceReader(trace)) > 100


def test_it_sees_a_difference_and_where(tmp_path: Path) -> None:
    source = tmp_path / "bugs"
    record(SWEEPS["bugs"], source, name="bugs", vlen=VLEN)
    wrong = next(i for i, event in enumerate(TraceReader(source)) if i > 50 and isinstance(event, Insn))

    def with_another_vl(index: int, event: Insn) -> Insn:
        retire: Retire = event.retire
        return Insn(event.hart, event.pc, event.issue, retire._replace(vl=77)) if index == wrong else event

    found = judge(changed(source, tmp_path / "wrong", with_another_vl))
    assert found.mismatch is not None
    assert found.mismatch.index == wrong
    assert [difference.field for difference in found.mismatch.differences] == ["vl"]


def test_a_page_without_answer_is_an_error(tmp_path: Path) -> None:
    source = tmp_path / "bugs"
    record(SWEEPS["bugs"], source, name="bugs", vlen=VLEN)

    def without_answers(index: int, event: Insn) -> Insn:
        return Insn(event.hart, event.pc, event.issue._replace(xlat=()), event.retire)

    with pytest.raises(TraceError, match=r"accesses page 0x.*, for which the trace has no answer"):
        judge(changed(source, tmp_path / "short", without_answers))
