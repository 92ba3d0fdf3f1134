# SPDX-License-Identifier: Apache-2.0
"""Bugs in what the block remembers: reset, vset, CSRs, VS."""

from __future__ import annotations

from mutation import Bug

_CSR, _CTRL, _ISSUE, _LEGAL, _LOAD = "vctx_csr.sv", "vctx_ctrl.sv", "vctx_issue.sv", "vctx_legal.sv", "vctx_lsu_load.sv"
_LSU, _PKG, _SHAPE, _STORE = "vctx_lsu.sv", "vctx_pkg.sv", "vctx_shape.sv", "vctx_lsu_store.sv"
_STATUS, _TOP, _VSET = "vctx_status.sv", "vctx.sv", "vctx_vset.sv"

BUGS: list[Bug] = []


def _bug(name: str, file: str, *edits: tuple[str, str], kills: str) -> None:
    BUGS.append(Bug(name, file, edits, kills))


# --- reset ---
_bug("no vill", _CSR, ("vill_q   <= 1'b1;", "vill_q   <= 1'b0;"), kills="reset: reset_leaves_vill_and_zeros")
_bug(
    "vsstatus.VS starts Dirty",
    _STATUS,
    ("vsstatus_vs_q <= VsOff;", "vsstatus_vs_q <= VsDirty;"),
    kills="reset: reset_turns_vs_off_at_both_levels",
)
_bug(
    "vcsr survives",
    _CSR,
    ("vcsr_q   <= '0;", "vcsr_q   <= (vcsr_q === 3'd7) ? 3'd7 : '0;"),
    kills="reset: reset_clears_what_was_set",
)
_bug(
    "written during reset",
    _TOP,
    (".wbe_i     (wbe),", ".wbe_i     (rst_ni ? wbe : '1),"),
    kills="reset: reset_keeps_the_registers",
)
_bug(
    "load goes on",
    _LOAD,
    ("busy_q       <= 1'b0;", "busy_q       <= busy_q === 1'b1;"),
    kills="reset: reset_in_the_middle_of_a_read_burst",
)
_bug(
    "store goes on",
    _STORE,
    ("send_q     <= 1'b0;", "send_q     <= send_q === 1'b1;"),
    kills="reset: reset_in_the_middle_of_a_write_burst",
)
_bug(
    "response still awaited",
    _STORE,
    ("bursts_q <= '0;", "bursts_q <= (bursts_q === 3'd1) ? 3'd1 : '0;"),
    kills="reset: reset_while_a_response_is_awaited",
)
_bug(
    "translation goes on",
    _LSU,
    ("      state_q   <= StIdle;\n", "      if (state_q !== StPage) state_q <= StIdle;\n"),
    kills="reset: reset_while_a_translation_is_awaited",
)
_bug(
    "waits for the mask for ever",
    _CTRL,
    ("state_q          <= StIdle;", "if (state_q !== StMask) state_q <= StIdle;"),
    kills="reset: reset_in_the_middle_of_a_mask_fetch",
)

# --- vset ---
_bug(
    "VLMAX + 1",
    _VSET,
    ("((avl > 64'(vlmax)) ? vl_above", "((avl > 64'(vlmax) + 64'd1) ? vl_above"),
    kills="vset: vl_is_the_smaller_of_avl_and_vlmax",
)
_bug(
    "four bits of AVL",
    _VSET,
    ("{59'b0, insn[19:15]}", "{60'b0, insn[18:15]}"),
    kills="vset: vsetivli_takes_five_bits",
)
_bug(
    "vma lost",
    _VSET,
    ("from_register ? rs2 :", "from_register ? (rs2 & ~64'h80) :"),
    kills="vset: vsetvl_takes_vtype_from_a_register",
)
_bug("x0 is 0", _VSET, ("(rs1_is_x0 ? '1 : rs1)", "(rs1_is_x0 ? '0 : rs1)"), kills="vset: avl_x0_means_vlmax")
_bug(
    "vl not kept", _VSET, ("keep_vl ? vl_kept :", "keep_vl ? vlmax :"), kills="vset: x0_x0_keeps_vl_for_the_same_ratio"
)
_bug(
    "another ratio",
    _PKG,
    ("RatioChangeVill    = 1'b1", "RatioChangeVill    = 1'b0"),
    kills="vset: x0_x0_with_another_ratio_is_vill",
)
_bug(
    "SEW of 128",
    _VSET,
    ("default: supported = (vtype[5:3] <= 3'd3);", "default: supported = (vtype[5:3] <= 3'd4);"),
    kills="vset: reserved_sew_and_lmul_are_vill",
)
_bug(
    "32 bits of vtype",
    _VSET,
    ("(request[63:8] != '0)", "(request[31:8] != '0)"),
    kills="vset: any_higher_bit_of_vtype_is_vill",
)
_bug(
    "vset keeps vstart",
    _CTRL,
    ("resumable ? lsu_elem_i : '0;", "resumable ? lsu_elem_i : (vset_done ? vstart_i : '0);"),
    kills="vset: vset_clears_vstart; context: restore_is_preempted_before_each_instruction",
)
_bug(
    "vill permits",
    _LEGAL,
    ("vtype_ok = !vill_i ||", "vtype_ok = 1'b1 ||"),
    kills="vset: vill_makes_all_but_whole_register_accesses_illegal",
)
_bug("EMUL of 16", _SHAPE, ("(emul <= 5'sd3)", "(emul <= 5'sd4)"), kills="vset: emul_out_of_range_is_illegal")

