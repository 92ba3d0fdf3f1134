# SPDX-License-Identifier: Apache-2.0
"""Trap entry and return: which mode, which registers (F-4 to F-6, B-15)."""

from __future__ import annotations

from vctx.pymodel.isa import bits
from vctx.pymodel.isa.bits import M64
from vctx.pymodel.isa.csr_numbers import Csr
from vctx.pymodel.isa.errors import ArchTrap, HartError
from vctx.pymodel.isa.state import HartState

_INTERRUPT = 1 << 63
# MEI, MSI, MTI, SEI, SSI, STI, SGEI, VSEI, VSSI, VSTI: highest priority first
_PRIORITY = (11, 3, 7, 9, 1, 5, 12, 10, 2, 6)


def enter(hart: HartState, trap: ArchTrap, epc: int) -> int:
    """Take a synchronous exception and return the new pc."""
    values = hart.csr.values
    bit = 1 << trap.cause
    # F-5: medeleg, then hedeleg, hand a trap down, but never to a less privileged mode than it came from.
    if hart.prv == 3 or not values[Csr.MEDELEG] & bit:
        return _to_m(hart, trap, trap.cause, epc)
    if not hart.virt or not values[Csr.HEDELEG] & bit:
        return _to_hs(hart, trap, trap.cause, epc)
    return _to_vs(hart, trap.tval, trap.cause, epc)


def pending_interrupt(hart: HartState) -> int | None:
    """Return the interrupt that the hart has to take now (bit 63 clear), or None."""
    values = hart.csr.values
    pending = values[Csr.MIP] & values[Csr.MIE]
    if not pending:
        return None
    mideleg, hideleg = values[Csr.MIDELEG], values[Csr.HIDELEG]
    own = values[Csr.VSSTATUS if hart.virt else Csr.MSTATUS]
    below_hs = hart.virt or hart.prv == 0
    enabled = 0
    if hart.prv < 3 or values[Csr.MSTATUS] & bits.MIE:
        enabled = pending & ~mideleg
    if not enabled and (below_hs or (hart.prv == 1 and own & bits.SIE)):
        enabled = pending & mideleg & ~hideleg
    if not enabled and hart.virt and (hart.prv == 0 or own & bits.SIE):
        enabled = pending & mideleg & hideleg
    return next((cause for cause in _PRIORITY if enabled >> cause & 1), None)


def enter_interrupt(hart: HartState, cause: int, epc: int) -> int:
    """Take interrupt `cause` (bit 63 clear) and return the new pc.

    Raises:
        HartError: delegation sends the interrupt to a mode less privileged than the present one, where it stays
            pending.
    """
    values = hart.csr.values
    bit = 1 << cause
    nothing = ArchTrap(cause)
    if not values[Csr.MIDELEG] & bit:
        return _to_m(hart, nothing, cause | _INTERRUPT, epc)
    if hart.prv < 3 and not values[Csr.HIDELEG] & bit:
        return _to_hs(hart, nothing, cause | _INTERRUPT, epc)
    if hart.prv < 3 and hart.virt:
        return _to_vs(hart, 0, cause - 1 | _INTERRUPT, epc)
    raise HartError(f"interrupt {cause} is delegated below the present mode")


def _vector(tvec: int, cause: int) -> int:
    base = tvec & ~3
    return base + 4 * (cause & ~_INTERRUPT) & M64 if tvec & 1 and cause & _INTERRUPT else base


def _to_m(hart: HartState, trap: ArchTrap, cause: int, epc: int) -> int:
    values = hart.csr.values
    status = values[Csr.MSTATUS]
    # F-4: MPV and MPP say where the trap came from; B-15: it changes neither VS field.
    new = status & ~(bits.MPV | bits.MPP | bits.MPIE | bits.MIE | bits.GVA)
    new |= hart.prv << bits.MPP_SHIFT
    new |= bits.MPV if hart.virt else 0
    new |= bits.MPIE if status & bits.MIE else 0
    new |= bits.GVA if trap.gva else 0
    values[Csr.MSTATUS] = new
    values[Csr.MEPC], values[Csr.MCAUSE], values[Csr.MTVAL] = epc, cause, trap.tval
    values[Csr.MTVAL2], values[Csr.MTINST] = trap.tval2, trap.tinst
    hart.set_mode(3, False)
    return _vector(values[Csr.MTVEC], cause)


