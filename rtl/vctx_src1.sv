// SPDX-License-Identifier: Apache-2.0
// First operand of an ALU instruction for one row: vs1, a scalar copied to every element, or the element indices.

`default_nettype none

module vctx_src1
  import vctx_pkg::*;
#(
  parameter int DLEN = 128,  // bits in a row, which are moved in a cycle
  parameter int GroupRowW = 4  // of the number of a row in a register group
) (
  input  logic                 active_i,  // the operand counts
  input  logic [2:0]           src1_i,    // src1_e
  input  logic [1:0]           eew_i,
  input  logic [GroupRowW-1:0] row_i,
  input  logic [63:0]          rs1_i,
  input  logic [4:0]           imm_i,
  input  logic [DLEN-1:0]      vs1_i,
  output logic [DLEN-1:0]      operand_o
);

  // Elements of a 64-bit word have the indices word * (elements in a word) upwards.
  function automatic logic [63:0] indices(input logic [1:0] eew, input logic [15:0] word);
    case (eew)
      2'd0:    indices = {8{word[4:0], 3'b0}} | 64'h07_06_05_04_03_02_01_00;
      2'd1:    indices = {4{word[13:0], 2'b0}} | 64'h0003_0002_0001_0000;
      2'd2:    indices = {2{15'b0, word, 1'b0}} | 64'h0000_0001_0000_0000;
      default: indices = {48'b0, word};
    endcase
  endfunction

  // The scalar, which stays while the rows go by
  logic        from_x, from_imm, from_uimm;
  logic [5:0]  imm;
  logic [63:0] rs1, scalar;
  assign from_x    = active_i && (src1_i == Src1X);
  assign from_imm  = active_i && (src1_i == Src1Imm);
  assign from_uimm = active_i && (src1_i == Src1Uimm);
  assign rs1       = from_x ? rs1_i : '0;
  assign imm       = (from_imm || from_uimm) ? {from_imm && imm_i[4], imm_i} : '0;
  assign scalar    = splat(eew_i, from_x ? rs1 : 64'($signed(imm)));  // E-4

  for (genvar w = 0; w < DLEN / 64; w++) begin : gen_word
    logic [15:0] word;
    assign word = 16'(row_i) * 16'(DLEN / 64) + 16'(w);
    assign operand_o[64*w +: 64] = (src1_i == Src1Vec)   ? vs1_i[64*w +: 64] :
                                   (src1_i == Src1Index) ? indices(eew_i, word) : scalar;
  end

endmodule

`default_nettype wire
