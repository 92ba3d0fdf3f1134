# SPDX-License-Identifier: Apache-2.0
"""At the top of the address space everything goes on at address 0: golden hart, RTL and Spike alike."""

from __future__ import annotations

from pathlib import Path

import pytest
from run_programs import first_difference, golden, link, spike

from vctx.pymodel.isa import Csr, Hart, HartConfig, Memory, encode
from vctx.pymodel.isa.bits import M64
from vctx.tb.jobs.run import run
from vctx.tb.knobs import Knobs
from vctx.tb.simulators.find import SIMULATORS

BASE, PAGE = 0x8000_0000, 0x1000
TOP, BOTTOM = BASE + 3 * PAGE, BASE + 4 * PAGE  # pages behind the last virtual page, and behind page 0
TABLES = BASE + 0x1_0000
NOP = encode("addi", rd=0, rs1=0, imm=0)
SEVEN = encode("addi", rd=5, rs1=0, imm=7)


def at_the_top(*words: int, bottom: bool = True) -> Hart:
    """Return a hart in HS-mode whose last two words of the address space, and the first ones, are `words`."""
    memory = Memory([(BASE, 0x10_0000)], 0)
    hart = Hart(HartConfig(256), memory)
    tables = iter(range(TABLES + PAGE, TABLES + 6 * PAGE, PAGE))
    for index, leaf in ((511, TOP), (0, BOTTOM)) if bottom else ((511, TOP),):
        table = TABLES
        for target, flags in ((next(tables), 1), (next(tables), 1), (leaf, 0xCF)):
            memory.store(table + 8 * index, 8, target >> 2 | flags)
            table = target
    code = b"".join(word.to_bytes(4, "little") for word in words)
    memory.write(TOP + PAGE - 8, code[:8])
    memory.write(BOTTOM, code[8:])
    hart.csr[Csr.SATP] = 8 << 60 | TABLES >> 12
    hart.csr[Csr.MEDELEG] = M64
    hart.csr[Csr.STVEC] = BASE
    hart.set_mode(1, False)
    hart.pc = M64 - 7
    return hart


@pytest.mark.parametrize("whole", [False, True], ids=["step", "run"])
def test_code_goes_on_at_address_0(whole: bool) -> None:
    hart = at_the_top(NOP, NOP, SEVEN)
    for _ in range(40):  # often enough for the code to become hot
        hart.pc, hart.x[5] = M64 - 7, 0
        if whole:
            assert hart.run({4}, 10) == 3
        else:
            for pc in (M64 - 3, 0, 4):
                hart.step()
                assert hart.pc == pc
        assert (hart.pc, hart.x[5]) == (4, 7)


def test_a_run_ends_at_address_0() -> None:
    hart = at_the_top(NOP, NOP, SEVEN)
    assert hart.run({0}, 10) == 2 and hart.pc == 0
    hart.pc = M64 - 7
    assert hart.run((), 2) == 2 and hart.pc == 0


@pytest.mark.parametrize(
    ("word", "register", "pc"),
    [
        (encode("jal", rd=5, imm=-4), 0, M64 - 7),
        (encode("jalr", rd=5, rs1=0, imm=4), 0, 4),
        (encode("auipc", rd=5, imm=1), 0xFFC, 0),
        (encode("beq", rs1=0, rs2=0, imm=8), None, 4),
        (encode("bne", rs1=0, rs2=0, imm=-4), None, 0),
    ],
)
def test_links_and_targets(word: int, register: int | None, pc: int) -> None:
    hart = at_the_top(NOP, word, SEVEN)
    before = hart.x[5]
    hart.step()
    hart.step()
    assert (hart.x[5], hart.pc) == (before if register is None else register, pc)


def test_an_instruction_across_the_top() -> None:
    """Its second half is at address 0, and so is the fault when nothing is there."""
    low, high = SEVEN & 0xFFFF, SEVEN >> 16
    for bottom in (True, False):
        hart = at_the_top(NOP, NOP, bottom=bottom)
        hart.memory.store(TOP + PAGE - 2, 2, low)
        hart.memory.store(BOTTOM, 2, high)
        hart.pc = M64 - 1
        hart.step()
        if bottom:
            assert (hart.x[5], hart.pc) == (7, 2)
        else:
            assert (hart.csr[Csr.SCAUSE], hart.csr[Csr.STVAL], hart.csr[Csr.SEPC]) == (12, 0, M64 - 1)


