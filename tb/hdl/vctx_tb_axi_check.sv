// SPDX-License-Identifier: Apache-2.0
// Watches one AXI manager: checks the protocol, and says what moved. Errors are sticky; nothing here drives the bus.
//
// Instructions are numbered from 1 in the order of their issue. A page is granted to the youngest instruction that was
// accepted, and is good for bursts until that instruction retires; by then all of them must have finished.

`default_nettype none

module vctx_tb_axi_check import vctx_tb_pkg::*; #(
  parameter int DLEN = 64
) (
  input  logic              clk_i,
  input  logic              rst_ni,
  input  logic              active_i,      // an instruction is on offer or under way
  input  logic              accept_i,
  input  logic              retire_i,
  // pages granted by the translate port
  input  logic              grant_i,
  input  logic [43:0]       grant_ppn_i,
  input  logic              grant_store_i,
  // AXI
  input  logic [55:0]       awaddr_i,
  input  logic [7:0]        awlen_i,
  input  logic [2:0]        awsize_i,
  input  logic [1:0]        awburst_i,
  input  logic              awvalid_i,
  input  logic              awready_i,
  input  logic [DLEN-1:0]   wdata_i,
  input  logic [DLEN/8-1:0] wstrb_i,
  input  logic              wlast_i,
  input  logic              wvalid_i,
  input  logic              wready_i,
  input  logic              bvalid_i,
  input  logic              bready_i,
  input  logic [55:0]       araddr_i,
  input  logic [7:0]        arlen_i,
  input  logic [2:0]        arsize_i,
  input  logic [1:0]        arburst_i,
  input  logic              arvalid_i,
  input  logic              arready_i,
  input  logic              rlast_i,
  input  logic              rvalid_i,
  input  logic              rready_i,
  // what moved, for a log: taken half a cycle later, so that no order of processes matters
  output logic              read_o,          // a read burst was requested:
  output logic [63:0]       read_entry_o,    // {address, len}
  output logic              write_o,         // a beat was written:
  output logic [56+DLEN/8+DLEN-1:0] write_entry_o,  // {address, strobes, data}
  // totals, of the cycles before this one
  output logic [31:0]       read_bursts_o,   // finished
  output logic [31:0]       read_beats_o,
  output logic [31:0]       write_beats_o,   // of bursts that were answered
  output logic [31:0]       busy_o,          // cycles with a burst under way
  output logic [31:0]       errors_o
);

  localparam int StrbW = DLEN / 8;
  localparam int OffW = $clog2(StrbW);
  localparam int Queue = 16;  // bursts under way, each of: reads, writes without all data, writes without response

  // A burst that is not full-width INCR, or leaves its 4 KiB page. Both are computed as the AXI specification words them,
  // from the bytes that a beat says it has, so that no shift or width of the block's own arithmetic comes back here.
  function automatic logic bad_shape(input logic [2:0] size, input logic [1:0] burst);
    bad_shape = (32'd8 << size) != 32'(DLEN) || burst != 2'b01;
  endfunction
  function automatic logic bad_page(input logic [55:0] addr, input logic [7:0] len, input logic [2:0] size);
    int aligned;
    aligned = 32'(addr[11:0]) - 32'(addr[11:0]) % (32'd1 << size);
    bad_page = aligned + (32'(len) + 32'd1) * (32'd1 << size) > 32'd4096;
  endfunction

  // Page grants: at most two an instruction, and room for a design that asks again.
  localparam int Grants = 16;
  logic [44:0] grants [Grants];
  logic [31:0] owners [Grants];  // number of the instruction; what has retired owns nothing
  int          next_grant;
  logic [31:0] accepted, retired, owner;

  logic        ar_held_q, aw_held_q, w_held_q;
  logic [68:0] ar_q, aw_q;
  logic [DLEN+StrbW:0] w_q;
  logic [68:0] ar, aw;
  assign ar = {araddr_i, arlen_i, arsize_i, arburst_i};
  assign aw = {awaddr_i, awlen_i, awsize_i, awburst_i};

  logic [63:0] bursts [Queue];         // {address, len} of writes without all data
  logic [31:0] read_owners [Queue];
  logic [31:0] answer_owners [Queue];  // of writes without response
  logic [7:0]  answer_lens [Queue];
  int          head, queued, beat, read_head, reads, answer_head, responses;
  logic [55:0] beat_addr;
  logic [StrbW-1:0] legal_strb;

  // The youngest instruction that was granted a page and has not retired; 0 if there is none.
  function automatic logic [31:0] owner_of(input logic store, input logic [43:0] ppn);
    owner_of = '0;
    for (int i = 0; i < Grants; i++) begin
      if (owners[i] > retired && owners[i] > owner_of && grants[i] == {store, ppn}) owner_of = owners[i];
    end
  endfunction

  // Blocking: one process, in the order in which the things of one cycle happen. What does not move costs nothing.
  always @(posedge clk_i) begin
    read_o  = 1'b0;
    write_o = 1'b0;
    if (!rst_ni) begin
      errors_o = '0;
      ar_held_q = 1'b0;
      aw_held_q = 1'b0;
      w_held_q = 1'b0;
      head = 0;
      queued = 0;
      beat = 0;
      read_head = 0;
      reads = 0;
      answer_head = 0;
      responses = 0;
      next_grant = 0;
      for (int i = 0; i < Grants; i++) owners[i] = '0;
      accepted = '0;
      retired = '0;
      read_bursts_o <= '0;
      read_beats_o <= '0;
      write_beats_o <= '0;
      busy_o <= '0;
    end else begin
      if (^{arvalid_i, awvalid_i, wvalid_i, rready_i, bready_i} === 1'bx) errors_o[ERR_BUS_X] = 1'b1;
      if (!active_i && (arvalid_i || awvalid_i || wvalid_i)) errors_o[ERR_IDLE_BUS] = 1'b1;

      if (grant_i) begin
        grants[next_grant] = {grant_store_i, grant_ppn_i};
        owners[next_grant] = accepted;
        next_grant = (next_grant + 1) % Grants;
      end

      // What is on offer must not change until it is taken.
      if (arvalid_i || ar_held_q) begin
        if (arvalid_i && ^ar === 1'bx) errors_o[ERR_BUS_X] = 1'b1;
        if (ar_held_q) begin
          if (!arvalid_i || ar != ar_q) errors_o[ERR_READ_UNSTABLE] = 1'b1;
        end else begin
          if (bad_shape(arsize_i, arburst_i)) errors_o[ERR_READ_SHAPE] = 1'b1;
          if (bad_page(araddr_i, arlen_i, arsize_i)) errors_o[ERR_READ_4K] = 1'b1;
          owner = owner_of(1'b0, araddr_i[55:12]);
          if (owner == '0) errors_o[ERR_READ_PAGE] = 1'b1;
          if (reads == Queue) begin
            errors_o[ERR_LOG_FULL] = 1'b1;
          end else begin
            read_owners[(read_head + reads) % Queue] = owner;
            reads = reads + 1;
          end
          read_o = 1'b1;
          read_entry_o = {araddr_i, arlen_i};
        end
        ar_held_q = arvalid_i && !arready_i;
        ar_q = ar;
      end

      if (awvalid_i || aw_held_q) begin
        if (awvalid_i && ^aw === 1'bx) errors_o[ERR_BUS_X] = 1'b1;
        if (aw_held_q) begin
          if (!awvalid_i || aw != aw_q) errors_o[ERR_WRITE_UNSTABLE] = 1'b1;
        end else begin
          if (bad_shape(awsize_i, awburst_i)) errors_o[ERR_WRITE_SHAPE] = 1'b1;
          if (bad_page(awaddr_i, awlen_i, awsize_i)) errors_o[ERR_WRITE_4K] = 1'b1;
          owner = owner_of(1'b1, awaddr_i[55:12]);
          if (owner == '0) errors_o[ERR_WRITE_PAGE] = 1'b1;
          if (queued == Queue || responses == Queue) begin
            errors_o[ERR_LOG_FULL] = 1'b1;
          end else begin
            bursts[(head + queued) % Queue] = {awaddr_i, awlen_i};
            queued = queued + 1;
            answer_owners[(answer_head + responses) % Queue] = owner;
            answer_lens[(answer_head + responses) % Queue] = awlen_i;
            responses = responses + 1;
          end
        end
        aw_held_q = awvalid_i && !awready_i;
        aw_q = aw;
      end

      if (wvalid_i || w_held_q) begin
        if (wvalid_i && ^{wstrb_i, wlast_i} === 1'bx) errors_o[ERR_BUS_X] = 1'b1;
        if (w_held_q && (!wvalid_i || {wdata_i, wstrb_i, wlast_i} !== w_q)) errors_o[ERR_DATA_UNSTABLE] = 1'b1;
        w_held_q = wvalid_i && !wready_i;
        if (w_held_q) w_q = {wdata_i, wstrb_i, wlast_i};
      end

      if (wvalid_i && wready_i) begin
        if (queued == 0) begin
          errors_o[ERR_DATA_NO_ADDR] = 1'b1;
        end else begin
          beat_addr = {bursts[head][63:8+OffW], {OffW{1'b0}}} + 56'(beat << OffW);
          legal_strb = beat == 0 ? {StrbW{1'b1}} << bursts[head][8 +: OffW] : {StrbW{1'b1}};
          if ((wstrb_i & ~legal_strb) != '0) errors_o[ERR_STRB] = 1'b1;
          if (wstrb_i != '1) begin
            for (int i = 0; i < StrbW; i++) begin
              if (!wstrb_i[i] && wdata_i[8*i+:8] !== 8'd0) errors_o[ERR_DATA_SHOWN] = 1'b1;
            end
          end
          if (wlast_i != (beat == 32'(bursts[head][7:0]))) errors_o[ERR_WLAST] = 1'b1;
          write_o = 1'b1;
          write_entry_o = {beat_addr, wstrb_i, wdata_i};
          if (beat == 32'(bursts[head][7:0])) begin
            beat = 0;
            head = (head + 1) % Queue;
            queued = queued - 1;
          end else begin
            beat = beat + 1;
          end
        end
      end

      if (rvalid_i && rready_i) begin
        read_beats_o <= read_beats_o + 32'd1;
        if (rlast_i && reads != 0) begin
          read_bursts_o <= read_bursts_o + 32'd1;
          read_head = (read_head + 1) % Queue;
          reads = reads - 1;
        end
      end
      if (bvalid_i && bready_i && responses != 0) begin
        write_beats_o <= write_beats_o + 32'(answer_lens[answer_head]) + 32'd1;
        answer_head = (answer_head + 1) % Queue;
        responses = responses - 1;
      end
      if (reads != 0 || responses != 0) busy_o <= busy_o + 32'd1;
      if (accept_i) accepted = accepted + 32'd1;
      if (retire_i) begin
        retired = retired + 32'd1;
        if (reads != 0 && read_owners[read_head] <= retired) errors_o[ERR_UNFINISHED] = 1'b1;
        if (responses != 0 && answer_owners[answer_head] <= retired) errors_o[ERR_UNFINISHED] = 1'b1;
      end
    end
  end

endmodule

`default_nettype wire
