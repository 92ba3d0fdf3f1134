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

  always_comb begin
    row_o = row_i;
    for (int s = 0; s < AmountW; s++) begin
      if (amount_i[s]) row_o = (row_o << (LaneBits << s)) | (row_o >> (Bits - (LaneBits << s)));
    end
  end

endmodule

`default_nettype wire
