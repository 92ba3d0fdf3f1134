# SPDX-License-Identifier: Apache-2.0
"""What an instruction took effect on, for the commit log: derived from the state before and after it.

Nothing here executes anything, and a hart without a `CommitObserver` never comes here. What counts as an effect is
what Spike logs: a CSR that is written counts even if it keeps its value, and a view counts as the CSR behind it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import ClassVar

from vctx.pymodel.isa.bits import FS, M64, VS
from vctx.pymodel.isa.compiled import Op
from vctx.pymodel.isa.csr_numbers import CSR_NAMES as NAMES
from vctx.pymodel.isa.csr_numbers import FLOAT_CSRS, MSTATUS, VECTOR_CSRS, VSSTATUS, Csr, ExtraCsr
from vctx.pymodel.isa.encoding import Decoded, Kind, is_widening
from vctx.pymodel.isa.errors import ArchTrap, Cause
from vctx.pymodel.isa.float_moves import SIZES as FLOAT_SIZES
from vctx.pymodel.isa.observer import CommitObserver
from vctx.pymodel.isa.scalar import SIZES
from vctx.pymodel.isa.state import HartState
from vctx.pymodel.isa.vector import touched
from vctx.pymodel.isa.vmem import element_form
from vctx.pymodel.isa.vmem_wide import segment_form
from vctx.pymodel.trace.records import Commit

_MVIP = 0x309  # of AIA; absent, but Spike keeps mip.SEIP there, as an alias beside SSIP and STIP
CSR_NAMES = NAMES | {_MVIP: "mvip"}

# CSRs whose writes count as writes of other CSRs; no entry: the CSR itself.
_WRITES: dict[int, tuple[int, ...]] = {
    Csr.SSTATUS: (Csr.MSTATUS,),
    Csr.SIE: (Csr.SIE, Csr.MIE),
    Csr.HIE: (Csr.MIE,),
    Csr.VSIE: (Csr.MIE,),
    Csr.SIP: (_MVIP, Csr.MIP),
    Csr.MIP: (_MVIP, Csr.MIP),
    Csr.HIP: (Csr.MIP,),
    Csr.VSIP: (Csr.MIP,),
    Csr.HVIP: (Csr.MIP, Csr.HVIP),
    Csr.VCSR: (Csr.VXSAT, Csr.VXRM),
    ExtraCsr.FCSR: (ExtraCsr.FFLAGS, ExtraCsr.FRM),
    Csr.HGEIE: (),
    **{0xB00 + n: () for n in range(3, 32)},  # mhpmcounter
}
_MIP = int(Csr.MIP)
_SSIP, _STIP, _VSTIP, _SEIP, _VSEIP = 1 << 1, 1 << 5, 1 << 6, 1 << 9, 1 << 10
_MEMORY_FAULTS = frozenset(
    {
        Cause.LOAD_MISALIGNED,
        Cause.LOAD_ACCESS,
        Cause.STORE_MISALIGNED,
        Cause.STORE_ACCESS,
        Cause.LOAD_PAGE,
        Cause.STORE_PAGE,
        Cause.LOAD_GUEST_PAGE,
        Cause.STORE_GUEST_PAGE,
    }
)


@dataclass(slots=True)
class _Before:
    """State before an instruction.

    Attributes:
        x: the integer registers.
        status: mstatus, and with V=1 only the bits that vsstatus has as well: a field is all ones if it is Dirty
            wherever an instruction would make it so.
        virt, vtype, vl, vstart, mip: as on the hart.
        reserved: the hart's LR reservation.
    """

    x: list[int]
    status: int
    virt: bool
    vtype: int
    vl: int
    vstart: int
    mip: int
    reserved: int | None


class CommitReporter:
    """Wraps the compiled instructions of one hart so that each reports its commit to `observer`."""

    def __init__(self, hart: HartState, observer: CommitObserver) -> None:
        self.hart = hart
        self.observer = observer
        self._requested = M64  # vtype that the last vset* asked for

    def wrap(self, d: Decoded, raw: int, size: int, op: Op) -> Op:
        """Return `op` with its commit reported; `raw` is the instruction as it stands in memory."""
        if d.kind is Kind.LOAD:
            return self._load(d, raw, size, op)
        if d.kind is Kind.STORE:
            return self._store(d, raw, size, op)
        hart, observer, effects = self.hart, self.observer, self._EFFECTS.get(d.kind)
        vector_memory = d.kind is Kind.VMEM
        if effects is None:
            return self._plain(d, raw, size, op)

        def committing(pc: int) -> int:
            commit = Commit(hart.hart_id, pc, hart.prv, raw, size)
            before = self._before()
            hart.effects.saturated = False
            try:
                target = op(pc)
            except ArchTrap as trap:
                if vector_memory and trap.cause in _MEMORY_FAULTS:
                    self._vector_memory(commit, d, before, hart.vec.vstart)
                    observer.commit(commit)
                raise
            if rd := d.fields.get("rd", 0):
                commit.x = (rd, hart.x[rd])
            effects(self, commit, d, before)
            observer.commit(commit)
            return target

        return committing

    def _plain(self, d: Decoded, raw: int, size: int, op: Op) -> Op:
        """As :meth:`wrap`, for what writes an integer register at most: it is most of a program."""
        hart, x, hart_id, rd, report = self.hart, self.hart.x, self.hart.hart_id, d.fields.get("rd", 0), self.observer

        def committing(pc: int) -> int:
            target = op(pc)
            report.commit(Commit(hart_id, pc, hart.mode[0], raw, size, (rd, x[rd]) if rd else None))
            return target

        return committing

    def _before(self) -> _Before:
        hart = self.hart
        vec, values = hart.vec, hart.csr.values
        status = values[MSTATUS] & values[VSSTATUS] if hart.mode[1] else values[MSTATUS]
        reserved = hart.memory.reservation(hart.hart_id)
        return _Before(hart.x[:], status, hart.mode[1], vec.type.value, vec.vl, vec._vstart, values[_MIP], reserved)

    # --- memory ---

    def _load(self, d: Decoded, raw: int, size: int, op: Op) -> Op:
        hart, x, hart_id, rd, report = self.hart, self.hart.x, self.hart.hart_id, d.fields["rd"], self.observer
        rs1, imm = d.fields["rs1"], d.fields["imm"]

        def committing(pc: int) -> int:
            address = x[rs1] + imm & M64
            target = op(pc)
            commit = Commit(hart_id, pc, hart.mode[0], raw, size, (rd, x[rd]) if rd else None)
            commit.loads = (address,)
            report.commit(commit)
            return target

        return committing

    def _store(self, d: Decoded, raw: int, size: int, op: Op) -> Op:
        hart, x, hart_id, report = self.hart, self.hart.x, self.hart.hart_id, self.observer
        rs1, rs2, imm = d.fields["rs1"], d.fields["rs2"], d.fields["imm"]
        count = SIZES[d.mnemonic[-1]]
        mask = (1 << 8 * count) - 1

        def committing(pc: int) -> int:
            target = op(pc)
            commit = Commit(hart_id, pc, hart.mode[0], raw, size)
            commit.stores = ((x[rs1] + imm & M64, count, x[rs2] & mask),)
            report.commit(commit)
            return target

        return committing

    def _hload(self, commit: Commit, d: Decoded, before: _Before) -> None:
        commit.loads = (self._address(d, before),)

    def _hstore(self, commit: Commit, d: Decoded, before: _Before) -> None:
        size = SIZES[d.mnemonic[-1]]
        commit.stores = ((self._address(d, before), size, before.x[d.fields["rs2"]] & (1 << 8 * size) - 1),)

    def _amo(self, commit: Commit, d: Decoded, before: _Before) -> None:
        name, width = d.mnemonic.split(".")
        address, size = self._address(d, before), SIZES[width]
        paddr = self.hart.mmu.page(address, "load" if name == "lr" else "store") | address & 0xFFF
        if name != "sc":
            commit.loads = (address,)
        if name not in ("lr", "sc") or (name == "sc" and before.reserved == paddr):
            commit.stores = ((address, size, self.hart.memory.load(paddr, size)),)

    @staticmethod
    def _address(d: Decoded, before: _Before) -> int:
        return before.x[d.fields["rs1"]] + d.fields.get("imm", 0) & M64

    # --- CSRs ---

    def _csr(self, commit: Commit, d: Decoded, before: _Before) -> None:
        if not (d.mnemonic.startswith("csrrw") or d.fields.get("rs1") or d.fields.get("uimm")):
            return
        table = self.hart.csr.table
        row = table[d.fields["csr"]]
        if before.virt and row.twin is not None:
            row = table[row.twin]
        self._wrote(commit, *_WRITES.get(row.csr, (row.csr,)))
        # Spike writes mip in parts, and logs each before the next.
        if _MVIP in commit.csrs:
            commit.csrs[_MVIP] = commit.csrs[Csr.MIP] & _SEIP | before.mip & (_SSIP | _STIP)
        if row.csr == Csr.HVIP:
            commit.csrs[Csr.MIP] = commit.csrs[Csr.MIP] & ~(_VSTIP | _VSEIP) | before.mip & (_VSTIP | _VSEIP)
        if row.csr in VECTOR_CSRS:
            self._dirtied(commit, before)
        elif row.csr in FLOAT_CSRS:
            self._float_dirtied(commit, before)

    def _system(self, commit: Commit, d: Decoded, before: _Before) -> None:
        if d.mnemonic not in ("mret", "sret"):
            return
        if before.virt:
            self._wrote(commit, Csr.VSSTATUS)
            return
        self._wrote(commit, Csr.MSTATUS)
        if d.mnemonic == "sret":
            self._wrote(commit, Csr.HSTATUS)
        if self.hart.virt and self.hart.prv == 0:
            self._wrote(commit, Csr.VSSTATUS)

    def _wrote(self, commit: Commit, *csrs: int) -> None:
        for csr in csrs:
            commit.csrs[csr] = self.hart.csr[Csr.MIP if csr == _MVIP else csr]
            if csr in (Csr.MCYCLE, Csr.MINSTRET):  # which is counted once this instruction is
                commit.csrs[csr] = commit.csrs[csr] + 1 & M64

    def _dirtied(self, commit: Commit, before: _Before) -> None:
        if before.status & VS != VS:
            self._wrote(commit, Csr.MSTATUS, *((Csr.VSSTATUS,) if before.virt else ()))

    # --- floating point ---

    def _float(self, commit: Commit, d: Decoded, before: _Before) -> None:
        fields = d.fields
        if "imm" in fields:
            address, size = self._address(d, before), FLOAT_SIZES[d.mnemonic[-1]]
            if "fs2" in fields:
                value = self.hart.f[fields["fs2"]] & (1 << 8 * size) - 1
                commit.stores = ((address, size, value),)
            else:
                commit.loads = (address,)
        if "fd" in fields:
            commit.f = (fields["fd"], self.hart.f[fields["fd"]])
            self._float_dirtied(commit, before)

    def _float_dirtied(self, commit: Commit, before: _Before) -> None:
        if before.status & FS != FS:
            self._wrote(commit, Csr.MSTATUS, *((Csr.VSSTATUS,) if before.virt else ()))

    # --- vector ---

    def _vset(self, commit: Commit, d: Decoded, before: _Before) -> None:
        fields = d.fields
        requested = fields.get("vtypei", before.x[fields.get("rs2", 0)])
        self._wrote(commit, Csr.VSTART)
        if requested != before.vtype:
            self._requested = requested
            self._wrote(commit, Csr.VTYPE)
        if fields["rd"] or fields.get("rs1", 1) or self.hart.vec.type.vill:
            self._wrote(commit, Csr.VL)
        self._dirtied(commit, before)

    def _vector(self, commit: Commit, d: Decoded, before: _Before) -> None:
        vec = self.hart.vec
        lmul = (self._requested & 7 ^ 4) - 4  # log2, signed
        commit.vector = (8 << (self._requested >> 3 & 7), f"m{1 << lmul}" if lmul >= 0 else f"mf{1 << -lmul}", vec.vl)
        commit.vregs = vec.values(self.hart.effects.regs | self._looked_at(d))
        self._wrote(commit, Csr.VSTART)
        if self.hart.effects.saturated:
            self._wrote(commit, Csr.VXSAT)
        self._dirtied(commit, before)

    def _looked_at(self, d: Decoded) -> int:
        """Return registers that Spike logs as written only because it looks at them as if it were to: bit i for v<i>.

        They are those in which the active elements of a widening instruction would lie if they had SEW bits.
        """
        vec = self.hart.vec
        if not is_widening(d) or not vec.vl:
            return 0
        mask = vec.mask_bits(0, 0, vec.vl) if d.fields["vm"] == 0 else None
        return touched(vec.vlenb, d.fields["vd"], vec.type.sew // 8, 0, vec.vl, mask)

    def _vector_memory(self, commit: Commit, d: Decoded, before: _Before, fault: int | None = None) -> None:
        """Report a vector load or store; `fault` is the element that faulted, if one did."""
        vec = self.hart.vec
        self._vector(commit, d, before)
        if segment_form(d.mnemonic) is not None:
            self._moved(commit, before)
            return
        form = element_form(d.mnemonic)
        if form.first_only and vec.vl != before.vl:
            self._wrote(commit, Csr.VL)
        store = "vs3" in d.fields
        stop = form.count(vec.vl, vec.vlenb) if fault is None else fault
        base, stride = before.x[d.fields["rs1"]], form.stride(before.x[d.fields.get("rs2", 0)])
        active = list(self._active(d, before.vstart, stop))
        addresses = [base + element * stride & M64 for element in active]
        if store:
            register = vec.elements[form.size][d.fields["vs3"] * vec.vlenb // form.size :]
            values = [int(register[element]) for element in active]
            commit.stores = [(at, form.size, value) for at, value in zip(addresses, values, strict=True)]
        else:
            commit.loads = addresses

    def _moved(self, commit: Commit, before: _Before) -> None:
        """Report what an indexed or segment access has noted itself."""
        moved = self.hart.effects.moved
        if self.hart.vec.vl != before.vl:
            self._wrote(commit, Csr.VL)
        commit.loads = [address for address, _, value in moved if value is None]
        commit.stores = [(address, size, value) for address, size, value in moved if value is not None]

    def _active(self, d: Decoded, start: int, stop: int) -> Iterator[int]:
        """Iterate over the active elements from `start` to `stop` - 1; a masked load never writes its mask."""
        if d.fields.get("vm", 1):
            return iter(range(start, stop))
        mask = self.hart.vec.mask_bits(0, 0, stop)
        return (element for element in range(start, stop) if mask[element])

    _EFFECTS: ClassVar[dict[Kind, Callable[[CommitReporter, Commit, Decoded, _Before], None]]] = {
        Kind.AMO: _amo,
        Kind.HLOAD: _hload,
        Kind.HSTORE: _hstore,
        Kind.CSR: _csr,
        Kind.SYSTEM: _system,
        Kind.VSET: _vset,
        Kind.VOP: _vector,
        Kind.VMEM: _vector_memory,
        Kind.FLOAT: _float,
    }
