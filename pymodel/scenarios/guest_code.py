# SPDX-License-Identifier: Apache-2.0
"""Guests written on the spot: a few instructions in VS-mode, between a prologue and a trap handler that reports."""

from __future__ import annotations

from typing import Self

from vctx.pymodel.isa import Csr, Hart, encode
from vctx.pymodel.kvm.layout import SR_VS, VS_INITIAL
from vctx.pymodel.kvm.state import Vm

# SBI extension ids that the hypervisor serves: see sw/guests/guest.h.
YIELD, HSM, REPORT = 0x10, 0x48_534D, 0x0800_0001
_HART_START, _HART_STOP = 0, 1
FAIL_TRAP = 0x100
_MOST = 0x2000  # bytes of code

ZERO, T0, T1, S0, A0, A1, A2, A6, A7 = 0, 5, 6, 8, 10, 11, 12, 16, 17
_LUI_BITS, _LOW_BITS = 20, 12


class Assembler:
    """Machine code, built instruction by instruction; every method returns the assembler."""

    def __init__(self) -> None:
        self.words: list[int] = []

    def insn(self, mnemonic: str, **operands: int) -> Self:
        """Add an instruction; operands as in :func:`pymodel.isa.encode`."""
        self.words.append(encode(mnemonic, **operands))
        return self

    def li(self, rd: int, value: int) -> Self:
        """Load a constant of 64 bits."""
        value = (value + (1 << 63)) % (1 << 64) - (1 << 63)
        low = (value + 0x800) % 0x1000 - 0x800
        if value == low:
            return self.insn("addi", rd=rd, rs1=ZERO, imm=low)
        high = value - low >> _LOW_BITS
        if -(1 << _LUI_BITS - 1) <= high < 1 << _LUI_BITS - 1:
            self.insn("lui", rd=rd, imm=high % (1 << _LUI_BITS))
            return self.insn("addiw", rd=rd, rs1=rd, imm=low)
        self.li(rd, high).insn("slli", rd=rd, rs1=rd, imm=_LOW_BITS)
        return self.insn("addi", rd=rd, rs1=rd, imm=low)

    def sbi(self, function: int) -> Self:
        """Call the hypervisor."""
        return self.li(A7, function).insn("ecall")


class GuestCode(Assembler):
    """Machine code of a guest.

    It starts with VS as given, runs what is added, and then reports 0 for ever. A trap that the guest takes is
    reported as FAIL_TRAP + scause, with the address of the instruction.

    Args:
        vm: the machine it is for, whose program it replaces.
        vs: what the guest sets its sstatus.VS to, in place.
        offset: of the code behind the entry of the program, in bytes, for code beside that of the first hart.

    Attributes:
        entry: where it starts, as the guest sees it.
    """

    def __init__(self, vm: Vm, vs: int = VS_INITIAL, offset: int = 0) -> None:
        super().__init__()
        self._vm = vm
        self.entry = vm.image.entry + offset
        handler = Assembler()
        handler.insn("csrrs", rd=A0, csr=Csr.SCAUSE, rs1=ZERO).insn("addi", rd=A0, rs1=A0, imm=FAIL_TRAP)
        handler.insn("csrrs", rd=A1, csr=Csr.SEPC, rs1=ZERO).sbi(REPORT)
        handler.insn("jal", rd=ZERO, imm=-4 * len(handler.words))
        self.insn("jal", rd=ZERO, imm=4 + 4 * len(handler.words))
        self.words += handler.words
        self.li(T0, self.entry + 4).insn("csrrw", rd=ZERO, csr=Csr.STVEC, rs1=T0)
        self.set_vs(vs)

    def set_vs(self, vs: int) -> Self:
        """Set the guest's own sstatus.VS, in place."""
        self.li(T0, SR_VS).insn("csrrc", rd=ZERO, csr=Csr.SSTATUS, rs1=T0)
        return self.li(T0, vs).insn("csrrs", rd=ZERO, csr=Csr.SSTATUS, rs1=T0)

    def yields(self, times: int = 1) -> Self:
        """Exit to the kernel, which enters again."""
        for _ in range(times):
            self.sbi(YIELD)
        return self

    def hart_start(self, hart: int, entry: int, opaque: int) -> Self:
        """Start another hart of the machine at `entry`, with `opaque` in its a1; the SBI error is in a0."""
        self.li(A0, hart).li(A1, entry).li(A2, opaque).li(A6, _HART_START)
        return self.sbi(HSM)

    def hart_stop(self) -> Self:
        """Stop the hart that executes this."""
        return self.li(A6, _HART_STOP).sbi(HSM)

    def report_register(self, reg: int = A1) -> Self:
        """Report success, with what x[reg] holds."""
        if reg != A1:
            self.insn("addi", rd=A1, rs1=reg, imm=0)
        return self.insn("addi", rd=A0, rs1=ZERO, imm=0).sbi(REPORT)

    def report_csr(self, csr: Csr) -> Self:
        """Report a CSR."""
        return self.insn("csrrs", rd=A1, csr=csr, rs1=ZERO).report_register()

    def report_vreg(self, reg: int) -> Self:
        """Report the first 64 bits of v<reg>, whatever vtype and vl are; they change."""
        self.insn("vsetivli", rd=ZERO, uimm=1, vtypei=3 << 3)
        return self.insn("vmv.x.s", rd=A1, vs2=reg).report_register()

    def vset(self, avl: int, vtype: int) -> Self:
        """Set vl and vtype by vsetvl."""
        return self.li(T0, avl).li(T1, vtype).insn("vsetvl", rd=ZERO, rs1=T0, rs2=T1)

    def csrw(self, csr: Csr, value: int) -> Self:
        """Write a CSR."""
        return self.li(T0, value).insn("csrrw", rd=ZERO, csr=csr, rs1=T0)

    def load(self, hart: Hart) -> None:
        """Write the program into guest memory, as user space would."""
        end = Assembler()
        end.li(A0, 0).li(A1, 0).sbi(REPORT)
        end.insn("jal", rd=ZERO, imm=-4 * len(end.words))
        where = self._vm.gpa_to_hpa(self.entry)
        assert where is not None
        code = b"".join(word.to_bytes(4, "little") for word in (*self.words, *end.words))
        assert len(code) <= _MOST
        self._vm.machine.write(hart, where, code)
