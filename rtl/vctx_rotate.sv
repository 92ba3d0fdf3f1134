// Rotation of a row of lanes towards higher lane numbers: lane i moves to lane (i + amount) mod Lanes.

`default_nettype none

module vctx_rotate #(
  parameter int Lanes = 16,  // power of two
  parameter int LaneBits = 8,
  localparam int AmountW = $clog2(Lanes)
) (
  input  logic [AmountW-1:0]        amount_i,
  input  logic [Lanes*LaneBits-1:0] row_i,
  output logic [Lanes*LaneBits-1:0] row_o
);

  localparam int Bits = Lanes * LaneBits;

  function automatic logic [Bits-1:0] rotate(input logic [AmountW-1:0] amount, input logic [Bits-1:0] row);
    rotate = row;
    for (int s = 0; s < AmountW; s++) begin
      if (amount[s]) rotate = (rotate << (LaneBits << s)) | (rotate >> (Bits - (LaneBits << s)));
    end
  endfunction

  assign row_o = rotate(amount_i, row_i);

endmodule

`default_nettype wire
