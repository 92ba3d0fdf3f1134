# SPDX-License-Identifier: Apache-2.0
"""RV64IMA and the privileged instructions, compiled to operations.

A builder turns a decoded instruction into an `Op`: a function from pc to the next pc that has the register numbers
and immediates bound. Those of RV64IM are generated from the texts of :mod:`pymodel.isa.semantics`, one text for each
mnemonic; the others are closures.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from vctx.pymodel.isa import bits, semantics, trap
from vctx.pymodel.isa.bits import M64, sext, signed
from vctx.pymodel.isa.compiled import Op
from vctx.pymodel.isa.csr_numbers import Csr
from vctx.pymodel.isa.encoding import TABLE, Decoded, Kind
from vctx.pymodel.isa.errors import ArchTrap, Cause
from vctx.pymodel.isa.state import HartState
from vctx.pymodel.trace.records import PAGE_SHIFT, PAGE_SIZE

_OFFSET = PAGE_SIZE - 1
_Binary = Callable[[int, int], int]
SIZES = {"b": 1, "h": 2, "w": 4, "d": 8}

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


def _generated(body: Callable[[Decoded], list[str]]) -> Callable[[HartState, Decoded, int], Op]:
    """Return a builder of operations whose text depends on the mnemonic alone, and on whether rd is x0.

    Args:
        body: returns the lines of `op(pc)`, in terms of `x`, `mmu`, `hart` and the operands.
    """

    @lru_cache(None)
    def maker(mnemonic: str, writes: bool) -> Callable[..., Op]:
        lines = body(Decoded(0, TABLE[mnemonic], {"rd": int(writes)}))
        text = "".join(f"        {line}\n" for line in lines)
        head = "def make(hart, x, mmu, rd, rs1, rs2, imm, size):\n    def op(pc):\n"
        return semantics.define("make", f"{head}{text}    return op\n")

    def build(hart: HartState, d: Decoded, size: int) -> Op:
        fields = d.fields
        rd, rs1, rs2 = fields.get("rd", 0), fields.get("rs1", 0), fields.get("rs2", 0)
        make = maker(d.mnemonic, bool(rd))
        return make(hart, hart.x, hart.mmu, rd, rs1, rs2, immediate(d), size)

    return build


def immediate(d: Decoded) -> int:
    """Return the immediate of an instruction as it takes part, in 64 bits; 0 if it has none."""
    imm = d.fields.get("imm", 0)
    return sext(imm << 12, 32) if d.kind is Kind.UPPER else imm & M64


def _alu(d: Decoded) -> list[str]:
    result = semantics.value(d.mnemonic, "x[rs1]", "x[rs2]" if d.kind is Kind.ALU else "imm")
    return [f"x[rd] = {result}"] * d.fields["rd"] + ["return pc + size"]


def _upper(d: Decoded) -> list[str]:
    return [f"x[rd] = {semantics.value(d.mnemonic, 'pc', 'imm')}"] * d.fields["rd"] + ["return pc + size"]


def _jump(d: Decoded) -> list[str]:
    target = semantics.value(d.mnemonic, "pc" if d.mnemonic == "jal" else "x[rs1]", "imm")
    return [f"target = {target}"] + [f"x[rd] = pc + size & {M64}"] * d.fields["rd"] + ["return target"]


def _branch(d: Decoded) -> list[str]:
    taken, target = semantics.value(d.mnemonic, "x[rs1]", "x[rs2]"), semantics.value("jal", "pc", "imm")
    return [f"return {target} if {taken} else pc + size"]


def _load(d: Decoded) -> list[str]:
    access = semantics.LOADS[d.mnemonic]
    value = access.loaded("page", f"(address & {_OFFSET}) >> {access.shift}")
    return [
        f"address = {semantics.value('add', 'x[rs1]', 'imm')}",
        f"page = mmu.loads.get(address >> {PAGE_SHIFT})",
        f"if page is None or address & {access.size - 1} or mmu.fault_pages:",
        f"    page = mmu.load_page(address, {access.size})",
        *[f"x[rd] = {value}"] * d.fields["rd"],
        "return pc + size",
    ]


def _store(d: Decoded) -> list[str]:
    access = semantics.STORES[d.mnemonic]
    return [
        f"address = {semantics.value('add', 'x[rs1]', 'imm')}",
        f"page = mmu.stores.get(address >> {PAGE_SHIFT})",
        f"if page is None or address & {access.size - 1} or mmu.fault_pages:",
        f"    page = mmu.store_page(address, {access.size})",
        f"hart.store_physical(page[0] | address & {_OFFSET}, {access.size}, x[rs2])",
        "return pc + size",
    ]


def _amo(hart: HartState, d: Decoded, size: int) -> Op:
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


def _fence(hart: HartState, d: Decoded, size: int) -> Op:
    return lambda pc: pc + size  # one hart at a time, and written code is noticed at once: nothing to order


def _system(hart: HartState, d: Decoded, size: int) -> Op:
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


def _check_fence(hart: HartState, word: int, mnemonic: str) -> None:
    """Check the privilege of sfence.vma, hfence.vvma and hfence.gvma (F-7)."""
    values = hart.csr.values
    if hart.virt:  # a guest may fence its own translations, unless VTVM; those of the hypervisor never
        if mnemonic != "sfence.vma" or hart.prv == 0 or values[Csr.HSTATUS] & bits.VTVM:
            raise hart.virtual(word)
    elif hart.prv < 3:
        trapped = values[Csr.MSTATUS] & bits.TVM and mnemonic != "hfence.vvma"
        if hart.prv == 0 or trapped:
            raise hart.illegal(word)


def _check_hypervisor_access(hart: HartState, word: int) -> None:
    if hart.virt:  # F-7: HS-mode could, so it is a virtual instruction
        raise hart.virtual(word)
    if hart.prv == 0 and not hart.csr.values[Csr.HSTATUS] & bits.HU:
        raise hart.illegal(word)


def _hload(hart: HartState, d: Decoded, size: int) -> Op:
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


def _hstore(hart: HartState, d: Decoded, size: int) -> Op:
    x, mmu, word, n = hart.x, hart.mmu, d.word, SIZES[d.mnemonic[-1]]
    rs1, rs2 = d.fields["rs1"], d.fields["rs2"]

    def op(pc: int) -> int:
        _check_hypervisor_access(hart, word)
        address = x[rs1]
        page = mmu.page_in(mmu.hypervisor_context(hlvx=False), address, "store", n)
        hart.store_physical(page | address & 0xFFF, n, x[rs2])
        return pc + size

    return op


def _csr(hart: HartState, d: Decoded, size: int) -> Op:
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


def _unknown(hart: HartState, d: Decoded, size: int) -> Op:
    def op(pc: int) -> int:
        raise hart.illegal(d.word)

    return op


BUILDERS: dict[Kind, Callable[[HartState, Decoded, int], Op]] = {
    Kind.ALU: _generated(_alu),
    Kind.ALU_IMM: _generated(_alu),
    Kind.UPPER: _generated(_upper),
    Kind.JUMP: _generated(_jump),
    Kind.BRANCH: _generated(_branch),
    Kind.LOAD: _generated(_load),
    Kind.STORE: _generated(_store),
    Kind.AMO: _amo,
    Kind.FENCE: _fence,
    Kind.SYSTEM: _system,
    Kind.HLOAD: _hload,
    Kind.HSTORE: _hstore,
    Kind.CSR: _csr,
    Kind.UNKNOWN: _unknown,
}