# --- CSRs ---
_bug(
    "not for users",
    _STATUS,
    ("assign vs_on_o = HasV &&", "assign vs_on_o = HasV && (prv_i != PrvU) &&"),
    kills="csr: vector_csrs_are_for_every_mode",
)
_bug(
    "vl can be written",
    _LEGAL,
    ("!(csr_read_only && csr_writes_o)", "!(csr_read_only && csr_writes_o && (insn_i[13:12] == 2'd1))"),
    kills="csr: vl_vtype_and_vlenb_are_read_only",
)
_bug("half of vlenb", _CSR, ("64'(VLEN / 8)", "64'(VLEN / 16)"), kills="csr: vlenb_is_vlen_in_bytes")
_bug(
    "mstatus for hypervisors",
    _STATUS,
    ("(prv_i == PrvM) ||", "(prv_i == PrvM) || ((csr_level == 2'd3) && (prv_i != PrvU) && !virt_i) ||"),
    kills="csr: mstatus_is_for_machine_mode",
)
_bug(
    "sstatus for users",
    _STATUS,
    ("((csr_level == 2'd1) && (prv_i != PrvU))", "(csr_level == 2'd1)"),
    kills="csr: sstatus_is_for_supervisors",
)
_bug(
    "vsstatus for guests",
    _STATUS,
    ("((csr_level == 2'd2) && (prv_i != PrvU) && !virt_i)", "((csr_level == 2'd2) && (prv_i != PrvU))"),
    kills="csr: vsstatus_is_for_hypervisors",
)
_bug(
    "toggles", _PKG, ("csr_rmw = old | src;", "csr_rmw = old ^ src;"), kills="csr: set_and_clear_change_the_bits_given"
)
_bug(
    "signed immediate",
    _TOP,
    ("{59'b0, insn[19:15]} : rs1", "{{59{insn[19]}}, insn[19:15]} : rs1"),
    kills="csr: immediates_are_five_bits_and_unsigned",
)
_bug(
    "vxrm shifted",
    _CSR,
    ("vcsr_q[2:1] <= wdata[1:0];", "vcsr_q[2:1] <= wdata[2:1];"),
    kills="csr: vcsr_is_vxrm_and_vxsat",
)
_bug("vxrm not masked", _CSR, ("? 64'(vxrm) :", "? 64'(vcsr_q) :"), kills="csr: bits_that_do_not_exist_read_zero")
_bug(
    "x0 written",
    _CTRL,
    ("(insn_i[11:7] != 5'd0);", "((insn_i[11:7] != 5'd0) || (is_csr && (insn_i[19:15] == 5'd0)));"),
    kills="csr: nothing_is_written_to_x0",
)
_bug(
    "SD while Clean",
    _STATUS,
    ("fs_dirty_i || (mstatus_vs_q == VsDirty)", "fs_dirty_i || mstatus_vs_q[1]"),
    kills="csr: a_status_register_shows_vs_and_sd_only",
)
_bug(
    "SD without FS",
    _STATUS,
    ("{fs_dirty_i || (mstatus", "{(mstatus"),
    kills="csr: sd_follows_fs_of_the_same_register",
)
_bug(
    "SD is a bit of its own",
    _STATUS,
    ("  assign vsstatus = {vsfs_dirty_i ||", "  logic sd_q;\n  assign vsstatus = {sd_q || vsfs_dirty_i ||"),
    (
        "  // A change of vector state dirties",
        "  always_ff @(posedge clk_i or negedge rst_ni) if (!rst_ni) sd_q <= 1'b0;\n"
        "    else if (status_write && (addr == CsrVsstatus)) sd_q <= wdata[63];\n  // A change of vector state dirties",
    ),
    kills="csr: sd_cannot_be_written",
)
_bug(
    "sstatus is mstatus",
    _STATUS,
    ("(virt_i ? CsrVsstatus : CsrMstatus)", "CsrMstatus"),
    kills="csr: sstatus_of_a_guest_is_vsstatus",
)
_bug(
    "V in M-mode",
    _ISSUE,
    ("issue_virt_i && (issue_prv_i != PrvM);", "issue_virt_i;"),
    kills="csr: virt_does_not_count_in_machine_mode",
)

