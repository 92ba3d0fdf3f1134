# SPDX-License-Identifier: Apache-2.0
"""A GTKWave save file that opens a dump with the signals one wants first."""

from __future__ import annotations

from pathlib import Path

from vcd.gtkw import GTKWSave

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


# What waves show as numbers, and the file that has their names, with the bits of a number.
FILTERS = {"mnemonic": ("mnemonic.filter", 32), "function": ("function.filter", 16), "owner": ("owner.filter", 16)}

# Of an instruction, below u_view: signal, bits, what it is called, and whose names it has.
_VIEW = (
    ("pc", 64, "pc", None),
    ("insn", 32, "mnemonic", "mnemonic"),
    ("function", 16, "function", "function"),
    ("owner", 16, "owner", "owner"),
    ("event", 32, "event of the trace", None),
)


def write_save_file(path: Path, dump: Path, scope: str, harts: int, vlen: int, *, view: bool) -> None:
    """Write a save file for a dump of a testbench: of every hart the instructions, ports and registers.

    Args:
        scope: path of a hart in the dump, with `{}` for its number.
        vlen: bits of a register; 0 for none.
        view: the testbench shows pc, mnemonic, function and owner, whose names are in files beside the dump.
    """
    with path.open("w") as file:
        save = GTKWSave(file)
        save.dumpfile(str(dump))
        for hart in range(harts):
            own = scope.format(hart)
            with save.group(f"hart {hart}"):
                save.trace(f"{own}.rst_ni")
                save.trace(f"{own}.clk_i")
                for when in ("issue", "retire") if view else ():
                    _put_view(save, f"{own}.u_view.{when}", when, path.parent)
                for group, signals in _GROUPS.items():
                    with save.group(group):
                        for name, bits in signals:
                            save.trace(f"{own}.u_dut.{name}{bits}")
                if vlen:
                    with save.group("registers", closed=True):
                        for reg in range(32):
                            save.trace(f"{own}.u_regs.v{reg}[{vlen - 1}:0]", alias=f"v{reg}")


def _put_view(save: GTKWSave, prefix: str, when: str, folder: Path) -> None:
    with save.group({"issue": "instruction on offer", "retire": "oldest instruction in flight"}[when]):
        for signal, bits, alias, names in _VIEW:
            save.trace(
                f"{prefix}_{signal}[{bits - 1}:0]",
                alias=alias,
                datafmt="dec" if signal == "event" else "hex",
                translate_filter_file=None if names is None else str(folder / FILTERS[names][0]),
            )
