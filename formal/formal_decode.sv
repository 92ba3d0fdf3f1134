// SPDX-License-Identifier: Apache-2.0
// Properties of vctx_decode and vctx_shape, together as vctx_issue has them: what other proofs assume of an instruction.

`default_nettype none

module formal_decode
  import vctx_pkg::*;
#(
  parameter int VLEN = 256,
  localparam int CntW = $clog2(VLEN) + 1
) (
  input logic            clk_i,
  input logic [31:0]     insn_i,
  input logic [1:0]      sew_i,
  input logic [2:0]      lmul_i,
  input logic [CntW-1:0] vl_i
);

  dec_t            dec;
  logic [1:0]      eew, vd_group, vs1_group, vs2_group;
  logic            vs1_fraction, vs2_fraction, widths_ok;
  logic [CntW-1:0] evl;

  vctx_decode dut (
    .insn_i (insn_i),
    .dec_o  (dec)
  );

  vctx_shape #(
    .VLEN (VLEN)
  ) dut_shape (
    .dec_i          (dec),
    .insn_i         (insn_i),
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

  logic system, mem_opcode, mem, arith;
  assign system     = (insn_i[6:0] == 7'h73);
  assign mem_opcode = (insn_i[6:0] == ((dec.unit == UnitLoad) ? 7'h07 : 7'h27));
  assign mem        = (dec.unit == UnitLoad) || (dec.unit == UnitStore);
  assign arith      = (dec.unit == UnitAlu) || (dec.unit == UnitSerial);

  // Of the state, proven of formal_core: lmul and sew are of a legal vtype, and vl is within its VLMAX, VLEN/8 << (3 - sew).
  logic signed [5:0] log2_vlmax;
  assign log2_vlmax = 6'($clog2(VLEN / 8)) - $signed({4'b0, sew_i}) + $signed({{3{lmul_i[2]}}, lmul_i});
  always_comb begin
    assume (lmul_i != 3'd4);
    assume (!lmul_i[2] || (3'(sew_i) + 3'd5 <= lmul_i));
    assume (32'(vl_i) <= (32'd1 << log2_vlmax));
  end

  always_ff @(posedge clk_i) begin
    p_units: assert (dec.unit != 3'd7);
    c_units: cover (dec.unit == UnitSerial);
    if (dec.unit == UnitCsr) begin
      p_csr: assert (system && (insn_i[13:12] != 2'd0) &&
                     ((insn_i[31:20] == CsrVstart) || (insn_i[31:20] == CsrVxsat) || (insn_i[31:20] == CsrVxrm) ||
                      (insn_i[31:20] == CsrVcsr) || (insn_i[31:20] == CsrVl) || (insn_i[31:20] == CsrVtype) ||
                      (insn_i[31:20] == CsrVlenb) || (insn_i[31:20] == CsrSstatus) ||
                      (insn_i[31:20] == CsrVsstatus) || (insn_i[31:20] == CsrMstatus)));
      c_csr: cover (insn_i[31:20] == CsrVsstatus);
    end
    if (dec.unit == UnitVset) begin
      p_vset: assert ((insn_i[6:0] == 7'h57) && (insn_i[14:12] == 3'd7) &&
                      (!insn_i[31] || insn_i[30] || (insn_i[29:25] == '0)));
      c_vset: cover (insn_i[31] && !insn_i[30]);
    end
    if (mem) begin
      p_mem: assert (mem_opcode && ((insn_i[14:12] == 3'd0) || (insn_i[14:12] >= 3'd5)) && !insn_i[28]);
      c_mem: cover (dec.strided);
    end
    if (dec.first_fault) begin
      p_first_fault: assert ((dec.unit == UnitLoad) && (insn_i[24:20] == 5'b10000) && (insn_i[27:26] == 2'b00));
      c_first_fault: cover (!insn_i[25]);
    end
    if (dec.shape == ShapeWholeMem) begin
      p_whole: assert ((dec.unit == UnitNone) || (mem && insn_i[25]));
      c_whole: cover (mem);
    end
    if (arith && (dec.vs2_overlap == OverlapHigh)) begin
      p_high2: assert (!widths_ok || (vd_group >= vs2_group));
      c_high2: cover (widths_ok && (vd_group > vs2_group));
    end
    if (arith && (dec.vs1_overlap == OverlapHigh)) begin
      p_high1: assert (!widths_ok || (vd_group >= vs1_group));
      c_high1: cover (widths_ok && (vd_group > vs1_group));
    end
    if (mem && widths_ok) begin
      p_bytes: assert ((64'(evl) << eew) <= 64'(VLEN));
      c_bytes: cover ((64'(evl) << eew) == 64'(VLEN));
    end
    if (mem && widths_ok) begin
      p_registers: assert ((64'(evl) << eew) <= (64'(VLEN / 8) << vd_group));
      c_registers: cover (((64'(evl) << eew) == 64'(VLEN / 8)) && (vd_group == '0));
    end
  end

endmodule

`default_nettype wire
