# SPDX-License-Identifier: Apache-2.0
"""Faults that were reported of other cores and models, put into this design: project and number of the report.

The first is of nobody: an earlier main job agreed to it.
"""

from __future__ import annotations

from mutation import Mutant

_CSR, _CTRL, _LEGAL, _LSU, _SHAPE = "vctx_csr.sv", "vctx_ctrl.sv", "vctx_legal.sv", "vctx_lsu.sv", "vctx_shape.sv"
_STATUS, _TOP = "vctx_status.sv", "vctx.sv"
_LSU_STATE = "  always_ff @(posedge clk_i or negedge rst_ni) begin\n    if (!rst_ni) begin\n      state_q   <= StIdle;"
_FLOP = "  always_ff @(posedge clk_i or negedge rst_ni) if (!rst_ni) "


def _fault(report: str, name: str, file: str, *edits: tuple[str, str]) -> Mutant:
    return Mutant(report, name, file, edits)


REPORTED = (
    _fault(
        "guest writes",
        "a guest's CSR write does not dirty its own VS",
        _CSR,
        (
            ".dirty_virt_i  (older_i ? older_virt_i : virt_i),",
            ".dirty_virt_i  (dirty_i && (older_i ? older_virt_i : virt_i)),",
        ),
    ),
    _fault(
        "xiangshan 6295",
        "a fault-only-first load that traps writes its register",
        _LSU,
        (".wbe_o        (wbe_o),", ".wbe_o        (load_wbe),"),
        (
            "  assign mover_busy = load_busy",
            "  logic [Bytes-1:0] load_wbe;\n  assign wbe_o = (trap_o && first_fault_i) ? '1 : load_wbe;\n"
            "  assign mover_busy = load_busy",
        ),
    ),
    _fault(
        "gem5 3362",
        "a fault-only-first load remembers an earlier one's trim",
        _LSU,
        (
            "end_q   <= stop ? CntW'(stop_elem) : evl_i;",
            "end_q   <= stop ? CntW'(stop_elem) :\n"
            "                   (first_fault_i && (stale_q != '0) && (stale_q < evl_i)) ? stale_q : evl_i;",
        ),
        (
            _LSU_STATE,
            f"  logic [CntW-1:0] stale_q;\n{_FLOP}stale_q <= '0;\n    else if (trim_o) stale_q <= elem_q;\n"
            f"{_LSU_STATE}",
        ),
    ),
    _fault(
        "riscv-unified-db 1889",
        "a load or store of bytes keeps vstart",
        _CTRL,
        (
            "assign vstart_o      = resumable ? lsu_elem_i : '0;",
            "assign vstart_o      = resumable ? lsu_elem_i : (lsu_done_i && !is_masked && (insn_i[14:12] == 3'd0) &&\n"
            "                         (insn_i[24:20] == 5'd0)) ? vstart_i : '0;",
        ),
    ),
    _fault(
        "sail-riscv 1243",
        "an illegal instruction clears vstart",
        _CTRL,
        (
            "assign vstart_we_o   = vset_done || vector_done;",
            "assign vstart_we_o   = vset_done || vector_done || (illegal && !is_csr);",
        ),
    ),
    _fault(
        "sail-riscv 1243",
        "a load or store under vl = 0 keeps vstart",
        _TOP,
        (
            ".vstart_we_i    (vstart_we),",
            ".vstart_we_i    (vstart_we && !((vl == '0) && lsu_done && (evl == '0))),",
        ),
    ),
    _fault(
        "riscv-isa-manual 2692",
        "vstart of a fault is the page's first element, active or not",
        _LSU,
        ("elem_o    = exception ? elem_q[IdxW-1:0]", "elem_o    = exception ? first_q[IdxW-1:0]"),
        (
            _LSU_STATE,
            f"  logic [CntW-1:0] first_q;\n{_FLOP}first_q <= '0;\n    else if (start_i) first_q <= CntW'(vstart_i);\n"
            "    else if (segment_start) first_q <= page_end;\n"
            "    else if (scan && !active && !nothing_left && (next_elem == page_end)) first_q <= next_elem;\n"
            f"{_LSU_STATE}",
        ),
    ),
    _fault(
        "spike 660",
        "Off, written by a guest, reaches the hypervisor's VS",
        _STATUS,
        (
            "else if (status_write && (addr == CsrMstatus)) mstatus_vs_q",
            "else if (status_write && ((addr == CsrMstatus) || (virt_i && (wdata_vs == VsOff)))) mstatus_vs_q",
        ),
    ),
    _fault(
        "cva6 2934",
        "loads do not dirty",
        _CTRL,
        (
            "assign dirty_o       = vstart_we_o &&",
            "assign dirty_o       = vstart_we_o && !((lsu_done_i || older_done_i) && (dec_i.unit == UnitLoad)) &&",
        ),
    ),
    _fault(
        "cva6 2373",
        "sstatus in VU-mode is an illegal instruction, not a virtual one",
        _STATUS,
        ("csr_level != 2'd3", "csr_level == 2'd2"),
    ),
    _fault(
        "spike 2178",
        "elements below vstart are loaded",
        _LSU,
        ("elem_q  <= strided_i ? '0 : CntW'(vstart_i);", "elem_q  <= (strided_i || !store_i) ? '0 : CntW'(vstart_i);"),
    ),
    _fault(
        "ara 183",
        "an illegal load behind a busy one never ends",
        _CTRL,
        (
            "assign ready        = (state_q == StExec) && (!older_q || (legal_i && follows));",
            "assign ready        = (state_q == StExec) && (!older_q || (legal_i && follows)) &&\n"
            "                      !(stuck_q && !legal_i);",
        ),
        (
            "  // Start\n",
            f"  logic stuck_q;\n{_FLOP}stuck_q <= 1'b0;\n"
            "    else if ((state_q == StExec) && older_q && !legal_i && is_mem) stuck_q <= 1'b1;\n  // Start\n",
        ),
    ),
    _fault(
        "vexriscv 297",
        "writes of vector CSRs are not gated by VS",
        _LEGAL,
        (
            "(vs_on_i && !(csr_read_only && csr_writes_o))",
            "((vs_on_i || csr_writes_o) && !(csr_read_only && csr_writes_o))",
        ),
    ),
    _fault(
        "ara 308",
        "a CSR instruction does not wait for the older load or store",
        _CTRL,
        ("(!older_q || (legal_i && follows));", "(!older_q || (legal_i && (follows || is_csr)));"),
    ),
    _fault(
        "nemu 374",
        "alignment of whole-register loads and stores is not checked",
        _SHAPE,
        ("whole_mem           ? nr_mem :", "whole_mem           ? 2'd0 :"),
    ),
)
