# SPDX-License-Identifier: Apache-2.0
"""Hot code is translated to functions of whole paths: nothing that can be seen from outside tells them from steps."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rig import BASE, CODE, DATA, HOLE, MTVEC, SIZE, Rig, vtype

from vctx.pymodel.isa import Csr, Hart, HartConfig, encode, hart
from vctx.pymodel.isa.compiled import Path
from vctx.pymodel.isa.encoding import TABLE, Kind
from vctx.pymodel.trace import Issue, Retire

NOP = encode("addi", rd=0, rs1=0, imm=0)
HOT = 3
M64 = (1 << 64) - 1
_EDGES = [0, 1, 2, 31, 63, 64, (1 << 31) - 1, 1 << 31, (1 << 32) - 1, (1 << 63) - 1, 1 << 63, M64 - 1, M64]
_VALUES = st.sampled_from(_EDGES) | st.integers(0, M64)


@pytest.fixture(autouse=True)
def hot_early(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Code is hot after a few executions."""
    monkeypatch.setattr(hart, "HOT", HOT)
    yield


def program(rig: Rig, *words: int, at: int = CODE) -> int:
    """Put instructions into memory, with one behind them that no block goes beyond, and return the address of that."""
    rig.memory.write(at, b"".join(word.to_bytes(4, "little") for word in (*words, encode("wfi"))))
    return at + 4 * len(words)


def paths(rig: Rig, at: int = CODE) -> dict[int, Path]:
    return rig.hart._code.page(at).paths


def warm(rig: Rig, stop: int, at: int = CODE) -> None:
    """Run up to `stop` so often that there is a path at `at`."""
    for _ in range(HOT + 2):
        rig.hart.pc = at
        rig.hart.run({stop})
        assert rig.hart.pc == stop
    assert at & 0xFFF in paths(rig, at)


def addi(rd: int, rs1: int, imm: int) -> int:
    return encode("addi", rd=rd, rs1=rs1, imm=imm)


def count_down(*body: int, n: int) -> list[int]:
    """Return a loop round `body`, x5 times; the instructions are `body`, one that counts, and a branch."""
    return [*body, addi(5, 5, -1), encode("bne", rs1=5, rs2=0, imm=-4 * (n + 1))]


# --- every instruction ---

_COMPUTING = [name for name, spec in TABLE.items() if spec.kind in (Kind.ALU, Kind.ALU_IMM, Kind.UPPER, Kind.BRANCH)]


@pytest.mark.parametrize("mnemonic", _COMPUTING)
@settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(pairs=st.lists(st.tuples(_VALUES, _VALUES), min_size=4), imm=st.integers(-1024, 1023), names=st.data())
def test_instructions_compute_the_same_in_a_path(
    mnemonic: str, pairs: list[tuple[int, int]], imm: int, names: st.DataObject
) -> None:
    """With any registers, x0 among them, in any place."""
    operands = {o.keyword: names.draw(st.sampled_from([0, 5, 6, 7])) for o in TABLE[mnemonic].operands}
    if "imm" in operands:
        if mnemonic.startswith(("sll", "srl", "sra")):
            imm &= 31
        operands["imm"] = {Kind.BRANCH: 8, Kind.UPPER: imm & 0xFFFFF}.get(TABLE[mnemonic].kind, imm)
    ran, stepped = Rig(), Rig()
    for rig in (ran, stepped):
        end = program(rig, NOP, encode(mnemonic, **operands), NOP, NOP)
    for a, b in [*pairs, *pairs]:
        for rig in (ran, stepped):
            rig.x[5:8] = a, b, a ^ b
            rig.hart.pc = CODE
        ran.hart.run({end})
        while stepped.hart.pc != end:
            stepped.hart.step()
        assert (ran.x, ran.hart.instret) == (stepped.x, stepped.hart.instret)
    assert paths(ran)


