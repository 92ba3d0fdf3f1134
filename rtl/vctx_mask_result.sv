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

  // Compare: the bits of a data row, repeated over the whole row, and the part that is theirs.
  logic [4*DLEN-1:0] all_bits, all_enables;
  logic [5:0]        row;
  assign row = 6'(row_i);
  for (genvar s = 0; s < 4; s++) begin : gen_sew
    localparam int Elems = Bytes >> s;
    localparam int Parts = 8 << s;
    logic [Elems-1:0] bits, enables;
    for (genvar e = 0; e < Elems; e++) begin : gen_elem
      assign bits[e]    = true_i[(e << s) + (1 << s) - 1];
      assign enables[e] = active_i[e << s];
    end
    assign all_bits[s*DLEN +: DLEN] = {Parts{bits}};
    for (genvar p = 0; p < Parts; p++) begin : gen_part
      assign all_enables[s*DLEN + p*Elems +: Elems] = (row[2+s:0] == (3+s)'(p)) ? enables : '0;
    end
  end

  // Logic: all bits of the row below vl.
  logic [DLEN-1:0] logic_bits, logic_enables;
  vctx_range #(
    .Lanes (DLEN),
    .IdxW  (CntW)
  ) u_range (
    .row_i   ((CntW - $clog2(DLEN))'(row_i)),
    .first_i (CntW'(0)),
    .end_i   (evl_i),
    .lanes_o (logic_enables)
  );
  always_comb begin
    case (kind_i)
      LogicAndn: logic_bits = src2_i & ~src1_i;
      LogicAnd:  logic_bits = src2_i & src1_i;
      LogicOr:   logic_bits = src2_i | src1_i;
      LogicXor:  logic_bits = src2_i ^ src1_i;
      LogicOrn:  logic_bits = src2_i | ~src1_i;
      LogicNand: logic_bits = ~(src2_i & src1_i);
      LogicNor:  logic_bits = ~(src2_i | src1_i);
      default:   logic_bits = ~(src2_i ^ src1_i);  // LogicXnor
    endcase
  end

  logic [DLEN-1:0] bits, enables, row_q;
  logic            any_q;
  assign bits    = logical_i ? logic_bits : all_bits[eew_i*DLEN +: DLEN];
  assign enables = logical_i ? logic_enables : all_enables[eew_i*DLEN +: DLEN];
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
