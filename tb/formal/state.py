# SPDX-License-Identifier: Apache-2.0
"""Properties of the state beside the registers, and of the order in which instructions change it."""

from __future__ import annotations

from vctx.tb.formal.property import Block, Mutant, Property

_STATUS, _CSR, _CTRL = "vctx_status.sv", "vctx_csr.sv", "vctx_ctrl.sv"
_VSET, _LEGAL = "vctx_vset.sv", "vctx_legal.sv"

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

CSR = Block(
    "csr",
    ("VLEN",),
    (
        Property(
            "dirty",
            "B-8, B-13",
            "a change of vl, vtype, vstart or vcsr makes VS Dirty at the levels in force",
            Mutant(_CSR, "older_i ? older_virt_i : virt_i", "older_virt_i"),
        ),
        Property(
            "write_dirties",
            "B-8, B-10",
            "so does a write of a vector CSR that changes nothing",
            Mutant(_CSR, "dirty = dirty_i || vector_write", "dirty = dirty_i || (vector_write && (wdata != rdata_o))"),
        ),
        Property(
            "vs_only",
            "B-10, B-14, B-15",
            "VS changes by that, or by a write of a status register",
            Mutant(_CSR, ".writes_i      (writes_i)", ".writes_i      (1'b1)"),
        ),
        Property(
            "vl_only",
            "A-10",
            "vl changes by vset* and by a load that is trimmed",
            Mutant(_CSR, "CsrVcsr:   vcsr_q      <= wdata[2:0];", "CsrVcsr: {vl_q[0], vcsr_q} <= wdata[3:0];"),
        ),
        Property(
            "vtype_only",
            "A-4, A-11",
            "vtype changes by vset*",
            Mutant(
                _CSR, "if (trim_i) vl_q <= CntW'(trim_vl_i);", "if (trim_i) {vtype_q[0], vl_q} <= (CntW+1)'(trim_vl_i);"
            ),
        ),
        Property(
            "vstart_only",
            "A-5, A-7",
            "vstart changes by the end of an instruction, or a write of it",
            Mutant(_CSR, "if (vset_i) begin", "if (vector_write) vstart_q <= '0;\n      if (vset_i) begin"),
        ),
        Property(
            "vstart_set",
            "A-7",
            "and becomes what that instruction leaves",
            Mutant(_CSR, "if (vstart_we_i) vstart_q <= vstart_i;", "if (vstart_we_i) vstart_q <= '0;"),
        ),
        Property(
            "vcsr_only",
            "A-9",
            "vxrm and vxsat change by a write of a CSR alone",
            Mutant(_CSR, "vill_q  <= vset_vill_i;", "vill_q  <= vset_vill_i;\n        vcsr_q  <= '0;"),
        ),
        Property(
            "write_vstart",
            "A-6",
            "vstart keeps the low bits of what is written, set or cleared",
            Mutant(_CSR, "vstart_q    <= wdata[IdxW-1:0]", "vstart_q    <= IdxW'(wdata[IdxW-2:0])"),
        ),
        Property(
            "write_vcsr",
            "A-8, A-9",
            "vcsr is vxrm and vxsat, whichever of the three is written",
            Mutant(_CSR, "vcsr_q[2:1] <= wdata[1:0];", "vcsr_q      <= {wdata[1:0], 1'b0};"),
        ),
        Property(
            "vill_zeroes",
            "A-11",
            "with vill set vl and the rest of vtype are zero",
            Mutant(
                _CSR, "vill_q   <= 1'b1;\n      vstart_q", "vill_q   <= 1'b1;\n      vl_q[0] <= 1'b1;\n      vstart_q"
            ),
        ),
        Property(
            "read",
            "A-1, A-11, A-13",
            "each CSR reads as it stands",
            Mutant(_CSR, "assign vtype  = {vill_q, 55'b0, vtype_q};", "assign vtype  = {56'b0, vtype_q};"),
        ),
    ),
    reach=10,
)

