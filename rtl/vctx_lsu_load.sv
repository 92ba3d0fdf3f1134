// SPDX-License-Identifier: Apache-2.0
// Load data: beats of a segment from the bus into rows of the register file, one a cycle.
//
// With an offset, a row consists of the upper lanes of one beat and the lower lanes of the next. So a beat writes
// the row that it completes, and after the last beat one more cycle writes what is left of it. Byte enables limit
// every write to the active bytes of the segment.

`default_nettype none

module vctx_lsu_load
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

  // Segment: taken in a cycle with start_i and ready_o, at the latest when the one before ends
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
  output logic                 done_o,        // the last row of a final segment is written in this cycle

  // Register file and mask
  output logic [GroupRowW-1:0] mask_row_o,
  output logic [RowW-1:0]      waddr_o,
  input  logic [Bytes-1:0]     mask_bytes_i,
  output logic [Bytes-1:0]     wbe_o,
  output logic [DLEN-1:0]      wdata_o,

  // AXI read data channel
  input  logic [DLEN-1:0]      rdata_i,
  input  logic                 rvalid_i,
  output logic                 rready_o
);

  logic               busy_q, flush_q, final_q, masked_q;
  logic [LaneW-1:0]   offset_q;
  logic [RowW-1:0]    vd_row_q;
  logic [GroupRowW:0] beat_q, last_beat_q;
  logic [CntW-1:0]    first_byte_q, end_byte_q;

  logic aligned, taken, beat, last, flush, write;
  assign aligned  = (offset_q == '0);
  assign rready_o = busy_q;
  assign beat     = busy_q && rvalid_i;
  assign last     = (beat_q == last_beat_q);
  assign flush    = beat && last && !aligned;
  assign taken    = start_i && ready_o;
  assign write    = beat || flush_q;
  assign ready_o  = !busy_q || (beat && last && aligned);
  assign busy_o   = busy_q || flush_q;
  assign done_o   = final_q && (flush_q || (beat && last && aligned));

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      busy_q       <= 1'b0;
      flush_q      <= 1'b0;
      final_q      <= 1'b0;
      masked_q     <= 1'b0;
      offset_q     <= '0;
      vd_row_q     <= '0;
      beat_q       <= '0;
      last_beat_q  <= '0;
      first_byte_q <= '0;
      end_byte_q   <= '0;
    end else begin
      flush_q <= flush;
      if (taken) begin
        busy_q       <= 1'b1;
        final_q      <= final_i;
        masked_q     <= masked_i;
        offset_q     <= offset_i;
        vd_row_q     <= vd_row_i;
        beat_q       <= first_beat_i;
        last_beat_q  <= last_beat_i;
        first_byte_q <= first_byte_i;
        end_byte_q   <= end_byte_i;
      end else if (beat) begin
        busy_q <= !last;
        beat_q <= beat_q + (GroupRowW+1)'(1);
      end
    end
  end

  // Row written in this cycle: that of the beat, or the one before, whose lower bytes are held. Lane offset + j of a beat
  // goes to byte j of a row.
  logic [GroupRowW:0] row;
  logic [Bytes-1:0]   in_segment;
  assign row        = aligned ? beat_q : (beat_q - (GroupRowW+1)'(1));
  assign mask_row_o = row[GroupRowW-1:0];
  assign waddr_o    = vd_row_q + RowW'(mask_row_o);
  vctx_splice #(
    .Lanes    (Bytes),
    .LaneBits (8)
  ) u_splice (
    .clk_i    (clk_i),
    .rst_ni   (rst_ni),
    .hold_i   (beat && !aligned),
    .clear_i  (1'b0),
    .amount_i (LaneW'(0) - offset_q),
    .row_i    (rdata_i),
    .row_o    (wdata_o)
  );
  vctx_range #(
    .Lanes (Bytes),
    .IdxW  (CntW)
  ) u_range (
    .active_i (write),
    .row_i    (row),
    .first_i  (first_byte_q),
    .end_i    (end_byte_q),
    .lanes_o  (in_segment)
  );
  assign wbe_o = in_segment & (masked_q ? mask_bytes_i : '1);

endmodule

`default_nettype wire
