# SPDX-License-Identifier: Apache-2.0
"""Tests of the tests: one rule of the golden model is broken; Spike finds it, and shrinking shows it."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest
from pytest import MonkeyPatch

from vctx.pymodel.fuzz.generator import generate, seed_of
from vctx.pymodel.fuzz.machine import Machine
from vctx.pymodel.fuzz.program import world
from vctx.pymodel.fuzz.shrink import shrink
from vctx.pymodel.isa import bits, block, vector, vtype
from vctx.pymodel.isa.csr import CsrFile
from vctx.pymodel.isa.csr_numbers import VECTOR_CSRS, Csr
from vctx.pymodel.isa.errors import ArchTrap
from vctx.pymodel.isa.hart import Hart
from vctx.pymodel.isa.vector_state import VectorState
from vctx.pymodel.isa.vmem import _VectorAccess
from vctx.tb.jobs.lockstep import Lockstep, diverges

VLENS = (128, 512)
ENOUGH = 60_000
SMALL = 10


def around(patch: MonkeyPatch, owner: Any, name: str, replacement: Callable[..., Any]) -> None:
    """Replace a function by one that gets the original as its first argument."""
    original = getattr(owner, name)
    patch.setattr(owner, name, lambda *args, **kwargs: replacement(original, *args, **kwargs))


def avl_between(patch: MonkeyPatch) -> None:
    """C-6, L-3: half of an AVL between VLMAX and twice that."""

    def new_vl(original: Any, avl: int, vlmax: int, latitude: Any) -> int:
        return (avl + 1) // 2 if vlmax < avl < 2 * vlmax else min(avl, vlmax)

    around(patch, vtype, "new_vl", new_vl)


def reserved_vtype_bit(patch: MonkeyPatch) -> None:
    """C-3: bit 8 of a requested vtype is ignored."""
    around(patch, vector, "decode_vtype", lambda decode, value, *choice: decode(value & ~0x100, *choice))


def vill_bit(patch: MonkeyPatch) -> None:
    """C-3: vsetvl ignores bit 63."""
    around(patch, vector, "decode_vtype", lambda decode, value, *choice: decode(value & ~(1 << 63), *choice))


def vset_keeps_vstart(patch: MonkeyPatch) -> None:
    """C-10: vset* does not clear vstart."""

    def compile_vset(compile_: Any, hart: Hart, d: Any) -> Any:
        execute = compile_(hart, d)

        def broken(rs1: int, rs2: int, fx: Any) -> Any:
            vstart = hart.vec.vstart
            value = execute(rs1, rs2, fx)
            hart.vec.vstart = vstart
            return value

        return broken

    patch.setitem(block._COMPILERS, block.Kind.VSET, lambda hart, d: compile_vset(vector.compile_vset, hart, d))


def access_keeps_vstart(patch: MonkeyPatch) -> None:
    """A-7: a load or store that completes does not clear vstart."""

    def execute(original: Any, self: _VectorAccess, *args: Any) -> None:
        vstart = self.vec.vstart
        original(self, *args)
        self.vec.vstart = vstart

    around(patch, _VectorAccess, "execute", execute)


def mask_ignored(patch: MonkeyPatch) -> None:
    """D-5: loads and stores ignore the mask."""

    def init(original: Any, self: _VectorAccess, *args: Any) -> None:
        original(self, *args)
        self.masked = False

    around(patch, _VectorAccess, "__init__", init)


def hypervisor_blind(patch: MonkeyPatch) -> None:
    """B-13: with V=1 only vsstatus.VS becomes Dirty."""

    def dirty(original: Any, self: Hart) -> None:
        if self.virt:
            self.csr.values[Csr.VSSTATUS] |= bits.VS
        else:
            original(self)

    around(patch, Hart, "dirty_vs", dirty)


def vsstatus_dirtied(patch: MonkeyPatch) -> None:
    """B-14: with V=0 vsstatus.VS becomes Dirty, too."""

    def dirty(original: Any, self: Hart) -> None:
        original(self)
        self.csr.values[Csr.VSSTATUS] |= bits.VS

    around(patch, Hart, "dirty_vs", dirty)


def vstart_one_on(patch: MonkeyPatch) -> None:
    """D-8: vstart of a fault is the element after it."""

    def execute(original: Any, self: _VectorAccess, *args: Any) -> None:
        try:
            original(self, *args)
        except ArchTrap as trap:
            if trap.cause != 2:
                self.vec.vstart += 1
            raise

    around(patch, _VectorAccess, "execute", execute)


def zero_extension(patch: MonkeyPatch) -> None:
    """E-7: vmv.x.s does not extend the sign."""
    around(patch, vector, "sext", lambda _, value, width: value & (1 << width) - 1)


def vill_gates_whole_registers(patch: MonkeyPatch) -> None:
    """D-18: whole-register loads and stores trap under vill."""

    def check(original: Any, self: _VectorAccess) -> int:
        if self.vec.type.vill:
            raise self.hart.illegal(self.word)
        return int(original(self))

    around(patch, _VectorAccess, "_check", check)


def virtual_for_guest_off(patch: MonkeyPatch) -> None:
    """B-16: vsstatus.VS = Off gives virtual instead of illegal instruction."""

    def check(original: Any, self: CsrFile, word: int, address: int, *, write: bool) -> Any:
        if address in VECTOR_CSRS and self.hart.virt and not self.values[Csr.VSSTATUS] & bits.VS:
            raise self.hart.virtual(word)
        return original(self, word, address, write=write)

    around(patch, CsrFile, "check", check)


def wide_vstart(patch: MonkeyPatch) -> None:
    """A-6: vstart has one bit more."""

    def store(self: VectorState, value: int) -> None:
        self._vstart = value & 2 * self.vlen - 1

    patch.setattr(VectorState, "vstart", VectorState.vstart.setter(store))


MUTANTS = (
    avl_between,
    reserved_vtype_bit,
    vill_bit,
    vset_keeps_vstart,
    access_keeps_vstart,
    mask_ignored,
    hypervisor_blind,
    vsstatus_dirtied,
    vstart_one_on,
    zero_extension,
    vill_gates_whole_registers,
    virtual_for_guest_off,
    wide_vstart,
)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.__name__)
def test_a_broken_rule_is_found_and_shrunk(mutant: Callable[[MonkeyPatch], None], monkeypatch: MonkeyPatch) -> None:
    mutant(monkeypatch)
    compared, divergence = 0, None
    for number in itertools.count():
        assert compared < ENOUGH, "not found"
        vlen = VLENS[number % len(VLENS)]
        program = generate(seed_of(1, vlen, number), vlen)
        with Lockstep(vlen) as both:
            divergence = both.run(program)
            compared += both.instructions
        if divergence is not None:
            break
    assert divergence is not None and divergence.differences
    small = shrink(program, diverges, program.word_at(divergence.pc))
    assert diverges([small]) == 0
    assert len(small.words) <= SMALL
    monkeypatch.undo()
    assert diverges([small]) is None


def test_memory_is_compared_at_the_end(monkeypatch: MonkeyPatch) -> None:
    """A byte that no record shows: it is named, with both values."""
    program = generate(seed_of(1, 128, 0), 128)
    with Lockstep(128) as both:
        assert both.run(program) is None
    around(monkeypatch, Machine, "image", lambda image, self: image(self)[:-1] + bytes([image(self)[-1] ^ 1]))
    with Lockstep(128) as both:
        divergence = both.run(program)
    last = world().base + world().size - 1
    assert divergence is not None
    ((name, want, got),) = ((d.field, d.expected, d.observed) for d in divergence.differences)
    assert (name, int(want, 0) ^ int(got, 0)) == (f"mem[{last:#x}]", 1)
