# SPDX-License-Identifier: Apache-2.0
"""--out, VCTX_OUT and `make OUT=`: everything generated goes there, and the checkout may be read-only."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from package_env import copy_checkout, environment

from vctx.pymodel.places import OUT_VARIABLE, out_root
from vctx.pymodel.programs import build
from vctx.pymodel.trace import TraceReader
from vctx.tb.runs.repeat import vctx_command

SMALL = ("--sim", "icarus", "--vlen", "128", "--pairs", "4", "--entries", "20")
# What root may do beyond the modes of files; without it, root is an ordinary user here.
_POWERS = "-dac_override,-dac_read_search"


@pytest.fixture
def checkout(tmp_path: Path) -> Iterator[Path]:
    """A copy of the checkout that cannot be written to."""
    copy = copy_checkout(tmp_path / "checkout")
    folders = [copy, *(path for path in copy.rglob("*") if path.is_dir() and not path.is_symlink())]
    for folder in folders:
        folder.chmod(0o555)
    before = listing(copy)
    yield copy
    assert listing(copy) == before
    for folder in folders:
        folder.chmod(0o755)


def listing(folder: Path) -> set[Path]:
    return set(folder.rglob("*"))


def ordinary(*command: str | Path, checkout: Path, **env: str) -> subprocess.CompletedProcess[str]:
    """Run a command on that copy without the powers of root."""
    words = [str(word) for word in command]
    if os.geteuid() == 0:
        words = ["setpriv", f"--bounding-set={_POWERS}", f"--inh-caps={_POWERS}", "--", *words]
    env = environment(PYTHONPATH=str(checkout / "src"), **env)
    return subprocess.run(words, cwd=checkout, env=env, capture_output=True, text=True, timeout=400, check=False)


def vctx(checkout: Path, *arguments: str | Path, **env: str) -> subprocess.CompletedProcess[str]:
    return ordinary(sys.executable, "-m", "vctx.tb.cli", *arguments, checkout=checkout, **env)


def test_a_read_only_checkout_says_what_helps(checkout: Path) -> None:
    done = vctx(checkout, "cosim", *SMALL)
    assert done.returncode == 2
    told = f"error: {checkout}/sim_build: Permission denied; --out DIR, or VCTX_OUT, names another folder\n"
    assert done.stderr == told


def test_everything_goes_to_out(checkout: Path, tmp_path: Path) -> None:
    """Programs, Spike's shim, builds and runs; and whatever names a folder does."""
    assert ordinary("touch", "sim_build", checkout=checkout).returncode == 1  # it is read-only
    out = tmp_path / "scratch" / "new"
    done = vctx(checkout, "cosim", *SMALL, "--out", out)
    assert done.returncode == 0, done.stdout + done.stderr
    (result,) = out.glob("cosim/*/result.json")
    assert json.loads(result.read_text())["ok"]
    done = vctx(checkout, "judge", result.with_name("trace.vctx"), VCTX_OUT=str(out))
    assert done.returncode == 0, done.stdout + done.stderr
    kinds = {path.name.partition("-")[0] for path in out.iterdir() if not path.name.startswith(".")}
    assert kinds == {"cosim", "icarus", "spike", "sw"}


def test_make_out(checkout: Path, tmp_path: Path) -> None:
    out = tmp_path / "scratch"
    venv = Path(sys.executable).parents[1]
    command = ("make", "-o", "setup", f"VENV={venv}", f"OUT={out}")  # it would install the copy into this environment
    program = build("bare-modes")
    done = ordinary(*command, "run", "SIM=icarus", "VLEN=128", f"PROG={program}", checkout=checkout)
    assert done.returncode == 0, done.stdout + done.stderr
    (trace,) = out.glob("run/*/trace.vctx")
    assert TraceReader(trace).header["command"].endswith(f" run {program} --vlen 128 --out {out}")


def test_the_command_that_repeats_names_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(OUT_VARIABLE, raising=False)
    assert "--out" not in vctx_command("cosim")
    monkeypatch.setenv(OUT_VARIABLE, str(tmp_path / "a b"))
    assert out_root() == tmp_path / "a b"
    command = vctx_command("replay", tmp_path / "my trace", "--sim icarus")
    assert shlex.split(command)[1:] == ["replay", f"{tmp_path}/my trace", "--sim", "icarus", "--out", f"{tmp_path}/a b"]
