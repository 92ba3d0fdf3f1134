"""RV64IMA and the privileged instructions, compiled to closures.

A builder turns a decoded instruction into an `Op`: a function from pc to the next pc that has the register numbers
and immediates bound. Hot instructions therefore cost one dictionary look-up and one call.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import TYPE_CHECKING

from pymodel.isa import bits, trap
from pymodel.isa.bits import M32, M64, SIGN64, sext, signed
from pymodel.isa.csr_numbers import Csr
from pymodel.isa.encoding import Decoded, Kind
from pymodel.isa.errors import ArchTrap, Cause
from pymodel.isa.mmu import Op
from pymodel.trace.records import PAGE_SHIFT, PAGE_SIZE

if TYPE_CHECKING:
    from pymodel.isa.hart import Hart

_OFFSET = PAGE_SIZE - 1
_Binary = Callable[[int, int], int]


def _divide(a: int, b: int, width: int) -> tuple[int, int]:
    """Signed quotient and remainder, rounding to zero, with the architecture's results for zero and overflow."""
    x, y = signed(a, width), signed(b, width)
    if y == 0:
        return -1, x
    quotient = abs(x) // abs(y)
    quotient = -quotient if (x < 0) != (y < 0) else quotient
    return quotient, x - quotient * y


def _divu(a: int, b: int) -> int:
    return a // b if b else M64


_ALU: dict[str, _Binary] = {
    "add": lambda a, b: a + b & M64,
    "sub": lambda a, b: a - b & M64,
    "sll": lambda a, b: a << (b & 63) & M64,
    "slt": lambda a, b: int((a ^ SIGN64) < (b ^ SIGN64)),
    "sltu": lambda a, b: int(a < b),
    "xor": lambda a, b: a ^ b,
    "srl": lambda a, b: a >> (b & 63),
    "sra": lambda a, b: signed(a) >> (b & 63) & M64,
    "or": lambda a, b: a | b,
    "and": lambda a, b: a & b,
    "addw": lambda a, b: sext(a + b, 32),
    "subw": lambda a, b: sext(a - b, 32),
    "sllw": lambda a, b: sext(a << (b & 31), 32),
    "srlw": lambda a, b: sext((a & M32) >> (b & 31), 32),
    "sraw": lambda a, b: signed(a, 32) >> (b & 31) & M64,
    "mul": lambda a, b: a * b & M64,
    "mulh": lambda a, b: signed(a) * signed(b) >> 64 & M64,
    "mulhsu": lambda a, b: signed(a) * b >> 64 & M64,
    "mulhu": lambda a, b: a * b >> 64,
    "mulw": lambda a, b: sext(a * b, 32),
    "div": lambda a, b: _divide(a, b, 64)[0] & M64,
    "rem": lambda a, b: _divide(a, b, 64)[1] & M64,
    "divu": _divu,
    "remu": lambda a, b: a % b if b else a,
    "divw": lambda a, b: sext(_divide(a, b, 32)[0], 32),
    "remw": lambda a, b: sext(_divide(a, b, 32)[1], 32),
    "divuw": lambda a, b: sext(_divu(a & M32, b & M32), 32),
    "remuw": lambda a, b: sext((a & M32) % (b & M32) if b & M32 else a, 32),
}
_IMMEDIATE = {f"{name}i": name for name in ("add", "slt", "xor", "or", "and", "sll", "srl", "sra")}
_IMMEDIATE |= {"sltiu": "sltu", "addiw": "addw", "slliw": "sllw", "srliw": "srlw", "sraiw": "sraw"}

_BRANCH: dict[str, Callable[[int, int], bool]] = {
    "beq": lambda a, b: a == b,
    "bne": lambda a, b: a != b,
    "blt": lambda a, b: (a ^ SIGN64) < (b ^ SIGN64),
    "bge": lambda a, b: (a ^ SIGN64) >= (b ^ SIGN64),
    "bltu": lambda a, b: a < b,
    "bgeu": lambda a, b: a >= b,
}
SIZES = {"b": 1, "h": 2, "w": 4, "d": 8}
_FORMATS = {  # of the loads, by the end of their mnemonics
    name: struct.Struct("<" + code)
    for name, code in {"b": "b", "h": "h", "w": "i", "d": "q", "bu": "B", "hu": "H", "wu": "I"}.items()
}

_AMO: dict[str, _Binary] = {
    "amoswap": lambda old, new: new,
    "amoadd": lambda old, new: old + new,
    "amoxor": lambda old, new: old ^ new,
    "amoand": lambda old, new: old & new,
    "amoor": lambda old, new: old | new,
    "amomin": lambda old, new: min(old, new, key=signed),
    "amomax": lambda old, new: max(old, new, key=signed),
    "amominu": min,
    "amomaxu": max,
}


