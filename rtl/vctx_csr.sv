// SPDX-License-Identifier: Apache-2.0
// Vector CSRs (vstart, vxsat, vxrm, vcsr, vl, vtype, vlenb), and the status registers, which are a module of their own.
// Legality of an access to vector CSRs is decided elsewhere.

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
  input  logic            writes_i,
  input  logic [1:0]      prv_i,
  input  logic            virt_i,
  input  logic            older_i,       // a vector instruction that takes effect is not this one, but one issued with
  input  logic            older_virt_i,  // this V
  input  logic            fs_dirty_i,
  input  logic            vsfs_dirty_i,
  input  logic            execute_i,   // takes effect, or traps, at the end of this cycle
  input  logic            write_i,     // takes effect and writes
  output logic [63:0]     rdata_o,
  output logic            status_trap_o,  // a status register would trap, with this cause: see vctx_status
  output logic [5:0]      status_cause_o,
  output logic            vs_on_o,

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

  assign vl_o     = vl_q;
  assign vtype_o  = vtype_q;
  assign vill_o   = vill_q;
  assign vstart_o = vstart_q;
  assign vcsr_o   = vcsr_q;

  logic        status;  // a status register is addressed: all of a level above U
  logic [63:0] status_rdata, vtype;
  assign status = (addr_i[9:8] != 2'd0);
  assign vtype  = {vill_q, 55'b0, vtype_q};

  logic       vxsat;
  logic [1:0] vxrm;
  assign vxsat = vcsr_q[0];
  assign vxrm  = vcsr_q[2:1];

  assign rdata_o = status                  ? status_rdata :
                   (addr_i == CsrVstart)   ? 64'(vstart_q) :
                   (addr_i == CsrVxsat)    ? 64'(vxsat) :
                   (addr_i == CsrVxrm)     ? 64'(vxrm) :
                   (addr_i == CsrVcsr)     ? 64'(vcsr_q) :
                   (addr_i == CsrVl)       ? 64'(vl_q) :
                   (addr_i == CsrVtype)    ? vtype : 64'(VLEN / 8);

  logic        vector_write;
  logic [1:0]  op;
  logic [63:0] old, src;
  logic [63:0] wdata;
  assign vector_write = write_i && !status;
  assign op           = vector_write ? op_i : '0;
  assign old          = vector_write ? rdata_o : '0;
  assign src          = vector_write ? src_i : '0;
  assign wdata        = csr_rmw(op, old, src);

  // Every write to a vector CSR makes the state dirty, whatever the value (B-8, B-10).
  logic dirty;
  assign dirty = dirty_i || vector_write;

  vctx_status #(
    .HasV (HasV)
  ) u_status (
    .clk_i         (clk_i),
    .rst_ni        (rst_ni),
    .addr_i        (addr_i),
    .op_i          (op_i),
    .src_i         (src_i),
    .writes_i      (writes_i),
    .prv_i         (prv_i),
    .virt_i        (virt_i),
    .fs_dirty_i    (fs_dirty_i),
    .vsfs_dirty_i  (vsfs_dirty_i),
    .rdata_o       (status_rdata),
    .trap_o        (status_trap_o),
    .cause_o       (status_cause_o),
    .vs_on_o       (vs_on_o),
    .execute_i     (execute_i && status),
    .dirty_i       (dirty),
    .dirty_virt_i  (older_i ? older_virt_i : virt_i),
    .mstatus_vs_o  (mstatus_vs_o),
    .vsstatus_vs_o (vsstatus_vs_o)
  );

  logic changes;
  assign changes = vector_write || vset_i || trim_i || vstart_we_i;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      vl_q     <= '0;
      vtype_q  <= '0;
      vill_q   <= 1'b1;
      vstart_q <= '0;
      vcsr_q   <= '0;
    end else if (changes) begin
      if (vset_i) begin
        vl_q    <= vset_vl_i;
        vtype_q <= vset_vtype_i;
        vill_q  <= vset_vill_i;
      end
      if (trim_i) vl_q <= CntW'(trim_vl_i);
      if (vstart_we_i) vstart_q <= vstart_i;
      if (vector_write) begin
        case (addr_i)
          CsrVstart: vstart_q    <= wdata[IdxW-1:0];
          CsrVxsat:  vcsr_q[0]   <= wdata[0];
          CsrVxrm:   vcsr_q[2:1] <= wdata[1:0];
          CsrVcsr:   vcsr_q      <= wdata[2:0];
          default:   ;
        endcase
      end
    end
  end

endmodule

`default_nettype wire
