// SPDX-License-Identifier: Apache-2.0
// One hart of a batch replay, with its port to RAM: issues what its queue holds as fast as the block takes it, and writes
// one observation for each instruction that retires. Every check of vctx_tb_hart is made here too, on the same modules.
//
// Around it are the queues and RAM: vctx_tb_batch on Icarus, main.cpp, with one model a hart, on Verilator. Both give a
// hart clocks only while it has work. They act half a cycle after the hart, at the falling edge.

`default_nettype none

module vctx_tb_batch_hart import vctx_tb_pkg::*; import vctx_tb_stream_pkg::*; #(
  parameter int VLEN = 256,
  parameter int DLEN = 128,
  parameter bit HasV = 1
) (
  input  logic                clk_i,
  input  logic                rst_ni,
  input  logic [7:0]          number_i,
  input  logic [REC_BITS-1:0] config_i,     // CONFIG
  // head of the queue: INSN, PAGES or CHECKPOINT
  input  logic                valid_i,
  input  logic [REC_BITS-1:0] rec_i,
  output logic                take_o,
  output logic                idle_o,       // nothing is on offer, in flight or unwritten
  output logic                dead_o,       // an instruction hangs, or none was there to retire
  // RAM
  output logic [55:0]         read_addr_o,
  input  logic [DLEN-1:0]     read_data_i,
  output logic                write_o,
  output logic [55:0]         write_addr_o,
  output logic [DLEN-1:0]     write_data_o,
  output logic [DLEN/8-1:0]   write_strb_o,
  // files
  input  logic [31:0]         obs_file_i,
  input  logic [31:0]         vregs_file_i,
  input  logic [31:0]         reads_file_i,
  input  logic [31:0]         writes_file_i
);

  localparam int Timeout = 50000;  // cycles without retirement, or a translation for an element, that count as a hang,
  localparam int Grace = 1000;     // and once an error is known
  localparam int Flight = 8;       // instructions between issue and retirement
  localparam int Words = VLEN / 64;  // of a register

  cfg_t        cfg;
  logic [31:0] seed;

  // Steady long before the reset ends.
  always @(posedge clk_i) begin
    if (!rst_ni) begin
      cfg  <= cfg_of(config_i);
      seed <= hart_seed(cfg.seed, number_i);
    end
  end

  // The block's ports
  logic              issue_valid_i, issue_ready_o, issue_virt_i, issue_fs_dirty_i, issue_vsfs_dirty_i;
  logic [31:0]       issue_insn_i;
  logic [63:0]       issue_rs1_i, issue_rs2_i;
  logic [1:0]        issue_prv_i;
  logic              irq_valid_i;
  logic [12:0]       irq_elem_i;
  logic              retire_valid_o, retire_trap_o, retire_irq_o, retire_rd_we_o;
  logic [5:0]        retire_cause_o;
  logic [63:0]       retire_tval_o, retire_tval2_o, retire_rd_o, vl_o, vtype_o, vstart_o;
  logic [31:0]       retire_vd_mask_o;
  logic [2:0]        vcsr_o;
  logic [1:0]        mstatus_vs_o, vsstatus_vs_o;
  logic              xlat_valid_o, xlat_store_o, xlat_ready_i, xlat_fault_i;
  logic [51:0]       xlat_vpn_o, xlat_gpn_i;
  logic [5:0]        xlat_cause_i;
  logic [43:0]       xlat_ppn_i;
  logic [3:0]        axi_awid_o, axi_bid_i, axi_arid_o, axi_rid_i;
  logic [55:0]       axi_awaddr_o, axi_araddr_o;
  logic [7:0]        axi_awlen_o, axi_arlen_o;
  logic [2:0]        axi_awsize_o, axi_arsize_o;
  logic [1:0]        axi_awburst_o, axi_arburst_o, axi_bresp_i, axi_rresp_i;
  logic              axi_awvalid_o, axi_awready_i, axi_wlast_o, axi_wvalid_o, axi_wready_i, axi_bvalid_i, axi_bready_o;
  logic              axi_arvalid_o, axi_arready_i, axi_rlast_i, axi_rvalid_i, axi_rready_o;
  logic [DLEN-1:0]   axi_wdata_o, axi_rdata_i;
  logic [DLEN/8-1:0] axi_wstrb_o;
  logic              bus_err_o;

  vctx #(
    .VLEN(VLEN),
    .DLEN(DLEN),
    .HasV(HasV)
  ) u_dut (.*);

  vctx_tb_powerup #(
    .VLEN(VLEN),
    .DLEN(DLEN),
    .HasV(HasV)
  ) u_powerup ();

  rec_insn_t   head;           // of the queue, if it is an instruction or pages of one
  logic        is_insn, is_pages;
  page_t       next0, next1;   // pages of the instruction on offer,
  page_t       page0, page1;   // and of the youngest accepted one
  logic [1:0]  next_pages, pages;
  logic [31:0] flying;         // instructions between issue and retirement
  logic        accept, xlat_err_page, xlat_err_unstable;
  logic [31:0] bus_errors, own_errors, read_bursts, read_beats, write_beats, bus_busy;
  logic        read_push, write_push;
  logic [63:0] read_entry;
  logic [56+DLEN/8+DLEN-1:0] write_entry;

  assign head   = rec_i;
  assign accept = issue_valid_i && issue_ready_o;

  vctx_tb_xlat #(
    .Most(VLEN)
  ) u_xlat (
    .clk_i         (clk_i),
    .rst_ni        (rst_ni),
    .seed_i        ({seed[30:0], 1'b1}),
    .random_i      (cfg.random),
    .latency_i     (cfg.xlat),
    .page0_i       (page0),
    .page1_i       (page1),
    .pages_i       (pages),
    .push_i        (take_o && is_pages),
    .push0_i       (page_of(head.vpn0, head.fault0, head.target0)),
    .push1_i       (page_of(head.vpn1, head.fault1, head.target1)),
    .push_pages_i  (head.flags[5:4]),
    .accept_i      (accept && next_pages == MANY),
    .valid_i       (xlat_valid_o),
    .vpn_i         (xlat_vpn_o),
    .store_i       (xlat_store_o),
    .ready_o       (xlat_ready_i),
    .fault_o       (xlat_fault_i),
    .cause_o       (xlat_cause_i),
    .ppn_o         (xlat_ppn_i),
    .gpn_o         (xlat_gpn_i),
    .err_page_o    (xlat_err_page),
    .err_unstable_o(xlat_err_unstable)
  );

  vctx_tb_axi_check #(
    .DLEN(DLEN)
  ) u_check (
    .clk_i        (clk_i),
    .rst_ni       (rst_ni),
    .active_i     (issue_valid_i || flying != 0),
    .accept_i     (accept),
    .retire_i     (retire_valid_o),
    .grant_i      (xlat_ready_i && !xlat_fault_i),
    .grant_ppn_i  (xlat_ppn_i),
    .grant_store_i(xlat_store_o),
    .awaddr_i     (axi_awaddr_o),
    .awlen_i      (axi_awlen_o),
    .awsize_i     (axi_awsize_o),
    .awburst_i    (axi_awburst_o),
    .awvalid_i    (axi_awvalid_o),
    .awready_i    (axi_awready_i),
    .wdata_i      (axi_wdata_o),
    .wstrb_i      (axi_wstrb_o),
    .wlast_i      (axi_wlast_o),
    .wvalid_i     (axi_wvalid_o),
    .wready_i     (axi_wready_i),
    .bvalid_i     (axi_bvalid_i),
    .bready_i     (axi_bready_o),
    .araddr_i     (axi_araddr_o),
    .arlen_i      (axi_arlen_o),
    .arsize_i     (axi_arsize_o),
    .arburst_i    (axi_arburst_o),
    .arvalid_i    (axi_arvalid_o),
    .arready_i    (axi_arready_i),
    .rlast_i      (axi_rlast_i),
    .rvalid_i     (axi_rvalid_i),
    .rready_i     (axi_rready_o),
    .read_o       (read_push),
    .read_entry_o (read_entry),
    .write_o      (write_push),
    .write_entry_o(write_entry),
    .read_bursts_o(read_bursts),
    .read_beats_o (read_beats),
    .write_beats_o(write_beats),
    .busy_o       (bus_busy),
    .errors_o     (bus_errors)
  );

  assign write_data_o = axi_wdata_o;
  assign write_strb_o = axi_wstrb_o;

  vctx_tb_axi_port #(
    .DLEN(DLEN)
  ) u_port (
    .clk_i       (clk_i),
    .rst_ni      (rst_ni),
    .cfg_i       (cfg),
    .seed_i      (seed),
    .awid_i      (axi_awid_o),
    .awaddr_i    (axi_awaddr_o),
    .awlen_i     (axi_awlen_o),
    .awvalid_i   (axi_awvalid_o),
    .awready_o   (axi_awready_i),
    .wvalid_i    (axi_wvalid_o),
    .wready_o    (axi_wready_i),
    .bid_o       (axi_bid_i),
    .bresp_o     (axi_bresp_i),
    .bvalid_o    (axi_bvalid_i),
    .bready_i    (axi_bready_o),
    .arid_i      (axi_arid_o),
    .araddr_i    (axi_araddr_o),
    .arlen_i     (axi_arlen_o),
    .arvalid_i   (axi_arvalid_o),
    .arready_o   (axi_arready_i),
    .rid_o       (axi_rid_i),
    .rdata_o     (axi_rdata_i),
    .rresp_o     (axi_rresp_i),
    .rlast_o     (axi_rlast_i),
    .rvalid_o    (axi_rvalid_i),
    .rready_i    (axi_rready_o),
    .read_addr_o (read_addr_o),
    .read_data_i (read_data_i),
    .write_addr_o(write_addr_o),
    .write_o     (write_o)
  );

  // Feeding: instructions back to back; everything else waits until all before it has retired.
  logic observe, captured;
  assign is_insn  = head.kind == 8'(REC_INSN);
  assign is_pages = head.kind == 8'(REC_PAGES);
  assign idle_o  = !issue_valid_i && flying == 0 && !observe && !captured;
  assign take_o  = valid_i && !dead_o && (is_insn ? (!issue_valid_i || accept) && flying < Flight - 1 : idle_o);

  // Inputs are undefined wherever the contract says that they do not count.
  always @(posedge clk_i) begin
    if (!rst_ni || accept) begin
      issue_valid_i      <= 1'b0;
      issue_insn_i       <= 'x;
      issue_rs1_i        <= 'x;
      issue_rs2_i        <= 'x;
      issue_prv_i        <= 'x;
      issue_virt_i       <= 1'bx;
      issue_fs_dirty_i   <= 1'bx;
      issue_vsfs_dirty_i <= 1'bx;
      irq_valid_i        <= 1'bx;
      irq_elem_i         <= 'x;
      pages              <= rst_ni ? next_pages : '0;
      page0              <= next0;
      page1              <= next1;
    end
    if (rst_ni && take_o && is_insn) begin
      issue_valid_i      <= 1'b1;
      issue_insn_i       <= head.insn;
      issue_rs1_i        <= head.rs1;
      issue_rs2_i        <= head.rs2;
      issue_prv_i        <= head.prv[1:0];
      issue_virt_i       <= head.flags[0];
      issue_fs_dirty_i   <= head.flags[1];
      issue_vsfs_dirty_i <= head.flags[2];
      irq_valid_i        <= head.flags[3];
      if (head.flags[3]) irq_elem_i <= head.irq_elem[12:0];
      next_pages         <= head.flags[5:4];
      if (head.flags[5] != head.flags[4]) next0 <= page_of(head.vpn0, head.fault0, head.target0);
      if (head.flags[5:4] == 2'd2) next1 <= page_of(head.vpn1, head.fault1, head.target1);
    end
  end

  logic [31:0] now, last_retire, timer, asked;  // asked: translations since the last retirement
  logic [31:0] accepted_at [Flight];
  logic [31:0] oldest;
  rec_obs_t    o;
  logic        retires, stray, hung, sick;
  assign sick = (own_errors | bus_errors) != '0;

  // What ends a cycle with an observation: a retirement, one that nobody expects, a checkpoint, or a block that hangs.
  always @(posedge clk_i) begin
    if (captured) captured <= 1'b0;
    if (!rst_ni) begin
      observe     <= 1'b0;
      captured    <= 1'b0;
      flying      <= 0;
      oldest      <= 0;
      now         <= '0;
      last_retire <= '0;
      timer       <= '0;
      asked       <= '0;
      own_errors  <= '0;
      dead_o      <= 1'b0;
    end else begin
      now <= now + 32'd1;
      if (xlat_err_page) own_errors[ERR_XLAT_PAGE] <= 1'b1;
      if (xlat_err_unstable) own_errors[ERR_XLAT_UNSTABLE] <= 1'b1;
      if (bus_err_o) own_errors[ERR_BUS_ERR] <= 1'b1;

      retires = retire_valid_o === 1'b1 && flying != 0;
      stray   = retire_valid_o !== 1'b0 && flying == 0 && !issue_valid_i;
      hung    = 1'b0;
      if (retires) begin
        oldest <= (oldest + 1) % Flight;
        last_retire <= now;
        timer <= '0;
        asked <= '0;
      end else if (xlat_ready_i && asked < 32'(2 * VLEN)) begin  // of two instructions at most
        timer <= '0;
        asked <= asked + 32'd1;
      end else if (issue_valid_i || flying != 0) begin
        hung = !observe && timer == (sick ? 32'(Grace) : 32'(Timeout));
        timer <= timer + 32'd1;
      end
      if (stray) own_errors[ERR_SPURIOUS_RETIRE] <= 1'b1;
      if (hung) own_errors[ERR_TIMEOUT] <= 1'b1;
      if (stray || hung) dead_o <= 1'b1;

      if (accept) accepted_at[(oldest + flying) % Flight] <= now;
      if (accept != retires) flying <= flying + 32'(accept) - 32'(retires);
      if (observe) observe <= 1'b0;
      if (take_o && !is_insn && !is_pages) observe <= 1'b1;

      if (retires || stray || observe || hung) begin
        captured      <= 1'b1;
        o.hart        <= number_i;
        o.trap        <= observe ? 8'd0 : 8'(retire_trap_o);
        o.irq         <= observe ? 8'd0 : 8'(retire_irq_o);
        o.rd_we       <= observe ? 8'd0 : 8'(retire_rd_we_o);
        o.cause       <= 8'(retire_cause_o);
        o.vcsr        <= 8'(vcsr_o);
        o.mstatus_vs  <= 8'(mstatus_vs_o);
        o.vsstatus_vs <= 8'(vsstatus_vs_o);
        o.tval        <= retire_tval_o;
        o.tval2       <= retire_tval2_o;
        o.rd          <= retire_rd_o;
        o.vl          <= vl_o;
        o.vtype       <= vtype_o;
        o.vstart      <= vstart_o;
        o.vd_mask     <= !HasV ? '0 : observe ? '1 : retire_vd_mask_o;
        o.cycles      <= now - (flying != 0 && last_retire < accepted_at[oldest] ? accepted_at[oldest] : last_retire);
        o.at          <= $time;
        o.bus_busy    <= bus_busy;
        o.read_bursts <= read_bursts;
        o.read_beats  <= read_beats;
        o.write_beats <= write_beats;
      end
    end
  end

  logic [31:0] changed;
  vctx_tb_probe #(
    .VLEN(VLEN),
    .DLEN(DLEN),
    .HasV(HasV)
  ) u_probe (
    .clk_i    (clk_i),
    .rst_ni   (rst_ni),
    .look_i   (retire_valid_o || observe),
    .changed_o(changed)
  );

`ifdef VCTX_WAVES
  vctx_tb_view #(
    .Flight(Flight)
  ) u_view (
    .clk_i   (clk_i),
    .rst_ni  (rst_ni),
    .head_i  (head),
    .take_i  (take_o && is_insn),
    .accept_i(accept),
    .retire_i(retire_valid_o === 1'b1 && flying != 0)
  );

  vctx_tb_view_regs #(
    .VLEN(VLEN),
    .DLEN(DLEN),
    .HasV(HasV)
  ) u_regs ();
