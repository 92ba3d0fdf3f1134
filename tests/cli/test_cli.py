# SPDX-License-Identifier: Apache-2.0
"""The command line as a user meets it: results, clear errors, exit codes."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from xml.etree import ElementTree

import pytest

from vctx.pymodel.kvm.version import versions
from vctx.pymodel.places import out_root
from vctx.pymodel.scenarios.directed import SWEEPS
from vctx.pymodel.trace import TraceReader
from vctx.pymodel.trace.bulk import verify
from vctx.pymodel.trace.file import MAGIC
from vctx.tb.jobs.cosim import cosim, operations
from vctx.tb.knobs import Knobs
from vctx.tb.replay.result import ReplayResult
from vctx.tb.reports.cosim import result_of as result_of_run
from vctx.tb.reports.render.terminal import Terminal

ROOT = Path(__file__).resolve().parents[2]
# A run's folder is named after its knobs: each parallel test process has a seed, and so folders, of its own.
SEED = 100 + int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
SMALL = ("--job", "small", "--vlen", "128", "--pairs", "4", "--entries", "20", "--seed", str(SEED))


def vctx(*arguments: str, timeout: float = 1800) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "vctx.tb.cli", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=timeout, check=False)


def result_of(output: str) -> Path:
    line = next(line for line in output.splitlines() if line.startswith("result: "))
    return ROOT / line.split()[1]


@pytest.mark.parametrize(
    ("arguments", "allowed"),
    [
        (("--vlen", "100"), "VLEN=100: must be one of 128, 256, 512, 1024"),
        (("--vlen", "256", "--dlen", "512"), "DLEN=512: with VLEN=256 it must be one of 64, 128, 256"),
        (
            ("--vlen", "4096", "--dlen", "2048"),
            "DLEN=2048: with VLEN=4096 it must be one of 64, 128, 256, 512, 1024",
        ),
        (("--sim", "foo"), "SIM=foo: must be one of verilator, icarus"),
        (("--kernel", "v1"), "KERNEL=v1: must be one of v12, v6.5"),
        (("--job", "huge"), "JOB=huge: must be one of small, full"),
        (("--harts", "0"), "HARTS=0: must be from 1 to"),
        (("--vcpus", "99"), "VCPUS=99: must be from 1 to"),
        (("--seed", "-1"), "SEED=-1: must be from 0 to"),
        (("--vlen", "0x100"), "VLEN=0x100: must be one of 128, 256, 512, 1024"),
        (("--dlen", "wide"), "DLEN=wide: must be one of 64, 128, 256"),
        (("--seed", "abc"), "SEED=abc: must be from 0 to 4294967295"),
        (("--harts", "two"), "HARTS=two: must be from 1 to 8"),
        (("--vcpus", "1.5"), "VCPUS=1.5: must be from 1 to 32"),
        (("--pairs", "0"), "--pairs 0: must be a whole number, at least 1"),
        (("--entries", "many"), "--entries many: must be a whole number, at least 1"),
        (("--out", "README.md"), "--out README.md: must be a folder"),
        (("--latency", "300"), "latency 300: must be CYCLES[,random][,stall=N][,xlat=N], each number from 0 to 255"),
    ],
)
def test_bad_knobs(arguments: tuple[str, ...], allowed: str) -> None:
    done = vctx("cosim", *arguments)
    assert done.returncode == 2
    assert done.stderr.startswith(f"error: {allowed}") and done.stderr.count("\n") == 1
    assert not done.stdout


@pytest.mark.parametrize(
    ("command", "option", "why"),
    [
        ("audit", "--sim icarus", "without --rtl there is no simulation"),
        ("fuzz", "--sim icarus", "without --rtl there is no simulation"),
        ("fuzz", "--dlen 64", "without --rtl there is no simulation"),
        ("fuzz --replay x.S", "--vlen 128", "which program to run is up to --replay"),
        ("fuzz --replay x.S", "--seed 3", "which program to run is up to --replay"),
        ("linux-kvm --without-v", "--vlen 256", "--without-v leaves no vector registers"),
    ],
)
def test_an_option_without_effect_is_refused(command: str, option: str, why: str) -> None:
    """Even where it says what is the default."""
    done = vctx(*command.split(), *option.split())
    assert done.returncode == 2
    assert done.stderr == f"error: {option}: {why}\n"


def test_help_names_every_kernel_and_sweep() -> None:
    for command, names in (("cosim", versions), ("audit", versions), ("sweep", SWEEPS)):
        shown = vctx(command, "--help").stdout
        assert [name for name in names if name not in shown] == []


def test_an_alias_of_a_kernel_says_so() -> None:
    done = vctx("audit", "--kernel", "deferred", "--scenario", "put-keeps-hgatp")
    assert done.returncode == 0
    assert "kernel deferred: the scheme is mainline now, as linux-7.3" in done.stdout
    assert "agreed: kernel linux-7.3 is clean, 1 of 1 scenarios pass" in done.stdout
    assert "repeat: .venv/bin/vctx audit --kernel linux-7.3 --scenario put-keeps-hgatp" in done.stdout


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "No such file"),
        (b"hello", "not a vctx trace"),
        (MAGIC + b"\xff\xff\x00\x00{}", "truncated"),
        (b"VCTXTRC9\x02\x00\x00\x00{}", "trace format 9"),
    ],
)
def test_bad_trace(tmp_path: Path, content: bytes | None, message: str) -> None:
    trace = tmp_path / "bad.vctx"
    if content is not None:
        trace.write_bytes(content)
    done = vctx("replay", str(trace))
    assert done.returncode == 2
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.fixture(scope="module")
def icarus_run() -> subprocess.CompletedProcess[str]:
    return vctx("cosim", "--sim", "icarus", *SMALL)


def test_cosim_agrees_and_leaves_json(icarus_run: subprocess.CompletedProcess[str]) -> None:
    assert icarus_run.returncode == 0, icarus_run.stdout + icarus_run.stderr
    result = json.loads(result_of(icarus_run.stdout).read_text())
    assert result["ok"]
    assert result["rtl"]["mismatch"] is None
    assert result["rtl"]["instructions"] > 400
    assert result["counts"]["pairs"] >= 4
    assert all(op["agrees"] and op["done"] > 0 for op in result["operations"])
    assert result["invariants"]["host-preserved"]["checked"] >= 4
    (case,) = ElementTree.parse(result_of(icarus_run.stdout).with_name("results.xml")).iter("testcase")
    assert case.attrib["name"] == "replay" and case.find("failure") is None


def test_both_simulators_observe_the_same(icarus_run: subprocess.CompletedProcess[str]) -> None:
    done = vctx("cosim", "--sim", "verilator", *SMALL)
    assert done.returncode == 0, done.stdout + done.stderr
    ours, theirs = result_of(done.stdout).parent, result_of(icarus_run.stdout).parent
    assert (ours / "trace.vctx").read_bytes() == (theirs / "trace.vctx").read_bytes()
    assert (ours / "replay/observed.trace").read_bytes() == (theirs / "replay/observed.trace").read_bytes()


def test_the_command_that_repeats_keeps_the_waves() -> None:
    done = vctx("cosim", "--sim", "icarus", *SMALL, "--waves")
    assert done.returncode == 0, done.stderr
    (repeat,) = [line for line in done.stdout.splitlines() if line.startswith("repeat: ")]
    assert "--waves" in repeat.split()
    waves = next(line for line in done.stdout.splitlines() if line.startswith("waves: ")).split()[1]
    assert (ROOT / waves).stat().st_size > 0


def test_replay_command(icarus_run: subprocess.CompletedProcess[str]) -> None:
    trace = result_of(icarus_run.stdout).parent / "trace.vctx"
    done = vctx("replay", str(trace), "--sim", "icarus")
    assert done.returncode == 0, done.stderr
    assert "agreed" in done.stdout
    assert verify(TraceReader(trace)) > 0


def test_replays_at_once_leave_each_others_traces_alone(
    icarus_run: subprocess.CompletedProcess[str], tmp_path: Path
) -> None:
    """They have the same name, and each replay gives what it observed to be the trace another name."""
    first, other = result_of(icarus_run.stdout).parent / "trace.vctx", tmp_path / "trace.vctx"
    done = vctx("cosim", "--sim", "icarus", *SMALL, "--entries", "40")
    other.write_bytes((result_of(done.stdout).parent / "trace.vctx").read_bytes())
    before = [path.read_bytes() for path in (first, other)]
    assert before[0] != before[1]
    for _ in range(2):
        with ThreadPoolExecutor() as pool:
            ended = list(pool.map(lambda path: vctx("replay", str(path), "--sim", "icarus"), (first, other, first)))
        assert [done.returncode for done in ended] == [0, 0, 0]
    assert [path.read_bytes() for path in (first, other)] == before


def test_posted_patch_fails_with_an_explanation() -> None:
    done = vctx("cosim", "--kernel", "v12", "--sim", "icarus", *SMALL)
    assert done.returncode == 1
    assert re.search(r"^mismatches +0$", done.stdout, re.MULTILINE)
    assert "hgatp was written with 0x0" in done.stdout
    assert "S7: vcpu_put writes 0 to hgatp" in done.stdout
    assert re.search(r"hgatp-kept: .*\n    after kvm_arch_vcpu_put for vcpu\d, hart \d\n", done.stdout)
    assert "    vcpu.c, kvm_arch_vcpu_put, `csr_write(CSR_HGATP, 0)`; cured in Linux 6.5: " in done.stdout


ROUTINES = "tests/scenarios/routines"


def test_a_co_simulation_with_routines_of_ones_own() -> None:
    """A right pair agrees, on the bus, too; what a wrong one does is a finding."""
    right, wrong = (f"{ROUTINES}/{name}.S" for name in ("separate_vxsat_vxrm", "vstart_before_loads"))
    done = vctx("cosim", "--kernel", "clean", "--sim", "icarus", *SMALL, "--routines", right)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(rf"^repeat: .* --routines {right} ", done.stdout, re.MULTILINE)
    done = vctx("cosim", "--kernel", "clean", "--sim", "icarus", *SMALL[:2], "--routines", wrong)
    assert done.returncode == 1
    assert "broken invariants, first cases:" in done.stdout and "guest-transparent" in done.stdout


def test_an_audit_of_routines_of_ones_own(tmp_path: Path) -> None:
    wrong = f"{ROUTINES}/stores_under_vstart.S"
    done = vctx("audit", "--kernel", "clean", "--scenario", "moves-begin-at-element-0", "--routines", wrong)
    assert done.returncode == 1
    assert re.search(r"vector_save\+0x\w+: vs8r\.v v0, \(a1\)\n +expected vstart 0, found vstart 5", done.stdout)
    assert f"--routines {wrong} --scenario moves-begin-at-element-0" in done.stdout
    (tmp_path / "bad.S").write_text("\tdance\n")
    for command in ("audit", "cosim"):
        done = vctx(command, "--routines", str(tmp_path / "bad.S"))
        assert done.returncode == 2
        assert done.stderr.startswith(f"error: cannot build {tmp_path}/bad.S: ") and done.stderr.count("\n") == 1
        assert "bad.S:1:2: error: unrecognized instruction mnemonic" in done.stderr


def test_bus_that_disagrees_with_the_model_is_reported(capsys: pytest.CaptureFixture[str]) -> None:
    """A save that the bus does not show must not pass: take one byte of a visit's traffic away."""
    from rich.console import Console

    verdict = cosim(Knobs(sim="icarus", vlen=128, dlen=64, seed=SEED), job="small", pairs=4, entries=20)
    assert verdict.ok
    rtl: ReplayResult = verdict.rtl
    saves = [v for v in rtl.visits if v.what == "guest_vector_save" and v.regions["guest_datap"].bytes_written]
    saves[0].regions["guest_datap"].bytes_written -= 1
    verdict.operations = operations(verdict.model, rtl, 128)
    assert not verdict.ok
    assert [op.name for op in verdict.operations if not op.agrees] == ["guest_vector_save"]
    Terminal(Console(width=200)).render(result_of_run(verdict))
    assert "bus and model disagree on guest_vector_save" in capsys.readouterr().out


