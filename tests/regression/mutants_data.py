# SPDX-License-Identifier: Apache-2.0
"""Bugs in what moves and computes."""

from __future__ import annotations

from mutation import Bug

_ALU, _BURST, _CSR, _CTRL, _DECODE = "vctx_alu.sv", "vctx_lsu_burst.sv", "vctx_csr.sv", "vctx_ctrl.sv", "vctx_decode.sv"
_ISSUE, _LANE, _LEGAL, _LOAD, _LSU = "vctx_issue.sv", "vctx_lane.sv", "vctx_legal.sv", "vctx_lsu_load.sv", "vctx_lsu.sv"
_PKG, _RESULT, _SHAPE, _SRC1 = "vctx_pkg.sv", "vctx_mask_result.sv", "vctx_shape.sv", "vctx_src1.sv"
_SERIAL, _STATUS, _STORE, _TOP = "vctx_serial.sv", "vctx_status.sv", "vctx_lsu_store.sv", "vctx.sv"

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

# --- faults ---
_bug(
    "load stops one early",
    _LSU,
    ("elem_o    = exception ? elem_q[IdxW-1:0]", "elem_o    = exception ? (elem_q[IdxW-1:0] & ~IdxW'(!store_i))"),
    kills="faults: load_stops_at_each_element_and_goes_on",
)
_bug(
    "store stops one early",
    _LSU,
    ("elem_o    = exception ? elem_q[IdxW-1:0]", "elem_o    = exception ? (elem_q[IdxW-1:0] & ~IdxW'(store_i))"),
    kills="faults: store_stops_at_each_element_and_goes_on",
)
_bug(
    "vstart lost after a fault",
    _CTRL,
    ("resumable ? lsu_elem_i : '0;", "lsu_irq_i ? lsu_elem_i : '0;"),
    kills="faults: vstart_after_a_fault_is_the_element_that_faulted; strided: strided_access_faults_at_its_element",
)
_bug(
    "mask has elements of SEW",
    _SHAPE,
    ("((of_mask || whole_move) ? 2'd0 : sew_i)", "(whole_move ? 2'd0 : sew_i)"),
    kills="faults: mask_load_and_store_fault_at_a_byte",
)
_bug(
    "whole registers are bytes",
    _SHAPE,
    ("(of_width || whole_mem) ? width :", "of_width ? width : whole_mem ? 2'd0 :"),
    kills="faults: whole_register_load_and_store_fault_at_an_element",
)
_bug(
    "htval not shifted",
    _LSU,
    ("{2'b0, gpn_q, addr[11:2]}", "{gpn_q, addr[11:0]}"),
    kills="faults: a_fault_reports_cause_and_addresses",
)
_bug(
    "tval of the page",
    _LSU,
    ("tval_o  = !trap_o ? '0 : addr;", "tval_o  = !trap_o ? '0 : {addr[63:12], 12'b0};"),
    kills="faults: a_fault_is_taken_at_the_first_active_element_of_its_page",
)
_bug(
    "first two are first",
    _LSU,
    ("first_fault_i && (elem_q != '0);", "first_fault_i && (elem_q > CntW'(1));"),
    kills="faults: fault_only_first_trims_vl",
)
_bug(
    "no fault at all",
    _LSU,
    ("first_fault_i && (elem_q != '0);", "first_fault_i;"),
    kills="faults: fault_only_first_traps_at_element_0",
)
_bug(
    "misaligned translated",
    _LSU,
    ("xlat_valid_o  = active && !misaligned &&", "xlat_valid_o  = active &&"),
    kills="faults: misaligned_goes_before_a_page_fault",
)
_bug(
    "vsstatus clean after a fault",
    _CSR,
    (
        "(older_i ? older_virt_i : virt_i)",
        "((older_i ? older_virt_i : virt_i) && !(vstart_we_i && (vstart_i != '0)))",
    ),
    kills="faults: a_fault_in_a_guest_makes_both_levels_dirty",
)
_bug(
    "traps before the data",
    _LSU,
    ("exception     = idle &&", "exception     = 1'b1 &&"),
    kills="faults: registers_before_the_fault_are_written_and_no_others",
)
_bug(
    "access fault is a page fault",
    _LSU,
    ("cause_q <= xlat_cause_i;", "cause_q <= xlat_cause_i | 6'd8;"),
    kills="faults: an_address_without_memory_is_an_access_fault",
)

