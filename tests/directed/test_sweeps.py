# SPDX-License-Identifier: Apache-2.0
"""The directed sweeps: golden model, Spike and RTL satisfy the specification; what does not is found."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from mutants import Mutant
from rich.console import Console

from vctx.pymodel.scenarios.directed import SWEEPS, Probe, failures
from vctx.pymodel.scenarios.directed.elements import kinds
from vctx.pymodel.scenarios.directed.vs_states import KINDS, STATES
from vctx.pymodel.trace import MODE_NAMES
from vctx.tb.jobs.sweep import SweepResult, golden_opinion, record, records_of, rtl_opinion, spike_opinion
from vctx.tb.replay.result import Latency
from vctx.tb.reports.render.terminal import Terminal
from vctx.tb.reports.sweep import result_of
from vctx.tb.simulators.find import SIMULATORS
from vctx.tb.spike.judge import IRQ

ROOT = Path(__file__).resolve().parents[2]
VLEN = 128
NAMES = [name for name in SWEEPS if name != "bugs"]  # those have a test of their own


def recorded(name: str, folder: Path, vlen: int = VLEN) -> tuple[Path, list[Probe]]:
    trace = folder / f"{name}.vctx"
    return trace, record(SWEEPS[name], trace, name=name, vlen=vlen)


@pytest.mark.parametrize("vlen", [128, 512])
@pytest.mark.parametrize("name", NAMES)
def test_golden_model_and_spike(name: str, vlen: int, tmp_path: Path) -> None:
    trace, probes = recorded(name, tmp_path, vlen)
    golden, spike = golden_opinion(trace, probes), spike_opinion(trace, probes)
    assert [failure.text() for failure in golden.failures + spike.failures] == []
    assert spike.mismatch is None, spike.mismatch.text()
    assert golden.probes == len(probes)
    if name == "irq":  # each instruction that stopped, and nothing else
        assert spike.unjudged.keys() == {IRQ}
        stopped = sum(record.irq for record in golden.records.values())
        assert spike.unjudged[IRQ] == stopped > sum(kind.evl for kind in kinds(vlen))
    else:
        assert not spike.unjudged
        assert spike.probes == len(probes)


@pytest.mark.parametrize("sim", SIMULATORS)
@pytest.mark.parametrize("name", NAMES)
def test_rtl(name: str, sim: str, tmp_path: Path) -> None:
    trace, probes = recorded(name, tmp_path)
    opinion = rtl_opinion(trace, probes, sim=sim, out_dir=tmp_path / sim)
    assert opinion.mismatch is None, opinion.mismatch.text()
    assert opinion.failures == []
    assert opinion.records == records_of(trace)


def test_rtl_with_a_wide_bus_and_a_slow_memory(tmp_path: Path) -> None:
    trace, probes = recorded("faults", tmp_path)
    latency = Latency(cycles=2, random=True, xlat=1)
    assert rtl_opinion(trace, probes, sim="icarus", dlen=128, latency=latency, out_dir=tmp_path / "run").ok


MUTANTS = {
    "states": (
        "vctx_status.sv",
        "if (dirty_i && dirty_virt_i)",
        "if (dirty_i && dirty_virt_i && (mstatus_vs_q != VsDirty))",
    ),
    "csr": ("vctx_status.sv", "((csr_level == 2'd1) && (prv_i != PrvU))", "(csr_level == 2'd1)"),
    "vset": ("vctx_vset.sv", "(vtype[5:3] <= 3'd1);", "(vtype[5:3] <= 3'd2);"),
    "faults": ("vctx_lsu.sv", "tval_o  = !trap_o ? '0 : addr;", "tval_o  = !trap_o ? '0 : base_i;"),
    "edges": ("vctx_lsu.sv", "first_fault_i && (elem_q != '0);", "first_fault_i && (elem_q != IdxW'(vstart_i));"),
    "irq": ("vctx_lsu.sv", "(irq_elem_i > 13'(vstart_i))", "(irq_elem_i >= 13'd64)"),
}


@pytest.mark.parametrize("name", NAMES)
def test_a_fault_in_the_rtl_is_found(name: str, tmp_path: Path) -> None:
    trace, probes = recorded(name, tmp_path)
    file, old, new = MUTANTS[name]
    rtl = Mutant(name, name, file, ((old, new),)).build(tmp_path / "rtl")
    opinion = rtl_opinion(trace, probes, sim="icarus", out_dir=tmp_path / "run", rtl=rtl, build_root=tmp_path)
    assert opinion.mismatch is not None
    assert opinion.failures[0].probe.index == opinion.mismatch.index
    assert all(failure.differences for failure in opinion.failures)
    assert opinion.probes == sum(probe.index <= opinion.mismatch.index for probe in probes)  # the rest was not replayed


def test_each_requirement_is_checked(tmp_path: Path) -> None:
    trace, probes = recorded("states", tmp_path)
    records = records_of(trace)
    probe = next(probe for probe in probes if probe.expect.get("mstatus_vs") == 3)
    wrong = replace(probe, expect={**probe.expect, "mstatus_vs": 2})
    (failure,) = failures([wrong], records)
    assert [d.field for d in failure.differences] == ["mstatus_vs"]
    assert "mstatus_vs is 0x3, must be 0x2" in failure.text()
    (missing,) = failures([probe], {})
    assert "no record" in missing.text()


def test_sweeps_cover_what_they_claim(tmp_path: Path) -> None:
    modes = set(MODE_NAMES.values())
    _, probes = recorded("states", tmp_path)
    assert len({probe.key[:4] for probe in probes}) == len(KINDS) * len(STATES) == 400
    _, probes = recorded("csr", tmp_path)
    assert len({probe.key[:3] for probe in probes}) == 5 * 10 * 6
    assert {probe.key[0] for probe in probes} == modes
    _, probes = recorded("vset", tmp_path)
    assert sum(probe.key[1] == "vtypei" for probe in probes) == 2048
    assert {int(probe.key[1][4:]) for probe in probes if probe.key[1].startswith("bit ")} == set(range(8, 64))
    for name, what in (("faults", {"faults", "trims", "nothing there is active"}), ("irq", {"stops", "completes"})):
        _, probes = recorded(name, tmp_path)
        stops = [probe.key for probe in probes if probe.key[3] in what]
        beyond = 4 if name == "irq" else 0  # the last element, VLEN, 4096 and 8191
        assert len(stops) == sum(kind.evl + beyond for kind in kinds(VLEN))
        assert {key[0] for key in stops} == modes


def test_the_documentation_counts_the_probes(tmp_path: Path) -> None:
    rows = re.findall(r"^\| `(\w+)` \|.*\| (\d+) \|$", (ROOT / "docs" / "verification.md").read_text(), re.MULTILINE)
    assert {name: int(count) for name, count in rows} == {name: len(recorded(name, tmp_path)[1]) for name in SWEEPS}


def test_the_eighty_states_are_printed_and_kept() -> None:
    command = [sys.executable, "-m", "vctx.tb.cli", "sweep", "states", "--sim", "icarus"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=1800, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    rows = [line for line in done.stdout.splitlines() if line.split()[-1:] and "/3*" in line.split()[-1]]
    assert len(rows) == 20
    assert "VS    Off         illegal 0/0" in done.stdout
    assert "agreed: golden model, Spike, RTL (icarus) against the specification, 1,200 requirements" in done.stdout
    path = next(line.split()[1] for line in done.stdout.splitlines() if line.startswith("result: "))
    raw = json.loads((ROOT / path).read_text())
    assert raw["ok"] is True
    assert len(raw["states"]) == 400
    assert all(len({json.dumps(o) for o in row["outcomes"].values()}) == 1 for row in raw["states"])
    assert all(len(row["outcomes"]) == 3 for row in raw["states"])


def test_an_unknown_sweep_is_bad_usage() -> None:
    command = [sys.executable, "-m", "vctx.tb.cli", "sweep", "nothing"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 2
    assert "must be one of states, csr, vset, faults, irq" in done.stderr


def test_a_departure_is_printed(tmp_path: Path) -> None:
    trace, probes = recorded("states", tmp_path)
    golden = golden_opinion(trace, probes)
    probe = next(p for p in probes if p.key == ("vadd", "VS", "1", "2", "vsstatus"))
    records = dict(golden.records)
    records[probe.index] = records[probe.index]._replace(rd=2 << 9)
    other = replace(golden, name="RTL (icarus)", records=records, failures=failures(probes, records))
    result = SweepResult("states", VLEN, 64, trace, tmp_path / "r", "repeat me", 0, probes, [golden, other])
    assert not result.ok
    console = Console(record=True, width=200)
    Terminal(console).render(result_of(result))
    text = console.export_text()
    assert "RTL (icarus): 1/2 -> 3*/2, 3*/3*" in text
    assert "vadd VS 1 2 vsstatus" in text
    assert "failed: golden model, RTL (icarus)" in text
    assert result.as_json()["ok"] is False
