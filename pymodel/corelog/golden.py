# SPDX-License-Identifier: Apache-2.0
"""The golden hart that goes in step with a log: a program in the surroundings that a profile says, step by step."""

from __future__ import annotations

from dataclasses import dataclass

from vctx.pymodel.errors import UsageError
from vctx.pymodel.isa import Hart, Memory, bits
from vctx.pymodel.isa.csr_numbers import VECTOR_CSRS, Csr, ExtraCsr
from vctx.pymodel.isa.errors import ArchTrap
from vctx.pymodel.isa.memory import LINE_SHIFT
from vctx.pymodel.isa.trap import pending_interrupt
from vctx.pymodel.isa.vtype import Vtype
from vctx.pymodel.profiles import Profile
from vctx.pymodel.programs import Image
from vctx.pymodel.scenarios.bare_metal import MIN_RAM
from vctx.pymodel.trace.records import PAGE_SIZE, Commit

_STATUS = {Csr.MSTATUS: Csr.MSTATUS, Csr.SSTATUS: Csr.MSTATUS, Csr.VSSTATUS: Csr.VSSTATUS}
_SSTATUS_FIELDS = 0x3_018D_E762


class _JournalMemory(Memory):
    """Memory whose writes can be taken back: while `journal` is a list, it gets what each overwrites."""

    journal: list[tuple[int, bytes]] | None = None

    def write(self, paddr: int, data: bytes | bytearray | memoryview, writer: int | None = None) -> None:
        if self.journal is not None:
            self.journal.append((paddr, self.read(paddr, len(data))))
        super().write(paddr, data, writer)


@dataclass(frozen=True, slots=True)
class Saved:
    """The state of a golden hart, to go back to."""

    pc: int
    mode: tuple[int, bool]
    x: list[int]
    f: list[int]
    csrs: dict[int, int]
    vregs: bytes
    vector: tuple[Vtype, int, int, int]
    reserved: int | None


