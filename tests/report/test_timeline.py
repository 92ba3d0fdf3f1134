# SPDX-License-Identifier: Apache-2.0
"""The timeline of a trace: who is in the registers, what moved, and that a page has it all or says what it left out."""

from __future__ import annotations

import base64
import gzip
import json
from collections import Counter
from dataclasses import fields
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vctx.pymodel.scenarios.shared_unit import SharedUnitConfig, SharedUnitResult
from vctx.pymodel.trace import Insn, Mark, TraceReader
from vctx.tb.jobs.cosim import record
from vctx.tb.replay.timing import TIMING
from vctx.tb.runs.progress import silent
from vctx.tb.timeline.build import place, timeline
from vctx.tb.timeline.model import Instructions, Slices, Timeline
from vctx.tb.timeline.pack import Packed, pack

CONFIG = SharedUnitConfig(vlen=128, kernel="v12", seed=5, pairs=10, entries=120)
MOVERS = "guest_vector_save", "guest_vector_restore", "host_vector_save", "host_vector_restore"
LINUX = "kvm_riscv_vcpu_"


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, SharedUnitResult]:
    trace = tmp_path_factory.mktemp("trace") / "t.vctx"
    return trace, record(CONFIG, trace, "", silent)


@pytest.fixture(scope="module")
def timed(recorded: tuple[Path, SharedUnitResult]) -> Path:
    """Times as a replay would write them: each instruction takes 3 cycles, and moves what it stores."""
    trace, _ = recorded
    rows = [(at, event) for at, event in enumerate(TraceReader(trace)) if isinstance(event, Insn)]
    times = np.zeros(len(rows), TIMING)
    for row, (at, event) in zip(times, rows, strict=True):
        row["event"], row["at"], row["cycles"], row["written"] = at, 40 * at, 3, len(event.retire.mem)
    path = trace.with_name("timing.bin")
    times[::-1].tofile(path)  # in any order
    return path


@pytest.fixture(scope="module")
def found(recorded: tuple[Path, SharedUnitResult], timed: Path) -> Timeline:
    return timeline(recorded[0], timed)


def slices_of(found: Timeline, name: str) -> list[tuple[Slices, int]]:
    number = found.names.index(name)
    return [(hart.slices, int(at)) for hart in found.harts for at in np.flatnonzero(hart.slices.name == number)]


def test_every_instruction_and_every_function_is_there(
    found: Timeline, recorded: tuple[Path, SharedUnitResult]
) -> None:
    events = list(TraceReader(recorded[0]))
    for number, hart in enumerate(found.harts):
        expected = [(at, e) for at, e in enumerate(events) if isinstance(e, Insn) and e.hart == number]
        assert hart.instructions.event.tolist() == [at for at, _ in expected]
        codes = [found.codes[code] for code in hart.instructions.code.tolist()]
        assert [(c.pc, c.insn) for c in codes] == [(e.pc, e.issue.insn) for _, e in expected]
        states = [found.states[state] for state in hart.instructions.state.tolist()]
        assert [(s[0], s[5]) for s in states] == [(e.retire.vl, e.retire.vsstatus_vs) for _, e in expected]
        entered = sum(isinstance(e, Mark) and e.enter and e.hart == number for e in events)
        assert len(hart.slices) == entered
    assert sum(not code.symbol for code in found.codes) < len(found.codes) / 10


def test_saves_move_what_the_model_says_and_functions_nest(
    found: Timeline, recorded: tuple[Path, SharedUnitResult]
) -> None:
    counts = recorded[1].counts
    for name in MOVERS:
        visits = slices_of(found, LINUX + name)
        assert len(visits) == counts[name]
        if name.endswith("save"):
            whole = [slices for slices, at in visits if slices.written[at] == found.context]
            assert len(whole) == counts[f"moved: {name}"]
    for hart in found.harts:
        slices = hart.slices
        assert (slices.start <= slices.end).all() and (np.diff(slices.start.astype(np.int64)) >= 0).all()
        for at in np.flatnonzero(slices.depth):
            outer = max(np.flatnonzero(slices.depth[:at] == slices.depth[at] - 1))
            assert slices.start[outer] <= slices.start[at] and slices.end[at] <= slices.end[outer]


