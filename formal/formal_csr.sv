// SPDX-License-Identifier: Apache-2.0
// Properties of vctx_csr, vctx_status included: what changes the vector CSRs, and that VS tells.

`default_nettype none

module formal_csr
  import vctx_pkg::*;
#(
  parameter int VLEN = 256,
  localparam int CntW = $clog2(VLEN) + 1,
  localparam int IdxW = $clog2(VLEN)
) (
  input logic            clk_i,
  input logic            rst_ni,
  input logic [11:0]     addr_i,
  input logic [1:0]      op_i,
  input logic [63:0]     src_i,
  input logic            writes_i,
  input logic [1:0]      prv_i,
  input logic            virt_i,
  input logic            older_i,
  input logic            older_virt_i,
  input logic            fs_dirty_i,
  input logic            vsfs_dirty_i,
  input logic            execute_i,
  input logic            write_i,
  input logic            vset_i,
  input logic [CntW-1:0] vset_vl_i,
  input logic [7:0]      vset_vtype_i,
  input logic            vset_vill_i,
  input logic            trim_i,
  input logic [IdxW-1:0] trim_vl_i,
  input logic            vstart_we_i,
  input logic [IdxW-1:0] vstart_i,
  input logic            dirty_i
);

  logic [63:0]     rdata;
  logic            status_trap, vs_on, vill;
  logic [5:0]      status_cause;
  logic [CntW-1:0] vl;
  logic [7:0]      vtype;
  logic [IdxW-1:0] vstart;
  logic [2:0]      vcsr;
  logic [1:0]      mstatus_vs, vsstatus_vs;

  vctx_csr #(
    .VLEN (VLEN)
  ) dut (
    .clk_i          (clk_i),
    .rst_ni         (rst_ni),
    .addr_i         (addr_i),
    .op_i           (op_i),
    .src_i          (src_i),
    .writes_i       (writes_i),
    .prv_i          (prv_i),
    .virt_i         (virt_i),
    .older_i        (older_i),
    .older_virt_i   (older_virt_i),
    .fs_dirty_i     (fs_dirty_i),
    .vsfs_dirty_i   (vsfs_dirty_i),
    .execute_i      (execute_i),
    .write_i        (write_i),
    .rdata_o        (rdata),
    .status_trap_o  (status_trap),
    .status_cause_o (status_cause),
    .vs_on_o        (vs_on),
    .vset_i         (vset_i),
    .vset_vl_i      (vset_vl_i),
    .vset_vtype_i   (vset_vtype_i),
    .vset_vill_i    (vset_vill_i),
    .trim_i         (trim_i),
    .trim_vl_i      (trim_vl_i),
    .vstart_we_i    (vstart_we_i),
    .vstart_i       (vstart_i),
    .dirty_i        (dirty_i),
    .vl_o           (vl),
    .vtype_o        (vtype),
    .vill_o         (vill),
    .vstart_o       (vstart),
    .vcsr_o         (vcsr),
    .mstatus_vs_o   (mstatus_vs),
    .vsstatus_vs_o  (vsstatus_vs)
  );

  logic running;
  formal_reset u_reset (
    .clk_i     (clk_i),
    .rst_ni    (rst_ni),
    .running_o (running)
  );

  logic status, guest;
  assign status = (addr_i[9:8] != 2'd0);
  assign guest  = older_i ? older_virt_i : virt_i;  // V of what takes effect

  // Of vctx_decode: ten CSRs. Of vctx_legal: no write to a read-only one. Of vctx_ctrl: a CSR instruction takes effect alone,
  // and whatever changes something asks for Dirty. Of vctx_vset: vill zeroes. All are proven there.
  always_comb begin
    if (execute_i || write_i) begin
      assume ((addr_i == CsrVstart) || (addr_i == CsrVxsat) || (addr_i == CsrVxrm) || (addr_i == CsrVcsr) ||
              (addr_i == CsrVl) || (addr_i == CsrVtype) || (addr_i == CsrVlenb) || (addr_i == CsrSstatus) ||
              (addr_i == CsrVsstatus) || (addr_i == CsrMstatus));
      assume (!vset_i && !trim_i && !vstart_we_i && !dirty_i && !older_i);
    end
    if (write_i) assume (execute_i && writes_i && (addr_i[11:10] != 2'b11));
    if (status) assume (write_i == (execute_i && writes_i && !status_trap));
    if (vset_i) assume (vstart_we_i && dirty_i && !trim_i);
    if (vset_i && vset_vill_i) assume ((vset_vl_i == '0) && (vset_vtype_i == '0));
    if (trim_i) assume (vstart_we_i && dirty_i && (CntW'(trim_vl_i) < vl));
    if (vstart_we_i && (vstart_i != vstart)) assume (dirty_i);
    assume (!(virt_i && (prv_i == PrvM)) && (prv_i != 2'd2));
  end

  // The cycle before
  logic [CntW-1:0] vl_q;
  logic [7:0]      vtype_q;
  logic            vill_q, guest_q, write_q, vset_q, trim_q, vstart_we_q, vs_write_q, dirty_q;
  logic [IdxW-1:0] vstart_q, vstart_next_q;
  logic [2:0]      vcsr_q;
  logic [1:0]      mstatus_q, vsstatus_q, op_q;
  logic [11:0]     addr_q;
  logic [63:0]     src_q;
  always_ff @(posedge clk_i) begin
    vl_q          <= vl;
    vtype_q       <= vtype;
    vill_q        <= vill;
    vstart_q      <= vstart;
    vcsr_q        <= vcsr;
    guest_q       <= guest;
    write_q       <= write_i && !status;
    vs_write_q    <= execute_i && status && writes_i && !status_trap;
    vset_q        <= vset_i;
    trim_q        <= trim_i;
    vstart_we_q   <= vstart_we_i;
    vstart_next_q <= vstart_i;
    dirty_q       <= dirty_i;
    addr_q        <= addr_i;
    op_q          <= op_i;
    src_q         <= src_i;
    mstatus_q     <= mstatus_vs;
    vsstatus_q    <= vsstatus_vs;
  end

  logic changed;
  assign changed = (vl != vl_q) || (vtype != vtype_q) || (vill != vill_q) || (vstart != vstart_q) || (vcsr != vcsr_q);

  function automatic logic [63:0] written(input logic [1:0] op, input logic [63:0] old, input logic [63:0] src);
    case (op)
      2'd2:    written = old | src;
      2'd3:    written = old & ~src;
      default: written = src;
    endcase
  endfunction

  always_ff @(posedge clk_i) begin
    if (running) begin
      if (changed) begin
        p_dirty: assert ((mstatus_vs == VsDirty) && (!guest_q || (vsstatus_vs == VsDirty)));
        c_dirty: cover (guest_q && (mstatus_q == 2'd1) && (vsstatus_q == 2'd2) && (vcsr != vcsr_q));
      end
      if (write_q) begin
        p_write_dirties: assert ((mstatus_vs == VsDirty) && (!guest_q || (vsstatus_vs == VsDirty)));
        c_write_dirties: cover (!changed && (mstatus_q == 2'd2));
      end
      if ((mstatus_vs != mstatus_q) || (vsstatus_vs != vsstatus_q)) begin
        p_vs_only: assert (vs_write_q || write_q || dirty_q);
        c_vs_only: cover (vs_write_q && (vsstatus_vs == 2'd1));
      end
      if (!vset_q && !trim_q) begin
        p_vl_only: assert (vl == vl_q);
        c_vl_only: cover (write_q && (addr_q == CsrVcsr) && (vl == CntW'(9)));
      end
      if (!vset_q) begin
        p_vtype_only: assert ((vtype == vtype_q) && (vill == vill_q));
        c_vtype_only: cover (trim_q && (vtype == 8'h11));
      end
      if (!vstart_we_q && !(write_q && (addr_q == CsrVstart))) begin
        p_vstart_only: assert (vstart == vstart_q);
        c_vstart_only: cover (write_q && (vstart != '0));
      end
      if (vstart_we_q) begin
        p_vstart_set: assert (vstart == vstart_next_q);
        c_vstart_set: cover (vstart != vstart_q);
      end
      if (!write_q) begin
        p_vcsr_only: assert (vcsr == vcsr_q);
        c_vcsr_only: cover (vset_q && (vcsr == 3'd5));
      end
      if (write_q && (addr_q == CsrVstart)) begin
        p_write_vstart: assert (vstart == IdxW'(written(op_q, 64'(vstart_q), src_q)));
        c_write_vstart: cover ((op_q == 2'd3) && (vstart != '0));
      end
      if (write_q && (addr_q[11:8] == 4'd0)) begin
        p_write_vcsr: assert (vcsr ==
          ((addr_q == CsrVcsr)  ? 3'(written(op_q, 64'(vcsr_q), src_q)) :
           (addr_q == CsrVxrm)  ? {2'(written(op_q, 64'(vcsr_q[2:1]), src_q)), vcsr_q[0]} :
           (addr_q == CsrVxsat) ? {vcsr_q[2:1], 1'(written(op_q, 64'(vcsr_q[0]), src_q))} : vcsr_q));
        c_write_vcsr: cover ((addr_q == CsrVxrm) && (vcsr == 3'd7) && (vcsr_q == 3'd3));
      end
    end
    if (rst_ni) begin
      if (vill) begin
        p_vill_zeroes: assert ((vtype == '0) && (vl == '0));
        c_vill_zeroes: cover (vcsr != '0);
      end
      p_read: assert (status || (rdata ==
        ((addr_i == CsrVstart) ? 64'(vstart) : (addr_i == CsrVxsat) ? 64'(vcsr[0]) :
         (addr_i == CsrVxrm)   ? 64'(vcsr[2:1]) : (addr_i == CsrVcsr) ? 64'(vcsr) :
         (addr_i == CsrVl)     ? 64'(vl) : (addr_i == CsrVtype) ? {vill, 55'b0, vtype} : 64'(VLEN / 8))));
      c_read: cover ((addr_i == CsrVtype) && (rdata == 64'hc1));
    end
  end

endmodule

`default_nettype wire
