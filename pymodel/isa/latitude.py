"""The latitude table: every choice the architecture leaves open and the model can make either way."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Latitude:
    """Choices by their number in section L of the specification. The defaults are Spike's.

    Points that are absent here have one behaviour only, the default of Spike: over-dirtying on every retired vector
    instruction (L-1), vill when SEW > LMUL*ELEN (L-6), undisturbed agnostic elements (L-7, L-8), a trap for an EMUL
    out of range (L-12), misaligned elements trap (L-16), misa.V hardwired (L-17), log2(VLEN) bits of vstart (L-19),
    nothing written past a fault (L-21), xtinst zero (L-23).

    Attributes:
        vs_two_state: L-2. False: VS holds all four values. True: a write of Initial or Clean stores Dirty.
        vl_ceil_half: L-3. False: vl = VLMAX for VLMAX < AVL < 2*VLMAX. True: vl = ceil(AVL/2) there.
        ratio_change_vill: L-4. True: `vsetvl x0, x0` that changes SEW/LMUL sets vill. False: it takes the new vtype
            and vl = min(vl, VLMAX).
        keep_vl_from_vill_vill: L-5. True: `vsetvl x0, x0` while vill leaves vill set. False: it takes the new vtype.
        vstart_alu_trap: L-9, L-24. True: illegal instruction when vstart != 0 on anything but vset*, loads and stores.
            False: such instructions start at vstart.
        vstart_vlmax_trap: L-10. False: a load or store with vstart >= VLMAX is a no-op. True: illegal instruction.
        vstart_wholereg_trap: L-11. False: a whole-register access with vstart >= evl is a no-op. True: illegal.
        masked_v0_source_trap: L-13. False: masked arithmetic may read v0 as data. True: illegal instruction.
        masked_v0_store_trap: L-14. False: a masked store may store v0. True: illegal instruction.
        compare_overlap_trap: L-15. True: a compare whose vd lies in a source group, not lowest, is illegal.
            False: it executes.
        illegal_vtype_trap: L-18. False: an unsupported vtype sets vill. True: illegal instruction.
        tval_insn: L-22. True: xtval holds the instruction word for causes 2 and 22. False: zero.
    """

    vs_two_state: bool = False
    vl_ceil_half: bool = False
    ratio_change_vill: bool = True
    keep_vl_from_vill_vill: bool = True
    vstart_alu_trap: bool = True
    vstart_vlmax_trap: bool = False
    vstart_wholereg_trap: bool = False
    masked_v0_source_trap: bool = False
    masked_v0_store_trap: bool = False
    compare_overlap_trap: bool = True
    illegal_vtype_trap: bool = False
    tval_insn: bool = True
