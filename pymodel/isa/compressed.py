# SPDX-License-Identifier: Apache-2.0
"""The C extension: each 16-bit instruction is a short form of a 32-bit one."""

from __future__ import annotations

from functools import lru_cache

from vctx.pymodel.isa.encoding import Operand, encode

_SP = 2


def _imm(*pieces: tuple[int, int, int], signed: bool = False) -> Operand:
    return Operand("imm", pieces, signed)


_ADDI4SPN = _imm((11, 2, 4), (7, 4, 6), (6, 1, 2), (5, 1, 3))
_WORD = _imm((10, 3, 3), (6, 1, 2), (5, 1, 6))
_DOUBLE = _imm((10, 3, 3), (5, 2, 6))
_IMM6 = _imm((12, 1, 5), (2, 5, 0), signed=True)
_SHAMT = _imm((12, 1, 5), (2, 5, 0))
_ADDI16SP = _imm((12, 1, 9), (6, 1, 4), (5, 1, 6), (3, 2, 7), (2, 1, 5), signed=True)
_J = _imm((12, 1, 11), (11, 1, 4), (9, 2, 8), (8, 1, 10), (7, 1, 6), (6, 1, 7), (3, 3, 1), (2, 1, 5), signed=True)
_B = _imm((12, 1, 8), (10, 2, 3), (5, 2, 6), (3, 2, 1), (2, 1, 5), signed=True)
_LWSP = _imm((12, 1, 5), (4, 3, 2), (2, 2, 6))
_LDSP = _imm((12, 1, 5), (5, 2, 3), (2, 3, 6))
_SWSP = _imm((9, 4, 2), (7, 2, 6))
_SDSP = _imm((10, 3, 3), (7, 3, 6))


@lru_cache(maxsize=1 << 16)
def expand(half: int) -> int | None:
    """Return the 32-bit form of a 16-bit instruction word (RV64C), or None when it is illegal or floating point."""
    funct3 = half >> 13
    quadrant = half & 3
    if quadrant == 0:
        return _quadrant0(half, funct3)
    return _quadrant1(half, funct3) if quadrant == 1 else _quadrant2(half, funct3)


@lru_cache(maxsize=1 << 16)
def expand_float(half: int) -> int | None:
    """Return the 32-bit form of c.fld, c.fsd, c.fldsp or c.fsdsp; what :func:`expand` returns for any other word."""
    quadrant, funct3 = half & 3, half >> 13
    low, base = 8 + (half >> 2 & 7), 8 + (half >> 7 & 7)
    match quadrant, funct3:
        case 0, 1:
            return encode("fld", fd=low, rs1=base, imm=_DOUBLE.extract(half))
        case 0, 5:
            return encode("fsd", fs2=low, rs1=base, imm=_DOUBLE.extract(half))
        case 2, 1:
            return encode("fld", fd=half >> 7 & 31, rs1=_SP, imm=_LDSP.extract(half))
        case 2, 5:
            return encode("fsd", fs2=half >> 2 & 31, rs1=_SP, imm=_SDSP.extract(half))
    return expand(half)


def _quadrant0(half: int, funct3: int) -> int | None:
    rd, rs1 = 8 + (half >> 2 & 7), 8 + (half >> 7 & 7)
    match funct3:
        case 0 if imm := _ADDI4SPN.extract(half):
            return encode("addi", rd=rd, rs1=_SP, imm=imm)
        case 2:
            return encode("lw", rd=rd, rs1=rs1, imm=_WORD.extract(half))
        case 3:
            return encode("ld", rd=rd, rs1=rs1, imm=_DOUBLE.extract(half))
        case 6:
            return encode("sw", rs2=rd, rs1=rs1, imm=_WORD.extract(half))
        case 7:
            return encode("sd", rs2=rd, rs1=rs1, imm=_DOUBLE.extract(half))
    return None


def _quadrant1(half: int, funct3: int) -> int | None:
    rd, imm = half >> 7 & 31, _IMM6.extract(half)
    match funct3:
        case 0:
            return encode("addi", rd=rd, rs1=rd, imm=imm)
        case 1 if rd:
            return encode("addiw", rd=rd, rs1=rd, imm=imm)
        case 2:
            return encode("addi", rd=rd, rs1=0, imm=imm)
        case 3 if imm and rd == _SP:
            return encode("addi", rd=_SP, rs1=_SP, imm=_ADDI16SP.extract(half))
        case 3 if imm:
            return encode("lui", rd=rd, imm=imm & 0xFFFFF)
        case 4:
            return _arithmetic(half)
        case 5:
            return encode("jal", rd=0, imm=_J.extract(half))
        case 6 | 7:
            mnemonic = "beq" if funct3 == 6 else "bne"
            return encode(mnemonic, rs1=8 + (half >> 7 & 7), rs2=0, imm=_B.extract(half))
    return None


def _arithmetic(half: int) -> int | None:
    rd, rs2 = 8 + (half >> 7 & 7), 8 + (half >> 2 & 7)
    match half >> 10 & 3:
        case 0:
            return encode("srli", rd=rd, rs1=rd, imm=_SHAMT.extract(half))
        case 1:
            return encode("srai", rd=rd, rs1=rd, imm=_SHAMT.extract(half))
        case 2:
            return encode("andi", rd=rd, rs1=rd, imm=_IMM6.extract(half))
    names = ("sub", "xor", "or", "and", "subw", "addw", None, None)
    mnemonic = names[(half >> 12 & 1) << 2 | half >> 5 & 3]
    return encode(mnemonic, rd=rd, rs1=rd, rs2=rs2) if mnemonic else None


def _quadrant2(half: int, funct3: int) -> int | None:
    rd, rs2 = half >> 7 & 31, half >> 2 & 31
    match funct3:
        case 0:
            return encode("slli", rd=rd, rs1=rd, imm=_SHAMT.extract(half))
        case 2 if rd:
            return encode("lw", rd=rd, rs1=_SP, imm=_LWSP.extract(half))
        case 3 if rd:
            return encode("ld", rd=rd, rs1=_SP, imm=_LDSP.extract(half))
        case 4:
            return _register(half >> 12 & 1, rd, rs2)
        case 6:
            return encode("sw", rs2=rs2, rs1=_SP, imm=_SWSP.extract(half))
        case 7:
            return encode("sd", rs2=rs2, rs1=_SP, imm=_SDSP.extract(half))
    return None


def _register(bit12: int, rd: int, rs2: int) -> int | None:
    if rs2:
        return encode("add", rd=rd, rs1=rd if bit12 else 0, rs2=rs2)
    if rd:
        return encode("jalr", rd=bit12, rs1=rd, imm=0)
    return encode("ebreak") if bit12 else None
