# SPDX-License-Identifier: Apache-2.0
"""Edges of single rules: what an element before the first, a group that is no group, or nothing to do must lead to.

Each case is one that random programs reach and the other sweeps, which walk over kinds and elements, do not.
"""

from __future__ import annotations

from itertools import cycle, product
from typing import Any

from vctx.pymodel.isa import Csr, encode
from vctx.pymodel.scenarios.directed.stimulus import (
    A0,
    A1,
    DIRTY,
    ILLEGAL,
    IMAGE,
    MODES,
    RAM_BASE,
    RD,
    VILL,
    Stimulus,
    pattern,
    vtype,
)
from vctx.pymodel.trace import Trap
from vctx.pymodel.trace.records import PAGE_SIZE

_PAGE = RAM_BASE + 2 * PAGE_SIZE  # the page that faults
_DATA = RAM_BASE + PAGE_SIZE
_VD = 8
_NOTHING: dict[str, Any] = {"trap": None, "vregs": {}, "mem": {}}
_SIZES = {8: 1, 16: 2, 32: 4, 64: 8}
_LMULS = {"mf8": 0.125, "mf4": 0.25, "mf2": 0.5, "m1": 1.0, "m2": 2.0, "m4": 4.0, "m8": 8.0}


def edges(s: Stimulus) -> None:
    """All of them."""
    s.fill(_DATA, pattern(_DATA, 2 * PAGE_SIZE))
    _first_element_inside_a_page(s)
    _nothing_to_do(s)
    _trim_at_vstart(s)
    _whole_moves(s)
    _groups_of_accesses(s)
    _groups_of_whole_registers(s)
    _illegal_behind_a_busy_one(s)
    s.finish()


def _first_element_inside_a_page(s: Stimulus) -> None:
    """A fault at element 0 has that element's address, not its page's (D-8)."""
    flavours = cycle((("HS", 13, 15), ("VS", 21, 23), ("U", 13, 15), ("VU", 21, 23), ("M", 13, 15)))
    for sew, offset in product((8, 16, 32, 64), (8, 0x7F8, 0xFF8)):
        s.vset(vtype(sew, "m2"))
        for mnemonic in (f"vle{sew}.v", f"vse{sew}.v", f"vle{sew}ff.v", f"vl2re{sew}.v", "vs2r.v", "vlm.v", "vsm.v"):
            store = mnemonic.startswith("vs")
            s.mode, load_cause, store_cause = next(flavours)
            cause, address = store_cause if store else load_cause, _PAGE + offset
            guest = cause in (21, 23)
            (s.guest_fault if guest else s.page_fault)(_PAGE)
            trap = Trap(cause, address, address >> 2 if guest else 0)  # D-9; the map is an identity
            expect = {"trap": trap, "vstart": 0, "vregs": {}, "mem": {}}
            operands = {"vs3" if store else "vd": _VD, "rs1": A0} | (
                {} if "r" in mnemonic or "m" in mnemonic else {"vm": 1}
            )
            s.do(mnemonic, a0=address, key=("element 0", mnemonic, f"{offset:#x}"), expect=expect, **operands)
            s.page_fault(None)
            s.guest_fault(None)
            s.mode = "M"


