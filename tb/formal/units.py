# SPDX-License-Identifier: Apache-2.0
"""Properties of the units that load and store have no part in: that they answer what they were asked."""

from __future__ import annotations

from vctx.tb.formal.property import Block, Mutant, Property

_ALU, _SERIAL, _MASK = "vctx_alu.sv", "vctx_serial.sv", "vctx_mask.sv"

UNITS = Block(
    "units",
    ("VLEN", "DLEN"),
    (
        Property(
            "alu_done",
            "interface",
            "arithmetic by rows ends only if it was started, once",
            Mutant(_ALU, "assign done_o        = empty_q || (exec_operands", "assign done_o = empty_q || (!exec_old_q"),
        ),
        Property(
            "alu_writes",
            "B-11",
            "and writes registers only in between",
            Mutant(_ALU, "{Bytes{write_mask}};", "{Bytes{write_mask || (mask_result && start_i)}};"),
        ),
        Property(
            "alu_reads",
            "interface",
            "and reads them only in between",
            Mutant(_ALU, "assign re_o            = read_q;", "assign re_o = read_q || start_i;"),
        ),
        Property(
            "serial_done",
            "interface",
            "so does arithmetic by elements: it ends once",
            Mutant(_SERIAL, "finished  = (state_q == StFetch) && (elem_q == evl_i)", "finished = (elem_q == evl_i)"),
        ),
        Property(
            "serial_writes",
            "B-11",
            "and writes registers only in between",
            Mutant(_SERIAL, "writes         = advances && to_elements;", "writes = to_elements;"),
        ),
        Property(
            "mask_done",
            "interface",
            "the mask is there only if it was asked for",
            Mutant(_MASK, "fetch_done_o = store_q && !busy_q", "fetch_done_o = !busy_q"),
        ),
        Property(
            "mask_ends",
            "interface",
            "and VLEN/DLEN + 1 cycles later at the latest",
            Mutant(_MASK, "busy_q <= !last;", "busy_q <= 1'b1;"),
        ),
    ),
    reach=12,
)
