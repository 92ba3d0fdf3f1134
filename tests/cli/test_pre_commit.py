# SPDX-License-Identifier: Apache-2.0
"""The pre-commit configuration runs what `make lint` runs, without the network."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from vctx.pymodel.places import ROOT

BIN = Path(sys.executable).parent
UNUSED = "import os\n"  # what ruff finds


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with the files of this checkout."""
    where = tmp_path_factory.mktemp("clone") / "vctx"
    generated = shutil.ignore_patterns(
        ".git", ".venv*", "sim_build", "__pycache__", "*.egg-info", ".*_cache", ".hypothesis"
    )
    shutil.copytree(ROOT, where, symlinks=True, ignore=generated)
    subprocess.run(["git", "init", "--quiet"], cwd=where, check=True)
    subprocess.run(["git", "add", "--all"], cwd=where, check=True)
    return where


def pre_commit(where: Path) -> tuple[int, str]:
    """Run all hooks on all files, with nothing but the environment of these tests within reach."""
    nowhere = "http://127.0.0.1:9"
    env = os.environ | {
        "VENV": str(BIN.parent),
        "PYTHONPATH": str(where / "src"),  # the clone's files, not those of this checkout
        "PRE_COMMIT_HOME": str(where.parent / "pre-commit"),
        "PIP_NO_INDEX": "1",
        "http_proxy": nowhere,
        "https_proxy": nowhere,
    }
    command = [str(BIN / "pre-commit"), "run", "--all-files", "--verbose"]
    done = subprocess.run(
        command, cwd=where, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    return done.returncode, done.stdout


def test_hooks_are_local() -> None:
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())
    assert [repo["repo"] for repo in config["repos"]] == ["local"]
    assert [hook["language"] for repo in config["repos"] for hook in repo["hooks"]] == ["system"]


def test_it_runs_what_make_lint_runs(clone: Path) -> None:
    recipe = subprocess.run(
        ["make", "--dry-run", "--no-print-directory", "lint"], cwd=clone, capture_output=True, text=True, check=True
    ).stdout
    assert "ruff check" in recipe
    assert "mypy" in recipe
    status, printed = pre_commit(clone)
    assert status == 0, printed
    for sign in (
        "ok   verible",
        "ok   verilator VLEN=256",
        "All checks passed!",
        "already formatted",
        "no issues found",
    ):
        assert sign in printed


def test_it_fails_on_a_finding(clone: Path) -> None:
    (clone / "tb" / "found.py").write_text('"""A finding."""\n\n' + UNUSED)
    subprocess.run(["git", "add", "--all"], cwd=clone, check=True)
    status, printed = pre_commit(clone)
    assert status != 0
    assert "F401" in printed
