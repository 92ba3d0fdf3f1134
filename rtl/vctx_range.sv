// Lanes of one row that lie in [first_i, end_i), when lanes are numbered from 0 through all rows of a group.

`default_nettype none

module vctx_range #(
  parameter int Lanes = 16,  // in a row, power of two
  parameter int IdxW = 9,    // width of a lane number, more than log2(Lanes)
  localparam int LaneW = $clog2(Lanes),
  localparam int RowW = IdxW - LaneW
) (
  input  logic [RowW-1:0]  row_i,
  input  logic [IdxW-1:0]  first_i,
  input  logic [IdxW-1:0]  end_i,
  output logic [Lanes-1:0] lanes_o
);

  logic [RowW-1:0]  first_row, end_row;
  logic [LaneW-1:0] first_lane, end_lane;
  assign {first_row, first_lane} = first_i;
  assign {end_row, end_lane}     = end_i;

  logic [Lanes-1:0] from_first, before_end;
  assign from_first = (row_i > first_row) ? '1 : ((row_i == first_row) ? ({Lanes{1'b1}} << first_lane) : '0);
  assign before_end = (row_i < end_row) ? '1 : ((row_i == end_row) ? ~({Lanes{1'b1}} << end_lane) : '0);
  assign lanes_o    = from_first & before_end;

endmodule

`default_nettype wire
