// First operand of an ALU instruction for one row: vs1, a scalar copied to every element, or the element indices.

`default_nettype none

module vctx_src1
  import vctx_pkg::*;
#(
  parameter int DLEN = 128,
  parameter int GroupRowW = 4
) (
  input  logic [1:0]           src1_i,   // src1_e
  input  logic [1:0]           eew_i,
  input  logic [GroupRowW-1:0] row_i,
  input  logic [63:0]          rs1_i,
  input  logic [4:0]           imm_i,
  input  logic [DLEN-1:0]      vs1_i,
  output logic [DLEN-1:0]      operand_o
);

  logic [63:0] scalar, e8_scalar, e16_scalar, e32_scalar, splat;
  assign scalar     = (src1_i == Src1Imm) ? {{59{imm_i[4]}}, imm_i} : rs1_i;  // E-4
  assign e8_scalar  = {8{scalar[7:0]}};
  assign e16_scalar = {4{scalar[15:0]}};
  assign e32_scalar = {2{scalar[31:0]}};
  always_comb begin
    case (eew_i)
      2'd0:    splat = e8_scalar;
      2'd1:    splat = e16_scalar;
      2'd2:    splat = e32_scalar;
      default: splat = scalar;
    endcase
  end

  for (genvar w = 0; w < DLEN / 64; w++) begin : gen_word
    // Elements of this 64-bit word have the indices word * (elements in a word) upwards.
    logic [15:0] word;
    logic [63:0] e8_index, e16_index, e32_index, e64_index, index, operand;
    assign word      = 16'(row_i) * 16'(DLEN / 64) + 16'(w);
    assign e8_index  = {8{word[4:0], 3'b0}} | 64'h07_06_05_04_03_02_01_00;
    assign e16_index = {4{word[13:0], 2'b0}} | 64'h0003_0002_0001_0000;
    assign e32_index = {2{15'b0, word, 1'b0}} | 64'h0000_0001_0000_0000;
    assign e64_index = {48'b0, word};
    always_comb begin
      case (eew_i)
        2'd0:    index = e8_index;
        2'd1:    index = e16_index;
        2'd2:    index = e32_index;
        default: index = e64_index;
      endcase
    end

    logic [63:0] vs1;
    assign vs1 = vs1_i[64*w +: 64];
    always_comb begin
      case (src1_i)
        Src1Vec:   operand = vs1;
        Src1Index: operand = index;
        default:   operand = splat;
      endcase
    end
    assign operand_o[64*w +: 64] = operand;
  end

endmodule

`default_nettype wire
