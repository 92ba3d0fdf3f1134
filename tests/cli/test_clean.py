# SPDX-License-Identifier: Apache-2.0
"""`vctx clean` removes old runs and builds, nothing else, and nothing that somebody uses."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from typer.testing import CliRunner

from vctx.pymodel.places import OUT_VARIABLE, ROOT
from vctx.tb.cli import app
from vctx.tb.jobs.clean import RUNS, clean, entries
from vctx.tb.process.folders import claimed, unused

DAY = 86_400
BUILD = "icarus-0123456789abcde"


@pytest.fixture
def out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(OUT_VARIABLE, str(tmp_path / "out"))
    return tmp_path / "out"


def run(out: Path, name: str, days: float, size: int = 100_000) -> Path:
    """Leave a run as one that ended so many days ago."""
    folder = out / name
    with claimed(folder):
        (folder / "replay").mkdir()
        (folder / "replay" / "sim.log").write_bytes(b"x" * size)
        (folder / "result.json").write_text("{}")
    for path in (folder / "result.json", folder / "replay", folder / ".lock", folder):
        os.utime(path, (time.time() - days * DAY,) * 2)
    return folder


def build(out: Path, name: str, days: float) -> Path:
    folder, lock = out / name, out / f".{name}.lock"
    folder.mkdir(parents=True)
    (folder / "sim.vvp").write_bytes(bytes(50_000))
    lock.touch()
    os.utime(lock, (time.time() - days * DAY,) * 2)
    return folder


def names(out: Path) -> set[str]:
    return {entry.name.relative_to(out).as_posix() for entry in entries(out)}


@pytest.fixture
def much(out: Path) -> Path:
    """Three runs of one kind, one of each of two others, three builds, and what is none of these."""
    for number in range(3):
        run(out, f"cosim/{number}", number)
        build(out, f"{BUILD}{number}", number)
    run(out, "fuzz/replay/a", 9)
    run(out, "policies", 9)
    for other in (
        "sw/kernel-1.elf",
        "spike/1/lib.so",
        "linux-kvm/kernel/vmlinux",
        "own/.lock",
        "own-0123/x",
        ".own.lock",
    ):
        (out / other).parent.mkdir(parents=True, exist_ok=True)
        (out / other).write_text("not to be removed")
        os.utime(out / other, (0, 0))
    return out


def others(out: Path) -> list[Path]:
    return sorted(path for path in out.rglob("*") if path.is_file() and path.read_bytes() == b"not to be removed")


def test_the_last_used_of_each_kind_are_kept(much: Path) -> None:
    before = others(much)
    cleaned = clean(keep=1)
    assert names(much) == {"cosim/0", f"{BUILD}0", "fuzz/replay/a", "policies"}
    assert {name: (kind.found, kind.removed) for name, kind in cleaned.kinds.items()} == {
        "builds of icarus": (3, 2),
        "cosim": (3, 2),
        "fuzz/replay": (1, 0),
        "policies": (1, 0),
    }
    assert cleaned.kinds["cosim"].freed > 2 * 100_000 and not cleaned.used
    assert others(much) == before and len(before) == 6
    assert not list(much.glob(f".{BUILD}[12]*")) and not list(much.glob(".removed-*"))
    clean(keep=0)
    assert names(much) == set() and others(much) == before


def test_what_was_not_used_for_long_is_removed(much: Path) -> None:
    clean(older=1.5 * DAY)
    assert names(much) == {"cosim/0", "cosim/1", f"{BUILD}0", f"{BUILD}1"}


def test_a_run_that_wrote_lately_is_new_though_it_began_long_ago(out: Path) -> None:
    folder = run(out, "cosim/long", 9)
    os.utime(folder / "result.json")
    clean(older=DAY)
    assert folder.exists()


def test_a_dry_run_removes_nothing_and_says_the_same(much: Path) -> None:
    before = sorted(much.rglob("*"))
    said = clean(keep=1, dry_run=True)
    assert sorted(much.rglob("*")) == before
    assert clean(keep=1) == said


def test_what_a_failed_or_interrupted_build_left_goes_with_it(out: Path) -> None:
    folder = build(out, f"{BUILD}0", 3)
    folder.rename(out / f".{folder.name}.4711")
    (out / f"{folder.name}.failed.log").write_text("error")
    clean(older=DAY)
    assert list(out.iterdir()) == []


@contextmanager
def holding(text: str) -> Iterator[None]:
    """Hold something in another process."""
    script = f"from pathlib import Path\n{text}"
    process = subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    assert process.stdout is not None and process.stdin is not None
    try:
        assert process.stdout.readline() == "held\n"
        yield
    finally:
        process.stdin.close()
        assert process.wait(60) == 0
        process.stdout.close()


def test_a_run_that_somebody_holds_stays(much: Path) -> None:
    text = f"""
