# SPDX-License-Identifier: Apache-2.0
"""Traces: record types, file format, comparator."""

from vctx.pymodel.trace.compare import Difference, differences
from vctx.pymodel.trace.file import TraceError, TraceReader, TraceWriter, decode_retire, encode_head, encode_retire
from vctx.pymodel.trace.records import (
    MODE_NAMES,
    PAGE_SHIFT,
    PAGE_SIZE,
    ByteRuns,
    Checkpoint,
    Event,
    Insn,
    Issue,
    Mark,
    Prv,
    Registers,
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
    "ByteRuns",
    "Checkpoint",
    "Difference",
    "Event",
    "Insn",
    "Issue",
    "Mark",
    "Prv",
    "Registers",
    "Retire",
    "Store",
    "Sync",
    "TraceError",
    "TraceReader",
    "TraceWriter",
    "Trap",
    "Xlat",
    "decode_retire",
    "differences",
    "encode_head",
    "encode_retire",
]
