// 64-bit slice of the integer datapath: 8, 4, 2 or 1 elements.
//
// One adder serves add, subtract and the compares: bytes are chained, and the chain starts anew at every element.

`default_nettype none

module vctx_lane
  import vctx_pkg::*;
(
  input  logic        compare_i,
  input  logic [3:0]  op_i,      // op_e, or funct6[2:0] of a compare
  input  logic [1:0]  sew_i,     // log2 of the element width in bytes
  input  logic [63:0] src1_i,
  input  logic [63:0] src2_i,
  input  logic [7:0]  mask_i,    // mask bit of the element of each byte, for OpMerge
  output logic [63:0] result_o,
  output logic [7:0]  true_o     // compare: outcome, valid in the last byte of each element
);

  // vsub and compares: vs2 - src1; vrsub: src1 - vs2.
  logic        subtract, reverse;
  logic [63:0] minuend, subtrahend, addend;
  assign reverse    = !compare_i && (op_i == OpRsub);
  assign subtract   = compare_i || (op_i == OpSub) || reverse;
  assign minuend    = reverse ? src1_i : src2_i;
  assign subtrahend = reverse ? src2_i : src1_i;
  assign addend     = subtract ? ~subtrahend : subtrahend;

  // Bytes that start an element.
  logic [7:0] starts;
  always_comb begin
    case (sew_i)
      2'd0:    starts = 8'b1111_1111;
      2'd1:    starts = 8'b0101_0101;
      2'd2:    starts = 8'b0001_0001;
      default: starts = 8'b0000_0001;
    endcase
  end

  logic [63:0] sum;
  logic        carry, equal;
  logic [7:0]  eq, ltu, lt;
  always_comb begin
    carry = 1'b0;
    equal = 1'b1;
    for (int j = 0; j < 8; j++) begin
      if (starts[j]) begin
        carry = subtract;
        equal = 1'b1;
      end
      {carry, sum[8*j +: 8]} = {1'b0, minuend[8*j +: 8]} + {1'b0, addend[8*j +: 8]} + 9'(carry);
      equal  = equal && (minuend[8*j +: 8] == subtrahend[8*j +: 8]);
      eq[j]  = equal;
      ltu[j] = !carry;
      lt[j]  = (minuend[8*j+7] != subtrahend[8*j+7]) ? minuend[8*j+7] : !carry;
    end
  end

  logic [2:0] compare;
  assign compare = op_i[2:0];
  always_comb begin
    case (compare)
      CmpEq:   true_o = eq;
      CmpNe:   true_o = ~eq;
      CmpLtu:  true_o = ltu;
      CmpLt:   true_o = lt;
      CmpLeu:  true_o = ltu | eq;
      CmpLe:   true_o = lt | eq;
      CmpGtu:  true_o = ~(ltu | eq);
      default: true_o = ~(lt | eq);  // CmpGt
    endcase
  end

  logic [63:0] merged;
  always_comb begin
    for (int j = 0; j < 8; j++) begin
      merged[8*j +: 8] = mask_i[j] ? src1_i[8*j +: 8] : src2_i[8*j +: 8];
    end
  end

  always_comb begin
    case (op_i)
      OpAnd:   result_o = src2_i & src1_i;
      OpOr:    result_o = src2_i | src1_i;
      OpXor:   result_o = src2_i ^ src1_i;
      OpSrc1:  result_o = src1_i;
      OpSrc2:  result_o = src2_i;
      OpMerge: result_o = merged;
      default: result_o = sum;  // OpAdd, OpSub, OpRsub
    endcase
  end

endmodule

`default_nettype wire
