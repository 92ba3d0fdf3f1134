// SPDX-License-Identifier: Apache-2.0
// Properties of vctx_ctrl: in order, once each, and what an instruction leaves.

`default_nettype none

module formal_ctrl
  import vctx_pkg::*;
#(
  parameter int VLEN = 256,
  localparam int IdxW = $clog2(VLEN)
) (
  input logic            clk_i,
  input logic            rst_ni,
  input logic            issue_valid_i,
  input logic [31:0]     insn_i,
  input dec_t            dec_i,
  input logic            legal_i,
  input logic [5:0]      cause_i,
  input logic            csr_writes_i,
  input logic            mask_done_i,
  input logic            alu_done_i,
  input logic [63:0]     alu_rd_i,
  input logic            lsu_handable_i,
  input logic            older_done_i,
  input logic            virt_i,
  input logic            lsu_done_i,
  input logic            lsu_trap_i,
  input logic            lsu_irq_i,
  input logic            lsu_trim_i,
  input logic [IdxW-1:0] lsu_elem_i,
  input logic [5:0]      lsu_cause_i,
  input logic [63:0]     lsu_tval_i,
  input logic [63:0]     lsu_tval2_i,
  input logic            wreg_valid_i,
  input logic [4:0]      wreg_i,
  input logic [63:0]     csr_rdata_i,
  input logic [63:0]     vset_vl_i,
  input logic [IdxW-1:0] vstart_i
);

  logic            ready, accept, mask_fetch, alu_start, lsu_start, hand_over, older, older_virt;
  logic            csr_execute, csr_write, vset, trim, vstart_we, dirty;
  logic [IdxW-1:0] vstart;
  logic            retire, retire_trap, retire_irq, retire_rd_we;
  logic [5:0]      retire_cause;
  logic [63:0]     retire_tval, retire_tval2, retire_rd;
  logic [31:0]     retire_vd_mask;

  vctx_ctrl #(
    .VLEN (VLEN)
  ) dut (
    .clk_i            (clk_i),
    .rst_ni           (rst_ni),
    .issue_valid_i    (issue_valid_i),
    .issue_ready_o    (ready),
    .accept_o         (accept),
    .insn_i           (insn_i),
    .dec_i            (dec_i),
    .legal_i          (legal_i),
    .cause_i          (cause_i),
    .csr_writes_i     (csr_writes_i),
    .mask_fetch_o     (mask_fetch),
    .mask_done_i      (mask_done_i),
    .alu_start_o      (alu_start),
    .alu_done_i       (alu_done_i),
    .alu_rd_i         (alu_rd_i),
    .lsu_start_o      (lsu_start),
    .lsu_handable_i   (lsu_handable_i),
    .lsu_hand_over_o  (hand_over),
    .older_o          (older),
    .older_virt_o     (older_virt),
    .older_done_i     (older_done_i),
    .virt_i           (virt_i),
    .lsu_done_i       (lsu_done_i),
    .lsu_trap_i       (lsu_trap_i),
    .lsu_irq_i        (lsu_irq_i),
    .lsu_trim_i       (lsu_trim_i),
    .lsu_elem_i       (lsu_elem_i),
    .lsu_cause_i      (lsu_cause_i),
    .lsu_tval_i       (lsu_tval_i),
    .lsu_tval2_i      (lsu_tval2_i),
    .wreg_valid_i     (wreg_valid_i),
    .wreg_i           (wreg_i),
    .csr_rdata_i      (csr_rdata_i),
    .vset_vl_i        (vset_vl_i),
    .vstart_i         (vstart_i),
    .csr_execute_o    (csr_execute),
    .csr_write_o      (csr_write),
    .vset_o           (vset),
    .trim_o           (trim),
    .vstart_we_o      (vstart_we),
    .vstart_o         (vstart),
    .dirty_o          (dirty),
    .retire_valid_o   (retire),
    .retire_trap_o    (retire_trap),
    .retire_irq_o     (retire_irq),
    .retire_cause_o   (retire_cause),
    .retire_tval_o    (retire_tval),
    .retire_tval2_o   (retire_tval2),
    .retire_rd_we_o   (retire_rd_we),
    .retire_rd_o      (retire_rd),
    .retire_vd_mask_o (retire_vd_mask)
  );

  logic running;
  formal_reset u_reset (
    .clk_i     (clk_i),
    .rst_ni    (rst_ni),
    .running_o (running)
  );

  logic mem, arith, csr, masked;
  assign mem    = (dec_i.unit == UnitLoad) || (dec_i.unit == UnitStore);
  assign arith  = (dec_i.unit == UnitAlu) || (dec_i.unit == UnitSerial);
  assign csr    = (dec_i.unit == UnitCsr);
  assign masked = !insn_i[25];

  // What each unit was started for, and the older instruction is not done
  logic fetching_q, alu_q, lsu_q;
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      fetching_q <= 1'b0;
      alu_q      <= 1'b0;
      lsu_q      <= 1'b0;
    end else begin
      if (mask_fetch) fetching_q <= 1'b1;
      else if (mask_done_i) fetching_q <= 1'b0;
      if (alu_start) alu_q <= 1'b1;
      else if (alu_done_i) alu_q <= 1'b0;
      if (lsu_start) lsu_q <= 1'b1;
      else if (lsu_done_i || hand_over) lsu_q <= 1'b0;
    end
  end

  // The instruction in flight, which vctx_issue keeps
  logic        kept_q, legal_q;
  logic [31:0] insn_q;
  dec_t        dec_q;
  always_ff @(posedge clk_i) begin
    kept_q  <= !accept;
    insn_q  <= insn_i;
    dec_q   <= dec_i;
  end
  always_comb begin
    if (kept_q) assume ((insn_i == insn_q) && (dec_i == dec_q));
    assume (dec_i.unit != 3'd7);
    // Of vctx_legal: what is of no unit is illegal. Of vctx_lsu, vctx_alu, vctx_serial, vctx_mask: a unit answers what it was
    // asked, hands over only what is alone, and writes registers only while it works.
    if (dec_i.unit == UnitNone) assume (!legal_i);
    if (mask_done_i) assume (fetching_q);
    if (alu_done_i) assume (alu_q);
    if (lsu_done_i) assume (lsu_q && !older);
    if (older_done_i) assume (older);
    if (lsu_handable_i) assume (lsu_q && !masked && !older && !lsu_done_i);
    if (lsu_trap_i || lsu_irq_i || lsu_trim_i) assume (lsu_done_i);
    assume (32'(lsu_trap_i) + 32'(lsu_irq_i) + 32'(lsu_trim_i) <= 1);
    if (wreg_valid_i) assume (alu_q || lsu_q || older);
  end

  // Accepted and not retired: one in flight, and the older one
  logic [1:0] flying_q;
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) flying_q <= '0;
    else flying_q <= flying_q + 2'(accept) - 2'(retire);
  end

  logic        illegal;
  logic        illegal_q, waits_q, resumes_q, done_q;
  logic [31:0] written_q, seen_q;
  assign illegal = dut.ready && !legal_i;
  always_ff @(posedge clk_i) begin
    illegal_q <= illegal;
    waits_q   <= (dut.state_q == 2'd1) && !older;
    done_q    <= lsu_done_i || alu_done_i || older_done_i;
    resumes_q <= lsu_trap_i || lsu_irq_i;
    written_q <= seen_q | (wreg_valid_i ? (32'd1 << wreg_i) : '0);
    if (!rst_ni || lsu_done_i || alu_done_i || older_done_i) seen_q <= '0;
    else if (wreg_valid_i) seen_q <= seen_q | (32'd1 << wreg_i);
  end

  always_ff @(posedge clk_i) begin
    if (rst_ni) begin
      // What induction starts from: the state follows what was started.
      h_mask: assert (fetching_q == (dut.state_q == 2'd2));
      h_run: assert ((alu_q || lsu_q) == (dut.state_q == 2'd3));
      h_unit: assert (!(alu_q && lsu_q) && (!alu_q || arith) && (!lsu_q || mem) && (!fetching_q || mem || arith));
      h_older: assert (!(older && (alu_q || fetching_q)));
      h_flying: assert (flying_q == 2'(dut.state_q != 2'd0) + 2'(older) + 2'(retire));
      h_seen: assert (seen_q == dut.written_q);
      if (dut.state_q == 2'd0) h_idle: assert (!alu_q && !lsu_q);

      if (illegal) begin
        p_trap_writes_nothing: assert (!csr_write && !vset && !trim && !vstart_we && !dirty);
        c_trap_writes_nothing: cover (vstart_i != '0);
      end
      if (csr_execute) begin
        p_csr_alone: assert (!dirty && !vset && !trim && !vstart_we && !older);
        c_csr_alone: cover (csr_write);
      end
      if (csr_write) begin
        p_csr_legal: assert (csr_execute && csr && legal_i && csr_writes_i);
        c_csr_legal: cover (retire);
      end
      if (vset) begin
        p_vset: assert (legal_i && dirty && vstart_we && (vstart == '0) && !trim && !older);
        c_vset: cover (vstart_i != '0);
      end
      if (vstart_we && (vstart != vstart_i)) begin
        p_vstart_dirties: assert (dirty);
        c_vstart_dirties: cover (lsu_irq_i);
      end
      if (vstart_we && !vset && !(lsu_trap_i || lsu_irq_i)) begin
        p_vstart_zero: assert (vstart == '0);
        c_vstart_zero: cover (trim && (lsu_elem_i != '0));
      end
      if (lsu_trap_i || lsu_irq_i) begin
        p_vstart_names: assert (vstart_we && (vstart == lsu_elem_i));
        c_vstart_names: cover (lsu_irq_i && (lsu_elem_i == IdxW'(5)));
      end
      if ((lsu_done_i || alu_done_i || older_done_i) && !lsu_irq_i) begin
        p_done_dirties: assert (dirty && vstart_we);
        c_done_dirties: cover (older_done_i);
      end
      if (mask_fetch || alu_start || lsu_start) begin
        p_starts_legal: assert ((legal_i || fetching_q) && !(older && (arith || masked)));
        c_starts_legal: cover (older);
      end
      p_two_at_most: assert (flying_q <= 2'd2);
      c_two_at_most: cover (flying_q == 2'd2 && older && lsu_q);
      if (retire) begin
        p_once: assert (flying_q != '0);
        c_once: cover (flying_q == 2'd2);
      end
      if (ready && (dut.state_q == 2'd0)) begin
        p_accepts: assert (flying_q == 2'(older) + 2'(retire));
        c_accepts: cover (accept && retire);
      end
    end
    if (running) begin
      if (illegal_q) begin
        p_trap_retires: assert (retire && retire_trap && !retire_irq && !retire_rd_we && (retire_vd_mask == '0));
        c_trap_retires: cover (retire_cause == CauseVirtual);
      end
      if (waits_q) begin
        p_moves: assert (retire || fetching_q || alu_q || lsu_q);
        c_moves: cover (lsu_q);
      end
      if (done_q) begin
        p_vd_mask: assert (retire && (retire_vd_mask == written_q));
        c_vd_mask: cover ((retire_vd_mask == 32'h300) && retire_trap);
      end
      if (retire && retire_trap) begin
        p_trap_no_rd: assert (!retire_rd_we && (retire_rd == '0));
        c_trap_no_rd: cover (resumes_q);
      end
    end
  end

endmodule

`default_nettype wire