from vctx.tb.process.folders import claimed
with claimed(Path({str(much / "cosim/2")!r})):
    print("held", flush=True)
    input_ended = __import__("sys").stdin.read()
"""
    with holding(text):
        cleaned = clean(keep=0)
        assert names(much) == {"cosim/2"} and cleaned.used == [much / "cosim/2"]
        shown = CliRunner().invoke(app, ["clean", "--keep", "0"])
        assert shown.exit_code == 0 and f"kept, since a run uses it: {much}/cosim/2" in shown.output
    clean(keep=0)
    assert names(much) == set()


def test_a_build_that_somebody_uses_stays(out: Path) -> None:
    """A real one, until its process ends; another process then builds it anew."""
    text = """
import sys
from vctx.tb.simulators.build import build
from vctx.tb.simulators.design import replay_design
from vctx.tb.simulators.find import simulator
for _ in range(2):  # the second finds it
    build(simulator("icarus"), replay_design(128, 64, 1, batch=True))
print("held", flush=True)
sys.stdin.read()
"""
    with holding(text):
        (built,) = names(out)
        assert clean(keep=0).used == [out / built]
        assert (out / built / "sim.vvp").exists()
        with holding(text):
            assert names(out) == {built}
        assert clean(keep=0).used == [out / built]
    assert clean(keep=0).kinds["builds of icarus"].removed == 1
    assert list(out.iterdir()) == []
    with holding(text):
        assert (out / built / "sim.vvp").exists()


def test_who_waits_for_a_folder_that_is_removed_makes_it_anew(out: Path) -> None:
    folder = run(out, "cosim/0", 1)
    script = f"""
from pathlib import Path
from vctx.tb.process.folders import claimed
folder = Path({str(folder)!r})
with claimed(folder):
    print(sorted(path.name for path in folder.iterdir()))
"""
    with unused(folder / ".lock") as free:
        assert free
        waiting = subprocess.Popen(
            [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT
        )
        assert waiting.stderr is not None
        assert waiting.stderr.readline().startswith("waiting for another run")
        folder.rename(out / ".removed-1")
    output, errors = waiting.communicate(timeout=60)
    assert (output, errors) == ("['.lock']\n", "")


def test_every_place_of_runs_is_known() -> None:
    """Of everything that is made below out_root(), what is no run is named here."""
    sources = [path.read_text() for folder in ("tb", "pymodel") for path in (ROOT / folder).rglob("*.py")]
    places = {name for text in sources for name in re.findall(r'out_root\(\) / "([\w-]+)"', text)}
    assert places - {"spike", "sw", "synth"} == set(RUNS)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("", "what to remove is up to either --keep N or --older AGE"),
        ("--keep 1 --older 2d", "what to remove is up to either --keep N or --older AGE"),
        ("--keep -1", "--keep -1: must be a whole number, at least 0"),
        ("--older soon", "--older soon: must be a number of days, or one with d, h, m or s, as 12h"),
        ("--older -1d", "--older -1d: must be a number of days, or one with d, h, m or s, as 12h"),
    ],
)
def test_bad_usage(arguments: str, message: str) -> None:
    command = [sys.executable, "-m", "vctx.tb", "clean", *arguments.split()]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (2, f"error: {message}\n")


@pytest.mark.parametrize(("text", "kept"), [("1", 1), ("1d", 1), ("36h", 2), ("2000m", 2), ("110000s", 2), ("0", 0)])
def test_ages(out: Path, text: str, kept: int) -> None:
    for number in range(3):
        run(out, f"run/{number}", number + 0.25)
    assert CliRunner().invoke(app, ["clean", "--older", text]).exit_code == 0
    assert len(names(out)) == kept
