# SPDX-License-Identifier: Apache-2.0
"""The CSR file: one table of what each CSR holds, one read-modify-write, one access check.

Write masks are what Spike keeps of an all-ones write.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from vctx.pymodel.isa import bits
from vctx.pymodel.isa.bits import M64
from vctx.pymodel.isa.csr_numbers import COUNTERS, FLOAT_CSRS, VECTOR_CSRS, Csr, ExtraCsr
from vctx.pymodel.isa.errors import HartError
from vctx.pymodel.isa.mmu import Mmu
from vctx.pymodel.isa.registers import HartConfig, HartRegisters

# Interrupt bits of mip and mie: HS-level (SSI, STI, SEI), VS-level (VSSI, VSTI, VSEI), guest external, machine.
S_INTS, VS_INTS, SG_INT, M_INTS = 0x222, 0x444, 0x1000, 0x888
H_INTS = VS_INTS | SG_INT
_SSI, _VSSI = 0x002, 0x004

_MSTATUS_MASK = 0xC0_007E_7FAA
_SSTATUS_MASK = 0xC_6722
_UXL = 3 << 32
_SSTATUS_VISIBLE = _SSTATUS_MASK | _UXL | bits.SD
_MISA = 2 << 62 | sum(1 << ord(letter) - ord("A") for letter in "ACHIMSU")
_MISA_FD = 1 << ord("F") - ord("A") | 1 << ord("D") - ord("A")
_MISA_V = 1 << ord("V") - ord("A")
_MODE_SHIFT = 60
_MODES = (0, 8)  # Bare; Sv39 or Sv39x4
_PPN = (1 << 44) - 1
_PMPCFG, _PMP_LOCK, _PMP_TOR = 0x9F9F_9F9F_9F9F_9F9F, 0x80, 1


def _merge(old: int, new: int, mask: int) -> int:
    return old & ~mask | new & mask


@dataclass(frozen=True)
class CsrSpec:
    """A CSR that is one word of storage; subclasses are the CSRs that are more than that.

    Attributes:
        csr: its address; bits 9:8 are the lowest privilege (0 U, 1 S, 2 HS, 3 M), bits 11:10 = 3 make it read-only.
        writable: bits that a write changes; the others keep their value.
        reset: value after reset.
        twin: the CSR that an access with V=1 reaches instead (B-4).
        translates: a write can change address translation.
    """

    csr: Csr | ExtraCsr
    writable: int = M64
    reset: int = 0
    twin: Csr | None = None
    translates: bool = False

    def read(self, f: CsrFile) -> int:
        """Return the value, 64 bits."""
        return f.values[self.csr]

    def write(self, f: CsrFile, value: int) -> None:
        """Store `value` as a CSR instruction does: WARL."""
        f.values[self.csr] = _merge(f.values[self.csr], value, self.writable)

    def preset(self, f: CsrFile, value: int) -> None:
        """Store `value` as set-up code may, where hardware could have put it."""
        self.write(f, value)


@dataclass(frozen=True)
class _Const(CsrSpec):
    """Written by hardware only; set-up code may choose the value."""

    def preset(self, f: CsrFile, value: int) -> None:
        f.values[self.csr] = value


@dataclass(frozen=True)
class _Misa(_Const):
    """misa: which of its bits a write changes is the core's choice; what they name stays (L-17)."""

    def write(self, f: CsrFile, value: int) -> None:
        f.values[self.csr] = _merge(f.values[self.csr], value, f.hart.config.misa_writable)


@dataclass(frozen=True)
class _Float(CsrSpec):
    """fflags, frm or fcsr: the field `visible` of fcsr, moved right by `shift`."""

    visible: int = 0xFF
    shift: int = 0

    def read(self, f: CsrFile) -> int:
        return (f.values[ExtraCsr.FCSR] & self.visible) >> self.shift

    def write(self, f: CsrFile, value: int) -> None:
        f.values[ExtraCsr.FCSR] = _merge(f.values[ExtraCsr.FCSR], value << self.shift, self.visible)