def _alu(hart: Hart, d: Decoded, size: int) -> Op:
    x, fn = hart.x, _ALU[d.mnemonic]
    rd, rs1, rs2 = d.fields["rd"], d.fields["rs1"], d.fields["rs2"]

    def op(pc: int) -> int:
        x[rd] = fn(x[rs1], x[rs2])
        return pc + size

    return op if rd else _nop(size)


def _alu_imm(hart: Hart, d: Decoded, size: int) -> Op:
    x, fn = hart.x, _ALU[_IMMEDIATE[d.mnemonic]]
    rd, rs1, imm = d.fields["rd"], d.fields["rs1"], d.fields["imm"] & M64

    def op(pc: int) -> int:
        x[rd] = fn(x[rs1], imm)
        return pc + size

    return op if rd else _nop(size)


def _nop(size: int) -> Op:
    return lambda pc: pc + size


def _upper(hart: Hart, d: Decoded, size: int) -> Op:
    x, rd = hart.x, d.fields["rd"]
    imm, relative = sext(d.fields["imm"] << 12, 32), d.mnemonic == "auipc"

    def op(pc: int) -> int:
        x[rd] = pc + imm & M64 if relative else imm
        return pc + size

    return op if rd else _nop(size)


def _jump(hart: Hart, d: Decoded, size: int) -> Op:
    x, rd, imm = hart.x, d.fields["rd"], d.fields["imm"]

    def jal(pc: int) -> int:
        if rd:
            x[rd] = pc + size
        return pc + imm & M64

    if d.mnemonic == "jal":
        return jal
    rs1 = d.fields["rs1"]

    def jalr(pc: int) -> int:
        target = x[rs1] + imm & (M64 - 1)
        if rd:
            x[rd] = pc + size
        return target

    return jalr


def _branch(hart: Hart, d: Decoded, size: int) -> Op:
    x, taken = hart.x, _BRANCH[d.mnemonic]
    rs1, rs2, imm = d.fields["rs1"], d.fields["rs2"], d.fields["imm"]

    def op(pc: int) -> int:
        return pc + imm & M64 if taken(x[rs1], x[rs2]) else pc + size

    return op


def _load(hart: Hart, d: Decoded, size: int) -> Op:
    x, mmu = hart.x, hart.mmu
    rd, rs1, imm = d.fields["rd"], d.fields["rs1"], d.fields["imm"]
    n = SIZES[d.mnemonic[1]]
    unpack = _FORMATS[d.mnemonic[1:]].unpack_from

    def op(pc: int) -> int:
        address = x[rs1] + imm & M64
        page = mmu.loads.get(address >> PAGE_SHIFT)
        if page is None or address & n - 1 or mmu.fault_pages:
            page = mmu.load_page(address, n)
        if rd:
            x[rd] = unpack(page, address & _OFFSET)[0] & M64
        return pc + size

    return op


def _store(hart: Hart, d: Decoded, size: int) -> Op:
    x, mmu, n = hart.x, hart.mmu, SIZES[d.mnemonic[1]]
    rs1, rs2, imm = d.fields["rs1"], d.fields["rs2"], d.fields["imm"]

    def op(pc: int) -> int:
        address = x[rs1] + imm & M64
        page = mmu.stores.get(address >> PAGE_SHIFT)
        if page is None or address & n - 1 or mmu.fault_pages:
            page = mmu.store_page(address, n)
        hart.store_physical(page | address & _OFFSET, n, x[rs2])
        return pc + size

    return op


def _amo(hart: Hart, d: Decoded, size: int) -> Op:
    x, mmu, memory, hart_id = hart.x, hart.mmu, hart.memory, hart.hart_id
    rd, rs1 = d.fields["rd"], d.fields["rs1"]
    name, width = d.mnemonic.split(".")
    n = SIZES[width]

    def result(value: int) -> None:
        if rd:
            x[rd] = value

    def lr(pc: int) -> int:
        address = x[rs1]
        paddr = mmu.page(address, "load", n) | address & 0xFFF
        result(sext(memory.load(paddr, n), 8 * n))
        memory.reserve(hart_id, paddr)
        return pc + size

    if name == "lr":
        return lr
    rs2 = d.fields["rs2"]

    def sc(pc: int) -> int:
        address, value = x[rs1], x[rs2]
        paddr = mmu.page(address, "store", n) | address & 0xFFF
        valid = memory.unreserve(hart_id, paddr)
        if valid:
            hart.store_physical(paddr, n, value)
        result(0 if valid else 1)
        return pc + size

    if name == "sc":
        return sc
    fn = _AMO[name]

    def amo(pc: int) -> int:
        address, value = x[rs1], x[rs2]
        paddr = mmu.page(address, "store", n) | address & 0xFFF
        old = sext(memory.load(paddr, n), 8 * n)
        hart.store_physical(paddr, n, fn(old, sext(value, 8 * n)))
        result(old)
        return pc + size

    return amo


def _fence(hart: Hart, d: Decoded, size: int) -> Op:
    return _nop(size)  # one hart at a time, and written code is noticed at once: nothing to order


