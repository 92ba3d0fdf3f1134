# SPDX-License-Identifier: Apache-2.0
"""Programs depend on their seed alone, stay within their bounds, and reach what they are for."""

from __future__ import annotations

from itertools import product

import pytest

from vctx.pymodel.fuzz.coverage import Coverage, Point, evaluate, instructions
from vctx.pymodel.fuzz.generator import MODES, generate, seed_of
from vctx.pymodel.fuzz.machine import Machine
from vctx.pymodel.fuzz.program import FIRST_STAGE, MAX_WORDS, Program, world
from vctx.pymodel.fuzz.reserved import RESERVED
from vctx.pymodel.isa import Csr, decode
from vctx.pymodel.isa.encoding import TABLE, Kind
from vctx.pymodel.trace import Issue, Retire

VLENS = (128, 256, 512, 4096)


def programs(vlen: int, count: int) -> list[Program]:
    return [generate(seed_of(1, vlen, number), vlen) for number in range(count)]


@pytest.mark.parametrize("vlen", VLENS)
def test_a_seed_determines_a_program(vlen: int) -> None:
    assert programs(vlen, 20) == programs(vlen, 20)
    assert len({program.words for program in programs(vlen, 20)}) == 20


def test_another_seed_gives_another_program() -> None:
    seeds = [seed_of(*each) for each in product((1, 2), (128, 256), (0, 1))]
    assert len({generate(seed, 128).words for seed in seeds}) == len(seeds)


def test_reserved_words_are_no_instructions_and_their_opcodes_are_the_blocks() -> None:
    for row in RESERVED:
        assert row.match & ~row.mask == 0, row
        for fill in (0, 0xFFFFFFFF, 0x5A5A5A5A, 0xA5A5A5A5):
            word = row.match | fill & ~row.mask
            assert decode(word).kind is Kind.UNKNOWN, row
            assert word & 0x7F == 0x57 or (word & 0x7F in (0x07, 0x27) and word >> 12 & 7 in (0, 5, 6, 7)), row


def test_nothing_is_generated_that_only_spike_has() -> None:
    """Every word is in the table or reserved; no instruction touches what the report says is never touched."""
    counters = {Csr.CYCLE, Csr.TIME, Csr.INSTRET, Csr.MISA}
    for program in programs(128, 200):
        assert len(program.words) < MAX_WORDS
        for word in program.words:
            decoded = decode(word)
            assert decoded.mnemonic in TABLE or any(word & row.mask == row.match for row in RESERVED), hex(word)
            assert decoded.fields.get("csr") not in counters


class _Run:
    """Runs programs on the golden hart and counts what they reach."""

    def __init__(self, vlen: int) -> None:
        self.coverage = Coverage(vlen)
        self.machine = Machine(vlen, self)

    def insn(self, hart_id: int, pc: int, issue: Issue, retire: Retire) -> None:
        self.coverage.add(issue, retire)

    def store(self, hart_id: int, paddr: int, data: bytes) -> None:
        raise AssertionError("a fuzz program has no scalar stores")

    def run(self, program: Program) -> bool:
        self.machine.hart.reset(0)
        self.coverage.restart()
        self.machine.load(program)
        return self.machine.run(program)


@pytest.mark.parametrize("vlen", VLENS)
def test_programs_end_and_write_nothing_but_data(vlen: int) -> None:
    run, w = _Run(vlen), world()
    for program in programs(vlen, 60):
        assert run.run(program)
        data = w.data - w.base
        assert run.machine.image()[:data] == program.image()[:data]


@pytest.fixture(scope="module")
def points() -> set[Point]:
    run = _Run(256)
    for number in range(1000):
        run.run(generate(seed_of(1, 256, number), 256))
    return set(run.coverage.points)


def test_every_instruction_is_reached_in_every_mode(points: set[Point]) -> None:
    reached = {(point.insn, point.mode) for point in points}
    missing = set(product(instructions(), MODES)) - reached
    assert len(missing) < 0.02 * len(instructions()) * len(MODES), sorted(missing)
    assert {name for name, _ in reached} == {*instructions(), "reserved"}


@pytest.mark.parametrize(
    ("cross", "share"),
    [
        ("instruction x SEW, LMUL", 0.9),
        ("instruction x vstart", 0.85),
        ("instruction x mask", 1),
        ("instruction x outcome", 0.95),
        ("kind x vtype", 0.95),
        ("kind x mode x VS pair x outcome", 0.75),
        ("load, store x stop x position", 1),
    ],
)
def test_most_of_each_cross_is_reached(points: set[Point], cross: str, share: float) -> None:
    (result,) = (each for each in evaluate(points) if each.name == cross)
    assert result.reached >= share * result.possible, result.never
    assert not result.beside


def test_without_points_everything_is_never_reached() -> None:
    for result in evaluate([]):
        assert result.reached == 0 and len(result.never) == result.possible


def test_coverage_names_what_is_not_expected() -> None:
    point = Point("vadd.vv", 0, "0", False, "VS", (3, 0), "ok", False)  # guest's VS is Off
    assert [result.beside for result in evaluate([point]) if "VS pair x outcome" in result.name] == [
        ("operation x VS x (3, 0) x ok",)
    ]


def test_first_modes_and_translation_vary() -> None:
    modes = set()
    for program in programs(128, 300):
        on = tuple(bool(program.params[name] & FIRST_STAGE) for name in ("satp", "vsatp", "hgatp"))
        modes.add((program.params["mstatus"] >> 11 & 3, program.params["mstatus"] >> 39 & 1, on))
    assert {(prv, virt) for prv, virt, _ in modes} == {(3, 0), (1, 0), (0, 0), (1, 1), (0, 1)}
    assert {on for _, _, on in modes} == set(product((False, True), repeat=3))
