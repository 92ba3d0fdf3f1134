# SPDX-License-Identifier: Apache-2.0
"""CSR addresses by their architectural names."""

from __future__ import annotations

from enum import IntEnum


class Csr(IntEnum):
    """Address of each CSR that the model implements (A-1, F-2)."""

    VSTART = 0x008
    VXSAT = 0x009
    VXRM = 0x00A
    VCSR = 0x00F
    CYCLE = 0xC00
    TIME = 0xC01
    INSTRET = 0xC02
    VL = 0xC20
    VTYPE = 0xC21
    VLENB = 0xC22

    SSTATUS = 0x100
    SIE = 0x104
    STVEC = 0x105
    SCOUNTEREN = 0x106
    SENVCFG = 0x10A
    SSCRATCH = 0x140
    SEPC = 0x141
    SCAUSE = 0x142
    STVAL = 0x143
    SIP = 0x144
    SATP = 0x180

    VSSTATUS = 0x200
    VSIE = 0x204
    VSTVEC = 0x205
    VSSCRATCH = 0x240
    VSEPC = 0x241
    VSCAUSE = 0x242
    VSTVAL = 0x243
    VSIP = 0x244
    VSATP = 0x280

    HSTATUS = 0x600
    HEDELEG = 0x602
    HIDELEG = 0x603
    HIE = 0x604
    HTIMEDELTA = 0x605
    HCOUNTEREN = 0x606
    HGEIE = 0x607
    HENVCFG = 0x60A
    HTVAL = 0x643
    HIP = 0x644
    HVIP = 0x645
    HTINST = 0x64A
    HGATP = 0x680
    HGEIP = 0xE12

    MSTATUS = 0x300
    MISA = 0x301
    MEDELEG = 0x302
    MIDELEG = 0x303
    MIE = 0x304
    MTVEC = 0x305
    MCOUNTEREN = 0x306
    MENVCFG = 0x30A
    MCOUNTINHIBIT = 0x320
    MSCRATCH = 0x340
    MEPC = 0x341
    MCAUSE = 0x342
    MTVAL = 0x343
    MIP = 0x344
    MTINST = 0x34A
    MTVAL2 = 0x34B
    MCYCLE = 0xB00
    MINSTRET = 0xB02
    MVENDORID = 0xF11
    MARCHID = 0xF12
    MIMPID = 0xF13
    MHARTID = 0xF14
    MCONFIGPTR = 0xF15

    _ignore_ = "n"
    for n in range(3, 32):
        vars()[f"MHPMCOUNTER{n}"] = 0xB00 + n
        vars()[f"MHPMEVENT{n}"] = 0x320 + n


class ExtraCsr(IntEnum):
    """Address of each CSR that harts standing for other cores may have besides: floating point, and PMP."""

    FFLAGS = 0x001
    FRM = 0x002
    FCSR = 0x003
    PMPCFG0 = 0x3A0
    PMPADDR0 = 0x3B0

    _ignore_ = "n"
    for n in range(1, 64):
        vars()[f"PMPADDR{n}"] = 0x3B0 + n
        if n % 2 == 0 and n < 16:
            vars()[f"PMPCFG{n}"] = 0x3A0 + n


CSR_NAMES = {int(csr): csr.name.lower() for numbers in (Csr, ExtraCsr) for csr in numbers}


# The CSRs whose instructions the RTL block executes.
VECTOR_CSRS = frozenset({Csr.VSTART, Csr.VXSAT, Csr.VXRM, Csr.VCSR, Csr.VL, Csr.VTYPE, Csr.VLENB})
STATUS_CSRS = frozenset({Csr.MSTATUS, Csr.SSTATUS, Csr.VSSTATUS})
FLOAT_CSRS = frozenset({ExtraCsr.FFLAGS, ExtraCsr.FRM, ExtraCsr.FCSR})
BLOCK_CSRS = VECTOR_CSRS | STATUS_CSRS
# Unprivileged counters (Zicntr), and the enables of each level.
COUNTERS = frozenset({Csr.CYCLE, Csr.TIME, Csr.INSTRET})

# Plain integers for code that runs at every instruction: an enum member costs a look-up in its class.
MSTATUS, VSSTATUS = int(Csr.MSTATUS), int(Csr.VSSTATUS)

QUIET_CSRS = VECTOR_CSRS | {
    *(Csr.SSCRATCH, Csr.SEPC, Csr.STVEC, Csr.SCAUSE, Csr.STVAL, Csr.SCOUNTEREN),
    *(Csr.VSSCRATCH, Csr.VSEPC, Csr.VSTVEC, Csr.VSCAUSE, Csr.VSTVAL),
    *(Csr.MSCRATCH, Csr.MEPC, Csr.MTVEC, Csr.MCAUSE, Csr.MTVAL, Csr.HTVAL, Csr.HTINST, Csr.MTVAL2, Csr.MTINST),
}
"""CSRs that take effect on nothing but later traps, returns and accesses to counters and themselves: not on
translation, nor on which interrupts are pending or enabled; and that count nothing."""
