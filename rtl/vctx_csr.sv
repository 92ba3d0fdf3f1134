// SPDX-License-Identifier: Apache-2.0
// Vector CSRs (vstart, vxsat, vxrm, vcsr, vl, vtype, vlenb) and the VS field of mstatus, sstatus and vsstatus, with
// the SD bit that follows from it. Legality of an access is decided elsewhere.

`default_nettype none

module vctx_csr
  import vctx_pkg::*;
#(
  parameter int VLEN = 256,  // bits in a vector register
  parameter bit HasV = 1'b1,  // 0: no vector unit
  localparam int CntW = $clog2(VLEN) + 1,  // of a number of elements, 0 to VLEN
  localparam int IdxW = $clog2(VLEN)  // an element index, and the writable bits of vstart (A-6)
) (
  input  logic            clk_i,
  input  logic            rst_ni,

  // CSR instruction: read at once, written at the end of a cycle with write_i
  input  logic [11:0]     addr_i,
  input  logic [1:0]      op_i,        // funct3[1:0]
  input  logic [63:0]     src_i,       // x[rs1] or immediate
  input  logic            virt_i,
  input  logic            older_i,       // a vector instruction that takes effect is not this one, but one issued with
  input  logic            older_virt_i,  // this V
  input  logic            fs_dirty_i,
  input  logic            vsfs_dirty_i,
  input  logic            write_i,     // legal and writes
  output logic [63:0]     rdata_o,

  // Vector instruction: takes effect in this cycle
  input  logic            vset_i,      // vl and vtype from vset*
  input  logic [CntW-1:0] vset_vl_i,
  input  logic [7:0]      vset_vtype_i,
  input  logic            vset_vill_i,
  input  logic            trim_i,      // vl trimmed by a fault-only-first load
  input  logic [IdxW-1:0] trim_vl_i,
  input  logic            vstart_we_i,
  input  logic [IdxW-1:0] vstart_i,
  input  logic            dirty_i,

  // State
  output logic [CntW-1:0] vl_o,
  output logic [7:0]      vtype_o,
  output logic            vill_o,
  output logic [IdxW-1:0] vstart_o,
  output logic [2:0]      vcsr_o,
  output logic [1:0]      mstatus_vs_o,
  output logic [1:0]      vsstatus_vs_o
);

  logic [CntW-1:0] vl_q;
  logic [7:0]      vtype_q;
  logic            vill_q;
  logic [IdxW-1:0] vstart_q;
  logic [2:0]      vcsr_q;  // vxrm, vxsat
  logic [1:0]      mstatus_vs_q, vsstatus_vs_q;

  assign vl_o          = vl_q;
  assign vtype_o       = vtype_q;
  assign vill_o        = vill_q;
  assign vstart_o      = vstart_q;
  assign vcsr_o        = vcsr_q;
  assign mstatus_vs_o  = mstatus_vs_q;
  assign vsstatus_vs_o = vsstatus_vs_q;

  // sstatus is mstatus with V=0 and vsstatus with V=1 (B-3, B-4).
  logic [11:0] addr;
  assign addr = (addr_i != CsrSstatus) ? addr_i : (virt_i ? CsrVsstatus : CsrMstatus);

  // SD summarises the FS and VS of the same register (B-12).
  logic [63:0] mstatus, vsstatus, vtype;
  assign mstatus  = {fs_dirty_i || (mstatus_vs_q == VsDirty), 52'b0, mstatus_vs_q, 9'b0};
  assign vsstatus = {vsfs_dirty_i || (vsstatus_vs_q == VsDirty), 52'b0, vsstatus_vs_q, 9'b0};
  assign vtype    = {vill_q, 55'b0, vtype_q};

  logic       vxsat;
  logic [1:0] vxrm;
  assign vxsat = vcsr_q[0];
  assign vxrm  = vcsr_q[2:1];

  assign rdata_o = (addr == CsrVstart)   ? 64'(vstart_q) :
                   (addr == CsrVxsat)    ? 64'(vxsat) :
                   (addr == CsrVxrm)     ? 64'(vxrm) :
                   (addr == CsrVcsr)     ? 64'(vcsr_q) :
                   (addr == CsrVl)       ? 64'(vl_q) :
                   (addr == CsrVtype)    ? vtype :
                   (addr == CsrVlenb)    ? 64'(VLEN / 8) :
                   (addr == CsrVsstatus) ? vsstatus : mstatus;

  logic [1:0]  op;
  logic [63:0] old, src;
  logic [63:0] wdata;
  logic [1:0]  wdata_vs;
  assign op       = write_i ? op_i : '0;
  assign old      = write_i ? rdata_o : '0;
  assign src      = write_i ? src_i : '0;
  assign wdata    = csr_rmw(op, old, src);
  assign wdata_vs = (VsTwoState && (wdata[10:9] != VsOff)) ? VsDirty : wdata[10:9];  // L-2

  // Every write to a vector CSR makes the state dirty, whatever the value (B-8, B-10).
  logic status_write, dirty;
  assign status_write = write_i && HasV && ((addr == CsrMstatus) || (addr == CsrVsstatus));
  assign dirty        = dirty_i || (write_i && !status_write && HasV);

  logic changes;
  assign changes = write_i || vset_i || trim_i || vstart_we_i || dirty_i;

  // A vector instruction dirties mstatus, and with V=1 vsstatus as well (B-13, B-14).
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      vl_q          <= '0;
      vtype_q       <= '0;
      vill_q        <= 1'b1;
      vstart_q      <= '0;
      vcsr_q        <= '0;
      mstatus_vs_q  <= VsOff;
      vsstatus_vs_q <= VsOff;
    end else if (changes) begin
      if (vset_i) begin
        vl_q    <= vset_vl_i;
        vtype_q <= vset_vtype_i;
        vill_q  <= vset_vill_i;
      end
      if (trim_i) vl_q <= CntW'(trim_vl_i);
      if (vstart_we_i) vstart_q <= vstart_i;
      if (write_i) begin
        case (addr)
          CsrVstart: vstart_q    <= wdata[IdxW-1:0];
          CsrVxsat:  vcsr_q[0]   <= wdata[0];
          CsrVxrm:   vcsr_q[2:1] <= wdata[1:0];
          CsrVcsr:   vcsr_q      <= wdata[2:0];
          default:   ;
        endcase
      end
      if (dirty) mstatus_vs_q <= VsDirty;
      else if (status_write && (addr == CsrMstatus)) mstatus_vs_q <= wdata_vs;
      if (dirty && (older_i ? older_virt_i : virt_i)) vsstatus_vs_q <= VsDirty;
      else if (status_write && (addr == CsrVsstatus)) vsstatus_vs_q <= wdata_vs;
    end
  end

endmodule

`default_nettype wire
