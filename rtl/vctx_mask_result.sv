// Mask results: builds one row of a mask register from compares or mask-register logic.
//
// A compare makes DLEN/8 >> SEW bits from a data row, so a row of the mask register takes 8 << SEW data rows. The
// row starts as the old row of vd, since inactive and tail bits keep their value (L-7, L-8).

`default_nettype none

module vctx_mask_result
  import vctx_pkg::*;
#(
  parameter int VLEN = 256,
  parameter int DLEN = 128,
  localparam int Bytes = DLEN / 8,
  localparam int CntW = $clog2(VLEN) + 1,
  localparam int GroupRowW = $clog2(8 * VLEN / DLEN)
) (
  input  logic                 clk_i,
  input  logic                 rst_ni,

  input  logic                 logical_i,  // mask-register logic, else a compare
  input  logic [2:0]           kind_i,     // funct6[2:0] of the logic operation
  input  logic [1:0]           eew_i,
  input  logic [CntW-1:0]      evl_i,

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
  function automatic logic [DLEN-1:0] collect(input logic active, input logic [1:0] eew, input logic [Bytes-1:0] x);
    logic [Bytes/2-1:0] e16;
    logic [Bytes/4-1:0] e32;
    logic [Bytes/8-1:0] e64;
    collect = '0;
    if (active) begin
      for (int e = 0; e < Bytes / 2; e++) e16[e] = x[2*e+1];
      for (int e = 0; e < Bytes / 4; e++) e32[e] = x[4*e+3];
      for (int e = 0; e < Bytes / 8; e++) e64[e] = x[8*e+7];
      case (eew)
        2'd0:    collect = {8{x}};
        2'd1:    collect = {16{e16}};
        2'd2:    collect = {32{e32}};
        default: collect = {64{e64}};
      endcase
    end
  endfunction

  // The part of the row that belongs to a data row: DLEN/8 >> SEW bits.
  function automatic logic [DLEN-1:0] window(input logic active, input logic [1:0] eew, input logic [5:0] row);
    logic [$clog2(DLEN)-1:0] start;
    window = '0;
    if (active) begin
      start  = $clog2(DLEN)'((32'(row) * 32'(Bytes)) >> eew);
      window = DLEN'({Bytes{1'b1}} >> (Bytes - (Bytes >> eew))) << start;
    end
  endfunction

  // Logic: all bits of the row below vl.
  function automatic logic [DLEN-1:0] logic_op(input logic active, input logic [2:0] kind, input logic [DLEN-1:0] src1,
                                               input logic [DLEN-1:0] src2);
    logic_op = '0;
    if (active) begin
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
    end
  endfunction

  logic            compare_step, logic_step;
  logic [DLEN-1:0] compare_bits, compare_enables, logic_bits, logic_enables;
  assign compare_step    = step_i && !logical_i;
  assign logic_step      = step_i && logical_i;
  assign compare_bits    = collect(compare_step, eew_i, true_i);
  assign compare_enables = collect(compare_step, eew_i, active_i) & window(compare_step, eew_i, 6'(row_i));
  assign logic_bits      = logic_op(logic_step, kind_i, src1_i, src2_i);
  vctx_range #(
    .Lanes (DLEN),
    .IdxW  (CntW)
  ) u_range (
    .active_i (logic_step),
    .row_i    ((CntW - $clog2(DLEN))'(row_i)),
    .first_i  (CntW'(0)),
    .end_i    (evl_i),
    .lanes_o  (logic_enables)
  );

  logic [DLEN-1:0] bits, enables, row_q;
  logic            any_q;
  assign bits    = compare_bits | logic_bits;
  assign enables = compare_enables | logic_enables;
  assign row_o   = (row_q & ~enables) | (bits & enables);
  assign any_o   = any_q || (enables != '0);

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
