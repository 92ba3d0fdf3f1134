# SPDX-License-Identifier: Apache-2.0
"""What `make test-bare` calls a success, and what it takes from the machine; the thing itself is too long for here."""

from __future__ import annotations

import configparser
import os
from pathlib import Path

import bare_machine
import pytest
from bare import Command, Outcome, judged, packages_named
from bare_userland import Done

LINE = "error: missing: perl g++. Get them with: sudo apt-get install perl g++"


def test_a_refusal_names_its_packages_in_one_line() -> None:
    assert packages_named(f"{LINE}\nmake: *** [Makefile:102: setup] Error 3\n") == "perl g++"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "make: *** [Makefile:102: setup] Error 3",
        f"{LINE}\n{LINE}",
        f"tb/setup.sh: 12: perl: not found\n{LINE}",
        "error: missing: perl g++. Get them with: sudo apt-get install perl",
    ],
)
def test_any_other_is_not_good_enough(text: str) -> None:
    with pytest.raises(ValueError, match="in one line"):
        packages_named(text)


@pytest.mark.parametrize(
    ("command", "code", "text", "ok", "outcome"),
    [
        (Command.MAKE, 0, "agreed: seed 1, 32,446 instructions\n", True, "agreed: seed 1, 32,446 instructions"),
        (Command.MAKE, 2, "agreed: seed 1, 32,446 instructions\n", False, "exit code 2"),
        (Command.MAKE, 0, "", False, "no verdict in its output"),
        (Command.TEST, 0, "===== 2663 passed in 240.11s (0:04:00) =====\n", True, "2663 passed"),
        (Command.TEST, 0, "no tests ran in 0.01s\n", False, "no verdict in its output"),
        (Command.TEST, 1, "===== 3 failed, 2660 passed in 240.11s =====\n", False, "exit code 1"),
    ],
)
def test_success_takes_the_exit_code_and_the_verdict(
    command: Command, code: int, text: str, ok: bool, outcome: str
) -> None:
    assert judged(command, Done(code, 1.0, text)) == Outcome(ok, outcome)


def test_pips_settings_are_taken_with_the_places_that_they_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "wheels").mkdir()
    (tmp_path / "pypi/simple").mkdir(parents=True)
    (tmp_path / "constraints.txt").touch()
    (tmp_path / "pip.conf").write_text(
        f"[global]\nconstraint = {tmp_path}/constraints.txt\nfind-links = {tmp_path}/wheels {tmp_path}/nothing\n"
        f"[install]\nextra-index-url = file://{tmp_path}/pypi/simple\n"
    )
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path / "pip.conf"))
    monkeypatch.setenv("PIP_TIMEOUT", "77")
    settings = bare_machine.pip_settings()
    assert settings["global"]["timeout"] == "77"
    named = bare_machine.places(settings)
    assert {tmp_path / "constraints.txt", tmp_path / "wheels", tmp_path / "pypi"} <= set(named)
    assert tmp_path / "nothing" not in named
    bare_machine.write_pip_settings(settings, tmp_path / "written")
    parser = configparser.RawConfigParser()
    parser.read(tmp_path / "written")
    assert parser["install"]["extra-index-url"] == f"file://{tmp_path}/pypi/simple"
