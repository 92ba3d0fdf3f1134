# SPDX-License-Identifier: Apache-2.0
"""`make` as a user meets it: knobs that it does not know, and values that are not allowed, end with what is."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from vctx.pymodel.places import ROOT

MAKEFILE = (ROOT / "Makefile").read_text()
KNOBS = {name: words.split() for name, words in re.findall(r"^KNOBS_([\w-]+) *= (.*)$", MAKEFILE, re.MULTILINE)}


OWN = ("-o", "setup", f"VENV={Path(sys.executable).parents[1]}")  # this environment, as it is


def from_a_shell() -> dict[str, str]:
    """Return an environment without what a make that runs this test says in it."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}


def make(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = ["make", *arguments]
    return subprocess.run(command, cwd=ROOT, env=from_a_shell(), capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            "VELN=512",
            r"VELN=512: there is no such knob, did you mean VLEN\?; "
            r"`make cosim` takes DLEN HARTS JOB JUNIT KERNEL .*VLEN",
        ),
        ("vlen=512", r"vlen=512: there is no such knob, did you mean VLEN\?"),
        ("run PRGO=x.elf", r"PRGO=x.elf: there is no such knob, did you mean PROG\?; `make run` takes .*PROG"),
        ("CXX=clang++", r"CXX=clang\+\+: there is no such knob; `make cosim` takes"),
        ("test VLEN=512", r"VLEN=512: has no effect on `make test`, which takes JOBS JUNIT K OUT"),
        ("clean OUT=x", r"OUT=x: has no effect on `make clean`"),
        ("WAVES=yes", r"WAVES=yes: must be 0 or 1"),
        ("test JOBS=0", r"JOBS=0: must be a whole number, at least 1"),
        ("test JOBS=all", r"JOBS=all: must be a whole number, at least 1"),
    ],
)
def test_knobs_are_refused_before_anything_is_set_up(arguments: str, message: str) -> None:
    done = make(*arguments.split(), "VENV=there-is-none")
    assert done.returncode == 2
    assert re.search(rf"\*\*\* {message}.*  Stop\.$", done.stderr) and done.stderr.count("\n") == 1
    assert not done.stdout and not Path("there-is-none").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("SIM=foo", "SIM=foo: must be one of verilator, icarus"),
        ("SEED=abc", "SEED=abc: must be from 0 to 4294967295"),
        ("VLEN=0x100", "VLEN=0x100: must be one of 128, 256, 512, 1024, 2048, 4096"),
        ("linux VLEN=4096", "VLEN=4096: must be one of 128, 256, 512, 1024"),
        ("linux-kvm VLEN=4096", "VLEN=4096: must be one of 128, 256, 512, 1024"),
    ],
)
def test_values_are_refused_by_the_command(arguments: str, message: str) -> None:
    done = make(*OWN, *arguments.split())
    assert done.returncode == 2
    assert done.stderr.splitlines()[0] == f"error: {message}"


@pytest.mark.parametrize("target", [name for name in KNOBS if name != "everywhere"])
def test_every_knob_of_a_target_reaches_it(target: str) -> None:
    """With the value that it has here, the commands of the target differ from those without."""
    values = {"SIM": "icarus", "WAVES": "1", "PROG": "x.elf", "JOBS": "77"}
    given = {knob: values.get(knob, "1234") for knob in KNOBS[target]}
    plain = make("-n", target, *(["PROG=y.elf"] if target == "run" else []))
    assert plain.returncode == 0
    for knob, value in given.items():
        if knob != "OUT":  # which goes by the environment
            done = make(
                "-n", target, *(["PROG=y.elf"] if target == "run" and knob != "PROG" else []), f"{knob}={value}"
            )
            assert done.returncode == 0, done.stderr
            assert done.stdout != plain.stdout
    assert make("-n", target, *(f"{knob}={value}" for knob, value in given.items())).returncode == 0


def test_help_names_every_target_and_knob() -> None:
    shown = make("help").stdout
    for word in {*KNOBS, *(knob for knobs in KNOBS.values() for knob in knobs)} - {"everywhere"}:
        assert re.search(rf"\b{word}\b", shown), word


def test_waves_of_icarus_need_nothing_more() -> None:
    assert "lz4" in make("-n", "setup", "WAVES=1").stdout
    assert "lz4" not in make("-n", "setup", "WAVES=1", "SIM=icarus").stdout


def test_variables_of_a_make_that_calls_this_one_are_not_refused() -> None:
    env = os.environ | {"MAKELEVEL": "1", "MAKEFLAGS": " -- DEBUG=1"}
    done = subprocess.run(["make", "-n"], cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_signal_to_make_ends_what_it_runs(tmp_path: Path) -> None:
    command = ["make", *OWN, "SIM=icarus", f"OUT={tmp_path}"]
    process = subprocess.Popen(
        command, cwd=ROOT, env=from_a_shell(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert any(line.startswith("record") for line in process.stdout)
    process.terminate()
    _, errors = process.communicate(timeout=120)  # until nobody has the pipes any more
    assert errors.splitlines()[0] == "interrupted by SIGTERM"
    assert not list(tmp_path.glob("cosim/*/result.json"))


def test_recipes_start_commands_in_the_shells_stead() -> None:
    """The test above is of one; this is of all."""
    started = re.findall(r"^\t@(\w* ?)\$\(PY\)", MAKEFILE, re.MULTILINE)
    assert len(started) > 10 and set(started) == {"exec "}