# --- interrupts ---
_bug(
    "load completes",
    _LSU,
    ("irq_o     = completed && irq_q;", "irq_o     = completed && irq_q && store_i;"),
    kills="interrupts: load_is_interrupted_at_each_element_and_goes_on; strided: strided_access_is_interrupted",
)
_bug(
    "store completes",
    _LSU,
    ("irq_o     = completed && irq_q;", "irq_o     = completed && irq_q && !store_i;"),
    kills="interrupts: store_is_interrupted_at_each_element_and_goes_on",
)
_bug(
    "stops behind the end",
    _LSU,
    ("(stop_elem < 13'(evl_i))", "(stop_elem <= 13'(evl_i))"),
    kills="interrupts: an_interrupt_behind_the_last_element_is_for_the_core",
)
_bug(
    "goes back",
    _LSU,
    ("(irq_elem_i > 13'(vstart_i)) ? irq_elem_i : 13'(vstart_i)", "irq_elem_i"),
    kills="interrupts: an_interrupt_before_vstart_stops_at_vstart",
)
_bug(
    "Dirty for nothing",
    _CTRL,
    ("!(lsu_irq_i && (lsu_elem_i == vstart_i));", "1'b1;"),
    kills="interrupts: no_progress_leaves_vs_as_it_is",
)
_bug(
    "fault forgotten",
    _LSU,
    ("|| (state_q == StFault));", "|| ((state_q == StFault) && !irq_q));"),
    kills="interrupts: a_fault_before_the_interrupt_is_taken",
)
_bug(
    "one too far",
    _LSU,
    (
        "stop ? CntW'(stop_elem) : evl_i;",
        "stop ? CntW'(stop_elem) + CntW'(!store_i && (stop_elem[1:0] == 2'd0)) : evl_i;",
    ),
    kills="interrupts: the_interrupt_goes_before_a_fault_at_its_element",
)
_bug(
    "one too far under a mask",
    _LSU,
    ("stop ? CntW'(stop_elem) : evl_i;", "stop ? CntW'(stop_elem) + CntW'(masked_i) : evl_i;"),
    kills="interrupts: masked_and_whole_register_accesses_are_interrupted_too",
)
_bug(
    "arithmetic interrupted",
    _TOP,
    (".lsu_irq_i          (lsu_irq),", ".lsu_irq_i          (lsu_irq || (alu_done && irq_valid)),"),
    kills="interrupts: nothing_else_is_interrupted",
)
_bug(
    "a bit of the element lost",
    _ISSUE,
    ("irq_elem_o     <= irq_elem_i;", "irq_elem_o     <= irq_elem_i & ~13'h10;"),
    kills="interrupts: interrupts_at_random_change_no_result;context: a_routine_is_interrupted_in_every_load_and_store",
)
_bug(
    "loads not interrupted",
    _ISSUE,
    ("irq_valid_o    <= irq_valid_i;", "irq_valid_o    <= irq_valid_i && (issue_insn_i[6:0] != 7'h07);"),
    kills="interrupts: an_armed_interrupt_stops_the_next_access_once",
)

# --- the bus ---
_bug(
    "row lost while held back",
    _STORE,
    ("assign advance    = step || !send_q;", "assign advance    = 1'b1;"),
    kills="bus: timing_changes_no_result the_memory_of_cocotbext_axi_gives_the_same_results"
    " back_pressure_on_write_data_alone",
)
_bug(
    "held without a beat",
    _LOAD,
    (".hold_i   (beat && !aligned),", ".hold_i   (busy_q && !aligned),"),
    kills="bus: pauses_between_read_beats",
)
_bug(
    "response not awaited",
    _STORE,
    ("done_o     = response && finals_q[0];", "done_o     = sent && sent_final;"),
    kills="bus: waiting_for_responses",
)
_bug(
    "SLVERR of a read",
    _LSU,
    ("(axi_rresp_i != 2'b00)", "(axi_rresp_i == 2'b11)"),
    kills="bus: an_error_on_a_read_is_kept",
)
_bug(
    "SLVERR of a write",
    _LSU,
    ("(axi_bresp_i != 2'b00)", "(axi_bresp_i == 2'b11)"),
    kills="bus: an_error_on_a_write_is_kept",
)
_bug(
    "error for ever",
    _LSU,
    ("bus_err_o <= 1'b0;", "bus_err_o <= bus_err_o === 1'b1;"),
    kills="bus: reset_forgets_a_bus_error",
)
_bug(
    "bursts of eight",
    _BURST,
    ("MaxBeats = 10'd256;", "MaxBeats = 10'd8;"),
    ("split ? 8'd255 :", "split ? 8'd7 :"),
    ("56'(256 * DLEN / 8)", "56'(8 * DLEN / 8)"),
    kills="bus: an_aligned_access_is_one_burst_a_page",
)
_bug(
    "data goes on",
    _STORE,
    ("end else if (step) begin\n        send_q <= 1'b0;", "end else if (step) begin\n        send_q <= ends;"),
    kills="bus: the_bus_rests_when_nothing_is_to_do",
)

