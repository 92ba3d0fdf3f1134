# SPDX-License-Identifier: Apache-2.0
"""The verdict on one observation; step-by-step and batch replay share it, and so their reports are the same."""

from __future__ import annotations

from vctx.pymodel.trace import Difference, Retire, Trap, differences
from vctx.tb.replay.layout import error_texts
from vctx.tb.replay.observation import Observation

# Fields of the observation that make up a field of the record under another name.
_RECORD_FIELD = {"cause": "trap", "tval": "trap", "tval2": "trap", "rd_we": "rd"}


def _expected_text(expected: Retire, name: str) -> str:
    """Return the expected value of one field as `differences` shows it; "-" for fields that no record has."""
    opposite = Retire(
        trap=None if expected.trap else Trap(0),
        irq=not expected.irq,
        rd=None if expected.rd is not None else 0,
        vl=~expected.vl,
        vtype=~expected.vtype,
        vstart=~expected.vstart,
        vcsr=~expected.vcsr,
        mstatus_vs=~expected.mstatus_vs,
        vsstatus_vs=~expected.vsstatus_vs,
    )
    shown = {d.field: d.expected for d in differences(expected, opposite)}
    return shown.get(_RECORD_FIELD.get(name, name), "-")


def compare(expected: Retire, seen: Observation) -> list[Difference]:
    """Return what an observation gets wrong: protocol errors, unknown bits, then fields that differ."""
    if not seen.errors and not seen.unknown and expected == seen.retire:
        return []
    out = [Difference("protocol", "none", text) for text in error_texts(seen.errors)]
    out += (Difference(name, _expected_text(expected, name), bits) for name, bits in seen.unknown.items())
    out += (d for d in differences(expected, seen.retire) if d.field not in seen.unknown)
    return out
