# SPDX-License-Identifier: Apache-2.0
"""Shrinking keeps what makes a program fail, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vctx.pymodel.fuzz.generator import generate
from vctx.pymodel.fuzz.machine import Machine
from vctx.pymodel.fuzz.program import Item, Program
from vctx.pymodel.fuzz.shrink import Judge, shrink
from vctx.pymodel.isa import Csr, bits, encode

NOP = encode("addi", rd=0, rs1=0, imm=0)


def numbered(number: int) -> int:
    """A harmless instruction that can be told from others."""
    return encode("addi", rd=0, rs1=0, imm=number)


def fails_with(needed: list[int], param: tuple[str, int] = ("x5", 0)) -> Judge:
    """A program fails that holds the words `needed` in this order and has a parameter of at least this value."""

    def fails(program: Program) -> bool:
        words = iter(program.words)
        return all(word in words for word in needed) and program.params.get(param[0], 0) >= param[1]

    def judge(programs: Sequence[Program]) -> int | None:
        return next((number for number, program in enumerate(programs) if fails(program)), None)

    return judge


@settings(max_examples=25, deadline=None)
@given(length=st.integers(1, 60), data=st.data())
def test_exactly_what_is_needed_is_left(length: int, data: st.DataObject) -> None:
    needed = sorted(data.draw(st.sets(st.integers(0, length - 1), max_size=4)))
    body = tuple(Item((numbered(number),)) for number in range(length))
    params = dict.fromkeys(("x1", "x2", "x5", "vcsr"), 1)
    judge = fails_with([numbered(number) for number in needed], ("x5", 1))
    small = shrink(Program(128, params, body), judge)
    assert small.words == tuple(numbered(number) for number in needed)
    assert {name for name, value in small.params.items() if value} - {"mepc", "mstatus"} == {"x5"}


def test_what_follows_the_failure_is_dropped_first() -> None:
    seen: list[int] = []
    program = Program(128, {}, tuple(Item((numbered(number),)) for number in range(40)))
    judge = fails_with([numbered(7)])

    def watched(programs: Sequence[Program]) -> int | None:
        seen.append(len(programs[0].words))
        return judge(programs)

    assert shrink(program, watched, last_word=7).words == (numbered(7),)
    assert seen[0] == 8


def test_a_wrong_last_word_does_no_harm() -> None:
    program = Program(128, {}, tuple(Item((numbered(number),)) for number in range(10)))
    assert shrink(program, fails_with([numbered(7)]), last_word=2).words == (numbered(7),)


def test_items_stay_whole() -> None:
    program = Program(128, {}, (Item((NOP, numbered(1))), Item((numbered(2), NOP))))
    assert shrink(program, fails_with([numbered(1)])).body == program.body[:1]


def state_at(program: Program, word: int) -> tuple[object, ...]:
    """The state that a program has when it first comes to a word of its body, but for the vector registers."""
    machine = Machine(program.vlen)
    hart = machine.hart
    machine.load(program)
    for _ in machine.steps(program):
        if program.word_at(hart.pc) == word:
            break
        hart.step()
    x = [hart.x[register] for register in (*range(27), 28, 29)]
    csrs = [hart.csr[csr] for csr in (Csr.VSSTATUS, Csr.HSTATUS, Csr.MEDELEG, Csr.HEDELEG, Csr.VCSR)]
    vs = hart.csr[Csr.MSTATUS] & (bits.VS | bits.FS | bits.SUM | bits.MXR)
    return x, csrs, vs, hart.prv, hart.virt, hart.vec.vl, hart.vec.vtype, hart.vec.vstart


@pytest.mark.parametrize("number", range(12))
def test_a_late_start_has_the_state_of_the_whole_program(number: int) -> None:
    program = generate(f"late/{number}", 256).without_irqs()
    late: list[Program] = []

    def judge(programs: Sequence[Program]) -> int | None:
        late.extend([] if late else programs)
        return None

    shrink(program, judge)
    assert late
    for each in late:
        assert each.words == program.words[-len(each.words) :]
        assert state_at(each, 0) == state_at(program, len(program.words) - len(each.words))
