# SPDX-License-Identifier: Apache-2.0
"""Element-wise, mask and move instructions against a model that handles one element at a time (E)."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rig import CLEAN, Rig, vtype
from vector_reference import Reference, prepare, register, signed

from vctx.pymodel.isa import disassemble, encode

# name -> (operand forms, function of (vs2 element, other operand, SEW))
_OPS: dict[str, tuple[str, Callable[[int, int, int], int]]] = {
    "vadd": ("vxi", lambda a, b, s: a + b),
    "vsub": ("vx", lambda a, b, s: a - b),
    "vrsub": ("xi", lambda a, b, s: b - a),
    "vand": ("vxi", lambda a, b, s: a & b),
    "vor": ("vxi", lambda a, b, s: a | b),
    "vxor": ("vxi", lambda a, b, s: a ^ b),
    "vmseq": ("vxi", lambda a, b, s: a == b),
    "vmsne": ("vxi", lambda a, b, s: a != b),
    "vmsltu": ("vx", lambda a, b, s: a < b),
    "vmslt": ("vx", lambda a, b, s: signed(a, s) < signed(b, s)),
    "vmsleu": ("vxi", lambda a, b, s: a <= b),
    "vmsle": ("vxi", lambda a, b, s: signed(a, s) <= signed(b, s)),
    "vmsgtu": ("xi", lambda a, b, s: a > b),
    "vmsgt": ("xi", lambda a, b, s: signed(a, s) > signed(b, s)),
    "vminu": ("vx", lambda a, b, s: min(a, b)),
    "vmin": ("vx", lambda a, b, s: min(signed(a, s), signed(b, s))),
    "vmaxu": ("vx", lambda a, b, s: max(a, b)),
    "vmax": ("vx", lambda a, b, s: max(signed(a, s), signed(b, s))),
    "vsll": ("vxu", lambda a, b, s: a << b % s),
    "vsrl": ("vxu", lambda a, b, s: a >> b % s),
    "vsra": ("vxu", lambda a, b, s: signed(a, s) >> b % s),
    "vmul": ("vx", lambda a, b, s: a * b),
    "vmulhu": ("vx", lambda a, b, s: a * b >> s),
    "vmulhsu": ("vx", lambda a, b, s: signed(a, s) * b >> s),
    "vmulh": ("vx", lambda a, b, s: signed(a, s) * signed(b, s) >> s),
}
_CASES = [(name, form) for name, (forms, _) in _OPS.items() for form in forms]


@pytest.mark.parametrize(("name", "form"), _CASES)
@given(st.data())
def test_elementwise_and_compare(name: str, form: str, data: st.DataObject) -> None:
    rig, sew, group = prepare(data, vstart=True)
    masked = data.draw(st.booleans())
    compare = name.startswith("vms")
    vs2, vs1 = register(data, group), register(data, group)
    vd = data.draw(st.integers(0, 31)) if compare else register(data, group, lowest=int(masked))
    sources = (vs1, vs2) if form == "v" else (vs2,)
    if compare and any(source < vd < source + group for source in sources):
        vd = sources[0]
        if any(source < vd < source + group for source in sources):
            return
    scalar = data.draw(st.integers(0, 2**64 - 1))
    imm = data.draw(st.integers(-16, 15))
    # an operand equal to an element makes the compares interesting
    reference = Reference(rig)
    if data.draw(st.booleans()):
        scalar = scalar >> sew << sew | reference.get(vs2, 0, sew)
    rig.x[5] = scalar
    uimm = imm & 31
    operands = {"v": {"vs1": vs1}, "x": {"rs1": 5}, "i": {"imm": imm}, "u": {"uimm": uimm}}[form]
    vm = int(not masked)
    mask = [reference.bit(0, i) for i in range(128)]
    old = Reference(rig)
    for i in range(rig.vec.vstart, rig.vec.vl):
        other = {"v": old.get(vs1, i, sew), "x": scalar, "i": imm, "u": uimm}[form] & (1 << sew) - 1
        result = _OPS[name][1](old.get(vs2, i, sew), other, sew)
        if vm or mask[i]:
            if compare:
                reference.set_bit(vd, i, result)
            else:
                reference.set(vd, i, sew, result)
    rig.block(f"{name}.v{form.replace('u', 'i')}", vd=vd, vs2=vs2, vm=vm, **operands)
    reference.check(rig)


@pytest.mark.parametrize("form", "vxi")
@given(st.data())
def test_move_and_merge(form: str, data: st.DataObject) -> None:
    rig, sew, group = prepare(data, vstart=True)
    merge = data.draw(st.booleans())
    vs1, vs2, vd = register(data, group), register(data, group), register(data, group, lowest=int(merge))
    scalar, imm = data.draw(st.integers(0, 2**64 - 1)), data.draw(st.integers(-16, 15))
    rig.x[5] = scalar
    old, reference = Reference(rig), Reference(rig)
    for i in range(rig.vec.vstart, rig.vec.vl):
        other = {"v": old.get(vs1, i, sew), "x": scalar, "i": imm}[form]
        reference.set(vd, i, sew, old.get(vs2, i, sew) if merge and not old.bit(0, i) else other)
    operands = {"v": {"vs1": vs1}, "x": {"rs1": 5}, "i": {"imm": imm}}[form]
    if merge:
        rig.block(f"vmerge.v{form}m", vd=vd, vs2=vs2, **operands)
    else:
        rig.block(f"vmv.v.{form}", vd=vd, **operands)
    reference.check(rig)


_MASK_OPS: dict[str, Callable[[int, int], int]] = {
    "vmandn": lambda a, b: a & ~b,
    "vmand": lambda a, b: a & b,
    "vmor": lambda a, b: a | b,
    "vmxor": lambda a, b: a ^ b,
    "vmorn": lambda a, b: a | ~b,
    "vmnand": lambda a, b: ~(a & b),
    "vmnor": lambda a, b: ~(a | b),
    "vmxnor": lambda a, b: ~(a ^ b),
}


@pytest.mark.parametrize("name", _MASK_OPS)
@given(st.data())
def test_mask_logic(name: str, data: st.DataObject) -> None:
    rig, _, _ = prepare(data, vstart=True)
    vd, vs1, vs2 = (data.draw(st.integers(0, 31)) for _ in range(3))
    old, reference = Reference(rig), Reference(rig)
    for i in range(rig.vec.vstart, rig.vec.vl):
        reference.set_bit(vd, i, _MASK_OPS[name](old.bit(vs2, i), old.bit(vs1, i)) & 1)
    rig.block(f"{name}.mm", vd=vd, vs2=vs2, vs1=vs1)
    reference.check(rig)


@given(st.data())
def test_vid(data: st.DataObject) -> None:
    rig, sew, group = prepare(data, vstart=True)
    vm = data.draw(st.integers(0, 1))
    vd = register(data, group, lowest=1 - vm)
    reference = Reference(rig)
    for i in range(rig.vec.vstart, rig.vec.vl):
        if vm or reference.bit(0, i):
            reference.set(vd, i, sew, i)
    rig.block("vid.v", vd=vd, vm=vm)
    reference.check(rig)


@given(st.data())
def test_scalar_moves(data: st.DataObject) -> None:
    rig, sew, _ = prepare(data, vstart=True)
    register, value = data.draw(st.integers(0, 31)), data.draw(st.integers(0, 2**64 - 1))
    reference = Reference(rig)
    vstart = rig.vec.vstart
    retire = rig.block("vmv.x.s", rd=7, vs2=register)
    assert retire.rd == rig.x[7] == signed(reference.get(register, 0, sew), sew) & 2**64 - 1
    reference.check(rig)
    rig.vec.vstart, rig.x[5] = vstart, value
    if vstart < rig.vec.vl:
        reference.set(register, 0, sew, value)
    rig.block("vmv.s.x", vd=register, rs1=5)
    reference.check(rig)


@pytest.mark.parametrize("count", [1, 2, 4, 8])
@given(st.data())
def test_whole_register_moves(count: int, data: st.DataObject) -> None:
    rig, sew, _ = prepare(data, vstart=True)
    vd, vs2 = register(data, count), register(data, count)
    old, reference = Reference(rig), Reference(rig)
    for i in range(rig.vec.vstart, count * 128 // sew if vd != vs2 else 0):
        reference.set(vd, i, sew, old.get(vs2, i, sew))
    rig.block(f"vmv{count}r.v", vd=vd, vs2=vs2)
    reference.check(rig)


# --- what is illegal ---

_M1, _M4 = vtype(8), vtype(8, "m4")
_ANY_OP = {
    "vadd.vv": encode("vadd.vv", vd=8, vs2=16, vs1=24),
    "vmseq.vv": encode("vmseq.vv", vd=8, vs2=16, vs1=24),
    "vmand.mm": encode("vmand.mm", vd=8, vs2=16, vs1=24),
    "vmv.v.i": encode("vmv.v.i", vd=8, imm=1),
    "vmerge.vim": encode("vmerge.vim", vd=8, vs2=16, imm=1),
    "vid.v": encode("vid.v", vd=8),
    "vmv.x.s": encode("vmv.x.s", rd=1, vs2=8),
    "vmv.s.x": encode("vmv.s.x", vd=8, rs1=1),
    "vmv2r.v": encode("vmv2r.v", vd=8, vs2=16),
}


@pytest.mark.parametrize("word", _ANY_OP.values(), ids=_ANY_OP.keys())
def test_vill_and_vstart_make_any_of_them_illegal(word: int) -> None:
    for type_, vstart in ((1 << 63, 0), (_M1, 1)):
        rig = Rig()
        rig.set_vs(CLEAN, CLEAN)
        rig.vset(type_, vstart=vstart)
        record = rig.word(word)
        assert record is not None and record.trap is not None
        assert (record.trap.cause, record.trap.tval, record.vstart) == (2, word, vstart)
        assert rig.vs() == (CLEAN, CLEAN)
        assert not record.vregs


_GROUPS = [
    # (word, vtype, legal, latitude)
    (encode("vadd.vv", vd=4, vs2=8, vs1=12), _M4, True, {}),
    (encode("vadd.vv", vd=5, vs2=8, vs1=12), _M4, False, {}),
    (encode("vadd.vv", vd=4, vs2=9, vs1=12), _M4, False, {}),
    (encode("vadd.vv", vd=4, vs2=8, vs1=13), _M4, False, {}),
    (encode("vadd.vx", vd=4, vs2=8, rs1=13), _M4, True, {}),
    (encode("vadd.vi", vd=0, vs2=8, imm=1, vm=0), _M4, False, {}),
    (encode("vadd.vi", vd=4, vs2=0, imm=1, vm=0), _M4, True, {}),
    (encode("vadd.vi", vd=4, vs2=0, imm=1, vm=0), _M4, False, {"masked_v0_source_trap": True}),  # L-13
    (encode("vmv.v.v", vd=4, vs1=2), _M4, False, {}),
    (encode("vmerge.vim", vd=0, vs2=8, imm=1), _M1, False, {}),
    (encode("vid.v", vd=2), _M4, False, {}),
    (encode("vid.v", vd=0, vm=0), _M1, False, {}),
    (encode("vmseq.vv", vd=8, vs2=8, vs1=12), _M4, True, {}),
    (encode("vmseq.vv", vd=9, vs2=8, vs1=12), _M4, False, {}),
    (encode("vmseq.vv", vd=15, vs2=8, vs1=12), _M4, False, {}),
    (encode("vmseq.vv", vd=9, vs2=8, vs1=12), _M4, True, {"compare_overlap_trap": False}),  # L-15
    (encode("vmseq.vx", vd=9, vs2=12, rs1=8), _M4, True, {}),
    (encode("vmseq.vv", vd=0, vs2=8, vs1=12, vm=0), _M4, True, {}),
    (encode("vmseq.vv", vd=1, vs2=10, vs1=12), _M4, False, {}),
    (encode("vmand.mm", vd=1, vs2=3, vs1=5), _M4, True, {}),
    (encode("vmv.x.s", rd=1, vs2=3), _M4, True, {}),
    (encode("vmv.s.x", vd=3, rs1=1), _M4, True, {}),
    (encode("vmv4r.v", vd=4, vs2=2), _M1, False, {}),
    (encode("vmv2r.v", vd=4, vs2=2), _M4, True, {}),
]


@pytest.mark.parametrize(
    ("word", "type_", "legal", "latitude"), _GROUPS, ids=[f"{disassemble(w)}-{legal}" for w, _, legal, _ in _GROUPS]
)
def test_register_groups(word: int, type_: int, legal: bool, latitude: dict[str, bool]) -> None:
    rig = Rig(**latitude)
    rig.vset(type_)
    record = rig.word(word)
    assert record is not None
    assert (record.trap is None) == legal


def test_unsupported_words_of_the_block_are_illegal_and_recorded() -> None:
    rig = Rig()
    rig.vset(_M1)
    for word in (0x52082057, 0x02001057, encode("vle8.v", vd=1, rs1=1) | 1 << 29):
        record = rig.word(word)
        assert record is not None and record.trap is not None
        assert (record.trap.cause, record.trap.tval) == (2, word)
    assert rig.word(0x00002007) is None  # scalar flw is not the block's
    assert rig.trapped() == ("M", 2, 0x00002007)