CTRL = Block(
    "ctrl",
    ("VLEN",),
    (
        Property(
            "trap_writes_nothing",
            "A-7, B-11",
            "an illegal instruction writes no CSR, no vl, no vstart, and asks for no Dirty",
            Mutant(
                _CTRL, "vstart_we_o   = vset_done || vector_done", "vstart_we_o   = vset_done || vector_done || illegal"
            ),
        ),
        Property(
            "csr_alone",
            "B-15",
            "a CSR instruction takes effect alone: nothing else changes in its cycle",
            Mutant(_CTRL, "(!older_q || (legal_i && follows))", "(!older_q || (legal_i && (follows || is_csr)))"),
        ),
        Property(
            "csr_legal",
            "A-4, B-11",
            "only a legal CSR instruction that writes does so",
            Mutant(_CTRL, "csr_write_o   = csr_done && csr_writes_i", "csr_write_o   = csr_execute_o && csr_writes_i"),
        ),
        Property(
            "vset",
            "B-8, C-10",
            "a legal vset* sets vstart to zero and asks for Dirty",
            Mutant(_CTRL, "vstart_we_o   = vset_done || vector_done", "vstart_we_o   = vector_done"),
        ),
        Property(
            "vstart_dirties",
            "B-8, B-9",
            "a change of vstart asks for Dirty",
            Mutant(_CTRL, "!(lsu_irq_i && (lsu_elem_i == vstart_i))", "!lsu_irq_i"),
        ),
        Property(
            "vstart_zero",
            "A-7",
            "an instruction that is done leaves vstart zero",
            Mutant(_CTRL, "vstart_o      = resumable ? lsu_elem_i : '0", "vstart_o      = lsu_elem_i"),
        ),
        Property(
            "vstart_names",
            "A-7, D-8, D-15",
            "one that was stopped leaves the element there",
            Mutant(_CTRL, "resumable     = lsu_trap_i || lsu_irq_i", "resumable     = lsu_trap_i"),
        ),
        Property(
            "done_dirties",
            "B-8, B-9",
            "every vector instruction that executes asks for Dirty, in a trap, too",
            Mutant(
                _CTRL,
                "vector_done = alu_done_i || lsu_done_i || older_done_i",
                "vector_done = alu_done_i || lsu_done_i",
            ),
        ),
        Property(
            "starts_legal",
            "B-11",
            "no unit starts for what is illegal, and none but load and store behind an older instruction",
            Mutant(_CTRL, "assign checked      = ready && legal_i;", "assign checked      = ready;"),
        ),
        Property(
            "two_at_most",
            "interface",
            "two instructions at most are accepted and not retired",
            Mutant(
                _CTRL,
                "issue_ready_o = (state_q == StIdle) || csr_done",
                "issue_ready_o = (state_q != StMask) || csr_done",
            ),
        ),
        Property(
            "once",
            "interface",
            "what retires was accepted, and retires once",
            Mutant(_CTRL, "retire_valid_o   <= retires;", "retire_valid_o   <= 1'b1;"),
        ),
        Property(
            "accepts",
            "interface",
            "when it is idle, all but the older instruction has retired",
            Mutant(_CTRL, "retires  = illegal || csr_done", "retires  = csr_done"),
        ),
        Property(
            "trap_retires",
            "B-11",
            "what is illegal retires at once with a trap, and writes no register",
            Mutant(_CTRL, "retire_trap_o    <= illegal || lsu_trap_i", "retire_trap_o    <= lsu_trap_i"),
        ),
        Property(
            "moves",
            "interface",
            "what does not wait for an older instruction ends or starts a unit in the cycle after it was accepted",
            Mutant(
                _CTRL, "assign mask_fetch_o = checked && (is_mem || is_alu)", "assign mask_fetch_o = checked && is_mem"
            ),
        ),
        Property(
            "vd_mask",
            "interface",
            "the registers that retirement names are those that were written",
            Mutant(_CTRL, "if (vector_done) written_q <= '0;", "if (lsu_done_i) written_q <= '0;"),
        ),
        Property(
            "trap_no_rd",
            "B-11",
            "an instruction that traps writes no x register",
            Mutant(_CTRL, "assign rd_we    = (csr_done ||", "assign rd_we    = (illegal || csr_done ||"),
        ),
    ),
    reach=12,
)

CORE = Block(
    "core",
    ("VLEN", "DLEN"),
    (
        Property(
            "vlmax",
            "A-10, A-11, C-13",
            "vtype is one of the 88 or vill alone, and vl is within its VLMAX, always",
            Mutant(_VSET, "(avl > 64'(vlmax)) ? vl_above", "(avl > 64'(vlmax) + 64'd1) ? vl_above"),
        ),
        Property(
            "writes_on",
            "A-3, B-5",
            "registers are written only with the unit on for the instruction that writes them",
            Mutant(_LEGAL, "mem_ok   = vs_on_i && vtype_ok", "mem_ok   = vtype_ok"),
        ),
        Property(
            "off",
            "A-3, B-5, B-16",
            "with VS Off at a level in force an instruction retires as illegal, and changes nothing",
            Mutant(_STATUS, "(!virt_i || (vsstatus_vs_q != VsOff))", "1'b1"),
        ),
        Property(
            "illegal_keeps",
            "A-7, B-11",
            "so does every one that is not legal, with its cause: vl, vtype, vstart, vcsr and VS stay",
            Mutant(
                _CTRL, "vstart_we_o   = vset_done || vector_done", "vstart_we_o   = vset_done || vector_done || illegal"
            ),
        ),
        Property(
            "trap_leaves",
            "A-7, B-9, D-8",
            "a load or store that traps leaves vstart and VS, and nothing else",
            Mutant(_CTRL, "resumable     = lsu_trap_i || lsu_irq_i", "resumable     = lsu_irq_i"),
        ),
        Property(
            "dirty",
            "B-8, B-13, B-14",
            "a change of vl, vtype, vstart or vcsr leaves VS Dirty at the levels of the instruction that made it",
            Mutant(_CSR, "older_i ? older_virt_i : virt_i", "virt_i"),
        ),
        Property(
            "retires",
            "B-15",
            "vector CSRs and VS change when an instruction that executes ends, and at no other time",
            Mutant(
                _CTRL,
                "csr_write_o   = csr_done && csr_writes_i",
                "csr_write_o   = (state_q == StExec) && is_csr && legal_i",
            ),
        ),
        Property(
            "registers_dirty",
            "B-8, B-9, B-13",
            "what has written a register leaves VS Dirty, unless it was stopped before its first element",
            Mutant(
                _STATUS,
                "if (dirty_i) mstatus_vs_q <= VsDirty;",
                "if (dirty_i && (mstatus_vs_q != 2'd2)) mstatus_vs_q <= VsDirty;",
            ),
        ),
        Property(
            "wakes",
            "B-10",
            "mstatus.VS leaves Off by a write of it, by nothing that changes vector state",
            Mutant(_STATUS, "HasV && (mstatus_vs_q != VsOff) &&", "HasV &&"),
        ),
    ),
    depth=4,
    reach=14,
    without=("vctx_alu", "vctx_serial", "vctx_lsu", "vctx_regfile", "vctx_mask"),
)
