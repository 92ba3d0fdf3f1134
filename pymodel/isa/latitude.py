# SPDX-License-Identifier: Apache-2.0
"""The latitude table: every choice that the architecture leaves open, what was chosen, and where that is honoured.

`Latitude` holds the settings that the golden model can take either way; `POINTS` describes those and all the others.
A setting of the same name in UpperCamelCase is a localparam of rtl/vctx_pkg.sv where the block, too, can do both.
docs/verification.md shows the table; a test holds it to this module.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Latitude:
    """The choices of the golden model. The defaults are Spike's; `POINTS` says what each setting means."""

    precise_dirty: bool = False
    vs_two_state: bool = False
    vl_ceil_half: bool = False
    ratio_change_vill: bool = True
    keep_vl_from_vill_vill: bool = True
    wide_sew_vill: bool = True
    vstart_alu_trap: bool = True
    vstart_vlmax_trap: bool = False
    vstart_wholereg_trap: bool = False
    masked_v0_source_trap: bool = False
    masked_v0_store_trap: bool = False
    compare_overlap_trap: bool = True
    illegal_vtype_trap: bool = False
    tval_insn: bool = True


@dataclass(frozen=True, slots=True)
class Point:
    """One choice.

    Attributes:
        number: L-n as in section L of the specification; P-n for points of the project's own.
        subject: what is left open.
        allowed: what the text allows.
        choice: what is done here, by default.
        setting: the field of `Latitude` that chooses; "" where only one behaviour exists.
        alternative: what the other value of `setting` does.
        rtl: the localparam of vctx_pkg that chooses, or the module in which the choice is structural.
        unjudged: why Spike is not the judge of it; "" where it is, because it does the same.
    """

    number: str
    subject: str
    allowed: str
    choice: str
    rtl: str
    setting: str = ""
    alternative: str = ""
    unjudged: str = ""


