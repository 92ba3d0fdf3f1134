// SPDX-License-Identifier: Apache-2.0
// Lanes of one row that lie in [first_i, end_i), when lanes are numbered from 0 through all rows of a group. Which lanes
// count, that is; `vctx_splice` is what moves them.

`default_nettype none

module vctx_range #(
  parameter int Lanes = 16,  // in a row, power of two
  parameter int IdxW = 9,    // width of a lane number, more than log2(Lanes)
  localparam int LaneW = $clog2(Lanes),  // of the number of a lane in a row
  localparam int RowW = IdxW - LaneW  // of the number of a row
) (
  input  logic             active_i,  // 0: no lane
  input  logic [RowW-1:0]  row_i,
  input  logic [IdxW-1:0]  first_i,
  input  logic [IdxW-1:0]  end_i,
  output logic [Lanes-1:0] lanes_o
);

  // A row in the middle has the lanes of the one before it, so the function does not run again for it.
  function automatic logic [Lanes-1:0] lanes(input logic active, input logic is_first,
                                             input logic [LaneW-1:0] first_lane, input logic is_end,
                                             input logic [LaneW-1:0] end_lane);
    lanes = '0;
    if (active) begin
      lanes = '1;
      if (is_first) lanes = lanes << first_lane;
      if (is_end) lanes = lanes & ~({Lanes{1'b1}} << end_lane);
    end
  endfunction

  logic [RowW-1:0] first_row, end_row;
  assign first_row = first_i[IdxW-1:LaneW];
  assign end_row   = end_i[IdxW-1:LaneW];
  assign lanes_o   = lanes(active_i && (row_i >= first_row) && (row_i <= end_row), row_i == first_row,
                           first_i[LaneW-1:0], row_i == end_row, end_i[LaneW-1:0]);

endmodule

`default_nettype wire
