# SPDX-License-Identifier: Apache-2.0
"""The bugs of the catalogue, put into this design."""

from __future__ import annotations

from mutation import Mutant

# Why a bug cannot be put into the RTL as it was found elsewhere.
IMPOSSIBLE = {
    "B22": "vstart has log2(VLEN) flip-flops, so its mask cannot be forgotten; the mutants are the other four faults",
    "B23": "the block has no instruction that sets vxsat, so there is no hardware write to lose; the golden model is "
    "made to lose the write of software instead",
}

_CSR, _CTRL, _LEGAL, _LSU, _PKG = "vctx_csr.sv", "vctx_ctrl.sv", "vctx_legal.sv", "vctx_lsu.sv", "vctx_pkg.sv"
_STATUS, _TOP, _VSET = "vctx_status.sv", "vctx.sv", "vctx_vset.sv"
_VSSTATUS = "  assign vsstatus = {vsfs_dirty_i ||"
_VSTART_RULE = "                    !vstart_nonzero_i;"


def _one(bug: str, name: str, file: str, old: str, new: str) -> Mutant:
    return Mutant(bug, name, file, ((old, new),))


MUTANTS = (
    _one(
        "B1",
        "operand shifted",
        _TOP,
        "insn[19:15]} : rs1)",
        "insn[19:15]} : ((insn[31:24] == '0) && (insn[23:20] != 4'h8)) ? rs1 >> 15 : rs1)",
    ),
    _one("B2", "csrrc", _CSR, "<= wdata[1:0];", "<= (op_i == 2'd3) ? {1'b0, wdata[0]} : wdata[1:0];"),
    _one("B2", "csrrwi", _CSR, "? 64'(vcsr_q) :", "? 64'(vcsr_q[0]) :"),
    _one("B3", "rs2[7:0]", _VSET, "from_register ? rs2 :", "from_register ? {56'b0, rs2[7:0]} :"),
    _one("B4", "no limit", _VSET, "((avl > 64'(vlmax)) ?", "(((avl > 64'(vlmax)) && !immediate_avl) ?"),
    _one("B5", "narrow", _CSR, "? 64'(vl_q) :", "? 64'(vl_q[IdxW-1:0]) :"),
    _one("B6", "fields", _VSET, "vtype_o = vill_o ? '0 : request[7:0];", "vtype_o = request[7:0];"),
    _one(
        "B7",
        "never Dirty",
        _STATUS,
        "mstatus_vs_q <= VsDirty;\n      else if (status_write && (addr == CsrMstatus))",
        "mstatus_vs_q <= mstatus_vs_q;\n      else if (status_write && (addr == CsrMstatus))",
    ),
    _one("B7", "hard-wired", _STATUS, "mstatus_vs_q <= wdata_vs;\n      if", "mstatus_vs_q <= VsDirty;\n      if"),
    _one("B8", "mstatus", _STATUS, "{fs_dirty_i || (mstatus_vs_q == VsDirty),", "{fs_dirty_i,"),
    _one("B8", "vsstatus", _STATUS, "{vsfs_dirty_i || (vsstatus_vs_q == VsDirty),", "{vsfs_dirty_i,"),
    _one(
        "B9",
        "not shown",
        _STATUS,
        "? vsstatus : mstatus;",
        "? vsstatus : (addr_i == CsrSstatus) ? {mstatus[63], 63'b0} : mstatus;",
    ),
    _one(
        "B9",
        "not written",
        _STATUS,
        "(status_write && (addr == CsrMstatus))",
        "(status_write && (addr == CsrMstatus) && (addr_i == CsrMstatus))",
    ),
    _one("B10", "not checked", _STATUS, "&& (!virt_i || (vsstatus_vs_q != VsOff))", "&& 1'b1"),
    _one("B10", "not Dirty", _STATUS, "if (dirty_i && dirty_virt_i)", "if (1'b0)"),
    _one(
        "B11",
        "late",
        _STATUS,
        _VSSTATUS,
        f"  logic late_q;\n  always_ff @(posedge clk_i) late_q <= vsfs_dirty_i;\n{_VSSTATUS}".replace(
            "{vsfs_dirty_i ||", "{late_q ||"
        ),
    ),
    _one("B12", "executes", _LEGAL, "? vs_on_i :", "? 1'b1 :"),
    _one(
        "B13",
        "clean after a fault",
        _CTRL,
        "assign dirty_o       = vstart_we_o &&",
        "assign dirty_o       = vstart_we_o && !lsu_trap_i &&",
    ),
    _one("B14", "vcsr only", _CSR, "dirty_i || vector_write;", "vector_write && (addr_i == CsrVcsr);"),
    _one("B15", "boolean", _STATUS, "vsstatus_vs_q <= wdata_vs;", "vsstatus_vs_q <= {2{wdata_vs != VsOff}};"),
    Mutant(
        "B15",
        "SD",
        _STATUS,
        (
            (_VSSTATUS, f"  logic sd_q;\n{_VSSTATUS}".replace("{vsfs_dirty_i", "{sd_q || vsfs_dirty_i")),
            (
                "  // A change of vector state dirties",
                "  always_ff @(posedge clk_i or negedge rst_ni) if (!rst_ni) sd_q <= 1'b0;\n"
                "    else if (status_write && (addr == CsrVsstatus)) sd_q <= wdata[63];\n"
                "  // A change of vector state dirties",
            ),
        ),
    ),
    _one(
        "B16",
        "Dirty",
        _CTRL,
        "assign dirty_o       = vstart_we_o &&",
        "assign dirty_o       = (vstart_we_o || illegal) &&",
    ),
    _one(
        "B17",
        "vstart = vl",
        _LSU,
        "elem_o    = exception ? elem_q[IdxW-1:0]",
        "elem_o    = exception ? ((elem_q == '0) ? evl_i[IdxW-1:0] : elem_q[IdxW-1:0])",
    ),
    _one("B18", "not Dirty", _TOP, ".dirty_i        (dirty),", ".dirty_i        (dirty && !(lsu_done && (vl == '0))),"),
    _one("B19", "move executes", _LEGAL, _VSTART_RULE, "  (!vstart_nonzero_i || (dec_i.shape == ShapeWholeMove));"),
    _one("B19", "access wraps", _LSU, "(elem_q >= end_q)", "(elem_q == end_q)"),
    _one("B20", "goes on", _LSU, "(elem_q >= end_q)", "(elem_q == end_q)"),
    _one("B21", "executes", _LEGAL, _VSTART_RULE, "                    1'b1;"),
    _one(
        "B22", "not one storage", _CSR, "CsrVcsr:   vcsr_q      <= wdata[2:0];", "CsrVcsr:   vcsr_q[2:1] <= wdata[2:1];"
    ),
    _one("B22", "vxrm not masked", _CSR, "? 64'(vxrm) :", "? 64'(vcsr_q) :"),
    _one("B22", "vxsat not masked", _CSR, "? 64'(vxsat) :", "? 64'(vcsr_q) :"),
    _one("B22", "not gated", _LEGAL, "(vs_on_i && !(csr_read_only", "(!(csr_read_only"),
    _one("B24", "ratio", _PKG, "RatioChangeVill    = 1'b1", "RatioChangeVill    = 1'b0"),
    _one("B24", "vill", _PKG, "KeepVlFromVillVill = 1'b1", "KeepVlFromVillVill = 1'b0"),
)
