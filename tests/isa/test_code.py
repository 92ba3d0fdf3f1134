# SPDX-License-Identifier: Apache-2.0
"""Compiled code: whatever is cached, `run` does what `step` does, and written or remapped code is noticed."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rig import BASE, CODE, DATA, MTVEC, SIZE, Rig, vtype

from vctx.pymodel.isa import Csr, Hart, HartConfig, encode
from vctx.pymodel.isa.compiled import Block
from vctx.pymodel.trace import Issue, Retire

NOP = encode("addi", rd=0, rs1=0, imm=0)
END = CODE + 4 * 24
_CODE_BASE, _DATA_BASE, _WORD = 8, 9, 10  # registers that hold addresses and an instruction word


def set_x5(value: int) -> int:
    return encode("addi", rd=5, rs1=0, imm=value)


def program(rig: Rig, *words: int, at: int = CODE) -> None:
    rig.memory.write(at, b"".join(word.to_bytes(4, "little") for word in words))


def warm(rig: Rig, stop: int, times: int = 3) -> None:
    """Run from CODE so often that blocks are formed."""
    for _ in range(times):
        rig.hart.pc = CODE
        rig.hart.run({stop})


WRITERS: dict[str, Callable[[Rig, int], None]] = {
    "host": lambda rig, word: rig.memory.store(CODE + 8, 4, word),
    "host, half a word": lambda rig, word: rig.memory.write(CODE + 10, word.to_bytes(4, "little")[2:]),
    "other hart": lambda rig, word: Hart(HartConfig(), rig.memory, 1).store_physical(CODE + 8, 4, word),
}


@pytest.mark.parametrize("writer", WRITERS)
def test_a_written_block_is_compiled_again(writer: str) -> None:
    rig = Rig()
    program(rig, NOP, NOP, set_x5(1), NOP)
    warm(rig, CODE + 16)
    assert rig.x[5] == 1
    WRITERS[writer](rig, set_x5(2))
    warm(rig, CODE + 16, 1)
    assert rig.x[5] == 2


@pytest.mark.parametrize("store", ["sw", "amoswap.w", "vse32.v"])
def test_a_block_that_writes_itself_ends_there(store: str) -> None:
    """The instruction behind the store is the new one, and nothing is counted twice."""
    rig = Rig()
    rig.vset(vtype(32), 1)
    operands = {"sw": {"rs2": 7, "imm": 0}, "amoswap.w": {"rd": 0, "rs2": 7}, "vse32.v": {"vs3": 8}}[store]
    program(rig, NOP, encode(store, rs1=6, **operands), NOP, set_x5(1), NOP)

    def run(value: int) -> None:
        rig.x[6] = DATA
        warm(rig, CODE + 20)
        rig.x[6], rig.x[7] = CODE + 12, set_x5(value)
        rig.vec.elements[4][8 * rig.vec.vlenb // 4] = set_x5(value)
        rig.hart.pc, before = CODE, rig.hart.instret
        assert rig.hart.run({CODE + 20}) == 5
        assert (rig.x[5], rig.hart.instret - before) == (value, 5)

    for value in (2, 3, 4, 4, 5):
        run(value)


def test_a_block_that_is_not_discarded_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The test of the tests above."""
    monkeypatch.setattr(Block, "discard", lambda self: None)
    with pytest.raises(AssertionError):
        test_a_written_block_is_compiled_again("host")
    with pytest.raises(AssertionError):
        test_a_block_that_writes_itself_ends_there("sw")


