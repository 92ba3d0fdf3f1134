# SPDX-License-Identifier: Apache-2.0
"""The vector CSRs (A) and the VS and SD fields (B)."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rig import CLEAN, DIRTY, FS_SHIFT, INITIAL, MODES, OFF, SD, VS_SHIFT, Rig, vtype

from vctx.pymodel.isa import Csr, encode

_WRITABLE = {Csr.VSTART: 0xFF, Csr.VXSAT: 1, Csr.VXRM: 3, Csr.VCSR: 7}
_READ_ONLY = (Csr.VL, Csr.VTYPE, Csr.VLENB)
_VECTOR = (*_WRITABLE, *_READ_ONLY)

_ADD = encode("vadd.vv", vd=1, vs2=2, vs1=3)
_LOAD = encode("vle8.v", vd=1, rs1=10)
_STORE = encode("vse8.v", vs3=1, rs1=10)


def _rig() -> Rig:
    rig = Rig()
    rig.vset(vtype(8))
    rig.x[10] = 0x8001_0000
    return rig


def test_reset_state() -> None:
    rig = _rig()
    rig.vec.vcsr = 7
    before = rig.vec.regs.tobytes()
    rig.hart.reset(0x8000_0000)
    snapshot = rig.hart.snapshot()
    assert (snapshot.vtype, snapshot.vl, snapshot.vstart, snapshot.vcsr) == (1 << 63, 0, 0, 0)
    assert (snapshot.mstatus_vs, snapshot.vsstatus_vs) == (OFF, OFF)
    assert b"".join(snapshot.vregs[i] for i in range(32)) == before
    assert (rig.hart.prv, rig.hart.virt) == MODES["M"]


@pytest.mark.parametrize("csr", _WRITABLE)
@given(value=st.integers(0, 2**64 - 1))
def test_writable_csrs_keep_their_bits_and_dirty(csr: Csr, value: int) -> None:
    rig = _rig()
    rig.set_vs(CLEAN, CLEAN)
    rig.x[5] = value
    retire = rig.block("csrrw", rd=0, csr=csr, rs1=5)
    assert rig.csr[csr] == value & _WRITABLE[csr]
    assert (retire.mstatus_vs, retire.vsstatus_vs, retire.rd) == (DIRTY, CLEAN, None)


@pytest.mark.parametrize("vlen", [128, 256, 4096])
def test_vstart_has_log2_vlen_bits_and_vlenb_tells_vlen(vlen: int) -> None:
    rig = Rig(vlen)
    rig.x[5] = (1 << 64) - 1
    rig.block("csrrw", rd=0, csr=Csr.VSTART, rs1=5)
    assert rig.block("csrrs", rd=6, csr=Csr.VSTART, rs1=0).rd == vlen - 1
    assert rig.block("csrrs", rd=6, csr=Csr.VLENB, rs1=0).rd == vlen // 8


@given(st.integers(0, 7))
def test_vcsr_is_vxrm_and_vxsat(value: int) -> None:
    rig = _rig()
    rig.x[5] = value
    rig.block("csrrw", rd=0, csr=Csr.VCSR, rs1=5)
    assert (rig.csr[Csr.VXRM], rig.csr[Csr.VXSAT]) == (value >> 1, value & 1)
    rig.block("csrrw", rd=0, csr=Csr.VXRM, rs1=0)
    assert rig.csr[Csr.VCSR] == value & 1
    rig.block("csrrwi", rd=0, csr=Csr.VXSAT, uimm=0)
    assert rig.csr[Csr.VCSR] == 0


@pytest.mark.parametrize("csr", _VECTOR)
@pytest.mark.parametrize(("mnemonic", "source"), [("csrrs", "rs1"), ("csrrc", "rs1"), ("csrrsi", "uimm")])
def test_reads_do_not_dirty_or_move_vstart(csr: Csr, mnemonic: str, source: str) -> None:
    rig = _rig()
    rig.vset(1 << 63, vstart=5)  # vill does not matter
    rig.set_vs(CLEAN, INITIAL)
    retire = rig.block(mnemonic, rd=7, csr=csr, **{source: 0})
    assert retire.rd == rig.csr[csr]
    assert (retire.trap, retire.vstart, rig.vs()) == (None, 5, (CLEAN, INITIAL))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("csr", _READ_ONLY)
@pytest.mark.parametrize(
    ("mnemonic", "source"),
    [("csrrw", "rs1"), ("csrrs", "rs1"), ("csrrc", "rs1"), ("csrrwi", "uimm"), ("csrrci", "uimm")],
)
def test_writes_to_read_only_csrs_are_illegal(mode: str, csr: Csr, mnemonic: str, source: str) -> None:
    rig = _rig()
    rig.set_vs(CLEAN, CLEAN)
    rig.mode(mode)
    rig.x[5] = 0  # writing nothing is still a write
    retire = rig.block(mnemonic, rd=7, csr=csr, **{source: 5})
    assert retire.trap is not None
    assert (retire.trap.cause, retire.trap.tval, retire.rd) == (2, rig.issue.insn, None)
    assert rig.vs() == (CLEAN, CLEAN)


@pytest.mark.parametrize("mode", MODES)
def test_the_eighty_states(mode: str) -> None:
    """Mode x mstatus.VS x vsstatus.VS: who may execute, and what becomes Dirty (A-3, B-5, B-13, B-14, B-16)."""
    virt = MODES[mode][1]
    for mstatus, vsstatus in product(range(4), range(4)):
        rig = _rig()
        rig.set_vs(mstatus, vsstatus)
        rig.mode(mode)
        on = mstatus != OFF and not (virt and vsstatus == OFF)

        retire = rig.block("csrrs", rd=7, csr=Csr.VL, rs1=0)
        assert (retire.trap is None) == on
        assert (retire.mstatus_vs, retire.vsstatus_vs) == (mstatus, vsstatus)

        for word in (_ADD, _LOAD, _STORE, encode("vsetvli", rd=7, rs1=0, vtypei=0), encode("vmv.x.s", rd=7, vs2=1)):
            rig = _rig()
            rig.set_vs(mstatus, vsstatus)
            rig.mode(mode)
            rig.vec.vl = 2
            record = rig.word(word)
            assert record is not None
            if on:
                assert record.trap is None
                expected = (DIRTY, DIRTY if virt else vsstatus)
            else:
                assert record.trap is not None
                assert (record.trap.cause, record.trap.tval) == (2, word)
                expected = (mstatus, vsstatus)
            assert (record.mstatus_vs, record.vsstatus_vs) == expected


@given(st.integers(0, 3), st.integers(0, 3), st.integers(0, 3), st.integers(0, 3))
def test_sd_follows_the_fields_of_its_own_register(vs: int, fs: int, guest_vs: int, guest_fs: int) -> None:
    rig = _rig()
    rig.set_vs(vs, guest_vs)
    rig.csr[Csr.MSTATUS] = rig.csr[Csr.MSTATUS] & ~(3 << FS_SHIFT) | fs << FS_SHIFT
    rig.csr[Csr.VSSTATUS] = rig.csr[Csr.VSSTATUS] & ~(3 << FS_SHIFT) | guest_fs << FS_SHIFT
    sd, guest_sd = DIRTY in (vs, fs), DIRTY in (guest_vs, guest_fs)
    for csr, dirty in ((Csr.MSTATUS, sd), (Csr.SSTATUS, sd), (Csr.VSSTATUS, guest_sd)):
        assert bool(rig.csr[csr] & SD) == dirty
    retire = rig.block("csrrs", rd=7, csr=Csr.MSTATUS, rs1=0)
    assert retire.rd == sd << 63 | vs << VS_SHIFT  # the record holds what the block owns,
    assert rig.x[7] == rig.csr[Csr.MSTATUS]  # the register the whole CSR
    assert (rig.issue.fs_dirty, rig.issue.vsfs_dirty) == (fs == DIRTY, guest_fs == DIRTY)


@pytest.mark.parametrize(
    ("mode", "csr", "changes"),
    [
        ("M", Csr.MSTATUS, "mstatus"),
        ("HS", Csr.SSTATUS, "mstatus"),
        ("HS", Csr.VSSTATUS, "vsstatus"),
        ("M", Csr.VSSTATUS, "vsstatus"),
        ("VS", Csr.SSTATUS, "vsstatus"),
    ],
)
@pytest.mark.parametrize("value", range(4))
def test_status_writes_reach_one_register(mode: str, csr: Csr, changes: str, value: int) -> None:
    rig = _rig()
    rig.set_vs(CLEAN, INITIAL)
    rig.mode(mode)
    rig.x[5] = value << VS_SHIFT
    retire = rig.block("csrrw", rd=7, csr=csr, rs1=5)
    expected = (value, INITIAL) if changes == "mstatus" else (CLEAN, value)
    assert (retire.mstatus_vs, retire.vsstatus_vs) == expected
    assert retire.rd == (CLEAN if changes == "mstatus" else INITIAL) << VS_SHIFT


@pytest.mark.parametrize(
    ("csr", "expected"),
    [
        (Csr.MSTATUS, 0x8000_00CA_007E_7FAA),
        (Csr.SSTATUS, 0x8000_0002_000C_6722),
        (Csr.VSSTATUS, 0x8000_0002_000C_6722),
        (Csr.HSTATUS, 0x2_0070_03C0),
        (Csr.MEDELEG, 0xFC_B7FE),
        (Csr.HEDELEG, 0xC_B1FF),
        (Csr.MIDELEG, 0x1666),
        (Csr.HIDELEG, 0x444),
    ],
)
def test_all_ones(csr: Csr, expected: int) -> None:
    rig = _rig()
    rig.x[5] = (1 << 64) - 1
    rig.step("csrrw", rd=0, csr=csr, rs1=5)
    assert rig.csr[csr] == expected


def test_misa_says_v_and_cannot_be_cleared() -> None:
    rig = _rig()
    rig.step("csrrw", rd=0, csr=Csr.MISA, rs1=0)
    assert rig.csr[Csr.MISA] >> 21 & 1


def test_without_v_there_is_no_vs_and_no_vector_csr() -> None:
    rig = Rig(has_v=False)
    assert rig.vs() == (OFF, OFF)
    assert not rig.csr[Csr.MISA] >> 21 & 1
    rig.x[5] = (1 << 64) - 1
    assert rig.block("csrrw", rd=0, csr=Csr.MSTATUS, rs1=5).mstatus_vs == OFF
    for word in (_ADD, _LOAD, encode("csrrs", rd=7, csr=Csr.VLENB, rs1=0)):
        record = rig.word(word)
        assert record is not None and record.trap is not None and record.trap.cause == 2


def test_vs_may_have_two_states() -> None:
    rig = Rig(vs_two_state=True)  # L-2
    rig.set_vs(CLEAN, INITIAL)
    assert rig.vs() == (DIRTY, DIRTY)
    rig.set_vs(OFF, OFF)
    assert rig.vs() == (OFF, OFF)


def test_tval_may_be_zero() -> None:
    rig = Rig(tval_insn=False)  # L-22
    record = rig.word(_ADD)  # vill
    assert record is not None and record.trap is not None
    assert (record.trap.cause, record.trap.tval) == (2, 0)