def _nothing_to_do(s: Stimulus) -> None:
    """With vl = 0, or vstart at vl, no memory is touched, no register written, and vstart becomes 0 (D-6, E-8)."""
    modes = cycle(MODES)
    s.page_fault(_PAGE)
    for sew, (vl, vstart) in product((8, 16, 32, 64), ((0, 0), (0, 1), (0, 7), (3, 3), (3, 9))):
        most = 2 * s.vlen // sew
        if vstart >= most:
            continue
        for mnemonic in (f"vle{sew}.v", f"vse{sew}.v", f"vle{sew}ff.v"):
            s.mode = "M"
            s.vset(vtype(sew, "m2"), vl)
            s.csrw(Csr.VSTART, vstart)
            s.mode = next(modes)
            operands = {"vs3" if mnemonic.startswith("vs") else "vd": _VD, "rs1": A0, "vm": 1}
            key = ("nothing", mnemonic, f"vl {vl}", f"vstart {vstart}")
            s.do(mnemonic, a0=_PAGE + 8, key=key, expect=_NOTHING | {"vl": vl, "vstart": 0}, **operands)
    s.page_fault(None)
    s.mode = "M"
    s.vset(vtype(32), 0)
    s.do("vmv.s.x", vd=_VD, rs1=A0, a0=1, key=("nothing", "vmv.s.x"), expect=_NOTHING | {"vstart": 0})
    element = int.from_bytes(s.register(3)[:4], "little")
    value = element | (0xFFFF_FFFF_0000_0000 if element >> 31 else 0)
    s.do("vmv.x.s", rd=RD, vs2=3, key=("nothing", "vmv.x.s"), expect=_NOTHING | {"rd": value})  # E-7
    for nr in (1, 2, 4, 8):  # D-19; whole registers know no vl
        for mnemonic, evl in ((f"vl{nr}re64.v", nr * s.vlenb // 8), (f"vs{nr}r.v", nr * s.vlenb)):
            if evl >= s.vlen:  # vstart holds less
                continue
            s.csrw(Csr.VSTART, evl)
            operands = {"vs3" if mnemonic.startswith("vs") else "vd": _VD, "rs1": A0}
            key = ("nothing", mnemonic, "whole", f"vstart {evl}")
            s.do(mnemonic, a0=_DATA, key=key, expect=_NOTHING | {"vstart": 0}, **operands)


def _trim_at_vstart(s: Stimulus) -> None:
    """Fault-only-first that goes on at vstart trims vl, even at that very element; only element 0 traps (D-14)."""
    modes = cycle(("M", "HS", "U"))
    for sew, vm in product((8, 16, 32, 64), (1, 0)):
        size, vl = _SIZES[sew], 2 * s.vlen // sew
        for vstart, fault in ((1, 1), (2, min(5, vl - 1)), (vl - 1, vl - 1), (vl // 2, vl // 2)):
            s.mode = "M"
            s.vset(vtype(8, "m8"))
            s.fill(RAM_BASE, bytes([0xFF] * s.vlenb))
            s.do("vlm.v", vd=0, rs1=A0, a0=RAM_BASE)  # all are active
            s.vset(vtype(sew, "m2"))
            s.do(f"vle{sew}.v", vd=_VD, rs1=A0, vm=1, a0=_DATA)
            s.csrw(Csr.VSTART, vstart)
            s.page_fault(_PAGE)
            s.mode = next(modes)
            base = _PAGE - fault * size
            old, new = pattern(_DATA, vl * size), pattern(base, vl * size)
            group = old[: vstart * size] + new[vstart * size : fault * size] + old[fault * size :]
            written = range(vstart * size // s.vlenb, -(-fault * size // s.vlenb)) if fault > vstart else range(0)
            vregs = {_VD + r: group[r * s.vlenb : (r + 1) * s.vlenb] for r in written}
            expect = {"trap": None, "vl": fault, "vstart": 0, "vregs": vregs, "mem": {}, "mstatus_vs": DIRTY}
            key = ("trims at vstart", f"vle{sew}ff.v", f"vm {vm}", f"vstart {vstart}", f"fault {fault}")
            s.do(f"vle{sew}ff.v", vd=_VD, rs1=A0, vm=vm, a0=base, key=key, expect=expect)
            s.page_fault(None)
    s.mode = "M"


def _whole_moves(s: Stimulus) -> None:
    """vmv<nr>r.v depends on vill, on nothing else of vtype or vl; its groups are of nr registers (E-11)."""
    for nr in (1, 2, 4, 8):
        word = encode(f"vmv{nr}r.v", vd=_VD, vs2=16)
        s.vset(VILL)
        s.word(word, key=("whole move", "vill", str(nr)), expect={"trap": Trap(ILLEGAL, word), "vregs": {}})
        s.vset(vtype(64, "m1"), 0)
        source = s.register(16, nr)
        vregs = {_VD + r: source[r * s.vlenb : (r + 1) * s.vlenb] for r in range(nr)}
        s.word(word, key=("whole move", "vl 0", str(nr)), expect={"trap": None, "vregs": vregs})
        s.do("vl8re8.v", vd=_VD, rs1=A0, a0=IMAGE + _VD * s.vlenb)  # as it was
        for vd, vs2 in ((_VD + nr // 2, 16), (_VD, 16 + nr // 2)) if nr > 1 else ():
            word = encode(f"vmv{nr}r.v", vd=vd, vs2=vs2)
            key = ("whole move", "no group", str(nr), f"v{vd}, v{vs2}")
            s.word(word, key=key, expect={"trap": Trap(ILLEGAL, word), "vregs": {}})


def _groups_of_accesses(s: Stimulus) -> None:
    """A unit-stride access has groups of EMUL registers, whatever LMUL is, and EMUL from 1/8 to 8 (D-3)."""
    modes = cycle(MODES)
    for sew, (lmul, value), eew in product(_SIZES, _LMULS.items(), _SIZES):
        if value < sew / 64:
            continue  # not a vtype that is supported (C-11)
        emul = value * eew / sew
        for store, register in product((False, True), (8, 9, 10, 12)):
            mnemonic = f"v{'s' if store else 'l'}e{eew}.v"
            operands = {"vs3" if store else "vd": register, "rs1": A0, "vm": 1}
            word = encode(mnemonic, **operands)
            legal = 0.125 <= emul <= 8 and register % max(1, int(emul)) == 0
            s.mode = "M"
            s.vset(vtype(sew, lmul), 1)
            s.mode = next(modes)
            key = ("group", mnemonic, f"e{sew},{lmul}", f"v{register}")
            s.word(word, a0=_DATA, key=key, expect={"trap": None if legal else Trap(ILLEGAL, word)})
    s.mode = "M"


def _groups_of_whole_registers(s: Stimulus) -> None:
    """Whole-register accesses have groups of as many registers as they move, in any vtype (D-17, D-18)."""
    for value in (VILL, vtype(8, "m1"), vtype(8, "m8"), vtype(64, "m4")):
        s.vset(value, 0)
        for nr, register in product((1, 2, 4, 8), (8, 9, 10, 12)):
            for mnemonic in (f"vl{nr}re16.v", f"vs{nr}r.v"):
                operands = {"vs3" if mnemonic.startswith("vs") else "vd": register, "rs1": A0}
                word = encode(mnemonic, **operands)
                trap = Trap(ILLEGAL, word) if register % nr else None
                key = ("whole group", mnemonic, f"vtype {value:#x}", f"v{register}")
                s.word(word, a0=_DATA, key=key, expect={"trap": trap})


def _illegal_behind_a_busy_one(s: Stimulus) -> None:
    """An illegal access traps as such while an older one still moves, and leaves its work alone (B-11)."""
    s.vset(vtype(8, "m8"))
    size = 8 * s.vlenb
    young = (
        encode("vle8.v", vd=9, rs1=A1, vm=1),  # no group of 8
        encode("vse64.v", vs3=16, rs1=A1, vm=1),  # EMUL would be 64
        encode("vl2re8.v", vd=3, rs1=A1),
        encode("vle8.v", vd=0, rs1=A1, vm=0),  # its own mask
    )
    for number, word in enumerate(young):
        old = pattern(_DATA + number, size)
        image = {16 + r: old[r * s.vlenb : (r + 1) * s.vlenb] for r in range(8)}
        s.do(
            "vle8.v", vd=16, rs1=A0, vm=1, a0=_DATA + number, key=("busy", "load", str(number)), expect={"vregs": image}
        )
        nothing = {"trap": Trap(ILLEGAL, word), "vregs": {}, "mem": {}}
        s.word(word, a1=_DATA, key=("busy", "behind a load", str(number)), expect=nothing)
        stored = {_DATA + PAGE_SIZE - size + i: byte for i, byte in enumerate(old)}
        to = _DATA + PAGE_SIZE - size
        s.do("vse8.v", vs3=16, rs1=A0, vm=1, a0=to, key=("busy", "store", str(number)), expect={"mem": stored})
        s.word(word, a1=_DATA, key=("busy", "behind a store", str(number)), expect=nothing)
        s.fill(to, pattern(to, size))
    s.vset(vtype(8))
