// SPDX-License-Identifier: Apache-2.0
// The decode table. An encoding that no row matches is an illegal instruction, as is everything that this block
// does not implement (indexed and segment accesses, division, fixed and floating point, ...).

`default_nettype none

module vctx_decode
  import vctx_pkg::*;
(
  input  logic [31:0] insn_i,
  output dec_t        dec_o   // its row of the table; UnitNone for none
);

  localparam logic [6:0] LoadFp  = 7'b0000111;
  localparam logic [6:0] StoreFp = 7'b0100111;
  localparam logic [6:0] OpV     = 7'b1010111;
  localparam logic [6:0] System  = 7'b1110011;

  function automatic dec_t other(input logic [2:0] unit);
    other      = '0;
    other.unit = unit;
  endfunction

  function automatic dec_t csr(input logic [11:0] addr);
    case (addr)
      CsrVstart, CsrVxsat, CsrVxrm, CsrVcsr, CsrVl, CsrVtype, CsrVlenb,
      CsrSstatus, CsrVsstatus, CsrMstatus: csr = other(UnitCsr);
      default:                             csr = other(UnitNone);
    endcase
  endfunction

  function automatic dec_t mem(input logic [6:0] opcode, input logic [2:0] shape,
                               input logic first_fault, input logic strided);
    mem             = '0;
    mem.unit        = (opcode == LoadFp) ? UnitLoad : UnitStore;
    mem.shape       = shape;
    mem.first_fault = first_fault;
    mem.strided     = strided;
    mem.vd_group    = 1'b1;
  endfunction

  // Reads the group vs2, and vs1 or a scalar; writes the group vd.
  function automatic dec_t elem(input logic [4:0] op, input logic [2:0] src1);
    elem           = '0;
    elem.unit      = UnitAlu;
    elem.shape     = ShapeSew;
    elem.alu       = AluElem;
    elem.op        = op;
    elem.src1      = src1;
    elem.vd_group  = 1'b1;
    elem.vs1_group = (src1 == Src1Vec);
    elem.vs2_group = 1'b1;
  endfunction

  // Moves: no second operand.
  function automatic dec_t move(input logic [2:0] src1);
    move           = elem(OpSrc1, src1);
    move.vs2_group = 1'b0;
  endfunction

  function automatic dec_t compare(input logic [2:0] kind, input logic [2:0] src1);
    compare             = elem({2'b0, kind}, src1);
    compare.alu         = AluCompare;
    compare.vd_group    = 1'b0;
    compare.vs1_overlap = (src1 == Src1Vec) ? OverlapLow : OverlapAny;
    compare.vs2_overlap = OverlapLow;
  endfunction

  function automatic dec_t mask_logic(input logic [2:0] kind);
    mask_logic       = other(UnitAlu);
    mask_logic.shape = ShapeSew;
    mask_logic.alu   = AluLogic;
    mask_logic.op    = {2'b0, kind};
  endfunction

  function automatic dec_t insert();
    insert       = other(UnitAlu);
    insert.shape = ShapeInsert;
    insert.op    = OpSrc1;
    insert.src1  = Src1X;
  endfunction

  function automatic dec_t extract();
    extract       = other(UnitAlu);
    extract.shape = ShapeExtract;
    extract.alu   = AluExtract;
    extract.op    = OpSrc2;
    extract.to_x  = 1'b1;
  endfunction

  function automatic dec_t whole_move();
    whole_move       = elem(OpSrc2, Src1Imm);
    whole_move.shape = ShapeWholeMove;
  endfunction

  // Minimum, maximum and shifts (E-19, E-20): signed or not.
  function automatic dec_t elem_of(input logic is_signed, input logic [4:0] op, input logic [2:0] src1);
    elem_of         = elem(op, src1);
    elem_of.signed2 = is_signed;
  endfunction

  // The same operands, one element after the other.
  function automatic dec_t serial(input logic [4:0] op, input logic [2:0] src1);
    serial      = elem(op, src1);
    serial.unit = UnitSerial;
  endfunction

  // First operand of category OPMVV or OPMVX.
  function automatic logic [2:0] opm_src1(input logic is_scalar);
    opm_src1 = is_scalar ? Src1X : Src1Vec;
  endfunction

  // vzext, vsext; kind is vs1 (E-17).
  function automatic dec_t extension(input logic [2:0] kind);
    extension             = serial(OpSrc2, Src1Imm);
    extension.signed2     = kind[0];
    extension.vs2_narrow  = 2'd0 - kind[2:1];  // 3, 2, 1 for an eighth, a quarter, a half
    extension.vs2_overlap = OverlapHigh;
  endfunction

  // vnsrl, vnsra (E-19).
  function automatic dec_t narrowing(input logic is_signed, input logic [2:0] src1);
    narrowing             = serial(OpShr, src1);
    narrowing.signed2     = is_signed;
    narrowing.vs2_wide    = 1'b1;
    narrowing.vs2_overlap = OverlapLow;
  endfunction

  // Products (E-21).
  function automatic dec_t multiply(input logic [4:0] op, input logic signed1, input logic signed2,
                                    input logic [2:0] src1);
    multiply         = serial(op, src1);
    multiply.signed1 = signed1;
    multiply.signed2 = signed2;
  endfunction

  // The same with a result of 2 * SEW bits, and sums (E-22).
  function automatic dec_t widening(input logic [4:0] op, input logic signed1, input logic signed2,
                                    input logic vs2_wide, input logic [2:0] src1);
    widening             = multiply(op, signed1, signed2, src1);
    widening.vd_wide     = 1'b1;
    widening.vs2_wide    = vs2_wide;
    widening.vs1_overlap = (src1 == Src1Vec) ? OverlapHigh : OverlapAny;
    widening.vs2_overlap = vs2_wide ? OverlapAny : OverlapHigh;
  endfunction

  // Reductions: vs2 is a group, vs1 and vd are elements (E-23).
  function automatic dec_t reduction(input logic [4:0] op, input logic is_signed, input logic wide);
    reduction           = serial(op, Src1Vec);
    reduction.reduce    = 1'b1;
    reduction.signed1   = is_signed;
    reduction.signed2   = is_signed;
    reduction.vd_group  = 1'b0;
    reduction.vs1_group = 1'b0;
    reduction.vd_wide   = wide;
  endfunction

  // Slides; up without overlap (E-24).
  function automatic dec_t slide(input logic [4:0] op, input logic [2:0] src1);
    slide             = serial(op, src1);
    slide.vs2_overlap = ((op == OpSlideUp) || (op == OpSlide1Up)) ? OverlapNone : OverlapAny;
  endfunction

  // vcpop.m, vfirst.m; viota.m (E-25, E-26).
  function automatic dec_t query(input logic [4:0] op);
    query           = serial(op, Src1Imm);
    query.to_x      = 1'b1;
    query.vd_group  = 1'b0;
    query.vs2_group = 1'b0;
  endfunction

  function automatic dec_t iota();
    iota             = serial(OpIota, Src1Imm);
    iota.vs2_group   = 1'b0;
    iota.vs2_overlap = OverlapNone;
  endfunction

  // One table for each opcode, as a simulator goes through a table row by row.
  function automatic dec_t zicsr(input logic [31:0] insn);
    casez (insn)
      // Zicsr: csrrw(i), csrrs(i), csrrc(i).
      32'b????????????_?????_?01_?????_1110011,
      32'b????????????_?????_?1?_?????_1110011: zicsr = csr(insn[31:20]);

      default: zicsr = other(UnitNone);
    endcase
  endfunction

  function automatic dec_t load_store(input logic [31:0] insn);
    casez (insn)
      // Columns: nf, mew and mop, vm, lumop or sumop, rs1, width, vd or vs3, opcode (D-1, D-2).
      // Unit-stride loads and stores.
      32'b000_000_?_00000_?????_000_?????_0?00111,
      32'b000_000_?_00000_?????_101_?????_0?00111,
      32'b000_000_?_00000_?????_11?_?????_0?00111:
        load_store = mem(insn[6:0], ShapeWidth, 1'b0, 1'b0);
      // Fault-only-first loads.
      32'b000_000_?_10000_?????_000_?????_0000111,
      32'b000_000_?_10000_?????_101_?????_0000111,
      32'b000_000_?_10000_?????_11?_?????_0000111:
        load_store = mem(insn[6:0], ShapeWidth, 1'b1, 1'b0);
      // vlm.v, vsm.v.
      32'b000_000_1_01011_?????_000_?????_0?00111:
        load_store = mem(insn[6:0], ShapeMask, 1'b0, 1'b0);
      // vl<nr>re<eew>.v, vs<nr>r.v.
      32'b000_000_1_01000_?????_000_?????_0?00111,
      32'b001_000_1_01000_?????_000_?????_0?00111,
      32'b011_000_1_01000_?????_000_?????_0?00111,
      32'b111_000_1_01000_?????_000_?????_0?00111,
      32'b000_000_1_01000_?????_101_?????_0000111,
      32'b001_000_1_01000_?????_101_?????_0000111,
      32'b011_000_1_01000_?????_101_?????_0000111,
      32'b111_000_1_01000_?????_101_?????_0000111,
      32'b000_000_1_01000_?????_11?_?????_0000111,
      32'b001_000_1_01000_?????_11?_?????_0000111,
      32'b011_000_1_01000_?????_11?_?????_0000111,
      32'b111_000_1_01000_?????_11?_?????_0000111:
        load_store = mem(insn[6:0], ShapeWholeMem, 1'b0, 1'b0);
      // Strided loads and stores: x[rs2] in place of lumop or sumop (D-24).
      32'b000_010_?_?????_?????_000_?????_0?00111,
      32'b000_010_?_?????_?????_101_?????_0?00111,
      32'b000_010_?_?????_?????_11?_?????_0?00111:
        load_store = mem(insn[6:0], ShapeWidth, 1'b0, 1'b1);

      default: load_store = other(UnitNone);
    endcase
  endfunction

  // The operations that a context switch has no use for.
  function automatic dec_t more_op_v(input logic [31:0] insn);
    casez (insn)
      // vminu, vmin, vmaxu, vmax (E-20).
      32'b0001??_?_?????_?????_000_?????_1010111: more_op_v = elem_of(insn[26], insn[27] ? OpMax : OpMin, Src1Vec);
      32'b0001??_?_?????_?????_100_?????_1010111: more_op_v = elem_of(insn[26], insn[27] ? OpMax : OpMin, Src1X);
      // vsll, vsrl, vsra (E-19).
      32'b100101_?_?????_?????_000_?????_1010111: more_op_v = elem_of(1'b0, OpSll, Src1Vec);
      32'b100101_?_?????_?????_100_?????_1010111: more_op_v = elem_of(1'b0, OpSll, Src1X);
      32'b100101_?_?????_?????_011_?????_1010111: more_op_v = elem_of(1'b0, OpSll, Src1Uimm);
      32'b10100?_?_?????_?????_000_?????_1010111: more_op_v = elem_of(insn[26], OpShr, Src1Vec);
      32'b10100?_?_?????_?????_100_?????_1010111: more_op_v = elem_of(insn[26], OpShr, Src1X);
      32'b10100?_?_?????_?????_011_?????_1010111: more_op_v = elem_of(insn[26], OpShr, Src1Uimm);
      // vnsrl, vnsra.
      32'b10110?_?_?????_?????_000_?????_1010111: more_op_v = narrowing(insn[26], Src1Vec);
      32'b10110?_?_?????_?????_100_?????_1010111: more_op_v = narrowing(insn[26], Src1X);
      32'b10110?_?_?????_?????_011_?????_1010111: more_op_v = narrowing(insn[26], Src1Uimm);
      // vzext.vf8, vsext.vf8, vzext.vf4, ... (E-17).
      32'b010010_?_?????_0001?_010_?????_1010111,
      32'b010010_?_?????_001??_010_?????_1010111: more_op_v = extension(insn[17:15]);
      // vmulhu, vmul, vmulhsu, vmulh (E-21).
      32'b100100_?_?????_?????_?10_?????_1010111: more_op_v = multiply(OpMulh, 1'b0, 1'b0, opm_src1(insn[14]));
      32'b100101_?_?????_?????_?10_?????_1010111: more_op_v = multiply(OpMul, 1'b0, 1'b0, opm_src1(insn[14]));
      32'b100110_?_?????_?????_?10_?????_1010111: more_op_v = multiply(OpMulh, 1'b0, 1'b1, opm_src1(insn[14]));
      32'b100111_?_?????_?????_?10_?????_1010111: more_op_v = multiply(OpMulh, 1'b1, 1'b1, opm_src1(insn[14]));
      // vmadd, vnmsub, vmacc, vnmsac.
      32'b101001_?_?????_?????_?10_?????_1010111: more_op_v = multiply(OpMadd, 1'b0, 1'b0, opm_src1(insn[14]));
      32'b101011_?_?????_?????_?10_?????_1010111: more_op_v = multiply(OpNmsub, 1'b0, 1'b0, opm_src1(insn[14]));
      32'b101101_?_?????_?????_?10_?????_1010111: more_op_v = multiply(OpMacc, 1'b0, 1'b0, opm_src1(insn[14]));
      32'b101111_?_?????_?????_?10_?????_1010111: more_op_v = multiply(OpNmsac, 1'b0, 1'b0, opm_src1(insn[14]));
      // vwaddu, vwadd, vwsubu, vwsub, with vs2 of SEW or 2 * SEW (E-22).
      32'b110???_?_?????_?????_?10_?????_1010111:
        more_op_v = widening(insn[27] ? OpSub : OpAdd, insn[26], insn[26], insn[28], opm_src1(insn[14]));
      // vwmulu, vwmulsu, vwmul.
      32'b111000_?_?????_?????_?10_?????_1010111: more_op_v = widening(OpMul, 1'b0, 1'b0, 1'b0, opm_src1(insn[14]));
      32'b111010_?_?????_?????_?10_?????_1010111: more_op_v = widening(OpMul, 1'b0, 1'b1, 1'b0, opm_src1(insn[14]));
      32'b111011_?_?????_?????_?10_?????_1010111: more_op_v = widening(OpMul, 1'b1, 1'b1, 1'b0, opm_src1(insn[14]));
      // vwmaccu, vwmacc, vwmaccus, vwmaccsu.
      32'b111100_?_?????_?????_?10_?????_1010111: more_op_v = widening(OpMacc, 1'b0, 1'b0, 1'b0, opm_src1(insn[14]));
      32'b111101_?_?????_?????_?10_?????_1010111: more_op_v = widening(OpMacc, 1'b1, 1'b1, 1'b0, opm_src1(insn[14]));
      32'b111110_?_?????_?????_110_?????_1010111: more_op_v = widening(OpMacc, 1'b0, 1'b1, 1'b0, Src1X);
      32'b111111_?_?????_?????_?10_?????_1010111: more_op_v = widening(OpMacc, 1'b1, 1'b0, 1'b0, opm_src1(insn[14]));
      // vredsum, vredand, vredor, vredxor; vredminu, vredmin, vredmaxu, vredmax; vwredsumu, vwredsum (E-23).
      32'b000000_?_?????_?????_010_?????_1010111: more_op_v = reduction(OpAdd, 1'b0, 1'b0);
      32'b000001_?_?????_?????_010_?????_1010111: more_op_v = reduction(OpAnd, 1'b0, 1'b0);
      32'b000010_?_?????_?????_010_?????_1010111: more_op_v = reduction(OpOr, 1'b0, 1'b0);
      32'b000011_?_?????_?????_010_?????_1010111: more_op_v = reduction(OpXor, 1'b0, 1'b0);
      32'b0001??_?_?????_?????_010_?????_1010111: more_op_v = reduction(insn[27] ? OpMax : OpMin, insn[26], 1'b0);
      32'b11000?_?_?????_?????_000_?????_1010111: more_op_v = reduction(OpAdd, insn[26], 1'b1);
      // vslideup, vslidedown, vslide1up, vslide1down (E-24).
      32'b00111?_?_?????_?????_100_?????_1010111: more_op_v = slide(insn[26] ? OpSlideDown : OpSlideUp, Src1X);
      32'b00111?_?_?????_?????_011_?????_1010111: more_op_v = slide(insn[26] ? OpSlideDown : OpSlideUp, Src1Uimm);
      32'b00111?_?_?????_?????_110_?????_1010111: more_op_v = slide(insn[26] ? OpSlide1Down : OpSlide1Up, Src1X);
      // vcpop.m, vfirst.m, viota.m (E-25, E-26).
      32'b010000_?_?????_10000_010_?????_1010111: more_op_v = query(OpCpop);
      32'b010000_?_?????_10001_010_?????_1010111: more_op_v = query(OpFirst);
      32'b010100_?_?????_10000_010_?????_1010111: more_op_v = iota();

      default: more_op_v = other(UnitNone);
    endcase
  endfunction

  function automatic dec_t op_v(input logic [31:0] insn);
    casez (insn)
      // vsetvli, vsetivli, vsetvl (C-1).
      32'b0???????????_?????_111_?????_1010111,
      32'b11??????????_?????_111_?????_1010111,
      32'b1000000?????_?????_111_?????_1010111: op_v = other(UnitVset);

      // Columns: funct6, vm, vs2, vs1 or rs1 or immediate, category, vd or rd, opcode (E-1).
      // vadd, vsub, vrsub (E-5).
      32'b000000_?_?????_?????_000_?????_1010111: op_v = elem(OpAdd, Src1Vec);
      32'b000000_?_?????_?????_100_?????_1010111: op_v = elem(OpAdd, Src1X);
      32'b000000_?_?????_?????_011_?????_1010111: op_v = elem(OpAdd, Src1Imm);
      32'b000010_?_?????_?????_000_?????_1010111: op_v = elem(OpSub, Src1Vec);
      32'b000010_?_?????_?????_100_?????_1010111: op_v = elem(OpSub, Src1X);
      32'b000011_?_?????_?????_100_?????_1010111: op_v = elem(OpRsub, Src1X);
      32'b000011_?_?????_?????_011_?????_1010111: op_v = elem(OpRsub, Src1Imm);
      // vand, vor, vxor.
      32'b001001_?_?????_?????_000_?????_1010111: op_v = elem(OpAnd, Src1Vec);
      32'b001001_?_?????_?????_100_?????_1010111: op_v = elem(OpAnd, Src1X);
      32'b001001_?_?????_?????_011_?????_1010111: op_v = elem(OpAnd, Src1Imm);
      32'b001010_?_?????_?????_000_?????_1010111: op_v = elem(OpOr, Src1Vec);
      32'b001010_?_?????_?????_100_?????_1010111: op_v = elem(OpOr, Src1X);
      32'b001010_?_?????_?????_011_?????_1010111: op_v = elem(OpOr, Src1Imm);
      32'b001011_?_?????_?????_000_?????_1010111: op_v = elem(OpXor, Src1Vec);
      32'b001011_?_?????_?????_100_?????_1010111: op_v = elem(OpXor, Src1X);
      32'b001011_?_?????_?????_011_?????_1010111: op_v = elem(OpXor, Src1Imm);
      // vmerge, and vmv.v with vm = 1 and vs2 = 0 (E-6).
      32'b010111_0_?????_?????_000_?????_1010111: op_v = elem(OpMerge, Src1Vec);
      32'b010111_0_?????_?????_100_?????_1010111: op_v = elem(OpMerge, Src1X);
      32'b010111_0_?????_?????_011_?????_1010111: op_v = elem(OpMerge, Src1Imm);
      32'b010111_1_00000_?????_000_?????_1010111: op_v = move(Src1Vec);
      32'b010111_1_00000_?????_100_?????_1010111: op_v = move(Src1X);
      32'b010111_1_00000_?????_011_?????_1010111: op_v = move(Src1Imm);
      // vid.v (E-12).
      32'b010100_?_00000_10001_010_?????_1010111: op_v = move(Src1Index);
      // vmv.x.s, vmv.s.x (E-7, E-8).
      32'b010000_1_?????_00000_010_?????_1010111: op_v = extract();
      32'b010000_1_00000_?????_110_?????_1010111: op_v = insert();
      // vmv1r.v, vmv2r.v, vmv4r.v, vmv8r.v (E-11).
      32'b100111_1_?????_00000_011_?????_1010111,
      32'b100111_1_?????_00001_011_?????_1010111,
      32'b100111_1_?????_00011_011_?????_1010111,
      32'b100111_1_?????_00111_011_?????_1010111: op_v = whole_move();
      // Integer compares (E-13): .vv for all but vmsgt(u), .vi for all but vmslt(u).
      32'b01100?_?_?????_?????_000_?????_1010111,
      32'b01101?_?_?????_?????_000_?????_1010111,
      32'b01110?_?_?????_?????_000_?????_1010111: op_v = compare(insn[28:26], Src1Vec);
      32'b011???_?_?????_?????_100_?????_1010111: op_v = compare(insn[28:26], Src1X);
      32'b01100?_?_?????_?????_011_?????_1010111,
      32'b0111??_?_?????_?????_011_?????_1010111: op_v = compare(insn[28:26], Src1Imm);
      // vmandn.mm ... vmxnor.mm (E-15).
      32'b011???_1_?????_?????_010_?????_1010111: op_v = mask_logic(insn[28:26]);

      default: op_v = more_op_v(insn);
    endcase
  endfunction

  function automatic dec_t decode(input logic [31:0] insn);
    case (insn[6:0])
      System:          decode = zicsr(insn);
      LoadFp, StoreFp: decode = load_store(insn);
      OpV:             decode = op_v(insn);
      default:         decode = other(UnitNone);
    endcase
  endfunction

  assign dec_o = decode(insn_i);

endmodule

`default_nettype wire