class Golden:
    """A program on the golden hart.

    Args:
        image: the program.
        profile: what the hart, its memory and its reset state are like.

    Attributes:
        hart: the hart, at the program's first instruction.
        seen: what the last instruction took effect on; whoever looks at it empties it.
        ended: the program has stored its exit code to tohost.

    Raises:
        UsageError: the program does not lie in the profile's RAM.
    """

    def __init__(self, image: Image, profile: Profile) -> None:
        base, size = profile.ram
        size = size or max(MIN_RAM, 1 << (image.end - base - 1).bit_length() if image.end > base else 0)
        if image.base < base or image.end > base + size or base % PAGE_SIZE or size % PAGE_SIZE:
            raise UsageError(
                f"{image.path} occupies {image.base:#x} to {image.end:#x}; RAM of profile {profile.name} is {base:#x} "
                f"to {base + size:#x}"
            )
        self.image = image
        self._memory = _JournalMemory([(base, size)], 0)
        self.seen: Commit | None = None
        hart = self.hart = Hart(profile.hart, self._memory, 0, None, self)
        for address, data in image.segments:
            self._memory.write(address, data.rstrip(b"\0"))
        hart.reset(image.entry)
        hart.x[:] = [0] * 32
        hart.vec.flat[:] = 0
        for register, value in profile.reset_x.items():
            hart.x[register] = image.entry if value is None else value
        for csr, value in profile.reset_csrs.items():
            if csr not in hart.csr.table:
                raise UsageError(f"profile {profile.name}: reset.csrs names CSR {csr:#x}, which its hart lacks")
            hart.csr[csr] = value
        self._tohost = next((table["tohost"] for table in (image.symbols, image.constants) if "tohost" in table), None)
        self.ended = False
        if self._tohost is not None:
            self._lines = {self._tohost >> LINE_SHIFT, self._tohost + 7 >> LINE_SHIFT}
            self._memory.on_write(self._written)
            self._watch()

    @property
    def ends(self) -> bool:
        """Tell whether the program has a symbol tohost, by which it ends."""
        return self._tohost is not None

    def _watch(self) -> None:
        for line in self._lines:
            self._memory.watch(line)

    def _written(self, line: int) -> None:
        if line in self._lines and self._tohost is not None:
            self.ended = bool(self._memory.load(self._tohost, 8) & 1)
            self._memory.watch(line)

    # `CommitObserver`

    def commit(self, commit: Commit) -> None:
        """See `pymodel.isa.observer.CommitObserver`."""
        self.seen = commit

    def trap(self, hart: int, epc: int, cause: int, tval: int) -> None:
        """See `pymodel.isa.observer.CommitObserver`."""

    # Steps, and back

    def save(self) -> Saved:
        """Return the present state, and note from here on what memory is overwritten."""
        hart, vec = self.hart, self.hart.vec
        self._memory.journal = []
        return Saved(
            *(hart.pc, hart.mode, hart.x[:], hart.f[:], dict(hart.csr.values), vec.flat.tobytes()),
            (vec.type, vec.vl, vec.vstart, vec.vcsr),
            self._memory.reservation(hart.hart_id),
        )

    def keep(self) -> None:
        """Note no longer what memory is overwritten."""
        self._memory.journal = None

    def restore(self, saved: Saved) -> None:
        """Go back to a state that `save` returned last."""
        hart, vec, memory = self.hart, self.hart.vec, self._memory
        journal, memory.journal = memory.journal, None
        for address, data in reversed(journal or ()):
            memory.write(address, data, hart.hart_id)
        hart.x[:], hart.f[:] = saved.x, saved.f
        hart.csr.values.update(saved.csrs)
        vec.view[:] = saved.vregs
        vec.type, vec.vl, vec.vstart, vec.vcsr = saved.vector
        hart.set_mode(*saved.mode)
        hart.mmu.flush()
        hart.pc = saved.pc
        self.ended = False
        if saved.reserved is None:
            memory.unreserve(hart.hart_id, 0)
        else:
            memory.reserve(hart.hart_id, saved.reserved)

    def lose_reservation(self) -> None:
        """Drop the reservation of LR."""
        self._memory.unreserve(self.hart.hart_id, 0)

    def interrupt_to(self, pc: int) -> int | None:
        """Take the pending interrupt whose handler is at `pc`, and return its number; None if there is none such.

        Which ones are pending is the core's: any that is enabled may be.
        """
        values, saved = self.hart.csr.values, self.save()
        before = values[Csr.MIP]
        for cause in (bit for bit in range(13) if values[Csr.MIE] >> bit & 1):
            values[Csr.MIP] = before | 1 << cause
            found = pending_interrupt(self.hart)
            values[Csr.MIP] = before
            if found is None:
                continue
            self.hart.interrupt(found)
            if self.hart.pc == pc:
                self.keep()
                return found
            self.restore(saved)
            self.save()
        self.keep()
        return None

    # The core's values

    def adopt_csr(self, csr: int, value: int) -> None:
        """Give a CSR the core's value, also where a write could not."""
        hart = self.hart
        if csr in VECTOR_CSRS:
            vec = hart.vec
            setattr(vec, Csr(csr).name.lower(), value)
            vec.vl = min(vec.vl, vec.type.vlmax)  # no instruction could work with more elements than there are
        elif csr in _STATUS:
            storage = _STATUS[Csr(csr)]
            kept = ~_SSTATUS_FIELDS if csr == Csr.SSTATUS else 0
            hart.csr.values[storage] = hart.csr.values[storage] & kept | value & ~kept & ~bits.SD & bits.M64
        elif csr in (ExtraCsr.FFLAGS, ExtraCsr.FRM) or csr in hart.csr.table:
            if csr in hart.csr.table:
                hart.csr[csr] = value
            if csr in hart.csr.values:
                hart.csr.values[csr] = value
        hart.mmu.flush()

    def adopt_vector(self, register: int, value: int) -> None:
        """Give a vector register the core's value."""
        vec = self.hart.vec
        vec.registers[register][:] = (value & (1 << 8 * vec.vlenb) - 1).to_bytes(vec.vlenb, "little")

    def adopt_store(self, address: int, size: int, value: int) -> None:
        """Give memory what the core has stored, if there is memory at that virtual address."""
        for i in range(size):
            try:
                paddr = self.hart.mmu.page(address + i & bits.M64, "store") | address + i & PAGE_SIZE - 1
            except ArchTrap:
                return
            self._memory.write(paddr, bytes([value >> 8 * i & 0xFF]), self.hart.hart_id)
