// SPDX-License-Identifier: Apache-2.0
// A list of fixed-width entries, packed into wide chunks so that Python fetches many with one read.

`default_nettype none

module vctx_tb_log import vctx_tb_pkg::*; #(
  parameter int Width = 64,
  parameter int Depth = 1024  // entries, a multiple of LOG_BEATS
) (
  input  logic             clk_i,
  input  logic             clear_i,
  input  logic             push_i,
  input  logic [Width-1:0] entry_i,
  output logic [15:0]      count_o,
  output logic             full_o   // sticky until clear_i: an entry was lost
);

  localparam int Chunks = Depth / LOG_BEATS;

  logic [LOG_BEATS*Width-1:0] chunks [Chunks];

  // Blocking: the log has one writer and is read between instructions only.
  always @(posedge clk_i) begin
    if (clear_i) begin
      count_o = '0;
      full_o  = 1'b0;
    end else if (push_i && count_o == 16'(Depth)) begin
      full_o = 1'b1;
    end else if (push_i) begin
      chunks[32'(count_o) / LOG_BEATS][(32'(count_o) % LOG_BEATS) * Width +: Width] = entry_i;
      count_o = count_o + 16'd1;
    end
  end

endmodule

`default_nettype wire
