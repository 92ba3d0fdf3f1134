# SPDX-License-Identifier: Apache-2.0
"""Every block that is proven, with its properties."""

from __future__ import annotations

from vctx.tb.formal.instruction import DECODE, LEGAL, VSET
from vctx.tb.formal.property import Block, Mutant, Property

_STATUS, _BURST = "vctx_status.sv", "vctx_lsu_burst.sv"

STATUS = Block(
    "status",
    (),
    (
        Property(
            "dirty",
            "B-8, B-13",
            "a change of vector state makes mstatus.VS Dirty",
            Mutant(
                _STATUS,
                "if (dirty_i) mstatus_vs_q <= VsDirty;",
                "if (dirty_i && !dirty_virt_i) mstatus_vs_q <= VsDirty;",
            ),
        ),
        Property(
            "dirty_guest",
            "B-13",
            "with V=1 it makes vsstatus.VS Dirty as well",
            Mutant(
                _STATUS, "if (dirty_i && dirty_virt_i) vsstatus_vs_q <= VsDirty;", "if (1'b0) vsstatus_vs_q <= VsDirty;"
            ),
        ),
        Property(
            "dirty_host_only",
            "B-14",
            "with V=0 it leaves vsstatus.VS as it is",
            Mutant(_STATUS, "if (dirty_i && dirty_virt_i) vsstatus_vs_q", "if (dirty_i) vsstatus_vs_q"),
        ),
        Property(
            "vs_stays",
            "B-10, B-15",
            "nothing else changes either VS but a write that may",
            Mutant(_STATUS, "assign status_write = execute_i && writes_i", "assign status_write = execute_i"),
        ),
        Property(
            "trap_keeps",
            "B-11",
            "an access that traps changes neither VS",
            Mutant(_STATUS, "&& writes_i && !trap_o && HasV", "&& writes_i && HasV"),
        ),
        Property(
            "write_guest",
            "B-3, B-4, B-15",
            "a write of vsstatus, or of sstatus with V=1, stores VS there and nowhere else",
            Mutant(
                _STATUS,
                "else if (status_write && (addr == CsrMstatus))",
                "else if (status_write && (addr_i != CsrVsstatus))",
            ),
        ),
        Property(
            "write_host",
            "B-3, B-14",
            "a write of mstatus, or of sstatus with V=0, stores VS there and nowhere else",
            Mutant(_STATUS, "(virt_i ? CsrVsstatus : CsrMstatus)", "CsrVsstatus"),
        ),
        Property(
            "sd",
            "B-12",
            "SD is FS or VS of the same register being Dirty, at once",
            Mutant(_STATUS, "vsfs_dirty_i || (vsstatus_vs_q == VsDirty)", "vsfs_dirty_i || (mstatus_vs_q == VsDirty)"),
        ),
        Property(
            "read",
            "B-1, B-4",
            "VS is read where it is written, and no other bit is set",
            Mutant(
                _STATUS, "(addr == CsrVsstatus) ? vsstatus : mstatus", "(addr_i == CsrVsstatus) ? vsstatus : mstatus"
            ),
        ),
        Property(
            "on",
            "A-3, B-5, B-14",
            "the unit is on if mstatus.VS is not Off, and with V=1 vsstatus.VS neither",
            Mutant(_STATUS, "(!virt_i || (vsstatus_vs_q != VsOff))", "1'b1"),
        ),
        Property(
            "who",
            "F-7",
            "an access traps where the privilege is too low",
            Mutant(_STATUS, "(prv_i != PrvU) && !virt_i)", "(prv_i != PrvU))"),
        ),
        Property(
            "cause",
            "F-7",
            "as a virtual instruction if HS-mode could do it, else as an illegal one",
            Mutant(_STATUS, "virt_i && !csr_prv_ok && (csr_level != 2'd3)", "virt_i && !csr_prv_ok"),
        ),
    ),
)

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

BLOCKS = (STATUS, DECODE, LEGAL, VSET, BURST)
