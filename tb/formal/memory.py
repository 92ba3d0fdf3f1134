# SPDX-License-Identifier: Apache-2.0
"""Properties of loads and stores: the bus, translation, and how they end."""

from __future__ import annotations

from vctx.tb.formal.property import Block, Mutant, Property

_LSU, _BURST, _LOAD, _STORE = "vctx_lsu.sv", "vctx_lsu_burst.sv", "vctx_lsu_load.sv", "vctx_lsu_store.sv"

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

LSU = Block(
    "lsu",
    ("VLEN", "DLEN"),
    (
        Property(
            "segment",
            "D-5",
            "what is handed on lies within a page, and when nothing is left of what was before",
            Mutant(_LSU, "(13'd4096 - 13'(addr[11:0]))", "(13'd4097 - 13'(addr[11:0]))"),
        ),
        Property(
            "page",
            "AXI4",
            "no burst leaves its 4 KiB",
            Mutant(_BURST, "8'(beats_q - 10'd1)", "8'(beats_q)"),
        ),
        Property(
            "reads_done",
            "interface",
            "no data is outstanding when a load, or what waited behind it, ends: not in a trap either",
            Mutant(_LSU, "((state_q == StMove) && mover_done && !older_i)", "((state_q == StMove) && !older_i)"),
        ),
        Property(
            "writes_done",
            "interface",
            "every burst of a store has had its one response when it ends",
            Mutant(_STORE, "assign done_o     = response && finals_q[0];", "assign done_o = sent && sent_final;"),
        ),
        Property(
            "write",
            "B-11",
            "registers are written only while a load is in flight",
            Mutant(_LOAD, ".active_i (write)", ".active_i (1'b1)"),
        ),
        Property(
            "trap",
            "D-8, D-10",
            "a trap ends the instruction, at an element below evl, when nothing older is left",
            Mutant(_LSU, "assign trap_o    = exception && !trim_o;", "assign trap_o    = exception;"),
        ),
        Property(
            "trim",
            "D-14",
            "only a fault-only-first load is trimmed, and never to nothing",
            Mutant(_LSU, "exception && first_fault_i && (elem_q != '0)", "exception && first_fault_i"),
        ),
        Property(
            "ar_stable",
            "AXI4",
            "a read address stays until it is taken",
            Mutant(_BURST, "else if (sent)", "else if (valid_o)"),
        ),
        Property(
            "aw_stable",
            "AXI4",
            "a write address stays until it is taken, whatever is issued meanwhile",
            Mutant(_LSU, "axi_awvalid_o = burst_valid && store_q", "axi_awvalid_o = burst_valid && store_i"),
        ),
        Property(
            "w_stable",
            "AXI4",
            "so do data, strobes and last",
            Mutant(_STORE, "step       = send_q && (begins || beat)", "step       = send_q && (begins || wvalid_o)"),
        ),
        Property(
            "xlat_stable",
            "interface",
            "and the page that is to be translated",
            Mutant(_LSU, "if (strided_i && (segment_start || passes))", "if (strided_i && scan)"),
        ),
    ),
    depth=6,
    reach=12,
)
