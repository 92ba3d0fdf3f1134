// SPDX-License-Identifier: Apache-2.0
// Properties of vctx_alu, vctx_serial and vctx_mask: each ends what was started, and is at rest otherwise.

`default_nettype none

module formal_units
  import vctx_pkg::*;
#(
  parameter int VLEN = 256,
  parameter int DLEN = 128,
  localparam int Bytes = DLEN / 8,
  localparam int CntW = $clog2(VLEN) + 1,
  localparam int GroupRowW = $clog2(8 * VLEN / DLEN),
  localparam int RowW = $clog2(32 * VLEN / DLEN)
) (
  input logic             clk_i,
  input logic             rst_ni,
  input logic             alu_start_i,
  input logic             serial_start_i,
  input logic             fetch_i,
  input dec_t             dec_i,
  input logic [31:0]      insn_i,
  input logic [63:0]      rs1_i,
  input logic [1:0]       eew_i,
  input logic [2:0]       lmul_i,
  input logic [CntW-1:0]  evl_i,
  input logic [Bytes-1:0] mask_bytes_i,
  input logic [DLEN-1:0]  rdata_a_i,
  input logic [DLEN-1:0]  rdata_b_i
);

  logic                 alu_done, serial_done, mask_done, alu_re, serial_re, mask_re;
  logic [63:0]          alu_rd, serial_rd;
  logic [GroupRowW-1:0] alu_mask_row, serial_mask_row;
  logic [RowW-1:0]      alu_raddr_a, alu_raddr_b, alu_waddr, serial_raddr_a, serial_raddr_b, serial_waddr, mask_raddr;
  logic [Bytes-1:0]     alu_wbe, serial_wbe, mask_bytes;
  logic [DLEN-1:0]      alu_wdata, serial_wdata;

  vctx_alu #(
    .VLEN (VLEN),
    .DLEN (DLEN)
  ) dut_alu (
    .clk_i        (clk_i),
    .rst_ni       (rst_ni),
    .start_i      (alu_start_i),
    .dec_i        (dec_i),
    .insn_i       (insn_i),
    .rs1_i        (rs1_i),
    .eew_i        (eew_i),
    .evl_i        (evl_i),
    .done_o       (alu_done),
    .rd_o         (alu_rd),
    .mask_row_o   (alu_mask_row),
    .mask_bytes_i (mask_bytes_i),
    .re_o         (alu_re),
    .raddr_a_o    (alu_raddr_a),
    .rdata_a_i    (rdata_a_i),
    .raddr_b_o    (alu_raddr_b),
    .rdata_b_i    (rdata_b_i),
    .wbe_o        (alu_wbe),
    .waddr_o      (alu_waddr),
    .wdata_o      (alu_wdata)
  );

  vctx_serial #(
    .VLEN (VLEN),
    .DLEN (DLEN)
  ) dut_serial (
    .clk_i       (clk_i),
    .rst_ni      (rst_ni),
    .start_i     (serial_start_i),
    .dec_i       (dec_i),
    .insn_i      (insn_i),
    .rs1_i       (rs1_i),
    .sew_i       (eew_i),
    .lmul_i      (lmul_i),
    .evl_i       (evl_i),
    .done_o      (serial_done),
    .rd_o        (serial_rd),
    .mask_row_o  (serial_mask_row),
    .mask_bits_i (mask_bytes_i),
    .re_o        (serial_re),
    .raddr_a_o   (serial_raddr_a),
    .rdata_a_i   (rdata_a_i),
    .raddr_b_o   (serial_raddr_b),
    .rdata_b_i   (rdata_b_i),
    .wbe_o       (serial_wbe),
    .waddr_o     (serial_waddr),
    .wdata_o     (serial_wdata)
  );

  vctx_mask #(
    .VLEN (VLEN),
    .DLEN (DLEN)
  ) dut_mask (
    .clk_i        (clk_i),
    .rst_ni       (rst_ni),
    .fetch_i      (fetch_i),
    .fetch_done_o (mask_done),
    .re_o         (mask_re),
    .raddr_o      (mask_raddr),
    .rdata_i      (rdata_a_i),
    .masked_i     (1'b0),
    .row_i        ('0),
    .eew_i        (2'd0),
    .bytes_o      (mask_bytes)
  );

  logic running;
  formal_reset u_reset (
    .clk_i     (clk_i),
    .rst_ni    (rst_ni),
    .running_o (running)
  );

  // Started and not done, and for how long
  logic       alu_q, serial_q, fetching_q;
  logic [7:0] fetches_q;
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      alu_q      <= 1'b0;
      serial_q   <= 1'b0;
      fetching_q <= 1'b0;
      fetches_q  <= '0;
    end else begin
      if (alu_start_i) alu_q <= 1'b1;
      else if (alu_done) alu_q <= 1'b0;
      if (serial_start_i) serial_q <= 1'b1;
      else if (serial_done) serial_q <= 1'b0;
      if (fetch_i) fetching_q <= 1'b1;
      else if (mask_done) fetching_q <= 1'b0;
      fetches_q <= fetch_i ? '0 : fetches_q + 8'(fetching_q);
    end
  end

  // Of vctx_ctrl and vctx_issue, proven of formal_ctrl: a unit starts when it is done, and its instruction stays meanwhile.
  logic [31:0]     insn_q;
  dec_t            dec_q;
  logic [CntW-1:0] evl_q;
  logic [1:0]      eew_q;
  always_ff @(posedge clk_i) begin
    insn_q <= insn_i;
    dec_q  <= dec_i;
    evl_q  <= evl_i;
    eew_q  <= eew_i;
  end
  always_comb begin
    if (alu_start_i) assume (!alu_q);
    if (serial_start_i) assume (!serial_q);
    if (fetch_i) assume (!fetching_q);
    if (alu_q || serial_q) assume ((insn_i == insn_q) && (dec_i == dec_q) && (evl_i == evl_q) && (eew_i == eew_q));
  end

  always_ff @(posedge clk_i) begin
    if (rst_ni) begin
      h_alu: assert (alu_q == (dut_alu.read_q || dut_alu.exec_q || dut_alu.empty_q));
      if (alu_done) begin
        p_alu_done: assert (alu_q);
        c_alu_done: cover (evl_i == CntW'(2));
      end
      if (alu_wbe != '0) begin
        p_alu_writes: assert (alu_q);
        c_alu_writes: cover (alu_done);
      end
      if (alu_re) begin
        p_alu_reads: assert (alu_q);
        c_alu_reads: cover (!alu_done);
      end
      h_serial: assert (serial_q == (dut_serial.state_q != '0));
      if (serial_done) begin
        p_serial_done: assert (serial_q);
        c_serial_done: cover (evl_i == CntW'(2));
      end
      if (serial_wbe != '0) begin
        p_serial_writes: assert (serial_q);
        c_serial_writes: cover (dec_i.reduce);
      end
      h_mask: assert (fetching_q == (dut_mask.busy_q || dut_mask.store_q));
      if (dut_mask.busy_q) h_row: assert (8'(dut_mask.row_q) == fetches_q);
      if (fetching_q && !dut_mask.busy_q) h_rows: assert (fetches_q == 8'(VLEN / DLEN));
      if (mask_done) begin
        p_mask_done: assert (fetching_q);
        c_mask_done: cover (fetches_q != '0);
      end
      if (fetching_q) begin
        p_mask_ends: assert (fetches_q <= 8'(VLEN / DLEN));
        c_mask_ends: cover (fetches_q == 8'(VLEN / DLEN));
      end
    end
  end

endmodule

`default_nettype wire
