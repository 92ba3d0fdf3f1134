# SPDX-License-Identifier: Apache-2.0
"""Folders of results: two runs do not write the same one at the same time, nor do files of one name share one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from vctx.pymodel.places import RTL
from vctx.tb.process.folders import claimed, name_of
from vctx.tb.simulators import lint


def test_a_second_run_says_that_it_waits_and_then_goes_on(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    script = f"""
from pathlib import Path
from vctx.tb.process.folders import claimed
with claimed(Path({str(folder)!r})):
    print("mine")
"""
    with claimed(folder):
        second = subprocess.Popen(
            [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert second.stderr is not None and second.stdout is not None
        assert second.stderr.readline() == f"waiting for another run that writes to {folder}\n"
    assert second.stdout.read() == "mine\n"
    assert second.wait() == 0


def test_files_of_one_name_have_folders_of_their_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = {name_of(tmp_path / folder / "trace.vctx") for folder in "ab"}
    assert len(names) == 2 and all(name.startswith("trace-") for name in names)
    monkeypatch.chdir(tmp_path)
    assert name_of(Path("a/trace.vctx")) in names


def test_lint_names_no_device(monkeypatch: pytest.MonkeyPatch) -> None:
    """Icarus makes what it writes executable, which root may do to /dev/null."""
    commands: list[list[str]] = []
    monkeypatch.setattr(lint, "_printed", lambda command, env: commands.append([str(word) for word in command]) or [])
    lint.icarus(RTL, 128, 64, 1)
    (command,) = commands
    assert not command[command.index("-o") + 1].startswith("/dev")
