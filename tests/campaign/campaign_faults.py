# SPDX-License-Identifier: Apache-2.0
"""Twelve faults planted in 400 cells: a bucket each, a repeat line that repeats it, and shards that add up.

`python tests/campaign/campaign_faults.py` says what came of it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from campaign_kills import VCTX
from planted_faults import PLANTED, flaky, good, planted

from vctx.pymodel.places import CACHE_VARIABLE, OUT_VARIABLE, build_root

CELLS, SHARDS = 400, 16


def main() -> None:
    """Run the plan whole and in shards."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        plan = folder / "faults.toml"
        rest = CELLS - len(PLANTED) - 1
        few = rest % 3 + 60  # scenarios, so that three VLENs fill what is left
        plan.write_text(planted(list(PLANTED)) + flaky(folder) + good(few, (rest - few) // 3))
        whole = _run(folder, str(plan), "--jobs", "2")
        print(f"{sum(whole['statuses'].values())} cells, {len(whole['buckets'])} buckets, hash {whole['hash']}")
        wrong = []
        for bucket in whole["buckets"]:
            kind = "flaky" if bucket["flaky"] else "repeated" if _repeats(bucket) else "NOT REPEATED"
            print(f"  {bucket['id']} {bucket['rule']:<22}{bucket['function']:<40}{bucket['size']:>6}  {kind}")
            wrong += [bucket] if kind == "NOT REPEATED" else []
        (folder / "once").unlink()
        parts = []
        for part in range(1, SHARDS + 1):
            _run(folder, str(plan), "--shard", f"{part}/{SHARDS}")
            parts.append(str(folder / "out" / "campaign" / f"faults-shard{part}of{SHARDS}"))
        merged = _run(folder, "merge", *reversed(parts))
        print(f"{SHARDS} shards merged: hash {merged['hash']}")
        flakies = [bucket for bucket in whole["buckets"] if bucket["flaky"]]
        good_ = len(whole["buckets"]) == len(PLANTED) + 1 and len(flakies) == 1 and not wrong
        sys.exit(not (good_ and merged["hash"] == whole["hash"]))


def _run(folder: Path, *words: str) -> dict[str, Any]:
    env = os.environ | {OUT_VARIABLE: str(folder / "out"), CACHE_VARIABLE: str(build_root())}
    done = subprocess.run([*VCTX, "campaign", *words], env=env, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1):
        sys.exit(done.stdout + done.stderr)
    name = "merged" if words[0] == "merge" else "faults"
    if "--shard" in words:
        name += "-shard" + words[-1].replace("/", "of")
    found: dict[str, Any] = json.loads((folder / "out" / "campaign" / name / "result.json").read_text())
    return found


def _repeats(bucket: dict[str, Any]) -> bool:
    """Return whether the repeat line of a bucket fails, and names what the bucket is about."""
    words = bucket["command"].split()
    done = subprocess.run([*VCTX, *words[words.index("audit") :]], capture_output=True, text=True, check=False)
    return done.returncode == 1 and bucket["rule"] in done.stdout


if __name__ == "__main__":
    main()
