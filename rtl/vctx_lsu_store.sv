// SPDX-License-Identifier: Apache-2.0
// Store data: rows of the register file onto the bus, one beat a cycle, then the write responses.
//
// With an offset, a beat consists of the upper bytes of one row and the lower bytes of the next. So a row fills the
// rest of the beat that the row before has begun; the first row may only begin one, and after the last row the
// last beat may have to go out with nothing new. Strobes travel with the data: a byte that is inactive or
// outside the segment is never written.

`default_nettype none

module vctx_lsu_store
  import vctx_pkg::*;
#(
  parameter int VLEN = 256,  // bits in a vector register
  parameter int DLEN = 128,  // bits in a row, which are moved in a cycle
  localparam int Bytes = DLEN / 8,  // in a row
  localparam int LaneW = $clog2(Bytes),  // of the number of a byte in a row
  localparam int CntW = $clog2(VLEN) + 1,  // of a number of elements, 0 to VLEN
  localparam int GroupRowW = $clog2(8 * VLEN / DLEN),  // of the number of a row in a register group
  localparam int RowW = $clog2(32 * VLEN / DLEN)  // of the number of a row in the register file
) (
  input  logic                 clk_i,
  input  logic                 rst_ni,

  // Segment: taken in a cycle with start_i and ready_o, at the latest when all rows of the one before are read
  input  logic                 start_i,
  output logic                 ready_o,
  input  logic                 final_i,       // the last of its instruction
  input  logic                 masked_i,
  input  logic [RowW-1:0]      vd_row_i,      // first row of the register group
  input  logic [LaneW-1:0]     offset_i,
  input  logic [CntW-1:0]      first_byte_i,
  input  logic [CntW-1:0]      end_byte_i,
  input  logic [GroupRowW:0]   first_beat_i,
  input  logic [GroupRowW:0]   last_beat_i,
  output logic                 busy_o,
  output logic                 done_o,        // the last response of a final segment arrives in this cycle

  // Register file: the data arrives one cycle after re_o and stays until the next
  output logic                 re_o,
  output logic [RowW-1:0]      raddr_o,
  input  logic [DLEN-1:0]      data_i,

  // Mask bits of the row that is there
  output logic [GroupRowW-1:0] mask_row_o,
  input  logic [Bytes-1:0]     mask_bytes_i,

  // AXI write data and response channels
  output logic [DLEN-1:0]      wdata_o,
  output logic [Bytes-1:0]     wstrb_o,
  output logic                 wlast_o,
  output logic                 wvalid_o,
  input  logic                 wready_i,
  input  logic                 bvalid_i,
  output logic                 bready_o
);

  // Segment that is read, and the one that is sent
  typedef struct packed {
    logic               final_segment;
    logic               masked;
    logic [LaneW-1:0]   offset;
    logic [CntW-1:0]    first_byte;
    logic [CntW-1:0]    end_byte;
    logic [GroupRowW:0] first_beat;
    logic [GroupRowW:0] last_beat;
  } segment_t;
  segment_t read_seg_q, send_seg_q;

  // Read stage
  logic               read_q;
  logic [RowW-1:0]    vd_row_q;
  logic [GroupRowW:0] row_q;

  // Send stage
  logic               send_q;
  logic [GroupRowW:0] send_row_q;
  logic [7:0]         beat_q;  // number of the beat in its burst

  // Bursts without a response, oldest in bit 0: whether it is the last of its instruction
  localparam int Bursts = 4;
  logic [Bursts-1:0] finals_q;
  logic [2:0]        bursts_q;

  logic taken, beat, hold, advance, step, begins, ends, response, sent, bursts_change, sent_final;
  assign begins     = (send_row_q < send_seg_q.first_beat);  // the row only begins a beat
  assign ends       = (send_row_q == send_seg_q.last_beat);
  assign wvalid_o   = send_q && !begins && (bursts_q != 3'(Bursts));
  assign wlast_o    = (beat_q == 8'd255) || ends;
  assign beat       = wvalid_o && wready_i;
  assign step       = send_q && (begins || beat);
  assign advance    = step || !send_q;
  assign taken      = start_i && ready_o;
  assign re_o       = read_q && advance;
  assign ready_o    = !read_q || (re_o && (row_q == read_seg_q.last_beat));
  assign raddr_o    = vd_row_q + RowW'(row_q[GroupRowW-1:0]);
  assign mask_row_o = send_row_q[GroupRowW-1:0];
  assign bready_o   = (bursts_q != '0);
  assign response   = bready_o && bvalid_i;
  assign sent       = beat && wlast_o;
  assign bursts_change = sent || response;
  assign sent_final = ends && send_seg_q.final_segment;
  assign busy_o     = read_q || send_q || (bursts_q != '0);
  assign done_o     = response && finals_q[0];

  logic [CntW-LaneW-1:0] first_row;
  assign first_row = first_byte_i[CntW-1:LaneW];

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      read_seg_q <= '0;
      send_seg_q <= '0;
      vd_row_q   <= '0;
      read_q     <= 1'b0;
      row_q      <= '0;
      send_q     <= 1'b0;
      send_row_q <= '0;
      beat_q     <= '0;
    end else begin
      if (taken) begin
        read_seg_q <= {final_i, masked_i, offset_i, first_byte_i, end_byte_i, first_beat_i, last_beat_i};
        vd_row_q   <= vd_row_i;
        read_q     <= 1'b1;
        row_q      <= (GroupRowW+1)'(first_row);
      end else if (re_o) begin
        row_q  <= row_q + (GroupRowW+1)'(1);
        read_q <= (row_q != read_seg_q.last_beat);
      end
      if (re_o) begin
        send_q     <= 1'b1;
        send_row_q <= row_q;
        send_seg_q <= read_seg_q;
      end else if (step) begin
        send_q <= 1'b0;
      end
      if (beat) beat_q <= wlast_o ? '0 : (beat_q + 8'd1);
    end
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      finals_q <= '0;
      bursts_q <= '0;
    end else if (bursts_change) begin
      bursts_q <= bursts_q + 3'(sent) - 3'(response);
      if (response) finals_q <= finals_q >> 1;
      if (sent) finals_q[2'(bursts_q-3'(response))] <= sent_final;
    end
  end

  // Byte j of a row goes to lane offset + j. Bytes that are not written read as zero on the bus: no register content
  // beyond what is stored.
  logic [Bytes-1:0] in_segment, strobes;
  vctx_range #(
    .Lanes (Bytes),
    .IdxW  (CntW)
  ) u_range (
    .active_i (send_q),
    .row_i    (send_row_q),
    .first_i  (send_seg_q.first_byte),
    .end_i    (send_seg_q.end_byte),
    .lanes_o  (in_segment)
  );
  assign hold    = step && (send_seg_q.offset != '0);
  assign strobes = in_segment & (send_seg_q.masked ? mask_bytes_i : '1);
  function automatic logic [DLEN-1:0] enabled(input logic [Bytes-1:0] lanes, input logic [DLEN-1:0] row);
    enabled = row;
    if (lanes == '0) begin
      enabled = '0;
    end else if (lanes != '1) begin
      for (int w = 0; w < DLEN / 64; w++) enabled[64*w +: 64] = row[64*w +: 64] & widen(lanes[8*w +: 8]);
    end
  endfunction
  vctx_splice #(
    .Lanes    (Bytes),
    .LaneBits (1)
  ) u_splice_strb (
    .clk_i    (clk_i),
    .rst_ni   (rst_ni),
    .hold_i   (hold),
    .clear_i  (ends),
    .amount_i (send_seg_q.offset),
    .row_i    (strobes),
    .row_o    (wstrb_o)
  );
  vctx_splice #(
    .Lanes    (Bytes),
    .LaneBits (8)
  ) u_splice_data (
    .clk_i    (clk_i),
    .rst_ni   (rst_ni),
    .hold_i   (hold),
    .clear_i  (ends),
    .amount_i (send_seg_q.offset),
    .row_i    (enabled(strobes, data_i)),
    .row_o    (wdata_o)
  );

endmodule

`default_nettype wire
