# SPDX-License-Identifier: Apache-2.0
"""A fuzzing campaign as a result: counts, coverage, what was not compared, and every failure."""

from __future__ import annotations

from collections.abc import Iterable

from vctx.pymodel.fuzz.generator import NEVER
from vctx.tb.jobs.fuzz import Failure, FuzzResult
from vctx.tb.jobs.lockstep import UNJUDGED
from vctx.tb.reports.told import sections
from vctx.tb.results.model import Case, Cell, Chart, Result, Section, Table, Text
from vctx.tb.runs.repeat import shown

_SHOWN = 12  # bins never reached that are listed of one cross; all of them are in the JSON file


def result_of(result: FuzzResult) -> Result:
    """Return a campaign as a result."""
    failures = len(result.failures)
    return Result(
        kind="fuzz",
        title=f"seed {result.config.seed}",
        ok=result.ok,
        headline=f"seed {result.config.seed}" + (f", {failures} differences, see above" if failures else ""),
        command=result.command,
        sections=tuple(_sections(result)),
        cases=tuple(_cases(result)),
        files=(("result", shown(result.path)),),
        data=result.as_json(),
    )


def _sections(result: FuzzResult) -> Iterable[Section]:
    for failure in result.failures:
        yield from _failure(failure)
    yield _counts(result)
    yield _coverage(result)
    never = tuple(_never(result))
    if never:
        yield Text("bins", never)
    if result.config.spike:
        lines = ((f"{point.number} {point.subject}", point.unjudged) for point in UNJUDGED)
        yield Text("not Spike's to judge", tuple(lines))
    yield Text("never generated", tuple(("", text) for text in NEVER))
    reached = tuple(100 * cross.reached / cross.possible if cross.possible else None for cross in result.crosses)
    names = tuple(cross.name for cross in result.crosses)
    yield Chart("bins reached, in % of those possible", "%", names, (("reached", reached),))


def _failure(failure: Failure) -> Iterable[Text]:
    if not failure.instructions:  # a whole trace
        yield from sections(failure.report.splitlines())
        yield Text("its trace", (("trace", failure.program), ("replay", failure.replay)))
        return
    title = (
        f"golden model and {failure.against} differ: VLEN {failure.vlen}, program {failure.number}, "
        f"shrunk to {failure.instructions} instructions"
    )
    lines = (("", failure.report), ("program", failure.program), ("replay", failure.replay))
    yield Text(title, lines, "bad")


def _sides(result: FuzzResult) -> list[tuple[str, str, tuple[int, ...]]]:
    """Return, for each side that was compared, its name, short name, and counts."""
    sides = [("golden, Spike", "Spike", result.spike, result.config.spike)]
    sides += [(f"golden, RTL ({result.config.sim})", "RTL", result.rtl, result.config.rtl)]
    found: list[tuple[str, str, tuple[int, ...]]] = []
    for name, against, tally, on in sides:
        if on:
            failures = sum(failure.against == against for failure in result.failures)
            counts = (tally.instructions, tally.programs, tally.unfinished, failures, tally.rate)
            found.append((name, against, counts))
    return found


def _counts(result: FuzzResult) -> Table:
    rows = tuple((Cell(name), *(Cell(f"{count:,}") for count in counts)) for name, _, counts in _sides(result))
    return Table("compared", ("", "instructions", "programs", "cut off", "mismatches", "a second"), rows)


def _coverage(result: FuzzResult) -> Table:
    rows = []
    for cross in result.crosses:
        counts = (cross.reached, cross.possible, len(cross.never), len(cross.beside))
        rows.append((Cell(cross.name), *(Cell(f"{count:,}") for count in counts)))
    rows.append((Cell("all features at once"), Cell(f"{len(result.points):,}"), Cell(""), Cell(""), Cell("")))
    return Table("reached", ("", "bins", "possible", "never", "not expected"), tuple(rows))


def _never(result: FuzzResult) -> Iterable[tuple[str, str]]:
    for cross in result.crosses:
        for what, bins in (("never reached", cross.never), ("reached, not expected", cross.beside)):
            if bins:
                more = f" and {len(bins) - _SHOWN} more" if len(bins) > _SHOWN else ""
                yield f"{what}, {cross.name}", f"{'; '.join(bins[:_SHOWN])}{more}"


def _cases(result: FuzzResult) -> Iterable[Case]:
    for name, against, _ in _sides(result):
        reports = [f"{f.report}\nreplay: {f.replay}" for f in result.failures if f.against == against]
        yield Case(name, "\n".join(reports))
