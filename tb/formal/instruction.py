# SPDX-License-Identifier: Apache-2.0
"""Properties of what an instruction is, whether it is legal, and what vset* answers: blocks without state."""

from __future__ import annotations

from vctx.tb.formal.property import Block, Mutant, Property

_DECODE, _SHAPE, _LEGAL, _VSET = "vctx_decode.sv", "vctx_shape.sv", "vctx_legal.sv", "vctx_vset.sv"

DECODE = Block(
    "decode",
    ("VLEN",),
    (
        Property(
            "units",
            "E-1",
            "there is no other unit than the six",
            Mutant(_DECODE, "serial.unit = UnitSerial;", "serial.unit = 3'd7;"),
        ),
        Property(
            "csr",
            "A-1, B-22",
            "a CSR instruction is one of Zicsr, on one of ten CSRs",
            Mutant(_DECODE, "32'b????????????_?????_?01_?????_1110011", "32'b????????????_?????_?0?_?????_1110011"),
        ),
        Property(
            "vset",
            "C-1",
            "vset* is one of its three encodings",
            Mutant(_DECODE, "32'b1000000?????_?????_111_?????_1010111", "32'b100000??????_?????_111_?????_1010111"),
        ),
        Property(
            "mem",
            "D-1",
            "a load or store has a width of vectors, and mew is 0",
            Mutant(
                _DECODE, "32'b000_010_?_?????_?????_101_?????_0?00111", "32'b000_010_?_?????_?????_10?_?????_0?00111"
            ),
        ),
        Property(
            "first_fault",
            "D-2, D-14",
            "a fault-only-first access is a unit-stride load with its lumop",
            Mutant(
                _DECODE, "32'b000_000_?_10000_?????_101_?????_0000111", "32'b000_000_?_10000_?????_101_?????_0?00111"
            ),
        ),
        Property(
            "whole",
            "D-17",
            "whole registers are loaded and stored without a mask",
            Mutant(
                _DECODE, "32'b011_000_1_01000_?????_000_?????_0?00111", "32'b011_000_?_01000_?????_000_?????_0?00111"
            ),
        ),
        Property(
            "high2",
            "E-18",
            "where vs2 may be the highest part of vd, it is not the larger group",
            Mutant(_SHAPE, "(narrow[4] ? 2'd0 : narrow[1:0])", "wide_regs"),
        ),
        Property(
            "high1",
            "E-18",
            "where vs1 may be the highest part of vd, it is not the larger group",
            Mutant(_SHAPE, "assign vs1_group_o    = group;", "assign vs1_group_o = ~group;"),
        ),
        Property(
            "bytes",
            "D-3, D-16, D-17",
            "the elements of a load or store fill 8 registers at most",
            Mutant(_SHAPE, "assign width_ok    = (emul <= 5'sd3)", "assign width_ok    = (emul <= 5'sd4)"),
        ),
        Property(
            "registers",
            "D-3, D-16, D-17",
            "and those of its group at most",
            Mutant(_SHAPE, "assign mask_bytes  = CntW'((vl_i + CntW'(7)) >> 3);", "assign mask_bytes = vl_i;"),
        ),
    ),
    depth=2,
    reach=2,
)