def test_limits_and_stops_end_a_block_anywhere() -> None:
    rig = Rig()
    program(rig, *(encode("addi", rd=5, rs1=5, imm=1) for _ in range(8)), encode("jal", rd=0, imm=-32))
    warm(rig, CODE + 32)
    for limit in range(20):
        rig.hart.pc, rig.x[5], before = CODE, 0, rig.hart.instret
        assert rig.hart.run((), limit) == limit
        assert (rig.x[5], rig.hart.pc) == (limit - limit // 9, CODE + 4 * (limit % 9))
        assert rig.hart.instret - before == limit
    for stop in range(1, 9):
        rig.hart.pc, rig.x[5] = CODE, 0
        assert rig.hart.run({CODE + 4 * stop, CODE + 4 * stop + 2}) == stop
        assert (rig.x[5], rig.hart.pc) == (stop, CODE + 4 * stop)


def test_a_trap_inside_a_block_counts_what_came_before() -> None:
    rig = Rig()
    program(rig, NOP, NOP, encode("lw", rd=5, rs1=6, imm=0), NOP)
    rig.x[6] = DATA
    warm(rig, CODE + 16)
    rig.hart.pc, rig.x[6], before = CODE, DATA + 1, rig.hart.instret
    assert rig.hart.run({MTVEC}) == 3
    assert (rig.hart.instret - before, rig.csr[Csr.MEPC]) == (2, CODE + 8)


def test_a_fetch_fault_reaches_a_block_that_ran_before() -> None:
    rig = Rig()
    program(rig, NOP, NOP, NOP)
    warm(rig, CODE + 12)
    rig.hart.mmu.fault_pages[CODE >> 12] = {"fetch"}
    rig.hart.pc = CODE
    assert rig.hart.run({MTVEC}) == 1
    assert rig.csr[Csr.MEPC] == CODE
    rig.hart.mmu.fault_pages.clear()
    warm(rig, CODE + 12, 1)
    assert rig.hart.pc == CODE + 12


def test_counters_are_exact_inside_straight_code() -> None:
    rig = Rig()
    read = encode("csrrs", rd=5, csr=Csr.MINSTRET, rs1=0)
    program(rig, NOP, NOP, read, NOP)
    for _ in range(3):
        before = rig.hart.instret
        warm(rig, CODE + 16, 1)
        assert rig.x[5] == before + 2


ROOT, FRAMES, VA = BASE + 0x8_0000, (BASE + 0x4_0000, BASE + 0x5_0000), 0x40_0000


def remap(rig: Rig, frame: int, ppn_flags: int = 0xCF) -> None:
    """Map VA to a frame: three levels of tables at ROOT, all permissions of S-mode."""
    for level, table in enumerate((ROOT, ROOT + 0x1000, ROOT + 0x2000)):
        index = VA >> 30 - 9 * level & 0x1FF
        pte = frame >> 2 | ppn_flags if level == 2 else table + 0x1000 >> 2 | 1
        rig.memory.store(table + 8 * index, 8, pte)


def test_remapped_code_and_data_are_those_of_the_new_frame_after_a_fence() -> None:
    rig = Rig()
    rig.memory.write(ROOT, bytes(0x3000))
    for number, frame in enumerate(FRAMES):
        program(rig, NOP, set_x5(number), encode("ld", rd=6, rs1=7, imm=0), encode("vle64.v", vd=8, rs1=7), at=frame)
        rig.memory.store(frame + 0x800, 8, number)
    rig.vset(vtype(64), 1)
    remap(rig, FRAMES[0])
    rig.csr[Csr.SATP] = 8 << 60 | ROOT >> 12
    rig.mode("HS")

    def run() -> tuple[int, int, int, int]:
        rig.hart.pc, rig.x[7] = VA, VA + 0x800
        rig.hart.run({VA + 16})
        value = int.from_bytes(rig.insns[-1][2].vregs[8][:8], "little")
        return rig.x[5], rig.x[6], value, rig.insns[-1][1].xlat[0].ppn << 12

    for number, frame in ((0, FRAMES[0]), (1, FRAMES[1]), (0, FRAMES[0])):
        remap(rig, frame)
        rig.hart.inject(encode("sfence.vma", rs1=0, rs2=0))
        for _ in range(3):
            assert run() == (number, number, number, frame)
    # code that ran at VA is written at its physical address
    program(rig, set_x5(7), at=FRAMES[0] + 4)
    assert run() == (7, 0, 0, FRAMES[0])


def test_pause_ends_a_run_after_traps_and_system_instructions() -> None:
    rig = Rig()
    csr, quiet = (encode("csrrs", rd=0, csr=csr, rs1=5) for csr in (Csr.MIDELEG, Csr.MSCRATCH))
    program(rig, NOP, quiet, csr, NOP, encode("wfi"), NOP, encode("ecall"))
    for _ in range(3):
        rig.hart.pc = CODE
        steps = [rig.hart.run((), 100, pause=True) for _ in range(3)]
        assert (steps, rig.hart.pc, rig.csr[Csr.MEPC]) == ([3, 2, 2], MTVEC, CODE + 24)


class Halting(Rig):
    """Halts the hart at a store or block instruction."""

    def insn(self, hart_id: int, pc: int, issue: Issue, retire: Retire) -> None:
        super().insn(hart_id, pc, issue, retire)
        self.hart.halt()

    def store(self, hart_id: int, paddr: int, data: bytes) -> None:
        super().store(hart_id, paddr, data)
        self.hart.halt()


def test_an_observer_can_halt_a_run() -> None:
    rig = Halting()
    rig.x[6] = DATA
    program(rig, NOP, encode("sd", rs1=6, rs2=0, imm=0), NOP, encode("vsetivli", rd=0, uimm=1, vtypei=0), NOP)
    for _ in range(4):
        rig.hart.pc = CODE
        assert [rig.hart.run({CODE + 20}) for _ in range(3)] == [2, 2, 1]
        assert rig.hart.pc == CODE + 20


# --- run against step, on programs that also write themselves ---

_REGS = st.integers(1, 7)
_SLOTS = st.integers(0, 23)
_VREGS = st.sampled_from([0, 8, 16, 24])
_BITS = st.integers(0, 1)
_SAFE = (
    st.builds(lambda rd, rs1, rs2: encode("add", rd=rd, rs1=rs1, rs2=rs2), _REGS, _REGS, _REGS)
    | st.builds(lambda rd, imm: encode("addi", rd=rd, rs1=rd, imm=imm), _REGS, st.integers(-9, 9))
    | st.builds(lambda rd, at: encode("ld", rd=rd, rs1=_DATA_BASE, imm=at), _REGS, st.integers(0, 40))
    | st.builds(lambda rs2, at: encode("sd", rs2=rs2, rs1=_DATA_BASE, imm=8 * at), _REGS, st.integers(0, 9))
    | st.builds(lambda vl, code: encode("vsetivli", rd=0, uimm=vl, vtypei=code), st.integers(0, 20), st.integers(0, 31))
    | st.builds(lambda d, a, b, vm: encode("vadd.vv", vd=d, vs2=a, vs1=b, vm=vm), _VREGS, _VREGS, _VREGS, _BITS)
)
_INSN = (
    _SAFE
    | st.builds(lambda d, a, rs1, vm: encode("vmsltu.vx", vd=d, vs2=a, rs1=rs1, vm=vm), _VREGS, _VREGS, _REGS, _BITS)
    | st.builds(lambda vd, vm: encode("vle8.v", vd=vd, rs1=_DATA_BASE, vm=vm), _VREGS, _BITS)
    | st.builds(lambda vs3, vm: encode("vse8.v", vs3=vs3, rs1=_DATA_BASE, vm=vm), _VREGS, _BITS)
    | st.builds(lambda rd: encode("csrrs", rd=rd, csr=Csr.MINSTRET, rs1=0), _REGS)
    | st.builds(lambda rs1: encode("csrrw", rd=0, csr=Csr.VSTART, rs1=rs1), _REGS)
    | st.builds(lambda at: encode("sw", rs2=_WORD, rs1=_CODE_BASE, imm=4 * at), _SLOTS)
    | st.builds(lambda at: encode("sh", rs2=_WORD, rs1=_CODE_BASE, imm=2 * at), st.integers(0, 47))
    | st.builds(lambda a, b, to: encode("blt", rs1=a, rs2=b, imm=4 * to), _REGS, _REGS, st.integers(-6, 6))
)


def prepare(words: list[int], patch: int) -> Rig:
    rig = Rig(128)
    rig.randomise(np.random.default_rng(1))
    program(rig, *words, *[NOP] * (24 - len(words)), encode("jal", rd=0, imm=-4 * 24))
    program(rig, encode("jal", rd=0, imm=CODE - MTVEC + 8), at=MTVEC)
    rig.x[1:8] = range(1, 8)
    rig.x[_CODE_BASE], rig.x[_DATA_BASE], rig.x[_WORD] = CODE, DATA, patch
    return rig


@settings(max_examples=300, deadline=None)
@given(words=st.lists(_INSN, min_size=4, max_size=24), patch=_SAFE, pieces=st.lists(st.integers(1, 90), max_size=6))
def test_run_does_what_steps_do(words: list[int], patch: int, pieces: list[int]) -> None:
    """Loops, traps, code that writes itself and changes of vtype: state, records and stores are the same."""
    ran, stepped = prepare(words, patch), prepare(words, patch)
    for piece in pieces:
        done = ran.hart.run({END}, piece)
        for _ in range(done):
            assert stepped.hart.pc != END
            stepped.hart.step()
        assert done == piece or stepped.hart.pc == END
        if done < piece:
            ran.hart.pc = stepped.hart.pc = CODE
        assert (ran.hart.pc, ran.hart.instret, ran.x) == (stepped.hart.pc, stepped.hart.instret, stepped.x)
    assert (ran.insns, ran.stores) == (stepped.insns, stepped.stores)
    assert ran.hart.snapshot() == stepped.hart.snapshot()
    assert ran.memory.read(BASE, SIZE) == stepped.memory.read(BASE, SIZE)
