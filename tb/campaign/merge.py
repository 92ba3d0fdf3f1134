# SPDX-License-Identifier: Apache-2.0
"""One result of many cells: the same in whatever order they come, and wherever they ran."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from vctx.tb.campaign.outcome import FAILED, UNJUDGED, Failure
from vctx.tb.campaign.store import Result

Signature = tuple[str, str, str]  # rule, first field that differs, function
SHOWN_SEEDS = 20


@dataclass
class Bucket:
    """Failures with the same signature.

    Attributes:
        cells: how many. seeds: those of them that have one, ascending.
        smallest: the case that is easiest to look at; `command` repeats it.
        flaky: cells that did not fail again when they were repeated.
    """

    signature: Signature
    cells: int = 0
    seeds: list[int] = field(default_factory=list)
    smallest: Failure | None = None
    command: str = ""
    flaky: list[str] = field(default_factory=list)
    _order: tuple[int, int, str] = (0, 0, "")

    @property
    def id(self) -> str:
        """A short name, the same in every campaign."""
        return hashlib.blake2b(json.dumps(self.signature).encode(), digest_size=4).hexdigest()

    def add(self, result: Result) -> None:
        """Count a failed cell."""
        outcome, failure = result.outcome, result.outcome.failure
        assert failure is not None
        self.cells += 1
        if result.cell.seed is not None:
            self.seeds.append(result.cell.seed)
        if outcome.flaky:
            self.flaky.append(result.cell.name)
        order = (int(outcome.flaky), failure.size, result.cell.name)
        if self.smallest is None or order < self._order:
            self.smallest, self.command, self._order = failure, result.cell.command, order

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON-able data."""
        assert self.smallest is not None
        return {
            "id": self.id,
            "rule": self.signature[0],
            "field": self.signature[1],
            "function": self.signature[2],
            "cells": self.cells,
            "seeds": sorted(self.seeds),
            "flaky": sorted(self.flaky),
            "size": self.smallest.size,
            "text": self.smallest.text,
            "case": self.smallest.case,
            "command": self.command,
        }


@dataclass
class Merged:
    """Everything that the cells of a campaign came to."""

    statuses: Counter[str] = field(default_factory=Counter)
    jobs: dict[str, Counter[str]] = field(default_factory=dict)
    counts: dict[str, Counter[str]] = field(default_factory=dict)
    checks: Counter[str] = field(default_factory=Counter)
    broken: Counter[str] = field(default_factory=Counter)
    coverage: dict[str, list[int]] = field(default_factory=dict)
    buckets: dict[Signature, Bucket] = field(default_factory=dict)
    unjudged: dict[str, tuple[str, str, str]] = field(default_factory=dict)
    keys: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Every cell passed."""
        return not self.buckets and not self.unjudged

    @property
    def reached(self) -> int:
        """Bins that were reached."""
        return sum(reached.bit_count() for _, reached in self.coverage.values())

    @property
    def possible(self) -> int:
        """Bins that there are."""
        return sum(possible.bit_count() for possible, _ in self.coverage.values())

    def add(self, result: Result) -> None:
        """Take in a cell; each once."""
        job, outcome = result.cell.job, result.outcome
        self.keys.append(result.cell.key)
        self.statuses[outcome.status] += 1
        self.jobs.setdefault(job, Counter())[outcome.status] += 1
        if outcome.status in UNJUDGED:
            self.unjudged[result.cell.name] = (outcome.status, outcome.log, result.cell.command)
            return
        self.counts.setdefault(job, Counter()).update(outcome.counts)
        for name, (checked, broken) in outcome.checks.items():
            self.checks[name] += checked
            self.broken[name] += broken
        for name, (possible, reached) in outcome.coverage.items():
            both = self.coverage.setdefault(name, [0, 0])
            both[0] |= int(possible, 16)
            both[1] |= int(reached, 16)
        if outcome.status == FAILED and outcome.failure is not None:
            signature = outcome.failure.signature
            self.buckets.setdefault(signature, Bucket(signature)).add(result)

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON-able data, the same for the same cells in any order."""
        return {
            "ok": self.ok,
            "cells": hashlib.sha256("".join(sorted(self.keys)).encode()).hexdigest()[:16],
            "statuses": dict(sorted(self.statuses.items())),
            "jobs": {job: dict(sorted(each.items())) for job, each in sorted(self.jobs.items())},
            "counts": {job: dict(sorted(each.items())) for job, each in sorted(self.counts.items())},
            "invariants": {name: [self.checks[name], self.broken[name]] for name in sorted(self.checks)},
            "coverage": {name: [f"{bins:x}" for bins in self.coverage[name]] for name in sorted(self.coverage)},
            "buckets": [self.buckets[signature].as_json() for signature in sorted(self.buckets)],
            "not judged": [
                {"cell": name, "status": status, "log": log, "command": command}
                for name, (status, log, command) in sorted(self.unjudged.items())
            ],
        }

    def digest(self) -> str:
        """Return the hash of what was found. How it is worded, and which command repeats it here, does not matter."""
        data = self.as_json()
        for bucket in data["buckets"]:
            for name in ("text", "case", "command"):
                del bucket[name]
        data["not judged"] = [(each["cell"], each["status"]) for each in data["not judged"]]
        return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()[:16]


def merged(results: Iterable[Result]) -> Merged:
    """Merge the results of cells."""
    found = Merged()
    for result in results:
        found.add(result)
    return found


def trends(now: Merged, before: dict[str, Any] | None) -> dict[str, list[str]]:
    """Return the identifiers of buckets that are new, gone, still there, and flaky, against the campaign before."""
    ids = {bucket.id: bucket for bucket in now.buckets.values()}
    old = set(before["buckets"]) if before is not None else set()
    return {
        "new": sorted(set(ids) - old),
        "gone": sorted(old - set(ids)),
        "still": sorted(set(ids) & old),
        "flaky": sorted(name for name, bucket in ids.items() if bucket.flaky),
    }