def test_copies_and_constants() -> None:
    rig = Rig()
    words = [encode("add", rd=6, rs1=0, rs2=5), addi(7, 5, 0), addi(8, 0, -1), encode("or", rd=9, rs1=5, rs2=0)]
    end = program(rig, *words, encode("lui", rd=10, imm=0xFFFFF), encode("auipc", rd=11, imm=0x80000))
    rig.x[5] = M64 - 3
    warm(rig, end)
    assert rig.x[6:12] == [M64 - 3, M64 - 3, M64, M64 - 3, M64 & ~0xFFF, CODE + 20 - 0x8000_0000]


_LOADS, _STORES = ("lb", "lbu", "lh", "lhu", "lw", "lwu", "ld"), ("sb", "sh", "sw", "sd")
_PLACES = st.sampled_from([0, 8, 0xFF0, 0xFF8, 0xFFC, 0x1000, 1, 2, 4])
_ACCESS = st.builds(
    lambda name, rd, rs1, imm: encode(name, rd=rd, rs1=rs1, imm=imm),
    st.sampled_from(_LOADS), st.sampled_from([0, 5, 6, 8, 9]), st.sampled_from([8, 9]), st.integers(-24, 24),
) | st.builds(
    lambda name, rs2, rs1, imm: encode(name, rs2=rs2, rs1=rs1, imm=imm),
    st.sampled_from(_STORES), st.sampled_from([0, 5, 6, 8]), st.sampled_from([8, 9]), st.integers(-24, 24),
)  # fmt: skip
_ALIGNED = st.builds(
    lambda name, other, rs1, n: (
        encode(name, rd=other, rs1=rs1, imm=8 * n) if name in _LOADS else encode(name, rs2=other, rs1=rs1, imm=8 * n)
    ),
    st.sampled_from(_LOADS + _STORES), st.integers(5, 7), st.sampled_from([8, 9]), st.integers(-3, 3),
)  # fmt: skip
_BETWEEN = st.builds(addi, st.sampled_from([5, 6, 8, 9]), st.sampled_from([5, 6, 8, 9]), st.integers(-16, 16))


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    words=st.lists(_ACCESS | _ALIGNED | _BETWEEN, min_size=2, max_size=12) | st.lists(_ALIGNED, min_size=3, max_size=9),
    places=st.lists(st.tuples(_PLACES, _PLACES), min_size=2, max_size=8),
)
def test_accesses_are_the_same_in_a_path(words: list[int], places: list[tuple[int, int]]) -> None:
    """Aligned or not, on one page or two, in the hole behind memory, with bases that change: state, traps, stores."""
    ran, stepped = Rig(), Rig()
    for rig in (ran, stepped):
        end = program(rig, *words)
    for first, second in [(0, 0)] * (HOT + 1) + places:
        for rig in (ran, stepped):
            rig.hart.pc, rig.x[5], rig.x[6] = CODE, 0x8877_6655_4433_2211, 0xFFEE_DDCC_BBAA_9988
            rig.x[8], rig.x[9] = DATA + 64 + first, (HOLE - 0x1000 if second & 4 else DATA + 64) + second
        done = ran.hart.run({end, MTVEC})
        for _ in range(done):
            stepped.hart.step()
        assert (ran.hart.pc, ran.hart.instret, ran.x) == (stepped.hart.pc, stepped.hart.instret, stepped.x)
        assert [ran.csr[csr] for csr in (Csr.MEPC, Csr.MTVAL, Csr.MCAUSE)] == [
            stepped.csr[csr] for csr in (Csr.MEPC, Csr.MTVAL, Csr.MCAUSE)
        ]
    assert ran.stores == stepped.stores
    assert ran.memory.read(BASE, SIZE) == stepped.memory.read(BASE, SIZE)


# --- where a path is left ---


