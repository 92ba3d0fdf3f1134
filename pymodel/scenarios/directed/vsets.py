# SPDX-License-Identifier: Apache-2.0
"""vset*: all 2048 vtypei, single bits of vsetvl, AVL classes, keeping vl, and what is reset (C-1 to C-13)."""

from __future__ import annotations

from itertools import cycle, product
from typing import Any

from vctx.pymodel.isa import Csr
from vctx.pymodel.isa.bits import M64
from vctx.pymodel.scenarios.directed.stimulus import A0, A1, CLEAN, DIRTY, MODES, RD, VILL, Stimulus, vtype

# The SEW/LMUL pairs that must be supported with ELEN = 64; all others give vill (C-11, L-6).
LEGAL = {
    "mf8": (8,),
    "mf4": (8, 16),
    "mf2": (8, 16, 32),
    "m1": (8, 16, 32, 64),
    "m2": (8, 16, 32, 64),
    "m4": (8, 16, 32, 64),
    "m8": (8, 16, 32, 64),
}
_EIGHTHS = {"mf8": 1, "mf4": 2, "mf2": 4, "m1": 8, "m2": 16, "m4": 32, "m8": 64}
_PAIRS = [(sew, lmul) for lmul, sews in LEGAL.items() for sew in sews]
_LMUL = {0: "m1", 1: "m2", 2: "m4", 3: "m8", 5: "mf8", 6: "mf4", 7: "mf2"}


def vlmax(vlen: int, vtypei: int) -> int:
    """Return VLMAX of a vtype value, 0 for one that is not supported (C-11, C-13)."""
    lmul, sew = _LMUL.get(vtypei & 7), 8 << (vtypei >> 3 & 7)
    if vtypei >> 8 or lmul is None or sew not in LEGAL[lmul]:
        return 0
    return _EIGHTHS[lmul] * vlen // (8 * sew)


def vsets(s: Stimulus) -> None:
    """Execute vset* in every way, in all modes in turn."""
    vset = _Vset(s)
    _all_vtypei(s, vset)
    _avl_classes(s, vset)
    _avl_powers(s, vset)
    _all_bits_of_vsetvl(s, vset)
    _keeping_vl(s)
    _resets_vstart_and_dirties(s, vset)
    s.finish()


class _Vset:
    """Executes one vset* in the next mode; `vl` is what it must give where `value` is supported."""

    def __init__(self, s: Stimulus) -> None:
        self._s = s
        self._modes = cycle(MODES)

    def __call__(self, mnemonic: str, what: str, value: int, vl: int, *, avl: int = 0, **operands: int) -> None:
        s = self._s
        legal = bool(vlmax(s.vlen, value))
        state = {"vl": vl if legal else 0, "vtype": value if legal else VILL}  # C-4
        expect: dict[str, Any] = {"trap": None, "rd": state["vl"] if operands["rd"] else None, **state, "vstart": 0}
        expect |= {"mstatus_vs": DIRTY, "vregs": {}, "mem": {}}
        key = (mnemonic, what, f"{value:#x}", f"avl {avl:#x}")
        s.mode = next(self._modes)
        s.do(mnemonic, a0=avl, a1=value, key=key, expect=expect, **operands)
        s.mode = "M"


def _all_vtypei(s: Stimulus, vset: _Vset) -> None:
    """All 11 bits of vsetvli, with rs1 = x0 that asks for VLMAX (C-2, C-5)."""
    for value in range(2048):
        vset("vsetvli", "vtypei", value, vlmax(s.vlen, value), rd=RD, rs1=0, vtypei=value)