@pytest.mark.parametrize(("tvec", "prv"), [(Csr.MTVEC, 3), (Csr.STVEC, 1)])
def test_a_vectored_trap(tvec: Csr, prv: int) -> None:
    hart = at_the_top(NOP, NOP)
    if prv == 1:
        hart.csr[Csr.MIDELEG] = 1 << 1
    hart.csr[tvec] = M64 - 2  # vectored, from -4 on
    hart.interrupt(1)
    assert (hart.prv, hart.pc) == (prv, 0)


PROGRAM = """
	.macro	entry	table, index, target, flags
	lla	t0, \\table
	li	t1, \\index * 8
	add	t0, t0, t1
	lla	t1, \\target
	srli	t1, t1, 2
	ori	t1, t1, \\flags
	sd	t1, 0(t0)
	.endm
	mv	s0, ra
	mv	s1, sp
	entry	root, 511, upper, 1
	entry	upper, 511, uppermost, 1
	entry	uppermost, 511, last, 0xcf
	entry	root, 0, lower, 1
	entry	lower, 0, lowermost, 1
	entry	lowermost, 0, first, 0xcf
	lla	t0, root
	li	t1, 0x200000cf		# 0x80000000, a page of 1 GiB
	sd	t1, 16(t0)
	srli	t0, t0, 12
	li	t1, 8 << 60
	or	t0, t0, t1
	csrw	satp, t0
	lla	t0, back
	csrw	mtvec, t0
	lla	t0, supervisor
	csrw	mepc, t0
	li	t0, 0x1800
	csrc	mstatus, t0
	li	t0, 0x800
	csrs	mstatus, t0
	mret

	.balign	4
supervisor:
	li	a0, -64
	li	t0, 0x0123456789abcdef
	sd	t0, -8(zero)		# both held back until a vector instruction can see them
	sd	t0, 0(zero)
	li	t1, 48
	vsetvli	zero, t1, e8, m8, ta, ma
	li	a0, -8
	vle8.v	v8, (a0)
	li	a0, -24
	vse8.v	v8, (a0)
	sd	t0, 8(zero)
	li	a0, -40
	vle8.v	v16, (a0)
	vl1re64.v v3, (a0)
	li	t1, 4
	vsetvli	zero, t1, e64, m4, ta, ma
	li	a0, -16
	vle64.v	v4, (a0)
	vse64.v	v4, (a0)
	li	t0, 0x13			# nop
	sw	t0, -4(zero)
	lla	t1, leave
	lw	t0, 0(t1)
	sw	t0, 0(zero)
	fence.i
	li	t0, -4
	jr	t0
	.balign	4
leave:
	ecall

	.balign	4
back:
	mv	sp, s1
	mv	ra, s0
	csrr	a0, mcause
	addi	a0, a0, -9
	csrr	t0, mepc
	or	a0, a0, t0
	ret

	.data
	.balign	4096
last:	.skip	4096
first:	.skip	4096
root:	.skip	4096
upper:	.skip	4096
uppermost: .skip 4096
lower:	.skip	4096
lowermost: .skip 4096
"""


def test_a_program_at_the_top_on_all(tmp_path: Path) -> None:
    elf = link(PROGRAM, tmp_path)
    exit_code, expected = spike(elf, 128, tmp_path)
    ended, log = golden(elf, 128)
    assert (ended.exit_code, exit_code) == (0, 0)
    assert first_difference(expected, log) is None
    assert any("(0x00000073)" in line or "epc 0x0000000000000000" in line for line in log)
    for sim in SIMULATORS:
        result = run(elf, Knobs(sim, 128, 64, harts=1), max_instructions=10_000)
        assert result.rtl.ok and result.exit_code == 0, result.rtl.mismatch
