# SPDX-License-Identifier: Apache-2.0
"""Exporting programs in tests, and what Spike makes of them."""

from __future__ import annotations

from dataclasses import replace
from itertools import zip_longest
from pathlib import Path

from spike_filter import filter_file

from vctx.tb.jobs.programs import Program, ProgramsConfig, export
from vctx.tb.spike.log import run_spike

# A main job of a few switches: 200 guest entries take minutes.
SMALL = ProgramsConfig(pairs=4, entries=30, fuzz=4)


def exported(folder: Path, vlen: int, *names: str) -> list[Program]:
    """Export programs to a folder, from a small main job and few fuzz programs."""
    return export(replace(SMALL, names=names, vlen=vlen), folder, "-").programs


def spike_differences(
    folder: Path, program: Program, vlen: int
) -> tuple[int, int, list[tuple[str | None, str | None]]]:
    """Run a program on Spike; return its exit code, the lines of its log, and the first that are not as expected."""
    elf, log = folder / program.elf, folder / f"{program.name}.spike"
    exit_code = run_spike(elf, vlen, log, seconds=300)
    assert program.log is not None
    lines, wrong = 0, []
    with (folder / program.log).open() as expected:
        for pair in zip_longest(expected, filter_file(log, elf)):
            lines += 1
            if pair[0] != pair[1] and len(wrong) < 3:
                wrong.append(pair)
    log.unlink()
    return exit_code, lines, wrong
