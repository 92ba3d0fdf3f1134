// SPDX-License-Identifier: Apache-2.0
// Rows of lanes at an offset: lane i of a row moves to lane (i + amount) mod Lanes, and the lanes below amount come from
// the row before, which is held. `vctx_range` says which lanes count.

`default_nettype none

module vctx_splice #(
  parameter int Lanes = 16,  // power of two
  parameter int LaneBits = 8,  // in a lane
  localparam int AmountW = $clog2(Lanes),  // of a distance in lanes
  localparam int Bits = Lanes * LaneBits  // in a row
) (
  input  logic               clk_i,
  input  logic               rst_ni,

  input  logic               hold_i,   // this row is the row before from the next cycle on,
  input  logic               clear_i,  // or rather a row of zeros
  input  logic [AmountW-1:0] amount_i,
  input  logic [Bits-1:0]    row_i,
  output logic [Bits-1:0]    row_o
);

  function automatic logic [Bits-1:0] rotate(input logic [AmountW-1:0] amount, input logic [Bits-1:0] row);
    rotate = row;
    for (int s = 0; s < AmountW; s++) begin
      if (amount[s]) rotate = (rotate << (LaneBits << s)) | (rotate >> (Bits - (LaneBits << s)));
    end
  endfunction

  // Most rows are aligned: nothing is to be done for them.
  function automatic logic [Bits-1:0] splice(input logic [AmountW-1:0] amount, input logic [Bits-1:0] held,
                                             input logic [Bits-1:0] rotated);
    logic [Bits-1:0] upper;
    splice = rotated;
    if (amount != '0) begin
      upper  = {Bits{1'b1}} << (32'(amount) * LaneBits);
      splice = (rotated & upper) | (held & ~upper);
    end
  endfunction

  logic [Bits-1:0] rotated, held_q;
  assign rotated = rotate(amount_i, row_i);
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) held_q <= '0;
    else if (hold_i) held_q <= clear_i ? '0 : rotated;
  end

  assign row_o = splice(amount_i, held_q, rotated);

endmodule

`default_nettype wire
