# SPDX-License-Identifier: Apache-2.0
"""A program survives its assembly file, and the file can be edited."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from vctx.pymodel.fuzz.generator import generate
from vctx.pymodel.fuzz.program import USER_ALIAS, Item, Program, read_assembly, world
from vctx.pymodel.fuzz.reserved import RESERVED
from vctx.pymodel.isa import encode
from vctx.pymodel.isa.encoding import TABLE, Kind
from vctx.pymodel.programs import ProgramError


def every_word() -> list[int]:
    """Each instruction that may be in a body, with several operands."""
    rng = random.Random(1)
    kinds = (Kind.VSET, Kind.VMEM, Kind.VOP)
    words = [
        spec.match | rng.getrandbits(32) & ~spec.mask for spec in TABLE.values() if spec.kind in kinds for _ in range(4)
    ]
    words += [encode("vsetvli", rd=5, rs1=6, vtypei=vtypei) for vtypei in range(0, 1 << 11, 13)]
    words += [row.match for row in RESERVED]
    for form in ("csrrw", "csrrs", "csrrc"):
        for csr in (0x8, 0x9, 0xA, 0xF, 0xC20, 0xC21, 0xC22, 0x100, 0x200, 0x300, 0x600, 0x680):
            words += [encode(form, rd=3, csr=csr, rs1=4), encode(form + "i", rd=0, csr=csr, uimm=31)]
    words += [encode("ecall"), encode("mret"), encode("sret"), encode("auipc", rd=30, imm=0)]
    words += [encode("lui", rd=31, imm=0xC0000), encode("addi", rd=4, rs1=10, imm=-2048)]
    return words


def test_every_instruction_survives_the_file(tmp_path: Path) -> None:
    params = {name: 3 * number << 40 | number for number, name in enumerate(world().names)}
    body = tuple(Item((word,), number if number % 7 == 0 else None) for number, word in enumerate(every_word()))
    for first in range(0, len(body), 700):  # a page holds a thousand
        program = Program(512, params, body[first : first + 700])
        file = tmp_path / "every.S"
        file.write_text(program.assembly("every instruction\nin two lines", "vctx fuzz"))
        again = read_assembly(file)
        assert again == program
        assert again.irqs == program.irqs


def test_a_random_program_survives_the_file(tmp_path: Path) -> None:
    program = generate("survivor", 256)
    file = tmp_path / "random.S"
    file.write_text(program.assembly("random", "vctx fuzz"))
    again = read_assembly(file)
    assert (again.vlen, again.words, again.irqs) == (program.vlen, program.words, program.irqs)
    assert again.image() == program.image()


def test_a_file_may_be_edited(tmp_path: Path) -> None:
    file = tmp_path / "edited.S"
    text = Program(128, {"x5": 7}, (Item((encode("vid.v", vd=8),)),)).assembly("x", "y")
    file.write_text(text.replace("\tvid.v\tv8\n", "\tli\ta0, 5\n\tvsetvli zero, a0, e8, m1, ta, ma\n"))
    again = read_assembly(file)
    assert again.words == (encode("addi", rd=10, rs1=0, imm=5), encode("vsetvli", rd=0, rs1=10, vtypei=0xC0))
    assert again.params["x5"] == 7


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "cannot read"),
        ("\tnot an instruction\n", "failed"),
        ('\t.section .body, "ax"\n\tnop\n', "not a fuzz program"),
    ],
    ids=["missing", "does not assemble", "no program"],
)
def test_what_is_no_program_is_refused(text: str | None, message: str, tmp_path: Path) -> None:
    file = tmp_path / "bad.S"
    if text is not None:
        file.write_text(text)
    with pytest.raises(ProgramError, match=message):
        read_assembly(file)


def test_addresses_of_the_body() -> None:
    program = Program(128, {}, (Item((1, 2)), Item((3,), irq=4)))
    body = world().body
    assert [program.word_at(body + at) for at in (-4, 0, 8, 12)] == [None, 0, 2, None]
    assert [program.word_at(body - USER_ALIAS + at) for at in (-4, 0, 8, 12)] == [None, 0, 2, None]
    assert program.ends == {body + 12, body + 12 - USER_ALIAS}
    assert program.irqs == {2: 4} and program.without_irqs().irqs == {}
