// SPDX-License-Identifier: Apache-2.0
// The adapter: the ports of vctx_status (docs/rtl.md) on one side, a CSR file's own on the other.

`default_nettype none

module own_status (
  input  logic        clk_i,
  input  logic        rst_ni,
  input  logic [11:0] addr_i,
  input  logic [1:0]  op_i,
  input  logic [63:0] src_i,
  input  logic        writes_i,
  input  logic [1:0]  prv_i,
  input  logic        virt_i,
  input  logic        fs_dirty_i,
  input  logic        vsfs_dirty_i,
  output logic [63:0] rdata_o,
  output logic        trap_o,
  output logic [5:0]  cause_o,
  output logic        vs_on_o,
  input  logic        execute_i,
  input  logic        dirty_i,
  input  logic        dirty_virt_i,
  output logic [1:0]  mstatus_vs_o,
  output logic [1:0]  vsstatus_vs_o
);

  logic virtual_exception;
  assign cause_o = virtual_exception ? 6'd22 : 6'd2;

  csr_file u_csr_file (
    .clk               (clk_i),
    .rst_n             (rst_ni),
    .valid             (execute_i),
    .addr              (addr_i),
    .op                (writes_i ? op_i : 2'd0),
    .operand           (src_i),
    .prv               (prv_i),
    .v                 (virt_i),
    .value             (rdata_o),
    .exception         (trap_o),
    .virtual_exception (virtual_exception),
    .dirty             (dirty_i),
    .dirty_v           (dirty_virt_i),
    .vector_on         (vs_on_o),
    .fs_dirty          (fs_dirty_i),
    .vsfs_dirty        (vsfs_dirty_i),
    .mstatus_vs        (mstatus_vs_o),
    .vsstatus_vs       (vsstatus_vs_o)
  );

endmodule

`default_nettype wire
