// One hart of a batch replay: issues what its queue holds as fast as the block takes it, and writes one observation for
// each instruction that retires. Every check of vctx_tb_hart is made here too, on the same modules.

`default_nettype none

module vctx_tb_batch_hart import vctx_tb_pkg::*; import vctx_tb_io_pkg::*; #(
  parameter int VLEN = 256,
  parameter int DLEN = 128,
  parameter bit HasV = 1,
  parameter int Number = 0
) (
  input  logic              clk_i,
  input  logic              rst_ni,
  input  cfg_t              cfg_i,
  input  logic [31:0]       seed_i,
  // head of the queue: INSN or CHECKPOINT
  input  logic              valid_i,
  input  logic [REC_BITS-1:0] rec_i,
  output logic              take_o,
  output logic              idle_o,        // nothing is on offer, in flight or unwritten
  output logic              dead_o,        // an instruction hangs, or none was there to retire
  // files
  input  logic [31:0]       obs_file_i,
  input  logic [31:0]       vregs_file_i,
  input  logic [31:0]       reads_file_i,
  input  logic [31:0]       writes_file_i,
  // AXI manager of the block
  output logic [3:0]        axi_awid_o,
  output logic [55:0]       axi_awaddr_o,
  output logic [7:0]        axi_awlen_o,
  output logic [2:0]        axi_awsize_o,
  output logic [1:0]        axi_awburst_o,
  output logic              axi_awvalid_o,
  input  logic              axi_awready_i,
  output logic [DLEN-1:0]   axi_wdata_o,
  output logic [DLEN/8-1:0] axi_wstrb_o,
  output logic              axi_wlast_o,
  output logic              axi_wvalid_o,
  input  logic              axi_wready_i,
  input  logic [3:0]        axi_bid_i,
  input  logic [1:0]        axi_bresp_i,
  input  logic              axi_bvalid_i,
  output logic              axi_bready_o,
  output logic [3:0]        axi_arid_o,
  output logic [55:0]       axi_araddr_o,
  output logic [7:0]        axi_arlen_o,
  output logic [2:0]        axi_arsize_o,
  output logic [1:0]        axi_arburst_o,
  output logic              axi_arvalid_o,
  input  logic              axi_arready_i,
  input  logic [3:0]        axi_rid_i,
  input  logic [DLEN-1:0]   axi_rdata_i,
  input  logic [1:0]        axi_rresp_i,
  input  logic              axi_rlast_i,
  input  logic              axi_rvalid_i,
  output logic              axi_rready_o
);

  localparam int Timeout = 50000;  // cycles without retirement that count as a hang,
  localparam int Grace = 1000;     // and once an error is known
  localparam int StrbBits = DLEN < 512 ? 64 : DLEN / 8;  // in the file
  localparam int Flight = 8;       // instructions between issue and retirement

  // Issue port and its instruction
  logic        offered;
  rec_insn_t   head, insn;   // the queue's, and the one on offer
  page_t       page0, page1;  // of the youngest accepted instruction
  logic [1:0]  pages;

  logic        issue_valid_i, issue_ready_o, issue_virt_i, issue_fs_dirty_i, issue_vsfs_dirty_i;
  logic [31:0] issue_insn_i;
  logic [63:0] issue_rs1_i, issue_rs2_i;
  logic [1:0]  issue_prv_i;
  logic        irq_valid_i;
  logic [12:0] irq_elem_i;
  logic        retire_valid_o, retire_trap_o, retire_irq_o, retire_rd_we_o;
  logic [5:0]  retire_cause_o;
  logic [63:0] retire_tval_o, retire_tval2_o, retire_rd_o, vl_o, vtype_o, vstart_o;
  logic [31:0] retire_vd_mask_o;
  logic [2:0]  vcsr_o;
  logic [1:0]  mstatus_vs_o, vsstatus_vs_o;
  logic        xlat_valid_o, xlat_store_o, xlat_ready_i, xlat_fault_i;
  logic [51:0] xlat_vpn_o, xlat_gpn_i;
  logic [5:0]  xlat_cause_i;
  logic [43:0] xlat_ppn_i;
  logic [31:0] flying;  // instructions between issue and retirement
  logic        bus_err_o, xlat_err_page, xlat_err_unstable, accept;

  function automatic page_t page_of(input logic [63:0] vpn, input logic [7:0] fault, input logic [63:0] target);
    page_of = {vpn[51:0], fault == 8'd0 ? target[43:0] : 44'd0, fault[5:0], fault == 8'd0 ? 52'd0 : target[51:0]};
  endfunction

  assign head   = rec_i;
  assign accept = offered && issue_ready_o;

  // Inputs are undefined wherever the contract says that they do not count.
  assign issue_valid_i      = offered;
  assign issue_insn_i       = offered ? insn.insn : 'x;
  assign issue_rs1_i        = offered ? insn.rs1 : 'x;
  assign issue_rs2_i        = offered ? insn.rs2 : 'x;
  assign issue_prv_i        = offered ? insn.prv[1:0] : 'x;
  assign issue_virt_i       = offered ? insn.flags[0] : 1'bx;
  assign issue_fs_dirty_i   = offered ? insn.flags[1] : 1'bx;
  assign issue_vsfs_dirty_i = offered ? insn.flags[2] : 1'bx;
  assign irq_valid_i        = offered ? insn.flags[3] : 1'bx;
  assign irq_elem_i         = offered && insn.flags[3] ? insn.irq_elem[12:0] : 'x;

  vctx #(
    .VLEN(VLEN),
    .DLEN(DLEN),
    .HasV(HasV)
  ) u_dut (.*);

  logic [31:0] bus_errors, read_bursts, read_beats, write_beats, bus_busy, own_errors;
  logic        read_push, write_push;
  logic [63:0] read_entry;
  logic [56+DLEN/8+DLEN-1:0] write_entry;

  vctx_tb_xlat u_xlat (
    .clk_i         (clk_i),
    .rst_ni        (rst_ni),
    .seed_i        ({seed_i[30:0], 1'b1}),
    .random_i      (cfg_i.random),
    .latency_i     (cfg_i.xlat),
    .page0_i       (page0),
    .page1_i       (page1),
    .pages_i       (pages),
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
    .active_i     (offered || flying != 0),
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

  always @(negedge clk_i) begin
    if (read_push) io_write(reads_file_i, 16, REC_BITS'({64'(Number), read_entry}));
    if (write_push) begin
      for (int i = 0; i < DLEN; i += REC_BITS) begin
        io_write(writes_file_i, (DLEN < REC_BITS ? DLEN : REC_BITS) / 8, REC_BITS'(write_entry[DLEN-1:0] >> i));
      end
      io_write(writes_file_i, StrbBits / 8, REC_BITS'(write_entry[DLEN +: DLEN/8]));
      io_write(writes_file_i, 8, REC_BITS'({8'(Number), write_entry[DLEN+DLEN/8 +: 56]}));
    end
  end

  // Feeding: instructions back to back; everything else waits until all before it has retired.
  logic quiet, is_insn, observe, captured;
  assign quiet   = !offered && flying == 0 && !observe && !captured;
  assign is_insn = head.kind == 8'(REC_INSN);
  assign take_o  = valid_i && !dead_o && (is_insn ? (!offered || accept) && flying < Flight - 1 : quiet);
  assign idle_o  = quiet;

  logic [31:0] now, last_retire, timer;
  logic [31:0] accepted_at [Flight];
  logic [31:0] oldest;
  rec_obs_t    o, full;

  // What ends a cycle with an observation: a retirement, one that nobody expects, a checkpoint, or a block that hangs.
  logic retires, stray, hung, seen;
  assign retires = retire_valid_o === 1'b1 && flying != 0;
  assign stray   = retire_valid_o !== 1'b0 && flying == 0 && !offered;
  assign hung    = (offered || flying != 0) && !retires && !observe &&
                   timer == ((own_errors | bus_errors) != '0 ? 32'(Grace) : 32'(Timeout));
  assign seen    = rst_ni && (retires || stray || observe || hung);

  always @(posedge clk_i) begin
    observe  <= 1'b0;
    captured <= seen;
    now      <= now + 32'd1;
    if (!rst_ni) begin
      offered     <= 1'b0;
      flying      <= 0;
      oldest      <= 0;
      pages       <= '0;
      now         <= '0;
      last_retire <= '0;
      timer       <= '0;
      own_errors  <= '0;
      dead_o      <= 1'b0;
    end else begin
      if (xlat_err_page) own_errors[ERR_XLAT_PAGE] <= 1'b1;
      if (xlat_err_unstable) own_errors[ERR_XLAT_UNSTABLE] <= 1'b1;
      if (bus_err_o) own_errors[ERR_BUS_ERR] <= 1'b1;

      if (accept) begin
        offered <= 1'b0;
        pages <= insn.flags[5:4];
        page0 <= page_of(insn.vpn0, insn.fault0, insn.target0);
        page1 <= page_of(insn.vpn1, insn.fault1, insn.target1);
        accepted_at[(oldest + flying) % Flight] <= now;
      end
      if (take_o && is_insn) begin
        offered <= 1'b1;
        insn <= head;
      end
      if (take_o && !is_insn) observe <= 1'b1;

      if (accept != retires) flying <= flying + 32'(accept) - 32'(retires);
      if (stray) own_errors[ERR_SPURIOUS_RETIRE] <= 1'b1;
      if (hung) own_errors[ERR_TIMEOUT] <= 1'b1;
      if (stray || hung) dead_o <= 1'b1;
      if (retires) begin
        oldest <= (oldest + 1) % Flight;
        last_retire <= now;
        timer <= '0;
      end else if (offered || flying != 0) begin
        timer <= timer + 32'd1;
      end
    end
    if (seen) begin
      o.hart        <= 8'(Number);
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
      o.bus_busy    <= bus_busy;
      o.read_bursts <= read_bursts;
      o.read_beats  <= read_beats;
      o.write_beats <= write_beats;
    end
  end

  // Register file: which registers differ from the last observation, and what they hold now.
  logic [31:0]     fetch, changed;
  logic [VLEN-1:0] value;
  logic [63:0]     old [32*VLEN/64];
  if (HasV) begin : gen_probe
    localparam int Banks = DLEN / 64;
    localparam int RegRows = VLEN / DLEN;
    localparam int Rows = 32 * RegRows;
    logic [32*Banks-1:0] differs;  // by register, then by bank

    for (genvar b = 0; b < Banks; b++) begin : gen_bank
      always @(posedge clk_i) begin
        if (!rst_ni) begin  // what the storage happens to hold is nobody's change
          for (int r = 0; r < Rows; r++) old[r*Banks+b] = u_dut.u_regfile.gen_bank[b].mem[r];
        end else if (retire_valid_o || observe) begin
          for (int r = 0; r < 32; r++) differs[r*Banks+b] = 1'b0;
          for (int r = 0; r < Rows; r++) begin
            if (u_dut.u_regfile.gen_bank[b].mem[r] !== old[r*Banks+b]) begin
              old[r*Banks+b] = u_dut.u_regfile.gen_bank[b].mem[r];
              differs[(r/RegRows)*Banks+b] = 1'b1;
            end
          end
        end
      end
    end

    for (genvar r = 0; r < 32; r++) begin : gen_changed
      assign changed[r] = |differs[r*Banks +: Banks];
    end
  end else begin : gen_no_probe
    assign changed = '0;
  end

  int r, i;
  always @(negedge clk_i) begin
    if (captured) begin
      full         = o;
      full.changed = changed;
      full.errors  = own_errors | bus_errors;
      io_write(obs_file_i, REC_BITS / 8, full[REC_BITS-1:0]);
      io_write(obs_file_i, ($bits(full) - REC_BITS) / 8, REC_BITS'(full[$bits(full)-1:REC_BITS]));
      // The registers follow in the same process, so that both files have the same order of harts. Loop variables of its
      // own would let Icarus switch processes in between.
      fetch = changed | o.vd_mask;
      for (r = 0; r < 32; r++) begin
        if (fetch[r] !== 1'b0) begin
          for (i = 0; i < VLEN / 64; i++) value[64*i +: 64] = old[r*(VLEN/64)+i];
          for (i = 0; i < VLEN; i += REC_BITS) begin
            io_write(vregs_file_i, (VLEN < REC_BITS ? VLEN : REC_BITS) / 8, REC_BITS'(value >> i));
          end
        end
      end
    end
  end

endmodule

`default_nettype wire