def _system(hart: Hart, d: Decoded, size: int) -> Op:
    word = d.word

    def ecall(pc: int) -> int:
        level = 2 if hart.prv == 1 and hart.virt else hart.prv
        causes = (Cause.ECALL_U, Cause.ECALL_HS, Cause.ECALL_VS, Cause.ECALL_M)
        raise ArchTrap(causes[level])

    def ebreak(pc: int) -> int:
        raise ArchTrap(Cause.BREAKPOINT, pc, gva=hart.virt)

    def wfi(pc: int) -> int:
        values = hart.csr.values
        if hart.prv < 3 and values[Csr.MSTATUS] & bits.TW:
            raise hart.illegal(word)
        if hart.virt and (hart.prv == 0 or values[Csr.HSTATUS] & bits.VTW):
            raise hart.virtual(word)
        if hart.prv == 0:
            raise hart.illegal(word)
        hart.waiting = True
        return pc + size

    def fence(pc: int) -> int:
        _check_fence(hart, word, d.mnemonic)
        hart.mmu.flush()
        return pc + size

    ops: dict[str, Op] = {
        "ecall": ecall,
        "ebreak": ebreak,
        "wfi": wfi,
        "mret": lambda pc: trap.mret(hart, word),
        "sret": lambda pc: trap.sret(hart, word),
    }
    return ops.get(d.mnemonic, fence)


def _check_fence(hart: Hart, word: int, mnemonic: str) -> None:
    """Check the privilege of sfence.vma, hfence.vvma and hfence.gvma (F-7)."""
    values = hart.csr.values
    if hart.virt:
        if mnemonic != "sfence.vma" or hart.prv == 0 or values[Csr.HSTATUS] & bits.VTVM:
            raise hart.virtual(word)
    elif hart.prv < 3:
        trapped = values[Csr.MSTATUS] & bits.TVM and mnemonic != "hfence.vvma"
        if hart.prv == 0 or trapped:
            raise hart.illegal(word)


def _check_hypervisor_access(hart: Hart, word: int) -> None:
    if hart.virt:
        raise hart.virtual(word)
    if hart.prv == 0 and not hart.csr.values[Csr.HSTATUS] & bits.HU:
        raise hart.illegal(word)


def _hload(hart: Hart, d: Decoded, size: int) -> Op:
    x, mmu, memory, word = hart.x, hart.mmu, hart.memory, d.word
    rd, rs1 = d.fields["rd"], d.fields["rs1"]
    name, width = d.mnemonic.split(".")
    n, hlvx, unsigned = SIZES[width[0]], name == "hlvx", width.endswith("u")

    def op(pc: int) -> int:
        _check_hypervisor_access(hart, word)
        address = x[rs1]
        page = mmu.page_in(mmu.hypervisor_context(hlvx=hlvx), address, "load", n)
        value = memory.load(page | address & 0xFFF, n)
        if rd:
            x[rd] = value if unsigned else sext(value, 8 * n)
        return pc + size

    return op


def _hstore(hart: Hart, d: Decoded, size: int) -> Op:
    x, mmu, word, n = hart.x, hart.mmu, d.word, SIZES[d.mnemonic[-1]]
    rs1, rs2 = d.fields["rs1"], d.fields["rs2"]

    def op(pc: int) -> int:
        _check_hypervisor_access(hart, word)
        address = x[rs1]
        page = mmu.page_in(mmu.hypervisor_context(hlvx=False), address, "store", n)
        hart.store_physical(page | address & 0xFFF, n, x[rs2])
        return pc + size

    return op


def _csr(hart: Hart, d: Decoded, size: int) -> Op:
    x, access, word, mnemonic = hart.x, hart.csr.access, d.word, d.mnemonic
    rd, csr = d.fields["rd"], d.fields["csr"]
    rs1, uimm = d.fields.get("rs1"), d.fields.get("uimm", 0)
    write = mnemonic.startswith("csrrw") or bool(rs1 or uimm)

    def op(pc: int) -> int:
        old = access(word, mnemonic, csr, uimm if rs1 is None else x[rs1], write=write)
        if rd:
            x[rd] = old
        return pc + size

    return op


def _unknown(hart: Hart, d: Decoded, size: int) -> Op:
    def op(pc: int) -> int:
        raise hart.illegal(d.word)

    return op


BUILDERS: dict[Kind, Callable[[Hart, Decoded, int], Op]] = {
    Kind.ALU: _alu,
    Kind.ALU_IMM: _alu_imm,
    Kind.UPPER: _upper,
    Kind.JUMP: _jump,
    Kind.BRANCH: _branch,
    Kind.LOAD: _load,
    Kind.STORE: _store,
    Kind.AMO: _amo,
    Kind.FENCE: _fence,
    Kind.SYSTEM: _system,
    Kind.HLOAD: _hload,
    Kind.HSTORE: _hstore,
    Kind.CSR: _csr,
    Kind.UNKNOWN: _unknown,
}
