// SPDX-License-Identifier: Apache-2.0
// What waves show of the instructions beside the design's own signals: pc, word, place in the trace, function and owner of
// the one that is offered, and of the oldest one in flight, which is the one that retires with retire_valid_o. Functions and
// owners are numbers, for which the files beside the dump have names (tb/replay/batch/names.py).
//
// Only in builds that can dump waves.

`default_nettype none

module vctx_tb_view import vctx_tb_pkg::*; #(
  parameter int Flight = 8
) (
  input logic      clk_i,
  input logic      rst_ni,
  input rec_insn_t head_i,
  input logic      take_i,    // head_i is offered from the next cycle on
  input logic      accept_i,
  input logic      retire_i
);

  logic [63:0] issue_pc, retire_pc;
  logic [31:0] issue_insn, retire_insn, issue_event, retire_event;
  logic [15:0] issue_function, retire_function, issue_owner, retire_owner;

  localparam int Bits = 160;
  logic [Bits-1:0] flight [Flight];
  logic [Bits-1:0] oldest;
  logic [31:0]     first, number;

  assign oldest = flight[first];
  assign {retire_pc, retire_insn, retire_event, retire_function, retire_owner} = number == 0 ? {Bits{1'b0}} : oldest;

  always @(posedge clk_i) begin
    if (!rst_ni) begin
      {issue_pc, issue_insn, issue_event, issue_function, issue_owner} <= {Bits{1'b0}};
      first  <= '0;
      number <= '0;
    end else begin
      if (take_i) begin
        issue_pc       <= head_i.pc;
        issue_insn     <= head_i.insn;
        issue_event    <= head_i.at;
        issue_function <= head_i.in_function;
        issue_owner    <= head_i.owner;
      end
      if (accept_i) begin
        flight[(first + number) % Flight] <= {issue_pc, issue_insn, issue_event, issue_function, issue_owner};
      end
      if (retire_i) first <= (first + 1) % Flight;
      number <= number + 32'(accept_i) - 32'(retire_i);
    end
  end

endmodule

`default_nettype wire
