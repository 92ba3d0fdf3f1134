# SPDX-License-Identifier: Apache-2.0
"""Vector loads and stores: data, masks, faults, resumption, interrupts (D)."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from rig import BASE, CLEAN, DATA, DIRTY, HOLE, Rig, vtype

from vctx.pymodel.isa import Csr, encode
from vctx.pymodel.isa.vtype import decode_vtype
from vctx.pymodel.trace import Retire, Xlat

_LEGAL = [v for v in range(64) if not decode_vtype(v, 256).vill]
_PAGE = 4096


def _fill(rig: Rig, seed: int) -> None:
    rng = np.random.default_rng(seed)
    rig.randomise(rng)
    rig.memory.write(DATA, rng.integers(0, 256, 4 * _PAGE, np.uint8).tobytes())


def _active(rig: Rig, vm: int, start: int, stop: int) -> list[int]:
    v0 = int.from_bytes(rig.vec.regs[0].tobytes(), "little")
    return [i for i in range(start, stop) if vm or v0 >> i & 1]


def _unit_stride(data: st.DataObject) -> tuple[Rig, int, int, int, int]:
    """Return a rig and EEW in bytes, vm, register and base of a legal unit-stride access, vl and vstart random."""
    rig = Rig()
    _fill(rig, data.draw(st.integers(0, 2**32 - 1)))
    rig.set_vs(CLEAN, CLEAN)
    rig.vec.vtype = data.draw(st.sampled_from(_LEGAL))
    size = data.draw(st.sampled_from([1, 2, 4, 8]))
    emul_eighths = 8 * size * rig.vec.type.lmul_eighths // rig.vec.type.sew
    assume(emul_eighths <= 64)
    group = max(1, emul_eighths // 8)
    rig.vec.vl = data.draw(st.integers(0, rig.vec.type.vlmax))
    rig.vec.vstart = data.draw(st.integers(0, rig.vec.vl))
    vm = data.draw(st.integers(0, 1))
    register = data.draw(st.integers(1 - vm, 32 // group - 1)) * group
    base = DATA + _PAGE - data.draw(st.integers(0, 40)) * size
    rig.x[10] = base
    return rig, size, vm, register, base


@given(st.data())
def test_load_moves_exactly_the_active_elements(data: st.DataObject) -> None:
    rig, size, vm, vd, base = _unit_stride(data)
    expected = bytearray(rig.vec.regs.tobytes())
    touched = set()
    for i in _active(rig, vm, rig.vec.vstart, rig.vec.vl):
        at = vd * 32 + i * size
        expected[at : at + size] = rig.memory.read(base + i * size, size)
        touched.add(at // 32)
    retire = rig.block(f"vle{8 * size}.v", vd=vd, rs1=10, vm=vm)
    assert rig.vec.regs.tobytes() == bytes(expected)
    assert retire.vregs == {r: bytes(expected[r * 32 : r * 32 + 32]) for r in touched}
    assert (retire.trap, retire.vstart, retire.mstatus_vs, retire.mem) == (None, 0, DIRTY, {})


@given(st.data())
def test_store_writes_exactly_the_active_bytes(data: st.DataObject) -> None:
    rig, size, vm, vs3, base = _unit_stride(data)
    before = rig.memory.read(DATA, 4 * _PAGE)
    flat = rig.vec.regs.tobytes()
    expected = {
        base + i * size + k: flat[vs3 * 32 + i * size + k]
        for i in _active(rig, vm, rig.vec.vstart, rig.vec.vl)
        for k in range(size)
    }
    retire = rig.block(f"vse{8 * size}.v", vs3=vs3, rs1=10, vm=vm)
    assert (retire.trap, retire.mem, retire.vregs) == (None, expected, {})
    after = bytearray(before)
    for address, value in expected.items():
        after[address - DATA] = value
    assert rig.memory.read(DATA, 4 * _PAGE) == bytes(after)
    assert rig.stores == []  # the record carries vector stores; `store` is for scalar ones


@given(st.data())
def test_issue_names_every_page_with_body_elements(data: st.DataObject) -> None:
    rig, size, vm, vd, base = _unit_stride(data)
    start, stop = rig.vec.vstart, rig.vec.vl
    rig.block(f"vle{8 * size}.v", vd=vd, rs1=10, vm=vm)
    pages = sorted({base + i * size >> 12 for i in range(start, stop)})
    assert rig.issue.xlat == tuple(Xlat(page, page) for page in pages)


@given(st.data(), st.booleans())
def test_fault_then_resume_equals_no_fault(data: st.DataObject, store: bool) -> None:
    """A page fault stops at its first active element; once cured, re-execution completes the instruction (D-8)."""
    rig, size, vm, register, base = _unit_stride(data)
    start, stop = rig.vec.vstart, rig.vec.vl
    mnemonic = f"v{'s' if store else 'l'}e{8 * size}.v"
    operands = {"vs3" if store else "vd": register, "rs1": 10, "vm": vm}
    active = _active(rig, vm, start, stop)
    page = data.draw(st.sampled_from([base >> 12, (base >> 12) + 1]))
    hit = next((i for i in active if base + i * size >> 12 == page), None)
    registers, memory = rig.vec.regs.tobytes(), rig.memory.read(DATA, 4 * _PAGE)

    rig.hart.mmu.fault_pages[page] = {"store" if store else "load"}
    retire = rig.block(mnemonic, **operands)
    if hit is None:
        assert retire.trap is None
    else:
        assert retire.trap is not None
        assert (retire.trap.cause, retire.trap.tval) == (15 if store else 13, base + hit * size)
        assert (retire.vstart, retire.vl, retire.mstatus_vs) == (hit, stop, DIRTY)
        assert rig.trapped() == ("M", 15 if store else 13, base + hit * size)
        moved = {i for i in active if i < hit}
        assert len(retire.mem) == (len(moved) * size if store else 0)
        rig.hart.mmu.fault_pages.clear()
        assert rig.block(mnemonic, **operands).trap is None
    broken = rig.vec.regs.tobytes(), rig.memory.read(DATA, 4 * _PAGE)

    rig.vec.flat[:] = np.frombuffer(registers, np.uint8)
    rig.memory.write(DATA, memory)
    rig.hart.mmu.fault_pages.clear()
    rig.vec.vstart = start
    assert rig.block(mnemonic, **operands).trap is None
    assert (rig.vec.regs.tobytes(), rig.memory.read(DATA, 4 * _PAGE)) == broken


@given(st.data(), st.integers(0, 300))
def test_irq_stops_at_the_first_boundary_at_or_after(data: st.DataObject, irq: int) -> None:
    rig, size, vm, vd, base = _unit_stride(data)
    start, stop = rig.vec.vstart, rig.vec.vl
    active = _active(rig, vm, start, stop)
    page = (base >> 12) + 1
    rig.hart.mmu.fault_pages[page] = {"load"}
    fault = next((i for i in active if base + i * size >> 12 == page), stop)
    k = max(irq, start)
    instret = rig.hart.instret
    retire = rig.block(f"vle{8 * size}.v", irq, vd=vd, rs1=10, vm=vm)
    assert rig.issue.irq_elem == irq
    if start < stop and k < stop and k <= fault:
        assert (retire.irq, retire.trap, retire.vstart) == (True, None, k)
        assert retire.mstatus_vs == (DIRTY if k > start else CLEAN)
        assert (rig.hart.pc, rig.hart.instret) == (BASE, instret)
        assert retire.vregs.keys() == {vd + i * size // 32 for i in active if i < k}
    else:
        assert not retire.irq
        assert (retire.trap is not None) == (fault < stop)


def test_irq_is_ignored_by_everything_else() -> None:
    rig = Rig()
    rig.vset(vtype(8))
    for mnemonic, operands in (
        ("vadd.vv", {"vd": 1, "vs2": 2, "vs1": 3}),
        ("vsetvli", {"rd": 1, "rs1": 0, "vtypei": 0}),
    ):
        retire = rig.block(mnemonic, 0, **operands)
        assert (retire.irq, retire.trap, rig.issue.irq_elem) == (False, None, 0)


# --- fault-only-first (D-14, D-15) ---


def _ff(
    rig: Rig, elements_before_the_hole: int, vl: int = 16, vstart: int = 0, vm: int = 1, irq: int | None = None
) -> Retire:
    rig.set_vs(CLEAN, CLEAN)
    rig.vset(vtype(8), vl, vstart)
    rig.x[10] = HOLE - elements_before_the_hole
    return rig.block("vle8ff.v", irq, vd=8, rs1=10, vm=vm)


def test_ff_traps_at_element_0() -> None:
    rig = Rig()
    retire = _ff(rig, 0)
    assert retire.trap is not None
    assert (retire.trap.cause, retire.trap.tval, retire.vl, retire.vstart) == (5, HOLE, 16, 0)
    assert retire.mstatus_vs == DIRTY


@pytest.mark.parametrize("k", [1, 6, 15])
def test_ff_trims_vl_at_a_later_element(k: int) -> None:
    rig = Rig()
    retire = _ff(rig, k)
    assert (retire.trap, retire.vl, retire.vstart, retire.mstatus_vs) == (None, k, 0, DIRTY)
    assert retire.vregs[8][:k] == bytes([0xA5]) * k


def test_ff_trims_even_when_the_fault_is_the_first_active_element() -> None:
    rig = Rig()
    assert _ff(rig, 4, vstart=4).vl == 4
    rig.vec.regs[0] = 0xFE  # element 0 is inactive, element 1 faults
    retire = _ff(rig, 1, vm=0)
    assert (retire.trap, retire.vl) == (None, 1)


def test_ff_does_not_trim_for_an_irq() -> None:
    rig = Rig()
    retire = _ff(rig, 6, irq=3)
    assert (retire.irq, retire.vl, retire.vstart) == (True, 16, 3)
    retire = _ff(rig, 6, irq=7)  # the exception comes first
    assert (retire.irq, retire.vl, retire.vstart) == (False, 6, 0)


def test_ff_trims_at_a_misaligned_element() -> None:
    rig = Rig()
    rig.vset(vtype(32), 4)
    rig.x[10] = DATA + 2
    rig.vec.regs[0] = 0xFE
    retire = rig.block("vle32ff.v", vd=8, rs1=10, vm=0)
    assert (retire.trap, retire.vl) == (None, 1)
    assert rig.block("vle32ff.v", vd=8, rs1=10).trap is not None


# --- faults ---


@pytest.mark.parametrize(
    ("word", "base", "vl", "cause", "element", "size"),
    [
        (encode("vle8.v", vd=8, rs1=10), HOLE - 6, 16, 5, 6, 1),
        (encode("vse16.v", vs3=8, rs1=10), HOLE - 4, 16, 7, 2, 2),
        (encode("vle32.v", vd=8, rs1=10), DATA + 1, 4, 4, 0, 4),
        (encode("vse64.v", vs3=8, rs1=10), HOLE + 4, 2, 6, 0, 8),  # misaligned comes before the access fault
        (encode("vl1re64.v", vd=8, rs1=10), HOLE - 16, 0, 5, 2, 8),
        (encode("vl2re32.v", vd=8, rs1=10), HOLE - 16, 0, 5, 4, 4),
        (encode("vs1r.v", vs3=8, rs1=10), HOLE - 16, 0, 7, 16, 1),
        (encode("vl1re16.v", vd=8, rs1=10), DATA + 1, 0, 4, 0, 2),
        (encode("vlm.v", vd=8, rs1=10), HOLE - 1, 9, 5, 1, 1),
        (encode("vsm.v", vs3=8, rs1=10), HOLE, 9, 7, 0, 1),
    ],
)
def test_faults(word: int, base: int, vl: int, cause: int, element: int, size: int) -> None:
    rig = Rig()
    rig.set_vs(CLEAN, CLEAN)
    rig.vset(vtype(8), vl)
    rig.x[10] = base
    record = rig.word(word)
    assert record is not None and record.trap is not None
    assert (record.trap.cause, record.trap.tval, record.trap.tval2) == (cause, base + element * size, 0)
    assert (record.vstart, record.vl, record.mstatus_vs) == (element, vl, DIRTY)


def test_inactive_elements_never_fault() -> None:
    rig = Rig()
    rig.vset(vtype(8), 16)
    rig.vec.regs[0] = 0
    rig.vec.regs[0][0] = 0x0F
    rig.x[10] = HOLE - 4
    assert rig.block("vle8.v", vd=8, rs1=10, vm=0).trap is None
    assert len(rig.issue.xlat) == 2  # the port may still be asked for the second page
    rig.vec.regs[0][0] = 0
    rig.vset(vtype(32), 8)
    rig.x[10] = DATA + 1
    assert rig.block("vle32.v", vd=8, rs1=10, vm=0).trap is None


@pytest.mark.parametrize("word", [encode("vle8.v", vd=8, rs1=10), encode("vsm.v", vs3=8, rs1=10)])
@pytest.mark.parametrize(("vl", "vstart"), [(0, 0), (8, 8), (8, 31)])
def test_no_body_means_no_access(word: int, vl: int, vstart: int) -> None:
    rig = Rig()
    rig.set_vs(CLEAN, CLEAN)
    rig.vset(vtype(8), vl, vstart)
    rig.x[10] = HOLE
    record = rig.word(word)
    assert record is not None
    assert (record.trap, record.vstart, record.mstatus_vs, rig.issue.xlat) == (None, 0, DIRTY, ())


# --- whole registers and masks ---


@pytest.mark.parametrize("count", [1, 2, 4, 8])
@pytest.mark.parametrize("size", [1, 2, 4, 8])
@given(st.integers(0, 255), st.booleans())
def test_whole_register_load(count: int, size: int, vstart: int, vill: bool) -> None:
    rig = Rig()
    _fill(rig, vstart)
    rig.vset(1 << 63 if vill else vtype(16), 0, vstart)
    rig.x[10] = DATA
    vd = 8
    expected = bytearray(rig.vec.regs.tobytes())
    first, last = vd * 32 + vstart * size, vd * 32 + count * 32
    if first < last:
        expected[first:last] = rig.memory.read(DATA + vstart * size, last - first)
    retire = rig.block(f"vl{count}re{8 * size}.v", vd=vd, rs1=10)
    assert rig.vec.regs.tobytes() == bytes(expected)
    assert retire.vregs.keys() == set(range(first // 32, vd + count))
    assert (retire.trap, retire.vstart) == (None, 0)


@pytest.mark.parametrize("count", [1, 2, 4, 8])
@given(st.integers(0, 255))
def test_whole_register_store(count: int, vstart: int) -> None:
    rig = Rig()
    _fill(rig, vstart)
    rig.vset(1 << 63, 0, vstart)
    rig.x[10] = DATA
    retire = rig.block(f"vs{count}r.v", vs3=16, rs1=10)
    flat = rig.vec.regs.tobytes()
    assert retire.mem == {DATA + i: flat[16 * 32 + i] for i in range(vstart, count * 32)}


@given(st.integers(0, 256), st.integers(0, 40))
def test_mask_load_and_store_move_ceil_vl_over_8_bytes(vl: int, vstart: int) -> None:
    rig = Rig()
    _fill(rig, vl)
    rig.vset(vtype(8, "m8"), vl, vstart)
    rig.x[10] = DATA
    evl = -(-vl // 8)
    expected = bytearray(rig.vec.regs[3].tobytes())
    expected[vstart:evl] = rig.memory.read(DATA + vstart, max(0, evl - vstart))
    rig.block("vlm.v", vd=3, rs1=10)
    assert rig.vec.regs[3].tobytes() == bytes(expected)
    rig.vec.vstart = vstart
    retire = rig.block("vsm.v", vs3=3, rs1=10)
    assert retire.mem == {DATA + i: expected[i] for i in range(vstart, evl)}


# --- what is illegal ---

_ILLEGAL = {
    "vill": (encode("vle8.v", vd=8, rs1=10), 1 << 63, {}),
    "vlm with vill": (encode("vlm.v", vd=8, rs1=10), 1 << 63, {}),
    "EMUL 16": (encode("vle64.v", vd=8, rs1=10), vtype(8, "m8"), {}),
    "EMUL 1/16": (encode("vle8.v", vd=8, rs1=10), vtype(64, "mf2"), {"wide_sew_vill": False}),  # D-3, L-6
    "EMUL 2, odd register": (encode("vle16.v", vd=9, rs1=10), vtype(8), {}),
    "masked load of v0": (encode("vle8.v", vd=0, rs1=10, vm=0), vtype(8), {}),
    "vl2re8 of an odd register": (encode("vl2re8.v", vd=9, rs1=10), vtype(8), {}),
    "vs8r of v4": (encode("vs8r.v", vs3=4, rs1=10), vtype(8), {}),
    "masked store of v0": (encode("vse8.v", vs3=0, rs1=10, vm=0), vtype(8), {"masked_v0_store_trap": True}),  # L-14
}


@pytest.mark.parametrize(("word", "type_", "latitude"), _ILLEGAL.values(), ids=_ILLEGAL.keys())
def test_illegal(word: int, type_: int, latitude: dict[str, bool]) -> None:
    rig = Rig(**latitude)
    rig.set_vs(CLEAN, CLEAN)
    rig.vset(type_)
    rig.x[10] = HOLE + 1  # legality comes before any fault
    record = rig.word(word)
    assert record is not None and record.trap is not None
    assert (record.trap.cause, record.trap.tval, record.mstatus_vs) == (2, word, CLEAN)
    assert rig.issue.xlat == ()


@pytest.mark.parametrize(
    "word",
    [
        encode("vle64.v", vd=8, rs1=10),
        encode("vse8.v", vs3=0, rs1=10, vm=0),
        encode("vle8.v", vd=0, rs1=10),
        encode("vle8.v", vd=9, rs1=10),
    ],
)
def test_legal_neighbours(word: int) -> None:
    rig = Rig()
    rig.vset(vtype(8))
    rig.x[10] = DATA
    record = rig.word(word)
    assert record is not None and record.trap is None


@pytest.mark.parametrize(
    ("latitude", "word", "vstart", "vl"),
    [
        ("vstart_vlmax_trap", encode("vle8.v", vd=8, rs1=10), 32, 4),  # L-10
        ("vstart_wholereg_trap", encode("vl1re8.v", vd=8, rs1=10), 32, 4),  # L-11
    ],
)
def test_a_large_vstart_may_trap(latitude: str, word: int, vstart: int, vl: int) -> None:
    for trap in (False, True):
        rig = Rig(**{latitude: trap})
        rig.vset(vtype(8), vl, vstart)
        rig.x[10] = DATA
        record = rig.word(word)
        assert record is not None
        assert (record.trap is not None) == trap
        assert record.vstart == (vstart if trap else 0)


def test_the_fault_overlay_is_by_kind_of_access() -> None:
    rig = Rig()
    rig.vset(vtype(8))
    rig.x[10] = DATA
    rig.hart.mmu.fault_pages[DATA >> 12] = {"store"}
    assert rig.block("vle8.v", vd=8, rs1=10).trap is None
    retire = rig.block("vse8.v", vs3=8, rs1=10)
    assert retire.trap is not None and retire.trap.cause == 15
    assert rig.issue.xlat == (Xlat(DATA >> 12, fault=15),)


def test_addresses_wrap() -> None:
    rig = Rig()
    rig.vset(vtype(8), 8)
    rig.x[10] = (1 << 64) - 4
    rig.block("vle8.v", vd=8, rs1=10)
    assert [xlat.vpn for xlat in rig.issue.xlat] == [(1 << 52) - 1, 0]


def test_a_fault_in_vs_mode_dirties_both_levels() -> None:
    rig = Rig()
    rig.set_vs(CLEAN, CLEAN)
    rig.vset(vtype(8))
    rig.x[10] = HOLE
    rig.csr[Csr.MEDELEG] = 1 << 5
    rig.mode("VS")
    retire = rig.block("vle8.v", vd=8, rs1=10)
    assert (retire.mstatus_vs, retire.vsstatus_vs) == (DIRTY, DIRTY)
    assert rig.trapped() == ("HS", 5, HOLE)
