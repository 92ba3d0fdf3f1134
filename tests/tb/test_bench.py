# SPDX-License-Identifier: Apache-2.0
"""The benchmark: its parts measure what they say. Speeds are not asserted."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from vctx.pymodel.trace import Insn, Issue, Retire, Store, TraceReader, TraceWriter
from vctx.pymodel.trace.bulk import verify
from vctx.pymodel.trace.header import Header
from vctx.tb.bench import __main__ as bench_command
from vctx.tb.bench import builds as build_times
from vctx.tb.bench import long, workload
from vctx.tb.bench.bare import build_bare, run_bare, write_stimulus
from vctx.tb.bench.errors import BenchError
from vctx.tb.bench.long import MAX_MEMORY, LongReplay, write_long
from vctx.tb.bench.speed import (
    BARE,
    BATCH,
    DLEN,
    PIPELINE,
    SPIKE,
    STEP,
    WITHOUT_LATENCY,
    Row,
    Size,
    Speeds,
    pipeline,
    speeds,
)
from vctx.tb.bench.workload import (
    VLEN,
    Timed,
    Workload,
    contexts,
    cut,
    instructions_of,
    main_job,
    with_processor_time,
)
from vctx.tb.replay.batch.stimulus import RECORD_BYTES
from vctx.tb.replay.launch import replay, replay_config
from vctx.tb.replay.result import Latency
from vctx.tb.simulators.verilator import Compilation

TINY = Size(entries=60, iterations=20, step=300, icarus=60, rounds=1)


@pytest.fixture(scope="module", params=["main job", "contexts"])
def recorded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Workload:
    directory = tmp_path_factory.mktemp("bench")
    return main_job(directory, TINY.entries) if request.param == "main job" else contexts(directory, TINY.iterations)


def stimulus(trace: Path) -> Path:
    config = replay_config(trace, sim="verilator", dlen=DLEN, out_dir=trace.parent / "run")
    return write_stimulus(config, trace.with_suffix(".stimulus"))


def image(trace: Path) -> bytes:
    """Return what RAM must hold at the end of a trace."""
    header = Header.of(trace)
    ram = bytearray([header.fill]) * header.ram_size
    for event in TraceReader(trace):
        if isinstance(event, Store):
            start = event.paddr - header.ram_base
            ram[start : start + len(event.data)] = event.data
        elif isinstance(event, Insn):
            for address, byte in event.retire.mem.items():
                ram[address - header.ram_base] = byte
    return bytes(ram)


def test_the_bare_loop_executes_the_trace(recorded: Workload, tmp_path: Path) -> None:
    ram = tmp_path / "ram"
    run = run_bare(build_bare(VLEN, DLEN), stimulus(recorded.trace), recorded.recorded.instructions, ram)
    assert run.cycles > run.instructions
    assert ram.read_bytes() == image(recorded.trace)


def test_the_bare_loop_does_what_the_stimulus_says(recorded: Workload, tmp_path: Path) -> None:
    """The image of RAM follows from the stimulus: without the last store it is another one."""
    records = stimulus(recorded.trace).read_bytes()
    stores = [at for at in range(0, len(records), RECORD_BYTES) if records[at] == 2]
    changed = tmp_path / "changed.stimulus"
    changed.write_bytes(records[: stores[-1]] + records[stores[-1] + RECORD_BYTES :])
    ram = tmp_path / "ram"
    run_bare(build_bare(VLEN, DLEN), changed, recorded.recorded.instructions, ram)
    assert ram.read_bytes() != image(recorded.trace)


def test_the_bare_loop_must_retire_every_instruction(recorded: Workload) -> None:
    with pytest.raises(BenchError, match="retired"):
        run_bare(build_bare(VLEN, DLEN), stimulus(recorded.trace), recorded.recorded.instructions + 1)


def test_the_bare_loop_refuses_half_a_stimulus(recorded: Workload, tmp_path: Path) -> None:
    half = tmp_path / "half.stimulus"
    half.write_bytes(stimulus(recorded.trace).read_bytes()[:-RECORD_BYTES])
    with pytest.raises(BenchError, match="not a whole stimulus"):
        run_bare(build_bare(VLEN, DLEN), half, recorded.recorded.instructions)


def test_the_golden_model_and_spike_run_the_same(tmp_path: Path) -> None:
    ten, hundred = (contexts(tmp_path, iterations).recorded.instructions for iterations in (10, 100))
    each = (hundred - ten) // 90
    assert hundred - ten == 90 * each
    found = contexts(tmp_path, 100)
    assert found.golden().instructions == ten  # a tenth
    assert found.spike is not None
    assert found.spike().instructions == hundred


def test_a_program_that_fails_is_not_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = tmp_path / "context.S"
    source.write_text(workload.SOURCE.read_text().replace("csrw\tvstart, x0", "csrw\tvl, x0"))
    monkeypatch.setattr(workload, "SOURCE", source)
    with pytest.raises(BenchError, match="exit code 100"):
        contexts(tmp_path, 3)


def test_the_pipeline_records_and_replays_the_same_anew(recorded: Workload, tmp_path: Path) -> None:
    timed = with_processor_time(lambda: pipeline(recorded, Latency(), tmp_path / "pipeline"))
    assert timed.instructions == recorded.recorded.instructions
    assert timed.python is not None and timed.others is not None
    assert timed.recorder > 0 and timed.compared > 0
    assert timed.python > timed.recorder + timed.compared
    assert timed.others > 0
    assert (tmp_path / "pipeline" / "observed.trace").read_bytes() == recorded.trace.read_bytes()


def test_the_pipeline_must_compare_every_instruction(recorded: Workload, tmp_path: Path) -> None:
    more = replace(recorded, recorded=replace(recorded.recorded, instructions=recorded.recorded.instructions + 1))
    with pytest.raises(BenchError, match="instructions compared"):
        pipeline(more, Latency(), tmp_path / "pipeline")


class Wrong:
    """Records a workload, in whichever process, with one wrong vl."""

    def __init__(self, record: Callable[..., object]) -> None:
        self.record = record

    def __call__(self, *arguments: object) -> object:
        insn = TraceWriter.insn

        def wrong(self: TraceWriter, hart: int, pc: int, issue: Issue, retire: Retire) -> None:
            insn(self, hart, pc, issue, retire._replace(vl=retire.vl ^ (self.events == 200)))

        TraceWriter.insn = wrong  # type: ignore[method-assign]
        return self.record(*arguments)


def test_the_pipeline_must_agree(recorded: Workload, tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="vl"):
        pipeline(replace(recorded, record=Wrong(recorded.record)), Latency(), tmp_path / "pipeline")


def test_a_cut_is_the_beginning(recorded: Workload, tmp_path: Path) -> None:
    short = cut(recorded.trace, tmp_path / "short", 100)
    events = list(TraceReader(short))
    assert events == list(TraceReader(recorded.trace))[:100]
    assert instructions_of(short) == sum(isinstance(event, Insn) for event in events)


def test_ratios_are_within_a_workload() -> None:
    rows = [Row("a", STEP, [Timed(10, 1.0)]), Row("a", BARE, [Timed(100, 2.0), Timed(100, 1.0)])]
    found = Speeds([*rows, Row("b", BARE, [Timed(7, 1.0)])])
    assert found.ratio(rows[1], STEP) == 10
    assert found.ratio(rows[0], BARE) == 0.1


def test_every_way_is_measured(tmp_path: Path) -> None:
    found = speeds(tmp_path, TINY, lambda text: None)
    assert len({row.workload for row in found.rows}) == 3
    for row in found.rows:
        both = row.workload.startswith("main job") and row.way in WITHOUT_LATENCY
        assert len(row.rounds) == TINY.rounds * (2 if both else 1)
        assert row.per_second > 0
    spike = [row for row in found.rows if row.way == SPIKE]
    assert [row.workload for row in spike] == ["contexts, memory without latency"]
    by_way = {(row.workload, row.way): row.rounds[0] for row in found.rows}
    for name in {row.workload for row in found.rows}:
        batch, bare, whole = (by_way[name, way] for way in (BATCH, BARE, PIPELINE))
        assert batch.instructions == bare.instructions == whole.instructions
        assert whole.python is not None and whole.python > whole.recorder + whole.compared
        assert whole.recorder > 0 and whole.compared > 0
        assert batch.recorder == 0 and batch.compared > 0
    json = found.as_json()
    assert [row["of the bare loop"] for row in json if row["way"] == BARE] == [1, 1, 1]


def test_a_long_trace_is_true(tmp_path: Path) -> None:
    trace = tmp_path / "long.trace"
    written = write_long(trace, 2000)
    assert 2000 <= written < 2100
    assert instructions_of(trace) == written
    verify(TraceReader(trace))
    result = replay(trace, sim="verilator", dlen=DLEN, out_dir=tmp_path / "run")
    assert result.ok
    assert result.instructions == written
    assert image(trace) == image(trace.with_suffix(".2"))


def test_iterations_that_differ_are_not_repeated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = tmp_path / "context.S"
    source.write_text(workload.SOURCE.read_text().replace("vsub.vx\tv10, v8, s9", "vsub.vx\tv10, v8, t6"))
    monkeypatch.setattr(workload, "SOURCE", source)
    with pytest.raises(BenchError, match="iterations of the program differ"):
        write_long(tmp_path / "long.trace", 2000)


@pytest.mark.parametrize(("memory", "fits"), [(MAX_MEMORY, True), (MAX_MEMORY + 1, False)])
def test_too_much_memory_fails(memory: int, fits: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench_command, "long_replays", lambda *_: [LongReplay(10, 100, 1.0, memory)])
    assert bench_command.long(tmp_path) is fits
    assert (tmp_path / "long.json").exists()


def test_a_long_replay_is_measured(tmp_path: Path) -> None:
    (found,) = long.long_replays(tmp_path, (2000,), lambda text: None)
    assert found.instructions >= 2000
    assert 0 < found.memory < MAX_MEMORY
    assert not (tmp_path / "long.trace").exists()


def test_options_that_exclude_each_other_are_bad_usage() -> None:
    command = [sys.executable, "-m", "vctx.tb.bench", "--quick", "--long"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr == "error: --quick, --long and --builds exclude each other\n"


def test_a_testbench_is_built_as_it_was_chosen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build_times, "CHOICES", (Compilation("-O0", jobs=2),))
    (built,) = build_times.builds(tmp_path / "builds", main_job(tmp_path, TINY.entries), 1, lambda _: None)
    log = (tmp_path / "builds" / "0" / "build.log").read_text()
    compiled = [line for line in log.splitlines() if line.startswith("c++") and " -c " in line]
    assert compiled and all(" -O0 " in line and Compilation().optimize not in line.split() for line in compiled)
    assert built.wall > 0 and len(built.replays) == len(built.simulations) == 1