@dataclass(frozen=True)
class _PmpConfig(CsrSpec):
    """pmpcfg: eight entries, of which a locked one (bit 7) keeps its value, and W without R is reserved: as before."""

    def write(self, f: CsrFile, value: int) -> None:
        old = f.values[self.csr].to_bytes(8, "little")
        new = (value & _PMPCFG).to_bytes(8, "little")
        kept = bytes(a if a & _PMP_LOCK or b & 3 == 2 else b for a, b in zip(old, new, strict=True))
        f.values[self.csr] = int.from_bytes(kept, "little")


@dataclass(frozen=True)
class _PmpAddress(CsrSpec):
    """pmpaddr: kept by a lock of its entry, or of the next one if that is TOR."""

    def write(self, f: CsrFile, value: int) -> None:
        entry = self.csr - ExtraCsr.PMPADDR0
        own, behind = (f.values.get(ExtraCsr.PMPCFG0 + (n >> 3) * 2, 0) >> 8 * (n & 7) for n in (entry, entry + 1))
        if not own & _PMP_LOCK and not (behind & _PMP_LOCK and behind >> 3 & 3 == _PMP_TOR):
            super().write(f, value)


@dataclass(frozen=True)
class _Vector(CsrSpec):
    """A vector CSR (A-1): an attribute of the vector state, which knows its width."""

    @cached_property
    def attribute(self) -> str:
        """Its name."""
        return self.csr.name.lower()

    def read(self, f: CsrFile) -> int:
        value: int = getattr(f.hart.vec, self.attribute)
        return value

    def write(self, f: CsrFile, value: int) -> None:
        setattr(f.hart.vec, self.attribute, value)


@dataclass(frozen=True)
class _Status(CsrSpec):
    """mstatus, sstatus or vsstatus: a view of `storage`, with SD derived (B-12)."""

    storage: Csr = Csr.MSTATUS
    visible: int = M64

    def read(self, f: CsrFile) -> int:
        status = f.values[self.storage]
        if status & bits.VS == bits.VS or status & bits.FS == bits.FS:
            status |= bits.SD
        return status & self.visible

    def write(self, f: CsrFile, value: int) -> None:
        config = f.hart.config
        # B-2: with vectors VS is not hardwired to zero; without, it is.
        has_vs = config.has_v if config.vs_field is None else config.vs_field
        writable = self.writable if has_vs else self.writable & ~bits.VS
        if value & bits.MPP == 2 << bits.MPP_SHIFT:  # no such privilege: WARL, becomes U
            value &= ~bits.MPP
        if config.latitude.vs_two_state and value & bits.VS:  # L-2: which values of VS exist is WARL
            value |= bits.VS
        f.values[self.storage] = _merge(f.values[self.storage], value, writable)


@dataclass(frozen=True)
class _Interrupts(CsrSpec):
    """A view of mie or mip: the bits `visible`, limited to what `delegation` hands down, moved right by `shift`."""

    base: Csr = Csr.MIE
    delegation: Csr | None = None
    visible: int = 0
    shift: int = 0

    def _enabled(self, f: CsrFile, mask: int) -> int:
        return mask if self.delegation is None else mask & f.values[self.delegation]

    def read(self, f: CsrFile) -> int:
        return (f.values[self.base] & self._enabled(f, self.visible)) >> self.shift

    def write(self, f: CsrFile, value: int) -> None:
        mask = self._enabled(f, self.writable)
        f.values[self.base] = _merge(f.values[self.base], value << self.shift, mask)


@dataclass(frozen=True)
class _Pending(CsrSpec):
    """mip: most bits belong to interrupt sources."""

    def preset(self, f: CsrFile, value: int) -> None:
        f.values[self.csr] = value & (S_INTS | H_INTS | M_INTS)


@dataclass(frozen=True)
class _Atp(CsrSpec):
    """vsatp or hgatp: a write of an unsupported MODE keeps the old MODE (F-3)."""

    def write(self, f: CsrFile, value: int) -> None:
        mask = self.writable | 15 << _MODE_SHIFT if value >> _MODE_SHIFT in _MODES else self.writable
        f.values[self.csr] = _merge(f.values[self.csr], value, mask)


