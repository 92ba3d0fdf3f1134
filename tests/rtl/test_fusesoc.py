# SPDX-License-Identifier: Apache-2.0
"""FuseSoC: its targets work in the project's environment as it is, and fail when the block is wrong."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from vctx.pymodel.errors import UsageError
from vctx.pymodel.places import HDL, ROOT, RTL
from vctx.pymodel.scenarios.directed import SWEEPS, Sequence, Stimulus
from vctx.pymodel.scenarios.directed.stimulus import RAM_BASE, pattern, vtype
from vctx.pymodel.trace import PAGE_SIZE, TraceWriter
from vctx.tb.jobs.sweep import record
from vctx.tb.replay.vectors import write_vectors
from vctx.tb.simulators.design import rtl_sources
from vctx.tb.simulators.find import SIMULATORS

SIM = Path("sim_build/fusesoc/vctx_vctx_vctx_0.1.0/sim")
BIN = Path(sys.executable).parent
ENV = os.environ | {"PATH": f"{BIN}:{os.environ['PATH']}"}  # as in an activated environment
# What the host does would make the guest state Dirty, too.
BUG = ("vctx_status.sv", "if (dirty_i && dirty_virt_i)", "if (dirty_i)")


def checkout(where: Path, bug: tuple[str, str, str] | None = None) -> Path:
    """Copy what FuseSoC needs of this checkout, with a text replaced in one file of the RTL."""
    where.mkdir(exist_ok=True)
    for name in ("vctx.core", "fusesoc.conf"):
        shutil.copy(ROOT / name, where)
    shutil.copytree(RTL, where / "rtl")
    shutil.copytree(HDL, where / "tb" / "hdl")
    if bug is not None:
        file, old, new = bug
        text = (where / "rtl" / file).read_text()
        assert old in text
        (where / "rtl" / file).write_text(text.replace(old, new, 1))
    return where


def fusesoc(where: Path, target: str, *arguments: str, stages: tuple[str, ...] = ()) -> tuple[int, str]:
    """Run a target, and return FuseSoC's exit code and what it printed."""
    command = [str(BIN / "fusesoc"), "run", f"--target={target}", *stages, "vctx:vctx:vctx", *arguments]
    done = subprocess.run(
        command, cwd=where, env=ENV, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    return done.returncode, done.stdout


def test_the_core_lists_what_there_is() -> None:
    core = yaml.safe_load((ROOT / "vctx.core").read_text().split("\n", 1)[1])
    listed = {name: fileset["files"] for name, fileset in core["filesets"].items()}
    assert sorted(listed["rtl"]) == sorted(f"rtl/{path.name}" for path in rtl_sources())
    assert listed["rtl"][0] == "rtl/vctx_pkg.sv"
    hdl = [*HDL.glob("*.sv"), *(HDL / "vectors").glob("*.sv")]
    assert sorted(listed["testbench"]) == sorted(str(path.relative_to(ROOT)) for path in hdl)
    assert listed["testbench"][0] == "tb/hdl/vctx_tb_pkg.sv"


def test_lint(tmp_path: Path) -> None:
    assert fusesoc(checkout(tmp_path), "lint")[0] == 0
    where = checkout(tmp_path / "bad", ("vctx.sv", "assign vl_o ", "logic lost;\n  assign vl_o "))
    status, printed = fusesoc(where, "lint")
    assert status != 0
    assert "UNUSEDSIGNAL" in printed


@pytest.mark.parametrize("sim", SIMULATORS)
def test_sim_agrees(sim: str, tmp_path: Path) -> None:
    status, printed = fusesoc(checkout(tmp_path), "sim", f"--tool={sim}")
    assert status == 0, printed
    agreed = re.search(r"vectors: (\d+) steps agreed", printed)
    assert agreed is not None
    assert int(agreed[1]) > 1000


@pytest.mark.parametrize("sim", SIMULATORS)
def test_sim_fails_on_a_bug(sim: str, tmp_path: Path) -> None:
    status, printed = fusesoc(checkout(tmp_path, BUG), "sim", f"--tool={sim}")
    assert status != 0
    assert "vsstatus_vs: expected" in printed
    assert "agreed" not in printed


def test_sim_takes_parameters(tmp_path: Path) -> None:
    status, printed = fusesoc(checkout(tmp_path), "sim", "--tool=icarus", "--VLEN=1024", "--DLEN=64")
    assert status == 0, printed
    assert "VLEN 1024" in printed
    status, printed = fusesoc(tmp_path, "sim", "--tool=icarus", "--VLEN=192")
    assert status != 0
    assert "VLEN=192: must be one of" in printed


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished build on Icarus, with its vectors."""
    where = checkout(tmp_path_factory.mktemp("fusesoc"))
    status, printed = fusesoc(where, "sim", "--tool=icarus", stages=("--setup", "--build"))
    assert status == 0, printed
    return where / SIM


def play(built: Path, vectors: Path) -> tuple[int, str]:
    command = ["vvp", "-n", "vctx_vctx_vctx_0.1.0", f"+vectors={vectors}"]
    done = subprocess.run(command, cwd=built, stdout=subprocess.PIPE, text=True, check=False)
    return done.returncode, done.stdout


def strided(s: Stimulus) -> None:
    """A load whose elements lie on ten pages, five times as many as one request has room for, and a store to them."""
    s.fill(RAM_BASE, pattern(RAM_BASE, 10 * PAGE_SIZE))
    s.fresh()
    s.do("vsetivli", rd=0, uimm=10, vtypei=vtype(8))
    s.do("vlse8.v", a0=RAM_BASE, a1=PAGE_SIZE, vd=8, rs1=10, rs2=11, vm=1)
    s.do("vsse8.v", a0=RAM_BASE + 1, a1=PAGE_SIZE, vs3=8, rs1=10, rs2=11, vm=1)
    s.finish()


@pytest.mark.parametrize("sequence", [SWEEPS["states"], SWEEPS["faults"], strided])
def test_vectors_of_directed_sequences(built: Path, tmp_path: Path, sequence: Sequence) -> None:
    record(sequence, tmp_path / "trace.vctx", name="", vlen=256)
    steps = write_vectors(tmp_path / "trace.vctx", tmp_path / "vectors.txt")
    assert (tmp_path / "vectors.txt").read_text().count("\np ") == (10 if sequence is strided else 0)
    status, printed = play(built, tmp_path / "vectors.txt")
    assert status == 0, printed
    assert f"vectors: {steps} steps agreed" in printed


def edited(lines: list[str], kind: str, column: int, least: int = 0, bit: int = 0) -> list[str]:
    """Return the vectors with a bit of one number changed in the first line of a kind with at least so many numbers."""
    at = next(i for i, line in enumerate(lines) if line[0] == kind and len(line.split()) > max(column, least))
    words = lines[at].split()
    words[column] = f"{int(words[column], 16) ^ 1 << bit:x}"
    return [*lines[:at], " ".join(words), *lines[at + 1 :]]


def test_vectors_that_are_right_are_found_right(built: Path) -> None:
    assert play(built, built / "vectors.txt")[0] == 0
    assert play(built, built / "missing.txt")[0] != 0


BEHIND = {("i", 3): 64}  # the last field of an observation is the time, which is nobody's to expect


@pytest.mark.parametrize(
    ("kind", "column", "found"),
    [
        ("i", 3, "bus errors, a bit each: expected 0000000000000001, observed 0000000000000000"),
        ("i", 5, "are written, not"),
        ("i", 6, "expected"),
        ("k", 37, "v31: expected"),
        ("s", 1, "mismatch at event"),
        ("m", 2, "RAM at the end"),
        ("e", 1, "is not whole"),
        ("c", 1, "is of VLEN"),
    ],
)
def test_each_kind_of_departure_is_noticed(built: Path, tmp_path: Path, kind: str, column: int, found: str) -> None:
    lines = (built / "vectors.txt").read_text().splitlines()
    (tmp_path / "vectors.txt").write_text(
        "\n".join(edited(lines, kind, column, bit=BEHIND.get((kind, column), 0))) + "\n"
    )
    status, printed = play(built, tmp_path / "vectors.txt")
    assert status != 0
    assert found in printed


@pytest.mark.parametrize(
    ("lines", "found"), [([], "holds no vectors"), (["c 256 0", "x"], "unknown kind"), (["c 256 0"], "ends too early")]
)
def test_what_are_no_vectors_is_said(built: Path, tmp_path: Path, lines: list[str], found: str) -> None:
    (tmp_path / "vectors.txt").write_text("".join(f"{line}\n" for line in lines))
    status, printed = play(built, tmp_path / "vectors.txt")
    assert status != 0
    assert found in printed


def test_vectors_of_several_harts_are_refused(tmp_path: Path) -> None:
    header = {"vlen": 128, "harts": 2, "seed": 1, "ram_base": 0x80000000, "ram_size": 4096, "fill": 0}
    with TraceWriter(tmp_path / "trace.vctx", header):
        pass
    with pytest.raises(UsageError, match="vectors are of one hart, and this trace of 2"):
        write_vectors(tmp_path / "trace.vctx", tmp_path / "vectors.txt")


def test_vectors_outside_a_build_of_fusesoc(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "vctx.tb.jobs.vectors"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert "holds 0 *.eda.yml" in done.stderr