# --- overlap ---
_bug(
    "loads one by one",
    _LSU,
    ("handable_o   = (state_q == StMove) &&", "handable_o   = (state_q == StMove) && store_i &&"),
    kills="overlap: a_load_begins_while_another_one_moves_its_data",
)
_bug(
    "stores one by one",
    _LSU,
    ("handable_o   = (state_q == StMove) &&", "handable_o   = (state_q == StMove) && !store_i &&"),
    kills="overlap: a_store_begins_while_another_one_moves_its_data",
)
_bug(
    "CSRs one by one",
    _CTRL,
    ("(state_q == StIdle) || csr_done;", "(state_q == StIdle);"),
    kills="overlap: csr_instructions_retire_one_a_cycle",
)
_bug(
    "overlap of load and store",
    _CTRL,
    ("&& !is_masked && (older_store_q == (dec_i.unit == UnitStore));", "&& !is_masked;"),
    kills="overlap: hazard_a_store_behind_a_load_stores_what_was_loaded"
    " hazard_a_load_behind_a_store_loads_what_was_stored; strided: hazard_strided_among_unit_stride",
)
_FOLLOWS = "assign follows      = is_mem && !is_masked && (older_store_q == (dec_i.unit == UnitStore));"
_bug(
    "arithmetic overtakes",
    _CTRL,
    (_FOLLOWS, _FOLLOWS.replace("= is_mem", "= (is_alu && !is_masked) || is_mem")),
    kills="overlap: hazard_arithmetic_behind_a_load_sees_its_data; serial: hazard_multiplication_behind_a_load",
)
_bug(
    "same register",
    _LOAD,
    (
        "vd_row_q     <= vd_row_i;",
        "vd_row_q     <= (busy_q && (vd_row_i == vd_row_q)) ? (vd_row_i + RowW'(1)) : vd_row_i;",
    ),
    kills="overlap: hazard_two_loads_of_the_same_register",
)
_bug(
    "end of the older store",
    _LSU,
    ("mover_done && !older_i);", "mover_done && (!older_i || store_i));"),
    kills="overlap: hazard_two_stores_to_the_same_bytes",
)
_bug(
    "mask too early",
    _CTRL,
    ("is_mem && !is_masked && (older_store_q", "is_mem && (older_store_q"),
    kills="overlap: hazard_a_mask_that_is_just_being_loaded",
)
_bug(
    "vset overtakes",
    _CTRL,
    (_FOLLOWS, _FOLLOWS.replace("= is_mem", "= is_vset || is_mem")),
    kills="overlap: vset_behind_a_load_does_not_change_it",
)
_bug(
    "CSRs overtake",
    _CTRL,
    (_FOLLOWS, _FOLLOWS.replace("= is_mem", "= is_csr || is_mem")),
    kills="overlap: a_csr_write_behind_a_load_takes_effect_after_it",
)
_bug(
    "faults overtake",
    _LSU,
    ("exception     = idle &&", "exception     = (idle || older_i) &&"),
    kills="overlap: a_fault_behind_a_load_waits_for_it",
)
_bug(
    "interrupts overtake",
    _LSU,
    ("nothing_left && idle)", "nothing_left && (idle || older_i))"),
    kills="overlap: an_interrupt_behind_a_store_waits_for_it",
)
_bug(
    "illegal ones overtake",
    _CTRL,
    ("(legal_i && follows));", "!legal_i || follows);"),
    kills="overlap: an_illegal_instruction_behind_a_load_waits_for_it",
)
_bug(
    "V of the younger",
    _CSR,
    ("(older_i ? older_virt_i : virt_i)", "virt_i"),
    kills="overlap: a_load_of_a_guest_dirties_its_vs_whoever_comes_behind",
)

# --- contexts ---
_bug(
    "five bits of vstart",
    _CSR,
    ("vstart_q    <= wdata[IdxW-1:0];", "vstart_q    <= IdxW'(wdata[4:0]);"),
    kills="context: what_is_restored_and_saved_again_is_the_same",
)
_bug(
    "clear keeps",
    _PKG,
    ("csr_rmw = old & ~src;", "csr_rmw = old;"),
    kills="context: save_leaves_the_registers_and_vs_off; hypervisor: a_task_of_the_host_and_a_guest_take_turns",
)
_bug(
    "vxsat not restored",
    _CSR,
    ("vcsr_q      <= wdata[2:0];", "vcsr_q[2:1] <= wdata[2:1];"),
    kills="context: save_is_preempted_before_each_instruction; live: one_reg_and_reset_live",
)
_bug(
    "sstatus cannot be written",
    _STATUS,
    (
        "(status_write && (addr == CsrMstatus))",
        "(status_write && (addr == CsrMstatus) && (addr_i == CsrMstatus))",
    ),
    kills="context: lazy_and_eager_switching_leave_the_same;"
    "hypervisor: a_guest_migrates_between_the_block_and_a_golden_hart; live: guests_migrate_live",
)

# --- random programs ---
_bug(
    "signed compare",
    _LANE,
    ("((top1 ^ top2) & top2)", "((top1 ^ top2) & top1)"),
    kills="random: random_instructions",
)
_bug(
    "virtual instead of illegal",
    _STATUS,
    ("virt_i && !csr_prv_ok && (csr_level != 2'd3);", "virt_i && !csr_prv_ok;"),
    kills="random: random_modes_and_states_of_vs",
)
_bug(
    "tval of the instruction",
    _LSU,
    ("tval_o  = !trap_o ? '0 : addr;", "tval_o  = !trap_o ? '0 : base_i;"),
    kills="random: random_faults_and_interrupts",
)
_bug("no tval", _PKG, ("TvalInsn           = 1'b1", "TvalInsn           = 1'b0"), kills="random: random_words")
