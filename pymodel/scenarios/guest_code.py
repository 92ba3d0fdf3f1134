"""Guests written on the spot: a few instructions in VS-mode, between a prologue and a trap handler that reports."""

from __future__ import annotations

from pymodel.isa import Csr, Hart, encode
from pymodel.kvm.gstage import Vm
from pymodel.kvm.layout import SR_VS, VS_INITIAL

# SBI extension ids that the hypervisor serves: see sw/guests/guest.h.
PUTCHAR, YIELD, REPORT = 0x01, 0x10, 0x0800_0001
FAIL_TRAP = 0x100
DATA = 0x2000  # offset of the guest's data from its entry, on a page of its own

ZERO, T0, T1, A0, A1, A7 = 0, 5, 6, 10, 11, 17
_LUI_BITS, _LOW_BITS = 20, 12


class GuestCode:
    """Machine code of a guest, built instruction by instruction.

    It starts with VS as given, runs what is added, and then reports 0 for ever. A trap that the guest takes is
    reported as FAIL_TRAP + scause, with the address of the instruction.

    Args:
        vm: the machine it is for, whose program it replaces.
        vs: what the guest sets its sstatus.VS to, in place.
    """

    def __init__(self, vm: Vm, vs: int = VS_INITIAL) -> None:
        self._vm = vm
        self._words: list[int] = []
        self.data = vm.image.entry + DATA
        handler = GuestCode.__new__(GuestCode)
        handler._words = []
        handler.insn("csrrs", rd=A0, csr=Csr.SCAUSE, rs1=ZERO).insn("addi", rd=A0, rs1=A0, imm=FAIL_TRAP)
        handler.insn("csrrs", rd=A1, csr=Csr.SEPC, rs1=ZERO).sbi(REPORT)
        handler.insn("jal", rd=ZERO, imm=-4 * len(handler._words))
        self.insn("jal", rd=ZERO, imm=4 + 4 * len(handler._words))
        self._words += handler._words
        self.li(T0, vm.image.entry + 4).insn("csrrw", rd=ZERO, csr=Csr.STVEC, rs1=T0)
        self.set_vs(vs)

    def insn(self, mnemonic: str, **operands: int) -> GuestCode:
        """Add an instruction; operands as in :func:`pymodel.isa.encode`."""
        self._words.append(encode(mnemonic, **operands))
        return self

    def li(self, rd: int, value: int) -> GuestCode:
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

    def set_vs(self, vs: int) -> GuestCode:
        """Set the guest's own sstatus.VS, in place."""
        self.li(T0, SR_VS).insn("csrrc", rd=ZERO, csr=Csr.SSTATUS, rs1=T0)
        return self.li(T0, vs).insn("csrrs", rd=ZERO, csr=Csr.SSTATUS, rs1=T0)

    def sbi(self, function: int) -> GuestCode:
        """Call the hypervisor."""
        return self.li(A7, function).insn("ecall")

    def yields(self, times: int = 1) -> GuestCode:
        """Exit to the kernel, which enters again."""
        for _ in range(times):
            self.sbi(YIELD)
        return self

    def report_register(self, reg: int = A1) -> GuestCode:
        """Report success, with what x[reg] holds."""
        if reg != A1:
            self.insn("addi", rd=A1, rs1=reg, imm=0)
        return self.insn("addi", rd=A0, rs1=ZERO, imm=0).sbi(REPORT)

    def report_csr(self, csr: Csr) -> GuestCode:
        """Report a CSR."""
        return self.insn("csrrs", rd=A1, csr=csr, rs1=ZERO).report_register()

    def report_vreg(self, reg: int) -> GuestCode:
        """Report the first 64 bits of v<reg>, whatever vtype and vl are; they change."""
        self.insn("vsetivli", rd=ZERO, uimm=1, vtypei=3 << 3)
        return self.insn("vmv.x.s", rd=A1, vs2=reg).report_register()

    def vset(self, avl: int, vtype: int) -> GuestCode:
        """Set vl and vtype by vsetvl."""
        return self.li(T0, avl).li(T1, vtype).insn("vsetvl", rd=ZERO, rs1=T0, rs2=T1)

    def csrw(self, csr: Csr, value: int) -> GuestCode:
        """Write a CSR."""
        return self.li(T0, value).insn("csrrw", rd=ZERO, csr=csr, rs1=T0)

    def load(self, hart: Hart) -> None:
        """Write the program into guest memory, as user space would."""
        end = GuestCode.__new__(GuestCode)
        end._words = []
        end.li(A0, 0).li(A1, 0).sbi(REPORT)
        end.insn("jal", rd=ZERO, imm=-4 * len(end._words))
        where = self._vm.gpa_to_hpa(self._vm.image.entry)
        assert where is not None
        code = b"".join(word.to_bytes(4, "little") for word in (*self._words, *end._words))
        assert len(code) <= DATA
        self._vm.machine.write(hart, where, code)
