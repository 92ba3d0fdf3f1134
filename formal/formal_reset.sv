// SPDX-License-Identifier: Apache-2.0
// Every proof begins in reset; it may come again at any time.

`default_nettype none

module formal_reset (
  input  logic clk_i,
  input  logic rst_ni,
  output logic running_o  // no reset in this cycle, nor in the one before
);

  logic first_q = 1'b1;
  logic out_q = 1'b0;
  assign running_o = out_q && rst_ni;

  always_ff @(posedge clk_i) begin
    first_q <= 1'b0;
    out_q   <= rst_ni;
  end

  always_comb begin
    if (first_q) assume (!rst_ni);
  end

endmodule

`default_nettype wire
