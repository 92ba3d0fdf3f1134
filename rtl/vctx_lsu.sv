// SPDX-License-Identifier: Apache-2.0
// Vector loads and stores: elements in order, page by page, or one by one if there is a stride between them.
//
// This module finds the active elements, translates pages, and decides how the instruction ends: done, trapped at an
// element, trimmed (fault-only-first), or stopped for an interrupt. What it hands to the address and data units is a
// segment: the bytes [first, end) of the register group that lie in one page and may be moved without a further check.
//
// Two facts keep it simple. Byte b of the register group corresponds to memory address x[rs1] + b, so the data
// needs one rotation by x[rs1] mod DLEN/8 all along. And either all elements are misaligned or none is.
//
// With a stride each element is a segment of its own, as if it were the only one of its page; both facts then hold for
// the element alone. Elements before vstart are passed one a cycle, as their addresses must be added up.

`default_nettype none

module vctx_lsu
  import vctx_pkg::*;
#(
  parameter int VLEN = 256,  // bits in a vector register
  parameter int DLEN = 128,  // bits in a row, which are moved in a cycle
  localparam int Bytes = DLEN / 8,  // in a row
  localparam int LaneW = $clog2(Bytes),  // of the number of a byte in a row
  localparam int IdxW = $clog2(VLEN),  // of the index of an element
  localparam int CntW = IdxW + 1,  // of a number of elements, 0 to VLEN
  localparam int GroupRowW = $clog2(8 * VLEN / DLEN),  // of the number of a row in a register group
  localparam int RowW = $clog2(32 * VLEN / DLEN)  // of the number of a row in the register file
) (
  input  logic                 clk_i,
  input  logic                 rst_ni,

  // Instruction; stable from start_i to done_o or hand_over_i
  input  logic                 start_i,
  input  logic                 store_i,
  input  logic                 first_fault_i,
  input  logic                 strided_i,
  input  logic                 masked_i,
  input  logic [4:0]           vd_i,
  input  logic [63:0]          base_i,       // x[rs1]
  input  logic [63:0]          stride_i,     // x[rs2]
  input  logic [1:0]           eew_i,
  input  logic [CntW-1:0]      evl_i,
  input  logic [IdxW-1:0]      vstart_i,
  input  logic                 irq_valid_i,
  input  logic [12:0]          irq_elem_i,

  // Everything of the instruction is on its way and nothing can go wrong. Then hand_over_i frees this module for the
  // next one of the same direction, while the data of this one still moves; older_done_o is its end.
  output logic                 handable_o,
  input  logic                 hand_over_i,
  input  logic                 older_i,       // there is such an instruction
  output logic                 older_done_o,

  // Outcome, with done_o; 0 where it does not apply
  output logic                 done_o,
  output logic                 trap_o,
  output logic                 irq_o,
  output logic                 trim_o,       // vl becomes elem_o
  output logic [IdxW-1:0]      elem_o,       // element of the trap, the stop or the trim
  output logic [5:0]           cause_o,
  output logic [63:0]          tval_o,
  output logic [63:0]          tval2_o,
  output logic                 bus_err_o,    // sticky

  // Mask bits of a row, one for each byte: asked for by its number, there in the same cycle
  output logic [GroupRowW-1:0] mask_row_o,
  output logic [1:0]           mask_eew_o,
  input  logic [Bytes-1:0]     mask_bytes_i,

  // Register file: read data comes in the cycle after re_o
  output logic                 re_o,
  output logic [RowW-1:0]      raddr_o,
  input  logic [DLEN-1:0]      rdata_i,
  output logic [Bytes-1:0]     wbe_o,
  output logic [RowW-1:0]      waddr_o,
  output logic [DLEN-1:0]      wdata_o,

  // Translation: see vctx
  output logic                 xlat_valid_o,
  output logic [51:0]          xlat_vpn_o,
  output logic                 xlat_store_o,
  input  logic                 xlat_ready_i,
  input  logic                 xlat_fault_i,
  input  logic [5:0]           xlat_cause_i,
  input  logic [43:0]          xlat_ppn_i,
  input  logic [51:0]          xlat_gpn_i,

  // AXI: address channels share address and length
  output logic [55:0]          axi_addr_o,
  output logic [7:0]           axi_len_o,
  output logic                 axi_awvalid_o,
  input  logic                 axi_awready_i,
  output logic [DLEN-1:0]      axi_wdata_o,
  output logic [Bytes-1:0]     axi_wstrb_o,
  output logic                 axi_wlast_o,
  output logic                 axi_wvalid_o,
  input  logic                 axi_wready_i,
  input  logic [1:0]           axi_bresp_i,
  input  logic                 axi_bvalid_i,
  output logic                 axi_bready_o,
  output logic                 axi_arvalid_o,
  input  logic                 axi_arready_i,
  input  logic [DLEN-1:0]      axi_rdata_i,
  input  logic [1:0]           axi_rresp_i,
  input  logic                 axi_rvalid_i,
  output logic                 axi_rready_o
);

  localparam int RegRowW = RowW - 5;

  typedef enum logic [1:0] {
    StIdle,
    StPage,  // find the first active element of a page, translate the page
    StMove,  // all segments are on their way
    StFault  // the page has a fault, which is reported when the data before it has moved
  } state_e;
  state_e          state_q;
  logic [CntW-1:0] elem_q;  // elements below are done
  logic [CntW-1:0] end_q;   // evl, or the element to stop at for an interrupt
  logic            irq_q;   // end_q is such an element
  logic [5:0]      cause_q;
  logic [51:0]     gpn_q;

  // Element to stop at: max(irq_elem, vstart), if there are elements from there on.
  logic            stop;
  logic [12:0]     stop_elem;
  assign stop_elem = (irq_elem_i > 13'(vstart_i)) ? irq_elem_i : 13'(vstart_i);
  assign stop      = irq_valid_i && (stop_elem < 13'(evl_i));

  // Address of elem_q, and the end of its page. Misaligned elements are never moved, only the first matters.
  logic [63:0]     addr, strided_q;  // strided_q: with a stride
  logic            misaligned;
  logic [12:0]     page_elems;
  logic [CntW-1:0] left, page_end;
  logic            nothing_left;
  assign addr         = strided_i ? strided_q : (base_i + (64'(elem_q) << eew_i));
  assign misaligned   = ((addr[2:0] & ~(3'b111 << eew_i)) != 3'b0);
  assign page_elems   = (13'd4096 - 13'(addr[11:0])) >> eew_i;
  assign left         = end_q - elem_q;
  assign page_end     = strided_i                                   ? (elem_q + CntW'(1)) :
                        (!misaligned && (page_elems < 13'(left))) ? (elem_q + CntW'(page_elems)) : end_q;
  assign nothing_left = (elem_q >= end_q);

  // Active or not: elem_q itself, and the next active element of its page, looking at DLEN/8 mask bits a cycle. Without
  // a mask the first one is active.
  logic [CntW-LaneW-1:0] chunk;
  logic [Bytes-1:0]      candidates, scan_mask;
  logic [LaneW-1:0]      first_lane;
  logic                  scan, found;
  logic [CntW-1:0]       next_elem, chunk_end;
  assign chunk      = elem_q[CntW-1:LaneW];
  assign candidates = scan_mask & mask_bytes_i;
  assign found      = (candidates != '0);
  vctx_range #(
    .Lanes (Bytes),
    .IdxW  (CntW)
  ) u_scan (
    .active_i (scan && masked_i),
    .row_i    (chunk),
    .first_i  (elem_q),
    .end_i    (page_end),
    .lanes_o  (scan_mask)
  );
  function automatic logic [LaneW-1:0] lowest(input logic [Bytes-1:0] x);
    lowest = '0;
    if (x != '0) begin
      for (int j = Bytes - 1; j >= 0; j--) begin
        if (x[j]) lowest = LaneW'(j);
      end
    end
  endfunction
  assign first_lane = lowest(candidates);
  assign chunk_end = {chunk + (CntW-LaneW)'(1), {LaneW{1'b0}}};
  assign next_elem = strided_i ? page_end :
                     found     ? {chunk, first_lane} : ((chunk_end < page_end) ? chunk_end : page_end);

  // elem_q is active: trap on it, or translate its page and move what the page holds. The next page is translated while
  // the data of the one before moves, except that a masked instruction has one mask lookup for both.
  logic idle, active, passes, exception, translated, segment_start, mover_done, mover_busy, burst_valid, queued_q;
  assign idle          = !mover_busy && !queued_q && !burst_valid;
  assign scan          = (state_q == StPage) && (!masked_i || idle);
  assign active        = scan && !nothing_left && mask_bytes_i[elem_q[LaneW-1:0]] &&
                         (!strided_i || (elem_q >= CntW'(vstart_i)));
  assign passes        = scan && !active && !nothing_left;
  assign xlat_valid_o  = active && !misaligned && !queued_q && !burst_valid;
  assign xlat_vpn_o    = addr[63:12];
  assign xlat_store_o  = store_i;
  assign exception     = idle && ((active && misaligned) || (state_q == StFault));
  assign translated    = xlat_valid_o && xlat_ready_i;
  assign segment_start = translated && !xlat_fault_i;

  logic last_page;
  assign last_page = (page_end == end_q);

  // Outcome. A fault-only-first load traps on element 0 only (D-14).
  logic completed;
  assign trim_o    = exception && first_fault_i && (elem_q != '0);
  assign trap_o    = exception && !trim_o;
  assign completed    = ((state_q == StPage) && nothing_left && idle) ||
                        ((state_q == StMove) && mover_done && !older_i);
  assign handable_o   = (state_q == StMove) && !masked_i && !irq_q && !mover_done && !older_i;
  assign older_done_o = older_i && mover_done;
  assign irq_o     = completed && irq_q;
  assign done_o    = exception || completed;
  assign elem_o    = exception ? elem_q[IdxW-1:0] : (irq_o ? end_q[IdxW-1:0] : '0);

  logic [5:0] misaligned_cause;
  logic       guest_fault;
  assign misaligned_cause = store_i ? CauseStoreMisaligned : CauseLoadMisaligned;
  assign guest_fault      = (cause_o == CauseGuestFetch) || (cause_o == CauseGuestLoad) ||
                            (cause_o == CauseGuestStore);
  assign cause_o = !trap_o ? '0 : (misaligned ? misaligned_cause : cause_q);
  assign tval_o  = !trap_o ? '0 : addr;
  assign tval2_o = !guest_fault ? '0 : {2'b0, gpn_q, addr[11:2]};  // address >> 2 (D-9)

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      state_q   <= StIdle;
      elem_q    <= '0;
      end_q     <= '0;
      irq_q     <= 1'b0;
      cause_q   <= '0;
      gpn_q     <= '0;
      strided_q <= '0;
    end else begin
      if (translated) begin
        cause_q <= xlat_cause_i;
        gpn_q   <= xlat_gpn_i;
      end
      case (state_q)
        StIdle: begin
          if (start_i) begin
            state_q <= StPage;
            elem_q  <= strided_i ? '0 : CntW'(vstart_i);
            end_q   <= stop ? CntW'(stop_elem) : evl_i;
            irq_q   <= stop;
            if (strided_i) strided_q <= base_i;
          end
        end
        StPage: begin
          if (done_o) state_q <= StIdle;
          else if (translated && xlat_fault_i) state_q <= StFault;
          else if (segment_start && last_page) state_q <= StMove;
          else if (segment_start) elem_q <= page_end;
          else if (passes) elem_q <= next_elem;
          if (strided_i && (segment_start || passes)) strided_q <= strided_q + stride_i;
        end
        default: if (done_o || hand_over_i) state_q <= StIdle;  // StMove, StFault
      endcase
    end
  end

  // The segment, in bytes of the register group and in beats. Beat n holds the bytes with offset + b in
  // [n * DLEN/8, (n + 1) * DLEN/8).
  logic [LaneW-1:0]    offset;
  logic [CntW-1:0]     first_byte, end_byte;
  logic [GroupRowW:0]  first_beat, last_beat;
  logic [CntW:0]       first_sum, last_sum;
  assign offset     = strided_i ? (addr[LaneW-1:0] - first_byte[LaneW-1:0]) : base_i[LaneW-1:0];
  assign first_byte = elem_q << eew_i;
  assign end_byte   = page_end << eew_i;
  assign first_sum  = (CntW+1)'(first_byte) + (CntW+1)'(offset);
  assign last_sum   = (CntW+1)'(end_byte) + (CntW+1)'(offset) - (CntW+1)'(1);
  assign first_beat = (GroupRowW+1)'(first_sum >> LaneW);
  assign last_beat  = (GroupRowW+1)'(last_sum >> LaneW);

  // The direction is that of all segments on their way: the other has to wait for the end of all.
  logic store_q, burst_ready;
  assign axi_awvalid_o = burst_valid && store_q;
  assign axi_arvalid_o = burst_valid && !store_q;
  assign burst_ready   = store_q ? axi_awready_i : axi_arready_i;
  vctx_lsu_burst #(
    .DLEN (DLEN)
  ) u_burst (
    .clk_i   (clk_i),
    .rst_ni  (rst_ni),
    .start_i (segment_start),
    .addr_i  ({xlat_ppn_i, addr[11:LaneW], {LaneW{1'b0}}}),
    .beats_i (10'(last_beat - first_beat) + 10'd1),
    .valid_o (burst_valid),
    .ready_i (burst_ready),
    .addr_o  (axi_addr_o),
    .len_o   (axi_len_o)
  );

  // One segment waits while the movers work on the one before; if they do not, it goes straight on.
  typedef struct packed {
    logic               final_segment;
    logic               masked;
    logic [RowW-1:0]    vd_row;
    logic [LaneW-1:0]   offset;
    logic [CntW-1:0]    first_byte;
    logic [CntW-1:0]    end_byte;
    logic [GroupRowW:0] first_beat;
    logic [GroupRowW:0] last_beat;
  } segment_t;
  segment_t new_seg, seg, seg_q;
  logic     seg_valid, seg_store, seg_ready, load_ready, store_ready;
  assign new_seg   = {last_page, masked_i, RowW'(vd_i) << RegRowW, offset, first_byte, end_byte, first_beat, last_beat};
  assign seg       = queued_q ? seg_q : new_seg;
  assign seg_valid = queued_q || segment_start;
  assign seg_store = queued_q ? store_q : store_i;
  assign seg_ready = seg_store ? store_ready : load_ready;
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      queued_q <= 1'b0;
      store_q  <= 1'b0;
      seg_q    <= '0;
    end else if (seg_valid) begin
      queued_q <= !seg_ready;
      if (segment_start) begin
        store_q <= store_i;
        seg_q   <= new_seg;
      end
    end
  end

  logic [GroupRowW-1:0] load_mask_row, store_mask_row;
  logic                 load_busy, load_done, store_busy, store_done;
  vctx_lsu_load #(
    .VLEN (VLEN),
    .DLEN (DLEN)
  ) u_load (
    .clk_i        (clk_i),
    .rst_ni       (rst_ni),
    .start_i      (seg_valid && !seg_store),
    .ready_o      (load_ready),
    .final_i      (seg.final_segment),
    .masked_i     (seg.masked),
    .vd_row_i     (seg.vd_row),
    .offset_i     (seg.offset),
    .first_byte_i (seg.first_byte),
    .end_byte_i   (seg.end_byte),
    .first_beat_i (seg.first_beat),
    .last_beat_i  (seg.last_beat),
    .busy_o       (load_busy),
    .done_o       (load_done),
    .mask_row_o   (load_mask_row),
    .waddr_o      (waddr_o),
    .mask_bytes_i (mask_bytes_i),
    .wbe_o        (wbe_o),
    .wdata_o      (wdata_o),
    .rdata_i      (axi_rdata_i),
    .rvalid_i     (axi_rvalid_i),
    .rready_o     (axi_rready_o)
  );
  vctx_lsu_store #(
    .VLEN (VLEN),
    .DLEN (DLEN)
  ) u_store (
    .clk_i        (clk_i),
    .rst_ni       (rst_ni),
    .start_i      (seg_valid && seg_store),
    .ready_o      (store_ready),
    .final_i      (seg.final_segment),
    .masked_i     (seg.masked),
    .vd_row_i     (seg.vd_row),
    .offset_i     (seg.offset),
    .first_byte_i (seg.first_byte),
    .end_byte_i   (seg.end_byte),
    .first_beat_i (seg.first_beat),
    .last_beat_i  (seg.last_beat),
    .busy_o       (store_busy),
    .done_o       (store_done),
    .re_o         (re_o),
    .raddr_o      (raddr_o),
    .data_i       (rdata_i),
    .mask_row_o   (store_mask_row),
    .mask_bytes_i (mask_bytes_i),
    .wdata_o      (axi_wdata_o),
    .wstrb_o      (axi_wstrb_o),
    .wlast_o      (axi_wlast_o),
    .wvalid_o     (axi_wvalid_o),
    .wready_i     (axi_wready_i),
    .bvalid_i     (axi_bvalid_i),
    .bready_o     (axi_bready_o)
  );
  assign mover_busy = load_busy || store_busy;
  assign mover_done = load_done || store_done;

  // Mask lookup: those of a data row while moving, else mask bits themselves (elements of one byte), for scanning, which
  // with a mask does not happen while data moves.
  assign mask_eew_o = mover_busy ? eew_i : 2'd0;
  assign mask_row_o = !mover_busy ? GroupRowW'(chunk) : (store_i ? store_mask_row : load_mask_row);

  logic bad_response;
  assign bad_response = (axi_rvalid_i && axi_rready_o && (axi_rresp_i != 2'b00)) ||
                        (axi_bvalid_i && axi_bready_o && (axi_bresp_i != 2'b00));
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      bus_err_o <= 1'b0;
    end else if (bad_response) begin
      bus_err_o <= 1'b1;
    end
  end

endmodule

`default_nettype wire
