# SPDX-License-Identifier: Apache-2.0
"""Bugs in what stops an instruction, what runs beside it, and what becomes of many."""

from __future__ import annotations

from mutation import Bug

_BURST, _CSR, _CTRL, _ISSUE, _LANE = "vctx_lsu_burst.sv", "vctx_csr.sv", "vctx_ctrl.sv", "vctx_issue.sv", "vctx_lane.sv"
_LOAD, _LSU, _PKG, _SHAPE, _STATUS = "vctx_lsu_load.sv", "vctx_lsu.sv", "vctx_pkg.sv", "vctx_shape.sv", "vctx_status.sv"
_STORE, _TOP = "vctx_lsu_store.sv", "vctx.sv"

BUGS: list[Bug] = []


def _bug(name: str, file: str, *edits: tuple[str, str], kills: str) -> None:
    BUGS.append(Bug(name, file, edits, kills))


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
    ("changed : !(lsu_irq_i && (lsu_elem_i == vstart_i))", "changed : 1'b1"),
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
    ("(older_i ? older_virt_i : virt_i)", "(virt_i)"),
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
