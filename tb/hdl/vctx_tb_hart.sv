// SPDX-License-Identifier: Apache-2.0
// One hart's worth of testbench: the block, its issue and translate ports, the checks on its bus, and the observation
// of every instruction. Python sees three things: stim (in), obs with vregs (out), and done, which changes when obs and
// vregs are ready; so it wakes once an instruction, not once a clock.

`default_nettype none

module vctx_tb_hart import vctx_tb_pkg::*; #(
  parameter int VLEN = 256,
  parameter int DLEN = 128,
  parameter bit HasV = 1
) (
  input  logic              clk_i,
  input  logic              rst_ni,
  input  cfg_t              cfg_i,
  input  logic [31:0]       seed_i,
  // AXI manager of the block
  output logic [3:0]        awid_o,
  output logic [55:0]       awaddr_o,
  output logic [7:0]        awlen_o,
  output logic [2:0]        awsize_o,
  output logic [1:0]        awburst_o,
  output logic              awvalid_o,
  input  logic              awready_i,
  output logic [DLEN-1:0]   wdata_o,
  output logic [DLEN/8-1:0] wstrb_o,
  output logic              wlast_o,
  output logic              wvalid_o,
  input  logic              wready_i,
  input  logic [3:0]        bid_i,
  input  logic [1:0]        bresp_i,
  input  logic              bvalid_i,
  output logic              bready_o,
  output logic [3:0]        arid_o,
  output logic [55:0]       araddr_o,
  output logic [7:0]        arlen_o,
  output logic [2:0]        arsize_o,
  output logic [1:0]        arburst_o,
  output logic              arvalid_o,
  input  logic              arready_i,
  input  logic [3:0]        rid_i,
  input  logic [DLEN-1:0]   rdata_i,
  input  logic [1:0]        rresp_i,
  input  logic              rlast_i,
  input  logic              rvalid_i,
  output logic              rready_o
);

  localparam int Timeout = 50000;  // cycles without retirement, or a translation for an element, that count as a hang,
  localparam int Grace = 1000;     // and once an error is known
  localparam int Bursts = LOG_BEATS * (VLEN / LOG_BEATS + 4);  // one an element, with a stride
  localparam int Beats = Bursts + LOG_BEATS * (8 * VLEN / DLEN / LOG_BEATS);

  typedef enum logic [2:0] {Idle, Offer, Run, Copy, Compare, Done} state_e;
  state_e state;

  // Python's side. obs is a plain vector, so that it reads alike in every simulator.
  logic [$bits(stim_t)-1:0] stim;
  logic [$bits(obs_t)-1:0]  obs;
  logic [32*VLEN-1:0]       vregs;     // the whole register file
  logic [VLEN-1:0]          vd_first;  // the written registers: the lowest alone,
  logic [8*VLEN-1:0]        vd_group;  // and eight from it on (from v24 on when it lies above)
  logic                     done;

  stim_t       s;
  obs_t        o;
  logic        issue_valid, issue_ready, irq_valid, offered, live, sick;
  logic [31:0] changed;
  logic        retire_valid, retire_trap, retire_irq, retire_rd_we;
  logic [5:0]  retire_cause;
  logic [63:0] retire_tval, retire_tval2, retire_rd, vl, vtype, vstart;
  logic [31:0] retire_vd_mask;
  logic [2:0]  vcsr;
  logic [1:0]  mstatus_vs, vsstatus_vs;
  logic        xlat_valid, xlat_store, xlat_ready, xlat_fault;
  logic [51:0] xlat_vpn, xlat_gpn;
  logic [5:0]  xlat_cause;
  logic [43:0] xlat_ppn;
  logic        bus_err, xlat_err_page, xlat_err_unstable;
  logic        read_push, write_push, read_full, write_full;
  logic [63:0] read_entry;
  logic [56+DLEN/8+DLEN-1:0] write_entry;
  logic [15:0] read_bursts, write_beats;
  logic [31:0] read_beats, read_beats_before, bus_busy, bus_busy_before, bus_errors, own_errors;
  logic [31:0] timer, asked;  // asked: translations of the instruction

  assign s = stim;
  assign offered = state == Offer;
  assign live = state == Offer || state == Run;
  assign sick = (own_errors | bus_errors) != '0;
  assign issue_valid = offered;
  assign irq_valid = live && s.irq_valid;

  // Inputs are undefined wherever the contract says that they do not count.
  vctx #(
    .VLEN(VLEN),
    .DLEN(DLEN),
    .HasV(HasV)
  ) u_dut (
    .clk_i              (clk_i),
    .rst_ni             (rst_ni),
    .issue_valid_i      (issue_valid),
    .issue_ready_o      (issue_ready),
    .issue_insn_i       (offered ? s.insn : 'x),
    .issue_rs1_i        (offered ? s.rs1 : 'x),
    .issue_rs2_i        (offered ? s.rs2 : 'x),
    .issue_prv_i        (offered ? s.prv : 'x),
    .issue_virt_i       (offered ? s.virt : 'x),
    .issue_fs_dirty_i   (offered ? s.fs_dirty : 'x),
    .issue_vsfs_dirty_i (offered ? s.vsfs_dirty : 'x),
    .irq_valid_i        (irq_valid),
    .irq_elem_i         (irq_valid ? s.irq_elem : 'x),
    .retire_valid_o     (retire_valid),
    .retire_trap_o      (retire_trap),
    .retire_irq_o       (retire_irq),
    .retire_cause_o     (retire_cause),
    .retire_tval_o      (retire_tval),
    .retire_tval2_o     (retire_tval2),
    .retire_rd_we_o     (retire_rd_we),
    .retire_rd_o        (retire_rd),
    .retire_vd_mask_o   (retire_vd_mask),
    .vl_o               (vl),
    .vtype_o            (vtype),
    .vstart_o           (vstart),
    .vcsr_o             (vcsr),
    .mstatus_vs_o       (mstatus_vs),
    .vsstatus_vs_o      (vsstatus_vs),
    .xlat_valid_o       (xlat_valid),
    .xlat_vpn_o         (xlat_vpn),
    .xlat_store_o       (xlat_store),
    .xlat_ready_i       (xlat_ready),
    .xlat_fault_i       (xlat_fault),
    .xlat_cause_i       (xlat_cause),
    .xlat_ppn_i         (xlat_ppn),
    .xlat_gpn_i         (xlat_gpn),
    .axi_awid_o         (awid_o),
    .axi_awaddr_o       (awaddr_o),
    .axi_awlen_o        (awlen_o),
    .axi_awsize_o       (awsize_o),
    .axi_awburst_o      (awburst_o),
    .axi_awvalid_o      (awvalid_o),
    .axi_awready_i      (awready_i),
    .axi_wdata_o        (wdata_o),
    .axi_wstrb_o        (wstrb_o),
    .axi_wlast_o        (wlast_o),
    .axi_wvalid_o       (wvalid_o),
    .axi_wready_i       (wready_i),
    .axi_bid_i          (bid_i),
    .axi_bresp_i        (bresp_i),
    .axi_bvalid_i       (bvalid_i),
    .axi_bready_o       (bready_o),
    .axi_arid_o         (arid_o),
    .axi_araddr_o       (araddr_o),
    .axi_arlen_o        (arlen_o),
    .axi_arsize_o       (arsize_o),
    .axi_arburst_o      (arburst_o),
    .axi_arvalid_o      (arvalid_o),
    .axi_arready_i      (arready_i),
    .axi_rid_i          (rid_i),
    .axi_rdata_i        (rdata_i),
    .axi_rresp_i        (rresp_i),
    .axi_rlast_i        (rlast_i),
    .axi_rvalid_i       (rvalid_i),
    .axi_rready_o       (rready_o),
    .bus_err_o          (bus_err)
  );

  vctx_tb_xlat #(
    .Most(VLEN)
  ) u_xlat (
    .clk_i         (clk_i),
    .rst_ni        (rst_ni),
    .seed_i        ({seed_i[30:0], 1'b1}),
    .random_i      (cfg_i.random),
    .latency_i     (cfg_i.xlat),
    .page0_i       (s.page0),
    .page1_i       (s.page1),
    .pages_i       (s.pages),
    .push_i        (state == Idle && s.go != done && s.more),
    .push0_i       (s.page0),
    .push1_i       (s.page1),
    .push_pages_i  (s.pages),
    .accept_i      (offered && issue_ready && s.pages == MANY),
    .valid_i       (xlat_valid),
    .vpn_i         (xlat_vpn),
    .store_i       (xlat_store),
    .ready_o       (xlat_ready),
    .fault_o       (xlat_fault),
    .cause_o       (xlat_cause),
    .ppn_o         (xlat_ppn),
    .gpn_o         (xlat_gpn),
    .err_page_o    (xlat_err_page),
    .err_unstable_o(xlat_err_unstable)
  );

  vctx_tb_axi_check #(
    .DLEN(DLEN)
  ) u_check (
    .clk_i        (clk_i),
    .rst_ni       (rst_ni),
    .active_i     (live),
    .accept_i     (offered && issue_ready),
    .retire_i     (retire_valid),
    .grant_i      (xlat_ready && !xlat_fault),
    .grant_ppn_i  (xlat_ppn),
    .grant_store_i(xlat_store),
    .awaddr_i     (awaddr_o),
    .awlen_i      (awlen_o),
    .awsize_i     (awsize_o),
    .awburst_i    (awburst_o),
    .awvalid_i    (awvalid_o),
    .awready_i    (awready_i),
    .wdata_i      (wdata_o),
    .wstrb_i      (wstrb_o),
    .wlast_i      (wlast_o),
    .wvalid_i     (wvalid_o),
    .wready_i     (wready_i),
    .bvalid_i     (bvalid_i),
    .bready_i     (bready_o),
    .araddr_i     (araddr_o),
    .arlen_i      (arlen_o),
    .arsize_i     (arsize_o),
    .arburst_i    (arburst_o),
    .arvalid_i    (arvalid_o),
    .arready_i    (arready_i),
    .rlast_i      (rlast_i),
    .rvalid_i     (rvalid_i),
    .rready_i     (rready_o),
    .read_o       (read_push),
    .read_entry_o (read_entry),
    .write_o      (write_push),
    .write_entry_o(write_entry),
    .read_bursts_o(),
    .read_beats_o (read_beats),
    .write_beats_o(),
    .busy_o       (bus_busy),
    .errors_o     (bus_errors)
  );

  vctx_tb_log #(.Width(64), .Depth(Bursts)) u_reads (
    .clk_i  (!clk_i),
    .clear_i(state == Idle),
    .push_i (read_push),
    .entry_i(read_entry),
    .count_o(read_bursts),
    .full_o (read_full)
  );

  vctx_tb_log #(.Width(56 + DLEN / 8 + DLEN), .Depth(Beats)) u_writes (
    .clk_i  (!clk_i),
    .clear_i(state == Idle),
    .push_i (write_push),
    .entry_i(write_entry),
    .count_o(write_beats),
    .full_o (write_full)
  );

  always @(posedge clk_i) begin
    if (!rst_ni) begin
      state      <= Idle;
      done       <= s.go;
      timer      <= '0;
      own_errors <= '0;
      o          <= '0;
    end else begin
      if (xlat_err_page) own_errors[ERR_XLAT_PAGE] <= 1'b1;
      if (xlat_err_unstable) own_errors[ERR_XLAT_UNSTABLE] <= 1'b1;
      if (read_full || write_full) own_errors[ERR_LOG_FULL] <= 1'b1;
      if (bus_err) own_errors[ERR_BUS_ERR] <= 1'b1;
      if (retire_valid !== 1'b0 && !live) own_errors[ERR_SPURIOUS_RETIRE] <= 1'b1;

      case (state)
        Idle: begin
          timer <= '0;
          asked <= '0;
          read_beats_before <= read_beats;
          bus_busy_before <= bus_busy;
          if (s.go != done) state <= s.issue ? Offer : Copy;
          o.trap <= 1'b0;
          o.irq <= 1'b0;
          o.cause <= '0;
          o.tval <= '0;
          o.tval2 <= '0;
          o.rd_we <= 1'b0;
          o.rd <= '0;
          o.vd_mask <= '0;
          o.cycles <= '0;
        end
        Offer, Run: begin
          if (xlat_ready && asked < 32'(VLEN)) begin
            timer <= '0;
            asked <= asked + 32'd1;
          end else begin
            timer <= timer + 32'd1;
          end
          if (offered && issue_ready) begin
            state <= Run;
            o.cycles <= 32'd1;
          end else if (!offered) begin
            o.cycles <= o.cycles + 32'd1;
          end
          if (retire_valid) begin
            state <= Copy;
            o.trap <= retire_trap;
            o.irq <= retire_irq;
            o.cause <= retire_cause;
            o.tval <= retire_tval;
            o.tval2 <= retire_tval2;
            o.rd_we <= retire_rd_we;
            o.rd <= retire_rd;
            o.vd_mask <= retire_vd_mask;
            o.vl <= vl;
            o.vtype <= vtype;
            o.vstart <= vstart;
            o.vcsr <= vcsr;
            o.mstatus_vs <= mstatus_vs;
            o.vsstatus_vs <= vsstatus_vs;
            o.at <= $time;
          end else if (timer == (sick ? 32'(Grace) : 32'(Timeout))) begin
            own_errors[ERR_TIMEOUT] <= 1'b1;
            state <= Copy;
            o.at <= $time;
          end
        end
        Copy: begin  // the register file is copied at the end of this cycle, after the last write of the instruction
          state <= Compare;
          if (!s.issue) begin
            o.vl <= vl;
            o.vtype <= vtype;
            o.vstart <= vstart;
            o.vcsr <= vcsr;
            o.mstatus_vs <= mstatus_vs;
            o.vsstatus_vs <= vsstatus_vs;
            o.at <= $time;
          end
        end
        Compare: state <= Done;
        Done: begin  // obs is complete; Python wakes when done changes, after obs has settled
          state <= Idle;
          done  <= s.go;
        end
        default: state <= Idle;
      endcase
    end
  end

  // Everything in obs that the state machine does not hold itself is taken when it is complete.
  obs_t full;
  always @(negedge clk_i) begin
    if (state == Done) begin
      full             = o;
      full.changed     = changed;
      full.bus_busy    = bus_busy - bus_busy_before;
      full.read_bursts = read_bursts;
      full.read_beats  = 16'(read_beats - read_beats_before);
      full.write_beats = write_beats;
      full.errors      = own_errors | bus_errors;
      obs = full;
    end
  end

  vctx_tb_powerup #(
    .VLEN(VLEN),
    .DLEN(DLEN),
    .HasV(HasV)
  ) u_powerup ();

`ifdef VCTX_WAVES
  vctx_tb_view_regs #(
    .VLEN(VLEN),
    .DLEN(DLEN),
    .HasV(HasV)
  ) u_regs ();
