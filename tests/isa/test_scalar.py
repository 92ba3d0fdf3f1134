# SPDX-License-Identifier: Apache-2.0
"""RV64IMA: arithmetic against definitions in signed and unsigned integers, memory, atomics."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rig import CODE, DATA, HOLE, Rig

from vctx.pymodel.isa import Hart, HartConfig

M64 = (1 << 64) - 1
_EDGES = [0, 1, 2, 31, 32, 63, 64, (1 << 31) - 1, 1 << 31, (1 << 32) - 1, 1 << 32, (1 << 63) - 1, 1 << 63, M64 - 1, M64]
_WORDS = st.one_of(st.sampled_from(_EDGES), st.integers(0, M64))


def s64(a: int) -> int:
    return a - (a >> 63 << 64)


def s32(a: int) -> int:
    a &= 0xFFFF_FFFF
    return a - (a >> 31 << 32)


def _quotient(a: int, b: int) -> int:
    if b == 0:
        return -1
    return -(abs(a) // abs(b)) if (a < 0) != (b < 0) else abs(a) // abs(b)


def _remainder(a: int, b: int) -> int:
    return a if b == 0 else a - b * _quotient(a, b)


_OPS: dict[str, Callable[[int, int], int]] = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "sll": lambda a, b: a << b % 64,
    "slt": lambda a, b: s64(a) < s64(b),
    "sltu": lambda a, b: a < b,
    "xor": lambda a, b: a ^ b,
    "srl": lambda a, b: a >> b % 64,
    "sra": lambda a, b: s64(a) >> b % 64,
    "or": lambda a, b: a | b,
    "and": lambda a, b: a & b,
    "addw": lambda a, b: s32(a + b),
    "subw": lambda a, b: s32(a - b),
    "sllw": lambda a, b: s32(a << b % 32),
    "srlw": lambda a, b: s32(a % 2**32 >> b % 32),
    "sraw": lambda a, b: s32(a) >> b % 32,
    "mul": lambda a, b: a * b,
    "mulh": lambda a, b: s64(a) * s64(b) >> 64,
    "mulhsu": lambda a, b: s64(a) * b >> 64,
    "mulhu": lambda a, b: a * b >> 64,
    "mulw": lambda a, b: s32(a * b),
    "div": lambda a, b: _quotient(s64(a), s64(b)),
    "divu": lambda a, b: a // b if b else -1,
    "rem": lambda a, b: _remainder(s64(a), s64(b)),
    "remu": lambda a, b: a % b if b else a,
    "divw": lambda a, b: s32(_quotient(s32(a), s32(b))),
    "divuw": lambda a, b: s32(a % 2**32 // (b % 2**32)) if b % 2**32 else -1,
    "remw": lambda a, b: s32(_remainder(s32(a), s32(b))),
    "remuw": lambda a, b: s32(a % 2**32 % (b % 2**32)) if b % 2**32 else s32(a),
}
_IMMEDIATE = {
    "addi": "add", "slti": "slt", "sltiu": "sltu", "xori": "xor", "ori": "or", "andi": "and", "addiw": "addw",
    "slli": "sll", "srli": "srl", "srai": "sra", "slliw": "sllw", "srliw": "srlw", "sraiw": "sraw",
}  # fmt: skip


@pytest.mark.parametrize("mnemonic", _OPS)
@given(a=_WORDS, b=_WORDS)
@example(a=1 << 31, b=M64)  # the lowest number of 32 bits, of 64, and division by zero
@example(a=-(1 << 31) & M64, b=M64)
@example(a=1 << 63, b=M64)
@example(a=1 << 31, b=0)
def test_register_register(mnemonic: str, a: int, b: int) -> None:
    rig = Rig()
    rig.x[5], rig.x[6] = a, b
    rig.step(mnemonic, rd=7, rs1=5, rs2=6)
    assert rig.x[7] == int(_OPS[mnemonic](a, b)) & M64
    rig.step(mnemonic, rd=0, rs1=5, rs2=6)
    assert rig.x[0] == 0


@pytest.mark.parametrize("mnemonic", _IMMEDIATE)
@given(a=_WORDS, imm=st.integers(-2048, 2047))
def test_register_immediate(mnemonic: str, a: int, imm: int) -> None:
    if mnemonic[:3] in ("sll", "srl", "sra"):
        imm &= 31 if mnemonic.endswith("w") else 63
    rig = Rig()
    rig.x[5] = a
    rig.step(mnemonic, rd=5, rs1=5, imm=imm)
    assert rig.x[5] == int(_OPS[_IMMEDIATE[mnemonic]](a, imm & M64)) & M64


_TAKEN: dict[str, Callable[[int, int], bool]] = {
    "beq": lambda a, b: a == b,
    "bne": lambda a, b: a != b,
    "blt": lambda a, b: s64(a) < s64(b),
    "bge": lambda a, b: s64(a) >= s64(b),
    "bltu": lambda a, b: a < b,
    "bgeu": lambda a, b: a >= b,
}


@pytest.mark.parametrize("mnemonic", _TAKEN)
@given(a=_WORDS, b=st.one_of(_WORDS, st.none()), offset=st.integers(-2048, 2047))
def test_branches(mnemonic: str, a: int, b: int | None, offset: int) -> None:
    rig = Rig()
    rig.x[5], rig.x[6] = a, a if b is None else b
    rig.step(mnemonic, rs1=5, rs2=6, imm=2 * offset)
    assert rig.hart.pc == CODE + (2 * offset if _TAKEN[mnemonic](a, rig.x[6]) else 4)


def test_jumps_and_upper_immediates() -> None:
    rig = Rig()
    rig.step("jal", rd=1, imm=-4096)
    assert (rig.x[1], rig.hart.pc) == (CODE + 4, CODE - 4096)
    rig.x[5] = DATA + 1
    rig.step("jalr", rd=5, rs1=5, imm=4)  # bit 0 is dropped; the link may replace the base
    assert (rig.x[5], rig.hart.pc) == (CODE + 4, DATA + 4)
    rig.step("lui", rd=5, imm=0x80000)
    assert rig.x[5] == 0xFFFF_FFFF_8000_0000
    rig.step("auipc", rd=5, imm=0x80000)
    assert rig.x[5] == CODE + 0xFFFF_FFFF_8000_0000 & M64


_LOADS = {"lb": (1, True), "lbu": (1, False), "lh": (2, True), "lhu": (2, False), "lw": (4, True), "lwu": (4, False)}
_LOADS["ld"] = (8, True)


@pytest.mark.parametrize("mnemonic", _LOADS)
@given(value=_WORDS)
def test_loads(mnemonic: str, value: int) -> None:
    size, signed = _LOADS[mnemonic]
    rig = Rig()
    rig.memory.store(DATA, 8, value)
    rig.x[5] = DATA + 16
    rig.step(mnemonic, rd=6, rs1=5, imm=-16)
    expected = value & (1 << 8 * size) - 1
    if signed and expected >> 8 * size - 1:
        expected -= 1 << 8 * size
    assert rig.x[6] == expected & M64


@pytest.mark.parametrize(("mnemonic", "size"), [("sb", 1), ("sh", 2), ("sw", 4), ("sd", 8)])
def test_stores_are_reported(mnemonic: str, size: int) -> None:
    rig = Rig()
    rig.x[5], rig.x[6] = DATA, 0x1122_3344_5566_7788
    rig.step(mnemonic, rs2=6, rs1=5, imm=-8)
    data = rig.x[6].to_bytes(8, "little")[:size]
    assert rig.stores == [(DATA - 8, data)]
    assert rig.memory.read(DATA - 8, 9) == data + bytes([0xA5]) * (9 - size)


@pytest.mark.parametrize(
    ("mnemonic", "address", "cause"),
    [
        ("ld", DATA + 4, 4),
        ("lh", DATA + 1, 4),
        ("sw", DATA + 2, 6),
        ("lb", HOLE, 5),
        ("sd", HOLE, 7),
        ("ld", HOLE + 1, 4),
        ("amoadd.w", DATA + 2, 6),
        ("lr.d", DATA + 4, 4),
        ("sc.d", HOLE, 7),
    ],
)
def test_memory_exceptions(mnemonic: str, address: int, cause: int) -> None:
    rig = Rig()
    rig.x[5], rig.x[7] = address, 77
    operands = {"l": {"rd": 7, "imm": 0}, "s": {"rs2": 6, "imm": 0}, "a": {"rd": 7, "rs2": 6}}[mnemonic[0]]
    if mnemonic == "lr.d":
        operands = {"rd": 7}
    if mnemonic == "sc.d":
        operands = {"rd": 7, "rs2": 6}
    rig.step(mnemonic, rs1=5, **operands)
    assert rig.trapped() == ("M", cause, address)
    assert (rig.x[7], rig.stores) == (77, [])


_AMOS: dict[str, Callable[[int, int], int]] = {
    "swap": lambda old, new: new,
    "add": lambda old, new: old + new,
    "xor": lambda old, new: old ^ new,
    "and": lambda old, new: old & new,
    "or": lambda old, new: old | new,
    "min": min,
    "max": max,
}


@pytest.mark.parametrize("width", ["w", "d"])
@pytest.mark.parametrize("name", [*_AMOS, "minu", "maxu"])
@given(old=_WORDS, operand=_WORDS)
def test_amo(width: str, name: str, old: int, operand: int) -> None:
    size, signed = (4, s32) if width == "w" else (8, s64)
    rig = Rig()
    rig.memory.store(DATA, 8, old)
    rig.x[5], rig.x[6] = DATA, operand
    rig.step(f"amo{name}.{width}", rd=7, rs1=5, rs2=6, aqrl=3)
    mask = (1 << 8 * size) - 1
    if name.endswith("u"):
        expected = _AMOS[name[:3]](old & mask, operand & mask)
    else:
        expected = _AMOS[name](signed(old), signed(operand))
    assert rig.memory.load(DATA, size) == expected & mask
    assert rig.x[7] == signed(old) & M64
    assert rig.stores == [(DATA, (expected & mask).to_bytes(size, "little"))]
    assert rig.memory.load(DATA + 4, 4) == (rig.memory.load(DATA, 8) >> 32 if width == "d" else old >> 32)


def test_lr_sc() -> None:
    rig = Rig()
    rig.x[5], rig.x[6] = DATA, 42
    sc = {"rd": 7, "rs1": 5, "rs2": 6}
    rig.step("sc.w", **sc)
    assert (rig.x[7], rig.stores) == (1, [])  # no reservation
    rig.step("lr.w", rd=8, rs1=5)
    rig.step("sc.w", **sc)
    assert (rig.x[7], rig.memory.load(DATA, 4)) == (0, 42)
    rig.step("sc.w", **sc)
    assert rig.x[7] == 1  # one SC a reservation


@pytest.mark.parametrize(("address", "succeeds"), [(DATA + 8, False), (DATA + 64, True)])
def test_another_harts_store_breaks_the_reservation_of_its_line(address: int, succeeds: bool) -> None:
    rig = Rig()
    other = Hart(HartConfig(), rig.memory, hart_id=1)
    rig.x[5], rig.x[6] = DATA, 42
    rig.step("lr.d", rd=8, rs1=5)
    other.store_physical(address, 1, 0)
    rig.step("sc.d", rd=7, rs1=5, rs2=6)
    assert (rig.x[7] == 0) == succeeds


@pytest.mark.parametrize("mnemonic", ["fence.i", "fence.tso"])
def test_fences_do_nothing_visible(mnemonic: str) -> None:
    rig = Rig()
    rig.step(mnemonic)
    assert rig.hart.pc == CODE + 4
