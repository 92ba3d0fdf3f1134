// SPDX-License-Identifier: Apache-2.0
// Layouts that cross the border between the testbench's HDL and Python. tb/replay/layout.py mirrors them, first member in the
// most significant bits; it checks every width against the simulator's before the first use.

`default_nettype none

package vctx_tb_pkg;

  // One answer of the translate port; fault 0 means that the page translates to ppn.
  typedef struct packed {
    logic [51:0] vpn;
    logic [43:0] ppn;
    logic [5:0]  fault;
    logic [51:0] gpn;
  } page_t;

  // What Python asks of a hart. A change of `go` starts it.
  typedef struct packed {
    page_t       page1;
    page_t       page0;
    logic [1:0]  pages;      // how many of page0, page1 are given; MANY: the table has them
    logic        irq_valid;
    logic [12:0] irq_elem;
    logic        vsfs_dirty;
    logic        fs_dirty;
    logic        virt;
    logic [1:0]  prv;
    logic [63:0] rs2;
    logic [63:0] rs1;
    logic [31:0] insn;
    logic        more;       // with issue = 0: page0 and page1 go to the table
    logic        issue;      // 0: issue nothing, only observe the state
    logic        go;
  } stim_t;

  localparam logic [1:0] MANY = 2'd3;  // pages of an instruction that has more than two

  // What a hart answers. Counters cover the instruction alone.
  typedef struct packed {
    logic        trap;
    logic        irq;
    logic [5:0]  cause;
    logic [63:0] tval;
    logic [63:0] tval2;
    logic        rd_we;
    logic [63:0] rd;
    logic [31:0] vd_mask;    // registers that the block says it wrote
    logic [31:0] changed;    // registers whose storage differs from what it held before
    logic [63:0] vl;
    logic [63:0] vtype;
    logic [63:0] vstart;
    logic [2:0]  vcsr;
    logic [1:0]  mstatus_vs;
    logic [1:0]  vsstatus_vs;
    logic [31:0] cycles;     // from the accepted issue to retire
    logic [31:0] bus_busy;   // of these, cycles with a burst under way
    logic [15:0] read_bursts;
    logic [15:0] read_beats;
    logic [15:0] write_beats;
    logic [31:0] errors;     // sticky, ERR_*
    logic [63:0] at;         // time of the retirement, in ns
  } obs_t;

  // Set once, before reset ends.
  typedef struct packed {
    logic [55:0] ram_base;   // bytes
    logic [55:0] ram_size;   // bytes
    logic [7:0]  fill;       // every byte of RAM that was never written
    logic        random;     // latencies are uniform in 0..latency instead of all equal to it
    logic [7:0]  latency;    // cycles from an accepted address to data, and from the last data to a write response
    logic [7:0]  stall;      // a ready, or a beat, is held back with probability stall/256
    logic [7:0]  xlat;       // latency of the translate port, as above
    logic [31:0] seed;
  } cfg_t;

  // One 8-byte write to RAM that does not come from a bus; addr is a multiple of 8.
  typedef struct packed {
    logic [55:0] addr;
    logic [7:0]  strb;
    logic [63:0] data;
  } poke_t;
  localparam int POKES = 16;  // writes in one request

  localparam int REC_BITS = 640;

  // Records of a batch replay: a stream of stimulus in, one observation an instruction out. tb/replay/batch/stimulus.py mirrors
  // them. Every record of the stimulus has 64 bytes and starts with its kind and its hart.
  localparam int REC_CONFIG = 0;      // first; cfg_t
  localparam int REC_INSN = 1;        // issue
  localparam int REC_STORE = 2;       // 32 bytes to RAM, after everything before on this hart has retired
  localparam int REC_CHECKPOINT = 3;  // observe all registers, after everything before on this hart has retired
  localparam int REC_SYNC = 4;        // all harts finish what came before
  localparam int REC_FLUSH = 5;       // the same, and the files are brought up to date
  localparam int REC_END = 6;         // the same, and the image of RAM is written
  localparam int REC_STOP = 7;        // the run ends here, and RAM does not matter; also where the stimulus has no end
  localparam int REC_PAGES = 8;       // pages of the instruction that follows, if it has more than two; rec_insn_t

  typedef struct packed {
    logic [7:0]   kind;
    logic [7:0]   harts;
    logic [7:0]   fill;
    logic [7:0]   is_random;
    logic [7:0]   latency;
    logic [7:0]   stall;
    logic [7:0]   xlat;
    logic [7:0]   pad;
    logic [63:0]  seed;
    logic [63:0]  ram_base;
    logic [63:0]  ram_size;
    logic [383:0] pad2;
  } rec_config_t;

  typedef struct packed {
    logic [7:0]  kind;
    logic [7:0]  hart;
    logic [7:0]  prv;
    logic [7:0]  flags;  // virt, fs_dirty, vsfs_dirty, irq_valid from bit 0; bits 5:4 number of pages, or MANY
    logic [15:0] irq_elem;
    logic [7:0]  fault0;
    logic [7:0]  fault1;
    logic [31:0] pad;
    logic [31:0] insn;
    logic [63:0] rs1;
    logic [63:0] rs2;
    logic [63:0] vpn0;
    logic [63:0] target0;  // page number: gpn if it faults, else ppn
    logic [63:0] vpn1;
    logic [63:0] target1;
    // For waves alone; see vctx_tb_view.sv.
    logic [63:0] pc;
    logic [31:0] at;           // position in the trace
    logic [15:0] in_function;
    logic [15:0] owner;
  } rec_insn_t;

  typedef struct packed {
    logic [7:0]   kind;
    logic [7:0]   hart;
    logic [15:0]  pad;
    logic [31:0]  strb;
    logic [63:0]  addr;  // a multiple of 32
    logic [255:0] data;
    logic [255:0] pad2;
  } rec_store_t;

  // Totals count from the start of the run to the cycle before the one of retire_valid.
  typedef struct packed {
    logic [63:0] at;           // time, in ns
    logic [31:0] errors;       // sticky, ERR_*
    logic [31:0] write_beats;  // total, of answered bursts
    logic [31:0] read_beats;   // total
    logic [31:0] read_bursts;  // total, finished
    logic [31:0] bus_busy;     // total
    logic [31:0] cycles;       // from the accepted issue, or the retirement before if that is later, to retire
    logic [31:0] changed;      // registers whose storage differs from what it held at the retirement before
    logic [31:0] vd_mask;      // registers that the block says it wrote
    logic [63:0] vstart;
    logic [63:0] vtype;
    logic [63:0] vl;
    logic [63:0] rd;
    logic [63:0] tval2;
    logic [63:0] tval;
    logic [7:0]  vsstatus_vs;
    logic [7:0]  mstatus_vs;
    logic [7:0]  vcsr;
    logic [7:0]  cause;
    logic [7:0]  rd_we;
    logic [7:0]  irq;
    logic [7:0]  trap;
    logic [7:0]  hart;
  } rec_obs_t;

  localparam int LOG_BEATS = 16;  // log entries in one chunk, which is the unit that Python reads

  // Bits of obs_t.errors.
  localparam int ERR_READ_4K = 0;
  localparam int ERR_WRITE_4K = 1;
  localparam int ERR_READ_SHAPE = 2;
  localparam int ERR_WRITE_SHAPE = 3;
  localparam int ERR_READ_UNSTABLE = 4;
  localparam int ERR_WRITE_UNSTABLE = 5;
  localparam int ERR_DATA_UNSTABLE = 6;
  localparam int ERR_WLAST = 7;
  localparam int ERR_DATA_NO_ADDR = 8;
  localparam int ERR_STRB = 9;
  localparam int ERR_READ_PAGE = 10;
  localparam int ERR_WRITE_PAGE = 11;
  localparam int ERR_UNFINISHED = 12;
  localparam int ERR_BUS_X = 13;
  localparam int ERR_XLAT_PAGE = 14;
  localparam int ERR_XLAT_UNSTABLE = 15;
  localparam int ERR_SPURIOUS_RETIRE = 16;
  localparam int ERR_TIMEOUT = 17;
  localparam int ERR_BUS_ERR = 18;
  localparam int ERR_LOG_FULL = 19;
  localparam int ERR_IDLE_BUS = 20;
  localparam int ERR_DATA_SHOWN = 21;

  // Marsaglia's xorshift32: the same sequence on every simulator. State 0 is its fixed point and must be avoided.
  function automatic logic [31:0] xorshift(input logic [31:0] state);
    logic [31:0] a;
    logic [31:0] b;
    a = state ^ (state << 13);
    b = a ^ (a >> 17);
    xorshift = b ^ (b << 5);
  endfunction

  // Distinct for each hart and never 0, which is what xorshift needs.
  function automatic logic [31:0] hart_seed(input logic [31:0] seed, input logic [7:0] hart);
    hart_seed = xorshift((seed ^ {hart, 24'd0}) | 32'd1);
  endfunction

  function automatic cfg_t cfg_of(input rec_config_t rec);
    cfg_of = {rec.ram_base[55:0], rec.ram_size[55:0], rec.fill, rec.is_random[0],
              rec.latency, rec.stall, rec.xlat, rec.seed[31:0]};
  endfunction

  function automatic page_t page_of(input logic [63:0] vpn, input logic [7:0] fault, input logic [63:0] target);
    page_of = {vpn[51:0], fault == 8'd0 ? target[43:0] : 44'd0, fault[5:0], fault == 8'd0 ? 52'd0 : target[51:0]};
  endfunction

endpackage

`default_nettype wire