@dataclass(frozen=True)
class _Counter(CsrSpec):
    """A counter of retired instructions, kept in `source` as its distance from the hart's own count."""

    source: Csr = Csr.MINSTRET

    def read(self, f: CsrFile) -> int:
        return f.values[self.source] + f.hart.instret & M64

    def write(self, f: CsrFile, value: int) -> None:
        f.values[self.source] = value - f.hart.instret - 1 & M64  # the write itself is not counted

    def preset(self, f: CsrFile, value: int) -> None:
        f.values[self.source] = value - f.hart.instret & M64


@dataclass(frozen=True)
class _CounterEnable(CsrSpec):
    """mcounteren, hcounteren or scounteren: CY, TM and IR, where there are counters to enable."""

    def write(self, f: CsrFile, value: int) -> None:
        f.values[self.csr] = value & 7 if f.hart.config.has_zicntr else 0


@dataclass(frozen=True)
class _Time(CsrSpec):
    """time: one tick an instruction, plus htimedelta when V=1."""

    def read(self, f: CsrFile) -> int:
        return f.hart.instret + (f.values[Csr.HTIMEDELTA] if f.hart.mode[1] else 0) & M64


_TVEC = ~2 & M64
_EPC = ~1 & M64
_ATP = _PPN | 0xFFFF << 44

_ROWS: tuple[CsrSpec, ...] = (
    *(_Vector(csr) for csr in sorted(VECTOR_CSRS)),
    _Counter(Csr.CYCLE, source=Csr.MCYCLE),
    _Time(Csr.TIME),
    _Counter(Csr.INSTRET, source=Csr.MINSTRET),
    # Supervisor
    _Status(Csr.SSTATUS, _SSTATUS_MASK, visible=_SSTATUS_VISIBLE, twin=Csr.VSSTATUS, translates=True),
    _Interrupts(Csr.SIE, S_INTS, delegation=Csr.MIDELEG, visible=S_INTS, twin=Csr.VSIE),
    CsrSpec(Csr.STVEC, _TVEC, twin=Csr.VSTVEC),
    _CounterEnable(Csr.SCOUNTEREN),
    CsrSpec(Csr.SENVCFG, 0),  # FIOM: there is no I/O to order
    CsrSpec(Csr.SSCRATCH, twin=Csr.VSSCRATCH),
    CsrSpec(Csr.SEPC, _EPC, twin=Csr.VSEPC),
    CsrSpec(Csr.SCAUSE, twin=Csr.VSCAUSE),
    CsrSpec(Csr.STVAL, twin=Csr.VSTVAL),
    _Interrupts(Csr.SIP, _SSI, base=Csr.MIP, delegation=Csr.MIDELEG, visible=S_INTS, twin=Csr.VSIP),
    _Atp(Csr.SATP, _ATP, twin=Csr.VSATP, translates=True),
    # Virtual supervisor
    _Status(Csr.VSSTATUS, _SSTATUS_MASK, bits.UXL64, storage=Csr.VSSTATUS, translates=True),
    _Interrupts(Csr.VSIE, VS_INTS, delegation=Csr.HIDELEG, visible=VS_INTS, shift=1),
    CsrSpec(Csr.VSTVEC, _TVEC),
    CsrSpec(Csr.VSSCRATCH),
    CsrSpec(Csr.VSEPC, _EPC),
    CsrSpec(Csr.VSCAUSE),
    CsrSpec(Csr.VSTVAL),
    _Interrupts(Csr.VSIP, _VSSI, base=Csr.MIP, delegation=Csr.HIDELEG, visible=VS_INTS, shift=1),
    _Atp(Csr.VSATP, _ATP, translates=True),
    # Hypervisor
    CsrSpec(Csr.HSTATUS, 0x70_03C0, 2 << 32, translates=True),
    CsrSpec(Csr.HEDELEG, 0xC_B1FF),
    CsrSpec(Csr.HIDELEG, VS_INTS),
    _Interrupts(Csr.HIE, H_INTS, visible=H_INTS),
    CsrSpec(Csr.HTIMEDELTA),
    _CounterEnable(Csr.HCOUNTEREN),
    CsrSpec(Csr.HGEIE, 0),
    CsrSpec(Csr.HENVCFG, 0),
    CsrSpec(Csr.HTVAL),
    _Interrupts(Csr.HIP, _VSSI, base=Csr.MIP, visible=H_INTS),
    _Interrupts(Csr.HVIP, VS_INTS, base=Csr.MIP, visible=VS_INTS),
    CsrSpec(Csr.HTINST),
    _Atp(Csr.HGATP, _PPN & ~3 | 0x3FFF << 44, translates=True),
    _Const(Csr.HGEIP),
    # Machine
    _Status(Csr.MSTATUS, _MSTATUS_MASK, bits.SXL64 | bits.UXL64, translates=True),
    _Misa(Csr.MISA, 0, _MISA),
    CsrSpec(Csr.MEDELEG, 0xFC_B7FE),
    CsrSpec(Csr.MIDELEG, S_INTS, H_INTS),
    CsrSpec(Csr.MIE, S_INTS | H_INTS | M_INTS),
    CsrSpec(Csr.MTVEC, _TVEC),
    _CounterEnable(Csr.MCOUNTEREN),
    CsrSpec(Csr.MENVCFG, 0),
    CsrSpec(Csr.MCOUNTINHIBIT, 0),
    CsrSpec(Csr.MSCRATCH),
    CsrSpec(Csr.MEPC, _EPC),
    CsrSpec(Csr.MCAUSE),
    CsrSpec(Csr.MTVAL),
    _Pending(Csr.MIP, S_INTS | _VSSI),
    CsrSpec(Csr.MTINST),
    CsrSpec(Csr.MTVAL2),
    _Counter(Csr.MCYCLE, source=Csr.MCYCLE),
    _Counter(Csr.MINSTRET),
    *(CsrSpec(Csr(base + n), 0) for base in (0xB00, 0x320) for n in range(3, 32)),  # mhpmcounter and mhpmevent
    _Const(Csr.MVENDORID),
    _Const(Csr.MARCHID),
    _Const(Csr.MIMPID),
    _Const(Csr.MHARTID),
    _Const(Csr.MCONFIGPTR),
)
_SPECIAL = COUNTERS | {Csr.SATP, Csr.HGATP}  # with more rules than the bits of the address tell
TABLE: dict[int, CsrSpec] = {int(row.csr): row for row in _ROWS}


