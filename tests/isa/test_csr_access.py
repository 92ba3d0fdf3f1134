# SPDX-License-Identifier: Apache-2.0
"""Who may access which CSR, and what V=1 redirects (F-7, B-4, F-3)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rig import MODES, Rig

from vctx.pymodel.isa import Csr, HartError, encode

_VECTOR = {Csr.VSTART, Csr.VXSAT, Csr.VXRM, Csr.VCSR, Csr.VL, Csr.VTYPE, Csr.VLENB}
_COUNTERS = {Csr.CYCLE, Csr.TIME, Csr.INSTRET}
_RANK = {"U": 0, "VU": 0, "VS": 1, "HS": 2, "M": 3}
_TWINS = {
    Csr.SSTATUS: Csr.VSSTATUS,
    Csr.SIE: Csr.VSIE,
    Csr.STVEC: Csr.VSTVEC,
    Csr.SSCRATCH: Csr.VSSCRATCH,
    Csr.SEPC: Csr.VSEPC,
    Csr.SCAUSE: Csr.VSCAUSE,
    Csr.STVAL: Csr.VSTVAL,
    Csr.SIP: Csr.VSIP,
    Csr.SATP: Csr.VSATP,
}
VTVM = TVM = 1 << 20


def _expected(csr: Csr, mode: str, write: bool) -> int:
    """Return the cause of an access with counters enabled and nothing trapped; 0 for none."""
    if write and csr >> 10 == 3:
        return 2
    if csr in _VECTOR or csr in _COUNTERS:
        return 0
    needs_m, needs_hs = csr >> 8 & 3 == 3, csr >> 8 & 3 == 2
    if mode == "M" or (mode == "HS" and not needs_m):
        return 0
    if needs_m:
        return 2
    if mode == "VS":
        return 22 if needs_hs else 0
    return 22 if mode == "VU" else 2


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("write", [False, True])
def test_every_csr_in_every_mode(mode: str, write: bool) -> None:
    for csr in Csr:
        rig = Rig()
        for counteren in (Csr.MCOUNTEREN, Csr.HCOUNTEREN, Csr.SCOUNTEREN):
            rig.csr[counteren] = 7
        rig.mode(mode)
        word = encode("csrrc" if write else "csrrs", rd=5, csr=csr, rs1=5 if write else 0)
        rig.x[5] = 0
        rig.word(word)
        cause = _expected(csr, mode, write)
        if cause:
            assert rig.trapped() == ("M", cause, word), csr.name
        else:
            assert rig.hart.pc == 0x8000_0004, csr.name


@pytest.mark.parametrize("mode", MODES)
def test_a_csr_that_does_not_exist_is_illegal(mode: str) -> None:
    rig = Rig()
    rig.mode(mode)
    for address in (0x00B, 0x5C0, 0x145, 0xFFF):
        word = encode("csrrs", rd=5, csr=address, rs1=0)
        rig.word(word)
        assert rig.trapped() == ("M", 2, word)
        rig.mode(mode)
    with pytest.raises(HartError, match="no CSR"):
        rig.csr[0x5C0]


@pytest.mark.parametrize(("csr", "twin"), _TWINS.items())
def test_v1_reaches_the_twin(csr: Csr, twin: Csr) -> None:
    rig = Rig()
    rig.csr[Csr.HIDELEG] = 0x444
    rig.csr[Csr.MIDELEG] = 0x222
    rig.mode("VS")
    before = rig.csr[csr]
    rig.x[5] = 0x2
    rig.step("csrrs", rd=6, csr=csr, rs1=5)
    rig.step("csrrs", rd=6, csr=csr, rs1=0)
    assert rig.x[6] == rig.csr[twin]
    assert rig.csr[csr] == before


def test_supervisor_csrs_without_a_twin_act_directly() -> None:
    rig = Rig()
    rig.mode("VS")
    rig.step("csrrwi", rd=0, csr=Csr.SCOUNTEREN, uimm=5)
    assert rig.csr[Csr.SCOUNTEREN] == 5


@pytest.mark.parametrize(
    ("csr", "mode", "mstatus", "hstatus", "cause"),
    [
        (Csr.SATP, "VS", 0, VTVM, 22),
        (Csr.SATP, "VS", TVM, 0, 0),
        (Csr.SATP, "HS", TVM, 0, 2),
        (Csr.SATP, "M", TVM, VTVM, 0),
        (Csr.HGATP, "HS", TVM, 0, 2),
        (Csr.VSATP, "HS", TVM, 0, 0),
        (Csr.SATP, "VU", 0, VTVM, 22),
    ],
)
def test_tvm(csr: Csr, mode: str, mstatus: int, hstatus: int, cause: int) -> None:
    rig = Rig()
    rig.csr[Csr.MSTATUS], rig.csr[Csr.HSTATUS] = mstatus, hstatus
    rig.mode(mode)
    rig.step("csrrs", rd=5, csr=csr, rs1=0)
    if cause:
        assert rig.trapped()[:2] == ("M", cause)
    else:
        assert rig.hart.pc == 0x8000_0004


@pytest.mark.parametrize(
    ("mode", "m", "h", "s", "cause"),
    [
        ("M", 0, 0, 0, 0),
        ("HS", 0, 7, 7, 2),
        ("HS", 7, 0, 0, 0),
        ("U", 7, 0, 7, 0),
        ("U", 7, 7, 0, 2),
        ("VS", 7, 0, 7, 22),
        ("VS", 7, 7, 0, 0),
        ("VS", 0, 7, 7, 2),
        ("VU", 7, 7, 7, 0),
        ("VU", 7, 7, 0, 22),
    ],
)
def test_counter_enables(mode: str, m: int, h: int, s: int, cause: int) -> None:
    rig = Rig()
    rig.csr[Csr.MCOUNTEREN], rig.csr[Csr.HCOUNTEREN], rig.csr[Csr.SCOUNTEREN] = m, h, s
    rig.mode(mode)
    rig.step("csrrs", rd=5, csr=Csr.INSTRET, rs1=0)
    if cause:
        assert rig.trapped()[:2] == ("M", cause)
    else:
        assert rig.x[5] == 0


def test_counters_count_and_time_follows_htimedelta() -> None:
    rig = Rig()
    for _ in range(5):
        rig.step("addi", rd=0, rs1=0, imm=0)
    rig.step("csrrs", rd=5, csr=Csr.MINSTRET, rs1=0)
    assert rig.x[5] == 5
    rig.x[6] = 100
    rig.step("csrrw", rd=0, csr=Csr.MCYCLE, rs1=6)
    assert (
        rig.csr[Csr.CYCLE] - rig.csr[Csr.INSTRET] == 100 - 7
    )  # the write is not counted in mcycle, and is in minstret
    rig.csr[Csr.HTIMEDELTA] = 1000
    assert rig.csr[Csr.TIME] == rig.hart.instret
    rig.mode("VS")
    assert rig.csr[Csr.TIME] == rig.hart.instret + 1000


@given(st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1), st.sampled_from(["csrrw", "csrrs", "csrrc"]))
def test_read_modify_write(old: int, operand: int, mnemonic: str) -> None:
    rig = Rig()
    rig.csr[Csr.SSCRATCH], rig.x[5] = old, operand
    rig.step(mnemonic, rd=6, csr=Csr.SSCRATCH, rs1=5)
    new = {"csrrw": operand, "csrrs": old | operand, "csrrc": old & ~operand}[mnemonic]
    assert (rig.x[6], rig.csr[Csr.SSCRATCH]) == (old, new)
    rig.step(mnemonic + "i", rd=6, csr=Csr.SSCRATCH, uimm=21)
    final = {"csrrw": 21, "csrrs": new | 21, "csrrc": new & ~21}[mnemonic]
    assert (rig.x[6], rig.csr[Csr.SSCRATCH]) == (new, final)


def test_mpp_becomes_u_when_no_such_privilege_exists() -> None:
    rig = Rig()
    rig.csr[Csr.MSTATUS] = 2 << 11
    assert rig.csr[Csr.MSTATUS] >> 11 & 3 == 0


def test_set_up_code_chooses_what_software_cannot_write() -> None:
    rig = Rig()
    rig.csr[Csr.MVENDORID] = 5
    rig.x[5] = 7
    rig.step("csrrs", rd=6, csr=Csr.MVENDORID, rs1=0)
    assert rig.x[6] == 5
    rig.step("csrrw", rd=6, csr=Csr.MVENDORID, rs1=5)
    assert rig.trapped()[:2] == ("M", 2)


def test_interrupt_views() -> None:
    rig = Rig()
    rig.csr[Csr.MIDELEG], rig.csr[Csr.HIDELEG] = 0x222, 0x444
    rig.csr[Csr.MIE] = rig.csr[Csr.MIP] = (1 << 64) - 1
    everything = 0x222 | 0x444 | 0x888 | 0x1000
    views = {
        Csr.MIE: everything, Csr.MIP: everything, Csr.SIE: 0x222, Csr.SIP: 0x222, Csr.HIE: 0x1444, Csr.HIP: 0x1444,
        Csr.HVIP: 0x444, Csr.VSIE: 0x222, Csr.VSIP: 0x222,
    }  # fmt: skip
    assert {csr: rig.csr[csr] for csr in views} == views
    rig.csr[Csr.HVIP] = 0
    assert (rig.csr[Csr.VSIP], rig.csr[Csr.MIP]) == (0, everything & ~0x444)
    rig.csr[Csr.VSIP] = 2
    assert (rig.csr[Csr.HVIP], rig.csr[Csr.HIP]) == (4, 0x1004)
    rig.csr[Csr.HIDELEG] = 0
    assert (rig.csr[Csr.VSIP], rig.csr[Csr.VSIE]) == (0, 0)


@pytest.mark.parametrize(
    ("mode", "csr", "storage", "expected"),
    [
        ("HS", Csr.SATP, Csr.SATP, 5),  # satp ignores the whole write of a MODE that does not exist
        ("VS", Csr.SATP, Csr.VSATP, 5),
        ("HS", Csr.VSATP, Csr.VSATP, 1 << 44 | 9),
        ("HS", Csr.HGATP, Csr.HGATP, 1 << 44 | 8),
    ],
)
def test_unsupported_translation_mode(mode: str, csr: Csr, storage: Csr, expected: int) -> None:
    rig = Rig()
    rig.csr[storage] = 5 if csr is Csr.SATP else 4
    rig.mode(mode)
    rig.x[5] = 9 << 60 | 1 << 44 | 9
    rig.step("csrrw", rd=0, csr=csr, rs1=5)
    assert rig.csr[storage] == expected
