// SPDX-License-Identifier: Apache-2.0
// Serial unit: arithmetic one element after the other.
//
// What it executes has operands of different widths, or looks across elements, or multiplies, so that a row at a time would
// take a datapath of its own for each: extension, narrowing and widening, multiplication, reductions, slides, and questions
// about masks. One element in two cycles, one of addresses and one of operands, and more for
//   a product             one for each four bits of SEW, and one in which it is written
//   an operand in vd      one in which that is read, as only two rows can be read at a time
//   an element that is masked off: one alone
// No row is ever read and written in the same cycle.
//
// Elements ascend, so one that is overwritten is not needed any more, wherever groups may overlap (E-18).

`default_nettype none

module vctx_serial
  import vctx_pkg::*;
#(
  parameter int VLEN = 256,  // bits in a vector register
  parameter int DLEN = 128,  // bits in a row, which are moved in a cycle
  localparam int Bytes = DLEN / 8,  // in a row
  localparam int CntW = $clog2(VLEN) + 1,  // of a number of elements, 0 to VLEN
  localparam int GroupRowW = $clog2(8 * VLEN / DLEN),  // of the number of a row in a register group
  localparam int RowW = $clog2(32 * VLEN / DLEN)  // of the number of a row in the register file
) (
  input  logic                 clk_i,
  input  logic                 rst_ni,

  // Instruction; stable from start_i to done_o. vstart is 0.
  input  logic                 start_i,
  input  dec_t                 dec_i,
  input  logic [31:0]          insn_i,
  input  logic [63:0]          rs1_i,
  input  logic [1:0]           sew_i,
  input  logic [2:0]           lmul_i,
  input  logic [CntW-1:0]      evl_i,
  output logic                 done_o,
  output logic [63:0]          rd_o,        // with done_o; 0 for what has none

  // Mask bits of consecutive elements: asked for by the number of their row, there in the same cycle
  output logic [GroupRowW-1:0] mask_row_o,
  input  logic [Bytes-1:0]     mask_bits_i,

  // Register file: read data comes in the cycle after re_o
  output logic                 re_o,
  output logic [RowW-1:0]      raddr_a_o,
  input  logic [DLEN-1:0]      rdata_a_i,
  output logic [RowW-1:0]      raddr_b_o,
  input  logic [DLEN-1:0]      rdata_b_i,
  output logic [Bytes-1:0]     wbe_o,
  output logic [RowW-1:0]      waddr_o,
  output logic [DLEN-1:0]      wdata_o
);

  localparam int LaneW = $clog2(Bytes);
  localparam int RegRowW = RowW - 5;

  // Classes of operations
  logic [4:0] op;
  logic       multiplies, takes_vd, of_mask, to_elements, slides_up, slides_down, slides_one;
  assign op          = dec_i.op;
  assign multiplies  = (op >= OpMul) && (op <= OpNmsub);
  assign takes_vd    = (op >= OpMacc) && (op <= OpNmsub);
  assign of_mask     = (op >= OpCpop);
  assign to_elements = !dec_i.reduce && !dec_i.to_x;
  assign slides_up   = (op == OpSlideUp) || (op == OpSlide1Up);
  assign slides_down = (op == OpSlideDown) || (op == OpSlide1Down);
  assign slides_one  = (op == OpSlide1Up) || (op == OpSlide1Down);

  // Element widths, log2 in bytes
  logic [1:0] vd_eew, vs2_eew;
  assign vd_eew  = sew_i + 2'(dec_i.vd_wide);
  assign vs2_eew = sew_i + 2'(dec_i.vs2_wide) - dec_i.vs2_narrow;

  // Slides: how far, up to the end of everything. Behind the group there are zeros (E-24).
  logic [63:0]     offset;
  logic [CntW-1:0] vlmax, up, down;
  assign offset = slides_one ? 64'd1 : ((dec_i.src1 == Src1X) ? rs1_i : 64'(insn_i[19:15]));
  assign vlmax  = CntW'(64'(VLEN) << (lmul_i ^ 3'b100) >> (4'd7 + 4'(sew_i)));  // VLEN / 8 << lmul >> sew
  assign up     = !slides_up ? '0 : ((offset >= 64'(evl_i)) ? evl_i : offset[CntW-1:0]);
  assign down   = !slides_down ? '0 : ((offset >= 64'(vlmax)) ? vlmax : offset[CntW-1:0]);

  typedef enum logic [2:0] {
    StIdle,
    StSeed,      // reductions: vs1 is read
    StFetch,     // the operands of elem_q are read, or first vd, or nothing if it is not active
    StVd,        // vd is there, the others are read
    StExec,      // operands are there
    StMultiply,  // a step of the multiplication
    StWrite      // the product is there
  } state_e;
  state_e           state_q;
  logic [CntW-1:0]  elem_q;
  logic             seed_q;      // the first element of vs1 is there
  logic [LaneW-1:0] vs2_at_q;    // first byte of the element of vs2 in the row that was read,
  logic             in_group_q;  // if it is in its group
  logic [63:0]      acc_q;       // reduction, number of bits, index of the first one
  logic [63:0]      vd_q;        // element of vd

  logic working, finished, active, fetches, exec, advances, found;
  assign working   = start_i || (state_q != StIdle);
  assign finished  = (state_q == StFetch) && (elem_q == evl_i);
  assign active    = mask_bits_i[elem_q[LaneW-1:0]];
  assign fetches   = (state_q == StFetch) && !finished && active;
  assign exec      = (state_q == StExec);
  assign advances  = (exec && !multiplies) || (state_q == StWrite);
  assign done_o    = finished;

  // Where the elements are: byte of the group, and for a mask the byte with the bit.
  logic [CntW-1:0]  index;
  logic [CntW:0]    sum;
  logic [CntW-1:0]  vd_byte, vs1_byte, vs2_byte;
  logic             in_group;
  assign sum      = (CntW+1)'(elem_q) + (CntW+1)'(down);
  assign in_group   = (sum < (CntW+1)'(vlmax));
  assign index    = sum[CntW-1:0] - up;
  assign vd_byte  = elem_q << vd_eew;
  assign vs1_byte = elem_q << sew_i;
  assign vs2_byte = of_mask ? (elem_q >> 3) : (index << vs2_eew);

  logic [RowW-1:0] vd_row, vs1_row, vs2_row;
  logic            reads_vd;
  assign vd_row     = RowW'(insn_i[11:7]) << RegRowW;
  assign vs1_row    = RowW'(insn_i[19:15]) << RegRowW;
  assign vs2_row    = RowW'(insn_i[24:20]) << RegRowW;
  assign reads_vd   = (state_q == StFetch) && takes_vd;
  assign mask_row_o = GroupRowW'(elem_q >> LaneW);
  assign re_o       = (state_q == StSeed) || fetches || (state_q == StVd);
  assign raddr_a_o  = reads_vd ? (vd_row + RowW'(vd_byte >> LaneW)) : (vs2_row + RowW'(vs2_byte >> LaneW));
  assign raddr_b_o  = (state_q == StSeed) ? vs1_row : (vs1_row + RowW'(vs1_byte >> LaneW));

  // Operands, and nothing while the register file works for others
  function automatic logic [63:0] word_at(input logic used, input logic [DLEN-1:0] row, input logic [LaneW-1:0] at);
    word_at = '0;
    if (used) word_at = row[32'(at >> 3) * 64 +: 64];
  endfunction
  function automatic logic [63:0] element(input logic [63:0] from, input logic [2:0] at, input logic [1:0] eew,
                                          input logic is_signed);
    logic [31:0] half;
    logic [15:0] quarter;
    logic [7:0]  eighth;
    half    = at[2] ? from[63:32] : from[31:0];
    quarter = at[1] ? half[31:16] : half[15:0];
    eighth  = at[0] ? quarter[15:8] : quarter[7:0];
    case (eew)
      2'd0:    element = {{56{is_signed & eighth[7]}}, eighth};
      2'd1:    element = {{48{is_signed & quarter[15]}}, quarter};
      2'd2:    element = {{32{is_signed & half[31]}}, half};
      default: element = from;
    endcase
  endfunction

  logic        uses_a, uses_b;
  logic [63:0] word_a, word_b, vs1, vs2, first;
  logic        mask_bit;
  assign uses_a   = exec || (state_q == StVd) || (state_q == StWrite);
  assign uses_b   = seed_q || (exec && (dec_i.src1 == Src1Vec));
  assign word_a   = word_at(uses_a, rdata_a_i, (state_q == StVd) ? vd_byte[LaneW-1:0] : vs2_at_q);
  assign word_b   = word_at(uses_b, rdata_b_i, seed_q ? '0 : vs1_byte[LaneW-1:0]);
  assign vs1      = element(word_b, vs1_byte[2:0], sew_i, dec_i.signed1);
  assign vs2      = element(word_a, vs2_at_q[2:0], vs2_eew, dec_i.signed2);
  assign mask_bit = word_a[elem_q[5:0]];
  assign first    = (dec_i.src1 == Src1Vec)  ? vs1 :
                    (dec_i.src1 == Src1Uimm) ? 64'(insn_i[19:15]) : extend(sew_i, dec_i.signed1, rs1_i);

  // Multiplication: four bits of the multiplier a step
  logic        product_done;
  logic [63:0] product_low, product_high;
  vctx_serial_multiply u_multiply (
    .clk_i          (clk_i),
    .rst_ni         (rst_ni),
    .load_i         (exec && multiplies),
    .sew_i          (sew_i),
    .signed1_i      (dec_i.signed1),
    .signed2_i      (dec_i.signed2),
    .multiplier_i   (first),
    .multiplicand_i ((op >= OpMadd) ? vd_q : vs2),
    .step_i         (state_q == StMultiply),
    .done_o         (product_done),
    .low_o          (product_low),
    .high_o         (product_high)
  );

  // The result for one element, or of a reduction so far
  function automatic logic [63:0] result(input logic used, input logic [4:0] kind, input logic is_signed,
                                         input logic [1:0] eew, input logic [63:0] x, input logic [63:0] y);
    logic        adds;
    logic [64:0] total;
    result = '0;
    if (used) begin
      adds  = (kind == OpAdd) || (kind == OpMacc) || (kind == OpMadd);
      total = {is_signed & x[63], x} + ({is_signed & y[63], y} ^ {65{!adds}}) + 65'(!adds);  // x + y, x - y
      case (kind)
        OpAdd, OpMacc, OpMadd,
        OpSub, OpNmsac, OpNmsub:  result = total[63:0];
        OpAnd:                    result = x & y;
        OpOr:                     result = x | y;
        OpXor:                    result = x ^ y;
        OpMin:                    result = total[64] ? x : y;
        OpMax:                    result = total[64] ? y : x;
        OpShr:                    result = shifted(is_signed, eew, x, y[5:0]);
        OpMul, OpMulh, OpIota:    result = y;
        default:                  result = x;  // OpSrc2, slides
      endcase
    end
  endfunction
  // x has been extended from elements of 2**eew bytes.
  function automatic logic [63:0] shifted(input logic is_signed, input logic [1:0] eew, input logic [63:0] x,
                                          input logic [5:0] y);
    logic [5:0] amount;
    amount  = y & ~(6'b111000 << eew);
    shifted = 64'($signed({is_signed & x[63], x}) >>> amount);
  endfunction

  logic        at_end;
  logic [63:0] x, y, value;
  assign at_end = slides_one && (elem_q == (slides_up ? '0 : (evl_i - CntW'(1))));
  assign x      = ((op == OpMacc) || (op == OpNmsac)) ? vd_q :
                  at_end                              ? rs1_i :
                  (slides_down && !in_group_q)        ? '0 : vs2;
  assign y      = (op == OpMulh)                      ? product_high :
                  multiplies                          ? product_low :
                  (dec_i.reduce || (op == OpIota))    ? acc_q : first;
  assign value  = result(advances, op, dec_i.signed2, vs2_eew, x, y);
  assign found  = exec && (op == OpFirst) && mask_bit;
  assign rd_o   = (finished && dec_i.to_x) ? acc_q : '0;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      state_q    <= StIdle;
      elem_q     <= '0;
      seed_q     <= 1'b0;
      vs2_at_q   <= '0;
      in_group_q <= 1'b0;
      acc_q      <= '0;
      vd_q       <= '0;
    end else if (working) begin
      seed_q <= (state_q == StSeed);
      if (re_o) begin
        vs2_at_q   <= vs2_byte[LaneW-1:0];
        in_group_q <= in_group;
      end
      case (state_q)
        StIdle: begin
          state_q <= dec_i.reduce ? StSeed : StFetch;
          elem_q  <= (op == OpSlideUp) ? up : '0;
          acc_q   <= (op == OpFirst) ? '1 : '0;
        end
        StSeed: state_q <= StFetch;
        StFetch: begin
          if (seed_q) acc_q <= element(word_b, 3'd0, vd_eew, dec_i.signed1);
          if (finished) state_q <= StIdle;
          else if (!active) elem_q <= elem_q + CntW'(1);
          else state_q <= takes_vd ? StVd : StExec;
        end
        StVd: begin
          vd_q    <= element(word_a, vd_byte[2:0], vd_eew, 1'b0);
          state_q <= StExec;
        end
        StExec: begin
          if (multiplies) begin
            state_q <= StMultiply;
          end else begin
            if (dec_i.reduce) acc_q <= value;
            else if (found) acc_q <= 64'(elem_q);
            else if ((op == OpCpop) || (op == OpIota)) acc_q <= 64'(acc_q[CntW-1:0] + CntW'(mask_bit));
            elem_q  <= found ? evl_i : (elem_q + CntW'(1));
            state_q <= StFetch;
          end
        end
        StMultiply: if (product_done) state_q <= StWrite;
        default: begin  // StWrite
          elem_q  <= elem_q + CntW'(1);
          state_q <= StFetch;
        end
      endcase
    end
  end

  // Write port: an element, or what a reduction came to. Without elements that is not written (E-23).
  logic             writes, writes_reduced;
  logic [7:0]       lanes;
  assign writes         = advances && to_elements;
  assign writes_reduced = finished && dec_i.reduce && (evl_i != '0);
  assign lanes          = 8'hFF >> (4'd8 - (4'd1 << vd_eew));
  assign wbe_o          = (writes || writes_reduced) ? (Bytes'(lanes) << (writes ? vd_byte[LaneW-1:0] : '0)) : '0;
  assign waddr_o        = vd_row + (writes ? RowW'(vd_byte >> LaneW) : '0);
  assign wdata_o        = {DLEN / 64{splat(vd_eew, writes ? value : acc_q)}};

endmodule

`default_nettype wire
