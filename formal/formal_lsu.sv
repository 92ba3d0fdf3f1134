// SPDX-License-Identifier: Apache-2.0
// Properties of vctx_lsu with all that is in it: translation, bursts, and that nothing is outstanding at the end.

`default_nettype none

module formal_lsu
  import vctx_pkg::*;
#(
  parameter int VLEN = 256,
  parameter int DLEN = 128,
  localparam int Bytes = DLEN / 8,
  localparam int IdxW = $clog2(VLEN),
  localparam int CntW = IdxW + 1,
  localparam int GroupRowW = $clog2(8 * VLEN / DLEN),
  localparam int RowW = $clog2(32 * VLEN / DLEN)
) (
  input logic             clk_i,
  input logic             rst_ni,
  input logic             start_i,
  input logic             store_i,
  input logic             first_fault_i,
  input logic             strided_i,
  input logic             masked_i,
  input logic [4:0]       vd_i,
  input logic [63:0]      base_i,
  input logic [63:0]      stride_i,
  input logic [1:0]       eew_i,
  input logic [CntW-1:0]  evl_i,
  input logic [IdxW-1:0]  vstart_i,
  input logic             irq_valid_i,
  input logic [12:0]      irq_elem_i,
  input logic [Bytes-1:0] mask_bytes_i,
  input logic [DLEN-1:0]  rdata_i,
  input logic             xlat_ready_i,
  input logic             xlat_fault_i,
  input logic [5:0]       xlat_cause_i,
  input logic [43:0]      xlat_ppn_i,
  input logic [51:0]      xlat_gpn_i,
  input logic             axi_awready_i,
  input logic             axi_wready_i,
  input logic [1:0]       axi_bresp_i,
  input logic             axi_bvalid_i,
  input logic             axi_arready_i,
  input logic [DLEN-1:0]  axi_rdata_i,
  input logic [1:0]       axi_rresp_i,
  input logic             axi_rvalid_i
);

  logic                 handable, older_done, done, trap, irq, trim, bus_err, re, xlat_valid, xlat_store;
  logic                 awvalid, wlast, wvalid, bready, arvalid, rready;
  logic [IdxW-1:0]      elem;
  logic [5:0]           cause;
  logic [63:0]          tval, tval2;
  logic [GroupRowW-1:0] mask_row;
  logic [1:0]           mask_eew;
  logic [RowW-1:0]      raddr, waddr;
  logic [Bytes-1:0]     wbe, wstrb;
  logic [DLEN-1:0]      wdata, axi_wdata;
  logic [51:0]          vpn;
  logic [55:0]          addr;
  logic [7:0]           len;

  // The older instruction, as vctx_ctrl has it.
  logic older_q;
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) older_q <= 1'b0;
    else if (handable) older_q <= 1'b1;
    else if (older_done) older_q <= 1'b0;
  end

  vctx_lsu #(
    .VLEN (VLEN),
    .DLEN (DLEN)
  ) dut (
    .clk_i         (clk_i),
    .rst_ni        (rst_ni),
    .start_i       (start_i),
    .store_i       (store_i),
    .first_fault_i (first_fault_i),
    .strided_i     (strided_i),
    .masked_i      (masked_i),
    .vd_i          (vd_i),
    .base_i        (base_i),
    .stride_i      (stride_i),
    .eew_i         (eew_i),
    .evl_i         (evl_i),
    .vstart_i      (vstart_i),
    .irq_valid_i   (irq_valid_i),
    .irq_elem_i    (irq_elem_i),
    .handable_o    (handable),
    .hand_over_i   (handable),
    .older_i       (older_q),
    .older_done_o  (older_done),
    .done_o        (done),
    .trap_o        (trap),
    .irq_o         (irq),
    .trim_o        (trim),
    .elem_o        (elem),
    .cause_o       (cause),
    .tval_o        (tval),
    .tval2_o       (tval2),
    .bus_err_o     (bus_err),
    .mask_row_o    (mask_row),
    .mask_eew_o    (mask_eew),
    .mask_bytes_i  (mask_bytes_i),
    .re_o          (re),
    .raddr_o       (raddr),
    .rdata_i       (rdata_i),
    .wbe_o         (wbe),
    .waddr_o       (waddr),
    .wdata_o       (wdata),
    .xlat_valid_o  (xlat_valid),
    .xlat_vpn_o    (vpn),
    .xlat_store_o  (xlat_store),
    .xlat_ready_i  (xlat_ready_i),
    .xlat_fault_i  (xlat_fault_i),
    .xlat_cause_i  (xlat_cause_i),
    .xlat_ppn_i    (xlat_ppn_i),
    .xlat_gpn_i    (xlat_gpn_i),
    .axi_addr_o    (addr),
    .axi_len_o     (len),
    .axi_awvalid_o (awvalid),
    .axi_awready_i (axi_awready_i),
    .axi_wdata_o   (axi_wdata),
    .axi_wstrb_o   (wstrb),
    .axi_wlast_o   (wlast),
    .axi_wvalid_o  (wvalid),
    .axi_wready_i  (axi_wready_i),
    .axi_bresp_i   (axi_bresp_i),
    .axi_bvalid_i  (axi_bvalid_i),
    .axi_bready_o  (bready),
    .axi_arvalid_o (arvalid),
    .axi_arready_i (axi_arready_i),
    .axi_rdata_i   (axi_rdata_i),
    .axi_rresp_i   (axi_rresp_i),
    .axi_rvalid_i  (axi_rvalid_i),
    .axi_rready_o  (rready)
  );

  logic running;
  formal_reset u_reset (
    .clk_i     (clk_i),
    .rst_ni    (rst_ni),
    .running_o (running)
  );

  logic idle, moves;
  assign idle  = (dut.state_q == 2'd0);
  assign moves = (dut.state_q == 2'd2);

  // The cycle before
  logic             idle_q, store_q, first_fault_q, strided_q, masked_q, irq_valid_q, re_q;
  logic [4:0]       vd_q;
  logic [63:0]      base_q, stride_q;
  logic [1:0]       eew_q, mask_eew_q;
  logic [CntW-1:0]  evl_q;
  logic [IdxW-1:0]  vstart_q;
  logic [12:0]      irq_elem_q;
  logic [GroupRowW-1:0] mask_row_q;
  logic [Bytes-1:0] mask_bytes_q, wstrb_q;
  logic [DLEN-1:0]  rdata_q, axi_wdata_q;
  logic             ar_waits_q, aw_waits_q, w_waits_q, wlast_q, xlat_waits_q, xlat_store_q;
  logic [55:0]      addr_q;
  logic [7:0]       len_q;
  logic [51:0]      vpn_q;
  always_ff @(posedge clk_i) begin
    idle_q        <= idle && !start_i;
    store_q       <= store_i;
    first_fault_q <= first_fault_i;
    strided_q     <= strided_i;
    masked_q      <= masked_i;
    irq_valid_q   <= irq_valid_i;
    vd_q          <= vd_i;
    base_q        <= base_i;
    stride_q      <= stride_i;
    eew_q         <= eew_i;
    evl_q         <= evl_i;
    irq_elem_q    <= irq_elem_i;
    vstart_q      <= vstart_i;
    re_q          <= re;
    rdata_q       <= rdata_i;
    mask_row_q    <= mask_row;
    mask_eew_q    <= mask_eew;
    mask_bytes_q  <= mask_bytes_i;
    ar_waits_q    <= arvalid && !axi_arready_i;
    aw_waits_q    <= awvalid && !axi_awready_i;
    w_waits_q     <= wvalid && !axi_wready_i;
    xlat_waits_q  <= xlat_valid && !xlat_ready_i;
    addr_q        <= addr;
    len_q         <= len;
    wlast_q       <= wlast;
    wstrb_q       <= wstrb;
    axi_wdata_q   <= axi_wdata;
    vpn_q         <= vpn;
    xlat_store_q  <= xlat_store;
  end

  // Beats of reads that were asked for and have not come
  logic [10:0] expected_q;
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) expected_q <= '0;
    else expected_q <= expected_q + ((arvalid && axi_arready_i) ? 11'(len) + 11'd1 : 11'd0) -
                       11'(axi_rvalid_i && rready);
  end

  // Bursts of writes of which the address was taken, or all data, and the response has not come
  logic [3:0] addressed_q, sent_q;
  logic       response;
  assign response = axi_bvalid_i && bready;
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      addressed_q <= '0;
      sent_q      <= '0;
    end else begin
      addressed_q <= addressed_q + 4'(awvalid && axi_awready_i) - 4'(response);
      sent_q      <= sent_q + 4'(wvalid && axi_wready_i && wlast) - 4'(response);
    end
  end

  always_comb begin
    // Of vctx_ctrl and vctx_issue: an instruction starts when the unit is free, stays, and behind an older one is unmasked and
    // of the same direction. Of vctx_decode and vctx_shape, proven of formal_decode: its elements fill 8 registers at most.
    if (start_i) assume (idle);
    if (start_i && older_q) assume (!masked_i && (store_i == dut.store_q));
    if (!idle) begin
      assume ((store_i == store_q) && (first_fault_i == first_fault_q) && (strided_i == strided_q));
      assume ((masked_i == masked_q) && (vd_i == vd_q) && (base_i == base_q) && (stride_i == stride_q));
      assume ((eew_i == eew_q) && (evl_i == evl_q) && (irq_valid_i == irq_valid_q) && (irq_elem_i == irq_elem_q));
      assume (vstart_i == vstart_q);
    end
    assume ((32'(evl_i) << eew_i) <= VLEN);
    assume (!(first_fault_i && (store_i || strided_i)));
    // Of vctx_mask and vctx_regfile: a row of the mask is always the same, all ones without a mask; data stays until it is
    // read again.
    if (!masked_i) assume (mask_bytes_i == '1);
    if (!idle && (mask_row == mask_row_q) && (mask_eew == mask_eew_q)) assume (mask_bytes_i == mask_bytes_q);
    if (!re_q) assume (rdata_i == rdata_q);
    // Of the memory: data comes for what was asked for, a response for what was addressed and sent.
    if (axi_rvalid_i) assume (expected_q != '0);
    if (axi_bvalid_i) assume ((addressed_q != '0) && (sent_q != '0));
  end

  // What induction starts from
  logic [10:0] of_load, of_queue, of_burst;
  assign of_load  = dut.u_load.busy_q ? 11'(dut.u_load.last_beat_q) - 11'(dut.u_load.beat_q) + 11'd1 : '0;
  assign of_queue = (dut.queued_q && !dut.store_q) ? 11'(dut.seg_q.last_beat) - 11'(dut.seg_q.first_beat) + 11'd1 : '0;
  assign of_burst = dut.store_q ? '0 : 11'(dut.u_burst.beats_q);
  // Bursts that are still to be sent: of the segment that is sent, of the one that is read behind it, of the one that waits
  logic [10:0] current, behind, waiting, first_row;
  logic        st_ends;
  assign st_ends   = (dut.u_store.send_row_q == dut.u_store.send_seg_q.last_beat);
  assign first_row = dut.u_store.send_q ? 11'(dut.u_store.send_row_q) : 11'(dut.u_store.row_q);
  function automatic logic [10:0] beats(input logic [10:0] row, input logic [10:0] first, input logic [10:0] last);
    beats = last + 11'd1 - ((row < first) ? first : row);
  endfunction
  function automatic logic [10:0] bursts(input logic [10:0] n);
    bursts = (n + 11'd255) >> 8;
  endfunction
  assign current = dut.u_store.send_q ? beats(first_row, 11'(dut.u_store.send_seg_q.first_beat),
                                              11'(dut.u_store.send_seg_q.last_beat)) :
                   dut.u_store.read_q ? beats(first_row, 11'(dut.u_store.read_seg_q.first_beat),
                                              11'(dut.u_store.read_seg_q.last_beat)) : '0;
  assign behind  = (dut.u_store.send_q && st_ends && dut.u_store.read_q) ?
                   beats(11'(dut.u_store.row_q), 11'(dut.u_store.read_seg_q.first_beat),
                         11'(dut.u_store.read_seg_q.last_beat)) : '0;
  assign waiting = (dut.queued_q && dut.store_q) ? 11'(dut.seg_q.last_beat) - 11'(dut.seg_q.first_beat) + 11'd1 : '0;

  logic [2:0] finals_load, finals_store, finals_queue;
  assign finals_queue = 3'(dut.queued_q && dut.seg_q.final_segment);
  assign finals_load  = 3'(dut.u_load.final_q && (dut.u_load.busy_q || dut.u_load.flush_q));
  assign finals_store = 3'(dut.u_store.read_q && dut.u_store.read_seg_q.final_segment) +
                        3'(dut.u_store.send_q && st_ends && dut.u_store.send_seg_q.final_segment) +
                        3'(dut.u_store.finals_q[0] && (dut.u_store.bursts_q > 3'd0)) +
                        3'(dut.u_store.finals_q[1] && (dut.u_store.bursts_q > 3'd1)) +
                        3'(dut.u_store.finals_q[2] && (dut.u_store.bursts_q > 3'd2)) +
                        3'(dut.u_store.finals_q[3] && (dut.u_store.bursts_q > 3'd3));

  // Whether the last of all that is on its way is the last of its instruction
  logic       store_tail, load_tail, tail;
  logic [1:0] newest;
  assign newest     = 2'(dut.u_store.bursts_q - 3'd1);
  assign store_tail = dut.u_store.read_q ? dut.u_store.read_seg_q.final_segment :
                      dut.u_store.send_q ? dut.u_store.send_seg_q.final_segment :
                                           ((dut.u_store.bursts_q != '0) && dut.u_store.finals_q[newest]);
  assign load_tail  = (dut.u_load.busy_q || dut.u_load.flush_q) && dut.u_load.final_q;
  assign tail       = dut.queued_q ? dut.seg_q.final_segment : (dut.store_q ? store_tail : load_tail);

  always_ff @(posedge clk_i) begin
    if (rst_ni) begin
      if (moves || (idle && older_q)) h_tail: assert (tail);
      h_balance: assert (of_load + of_queue == of_burst + expected_q);
      h_few: assert (expected_q <= 11'd1024);
      if (dut.u_load.busy_q) h_load: assert (!dut.store_q && (dut.u_load.beat_q <= dut.u_load.last_beat_q));
      if (dut.u_load.flush_q) h_flush: assert (!dut.store_q);
      if (dut.u_store.busy_o) h_store: assert (dut.store_q);
      if (dut.u_store.send_q && !dut.u_store.read_q) h_ends: assert (st_ends);
      if (dut.u_store.read_q) h_rows: assert (dut.u_store.row_q <= dut.u_store.read_seg_q.last_beat);
      if (dut.u_store.send_q) h_sends: assert (dut.u_store.send_row_q <= dut.u_store.send_seg_q.last_beat);
      h_bursts: assert (dut.u_store.bursts_q <= 3'd4);
      if (dut.queued_q) h_queue: assert ((dut.seg_q.first_beat <= dut.seg_q.last_beat) &&
                                              (32'(dut.seg_q.first_byte) < (32'(dut.seg_q.first_beat) + 1) * Bytes));
      h_finals: assert (finals_queue + finals_load + finals_store == 3'(older_q) + 3'(moves));
      if (!idle && (dut.mover_busy || dut.queued_q || dut.burst_valid)) h_direction: assert (store_i == dut.store_q);
      if (idle && !older_q) h_quiet: assert (!dut.mover_busy && !dut.queued_q && !dut.burst_valid);
      if (masked_i && !idle) h_masked: assert (!older_q);
      if ((dut.queued_q && dut.seg_q.masked) || (dut.u_store.read_q && dut.u_store.read_seg_q.masked) ||
          (dut.u_store.send_q && dut.u_store.send_seg_q.masked)) h_mask: assert (!idle && !older_q && masked_i);
      if (dut.state_q == 2'd3) h_fault: assert (dut.elem_q < dut.end_q);
      h_end: assert (idle || (32'(dut.end_q) <= 32'(evl_i)));

      if (dut.segment_start) begin
        p_segment: assert ((dut.u_burst.beats_i != '0) && !dut.burst_valid &&
                           (32'(dut.u_burst.addr_i[11:0]) + 32'(dut.u_burst.beats_i) * Bytes <= 4096));
        c_segment: cover (32'(dut.u_burst.addr_i[11:0]) + 32'(dut.u_burst.beats_i) * Bytes == 4096);
      end
      h_sent: assert (sent_q == 4'(dut.u_store.bursts_q));
      h_addressed: assert (addressed_q <= 4'd12);
      h_bursts_left: assert (11'(addressed_q) + (dut.store_q ? bursts(11'(dut.u_burst.beats_q)) : '0) ==
                             11'(sent_q) + bursts(current + 11'(dut.u_store.beat_q)) + bursts(behind) + bursts(waiting));
      if (!dut.u_store.send_q) h_first: assert ((dut.u_store.beat_q == '0) &&
        (!dut.u_store.read_q || (11'(dut.u_store.row_q) <= 11'(dut.u_store.read_seg_q.first_beat))));
      if (dut.u_store.send_q && st_ends && dut.u_store.read_q) h_behind: assert (
        11'(dut.u_store.row_q) <= 11'(dut.u_store.read_seg_q.first_beat));
      if (dut.u_store.send_q && !st_ends) h_same: assert (dut.u_store.read_q &&
        (dut.u_store.row_q == dut.u_store.send_row_q + 1'b1) && (dut.u_store.read_seg_q == dut.u_store.send_seg_q));
      if (dut.u_store.read_q) h_order: assert (dut.u_store.read_seg_q.first_beat <= dut.u_store.read_seg_q.last_beat);
      if (dut.u_store.send_q) h_order_sent: assert (
        dut.u_store.send_seg_q.first_beat <= dut.u_store.send_seg_q.last_beat);
      if (dut.burst_valid) h_burst_page: assert (((addr[11:0] & 12'(Bytes - 1)) == '0) &&
                                                 (32'(addr[11:0]) + 32'(dut.u_burst.beats_q) * Bytes <= 4096));
      if (done && !older_q) begin
        p_writes_done: assert (addressed_q == 4'(response));
        c_writes_done: cover (response);
      end
      if (done && !older_q) begin
        p_reads_done: assert (expected_q == 11'(axi_rvalid_i && rready));
        c_reads_done: cover (axi_rvalid_i && rready);
      end
      if (arvalid || awvalid) begin
        p_page: assert (32'(addr[11:0]) + (32'(len) + 1) * Bytes <= 4096);
        c_page: cover (32'(addr[11:0]) + (32'(len) + 1) * Bytes == 4096);
      end
      if (wbe != '0) begin
        p_write: assert (older_q || !idle);
        c_write: cover (older_q && (dut.state_q == 2'd1));
      end
      if (trap) begin
        p_trap: assert (done && !irq && !trim && !older_q && (64'(elem) < 64'(evl_i)));
        c_trap: cover (elem == IdxW'(2));
      end
      if (trim) begin
        p_trim: assert (done && first_fault_i && (elem != '0) && (64'(elem) < 64'(evl_i)) && (cause == '0));
        c_trim: cover (elem == IdxW'(1));
      end
    end
    if (running) begin
      if (ar_waits_q) begin
        p_ar_stable: assert (arvalid && (addr == addr_q) && (len == len_q));
        c_ar_stable: cover (axi_arready_i);
      end
      if (aw_waits_q) begin
        p_aw_stable: assert (awvalid && (addr == addr_q) && (len == len_q));
        c_aw_stable: cover (axi_awready_i);
      end
      if (w_waits_q) begin
        p_w_stable: assert (wvalid && (axi_wdata == axi_wdata_q) && (wstrb == wstrb_q) && (wlast == wlast_q));
        c_w_stable: cover (axi_wready_i && (wstrb == {{Bytes-1{1'b0}}, 1'b1}));
      end
      if (xlat_waits_q) begin
        p_xlat_stable: assert (xlat_valid && (vpn == vpn_q) && (xlat_store == xlat_store_q));
        c_xlat_stable: cover (xlat_ready_i);
      end
    end
  end

endmodule

`default_nettype wire
