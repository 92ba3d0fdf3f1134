// SPDX-License-Identifier: Apache-2.0
// Testbench top: NumHarts harts around one RAM. The clock is made here, so that Python sleeps between instructions.

`default_nettype none

module vctx_tb import vctx_tb_pkg::*; #(
  parameter int VLEN     = 256,
  parameter int DLEN     = 128,
  parameter bit HasV     = 1,
  parameter int NumHarts = 1,
  parameter int RamBytes = 1 << 20  // capacity, a power of two; cfg.ram_size says how much of it exists
);

  localparam int StrbW = DLEN / 8;

  logic clk = 1'b0;
  always #5 clk = !clk;

  // Set by Python before it releases the reset.
  logic rst_n = 1'b0;
  logic [$bits(cfg_t)-1:0] cfg;
  cfg_t c;
  assign c = cfg;

  logic [POKES*$bits(poke_t)-1:0] poke;
  logic poke_go = 1'b0;
  logic dump_go = 1'b0;
  logic poke_done, dump_done;

  logic [NumHarts*56-1:0]    read_addr, write_addr;
  logic [NumHarts*DLEN-1:0]  read_data, write_data;
  logic [NumHarts*StrbW-1:0] write_strb;
  logic [NumHarts-1:0]       write;

  for (genvar h = 0; h < NumHarts; h++) begin : gen_hart
    logic [3:0]      awid, bid, arid, rid;
    logic [55:0]     awaddr, araddr;
    logic [7:0]      awlen, arlen;
    logic [2:0]      awsize, arsize;
    logic [1:0]      awburst, arburst, bresp, rresp;
    logic            awvalid, awready, wlast, wvalid, wready, bvalid, bready;
    logic            arvalid, arready, rlast, rvalid, rready;
    logic [DLEN-1:0] rdata;
    logic [31:0]     seed;

    assign seed = hart_seed(c.seed, 8'(h));

    vctx_tb_hart #(
      .VLEN(VLEN),
      .DLEN(DLEN),
      .HasV(HasV)
    ) u_hart (
      .clk_i    (clk),
      .rst_ni   (rst_n),
      .cfg_i    (c),
      .seed_i   (seed),
      .awid_o   (awid),
      .awaddr_o (awaddr),
      .awlen_o  (awlen),
      .awsize_o (awsize),
      .awburst_o(awburst),
      .awvalid_o(awvalid),
      .awready_i(awready),
      .wdata_o  (write_data[DLEN*h +: DLEN]),
      .wstrb_o  (write_strb[StrbW*h +: StrbW]),
      .wlast_o  (wlast),
      .wvalid_o (wvalid),
      .wready_i (wready),
      .bid_i    (bid),
      .bresp_i  (bresp),
      .bvalid_i (bvalid),
      .bready_o (bready),
      .arid_o   (arid),
      .araddr_o (araddr),
      .arlen_o  (arlen),
      .arsize_o (arsize),
      .arburst_o(arburst),
      .arvalid_o(arvalid),
      .arready_i(arready),
      .rid_i    (rid),
      .rdata_i  (rdata),
      .rresp_i  (rresp),
      .rlast_i  (rlast),
      .rvalid_i (rvalid),
      .rready_o (rready)
    );

    vctx_tb_axi_port #(.DLEN(DLEN)) u_port (
      .clk_i       (clk),
      .rst_ni      (rst_n),
      .cfg_i       (c),
      .seed_i      (seed),
      .awid_i      (awid),
      .awaddr_i    (awaddr),
      .awlen_i     (awlen),
      .awvalid_i   (awvalid),
      .awready_o   (awready),
      .wvalid_i    (wvalid),
      .wready_o    (wready),
      .bid_o       (bid),
      .bresp_o     (bresp),
      .bvalid_o    (bvalid),
      .bready_i    (bready),
      .arid_i      (arid),
      .araddr_i    (araddr),
      .arlen_i     (arlen),
      .arvalid_i   (arvalid),
      .arready_o   (arready),
      .rid_o       (rid),
      .rdata_o     (rdata),
      .rresp_o     (rresp),
      .rlast_o     (rlast),
      .rvalid_o    (rvalid),
      .rready_i    (rready),
      .read_addr_o (read_addr[56*h +: 56]),
      .read_data_i (read_data[DLEN*h +: DLEN]),
      .write_addr_o(write_addr[56*h +: 56]),
      .write_o     (write[h])
    );
  end

  vctx_tb_ram #(
    .DLEN    (DLEN),
    .NumHarts(NumHarts),
    .RamBytes(RamBytes)
  ) u_ram (
    .clk_i       (clk),
    .rst_ni      (rst_n),
    .cfg_i       (c),
    .read_addr_i (read_addr),
    .read_data_o (read_data),
    .write_i     (write),
    .write_addr_i(write_addr),
    .write_data_i(write_data),
    .write_strb_i(write_strb),
    .poke_i      (poke),
    .poke_go_i   (poke_go),
    .poke_done_o (poke_done),
    .dump_go_i   (dump_go),
    .dump_done_o (dump_done)
  );

endmodule

`default_nettype wire
