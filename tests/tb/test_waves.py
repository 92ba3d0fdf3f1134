# SPDX-License-Identifier: Apache-2.0
"""Waves, read back: on both simulators they hold the registers, in the same scopes, and say which instruction it is."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
import pywellen

from vctx.pymodel.isa import disassemble
from vctx.pymodel.scenarios.shared_unit import SharedUnitConfig
from vctx.pymodel.trace import Insn, Mark, TraceReader, TraceWriter
from vctx.tb.jobs.cosim import record
from vctx.tb.replay.launch import SAVE_FILE, replay
from vctx.tb.replay.result import Latency
from vctx.tb.runs.progress import silent

CONFIG = SharedUnitConfig(vlen=128, pairs=6, entries=40)
LATENCY = Latency(cycles=3, random=True, stall=20, xlat=1)
PS = 1000  # the unit of time in a dump, of a ns
SCOPE = "vctx_tb_batch.gen_hart[{}].vctx_tb_batch_hart"
VIEW = ("pc", "insn", "event", "function", "owner")


@dataclass(frozen=True)
class Dump:
    """The waves of a run."""

    path: Path

    @cached_property
    def variables(self) -> dict[str, Any]:
        """By full name."""
        return {var.full_name: var for var in pywellen.Waveform(str(self.path)).all_vars()}

    def below(self, hart: int, scope: str) -> dict[str, Any]:
        """By name within a scope of a hart."""
        prefix = f"{SCOPE.format(hart)}.{scope}"
        return {name.removeprefix(prefix): var for name, var in self.variables.items() if name.startswith(prefix)}

    def retirements(self, hart: int) -> list[int]:
        """The last moment of each cycle in which an instruction retires."""
        (valid,) = self.below(hart, "u_dut.retire_valid_o").values()
        clock = self.variables[f"{SCOPE.format(hart)}.clk_i"]
        rises = [time for time, value in clock.tv if value == 1 and time]
        return [time - 1 for time in rises if valid.signal.value_at(time - 1) == 1]

    def names(self, what: str) -> dict[int, str]:
        lines = (self.path.parent / f"{what}.filter").read_text().splitlines()
        return {int(number, 16): name for number, _, name in (line.partition(" ") for line in lines)}


@pytest.fixture(scope="module")
def trace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("waves") / "trace.vctx"
    record(CONFIG, path, "vctx cosim", silent)
    return path


@pytest.fixture(scope="module")
def dumps(trace: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Dump]:
    found = {}
    for sim in ("icarus", "verilator"):
        out_dir = tmp_path_factory.mktemp(sim)
        result = replay(trace, sim=sim, dlen=64, out_dir=out_dir, latency=LATENCY, waves=True)
        assert result.ok and result.waves is not None
        found[sim] = Dump(Path(result.waves))
    return found


@dataclass(frozen=True)
class Told:
    """What waves must say of an instruction: its event, and the function and owner that it is in."""

    event: int
    insn: Insn
    function: str
    owner: str


def told(trace: Path) -> list[list[Told]]:
    """What waves must say, hart by hart."""
    stacks: list[list[tuple[str, str]]] = [[("-", "-")] for _ in range(CONFIG.harts)]
    found: list[list[Told]] = [[] for _ in range(CONFIG.harts)]
    for index, event in enumerate(TraceReader(trace)):
        if isinstance(event, Mark) and event.enter:
            stacks[event.hart].append((event.what, event.who or "-"))
        elif isinstance(event, Mark):
            stacks[event.hart].pop()
        elif isinstance(event, Insn):
            found[event.hart].append(Told(index, event, *stacks[event.hart][-1]))
    return found


def test_every_instruction_is_named_where_it_retires(sim: str, trace: Path, dumps: dict[str, Dump]) -> None:
    dump = dumps[sim]
    names = {what: dump.names(what) for what in ("mnemonic", "function", "owner")}
    for hart, due in enumerate(told(trace)):
        view = dump.below(hart, "u_view.retire_")
        times = dump.retirements(hart)
        assert len(times) == len(due) > 100
        for time, one in zip(times, due, strict=True):
            pc, insn, event, function, owner = (view[name].signal.value_at(time) for name in VIEW)
            assert (pc, insn, event) == (one.insn.pc, one.insn.issue.insn, one.event)
            assert names["mnemonic"][insn] == disassemble(one.insn.issue.insn)
            assert (names["function"][function], names["owner"][owner]) == (one.function, one.owner)
    assert {"guest_vector_save", "vcpu_load", "guest", "task"} <= set(names["function"].values())
    assert {"vcpu0", "vcpu1", "task0", "-"} <= set(names["owner"].values())


def test_the_registers_are_those_of_the_trace(sim: str, trace: Path, dumps: dict[str, Dump]) -> None:
    """All that have been written, at every retirement; an X compares unequal."""
    for hart, due in enumerate(told(trace)):
        shown = dumps[sim].below(hart, "u_regs.v")
        held: dict[int, int] = {}
        for time, one in zip(dumps[sim].retirements(hart), due, strict=True):
            held |= {reg: int.from_bytes(value, "little") for reg, value in one.insn.retire.vregs.items()}
            assert {reg: shown[str(reg)].signal.value_at(time) for reg in held} == held, one.event
        assert len(held) == 32


def test_registers_differ_from_each_other_and_in_time(dumps: dict[str, Dump]) -> None:
    """So that one shown in place of another, or too late, would have been noticed."""
    shown = dumps["icarus"].below(0, "u_regs.v")
    moments = {tuple(var.signal.value_at(time) for var in shown.values()) for time in dumps["icarus"].retirements(0)}
    assert len(moments) > 20
    assert max(len(set(moment)) for moment in moments) > 16


def test_scopes_are_the_same_on_both_simulators(dumps: dict[str, Dump]) -> None:
    """Icarus leaves out arrays and parameters, Verilator variables of loops; Icarus 12 shows generated ones."""
    looping = re.compile(r"\$ivl_for_loop|gen_\w+\[\d+\]\.[a-z]$")
    for hart in range(CONFIG.harts):
        names = {
            sim: {name for name in dump.below(hart, "") if not looping.search(name)} - {"u_regs.storage"}
            for sim, dump in dumps.items()
        }
        assert names["icarus"] <= names["verilator"]
        assert len(names["icarus"]) > 500
        blocks = {name.rpartition(".")[0] for name in names["icarus"]}
        assert {"u_dut.u_regfile", "u_view", "u_regs", "u_check", "u_port"} <= blocks


def test_the_save_file_shows_only_what_the_dump_has(sim: str, dumps: dict[str, Dump]) -> None:
    dump = dumps[sim]
    lines = (dump.path.parent / SAVE_FILE).read_text().splitlines()
    shown = [line.rpartition(" ")[2] for line in lines if "vctx_tb_batch" in line and not line.startswith("[")]
    assert len(shown) > 2 * (32 + 40)
    widths = {name: var.bitwidth for name, var in dump.variables.items()}
    for signal in shown:
        name, high = re.fullmatch(r"(.*?)(?:\[(\d+):0\])?", signal).groups()  # type: ignore[union-attr]
        assert widths[name] == int(high or 0) + 1, signal
    filters = [Path(line.split(" ")[1]) for line in lines if line.startswith("^")]
    assert {path.name for path in filters} == {"mnemonic.filter", "function.filter", "owner.filter"}
    assert all(path.exists() for path in filters)


def test_the_report_gives_the_time_at_which_waves_show_the_mismatch(sim: str, trace: Path, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.vctx"
    events = list(TraceReader(trace))
    index = [i for i, event in enumerate(events) if isinstance(event, Insn) and event.retire.vregs][-3]
    with TraceWriter(wrong, TraceReader(trace).header) as writer:
        for number, event in enumerate(events):
            if number == index and isinstance(event, Insn):
                event.retire = event.retire._replace(vl=event.retire.vl ^ 1)
            writer.event(event)
    result = replay(wrong, sim=sim, dlen=64, out_dir=tmp_path / "run", latency=LATENCY, closer=True)
    mismatch = result.mismatch
    assert mismatch is not None and mismatch.time is not None and result.repeated and result.waves
    dump = Dump(Path(result.waves))
    time = mismatch.time * PS - 1
    assert time in dump.retirements(mismatch.hart)
    view = dump.below(mismatch.hart, "u_view.retire_")
    assert view["event"].signal.value_at(time) == mismatch.index == index
    assert dump.names("mnemonic")[view["insn"].signal.value_at(time)] == mismatch.disassembly
    where = dump.names("function")[view["function"].signal.value_at(time)]
    assert where == mismatch.where.rpartition(" > ")[2]


@pytest.mark.parametrize("sim_step", ["icarus", "verilator"])
def test_step_by_step_the_registers_are_shown_as_well(sim_step: str, trace: Path, tmp_path: Path) -> None:
    result = replay(trace, sim=sim_step, dlen=64, out_dir=tmp_path, waves=True, step=True)
    assert result.ok and result.waves
    variables = {var.full_name: var for var in pywellen.Waveform(result.waves).all_vars()}
    for hart, due in enumerate(told(trace)):
        held: dict[int, int] = {}
        for one in due:
            held |= {reg: int.from_bytes(value, "little") for reg, value in one.insn.retire.vregs.items()}
        shown = {reg: variables[f"vctx_tb.gen_hart[{hart}].u_hart.u_regs.v{reg}"].tv[-1][1] for reg in held}
        assert shown == held
