# SPDX-License-Identifier: Apache-2.0
"""A GTKWave save file that opens a dump with the signals one wants first."""

from __future__ import annotations

from pathlib import Path

# Path below a hart's scope, and bit range ("" for one bit).
_GROUPS: dict[str, tuple[tuple[str, str], ...]] = {
    "issue": (
        ("issue_valid_i", ""),
        ("issue_ready_o", ""),
        ("issue_insn_i", "[31:0]"),
        ("issue_rs1_i", "[63:0]"),
        ("issue_rs2_i", "[63:0]"),
        ("issue_prv_i", "[1:0]"),
        ("issue_virt_i", ""),
        ("irq_valid_i", ""),
        ("irq_elem_i", "[12:0]"),
    ),
    "retire": (
        ("retire_valid_o", ""),
        ("retire_trap_o", ""),
        ("retire_cause_o", "[5:0]"),
        ("retire_tval_o", "[63:0]"),
        ("retire_irq_o", ""),
        ("retire_rd_o", "[63:0]"),
        ("retire_vd_mask_o", "[31:0]"),
        ("vl_o", "[63:0]"),
        ("vtype_o", "[63:0]"),
        ("vstart_o", "[63:0]"),
        ("vcsr_o", "[2:0]"),
        ("mstatus_vs_o", "[1:0]"),
        ("vsstatus_vs_o", "[1:0]"),
    ),
    "translate": (
        ("xlat_valid_o", ""),
        ("xlat_ready_i", ""),
        ("xlat_vpn_o", "[51:0]"),
        ("xlat_store_o", ""),
        ("xlat_fault_i", ""),
        ("xlat_ppn_i", "[43:0]"),
    ),
    "bus": (
        ("axi_arvalid_o", ""),
        ("axi_arready_i", ""),
        ("axi_araddr_o", "[55:0]"),
        ("axi_arlen_o", "[7:0]"),
        ("axi_rvalid_i", ""),
        ("axi_rready_o", ""),
        ("axi_rlast_i", ""),
        ("axi_awvalid_o", ""),
        ("axi_awready_i", ""),
        ("axi_awaddr_o", "[55:0]"),
        ("axi_awlen_o", "[7:0]"),
        ("axi_wvalid_o", ""),
        ("axi_wready_i", ""),
        ("axi_wlast_o", ""),
        ("axi_bvalid_i", ""),
        ("axi_bready_o", ""),
    ),
}


def write_save_file(path: Path, dump: Path, scope: str, harts: int) -> None:
    """Write a save file for a dump of a testbench: issue, retire, translate and bus ports of every hart.

    Args:
        scope: path of a hart in the dump, with `{}` for its number.
    """
    lines = [f'[dumpfile] "{dump}"']
    for hart in range(harts):
        own = scope.format(hart)
        lines += [f"-hart {hart}", f"{own}.rst_ni", f"{own}.clk_i"]
        for group, signals in _GROUPS.items():
            lines.append(f"-{group}")
            lines += (f"{own}.u_dut.{name}{bits}" for name, bits in signals)
    path.write_text("\n".join(lines) + "\n")