`endif

  // The files. One process, so that both files of an observation have the same order of harts; loop variables of its own
  // would let Icarus switch processes in between.
  rec_obs_t    full;
  logic [31:0] fetch;
  logic [63:0] strobes;
  int          r, i;

  always @(negedge clk_i) begin
    if (read_push) begin
      put_word(reads_file_i, read_entry);
      put_word(reads_file_i, 64'(number_i));
    end
    if (write_push) begin
      for (i = 0; i < DLEN; i += 64) put_word(writes_file_i, write_entry[i +: 64]);
      for (i = 0; i < DLEN / 8; i += 64) begin
        strobes = 64'(write_entry[DLEN +: DLEN/8] >> i);
        put_word(writes_file_i, strobes);
      end
      put_word(writes_file_i, {number_i, write_entry[DLEN+DLEN/8 +: 56]});
    end
    if (captured) begin
      full         = o;
      full.changed = changed;
      full.errors  = own_errors | bus_errors;
      put_obs(obs_file_i, full);
      fetch = changed | o.vd_mask;
      for (r = 0; r < 32 && fetch !== '0; r++) begin
        if (fetch[r] !== 1'b0) for (i = 0; i < Words; i++) put_word(vregs_file_i, u_probe.held[r*Words+i]);
      end
    end
  end

endmodule

`default_nettype wire
