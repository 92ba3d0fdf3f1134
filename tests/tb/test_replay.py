# SPDX-License-Identifier: Apache-2.0
"""Hand-made traces replay without a difference on both simulators, with any timing, bus width and memory."""

from __future__ import annotations

import json
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from tb_designs import DLEN, edited, replay_on, with_axi_pins
from tb_scripts import (
    E8M1,
    E8M8,
    NAMES,
    RAM_BASE,
    RAM_SIZE,
    VLENB,
    Script,
    context_script,
    fault_script,
    memory_script,
    pattern,
    script,
    write_trace,
)

from vctx.pymodel.isa import encode
from vctx.pymodel.trace import Checkpoint, Insn, Trap
from vctx.tb.replay.launch import replay
from vctx.tb.replay.result import Latency, ReplayResult
from vctx.tb.simulators.design import replay_design


def comparable(result: ReplayResult) -> ReplayResult:
    """The result without what may differ between two runs."""
    return replace(result, sim="", seconds=0.0, compared=0.0, observed="")


@pytest.mark.parametrize("name", NAMES)
def test_both_simulators_observe_exactly_the_trace(name: str, tmp_path: Path) -> None:
    """The observed file equals the trace byte for byte, and every count, cycles included, is the same on both."""
    events = script(name).events
    trace = write_trace(tmp_path / f"{name}.trace", events)
    results = [replay(trace, sim=sim, out_dir=tmp_path / sim) for sim in ("verilator", "icarus")]
    for result in results:
        assert result.ok, result.mismatch
        assert result.instructions == sum(isinstance(event, Insn) for event in events)
        assert result.checkpoints == sum(isinstance(event, Checkpoint) for event in events)
        assert result.events == len(events)
        assert Path(result.observed).read_bytes() == trace.read_bytes()
    assert comparable(results[0]) == comparable(results[1])


TIMINGS = {
    "fixed_10": Latency(cycles=10),
    "fixed_50": Latency(cycles=50, xlat=7),
    "random": Latency(cycles=20, random=True, stall=100, xlat=12),
    "stalled": Latency(stall=200),
}


@pytest.mark.parametrize("timing", TIMINGS)
def test_timing_does_not_change_what_is_observed(timing: str, sim: str, tmp_path: Path) -> None:
    trace = script("bus").write(tmp_path / "bus.trace")
    fast = replay(trace, sim=sim, out_dir=tmp_path / "fast")
    slow = replay(trace, sim=sim, out_dir=tmp_path / "slow", latency=TIMINGS[timing])
    assert fast.ok and slow.ok, slow.mismatch
    assert slow.cycles > fast.cycles
    assert Path(slow.observed).read_bytes() == trace.read_bytes()


def test_random_latency_follows_the_seed(tmp_path: Path) -> None:
    trace = script("context").write(tmp_path / "context.trace")
    latency = Latency(cycles=20, random=True, stall=100)
    runs = [replay(trace, sim="icarus", out_dir=tmp_path / "run", latency=latency, seed=seed) for seed in (1, 1, 2)]
    assert runs[0].cycles == runs[1].cycles != runs[2].cycles


def test_bus_width_does_not_change_what_is_observed(tmp_path: Path) -> None:
    trace = script("bus").write(tmp_path / "bus.trace")
    narrow, wide = (replay(trace, sim="icarus", out_dir=tmp_path / str(dlen), dlen=dlen) for dlen in (64, 128))
    assert narrow.ok and wide.ok, wide.mismatch
    assert wide.cycles < narrow.cycles
    assert Path(wide.observed).read_bytes() == Path(narrow.observed).read_bytes() == trace.read_bytes()