def test_guests_and_tasks_find_their_own_registers(found: Timeline) -> None:
    """The monitor says so of this kernel; the timeline follows the owners by itself."""
    for name in ("__kvm_riscv_switch_to", "user mode"):
        for slices, at in slices_of(found, name):
            if slices.last[at] - slices.first[at] > 3:  # it does not only turn VS on and off
                assert found.names[int(slices.owner[at])] in (found.names[int(slices.who[at])], "nobody")
    owners = {found.names[int(value)] for hart in found.harts for value in hart.owner.value}
    assert {"vcpu0", "vcpu1", "task0", "nobody"} <= owners


def test_guests_that_come_from_another_hart_have_migrated(
    found: Timeline, recorded: tuple[Path, SharedUnitResult]
) -> None:
    runs: dict[str, list[int]] = {}
    for event in TraceReader(recorded[0]):
        if isinstance(event, Mark) and event.enter and event.what == "guest":
            runs.setdefault(event.who, []).append(event.hart)
    due = {who: sum(a != b for a, b in pairwise(harts)) for who, harts in runs.items()}
    migrated = [found.names[int(hart.slices.who[int(at)])] for hart in found.harts for at in hart.migrations]
    assert Counter(migrated) == Counter(due)
    assert len(migrated) >= recorded[1].counts["migrations"] > 0  # the job counts those at the entry alone


def test_a_break_is_placed_in_the_function_that_it_was_found_after(
    found: Timeline, recorded: tuple[Path, SharedUnitResult]
) -> None:
    broken = next(v for v in recorded[1].ledger.violations if v.invariant == "hgatp-kept")
    assert broken.event is not None
    where = place(found, broken.event, "text")
    slices = found.harts[where.hart].slices
    assert f"hart {where.hart}, {found.names[int(slices.who[where.slice])]}," in broken.where
    assert slices.event[where.slice] < broken.event and where.text == "text"


def test_without_times_the_trace_s_own_order_is_the_time(recorded: tuple[Path, SharedUnitResult]) -> None:
    untimed = timeline(recorded[0])
    assert untimed.unit == "events"
    assert all((hart.instructions.end == hart.instructions.event + 1).all() for hart in untimed.harts)


def unpacked(packed: Packed, described: dict[str, Any]) -> dict[str, Any]:
    """What the page makes of columns, in Python."""
    data = gzip.decompress(base64.b64decode(packed.blobs[described["blob"]]))
    out, at = {}, 0
    for name, width, ascends in described["columns"]:
        end = at + width * described["rows"]
        values = np.frombuffer(data[at:end], f"<u{width}").astype(np.int64)
        out[name] = np.cumsum(values) & 0xFFFFFFFF if ascends else values
        at = end
    assert at == len(data)
    return out


def test_a_page_has_all_of_it(found: Timeline) -> None:
    packed = pack(found)
    assert packed.left_out == "" and json.dumps(packed.index)
    for hart, described in zip(found.harts, packed.index["harts"], strict=True):
        slices = unpacked(packed, described["slices"])
        slices["end"] = slices["start"] + slices["cycles"] + slices["wait"]
        slices["last"] = slices["first"] + slices["count"]
        for field in fields(Slices):
            assert slices[field.name].tolist() == getattr(hart.slices, field.name).tolist(), field.name
        pieces = [unpacked(packed, piece) for piece in described["pieces"]]
        columns = {name: np.concatenate([piece[name] for piece in pieces]) for name in pieces[0]}
        columns["end"] = np.cumsum(columns["wait"] + columns["cycles"])
        for name in ("address", "rd"):
            low, high = (columns[f"{name}.{half}"].astype(np.uint64) for half in ("low", "high"))
            columns[name] = high << np.uint64(32) | low
        for field in fields(Instructions):
            assert columns[field.name].tolist() == getattr(hart.instructions, field.name).tolist(), field.name


def test_a_page_that_would_be_too_large_says_what_it_leaves_out(found: Timeline) -> None:
    whole = pack(found)
    size = sum(map(len, whole.blobs))
    lean = pack(found, budget=size - 1)
    assert lean.left_out.startswith("operands and results of instructions:")
    assert sum(map(len, lean.blobs)) < size - 1
    instructions = [len(lean.blobs[piece["blob"]]) for hart in lean.index["harts"] for piece in hart["pieces"]]
    rest = sum(map(len, lean.blobs)) - sum(instructions)
    last = place(found, 1 << 40, "the end")
    least = pack(found, [last], budget=rest + instructions[last.hart])
    assert "instructions far from every finding" in least.left_out
    assert [len(hart["pieces"]) for hart in least.index["harts"]] == [int(h == last.hart) for h in range(CONFIG.harts)]
