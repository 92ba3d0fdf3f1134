// SPDX-License-Identifier: Apache-2.0
// Properties of the block at its pins: decode, legality, order, vset* and CSRs as they are; what the units answer is free,
// but for what is proven of them.

`default_nettype none

module formal_core
  import vctx_pkg::*;
#(
  parameter int VLEN = 256,
  parameter int DLEN = 128
) (
  input logic              clk_i,
  input logic              rst_ni,
  input logic              issue_valid_i,
  input logic [31:0]       issue_insn_i,
  input logic [63:0]       issue_rs1_i,
  input logic [63:0]       issue_rs2_i,
  input logic [1:0]        issue_prv_i,
  input logic              issue_virt_i,
  input logic              issue_fs_dirty_i,
  input logic              issue_vsfs_dirty_i,
  input logic              irq_valid_i,
  input logic [12:0]       irq_elem_i,
  input logic              xlat_ready_i,
  input logic              xlat_fault_i,
  input logic [5:0]        xlat_cause_i,
  input logic [43:0]       xlat_ppn_i,
  input logic [51:0]       xlat_gpn_i,
  input logic              axi_awready_i,
  input logic              axi_wready_i,
  input logic [3:0]        axi_bid_i,
  input logic [1:0]        axi_bresp_i,
  input logic              axi_bvalid_i,
  input logic              axi_arready_i,
  input logic [3:0]        axi_rid_i,
  input logic [DLEN-1:0]   axi_rdata_i,
  input logic [1:0]        axi_rresp_i,
  input logic              axi_rlast_i,
  input logic              axi_rvalid_i
);

  logic              issue_ready, retire_valid, retire_trap, retire_irq, retire_rd_we, xlat_valid, xlat_store;
  logic              axi_awvalid, axi_wlast, axi_wvalid, axi_bready, axi_arvalid, axi_rready, bus_err;
  logic [5:0]        retire_cause;
  logic [63:0]       retire_tval, retire_tval2, retire_rd, vl, vtype, vstart;
  logic [31:0]       retire_vd_mask;
  logic [2:0]        vcsr, axi_awsize, axi_arsize;
  logic [1:0]        mstatus_vs, vsstatus_vs, axi_awburst, axi_arburst;
  logic [51:0]       xlat_vpn;
  logic [3:0]        axi_awid, axi_arid;
  logic [55:0]       axi_awaddr, axi_araddr;
  logic [7:0]        axi_awlen, axi_arlen;
  logic [DLEN-1:0]   axi_wdata;
  logic [DLEN/8-1:0] axi_wstrb;

  vctx #(
    .VLEN (VLEN),
    .DLEN (DLEN)
  ) dut (
    .clk_i              (clk_i),
    .rst_ni             (rst_ni),
    .issue_valid_i      (issue_valid_i),
    .issue_ready_o      (issue_ready),
    .issue_insn_i       (issue_insn_i),
    .issue_rs1_i        (issue_rs1_i),
    .issue_rs2_i        (issue_rs2_i),
    .issue_prv_i        (issue_prv_i),
    .issue_virt_i       (issue_virt_i),
    .issue_fs_dirty_i   (issue_fs_dirty_i),
    .issue_vsfs_dirty_i (issue_vsfs_dirty_i),
    .irq_valid_i        (irq_valid_i),
    .irq_elem_i         (irq_elem_i),
    .retire_valid_o     (retire_valid),
    .retire_trap_o      (retire_trap),
    .retire_irq_o       (retire_irq),
    .retire_cause_o     (retire_cause),
    .retire_tval_o      (retire_tval),
    .retire_tval2_o     (retire_tval2),
    .retire_rd_we_o     (retire_rd_we),
    .retire_rd_o        (retire_rd),
    .retire_vd_mask_o   (retire_vd_mask),
    .vl_o               (vl),
    .vtype_o            (vtype),
    .vstart_o           (vstart),
    .vcsr_o             (vcsr),
    .mstatus_vs_o       (mstatus_vs),
    .vsstatus_vs_o      (vsstatus_vs),
    .xlat_valid_o       (xlat_valid),
    .xlat_vpn_o         (xlat_vpn),
    .xlat_store_o       (xlat_store),
    .xlat_ready_i       (xlat_ready_i),
    .xlat_fault_i       (xlat_fault_i),
    .xlat_cause_i       (xlat_cause_i),
    .xlat_ppn_i         (xlat_ppn_i),
    .xlat_gpn_i         (xlat_gpn_i),
    .axi_awid_o         (axi_awid),
    .axi_awaddr_o       (axi_awaddr),
    .axi_awlen_o        (axi_awlen),
    .axi_awsize_o       (axi_awsize),
    .axi_awburst_o      (axi_awburst),
    .axi_awvalid_o      (axi_awvalid),
    .axi_awready_i      (axi_awready_i),
    .axi_wdata_o        (axi_wdata),
    .axi_wstrb_o        (axi_wstrb),
    .axi_wlast_o        (axi_wlast),
    .axi_wvalid_o       (axi_wvalid),
    .axi_wready_i       (axi_wready_i),
    .axi_bid_i          (axi_bid_i),
    .axi_bresp_i        (axi_bresp_i),
    .axi_bvalid_i       (axi_bvalid_i),
    .axi_bready_o       (axi_bready),
    .axi_arid_o         (axi_arid),
    .axi_araddr_o       (axi_araddr),
    .axi_arlen_o        (axi_arlen),
    .axi_arsize_o       (axi_arsize),
    .axi_arburst_o      (axi_arburst),
    .axi_arvalid_o      (axi_arvalid),
    .axi_arready_i      (axi_arready_i),
    .axi_rid_i          (axi_rid_i),
    .axi_rdata_i        (axi_rdata_i),
    .axi_rresp_i        (axi_rresp_i),
    .axi_rlast_i        (axi_rlast_i),
    .axi_rvalid_i       (axi_rvalid_i),
    .axi_rready_o       (axi_rready),
    .bus_err_o          (bus_err)
  );

  logic running;
  formal_reset u_reset (
    .clk_i     (clk_i),
    .rst_ni    (rst_ni),
    .running_o (running)
  );

  logic mem, arith, masked, older, checked, status;
  assign mem     = (dut.dec.unit == UnitLoad) || (dut.dec.unit == UnitStore);
  assign arith   = (dut.dec.unit == UnitAlu) || (dut.dec.unit == UnitSerial);
  assign masked  = !dut.insn[25];
  assign older   = dut.older;
  assign checked = dut.u_ctrl.ready;  // this is the cycle in which it is decided whether the instruction is legal
  assign status  = (dut.dec.unit == UnitCsr) && (dut.insn[29:28] != 2'd0);

  // What each unit was started for
  logic fetching_q, alu_q, lsu_q;
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      fetching_q <= 1'b0;
      alu_q      <= 1'b0;
      lsu_q      <= 1'b0;
    end else begin
      if (dut.mask_fetch) fetching_q <= 1'b1;
      else if (dut.mask_done) fetching_q <= 1'b0;
      if (dut.alu_start) alu_q <= 1'b1;
      else if (dut.alu_done) alu_q <= 1'b0;
      if (dut.lsu_start) lsu_q <= 1'b1;
      else if (dut.lsu_done || dut.lsu_hand_over) lsu_q <= 1'b0;
    end
  end

  // Of the units, as formal_ctrl has it. Of vctx_lsu, proven of formal_lsu: a trap and a trim are of an element below evl, and
  // only a fault-only-first load is trimmed. Of the core that issues: there is no privilege 2.
  always_comb begin
    if (dut.mask_done) assume (fetching_q);
    if (dut.alu_done) assume (alu_q);
    if (dut.lsu_done) assume (lsu_q && !older);
    if (dut.older_done) assume (older);
    if (dut.lsu_handable) assume (lsu_q && !masked && !older && !dut.lsu_done);
    if (dut.lsu_trap || dut.lsu_irq || dut.lsu_trim) assume (dut.lsu_done);
    assume (32'(dut.lsu_trap) + 32'(dut.lsu_irq) + 32'(dut.lsu_trim) <= 1);
    if (dut.lsu_trap || dut.lsu_trim) assume (32'(dut.lsu_elem) < 32'(dut.evl));
    if (dut.lsu_trim) assume (dut.dec.first_fault);
    if (dut.wbe != '0) assume (alu_q || lsu_q || older);
    assume (issue_prv_i != 2'd2);
  end

  // V of what changes the state in this cycle, and whether the unit is on for it
  logic guest, on, on_older;
  assign guest    = older ? dut.older_virt : dut.virt;
  assign on       = (mstatus_vs != VsOff) && (!dut.virt || (vsstatus_vs != VsOff));
  assign on_older = (mstatus_vs != VsOff) && (!dut.older_virt || (vsstatus_vs != VsOff));

  // VLMAX in elements, 0 for a vtype that is not supported (A-12, C-11, C-13)
  logic signed [5:0] log2_vlmax;
  logic              supported;
  assign log2_vlmax = 6'($clog2(VLEN / 8)) - $signed({3'b0, vtype[5:3]}) + $signed({{3{vtype[2]}}, vtype[2:0]});
  assign supported  = !vtype[5] && (vtype[2:0] != 3'd4) && (!vtype[2] || ({1'b0, vtype[4:3]} + 3'd5 <= vtype[2:0]));

  // The cycle before
  logic [63:0] vl_q, vtype_q, vstart_q;
  logic [2:0]  vcsr_q;
  logic [1:0]  mstatus_q, vsstatus_q;
  logic        guest_q, illegal_q, off_q, lsu_trap_q, executes_q;
  logic [63:0] elem_q;
  always_ff @(posedge clk_i) begin
    vl_q       <= vl;
    vtype_q    <= vtype;
    vstart_q   <= vstart;
    vcsr_q     <= vcsr;
    mstatus_q  <= mstatus_vs;
    vsstatus_q <= vsstatus_vs;
    guest_q    <= guest;
    illegal_q  <= checked && !dut.legal;
    off_q      <= checked && !on && !status;
    lsu_trap_q <= dut.lsu_trap;
    elem_q     <= 64'(dut.lsu_elem);
    executes_q <= (checked && dut.legal && (status || (dut.dec.unit == UnitCsr) || (dut.dec.unit == UnitVset))) ||
                  dut.alu_done || dut.lsu_done || dut.older_done;
  end

  logic changed, vs_changed;
  assign changed    = (vl != vl_q) || (vtype != vtype_q) || (vstart != vstart_q) || (vcsr != vcsr_q);
  assign vs_changed = (mstatus_vs != mstatus_q) || (vsstatus_vs != vsstatus_q);

  always_ff @(posedge clk_i) begin
    if (rst_ni) begin
      h_mask: assert (fetching_q == (dut.u_ctrl.state_q == 2'd2));
      h_run: assert ((alu_q || lsu_q) == (dut.u_ctrl.state_q == 2'd3));
      h_unit: assert (!(alu_q && lsu_q) && (!alu_q || arith) && (!lsu_q || mem) && (!fetching_q || mem || arith));
      h_older: assert (!(older && (alu_q || fetching_q)));
      if (fetching_q || alu_q || lsu_q) h_on: assert (on);
      if (older) h_on_older: assert (on_older);
      h_virt: assert (!(dut.virt && (dut.prv == PrvM)) && (dut.prv != 2'd2));
      if ((dut.u_ctrl.state_q != 2'd0) && dut.dec.first_fault) h_evl: assert (64'(dut.evl) == vl);
      if (dut.dec.first_fault) h_shape: assert ((dut.dec.unit == UnitLoad) && (dut.dec.shape == ShapeWidth));
      if ((fetching_q || lsu_q) && dut.dec.first_fault) h_vill: assert (!vtype[63]);
      h_decode: assert (((dut.u_ctrl.state_q == 2'd0) || (dut.dec.unit != UnitVset)) ||
                        (!dut.insn[31] || dut.insn[30] || (dut.insn[29:25] == '0)));

      p_vlmax: assert (vtype[63] ? ((vl == '0) && (vtype[62:0] == '0))
                                 : (supported && (vl <= (64'd1 << log2_vlmax)) && (vtype[62:8] == '0)));
      c_vlmax: cover (!vtype[63] && (vl == 64'd3));
      if (dut.wbe != '0) begin
        p_writes_on: assert (older ? on_older : on);
        c_writes_on: cover (older && dut.older_virt);
      end
    end
    if (running) begin
      if (off_q) begin
        p_off: assert (retire_valid && retire_trap && (retire_cause == CauseIllegal) && !retire_rd_we &&
                       (retire_vd_mask == '0) && !changed && !vs_changed);
        c_off: cover (guest_q && (mstatus_vs == VsDirty));
      end
      if (illegal_q) begin
        p_illegal_keeps: assert (retire_valid && retire_trap && !changed && !vs_changed);
        c_illegal_keeps: cover ((retire_cause == CauseVirtual) && (vstart == 64'd2));
      end
      if (lsu_trap_q) begin
        p_trap_leaves: assert ((vl == vl_q) && (vtype == vtype_q) && (vcsr == vcsr_q) && (vstart == elem_q) &&
                               (mstatus_vs == VsDirty) && (!guest_q || (vsstatus_vs == VsDirty)));
        c_trap_leaves: cover (guest_q && (vstart == 64'd4));
      end
      if (changed) begin
        p_dirty: assert ((mstatus_vs == VsDirty) && (!guest_q || (vsstatus_vs == VsDirty)));
        c_dirty: cover (guest_q && (mstatus_q == 2'd2) && (vsstatus_q == 2'd1) && (vl != vl_q));
      end
      if (changed || vs_changed) begin
        p_retires: assert (retire_valid && executes_q);
        c_retires: cover (vs_changed && !changed);
      end
      if (retire_valid && (retire_vd_mask != '0)) begin
        p_registers_dirty: assert ((mstatus_vs == VsDirty) && (!guest_q || (vsstatus_vs == VsDirty)) ||
                                   (retire_irq && (vstart == vstart_q)));
        c_registers_dirty: cover (guest_q && (vsstatus_q == 2'd1));
      end
      if ((mstatus_vs != mstatus_q) && (mstatus_q == VsOff)) begin
        p_wakes: assert (!changed && (retire_vd_mask == '0) && retire_valid);
        c_wakes: cover (mstatus_vs == 2'd1);
      end
    end
  end

endmodule

`default_nettype wire
