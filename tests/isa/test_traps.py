# SPDX-License-Identifier: Apache-2.0
"""Trap routing, entry and return (F-4 to F-6, B-15 to B-18), and interrupts."""

from __future__ import annotations

import pytest
from rig import CODE, HOLE, MODES, MTVEC, STVEC, VSTVEC, Rig, vtype

from vctx.pymodel.isa import Csr, HartError, encode

SIE, MIE, SPIE, MPIE, SPP = 1 << 1, 1 << 3, 1 << 5, 1 << 7, 1 << 8
MPRV, TW, TSR, MPV, GVA = 1 << 17, 1 << 21, 1 << 22, 1 << 39, 1 << 38
HS_GVA, SPV, SPVP, VTW, VTSR = 1 << 6, 1 << 7, 1 << 8, 1 << 21, 1 << 22
_PRV = {"M": 3, "HS": 1, "U": 0, "VS": 1, "VU": 0}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("medeleg", "hedeleg"), [(0, 0), (0, 4), (4, 0), (4, 4)])
def test_routing_of_illegal_instruction(mode: str, medeleg: int, hedeleg: int) -> None:
    rig = Rig()
    rig.csr[Csr.MEDELEG], rig.csr[Csr.HEDELEG] = medeleg, hedeleg
    rig.mode(mode)
    rig.word(0)
    delegated = "VS" if MODES[mode][1] and hedeleg else "HS"
    assert rig.trapped() == (delegated if mode != "M" and medeleg else "M", 2, 0)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("enabled", [False, True])
def test_entry_to_m(mode: str, enabled: bool) -> None:
    rig = Rig()
    rig.csr[Csr.MSTATUS] = rig.csr[Csr.MSTATUS] | (MIE if enabled else 0) | GVA
    before = rig.vs()
    rig.mode(mode)
    rig.step("ebreak")
    status = rig.csr[Csr.MSTATUS]
    assert status >> 11 & 3 == _PRV[mode]
    assert bool(status & MPV) == MODES[mode][1]
    assert bool(status & GVA) == MODES[mode][1]  # tval is an address of the mode that trapped
    assert (bool(status & MPIE), bool(status & MIE)) == (enabled, False)
    assert (rig.csr[Csr.MEPC], rig.trapped()) == (CODE, ("M", 3, CODE))
    assert rig.vs() == before


@pytest.mark.parametrize("mode", ["HS", "U", "VS", "VU"])
@pytest.mark.parametrize("spvp", [False, True])
def test_entry_to_hs(mode: str, spvp: bool) -> None:
    rig = Rig()
    rig.csr[Csr.MEDELEG] = 1 << 2
    rig.csr[Csr.SSTATUS] = rig.csr[Csr.SSTATUS] | SIE
    rig.csr[Csr.HSTATUS] = SPVP if spvp else 0
    rig.mode(mode)
    rig.word(0)
    hstatus, status = rig.csr[Csr.HSTATUS], rig.csr[Csr.SSTATUS]
    virt = MODES[mode][1]
    assert bool(hstatus & SPV) == virt
    assert bool(hstatus & SPVP) == (mode == "VS" if virt else spvp)
    assert bool(status & SPP) == (_PRV[mode] == 1)
    assert status & (SPIE | SIE) == SPIE
    assert (rig.csr[Csr.SEPC], rig.csr[Csr.HTVAL], rig.csr[Csr.HTINST]) == (CODE, 0, 0)
    assert rig.trapped() == ("HS", 2, 0)


@pytest.mark.parametrize("mode", ["VS", "VU"])
def test_entry_to_vs_leaves_hs_state_alone(mode: str) -> None:
    rig = Rig()
    rig.csr[Csr.MEDELEG] = rig.csr[Csr.HEDELEG] = 1 << 2
    rig.csr[Csr.VSSTATUS] = rig.csr[Csr.VSSTATUS] | SIE
    rig.mode(mode)
    before = rig.csr[Csr.HSTATUS], rig.csr[Csr.SSTATUS], rig.csr[Csr.SEPC]
    rig.word(0)
    status = rig.csr[Csr.VSSTATUS]
    assert bool(status & SPP) == (mode == "VS")
    assert status & (SPIE | SIE) == SPIE
    assert rig.csr[Csr.VSEPC] == CODE
    assert (rig.csr[Csr.HSTATUS], rig.csr[Csr.SSTATUS], rig.csr[Csr.SEPC]) == before
    assert rig.trapped() == ("VS", 2, 0)