`endif

  // What is compared is what the RAM banks really hold, not what a port claims was written. Only rows that changed are
  // copied: wide vectors are slow to touch on Icarus.
  if (HasV) begin : gen_probe
    localparam int Rows = 32 * VLEN / DLEN;
    for (genvar b = 0; b < DLEN / 64; b++) begin : gen_bank
      logic [63:0] held [Rows];
      logic [63:0] row;
      always @(posedge clk_i) begin
        if (state == Copy || !rst_ni) begin
          for (int r = 0; r < Rows; r++) begin
            row = u_dut.u_regfile.gen_bank[b].mem[r];
            if (row !== held[r]) begin
              held[r] = row;
              vregs[DLEN*r + 64*b +: 64] = row;
              changed[DLEN*r/VLEN] = rst_ni;  // what the storage happens to hold at first is nobody's change
            end
          end
        end
      end
    end

    logic [31:0] written;
    int          lowest;
    always @(posedge clk_i) begin
      if (state == Idle) changed = '0;
      written = o.vd_mask | changed;
      if (state == Compare && written != '0) begin
        for (int r = 31; r >= 0; r--) if (written[r]) lowest = r;
        vd_first = vregs[VLEN*lowest +: VLEN];
        vd_group = vregs[VLEN*(lowest > 24 ? 24 : lowest) +: 8*VLEN];
      end
    end
  end else begin : gen_no_probe
    initial begin
      changed = '0;
      vregs = '0;
      vd_first = '0;
      vd_group = '0;
    end
  end

endmodule

`default_nettype wire
