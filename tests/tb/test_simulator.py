# SPDX-License-Identifier: Apache-2.0
"""Bad input, missing tools, failing runs, interrupts: each ends with its own error, and leaves no half-made result."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tb_designs import ordinary
from tb_scripts import RAM_SIZE, Script, script, write_trace

from vctx.pymodel.errors import ToolError, UsageError
from vctx.pymodel.places import ROOT
from vctx.pymodel.trace import Mark, Store, TraceError
from vctx.tb.replay.launch import replay
from vctx.tb.replay.result import Latency
from vctx.tb.simulators.build import build
from vctx.tb.simulators.find import simulator
from vctx.tb.simulators.icarus import Icarus
from vctx.tb.simulators.run import run
from vctx.tb.simulators.simulator import SimulationError
from vctx.tb.simulators.verilator import Verilator


def test_a_truncated_trace_is_refused(sim: str, tmp_path: Path) -> None:
    """The header is whole, so the damage shows only in the middle of the replay."""
    trace = script("vset").write(tmp_path / "t.trace")
    trace.write_bytes(trace.read_bytes()[:-20])
    with pytest.raises(TraceError, match="truncated") as error:
        replay(trace, sim=sim, out_dir=tmp_path / "run")
    assert error.value.exit_code == 2
    assert not (tmp_path / "run" / "observed.trace").exists()


FOREIGN = {
    "other_file": lambda path: path.write_bytes(b"\x7fELF" + bytes(100)),
    "empty": lambda path: path.write_bytes(b""),
    "missing": lambda path: None,
    "no_ram_size": lambda path: write_trace(path, [], ram_size="big"),
}


@pytest.mark.parametrize("name", FOREIGN)
def test_a_file_that_is_no_trace_is_refused_before_anything_is_built(name: str, tmp_path: Path) -> None:
    FOREIGN[name](tmp_path / "t.trace")
    with pytest.raises(TraceError, match=r"t\.trace") as error:
        replay(tmp_path / "t.trace", sim="icarus", out_dir=tmp_path / "run", build_root=tmp_path / "build")
    assert error.value.exit_code == 2
    assert not (tmp_path / "build").exists()


CONTRADICTIONS = {
    "other_hart": ([Mark(5, True, "f")], "hart 5"),
    "unbalanced": ([Mark(0, True, "f"), Mark(0, False, "g")], "leaves 'g'"),
    "outside_ram": ([Store(0, 0x8000_0000 + RAM_SIZE - 1, b"ab")], "outside RAM"),
}


@pytest.mark.parametrize("name", CONTRADICTIONS)
def test_a_trace_that_contradicts_itself_is_refused(name: str, tmp_path: Path) -> None:
    events, text = CONTRADICTIONS[name]
    with pytest.raises(TraceError, match=text):
        replay(write_trace(tmp_path / "t.trace", events), sim="icarus", out_dir=tmp_path / "run")


def test_knobs_that_do_not_fit_the_trace_are_refused(tmp_path: Path) -> None:
    trace = script("vset").write(tmp_path / "t.trace")
    with pytest.raises(UsageError, match="vlen=128"):
        replay(trace, sim="icarus", out_dir=tmp_path / "run", vlen=256)
    with pytest.raises(UsageError, match="modelsim"):
        replay(trace, sim="modelsim", out_dir=tmp_path / "run")
    with pytest.raises(ValueError, match="stall"):
        Latency(stall=256)


@given(st.builds(Latency, *(st.integers(0, 255), st.booleans(), st.integers(0, 255), st.integers(0, 255))))
def test_a_latency_reads_what_it_writes(latency: Latency) -> None:
    assert Latency.parse(str(latency)) == latency


@pytest.mark.parametrize(
    "text", ["", "fast", "256", "-1", "5,stall", "5,random=1", "5,xlat=3,xlat=4", "5,random,random", "5,cycles=4", "5,"]
)
def test_a_latency_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"must be CYCLES\[,random\]"):
        Latency.parse(text)


@pytest.mark.parametrize("tool", [Verilator, Icarus])
def test_a_missing_tool_says_how_to_get_it(
    tool: type[Verilator] | type[Icarus], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolError, match="apt-get install") as error:
        tool()
    assert error.value.exit_code == 3


def test_a_perl_without_its_modules_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As Debian's perl-base is, which every Debian has."""
    (tmp_path / "Pod").mkdir()
    (tmp_path / "Pod" / "Usage.pm").write_text("die 'no such module';\n")
    monkeypatch.setenv("PERL5LIB", str(tmp_path))
    with pytest.raises(ToolError, match=r"apt-get install perl \(no such module"):
        Verilator()


