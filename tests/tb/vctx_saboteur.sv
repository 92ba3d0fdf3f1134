// SPDX-License-Identifier: Apache-2.0
// Stands in for the block, and misbehaves on request: +sabotage=N breaks one rule, so that the check of that rule can
// be seen to work. The real block, renamed vctx_honest, does the work.

`default_nettype none

module vctx #(
  parameter int VLEN = 256,
  parameter int DLEN = 128,
  parameter bit HasV = 1'b1
) (
  input  logic              clk_i,
  input  logic              rst_ni,
  input  logic              issue_valid_i,
  output logic              issue_ready_o,
  input  logic [31:0]       issue_insn_i,
  input  logic [63:0]       issue_rs1_i,
  input  logic [63:0]       issue_rs2_i,
  input  logic [1:0]        issue_prv_i,
  input  logic              issue_virt_i,
  input  logic              issue_fs_dirty_i,
  input  logic              issue_vsfs_dirty_i,
  input  logic              irq_valid_i,
  input  logic [12:0]       irq_elem_i,
  output logic              retire_valid_o,
  output logic              retire_trap_o,
  output logic              retire_irq_o,
  output logic [5:0]        retire_cause_o,
  output logic [63:0]       retire_tval_o,
  output logic [63:0]       retire_tval2_o,
  output logic              retire_rd_we_o,
  output logic [63:0]       retire_rd_o,
  output logic [31:0]       retire_vd_mask_o,
  output logic [63:0]       vl_o,
  output logic [63:0]       vtype_o,
  output logic [63:0]       vstart_o,
  output logic [2:0]        vcsr_o,
  output logic [1:0]        mstatus_vs_o,
  output logic [1:0]        vsstatus_vs_o,
  output logic              xlat_valid_o,
  output logic [51:0]       xlat_vpn_o,
  output logic              xlat_store_o,
  input  logic              xlat_ready_i,
  input  logic              xlat_fault_i,
  input  logic [5:0]        xlat_cause_i,
  input  logic [43:0]       xlat_ppn_i,
  input  logic [51:0]       xlat_gpn_i,
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
  output logic              bus_err_o
);

  // The numbers that tests/tb/test_checks.py uses.
  localparam int ReadLen = 1, WriteLen = 2, ReadSize = 3, WriteBurst = 4, ReadMoves = 5, WriteMoves = 6, DataMoves = 7;
  localparam int NoLast = 8, DataFirst = 9, Strobe = 10, ReadPage = 11, WritePage = 12, EarlyRetire = 13, BusX = 14;
  localparam int XlatPage = 15, XlatMoves = 16, Retires = 17, Hangs = 18, Outside = 19, IdleRead = 20;
  localparam int Flood = 21, RegisterSilent = 22, RegisterClaimed = 23, RdUnknown = 24, Shown = 25, OutsideWrite = 26;
  localparam int RetireX = 27;  // tests/regression/test_agents.py

  int sabotage;
  initial if (!$value$plusargs("sabotage=%d", sabotage)) sabotage = 0;

  logic [7:0] count_q;
  logic       wrote_q;
  logic       issued_q;
  logic       read_waits_q, write_waits_q;
  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      count_q       <= '0;
      wrote_q       <= 1'b0;
      issued_q      <= 1'b0;
      read_waits_q  <= 1'b0;
      write_waits_q <= 1'b0;
    end else begin
      read_waits_q  <= axi_arvalid_o && !axi_arready_i;
      write_waits_q <= axi_awvalid_o && !axi_awready_i;
      count_q <= count_q + 8'd1;
      wrote_q <= axi_awvalid_o && axi_awready_i;
      if (issue_valid_i && issue_ready_o) issued_q <= 1'b1;
      if (retire_valid) issued_q <= 1'b0;
    end
  end

  logic        retire_valid, issue_ready, rd_we, xlat_valid, arvalid, awvalid, wvalid, wlast, rready;
  logic [31:0] vd_mask;
  logic [63:0] rd;
  logic [51:0] vpn;
  logic [55:0] araddr, awaddr;
  logic [7:0]  arlen, awlen;
  logic [2:0]  arsize;
  logic [1:0]  awburst;
  logic [DLEN-1:0]   wdata;
  logic [DLEN/8-1:0] wstrb;

  assign issue_ready_o = issue_ready && sabotage != Hangs && sabotage != Flood;
  assign retire_valid_o = sabotage == RetireX ? 1'bx : retire_valid || (sabotage == EarlyRetire && wrote_q) ||
                          (sabotage == Retires && count_q[1] && !issued_q && !issue_valid_i);
  assign retire_vd_mask_o = sabotage == RegisterSilent ? 32'd0 :
                            sabotage == RegisterClaimed ? vd_mask | 32'h8000_0000 : vd_mask;
  assign retire_rd_we_o = rd_we;
  assign retire_rd_o = sabotage == RdUnknown && rd_we ? 64'bx : rd;
  assign xlat_valid_o = xlat_valid;
  assign xlat_vpn_o = sabotage == XlatPage || (sabotage == XlatMoves && count_q[0]) ? vpn ^ 52'd1 : vpn;
  assign axi_arvalid_o = sabotage == BusX ? 1'bx :
                         arvalid || sabotage == Flood || (sabotage == IdleRead && !issued_q && count_q[0]);
  assign axi_araddr_o = sabotage == ReadLen ? araddr | 56'hff8 :
                        sabotage == ReadPage ? araddr ^ 56'h1000 :
                        sabotage == Outside ? araddr + 56'h100_0000 :
                        sabotage == ReadMoves && read_waits_q ? araddr ^ 56'h8 :
                        sabotage == Flood ? 56'h8000_0000 : araddr;
  assign axi_arlen_o = sabotage == ReadLen ? 8'hff : sabotage == Flood ? 8'h0 : arlen;
  assign axi_arsize_o = sabotage == ReadSize ? arsize - 3'd1 : arsize;
  assign axi_rready_o = rready || sabotage == Flood;
  assign axi_awvalid_o = sabotage == DataFirst ? 1'b0 : awvalid;
  assign axi_awaddr_o = sabotage == WriteLen ? awaddr | 56'hff8 :
                        sabotage == WritePage ? awaddr ^ 56'h1000 :
                        sabotage == WriteMoves && write_waits_q ? awaddr ^ 56'h8 :
                        sabotage == OutsideWrite ? awaddr + 56'h100_0000 :
                        sabotage == Strobe ? awaddr | 56'h1 : awaddr;
  assign axi_awlen_o = sabotage == WriteLen ? 8'hff : awlen;
  assign axi_awburst_o = sabotage == WriteBurst ? 2'b10 : awburst;
  assign axi_wvalid_o = wvalid;
  assign axi_wdata_o = sabotage == DataMoves ? {DLEN{count_q[0]}} : sabotage == Shown && wstrb != '1 ? '1 : wdata;
  assign axi_wstrb_o = sabotage == Strobe ? '1 : wstrb;
  assign axi_wlast_o = wlast && sabotage != NoLast;

  vctx_honest #(
    .VLEN(VLEN),
    .DLEN(DLEN),
    .HasV(HasV)
  ) u_honest (
    .issue_valid_i   (issue_valid_i && sabotage != Hangs && sabotage != Flood),
    .issue_ready_o   (issue_ready),
    .retire_valid_o  (retire_valid),
    .retire_rd_we_o  (rd_we),
    .retire_rd_o     (rd),
    .retire_vd_mask_o(vd_mask),
    .xlat_valid_o    (xlat_valid),
    .xlat_vpn_o      (vpn),
    .axi_arvalid_o   (arvalid),
    .axi_araddr_o    (araddr),
    .axi_arlen_o     (arlen),
    .axi_arsize_o    (arsize),
    .axi_rready_o    (rready),
    .axi_awvalid_o   (awvalid),
    .axi_awready_i   (axi_awready_i || sabotage == DataFirst),
    .axi_awaddr_o    (awaddr),
    .axi_awlen_o     (awlen),
    .axi_awburst_o   (awburst),
    .axi_wvalid_o    (wvalid),
    .axi_wready_i    (axi_wready_i || sabotage == DataFirst),
    .axi_wdata_o     (wdata),
    .axi_wstrb_o     (wstrb),
    .axi_wlast_o     (wlast),
    .*
  );

endmodule

`default_nettype wire
