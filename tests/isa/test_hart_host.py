# SPDX-License-Identifier: Apache-2.0
"""How a host drives the hart: run, call, inject, snapshot, code changes."""

from __future__ import annotations

import pytest
from rig import BASE, CODE, DATA, HOLE, MTVEC, Rig, vtype

from vctx.pymodel.isa import Csr, Hart, HartConfig, HartError, UnexpectedTrap, encode


def _program(rig: Rig, at: int, *words: int) -> None:
    rig.memory.write(at, b"".join(word.to_bytes(4, "little") for word in words))


_RET = encode("jalr", rd=0, rs1=1, imm=0)


def _nop() -> int:
    return encode("addi", rd=0, rs1=0, imm=0)


def test_run_checks_the_stop_set_before_each_step() -> None:
    rig = Rig()
    _program(rig, CODE, _nop(), _nop(), _nop())
    assert rig.hart.run({CODE}) == 0
    assert rig.hart.run({CODE + 8, HOLE}) == 2
    assert (rig.hart.pc, rig.hart.instret) == (CODE + 8, 2)
    rig.hart.pc = CODE
    assert rig.hart.run((), limit=3) == 3


def test_run_counts_traps_as_steps_but_not_as_instructions() -> None:
    rig = Rig()
    _program(rig, CODE, _nop(), encode("ecall"))
    assert rig.hart.run({MTVEC}) == 2
    assert (rig.hart.instret, rig.csr[Csr.MEPC]) == (1, CODE + 4)


def test_call_passes_arguments_and_restores_registers() -> None:
    rig = Rig()
    entry = CODE + 0x800
    _program(rig, entry, encode("sub", rd=10, rs1=10, rs2=11), encode("addi", rd=20, rs1=0, imm=1), _RET)
    rig.x[20] = 77
    before, pc = rig.x[:], rig.hart.pc
    assert rig.hart.call(entry, 5, 7) == (1 << 64) - 2
    assert (rig.x, rig.hart.pc) == (before, pc)


def test_call_reports_a_trap_that_lands_at_the_sentinel() -> None:
    rig = Rig()
    entry = CODE + 0x800
    word = encode("vadd.vv", vd=1, vs2=2, vs1=3)
    _program(rig, entry, _nop(), word, _RET)
    rig.csr[Csr.MEDELEG] = 1 << 2
    rig.csr[Csr.STVEC] = Hart.TRAP_SENTINEL
    rig.mode("HS")
    before = rig.x[:]
    with pytest.raises(UnexpectedTrap) as trap:
        rig.hart.call(entry)
    assert (trap.value.cause, trap.value.epc, trap.value.tval) == (2, entry + 4, word)
    assert rig.x == before


@pytest.mark.parametrize(("mode", "vector"), [("M", Csr.MTVEC), ("VS", Csr.VSTVEC)])
def test_the_sentinel_works_in_any_mode(mode: str, vector: Csr) -> None:
    rig = Rig()
    _program(rig, CODE + 0x800, 0)
    rig.csr[vector] = Hart.TRAP_SENTINEL
    if mode == "VS":
        rig.csr[Csr.MEDELEG] = rig.csr[Csr.HEDELEG] = 1 << 2
    rig.mode(mode)
    with pytest.raises(UnexpectedTrap, match=f"cause 2, epc {CODE + 0x800:#x}, tval 0x0"):
        rig.hart.call(CODE + 0x800)


def test_call_gives_up() -> None:
    rig = Rig()
    _program(rig, CODE, encode("jal", rd=0, imm=0))
    with pytest.raises(HartError, match="has not returned after 10 steps"):
        rig.hart.call(CODE, limit=10)
    with pytest.raises(HartError, match="at most 8"):
        rig.hart.call(CODE, *range(9))


@pytest.mark.parametrize("address", [Hart.RETURN, Hart.TRAP_SENTINEL, Hart.INJECT_PC])
def test_reserved_addresses_do_not_execute(address: int) -> None:
    rig = Rig()
    rig.hart.pc = address
    rig.hart.step()
    assert rig.trapped() == ("M", 1, address)


def test_inject_executes_one_instruction_with_given_values() -> None:
    rig = Rig()
    before, pc = rig.x[:], rig.hart.pc
    assert rig.hart.inject(encode("add", rd=5, rs1=6, rs2=7), 30, 12) == 42
    assert rig.hart.inject(encode("csrrw", rd=5, csr=Csr.SSCRATCH, rs1=5), 99) == 0
    assert rig.hart.inject(encode("csrrs", rd=5, csr=Csr.SSCRATCH, rs1=0)) == 99
    assert rig.hart.inject(encode("csrrwi", rd=5, csr=Csr.SSCRATCH, uimm=1)) == 99
    rig.hart.inject(encode("sd", rs1=5, rs2=6, imm=8), DATA, 11)
    assert rig.memory.load(DATA + 8, 8) == 11
    assert (rig.x, rig.hart.pc, rig.hart.instret) == (before, pc, 5)


def test_inject_is_recorded_like_a_step() -> None:
    rig = Rig()
    word = encode("csrrs", rd=5, csr=Csr.SSTATUS, rs1=6)
    rig.set_vs(0, 0)
    rig.mode("HS")
    rig.hart.inject(word, 0x600)
    pc, issue, retire = rig.insns[-1]
    assert (pc, issue.insn, issue.rs1, issue.prv, issue.virt) == (Hart.INJECT_PC, word, 0x600, 1, False)
    assert (retire.rd, retire.mstatus_vs) == (0, 3)


