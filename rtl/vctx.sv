// SPDX-License-Identifier: Apache-2.0
// Vector context of a hart: register file, vector CSRs and the VS fields, with the instructions that set up, save,
// restore and move that state.
//
//   issue                                                             retire
//     |                                                                  ^
//   vctx_issue (decode, shape) ---> vctx_ctrl (legal) -------------------+
//                                       |
//             +-----------------+-------+--------+---------------+
//             |                 |                |               |
//       vctx_vset ---> vctx_csr |       vctx_alu, _serial    vctx_lsu --- translate
//                          |    |                |               |  \---- AXI4
//                        state  vctx_mask -------+---------------+
//                                   |            |               |
//                                   +--- vctx_regfile -----------+
//
// Parameters
//   VLEN  bits in a vector register, 128 to 4096, power of two
//   DLEN  bits moved in a cycle, width of the bus, 64 to VLEN and at most 1024, where AXI4 ends, power of two
//   HasV  0: no vector unit; VS is read-only zero and everything but the status CSRs is illegal
//
// Item numbers in comments (A-7, L-9, ...) refer to the specification.

`default_nettype none

module vctx
  import vctx_pkg::*;
#(
  parameter int VLEN = 256,  // bits in a vector register
  parameter int DLEN = 128,  // bits in a row, which are moved in a cycle
  parameter bit HasV = 1'b1  // 0: no vector unit
) (
  input  logic              clk_i,
  input  logic              rst_ni,              // asynchronous, active low

  // Issue: an instruction from the scalar core, with its operands. Taken in a cycle with valid and ready; what is
  // offered stays until then. The core offers what has the opcode OP-V, vector loads and stores, and CSR instructions
  // on the seven vector CSRs and the three status registers; legal or not, in the order of the program, and never on
  // speculation.
  input  logic              issue_valid_i,
  output logic              issue_ready_o,
  input  logic [31:0]       issue_insn_i,
  input  logic [63:0]       issue_rs1_i,         // x[rs1], whether or not it is read; likewise
  input  logic [63:0]       issue_rs2_i,
  input  logic [1:0]        issue_prv_i,         // 0 U, 1 S, 3 M
  input  logic              issue_virt_i,        // V
  input  logic              issue_fs_dirty_i,    // mstatus.FS is Dirty
  input  logic              issue_vsfs_dirty_i,  // vsstatus.FS is Dirty

  // Interrupt, part of the issue: stop this vector memory instruction at the first element from irq_elem_i on. All
  // others ignore it, and the core takes the interrupt before or after them.
  input  logic              irq_valid_i,
  input  logic [12:0]       irq_elem_i,

  // Retire: valid for one cycle an instruction, in order; the others count with it. One that was stopped goes on at
  // vstart when it is issued again.
  output logic              retire_valid_o,
  output logic              retire_trap_o,       // an exception, with
  output logic              retire_irq_o,        // stopped by irq_valid_i before it was done; no trap
  output logic [5:0]        retire_cause_o,      // this cause,
  output logic [63:0]       retire_tval_o,       // this xtval
  output logic [63:0]       retire_tval2_o,      // and this htval or mtval2
  output logic              retire_rd_we_o,
  output logic [63:0]       retire_rd_o,         // of a status CSR, SD and VS alone
  output logic [31:0]       retire_vd_mask_o,    // registers in which an element was written

  // State: in the cycle of retire_valid_o, what that instruction leaves
  output logic [63:0]       vl_o,
  output logic [63:0]       vtype_o,
  output logic [63:0]       vstart_o,
  output logic [2:0]        vcsr_o,
  output logic [1:0]        mstatus_vs_o,
  output logic [1:0]        vsstatus_vs_o,

  // Translate: asks for a page until ready, with which the answer counts, in the mode of the instruction. A page in
  // which no element is active is not asked for.
  output logic              xlat_valid_o,
  output logic [51:0]       xlat_vpn_o,
  output logic              xlat_store_o,        // else a load
  input  logic              xlat_ready_i,
  input  logic              xlat_fault_i,        // an exception of this cause, access faults included,
  input  logic [5:0]        xlat_cause_i,
  input  logic [43:0]       xlat_ppn_i,          // or the physical page
  input  logic [51:0]       xlat_gpn_i,          // guest-physical page of a guest-page fault

  // AXI4 manager: full-width INCR bursts that stay in their page. Loads may read inactive bytes of a page that they may
  // read; a store's strobes are those of its active bytes alone. All bursts of an instruction have ended when it
  // retires.
  output logic [3:0]        axi_awid_o,
  output logic [55:0]       axi_awaddr_o,
  output logic [7:0]        axi_awlen_o,
  output logic [2:0]        axi_awsize_o,
  output logic [1:0]        axi_awburst_o,
  output logic              axi_awvalid_o,
  input  logic              axi_awready_i,
  output logic [DLEN-1:0]   axi_wdata_o,
  output logic [DLEN/8-1:0] axi_wstrb_o,
  output logic              axi_wlast_o,
  output logic              axi_wvalid_o,
  input  logic              axi_wready_i,
  input  logic [3:0]        axi_bid_i,
  input  logic [1:0]        axi_bresp_i,
  input  logic              axi_bvalid_i,
  output logic              axi_bready_o,
  output logic [3:0]        axi_arid_o,
  output logic [55:0]       axi_araddr_o,
  output logic [7:0]        axi_arlen_o,
  output logic [2:0]        axi_arsize_o,
  output logic [1:0]        axi_arburst_o,
  output logic              axi_arvalid_o,
  input  logic              axi_arready_i,
  input  logic [3:0]        axi_rid_i,
  input  logic [DLEN-1:0]   axi_rdata_i,
  input  logic [1:0]        axi_rresp_i,
  input  logic              axi_rlast_i,
  input  logic              axi_rvalid_i,
  output logic              axi_rready_o,

  // Sticky: a response other than OKAY was seen
  output logic              bus_err_o
);

  // An instance of a module that does not exist stops every tool, with the reason in its name.
  if ((VLEN < 128) || (VLEN > 4096) || (VLEN != (1 << $clog2(VLEN)))) begin : gen_vlen_check
    vctx_error_vlen_must_be_a_power_of_two_from_128_to_4096 u_error ();
  end
  if ((DLEN < 64) || (DLEN > VLEN) || (DLEN > 1024) || (DLEN != (1 << $clog2(DLEN)))) begin : gen_dlen_check
    vctx_error_dlen_must_be_a_power_of_two_from_64_to_vlen_and_at_most_1024 u_error ();
  end

  localparam int Bytes = DLEN / 8;
  localparam int IdxW = $clog2(VLEN);                    // an element index
  localparam int CntW = IdxW + 1;                        // a number of elements or bytes of a group
  localparam int GroupRowW = $clog2(8 * VLEN / DLEN);    // a row of a register group
  localparam int RowW = $clog2(32 * VLEN / DLEN);        // a row of the register file

  // Instruction in flight
  logic [31:0]     insn;
  logic [63:0]     rs1, rs2;
  logic [1:0]      prv;
  logic            virt, fs_dirty, vsfs_dirty, irq_valid;
  logic [12:0]     irq_elem;
  dec_t            dec;
  logic [1:0]      eew, vd_group, vs1_group, vs2_group;
  logic            vs1_fraction, vs2_fraction, widths_ok;
  logic            accept, masked, legal, csr_writes;
  logic [CntW-1:0] evl;
  logic [5:0]      cause;

  // State
  logic [CntW-1:0] vl, vset_vl;
  logic [7:0]      vtype, vset_vtype;
  logic            vill, vset_vill;
  logic [IdxW-1:0] vstart, next_vstart;
  logic            csr_execute, csr_write, vset, trim, vstart_we, dirty;
  logic [63:0]     csr_rdata;
  logic            vs_on, status_trap;
  logic [5:0]      status_cause;

  assign vl_o     = 64'(vl);
  assign vtype_o  = {vill, 55'b0, vtype};
  assign vstart_o = 64'(vstart);

  // Units
  logic            mask_fetch, mask_done;
  logic            alu_start, alu_done, lsu_start, lsu_done;
  logic [63:0]     alu_rd;
  logic            lsu_trap, lsu_irq, lsu_trim;
  logic            lsu_handable, lsu_hand_over, older, older_virt, older_done;
  logic [IdxW-1:0] lsu_elem;
  logic [5:0]      lsu_cause;
  logic [63:0]     lsu_tval, lsu_tval2;

  // Register file ports
  logic             re_a, re_b;
  logic [RowW-1:0]  raddr_a, raddr_b, waddr;
  logic [DLEN-1:0]  rdata_a, rdata_b, wdata;
  logic [Bytes-1:0] wbe;

  vctx_ctrl #(
    .VLEN (VLEN)
  ) u_ctrl (
    .clk_i              (clk_i),
    .rst_ni             (rst_ni),
    .issue_valid_i      (issue_valid_i),
    .issue_ready_o      (issue_ready_o),
    .accept_o           (accept),
    .insn_i             (insn),
    .dec_i              (dec),
    .legal_i            (legal),
    .cause_i            (cause),
    .csr_writes_i       (csr_writes),
    .mask_fetch_o       (mask_fetch),
    .mask_done_i        (mask_done),
    .alu_start_o        (alu_start),
    .alu_done_i         (alu_done),
    .alu_rd_i           (alu_rd),
    .lsu_start_o        (lsu_start),
    .lsu_handable_i     (lsu_handable),
    .lsu_hand_over_o    (lsu_hand_over),
    .older_o            (older),
    .older_virt_o       (older_virt),
    .older_done_i       (older_done),
    .virt_i             (virt),
    .lsu_done_i         (lsu_done),
    .lsu_trap_i         (lsu_trap),
    .lsu_irq_i          (lsu_irq),
    .lsu_trim_i         (lsu_trim),
    .lsu_elem_i         (lsu_elem),
    .lsu_cause_i        (lsu_cause),
    .lsu_tval_i         (lsu_tval),
    .lsu_tval2_i        (lsu_tval2),
    .wreg_valid_i       (wbe != '0),
    .wreg_i             (waddr[RowW-1-:5]),
    .csr_rdata_i        (csr_rdata),
    .vset_vl_i          (64'(vset_vl)),
    .vstart_i           (vstart),
    .csr_execute_o      (csr_execute),
    .csr_write_o        (csr_write),
    .vset_o             (vset),
    .trim_o             (trim),
    .vstart_we_o        (vstart_we),
    .vstart_o           (next_vstart),
    .dirty_o            (dirty),
    .retire_valid_o     (retire_valid_o),
    .retire_trap_o      (retire_trap_o),
    .retire_irq_o       (retire_irq_o),
    .retire_cause_o     (retire_cause_o),
    .retire_tval_o      (retire_tval_o),
    .retire_tval2_o     (retire_tval2_o),
    .retire_rd_we_o     (retire_rd_we_o),
    .retire_rd_o        (retire_rd_o),
    .retire_vd_mask_o   (retire_vd_mask_o)
  );

  vctx_issue #(
    .VLEN (VLEN)
  ) u_issue (
    .clk_i              (clk_i),
    .rst_ni             (rst_ni),
    .accept_i           (accept),
    .issue_insn_i       (issue_insn_i),
    .issue_rs1_i        (issue_rs1_i),
    .issue_rs2_i        (issue_rs2_i),
    .issue_prv_i        (issue_prv_i),
    .issue_virt_i       (issue_virt_i),
    .issue_fs_dirty_i   (issue_fs_dirty_i),
    .issue_vsfs_dirty_i (issue_vsfs_dirty_i),
    .irq_valid_i        (irq_valid_i),
    .irq_elem_i         (irq_elem_i),
    .sew_i              (vtype[4:3]),
    .lmul_i             (vtype[2:0]),
    .vl_i               (vl),
    .insn_o             (insn),
    .masked_o           (masked),
    .rs1_o              (rs1),
    .rs2_o              (rs2),
    .prv_o              (prv),
    .virt_o             (virt),
    .fs_dirty_o         (fs_dirty),
    .vsfs_dirty_o       (vsfs_dirty),
    .irq_valid_o        (irq_valid),
    .irq_elem_o         (irq_elem),
    .dec_o              (dec),
    .eew_o              (eew),
    .vd_group_o         (vd_group),
    .vs1_group_o        (vs1_group),
    .vs2_group_o        (vs2_group),
    .vs1_fraction_o     (vs1_fraction),
    .vs2_fraction_o     (vs2_fraction),
    .widths_ok_o        (widths_ok),
    .evl_o              (evl)
  );

  vctx_legal u_legal (
    .dec_i            (dec),
    .insn_i           (insn),
    .vs_on_i          (vs_on),
    .status_trap_i    (status_trap),
    .status_cause_i   (status_cause),
    .vill_i           (vill),
    .vstart_nonzero_i (vstart != '0),
    .vd_group_i       (vd_group),
    .vs1_group_i      (vs1_group),
    .vs2_group_i      (vs2_group),
    .vs1_fraction_i   (vs1_fraction),
    .vs2_fraction_i   (vs2_fraction),
    .widths_ok_i      (widths_ok),
    .csr_writes_o     (csr_writes),
    .legal_o          (legal),
    .cause_o          (cause)
  );

  vctx_vset #(
    .VLEN (VLEN)
  ) u_vset (
    .active_i (dec.unit == UnitVset),
    .insn_i   (insn),
    .rs1_i    (rs1),
    .rs2_i    (rs2),
    .vl_i     (vl),
    .vtype_i  (vtype[5:0]),
    .vill_i   (vill),
    .vl_o     (vset_vl),
    .vtype_o  (vset_vtype),
    .vill_o   (vset_vill)
  );

  vctx_csr #(
    .VLEN (VLEN),
    .HasV (HasV)
  ) u_csr (
    .clk_i          (clk_i),
    .rst_ni         (rst_ni),
    .addr_i         (insn[31:20]),
    .op_i           (insn[13:12]),
    .src_i          (insn[14] ? {59'b0, insn[19:15]} : rs1),
    .writes_i       (csr_writes),
    .prv_i          (prv),
    .virt_i         (virt),
    .older_i        (older),
    .older_virt_i   (older_virt),
    .fs_dirty_i     (fs_dirty),
    .vsfs_dirty_i   (vsfs_dirty),
    .execute_i      (csr_execute),
    .write_i        (csr_write),
    .rdata_o        (csr_rdata),
    .status_trap_o  (status_trap),
    .status_cause_o (status_cause),
    .vs_on_o        (vs_on),
    .vset_i         (vset),
    .vset_vl_i      (vset_vl),
    .vset_vtype_i   (vset_vtype),
    .vset_vill_i    (vset_vill),
    .trim_i         (trim),
    .trim_vl_i      (lsu_elem),
    .vstart_we_i    (vstart_we),
    .vstart_i       (next_vstart),
    .dirty_i        (dirty),
    .vl_o           (vl),
    .vtype_o        (vtype),
    .vill_o         (vill),
    .vstart_o       (vstart),
    .vcsr_o         (vcsr_o),
    .mstatus_vs_o   (mstatus_vs_o),
    .vsstatus_vs_o  (vsstatus_vs_o)
  );

  vctx_regfile #(
    .VLEN  (VLEN),
    .DLEN  (DLEN),
    .Banks (HasV ? DLEN / 64 : 0)
  ) u_regfile (
    .clk_i     (clk_i),
    .re_a_i    (re_a),
    .raddr_a_i (raddr_a),
    .rdata_a_o (rdata_a),
    .re_b_i    (re_b),
    .raddr_b_i (raddr_b),
    .rdata_b_o (rdata_b),
    .wbe_i     (wbe),
    .waddr_i   (waddr),
    .wdata_i   (wdata)
  );

  // Full-width INCR bursts with one ID; both address channels come from one generator.
  logic [55:0] burst_addr;
  logic [7:0]  burst_len;
  assign axi_awid_o    = '0;
  assign axi_awaddr_o  = burst_addr;
  assign axi_awlen_o   = burst_len;
  assign axi_awsize_o  = 3'($clog2(Bytes));
  assign axi_awburst_o = 2'b01;
  assign axi_arid_o    = '0;
  assign axi_araddr_o  = burst_addr;
  assign axi_arlen_o   = burst_len;
  assign axi_arsize_o  = 3'($clog2(Bytes));
  assign axi_arburst_o = 2'b01;

  if (HasV) begin : gen_units
    // One unit uses the mask and the register file at a time.
    logic [GroupRowW-1:0] row_mask_row, ser_mask_row, lsu_mask_row;
    logic [1:0]           lsu_mask_eew;
    logic [Bytes-1:0]     mask_bytes;
    logic                 mask_re, row_re, ser_re, lsu_re, is_row, is_ser, row_done, ser_done;
    logic [RowW-1:0]      mask_raddr, row_raddr_a, row_raddr_b, ser_raddr_a, ser_raddr_b, lsu_raddr;
    logic [RowW-1:0]      row_waddr, ser_waddr, lsu_waddr;
    logic [Bytes-1:0]     row_wbe, ser_wbe, lsu_wbe;
    logic [DLEN-1:0]      row_wdata, ser_wdata, lsu_wdata;
    logic [63:0]          row_rd, ser_rd;

    assign is_row   = (dec.unit == UnitAlu) && !older;
    assign is_ser   = (dec.unit == UnitSerial) && !older;
    assign alu_done = row_done || ser_done;
    assign alu_rd   = row_rd | ser_rd;
    assign re_a     = mask_re || row_re || ser_re || lsu_re;
    assign re_b     = row_re || ser_re;
    assign raddr_a  = mask_re ? mask_raddr : (is_row ? row_raddr_a : (is_ser ? ser_raddr_a : lsu_raddr));
    assign raddr_b  = is_ser ? ser_raddr_b : row_raddr_b;
    assign wbe      = row_wbe | ser_wbe | lsu_wbe;
    assign waddr    = is_row ? row_waddr : (is_ser ? ser_waddr : lsu_waddr);
    assign wdata    = is_row ? row_wdata : (is_ser ? ser_wdata : lsu_wdata);

    vctx_mask #(
      .VLEN (VLEN),
      .DLEN (DLEN)
    ) u_mask (
      .clk_i        (clk_i),
      .rst_ni       (rst_ni),
      .fetch_i      (mask_fetch),
      .fetch_done_o (mask_done),
      .re_o         (mask_re),
      .raddr_o      (mask_raddr),
      .rdata_i      (rdata_a),
      .masked_i     (masked),
      .row_i        (is_row ? row_mask_row : (is_ser ? ser_mask_row : lsu_mask_row)),
      .eew_i        (is_row ? eew : (is_ser ? 2'd0 : lsu_mask_eew)),
      .bytes_o      (mask_bytes)
    );

    vctx_alu #(
      .VLEN (VLEN),
      .DLEN (DLEN)
    ) u_alu (
      .clk_i        (clk_i),
      .rst_ni       (rst_ni),
      .start_i      (alu_start && is_row),
      .dec_i        (dec),
      .insn_i       (insn),
      .rs1_i        (rs1),
      .eew_i        (eew),
      .evl_i        (evl),
      .done_o       (row_done),
      .rd_o         (row_rd),
      .mask_row_o   (row_mask_row),
      .mask_bytes_i (mask_bytes),
      .re_o         (row_re),
      .raddr_a_o    (row_raddr_a),
      .rdata_a_i    (rdata_a),
      .raddr_b_o    (row_raddr_b),
      .rdata_b_i    (rdata_b),
      .wbe_o        (row_wbe),
      .waddr_o      (row_waddr),
      .wdata_o      (row_wdata)
    );

    vctx_serial #(
      .VLEN (VLEN),
      .DLEN (DLEN)
    ) u_serial (
      .clk_i       (clk_i),
      .rst_ni      (rst_ni),
      .start_i     (alu_start && is_ser),
      .dec_i       (dec),
      .insn_i      (insn),
      .rs1_i       (rs1),
      .sew_i       (eew),
      .lmul_i      (vtype[2:0]),
      .evl_i       (evl),
      .done_o      (ser_done),
      .rd_o        (ser_rd),
      .mask_row_o  (ser_mask_row),
      .mask_bits_i (mask_bytes),
      .re_o        (ser_re),
      .raddr_a_o   (ser_raddr_a),
      .rdata_a_i   (rdata_a),
      .raddr_b_o   (ser_raddr_b),
      .rdata_b_i   (rdata_b),
      .wbe_o       (ser_wbe),
      .waddr_o     (ser_waddr),
      .wdata_o     (ser_wdata)
    );

    vctx_lsu #(
      .VLEN (VLEN),
      .DLEN (DLEN)
    ) u_lsu (
      .clk_i         (clk_i),
      .rst_ni        (rst_ni),
      .start_i       (lsu_start),
      .store_i       (dec.unit == UnitStore),
      .first_fault_i (dec.first_fault),
      .strided_i     (dec.strided),
      .masked_i      (masked),
      .vd_i          (insn[11:7]),
      .base_i        (rs1),
      .stride_i      (rs2),
      .eew_i         (eew),
      .evl_i         (evl),
      .vstart_i      (older ? '0 : vstart),  // which the older instruction will clear
      .irq_valid_i   (irq_valid),
      .irq_elem_i    (irq_elem),
      .handable_o    (lsu_handable),
      .hand_over_i   (lsu_hand_over),
      .older_i       (older),
      .older_done_o  (older_done),
      .done_o        (lsu_done),
      .trap_o        (lsu_trap),
      .irq_o         (lsu_irq),
      .trim_o        (lsu_trim),
      .elem_o        (lsu_elem),
      .cause_o       (lsu_cause),
      .tval_o        (lsu_tval),
      .tval2_o       (lsu_tval2),
      .bus_err_o     (bus_err_o),
      .mask_row_o    (lsu_mask_row),
      .mask_eew_o    (lsu_mask_eew),
      .mask_bytes_i  (mask_bytes),
      .re_o          (lsu_re),
      .raddr_o       (lsu_raddr),
      .rdata_i       (rdata_a),
      .wbe_o         (lsu_wbe),
      .waddr_o       (lsu_waddr),
      .wdata_o       (lsu_wdata),
      .xlat_valid_o  (xlat_valid_o),
      .xlat_vpn_o    (xlat_vpn_o),
      .xlat_store_o  (xlat_store_o),
      .xlat_ready_i  (xlat_ready_i),
      .xlat_fault_i  (xlat_fault_i),
      .xlat_cause_i  (xlat_cause_i),
      .xlat_ppn_i    (xlat_ppn_i),
      .xlat_gpn_i    (xlat_gpn_i),
      .axi_addr_o    (burst_addr),
      .axi_len_o     (burst_len),
      .axi_awvalid_o (axi_awvalid_o),
      .axi_awready_i (axi_awready_i),
      .axi_wdata_o   (axi_wdata_o),
      .axi_wstrb_o   (axi_wstrb_o),
      .axi_wlast_o   (axi_wlast_o),
      .axi_wvalid_o  (axi_wvalid_o),
      .axi_wready_i  (axi_wready_i),
      .axi_bresp_i   (axi_bresp_i),
      .axi_bvalid_i  (axi_bvalid_i),
      .axi_bready_o  (axi_bready_o),
      .axi_arvalid_o (axi_arvalid_o),
      .axi_arready_i (axi_arready_i),
      .axi_rdata_i   (axi_rdata_i),
      .axi_rresp_i   (axi_rresp_i),
      .axi_rvalid_i  (axi_rvalid_i),
      .axi_rready_o  (axi_rready_o)
    );
  end else begin : gen_no_units
    assign mask_done     = 1'b0;
    assign alu_done      = 1'b0;
    assign alu_rd        = '0;
    assign lsu_done      = 1'b0;
    assign lsu_handable  = 1'b0;
    assign older_done    = 1'b0;
    assign lsu_trap      = 1'b0;
    assign lsu_irq       = 1'b0;
    assign lsu_trim      = 1'b0;
    assign lsu_elem      = '0;
    assign lsu_cause     = '0;
    assign lsu_tval      = '0;
    assign lsu_tval2     = '0;
    assign re_a          = 1'b0;
    assign re_b          = 1'b0;
    assign raddr_a       = '0;
    assign raddr_b       = '0;
    assign wbe           = '0;
    assign waddr         = '0;
    assign wdata         = '0;
    assign burst_addr    = '0;
    assign burst_len     = '0;
    assign xlat_valid_o  = 1'b0;
    assign xlat_vpn_o    = '0;
    assign xlat_store_o  = 1'b0;
    assign axi_awvalid_o = 1'b0;
    assign axi_wdata_o   = '0;
    assign axi_wstrb_o   = '0;
    assign axi_wlast_o   = 1'b0;
    assign axi_wvalid_o  = 1'b0;
    assign axi_bready_o  = 1'b0;
    assign axi_arvalid_o = 1'b0;
    assign axi_rready_o  = 1'b0;
    assign bus_err_o     = 1'b0;

    logic unused;
    assign unused = ^{lsu_hand_over, irq_valid, irq_elem,
                      xlat_ready_i, xlat_fault_i, xlat_cause_i, xlat_ppn_i, xlat_gpn_i,
                      axi_awready_i, axi_wready_i, axi_bresp_i, axi_bvalid_i, axi_arready_i, axi_rdata_i,
                      axi_rresp_i, axi_rvalid_i, eew, evl, masked, mask_fetch, alu_start, lsu_start, rdata_a, rdata_b};
  end

endmodule

`default_nettype wire
