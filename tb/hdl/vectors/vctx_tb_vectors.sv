// SPDX-License-Identifier: Apache-2.0
// Replay without Python: reads the vectors that tb/replay/vectors.py makes of a trace, issues them one at a time, and ends
// with $fatal at the first one that the block answers otherwise. For simulators that somebody else starts, as FuseSoC
// does. One hart; vctx_tb_batch is the faster sibling whose answers Python compares.
//
// A line a step; the numbers are hexadecimal but for the event of the trace:
//   c VLEN CFG                                      first: the configuration, cfg_t
//   s POKE                                          8 bytes to RAM, as scalar code stored them: poke_t
//   p STIM                                          pages of the instruction that follows, if it has more than two
//   i EVENT STIM EXPECTED CARE REGISTERS VALUE...   issue; obs_t in the bits that count, and every register that is written
//   k EVENT STIM EXPECTED CARE REGISTERS VALUE...   observe the state and these registers, issue nothing
//   m ADDR DATA                                     8 bytes of RAM that at the end are not the fill pattern
//   e COUNT                                         the end, and how many steps of the kinds i and k there were

`default_nettype none

module vctx_tb_vectors import vctx_tb_pkg::*; #(
  parameter int VLEN     = 256,
  parameter int DLEN     = 128,
  parameter int RamBytes = 1 << 21  // a power of two
);

  localparam int Words = RamBytes / 8;
  localparam int ResetCycles = 4;

  vctx_tb #(
    .VLEN    (VLEN),
    .DLEN    (DLEN),
    .RamBytes(RamBytes)
  ) u_tb ();

  string               path;
  int                  file, got, steps, vlen, event_no;
  logic [7:0]          kind;
  cfg_t                cfg;
  poke_t               poke;
  stim_t               stim;
  obs_t                expected, care, seen, wrong;
  logic [31:0]         registers;
  logic [VLEN-1:0]     value;
  logic [63:0]         image [Words];  // what RAM must hold in the end
  logic [63:0]         held;
  logic [55:0]         addr;
  logic                differs;

  function automatic void show(input string field, input logic [63:0] want, input logic [63:0] have);
    $display("  %s: expected %h, observed %h", field, want, have);
  endfunction

  task automatic fail(input string what);
    $display("vectors: mismatch at event %0d: %s", event_no, what);
    $fatal(1, "the block departs from the trace");
  endtask

  task automatic fields;
    if (wrong.trap !== '0) show("trap", expected.trap, seen.trap);
    if (wrong.irq !== '0) show("irq", expected.irq, seen.irq);
    if (wrong.cause !== '0) show("cause", expected.cause, seen.cause);
    if (wrong.tval !== '0) show("tval", expected.tval, seen.tval);
    if (wrong.tval2 !== '0) show("tval2", expected.tval2, seen.tval2);
    if (wrong.rd_we !== '0) show("rd_we", expected.rd_we, seen.rd_we);
    if (wrong.rd !== '0) show("rd", expected.rd, seen.rd);
    if (wrong.vl !== '0) show("vl", expected.vl, seen.vl);
    if (wrong.vtype !== '0) show("vtype", expected.vtype, seen.vtype);
    if (wrong.vstart !== '0) show("vstart", expected.vstart, seen.vstart);
    if (wrong.vcsr !== '0) show("vcsr", expected.vcsr, seen.vcsr);
    if (wrong.mstatus_vs !== '0) show("mstatus_vs", expected.mstatus_vs, seen.mstatus_vs);
    if (wrong.vsstatus_vs !== '0) show("vsstatus_vs", expected.vsstatus_vs, seen.vsstatus_vs);
    if (wrong.errors !== '0) show("bus errors, a bit each", expected.errors, seen.errors);
  endtask

  // Hand stim over, and wait until the hart is done with it.
  task automatic hand_over;
    stim.go = !u_tb.gen_hart[0].u_hart.done;
    u_tb.gen_hart[0].u_hart.stim = stim;
    while (u_tb.gen_hart[0].u_hart.done !== stim.go) @(posedge u_tb.clk) #1;
  endtask

  // One instruction, or a look at the state.
  task automatic step;
    got = $fscanf(file, "%d %h %h %h %h", event_no, stim, expected, care, registers);
    hand_over;
    seen = u_tb.gen_hart[0].u_hart.obs;
    wrong = (seen ^ expected) & care;
    if (wrong !== '0) begin
      fields;
      fail($sformatf("instruction %h", stim.insn));
    end
    if (stim.issue && (seen.vd_mask | seen.changed) !== registers) begin
      fail($sformatf("registers %h are written, not %h", seen.vd_mask | seen.changed, registers));
    end
    for (int r = 0; r < 32; r++) begin
      if (registers[r]) begin
        got = $fscanf(file, "%h", value);
        if (u_tb.gen_hart[0].u_hart.vregs[VLEN*r +: VLEN] !== value) begin
          $display("  v%0d: expected %h, observed %h", r, value, u_tb.gen_hart[0].u_hart.vregs[VLEN*r +: VLEN]);
          fail($sformatf("instruction %h", stim.insn));
        end
      end
    end
    steps = steps + 1;
  endtask

  initial begin
    if (!$value$plusargs("vectors=%s", path)) path = "vectors.txt";
    file = $fopen(path, "r");
    if (file == 0) $fatal(1, "cannot open %s", path);
    got = $fscanf(file, " c %d %h", vlen, cfg);
    if (got != 2) $fatal(1, "%s holds no vectors", path);
    if (vlen != VLEN) $fatal(1, "%s is of VLEN %0d, this testbench of %0d", path, vlen, VLEN);
    if (cfg.ram_size > 56'(RamBytes)) $fatal(1, "%s needs RAM of %0d bytes", path, cfg.ram_size);
    for (int i = 0; i < Words; i++) image[i] = {8{cfg.fill}};
    steps = 0;
    u_tb.gen_hart[0].u_hart.stim = '0;
    u_tb.cfg = cfg;
    repeat (ResetCycles) @(negedge u_tb.clk);
    u_tb.rst_n = 1'b1;
    @(negedge u_tb.clk);

    kind = "?";
    while (kind != "e") begin
      if ($fscanf(file, " %c", kind) != 1) $fatal(1, "%s ends too early", path);
      case (kind)
        "s": begin
          got = $fscanf(file, "%h", poke);
          u_tb.poke = {{(POKES - 1) * $bits(poke_t) {1'b0}}, poke};
          u_tb.poke_go = !u_tb.poke_done;
          @(negedge u_tb.clk) #1;
        end
        "p": begin
          got = $fscanf(file, "%h", stim);
          hand_over;
        end
        "i", "k": step;
        "m": begin
          got = $fscanf(file, "%h %h", addr, held);
          image[(addr - cfg.ram_base) / 8] = held;
        end
        "e": begin
          got = $fscanf(file, "%d", event_no);
          if (got != 1 || event_no != steps) $fatal(1, "%s is not whole: %0d steps, not %0d", path, steps, event_no);
        end
        default: $fatal(1, "%s: unknown kind of step %s", path, kind);
      endcase
    end

    differs = 1'b0;
    for (int i = 0; i < Words; i++) begin
      held = u_tb.u_ram.written[i/512] ? u_tb.u_ram.mem[i] : {8{cfg.fill}};
      if (held !== image[i] && !differs) begin
        differs = 1'b1;
        show($sformatf("ram[%h]", cfg.ram_base + 56'(8 * i)), image[i], held);
      end
    end
    if (differs) fail("RAM at the end");
    $display("vectors: %0d steps agreed", steps);
    $finish;
  end

endmodule

`default_nettype wire
