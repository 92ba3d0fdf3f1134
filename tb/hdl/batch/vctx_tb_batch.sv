// SPDX-License-Identifier: Apache-2.0
// Testbench of a batch replay: reads a stream of records, hands them to NumHarts harts around one RAM, and writes what
// the harts did. A coroutine of cocotb (tb/replay/batch/replay.py) leads it by the signals below, a chunk of records at a
// time; no Python runs in between. On Verilator only these signals are left: main.cpp does the rest, the same in every cycle.
//
// A hart with nothing to do sleeps: its time stands still, and it costs nothing to simulate.

`default_nettype none

module vctx_tb_batch #(
  parameter int VLEN     = 256,
  parameter int DLEN     = 128,
  parameter bit HasV     = 1,
  parameter int NumHarts = 1,
  parameter int RamBytes = 1 << 20  // capacity, a power of two; cfg.ram_size says how much of it exists
);

  // What the coroutine sets. `files` are descriptors of this process, open already, each used from its start: the stimulus,
  // which ends with REC_FLUSH, REC_END or REC_STOP, then obs, vregs, reads and writes, which hold what a chunk wrote when it
  // is done.
  logic             go      /* verilator public_flat_rw */ = 1'b0;  // a change: the files of the next chunk are there
  logic [5*32-1:0]  files   /* verilator public_flat_rw */;
  logic [63:0]      watched /* verilator public_flat_rw */ = '1;    // number of a record
  logic             waves   /* verilator public_flat_rw */ = 1'b0;  // dump all signals from now on, to +dumpfile_path=FILE
  // What it waits for.
  logic [31:0]      chunks  /* verilator public_flat_rw */ = '0;    // done so far
  logic             over    /* verilator public_flat_rw */ = 1'b0;  // this was the last one; a hart may have given up
  logic             reached /* verilator public_flat_rw */ = 1'b0;  // the record that is watched comes next
  logic [63:0]      records /* verilator public_flat_rw */ = '0;    // read so far, behind the first

`ifndef VERILATOR

  import vctx_tb_pkg::*;
  import vctx_tb_stream_pkg::*;

  localparam int StrbW = DLEN / 8;
  localparam int IdxW = $clog2(RamBytes / 8);

  logic clk = 1'b0;

  logic                rst_n;
  logic [REC_BITS-1:0] config_rec;
  cfg_t                c;
  assign c = cfg_of(config_rec);

  logic [NumHarts*56-1:0]    read_addr, write_addr;
  logic [NumHarts*DLEN-1:0]  read_data, write_data;
  logic [NumHarts*StrbW-1:0] write_strb;
  logic [NumHarts-1:0]       write, take, idle, dead, awake;
  logic [NumHarts-1:0]       finished, done;  // a hart has done all that it was given: at the start of a cycle, now
  logic [31:0] obs_file, vregs_file, reads_file, writes_file;

  // Queues: written by the reader at the falling edge, read by the harts at the rising one.
  logic [REC_BITS-1:0] queue [NumHarts*QueueDepth];
  logic [31:0] tail [NumHarts];
  logic [31:0] head [NumHarts];

  for (genvar h = 0; h < NumHarts; h++) begin : gen_hart
    logic hart_clk;
    assign hart_clk = clk && awake[h];
    assign finished[h] = idle[h] && head[h] == tail[h];

    always @(posedge hart_clk) if (!rst_n || take[h]) head[h] <= rst_n ? head[h] + 32'd1 : '0;

    vctx_tb_batch_hart #(
      .VLEN(VLEN),
      .DLEN(DLEN),
      .HasV(HasV)
    ) vctx_tb_batch_hart (  // as Verilator calls the top of a model
      .clk_i        (hart_clk),
      .rst_ni       (rst_n),
      .number_i     (8'(h)),
      .config_i     (config_rec),
      .valid_i      (head[h] != tail[h]),
      .rec_i        (queue[QueueDepth*h + head[h]%QueueDepth]),
      .take_o       (take[h]),
      .idle_o       (idle[h]),
      .dead_o       (dead[h]),
      .read_addr_o  (read_addr[56*h +: 56]),
      .read_data_i  (read_data[DLEN*h +: DLEN]),
      .write_o      (write[h]),
      .write_addr_o (write_addr[56*h +: 56]),
      .write_data_o (write_data[DLEN*h +: DLEN]),
      .write_strb_o (write_strb[StrbW*h +: StrbW]),
      .obs_file_i   (obs_file),
      .vregs_file_i (vregs_file),
      .reads_file_i (reads_file),
      .writes_file_i(writes_file)
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
    .rst_ni      (rst_n),
    .cfg_i       (c),
    .read_addr_i (read_addr),
    .read_data_o (read_data),
    .write_i     (write),
    .write_addr_i(write_addr),
    .write_data_i(write_data),
    .write_strb_i(write_strb),
    .poke_i      ({POKES*$bits(poke_t){1'b0}}),
    .poke_go_i   (1'b0),
    .poke_done_o (),
    .dump_go_i   (dump_go),
    .dump_done_o (dump_done)
  );

  // The reader, at the falling edge: fills the queues until one is full or somebody must finish first.
  int                  stim_file, resets;
  logic                went;              // go at the start of this chunk
  logic                busy;              // with a chunk
  string               wave_file;
  logic [REC_BITS-1:0] rec;
  bit                  got;
  logic                held, more, drained;  // held: rec is still to be delivered
  int                  kind, target;      // of rec
  rec_store_t          store_rec;
  logic [31:0]         strb;
  logic [255:0]        data;
  logic [55:0]         offset;
  logic                ending;
  int                  rest [NumHarts];  // cycles without work

  task automatic begin_chunk;
    went = go;
    stim_file = $fopen($sformatf("/dev/fd/%0d", files[0 +: 32]), "rb");
    obs_file = $fopen($sformatf("/dev/fd/%0d", files[32 +: 32]), "wb");
    vregs_file = $fopen($sformatf("/dev/fd/%0d", files[64 +: 32]), "wb");
    reads_file = $fopen($sformatf("/dev/fd/%0d", files[96 +: 32]), "wb");
    writes_file = $fopen($sformatf("/dev/fd/%0d", files[128 +: 32]), "wb");
    if (stim_file == 0 || obs_file == 0 || vregs_file == 0 || reads_file == 0 || writes_file == 0) begin
      $fatal(1, "cannot open the files of a chunk");
    end
    busy = 1'b1;
  endtask

  task automatic end_chunk;
    $fclose(stim_file);
    $fclose(obs_file);
    $fclose(vregs_file);
    $fclose(reads_file);
    $fclose(writes_file);
    busy = 1'b0;
    chunks = chunks + 32'd1;
  endtask

  task automatic read_record;
    got = $fread(rec, stim_file) == REC_BITS / 8;
  endtask

  initial begin
    if (!$value$plusargs("dumpfile_path=%s", wave_file)) wave_file = "dump";
    held = 1'b0;
    rst_n = 1'b0;
    ending = 1'b0;
    resets = 0;
    awake = '1;
    for (int h = 0; h < NumHarts; h++) begin
      tail[h] = 0;
      rest[h] = 0;
    end
    @(go);
    begin_chunk;
    read_record;  // the first one says how the testbench is set up
    config_rec = rec;
    while (!over) #5 clk = !clk;
  end

  always @(posedge waves) begin
    $dumpfile(wave_file);
    $dumpvars;
  end

  always @(negedge clk) begin
    done = finished;
    if (!busy && go != went) begin_chunk;
    more = rst_n && busy;
    while (more) begin
      if (!held) begin
        if (records == watched) reached = 1'b1;
        read_record;
        records = records + 1;
        kind = got ? 32'(rec[REC_BITS-1 -: 8]) : REC_STOP;
        target = 32'(rec[REC_BITS-9 -: 8]);
      end
      case (kind)
        REC_INSN, REC_PAGES, REC_CHECKPOINT: begin
          more = tail[target] - head[target] != QueueDepth;
          if (more) begin
            queue[QueueDepth*target + tail[target]%QueueDepth] = rec;
            tail[target] = tail[target] + 1;
            done[target] = 1'b0;
          end
          held = !more;
        end
        REC_STORE: begin
          more = done[target];
          if (more) begin
            store_rec = rec;
            strb = store_rec.strb;
            data = store_rec.data;
            offset = store_rec.addr[55:0] - c.ram_base;
            for (int i = 0; i < 4; i++) begin
              if (strb[8*i +: 8] != 8'd0) begin
                u_ram.write_word(offset[3 +: IdxW] + IdxW'(i), data[64*i +: 64], strb[8*i +: 8]);
              end
            end
          end
          held = !more;
        end
        default: begin
          drained = &done;
          if (drained && kind == REC_FLUSH) end_chunk;
          if (drained && kind == REC_STOP) ending = 1'b1;
          if (drained && kind == REC_END) dump_go = 1'b1;
          more = drained && kind == REC_SYNC;
          held = !drained || kind == REC_END || kind == REC_STOP;
        end
      endcase
    end

    for (int h = 0; h < NumHarts; h++) begin
      if (!rst_n || !done[h]) begin
        rest[h] = 0;
        awake[h] = 1'b1;
      end else if (awake[h]) begin
        rest[h] = rest[h] + 1;
        awake[h] = rest[h] != Drowsy;
      end
    end

    resets = resets + 1;
    if (resets == ResetCycles) rst_n = 1'b1;
    if (dump_go == 1'b1 && dump_done == 1'b1 || ending) begin
      over = 1'b1;
      if (busy) end_chunk;
    end
    if (rst_n && dead != '0) ending = 1'b1;  // one cycle later, when the last observation has been written too
  end

`endif

endmodule

`default_nettype wire
