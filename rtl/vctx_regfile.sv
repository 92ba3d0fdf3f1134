// SPDX-License-Identifier: Apache-2.0
// Vector register file: rows of DLEN bits in 64-bit banks with byte enables, two synchronous read ports, one write
// port. Row r * (VLEN / DLEN) + i holds bits DLEN*i upwards of register r. No reset, so a bank maps to block RAM.
//
// A read port keeps its data while its enable is low. What a read of the row that is written in the same cycle returns
// is of no interest to any user, so synthesis need not make it the old value (no_rw_check).

`default_nettype none

module vctx_regfile #(
  parameter int VLEN  = 256,  // bits in a vector register
  parameter int DLEN  = 128,  // bits in a row, which are moved in a cycle
  parameter int Banks = DLEN / 64,  // 0 leaves out the storage
  localparam int Rows = 32 * VLEN / DLEN,  // of all registers
  localparam int RowW = $clog2(Rows)  // of the number of a row
) (
  input  logic              clk_i,
  // Read port A
  input  logic              re_a_i,
  input  logic [RowW-1:0]   raddr_a_i,
  output logic [DLEN-1:0]   rdata_a_o,
  // Read port B
  input  logic              re_b_i,
  input  logic [RowW-1:0]   raddr_b_i,
  output logic [DLEN-1:0]   rdata_b_o,
  // Write port
  input  logic [DLEN/8-1:0] wbe_i,
  input  logic [RowW-1:0]   waddr_i,
  input  logic [DLEN-1:0]   wdata_i
);

  for (genvar b = 0; b < Banks; b++) begin : gen_bank
    (* no_rw_check *) logic [63:0] mem [Rows];
    logic [7:0] wbe;
    assign wbe = wbe_i[8*b +: 8];

    always_ff @(posedge clk_i) begin
      if (re_a_i) rdata_a_o[64*b +: 64] <= mem[raddr_a_i];
      if (re_b_i) rdata_b_o[64*b +: 64] <= mem[raddr_b_i];
      if (wbe == 8'hFF) begin  // the same as eight bytes, for simulators
        mem[waddr_i] <= wdata_i[64*b +: 64];
      end else if (wbe != 8'h00) begin
        for (int k = 0; k < 8; k++) begin
          if (wbe[k]) mem[waddr_i][8*k +: 8] <= wdata_i[64*b+8*k +: 8];
        end
      end
    end
  end

  if (Banks == 0) begin : gen_no_bank
    assign rdata_a_o = '0;
    assign rdata_b_o = '0;

    logic unused;
    assign unused = ^{clk_i, re_a_i, raddr_a_i, re_b_i, raddr_b_i, wbe_i, waddr_i, wdata_i};
  end

endmodule

`default_nettype wire