# --- VS ---
_bug(
    "guests ignore mstatus.VS",
    _STATUS,
    ("(mstatus_vs_q != VsOff) &&", "((mstatus_vs_q != VsOff) || virt_i) &&"),
    kills="vs: off_makes_it_illegal_in_every_mode",
)
_bug(
    "guests ignore vsstatus.VS",
    _STATUS,
    ("(!virt_i || (vsstatus_vs_q != VsOff))", "1'b1"),
    kills="vs: off_in_vsstatus_makes_it_illegal_in_guests_alone",
)
_bug("Initial forbids", _STATUS, ("(mstatus_vs_q != VsOff)", "mstatus_vs_q[1]"), kills="vs: any_other_state_permits_it")
_bug(
    "VS at V=1",
    _STATUS,
    ("if (dirty_i && dirty_virt_i)", "if (1'b0)"),
    kills="vs: vs_at_v1_becomes_dirty_at_both_levels;"
    "hypervisor: a_guest_finds_its_registers_as_it_left_them two_guests_never_find_each_others_registers;"
    "live: a_vcpu_is_loaded_and_put_live",
)
_bug(
    "VS at V=0",
    _STATUS,
    ("if (dirty_i && dirty_virt_i)", "if (dirty_i)"),
    kills="vs: vsstatus_stays_as_it_is_when_the_host_wrote",
)
_bug(
    "reads write",
    _CTRL,
    ("csr_write_o   = csr_done && csr_writes_i;", "csr_write_o   = csr_done;"),
    kills="vs: reading_a_csr_leaves_vs_as_it_is",
)
_bug(
    "vcsr alone",
    _CSR,
    ("dirty_i || vector_write;", "vector_write && (addr_i == CsrVcsr);"),
    kills="vs: writing_a_csr_makes_vs_dirty_whatever_the_value",
)
_bug(
    "Dirty without effect",
    _CTRL,
    ("assign dirty_o       = vstart_we_o &&", "assign dirty_o       = (vstart_we_o || illegal) &&"),
    kills="vs: an_illegal_instruction_leaves_vs_as_it_is",
)
_bug(
    "clean after a fault",
    _CTRL,
    ("assign dirty_o       = vstart_we_o &&", "assign dirty_o       = vstart_we_o && !lsu_trap_i &&"),
    kills="vs: a_fault_makes_vs_dirty",
)
_bug(
    "clean with vl 0",
    _TOP,
    (".dirty_i        (dirty),", ".dirty_i        (dirty && !((lsu_done || alu_done) && (vl == '0))),"),
    kills="vs: vl_0_makes_vs_dirty_all_the_same",
)
_bug(
    "two states",
    _PKG,
    ("VsTwoState         = 1'b0", "VsTwoState         = 1'b1"),
    kills="vs: both_fields_hold_all_four_states",
)
_bug(
    "status CSRs need VS",
    _STATUS,
    ("trap_o      = !csr_prv_ok;", "trap_o      = !csr_prv_ok || ((prv_i != PrvM) && !vs_on_o);"),
    kills="vs: status_registers_can_be_written_while_vs_is_off",
)
