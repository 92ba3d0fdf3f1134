# SPDX-License-Identifier: Apache-2.0
"""vtype: which values are legal, what they mean, and how vset* computes the new vl (A-11, C)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from vctx.pymodel.isa.bits import M64, SIGN64
from vctx.pymodel.isa.latitude import Latitude

ELEN = 64
VILL = SIGN64

# vlmul code -> LMUL in eighths; code 4 is reserved
_LMUL_EIGHTHS = {0: 8, 1: 16, 2: 32, 3: 64, 5: 1, 6: 2, 7: 4}
_LMUL_NAMES = {0: "m1", 1: "m2", 2: "m4", 3: "m8", 5: "mf8", 6: "mf4", 7: "mf2"}


@dataclass(frozen=True, slots=True)
class Vtype:
    """A decoded vtype.

    Attributes:
        value: the CSR value, 64 bits; exactly 1 << 63 when `vill`.
        vill: the value is unsupported; the other fields are then 0.
        sew: element width in bits.
        lmul_eighths: LMUL * 8, 1 to 64.
        vlmax: elements in a group, LMUL * VLEN / SEW.
        group: registers in a group, 1 for fractional LMUL.
    """

    value: int
    vill: bool
    sew: int = 0
    lmul_eighths: int = 0
    vlmax: int = 0
    group: int = 0

    @property
    def ratio(self) -> int:
        """SEW / LMUL, in eighths of LMUL: equal ratios mean equal VLMAX (C-8)."""
        return 8 * self.sew // self.lmul_eighths if self.lmul_eighths else 0


_ILLEGAL = Vtype(VILL, vill=True)


@lru_cache(maxsize=4096)
def decode_vtype(value: int, vlen: int, wide_sew_vill: bool = True) -> Vtype:
    """Decode all 64 bits of a requested vtype; anything unsupported gives vill (C-3, C-4, C-11).

    `wide_sew_vill` is the choice L-6: whether SEW > LMUL*ELEN is unsupported even if VLMAX is at least 1.

    >>> e32m2 = decode_vtype(0xD1, vlen=256)
    >>> e32m2.sew, e32m2.group, e32m2.vlmax
    (32, 2, 16)
    >>> hex(decode_vtype(0x100, vlen=256).value)
    '0x8000000000000000'
    """
    eighths = _LMUL_EIGHTHS.get(value & 7)
    sew = 8 << (value >> 3 & 7)
    # C-3: anything reserved in any of the 64 bits gives vill; C-4: and that does not trap.
    if value >> 8 or eighths is None or sew > ELEN:
        return _ILLEGAL
    if 8 * sew > eighths * (ELEN if wide_sew_vill else vlen):
        return _ILLEGAL
    return Vtype(value, False, sew, eighths, eighths * vlen // (8 * sew), max(1, eighths // 8))


def new_vl(avl: int, vlmax: int, latitude: Latitude) -> int:
    """Return vl for an application vector length (64 bits unsigned, C-6, C-7)."""
    if latitude.vl_ceil_half and vlmax < avl < 2 * vlmax:  # L-3: between those two, anything from half of AVL on
        return (avl + 1) // 2
    return min(avl, vlmax)  # C-6: AVL up to VLMAX, VLMAX from twice that on


def vset_keeping_vl(old: Vtype, vl: int, new: Vtype, latitude: Latitude) -> tuple[Vtype, int]:
    """Return (vtype, vl) for the form with rd = rs1 = x0, which keeps vl (C-8, C-9)."""
    # C-8: it must not follow vill (L-5), nor change VLMAX (L-4): both reserved.
    if new.vill or (old.vill and latitude.keep_vl_from_vill_vill):
        return _ILLEGAL, 0
    if not old.vill and old.ratio != new.ratio and latitude.ratio_change_vill:
        return _ILLEGAL, 0
    return new, min(vl, new.vlmax)  # C-9: the same ratio keeps vl; L-4: another may not fit it


def vset(avl: int | None, old: Vtype, vl: int, new: Vtype, latitude: Latitude) -> tuple[Vtype, int]:
    """Return (vtype, vl) after vset*; `avl` None means "keep vl" (C-5)."""
    if avl is None:
        return vset_keeping_vl(old, vl, new, latitude)
    if new.vill:  # C-4: an unsupported vtype sets vill and zeroes vl
        return new, 0
    return new, new_vl(avl & M64, new.vlmax, latitude)


def vtype_text(value: int) -> str:
    """Return a vtype as the assembler writes it, or as a number when it has no such form."""
    if value >> 8 or value & 7 == 4 or value >> 5 & 1:
        return str(value)
    ta = "ta" if value & 0x40 else "tu"
    ma = "ma" if value & 0x80 else "mu"
    return f"e{8 << (value >> 3 & 7)}, {_LMUL_NAMES[value & 7]}, {ta}, {ma}"