def test_a_bus_as_wide_as_a_register_moves_whole_contexts() -> None:
    """The kernel's buffers are aligned to their size, so that no beat reaches over their ends."""
    verdict = cosim(Knobs(sim="icarus", vlen=1024, dlen=1024, seed=SEED), job="small", pairs=4, entries=20)
    assert verdict.ok
    assert all(op.done > 0 for op in verdict.operations if op.calls)


@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_interrupt_leaves_no_simulator_and_no_result(number: int) -> None:
    command = [
        sys.executable,
        "-m",
        "vctx.tb.cli",
        "cosim",
        "--sim",
        "icarus",
        "--vlen",
        "128",
        "--seed",
        f"7{int(number)}",
    ]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    folder = out_root() / f"cosim/icarus-v6.5-vlen128-dlen128-h2-v4-seed7{int(number)}"
    log = folder / "replay/sim.log"
    log.unlink(missing_ok=True)
    deadline = time.monotonic() + 300
    while not log.exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    time.sleep(1)
    process.send_signal(number)
    _, errors = process.communicate(timeout=300)
    assert process.returncode == 130, errors
    assert errors.splitlines()[-1] == f"interrupted by {signal.Signals(number).name}"
    assert "Traceback" not in errors
    assert not (folder / "result.json").exists()
    assert not (folder / "replay/result.json").exists()
    left = subprocess.run(["pgrep", "-f", str(folder)], capture_output=True, text=True, check=False).stdout.split()
    assert [pid for pid in left if pid != str(os.getpid())] == []


@pytest.mark.parametrize("arguments", [("doctor",), ("cosim", "--sim", "icarus", *SMALL)])
def test_a_reader_that_leaves_is_no_mismatch(arguments: tuple[str, ...]) -> None:
    command = [sys.executable, "-m", "vctx.tb.cli", *arguments]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stderr is not None
    process.stdout.close()
    assert process.stderr.read() == ""
    assert process.wait(300) == 128 + signal.SIGPIPE


def test_doctor_lists_the_tools() -> None:
    done = vctx("doctor")
    assert done.returncode == 0, done.stdout
    for tool in ("verilator", "icarus", "g++", "cocotb", "ziglang"):
        assert tool in done.stdout


def test_missing_tool_is_named_with_how_to_get_it(tmp_path: Path) -> None:
    """With an empty PATH there is no Icarus."""
    command = [sys.executable, "-m", "vctx.tb.cli", "cosim", "--sim", "icarus", *SMALL]
    env = {**os.environ, "PATH": str(tmp_path)}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 3
    assert "apt-get install iverilog" in done.stderr
