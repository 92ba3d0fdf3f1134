// SPDX-License-Identifier: Apache-2.0
// Address generation: cuts a segment, which lies within one page, into bursts of at most 256 beats. `vctx_lsu_load` and
// `vctx_lsu_store` move what the bursts ask for.

`default_nettype none

module vctx_lsu_burst #(
  parameter int DLEN = 128  // bits in a row, which are moved in a cycle
) (
  input  logic        clk_i,
  input  logic        rst_ni,

  // Segment: taken in a cycle with start_i
  input  logic        start_i,
  input  logic [55:0] addr_i,   // of the first beat
  input  logic [9:0]  beats_i,  // 1 to 512

  // AXI address channel
  output logic        valid_o,
  input  logic        ready_i,
  output logic [55:0] addr_o,
  output logic [7:0]  len_o
);

  localparam logic [9:0] MaxBeats = 10'd256;

  logic [55:0] addr_q;
  logic [9:0]  beats_q;  // left
  logic        split, sent;

  assign split   = (beats_q > MaxBeats);
  assign valid_o = (beats_q != '0);
  assign sent    = valid_o && ready_i;
  assign addr_o  = addr_q;
  assign len_o   = split ? 8'd255 : 8'(beats_q - 10'd1);

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      addr_q  <= '0;
      beats_q <= '0;
    end else if (start_i) begin
      addr_q  <= addr_i;
      beats_q <= beats_i;
    end else if (sent) begin
      addr_q  <= addr_q + 56'(256 * DLEN / 8);
      beats_q <= split ? (beats_q - MaxBeats) : '0;
    end
  end

endmodule

`default_nettype wire
