// SPDX-License-Identifier: Apache-2.0
// Properties of vctx_status: the VS fields and SD.

`default_nettype none

module formal_status
  import vctx_pkg::*;
(
  input logic        clk_i,
  input logic        rst_ni,
  input logic [11:0] addr_i,
  input logic [1:0]  op_i,
  input logic [63:0] src_i,
  input logic        writes_i,
  input logic [1:0]  prv_i,
  input logic        virt_i,
  input logic        fs_dirty_i,
  input logic        vsfs_dirty_i,
  input logic        execute_i,
  input logic        dirty_i,
  input logic        dirty_virt_i
);

  logic [63:0] rdata;
  logic        trap, vs_on;
  logic [5:0]  cause;
  logic [1:0]  mstatus_vs, vsstatus_vs;

  vctx_status dut (
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
    .rdata_o       (rdata),
    .trap_o        (trap),
    .cause_o       (cause),
    .vs_on_o       (vs_on),
    .execute_i     (execute_i),
    .dirty_i       (dirty_i),
    .dirty_virt_i  (dirty_virt_i),
    .mstatus_vs_o  (mstatus_vs),
    .vsstatus_vs_o (vsstatus_vs)
  );

  logic running;
  formal_reset u_reset (
    .clk_i     (clk_i),
    .rst_ni    (rst_ni),
    .running_o (running)
  );

  // Of vctx_decode: no other CSR is of the status unit. Of vctx_ctrl: a CSR instruction ends alone. Both are proven there.
  // Of the core that issues: M-mode has V=0, and there is no privilege 2; vctx_issue sees to the first.
  always_comb begin
    if (execute_i) assume ((addr_i == CsrMstatus) || (addr_i == CsrSstatus) || (addr_i == CsrVsstatus));
    assume (!(execute_i && dirty_i));
    assume (!(virt_i && (prv_i == PrvM)));
    assume (prv_i != 2'd2);
  end

  // Which register an access means, and who may: the table of the privileged architecture, mode by mode (F-7).
  logic to_guest, m_mode, s_mode, allowed, virtual_fault;
  assign to_guest = (addr_i == CsrVsstatus) || ((addr_i == CsrSstatus) && virt_i);
  assign m_mode   = (prv_i == PrvM);
  assign s_mode   = (prv_i == 2'd1);
  always_comb begin
    allowed       = 1'b0;
    virtual_fault = 1'b0;
    case (addr_i)
      CsrMstatus: allowed = m_mode;
      CsrSstatus: begin
        allowed       = m_mode || s_mode;
        virtual_fault = virt_i && (prv_i == PrvU);
      end
      CsrVsstatus: begin
        allowed       = m_mode || (s_mode && !virt_i);
        virtual_fault = virt_i;
      end
      default: ;
    endcase
  end

  logic [63:0] wdata;
  always_comb begin
    case (op_i)
      2'd2:    wdata = rdata | src_i;
      2'd3:    wdata = rdata & ~src_i;
      default: wdata = src_i;
    endcase
  end

  logic       writes;
  assign writes = execute_i && allowed && writes_i;

  // The cycle before
  logic [1:0] mstatus_q, vsstatus_q, written_q;
  logic       dirty_q, dirty_virt_q, execute_q, allowed_q, writes_q, to_guest_q;
  always_ff @(posedge clk_i) begin
    mstatus_q    <= mstatus_vs;
    vsstatus_q   <= vsstatus_vs;
    written_q    <= wdata[10:9];
    dirty_q      <= dirty_i;
    dirty_virt_q <= dirty_virt_i;
    execute_q    <= execute_i;
    allowed_q    <= allowed;
    writes_q     <= writes;
    to_guest_q   <= to_guest;
  end

  always_ff @(posedge clk_i) begin
    if (running) begin
      if (dirty_q) begin
        p_dirty: assert (mstatus_vs == VsDirty);
        c_dirty: cover (mstatus_q == 2'd1);
      end
      if (dirty_q && dirty_virt_q) begin
        p_dirty_guest: assert (vsstatus_vs == VsDirty);
        c_dirty_guest: cover (vsstatus_q == 2'd2);
      end
      if (dirty_q && !dirty_virt_q) begin
        p_dirty_host_only: assert (vsstatus_vs == vsstatus_q);
        c_dirty_host_only: cover (vsstatus_q == 2'd2);
      end
      if (!dirty_q && !writes_q) begin
        p_vs_stays: assert ((mstatus_vs == mstatus_q) && (vsstatus_vs == vsstatus_q));
        c_vs_stays: cover ((mstatus_q == 2'd1) && (vsstatus_q == 2'd2));
      end
      if (execute_q && !allowed_q) begin
        p_trap_keeps: assert ((mstatus_vs == mstatus_q) && (vsstatus_vs == vsstatus_q));
        c_trap_keeps: cover (written_q != vsstatus_q);
      end
      if (writes_q && to_guest_q) begin
        p_write_guest: assert ((vsstatus_vs == written_q) && (mstatus_vs == mstatus_q));
        c_write_guest: cover (written_q != vsstatus_q);
      end
      if (writes_q && !to_guest_q) begin
        p_write_host: assert ((mstatus_vs == written_q) && (vsstatus_vs == vsstatus_q));
        c_write_host: cover (written_q != mstatus_q);
      end
    end
    if (rst_ni) begin
      p_sd: assert (rdata[63] == (to_guest ? (vsfs_dirty_i || (vsstatus_vs == VsDirty))
                                           : (fs_dirty_i || (mstatus_vs == VsDirty))));
      c_sd: cover (rdata[63] && to_guest && !vsfs_dirty_i && (mstatus_vs != VsDirty));
      p_read: assert (rdata[62:0] == {52'b0, to_guest ? vsstatus_vs : mstatus_vs, 9'b0});
      c_read: cover (to_guest && (vsstatus_vs != mstatus_vs));
      p_on: assert (vs_on == ((mstatus_vs != VsOff) && (!virt_i || (vsstatus_vs != VsOff))));
      c_on: cover (virt_i && !vs_on && (mstatus_vs == VsDirty));
      if (execute_i) begin
        p_who: assert (trap == !allowed);
        c_who: cover (trap && virt_i && s_mode);
      end
      if (execute_i && trap) begin
        p_cause: assert (cause == (virtual_fault ? CauseVirtual : CauseIllegal));
        c_cause: cover (virtual_fault);
      end
    end
  end

endmodule

`default_nettype wire
