"""Traces: record types, file format, comparator."""

from pymodel.trace.compare import Difference, differences
from pymodel.trace.records import (
    MODE_NAMES,
    PAGE_SHIFT,
    PAGE_SIZE,
    Checkpoint,
    Event,
    Insn,
    Issue,
    Mark,
    Prv,
    Retire,
    Store,
    Sync,
    Trap,
    Xlat,
)

__all__ = [
    "MODE_NAMES",
    "PAGE_SHIFT",
    "PAGE_SIZE",
    "Checkpoint",
    "Difference",
    "Event",
    "Insn",
    "Issue",
    "Mark",
    "Prv",
    "Retire",
    "Store",
    "Sync",
    "Trap",
    "Xlat",
    "differences",
]