def _to_hs(hart: HartState, trap: ArchTrap, cause: int, epc: int) -> int:
    values = hart.csr.values
    hstatus = values[Csr.HSTATUS] & ~(bits.SPV | bits.HS_GVA)
    if hart.virt:  # F-4: SPVP is the guest's privilege, and stays as it is in a trap from V=0
        hstatus = hstatus & ~bits.SPVP | bits.SPV | (bits.SPVP if hart.prv else 0)
    values[Csr.HSTATUS] = hstatus | (bits.HS_GVA if trap.gva else 0)
    values[Csr.MSTATUS] = _push_s(values[Csr.MSTATUS], hart.prv)
    values[Csr.SEPC], values[Csr.SCAUSE], values[Csr.STVAL] = epc, cause, trap.tval
    values[Csr.HTVAL], values[Csr.HTINST] = trap.tval2, trap.tinst
    hart.set_mode(1, False)
    return _vector(values[Csr.STVEC], cause)


def _to_vs(hart: HartState, tval: int, cause: int, epc: int) -> int:
    values = hart.csr.values
    values[Csr.VSSTATUS] = _push_s(values[Csr.VSSTATUS], hart.prv)  # F-4: hstatus and mstatus see nothing of it
    values[Csr.VSEPC], values[Csr.VSCAUSE], values[Csr.VSTVAL] = epc, cause, tval
    hart.set_mode(1, True)
    return _vector(values[Csr.VSTVEC], cause)


def _push_s(status: int, prv: int) -> int:
    new = status & ~(bits.SPP | bits.SPIE | bits.SIE)
    return new | (bits.SPP if prv else 0) | (bits.SPIE if status & bits.SIE else 0)


def _pop_s(status: int) -> int:
    new = status & ~(bits.SPP | bits.SIE) | bits.SPIE
    return new | (bits.SIE if status & bits.SPIE else 0)


def mret(hart: HartState, word: int) -> int:
    """Execute MRET and return the new pc."""
    if hart.prv != 3:
        raise hart.illegal(word)
    values = hart.csr.values
    status = values[Csr.MSTATUS]
    prv = (status & bits.MPP) >> bits.MPP_SHIFT
    virt = prv != 3 and bool(status & bits.MPV)  # F-6: MPV counts unless MPP is M
    new = status & ~(bits.MPV | bits.MPP | bits.MIE) | bits.MPIE
    new |= bits.MIE if status & bits.MPIE else 0
    values[Csr.MSTATUS] = new if prv == 3 else new & ~bits.MPRV  # F-6: MPRV ends where a mode below M begins
    hart.returns += 1
    hart.set_mode(prv, virt)
    return values[Csr.MEPC]


def sret(hart: HartState, word: int) -> int:
    """Execute SRET and return the new pc."""
    values = hart.csr.values
    hstatus, status = values[Csr.HSTATUS], values[Csr.MSTATUS]
    if hart.virt:
        if hart.prv == 0 or hstatus & bits.VTSR:  # F-7: HS-mode could, so it is a virtual instruction
            raise hart.virtual(word)
        prv = 1 if values[Csr.VSSTATUS] & bits.SPP else 0
        values[Csr.VSSTATUS] = _pop_s(values[Csr.VSSTATUS])
        hart.returns += 1
        hart.set_mode(prv, True)
        return values[Csr.VSEPC]
    if hart.prv == 0 or (hart.prv == 1 and status & bits.TSR):
        raise hart.illegal(word)
    values[Csr.HSTATUS] = hstatus & ~bits.SPV
    values[Csr.MSTATUS] = _pop_s(status) & ~bits.MPRV
    hart.returns += 1
    hart.set_mode(1 if status & bits.SPP else 0, bool(hstatus & bits.SPV))
    return values[Csr.SEPC]
