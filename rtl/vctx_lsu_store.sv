// Store data: rows of the register file onto the bus, one beat a cycle, then the write responses.
//
// With an offset, a beat consists of the upper bytes of one row and the lower bytes of the next. So a row fills the
// rest of the beat that the row before has begun; the first row may only begin one, and after the last row the
// last beat may have to go out with nothing new. Strobes travel with the data: a byte that is inactive or
// outside the segment is never written.

`default_nettype none

module vctx_lsu_store #(
  parameter int VLEN = 256,
  parameter int DLEN = 128,
  localparam int Bytes = DLEN / 8,
  localparam int LaneW = $clog2(Bytes),
  localparam int CntW = $clog2(VLEN) + 1,
  localparam int GroupRowW = $clog2(8 * VLEN / DLEN)
) (
  input  logic                 clk_i,
  input  logic                 rst_ni,

  // Segment
  input  logic                 start_i,
  input  logic [LaneW-1:0]     offset_i,      // stable until done_o
  input  logic [CntW-1:0]      first_byte_i,
  input  logic [CntW-1:0]      end_byte_i,
  input  logic [GroupRowW:0]   first_beat_i,
  input  logic [GroupRowW:0]   last_beat_i,
  output logic                 done_o,        // the last response arrives in this cycle

  // Register file: data of row read_row_o arrives one cycle after re_o and stays until the next
  output logic                 re_o,
  output logic [GroupRowW-1:0] read_row_o,
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

  // Segment
  logic [GroupRowW:0] first_beat_q, last_beat_q;
  logic [CntW-1:0]    first_byte_q, end_byte_q;

  // Read stage
  logic               read_q;
  logic [GroupRowW:0] row_q;

  // Send stage
  logic               send_q;
  logic [GroupRowW:0] send_row_q;
  logic [7:0]         beat_q;     // number of the beat in its burst
  logic [1:0]         pending_q;  // bursts without a response; a page has at most two
  logic [Bytes*9-1:0] rotated, held_q;  // this row and the previous one: strobe and byte of each lane

  logic advance, step, response;
  assign wvalid_o   = send_q && (send_row_q >= first_beat_q);
  assign wlast_o    = (beat_q == 8'd255) || (send_row_q == last_beat_q);
  assign step       = send_q && (wready_i || !wvalid_o);
  assign advance    = step || !send_q;
  assign re_o       = read_q && advance;
  assign read_row_o = row_q[GroupRowW-1:0];
  assign mask_row_o = send_row_q[GroupRowW-1:0];
  assign bready_o   = (pending_q != '0);
  assign response   = bready_o && bvalid_i;
  assign done_o     = response && (pending_q == 2'd1) && !send_q && !read_q;

  logic [CntW-LaneW-1:0] first_row;
  assign first_row = first_byte_i[CntW-1:LaneW];

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      first_beat_q <= '0;
      last_beat_q  <= '0;
      first_byte_q <= '0;
      end_byte_q   <= '0;
      read_q       <= 1'b0;
      row_q        <= '0;
      send_q       <= 1'b0;
      send_row_q   <= '0;
      beat_q       <= '0;
      pending_q    <= '0;
      held_q       <= '0;
    end else if (start_i) begin
      first_beat_q <= first_beat_i;
      last_beat_q  <= last_beat_i;
      first_byte_q <= first_byte_i;
      end_byte_q   <= end_byte_i;
      read_q       <= 1'b1;
      row_q        <= first_row;
      beat_q       <= '0;
      held_q       <= '0;
    end else begin
      if (re_o) begin
        row_q  <= row_q + (GroupRowW+1)'(1);
        read_q <= (row_q != last_beat_q);
      end
      if (advance) begin
        send_q     <= read_q;
        send_row_q <= row_q;
      end
      if (step) held_q <= rotated;
      if (step && wvalid_o) beat_q <= beat_q + 8'd1;
      pending_q <= pending_q + 2'(step && wvalid_o && wlast_o) - 2'(response);
    end
  end

  // Byte j of a row goes to lane offset + j.
  logic [Bytes-1:0]   in_segment, strobes, from_held;
  logic [Bytes*9-1:0] lanes;
  vctx_range #(
    .Lanes (Bytes),
    .IdxW  (CntW)
  ) u_range (
    .row_i   (send_row_q),
    .first_i (first_byte_q),
    .end_i   (end_byte_q),
    .lanes_o (in_segment)
  );
  assign strobes = in_segment & mask_bytes_i;
  always_comb begin
    // Bytes that are not written read as zero on the bus: no register content beyond what is stored.
    for (int j = 0; j < Bytes; j++) lanes[9*j +: 9] = strobes[j] ? {1'b1, data_i[8*j +: 8]} : 9'b0;
  end
  vctx_rotate #(
    .Lanes    (Bytes),
    .LaneBits (9)
  ) u_rotate (
    .amount_i (offset_i),
    .row_i    (lanes),
    .row_o    (rotated)
  );

  assign from_held = ~({Bytes{1'b1}} << offset_i);
  always_comb begin
    for (int j = 0; j < Bytes; j++) begin
      {wstrb_o[j], wdata_o[8*j +: 8]} = from_held[j] ? held_q[9*j +: 9] : rotated[9*j +: 9];
    end
  end

endmodule

`default_nettype wire
