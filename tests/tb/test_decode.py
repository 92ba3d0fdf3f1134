# SPDX-License-Identifier: Apache-2.0
"""What the block does not execute is an illegal instruction: every CSR number, every encoding that no row names."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import cycle, product
from pathlib import Path

from tb_scripts import E8M1, Script

from vctx.pymodel.isa import Csr, encode
from vctx.pymodel.isa.csr_numbers import BLOCK_CSRS
from vctx.pymodel.isa.encoding import Kind, decode
from vctx.pymodel.trace import Trap
from vctx.tb.replay.launch import replay

SYSTEM, OP_V, LOAD, STORE = 0x73, 0x57, 0x07, 0x27
MODES = ((3, False), (1, False), (0, False), (1, True), (0, True))
RD, RS1 = 5 << 7, 6 << 15
CSR_FORMS = (1, 2, 3, 5, 6, 7)


def system_words() -> Iterator[int]:
    """Each of 4096 numbers with each of eight funct3, but for accesses to the block's CSRs."""
    for number, funct3 in product(range(1 << 12), range(8)):
        if number not in BLOCK_CSRS or funct3 not in CSR_FORMS:
            yield number << 20 | RS1 | funct3 << 12 | RD | SYSTEM


def memory_words() -> Iterator[int]:
    """nf, mew, mop, vm, lumop and width of loads and stores."""
    for opcode, high, lumop, width in product((LOAD, STORE), range(1 << 7), range(32), (0, 5, 6, 7)):
        yield high << 25 | lumop << 20 | RS1 | width << 12 | 8 << 7 | opcode


def arithmetic_words() -> Iterator[int]:
    """funct6, vm and funct3 with each vs1, which is part of the operation of some, as is vs2 of others."""
    for high, vs2, vs1, funct3 in product(range(1 << 7), (0, 8, 9), range(32), range(7)):
        yield high << 25 | vs2 << 20 | vs1 << 15 | funct3 << 12 | 8 << 7 | OP_V


def unknown() -> list[int]:
    """What the block must refuse. vset* (funct3 7 of OP-V) has no reserved encoding that the others do not show."""
    words = [word for word in (*memory_words(), *arithmetic_words()) if decode(word).kind is Kind.UNKNOWN]
    return [*system_words(), *words]


def refusing(words: list[int]) -> Script:
    """The words on a unit that is on, each refused, in all modes in turn."""
    script = Script()
    script.on()
    script.vsetvli(5, E8M1, 5)
    for word, (prv, virt) in zip(words, cycle(MODES), strict=False):
        script.word(word, rs1=0x8000_0000, prv=prv, virt=virt, trap=Trap(2, word))
    return script


def test_the_block_refuses_what_it_does_not_know(tmp_path: Path) -> None:
    words = unknown()
    assert len(words) > 100_000
    result = replay(refusing(words).write(tmp_path / "decode.vctx"), sim="verilator", out_dir=tmp_path / "run")
    assert result.ok, result.mismatch and result.mismatch.text()
    assert result.instructions == len(words) + 2


def test_what_it_executes_is_noticed(tmp_path: Path) -> None:
    known = encode("csrrs", rd=5, csr=Csr.VL, rs1=0)
    script = refusing([*list(system_words())[:5], known])  # in M-mode, as the first
    result = replay(script.write(tmp_path / "decode.vctx"), sim="verilator", out_dir=tmp_path / "run")
    assert result.mismatch is not None and result.mismatch.index == len(script.events) - 1
