// SPDX-License-Identifier: Apache-2.0
// mstatus, sstatus and vsstatus as far as the vector unit is concerned: both VS fields, the SD bit that follows from
// them, who may access the registers, and whether the vector unit is on.
//
// All that other cores keep in a CSR file of their own stands behind this boundary, so that such a file can take the
// place of this module (docs/rtl.md).

`default_nettype none

module vctx_status
  import vctx_pkg::*;
#(
  parameter bit HasV = 1'b1  // 0: no vector unit, VS is hard-wired to Off
) (
  input  logic        clk_i,
  input  logic        rst_ni,

  // CSR instruction, and the mode of it or of any other instruction; answered at once
  input  logic [11:0] addr_i,    // mstatus, sstatus or vsstatus
  input  logic [1:0]  op_i,      // funct3[1:0]: 1 write, 2 set, 3 clear
  input  logic [63:0] src_i,     // x[rs1] or immediate
  input  logic        writes_i,  // not a set or clear of x0 or 0 (A-4)
  input  logic [1:0]  prv_i,
  input  logic        virt_i,
  input  logic        fs_dirty_i,    // FS is kept elsewhere
  input  logic        vsfs_dirty_i,
  output logic [63:0] rdata_o,
  output logic        trap_o,
  output logic [5:0]  cause_o,
  output logic        vs_on_o,   // in this mode, vector instructions and vector CSRs may be used

  // The access takes effect, or traps, at the end of this cycle
  input  logic        execute_i,

  // Vector state changes at the end of this cycle; never with execute_i
  input  logic        dirty_i,
  input  logic        dirty_virt_i,  // by an instruction with V=1

  output logic [1:0]  mstatus_vs_o,
  output logic [1:0]  vsstatus_vs_o
);

  logic [1:0] mstatus_vs_q, vsstatus_vs_q;
  assign mstatus_vs_o  = mstatus_vs_q;
  assign vsstatus_vs_o = vsstatus_vs_q;

  // VS is not Off, at both levels with V=1 (A-3, B-5, B-14).
  assign vs_on_o = HasV && (mstatus_vs_q != VsOff) && (!virt_i || (vsstatus_vs_q != VsOff));

  // Address bits 9:8 are the lowest privilege: 1 S, 2 hypervisor, 3 M. V=1 gets a virtual-instruction exception (22)
  // for what HS-mode could access, all else an illegal-instruction exception (2) (F-7).
  logic [1:0] csr_level;
  logic       csr_prv_ok, csr_virtual;
  assign csr_level   = addr_i[9:8];
  assign csr_prv_ok  = (prv_i == PrvM) ||
                       ((csr_level == 2'd1) && (prv_i != PrvU)) ||
                       ((csr_level == 2'd2) && (prv_i != PrvU) && !virt_i);
  assign csr_virtual = virt_i && !csr_prv_ok && (csr_level != 2'd3);
  assign trap_o      = !csr_prv_ok;
  assign cause_o     = csr_virtual ? CauseVirtual : CauseIllegal;

  // sstatus is mstatus with V=0 and vsstatus with V=1 (B-3, B-4).
  logic [11:0] addr;
  assign addr = (addr_i != CsrSstatus) ? addr_i : (virt_i ? CsrVsstatus : CsrMstatus);

  // SD summarises the FS and VS of the same register (B-12).
  logic [63:0] mstatus, vsstatus;
  assign mstatus  = {fs_dirty_i || (mstatus_vs_q == VsDirty), 52'b0, mstatus_vs_q, 9'b0};
  assign vsstatus = {vsfs_dirty_i || (vsstatus_vs_q == VsDirty), 52'b0, vsstatus_vs_q, 9'b0};
  assign rdata_o  = (addr == CsrVsstatus) ? vsstatus : mstatus;

  logic        status_write;
  logic [63:0] wdata;
  logic [1:0]  wdata_vs;
  assign status_write = execute_i && writes_i && !trap_o && HasV;
  assign wdata        = csr_rmw(op_i, rdata_o, src_i);
  assign wdata_vs     = (VsTwoState && (wdata[10:9] != VsOff)) ? VsDirty : wdata[10:9];  // L-2

  // A change of vector state dirties mstatus, and with V=1 vsstatus as well (B-13, B-14).
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      mstatus_vs_q  <= VsOff;
      vsstatus_vs_q <= VsOff;
    end else if (dirty_i || status_write) begin
      if (dirty_i) mstatus_vs_q <= VsDirty;
      else if (status_write && (addr == CsrMstatus)) mstatus_vs_q <= wdata_vs;
      if (dirty_i && dirty_virt_i) vsstatus_vs_q <= VsDirty;
      else if (status_write && (addr == CsrVsstatus)) vsstatus_vs_q <= wdata_vs;
    end
  end

endmodule

`default_nettype wire
