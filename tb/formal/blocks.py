# SPDX-License-Identifier: Apache-2.0
"""Every block that is proven, with its properties."""

from __future__ import annotations

from vctx.tb.formal.instruction import DECODE, LEGAL, VSET
from vctx.tb.formal.property import Block, Mutant, Property
from vctx.tb.formal.state import CSR, CTRL, STATUS

_BURST = "vctx_lsu_burst.sv"

BURST = Block(
    "burst",
    ("DLEN",),
    (
        Property(
            "stable",
            "AXI4",
            "an address stays until it is taken",
            Mutant(_BURST, "else if (sent)", "else if (valid_o)"),
        ),
        Property(
            "asked",
            "AXI4",
            "what a segment asks for is asked for until nothing is left",
            Mutant(_BURST, "(beats_q - MaxBeats) : '0", "(beats_q - MaxBeats) : 10'd1"),
        ),
        Property(
            "follows",
            "D-5",
            "each burst begins where the one before has ended",
            Mutant(_BURST, "addr_q  <= addr_i;", "addr_q  <= addr_i + 56'(DLEN / 8);"),
        ),
        Property(
            "not_more",
            "D-5",
            "and no beat is asked for twice, nor one too many",
            Mutant(_BURST, "8'(beats_q - 10'd1)", "8'(beats_q)"),
        ),
        Property(
            "page",
            "AXI4",
            "no burst leaves its 4 KiB",
            Mutant(_BURST, "split ? 8'd255 : 8'(beats_q - 10'd1)", "8'd255"),
        ),
    ),
)

BLOCKS = (STATUS, CSR, CTRL, DECODE, LEGAL, VSET, BURST)
