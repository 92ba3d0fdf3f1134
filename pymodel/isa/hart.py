# SPDX-License-Identifier: Apache-2.0
"""The golden hart: fetch, execute, trap, and the ways a host drives it."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from functools import lru_cache
from itertools import islice
from typing import Final

from vctx.pymodel.isa import trap
from vctx.pymodel.isa.bits import M64
from vctx.pymodel.isa.block import state_record
from vctx.pymodel.isa.code import HOT, Code
from vctx.pymodel.isa.commit import CommitReporter
from vctx.pymodel.isa.compiled import Block, CodePage, Flow, Op, Path
from vctx.pymodel.isa.csr_numbers import Csr
from vctx.pymodel.isa.encoding import disassemble
from vctx.pymodel.isa.errors import ArchTrap, HartError, InterruptedInsn, UnexpectedTrap
from vctx.pymodel.isa.memory import Memory
from vctx.pymodel.isa.observer import CommitObserver, Observer
from vctx.pymodel.isa.registers import HartConfig
from vctx.pymodel.isa.state import HartState
from vctx.pymodel.trace.records import PAGE_SHIFT, PAGE_SIZE, Retire

_ARGUMENTS = 8
_A0, _RA = 10, 1
_ALL_VREGS = 0xFFFF_FFFF
_OFFSET = PAGE_SIZE - 1
_EVER = 1 << 63  # more steps than anybody runs


class Hart(HartState):
    """One hart: RV64IMAC_Zicsr_Zifencei, H, and the vector subset of the RTL; modes M, HS, U, VS, VU.

    Interrupts are taken only when the host calls :meth:`interrupt`; wfi does not wait.

    Args:
        config, memory, hart_id, observer: of :class:`~pymodel.isa.state.HartState`, which has the attributes.
        commits: receives every instruction fetched and every trap; None for none.

    Attributes:
        RETURN, TRAP_SENTINEL, INJECT_PC: reserved addresses where no instruction is ever fetched.

    It starts in M-mode, with VS Off:

    >>> from vctx.pymodel.isa import Csr, Hart, HartConfig, Memory, encode
    >>> memory = Memory([(0x8000_0000, 0x1000)])
    >>> program = encode("addi", rd=10, rs1=0, imm=5), encode("vsetvli", rd=11, rs1=10, vtypei=0xD1)
    >>> memory.write(0x8000_0000, b"".join(word.to_bytes(4, "little") for word in program))
    >>> hart = Hart(HartConfig(vlen=128), memory)
    >>> hart.reset(0x8000_0000)
    >>> hart.csr[Csr.MSTATUS] |= 1 << 9
    >>> hart.run(stop=[0x8000_0008])
    2
    >>> hart.x[11], hart.csr[Csr.MSTATUS] >> 9 & 3
    (5, 3)

    Host code executes single instructions by :meth:`inject`, without memory or pc:

    >>> hart.inject(encode("csrrs", rd=5, rs1=0, csr=Csr.VLENB))
    16
    """

    RETURN: Final = 0xFFFF_FFFF_FFFF_F000
    TRAP_SENTINEL: Final = 0xFFFF_FFFF_FFFF_F100
    INJECT_PC: Final = 0xFFFF_FFFF_FFFF_F200

    def __init__(
        self,
        config: HartConfig,
        memory: Memory,
        hart_id: int = 0,
        observer: Observer | None = None,
        commits: CommitObserver | None = None,
    ) -> None:
        super().__init__(config, memory, hart_id, observer)
        self._commits = None if commits is None else CommitReporter(self, commits)
        self._code = Code(self, self.stopped, self._commits)
        self._running: Block | Path | None = None  # what `run` executes, and what `halt` discards to end it
        self._halted = False  # the `run` in progress is to end
        self._stopped: tuple[int, int] | None = None  # pc, and how many instructions were executed ahead of it

    # --- execution ---

    def step(self, irq_elem: int | None = None) -> None:
        """Execute one instruction or take one trap.

        Args:
            irq_elem: an interrupt is pending: a vector memory instruction stops at the first element boundary at or
                after this element, with pc unchanged and vstart set.
        """
        self.irq_elem = irq_elem
        pc = self.pc
        try:
            page = self._page(pc)
            insn = page.insns.get(pc & _OFFSET) or self._code.insn(page, pc & _OFFSET) or self._across(page, pc)
            self.pc = insn.ops[0](pc) & M64
        except ArchTrap as stop:
            self.pc = self._trap(stop, pc)
        except InterruptedInsn:
            pass
        else:
            self.instret += 1
        finally:
            self.irq_elem = None

    def attempt(self) -> ArchTrap | None:
        """Execute one instruction as :meth:`step` does, but return an exception instead of taking it: see `take`."""
        pc = self.pc
        try:
            page = self._page(pc)
            insn = page.insns.get(pc & _OFFSET) or self._code.insn(page, pc & _OFFSET) or self._across(page, pc)
            self.pc = insn.ops[0](pc) & M64
        except ArchTrap as exception:
            return exception
        self.instret += 1
        return None

    def take(self, exception: ArchTrap) -> None:
        """Enter the handler of a synchronous exception at the present pc."""
        self.pc = trap.enter(self, exception, self.pc)

    def run(self, stop: Collection[int], limit: int | None = None, *, pause: bool = False) -> int:
        """Step until pc is in `stop`, which is checked before each step, or `limit` steps are done.

        While it runs, an observer finds `pc` and `instret` as they were at the beginning of a block of instructions.

        Args:
            stop: addresses.
            limit: most steps; None for any number.
            pause: stop also after a trap, and after every instruction that may change the mode, the interrupts pending
                or enabled, or `waiting`.

        Returns:
            The number of steps done, instructions and traps.
        """
        stops = frozenset(stop)
        stops_in = _by_page(stops)
        left = _EVER if limit is None else limit
        mmu, pc = self.mmu, self.pc
        faults = mmu.fault_pages
        self._halted = False
        try:
            while left and pc not in stops and not self._halted:
                try:
                    page = None if faults else mmu.code.get(pc >> PAGE_SHIFT)
                    if page is None:
                        if pc > M64:  # behind the last page, whose code may fall through to address 0
                            pc &= M64
                            continue
                        page = self._page(pc)
                    near = stops_in.get(pc >> PAGE_SHIFT)
                    path = page.paths.get(pc & _OFFSET)
                    if path is None or faults or path.block > left or (near and not near.isdisjoint(path.starts)):
                        pc, count = self._run_block(page, pc, left, near)
                    else:
                        self._running = path
                        pc, count = path.run(pc, left)
                except ArchTrap as exception:
                    (pc, count), self._stopped = self._stopped or (pc, 0), None
                    self.instret += count
                    left -= count + 1
                    pc = self._trap(exception, pc)
                    if pause:
                        break
                else:
                    self.instret += count
                    left -= count
                    if pause and self._running is not None and self._running.flow is Flow.SYSTEM:
                        break
        finally:
            if self._stopped is not None:
                (pc, _), self._stopped = self._stopped, None
            self.pc = pc & M64
            self._running = None
        return (_EVER if limit is None else limit) - left

    def _run_block(self, page: CodePage, pc: int, left: int, stops: set[int] | None) -> tuple[int, int]:
        """Run the block at `pc`, but at most `left` instructions and up to the next of `stops`, offsets in its page.

        Returns:
            The next pc, and the number of instructions that were executed.
        """
        first = pc
        block = self._running = page.blocks.get(pc & _OFFSET) or self._block(page, pc)
        ops: Iterable[Op] = block.ops
        count = whole = len(block.offsets)
        if count > 1 and (count > left or stops):
            count = min(left, block.until(stops or (), pc & _OFFSET))
            ops = islice(ops, count)
        try:
            for op in ops:
                pc = op(pc)
        except BaseException:
            self.stopped(pc, block.index(pc - first))
            raise
        if len(block.ops) != whole:  # discarded while it ran
            return pc, block.index(pc - first)
        if count == whole:
            block.after = pc - first
            block.runs += 1
            if block.runs == HOT:
                self._code.heat(page, first & _OFFSET)
        return pc, count

    def stopped(self, pc: int, count: int) -> None:
        """Note where the code stops that is about to raise: at `pc`, `count` instructions behind its beginning."""
        self._stopped = pc, count

    def halt(self) -> None:
        """End the :meth:`run` in progress after the present instruction; for observers."""
        self._halted = True
        if self._running is not None:
            self._running.discard()

    def call(self, entry: int, *args: int, limit: int = 100_000) -> int:
        """Call the function at `entry` in the present mode and return a0.

        Up to eight arguments go to a0..a7, and ra is RETURN. x and pc are restored in any case.

        Raises:
            UnexpectedTrap: a trap landed at TRAP_SENTINEL; the mode and CSRs stay as trap entry left them.
            HartError: too many arguments, or no return within `limit` steps.
        """
        if len(args) > _ARGUMENTS:
            raise HartError(f"a call takes at most {_ARGUMENTS} arguments")
        saved, pc = self.x[:], self.pc
        self.x[_A0 : _A0 + len(args)] = [arg & M64 for arg in args]
        self.x[_RA] = self.RETURN
        self.pc = entry
        try:
            self.run((self.RETURN, self.TRAP_SENTINEL), limit)
            if self.pc == self.TRAP_SENTINEL:
                raise self._landed()
            if self.pc != self.RETURN:
                raise HartError(f"call of {entry:#x} has not returned after {limit} steps; pc is {self.pc:#x}")
            return self.x[_A0]
        finally:
            self.x[:] = saved
            self.pc = pc

    def inject(self, insn: int, rs1: int = 0, rs2: int = 0) -> int:
        """Execute one instruction as host code would, in the present mode, and return the value of rd.

        It is checked, executed and recorded as in :meth:`step`, with pc INJECT_PC. x and pc stay as they are, except
        that a taken jump, mret or sret sets pc.

        Args:
            insn: 32-bit instruction word.
            rs1, rs2: operand values, for the register operands that the instruction has.

        Returns:
            The value written to x[rd], 0 if none.

        Raises:
            UnexpectedTrap: the instruction raised an exception; no trap was entered.
            HartError: a value that cannot be in the register (x0, or one register for two different values).
        """
        x, fields = self.x, self._code.decode(insn).fields
        first, second, rd = fields.get("rs1", 0), fields.get("rs2", 0), fields.get("rd", 0)
        rs1, rs2 = rs1 & M64, rs2 & M64
        saved = x[first], x[second], x[rd]
        x[first], x[second] = rs1, rs2
        try:
            if x[0] or x[first] != rs1:
                name, value = ("rs1", rs1) if not first and rs1 else ("rs2", rs2)
                raise HartError(f"{disassemble(insn)}: {name} cannot be {value:#x}")
            pc = self._code.word(insn, 4)(self.INJECT_PC)
            if pc != self.INJECT_PC + 4:
                self.pc = pc
            self.instret += 1
            return x[rd]
        except ArchTrap as stop:
            raise UnexpectedTrap(stop.cause, self.INJECT_PC, stop.tval) from None
        finally:
            x[first], x[second], x[rd] = saved  # nothing else was changed

    def interrupt(self, cause: int) -> None:
        """Take interrupt `cause` (without bit 63) now, routed by mideleg and hideleg; enables are the caller's matter.

        Raises:
            HartError: the interrupt is delegated to a mode less privileged than the present one.
        """
        epc = self.pc
        self.pc = trap.enter_interrupt(self, cause, epc)
        if self._commits is not None:
            self._commits.observer.trap(self.hart_id, epc, cause | 1 << 63, 0)

    def snapshot(self) -> Retire:
        """Return the whole vector state: all 32 registers, the vector CSRs and both VS fields."""
        return state_record(self, None, self.vec.values(_ALL_VREGS), {})

    def _landed(self) -> UnexpectedTrap:
        if self.prv == 3:
            cause, epc, tval = Csr.MCAUSE, Csr.MEPC, Csr.MTVAL
        elif self.virt:
            cause, epc, tval = Csr.VSCAUSE, Csr.VSEPC, Csr.VSTVAL
        else:
            cause, epc, tval = Csr.SCAUSE, Csr.SEPC, Csr.STVAL
        values = self.csr.values
        return UnexpectedTrap(values[cause], values[epc], values[tval])

    def _trap(self, exception: ArchTrap, epc: int) -> int:
        if self._commits is not None:
            self._commits.observer.trap(self.hart_id, epc, exception.cause, exception.tval)
        return trap.enter(self, exception, epc)

    # --- fetch ---

    def _page(self, pc: int) -> CodePage:
        """Return the code of the page at virtual address `pc`, or raise a fetch fault."""
        mmu = self.mmu
        page = None if mmu.fault_pages else mmu.code.get(pc >> PAGE_SHIFT)
        if page is None:
            page = mmu.code[pc >> PAGE_SHIFT] = self._code.page(mmu.page(pc, "fetch"))
        return page

    def _block(self, page: CodePage, pc: int) -> Block:
        """Return the block at `pc`, which is on `page`, or raise a fetch fault."""
        return self._code.block(page, pc & _OFFSET) or self._across(page, pc)

    def _across(self, page: CodePage, pc: int) -> Block:
        """Return the instruction that begins in the last two bytes of `page`, or raise a fetch fault."""
        return self._code.across(page.base | pc & _OFFSET, self.mmu.page(pc + 2 & M64, "fetch"))


@lru_cache(64)
def _by_page(addresses: frozenset[int]) -> dict[int, set[int]]:
    """Return the offsets of addresses in their pages, by virtual page number."""
    found: dict[int, set[int]] = {}
    for address in addresses:
        found.setdefault(address >> PAGE_SHIFT, set()).add(address & _OFFSET)
    return found
