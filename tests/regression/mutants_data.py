# SPDX-License-Identifier: Apache-2.0
"""Bugs in what moves and computes."""

from __future__ import annotations

from mutation import Bug

_ALU, _DECODE, _LANE, _LEGAL, _LOAD = (
    "vctx_alu.sv",
    "vctx_decode.sv",
    "vctx_lane.sv",
    "vctx_legal.sv",
    "vctx_lsu_load.sv",
)
_LSU, _PKG, _RESULT, _SERIAL, _SHAPE = (
    "vctx_lsu.sv",
    "vctx_pkg.sv",
    "vctx_mask_result.sv",
    "vctx_serial.sv",
    "vctx_shape.sv",
)
_SRC1, _STORE, _TOP = "vctx_src1.sv", "vctx_lsu_store.sv", "vctx.sv"

BUGS: list[Bug] = []


def _bug(name: str, file: str, *edits: tuple[str, str], kills: str) -> None:
    BUGS.append(Bug(name, file, edits, kills))


# --- loads and stores ---
_bug(
    "64 bits are 32",
    _SHAPE,
    ("(of_width || whole_mem) ? width :", "of_width ? ((width == 2'd3) ? 2'd2 : width) : whole_mem ? width :"),
    kills="loads: unit_stride_load; stores: unit_stride_store",
)
_bug(
    "odd offset of a load",
    _LOAD,
    ("(LaneW'(0) - offset_q)", "(LaneW'(0) - (offset_q & ~LaneW'(1)))"),
    kills="loads: load_from_any_byte_address",
)
_bug(
    "load ignores the mask",
    _LOAD,
    ("(masked_q ? mask_bytes_i : '1)", "'1"),
    kills="loads: masked_load_leaves_inactive_elements",
)
_bug(
    "no bit is any bit",
    _LSU,
    (
        "!nothing_left && mask_bytes_i[elem_q[LaneW-1:0]] &&",
        "!nothing_left && (mask_bytes_i[elem_q[LaneW-1:0]] || (mask_bytes_i == '0)) &&",
    ),
    kills="loads: masked_load_without_an_active_element; stores: masked_store_without_an_active_element;"
    "faults: a_page_without_an_active_element_does_not_fault",
)
_bug(
    "width from vtype",
    _SHAPE,
    ("(of_width || whole_mem) ? width :", "of_width ? sew_i : whole_mem ? width :"),
    kills="loads: load_with_another_width_than_sew",
)
_bug(
    "mask cut",
    _SHAPE,
    ("CntW'((vl_i + CntW'(7)) >> 3)", "CntW'(vl_i >> 3)"),
    kills="loads: mask_load; stores: mask_store",
)
_bug(
    "four registers are eight",
    _SHAPE,
    ("(nr_minus_1[1] ? 2'd2 :", "(nr_minus_1[1] ? 2'd3 :"),
    kills="loads: whole_register_load_ignores_vl; stores: whole_register_store_ignores_vl",
)
_bug(
    "load from 0 on",
    _LSU,
    ("strided_i ? '0 : CntW'(vstart_i);", "(strided_i || !store_i) ? '0 : CntW'(vstart_i);"),
    kills="loads: load_from_vstart_on",
)
_bug(
    "store from 0 on",
    _LSU,
    ("strided_i ? '0 : CntW'(vstart_i);", "(strided_i || store_i) ? '0 : CntW'(vstart_i);"),
    kills="stores: store_from_vstart_on",
)
_bug(
    "row to its end",
    _LOAD,
    (".end_i    (end_byte_q),", ".end_i    ((end_byte_q + CntW'(Bytes - 1)) & ~CntW'(Bytes - 1)),"),
    kills="loads: the_tail_keeps_its_value",
)
_bug(
    "vl 0 is vl 1",
    _LSU,
    ("nothing_left = (elem_q >= end_q);", "nothing_left = (elem_q >= end_q) && (end_q != '0);"),
    kills="loads: vl_0_loads_nothing; stores: vl_0_stores_nothing",
)
_bug(
    "misaligned store",
    _LSU,
    ("store_i ? CauseStoreMisaligned : CauseLoadMisaligned", "CauseStoreMisaligned"),
    kills="loads: misaligned_load_traps",
)
_bug(
    "misaligned load",
    _LSU,
    ("store_i ? CauseStoreMisaligned : CauseLoadMisaligned", "CauseLoadMisaligned"),
    kills="stores: misaligned_store_traps",
)
_bug(
    "page of 4097 bytes",
    _LSU,
    ("(13'd4096 - 13'(addr[11:0]))", "(13'd4097 - 13'(addr[11:0]))"),
    kills="loads: load_across_a_page_boundary; stores: store_across_a_page_boundary",
)
_bug(
    "second page not translated",
    _LSU,
    ("({xlat_ppn_i, addr[11:LaneW]", "({(elem_q == CntW'(vstart_i)) ? xlat_ppn_i : addr[55:12], addr[11:LaneW]"),
    kills="loads: the_second_page_of_a_load_may_lie_anywhere; stores: the_second_page_of_a_store_may_lie_anywhere",
)
_bug(
    "eight registers anywhere",
    _LEGAL,
    ("{vd_group_i == 2'd3, vd_group_i[1]", "{1'b0, vd_group_i[1]"),
    kills="loads: a_load_into_a_misaligned_group_is_illegal",
)
_bug(
    "load over its mask",
    _LEGAL,
    ("(dec_i.unit != UnitStore || MaskedV0StoreTrap)", "(dec_i.unit == UnitAlu)"),
    kills="loads: a_masked_load_must_not_overwrite_its_mask",
)
_bug(
    "segments",
    _DECODE,
    ("32'b000_000_?_00000_?????_000_?????_0?00111,", "32'b00?_000_?_00000_?????_000_?????_0?00111,"),
    kills="loads: loads_that_do_not_exist_are_illegal",
)
_bug(
    "strobe dropped",
    _STORE,
    (
        ".row_i    (strobes),",
        ".row_i    ({strobes[Bytes-1] && (send_seg_q.offset != LaneW'(3)), strobes[Bytes-2:0]}),",
    ),
    kills="stores: store_to_any_byte_address_drops_no_strobe",
)
_bug(
    "store ignores the mask",
    _STORE,
    ("(send_seg_q.masked ? mask_bytes_i : '1)", "'1"),
    kills="stores: masked_store_writes_active_elements_only",
)
_bug(
    "v0 cannot be stored",
    _PKG,
    ("MaskedV0StoreTrap  = 1'b0", "MaskedV0StoreTrap  = 1'b1"),
    kills="stores: a_masked_store_may_store_its_mask",
)

