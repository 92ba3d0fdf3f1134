# SPDX-License-Identifier: Apache-2.0
"""Real bugs of other designs, each with a short sequence that shows it.

B25 to B28 of the catalogue are bugs of hypervisors: the invariants of the KVM scenarios cover those.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from vctx.pymodel.isa import Csr, encode
from vctx.pymodel.scenarios.directed.stimulus import (
    A0,
    A1,
    CLEAN,
    DIRTY,
    HOLE,
    ILLEGAL,
    INITIAL,
    MODES,
    OFF,
    RAM_BASE,
    RD,
    SD,
    VILL,
    VS_SHIFT,
    Stimulus,
    vtype,
)
from vctx.pymodel.trace import Trap
from vctx.pymodel.trace.records import PAGE_SIZE

_E8, _E8M8 = vtype(8), vtype(8, "m8")
_SOURCE = RAM_BASE + 0x800
_EDGE = RAM_BASE + PAGE_SIZE


@dataclass(frozen=True)
class FieldBug:
    """One bug of the catalogue.

    Attributes:
        number: Bn.
        title: what went wrong.
        seen: where, in public.
        sequence: instructions that show it, from a fresh state.
    """

    number: str
    title: str
    seen: str
    sequence: Callable[[Stimulus], None]


BUGS: dict[str, FieldBug] = {}


def _bug(number: str, title: str, seen: str) -> Callable[[Callable[[Stimulus], None]], Callable[[Stimulus], None]]:
    def enter(sequence: Callable[[Stimulus], None]) -> Callable[[Stimulus], None]:
        BUGS[number] = FieldBug(number, title, seen, sequence)
        return sequence

    return enter


def field_bugs(s: Stimulus) -> None:
    """All sequences, one after the other."""
    for bug in BUGS.values():
        s.fresh()
        s.prefix = (bug.number,)
        bug.sequence(s)
    s.prefix = ()
    s.finish()


def only(number: str) -> Callable[[Stimulus], None]:
    """Return the sequence of one bug as a sweep of its own."""

    def sequence(s: Stimulus) -> None:
        s.prefix = (number,)
        BUGS[number].sequence(s)
        s.prefix = ()
        s.finish()

    return sequence


def _read(s: Stimulus, csr: Csr, value: int) -> None:
    s.do("csrrs", rd=RD, csr=csr, rs1=0, key=("reads", csr.name.lower()), expect={"trap": None, "rd": value})


def _illegal(s: Stimulus, word: int, *, a0: int = 0, **state: int) -> None:
    s.word(word, a0=a0, key=(s.mode, f"{word:#010x}"), expect={"trap": Trap(ILLEGAL, word), "rd": None, **state})


@_bug("B1", "register forms of vxrm, vxsat and vcsr writes take rs1[17:15], where the immediate is", "ara PR 487")
def _b1(s: Stimulus) -> None:
    for csr, mask, shift in ((Csr.VXRM, 3, 1), (Csr.VXSAT, 1, 0), (Csr.VCSR, 7, 0)):
        for value in (mask, mask << 15, ~(mask << 15)):
            for form in ("csrrw", "csrrs"):
                s.csrw(Csr.VCSR, 0)
                expect = {"vcsr": (value & mask) << shift}
                s.do(form, rd=0, csr=csr, rs1=A0, a0=value, key=(form, csr.name), expect=expect)


@_bug("B2", "csrrc of vxrm keeps one bit; csrrwi of vcsr returns vxsat only", "ara dispatcher")
def _b2(s: Stimulus) -> None:
    for clear, left in ((1, 2), (2, 1), (3, 0), (0, 3)):
        s.csrw(Csr.VXRM, 3)
        s.do("csrrc", rd=RD, csr=Csr.VXRM, rs1=A0, a0=clear, key=("csrrc",), expect={"rd": 3, "vcsr": left << 1})
    s.csrw(Csr.VCSR, 6)
    s.do("csrrwi", rd=RD, csr=Csr.VCSR, uimm=1, key=("csrrwi",), expect={"rd": 6, "vcsr": 1})


@_bug("B3", "vsetvl looks at rs2[7:0] only: a saved vill comes back as e8,m1", "ara dispatcher; GEM5 1018, 960")
def _b3(s: Stimulus) -> None:
    s.vset(VILL, 1, key=("vill",), expect={"vtype": VILL, "vl": 0})
    saved = s.do("csrrs", rd=RD, csr=Csr.VTYPE, rs1=0, key=("saves",), expect={"rd": VILL}).rd
    s.vset(_E8, 4)
    for request in (saved or 0, _E8 | 1 << 8, _E8 | 1 << 62):
        expect = {"vtype": VILL, "vl": 0}
        s.do("vsetvl", rd=0, rs1=A0, rs2=A1, a0=4, a1=request, key=("restores", f"{request:#x}"), expect=expect)
    _illegal(s, encode("vadd.vv", vd=1, vs2=2, vs1=3))


@_bug("B4", "vsetivli does not limit AVL to VLMAX", "ara dispatcher")
def _b4(s: Stimulus) -> None:
    for value, vlmax in ((vtype(64), s.vlen // 64), (vtype(8, "mf8"), s.vlen // 64), (vtype(32), s.vlen // 32)):
        vl = min(31, vlmax)
        s.do("vsetivli", rd=RD, uimm=31, vtypei=value, key=(f"{value:#x}",), expect={"rd": vl, "vl": vl})


@_bug("B5", "the read port of vl is a bit too narrow: vl = VLEN reads 0", "coralnpu PR 100")
def _b5(s: Stimulus) -> None:
    s.vset(_E8M8)
    _read(s, Csr.VL, s.vlen)
    s.do("vsetvli", rd=RD, rs1=0, vtypei=_E8M8, key=("vsetvli",), expect={"rd": s.vlen, "vl": s.vlen})


@_bug("B6", "vtype shows fields beside vill", "coralnpu")
def _b6(s: Stimulus) -> None:
    request = vtype(64, "mf8", ta=True, ma=True)
    s.do("vsetvli", rd=RD, rs1=0, vtypei=request, key=("vill",), expect={"rd": 0, "vl": 0, "vtype": VILL})
    _read(s, Csr.VTYPE, VILL)


@_bug("B7", "VS is hard-wired, never Dirty", "coralnpu 31")
def _b7(s: Stimulus) -> None:
    s.csrw(Csr.MSTATUS, CLEAN << VS_SHIFT, key=("writes", str(CLEAN)), expect={"mstatus_vs": CLEAN})
    s.do("vsetvli", rd=RD, rs1=0, vtypei=_E8, key=("vset",), expect={"mstatus_vs": DIRTY})
    for vs in (OFF, INITIAL):
        s.csrw(Csr.MSTATUS, vs << VS_SHIFT, key=("writes", str(vs)), expect={"mstatus_vs": vs})
        _read(s, Csr.MSTATUS, vs << VS_SHIFT)


@_bug("B8", "SD does not include VS", "cva6 3181")
def _b8(s: Stimulus) -> None:
    for csr, mode in ((Csr.MSTATUS, "M"), (Csr.SSTATUS, "HS"), (Csr.VSSTATUS, "HS"), (Csr.SSTATUS, "VS")):
        s.status(DIRTY, DIRTY)
        s.mode = mode
        _read(s, csr, SD | DIRTY << VS_SHIFT)


@_bug("B9", "sstatus neither shows VS nor lets it be written", "cva6 3181, 3585")
def _b9(s: Stimulus) -> None:
    s.status(CLEAN)
    s.mode = "HS"
    _read(s, Csr.SSTATUS, CLEAN << VS_SHIFT)
    s.csrw(Csr.SSTATUS, 0, key=("turns off",), expect={"mstatus_vs": OFF})
    s.do("csrrs", rd=0, csr=Csr.SSTATUS, rs1=A0, a0=1 << VS_SHIFT, key=("on",), expect={"mstatus_vs": INITIAL})


@_bug("B10", "with V=1, vsstatus.VS is neither checked nor made Dirty", "cva6; GEM5 960")
def _b10(s: Stimulus) -> None:
    for mode in ("VS", "VU"):
        s.status(DIRTY)
        s.vset(_E8, 2)
        s.status(CLEAN, OFF)
        s.mode = mode
        _illegal(s, encode("vadd.vi", vd=1, vs2=1, imm=1), mstatus_vs=CLEAN, vsstatus_vs=OFF)
        s.status(CLEAN, INITIAL)
        expect = {"trap": None, "mstatus_vs": DIRTY, "vsstatus_vs": DIRTY}
        s.do("vadd.vi", vd=1, vs2=1, imm=1, key=(mode, "executes"), expect=expect)
        s.mode = "M"


@_bug("B11", "SD lags behind FS in the view of VS-mode", "cva6 3460")
def _b11(s: Stimulus) -> None:
    for fs, sd in ((OFF, 0), (DIRTY, SD), (CLEAN, 0)):
        s.status(CLEAN, CLEAN, vsstatus_fs=fs)
        s.mode = "VS"
        _read(s, Csr.SSTATUS, sd | CLEAN << VS_SHIFT)
        s.mode = "M"


@_bug("B12", "vset* executes with VS Off", "saturn 60; GEM5 960")
def _b12(s: Stimulus) -> None:
    s.status(OFF, DIRTY)
    for s.mode in MODES:
        _illegal(s, encode("vsetvli", rd=RD, rs1=0, vtypei=_E8), vtype=_E8M8, mstatus_vs=OFF)
        _illegal(s, encode("vsetivli", rd=RD, uimm=1, vtypei=_E8), vtype=_E8M8)
        _illegal(s, encode("vsetvl", rd=RD, rs1=A0, rs2=A1), a0=1, vtype=_E8M8)


def _fault(s: Stimulus, mnemonic: str, element: int, size: int, **operands: int) -> None:
    """Fault at `element`, with VS Clean before and both fields Dirty afterwards in VS-mode."""
    s.mode = "VS"
    s.page_fault(_EDGE)
    cause = 15 if "vs3" in operands else 13
    expect = {"trap": Trap(cause, _EDGE), "vstart": element} | s.dirty(element > 0)
    base = _EDGE - element * size
    s.do(mnemonic, rs1=A0, a0=base, key=(mnemonic, f"element {element}"), expect=expect, **operands)
    s.page_fault(None)
    s.mode = "M"
    s.csrw(Csr.VSTART, 0)


@_bug("B13", "VS is not made Dirty when a load traps after vstart moved", "XiangShan PR 4817; isa-manual 1686, 2310")
def _b13(s: Stimulus) -> None:
    s.vset(_E8)
    for mnemonic, operand in (("vle8.v", "vd"), ("vse8.v", "vs3")):
        s.status(CLEAN, INITIAL)
        _fault(s, mnemonic, 5, 1, **{operand: 8})


@_bug("B14", "only writes of vcsr make VS Dirty, not vstart, vl, vtype or registers", "sail-riscv 569")
def _b14(s: Stimulus) -> None:
    s.vset(_E8, 2)
    for key, word, a0 in (
        ("vstart", encode("csrrwi", rd=0, csr=Csr.VSTART, uimm=0), 0),
        ("vxrm", encode("csrrwi", rd=0, csr=Csr.VXRM, uimm=1), 0),
        ("vset", encode("vsetivli", rd=0, uimm=2, vtypei=_E8), 0),
        ("arithmetic", encode("vadd.vi", vd=1, vs2=1, imm=1), 0),
        ("load", encode("vle8.v", vd=1, rs1=A0), _SOURCE),
    ):
        s.status(CLEAN)
        s.word(word, a0=a0, key=(key,), expect={"trap": None, "mstatus_vs": DIRTY})


@_bug("B15", "VS is copied as a boolean, and SD of vsstatus can be written", "spike 553")
def _b15(s: Stimulus) -> None:
    for vs in (OFF, INITIAL, CLEAN, DIRTY):
        s.csrw(Csr.VSSTATUS, vs << VS_SHIFT, key=("writes", str(vs)), expect={"vsstatus_vs": vs})
        _read(s, Csr.VSSTATUS, vs << VS_SHIFT | (SD if vs == DIRTY else 0))
    s.csrw(Csr.VSSTATUS, SD | CLEAN << VS_SHIFT, key=("SD",), expect={"vsstatus_vs": CLEAN})
    _read(s, Csr.VSSTATUS, CLEAN << VS_SHIFT)


@_bug("B16", "an instruction that raises illegal instruction changes VS", "spike 1082, 1341, 2206")
def _b16(s: Stimulus) -> None:
    s.vset(VILL)
    for vs in (OFF, INITIAL, CLEAN):
        s.status(vs, vs)
        for s.mode in ("HS", "VU"):
            _illegal(s, encode("vadd.vi", vd=1, vs2=1, imm=1), mstatus_vs=vs, vsstatus_vs=vs)
            _illegal(s, encode("csrrw", rd=0, csr=Csr.VL, rs1=0), mstatus_vs=vs, vsstatus_vs=vs)
    s.mode = "M"


@_bug("B17", "a fault at element 0 reports vstart = vl", "XiangShan 6042, 5808, 5921")
def _b17(s: Stimulus) -> None:
    s.vset(vtype(16))
    for mnemonic, operand in (("vle16.v", "vd"), ("vse16.v", "vs3"), ("vle16ff.v", "vd")):
        _fault(s, mnemonic, 0, 2, **{operand: 8})


@_bug("B18", "Dirty after a load or store with vl = 0 differs between design and reference", "XiangShan 6561")
def _b18(s: Stimulus) -> None:
    for mnemonic, operand in (("vle8.v", "vd"), ("vse8.v", "vs3")):
        s.status(CLEAN)
        expect: dict[str, Any] = {"trap": None, "vregs": {}, "mem": {}} | s.dirty(False)  # no access: no fault (D-10)
        s.do(mnemonic, rs1=A0, a0=HOLE, key=(mnemonic,), expect=expect, **{operand: 8})


@_bug("B19", "whole-register moves and accesses with vstart >= evl are taken differently", "XiangShan 6036, 6298")
def _b19(s: Stimulus) -> None:
    s.csrw(Csr.VSTART, s.vlenb)
    _illegal(s, encode("vmv1r.v", vd=1, vs2=2), vstart=s.vlenb)  # L-9
    for vstart in (s.vlenb, s.vlenb + 1):
        for mnemonic, operand in (("vl1re8.v", "vd"), ("vs1r.v", "vs3")):
            s.csrw(Csr.VSTART, vstart)
            expect: dict[str, Any] = {"trap": None, "vstart": 0, "vregs": {}, "mem": {}}  # L-11
            s.do(mnemonic, rs1=A0, a0=HOLE, key=(mnemonic, f"vstart {vstart}"), expect=expect, **{operand: 1})


@_bug("B20", "an instruction with vstart > vl reads past its register group", "ara 237")
def _b20(s: Stimulus) -> None:
    s.vset(_E8, 3)
    for mnemonic, operand in (("vle8.v", "vd"), ("vse8.v", "vs3")):
        s.csrw(Csr.VSTART, 5)
        expect: dict[str, Any] = {"trap": None, "vstart": 0, "vregs": {}, "mem": {}}  # D-6
        s.do(mnemonic, rs1=A0, a0=_SOURCE, key=(mnemonic,), expect=expect, **{operand: 31})


@_bug("B21", "instructions that must be illegal with vstart != 0 execute", "ara 494")
def _b21(s: Stimulus) -> None:
    s.vset(_E8, 4)
    s.csrw(Csr.VSTART, 1)
    for match in (0x4008_2057, 0x4008_A057, 0x5000_A057, 0x5008_2057):  # vcpop.m, vfirst.m, vmsbf.m, viota.m (E-10)
        _illegal(s, match | 1 << 25 | 2 << 20 | 4 << 7, vstart=1)  # unmasked, vs2 = 2, vd or rd = 4
    _illegal(s, encode("vadd.vi", vd=1, vs2=1, imm=1), vstart=1)  # L-9


@_bug(
    "B22",
    "vcsr, vxrm and vxsat are not one storage, nor masked, nor is vstart, and VS does not gate them",
    "renode 903",
)
def _b22(s: Stimulus) -> None:
    s.csrw(Csr.VCSR, -1, key=("writes",), expect={"vcsr": 7})
    for csr, value in ((Csr.VCSR, 7), (Csr.VXRM, 3), (Csr.VXSAT, 1)):
        _read(s, csr, value)
    s.csrw(Csr.VXSAT, 0)
    _read(s, Csr.VCSR, 6)
    s.csrw(Csr.VSTART, -1, key=("writes",), expect={"vstart": s.vlen - 1})
    _read(s, Csr.VSTART, s.vlen - 1)
    s.status(OFF)
    for csr in (Csr.VCSR, Csr.VXRM, Csr.VXSAT, Csr.VSTART, Csr.VLENB):
        _illegal(s, encode("csrrs", rd=RD, csr=csr, rs1=0))
    s.status(DIRTY)


@_bug("B23", "vxsat set by hardware is lost", "coralnpu PR 69")
def _b23(s: Stimulus) -> None:
    s.do("csrrwi", rd=0, csr=Csr.VXSAT, uimm=1, key=("sets",), expect={"vcsr": 1})
    _read(s, Csr.VXSAT, 1)
    _read(s, Csr.VCSR, 1)


@_bug("B24", "vsetvli x0, x0 with another SEW/LMUL ratio, or while vill", "spike 1970, 2286; NEMU PR 993; sail 1434")
def _b24(s: Stimulus) -> None:
    for old, new in ((_E8, vtype(8, "m2")), (vtype(32), vtype(8)), (VILL, _E8)):
        s.vset(old, 2)
        expect = {"trap": None, "vl": 0, "vtype": VILL}  # L-4, L-5
        s.do("vsetvli", rd=0, rs1=0, vtypei=new, key=(f"{old:#x} to {new:#x}",), expect=expect)
    s.vset(_E8, 3)
    new = vtype(16, "m2")
    s.do("vsetvli", rd=0, rs1=0, vtypei=new, key=("same ratio",), expect={"vl": 3, "vtype": new})  # C-9
