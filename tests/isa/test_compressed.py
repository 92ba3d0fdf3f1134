# SPDX-License-Identifier: Apache-2.0
"""RV64C: LLVM compresses each expansion back to the same instruction."""

from __future__ import annotations

from pathlib import Path

import pytest
from rig import CODE, Rig, assemble

from vctx.pymodel.isa import decode, disassemble
from vctx.pymodel.isa.compressed import expand
from vctx.pymodel.isa.encoding import Kind


def _halves() -> list[int]:
    return [half for half in range(1 << 16) if half & 3 != 3]


def _is_hint(word: int) -> bool:
    """Tell whether the expansion changes nothing: LLVM writes those as 32-bit instructions."""
    decoded = decode(word)
    rd, rs1, imm = (decoded.fields.get(name) for name in ("rd", "rs1", "imm"))
    return decoded.kind is not Kind.JUMP and (rd == 0 or (imm == 0 and rd is not None and rd == rs1))


def _text(word: int) -> str:
    """Return assembler text that LLVM turns into a 16-bit instruction; it does not shorten branches by itself."""
    decoded = decode(word)
    target = f".{decoded.fields.get('imm', 0):+d}"
    match decoded.mnemonic:
        case "beq" | "bne" as name:
            return f"c.{name}z x{decoded.fields['rs1']}, {target}"
        case "jal":
            return f"c.j {target}"
    return disassemble(word)


def test_llvm_compresses_the_expansion_to_the_same_instruction(tmp_path: Path) -> None:
    words = {half: word for half in _halves() if (word := expand(half)) is not None and not _is_hint(word)}
    assert len(words) > 30_000
    code = assemble([".option rvc", *map(_text, words.values())], tmp_path)
    assert len(code) == 2 * len(words)  # LLVM knows a 16-bit form of every one
    for i, word in enumerate(words.values()):
        half = int.from_bytes(code[2 * i : 2 * i + 2], "little")
        # c.addi and c.addi16sp overlap, so the 16-bit words may differ where the instruction does not
        assert words.get(half) == word, disassemble(word)


@pytest.mark.parametrize(
    ("half", "text"),
    [
        (0x1141, "addi sp, sp, -16"),
        (0x715D, "addi sp, sp, -80"),
        (0x4501, "addi a0, zero, 0"),
        (0x852E, "add a0, zero, a1"),
        (0x8082, "jalr zero, 0(ra)"),
        (0x9002, "ebreak"),
        (0x6105, "addi sp, sp, 32"),
        (0x7579, "lui a0, 0xffffe"),
    ],
)
def test_expansions(half: int, text: str) -> None:
    word = expand(half)
    assert word is not None
    assert disassemble(word) == text


@pytest.mark.parametrize(
    "half", [0x0000, 0x2000, 0xA000, 0x8000, 0x2001, 0x6101, 0x6001, 0x4002, 0x6002, 0x8002, 0x9C41]
)
def test_reserved_and_floating_point_forms_are_illegal(half: int) -> None:
    assert expand(half) is None
    rig = Rig()
    rig.word(half)
    assert rig.trapped() == ("M", 2, half)


def test_16_and_32_bit_instructions_mix() -> None:
    rig = Rig()
    # c.li a0, 5; addi a0, a0, 100 (crosses no page); c.jalr a1 -> ra is the next 16-bit slot
    rig.memory.write(CODE, bytes.fromhex("1545130545068295"))
    rig.hart.pc, rig.x[11] = CODE, CODE + 0x100
    for _ in range(3):
        rig.hart.step()
    assert (rig.x[10], rig.x[1], rig.hart.pc) == (105, CODE + 8, CODE + 0x100)


def test_an_instruction_may_cross_a_page() -> None:
    rig = Rig()
    at = CODE + 0x1FFE
    rig.memory.write(at, (0x06450513).to_bytes(4, "little"))  # addi a0, a0, 100
    rig.x[10] = 1
    rig.hart.pc = at
    rig.hart.step()
    assert (rig.x[10], rig.hart.pc) == (101, at + 4)
    rig.hart.mmu.fault_pages[(at + 2) >> 12] = {"fetch"}
    rig.hart.pc = at
    rig.hart.step()
    assert rig.trapped() == ("M", 12, at + 2)
