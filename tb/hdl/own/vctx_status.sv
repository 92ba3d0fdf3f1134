// SPDX-License-Identifier: Apache-2.0
// A team's own module in the place of the block's vctx_status, whose ports it has (docs/rtl.md says what they mean).
// Compiled only with VCTX_OWN_STATUS, the name of that module.

`default_nettype none

module vctx_status #(
  parameter bit HasV = 1'b1  // always 1 here
) (
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

  `VCTX_OWN_STATUS u_own (
    .clk_i         (clk_i),
    .rst_ni        (rst_ni),
    .addr_i        (addr_i),
    .op_i          (op_i),
    .src_i         (src_i),
    .writes_i      (writes_i),
    .prv_i         (prv_i),
    .virt_i        (virt_i),
    .fs_dirty_i    (fs_dirty_i),
    .vsfs_dirty_i  (vsfs_dirty_i),
    .rdata_o       (rdata_o),
    .trap_o        (trap_o),
    .cause_o       (cause_o),
    .vs_on_o       (vs_on_o),
    .execute_i     (execute_i),
    .dirty_i       (dirty_i),
    .dirty_virt_i  (dirty_virt_i),
    .mstatus_vs_o  (mstatus_vs_o),
    .vsstatus_vs_o (vsstatus_vs_o)
  );

endmodule

`default_nettype wire
