# SPDX-License-Identifier: Apache-2.0
"""Compare what two checkouts made of the same runs: `python tests/compare_runs.py BEFORE AFTER`.

For a change that must change nothing. In both checkouts do first, with no other knobs:

    make
    .venv/bin/vctx sweep states
    .venv/bin/vctx fuzz --count 4000 --rtl

Every trace, recorded or observed, must be equal to the byte, and every result.json in all fields but those of LEFT_OUT,
which the script names. Exit codes: 0 equal, 1 different, 2 a run is missing.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

RUNS = {
    "cosim/verilator-v6.5-vlen256-dlen128-h2-v4-seed1": "make",
    "sweep/states-verilator-vlen128-dlen64": ".venv/bin/vctx sweep states",
    "fuzz/verilator-vlen128-256-512-4096-seed1-count4000": ".venv/bin/vctx fuzz --count 4000 --rtl",
}
"""Folders in sim_build, and the commands that make them."""

LEFT_OUT = {"seconds": "wall time", "compared": "processor time", "version": "of vctx"}
"""Fields of a result.json that are not compared, at any depth. Rates are computed from `seconds` and not kept."""

_SHOWN = 20
_ABSENT = object()


def differences(before: Any, after: Any, at: str = "") -> Iterator[str]:
    """Yield a line for each field, LEFT_OUT aside, in which two JSON values differ; `at` says where they are."""
    if isinstance(before, dict) and isinstance(after, dict):
        for key in [*before, *(key for key in after if key not in before)]:
            if key not in LEFT_OUT:
                yield from differences(before.get(key, _ABSENT), after.get(key, _ABSENT), f"{at}.{key}" if at else key)
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for index, (one, other) in enumerate(zip(before, after, strict=True)):
            yield from differences(one, other, f"{at}[{index}]")
    elif type(before) is not type(after) or before != after:
        yield f"{at}: {_text(before)} before, {_text(after)} after"


def _text(value: Any) -> str:
    text = "nothing" if value is _ABSENT else json.dumps(value)
    return text if len(text) <= 60 else f"{text[:60]}..."


def compare(before: Path, after: Path, run: str) -> tuple[int, int, list[str]]:
    """Return how many traces and results the run `run` has in either checkout, and a line for each difference."""
    traces, results, found = 0, 0, []
    homes = [checkout / "sim_build" / run for checkout in (before, after)]
    names = {path.relative_to(home) for home in homes for path in home.rglob("*") if path.is_file()}
    for name in sorted(names):
        one, other = (home / name for home in homes)
        is_trace, is_result = name.suffix in (".vctx", ".trace"), name.name == "result.json"
        traces += is_trace
        results += is_result
        if not is_trace and not is_result:
            continue
        if not one.is_file() or not other.is_file():
            found.append(f"{name}: only {'before' if one.is_file() else 'after'}")
        elif is_trace:
            found += [f"{name}: {line}" for line in _bytes_differ(one.read_bytes(), other.read_bytes())]
        else:
            found += [f"{name}: {line}" for line in differences(_result(one, before), _result(other, after))]
    return traces, results, found


def _bytes_differ(before: bytes, after: bytes) -> Iterator[str]:
    if before != after:
        at = next((at for at, (a, b) in enumerate(zip(before, after, strict=False)) if a != b), None)
        where = "one ends early" if at is None else f"the first at {at:,}"
        yield f"bytes differ, {where} ({len(before):,} before, {len(after):,} after)"


def _result(path: Path, checkout: Path) -> Any:
    """Return a result with its paths relative to the checkout."""
    return json.loads(path.read_text().replace(f"{checkout}/", ""))


def main(arguments: list[str], runs: Mapping[str, str] = RUNS) -> int:
    """Compare the runs of two checkouts and return the exit code."""
    parser = argparse.ArgumentParser(description="Compare what two checkouts made of the same runs.")
    parser.add_argument("before", type=Path)
    parser.add_argument("after", type=Path)
    options = parser.parse_args(arguments)
    before, after = options.before.resolve(), options.after.resolve()
    for checkout in (before, after):
        for run, command in runs.items():
            if not (checkout / "sim_build" / run / "result.json").is_file():
                print(f"error: {checkout} has no sim_build/{run}: run `{command}` there", file=sys.stderr)
                return 2
    different = 0
    for run, command in runs.items():
        traces, results, found = compare(before, after, run)
        different += len(found)
        print(f"{command}: {traces} traces, {results} results: {len(found) or 'no'} differences")
        for line in found[:_SHOWN]:
            print(f"  {line}")
        if len(found) > _SHOWN:
            print(f"  and {len(found) - _SHOWN} more")
    left_out = ", ".join(f"{name} ({what})" for name, what in LEFT_OUT.items())
    print(f"left out of every result.json: {left_out}; of paths, the folder of the checkout")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
