// SPDX-License-Identifier: Apache-2.0
// A CSR file as other cores have it: whole status registers, masks for their views, SD made when it is read.
// It stands for somebody's own, and has six faults to be switched on, each of which some core had:
//
//   FAULT_SD             SD ignores VS                                             (B-12)
//   FAULT_SSTATUS_MASK   VS is missing from the masks of sstatus                   (B-3)
//   FAULT_ELSEWHERE      with V=1, sstatus is storage of its own, not vsstatus     (B-4)
//   FAULT_VS_DIRTY       with V=1, vsstatus.VS does not become Dirty               (B-13)
//   FAULT_VS_CHECK       with V=1, vsstatus.VS is not checked                      (A-3)
//   FAULT_TRAP_WRITES    a CSR write that traps takes effect all the same          (F-7)

`default_nettype none

module csr_file (
  input  logic        clk,
  input  logic        rst_n,
  // access
  input  logic        valid,
  input  logic [11:0] addr,
  input  logic [1:0]  op,      // 0 read, 1 write, 2 set, 3 clear
  input  logic [63:0] operand,
  input  logic [1:0]  prv,
  input  logic        v,
  output logic [63:0] value,
  output logic        exception,
  output logic        virtual_exception,
  // vector unit
  input  logic        dirty,
  input  logic        dirty_v,
  output logic        vector_on,
  // floating point, which is kept elsewhere
  input  logic        fs_dirty,
  input  logic        vsfs_dirty,
  // for the trace
  output logic [1:0]  mstatus_vs,
  output logic [1:0]  vsstatus_vs
);

  localparam logic [63:0] VsMask = 64'h600;
`ifdef FAULT_SSTATUS_MASK
  localparam logic [63:0] SstatusMask = ~VsMask;
`else
  localparam logic [63:0] SstatusMask = '1;
`endif

  logic [63:0] mstatus_q, vsstatus_q;

  // Which register an address reaches
  localparam logic [1:0] Mstatus = 2'd0, Vsstatus = 2'd1;
  logic       is_sstatus;
  logic [1:0] target;
  assign is_sstatus = addr == 12'h100;
`ifdef FAULT_ELSEWHERE
  localparam logic [1:0] Elsewhere = 2'd2;
  logic [63:0] elsewhere_q;
  assign target = (addr == 12'h200) ? Vsstatus : (is_sstatus && v) ? Elsewhere : Mstatus;
`else
  assign target = (addr == 12'h200 || (is_sstatus && v)) ? Vsstatus : Mstatus;
`endif

  // Privilege: address bits 9:8
  logic reaches;
  assign reaches = (prv == 2'd3) || (addr[9:8] == 2'd1 && prv != 2'd0) || (addr[9:8] == 2'd2 && prv != 2'd0 && !v);
  assign exception         = !reaches;
  assign virtual_exception = !reaches && v && addr[9:8] != 2'd3;

  // Read
  logic [63:0] stored, mask;
  logic        sd, fp_dirty;
`ifdef FAULT_ELSEWHERE
  assign stored = (target == Elsewhere) ? elsewhere_q : (target == Vsstatus) ? vsstatus_q : mstatus_q;
`else
  assign stored = (target == Vsstatus) ? vsstatus_q : mstatus_q;
`endif
  assign fp_dirty = (target == Mstatus) ? fs_dirty : vsfs_dirty;
`ifdef FAULT_SD
  assign sd = fp_dirty;
`else
  assign sd = fp_dirty || stored[10:9] == 2'd3;
`endif
  assign mask  = is_sstatus ? SstatusMask : '1;
  assign value = {sd, 63'(stored & VsMask & mask)};

  // Write
  logic        writes;
  logic [63:0] wanted, next;
`ifdef FAULT_TRAP_WRITES
  assign writes = valid && op != 2'd0;
`else
  assign writes = valid && op != 2'd0 && !exception;
`endif
  assign wanted = (op == 2'd1) ? operand : (op == 2'd2) ? (value | operand) : (value & ~operand);
  assign next   = (stored & ~mask) | (wanted & mask & VsMask);

  always_ff @(posedge clk or negedge rst_n) begin
    if (!rst_n) begin
      mstatus_q  <= '0;
      vsstatus_q <= '0;
    end else begin
      if (writes && target == Mstatus) mstatus_q <= next;
      if (writes && target == Vsstatus) vsstatus_q <= next;
      if (dirty) mstatus_q[10:9] <= 2'd3;
`ifndef FAULT_VS_DIRTY
      if (dirty && dirty_v) vsstatus_q[10:9] <= 2'd3;
`endif
    end
  end
`ifdef FAULT_ELSEWHERE
  always_ff @(posedge clk or negedge rst_n) begin
    if (!rst_n) elsewhere_q <= '0;
    else if (writes && target == Elsewhere) elsewhere_q <= next;
  end
`endif

`ifdef FAULT_VS_CHECK
  assign vector_on = mstatus_q[10:9] != 2'd0;
`else
  assign vector_on = mstatus_q[10:9] != 2'd0 && (!v || vsstatus_q[10:9] != 2'd0);
`endif
  assign mstatus_vs  = mstatus_q[10:9];
  assign vsstatus_vs = vsstatus_q[10:9];

endmodule

`default_nettype wire