@pytest.mark.parametrize("waves", [False, True])
def test_waves_and_a_save_file_are_left_where_the_result_says(waves: bool, sim: str, tmp_path: Path) -> None:
    trace = script("context").write(tmp_path / "context.trace")
    result = replay(trace, sim=sim, out_dir=tmp_path / "run", waves=waves)
    assert result.ok, result.mismatch
    dumps = [path for path in (tmp_path / "run").iterdir() if path.name.startswith("dump.")]
    if not waves:
        assert result.waves is None and dumps == []
        return
    assert result.waves is not None and dumps == [Path(result.waves)] and dumps[0].stat().st_size > 10_000
    save_file = (tmp_path / "run" / "vctx.gtkw").read_text()
    scope = "vctx_tb_batch.gen_hart[1].vctx_tb_batch_hart"
    assert result.waves in save_file and f"{scope}.u_dut.retire_valid_o" in save_file
    if result.waves.endswith(".vcd"):
        scopes = re.findall(r"\$scope module (\S+)", Path(result.waves).read_text())
        assert set(scope.split(".")) <= set(scopes)


def test_the_result_file_mirrors_the_result(tmp_path: Path) -> None:
    trace = script("context").write(tmp_path / "context.trace")
    result = replay(trace, sim="icarus", out_dir=tmp_path / "run")
    assert ReplayResult.read(tmp_path / "run" / "result.json") == result
    raw = json.loads((tmp_path / "run" / "result.json").read_text())
    assert raw["ok"] is True and raw["mismatch"] is None


def test_traffic_is_charged_to_functions_and_regions(sim: str, tmp_path: Path) -> None:
    """A context of 32 registers is 512 bytes at VLEN=128; CSR instructions move none."""
    trace = script("context").write(tmp_path / "context.trace")
    result = replay(trace, sim=sim, out_dir=tmp_path / "run")
    seen = [
        (i.what, i.who, i.instructions, {n: (r.bytes_read, r.bytes_written) for n, r in i.regions.items()})
        for i in result.visits
    ]
    assert seen == [
        ("guest_vector_restore", "vcpu0", 9, {"guest_datap": (512, 0), "host_datap": (0, 0)}),
        ("guest_vector_save", "vcpu0", 11, {"guest_datap": (0, 512), "tail": (0, 4)}),
        ("host_vector_restore", "host", 5, {"host_datap": (512, 0)}),
    ]
    functions = {(f.what, f.who): f for f in result.functions}
    assert (functions["vcpu_load", "vcpu0"].calls, functions["vcpu_load", "vcpu0"].instructions) == (1, 0)
    assert functions["guest_vector_save", "vcpu0"].bytes_written == 512
    assert functions["-", "-"].instructions == 1  # before the first mark
    assert sum(f.cycles for f in functions.values()) == result.cycles
    assert sum(f.instructions for f in functions.values()) == result.instructions
    assert (result.bytes_read, result.bytes_written) == (1024, 512)


def test_another_memory_gives_the_same_result(tmp_path: Path) -> None:
    """cocotbext-axi's AxiRam was written by others: an error common to the block and our memory would show."""
    s = Script()
    for part in (memory_script, fault_script, context_script):
        part(s)
    trace = write_trace(tmp_path / "axiram.trace", s.events, harts=1)
    result = replay_on(with_axi_pins(), trace, tmp_path / "run")
    assert result.ok, result.mismatch
    assert result.instructions == sum(isinstance(event, Insn) for event in s.events)
    assert Path(result.observed).read_bytes() == trace.read_bytes()


