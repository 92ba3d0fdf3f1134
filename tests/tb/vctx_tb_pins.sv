// SPDX-License-Identifier: Apache-2.0
// One hart whose AXI port ends at signals that cocotbext-axi drives: a second memory, written by others.
// The clock comes from Python, because that library samples at the edge it sees there.

`default_nettype none

module vctx_tb_pins import vctx_tb_pkg::*; #(
  parameter int VLEN = 256,
  parameter int DLEN = 128,
  parameter bit HasV = 1
);

  logic clk = 1'b0;
  logic rst_n = 1'b0;
  logic [$bits(cfg_t)-1:0] cfg;
  cfg_t c;
  assign c = cfg;

  logic [3:0]        m_axi_awid, m_axi_bid, m_axi_arid, m_axi_rid;
  logic [55:0]       m_axi_awaddr, m_axi_araddr;
  logic [7:0]        m_axi_awlen, m_axi_arlen;
  logic [2:0]        m_axi_awsize, m_axi_arsize;
  logic [1:0]        m_axi_awburst, m_axi_arburst, m_axi_bresp, m_axi_rresp;
  logic              m_axi_awvalid, m_axi_awready, m_axi_wlast, m_axi_wvalid, m_axi_wready, m_axi_bvalid, m_axi_bready;
  logic              m_axi_arvalid, m_axi_arready, m_axi_rlast, m_axi_rvalid, m_axi_rready;
  logic [DLEN-1:0]   m_axi_wdata, m_axi_rdata;
  logic [DLEN/8-1:0] m_axi_wstrb;

  vctx_tb_hart #(
    .VLEN(VLEN),
    .DLEN(DLEN),
    .HasV(HasV)
  ) u_hart (
    .clk_i    (clk),
    .rst_ni   (rst_n),
    .cfg_i    (c),
    .seed_i   (c.seed | 32'd1),
    .awid_o   (m_axi_awid),
    .awaddr_o (m_axi_awaddr),
    .awlen_o  (m_axi_awlen),
    .awsize_o (m_axi_awsize),
    .awburst_o(m_axi_awburst),
    .awvalid_o(m_axi_awvalid),
    .awready_i(m_axi_awready),
    .wdata_o  (m_axi_wdata),
    .wstrb_o  (m_axi_wstrb),
    .wlast_o  (m_axi_wlast),
    .wvalid_o (m_axi_wvalid),
    .wready_i (m_axi_wready),
    .bid_i    (m_axi_bid),
    .bresp_i  (m_axi_bresp),
    .bvalid_i (m_axi_bvalid),
    .bready_o (m_axi_bready),
    .arid_o   (m_axi_arid),
    .araddr_o (m_axi_araddr),
    .arlen_o  (m_axi_arlen),
    .arsize_o (m_axi_arsize),
    .arburst_o(m_axi_arburst),
    .arvalid_o(m_axi_arvalid),
    .arready_i(m_axi_arready),
    .rid_i    (m_axi_rid),
    .rdata_i  (m_axi_rdata),
    .rresp_i  (m_axi_rresp),
    .rlast_i  (m_axi_rlast),
    .rvalid_i (m_axi_rvalid),
    .rready_o (m_axi_rready)
  );

endmodule

`default_nettype wire
