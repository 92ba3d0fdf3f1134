# SPDX-License-Identifier: Apache-2.0
"""What RV64IM instructions do, each written once: as the text of Python expressions.

The operations of single instructions (:mod:`pymodel.isa.scalar`) and the functions of whole paths of code
(:mod:`pymodel.isa.translate`) are both generated from these texts, so that a path costs no call for an instruction and
still nothing is said twice. In a text, {a} and {b} stand for operands, unsigned 64 bits: registers or immediates.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from vctx.pymodel.isa.bits import M32, M64, SIGN64, signed
from vctx.pymodel.isa.memory import VIEWS

_CONSTANTS = {"M64": M64, "M32": M32, "S64": SIGN64, "S32": 1 << 31, "EVEN": M64 - 1}


def _divide(a: int, b: int, width: int) -> tuple[int, int]:
    """Signed quotient and remainder, rounding to zero, with the architecture's results for zero and overflow."""
    x, y = signed(a, width), signed(b, width)
    if y == 0:
        return -1, x
    quotient = abs(x) // abs(y)
    quotient = -quotient if (x < 0) != (y < 0) else quotient
    return signed(quotient, width), x - quotient * y  # the lowest number divided by -1 stays itself


def _word(text: str) -> str:
    """Return the text of the low 32 bits of an integer, sign-extended."""
    return f"(({text} & {{M32}}) ^ {{S32}}) - {{S32}} & {{M64}}"


_SIGNED_A, _SIGNED_B = "(({a} ^ {S64}) - {S64})", "(({b} ^ {S64}) - {S64})"
_BELOW = "({a} ^ {S64}) < ({b} ^ {S64})"  # signed: flipping the signs makes it a matter of unsigned order

_ALU = {
    "add": "{a} + {b} & {M64}",
    "sub": "{a} - {b} & {M64}",
    "sll": "{a} << ({b} & 63) & {M64}",
    "slt": f"1 if {_BELOW} else 0",
    "sltu": "1 if {a} < {b} else 0",
    "xor": "{a} ^ {b}",
    "srl": "{a} >> ({b} & 63)",
    "sra": f"{_SIGNED_A} >> ({{b}} & 63) & {{M64}}",
    "or": "{a} | {b}",
    "and": "{a} & {b}",
    "addw": _word("{a} + {b}"),
    "subw": _word("{a} - {b}"),
    "sllw": _word("({a} << ({b} & 31))"),
    "srlw": _word("(({a} & {M32}) >> ({b} & 31))"),
    "sraw": "((({a} & {M32}) ^ {S32}) - {S32} >> ({b} & 31)) & {M64}",
    "mul": "{a} * {b} & {M64}",
    "mulh": f"({_SIGNED_A} * {_SIGNED_B} >> 64) & {{M64}}",
    "mulhsu": f"({_SIGNED_A} * {{b}} >> 64) & {{M64}}",
    "mulhu": "{a} * {b} >> 64",
    "mulw": _word("{a} * {b}"),
    "div": "divide({a}, {b}, 64)[0] & {M64}",
    "rem": "divide({a}, {b}, 64)[1] & {M64}",
    "divu": "{a} // {b} if {b} else {M64}",
    "remu": "{a} % {b} if {b} else {a}",
    "divw": "divide({a}, {b}, 32)[0] & {M64}",
    "remw": "divide({a}, {b}, 32)[1] & {M64}",
    "divuw": _word("(({a} & {M32}) // ({b} & {M32}) if {b} & {M32} else {M32})"),
    "remuw": _word("(({a} & {M32}) % ({b} & {M32}) if {b} & {M32} else {a})"),
}
_IMMEDIATE = {f"{name}i": name for name in ("add", "slt", "xor", "or", "and", "sll", "srl", "sra")}
_IMMEDIATE |= {"sltiu": "sltu", "addiw": "addw", "slliw": "sllw", "srliw": "srlw", "sraiw": "sraw"}
_KEEPING_ZERO = frozenset({"add", "sub", "xor", "or"})  # zero as {b} leaves {a}, which is how registers are copied
_UPPER = {"lui": "{b}", "auipc": "{a} + {b} & {M64}"}  # {a} is pc

_BRANCH = {
    "beq": "{a} == {b}",
    "bne": "{a} != {b}",
    "blt": _BELOW,
    "bge": "({a} ^ {S64}) >= ({b} ^ {S64})",
    "bltu": "{a} < {b}",
    "bgeu": "{a} >= {b}",
}
_TEXTS = _ALU | {name: _ALU[base] for name, base in _IMMEDIATE.items()} | _UPPER | _BRANCH
_TEXTS |= {"jal": "{a} + {b} & {M64}", "jalr": "{a} + {b} & {EVEN}"}  # where to; {a} is pc, or the register


def value(mnemonic: str, a: str, b: str) -> str:
    """Return the text of what the instruction computes: a result, whether it branches, or the target of a jump.

    Args:
        a: text of pc for jal and auipc, else of x[rs1].
        b: text of x[rs2], or of the immediate in 64 bits.
    """
    name = _IMMEDIATE.get(mnemonic, mnemonic)
    if name in _KEEPING_ZERO and b == "0":
        return a
    if name == "add" and a == "0":
        return b
    return _TEXTS[mnemonic].format(a=a, b=b, **_CONSTANTS)


class Access(NamedTuple):
    """How a load or store sees memory.

    Attributes:
        size: bytes; shift: its binary logarithm.
        view: index of the view of a page (`pymodel.isa.memory.VIEWS`) that has it as elements.
    """

    size: int
    shift: int
    view: int

    def loaded(self, views: str, index: str) -> str:
        """Return the text of the value loaded from element `index` of the page with these views."""
        text = f"{views}[{self.view}][{index}]"
        return f"{text} & {M64}" if VIEWS[self.view].islower() else text

    def stored(self, register: str) -> str:
        """Return the text of the value that a store of a register puts into memory."""
        return register if self.size == 8 else f"{register} & {(1 << 8 * self.size) - 1}"


def _access(size: int, code: str) -> Access:
    return Access(size, size.bit_length() - 1, VIEWS.index(code))


LOADS = {"lb": _access(1, "b"), "lh": _access(2, "h"), "lw": _access(4, "i"), "ld": _access(8, "Q")}
LOADS |= {"lbu": _access(1, "B"), "lhu": _access(2, "H"), "lwu": _access(4, "I")}
STORES = {"sb": _access(1, "B"), "sh": _access(2, "H"), "sw": _access(4, "I"), "sd": _access(8, "Q")}


def define(name: str, text: str) -> Callable[..., Any]:
    """Execute text that defines the function `name` in terms of the texts above, and return the function."""
    names: dict[str, Any] = {"divide": _divide}
    exec(text, names)
    function: Callable[..., Any] = names[name]
    return function
