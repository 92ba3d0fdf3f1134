# SPDX-License-Identifier: Apache-2.0
"""`vctx fuzz`: what it says and leaves behind, when all agree and when they do not."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path

import pytest
from pytest import MonkeyPatch
from rich.console import Console
from test_fuzz_mutants_golden import hypervisor_blind, vill_bit
from typer.testing import CliRunner

import vctx.tb.jobs.fuzz
from vctx.pymodel.errors import UsageError
from vctx.tb.cli import app
from vctx.tb.jobs.fuzz import FuzzConfig, fuzz, replay_program
from vctx.tb.jobs.fuzz_rtl import RtlJudge
from vctx.tb.reports.fuzz import result_of
from vctx.tb.reports.render.terminal import Terminal


@pytest.fixture(autouse=True)
def out(tmp_path: Path, monkeypatch: MonkeyPatch) -> Path:
    """Where campaigns leave their files."""
    monkeypatch.setattr(vctx.tb.jobs.fuzz, "out_root", lambda: tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def printed(result: vctx.tb.jobs.fuzz.FuzzResult) -> str:
    console = Console(file=io.StringIO(), width=200)
    Terminal(console).render(result_of(result))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_the_number_of_jobs_changes_nothing() -> None:
    one, two = (fuzz(FuzzConfig(5_000, 7, (128, 256), jobs=jobs)) for jobs in (1, 2))
    assert one.points == two.points
    assert replace(one.spike, seconds=0) == replace(two.spike, seconds=0)


def test_agreement_says_what_was_compared_and_what_not() -> None:
    result = fuzz(FuzzConfig(2_000, 3, (128,)))
    text = printed(result)
    for part in (
        "golden, Spike",
        "agreed",
        "instruction x outcome",
        "never reached",
        "P-2",
        "P-5",
        "misa",
        result.command,
    ):
        assert part in text
    data = json.loads(result.path.read_text())
    assert data["ok"] and data["spike"]["instructions"] == result.spike.instructions >= 2_000
    assert {cross["name"] for cross in data["coverage"]} == {cross.name for cross in result.crosses}
    assert data["not judged by Spike"].keys() == {"L-17", "P-2", "P-4", "P-5"}


def test_a_difference_leaves_a_program_that_replays(monkeypatch: MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        hypervisor_blind(patch)
        result = fuzz(FuzzConfig(20_000, 1, (256,)))
        (failure,) = result.failures
        (report,) = replay_program(Path(failure.program), FuzzConfig())
    text = printed(result)
    for part in ("mstatus_vs", "golden model and Spike differ", failure.program, failure.replay, "failed"):
        assert part in text
    assert f"--replay {failure.program}" in failure.replay
    assert not json.loads(result.path.read_text())["ok"]
    assert "mstatus_vs" in report
    assert failure.report in Path(failure.program).read_text().replace("\n * ", "\n")
    assert replay_program(Path(failure.program), FuzzConfig()) == []


def test_the_exit_code_tells_a_difference(monkeypatch: MonkeyPatch, tmp_path: Path) -> None:
    arguments = ["fuzz", "--count", "3000", "--vlen", "128", "--seed", "2"]
    runner = CliRunner()
    assert runner.invoke(app, arguments).exit_code == 0
    monkeypatch.setattr(vctx.tb.jobs.fuzz, "out_root", lambda: tmp_path)
    vill_bit(monkeypatch)
    found = runner.invoke(app, arguments)
    assert found.exit_code == 1
    program = next(tmp_path.rglob("spike-*.S"))
    replayed = runner.invoke(app, ["fuzz", "--replay", str(program)])
    assert replayed.exit_code == 1 and "vtype" in replayed.output


def test_a_difference_of_the_rtl_leaves_a_program_that_replays(monkeypatch: MonkeyPatch, tmp_path: Path) -> None:
    """The golden model is broken, so the sound RTL differs; the rest is as for broken RTL."""
    hypervisor_blind(monkeypatch)
    config = FuzzConfig(500, 1, (128,), spike=False, rtl=True, sim="icarus", dlen=64)
    result = fuzz(config)
    (failure,) = result.failures
    assert failure.against == "RTL" and failure.instructions <= 10
    assert "mstatus_vs" in failure.report and f"reproduce with: {failure.replay}" in failure.report
    assert failure.replay.endswith("--rtl --sim icarus --dlen 64")
    (report,) = replay_program(Path(failure.program), config)
    assert "mstatus_vs" in report


def test_a_difference_that_no_program_shows_alone_keeps_the_trace(monkeypatch: MonkeyPatch) -> None:
    hypervisor_blind(monkeypatch)
    monkeypatch.setattr(RtlJudge, "__call__", lambda self, programs: None)
    result = fuzz(FuzzConfig(500, 1, (128,), spike=False, rtl=True, sim="icarus", dlen=64))
    (failure,) = result.failures
    assert "the trace is kept" in failure.report
    assert Path(failure.program).is_file() and f"replay {failure.program}" in failure.replay


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"vlens": (100,)}, "VLEN=100"),
        ({"count": 0}, "--count 0"),
        ({"jobs": 0}, "--jobs 0"),
        ({"sim": "modelsim"}, "SIM=modelsim"),
        ({"dlen": 8192}, "DLEN=8192"),
    ],
)
def test_bad_arguments_are_refused(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        FuzzConfig(**arguments)  # type: ignore[arg-type]


def test_an_unknown_oracle_is_refused() -> None:
    assert isinstance(CliRunner().invoke(app, ["fuzz", "--oracle", "qemu"]).exception, UsageError)
