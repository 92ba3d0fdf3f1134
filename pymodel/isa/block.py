# SPDX-License-Identifier: Apache-2.0
"""The instructions that the RTL block executes, and the record of each.

They are opcode OP-V, vector loads and stores, and CSR instructions on the vector CSRs and the three status registers,
legal or not.
"""

from __future__ import annotations

from collections.abc import Mapping

from vctx.pymodel.isa import bits
from vctx.pymodel.isa.compiled import Op
from vctx.pymodel.isa.csr_numbers import BLOCK_CSRS, MSTATUS, STATUS_CSRS, VSSTATUS
from vctx.pymodel.isa.effects import Effects, Execute
from vctx.pymodel.isa.encoding import Decoded, Kind
from vctx.pymodel.isa.errors import ArchTrap, InterruptedInsn
from vctx.pymodel.isa.state import HartState
from vctx.pymodel.isa.vector import compile_vset
from vctx.pymodel.isa.vector_wide import compile_vop
from vctx.pymodel.isa.vmem_wide import compile_vmem
from vctx.pymodel.trace.records import NO_BYTES, NO_REGISTERS, Issue, Retire, Trap

_OP_V, _LOAD_FP, _STORE_FP = 0x57, 0x07, 0x27
_VECTOR_WIDTHS = (0, 5, 6, 7)  # D-1; the other widths are scalar floating point
_PAGE_OFFSET_BITS = 0x3FF  # of an address >> 2
# Names of this module, which cost less at every instruction than attributes of another one.
_FS, _VS_SHIFT, _SD_VS = bits.FS, bits.VS_SHIFT, bits.SD | bits.VS
_new = tuple.__new__  # makes a named tuple of its fields, at less cost than its class


def belongs_to_block(d: Decoded) -> bool:
    """Tell whether the block executes the instruction."""
    opcode, funct3 = d.word & 0x7F, d.word >> 12 & 7
    if opcode in (_LOAD_FP, _STORE_FP):
        return funct3 in _VECTOR_WIDTHS
    return opcode == _OP_V or (d.kind is Kind.CSR and d.fields["csr"] in BLOCK_CSRS)


def compile_block(hart: HartState, d: Decoded) -> Op:
    """Bind a block instruction to `hart`: execute it and report what happened to the observer."""
    execute = _COMPILERS[d.kind](hart, d)
    word, x, values, fx = d.word, hart.x, hart.csr.values, hart.effects
    rs1, rs2, rd = word >> 15 & 31, word >> 20 & 31, d.fields.get("rd", 0)
    recorded = _SD_VS if d.fields.get("csr") in STATUS_CSRS else bits.M64
    vec, hart_id = hart.vec, hart.hart_id

    def op(pc: int) -> int:
        a, b = x[rs1], x[rs2]
        mstatus, vsstatus = values[MSTATUS], values[VSSTATUS]
        fx.regs, fx.xlat, fx.stored = 0, (), None
        stop = None
        try:
            value = execute(a, b, fx)
        except (ArchTrap, InterruptedInsn) as stopped:
            stop, value = stopped, None
        if rd == 0:
            value = None
        elif value is not None:
            x[rd] = value
            value &= recorded
        observer = hart.observer
        if observer is not None:
            prv, virt = hart.mode
            fs_dirty, vsfs_dirty = mstatus & _FS == _FS, vsstatus & _FS == _FS
            issue = _new(Issue, (word, a, b, prv, virt, fs_dirty, vsfs_dirty, hart.irq_elem, fx.xlat))
            vregs = vec.values(fx.regs) if fx.regs else NO_REGISTERS
            retire = state_record(hart, value, vregs, NO_BYTES if fx.stored is None else fx.stored)
            if stop is not None:
                retire = _stopped(retire, stop)
            observer.insn(hart_id, pc, issue, retire)
        if stop is not None:
            raise stop
        return pc + 4

    return op


def state_record(hart: HartState, rd: int | None, vregs: Mapping[int, bytes], mem: Mapping[int, int]) -> Retire:
    """Return a record of the present state and of these effects, without trap or irq."""
    values, vec = hart.csr.values, hart.vec
    vl, vtype, vstart, vcsr = vec.vl, vec.type.value, vec._vstart, vec._vcsr
    mstatus_vs, vsstatus_vs = values[MSTATUS] >> _VS_SHIFT & 3, values[VSSTATUS] >> _VS_SHIFT & 3
    return _new(Retire, (None, False, rd, vl, vtype, vstart, vcsr, mstatus_vs, vsstatus_vs, vregs, mem))


def _stopped(retire: Retire, stop: ArchTrap | InterruptedInsn) -> Retire:
    """Return the record of an instruction that stopped early."""
    if isinstance(stop, ArchTrap):
        return retire._replace(trap=Trap(stop.cause, stop.tval, _port_tval2(stop)))
    return retire._replace(irq=True)


def _port_tval2(trap: ArchTrap) -> int:
    """Return tval2 as the block forms it: the page from the translate port, the offset from the virtual address.

    It is htval unless the walk itself faulted, where the core knows the address of the page-table entry.
    """
    if not trap.tval2:
        return 0
    return trap.tval2 & ~_PAGE_OFFSET_BITS | trap.tval >> 2 & _PAGE_OFFSET_BITS


def _compile_csr(hart: HartState, d: Decoded) -> Execute:
    word, mnemonic, csr = d.word, d.mnemonic, d.fields["csr"]
    rs1, uimm = d.fields.get("rs1"), d.fields.get("uimm", 0)
    write = mnemonic.startswith("csrrw") or bool(rs1 or uimm)
    access = hart.csr.access

    def execute(rs1_value: int, rs2_value: int, fx: Effects) -> int:
        return access(word, mnemonic, csr, uimm if rs1 is None else rs1_value, write=write)

    return execute


def _compile_unknown(hart: HartState, d: Decoded) -> Execute:
    def execute(rs1: int, rs2: int, fx: Effects) -> int | None:
        raise hart.illegal(d.word)

    return execute


_COMPILERS = {
    Kind.CSR: _compile_csr,
    Kind.VSET: compile_vset,
    Kind.VMEM: compile_vmem,
    Kind.VOP: compile_vop,
    Kind.UNKNOWN: _compile_unknown,
}
