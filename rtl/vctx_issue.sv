// SPDX-License-Identifier: Apache-2.0
// Instruction register: the instruction in flight with its operands, decoded and shaped as it is accepted.
//
// Decode and shape come before the register, which keeps them out of the paths of the units. They may: vtype and vl
// are up to date in the cycle in which the instruction before retires, the first in which one can be accepted.

`default_nettype none

module vctx_issue
  import vctx_pkg::*;
#(
  parameter int VLEN = 256,  // bits in a vector register
  localparam int CntW = $clog2(VLEN) + 1  // of a number of elements, 0 to VLEN
) (
  input  logic            clk_i,
  input  logic            rst_ni,

  // Issue: taken at the end of a cycle with accept_i
  input  logic            accept_i,
  input  logic [31:0]     issue_insn_i,
  input  logic [63:0]     issue_rs1_i,
  input  logic [63:0]     issue_rs2_i,
  input  logic [1:0]      issue_prv_i,
  input  logic            issue_virt_i,
  input  logic            issue_fs_dirty_i,
  input  logic            issue_vsfs_dirty_i,
  input  logic            irq_valid_i,
  input  logic [12:0]     irq_elem_i,

  // State: as it is in that cycle
  input  logic [1:0]      sew_i,
  input  logic [2:0]      lmul_i,
  input  logic [CntW-1:0] vl_i,

  // The instruction in flight: its operands, the row of the decode table, and its shape, as vctx_shape has it
  output logic [31:0]     insn_o,
  output logic            masked_o,  // it has a mask operand
  output logic [63:0]     rs1_o,
  output logic [63:0]     rs2_o,
  output logic [1:0]      prv_o,
  output logic            virt_o,
  output logic            fs_dirty_o,
  output logic            vsfs_dirty_o,
  output logic            irq_valid_o,
  output logic [12:0]     irq_elem_o,
  output dec_t            dec_o,
  output logic [1:0]      eew_o,
  output logic [1:0]      vd_group_o,
  output logic [1:0]      vs1_group_o,
  output logic [1:0]      vs2_group_o,
  output logic            vs1_fraction_o,
  output logic            vs2_fraction_o,
  output logic            widths_ok_o,
  output logic [CntW-1:0] evl_o
);

  dec_t            dec;
  logic [1:0]      eew, vd_group, vs1_group, vs2_group;
  logic            vs1_fraction, vs2_fraction, widths_ok;
  logic [CntW-1:0] evl;

  logic masked;
  assign masked = !issue_insn_i[25] && ((dec.unit == UnitLoad) || (dec.unit == UnitStore) ||
                                        (dec.unit == UnitAlu) || (dec.unit == UnitSerial));

  vctx_decode u_decode (
    .insn_i (issue_insn_i),
    .dec_o  (dec)
  );

  vctx_shape #(
    .VLEN (VLEN)
  ) u_shape (
    .dec_i          (dec),
    .insn_i         (issue_insn_i),
    .sew_i          (sew_i),
    .lmul_i         (lmul_i),
    .vl_i           (vl_i),
    .eew_o          (eew),
    .vd_group_o     (vd_group),
    .vs1_group_o    (vs1_group),
    .vs2_group_o    (vs2_group),
    .vs1_fraction_o (vs1_fraction),
    .vs2_fraction_o (vs2_fraction),
    .widths_ok_o    (widths_ok),
    .evl_o          (evl)
  );

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      insn_o         <= '0;
      masked_o       <= 1'b0;
      rs1_o          <= '0;
      rs2_o          <= '0;
      prv_o          <= '0;
      virt_o         <= 1'b0;
      fs_dirty_o     <= 1'b0;
      vsfs_dirty_o   <= 1'b0;
      irq_valid_o    <= 1'b0;
      irq_elem_o     <= '0;
      dec_o          <= '0;
      eew_o          <= '0;
      vd_group_o     <= '0;
      vs1_group_o    <= '0;
      vs2_group_o    <= '0;
      vs1_fraction_o <= 1'b0;
      vs2_fraction_o <= 1'b0;
      widths_ok_o    <= 1'b0;
      evl_o          <= '0;
    end else if (accept_i) begin
      insn_o         <= issue_insn_i;
      masked_o       <= masked;
      rs1_o          <= issue_rs1_i;
      rs2_o          <= issue_rs2_i;
      prv_o          <= issue_prv_i;
      virt_o         <= issue_virt_i && (issue_prv_i != PrvM);  // M-mode has V=0
      fs_dirty_o     <= issue_fs_dirty_i;
      vsfs_dirty_o   <= issue_vsfs_dirty_i;
      irq_valid_o    <= irq_valid_i;
      irq_elem_o     <= irq_elem_i;
      dec_o          <= dec;
      eew_o          <= eew;
      vd_group_o     <= vd_group;
      vs1_group_o    <= vs1_group;
      vs2_group_o    <= vs2_group;
      vs1_fraction_o <= vs1_fraction;
      vs2_fraction_o <= vs2_fraction;
      widths_ok_o    <= widths_ok;
      evl_o          <= evl;
    end
  end

endmodule

`default_nettype wire