def test_a_loop_runs_to_any_limit() -> None:
    rig = Rig()
    loop = count_down(addi(6, 6, 1), encode("add", rd=7, rs1=7, rs2=6), n=2)
    end = program(rig, *loop)
    rig.x[5] = 50
    warm_loop = rig.hart.run({end})
    assert warm_loop == 200 and 0 in paths(rig)
    for limit in range(41):
        rig.hart.pc, rig.x[5], rig.x[6], rig.x[7], before = CODE, 10, 0, 0, rig.hart.instret
        assert rig.hart.run({end}, limit) == min(limit, 40)
        rounds, rest = divmod(min(limit, 40), 4)
        added = rounds + (rest > 0)
        done = rounds + (rest > 1)
        assert (rig.x[6], rig.x[7], rig.x[5]) == (added, done * (done + 1) // 2, 10 - rounds - (rest > 2))
        assert (rig.hart.pc, rig.hart.instret - before) == (end if limit >= 40 else CODE + 4 * rest, min(limit, 40))


def test_a_path_goes_on_behind_calls_and_branches_and_stops_anywhere() -> None:
    """A function that is called and returns, a branch that is taken, one that is not: one path."""
    rig = Rig()
    words = [
        encode("jal", rd=1, imm=20), addi(6, 6, 2), encode("beq", rs1=0, rs2=0, imm=8), NOP,
        encode("bne", rs1=0, rs2=8, imm=16), addi(5, 5, 1), encode("jalr", rd=0, rs1=1, imm=0),
    ]  # fmt: skip
    end = program(rig, *words)
    stop = CODE + 32
    program(rig, addi(7, 7, 1), encode("jal", rd=0, imm=stop - end - 4), at=end)
    rig.x[8] = 1
    warm(rig, stop)
    order = [0, 20, 24, 4, 8, 16, 32]
    assert {at & 0xFFF for at in paths(rig)[0].starts} == set(order[:-1])
    for steps in range(len(order)):
        rig.hart.pc = CODE
        assert rig.hart.run({stop}, steps) == min(steps, 6)
        assert rig.hart.pc == CODE + order[steps]
        rig.hart.pc = CODE
        assert rig.hart.run({CODE + order[steps], stop}) == steps
    rig.x[8], rig.hart.pc, before = 0, CODE, rig.x[5]  # the branch goes the other way
    assert rig.hart.run({CODE + 20 + 4}, 7) == 1 + 1
    assert (rig.hart.pc, rig.x[5]) == (CODE + 24, before + 1)


def test_a_return_to_somewhere_else_leaves_the_path() -> None:
    rig = Rig()
    end = program(rig, addi(6, 6, 1), encode("jalr", rd=0, rs1=1, imm=0), NOP, NOP)
    rig.x[1] = CODE + 8
    warm(rig, end)
    for target in (CODE + 12, DATA, CODE + 8):
        rig.x[1], rig.hart.pc = target, CODE
        assert rig.hart.run({end, DATA, target}) == 2
        assert rig.hart.pc == target


@pytest.mark.parametrize("position", range(3))
@pytest.mark.parametrize("rounds", [0, 1, 5])
def test_a_trap_in_a_path_is_exact(rounds: int, position: int) -> None:
    """In any round of a loop: x, pc and instret are those of the instructions before it."""
    rig = Rig()
    body = [addi(6, 6, 1), addi(6, 6, 1), addi(6, 6, 1)]
    body[position] = encode("ld", rd=7, rs1=8, imm=0)
    end = program(rig, *count_down(*body, addi(8, 8, 8), n=4))
    rig.x[5], rig.x[8] = 30, DATA
    rig.hart.run({end})
    assert 0 in paths(rig)
    rig.memory.store(HOLE - 8, 8, 77)
    rig.hart.pc, rig.x[5], rig.x[6], rig.x[8], before = CODE, 30, 0, HOLE - 8 * rounds, rig.hart.instret
    done = 6 * rounds + position
    assert rig.hart.run({MTVEC}) == done + 1
    assert (rig.csr[Csr.MEPC], rig.csr[Csr.MTVAL], rig.hart.instret - before) == (CODE + 4 * position, HOLE, done)
    assert (rig.x[5], rig.x[6], rig.x[8]) == (30 - rounds, 2 * rounds + position, HOLE)


def test_traps_of_called_operations_are_exact() -> None:
    rig = Rig()
    rig.vset(vtype(8), 4)
    amo = encode("amoadd.d", rd=0, rs2=6, rs1=8)
    end = program(rig, addi(6, 6, 1), encode("vle8.v", vd=8, rs1=9), amo, addi(6, 6, 1))
    rig.x[8] = rig.x[9] = DATA
    warm(rig, end)
    for x8, x9, done in ((DATA, HOLE, 1), (DATA + 1, DATA, 2)):
        rig.hart.pc, rig.x[6], rig.x[8], rig.x[9], before = CODE, 0, x8, x9, rig.hart.instret
        assert rig.hart.run({MTVEC, end}) == done + 1
        assert (rig.csr[Csr.MEPC], rig.hart.instret - before, rig.x[6]) == (CODE + 4 * done, done, 1)


# --- code that changes ---


@pytest.mark.parametrize("place", ["ahead", "behind", "itself"])
@pytest.mark.parametrize("store", ["sw", "sh", "amoswap.w", "vse32.v"])
def test_a_path_that_writes_itself_ends_there(store: str, place: str) -> None:
    """What was written is executed when it is reached, by the same run, and nothing is counted twice."""
    rig = Rig()
    rig.vset(vtype(32), 1)
    operands = {"sw": {"rs2": 7, "imm": 0}, "sh": {"rs2": 7, "imm": 0}, "amoswap.w": {"rd": 0, "rs2": 7}}
    writing = encode(store, rs1=8, **operands.get(store, {"vs3": 8}))
    words = count_down(addi(6, 6, 1), encode("sd", rs2=6, rs1=9, imm=0), writing, addi(6, 6, 1), n=4)
    end = program(rig, *words)
    rig.x[5], rig.x[8], rig.x[9] = 20, DATA, DATA + 8
    rig.hart.run({end})
    assert 0 in paths(rig)
    at = {"ahead": 3, "behind": 0, "itself": 2}[place]
    word = addi(6, 6, 1 if store == "sh" else 100) if place != "itself" else NOP
    if store == "sh":
        word = words[at] & 0xFFFF if place != "itself" else words[at]
    for _ in range(HOT + 2):
        program(rig, *words)
        rig.x[5], rig.hart.pc = 20, CODE
        rig.x[8] = DATA
        rig.hart.run({end})
        rig.x[5], rig.x[6], rig.x[7], rig.x[8], rig.hart.pc = 3, 0, word, CODE + 4 * at, CODE
        rig.vec.elements[4][8 * rig.vec.vlenb // 4] = word
        before = rig.hart.instret
        assert rig.hart.run({end}) == 18
        changed = store != "sh" and place != "itself"
        rounds = {"ahead": 3, "behind": 2}.get(place, 0)
        assert rig.x[6] == (6 + 99 * rounds if changed else 6)
        assert rig.hart.instret - before == 18


@pytest.mark.parametrize("writer", ["host", "other hart"])
def test_a_path_written_by_others_is_translated_again(writer: str) -> None:
    rig = Rig()
    end = program(rig, NOP, addi(5, 0, 1), NOP)
    warm(rig, end)
    for value in (2, 3):
        word = addi(5, 0, value)
        if writer == "host":
            rig.memory.write(CODE + 6, word.to_bytes(4, "little")[2:])
        else:
            Hart(HartConfig(), rig.memory, 1).store_physical(CODE + 4, 4, word)
        assert not paths(rig)
        warm(rig, end)
        assert rig.x[5] == value


def test_a_path_on_many_lines_hears_of_a_write_to_any() -> None:
    rig = Rig()
    end = program(rig, *[addi(5, 5, 1)] * 100)
    warm(rig, end)
    assert len(paths(rig)[0].starts) == 100
    for index in (0, 50, 99):
        rig.memory.store(CODE + 4 * index, 4, addi(5, 5, 2))
        assert 0 not in paths(rig)
        rig.x[5], rig.hart.pc = 0, CODE
        rig.hart.run({end})
        assert rig.x[5] == 101
        rig.memory.store(CODE + 4 * index, 4, addi(5, 5, 1))
        warm(rig, end)


def test_a_path_that_is_not_discarded_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The test of the tests above."""
    monkeypatch.setattr(Path, "discard", lambda self: None)
    for test in (
        lambda: test_a_path_that_writes_itself_ends_there("sw", "ahead"),
        lambda: test_a_path_written_by_others_is_translated_again("host"),
        test_a_path_on_many_lines_hears_of_a_write_to_any,
    ):
        with pytest.raises(AssertionError):
            test()


def test_a_path_is_shared_by_the_mappings_of_its_page() -> None:
    """Addresses in registers are those of the mapping in use; a fence makes new translations count."""
    rig = Rig()
    root, frames, va = BASE + 0x8_0000, (BASE + 0x4_0000, BASE + 0x5_0000), (0x40_0000, 0x40_1000)
    rig.memory.write(root, bytes(0x3000))

    def map_page(va: int, frame: int) -> None:
        for level, table in enumerate((root, root + 0x1000, root + 0x2000)):
            pte = frame >> 2 | 0xCF if level == 2 else table + 0x1000 >> 2 | 1
            rig.memory.store(table + 8 * (va >> 30 - 9 * level & 0x1FF), 8, pte)

    words = [encode("jal", rd=1, imm=8), NOP, encode("auipc", rd=6, imm=0), encode("ld", rd=7, rs1=6, imm=0x400)]
    for number, frame in enumerate(frames):
        program(rig, *words, at=frame)
        rig.memory.store(frame + 0x408, 8, number)
    map_page(va[0], frames[0])
    map_page(va[1], frames[0])
    rig.csr[Csr.SATP] = 8 << 60 | root >> 12
    rig.mode("HS")

    def run(start: int) -> list[int]:
        rig.hart.pc = start
        assert rig.hart.run({start + 16}) == 3
        return [rig.x[1] - start, rig.x[6] - start, rig.x[7]]

    for _ in range(HOT + 2):
        assert run(va[0]) == run(va[1]) == [4, 8, 0]
    assert paths(rig, frames[0])
    map_page(va[0], frames[1])
    rig.hart.inject(encode("sfence.vma", rs1=0, rs2=0))
    for _ in range(HOT + 2):
        assert (run(va[0]), run(va[1])) == ([4, 8, 1], [4, 8, 0])


# --- observers, faults, reservations ---


class Acting(Rig):
    """Does something when the `due`-th store or block instruction has been reported."""

    due = 0

    def act(self) -> None:
        self.due -= 1
        if self.due == 0:
            self.action()

    def action(self) -> None:
        self.hart.halt()

    def insn(self, hart_id: int, pc: int, issue: Issue, retire: Retire) -> None:
        super().insn(hart_id, pc, issue, retire)
        self.act()

    def store(self, hart_id: int, paddr: int, data: bytes) -> None:
        super().store(hart_id, paddr, data)
        self.act()


def storing_loop(rig: Rig) -> int:
    """Make a hot loop of six instructions: two stores, a block instruction, a load."""
    rig.vset(vtype(8), 4)
    body = [encode("sd", rs2=5, rs1=8, imm=0), encode("sw", rs2=5, rs1=8, imm=8), encode("vle8.v", vd=8, rs1=8)]
    end = program(rig, *count_down(*body, encode("ld", rd=7, rs1=8, imm=0), n=4))
    rig.x[5], rig.x[8] = 20, DATA
    rig.hart.run({end})
    assert 0 in paths(rig)
    return end


@pytest.mark.parametrize("due", range(1, 8))
def test_an_observer_halts_a_path(due: int) -> None:
    rig = Acting()
    end = storing_loop(rig)
    rig.due, rig.x[5], rig.hart.pc, before = due, 20, CODE, rig.hart.instret
    rounds, rest = divmod(due - 1, 3)
    done = 6 * rounds + rest + 1
    assert rig.hart.run({end}) == done
    assert (rig.hart.pc, rig.hart.instret - before) == (CODE + 4 * (rest + 1), done)
    assert rig.hart.run({end}) == 120 - done


@pytest.mark.parametrize("due", range(1, 8))
def test_an_observer_asks_for_a_page_fault_in_a_path(due: int) -> None:
    """The next access to the page takes it, in the same round if there is one."""
    rig = Acting()
    storing_loop(rig)
    rig.action = lambda: rig.hart.mmu.fault_pages.update({DATA >> 12: {"load"}})  # type: ignore[method-assign]
    rig.due, rig.x[5], rig.hart.pc, before = due, 20, CODE, rig.hart.instret
    rounds, rest = divmod(due - 1, 3)
    load = 2 if rest < 2 else 3
    assert rig.hart.run({MTVEC}) == 6 * rounds + load + 1
    assert (rig.csr[Csr.MEPC], rig.hart.instret - before) == (CODE + 4 * load, 6 * rounds + load)


@pytest.mark.parametrize("due", range(1, 8))
def test_an_observer_that_raises_leaves_pc_at_its_instruction(due: int) -> None:
    rig = Acting()
    end = storing_loop(rig)

    def action() -> None:
        raise RuntimeError

    rig.action = action  # type: ignore[method-assign]
    rig.due, rig.x[5], rig.hart.pc = due, 20, CODE
    with pytest.raises(RuntimeError):
        rig.hart.run({end})
    rounds, rest = divmod(due - 1, 3)
    assert (rig.hart.pc, rig.x[5]) == (CODE + 4 * rest, 20 - rounds)


def test_faults_of_the_overlay_reach_hot_code_and_end() -> None:
    rig = Rig()
    end = program(rig, NOP, encode("ld", rd=5, rs1=8, imm=0), encode("sd", rs2=5, rs1=8, imm=8))
    rig.x[8] = DATA
    warm(rig, end)
    for page, access, epc in ((DATA, "load", 4), (DATA, "store", 8), (CODE, "fetch", 0)):
        rig.hart.mmu.fault_pages[page >> 12] = {access}
        rig.hart.pc = CODE
        rig.hart.run({end, MTVEC})
        assert (rig.hart.pc, rig.csr[Csr.MEPC]) == (MTVEC, CODE + epc)
        rig.hart.mmu.fault_pages.clear()
        warm(rig, end)


def test_a_store_in_a_path_ends_the_reservation_of_another_hart() -> None:
    rig = Rig()
    end = program(rig, encode("sd", rs2=0, rs1=8, imm=0), encode("sd", rs2=0, rs1=8, imm=64))
    rig.x[8] = DATA
    warm(rig, end)
    for line, kept in ((DATA + 8, False), (DATA + 72, False), (DATA + 128, True)):
        rig.memory.reserve(1, line)
        rig.memory.reserve(0, DATA)  # its own stays
        rig.hart.pc = CODE
        rig.hart.run({end})
        assert rig.memory.unreserve(1, line) == kept
        assert rig.memory.unreserve(0, DATA)


def test_a_hart_without_an_observer_stores_in_silence() -> None:
    rig = Rig()
    end = program(rig, encode("sd", rs2=5, rs1=8, imm=0))
    rig.x[5], rig.x[8] = 7, DATA
    warm(rig, end)
    before = len(rig.stores)
    rig.hart.observer = None
    rig.x[5], rig.hart.pc = 8, CODE
    rig.hart.run({end})
    assert rig.memory.load(DATA, 8) == 8 and len(rig.stores) == before


# --- anything at all ---

_REG = st.integers(1, 7)
_ANY = (
    st.builds(lambda rd, rs1, rs2: encode("add", rd=rd, rs1=rs1, rs2=rs2), _REG, _REG, _REG)
    | st.builds(addi, _REG, _REG, st.integers(-9, 9))
    | st.builds(lambda rd, n: encode("ld", rd=rd, rs1=9, imm=n), _REG, st.sampled_from([0, 8, 16, 24, 4]))
    | st.builds(lambda rd, n: encode("lb", rd=rd, rs1=9, imm=n), _REG, st.integers(0, 40))
    | st.builds(lambda rs2, n: encode("sd", rs2=rs2, rs1=9, imm=8 * n), _REG, st.integers(0, 9))
    | st.builds(lambda rs2, n: encode("sh", rs2=rs2, rs1=9, imm=n), _REG, st.integers(0, 9))
    | st.builds(lambda vd: encode("vadd.vv", vd=vd, vs2=8, vs1=16), st.sampled_from([0, 8, 24]))
    | st.builds(lambda vs3: encode("vse8.v", vs3=vs3, rs1=9), st.sampled_from([0, 8]))
    | st.builds(lambda at: encode("sw", rs2=10, rs1=8, imm=4 * at), st.integers(0, 23))
    | st.builds(lambda at: encode("sh", rs2=10, rs1=8, imm=2 * at), st.integers(0, 47))
    | st.builds(lambda a, b, to: encode("bltu", rs1=a, rs2=b, imm=4 * to), _REG, _REG, st.integers(-8, 8))
    | st.builds(lambda a, to: encode("bne", rs1=a, rs2=0, imm=4 * to), _REG, st.integers(-8, 8))
    | st.builds(lambda rd, to: encode("jal", rd=rd, imm=4 * to), st.integers(0, 2), st.integers(-8, 8))
    | st.builds(lambda rs1: encode("jalr", rd=1, rs1=rs1, imm=0), st.integers(1, 2))
)
END = CODE + 4 * 24


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    words=st.lists(_ANY, min_size=4, max_size=24),
    patch=_ANY,
    pieces=st.lists(st.integers(1, 200), min_size=1, max_size=6),
    stop=st.integers(0, 23),
)
def test_hot_code_does_what_steps_do(words: list[int], patch: int, pieces: list[int], stop: int) -> None:
    """Loops, calls, traps, code that writes itself, limits and stops: state, records and stores are the same."""
    both = ran, stepped = Rig(128), Rig(128)
    for rig in both:
        rig.randomise(np.random.default_rng(1))
        program(rig, *words, *[NOP] * (24 - len(words)), encode("jal", rd=0, imm=-4 * 24))
        program(rig, encode("jal", rd=0, imm=CODE - MTVEC + 8), at=MTVEC)
        rig.x[1:8] = [CODE + 8, CODE + 40, 3, 4, 5, 6, 7]
        rig.x[8:11] = CODE, DATA, patch
        rig.vset(vtype(8), 16)
    for number, piece in enumerate(pieces):
        stops = {END, CODE + 4 * stop} if number % 2 else {END}
        done = ran.hart.run(stops, piece)
        for _ in range(done):
            assert stepped.hart.pc not in stops
            stepped.hart.step()
        assert done == piece or stepped.hart.pc in stops
        assert (ran.hart.pc, ran.hart.instret, ran.x) == (stepped.hart.pc, stepped.hart.instret, stepped.x)
        if done < piece:
            ran.hart.pc = stepped.hart.pc = CODE
    assert (ran.insns, ran.stores) == (stepped.insns, stepped.stores)
    assert ran.hart.snapshot() == stepped.hart.snapshot()
    assert ran.memory.read(BASE, SIZE) == stepped.memory.read(BASE, SIZE)
