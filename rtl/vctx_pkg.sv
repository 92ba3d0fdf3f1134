// SPDX-License-Identifier: Apache-2.0
// Types and functions shared by the modules of the vector context block.
//
// Portability: Icarus 11, Verilator and Yosys (read_slang) read the same source. One house rule follows from Icarus,
// which wakes `always_comb` blocks for nothing: combinational logic is `assign`, and a function where it takes
// statements. Enumerations travel inside structs as plain vectors.

`default_nettype none

package vctx_pkg;

  // Execution unit of an instruction. UnitNone: nothing in the decode table matched.
  typedef enum logic [2:0] {
    UnitNone,
    UnitCsr,
    UnitVset,
    UnitLoad,
    UnitStore,
    UnitAlu,    // arithmetic row by row
    UnitSerial  // and element by element
  } unit_e;

  // Where the element width (EEW), the register group size and the number of elements (evl) come from.
  typedef enum logic [2:0] {
    ShapeSew,       // EEW = SEW, EMUL = LMUL, evl = vl
    ShapeWidth,     // EEW = width field, EMUL = EEW / SEW * LMUL, evl = vl                    (D-3)
    ShapeMask,      // vlm, vsm: EEW = 8, one register, evl = ceil(vl / 8)                    (D-16)
    ShapeWholeMem,  // vl<nr>re, vs<nr>r: EEW = width field, nr registers, ignores vtype (D-17, D-18)
    ShapeWholeMove, // vmv<nr>r: nr registers, moved as bytes                                 (E-11)
    ShapeInsert,    // vmv.s.x: element 0, if vl is not 0                                      (E-8)
    ShapeExtract    // vmv.x.s: element 0, always                                              (E-7)
  } shape_e;

  // How the ALU turns source rows into a result.
  typedef enum logic [1:0] {
    AluElem,    // element by element into a register group
    AluCompare, // one result bit for each element
    AluLogic,   // mask registers, bit by bit
    AluExtract  // element 0 into x[rd]
  } alu_e;

  // Operation of an AluElem or UnitSerial instruction; the second operand is vs2. AluCompare and AluLogic use the low
  // three bits for funct6[2:0].
  typedef enum logic [4:0] {
    OpAdd,
    OpSub,
    OpRsub,
    OpMin,
    OpMax,
    OpAnd,
    OpOr,
    OpXor,
    OpSll,
    OpShr,         // right, arithmetic if the second operand is signed
    OpSrc1,        // first operand unchanged
    OpSrc2,        // second operand unchanged
    OpMerge,       // first operand where the mask bit is set, else the second
    // Only of UnitSerial. Products, of the first operand with the second or, in the last two, with vd.      (E-21, E-22)
    OpMul,
    OpMulh,        // the upper half
    OpMacc,        // vd + product
    OpNmsac,       // vd - product
    OpMadd,        // vs2 + product
    OpNmsub,       // vs2 - product
    OpSlideUp,     // (E-24)
    OpSlideDown,
    OpSlide1Up,
    OpSlide1Down,
    OpCpop,        // of mask bits: their number, the first that is set, the number below each (E-25, E-26)
    OpFirst,
    OpIota
  } op_e;

  // funct6[2:0] of the compares (E-13).
  localparam logic [2:0] CmpEq  = 3'd0;
  localparam logic [2:0] CmpNe  = 3'd1;
  localparam logic [2:0] CmpLtu = 3'd2;
  localparam logic [2:0] CmpLt  = 3'd3;
  localparam logic [2:0] CmpLeu = 3'd4;
  localparam logic [2:0] CmpLe  = 3'd5;
  localparam logic [2:0] CmpGtu = 3'd6;
  localparam logic [2:0] CmpGt  = 3'd7;

  // funct6[2:0] of the mask-register logic (E-15).
  localparam logic [2:0] LogicAndn = 3'd0;
  localparam logic [2:0] LogicAnd  = 3'd1;
  localparam logic [2:0] LogicOr   = 3'd2;
  localparam logic [2:0] LogicXor  = 3'd3;
  localparam logic [2:0] LogicOrn  = 3'd4;
  localparam logic [2:0] LogicNand = 3'd5;
  localparam logic [2:0] LogicNor  = 3'd6;
  localparam logic [2:0] LogicXnor = 3'd7;

  // First operand of an ALU instruction.
  typedef enum logic [2:0] {
    Src1Vec,   // vs1
    Src1X,     // x[rs1], low SEW bits
    Src1Imm,   // 5-bit immediate, sign-extended
    Src1Uimm,  // 5-bit immediate, zero-extended
    Src1Index  // element index
  } src1_e;

  // Where a source group may overlap the destination group, if at all (E-18).
  typedef enum logic [1:0] {
    OverlapAny,   // elements of the same width
    OverlapLow,   // narrower elements in the destination: only its lowest register
    OverlapHigh,  // wider ones: only in the last registers, and only a source with EMUL >= 1
    OverlapNone
  } overlap_e;

  // One row of the decode table.
  typedef struct packed {
    logic [2:0] unit;         // unit_e
    logic [2:0] shape;        // shape_e
    logic       first_fault;  // fault-only-first load
    logic       strided;      // x[rs2] is the distance between elements
    logic [1:0] alu;          // alu_e
    logic [4:0] op;           // op_e, or funct6[2:0]
    logic [2:0] src1;         // src1_e
    logic       signed1;      // operands are signed: the first,
    logic       signed2;      // the second
    logic       reduce;       // UnitSerial: all elements to one
    logic       to_x;         // the result goes to x[rd]
    logic       vd_group;     // vd (vs3) names a register group
    logic       vs1_group;    // vs1 names a register group
    logic       vs2_group;    // vs2 names a register group
    logic       vd_wide;      // elements of vd have 2 * SEW bits
    logic       vs2_wide;     // so have those of vs2
    logic [1:0] vs2_narrow;   // or they have SEW >> this
    logic [1:0] vs1_overlap;  // overlap_e
    logic [1:0] vs2_overlap;
  } dec_t;

  localparam logic [11:0] CsrVstart   = 12'h008;
  localparam logic [11:0] CsrVxsat    = 12'h009;
  localparam logic [11:0] CsrVxrm     = 12'h00A;
  localparam logic [11:0] CsrVcsr     = 12'h00F;
  localparam logic [11:0] CsrVl       = 12'hC20;
  localparam logic [11:0] CsrVtype    = 12'hC21;
  localparam logic [11:0] CsrVlenb    = 12'hC22;
  localparam logic [11:0] CsrSstatus  = 12'h100;
  localparam logic [11:0] CsrVsstatus = 12'h200;
  localparam logic [11:0] CsrMstatus  = 12'h300;

  // Privilege as encoded in MPP.
  localparam logic [1:0] PrvU = 2'd0;
  localparam logic [1:0] PrvM = 2'd3;

  // VS field (B-1).
  localparam logic [1:0] VsOff   = 2'd0;
  localparam logic [1:0] VsDirty = 2'd3;

  // Exception causes that the block raises by itself; page and access faults come with the translation.
  localparam logic [5:0] CauseIllegal         = 6'd2;
  localparam logic [5:0] CauseLoadMisaligned  = 6'd4;
  localparam logic [5:0] CauseStoreMisaligned = 6'd6;
  localparam logic [5:0] CauseVirtual         = 6'd22;
  // Guest-page faults, the ones that report a guest-physical address (D-9).
  localparam logic [5:0] CauseGuestFetch      = 6'd20;
  localparam logic [5:0] CauseGuestLoad       = 6'd21;
  localparam logic [5:0] CauseGuestStore      = 6'd23;

  // Choices that the architecture leaves open, by their number in section L of the specification. All others are
  // structural; the model has the same settings, with the same defaults.
  localparam bit PreciseDirty       = 1'b0;  // L-1: Dirty only if registers, vl, vtype or vstart have changed
  localparam bit VsTwoState         = 1'b0;  // L-2: a write of Initial or Clean to VS stores Dirty
  localparam bit VlCeilHalf         = 1'b0;  // L-3: vl = ceil(AVL / 2) for VLMAX < AVL < 2 * VLMAX, not VLMAX
  localparam bit RatioChangeVill    = 1'b1;  // L-4: vset* x0, x0 that changes VLMAX sets vill, not vl <= VLMAX
  localparam bit KeepVlFromVillVill = 1'b1;  // L-5: vset* x0, x0 while vill leaves vill
  localparam bit WideSewVill        = 1'b1;  // L-6: SEW > LMUL * ELEN is not supported, even if VLMAX >= 1
  localparam bit MaskedV0SourceTrap = 1'b0;  // L-13: masked arithmetic with v0 as data is illegal
  localparam bit MaskedV0StoreTrap  = 1'b0;  // L-14: a masked store of v0 is illegal
  localparam bit TvalInsn           = 1'b1;  // L-22: xtval of causes 2 and 22 is the instruction, not 0

  // Each bit of x for the eight bits of a byte.
  function automatic logic [63:0] widen(input logic [7:0] x);
    widen = {{8{x[7]}}, {8{x[6]}}, {8{x[5]}}, {8{x[4]}}, {8{x[3]}}, {8{x[2]}}, {8{x[1]}}, {8{x[0]}}};
  endfunction

  // An element side by side with its like.
  function automatic logic [63:0] splat(input logic [1:0] eew, input logic [63:0] element);
    case (eew)
      2'd0:    splat = {8{element[7:0]}};
      2'd1:    splat = {4{element[15:0]}};
      2'd2:    splat = {2{element[31:0]}};
      default: splat = element;
    endcase
  endfunction

  // An element in the low bits of a word, extended.
  function automatic logic [63:0] extend(input logic [1:0] eew, input logic is_signed, input logic [63:0] element);
    case (eew)
      2'd0:    extend = {{56{is_signed & element[7]}}, element[7:0]};
      2'd1:    extend = {{48{is_signed & element[15]}}, element[15:0]};
      2'd2:    extend = {{32{is_signed & element[31]}}, element[31:0]};
      default: extend = element;
    endcase
  endfunction

  // Value a CSR instruction writes; op is funct3[1:0]: 1 write, 2 set, 3 clear.
  function automatic logic [63:0] csr_rmw(input logic [1:0] op, input logic [63:0] old,
                                          input logic [63:0] src);
    case (op)
      2'd2:    csr_rmw = old | src;
      2'd3:    csr_rmw = old & ~src;
      default: csr_rmw = src;
    endcase
  endfunction

endpackage

`default_nettype wire