LEGAL = Block(
    "legal",
    (),
    (
        Property(
            "off",
            "A-3, B-5, B-16",
            "with the unit off all but accesses to status registers is an illegal instruction",
            Mutant(_LEGAL, "(unit == UnitVset)                          ? vs_on_i", "(unit == UnitVset) ? 1'b1"),
        ),
        Property(
            "unknown",
            "E-1",
            "so is what no row of the table matches",
            Mutant(_LEGAL, "? alu_ok : 1'b0;", "? alu_ok : vs_on_i;"),
        ),
        Property(
            "status",
            "B-14, F-7",
            "status registers are accessed whether the unit is on or off, and trap as vctx_status says",
            Mutant(_LEGAL, "csr_status ? !status_trap_i", "csr_status ? (vs_on_i && !status_trap_i)"),
        ),
        Property(
            "csr",
            "A-1, A-4, A-5",
            "a vector CSR is accessed with the unit on, and vl, vtype, vlenb are not written",
            Mutant(_LEGAL, "(vs_on_i && !(csr_read_only && csr_writes_o))", "vs_on_i"),
        ),
        Property(
            "writes",
            "A-4",
            "a set or clear of x0, or of 0, does not write",
            Mutant(_LEGAL, "(insn_i[13:12] == 2'd1) || (insn_i[19:15] != 5'd0)", "(insn_i[19:15] != 5'd0)"),
        ),
        Property(
            "vset",
            "C-4, C-10",
            "vset* never traps with the unit on",
            Mutant(_LEGAL, "(unit == UnitVset)                          ? vs_on_i", "(unit == UnitVset) ? mem_ok"),
        ),
        Property(
            "vill",
            "C-4, D-18, E-11",
            "with vill all is illegal that depends on vtype",
            Mutant(_LEGAL, "!vill_i || (dec_i.shape == ShapeWholeMem)", "!vill_i || dec_i.shape[1]"),
        ),
        Property(
            "vstart",
            "E-9, E-10",
            "arithmetic is illegal with vstart other than zero",
            Mutant(_LEGAL, "overlap_ok &&\n                    !vstart_nonzero_i;", "overlap_ok;"),
        ),
        Property(
            "aligned",
            "D-3, D-17, E-2",
            "a group starts at a multiple of its size",
            Mutant(_LEGAL, "in_vd     = {vd_group_i == 2'd3, vd_group_i[1]", "in_vd     = {1'b0, vd_group_i[1]"),
        ),
        Property(
            "widths",
            "D-3, E-17, E-22",
            "EEW and EMUL out of range are illegal",
            Mutant(_LEGAL, "mem_ok   = vs_on_i && vtype_ok && widths_ok_i", "mem_ok   = vs_on_i && vtype_ok"),
        ),
        Property(
            "mask",
            "D-4, E-2",
            "a masked instruction does not write v0",
            Mutant(_LEGAL, "(dec_i.unit != UnitStore || MaskedV0StoreTrap)", "(dec_i.unit == UnitLoad)"),
        ),
        Property(
            "overlap",
            "E-13, E-18",
            "groups of different widths overlap as E-18 allows, and no other way",
            Mutant(_LEGAL, "!vs2_fraction_i && ((vs2[2:0] | in_vs2 | ~in_vd) == '1)", "!vs2_fraction_i"),
        ),
        Property(
            "arith",
            "E-2, E-18",
            "arithmetic that breaks none of these rules executes",
            Mutant(_LEGAL, "!vs1_fraction_i && ((vs1[2:0] | in_vs1 | ~in_vd) == '1)", "1'b0"),
        ),
        Property(
            "mem",
            "D-4, D-7",
            "so does a load or store, whatever vstart is",
            Mutant(_LEGAL, "mem_ok   = vs_on_i && vtype_ok", "mem_ok   = !vstart_nonzero_i && vs_on_i && vtype_ok"),
        ),
    ),
    depth=2,
    reach=2,
)

VSET = Block(
    "vset",
    ("VLEN",),
    (
        Property(
            "vill_zeroes",
            "A-11, C-4",
            "vill zeroes vl and the rest of vtype",
            Mutant(_VSET, "assign vtype_o = vill_o ? '0 : request[7:0];", "assign vtype_o = request[7:0];"),
        ),
        Property(
            "reserved",
            "C-2, C-3, C-11",
            "what is reserved or not supported sets vill, all 64 bits considered",
            Mutant(_VSET, "(request[63:8] != '0)", "(request[62:8] != '0)"),
        ),
        Property(
            "legal",
            "C-11",
            "each of the 88 legal values of vtype is accepted",
            Mutant(_VSET, "3'b110:  supported = (vtype[5:3] <= 3'd1);", "3'b110:  supported = (vtype[5:3] < 3'd1);"),
        ),
        Property(
            "vtype",
            "C-12",
            "vtype becomes what was asked for, vta and vma included",
            Mutant(_VSET, "vill_o ? '0 : request[7:0]", "vill_o ? '0 : {1'b0, request[6:0]}"),
        ),
        Property(
            "vlmax",
            "A-10, C-13",
            "vl is VLMAX at most",
            Mutant(_VSET, "(avl > 64'(vlmax)) ? vl_above", "(avl > 64'(vlmax) + 64'd1) ? vl_above"),
        ),
        Property(
            "avl",
            "C-6",
            "AVL up to VLMAX is what vl becomes",
            Mutant(_VSET, "(avl > 64'(vlmax)) ? vl_above", "(avl > 64'(vlmax >> 1)) ? vl_above"),
        ),
        Property(
            "long",
            "C-6, C-7",
            "from twice VLMAX on vl becomes VLMAX, AVL being unsigned",
            Mutant(_VSET, "(avl > 64'(vlmax)) ? vl_above", "($signed(avl) > $signed(64'(vlmax))) ? vl_above"),
        ),
        Property(
            "between",
            "C-6",
            "between the two, too: that is what is chosen here (L-3)",
            Mutant(_VSET, "assign vl_above = (VlCeilHalf", "assign vl_above = (!VlCeilHalf"),
        ),
        Property(
            "keeps",
            "C-8, C-9",
            "x0, x0 keeps vl, or sets vill where VLMAX changes or vill was set",
            Mutant(_VSET, "(RatioChangeVill && (log2_old != log2_new))", "(RatioChangeVill && (log2_old < log2_new))"),
        ),
    ),
    depth=2,
    reach=2,
)