@pytest.mark.parametrize(("mstatus_vs", "vsstatus_vs"), [(0, 1), (1, 0), (0, 0)])
@pytest.mark.parametrize(("deleg", "expected"), [((0, 0), "M"), ((4, 0), "HS"), ((4, 4), "VS")])
def test_vs_off_reaches_vs_mode_when_delegated(
    mstatus_vs: int, vsstatus_vs: int, deleg: tuple[int, int], expected: str
) -> None:
    """B-18: whichever field is Off, hedeleg[2] alone decides."""
    rig = Rig()
    rig.vset(vtype(8))
    rig.csr[Csr.MEDELEG], rig.csr[Csr.HEDELEG] = deleg
    rig.set_vs(mstatus_vs, vsstatus_vs)
    rig.mode("VS")
    word = encode("vadd.vv", vd=1, vs2=2, vs1=3)
    rig.word(word)
    assert rig.trapped() == (expected, 2, word)


@pytest.mark.parametrize(("mode", "cause"), [("M", 11), ("HS", 9), ("VS", 10), ("U", 8), ("VU", 8)])
def test_ecall(mode: str, cause: int) -> None:
    rig = Rig()
    rig.mode(mode)
    instret = rig.hart.instret
    rig.step("ecall")
    assert rig.trapped() == ("M", cause, 0)
    assert rig.hart.instret == instret


@pytest.mark.parametrize(
    ("mpp", "mpv", "mode"), [(3, 0, "M"), (3, 1, "M"), (1, 0, "HS"), (1, 1, "VS"), (0, 0, "U"), (0, 1, "VU")]
)
@pytest.mark.parametrize("mpie", [False, True])
def test_mret(mpp: int, mpv: int, mode: str, mpie: bool) -> None:
    rig = Rig()
    rig.csr[Csr.MSTATUS] = 3 << 9 | mpp << 11 | mpv << 39 | MPRV | (MPIE if mpie else MIE)
    rig.csr[Csr.MEPC] = 0x8000_4000
    rig.step("mret")
    status = rig.csr[Csr.MSTATUS]
    assert (rig.hart.prv, rig.hart.virt, rig.hart.pc) == (*MODES[mode], 0x8000_4000)
    assert status & (3 << 11 | MPV) == 0
    assert status & (MIE | MPIE) == (MIE if mpie else 0) | MPIE
    assert bool(status & MPRV) == (mode == "M")


@pytest.mark.parametrize(("spp", "spv", "mode"), [(1, 0, "HS"), (1, 1, "VS"), (0, 0, "U"), (0, 1, "VU")])
@pytest.mark.parametrize("source", ["M", "HS"])
def test_sret(spp: int, spv: int, mode: str, source: str) -> None:
    rig = Rig()
    rig.csr[Csr.SSTATUS] = SPIE | spp * SPP
    rig.csr[Csr.HSTATUS] = spv * SPV | SPVP
    rig.csr[Csr.SEPC] = 0x8000_4000
    rig.mode(source)
    rig.step("sret")
    assert (rig.hart.prv, rig.hart.virt, rig.hart.pc) == (*MODES[mode], 0x8000_4000)
    assert rig.csr[Csr.SSTATUS] & (SPP | SPIE | SIE) == SPIE | SIE
    assert rig.csr[Csr.HSTATUS] & (SPV | SPVP) == SPVP


@pytest.mark.parametrize(("spp", "mode"), [(1, "VS"), (0, "VU")])
def test_sret_in_vs(spp: int, mode: str) -> None:
    rig = Rig()
    rig.csr[Csr.VSSTATUS] = spp * SPP
    rig.csr[Csr.VSEPC] = 0x8000_4000
    rig.csr[Csr.HSTATUS] = SPV
    rig.mode("VS")
    rig.step("sret")
    assert (rig.hart.prv, rig.hart.virt, rig.hart.pc) == (*MODES[mode], 0x8000_4000)
    assert rig.csr[Csr.VSSTATUS] & (SPP | SPIE | SIE) == SPIE
    assert rig.csr[Csr.HSTATUS] & SPV


