# SPDX-License-Identifier: Apache-2.0
"""Builds: once for each design, found again by a hash of all that goes into them."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import os
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from vctx.pymodel.errors import UsageError
from vctx.pymodel.places import build_root
from vctx.tb.process.folders import made_once
from vctx.tb.simulators.design import Design
from vctx.tb.simulators.job import run_build, run_group
from vctx.tb.simulators.simulator import TIMESCALE, SimulationError, Simulator, log_tail


def build(tool: Simulator, design: Design, root: Path | None = None) -> Path:
    """Build a design and return its directory; a design that was built before is found by its hash.

    Args:
        tool, design: what builds what. root: where builds are kept; default that of all builds.

    Raises:
        SimulationError: the sources do not compile. UsageError: somebody's own among them do not.
    """
    root = root or build_root()
    directory = root / f"{tool.name}-{_hash(tool, design)}"
    made_once(directory, directory.is_dir, lambda: _build(tool, design, directory))
    return directory


def _hash(tool: Simulator, design: Design) -> str:
    facts: list[object] = [tool.name, tool.version, importlib.metadata.version("cocotb"), design.top, design.waves]
    if design.batch:
        facts += tool.batch_flags(design)
    else:
        facts += [sorted(design.parameters.items()), tool.build_flags(design)]
    digest = hashlib.sha256(json.dumps(facts).encode())
    for path in (*tool.sources(design), *tool.headers(design)):
        digest.update(path.name.encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:16]


def _build(tool: Simulator, design: Design, directory: Path) -> None:
    partial = directory.with_name(f".{directory.name}.{os.getpid()}")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    log = partial / "build.log"
    keywords: dict[str, Any] = {
        "sources": [str(path) for path in tool.sources(design)],
        "hdl_toplevel": design.top,
        "parameters": dict(design.parameters),
        "build_args": tool.build_flags(design),
        "build_dir": str(partial),
        "timescale": TIMESCALE,
        "waves": design.waves,
        "always": True,
    }
    try:
        if design.batch:
            status = build_batch(tool.batch_build(design, partial), partial, log, tool.environment())
        else:
            status = run_build({"sim": tool.name, "build": keywords}, partial, log, tool.environment())
        if status != 0:
            kept = directory.with_name(f"{directory.name}.failed.log")
            log.replace(kept)
            text = f"{tool.name} cannot build {design.top}; log: {kept}\n{log_tail(kept)}"
            if design.status is not None:
                raise UsageError(f"--design {design.status.files.path}: {text}")
            raise SimulationError(text)
        partial.rename(directory)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def build_batch(commands: Iterable[list[str]], directory: Path, log: Path, env: Mapping[str, str]) -> int:
    """Run the commands that build a batch testbench, up to the first that fails, and return its status, or 0."""
    status = 0
    for command in commands:
        status = run_group(command, directory, log, env)
        if status:
            break
    return status
