# SPDX-License-Identifier: Apache-2.0
"""vtype values and the vset* rules (C)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rig import Rig, vtype

from vctx.pymodel.isa import HartConfig, HartError
from vctx.pymodel.isa.vtype import VILL, decode_vtype, vtype_text

# C-13: VLMAX at VLEN=128 by SEW for mf8, mf4, mf2, m1, m2, m4, m8; 0 is unsupported.
_VLMAX_128 = {
    8: (2, 4, 8, 16, 32, 64, 128),
    16: (0, 2, 4, 8, 16, 32, 64),
    32: (0, 0, 2, 4, 8, 16, 32),
    64: (0, 0, 0, 2, 4, 8, 16),
}
_LMULS = ("mf8", "mf4", "mf2", "m1", "m2", "m4", "m8")


@pytest.mark.parametrize("vlen", [128, 256, 1024, 4096])
@pytest.mark.parametrize("sew", [8, 16, 32, 64])
def test_vlmax_table(vlen: int, sew: int) -> None:
    for lmul, expected in zip(_LMULS, _VLMAX_128[sew], strict=True):
        decoded = decode_vtype(vtype(sew, lmul), vlen)
        assert decoded.vill == (expected == 0)
        assert decoded.vlmax == expected * vlen // 128


@pytest.mark.parametrize("vlen", [128, 256, 512, 1024])
@pytest.mark.parametrize("sew", [8, 16, 32, 64, 128])
def test_wide_sew_is_supported_by_choice(vlen: int, sew: int) -> None:
    """L-6: wherever LMUL * VLEN / SEW is at least 1, and ELEN at least SEW."""
    for eighths, lmul in ((1, "mf8"), (2, "mf4"), (4, "mf2"), (8, "m1"), (64, "m8")):
        expected = eighths * vlen // (8 * sew) if sew <= 64 else 0
        decoded = decode_vtype(vtype(sew, lmul), vlen, wide_sew_vill=False)
        assert (decoded.vill, decoded.vlmax) == (expected == 0, expected)
    assert decode_vtype(4, vlen, wide_sew_vill=False).vill


def test_exactly_88_values_are_legal() -> None:
    legal = [value for value in range(1 << 11) if not decode_vtype(value, 128).vill]
    assert len(legal) == 88
    assert max(legal) < 0x100


@pytest.mark.parametrize("bit", range(8, 64))
def test_every_reserved_bit_gives_vill(bit: int) -> None:
    rig = Rig()
    rig.x[6] = vtype(8) | 1 << bit
    retire = rig.block("vsetvl", rd=7, rs1=0, rs2=6)
    assert (retire.vtype, retire.vl, retire.rd, retire.trap) == (VILL, 0, 0, None)


@given(st.sampled_from([v for v in range(256) if not decode_vtype(v, 256).vill]), st.integers(0, 2**64 - 1))
def test_vl_is_the_smaller_of_avl_and_vlmax(value: int, avl: int) -> None:
    rig = Rig()
    rig.x[5], rig.x[6] = avl, value
    rig.vec.vstart = 3
    retire = rig.block("vsetvl", rd=7, rs1=5, rs2=6)
    vlmax = decode_vtype(value, 256).vlmax
    assert (retire.vl, retire.rd, rig.x[7]) == (min(avl, vlmax),) * 3
    assert (retire.vtype, retire.vstart) == (value, 0)


_E8, _E16M2, _E16, _E64MF2 = vtype(8), vtype(16, "m2"), vtype(16), vtype(64, "mf2")


@pytest.mark.parametrize(
    ("mnemonic", "operands", "before", "after"),
    [
        # before and after are (vtype, vl); x5 = 3, x6 = e8,m1, x8 = 1 << 63, x9 = e16,m1
        ("vsetvli", {"rd": 0, "rs1": 5, "vtypei": _E8}, (_E16, 9), (_E8, 3)),
        ("vsetvli", {"rd": 7, "rs1": 0, "vtypei": _E8}, (_E16, 9), (_E8, 32)),
        ("vsetvli", {"rd": 0, "rs1": 0, "vtypei": _E16M2}, (_E8, 9), (_E16M2, 9)),
        ("vsetvli", {"rd": 0, "rs1": 0, "vtypei": _E16}, (_E8, 9), (VILL, 0)),
        ("vsetvli", {"rd": 0, "rs1": 0, "vtypei": _E8}, (VILL, 0), (VILL, 0)),
        ("vsetvli", {"rd": 7, "rs1": 5, "vtypei": 1 << 8}, (_E8, 9), (VILL, 0)),
        ("vsetivli", {"rd": 0, "uimm": 0, "vtypei": _E8}, (_E8, 9), (_E8, 0)),
        ("vsetivli", {"rd": 7, "uimm": 31, "vtypei": _E16}, (VILL, 0), (_E16, 16)),
        ("vsetivli", {"rd": 7, "uimm": 4, "vtypei": 1 << 9}, (_E8, 9), (VILL, 0)),
        ("vsetvl", {"rd": 0, "rs1": 5, "rs2": 6}, (VILL, 0), (_E8, 3)),
        ("vsetvl", {"rd": 0, "rs1": 5, "rs2": 0}, (VILL, 0), (_E8, 3)),
        ("vsetvl", {"rd": 0, "rs1": 5, "rs2": 8}, (_E8, 9), (VILL, 0)),
        ("vsetvl", {"rd": 0, "rs1": 0, "rs2": 8}, (_E8, 9), (VILL, 0)),
        ("vsetvl", {"rd": 7, "rs1": 0, "rs2": 9}, (_E8, 9), (_E16, 16)),
    ],
)
def test_vset_forms(mnemonic: str, operands: dict[str, int], before: tuple[int, int], after: tuple[int, int]) -> None:
    rig = Rig()
    rig.x[5], rig.x[6], rig.x[8], rig.x[9] = 3, _E8, VILL, _E16
    rig.vset(*before, vstart=5)
    retire = rig.block(mnemonic, **operands)
    assert (retire.vtype, retire.vl, retire.vstart, retire.trap) == (*after, 0, None)
    assert retire.rd == (after[1] if operands["rd"] else None)


@given(st.sampled_from([VILL, *(v for v in range(256) if not decode_vtype(v, 256).vill)]), st.integers(0, 256))
def test_the_restore_idiom_restores_any_legal_pair(value: int, vl: int) -> None:
    """`vsetvl x0, vl, vtype` brings back whatever could be read (C-14)."""
    rig = Rig()
    vl = min(vl, decode_vtype(value, 256).vlmax)
    rig.x[5], rig.x[6] = vl, value
    retire = rig.block("vsetvl", rd=0, rs1=5, rs2=6)
    assert (retire.vtype, retire.vl) == (value, vl)


@pytest.mark.parametrize(
    ("latitude", "before", "operands", "after"),
    [
        ({"vl_ceil_half": True}, (VILL, 0), {"rd": 7, "rs1": 5, "vtypei": _E8}, (_E8, 21)),  # L-3, AVL 41
        ({"ratio_change_vill": False}, (_E8, 20), {"rd": 0, "rs1": 0, "vtypei": _E16}, (_E16, 16)),  # L-4
        ({"wide_sew_vill": False}, (_E8, 9), {"rd": 7, "rs1": 5, "vtypei": _E64MF2}, (_E64MF2, 2)),  # L-6
        ({"wide_sew_vill": True}, (_E8, 9), {"rd": 7, "rs1": 5, "vtypei": _E64MF2}, (VILL, 0)),
        ({"keep_vl_from_vill_vill": False}, (VILL, 0), {"rd": 0, "rs1": 0, "vtypei": _E8}, (_E8, 0)),  # L-5
    ],
)
def test_latitude(
    latitude: dict[str, bool], before: tuple[int, int], operands: dict[str, int], after: tuple[int, int]
) -> None:
    rig = Rig(**latitude)
    rig.x[5] = 41
    rig.vset(*before)
    retire = rig.block("vsetvli", **operands)
    assert (retire.vtype, retire.vl) == after


def test_an_illegal_vtype_may_trap() -> None:
    rig = Rig(illegal_vtype_trap=True)  # L-18
    rig.vset(_E8, 4, vstart=2)
    retire = rig.block("vsetvli", rd=7, rs1=0, vtypei=4)
    assert retire.trap is not None and retire.trap.cause == 2
    assert (retire.vtype, retire.vl, retire.vstart) == (_E8, 4, 2)


@pytest.mark.parametrize("value", range(256))
def test_text_names_every_legal_value(value: int) -> None:
    assert vtype_text(value).startswith("e") or decode_vtype(value, 128).vill


@pytest.mark.parametrize("vlen", [64, 96, 8192])
def test_vlen_must_be_supported(vlen: int) -> None:
    with pytest.raises(HartError, match="VLEN"):
        HartConfig(vlen=vlen)
