// SPDX-License-Identifier: Apache-2.0
// Legality: decides whether an instruction may execute, and which exception it raises if not. Only what depends on the
// status registers is answered by vctx_status: accesses to them, and whether the vector unit is on.
//
// An illegal-instruction exception (2) for everything, except what vctx_status says of its own registers. VS=Off is
// always 2 (B-16).

`default_nettype none

module vctx_legal
  import vctx_pkg::*;
(
  // The instruction
  input  dec_t        dec_i,
  input  logic [31:0] insn_i,
  // State
  input  logic        vs_on_i,  // the vector unit is on in this mode
  input  logic        status_trap_i,  // an access to a status register would trap, with this cause
  input  logic [5:0]  status_cause_i,
  input  logic        vill_i,
  input  logic        vstart_nonzero_i,
  // Shape: see vctx_shape
  input  logic [1:0]  vd_group_i,
  input  logic [1:0]  vs1_group_i,
  input  logic [1:0]  vs2_group_i,
  input  logic        vs1_fraction_i,
  input  logic        vs2_fraction_i,
  input  logic        widths_ok_i,
  // Verdict
  output logic        csr_writes_o,  // the CSR instruction writes
  output logic        legal_o,
  output logic [5:0]  cause_o  // when not legal
);

  logic [4:0] vd, vs1, vs2;
  logic       masked;
  assign vd     = insn_i[11:7];
  assign vs1    = insn_i[19:15];
  assign vs2    = insn_i[24:20];
  assign masked = !insn_i[25];

  // CSR accesses. Address bits 9:8 are the lowest privilege, and no vector CSR asks for one.
  // It writes unless it is a set or clear with rs1 = x0 or a zero immediate (A-4).
  assign csr_writes_o = (insn_i[13:12] == 2'd1) || (insn_i[19:15] != 5'd0);
  logic csr_status, csr_read_only, csr_ok;
  assign csr_status    = (insn_i[29:28] != 2'd0);
  assign csr_read_only = (insn_i[31:30] == 2'b11);
  assign csr_ok        = csr_status ? !status_trap_i : (vs_on_i && !(csr_read_only && csr_writes_o));

  // Register groups start at a multiple of their size (D-3, D-17, E-2); a masked instruction does not overwrite
  // its mask with elements (D-4, E-2). Reading v0 as data, too, is a matter of choice.
  logic [2:0] in_vd, in_vs1, in_vs2;  // these bits of a register number count the registers of its group
  logic       groups_ok, mask_ok, source_ok;
  assign in_vd     = {vd_group_i == 2'd3, vd_group_i[1], vd_group_i != 2'd0};
  assign in_vs1    = {vs1_group_i == 2'd3, vs1_group_i[1], vs1_group_i != 2'd0};
  assign in_vs2    = {vs2_group_i == 2'd3, vs2_group_i[1], vs2_group_i != 2'd0};
  assign groups_ok = (!dec_i.vd_group  || ((vd[2:0] & in_vd) == 3'd0)) &&
                     (!dec_i.vs1_group || ((vs1[2:0] & in_vs1) == 3'd0)) &&
                     (!dec_i.vs2_group || ((vs2[2:0] & in_vs2) == 3'd0));
  assign mask_ok   = !(dec_i.vd_group && (dec_i.unit != UnitStore || MaskedV0StoreTrap) && masked &&
                       (vd == 5'd0));  // L-14
  assign source_ok = !(MaskedV0SourceTrap && masked &&
                       (((dec_i.src1 == Src1Vec) && (vs1 == 5'd0)) || (dec_i.vs2_group && (vs2 == 5'd0))));  // L-13

  // A destination overlaps a source group where elements have the same width, in the lowest register of wider elements
  // (L-15), or in the last registers if they are narrower, with EMUL >= 1 (E-13, E-18). Of two groups that overlap one
  // contains the other.
  logic [4:0] from_vs1, from_vs2;  // where vd differs from the source
  logic       in_one1, in_one2, overlap1_ok, overlap2_ok, overlap_ok;
  assign from_vs1    = vd ^ vs1;
  assign from_vs2    = vd ^ vs2;
  assign in_one1     = ((from_vs1 & ~{2'b0, in_vd | in_vs1}) == 5'd0);
  assign in_one2     = ((from_vs2 & ~{2'b0, in_vd | in_vs2}) == 5'd0);
  assign overlap1_ok = !in_one1 || (dec_i.vs1_overlap == OverlapAny) ||
                       ((dec_i.vs1_overlap == OverlapLow) && (from_vs1 == 5'd0)) ||
                       ((dec_i.vs1_overlap == OverlapHigh) && !vs1_fraction_i && ((vs1[2:0] | in_vs1 | ~in_vd) == '1));
  assign overlap2_ok = !in_one2 || (dec_i.vs2_overlap == OverlapAny) ||
                       ((dec_i.vs2_overlap == OverlapLow) && (from_vs2 == 5'd0)) ||
                       ((dec_i.vs2_overlap == OverlapHigh) && !vs2_fraction_i && ((vs2[2:0] | in_vs2 | ~in_vd) == '1));
  assign overlap_ok  = overlap1_ok && overlap2_ok;

  // vtype matters to all but whole-register loads and stores (D-18, E-11).
  logic vtype_ok, mem_ok, alu_ok;
  assign vtype_ok = !vill_i || (dec_i.shape == ShapeWholeMem);
  assign mem_ok   = vs_on_i && vtype_ok && widths_ok_i && groups_ok && mask_ok;
  assign alu_ok   = vs_on_i && vtype_ok && widths_ok_i && groups_ok && mask_ok && source_ok && overlap_ok &&
                    !vstart_nonzero_i;  // L-9, E-10

  logic [2:0] unit;
  assign unit    = dec_i.unit;
  assign legal_o = (unit == UnitCsr)                           ? csr_ok :
                   (unit == UnitVset)                          ? vs_on_i :
                   ((unit == UnitLoad) || (unit == UnitStore)) ? mem_ok :
                   ((unit == UnitAlu) || (unit == UnitSerial)) ? alu_ok : 1'b0;

  assign cause_o = ((dec_i.unit == UnitCsr) && csr_status) ? status_cause_i : CauseIllegal;

endmodule

`default_nettype wire