def test_inject_raises_a_trap_without_entering_it() -> None:
    rig = Rig()
    rig.set_vs(2, 2)
    rig.vset(vtype(8))
    rig.mode("HS")
    before = {csr: rig.csr[csr] for csr in Csr if csr not in (Csr.VSTART, Csr.MSTATUS, Csr.SSTATUS)}
    pc = rig.hart.pc
    with pytest.raises(UnexpectedTrap) as trap:
        rig.hart.inject(encode("vle8.v", vd=8, rs1=10), HOLE - 3)
    assert (trap.value.cause, trap.value.epc, trap.value.tval) == (5, Hart.INJECT_PC, HOLE)
    assert rig.insns[-1][2].trap is not None
    assert rig.vec.vstart == 3
    assert rig.vs() == (3, 2)
    assert {csr: rig.csr[csr] for csr in before} == before
    assert (rig.hart.pc, rig.hart.prv) == (pc, 1)


def test_inject_of_sret_changes_mode_and_pc() -> None:
    rig = Rig()
    rig.csr[Csr.HSTATUS] = 1 << 7
    rig.csr[Csr.SEPC] = BASE + 0x4000
    rig.mode("HS")
    rig.hart.inject(encode("sret"))
    assert (rig.hart.prv, rig.hart.virt, rig.hart.pc) == (0, True, BASE + 0x4000)


@pytest.mark.parametrize(
    ("word", "rs1", "rs2"),
    [
        (encode("add", rd=5, rs1=0, rs2=7), 1, 0),
        (encode("add", rd=5, rs1=7, rs2=7), 1, 2),
        (encode("csrrwi", rd=5, csr=Csr.SSCRATCH, uimm=1), 3, 0),
        (encode("vle8.v", vd=8, rs1=10), 0, 5),
    ],
)
def test_inject_refuses_values_that_no_register_can_hold(word: int, rs1: int, rs2: int) -> None:
    with pytest.raises(HartError, match="cannot be"):
        Rig().hart.inject(word, rs1, rs2)


def test_snapshot_holds_the_whole_vector_state() -> None:
    rig = Rig()
    rig.vset(vtype(16, "m2"), 5, 2)
    rig.vec.vcsr = 5
    rig.set_vs(1, 2)
    state = rig.hart.snapshot()
    assert (state.vtype, state.vl, state.vstart, state.vcsr) == (vtype(16, "m2"), 5, 2, 5)
    assert (state.mstatus_vs, state.vsstatus_vs, state.mem, state.trap) == (1, 2, {}, None)
    assert b"".join(state.vregs[i] for i in range(32)) == rig.vec.regs.tobytes()


def test_written_code_is_executed_at_once() -> None:
    rig = Rig()
    _program(rig, CODE, encode("addi", rd=5, rs1=0, imm=1))
    for imm in (1, 2):
        rig.memory.store(CODE, 4, encode("addi", rd=5, rs1=0, imm=imm))  # by the host
        rig.hart.pc = CODE
        rig.hart.step()
        assert rig.x[5] == imm
    other = Hart(HartConfig(), rig.memory, hart_id=1)
    other.store_physical(CODE, 4, encode("addi", rd=5, rs1=0, imm=3))  # by another hart
    rig.hart.pc = CODE
    rig.hart.step()
    assert rig.x[5] == 3
    # by itself, into the page it runs in, with both instructions already decoded
    _program(rig, CODE, encode("sw", rs1=6, rs2=7, imm=4), encode("addi", rd=5, rs1=0, imm=4))
    rig.x[6], rig.x[7] = CODE, encode("addi", rd=5, rs1=0, imm=5)
    rig.hart.pc = CODE + 4
    rig.hart.run({CODE + 8})
    assert rig.x[5] == 4
    rig.hart.pc = CODE
    rig.hart.run({CODE + 8})
    assert rig.x[5] == 5


def test_a_write_to_the_second_half_of_a_decoded_instruction_is_noticed() -> None:
    """The instruction starts in one 64-byte line and ends in the next."""
    rig = Rig()
    at = CODE + 62
    for imm in (1, 2):
        rig.memory.store(at, 4, encode("addi", rd=5, rs1=0, imm=1))
        rig.memory.store(at + 2, 2, encode("addi", rd=5, rs1=0, imm=imm) >> 16)
        rig.hart.pc = at
        rig.hart.step()
        assert rig.x[5] == imm
    rig.memory.store(at + 2, 2, encode("addi", rd=5, rs1=0, imm=3) >> 16)
    rig.hart.pc = at
    rig.hart.step()
    assert rig.x[5] == 3


def test_modes_are_checked() -> None:
    hart = Rig().hart
    for prv, virt in ((2, False), (3, True)):
        with pytest.raises(HartError, match="no mode"):
            hart.set_mode(prv, virt)
    hart.prv, hart.virt = 1, True
    hart.prv = 3
    assert not hart.virt


def test_the_observer_is_optional() -> None:
    rig = Rig()
    rig.hart.observer = None
    rig.vset(vtype(8))
    assert rig.step("vadd.vv", vd=1, vs2=2, vs1=3) is None
    assert (rig.hart.pc, rig.insns) == (CODE + 4, [])
