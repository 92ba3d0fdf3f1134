# SPDX-License-Identifier: Apache-2.0
"""What a compiled vector instruction keeps from one execution to the next never outlives its reason."""

from __future__ import annotations

import numpy as np
import pytest
from rig import DATA, Rig, vtype

from vctx.pymodel.isa import disassemble, encode
from vctx.pymodel.isa.vector import _Elementwise
from vctx.pymodel.isa.vmem import _VectorAccess
from vctx.pymodel.trace.records import PAGE_SIZE

# vtype, vl, x[rs1]: one changes at a time, and some of them are illegal for some of the words
_STATES = [
    (vtype(32, "m2"), 16, DATA),
    (vtype(32, "m2"), 16, DATA),
    (vtype(32, "m2"), 16, DATA + 64),
    (vtype(32, "m2"), 9, DATA + 64),
    (vtype(32, "m1"), 8, DATA + 64),
    (vtype(32, "m1"), 0, DATA + 64),
    (vtype(16, "m4"), 60, DATA + 64),
    (vtype(16, "m4"), 60, DATA + PAGE_SIZE - 64),
    (1 << 63, 0, DATA),
    (vtype(8, "m2"), 61, (1 << 64) - 128),
    (vtype(32, "m2"), 16, DATA),
]
_WORDS = [
    encode("vadd.vv", vd=4, vs1=8, vs2=12, vm=1),
    encode("vadd.vx", vd=4, rs1=10, vs2=12, vm=1),
    encode("vsub.vx", vd=4, rs1=10, vs2=12, vm=0),
    encode("vand.vi", vd=4, imm=-3, vs2=12, vm=0),
    encode("vmslt.vx", vd=2, rs1=10, vs2=12, vm=1),
    encode("vmsltu.vx", vd=2, rs1=10, vs2=12, vm=0),
    encode("vmerge.vxm", vd=4, rs1=10, vs2=12),
    encode("vmv.v.x", vd=4, rs1=10),
    encode("vid.v", vd=4, vm=0),
    encode("vmnand.mm", vd=4, vs1=8, vs2=12),
    encode("vle32.v", vd=4, rs1=10, vm=1),
    encode("vle32.v", vd=4, rs1=10, vm=0),
    encode("vse32.v", vs3=4, rs1=10, vm=1),
    encode("vse32.v", vs3=4, rs1=10, vm=0),
    encode("vlm.v", vd=4, rs1=10),
    encode("vs2r.v", vs3=4, rs1=10),
    encode("vl2re16.v", vd=4, rs1=10),
]


def repeated_equals_fresh(word: int) -> None:
    """Execute `word` again and again on one hart, and each time on a new hart that holds the same."""
    rng = np.random.default_rng(word)
    one = Rig()
    one.randomise(rng)
    one.memory.write(DATA, rng.bytes(2 * PAGE_SIZE))
    for type_, vl, base in _STATES:
        fresh = Rig()
        fresh.vec.flat[:] = one.vec.flat
        fresh.memory.write(DATA, one.memory.read(DATA, 2 * PAGE_SIZE))
        for rig in (one, fresh):
            rig.mode("M")
            rig.vset(type_, vl)
            rig.x[10] = base
        assert one.word(word) == fresh.word(word)
        assert one.issue == fresh.issue
        assert one.vec.flat.tobytes() == fresh.vec.flat.tobytes()
        assert one.memory.read(DATA, 2 * PAGE_SIZE) == fresh.memory.read(DATA, 2 * PAGE_SIZE)


@pytest.mark.parametrize("word", _WORDS, ids=disassemble)
def test_an_instruction_executed_again_does_what_it_would_do_alone(word: int) -> None:
    repeated_equals_fresh(word)


@pytest.mark.parametrize(
    ("word", "owner", "name"), [(_WORDS[0], _Elementwise, "bind"), (_WORDS[10], _VectorAccess, "_bind")]
)
def test_operands_that_stay_bound_too_long_are_noticed(
    word: int, owner: type, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    bind = getattr(owner, name)
    bound: set[int] = set()

    def once(self: object, *args: object) -> None:
        if id(self) not in bound:
            bound.add(id(self))
            kept.append(self)
            bind(self, *args)

    kept: list[object] = []
    monkeypatch.setattr(owner, name, once)
    with pytest.raises(AssertionError):
        repeated_equals_fresh(word)


def test_a_scalar_operand_that_stays_too_long_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    scalar = _Elementwise.scalar
    kept: dict[_Elementwise, int] = {}

    def first(self: _Elementwise, rs1: int) -> int:
        return kept.setdefault(self, scalar(self, rs1)) if rs1 else scalar(self, rs1)

    monkeypatch.setattr(_Elementwise, "scalar", first)
    with pytest.raises(AssertionError):
        repeated_equals_fresh(encode("vmv.v.x", vd=4, rs1=10))
