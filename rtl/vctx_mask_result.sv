// SPDX-License-Identifier: Apache-2.0
// Mask results: builds one row of a mask register from compares or mask-register logic.
//
// A compare makes DLEN/8 >> SEW bits from a data row, so a row of the mask register takes 8 << SEW data rows. The
// row starts as the old row of vd, since inactive and tail bits keep their value (L-7, L-8).

`default_nettype none

module vctx_mask_result
  import vctx_pkg::*;
#(
  parameter int VLEN = 256,  // bits in a vector register
  parameter int DLEN = 128,  // bits in a row, which are moved in a cycle
  localparam int Bytes = DLEN / 8,  // in a row
  localparam int CntW = $clog2(VLEN) + 1,  // of a number of elements, 0 to VLEN
  localparam int GroupRowW = $clog2(8 * VLEN / DLEN)  // of the number of a row in a register group
) (
  input  logic                 clk_i,
  input  logic                 rst_ni,

  // Instruction; stable while it is executed
  input  logic                 logical_i,  // mask-register logic, else a compare
  input  logic [2:0]           kind_i,     // funct6[2:0] of the logic operation
  input  logic [1:0]           eew_i,
  input  logic [CntW-1:0]      evl_i,

  // Data, a row at a time
  input  logic                 load_i,     // src2_i is the old row
  input  logic                 step_i,     // operands of data row row_i are there
  input  logic [GroupRowW-1:0] row_i,
  input  logic [DLEN-1:0]      src1_i,
  input  logic [DLEN-1:0]      src2_i,
  input  logic [Bytes-1:0]     true_i,     // compare: outcome in the last byte of each element
  input  logic [Bytes-1:0]     active_i,   // compare: active elements, every byte

  output logic [DLEN-1:0]      row_o,      // the row with this step's bits
  output logic                 any_o       // some bit of it was active
);

  // Compare: one bit of each element, that of its last byte, side by side and repeated over the whole row.
  function automatic logic [DLEN-1:0] collect(input logic [1:0] eew, input logic [Bytes-1:0] x);
    logic [Bytes/2-1:0] e16;
    logic [Bytes/4-1:0] e32;
    logic [Bytes/8-1:0] e64;
    case (eew)
      2'd0: collect = {8{x}};
      2'd1: begin
        for (int e = 0; e < Bytes / 2; e++) e16[e] = x[2*e+1];
        collect = {16{e16}};
      end
      2'd2: begin
        for (int e = 0; e < Bytes / 4; e++) e32[e] = x[4*e+3];
        collect = {32{e32}};
      end
      default: begin
        for (int e = 0; e < Bytes / 8; e++) e64[e] = x[8*e+7];
        collect = {64{e64}};
      end
    endcase
  endfunction

  // The part of the row that belongs to a data row: DLEN/8 >> SEW bits.
  function automatic logic [DLEN-1:0] window(input logic [1:0] eew, input logic [5:0] row);
    logic [$clog2(DLEN)-1:0] start;
    start  = $clog2(DLEN)'((32'(row) * 32'(Bytes)) >> eew);
    window = DLEN'({Bytes{1'b1}} >> (Bytes - (Bytes >> eew))) << start;
  endfunction

  function automatic logic [DLEN-1:0] logic_op(input logic [2:0] kind, input logic [DLEN-1:0] src1,
                                               input logic [DLEN-1:0] src2);
    case (kind)
      LogicAndn: logic_op = src2 & ~src1;
      LogicAnd:  logic_op = src2 & src1;
      LogicOr:   logic_op = src2 | src1;
      LogicXor:  logic_op = src2 ^ src1;
      LogicOrn:  logic_op = src2 | ~src1;
      LogicNand: logic_op = ~(src2 & src1);
      LogicNor:  logic_op = ~(src2 | src1);
      default:   logic_op = ~(src2 ^ src1);  // LogicXnor
    endcase
  endfunction

  // Logic: all bits of the row below vl.
  logic [DLEN-1:0] below_vl;
  vctx_range #(
    .Lanes (DLEN),
    .IdxW  (CntW)
  ) u_range (
    .active_i (step_i && logical_i),
    .row_i    ((CntW - $clog2(DLEN))'(row_i)),
    .first_i  (CntW'(0)),
    .end_i    (evl_i),
    .lanes_o  (below_vl)
  );

  // The row with the bits of this step, and whether one of them is active.
  function automatic logic [DLEN:0] next(input logic step, input logic [DLEN-1:0] row, input logic logical,
                                         input logic [DLEN-1:0] logic_enables, input logic [2:0] kind,
                                         input logic [DLEN-1:0] src1, input logic [DLEN-1:0] src2,
                                         input logic [1:0] eew, input logic [5:0] data_row,
                                         input logic [Bytes-1:0] outcome, input logic [Bytes-1:0] active);
    logic [DLEN-1:0] bits, enables;
    next = {1'b0, row};
    if (step) begin
      if (logical) begin
        bits    = logic_op(kind, src1, src2);
        enables = logic_enables;
      end else begin
        bits    = collect(eew, outcome);
        enables = collect(eew, active) & window(eew, data_row);
      end
      next = {enables != '0, (row & ~enables) | (bits & enables)};
    end
  endfunction

  logic [DLEN-1:0] row_q;
  logic            any_q, any;
  assign {any, row_o} = next(step_i, row_q, logical_i, below_vl, kind_i, src1_i, src2_i, eew_i, 6'(row_i), true_i,
                             active_i);
  assign any_o        = any_q || any;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      row_q <= '0;
      any_q <= 1'b0;
    end else if (load_i) begin
      row_q <= src2_i;
      any_q <= 1'b0;
    end else if (step_i) begin
      row_q <= row_o;
      any_q <= any_o;
    end
  end

endmodule

`default_nettype wire