def test_stores_wait_for_write_responses_that_are_late(tmp_path: Path) -> None:
    """Three bursts a store, since its two pages have hundreds of beats: more than the block keeps account of."""
    vlen = 4096
    design = replay_design(vlen, DLEN, 1, batch=True)
    late = ("answer_due[slot] = now_q +", "answer_due[slot] = 32'd1000 + now_q +")
    design = edited(design, {"vctx_tb_axi_port.sv": late}, tmp_path / "late")
    design = edited(design, {"vctx_tb_axi_port.sv": ("int Queue = 4;", "int Queue = 16;")}, tmp_path / "many")
    data = bytes([5]) * vlen
    s = Script()
    s.on()
    s.vsetvli(vlen, E8M8, vlen)
    s.insn("vmv.v.i", {"vd": 8, "imm": 5}, vregs={8 + n: data[: vlen // 8] for n in range(8)})
    for at in range(3):
        s.store_group(8, RAM_BASE + 0x2000 - 8 + 0x4000 * at, data)
    result = replay_on(design, write_trace(tmp_path / "t.trace", s.events, harts=1, vlen=vlen), tmp_path / "run")
    assert result.ok, result.mismatch
    assert result.cycles > 2000


def test_physical_addresses_have_56_bits(sim: str, tmp_path: Path) -> None:
    base = (1 << 56) - RAM_SIZE
    s = Script()
    s.on()
    s.store(base, pattern(3, VLENB))
    s.vsetvli(VLENB, E8M1, VLENB)
    s.load_group(8, base, pattern(3, VLENB))
    s.store_group(8, base + RAM_SIZE - VLENB, pattern(3, VLENB))
    trace = write_trace(tmp_path / "t.trace", s.events, ram_base=base)
    for step in (False, True):
        result = replay(trace, sim=sim, out_dir=tmp_path / str(step), step=step)
        assert result.ok, result.mismatch


def test_stores_reach_ram_in_any_shape(sim: str, tmp_path: Path) -> None:
    """Scalar stores of every alignment and length, overlapping, across words and a page, as a vector load sees them."""
    s = Script()
    s.on()
    s.vsetvli(1 << 20, 0xC3, 128)
    base = RAM_BASE + 0x1FC0
    memory = bytearray([0xA5]) * 128
    for i, (offset, length) in enumerate([(0, 1), (3, 5), (6, 17), (15, 1), (63, 2), (60, 9), (90, 38), (1, 2)]):
        memory[offset : offset + length] = pattern(16 * i, length)
        s.store(base + offset, pattern(16 * i, length))
    s.load_group(8, base, bytes(memory))
    s.sync()
    s.store(base + 5, b"\x11\x22", hart=1)
    s.sync()
    memory[5:7] = b"\x11\x22"
    s.load_group(16, base, bytes(memory))
    result = replay(s.write(tmp_path / "stores.trace"), sim=sim, out_dir=tmp_path / "run")
    assert result.ok, result.mismatch
    assert result.stores == 9


def test_two_runs_at_once_do_not_collide(tmp_path: Path) -> None:
    traces = [script(name).write(tmp_path / f"{name}.trace") for name in ("context", "fault")]
    with ThreadPoolExecutor(2) as pool:
        runs = [pool.submit(replay, trace, sim="icarus", out_dir=tmp_path / trace.stem) for trace in traces]
    assert [run.result().ok for run in runs] == [True, True]


def test_progress_is_reported_and_ends_below_the_number_of_events(tmp_path: Path) -> None:
    s = Script()
    s.on()
    for _ in range(3000):
        s.csrr(0xC22, VLENB)
    seen: list[int] = []
    assert replay(s.write(tmp_path / "long.trace"), sim="icarus", out_dir=tmp_path / "run", progress=seen.append).ok
    assert seen and seen == sorted(seen) and 0 < seen[-1] <= len(s.events)


def test_without_the_vector_unit_everything_is_illegal(tmp_path: Path) -> None:
    s = Script()
    s.csrw(0x300, 3 << 9)  # VS is read-only zero
    for word in (encode("vsetvli", rd=5, rs1=6, vtypei=0xC0), encode("csrrs", rd=5, csr=0xC22, rs1=0)):
        s.word(word, trap=Trap(2, word))
    s.csrr(0x300, 1 << 63, fs_dirty=True)
    trace = write_trace(tmp_path / "no_v.trace", s.events, has_v=False)
    result = replay(trace, sim="icarus", out_dir=tmp_path / "run")
    assert result.ok, result.mismatch