_PRIVILEGED = [
    # (instruction, mode, mstatus, hstatus, cause; 0 for none)
    ("mret", "HS", 0, 0, 2),
    ("mret", "VS", 0, 0, 2),
    ("sret", "U", 0, 0, 2),
    ("sret", "VU", 0, 0, 22),
    ("sret", "VS", 0, VTSR, 22),
    ("sret", "VS", TSR, 0, 0),
    ("sret", "HS", TSR, 0, 2),
    ("sret", "M", TSR, 0, 0),
    ("wfi", "M", TW, 0, 0),
    ("wfi", "HS", 0, 0, 0),
    ("wfi", "HS", TW, 0, 2),
    ("wfi", "U", 0, 0, 2),
    ("wfi", "VS", 0, 0, 0),
    ("wfi", "VS", 0, VTW, 22),
    ("wfi", "VS", TW, VTW, 2),
    ("wfi", "VU", 0, 0, 22),
    ("sfence.vma", "U", 0, 0, 2),
    ("sfence.vma", "VU", 0, 0, 22),
    ("sfence.vma", "VS", 0, 0, 0),
    ("sfence.vma", "VS", 0, 1 << 20, 22),
    ("sfence.vma", "HS", 1 << 20, 0, 2),
    ("sfence.vma", "HS", 0, 0, 0),
    ("hfence.vvma", "VS", 0, 0, 22),
    ("hfence.vvma", "VU", 0, 0, 22),
    ("hfence.vvma", "U", 0, 0, 2),
    ("hfence.vvma", "HS", 1 << 20, 0, 0),
    ("hfence.gvma", "HS", 1 << 20, 0, 2),
    ("hfence.gvma", "M", 1 << 20, 0, 0),
    ("hlv.w", "VS", 0, 0, 22),
    ("hlv.w", "U", 0, 0, 2),
    ("hlv.w", "U", 0, 1 << 9, 0),
    ("hlv.w", "HS", 0, 0, 0),
    ("hsv.w", "VU", 0, 1 << 9, 22),
]  # fmt: skip


@pytest.mark.parametrize(("mnemonic", "mode", "mstatus", "hstatus", "cause"), _PRIVILEGED)
def test_privileged_instructions(mnemonic: str, mode: str, mstatus: int, hstatus: int, cause: int) -> None:
    rig = Rig()
    rig.csr[Csr.MSTATUS], rig.csr[Csr.HSTATUS] = mstatus, hstatus
    rig.csr[Csr.MEPC] = rig.csr[Csr.SEPC] = rig.csr[Csr.VSEPC] = CODE + 4
    rig.x[10] = CODE
    operands = {"hlv.w": {"rd": 5, "rs1": 10}, "hsv.w": {"rs2": 0, "rs1": 10}}.get(mnemonic, {})
    if "fence" in mnemonic:
        operands = {"rs1": 0, "rs2": 0}
    rig.mode(mode)
    rig.step(mnemonic, **operands)
    if cause:
        assert rig.trapped() == ("M", cause, encode(mnemonic, **operands))
    else:
        assert rig.hart.pc == CODE + 4


def test_fetch_fault() -> None:
    rig = Rig()
    rig.hart.pc = HOLE
    rig.hart.step()
    assert rig.trapped() == ("M", 1, HOLE)


_INTERRUPTS = [
    # (cause, mideleg, hideleg, mode, lands, cause there; lands "" for not deliverable)
    (7, 0x222, 0x444, "VS", "M", 7),
    (5, 0, 0, "HS", "M", 5),
    (5, 0x222, 0, "HS", "HS", 5),
    (5, 0x222, 0x444, "VU", "HS", 5),
    (10, 0x222, 0, "VS", "HS", 10),
    (10, 0x222, 0x444, "VS", "VS", 9),
    (6, 0x222, 0x444, "VU", "VS", 5),
    (12, 0, 0x444, "VS", "HS", 12),
    (5, 0x222, 0, "M", "", 0),
    (10, 0x222, 0x444, "HS", "", 0),
]  # fmt: skip


@pytest.mark.parametrize(("cause", "mideleg", "hideleg", "mode", "lands", "seen"), _INTERRUPTS)
def test_interrupts(cause: int, mideleg: int, hideleg: int, mode: str, lands: str, seen: int) -> None:
    rig = Rig()
    rig.csr[Csr.MIDELEG], rig.csr[Csr.HIDELEG] = mideleg, hideleg
    rig.mode(mode)
    if not lands:
        with pytest.raises(HartError, match="below the present mode"):
            rig.hart.interrupt(cause)
        return
    rig.hart.interrupt(cause)
    assert rig.trapped() == (lands, 1 << 63 | seen, 0)
    epc = {"M": Csr.MEPC, "HS": Csr.SEPC, "VS": Csr.VSEPC}[lands]
    assert rig.csr[epc] == CODE


def test_vectored_interrupts() -> None:
    rig = Rig()
    rig.csr[Csr.MTVEC], rig.csr[Csr.STVEC], rig.csr[Csr.VSTVEC] = MTVEC | 1, STVEC | 1, VSTVEC | 1
    rig.csr[Csr.MIDELEG], rig.csr[Csr.HIDELEG] = 0x222, 0x444
    rig.mode("VS")
    rig.hart.interrupt(10)
    assert rig.hart.pc == VSTVEC + 4 * 9
    rig.hart.interrupt(5)
    assert rig.hart.pc == STVEC + 4 * 5
    rig.hart.interrupt(7)
    assert rig.hart.pc == MTVEC + 4 * 7
    rig.word(0)
    assert rig.hart.pc == MTVEC  # exceptions go to the base
