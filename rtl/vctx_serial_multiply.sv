// SPDX-License-Identifier: Apache-2.0
// Multiplier of the serial unit: four bits of the multiplier a cycle, the lowest first.
//
// A step adds multiplicand times digit to what the steps before left above the digit of the product that they made. So
// a step makes four bits of the product, and the register that the multiplier leaves digit by digit takes them in. The last
// digit of a signed multiplier counts 16 less than its bits say if the topmost is set.

`default_nettype none

module vctx_serial_multiply (
  input  logic        clk_i,
  input  logic        rst_ni,

  input  logic        load_i,          // take the operands
  input  logic [1:0]  sew_i,           // log2 of their width in bytes; stable until done_o
  input  logic        signed1_i,       // likewise: the multiplier is signed,
  input  logic        signed2_i,       // the multiplicand is
  input  logic [63:0] multiplier_i,    // extended
  input  logic [63:0] multiplicand_i,

  input  logic        step_i,
  output logic        done_o,          // the last step; the product is there from the next cycle on
  output logic [63:0] low_o,           // its lower SEW bits, or all 2 * SEW if SEW < 64
  output logic [63:0] high_o           // its upper SEW bits
);

  logic [64:0] x_q;     // multiplicand
  logic [63:0] low_q;   // digits of the product, above those of the multiplier
  logic [65:0] high_q;
  logic [3:0]  left_q;  // steps after this one

  // The digits below SEW go down by one, and one enters above them.
  function automatic logic [63:0] shifted(input logic [1:0] sew, input logic [63:0] low, input logic [3:0] enters);
    shifted = low >> 4;
    case (sew)
      2'd0:    shifted[7:4]   = enters;
      2'd1:    shifted[15:12] = enters;
      2'd2:    shifted[31:28] = enters;
      default: shifted[63:60] = enters;
    endcase
  endfunction

  // {high, low} after a step: the sum is the new digit and what is above it.
  function automatic logic [129:0] step(input logic [1:0] sew, input logic [65:0] high, input logic [63:0] low,
                                        input logic [64:0] x, input logic negative);
    logic [69:0] wide, sum;
    wide = {{5{x[64]}}, x};
    sum  = {{4{high[65]}}, high} + wide * 70'(low[3:0]) - (negative ? (wide << 4) : '0);
    step = {sum[69:4], shifted(sew, low, sum[3:0])};
  endfunction

  logic last;
  assign last = (left_q == 4'd0);

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      x_q    <= '0;
      low_q  <= '0;
      high_q <= '0;
      left_q <= '0;
    end else if (load_i) begin
      x_q    <= {signed2_i && multiplicand_i[63], multiplicand_i};
      low_q  <= multiplier_i;
      high_q <= '0;
      left_q <= 4'((5'd2 << sew_i) - 5'd1);
    end else if (step_i) begin
      {high_q, low_q} <= step(sew_i, high_q, low_q, x_q, signed1_i && last && low_q[3]);
      left_q          <= left_q - 4'd1;
    end
  end

  function automatic logic [63:0] low_part(input logic [1:0] sew, input logic [31:0] high, input logic [63:0] low);
    case (sew)
      2'd0:    low_part = {48'b0, high[7:0], low[7:0]};
      2'd1:    low_part = {32'b0, high[15:0], low[15:0]};
      2'd2:    low_part = {high, low[31:0]};
      default: low_part = low;
    endcase
  endfunction

  assign done_o = last;
  assign low_o  = low_part(sew_i, high_q[31:0], low_q);
  assign high_o = high_q[63:0];

endmodule

`default_nettype wire
