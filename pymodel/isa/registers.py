# SPDX-License-Identifier: Apache-2.0
"""What a hart remembers: integer and vector registers, pc, mode, the storage of the CSRs; and the rules on VS."""

from __future__ import annotations

from dataclasses import dataclass, field

from vctx.pymodel.isa import bits
from vctx.pymodel.isa.csr_numbers import MSTATUS, VSSTATUS
from vctx.pymodel.isa.errors import ArchTrap, Cause, HartError
from vctx.pymodel.isa.latitude import Latitude
from vctx.pymodel.isa.vector_state import VectorState

_REGISTER_FILL = 0xA5
_VLENS = [128 << i for i in range(6)]
_PMP_ENTRIES = [0, 16, 64]


@dataclass(frozen=True, slots=True)
class HartConfig:
    """Parameters of a hart.

    Attributes:
        vlen: VLEN in bits, a power of two from 128 to 4096.
        has_v: the vector extension is present.
        has_zicntr: cycle, time and instret are readable below M-mode.
        wide: every integer vector instruction exists, not only those of the block.
        has_f: F and D exist: their state, loads, stores and moves; what else they have raises `AbsentInsn`.
        pmp: PMP entries, 0 to 64: registers that keep what is written, and forbid nothing.
        vs_field: VS can be written (B-2); None for where the vector extension is present.
        misa, misa_writable: the reset value, None for what the other fields say, and the bits that a write changes.
        latitude: the choices that the architecture leaves open.
    """

    vlen: int = 256
    has_v: bool = True
    has_zicntr: bool = True
    wide: bool = False
    has_f: bool = False
    pmp: int = 0
    vs_field: bool | None = None
    misa: int | None = None
    misa_writable: int = 0
    latitude: Latitude = field(default_factory=Latitude)

    def __post_init__(self) -> None:
        if self.vlen not in _VLENS:
            raise HartError(f"VLEN {self.vlen} is not one of {_VLENS}")
        if self.pmp not in _PMP_ENTRIES:
            raise HartError(f"{self.pmp} PMP entries: must be one of {_PMP_ENTRIES}")


class HartRegisters:
    """The registers of one hart, and what follows from them alone.

    The CSR file and address translation are built on these; :class:`~pymodel.isa.state.HartState` has all of it.

    Attributes:
        config, hart_id: what the hart is, and its number.
        x: the 32 integer registers, unsigned 64 bits; x[0] stays 0.
        f: the 32 floating-point registers, 64 bits; all zero without F.
        pc: address of the next instruction.
        instret: instructions retired.
        mode: nominal privilege (0 U, 1 S, 3 M) and the virtualisation mode V.
        csr_values: the storage of the CSRs by address; views have none of their own, nor have the vector CSRs.
        vec: the vector registers and CSRs.
    """

    def __init__(self, config: HartConfig, hart_id: int) -> None:
        self.config = config
        self.hart_id = hart_id
        pattern = int.from_bytes(bytes([_REGISTER_FILL]) * 8, "little")
        self.x = [0] + [pattern] * 31
        self.f = [0] * 32
        self.pc = 0
        self.instret = 0
        self.mode = 3, False
        self.csr_values: dict[int, int] = {}
        self.vec = VectorState(config.vlen, _REGISTER_FILL, config.latitude)
        self._precise_dirty = config.latitude.precise_dirty

    def illegal(self, word: int) -> ArchTrap:
        """Return the illegal-instruction exception of `word` (B-17)."""
        # B-17: xtval is zero or the instruction (L-22); htval, htinst and GVA are zero.
        return ArchTrap(Cause.ILLEGAL, word if self.config.latitude.tval_insn else 0)

    def virtual(self, word: int) -> ArchTrap:
        """Return the virtual-instruction exception of `word` (F-7)."""
        return ArchTrap(Cause.VIRTUAL, word if self.config.latitude.tval_insn else 0)

    def vector_on(self) -> bool:
        """Tell whether VS permits vector instructions: at HS level, and with V=1 also in vsstatus (A-3, B-5, B-14)."""
        values = self.csr_values
        if not self.mode[1]:  # B-14: with V=0 vsstatus.VS does not block
            return bool(values[MSTATUS] & bits.VS)
        # with V=1 either field being Off suffices for an illegal instruction.
        return bool(values[MSTATUS] & bits.VS and values[VSSTATUS] & bits.VS)

    def executed(self, changed: bool) -> None:
        """Set VS Dirty after a vector instruction: if it `changed` vector state, or in any case (B-9, B-10, L-1)."""
        if changed or not self._precise_dirty:
            self.dirty_vs()

    def float_on(self) -> bool:
        """Tell whether FS permits floating point: at HS level, and with V=1 also in vsstatus (A-16)."""
        values = self.csr_values
        return bool(values[MSTATUS] & bits.FS and (not self.mode[1] or values[VSSTATUS] & bits.FS))

    def dirty_fs(self) -> None:
        """Set FS Dirty: at HS level, and with V=1 also in vsstatus."""
        values = self.csr_values
        values[MSTATUS] |= bits.FS
        if self.mode[1]:
            values[VSSTATUS] |= bits.FS

    def dirty_vs(self) -> None:
        """Set VS Dirty: at HS level, and with V=1 also in vsstatus (B-8, B-13, B-14)."""
        values = self.csr_values
        values[MSTATUS] |= bits.VS
        if self.mode[1]:  # B-13: with V=1 both fields become Dirty; B-14: with V=0 vsstatus.VS does not change
            values[VSSTATUS] |= bits.VS
