// SPDX-License-Identifier: Apache-2.0
// The core's side of the translate port: answers from the pages that came with the instruction, after a seeded latency.
//
// More than two pages are in a table, in the order in which they are asked for. It is searched from where the last one was
// found, a page a cycle.

`default_nettype none

module vctx_tb_xlat import vctx_tb_pkg::*; #(
  parameter int Most = 256  // pages of an instruction, an even number
) (
  input  logic        clk_i,
  input  logic        rst_ni,
  input  logic [31:0] seed_i,
  input  logic        random_i,
  input  logic [7:0]  latency_i,
  // pages of the instruction
  input  page_t       page0_i,
  input  page_t       page1_i,
  input  logic [1:0]  pages_i,
  // table of pages: filled before the instruction that it is for is accepted, two at a time
  input  logic        push_i,
  input  page_t       push0_i,
  input  page_t       push1_i,
  input  logic [1:0]  push_pages_i,
  input  logic        accept_i,  // of that instruction
  // translate port
  input  logic        valid_i,
  input  logic [51:0] vpn_i,
  input  logic        store_i,
  output logic        ready_o,
  output logic        fault_o,
  output logic [5:0]  cause_o,
  output logic [43:0] ppn_o,
  output logic [51:0] gpn_o,
  // sticky errors
  output logic        err_page_o,
  output logic        err_unstable_o
);

  logic [31:0] rnd_q;
  logic [7:0]  wait_q;
  logic        held_q;
  logic [52:0] held_request_q;
  logic        many, hit, hit0, hit1, answer_fault;
  page_t       page, entry;
  logic [$bits(page_t)-1:0] table0 [Most/2];  // pages with even numbers,
  logic [$bits(page_t)-1:0] table1 [Most/2];  // and the others
  int          filled, count, at, missed;

  assign many  = pages_i == MANY;
  assign entry = at % 2 == 0 ? table0[at/2] : table1[at/2];
  assign hit0  = (pages_i == 2'd1 || pages_i == 2'd2) && page0_i.vpn == vpn_i;
  assign hit1  = pages_i == 2'd2 && page1_i.vpn == vpn_i;
  assign hit   = many ? missed != count && entry.vpn == vpn_i : hit0 || hit1;
  assign page  = many ? entry : hit0 ? page0_i : page1_i;
  assign answer_fault = !hit || page.fault != 6'd0;
  assign ready_o = valid_i && wait_q == 8'd0 && (!many || hit || missed == count);

  // Outside the handshake the answer is undefined, and an unknown page is a page fault.
  assign fault_o = ready_o ? answer_fault : 1'bx;
  assign cause_o = ready_o ? (hit ? page.fault : (store_i ? 6'd15 : 6'd13)) : 'x;
  assign ppn_o   = ready_o ? page.ppn : 'x;
  assign gpn_o   = ready_o ? page.gpn : 'x;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      rnd_q          <= seed_i;
      wait_q         <= latency_i;
      held_q         <= 1'b0;
      held_request_q <= '0;
      err_page_o     <= 1'b0;
      err_unstable_o <= 1'b0;
      filled         <= 0;
      count          <= 0;
      at             <= 0;
      missed         <= 0;
    end else begin
      if (push_i) begin
        table0[filled/2] <= push0_i;
        table1[filled/2] <= push1_i;
        filled <= filled + 32'(push_pages_i);
      end
      if (accept_i) begin
        count  <= filled;
        filled <= 0;
        at     <= 0;
      end
      if (ready_o) begin
        missed <= 0;
      end else if (valid_i && many && !hit && missed != count) begin
        missed <= missed + 1;
        at     <= at + 1 == count ? 0 : at + 1;
      end
      if (valid_i || held_q) begin
        held_q         <= valid_i && !ready_o;
        held_request_q <= {vpn_i, store_i};
        if (held_q && (!valid_i || {vpn_i, store_i} != held_request_q)) err_unstable_o <= 1'b1;
      end
      if (ready_o) begin
        rnd_q  <= xorshift(rnd_q);
        wait_q <= random_i ? 8'(rnd_q[15:0] % (16'(latency_i) + 16'd1)) : latency_i;
        if (!hit) err_page_o <= 1'b1;
      end else if (valid_i && wait_q != 8'd0) begin
        wait_q <= wait_q - 8'd1;
      end
    end
  end

endmodule

`default_nettype wire