POINTS = (
    Point(
        "L-1",
        "precision of Dirty",
        "more dirty than needed",
        "every vector instruction that retires",
        "PreciseDirty",
        "precise_dirty",
        "only one that writes a register, vl, vtype or a vector CSR, or moves vstart",
    ),
    Point(
        "L-2",
        "values of VS",
        "WARL",
        "all four",
        "VsTwoState",
        "vs_two_state",
        "a write of Initial or Clean stores Dirty",
    ),
    Point(
        "L-3",
        "vl for VLMAX < AVL < 2*VLMAX",
        "ceil(AVL/2) to VLMAX",
        "VLMAX",
        "VlCeilHalf",
        "vl_ceil_half",
        "ceil(AVL/2)",
    ),
    Point(
        "L-4",
        "vsetvl x0, x0 that changes SEW/LMUL",
        "reserved; vill",
        "vill",
        "RatioChangeVill",
        "ratio_change_vill",
        "the new vtype, vl = min(vl, VLMAX)",
    ),
    Point(
        "L-5",
        "vsetvl x0, x0 while vill",
        "reserved; vill",
        "vill stays",
        "KeepVlFromVillVill",
        "keep_vl_from_vill_vill",
        "the new vtype, vl = 0",
    ),
    Point(
        "L-6",
        "SEW > LMUL*ELEN",
        "need not be supported",
        "vill",
        "WideSewVill",
        "wide_sew_vill",
        "supported where VLMAX is at least 1",
    ),
    Point("L-7", "agnostic elements", "kept or ones", "kept", "vctx_alu, vctx_lsu_load"),
    Point("L-8", "tail of a mask result", "kept, ones or computed", "kept", "vctx_mask_result"),
    Point(
        "L-9",
        "vstart != 0 on what is not vset*, load or store",
        "may trap",
        "illegal instruction",
        "vctx_legal",
        "vstart_alu_trap",
        "starts at vstart",
    ),
    Point(
        "L-10",
        "vstart >= VLMAX on a load or store",
        "reserved",
        "no-op",
        "vctx_lsu",
        "vstart_vlmax_trap",
        "illegal instruction",
    ),
    Point(
        "L-11",
        "vstart >= evl on a whole-register load or store",
        "reserved",
        "no-op",
        "vctx_lsu",
        "vstart_wholereg_trap",
        "illegal instruction",
    ),
    Point("L-12", "EMUL out of range", "reserved", "illegal instruction", "vctx_shape, vctx_legal"),
    Point(
        "L-13",
        "masked arithmetic with v0 as data",
        "reserved",
        "executes",
        "MaskedV0SourceTrap",
        "masked_v0_source_trap",
        "illegal instruction",
    ),
    Point(
        "L-14",
        "masked store of v0",
        "reserved",
        "executes",
        "MaskedV0StoreTrap",
        "masked_v0_store_trap",
        "illegal instruction",
    ),
    Point(
        "L-15",
        "compare with vd in a source group, not lowest",
        "reserved",
        "illegal instruction",
        "vctx_legal",
        "compare_overlap_trap",
        "executes",
    ),
    Point("L-16", "misaligned elements", "work or trap", "trap (4, 6)", "vctx_lsu"),
    Point(
        "L-17",
        "misa.V = 0",
        "reserved behaviour",
        "misa.V is hardwired",
        "HasV of vctx",
        unjudged="lets misa.V be cleared and then ignores it; misa is not the block's, so no trace writes it",
    ),
    Point(
        "L-18",
        "unsupported vtype",
        "vill",
        "vill",
        "vctx_vset",
        "illegal_vtype_trap",
        "illegal instruction",
    ),
    Point("L-19", "writable bits of vstart", "enough for VLEN - 1", "log2(VLEN)", "vctx_csr"),
    Point("L-20", "fields of a partly faulting segment", "any subset", "no segment accesses", "vctx_decode"),
    Point("L-21", "elements of a load beyond the fault", "may be overwritten", "kept", "vctx_lsu"),
    Point("L-22", "xtval for causes 2 and 22", "0 or the instruction", "the instruction", "TvalInsn", "tval_insn", "0"),
    Point(
        "L-23",
        "htinst and mtinst of a vector fault",
        "0",
        "0",
        "not the block's",
        unjudged="not in the record (trap CSR)",
    ),
    Point("L-24", "vmv.s.x with 0 < vstart < vl", "unspecified", "illegal instruction, by L-9", "vctx_legal"),
    Point(
        "P-1",
        "vmv<nr>r.v of registers onto themselves",
        "no value changes",
        "counts as no register written",
        "vctx_shape",
    ),
    Point(
        "P-2",
        "interrupt inside a vector load or store",
        "at any element",
        "at the first boundary at or after irq_elem",
        "vctx_lsu",
        unjudged="takes interrupts between instructions only; the resumed instruction is judged",
    ),
    Point("P-3", "order of misaligned and page fault of one element", "either first", "misaligned first", "vctx_lsu"),
    Point(
        "P-4",
        "vector registers after reset",
        "arbitrary",
        "kept",
        "vctx_regfile",
        unjudged="clears them; a directed trace loads all of them first",
    ),
    Point(
        "P-5",
        "tval2 of a guest-page fault on reading a VS-stage table",
        "the table's address, or 0",
        "as the translate port lets it be formed: the table's page, the offset of the virtual address",
        "vctx_lsu",
        unjudged="judges mtval2 and htval instead, which the core forms",
    ),
    Point(
        "P-6",
        "a register that one instruction reads with two element widths",
        "reserved",
        "executes",
        "vctx_legal",
    ),
    Point("P-7", "elements of a strided store in one place", "any of them may stay", "the last one stays", "vctx_lsu"),
)


def rtl_name(setting: str) -> str:
    """Return the localparam of the RTL that holds a setting, if the RTL can do both: `vl_ceil_half` is VlCeilHalf."""
    return "".join(word.capitalize() for word in setting.split("_"))


def markdown() -> str:
    """Return the table of docs/verification.md."""
    rows = ["| point | left open | allowed | choice | setting: other value | RTL | Spike |", "|---" * 7 + "|"]
    for p in POINTS:
        setting = f"`{p.setting}`: {p.alternative}" if p.setting else ""
        rtl = f"`{p.rtl}`" if p.setting and p.rtl == rtl_name(p.setting) else p.rtl
        judge = f"not the judge: {p.unjudged}" if p.unjudged else "judges"
        cells = (p.number, p.subject, p.allowed, p.choice, setting, rtl, judge)
        rows.append("| " + " | ".join(cells) + " |")
    return "\n".join(rows)