def _avl_classes(s: Stimulus, vset: _Vset) -> None:
    """AVL around VLMAX and 2*VLMAX and at the ends of 64 bits; vsetivli has no form of its own for 0 (C-5 to C-7)."""
    for number, (sew, lmul) in enumerate(_PAIRS):
        value = vtype(sew, lmul, ta=bool(number & 1), ma=bool(number & 2))  # all four are stored (C-12)
        most = vlmax(s.vlen, value)
        for avl in (0, 1, most - 1, most, most + 1, 2 * most - 1, 2 * most, 1 << 32, 1 << 63, M64):
            vl = min(avl, most)  # L-3
            vset("vsetvli", "AVL", value, vl, avl=avl, rd=RD * (number % 3 > 0), rs1=A0, vtypei=value)
            vset("vsetvl", "AVL", value, vl, avl=avl, rd=RD * (number % 3 > 0), rs1=A0, rs2=A1)
        for uimm, rd in product((0, 1, 30, 31), (0, RD)):
            vset("vsetivli", f"uimm {uimm}", value, min(uimm, most), rd=rd, uimm=uimm, vtypei=value)
        for bit in (8, 9):
            vset("vsetivli", "bits 9:8", value | 1 << bit, 0, rd=RD, uimm=1, vtypei=value | 1 << bit)


def _avl_powers(s: Stimulus, vset: _Vset) -> None:
    """AVL of one bit, and that and 1, for all 64 bits, with the longest vl and a short one (C-6)."""
    for sew, lmul in ((8, "m8"), (64, "m1")):
        value = vtype(sew, lmul)
        for avl in (1 << bit | low for bit in range(64) for low in (0, 1)):
            vset("vsetvl", "AVL", value, min(avl, vlmax(s.vlen, value)), avl=avl, rd=RD, rs1=A0, rs2=A1)


def _all_bits_of_vsetvl(s: Stimulus, vset: _Vset) -> None:
    """Bits 8 to 63 of x[rs2], vill among them, each make the request unsupported (C-3)."""
    for sew, lmul in ((8, "m1"), (64, "m8")):
        value = vtype(sew, lmul)
        for bit in range(8, 64):
            vset("vsetvl", f"bit {bit}", value | 1 << bit, 0, avl=1, rd=RD, rs1=A0, rs2=A1)
        vset("vsetvl", "no bit", value, 1, avl=1, rd=RD, rs1=A0, rs2=A1)
    vset("vsetvl", "rs2 = x0", 0, 1, avl=1, rd=RD, rs1=A0, rs2=0)


def _keeping_vl(s: Stimulus) -> None:
    """rd = rs1 = x0 from every pair to every pair: vl stays if VLMAX does, else vill (C-8, C-9, L-4, L-5)."""
    for (sew, lmul), (new_sew, new_lmul) in product(_PAIRS, _PAIRS):
        old, new = vtype(sew, lmul), vtype(new_sew, new_lmul, ta=True)
        vl = vlmax(s.vlen, old) - 1
        s.vset(old, vl)
        _keep(s, old, new, vl if vlmax(s.vlen, old) == vlmax(s.vlen, new) else None)
    s.vset(VILL)
    for sew, lmul in _PAIRS:
        _keep(s, VILL, vtype(sew, lmul), None)
    s.vset(vtype(8), 1)
    s.do("vsetvl", rd=0, rs1=0, rs2=A1, a1=VILL, key=("vsetvl", "keep vl", "vill"), expect={"vl": 0, "vtype": VILL})


def _keep(s: Stimulus, old: int, new: int, vl: int | None) -> None:
    kept = {"vl": 0, "vtype": VILL} if vl is None else {"vl": vl, "vtype": new}
    key = ("vsetvli", "keep vl", f"{old:#x} to {new:#x}")
    s.do("vsetvli", rd=0, rs1=0, vtypei=new, key=key, expect={"trap": None, "rd": None, **kept})


def _resets_vstart_and_dirties(s: Stimulus, vset: _Vset) -> None:
    """Every form, to a supported vtype and to vill, resets vstart and leaves VS Dirty (A-7, B-8, C-10)."""
    for value in (vtype(8), vtype(64, "mf2")):
        for mnemonic in ("vsetvli", "vsetivli", "vsetvl"):
            s.csrw(Csr.VSTART, 5)
            s.status(CLEAN)
            if mnemonic == "vsetivli":
                vset(mnemonic, "vstart", value, 2, rd=RD, uimm=2, vtypei=value)
            elif mnemonic == "vsetvli":
                vset(mnemonic, "vstart", value, 2, avl=2, rd=RD, rs1=A0, vtypei=value)
            else:
                vset(mnemonic, "vstart", value, 2, avl=2, rd=RD, rs1=A0, rs2=A1)
