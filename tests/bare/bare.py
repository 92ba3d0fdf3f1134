# SPDX-License-Identifier: Apache-2.0
"""`make test-bare`: the README's two commands, as a new user meets them, in fresh Debian userlands.

Each kind of user has a userland of its own with make and certificates and nothing else. Root's commands must do
everything themselves. The ordinary user's first try of each must name all packages in one line; exactly those are then
installed, and the second try must succeed. Needs root, debootstrap and git.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from enum import Enum
from typing import Annotated

import typer
from bare_userland import USER, Done, Userland, userland
from rich.markup import escape
from rich.table import Table

from vctx.pymodel.errors import ToolError, UsageError
from vctx.pymodel.places import ROOT, out_root
from vctx.tb.ending import console, execute

CACHE = out_root() / "bare"
SUITES = ("bookworm", "trixie")
_TAIL = 30  # lines of output that a failure shows
_REFUSED = re.compile(r"error: missing: (.+)\. Get them with: sudo apt-get install (.+)")
_SUMMARY = re.compile(r"^=* ?(\d+ passed.*?) in [\d.]+s", re.MULTILINE)  # of pytest
_AGREED = re.compile(r"^agreed: .*", re.MULTILINE)  # of vctx cosim


class Command(Enum):
    """What the README promises."""

    MAKE = "make"
    TEST = "test"

    @property
    def line(self) -> str:
        """What is typed."""
        return "make" if self is Command.MAKE else "make test"


class Who(Enum):
    """Who types it."""

    ROOT = "root"
    USER = USER


@dataclass(frozen=True)
class Outcome:
    """Whether a command did what it should, and what it said of that, or what was wrong."""

    ok: bool
    text: str


@dataclass(frozen=True)
class Row:
    """What came of one command; `named` are the packages that an ordinary user was told to install."""

    suite: str
    who: Who
    command: Command
    python: str
    seconds: float
    outcome: Outcome
    named: str


def clone(land: Userland, who: Who) -> str:
    """Put a clean clone of the last commit into the userland; return its folder there."""
    folder = "/root/vctx" if who is Who.ROOT else f"/home/{USER}/vctx"
    subprocess.run(["git", "clone", "--quiet", "--depth", "1", f"file://{ROOT}", f"{land.root}{folder}"], check=True)
    if who is Who.USER:
        land.run(f"chown -R {USER}:{USER} {folder}")
    return folder


def packages_named(text: str) -> str:
    """Return the packages that the output of a refused `make` names; it says that in one line, and nothing else.

    Raises:
        ValueError: it does not.
    """
    lines = [line for line in text.splitlines() if not line.startswith("make")]
    found = _REFUSED.fullmatch(lines[0]) if len(lines) == 1 else None
    if found is None or found[1] != found[2]:
        raise ValueError("does not name what it needs, in one line")
    return found[1]


def attempt(land: Userland, suite: str, who: Who, command: Command, folder: str) -> Row:
    """Run one command; as the ordinary user, with the packages that it names."""

    def run(line: str, user: str = "root") -> Done:
        console.print(f"{suite}, {who.value}: {line} ...")
        return land.run(line, user=user, folder=folder, log=CACHE / f"{suite}-{who.value}-{command.value}.log")

    done = run(command.line, who.value)
    named = wrong = ""
    if who is Who.USER:
        try:
            named = packages_named(done.text)
        except ValueError as error:
            wrong = str(error)
        else:
            done = run(f"apt-get update -qq && apt-get install -y -qq --no-install-recommends {named}")
            if done.code:
                wrong = "cannot install what it names"
            else:
                done = run(command.line, who.value)
    version = land.run(f"{folder}/.venv/bin/python -c 'import platform; print(platform.python_version())'")
    python = "" if version.code else version.text.strip()
    outcome = judged(command, done) if not wrong else Outcome(False, wrong)
    if not outcome.ok:
        console.print("\n".join(done.text.splitlines()[-_TAIL:]), markup=False)
    return Row(suite, who, command, python, done.seconds, outcome, named)


def judged(command: Command, done: Done) -> Outcome:
    """Return what came of a command that has ended: it takes its exit code and its verdict to be a success."""
    if done.code:
        return Outcome(False, f"exit code {done.code}")
    found = (_AGREED if command is Command.MAKE else _SUMMARY).search(done.text)
    return Outcome(found is not None, found[found.lastindex or 0] if found else "no verdict in its output")


def table(rows: list[Row]) -> Table:
    """Return the result as a table."""
    columns = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("userland", "Python", "user", "command", "seconds", "", "outcome", "packages named to the user"):
        columns.add_column(name, justify="right" if name == "seconds" else "left")
    for row in rows:
        verdict = "[green]ok[/]" if row.outcome.ok else "[bold red]failed[/]"
        cells = (row.suite, row.python, row.who.value, row.command.line, f"{row.seconds:.0f}", verdict)
        columns.add_row(*cells, escape(row.outcome.text), row.named)
    return columns


def main(
    suite: Annotated[list[str] | None, typer.Option(help="Debian release; may be repeated.")] = None,
    command: Annotated[list[Command] | None, typer.Option(help="Which command; may be repeated.")] = None,
    user: Annotated[list[Who] | None, typer.Option(help="As whom; may be repeated.")] = None,
) -> None:
    """Run `make` and `make test` in fresh Debian userlands, as root and as an ordinary user (default: all of it)."""
    if os.geteuid() != 0:
        raise UsageError("only root may make a userland: sudo make test-bare")
    missing = [tool for tool in ("debootstrap", "git", "unshare", "setpriv", "tar") if shutil.which(tool) is None]
    if missing:
        raise ToolError(f"missing: {', '.join(missing)}")
    CACHE.mkdir(parents=True, exist_ok=True)
    git = subprocess.run(["git", "-C", str(ROOT), "status", "--porcelain"], capture_output=True, text=True, check=False)
    if git.returncode:
        raise ToolError(f"{ROOT} is no git clone, of which a clean one could be made")
    if git.stdout:
        console.print("note: what is not committed is not tried")
    rows: list[Row] = []
    for name in suite or SUITES:
        for who in user or list(Who):
            with userland(name, CACHE) as land:
                folder = clone(land, who)
                rows += [attempt(land, name, who, each, folder) for each in command or list(Command)]
    console.print()
    console.print(table(rows))
    console.print(f"\noutput of each: {CACHE}")
    raise typer.Exit(0 if all(row.outcome.ok for row in rows) else 1)


if __name__ == "__main__":
    execute(lambda: typer.run(main))