def test_an_old_icarus_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("iverilog", "vvp"):
        (tmp_path / name).write_text("#!/bin/sh\necho 'Icarus Verilog version 10.3 (stable)'\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    with pytest.raises(ToolError, match=r"10\.3.*11 or later"):
        Icarus()


def test_a_build_is_found_again_until_a_source_or_parameter_changes(tmp_path: Path) -> None:
    tool, design = simulator("icarus"), ordinary()
    first = build(tool, design, tmp_path)
    stamp = (first / "sim.vvp").stat().st_mtime_ns
    assert build(tool, design, tmp_path) == first and (first / "sim.vvp").stat().st_mtime_ns == stamp
    wider = replace(design, parameters={**design.parameters, "VLEN": 256})
    assert build(tool, wider, tmp_path) != first
    changed = tmp_path / "vctx.sv"
    index = next(i for i, path in enumerate(design.sources) if path.name == "vctx.sv")
    changed.write_text(design.sources[index].read_text() + "\n// changed\n")
    sources = (*design.sources[:index], changed, *design.sources[index + 1 :])
    assert build(tool, replace(design, sources=sources), tmp_path) != first


def test_sources_that_do_not_compile_leave_no_build(tmp_path: Path) -> None:
    broken = tmp_path / "broken.sv"
    broken.write_text("module vctx_tb; this is not Verilog endmodule\n")
    with pytest.raises(SimulationError, match="cannot build vctx_tb"):
        build(simulator("icarus"), replace(ordinary(), sources=(broken,)), tmp_path / "build")
    assert not [path for path in (tmp_path / "build").iterdir() if path.is_dir()]


FAILING_MODULES = {
    "no_test": ("import cocotb\n", "no test|no results"),
    "does_not_import": ("import nothing_of_that_name\n", "no results|no test"),
    "dies": (
        "import cocotb, os\n@cocotb.test()\nasync def t(dut):\n    os._exit(7)\n",
        "no results|ended with status",
    ),
}


@pytest.mark.parametrize("name", FAILING_MODULES)
def test_a_run_without_results_is_an_error(name: str, tmp_path: Path) -> None:
    text, message = FAILING_MODULES[name]
    (tmp_path / f"mod_{name}.py").write_text(text)
    tool, design = simulator("icarus"), ordinary()
    env = {"PYTHONPATH": f"{ROOT}:{tmp_path}"}
    with pytest.raises(SimulationError, match=message):
        run(tool, design, build(tool, design), f"mod_{name}", tmp_path / "run", seed=1, env=env)


def test_a_failing_test_is_reported_as_failed(tmp_path: Path) -> None:
    (tmp_path / "mod_fails.py").write_text("import cocotb\n@cocotb.test()\nasync def t(dut):\n    assert False\n")
    tool, design = simulator("icarus"), ordinary()
    env = {"PYTHONPATH": f"{ROOT}:{tmp_path}"}
    assert run(tool, design, build(tool, design), "mod_fails", tmp_path / "run", seed=1, env=env) is False


@pytest.mark.usefixtures("interruptible")
def test_an_interrupt_ends_the_simulator_and_leaves_no_result(tmp_path: Path) -> None:
    s = Script()
    s.on()
    for _ in range(100_000):
        s.csrr(0xC22, 16)
    trace = s.write(tmp_path / "long.trace")
    program = (
        "import sys; from pathlib import Path; from vctx.tb.replay.launch import replay\n"
        "replay(Path(sys.argv[1]), sim='icarus', out_dir=Path(sys.argv[2]), progress=lambda n: print(n, flush=True))"
    )
    out_dir = tmp_path / "run"
    process = subprocess.Popen(
        [sys.executable, "-c", program, str(trace), str(out_dir)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    assert process.stdout is not None
    assert int(process.stdout.readline()) > 0  # it runs
    simulators = running_in(out_dir)
    assert simulators
    os.kill(process.pid, signal.SIGINT)
    assert process.wait(120) != 0
    deadline = time.monotonic() + 60
    while running_in(out_dir) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not running_in(out_dir)
    assert not (out_dir / "result.json").exists() and not (out_dir / "observed.trace").exists()


def running_in(directory: Path) -> list[int]:
    """Processes whose working directory is `directory`."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and (entry / "cwd").resolve() == directory.resolve():
                found.append(int(entry.name))
        except OSError:
            continue
    return found
