// SPDX-License-Identifier: Apache-2.0
// Operand shape: element width, registers in each group and number of elements of an instruction.

`default_nettype none

module vctx_shape
  import vctx_pkg::*;
#(
  parameter int VLEN = 256,  // bits in a vector register
  localparam int CntW = $clog2(VLEN) + 1  // an element or byte count, 0 to VLEN
) (
  input  dec_t              dec_i,
  input  logic [31:0]       insn_i,
  input  logic [1:0]        sew_i,      // vtype.vsew, legal
  input  logic [2:0]        lmul_i,     // vtype.vlmul
  input  logic [CntW-1:0]   vl_i,
  output logic [1:0]        eew_o,           // log2 of the element width in bytes; SEW if there are several
  output logic [1:0]        vd_group_o,      // log2 of the registers in a group; 0 for EMUL < 1
  output logic [1:0]        vs1_group_o,
  output logic [1:0]        vs2_group_o,
  output logic              vs1_fraction_o,  // EMUL < 1
  output logic              vs2_fraction_o,
  output logic              widths_ok_o,     // EEW of 8 to 64 and EMUL of 1/8 to 8 in every group (D-3, E-17, E-22)
  output logic [CntW-1:0]   evl_o
);

  // nf of a whole-register access and the immediate of vmv<nr>r both hold nr - 1.
  function automatic logic [1:0] log2_nr(input logic [2:0] nr_minus_1);
    log2_nr = nr_minus_1[2] ? 2'd3 : (nr_minus_1[1] ? 2'd2 : {1'b0, nr_minus_1[0]});
  endfunction

  logic [1:0]        width;
  logic signed [4:0] lmul, emul, narrow;  // log2; emul is that of a ShapeWidth access, narrow of elements below SEW
  logic [1:0]        nr_mem, nr_move;

  assign width = insn_i[13:12];  // width 000, 101, 110, 111 is 1, 2, 4, 8 bytes (D-1)
  assign lmul  = {{2{lmul_i[2]}}, lmul_i};
  assign emul  = lmul + $signed({3'b0, width}) - $signed({3'b0, sew_i});

  assign narrow  = lmul - $signed({3'b0, dec_i.vs2_narrow});
  assign nr_mem  = log2_nr(insn_i[31:29]);
  assign nr_move = log2_nr(insn_i[17:15]);

  logic [2:0]      shape;
  logic [1:0]      lmul_regs, emul_regs, wide_regs, group;
  logic [CntW-1:0] mask_bytes, whole_elems, move_bytes;

  assign shape       = dec_i.shape;
  assign lmul_regs   = lmul[4] ? 2'd0 : lmul[1:0];
  assign emul_regs   = emul[4] ? 2'd0 : emul[1:0];
  assign wide_regs   = lmul[4] ? 2'd0 : (lmul[1:0] + 2'd1);
  assign mask_bytes  = CntW'((vl_i + CntW'(7)) >> 3);
  assign whole_elems = CntW'(VLEN / 8) << nr_mem >> width;
  // A move of registers onto themselves writes none, so that the retired mask equals that of the reference (E-11).
  assign move_bytes  = (insn_i[11:7] == insn_i[24:20]) ? '0 : (CntW'(VLEN / 8) << nr_move);

  logic of_width, of_mask, whole_mem, whole_move, narrowed;
  assign narrowed   = (dec_i.vs2_narrow != 2'd0);
  assign of_width   = (shape == ShapeWidth);
  assign of_mask    = (shape == ShapeMask);
  assign whole_mem  = (shape == ShapeWholeMem);
  assign whole_move = (shape == ShapeWholeMove);
  assign eew_o      = (of_width || whole_mem) ? width : ((of_mask || whole_move) ? 2'd0 : sew_i);
  assign evl_o      = of_mask                  ? mask_bytes :
                      whole_mem                ? whole_elems :
                      whole_move               ? move_bytes :
                      (shape == ShapeInsert)   ? CntW'(vl_i != '0) :
                      (shape == ShapeExtract)  ? CntW'(1) : vl_i;

  assign group          = (shape == ShapeSew) ? lmul_regs :
                          of_width            ? emul_regs :
                          whole_mem           ? nr_mem :
                          whole_move          ? nr_move : 2'd0;
  assign vd_group_o     = dec_i.vd_wide ? wide_regs : group;
  assign vs1_group_o    = group;
  assign vs2_group_o    = dec_i.vs2_wide ? wide_regs : !narrowed ? group : (narrow[4] ? 2'd0 : narrow[1:0]);
  assign vs1_fraction_o = lmul[4];
  assign vs2_fraction_o = narrow[4];

  // SEW <= LMUL * ELEN keeps EMUL >= 1/8. A widening reduction has no wide group.
  logic width_ok, wide_ok, narrow_ok;
  assign width_ok    = (emul <= 5'sd3) && (WideSewVill || (emul >= -5'sd3));
  assign wide_ok     = (sew_i != 2'd3) && (dec_i.reduce || (lmul != 5'sd3));
  assign narrow_ok   = (sew_i >= dec_i.vs2_narrow) && (WideSewVill || (narrow >= -5'sd3));
  assign widths_ok_o = of_width                          ? width_ok :
                       (dec_i.vd_wide || dec_i.vs2_wide) ? wide_ok :
                       narrowed                          ? narrow_ok : 1'b1;

endmodule

`default_nettype wire
