# SPDX-License-Identifier: Apache-2.0
"""The report of a mismatch: with a bug in the RTL it says when, in which code, and after what, the same everywhere."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile

from vctx.pymodel.isa import disassemble
from vctx.pymodel.kvm.machine import RAM_BASE
from vctx.pymodel.places import RTL
from vctx.pymodel.programs import load
from vctx.pymodel.scenarios.shared_unit import SharedUnitConfig
from vctx.pymodel.trace import Insn, TraceReader, TraceWriter
from vctx.tb.jobs.cosim import record
from vctx.tb.replay.launch import replay
from vctx.tb.replay.report import HISTORY, Code
from vctx.tb.replay.result import Mismatch, ReplayResult
from vctx.tb.runs.progress import silent

CONFIG = SharedUnitConfig(vlen=128, pairs=6, entries=40)
# What a guest does leaves VS of the host as it was.
BUG = ("vctx_status.sv", "if (dirty_i) mstatus_vs_q", "if (dirty_i && !virt_i) mstatus_vs_q")


@pytest.fixture(scope="module")
def trace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("report") / "trace.vctx"
    record(CONFIG, path, "vctx cosim", silent)
    return path


def insns(trace: Path) -> dict[int, Insn]:
    return {index: event for index, event in enumerate(TraceReader(trace)) if isinstance(event, Insn)}


def falsified(trace: Path, index: int, path: Path) -> Path:
    """Copy a trace with a wrong vl at an instruction."""
    with TraceWriter(path, TraceReader(trace).header) as writer:
        for number, event in enumerate(TraceReader(trace)):
            if number == index:
                assert isinstance(event, Insn)
                event.retire = event.retire._replace(vl=event.retire.vl ^ 1)
            writer.event(event)
    return path


def address(symbol: str) -> int:
    """Return where `program: symbol+offset` was linked."""
    program, _, rest = symbol.partition(": ")
    name, _, offset = rest.partition("+")
    with load(program).path.open("rb") as file:
        (found,) = ELFFile(file).get_section_by_name(".symtab").get_symbol_by_name(name)
        return int(found["st_value"]) + int(offset or "0", 16)


def check_history(mismatch: Mismatch, trace: Path) -> None:
    """What came before is what the trace has."""
    found = insns(trace)
    due = [index for index, insn in found.items() if index < mismatch.index and insn.hart == mismatch.hart][-HISTORY:]
    assert [each.index for each in mismatch.before] == due
    for each in mismatch.before:
        insn = found[each.index]
        assert (each.pc, each.insn) == (insn.pc, insn.issue.insn)
        assert each.disassembly == disassemble(each.insn)


def check_json(result: ReplayResult, out_dir: Path) -> None:
    assert json.loads((out_dir / "result.json").read_text())["mismatch"] == json.loads(
        json.dumps(asdict(result)["mismatch"])
    )
    assert ReplayResult.read(out_dir / "result.json").mismatch == result.mismatch


@pytest.mark.parametrize("step", [False, True])
def test_a_bug_in_the_rtl_is_reported_with_all_that_leads_to_it(step: bool, trace: Path, tmp_path: Path) -> None:
    rtl = shutil.copytree(RTL, tmp_path / "rtl")
    name, old, new = BUG
    text = (rtl / name).read_text()
    assert text.count(old) == 1
    (rtl / name).write_text(text.replace(old, new))
    out_dir = tmp_path / "run"
    result = replay(trace, sim="icarus", dlen=64, out_dir=out_dir, rtl=rtl, build_root=tmp_path / "build", step=step)
    mismatch = result.mismatch
    assert mismatch is not None and mismatch.mode in ("VS", "VU")
    assert [d.field for d in mismatch.differences] == ["mstatus_vs"]
    check_history(mismatch, trace)
    check_json(result, out_dir)
    assert address(mismatch.symbol) == mismatch.pc
    assert mismatch.time is not None and mismatch.cycle == mismatch.time // 10 > len(insns(trace)) // 100
    text = mismatch.text()
    assert f"at {mismatch.symbol}" in text
    assert f"at {mismatch.time:,} ns of the simulation, cycle {mismatch.cycle:,}" in text
    assert f"the last {HISTORY} instructions of hart {mismatch.hart} before:" in text
    assert all(f"event {each.index}: {each.text()}" in text for each in mismatch.before)


@pytest.mark.parametrize("prv", [0, 1])
def test_reports_are_the_same_on_both_simulators(prv: int, trace: Path, tmp_path: Path) -> None:
    """In a task, which may lie anywhere, and in the kernel."""
    found = insns(trace)
    wanted = [i for i, insn in found.items() if insn.issue.prv == prv and not insn.issue.virt and insn.pc < 1 << 56]
    wrong = falsified(trace, wanted[-1], tmp_path / "wrong.vctx")
    results = [replay(wrong, sim=sim, dlen=64, out_dir=tmp_path / sim) for sim in ("icarus", "verilator")]
    one, other = (result.mismatch for result in results)
    assert one is not None and other is not None and one.text() == other.text()
    assert one == other
    check_history(one, wrong)
    program = ("task", "kernel-vlenb")[prv]
    assert one.symbol.startswith(f"{program}: ")
    moved = one.pc - address(one.symbol)
    assert moved % 8 == 0 and (not prv or moved == RAM_BASE - load(program).base)


def test_code_that_no_program_has_gets_no_symbol(trace: Path) -> None:
    insn = next(iter(insns(trace).values()))
    programs = TraceReader(trace).header["programs"]
    assert Code(programs).symbol(insn, [insn]).startswith("kernel-vlenb: ")
    elsewhere = replace(insn, pc=insn.pc + 4)
    assert Code(programs).symbol(elsewhere, [elsewhere]) == ""
    assert Code({"/no/such/program.elf": None, "copy": None}).symbol(insn, [insn]) == ""


def test_the_program_is_the_one_that_explains_most(trace: Path) -> None:
    """One instruction may be anywhere; with its neighbours it is not."""
    found = [insn for insn in insns(trace).values() if insn.issue.virt and insn.hart == 0][-HISTORY:]
    programs = TraceReader(trace).header["programs"]
    symbol = Code(programs).symbol(found[-1], found)
    assert symbol and " or " not in symbol
