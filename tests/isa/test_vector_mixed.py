# SPDX-License-Identifier: Apache-2.0
"""Instructions of mixed widths and across elements, against a model of one element at a time (E-17 to E-26)."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rig import CLEAN, DIRTY, Rig, vtype
from vector_reference import Reference, prepare, signed

from vctx.pymodel.isa import disassemble, encode

M64 = (1 << 64) - 1
_MAX = st.integers(0, M64)


def _group(eighths: int) -> int:
    return max(1, eighths // 8)


def _aligned(data: st.DataObject, eighths: int, lowest: int = 0) -> int:
    group = _group(eighths)
    return data.draw(st.integers(-(-lowest // group), 32 // group - 1)) * group


def _apart(one: int, one_eighths: int, other: int, other_eighths: int) -> bool:
    return one + _group(one_eighths) <= other or other + _group(other_eighths) <= one


def _widths_fit(rig: Rig, *scales: int) -> bool:
    """Whether 2**scale times SEW and LMUL are in range."""
    sew, eighths = rig.vec.type.sew, rig.vec.type.lmul_eighths
    return all(8 <= sew * 2**s <= 64 and 1 <= eighths * 2**s <= 64 for s in scales)


def _eighths(rig: Rig, scale: int) -> int:
    return int(rig.vec.type.lmul_eighths * 2**scale)


def _active(reference: Reference, vm: int, i: int) -> bool:
    return bool(vm or reference.bit(0, i))


@pytest.mark.parametrize("narrow", [1, 2, 3])
@pytest.mark.parametrize("name", ["vzext", "vsext"])
@given(st.data())
def test_extension(name: str, narrow: int, data: st.DataObject) -> None:
    rig, sew, _ = prepare(data, vstart=True)
    if not _widths_fit(rig, -narrow):
        return
    vm = data.draw(st.integers(0, 1))
    vd, vs2 = _aligned(data, _eighths(rig, 0), 1 - vm), _aligned(data, _eighths(rig, -narrow))
    if not _apart(vd, _eighths(rig, 0), vs2, _eighths(rig, -narrow)):
        return
    old, reference = Reference(rig), Reference(rig)
    for i in range(rig.vec.vstart, rig.vec.vl):
        if _active(old, vm, i):
            value = old.get(vs2, i, sew >> narrow)
            reference.set(vd, i, sew, signed(value, sew >> narrow) if name == "vsext" else value)
    rig.block(f"{name}.vf{1 << narrow}", vd=vd, vs2=vs2, vm=vm)
    reference.check(rig)


@pytest.mark.parametrize("form", "vxi")
@pytest.mark.parametrize("name", ["vnsrl", "vnsra"])
@given(st.data())
def test_narrowing_shifts(name: str, form: str, data: st.DataObject) -> None:
    rig, sew, group = prepare(data, vstart=True)
    if not _widths_fit(rig, 1):
        return
    vm = data.draw(st.integers(0, 1))
    vd, vs1, vs2 = _aligned(data, 8 * group, 1 - vm), _aligned(data, 8 * group), _aligned(data, _eighths(rig, 1))
    if vd != vs2 and not _apart(vd, _eighths(rig, 0), vs2, _eighths(rig, 1)):
        return
    scalar, uimm = data.draw(_MAX), data.draw(st.integers(0, 31))
    rig.x[5] = scalar
    old, reference = Reference(rig), Reference(rig)
    for i in range(rig.vec.vstart, rig.vec.vl):
        if _active(old, vm, i):
            value = old.get(vs2, i, 2 * sew)
            value = signed(value, 2 * sew) if name == "vnsra" else value
            amount = {"v": old.get(vs1, i, sew), "x": scalar, "i": uimm}[form]
            reference.set(vd, i, sew, value >> amount % (2 * sew))
    operands = {"v": {"vs1": vs1}, "x": {"rs1": 5}, "i": {"uimm": uimm}}[form]
    rig.block(f"{name}.w{form}", vd=vd, vs2=vs2, vm=vm, **operands)
    reference.check(rig)


# name: function of (vs2 element, other operand, vd element); signs of the first two
_WIDENING: dict[str, tuple[Callable[[int, int, int], int], bool, bool]] = {
    "vwaddu": (lambda a, b, d: a + b, False, False),
    "vwadd": (lambda a, b, d: a + b, True, True),
    "vwsubu": (lambda a, b, d: a - b, False, False),
    "vwsub": (lambda a, b, d: a - b, True, True),
    "vwmulu": (lambda a, b, d: a * b, False, False),
    "vwmulsu": (lambda a, b, d: a * b, True, False),
    "vwmul": (lambda a, b, d: a * b, True, True),
    "vwmaccu": (lambda a, b, d: d + a * b, False, False),
    "vwmacc": (lambda a, b, d: d + a * b, True, True),
    "vwmaccus": (lambda a, b, d: d + a * b, True, False),
    "vwmaccsu": (lambda a, b, d: d + a * b, False, True),
}
_WIDENING_CASES = [
    (name, form)
    for name in _WIDENING
    for form in ("vv", "vx", "wv", "wx")
    if not (form[0] == "w" and not name.startswith(("vwadd", "vwsub"))) and (name, form) != ("vwmaccus", "vv")
]


@pytest.mark.parametrize(("name", "form"), _WIDENING_CASES)
@given(st.data())
def test_widening(name: str, form: str, data: st.DataObject) -> None:
    rig, sew, group = prepare(data, vstart=True)
    if not _widths_fit(rig, 1):
        return
    vm, wide = data.draw(st.integers(0, 1)), form[0] == "w"
    vd, vs1 = _aligned(data, _eighths(rig, 1), 1 - vm), _aligned(data, 8 * group)
    vs2 = _aligned(data, _eighths(rig, int(wide)))
    sources = ([vs1] if form[1] == "v" else []) + ([] if wide else [vs2])
    targets = _group(_eighths(rig, 1))
    for source in sources:  # the highest part, if that is whole registers
        top = rig.vec.type.lmul_eighths >= 8 and source + group == vd + targets
        if not top and not _apart(vd, _eighths(rig, 1), source, 8 * group):
            return
    scalar = rig.x[5] = data.draw(_MAX)
    fn, vs2_signed, other_signed = _WIDENING[name]
    old, reference = Reference(rig), Reference(rig)
    for i in range(rig.vec.vstart, rig.vec.vl):
        if _active(old, vm, i):
            bits = 2 * sew if wide else sew
            a = old.get(vs2, i, bits)
            b = (old.get(vs1, i, sew) if form[1] == "v" else scalar) & (1 << sew) - 1
            a, b = signed(a, bits) if vs2_signed else a, signed(b, sew) if other_signed else b
            reference.set(vd, i, 2 * sew, fn(a, b, old.get(vd, i, 2 * sew)))
    operands = {"vs1": vs1} if form[1] == "v" else {"rs1": 5}
    rig.block(f"{name}.{form}", vd=vd, vs2=vs2, vm=vm, **operands)
    reference.check(rig)


_MULTIPLY_ADD: dict[str, Callable[[int, int, int], int]] = {  # of vs2, the other operand, vd
    "vmacc": lambda a, b, d: d + b * a,
    "vnmsac": lambda a, b, d: d - b * a,
    "vmadd": lambda a, b, d: b * d + a,
    "vnmsub": lambda a, b, d: -(b * d) + a,
}


@pytest.mark.parametrize("form", "vx")
@pytest.mark.parametrize("name", _MULTIPLY_ADD)
@given(st.data())
def test_multiply_add(name: str, form: str, data: st.DataObject) -> None:
    rig, sew, group = prepare(data, vstart=True)
    vm = data.draw(st.integers(0, 1))
    vd, vs1, vs2 = (_aligned(data, 8 * group, lowest) for lowest in (1 - vm, 0, 0))
    scalar = rig.x[5] = data.draw(_MAX)
    old, reference = Reference(rig), Reference(rig)
    for i in range(rig.vec.vstart, rig.vec.vl):
        if _active(old, vm, i):
            b = old.get(vs1, i, sew) if form == "v" else scalar
            reference.set(vd, i, sew, _MULTIPLY_ADD[name](old.get(vs2, i, sew), b, old.get(vd, i, sew)))
    rig.block(f"{name}.v{form}", vd=vd, vs2=vs2, vm=vm, **({"vs1": vs1} if form == "v" else {"rs1": 5}))
    reference.check(rig)


_REDUCTIONS: dict[str, tuple[Callable[[int, int], int], bool, int]] = {  # function, signed, widening
    "vredsum": (lambda a, b: a + b, False, 0),
    "vredand": (lambda a, b: a & b, False, 0),
    "vredor": (lambda a, b: a | b, False, 0),
    "vredxor": (lambda a, b: a ^ b, False, 0),
    "vredminu": (min, False, 0),
    "vredmin": (min, True, 0),
    "vredmaxu": (max, False, 0),
    "vredmax": (max, True, 0),
    "vwredsumu": (lambda a, b: a + b, False, 1),
    "vwredsum": (lambda a, b: a + b, True, 1),
}


@pytest.mark.parametrize("name", _REDUCTIONS)
@given(st.data())
def test_reductions(name: str, data: st.DataObject) -> None:
    """vd and vs1 are any registers, v0 and those of vs2 included; the tail of vd stays."""
    rig, sew, group = prepare(data)
    fn, is_signed, wide = _REDUCTIONS[name]
    if sew << wide > 64:
        return
    vm = data.draw(st.integers(0, 1))
    vd, vs1 = data.draw(st.integers(0, 31)), data.draw(st.integers(0, 31))
    vs2 = _aligned(data, 8 * group)
    old, reference = Reference(rig), Reference(rig)
    bits = sew << wide
    result = old.get(vs1, 0, bits)
    result = signed(result, bits) if is_signed else result
    for i in range(rig.vec.vl):
        if _active(old, vm, i):
            value = old.get(vs2, i, sew)
            result = fn(result, signed(value, sew) if is_signed else value)
    if rig.vec.vl:
        reference.set(vd, 0, bits, result)
    rig.block(f"{name}.vs", vd=vd, vs2=vs2, vs1=vs1, vm=vm)
    reference.check(rig)


@pytest.mark.parametrize("name", ["vslideup.vx", "vslideup.vi", "vslidedown.vx", "vslidedown.vi"])
@given(st.data())
def test_slides(name: str, data: st.DataObject) -> None:
    rig, sew, group = prepare(data, vstart=True)
    vm, up = data.draw(st.integers(0, 1)), name.startswith("vslideup")
    vd, vs2 = _aligned(data, 8 * group, 1 - vm), _aligned(data, 8 * group)
    if up and vd == vs2:
        return
    immediate = name.endswith("i")
    offset = data.draw(st.integers(0, 31) if immediate else st.one_of(st.integers(0, 140), _MAX))
    rig.x[5] = offset
    vlmax = rig.vec.type.vlmax
    old, reference = Reference(rig), Reference(rig)
    for i in range(rig.vec.vstart, rig.vec.vl):
        if not _active(old, vm, i) or (up and i < offset):
            continue
        index = i - offset if up else i + offset
        reference.set(vd, i, sew, old.get(vs2, index, sew) if index < vlmax else 0)
    rig.block(name, vd=vd, vs2=vs2, vm=vm, **({"uimm": offset} if immediate else {"rs1": 5}))
    reference.check(rig)


@pytest.mark.parametrize("name", ["vslide1up.vx", "vslide1down.vx"])
@given(st.data())
def test_slides_by_one(name: str, data: st.DataObject) -> None:
    rig, sew, group = prepare(data, vstart=True)
    vm, up = data.draw(st.integers(0, 1)), "up" in name
    vd, vs2 = _aligned(data, 8 * group, 1 - vm), _aligned(data, 8 * group)
    if up and vd == vs2:
        return
    scalar = rig.x[5] = data.draw(_MAX)
    old, reference = Reference(rig), Reference(rig)
    for i in range(rig.vec.vstart, rig.vec.vl):
        if _active(old, vm, i):
            at_end = i == (0 if up else rig.vec.vl - 1)
            reference.set(vd, i, sew, scalar if at_end else old.get(vs2, i - 1 if up else i + 1, sew))
    rig.block(name, vd=vd, vs2=vs2, vm=vm, rs1=5)
    reference.check(rig)


@given(st.data())
def test_questions_about_masks(data: st.DataObject) -> None:
    rig, _, _ = prepare(data)
    vm, vs2 = data.draw(st.integers(0, 1)), data.draw(st.integers(0, 31))
    reference = Reference(rig)
    found = [i for i in range(rig.vec.vl) if reference.bit(vs2, i) and _active(reference, vm, i)]
    assert rig.block("vcpop.m", rd=7, vs2=vs2, vm=vm).rd == rig.x[7] == len(found)
    reference.check(rig)
    assert rig.block("vfirst.m", rd=7, vs2=vs2, vm=vm).rd == rig.x[7] == (found[0] if found else M64)
    reference.check(rig)


@given(st.data())
def test_viota(data: st.DataObject) -> None:
    rig, sew, group = prepare(data)
    vm, vs2 = data.draw(st.integers(0, 1)), data.draw(st.integers(0, 31))
    vd = _aligned(data, 8 * group, 1 - vm)
    if vd <= vs2 < vd + group:
        return
    old, reference = Reference(rig), Reference(rig)
    below = 0
    for i in range(rig.vec.vl):
        if _active(old, vm, i):
            reference.set(vd, i, sew, below)
            below += old.bit(vs2, i)
    rig.block("viota.m", vd=vd, vs2=vs2, vm=vm)
    reference.check(rig)


# --- by hand ---


def test_products_at_the_corners() -> None:
    """-2**63 and its like, where signed and unsigned products part, element by element, written out."""
    rig = Rig(128)
    rig.vset(vtype(64), 2)
    low, ones = 1 << 63, M64
    rig.vec.elements[8][2 * 8 : 2 * 8 + 2] = (low, ones)  # v8
    rig.vec.elements[8][2 * 9 : 2 * 9 + 2] = (low, 2)  # v9

    def result(name: str) -> tuple[int, ...]:
        rig.block(name, vd=10, vs2=8, vs1=9)
        return tuple(int(value) for value in rig.vec.elements[8][20:22])

    assert result("vmul.vv") == (0, ones - 1)
    assert result("vmulhu.vv") == (1 << 62, 1)
    assert result("vmulh.vv") == (1 << 62, ones)  # -1 * 2 = -2
    assert result("vmulhsu.vv") == (ones & ~((1 << 62) - 1), ones)  # -2**63 * 2**63 = -2**126


def test_nothing_is_written_with_vl_0_but_scalars_are() -> None:
    rig = Rig(128)
    rig.vset(vtype(8), 0)
    before = rig.vec.regs.tobytes()
    for name, operands in (
        ("vredsum.vs", {"vd": 8, "vs2": 9, "vs1": 10}),
        ("vzext.vf2", {"vd": 8, "vs2": 9}),
        ("vwmacc.vv", {"vd": 8, "vs2": 10, "vs1": 11}),
        ("vslide1up.vx", {"vd": 8, "vs2": 9, "rs1": 5}),
        ("viota.m", {"vd": 8, "vs2": 9}),
        ("vmul.vv", {"vd": 8, "vs2": 9, "vs1": 10}),
        ("vnsrl.wi", {"vd": 8, "vs2": 10, "uimm": 1}),
    ):
        rig.vset(vtype(16) if name == "vzext.vf2" else vtype(8), 0)
        rig.set_vs(CLEAN, CLEAN)
        record = rig.block(name, **operands)
        assert (record.trap, dict(record.vregs), record.mstatus_vs) == (None, {}, DIRTY), name
    assert rig.vec.regs.tobytes() == before
    assert rig.block("vcpop.m", rd=7, vs2=9).rd == 0
    assert rig.block("vfirst.m", rd=7, vs2=9).rd == M64


# --- what is illegal ---

_NEVER_RESUMED = {
    "vredsum.vs": encode("vredsum.vs", vd=8, vs2=16, vs1=24),
    "vwredsum.vs": encode("vwredsum.vs", vd=8, vs2=16, vs1=24),
    "vcpop.m": encode("vcpop.m", rd=7, vs2=16),
    "vfirst.m": encode("vfirst.m", rd=7, vs2=16),
    "viota.m": encode("viota.m", vd=8, vs2=16),
}


@pytest.mark.parametrize("trap", [True, False])
@pytest.mark.parametrize("word", _NEVER_RESUMED.values(), ids=_NEVER_RESUMED)
def test_some_trap_with_vstart_whatever_the_latitude(word: int, trap: bool) -> None:
    rig = Rig(vstart_alu_trap=trap)
    rig.vset(vtype(8), vstart=1)
    record = rig.word(word)
    assert record is not None and record.trap is not None
    assert (record.trap.cause, record.vstart) == (2, 1)


_E8, _E16, _E32, _E64 = 8, 16, 32, 64
_LEGALITY = [
    # (word, vtype, legal): widths
    (encode("vzext.vf2", vd=8, vs2=16), vtype(_E16), True),
    (encode("vzext.vf2", vd=8, vs2=16), vtype(_E8), False),
    (encode("vsext.vf4", vd=8, vs2=16), vtype(_E32), True),
    (encode("vsext.vf4", vd=8, vs2=16), vtype(_E16), False),
    (encode("vsext.vf8", vd=8, vs2=16), vtype(_E64), True),
    (encode("vsext.vf8", vd=8, vs2=16), vtype(_E32), False),
    (encode("vwadd.vv", vd=8, vs2=16, vs1=20), vtype(_E32, "m4"), True),
    (encode("vwadd.vv", vd=8, vs2=16, vs1=24), vtype(_E32, "m8"), False),
    (encode("vwadd.vv", vd=8, vs2=16, vs1=20), vtype(_E64), False),
    (encode("vnsrl.wv", vd=8, vs2=16, vs1=24), vtype(_E32, "m4"), True),
    (encode("vnsrl.wv", vd=8, vs2=16, vs1=24), vtype(_E8, "m8"), False),
    (encode("vnsrl.wv", vd=8, vs2=16, vs1=24), vtype(_E64), False),
    (encode("vwredsum.vs", vd=1, vs2=16, vs1=3), vtype(_E32, "m8"), True),
    (encode("vwredsum.vs", vd=1, vs2=16, vs1=3), vtype(_E64), False),
    # alignment
    (encode("vzext.vf2", vd=8, vs2=5), vtype(_E16, "m2"), True),
    (encode("vzext.vf2", vd=9, vs2=4), vtype(_E16, "m2"), False),
    (encode("vzext.vf2", vd=8, vs2=5), vtype(_E16, "m4"), False),
    (encode("vwadd.vv", vd=9, vs2=16, vs1=17), vtype(_E8), False),
    (encode("vwadd.wv", vd=8, vs2=17, vs1=18), vtype(_E8), False),
    (encode("vwadd.wv", vd=8, vs2=16, vs1=19), vtype(_E8), True),
    (encode("vnsra.wi", vd=9, vs2=17, uimm=1), vtype(_E8), False),
    (encode("vredsum.vs", vd=1, vs2=3, vs1=5), vtype(_E8, "m2"), False),
    (encode("vredsum.vs", vd=1, vs2=4, vs1=5), vtype(_E8, "m2"), True),
    (encode("viota.m", vd=1, vs2=4), vtype(_E8, "m2"), False),
    (encode("vcpop.m", rd=1, vs2=5), vtype(_E8, "m8"), True),
    # overlap: a narrower destination
    (encode("vnsrl.wi", vd=8, vs2=8, uimm=1), vtype(_E8), True),
    (encode("vnsrl.wi", vd=9, vs2=8, uimm=1), vtype(_E8), False),
    (encode("vnsrl.wi", vd=10, vs2=8, uimm=1), vtype(_E8, "m2"), False),
    (encode("vnsrl.wv", vd=12, vs2=8, vs1=12), vtype(_E8, "m2"), True),
    # a wider one
    (encode("vwadd.vv", vd=8, vs2=9, vs1=9), vtype(_E8), True),
    (encode("vwadd.vv", vd=8, vs2=8, vs1=9), vtype(_E8), False),
    (encode("vwadd.vv", vd=8, vs2=9, vs1=8), vtype(_E8), False),
    (encode("vwadd.vv", vd=8, vs2=10, vs1=4), vtype(_E8, "m2"), True),
    (encode("vwadd.vv", vd=8, vs2=8, vs1=4), vtype(_E8, "mf2"), False),
    (encode("vwadd.vx", vd=8, vs2=9, rs1=8), vtype(_E8), True),
    (encode("vwadd.wv", vd=8, vs2=8, vs1=9), vtype(_E8), True),
    (encode("vwadd.wv", vd=8, vs2=8, vs1=8), vtype(_E8), False),
    (encode("vwmacc.vv", vd=8, vs2=9, vs1=9), vtype(_E8), True),
    (encode("vzext.vf4", vd=8, vs2=11), vtype(_E32, "m4"), True),
    (encode("vzext.vf4", vd=8, vs2=10), vtype(_E32, "m4"), False),
    (encode("vzext.vf4", vd=8, vs2=8), vtype(_E32, "m4"), False),
    (encode("vzext.vf4", vd=8, vs2=9), vtype(_E32, "m2"), False),  # half a register
    (encode("vzext.vf8", vd=8, vs2=15), vtype(_E64, "m8"), True),
    # none at all
    (encode("vslideup.vi", vd=8, vs2=8, uimm=1), vtype(_E8), False),
    (encode("vslide1up.vx", vd=8, vs2=8, rs1=1), vtype(_E8), False),
    (encode("vslidedown.vi", vd=8, vs2=8, uimm=1), vtype(_E8), True),
    (encode("vslide1down.vx", vd=8, vs2=8, rs1=1), vtype(_E8), True),
    (encode("viota.m", vd=8, vs2=11), vtype(_E8, "m4"), False),
    (encode("viota.m", vd=8, vs2=12), vtype(_E8, "m4"), True),
    # the mask
    (encode("vzext.vf2", vd=0, vs2=16, vm=0), vtype(_E16), False),
    (encode("vwadd.vv", vd=0, vs2=16, vs1=17, vm=0), vtype(_E8), False),
    (encode("vmacc.vv", vd=0, vs2=16, vs1=17, vm=0), vtype(_E8), False),
    (encode("vslidedown.vi", vd=0, vs2=16, uimm=1, vm=0), vtype(_E8), False),
    (encode("viota.m", vd=0, vs2=16, vm=0), vtype(_E8), False),
    (encode("vredsum.vs", vd=0, vs2=16, vs1=17, vm=0), vtype(_E8), True),
    (encode("vcpop.m", rd=1, vs2=0, vm=0), vtype(_E8), True),
]


@pytest.mark.parametrize(
    ("word", "type_", "legal"), _LEGALITY, ids=[f"{disassemble(w)}, {t:#x}" for w, t, _ in _LEGALITY]
)
def test_widths_alignment_and_overlap(word: int, type_: int, legal: bool) -> None:
    rig = Rig()
    rig.vset(type_)
    record = rig.word(word)
    assert record is not None
    assert (record.trap is None) == legal
    if not legal:
        assert record.trap is not None and (record.trap.cause, record.trap.tval) == (2, word)


@pytest.mark.parametrize(
    "word",
    [
        encode("vwadd.vv", vd=8, vs2=0, vs1=16, vm=0),
        encode("vsext.vf2", vd=8, vs2=0, vm=0),
        encode("vnsrl.wv", vd=8, vs2=16, vs1=0, vm=0),
        encode("vmacc.vx", vd=8, vs2=0, rs1=1, vm=0),
        encode("vredsum.vs", vd=8, vs2=16, vs1=0, vm=0),
        encode("vslidedown.vi", vd=8, vs2=0, uimm=1, vm=0),
    ],
    ids=disassemble,
)
def test_the_mask_as_data_is_a_choice(word: int) -> None:
    """L-13."""
    for trap in (False, True):
        rig = Rig(masked_v0_source_trap=trap)
        rig.vset(vtype(16))
        record = rig.word(word)
        assert record is not None and (record.trap is not None) == trap
