# SPDX-License-Identifier: Apache-2.0
"""The script that compares what two checkouts made of the same runs, on a small co-simulation that is run twice."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from compare_runs import LEFT_OUT, differences, main
from pytest import CaptureFixture, MonkeyPatch

from vctx.pymodel.places import OUT_VARIABLE
from vctx.tb.jobs import cosim
from vctx.tb.knobs import Knobs

RUN = "cosim/verilator-v6.5-vlen128-dlen64-h1-v1-seed1-pairs1-entries5"
RUNS = {RUN: "a small run"}


@pytest.fixture(scope="module")
def twice(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two folders, as two checkouts, in each of which the run was made."""
    folders = tmp_path_factory.mktemp("before"), tmp_path_factory.mktemp("after")
    with MonkeyPatch.context() as patch:
        for folder in folders:
            patch.setenv(OUT_VARIABLE, str(folder / "sim_build"))
            assert cosim.cosim(Knobs(vlen=128, dlen=64, harts=1, vcpus=1), pairs=1, entries=5).ok
    return folders


@pytest.fixture
def copies(twice: tuple[Path, Path], tmp_path: Path) -> tuple[Path, Path]:
    """Copies of both that may be changed. Each result names the folder that it is now in."""
    before, after = tmp_path / "before", tmp_path / "after"
    for source, copy in zip(twice, (before, after), strict=True):
        shutil.copytree(source, copy)
        for result in copy.rglob("result.json"):
            result.write_text(result.read_text().replace(str(source), str(copy)))
    return before, after


def test_what_is_equal_agrees_whatever_the_folder_and_the_time(
    twice: tuple[Path, Path], capsys: CaptureFixture[str]
) -> None:
    seconds = [json.loads((path / "sim_build" / RUN / "result.json").read_text())["rtl"]["seconds"] for path in twice]
    assert seconds[0] != seconds[1]
    assert main([str(path) for path in twice], RUNS) == 0
    out = capsys.readouterr().out
    assert "a small run: 2 traces, 2 results: no differences" in out
    assert all(f"{name} ({what})" in out for name, what in LEFT_OUT.items())


def change_byte(home: Path) -> None:
    trace = home / "trace.vctx"
    data = bytearray(trace.read_bytes())
    data[-1] ^= 1
    trace.write_bytes(data)


def cut_observed(home: Path) -> None:
    observed = home / "replay" / "observed.trace"
    observed.write_bytes(observed.read_bytes()[:-1])


def change_count(home: Path) -> None:
    result = json.loads((home / "result.json").read_text())
    result["counts"]["entries"] += 1
    (home / "result.json").write_text(json.dumps(result))


def drop_field(home: Path) -> None:
    result = json.loads((home / "result.json").read_text())
    del result["operations"][0]["cycles"]
    (home / "result.json").write_text(json.dumps(result))


def lose_file(home: Path) -> None:
    (home / "replay" / "result.json").unlink()


CHANGES = {
    change_byte: "trace.vctx: bytes differ, the first at ",
    cut_observed: "replay/observed.trace: bytes differ, one ends early",
    change_count: "result.json: counts.entries: ",
    drop_field: "result.json: operations[0].cycles: ",
    lose_file: "replay/result.json: only before",
}


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_any_other_difference_is_found(
    copies: tuple[Path, Path], capsys: CaptureFixture[str], change: Callable[[Path], None]
) -> None:
    change(copies[1] / "sim_build" / RUN)
    assert main([str(path) for path in copies], RUNS) == 1
    out = capsys.readouterr().out
    assert ": 1 differences" in out and f"\n  {CHANGES[change]}" in out


def test_a_missing_run_is_named_with_its_command(twice: tuple[Path, Path], capsys: CaptureFixture[str]) -> None:
    assert main([str(path) for path in twice]) == 2
    assert "verilator-v6.5-vlen256-dlen128-h2-v4-seed1: run `make` there" in capsys.readouterr().err


def test_values_differ_also_by_type_and_by_length() -> None:
    before = {"a": 1, "b": [1, 2], "c": None, "seconds": 1.0, "d": {"version": "x"}}
    after = {"a": True, "b": [1], "seconds": 2.0, "d": {"version": "y"}}
    assert [line.split(":")[0] for line in differences(before, after)] == ["a", "b", "c"]
    assert list(differences(before, {**before, "seconds": 3.0})) == []
