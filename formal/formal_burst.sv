// SPDX-License-Identifier: Apache-2.0
// Properties of vctx_lsu_burst: a segment becomes bursts that AXI allows, each beat once.

`default_nettype none

module formal_burst #(
  parameter int DLEN = 128
) (
  input logic        clk_i,
  input logic        rst_ni,
  input logic        start_i,
  input logic [55:0] addr_i,
  input logic [9:0]  beats_i,
  input logic        ready_i
);

  localparam int Bytes = DLEN / 8;

  logic        valid;
  logic [55:0] addr;
  logic [7:0]  len;

  vctx_lsu_burst #(
    .DLEN (DLEN)
  ) dut (
    .clk_i   (clk_i),
    .rst_ni  (rst_ni),
    .start_i (start_i),
    .addr_i  (addr_i),
    .beats_i (beats_i),
    .valid_o (valid),
    .ready_i (ready_i),
    .addr_o  (addr),
    .len_o   (len)
  );

  logic running;
  formal_reset u_reset (
    .clk_i     (clk_i),
    .rst_ni    (rst_ni),
    .running_o (running)
  );

  // Of vctx_lsu: a segment lies within a page, and begins when the bursts of the one before have gone.
  always_comb begin
    if (start_i) begin
      assume (!valid);
      assume ((addr_i & 56'(Bytes - 1)) == '0);
      assume (beats_i != '0);
      assume (32'(addr_i[11:0]) + 32'(beats_i) * Bytes <= 4096);
    end
  end

  // What is still to be asked for, by the segment alone
  logic        starts_q, waits_q, sent_q;
  logic [55:0] next_q, addr_q;
  logic [9:0]  left_q;
  logic [7:0]  len_q;
  always_ff @(posedge clk_i) begin
    starts_q <= start_i;
    waits_q  <= valid && !ready_i;
    sent_q   <= valid && ready_i;
    addr_q   <= addr;
    len_q    <= len;
    if (!rst_ni) begin
      left_q <= '0;
    end else if (start_i) begin
      next_q <= addr_i;
      left_q <= beats_i;
    end else if (valid && ready_i) begin
      next_q <= addr + (56'(len) + 56'd1) * Bytes;
      left_q <= left_q - 10'(len) - 10'd1;
    end
  end

  always_ff @(posedge clk_i) begin
    if (running) begin
      if (waits_q && !starts_q) begin
        p_stable: assert (valid && (addr == addr_q) && (len == len_q));
        c_stable: cover (len == 8'd7);
      end
      h_left: assert (left_q == dut.beats_q);
      h_page: assert ((left_q == '0) || ((next_q[11:0] & 12'(Bytes - 1)) == '0));
      h_left_page: assert (32'(next_q[11:0]) + 32'(left_q) * Bytes <= 4096 || (left_q == '0));
      p_asked: assert (valid == (left_q != '0));
      c_asked: cover (sent_q && !valid);
      if (valid) begin
        p_follows: assert (addr == next_q);
        c_follows: cover (addr[11:0] == 12'h100);
        p_not_more: assert (10'(len) < left_q);
        c_not_more: cover (left_q == 10'd256);
        p_page: assert (32'(addr[11:0]) + (32'(len) + 1) * Bytes <= 4096);
        c_page: cover (32'(addr[11:0]) + (32'(len) + 1) * Bytes == 4096);
      end
    end
  end

endmodule

`default_nettype wire
