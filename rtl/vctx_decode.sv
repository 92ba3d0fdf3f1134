// The decode table. An encoding that no row matches is an illegal instruction, as is everything that this block
// does not implement (strided, indexed and segment accesses, floating point, reductions, ...).

`default_nettype none

module vctx_decode
  import vctx_pkg::*;
(
  input  logic [31:0] insn_i,
  output dec_t        dec_o
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
                               input logic first_fault);
    mem             = '0;
    mem.unit        = (opcode == LoadFp) ? UnitLoad : UnitStore;
    mem.shape       = shape;
    mem.first_fault = first_fault;
    mem.vd_group    = 1'b1;
  endfunction

  // Reads the group vs2, and vs1 or a scalar; writes the group vd.
  function automatic dec_t elem(input logic [3:0] op, input logic [1:0] src1);
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
  function automatic dec_t move(input logic [1:0] src1);
    move           = elem(OpSrc1, src1);
    move.vs2_group = 1'b0;
  endfunction

  function automatic dec_t compare(input logic [2:0] kind, input logic [1:0] src1);
    compare          = elem({1'b0, kind}, src1);
    compare.alu      = AluCompare;
    compare.vd_group = 1'b0;
  endfunction

  function automatic dec_t mask_logic(input logic [2:0] kind);
    mask_logic       = other(UnitAlu);
    mask_logic.shape = ShapeSew;
    mask_logic.alu   = AluLogic;
    mask_logic.op    = {1'b0, kind};
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
  endfunction

  function automatic dec_t whole_move();
    whole_move       = elem(OpSrc2, Src1Imm);
    whole_move.shape = ShapeWholeMove;
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
        load_store = mem(insn[6:0], ShapeWidth, 1'b0);
      // Fault-only-first loads.
      32'b000_000_?_10000_?????_000_?????_0000111,
      32'b000_000_?_10000_?????_101_?????_0000111,
      32'b000_000_?_10000_?????_11?_?????_0000111:
        load_store = mem(insn[6:0], ShapeWidth, 1'b1);
      // vlm.v, vsm.v.
      32'b000_000_1_01011_?????_000_?????_0?00111:
        load_store = mem(insn[6:0], ShapeMask, 1'b0);
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
        load_store = mem(insn[6:0], ShapeWholeMem, 1'b0);

      default: load_store = other(UnitNone);
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

      default: op_v = other(UnitNone);
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
