// SPDX-License-Identifier: Apache-2.0
// 64-bit slice of the integer datapath: 8, 4, 2 or 1 elements.
//
// One adder serves add, subtract, the compares, min and max, whatever the element width. The top bit of each element is kept out
// of it, so no carry leaves an element, and is added without carry afterwards; a - b is ~(~a + b), so none enters one.

`default_nettype none

module vctx_lane
  import vctx_pkg::*;
(
  input  logic        active_i,  // the operands count; else the outputs are 0
  input  logic        compare_i,
  input  logic [4:0]  op_i,      // op_e, or funct6[2:0] of a compare
  input  logic        signed_i,  // min, max and right shifts
  input  logic [1:0]  sew_i,     // log2 of the element width in bytes
  input  logic [63:0] src1_i,
  input  logic [63:0] src2_i,
  input  logic [7:0]  mask_i,    // mask bit of the element of each byte, for OpMerge
  output logic [63:0] result_o,
  output logic [7:0]  true_o     // compare: outcome, valid in the last byte of each element
);

  // Top bits of the elements
  function automatic logic [63:0] element_tops(input logic [1:0] sew);
    case (sew)
      2'd0:    element_tops = 64'h8080_8080_8080_8080;
      2'd1:    element_tops = 64'h8000_8000_8000_8000;
      2'd2:    element_tops = 64'h8000_0000_8000_0000;
      default: element_tops = 64'h8000_0000_0000_0000;
    endcase
  endfunction

  // Top bit of each byte
  function automatic logic [7:0] byte_tops(input logic [63:0] x);
    byte_tops = {x[63], x[55], x[47], x[39], x[31], x[23], x[15], x[7]};
  endfunction

  // Outcome of a compare in the last byte of each element, the others are of no use. carry: into the top bits of
  // ~src2 + src1, whose carry out says src2 < src1.
  function automatic logic [7:0] outcome(input logic [2:0] kind, input logic [1:0] sew, input logic [63:0] src1,
                                         input logic [63:0] src2, input logic [63:0] carry);
    logic [7:0] top1, top2, eq, ltu, lt;
    eq = {src1[63:56] == src2[63:56], src1[55:48] == src2[55:48], src1[47:40] == src2[47:40],
          src1[39:32] == src2[39:32], src1[31:24] == src2[31:24], src1[23:16] == src2[23:16],
          src1[15:8] == src2[15:8], src1[7:0] == src2[7:0]};
    if (sew >= 2'd1) eq = eq & (eq << 1);
    if (sew >= 2'd2) eq = eq & (eq << 2);
    if (sew == 2'd3) eq = eq & (eq << 4);
    top1 = byte_tops(src1);
    top2 = byte_tops(src2);
    ltu  = (~top2 & top1) | ((~top2 | top1) & byte_tops(carry));
    lt   = ((top1 ^ top2) & top2) | (~(top1 ^ top2) & ltu);
    case (kind)
      CmpEq:   outcome = eq;
      CmpNe:   outcome = ~eq;
      CmpLtu:  outcome = ltu;
      CmpLt:   outcome = lt;
      CmpLeu:  outcome = ltu | eq;
      CmpLe:   outcome = lt | eq;
      CmpGtu:  outcome = ~(ltu | eq);
      default: outcome = ~(lt | eq);  // CmpGt
    endcase
  endfunction

  // The bit of the last byte of each element, for all of its bytes
  function automatic logic [7:0] of_element(input logic [1:0] sew, input logic [7:0] x);
    case (sew)
      2'd0:    of_element = x;
      2'd1:    of_element = {{2{x[7]}}, {2{x[5]}}, {2{x[3]}}, {2{x[1]}}};
      2'd2:    of_element = {{4{x[7]}}, {4{x[3]}}};
      default: of_element = {8{x[7]}};
    endcase
  endfunction

  function automatic logic [63:0] reversed(input logic [63:0] x);
    for (int i = 0; i < 64; i++) reversed[i] = x[63-i];
  endfunction

  function automatic logic [7:0] reversed_byte(input logic [7:0] x);
    reversed_byte = {x[0], x[1], x[2], x[3], x[4], x[5], x[6], x[7]};
  endfunction

  // The bit of the first byte of each element, for all of its bytes
  function automatic logic [7:0] of_first(input logic [1:0] sew, input logic [7:0] x);
    of_first = reversed_byte(of_element(sew, reversed_byte(x)));
  endfunction

  // Elements of src2 shifted by those of src1 (E-19). A left shift is a right shift of everything in reverse. Stage k
  // shifts by 2**k where bit k of the amount is set, and keeps bits of the next element out.
  function automatic logic [63:0] shift(input logic left, input logic is_signed, input logic [1:0] sew,
                                        input logic [63:0] src1, input logic [63:0] src2);
    logic [63:0] x, fill, own, moved;
    logic [7:0]  take;
    x    = left ? reversed(src2) : src2;
    fill = is_signed ? widen(of_element(sew, byte_tops(src2))) : '0;
    for (int k = 0; k < 6; k++) begin
      if (k < 3 + 32'(sew)) begin
        take = of_first(sew, {src1[56+k], src1[48+k], src1[40+k], src1[32+k],
                              src1[24+k], src1[16+k], src1[8+k], src1[k]});
        take = left ? reversed_byte(take) : take;
        case (sew)
          2'd0:    own = {8{8'hFF >> (1 << k)}};
          2'd1:    own = {4{16'hFFFF >> (1 << k)}};
          2'd2:    own = {2{32'hFFFF_FFFF >> (1 << k)}};
          default: own = 64'hFFFF_FFFF_FFFF_FFFF >> (1 << k);
        endcase
        moved = ((x >> (1 << k)) & own) | (fill & ~own);
        x     = (moved & widen(take)) | (x & ~widen(take));
      end
    end
    shift = left ? reversed(x) : x;
  endfunction

  // Result, or the outcome of a compare in the low byte. vsub and compares: vs2 - src1; vrsub: src1 - vs2. Only what the
  // operation takes is computed.
  function automatic logic [63:0] lane(input logic active, input logic compare, input logic [4:0] op,
                                       input logic is_signed, input logic [1:0] sew, input logic [63:0] src1,
                                       input logic [63:0] src2, input logic [7:0] mask);
    logic        subtract;
    logic [7:0]  less;
    logic [63:0] x, y, tops, low, sum;
    lane = '0;
    if (active) begin
      if (compare || (op <= OpMax)) begin
        subtract = compare || (op != OpAdd);
        x        = (!compare && (op == OpRsub)) ? src1 : src2;
        y        = (!compare && (op == OpRsub)) ? src2 : src1;
        x        = subtract ? ~x : x;
        tops     = element_tops(sew);
        low      = (x & ~tops) + (y & ~tops);
        sum      = low ^ ((x ^ y) & tops);
        lane     = subtract ? ~sum : sum;
        if (compare) begin
          lane[7:0] = outcome(op[2:0], sew, src1, src2, low);
        end else if (op >= OpMin) begin
          less = of_element(sew, outcome(is_signed ? CmpLt : CmpLtu, sew, src1, src2, low));
          less = (op == OpMin) ? less : ~less;
          lane = (src2 & widen(less)) | (src1 & ~widen(less));
        end
      end else begin
        case (op)
          OpAnd:   lane = src2 & src1;
          OpOr:    lane = src2 | src1;
          OpXor:   lane = src2 ^ src1;
          OpSll,
          OpShr:   lane = shift(op == OpSll, is_signed, sew, src1, src2);
          OpSrc1:  lane = src1;
          OpSrc2:  lane = src2;
          default: lane = (src1 & widen(mask)) | (src2 & ~widen(mask));  // OpMerge
        endcase
      end
    end
  endfunction

  assign result_o = lane(active_i, compare_i, op_i, signed_i, sew_i, src1_i, src2_i, mask_i);
  assign true_o   = result_o[7:0];

endmodule

`default_nettype wire
