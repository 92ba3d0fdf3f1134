# SPDX-License-Identifier: Apache-2.0
"""Plans with planted faults: known defects put into the clean kernel, each where a scenario shows it."""

from __future__ import annotations

import json
from pathlib import Path

from vctx.pymodel.scenarios.library import SCENARIOS

# defect: the scenario that shows it. Each breaks another invariant, or the same in another function.
PLANTED = {
    "S7": "preempted-kernel-code",
    "S9": "stale-heap-stays-hidden",
    "S16": "hart-started-by-the-guest",
    "S13": "softirq-over-a-dirty-process",
    "S20": "isa-fixed-after-the-first-run",
    "S6": "destroy-frees-everything-once",
    "S4": "host-without-v",
    "S11": "novec-image-forced-on",
    "S25": "preempted-kernel-code",
    "S21": "kvm-as-a-module",
    "S15": "reset-after-use",
    "S10": "reset-without-v-writes-nothing",
}
_FUZZ = '[[cells]]\njob = "fuzz"\ncount = 20\nvlen = [128, 256, 512]\nseeds = {seeds}\n'


def _audit(scenarios: list[str], defect: str | None = None) -> str:
    lines = ["[[cells]]", 'job = "audit"', 'kernel = "clean"', f"scenario = {json.dumps(scenarios)}"]
    return "\n".join([*lines, *([f'defect = "{defect}"'] if defect else [])]) + "\n"


def planted(names: list[str]) -> str:
    """Return the cells of a plan in which these defects are planted, one cell each."""
    return "".join(_audit([PLANTED[name]], name) for name in names)


def good(scenarios: int, seeds: int) -> str:
    """Return cells in which nothing is wrong: so many scenarios, and 3 VLENs of so many seeds."""
    return _audit(list(SCENARIOS)[:scenarios]) + _FUZZ.format(seeds=seeds)


def flaky(folder: Path) -> str:
    """Return a cell that fails the first time only."""
    once = folder / "once"
    command = f"sh -c 'test -e {once} || {{ touch {once}; exit 3; }}'"
    return f'[[cells]]\njob = "command"\nrun = {json.dumps(command)}\n'