_FLOAT_ROWS = (
    _Float(ExtraCsr.FFLAGS, visible=0x1F),
    _Float(ExtraCsr.FRM, visible=0xE0, shift=5),
    _Float(ExtraCsr.FCSR),
)


def table(config: HartConfig) -> dict[int, CsrSpec]:
    """Return the CSRs of a hart by address."""
    rows: list[CsrSpec] = list(_FLOAT_ROWS) if config.has_f else []
    rows += (_PmpConfig(ExtraCsr(ExtraCsr.PMPCFG0 + n)) for n in range(0, config.pmp // 4, 2))
    rows += (_PmpAddress(ExtraCsr(ExtraCsr.PMPADDR0 + n), (1 << 54) - 1) for n in range(config.pmp))
    common = TABLE if config.has_v else {address: row for address, row in TABLE.items() if address not in VECTOR_CSRS}
    return common | {int(row.csr): row for row in rows}


def modify(mnemonic: str, old: int, operand: int) -> int:
    """Return what csrrw, csrrs or csrrc (or the immediate form) writes, before WARL."""
    kind = mnemonic[4]
    if kind == "w":
        return operand
    return old | operand if kind == "s" else old & ~operand


class CsrFile:
    """The CSRs of a hart. Indexing reads or presets a CSR by address: no permission check, no trace.

    Args:
        hart: its registers, which are what the CSRs show.
        mmu: follows what they say about translation.

    Attributes:
        table: the CSRs that there are, by address.
        values: the storage, by address; views have none of their own.
    """

    def __init__(self, hart: HartRegisters, mmu: Mmu) -> None:
        self.hart = hart
        self.table = table(hart.config)
        self.values = hart.csr_values
        self._mmu = mmu
        self._permitted: dict[tuple[int, bool, tuple[int, bool]], CsrSpec] = {}  # by address, write and mode alone

    def reset(self) -> None:
        """Give every CSR that is storage its reset value (A-14)."""
        self.values.update((address, row.reset) for address, row in self.table.items())
        self.values[Csr.MHARTID] = self.hart.hart_id
        config = self.hart.config
        if config.has_v:
            self.values[Csr.MISA] |= _MISA_V
        if config.has_f:
            self.values[Csr.MISA] |= _MISA_FD
        if config.misa is not None:
            self.values[Csr.MISA] = config.misa

    def __getitem__(self, address: int) -> int:
        return self._row(address).read(self)

    def __setitem__(self, address: int, value: int) -> None:
        row = self._row(address)
        row.preset(self, value & M64)
        if row.translates:
            self._mmu.flush()

    def _row(self, address: int) -> CsrSpec:
        row = self.table.get(address)
        if row is None:
            raise HartError(f"no CSR {address:#x}")
        return row

    def access(self, word: int, mnemonic: str, address: int, operand: int, *, write: bool) -> int:
        """Execute a CSR instruction and return the old value, as seen by rd.

        Args:
            word: the instruction, for xtval.
            mnemonic: csrrw, csrrs, csrrc or their immediate forms.
            address: 12-bit CSR address in the instruction.
            operand: x[rs1] or the immediate.
            write: the instruction writes; false for csrrs/csrrc with rs1 = x0 or immediate 0 (A-4).

        Raises:
            ArchTrap: the access is not allowed.
        """
        row = self._permitted.get((address, write, self.hart.mode)) or self.check(word, address, write=write)
        old = row.read(self)
        if write and address == Csr.SATP and modify(mnemonic, old, operand) >> _MODE_SHIFT not in _MODES:
            write = False  # satp, at either level, ignores the whole write of an unsupported MODE
        if write:
            row.write(self, modify(mnemonic, old, operand))
            if row.translates:
                self._mmu.select()
            elif row.csr in VECTOR_CSRS:  # B-8: whatever changes vector state makes VS Dirty, whatever was written
                self.hart.dirty_vs()
            elif row.csr in FLOAT_CSRS:
                self.hart.dirty_fs()
        return old

    def check(self, word: int, address: int, *, write: bool) -> CsrSpec:
        """Return the CSR that the access reaches, after every permission rule (A-3, A-4, B-4, B-16, F-3, F-7)."""
        hart = self.hart
        row = self.table.get(address)
        if row is None or (write and address >> 10 == 3):  # a write to one that may only be read is illegal
            raise hart.illegal(word)
        if address in VECTOR_CSRS:  # nothing but VS gates them, in any mode
            if not hart.vector_on():  # B-16: illegal at V=1, too, never virtual
                raise hart.illegal(word)
            return row
        if address in FLOAT_CSRS:  # FS gates them as VS does those
            if not hart.float_on():
                raise hart.illegal(word)
            return row
        prv, virt = hart.mode
        needed = address >> 8 & 3
        level = 2 if prv == 1 and not virt else prv
        if level < needed:  # F-7: virtual, if HS-mode could do it and V=1 is why the hart cannot
            raise hart.virtual(word) if virt and needed < 3 else hart.illegal(word)
        # B-4: with V=1 the address of sstatus reaches vsstatus, and so with every CSR that the guest has a copy of.
        reached = self.table[row.twin] if virt and row.twin is not None else row
        if address in _SPECIAL:
            self._check_special(word, address)
        else:
            self._permitted[address, write, hart.mode] = reached
        return reached

    def _check_special(self, word: int, address: int) -> None:
        hart = self.hart
        prv, virt = hart.mode
        if address in COUNTERS:
            if not hart.config.has_zicntr:
                raise hart.illegal(word)
            self._check_counter(word, 1 << (address & 31))
        elif address == Csr.SATP and virt:  # a guest's satp is vsatp, and what traps it is hstatus.VTVM
            if self.values[Csr.HSTATUS] & bits.VTVM:
                raise hart.virtual(word)
        elif prv < 3 and self.values[Csr.MSTATUS] & bits.TVM:  # F-3: satp and hgatp are illegal in HS-mode with TVM
            raise hart.illegal(word)

    def _check_counter(self, word: int, bit: int) -> None:
        hart, values = self.hart, self.values
        prv, virt = hart.mode
        if prv < 3 and not values[Csr.MCOUNTEREN] & bit:
            raise hart.illegal(word)
        if virt and not values[Csr.HCOUNTEREN] & bit:
            raise hart.virtual(word)
        if prv == 0 and not values[Csr.SCOUNTEREN] & bit:
            raise hart.virtual(word) if virt else hart.illegal(word)
