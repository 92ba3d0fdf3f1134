// 64-bit slice of the integer datapath: 8, 4, 2 or 1 elements.
//
// One adder serves add, subtract and the compares. A guard bit after every byte either passes the carry on or, at the
// end of an element, absorbs it and makes the carry into the next.

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

  // Bytes that end an element.
  logic [7:0] ends;
  always_comb begin
    case (sew_i)
      2'd0:    ends = 8'b1111_1111;
      2'd1:    ends = 8'b1010_1010;
      2'd2:    ends = 8'b1000_1000;
      default: ends = 8'b1000_0000;
    endcase
  end

  // Guards 1 and 0 pass a carry, two equal ones replace it by their value. Either way the carry shows in the sum.
  logic [71:0] x, y, z;
  logic [63:0] sum;
  logic [7:0]  carry;
  always_comb begin
    for (int j = 0; j < 8; j++) begin
      x[9*j +: 9] = {subtract || !ends[j], minuend[8*j +: 8]};
      y[9*j +: 9] = {subtract && ends[j], addend[8*j +: 8]};
    end
  end
  logic        unused_z;
  assign {z, unused_z} = {x, subtract} + {y, subtract};  // the extra bit makes the carry into byte 0
  always_comb begin
    for (int j = 0; j < 8; j++) begin
      sum[8*j +: 8] = z[9*j +: 8];
      carry[j]      = z[9*j+8] ^ !ends[j];
    end
  end

  // Outcomes in the last byte of an element; the others are of no use.
  logic [7:0] same, same2, same4, same8, eq, ltu, lt;
  assign same2 = same & (same << 1);
  assign same4 = same2 & (same2 << 2);
  assign same8 = same4 & (same4 << 4);
  always_comb begin
    for (int j = 0; j < 8; j++) begin
      same[j] = (src1_i[8*j +: 8] == src2_i[8*j +: 8]);
      lt[j]   = (src1_i[8*j+7] != src2_i[8*j+7]) ? src2_i[8*j+7] : ltu[j];
    end
  end
  assign ltu = ~carry;
  always_comb begin
    case (sew_i)
      2'd0:    eq = same;
      2'd1:    eq = same2;
      2'd2:    eq = same4;
      default: eq = same8;
    endcase
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
