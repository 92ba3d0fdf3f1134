# SPDX-License-Identifier: Apache-2.0
"""Doing a whole recording again."""

from __future__ import annotations

from vctx.pymodel.errors import UsageError
from vctx.pymodel.kvm import KernelMisuseError, KernelOops, KernelVersion, KvmError, versions
from vctx.pymodel.scenarios.guest_driver import DriverError
from vctx.pymodel.scenarios.linux import (
    guest_lines,
    hart_lines,
    kernel_lines,
    part_lines,
    process_lines,
    user_lines,
)
from vctx.pymodel.scenarios.linux.part import Part, lines
from vctx.pymodel.scenarios.linux.session import Platform
from vctx.pymodel.scenarios.linux.trace import BOOKKEEPING, Difference, Kind, Row, Verdict, differences

__all__ = [
    "guest_lines",
    "hart_lines",
    "kernel_lines",
    "part_lines",
    "process_lines",
    "replay",
    "user_lines",
]  # the modules register the handlers of their lines


def version_of(platform: Platform) -> KernelVersion:
    """Return the version that stands for the recorder's Linux.

    Raises:
        UsageError: there is none.
    """
    name = "linux-" + ".".join(platform.release.split(".")[:2])
    if name not in versions:
        known = ", ".join(version for version in versions if version.startswith("linux-"))
        raise UsageError(f"no kernel version stands for Linux {platform.release}; there are {known}: name one")
    return versions[name]


def replay(rows: list[Row], version: KernelVersion | None = None) -> list[Verdict]:
    """Return the verdict of every line of a recording, judged against `version`, or that which stands for its Linux.

    Raises:
        UsageError: the recording holds a line or a field that is not known, or no version stands for its Linux.
    """
    platform = Platform.of(rows)
    version = version or version_of(platform)
    part: Part | None = None
    verdicts = []
    for at, row in enumerate(rows):
        if row["t"] in BOOKKEEPING:
            verdicts.append(Verdict(at + 1, row, Kind.BOOKKEEPING))
            continue
        if part is None or part.name != row["ctx"]:
            part = Part(row["ctx"], platform, version, rows)
        part.at = at
        verdicts.append(_judge(part, row))
    return verdicts


def _judge(part: Part, row: Row) -> Verdict:
    handler = lines.handlers.get(row["t"])
    if handler is None:
        raise UsageError(f"line {part.at + 1}: there is no kind of line {row['t']!r}")
    try:
        observed = handler(part, row)
    except (KvmError, KernelOops, KernelMisuseError, DriverError) as error:
        return Verdict(
            part.at + 1, row, Kind.DIFFERS, (Difference("line", "done", f"{type(error).__name__}: {error}"),)
        )
    found = differences(row, observed)
    if not found:
        return Verdict(part.at + 1, row, Kind.MATCHED)
    kind = Kind.DIFFERS if observed.explanation is None else Kind.EXPLAINED
    return Verdict(part.at + 1, row, kind, found, observed.explanation)
