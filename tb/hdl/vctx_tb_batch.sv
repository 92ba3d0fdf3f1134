// Testbench top of a batch replay: reads a stream of records, hands them to NumHarts harts around one RAM, and writes
// what the harts did. No Python runs in the simulator.
//
// Plus arguments name the files: stim (in), obs, vregs, reads, writes (out). Pipes will do: REC_FLUSH marks the points at
// which the other side has all that it needs to go on.

`default_nettype none

module vctx_tb_batch import vctx_tb_pkg::*; #(
  parameter int VLEN     = 256,
  parameter int DLEN     = 128,
  parameter bit HasV     = 1,
  parameter int NumHarts = 1,
  parameter int RamBytes = 1 << 20  // capacity, a power of two; cfg.ram_size says how much of it exists
);

  localparam int StrbW = DLEN / 8;
  localparam int PokeW = $bits(poke_t);
  localparam int Depth = 16;  // entries in a hart's queue

  logic clk = 1'b0;
  always #5 clk = !clk;

  logic rst_n = 1'b0;
  cfg_t c;

  logic [NumHarts*56-1:0]    read_addr, write_addr;
  logic [NumHarts*DLEN-1:0]  read_data, write_data;
  logic [NumHarts*StrbW-1:0] write_strb;
  logic [NumHarts-1:0]       write, take, idle, dead;
  logic [NumHarts*PokeW-1:0] store;
  logic [31:0] obs_file, vregs_file, reads_file, writes_file;

  // Queues: written by the reader at the falling edge, read by the harts at the rising one.
  entry_t      queue [NumHarts*Depth];
  logic [31:0] tail [NumHarts];
  logic [31:0] head [NumHarts];

  for (genvar h = 0; h < NumHarts; h++) begin : gen_hart
    logic [3:0]      awid, bid, arid, rid;
    logic [55:0]     awaddr, araddr;
    logic [7:0]      awlen, arlen;
    logic [2:0]      awsize, arsize;
    logic [1:0]      awburst, arburst, bresp, rresp;
    logic            awvalid, awready, wlast, wvalid, wready, bvalid, bready;
    logic            arvalid, arready, rlast, rvalid, rready;
    logic [DLEN-1:0] rdata;
    logic [31:0]     seed;

    // Distinct and never 0, which is what xorshift needs.
    assign seed = xorshift((c.seed ^ 32'(h << 24)) | 32'd1);

    always @(posedge clk) head[h] <= rst_n ? head[h] + 32'(take[h]) : 0;

    vctx_tb_batch_hart #(
      .VLEN  (VLEN),
      .DLEN  (DLEN),
      .HasV  (HasV),
      .Number(h)
    ) u_hart (
      .clk_i        (clk),
      .rst_ni       (rst_n),
      .cfg_i        (c),
      .seed_i       (seed),
      .valid_i      (head[h] != tail[h]),
      .entry_i      (queue[Depth*h + head[h]%Depth]),
      .take_o       (take[h]),
      .idle_o       (idle[h]),
      .dead_o       (dead[h]),
      .obs_file_i   (obs_file),
      .vregs_file_i (vregs_file),
      .reads_file_i (reads_file),
      .writes_file_i(writes_file),
      .store_o      (store[PokeW*h +: PokeW]),
      .axi_awid_o   (awid),
      .axi_awaddr_o (awaddr),
      .axi_awlen_o  (awlen),
      .axi_awsize_o (awsize),
      .axi_awburst_o(awburst),
      .axi_awvalid_o(awvalid),
      .axi_awready_i(awready),
      .axi_wdata_o  (write_data[DLEN*h +: DLEN]),
      .axi_wstrb_o  (write_strb[StrbW*h +: StrbW]),
      .axi_wlast_o  (wlast),
      .axi_wvalid_o (wvalid),
      .axi_wready_i (wready),
      .axi_bid_i    (bid),
      .axi_bresp_i  (bresp),
      .axi_bvalid_i (bvalid),
      .axi_bready_o (bready),
      .axi_arid_o   (arid),
      .axi_araddr_o (araddr),
      .axi_arlen_o  (arlen),
      .axi_arsize_o (arsize),
      .axi_arburst_o(arburst),
      .axi_arvalid_o(arvalid),
      .axi_arready_i(arready),
      .axi_rid_i    (rid),
      .axi_rdata_i  (rdata),
      .axi_rresp_i  (rresp),
      .axi_rlast_i  (rlast),
      .axi_rvalid_i (rvalid),
      .axi_rready_o (rready)
    );

    vctx_tb_axi_port #(.DLEN(DLEN)) u_port (
      .clk_i       (clk),
      .rst_ni      (rst_n),
      .cfg_i       (c),
      .seed_i      (seed),
      .awid_i      (awid),
      .awaddr_i    (awaddr),
      .awlen_i     (awlen),
      .awvalid_i   (awvalid),
      .awready_o   (awready),
      .wvalid_i    (wvalid),
      .wready_o    (wready),
      .bid_o       (bid),
      .bresp_o     (bresp),
      .bvalid_o    (bvalid),
      .bready_i    (bready),
      .arid_i      (arid),
      .araddr_i    (araddr),
      .arlen_i     (arlen),
      .arvalid_i   (arvalid),
      .arready_o   (arready),
      .rid_o       (rid),
      .rdata_o     (rdata),
      .rresp_o     (rresp),
      .rlast_o     (rlast),
      .rvalid_o    (rvalid),
      .rready_i    (rready),
      .read_addr_o (read_addr[56*h +: 56]),
      .read_data_i (read_data[DLEN*h +: DLEN]),
      .write_addr_o(write_addr[56*h +: 56]),
      .write_o     (write[h])
    );
  end

  logic dump_go = 1'b0;
  logic dump_done;

  vctx_tb_ram #(
    .DLEN    (DLEN),
    .NumHarts(NumHarts),
    .RamBytes(RamBytes)
  ) u_ram (
    .clk_i       (clk),
    .cfg_i       (c),
    .read_addr_i (read_addr),
    .read_data_o (read_data),
    .write_i     (write),
    .write_addr_i(write_addr),
    .write_data_i(write_data),
    .write_strb_i(write_strb),
    .store_i     (store),
    .poke_i      ({POKES*PokeW{1'b0}}),
    .poke_go_i   (1'b0),
    .poke_done_o (),
    .dump_go_i   (dump_go),
    .dump_done_o (dump_done)
  );

  // The reader: fills the queues until one is full or all must drain.
  int          stim_file, got;
  string       name;
  logic [255:0] rec;
  logic        held, more, drained;  // held: rec is still to be delivered
  logic [7:0]  kind;
  int          target;
  rec_config_t config_rec;
  rec_page_t   page_rec;
  page_t       page, page0, page1;

  function automatic int open_file(input string plusarg, input string mode);
    string path;
    if (!$value$plusargs(plusarg, path)) path = "";
    open_file = $fopen(path, mode);
    if (open_file == 0) $fatal(1, "cannot open %s of %s", path, plusarg);
  endfunction

  task automatic flush;
    $fflush(obs_file);
    $fflush(vregs_file);
    $fflush(reads_file);
    $fflush(writes_file);
  endtask

  initial begin
    stim_file = open_file("stim=%s", "rb");
    obs_file = open_file("obs=%s", "wb");
    vregs_file = open_file("vregs=%s", "wb");
    reads_file = open_file("reads=%s", "wb");
    writes_file = open_file("writes=%s", "wb");
    for (int h = 0; h < NumHarts; h++) tail[h] = 0;
    got = $fread(rec, stim_file);
    config_rec = rec;
    c = {config_rec.ram_base[55:0], config_rec.ram_size[55:0], config_rec.fill, config_rec.is_random[0],
         config_rec.latency, config_rec.stall, config_rec.xlat, config_rec.seed[31:0]};
    held = 1'b0;
    #42 rst_n = 1'b1;
  end

  always @(negedge clk) begin
    more = rst_n;
    while (more) begin
      if (!held) begin
        got = $fread(rec, stim_file);
        if (got != 32) $finish;  // the other side is gone
        held = 1'b1;
      end
      kind = rec[255:248];
      target = 32'(rec[247:240]);
      case (32'(kind))
        REC_PAGE: begin
          page_rec = rec;
          page = {page_rec.vpn[51:0], page_rec.ppn[43:0], page_rec.fault[5:0], page_rec.gpn[51:0]};
          if (page_rec.which[0]) page1 = page;
          else page0 = page;
          held = 1'b0;
        end
        REC_INSN, REC_STORE, REC_CHECKPOINT: begin
          more = tail[target] - head[target] != Depth;
          if (more) begin
            queue[Depth*target + tail[target]%Depth] = {page1, page0, rec};
            tail[target] = tail[target] + 1;
            held = 1'b0;
          end
        end
        default: begin
          more = 1'b0;
          drained = &idle;
          for (int h = 0; h < NumHarts; h++) drained = drained && head[h] == tail[h];
          if (drained) begin
            if (32'(kind) == REC_FLUSH) flush;
            if (32'(kind) == REC_END) dump_go = 1'b1;
            held = 1'b0;
            more = 32'(kind) == REC_SYNC;
            if (32'(kind) == REC_END) held = 1'b1;
          end
        end
      endcase
    end
    if (dump_go == 1'b1 && dump_done == 1'b1 || dead != '0) begin
      flush;
      $finish;
    end
  end

endmodule

`default_nettype wire
