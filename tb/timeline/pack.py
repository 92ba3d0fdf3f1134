# SPDX-License-Identifier: Apache-2.0
"""A timeline as text for a page: columns of numbers, compressed, in pieces that the page unpacks when it needs them.

Two levels of detail. Lanes and functions, which grow with the number of context switches, are unpacked at once. Of the
instructions each piece of `_PIECE` is unpacked only when the page shows some of it. If all that is more than `BUDGET`,
operands of instructions are left out, and if that is not enough, pieces far from every finding.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Collection
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np

from vctx.pymodel.trace.bulk import Array
from vctx.tb.timeline.model import HartTimeline, Instructions, Lane, Place, Timeline

BUDGET = 4_500_000
"""Characters that a timeline may take: a whole report stays below 5 MB."""

_PIECE = 16_384  # instructions
_ASCENDING = frozenset({"start", "event", "first", "time"})
_OPERANDS = frozenset({"address", "rd"})
_GZIP = 16 + zlib.MAX_WBITS


@dataclass(frozen=True)
class Packed:
    """What a page has of a timeline.

    Attributes:
        index: JSON-able: what there is, by number of its blob.
        blobs: each compressed, as base64.
        left_out: what the page has not got, and why; empty if it has everything.
    """

    index: dict[str, Any]
    blobs: tuple[str, ...]
    left_out: str


class _Packer:
    def __init__(self) -> None:
        self.blobs: list[str] = []

    def add(self, data: bytes) -> int:
        """Compress data; return the number of its blob."""
        packer = zlib.compressobj(6, zlib.DEFLATED, _GZIP)
        self.blobs.append(base64.b64encode(packer.compress(data) + packer.flush()).decode())
        return len(self.blobs) - 1

    def columns(self, columns: dict[str, Array]) -> dict[str, Any]:
        """Pack columns of one length: each as differences if it ascends, in 1, 2 or 4 bytes a value."""
        parts, described = [], []
        rows = 0
        for name, column in columns.items():
            rows = len(column)
            ascends = name in _ASCENDING
            values = np.diff(column.astype(np.int64), prepend=0).astype(np.uint32) if ascends else column
            most = int(values.max(initial=0))
            width = 1 if most < 1 << 8 else 2 if most < 1 << 16 else 4
            parts.append(values.astype(f"<u{width}").tobytes())
            described.append([name, width, int(ascends)])
        return {"rows": rows, "columns": described, "blob": self.add(b"".join(parts))}


def pack(found: Timeline, places: Collection[Place] = (), budget: int = BUDGET) -> Packed:
    """Return what a page has of a timeline.

    Args:
        places: of findings; the instructions around them are kept whatever else is.
        budget: see `BUDGET`.
    """
    packer = _Packer()
    codes = [[f"{c.pc:#x}", f"{c.insn:08x}", c.mode, c.text, c.symbol] for c in found.codes]
    states = [[f"{value:#x}" for value in row] for row in found.states]
    index: dict[str, Any] = {
        "unit": found.unit,
        "end": found.end,
        "vlen": found.vlen,
        "context": found.context,
        "names": found.names,
        "breaks": [asdict(place) for place in places],
        "tables": packer.add(json.dumps({"codes": codes, "states": states}, separators=(",", ":")).encode()),
        "harts": [_hart(packer, hart) for hart in found.harts],
    }
    left_out = ""
    budget -= sum(map(len, packer.blobs))
    pieces = _instructions(found, places, frozenset())
    if _size(pieces) > budget:
        left_out = "operands and results of instructions"
        pieces = _instructions(found, places, _OPERANDS)
    if _size(pieces) > budget:
        left_out += ", and instructions far from every finding"
        pieces = _fitting(pieces, budget)
    for hart, described, blob in pieces:
        index["harts"][hart]["pieces"].append(described | {"blob": len(packer.blobs)})
        packer.blobs.append(blob)
    return Packed(index, tuple(packer.blobs), left_out and f"{left_out}: the report would be too large with them")


def _hart(packer: _Packer, hart: HartTimeline) -> dict[str, Any]:
    slices = {field.name: getattr(hart.slices, field.name) for field in fields(hart.slices)}
    slices["wait"] = slices.pop("end") - slices["start"] - slices["cycles"]  # small, so that it packs well
    slices["count"] = slices.pop("last") - slices["first"]
    lanes: dict[str, Lane] = {
        "owner": hart.owner,
        "mstatus_vs": hart.mstatus_vs,
        "vsstatus_vs": hart.vsstatus_vs,
        "mode": hart.mode,
    }
    packed = {name: packer.columns({"time": lane.time, "value": lane.value}) for name, lane in lanes.items()}
    traps = np.flatnonzero(hart.instructions.trap)
    trapped = {"time": hart.instructions.end[traps], "number": traps, "cause": hart.instructions.trap[traps]}
    return {
        "slices": packer.columns(slices),
        "lanes": packed,
        "migrations": packer.columns({"first": hart.migrations}),
        "traps": packer.columns(trapped),
        "bus": packer.columns(_bus(hart.instructions)),
        "pieces": [],
    }


_BINS = 4096


def _bus(instructions: Instructions) -> dict[str, Array]:
    """Return bus bytes in bins of equal time; `time` is where each ends."""
    end = int(instructions.end[-1]) if len(instructions) else 0
    size = max(1, -(-end // _BINS))
    bins = (instructions.end // size).astype(np.int64)
    total = np.bincount(bins, instructions.read.astype(np.int64) + instructions.written, end // size + 1)
    return {"time": (np.arange(len(total)) + 1) * size, "bytes": total.astype(np.uint32)}


_Piece = tuple[int, dict[str, Any], str]  # hart, what it is, its blob


def _instructions(found: Timeline, places: Collection[Place], without: Collection[str]) -> list[_Piece]:
    """Return the instructions of all harts in pieces, those near findings first."""
    pieces: list[tuple[bool, _Piece]] = []
    for number, hart in enumerate(found.harts):
        columns = {
            name: column for name, column in _split(hart.instructions).items() if name.split(".")[0] not in without
        }
        ends = hart.instructions.end
        for first in range(0, len(hart.instructions), _PIECE):
            last = min(first + _PIECE, len(hart.instructions))
            packer = _Packer()
            described = packer.columns({name: column[first:last] for name, column in columns.items()})
            start = int(ends[first - 1]) if first else 0
            end = int(ends[last - 1])
            described |= {"first": first, "start": start, "end": end}
            near = any(place.hart == number and start <= place.time <= end for place in places)
            pieces.append((not near, (number, described, packer.blobs[0])))
    return [piece for _, piece in sorted(pieces, key=lambda pair: pair[0])]


def _split(instructions: Instructions) -> dict[str, Array]:
    """Return the columns of instructions; what has 64 bits as two, and for the end the cycles before it began."""
    ends = instructions.end.astype(np.int64)
    out: dict[str, Array] = {"wait": (np.diff(ends, prepend=0) - instructions.cycles).astype(np.uint32)}
    for field in fields(instructions):
        column: Array = getattr(instructions, field.name)
        if field.name in _OPERANDS:
            out[f"{field.name}.low"] = (column & np.uint64(0xFFFFFFFF)).astype(np.uint32)
            out[f"{field.name}.high"] = (column >> np.uint64(32)).astype(np.uint32)
        elif field.name != "end":
            out[field.name] = column
    return out


def _size(pieces: list[_Piece]) -> int:
    return sum(len(blob) for _, _, blob in pieces)


def _fitting(pieces: list[_Piece], budget: int) -> list[_Piece]:
    kept: list[_Piece] = []
    for piece in pieces:
        budget -= len(piece[2])
        if budget >= 0:
            kept.append(piece)
    return sorted(kept, key=lambda piece: (piece[0], piece[1]["first"]))
