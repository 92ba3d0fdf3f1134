# SPDX-License-Identifier: Apache-2.0
"""Whatever a cocotb test does, it has one clear outcome, and so have the others."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from vctx.pymodel.errors import UsageError
from vctx.pymodel.trace import TraceReader
from vctx.tb.knobs import SIMULATORS, Knobs
from vctx.tb.regression.cases import discover, select
from vctx.tb.regression.engine import Outcome
from vctx.tb.regression.run import regression, repeat

UNRULY = Path(__file__).resolve().parent / "unruly" / "unruly_tests.py"
COCOTB = Path(__file__).resolve().parents[1] / "cocotb"
COMMAND = "vctx cocotb unruly_tests.py --seed 3"
# What each one's failure says; None for those that pass.
SAYS = {
    "passes_first": None,
    "raises": "ValueError: what went wrong",
    "raises_in_the_background": "KeyError: 'in a task of its own'",
    "never_ends": "SimTimeoutError",
    "dies": "died of SIGKILL in this test",
    "lets_no_time_pass": "nothing happened for 30 s",
    "expects_something_else": r"vl +0x21 +0x20",
    "passes_last": None,
}


def run(tmp_path: Path, sim: str, pattern: str | None = None, *, waves: bool = False, jobs: int = 1) -> list[Outcome]:
    cases = select(discover([UNRULY]), pattern)
    return regression(cases, Knobs(sim, seed=3), out_dir=tmp_path, command=COMMAND, waves=waves, jobs=jobs, stuck=30)


@pytest.mark.parametrize("sim", SIMULATORS)
def test_each_test_has_one_clear_outcome(sim: str, tmp_path: Path) -> None:
    outcomes = {outcome.case.name: outcome for outcome in run(tmp_path, sim)}
    assert list(outcomes) == list(SAYS)
    for name, says in SAYS.items():
        assert outcomes[name].passed == (says is None), name
        assert re.search(says or "^$", outcomes[name].message), outcomes[name].message
    written = {element.get("name"): len(element.findall("failure")) for element in results(tmp_path)}
    assert written == {name: int(says is not None) for name, says in SAYS.items()}


def results(folder: Path) -> list[ElementTree.Element]:
    return list(ElementTree.parse(folder / "results.xml").iter("testcase"))


@pytest.mark.parametrize("sim", SIMULATORS)
def test_waves_are_closed_and_readable(sim: str, tmp_path: Path) -> None:
    """Each test has a dump of its own; of one whose simulator died it is text, and whole up to the end of a buffer."""
    outcomes = run(tmp_path, sim, "raises$|dies|never_ends", waves=True)
    assert [outcome.case.name for outcome in outcomes] == ["raises", "never_ends", "dies"]
    for outcome in outcomes:
        assert outcome.waves is not None
        data = outcome.waves.read_bytes()
        if outcome.waves.suffix == ".vcd":
            assert b"$enddefinitions $end" in data and re.search(rb"\n#[1-9]\d*\n", data)
        else:
            assert len(data) > 1000 and not outcome.waves.with_name(f"{outcome.waves.name}.hier").exists()
    assert outcomes[2].waves is not None and outcomes[2].waves.suffix == ".vcd"


def test_many_processes_have_the_outcomes_of_one(tmp_path: Path) -> None:
    pattern = "passes|raises$|expects"
    one, three = (run(tmp_path / str(jobs), "icarus", pattern, jobs=jobs) for jobs in (1, 3))
    assert [(o.case, o.passed, o.nanoseconds) for o in one] == [(o.case, o.passed, o.nanoseconds) for o in three]


def test_the_same_seed_gives_the_same_records_and_times_on_both_simulators(tmp_path: Path) -> None:
    cases = select(discover([COCOTB / "test_random.py", COCOTB / "test_bus.py"]), "random_|timing")
    seen = {}
    times = {}
    for sim, seed in (("icarus", 5), ("verilator", 5), ("icarus", 6)):
        folder = tmp_path / f"{sim}{seed}"
        outcomes = regression(cases, Knobs(sim, seed=seed), out_dir=folder, command=COMMAND, jobs=2)
        assert [outcome.message for outcome in outcomes if not outcome.passed] == []
        records = {file.name: file.read_bytes() for file in sorted((folder / "records").iterdir())}
        seen[sim, seed] = records
        times[sim, seed] = [outcome.nanoseconds for outcome in outcomes]
    assert times["icarus", 5] == times["verilator", 5]
    assert len(seen["icarus", 5]) == len(cases)
    assert seen["icarus", 5] == seen["verilator", 5]
    assert all(data != seen["icarus", 6][name] for name, data in seen["icarus", 5].items() if "random" in name)
    events = list(TraceReader(tmp_path / "icarus5" / "records" / "random_words,program=0.vctx"))
    assert len(events) > 100


def test_a_failure_is_repeated_by_its_line(tmp_path: Path) -> None:
    (outcome,) = run(tmp_path, "icarus", "raises_in_the_background")
    assert repeat(COMMAND, outcome.case) == f"{COMMAND} --test unruly_tests.raises_in_the_background"


@pytest.mark.parametrize(
    ("pattern", "says"),
    [
        ("pases_first", "unruly_tests.passes_first"),
        ("unruly_tests.never_end5", "unruly_tests.never_ends"),
        ("zzz", "one of 8 tests"),
        ("(", "not a regular expression"),
    ],
)
def test_an_unknown_name_lists_near_ones(pattern: str, says: str) -> None:
    with pytest.raises(UsageError, match=re.escape(says)):
        select(discover([UNRULY]), pattern)


def test_an_exact_name_is_that_test_alone() -> None:
    cases = discover([UNRULY])
    assert [case.name for case in select(cases, "raises")] == ["raises"]
    assert [case.name for case in select(cases, "unruly_tests.dies")] == ["dies"]
    assert [case.name for case in select(cases, "raise")] == ["raises", "raises_in_the_background"]


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("no_such_file", None, "no such file or directory"),
        ("not_python", "def", "SyntaxError"),
        ("no_tests", "x = 1", "no cocotb test in"),
        ("json", "", "another module has the name json"),
    ],
)
def test_a_module_that_cannot_be_used_is_bad_input(name: str, text: str | None, says: str, tmp_path: Path) -> None:
    file = tmp_path / f"{name}.py"
    if text is not None:
        file.write_text(text)
    before = list(sys.path)
    with pytest.raises(UsageError, match=says):
        discover([file])
    assert sys.path == before or text == "x = 1"  # a module that was imported may import others beside it


def test_the_command_says_what_failed_and_how_to_repeat_it() -> None:
    command = [sys.executable, "-m", "vctx.tb.cli", "cocotb", str(UNRULY), "--sim", "icarus"]
    done = subprocess.run([*command, "--test", "passes|raises$"], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "1 failed: 3 tests of 3 functions" in done.stdout
    assert "--test unruly_tests.raises" in done.stdout and "--seed 1" in done.stdout
    done = subprocess.run([*command, "--test", "pases"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: TEST=pases: no test has such a name; near: ")
