# SPDX-License-Identifier: Apache-2.0
"""The signals that interrupt a run."""

from __future__ import annotations

import signal

INTERRUPTS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def heard() -> list[signal.Signals]:
    """Return those of them that this process does not ignore, as it does SIGHUP under nohup."""
    return [number for number in INTERRUPTS if signal.getsignal(number) is not signal.SIG_IGN]
