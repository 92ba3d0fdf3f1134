# SPDX-License-Identifier: Apache-2.0
"""The commit log of a core against the golden hart: read, compare, and leave the report as JSON."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from vctx.pymodel.corelog.check import Checker
from vctx.pymodel.corelog.findings import Report
from vctx.pymodel.corelog.readers import read_events
from vctx.pymodel.places import out_root
from vctx.pymodel.profiles import Profile
from vctx.pymodel.programs import read_elf
from vctx.tb.process.files import write_json
from vctx.tb.process.folders import claimed, name_of
from vctx.tb.runs.progress import Progress, silent


@dataclass(frozen=True)
class Checked:
    """A report, and the file that holds it as JSON."""

    report: Report
    path: Path


def check_log(
    program: Path,
    log: Path,
    profile: Profile,
    *,
    hart: int = 0,
    form: str | None = None,
    progress: Progress = silent,
) -> Checked:
    """Compare a log with what the golden hart does.

    Args:
        program: the ELF file that ran.
        log: what the core wrote.
        profile: what the core is like.
        hart: which hart of the log.
        form: the log's format; None for what it looks like.
        progress: called with ("events", done, done).

    Raises:
        UsageError: a file cannot be read, or the program uses what the golden hart lacks.
    """
    image = read_elf(program.name, program)
    events = read_events(log, hart, form=form)
    out_dir = out_root() / "check-log" / f"{name_of(program)}-{profile.name}-vlen{profile.hart.vlen}"
    with claimed(out_dir):
        path = out_dir / "result.json"
        path.unlink(missing_ok=True)
        checker = Checker(image, profile, log)
        report = checker.run(events, lambda done: progress("events", done, done))
        write_json(path, report.as_json())
    return Checked(report, path)
