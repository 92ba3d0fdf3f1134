# SPDX-License-Identifier: Apache-2.0
"""A batch replay that goes on behind differences: they are grouped by rule, and what was observed is written on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vctx.pymodel.trace import Checkpoint, Insn, TraceReader, TraceWriter
from vctx.pymodel.trace.bulk import Array, Frames, Records, frames
from vctx.tb.replay.batch.observe import Observed
from vctx.tb.replay.layout import XLAT_PAGE, error_texts
from vctx.tb.replay.observation import Observation
from vctx.tb.replay.result import ReplayConfig, ReplayResult


@dataclass(frozen=True)
class Departed:
    """An item of a chunk that really differs: its number, event within the frames, and both sides."""

    number: int
    event: int
    expected: Insn | Checkpoint
    observation: Observation


class GoingOn:
    """What became of the items that differ."""

    def __init__(self, config: ReplayConfig) -> None:
        from vctx.pymodel.corelog.departures import Departures  # loads the whole model, which other replays never need

        self._config = config
        self._departures = Departures()
        self._writer: TraceWriter | None = None
        self._errors = np.zeros(config.harts, np.uint32)  # of protocol, that each hart has had: they are sticky
        self._vs = np.zeros((config.harts, 2), np.uint8)  # of the model, after each hart's last item
        self._rewritten: list[int | None] = [0] * config.harts  # as in `Departure`

    def fresh_errors(self, seen: Observed) -> None:
        """Leave of the errors of each item only those that came with it."""
        obs = seen.obs = seen.obs.copy()
        for hart in range(self._config.harts):
            mine = np.flatnonzero(obs["hart"] == hart)
            so_far = np.bitwise_or.accumulate(np.append(self._errors[hart], obs["errors"][mine]))
            obs["errors"][mine] &= ~so_far[:-1]
            self._errors[hart] = so_far[-1]

    def chunk(
        self, part: Frames, hart: Array, want: Records, seen: Observed, differing: Iterable[Departed], end: int
    ) -> None:
        """Group what differs in a chunk.

        Args:
            part: its events. hart, want, seen: of each item.
            differing: items that differ, in the order of the trace. end: event from which on nothing was observed.
        """
        places = {each.number: each for each in differing}
        starts = np.searchsorted(hart, np.arange(self._config.harts + 1))
        vs = np.stack([want.head["mstatus_vs"], want.head["vsstatus_vs"]], axis=1)
        last = [int(start) for start in starts[:-1]]  # the item behind each hart's last departure
        for number, each in places.items():
            owner = int(hart[number])
            between = int(np.bitwise_or.reduce(seen.fetched[last[owner] : number], initial=0))
            known = self._rewritten[owner]
            rewritten = None if known is None and last[owner] == number else (known or 0) | between
            before = vs[number - 1] if number > starts[owner] else self._vs[owner]
            self._add(part.first + each.event, each, (int(before[0]), int(before[1])), rewritten)
            self._rewritten[owner], last[owner] = None, number + 1
        for owner in range(self._config.harts):
            if starts[owner] < starts[owner + 1]:
                self._vs[owner] = vs[starts[owner + 1] - 1]
                if last[owner] < starts[owner + 1]:
                    between = int(np.bitwise_or.reduce(seen.fetched[last[owner] : starts[owner + 1]], initial=0))
                    self._rewritten[owner] = (self._rewritten[owner] or 0) | between
        if self._writer is not None or places:
            self._write(part, places.values(), end)

    def _add(self, index: int, each: Departed, vs: tuple[int, int], rewritten: int | None) -> None:
        from vctx.pymodel.corelog.departures import Departure

        expected, observation = each.expected, each.observation
        errors = observation.errors
        if isinstance(expected, Insn) and expected.retire.trap != observation.retire.trap:
            errors &= ~XLAT_PAGE
        faults = [*error_texts(errors), *(f"{name} is unknown" for name in observation.unknown)]
        if isinstance(expected, Insn):
            self._departures.add(Departure(index, expected, observation.retire, vs, faults, rewritten))
        else:
            self._departures.checkpoint(index, expected.hart, faults or ["a register or a CSR"])

    def _write(self, part: Frames, differing: Iterable[Departed], end: int) -> None:
        """Write what was observed of a chunk; what came before it, first, if nothing was written yet."""
        trace = TraceReader(Path(self._config.trace))
        if self._writer is None:
            self._writer = TraceWriter(self._config.observed, trace.header)
            for before in frames(trace, self._config.chunk) if part.first else ():
                self._writer.copied(before.bytes_of(0, len(before)), len(before))
                if before.first + len(before) == part.first:
                    break
        at = 0
        for each in differing:
            self._writer.copied(part.bytes_of(at, each.event), each.event - at)
            expected, seen = each.expected, each.observation.retire
            if isinstance(expected, Insn):
                self._writer.insn(expected.hart, expected.pc, expected.issue, seen)
            else:
                self._writer.event(Checkpoint(expected.hart, seen))
            at = each.event + 1
        self._writer.copied(part.bytes_of(at, end), end - at)

    def finish(self, result: ReplayResult) -> None:
        """Put what was found into the result, and complete the trace of what was observed."""
        result.findings = self._departures.findings.sorted
        result.departures, result.following = self._departures.instructions, self._departures.following
        if self._writer is not None:
            self._writer.__exit__(None, None, None)
