# SPDX-License-Identifier: Apache-2.0
"""The golden hart, one instruction at a time: what must come of it, before the block is asked."""

from __future__ import annotations

from typing import Final

from vctx.pymodel.isa import Csr, Hart, HartConfig, HartError, Latitude, Memory
from vctx.pymodel.trace import PAGE_SHIFT, Insn, Issue, Retire, Xlat
from vctx.tb.agents.interrupts import is_vector_memory
from vctx.tb.agents.translate import PageMap
from vctx.tb.spike import paging

RAM_BASE: Final = 0x8000_0000
RAM_SIZE: Final = 0x10_0000
FILL: Final = 0xA5
_PRIVATE: Final = 0x9000_0000  # code and page tables, which the block never touches; in the GiB of RAM (see `paging`)
_CODE: Final = _PRIVATE + paging.CODE_OFFSET
_VECTOR: Final = _CODE + 0x100
_PAGES: Final = 3  # a vector load or store lies in two at most, and one more does no harm


class Golden:
    """A hart of its own over a memory of its own, which nothing but the instructions it is given changes.

    Args:
        vlen: VLEN in bits.
        ram: first address and size in bytes of its memory.
        pages: how it is translated. M-mode and strided accesses are not, and take only the page faults of the map.
        latitude: the choices that the architecture leaves open.

    Attributes:
        hart: the hart; programs may be run on it as on any other.
        memory: what it sees; a test writes both this and the block's memory.
        pages: as given.

    Example::

        golden = Golden(256)
        golden.execute(encode("csrrw", rd=0, csr=Csr.MSTATUS, rs1=10), rs1=3 << 9)
        insn = golden.execute(encode("vsetvli", rd=5, rs1=0, vtypei=vtypei))
        driver.append(insn.issue)  # for the block, and
        insn.retire                # what it must make of it
    """

    def __init__(
        self,
        vlen: int,
        ram: tuple[int, int] = (RAM_BASE, RAM_SIZE),
        pages: PageMap | None = None,
        latitude: Latitude | None = None,
    ) -> None:
        self.memory = Memory([ram, (_PRIVATE, paging.SIZE)], fill=FILL)
        self.pages = pages or PageMap()
        self.hart = Hart(HartConfig(vlen=vlen, latitude=latitude or Latitude()), self.memory, observer=self)
        self._seen: Insn | None = None
        self.reset()

    def reset(self) -> None:
        """Reset the hart; registers and memory keep their contents (A-14)."""
        self.hart.reset(_CODE)
        self.hart.csr[Csr.MTVEC] = _VECTOR

    def insn(self, hart_id: int, pc: int, issue: Issue, retire: Retire) -> None:
        """Observer of the hart: an instruction of the block."""
        self._seen = Insn(hart_id, pc, issue, retire)

    def store(self, hart_id: int, paddr: int, data: bytes) -> None:
        """Observer of the hart: a scalar store, of which `execute` has none."""

    def execute(
        self,
        word: int,
        *,
        rs1: int = 0,
        rs2: int | None = None,
        prv: int = 3,
        virt: bool = False,
        irq_elem: int | None = None,
    ) -> Insn:
        """Execute one instruction of the block.

        Args:
            word: 32-bit instruction word.
            rs1, rs2: 64-bit values of the x registers that it names; None for whatever is there.
            prv, virt: mode, as in `Issue`.
            irq_elem: an interrupt is pending, as in `Issue`.

        Returns:
            The instruction as it must be issued, translations included, and what must come of it.

        Raises:
            HartError: it is no instruction of the block, or its operands or translation cannot be.
        """
        hart = self.hart
        first, second = word >> 15 & 31, word >> 20 & 31
        self._operand(first, rs1)
        if rs2 is not None:
            self._operand(second, rs2)
        if hart.x[first] != rs1 & (1 << 64) - 1 and first:
            raise HartError(f"{word:#010x}: x{first} cannot be {rs1:#x} and {rs2:#x} at once")
        self._seen = None
        faults = hart.mmu.fault_pages
        try:
            hart.set_mode(prv, virt)
            hart.pc = self._translate(word, rs1, prv, virt)
            hart.step(irq_elem)
        finally:
            faults.clear()
            for atp in (Csr.SATP, Csr.VSATP, Csr.HGATP):
                hart.csr[atp] = 0
            hart.mmu.flush()
        if self._seen is None:
            raise HartError(f"{word:#010x} is not an instruction of the block, or could not be fetched")
        return self._seen

    def _operand(self, register: int, value: int) -> None:
        if register:
            self.hart.x[register] = value & (1 << 64) - 1

    def _translate(self, word: int, base: int, prv: int, virt: bool) -> int:
        """Set translation up for one instruction, and return the address at which it then finds its own word."""
        hart, memory = self.hart, self.memory
        memory.store(_CODE, 4, word)
        pages = self.pages.pages if is_vector_memory(word) else {}
        for page, what in pages.items():
            if what.fault == "page":
                hart.mmu.fault_pages[page] = {"load", "store"}
        vpn = (base & (1 << 64) - 1) >> PAGE_SHIFT
        strided = word >> 26 & 3
        near = pages if strided else [page for page in range(vpn, vpn + _PAGES) if page in pages]
        others = [page for page in near if pages[page].fault != "page"]
        if not others:
            return _CODE
        if prv == 3 or strided:
            how = "a strided access" if strided else "M-mode"
            raise HartError(f"{how} is not translated here, and page {others[0]:#x} does not lead to itself")
        store = word & 0x7F == 0x27
        answers = tuple(self.pages.answer(page, store) for page in range(vpn, vpn + _PAGES))
        tables = paging.tables(Issue(word, prv=prv, virt=virt, xlat=self._in_memory(answers)), _PRIVATE)
        memory.write(_PRIVATE, tables.image)
        hart.csr[Csr.VSATP if virt else Csr.SATP] = tables.atp
        hart.csr[Csr.HGATP] = tables.hgatp
        hart.mmu.flush()
        return tables.code

    def _in_memory(self, answers: tuple[Xlat, ...]) -> tuple[Xlat, ...]:
        """Leave out pages that lead where no memory is: they are too far away to be reached."""
        return tuple(xlat for xlat in answers if xlat.fault or xlat.ppn << PAGE_SHIFT in self.memory)
