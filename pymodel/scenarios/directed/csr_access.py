# SPDX-License-Identifier: Apache-2.0
"""Every CSR of the block x form of CSR instruction x class of operand x mode x VS (A-1 to A-9, B-1 to B-4, F-7)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from vctx.pymodel.isa import Csr, encode
from vctx.pymodel.isa.bits import M64
from vctx.pymodel.scenarios.directed.stimulus import (
    A0,
    CLEAN,
    DIRTY,
    ILLEGAL,
    INITIAL,
    MODES,
    OFF,
    RD,
    SD,
    VIRTUAL,
    VS_SHIFT,
    Stimulus,
    vtype,
)
from vctx.pymodel.trace import Trap

FORMS = ("csrrw", "csrrs", "csrrc", "csrrwi", "csrrsi", "csrrci")
# Values of x[rs1]; None is rs1 = x0. 2^32 + 2^9 and 2^16 have bits only where a wrong slice of the operand looks.
REGISTERS = (None, 0, M64, CLEAN << VS_SHIFT | 2, 1 << 32 | INITIAL << VS_SHIFT | 1, 1 << 15 | 1 << 16 | 1 << 17)
IMMEDIATES = (0, 31, 5, 2)

_VECTOR = (Csr.VSTART, Csr.VXSAT, Csr.VXRM, Csr.VCSR, Csr.VL, Csr.VTYPE, Csr.VLENB)
_READ_ONLY = (Csr.VL, Csr.VTYPE, Csr.VLENB)
_STATUS = (Csr.MSTATUS, Csr.SSTATUS, Csr.VSSTATUS)
# What a status CSR is in each mode: the register, or the exception (B-3, B-4, F-7).
_VIEW: dict[Csr, dict[str, str | int]] = {
    Csr.MSTATUS: {"M": "mstatus", "HS": ILLEGAL, "U": ILLEGAL, "VS": ILLEGAL, "VU": ILLEGAL},
    Csr.SSTATUS: {"M": "mstatus", "HS": "mstatus", "U": ILLEGAL, "VS": "vsstatus", "VU": VIRTUAL},
    Csr.VSSTATUS: {"M": "vsstatus", "HS": "vsstatus", "U": ILLEGAL, "VS": VIRTUAL, "VU": VIRTUAL},
}
# (mstatus.VS, vsstatus.VS, mstatus.FS, vsstatus.FS) by V; with V=0 vsstatus.VS is Off, which must not matter (B-14).
_ON = {False: (CLEAN, OFF, OFF, DIRTY), True: (CLEAN, INITIAL, DIRTY, OFF)}
_OFF = {False: ((OFF, DIRTY, DIRTY, OFF),), True: ((OFF, CLEAN, OFF, DIRTY), (INITIAL, OFF, OFF, OFF))}

_VL, _VTYPE = 3, vtype(16, "m2", ta=True)


@dataclass
class _State:
    """What software knows about the CSRs of the block."""

    vlen: int
    vs: dict[str, int]
    fs: dict[str, int]
    vstart: int = 0
    vcsr: int = 0

    def read(self, csr: Csr, mode: str) -> int:
        """Return the value, of a status CSR only SD and VS."""
        if csr in _STATUS:
            register = str(_VIEW[csr][mode])
            dirty = DIRTY in (self.vs[register], self.fs[register])  # B-12
            return self.vs[register] << VS_SHIFT | (SD if dirty else 0)
        return {
            Csr.VSTART: self.vstart,
            Csr.VXSAT: self.vcsr & 1,
            Csr.VXRM: self.vcsr >> 1,
            Csr.VCSR: self.vcsr,
            Csr.VL: _VL,
            Csr.VTYPE: _VTYPE,
            Csr.VLENB: self.vlen // 8,
        }[csr]

    def write(self, csr: Csr, mode: str, value: int) -> None:
        """Store what WARL leaves of a value, and note what becomes Dirty (A-6, A-8, A-9, B-1, B-13 to B-15)."""
        if csr in _STATUS:
            self.vs[str(_VIEW[csr][mode])] = value >> VS_SHIFT & 3
            return
        if csr == Csr.VSTART:
            self.vstart = value % self.vlen
        elif csr == Csr.VXSAT:
            self.vcsr = self.vcsr & 6 | value & 1
        elif csr == Csr.VXRM:
            self.vcsr = (value & 3) << 1 | self.vcsr & 1
        else:
            self.vcsr = value & 7
        self.vs["mstatus"] = DIRTY
        if MODES[mode][1]:
            self.vs["vsstatus"] = DIRTY


def csr_access(s: Stimulus) -> None:
    """Access every CSR in every way: all operand classes where VS is on, one of each form where it is Off."""
    s.vset(_VTYPE, _VL)
    state = _State(s.vlen, {}, {})
    number = 0
    for mode, (_, virt) in MODES.items():
        for config in (_ON[virt], *_OFF[virt]):
            for csr in (*_VECTOR, *_STATUS):
                for form in FORMS:
                    operands = IMMEDIATES if form.endswith("i") else REGISTERS
                    for operand in operands if config == _ON[virt] else operands[2:3]:
                        number += 1
                        _prepare(s, state, config)
                        s.mode = mode
                        _access(s, state, csr, form, operand, RD * (number % 4 != 0))
    s.finish()


def _prepare(s: Stimulus, state: _State, config: tuple[int, int, int, int]) -> None:
    """Write the status registers from M-mode. vsstatus only if it differs: a write of mstatus does not reach it."""
    vs, vsstatus_vs, fs, vsstatus_fs = config
    if (state.vs.get("vsstatus"), state.fs.get("vsstatus")) == (vsstatus_vs, vsstatus_fs):
        s.status(vs, fs=fs)
    else:
        s.status(vs, vsstatus_vs, fs=fs, vsstatus_fs=vsstatus_fs)
    state.vs = {"mstatus": vs, "vsstatus": vsstatus_vs}
    state.fs = {"mstatus": fs, "vsstatus": vsstatus_fs}


def _access(s: Stimulus, state: _State, csr: Csr, form: str, operand: int | None, rd: int) -> None:
    source = {"uimm": operand or 0} if form.endswith("i") else {"rs1": 0 if operand is None else A0}
    word = encode(form, rd=rd, csr=csr, **source)
    writes = form.startswith("csrrw") or any(source.values())
    cause = _exception(state, csr, s.mode, writes)
    expect: dict[str, Any] = {"vl": _VL, "vtype": _VTYPE, "vregs": {}, "mem": {}}
    if cause:
        expect |= {"trap": Trap(cause, word), "rd": None}
    else:
        old, value = state.read(csr, s.mode), operand or 0
        expect |= {"trap": None, "rd": old if rd else None}
        if writes:
            new = value if form.startswith("csrrw") else old | value if form.startswith("csrrs") else old & ~value
            state.write(csr, s.mode, new)
            if csr in _STATUS:
                state.fs.clear()  # the operand reached FS, too
    expect |= {"vstart": state.vstart, "vcsr": state.vcsr}
    expect |= {"mstatus_vs": state.vs["mstatus"], "vsstatus_vs": state.vs["vsstatus"]}
    shown = "x0" if operand is None else f"{operand:#x}"
    s.word(word, a0=operand or 0, key=(s.mode, csr.name.lower(), form, shown), expect=expect)


def _exception(state: _State, csr: Csr, mode: str, writes: bool) -> int:
    """Return the cause of the exception, or 0."""
    if csr in _STATUS:
        view = _VIEW[csr][mode]
        return view if isinstance(view, int) else 0
    off = state.vs["mstatus"] == OFF or (MODES[mode][1] and state.vs["vsstatus"] == OFF)
    return ILLEGAL if off or (writes and csr in _READ_ONLY) else 0  # B-16
