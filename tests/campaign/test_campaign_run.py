# SPDX-License-Identifier: Apache-2.0
"""Campaigns: the same result however it is run, buckets for what fails, and nothing lost when processes are killed."""

from __future__ import annotations

import json
import random
import subprocess
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from campaign_kills import VCTX, came_to, story
from planted_faults import PLANTED, flaky, good, planted
from typer.testing import CliRunner, Result

from vctx.pymodel.errors import VctxError
from vctx.pymodel.places import CACHE_VARIABLE, OUT_VARIABLE, build_root, use_out
from vctx.tb.campaign.batch import SYSTEMS, script
from vctx.tb.campaign.outcome import Outcome
from vctx.tb.campaign.store import FILE, Store
from vctx.tb.cli import app

FAULTS = ["S9", "S4", "S20"]


@pytest.fixture
def out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(CACHE_VARIABLE, str(build_root()))  # programs are there already
    monkeypatch.setenv(OUT_VARIABLE, str(tmp_path / "out"))
    return tmp_path / "out"


def campaign(out: Path, *words: str, text: str | None = None) -> Result:
    """Run `vctx campaign` with a plan, and without a process of its own for the client."""
    arguments = list(words)
    if text is not None:
        plan = out.parent / "plan.toml"
        plan.write_text(text)
        arguments.insert(0, str(plan))
    return CliRunner().invoke(app, ["campaign", *arguments])


def result(out: Path, name: str = "plan") -> dict[str, Any]:
    found: dict[str, Any] = json.loads((out / "campaign" / name / "result.json").read_text())
    return found


def test_one_result_from_one_process_from_dask_and_from_shards(out: Path) -> None:
    """Faults are found, one bucket each; a command of each repeats it; the flaky one is named."""
    text = planted(FAULTS) + good(4, 2)
    alone = campaign(out, text=text)
    assert alone.exit_code == 1, alone.output
    assert "3 buckets of 3 cells, 0 cells not judged" in alone.output
    whole = result(out)
    for part in (1, 2, 3):
        campaign(out, "--shard", f"{part}/3", text=text)
    folders = [str(out / "campaign" / f"plan-shard{part}of3") for part in (1, 2, 3)]
    campaign(out, "merge", *folders, folders[0])
    merged = result(out, "merged")
    (out / "campaign" / "plan").rename(out / "campaign" / "alone")
    junit = out / "junit.xml"
    dask = campaign(out, "--jobs", "2", "--junit", str(junit), text=text + flaky(out.parent))
    assert "4 buckets of 4 cells" in dask.output and "1 of them flaky" in dask.output
    both = result(out)
    flakies = [bucket for bucket in both["buckets"] if bucket["flaky"]]
    assert [bucket["rule"] for bucket in flakies] == ["command"]
    assert merged["hash"] == whole["hash"] != both["hash"]
    assert [bucket for bucket in both["buckets"] if not bucket["flaky"]] == whole["buckets"]
    for name in ("invariants", "coverage"):
        assert both[name] == whole[name] == merged[name] != {}
    suite = ElementTree.parse(junit).getroot()
    assert suite.get("failures") == "4" and len(suite) == 3 + 4 + 6 + 1
    for bucket in whole["buckets"]:
        words = bucket["command"].split()
        assert any(f"--defect {defect}" in bucket["command"] for defect in PLANTED)
        again = subprocess.run([*VCTX, *words[words.index("audit") :]], capture_output=True, text=True, check=False)
        assert again.returncode == 1 and bucket["rule"] in again.stdout


def test_what_dies_or_hangs_is_tried_once_more_and_reported(out: Path) -> None:
    dies = "sh -c 'echo last words; kill -9 $PPID'"
    text = f'timeout = 1\n[[cells]]\njob = "command"\nrun = ["sleep 60", "{dies}", "true"]'
    done = campaign(out, text=text)
    assert done.exit_code == 1 and "died" in done.output and "last words" in done.output
    assert "no end after 1 s" in done.output
    assert result(out)["statuses"] == {"died": 1, "hung": 1, "passed": 1}
    with Store(out / "campaign" / "plan" / FILE) as store:
        assert sorted(each.attempts for each in store.results()) == [1, 2, 2]
    # What was not judged is tried again, what passed is not.
    assert "1 from before" in campaign(out, text=text).output


def test_killed_processes_lose_nothing(tmp_path: Path) -> None:
    seed = random.SystemRandom().getrandbits(32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    for name in ("killed", "calm"):
        (tmp_path / name).mkdir()
    told = story(tmp_path / "killed", 2, 10, chance)
    calm = story(tmp_path / "calm", 0, 10, chance)
    assert told.cells == calm.cells == 24 and told.statuses == calm.statuses == {"passed": 22, "failed": 2}
    assert told.digest == calm.digest


def test_a_full_disk_keeps_what_was_stored(out: Path) -> None:
    """A store that may not grow any more is what a full disk is to SQLite."""
    done = campaign(out, text='[[cells]]\njob = "command"\nrun = "true"\nseeds = 20')
    assert done.exit_code == 0
    path = out / "campaign" / "plan" / FILE
    before = came_to(path)
    with Store(path, write=True) as store:
        (pages,) = store._db.execute("pragma page_count").fetchone()
        store._db.execute(f"pragma max_page_count = {pages}")
        cell = next(store.results()).cell
        with pytest.raises(Exception, match="full; what was kept before stays") as raised:
            for _ in range(1000):
                store.attempted(cell.key, "here", Outcome("died", log="x" * 10_000))
    assert raised.type.__name__ == "UsageError"
    assert came_to(path) == before


def test_hours_and_coverage_end_rounds_of_further_seeds(out: Path) -> None:
    text = '[[cells]]\njob = "fuzz"\ncount = 50\nvlen = 128\nseeds = 2'
    done = campaign(out, "--until-coverage", "0.55", text=text)
    assert done.exit_code == 0, done.output
    cells = result(out)["statuses"]["passed"]
    assert cells > 2 and cells % 2 == 0
    assert campaign(out, "--until-coverage", "7", text=text).exit_code != 0
    assert "must be a number" in str(campaign(out, "--hours", "x", text=text).exception)
    use_out(out)
    assert campaign(out, "status", "plan").output.startswith(f"plan: {cells} cells: {cells} passed")
    assert "no such file" in str(campaign(out, "resume", "other").exception)


def test_workers_that_cannot_be_had_are_said(out: Path) -> None:
    text = '[[cells]]\njob = "command"\nrun = "true"'
    for words, said, code in (
        (("--slurm", "--lsf"), "--slurm and --lsf: only one of them", 2),
        (("--queue", "-q x"), "--queue: without --slurm, --lsf or --pbs there is no queue", 2),
        (("--scheduler", "tcp://127.0.0.1:1", "--jobs", "3"), "--jobs 3: how many workers there are", 2),
        (("--lsf",), "--lsf: there is no bsub here", 3),
        (("--scheduler", "nowhere"), "--scheduler nowhere: no Dask scheduler answers there", 2),
    ):
        error = campaign(out, *words, text=text).exception
        assert isinstance(error, VctxError) and error.exit_code == code and said in str(error)


def test_a_batch_script_is_an_array_of_workers(tmp_path: Path) -> None:
    text = script(SYSTEMS["slurm"], "tcp://here:1", 8, tmp_path, ["--partition=long"])
    lines = text.splitlines()
    assert "#SBATCH --array=1-8" in lines and "#SBATCH --partition=long" in lines
    assert "distributed.cli.dask_worker tcp://here:1 --nthreads 1" in text
    assert subprocess.run(["sh", "-n"], input=text, text=True, check=False).returncode == 0