# --- arithmetic ---
_bug(
    "carry between bytes",
    _LANE,
    ("64'h8080_8080_8080_8080", "64'h8080_8080_8080_8000"),
    kills="arithmetic: add_and_logic_of_vectors",
)
_bug(
    "one word of two",
    _PKG,
    ("{2{element[31:0]}}", "{32'b0, element[31:0]}"),
    kills="arithmetic: add_and_logic_with_a_scalar",
)
_bug("imm unsigned", _SRC1, ("64'($signed(imm))", "64'(imm)"), kills="arithmetic: immediates_are_sign_extended")
_bug("not equal", _LANE, ("outcome = ltu | eq;", "outcome = ltu;"), kills="arithmetic: compares_write_a_mask")
_bug(
    "the other inverted",
    _RESULT,
    ("logic_op = src2 | ~src1;", "logic_op = ~src2 | src1;"),
    kills="arithmetic: mask_logic_writes_vl_bits",
)
_bug(
    "arithmetic ignores the mask",
    _ALU,
    ("merge ? body_bytes : (body_bytes & mask_bytes_i);", "body_bytes;"),
    kills="arithmetic: masked_arithmetic_leaves_inactive_elements; overlap: pauses_between_issues_change_nothing",
)
_bug(
    "merge the other way",
    _LANE,
    ("(src1 & widen(mask)) | (src2 & ~widen(mask))", "(src2 & widen(mask)) | (src1 & ~widen(mask))"),
    kills="arithmetic: merge_takes_from_either_source",
)
_bug("half a double", _PKG, ("splat = element;", "splat = {2{element[31:0]}};"), kills="arithmetic: moves_fill_a_group")
_bug(
    "onto itself",
    _SHAPE,
    ("(insn_i[11:7] == insn_i[24:20]) ? '0 :", "1'b0 ? '0 :"),
    kills="arithmetic: whole_register_moves_ignore_vl",
)
_bug(
    "extract without sign",
    _ALU,
    ("extend(eew, 1'b1, elem0)", "extend(eew, 1'b0, elem0)"),
    kills="arithmetic: element_0_goes_to_and_from_a_scalar",
)
_bug(
    "index order",
    _SRC1,
    ("64'h0003_0002_0001_0000", "64'h0003_0001_0002_0000"),
    kills="arithmetic: vid_numbers_the_elements",
)
_bug(
    "vstart ignored",
    _LEGAL,
    ("                    !vstart_nonzero_i;", "                    1'b1;"),
    kills="arithmetic: arithmetic_with_vstart_is_illegal; serial: serial_instructions_with_vstart_are_illegal",
)
_bug(
    "vs1 anywhere",
    _LEGAL,
    ("((vs1[2:0] & in_vs1) == 3'd0)", "1'b1"),
    kills="arithmetic: groups_must_be_aligned",
)
_bug(
    "over the source",
    _LEGAL,
    ("overlap2_ok = !in_one2 ||", "overlap2_ok = 1'b1 ||"),
    kills="arithmetic: a_compare_may_overwrite_the_lowest_source_register_only",
)
_bug(
    "over its mask",
    _LEGAL,
    ("(dec_i.unit != UnitStore || MaskedV0StoreTrap)", "(dec_i.unit == UnitLoad)"),
    kills="arithmetic: masked_arithmetic_must_not_overwrite_its_mask",
)

