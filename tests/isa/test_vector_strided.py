# SPDX-License-Identifier: Apache-2.0
"""Strided loads and stores: addresses, order, pages, stops (D-5, D-8, D-12, D-24)."""

from __future__ import annotations

from itertools import groupby

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from rig import BASE, CLEAN, DATA, DIRTY, SIZE, Rig, vtype

from vctx.pymodel.isa import encode
from vctx.pymodel.isa.vtype import decode_vtype
from vctx.pymodel.trace import Xlat

M64 = (1 << 64) - 1
_PAGE = 4096
_LEGAL = [v for v in range(64) if not decode_vtype(v, 256).vill]
_MIDDLE = DATA + 8 * _PAGE  # room on both sides
_ROOM = 16 * _PAGE


class Access:
    """A legal strided access: a rig ready for it, and what it is."""

    def __init__(self, data: st.DataObject, strides: st.SearchStrategy[int]) -> None:
        self.rig = rig = Rig()
        rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
        rig.randomise(rng)
        rig.memory.write(DATA, rng.integers(0, 256, _ROOM, np.uint8).tobytes())
        rig.set_vs(CLEAN, CLEAN)
        rig.vec.vtype = data.draw(st.sampled_from(_LEGAL))
        self.size = data.draw(st.sampled_from([1, 2, 4, 8]))
        eighths = 8 * self.size * rig.vec.type.lmul_eighths // rig.vec.type.sew
        assume(1 <= eighths <= 64)
        group = max(1, eighths // 8)
        rig.vec.vl = data.draw(st.integers(0, min(rig.vec.type.vlmax, 24)))
        rig.vec.vstart = data.draw(st.integers(0, rig.vec.vl))
        self.vm = data.draw(st.integers(0, 1))
        self.register = data.draw(st.integers(1 - self.vm, 32 // group - 1)) * group
        self.stride = data.draw(strides) * self.size
        self.base = _MIDDLE + 8 * data.draw(st.integers(-20, 20))
        rig.x[10], rig.x[11] = self.base, self.stride & M64
        v0 = int.from_bytes(rig.vec.regs[0].tobytes(), "little")
        self.active = [i for i in range(rig.vec.vstart, rig.vec.vl) if self.vm or v0 >> i & 1]

    def address(self, i: int) -> int:
        return self.base + i * self.stride

    def do(self, *, store: bool = False, irq: int | None = None):  # type: ignore[no-untyped-def]
        name = f"v{'s' if store else 'l'}se{8 * self.size}.v"
        data = {"vs3" if store else "vd": self.register}
        return self.rig.block(name, irq, rs1=10, rs2=11, vm=self.vm, **data)


_STRIDES = st.one_of(st.integers(-40, 40), st.sampled_from([0, 1, -1, 128, -128, 255]))


@given(st.data())
def test_a_load_gathers_the_active_elements(data: st.DataObject) -> None:
    access = Access(data, _STRIDES)
    rig, size = access.rig, access.size
    expected = bytearray(rig.vec.regs.tobytes())
    for i in access.active:
        at = access.register * 32 + i * size
        expected[at : at + size] = rig.memory.read(access.address(i), size)
    written = {(access.register * 32 + i * size) // 32 for i in access.active}
    retire = access.do()
    assert rig.vec.regs.tobytes() == bytes(expected)
    assert retire.vregs == {r: bytes(expected[r * 32 : r * 32 + 32]) for r in written}
    assert (retire.trap, retire.vstart, retire.mstatus_vs, retire.mem) == (None, 0, DIRTY, {})


@given(st.data())
def test_a_store_scatters_them_in_order(data: st.DataObject) -> None:
    """Where elements overlap, the later one stays."""
    access = Access(data, _STRIDES)
    rig, size = access.rig, access.size
    flat = rig.vec.regs.tobytes()
    expected: dict[int, int] = {}
    for i in access.active:
        at = access.register * 32 + i * size
        expected |= {access.address(i) + k: flat[at + k] for k in range(size)}
    before = bytearray(rig.memory.read(DATA, _ROOM))
    retire = access.do(store=True)
    assert (retire.trap, dict(retire.mem), retire.vregs, retire.mstatus_vs) == (None, expected, {}, DIRTY)
    for address, value in expected.items():
        before[address - DATA] = value
    assert rig.memory.read(DATA, _ROOM) == bytes(before)


@given(st.data())
def test_the_issue_names_a_page_each_time_that_it_changes(data: st.DataObject) -> None:
    access = Access(data, _STRIDES)
    access.do()
    pages = [page for page, _ in groupby(access.address(i) >> 12 for i in access.active)]
    assert access.rig.issue.xlat == tuple(Xlat(page, page) for page in pages)


@given(st.data(), st.booleans())
def test_a_fault_stops_at_the_element_and_the_rest_resumes(data: st.DataObject, store: bool) -> None:
    access = Access(data, _STRIDES)
    rig = access.rig
    start = rig.vec.vstart
    page = data.draw(st.sampled_from(sorted({access.address(i) >> 12 for i in range(rig.vec.vl)}) or [0]))
    hit = next((i for i in access.active if access.address(i) >> 12 == page), None)
    registers, memory = rig.vec.regs.tobytes(), rig.memory.read(DATA, _ROOM)
    rig.hart.mmu.fault_pages[page] = {"store" if store else "load"}
    retire = access.do(store=store)
    if hit is None:
        assert retire.trap is None
    else:
        assert retire.trap is not None
        assert (retire.trap.cause, retire.trap.tval) == (15 if store else 13, access.address(hit))
        assert (retire.vstart, retire.mstatus_vs) == (hit, DIRTY)
        stored = {access.address(i) + k for i in access.active if i < hit for k in range(access.size)}
        assert set(retire.mem) == (stored if store else set())
        rig.hart.mmu.fault_pages.clear()
        assert access.do(store=store).trap is None
    resumed = rig.vec.regs.tobytes(), rig.memory.read(DATA, _ROOM)
    rig.vec.flat[:] = np.frombuffer(registers, np.uint8)
    rig.memory.write(DATA, memory)
    rig.hart.mmu.fault_pages.clear()
    rig.vec.vstart = start
    assert access.do(store=store).trap is None
    assert (rig.vec.regs.tobytes(), rig.memory.read(DATA, _ROOM)) == resumed


@given(st.data(), st.integers(0, 40))
def test_an_irq_stops_at_the_first_boundary_at_or_after(data: st.DataObject, irq: int) -> None:
    access = Access(data, _STRIDES)
    start, vl = access.rig.vec.vstart, access.rig.vec.vl
    stop = max(irq, start)
    retire = access.do(store=True, irq=irq)
    done = [i for i in access.active if i < stop]
    assert set(retire.mem) == {access.address(i) + k for i in done for k in range(access.size)}
    assert (retire.irq, retire.vstart) == ((True, stop) if stop < vl else (False, 0))


@given(st.data())
def test_each_element_is_misaligned_for_itself(data: st.DataObject) -> None:
    """Before whatever fault the page has (P-3)."""
    access = Access(data, st.integers(-20, 20))
    rig, size = access.rig, access.size
    assume(size > 1)
    access.stride += data.draw(st.integers(1, size - 1))
    rig.x[11] = access.stride & M64
    bad = next((i for i in access.active if access.address(i) % size), None)
    if bad is not None and data.draw(st.booleans()):
        assume(all(access.address(i) >> 12 != access.address(bad) >> 12 for i in access.active if i < bad))
        rig.hart.mmu.fault_pages[access.address(bad) >> 12] = {"load"}
    retire = access.do()
    if bad is None:
        assert retire.trap is None
    else:
        assert retire.trap is not None
        assert (retire.trap.cause, retire.trap.tval, retire.vstart) == (4, access.address(bad), bad)


def test_addresses_wrap_around() -> None:
    """Element 1 is at address 0, which has no memory; so has element 0."""
    rig = Rig()
    rig.vset(vtype(64), 2, vstart=1)
    rig.x[10], rig.x[11] = M64 - 7, 8
    retire = rig.block("vlse64.v", vd=8, rs1=10, rs2=11)
    assert retire.trap is not None and (retire.trap.cause, retire.trap.tval) == (5, 0)
    rig.vset(vtype(64), 2, vstart=1)
    rig.x[10], rig.x[11] = BASE + SIZE, M64 - SIZE + 1  # element 1 is at BASE
    assert rig.block("vlse64.v", vd=8, rs1=10, rs2=11).trap is None


def test_a_scalar_of_x0_is_a_stride_of_0() -> None:
    rig = Rig()
    rig.memory.write(DATA, bytes(range(16)))
    rig.vset(vtype(16), 4)
    rig.x[10] = DATA + 2
    rig.block("vlse16.v", vd=8, rs1=10, rs2=0)
    assert rig.vec.elements[2][8 * 16 : 8 * 16 + 4].tolist() == [0x0302] * 4


@pytest.mark.parametrize(
    ("word", "type_", "legal"),
    [
        (encode("vlse32.v", vd=8, rs1=10, rs2=11), vtype(8, "m2"), True),  # EMUL 8
        (encode("vlse32.v", vd=8, rs1=10, rs2=11), vtype(8, "m4"), False),
        (encode("vlse32.v", vd=9, rs1=10, rs2=11), vtype(32, "m2"), False),
        (encode("vlse8.v", vd=9, rs1=10, rs2=11), vtype(32, "m2"), True),  # EMUL 1/2
        (encode("vlse8.v", vd=0, rs1=10, rs2=11, vm=0), vtype(8), False),  # D-4
        (encode("vsse8.v", vs3=0, rs1=10, rs2=11, vm=0), vtype(8), True),  # L-14
        (encode("vsse8.v", vs3=8, rs1=10, rs2=11), 1 << 63, False),
    ],
)
def test_what_is_legal(word: int, type_: int, legal: bool) -> None:
    rig = Rig()
    rig.vset(type_, 1)
    rig.x[10], rig.x[11] = DATA, 8
    record = rig.word(word)
    assert record is not None and (record.trap is None) == legal


def test_a_large_vstart_and_no_elements_do_nothing() -> None:
    rig = Rig()
    for vl, vstart in ((0, 0), (4, 4), (4, 31)):  # D-6
        rig.vset(vtype(8), vl, vstart=vstart)
        rig.x[10], rig.x[11] = 0, 3  # no memory
        record = rig.block("vlse8.v", vd=8, rs1=10, rs2=11)
        assert (record.trap, record.vstart, dict(record.vregs)) == (None, 0, {})
        assert rig.issue.xlat == ()