# --- strided accesses, and elements one by one ---
_bug(
    "stride of 32 bits",
    _TOP,
    (".stride_i      (rs2),", ".stride_i      ({32'b0, rs2[31:0]}),"),
    kills="strided: strided_load strided_store",
)
_bug(
    "no stride where nothing is moved",
    _LSU,
    ("(strided_i && (segment_start || passes))", "(strided_i && segment_start)"),
    kills="strided: masked_strided_access_passes_inactive_elements strided_access_from_vstart_on",
)
_bug(
    "alignment of the base",
    _LSU,
    ("((addr[2:0] & ~(3'b111 << eew_i)) != 3'b0)", "((base_i[2:0] & ~(3'b111 << eew_i)) != 3'b0)"),
    kills="strided: a_misaligned_stride_traps_where_it_matters",
)
_bug(
    "low half of a product",
    _SERIAL,
    ("? product_high :", "? product_low :"),
    kills="serial: multiplication",
)
_bug("less is more", _LANE, ("(op == OpMin) ? less : ~less", "less"), kills="serial: shifts_and_extremes")
_bug(
    "other extreme", _SERIAL, ("result = total[64] ? x : y;", "result = total[64] ? y : x;"), kills="serial: reductions"
)
_bug(
    "always signed",
    _SERIAL,
    ("vs1_byte[2:0], sew_i, dec_i.signed1);", "vs1_byte[2:0], sew_i, 1'b1);"),
    kills="serial: widening_and_narrowing",
)
_bug("slides past the end", _SERIAL, ("(slides_down && !in_group_q)", "1'b0"), kills="serial: slides")
_bug("none is the first", _SERIAL, ("(op == OpFirst) ? '1 : '0;", "'0;"), kills="serial: counting_mask_bits")
