# SPDX-License-Identifier: Apache-2.0
"""The golden hart as a judge of traces that somebody else recorded: it executes every instruction of one, and compares.

It is given what the trace gives the RTL: instruction, operands, mode, and the answers of the translate port. Its vector
state is its own from the first instruction to the last.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from vctx.pymodel.isa import Hart, HartConfig, Latitude, Memory, bits, decode
from vctx.pymodel.isa.block import compile_block
from vctx.pymodel.isa.compiled import Op
from vctx.pymodel.isa.csr_numbers import MSTATUS, VSSTATUS
from vctx.pymodel.isa.errors import ArchTrap, Cause, InterruptedInsn
from vctx.pymodel.isa.mmu import Access, Context, Mmu
from vctx.pymodel.trace import (
    PAGE_SHIFT,
    Insn,
    Issue,
    Retire,
    Store,
    TraceError,
    TraceReader,
    Xlat,
    differences,
    encode_retire,
)
from vctx.pymodel.trace.header import Header
from vctx.tb.replay.report import history, mismatch_at
from vctx.tb.replay.result import Mismatch

_EVERY = 20_000  # events between reports of progress
_FS = bits.FS
_MISALIGNED: dict[Access, Cause] = {"load": Cause.LOAD_MISALIGNED, "store": Cause.STORE_MISALIGNED}


@dataclass
class GoldenJudgement:
    """What the golden hart says of a trace: how many instructions it judged, and the first difference, or None."""

    judged: int = 0
    mismatch: Mismatch | None = None

    @property
    def ok(self) -> bool:
        """It agrees with all of it."""
        return self.mismatch is None


class _Answers(Mmu):
    """A translation that answers as the trace does; `answers` are those of the instruction under way."""

    answers: tuple[Xlat, ...] = ()

    def page_in(self, context: Context, vaddr: int, access: Access, size: int = 1) -> int:
        if vaddr & size - 1:
            raise ArchTrap(_MISALIGNED[access], vaddr)
        answer = self.xlat(vaddr, access)
        if answer.fault:
            raise ArchTrap(answer.fault, vaddr, tval2=answer.gpn << PAGE_SHIFT - 2)
        return answer.ppn << PAGE_SHIFT

    def xlat(self, vaddr: int, access: Access) -> Xlat:
        for answer in self.answers:
            if answer.vpn == vaddr >> PAGE_SHIFT:
                return answer
        raise TraceError(f"an instruction accesses page {vaddr >> PAGE_SHIFT:#x}, for which the trace has no answer")


class _Hart:
    """One hart of the trace."""

    def __init__(self, config: HartConfig, start: int, number: int, memory: Memory) -> None:
        self._hart = Hart(config, memory, number, self)
        self._mmu = self._hart.mmu = _Answers(self._hart, memory)
        self._hart.reset(start)
        self._ops: dict[int, Op] = {}
        self._seen: Retire | None = None

    def insn(self, hart_id: int, pc: int, issue: Issue, retire: Retire) -> None:
        """Hear of what was executed."""
        self._seen = retire

    def store(self, hart_id: int, paddr: int, data: bytes) -> None:
        """Hear of a scalar store, of which there is none."""

    def execute(self, pc: int, issue: Issue) -> Retire:
        """Execute an instruction as it was issued."""
        hart, word = self._hart, issue.insn
        op = self._ops.get(word)
        if op is None:
            op = self._ops[word] = compile_block(hart, decode(word))
        if hart.mode != (issue.prv, issue.virt):
            hart.set_mode(issue.prv, issue.virt)
        hart.x[word >> 20 & 31] = issue.rs2
        hart.x[word >> 15 & 31] = issue.rs1
        hart.x[0] = 0
        values = hart.csr.values
        values[MSTATUS] = values[MSTATUS] & ~_FS | (_FS if issue.fs_dirty else 0)
        values[VSSTATUS] = values[VSSTATUS] & ~_FS | (_FS if issue.vsfs_dirty else 0)
        hart.irq_elem = issue.irq_elem
        self._mmu.answers = issue.xlat
        try:
            op(pc)
        except (ArchTrap, InterruptedInsn):
            pass
        finally:
            hart.irq_elem = None
        seen, self._seen = self._seen, None
        assert seen is not None
        return seen


def judge(
    trace: Path, command: str | None = None, progress: Callable[[int], None] = lambda done: None
) -> GoldenJudgement:
    """Execute a trace on golden harts, to the first difference; checkpoints are not looked at.

    Args:
        trace: the file. command: what reproduces a difference; default what recorded the trace.
        progress: called with the number of events judged so far.

    Raises:
        TraceError: not a trace, or one whose answers do not suffice.
    """
    header = Header.of(trace)
    header = replace(header, command=command or header.command)
    memory = Memory([(header.ram_base, header.ram_size)])
    memory.write(header.ram_base, bytes([header.fill]) * header.ram_size)
    reader = TraceReader(trace)
    config = HartConfig(header.vlen, header.has_v, latitude=Latitude(**reader.header.get("latitude", {})))
    harts = [_Hart(config, header.ram_base, number, memory) for number in range(header.harts)]
    found = GoldenJudgement()
    for index, event in enumerate(reader):
        if index % _EVERY == 0:
            progress(index)
        if isinstance(event, Store):
            memory.write(event.paddr, event.data)
        elif isinstance(event, Insn):
            found.judged += 1
            seen = harts[event.hart].execute(event.pc, event.issue)
            if encode_retire(seen) != encode_retire(event.retire):
                found.mismatch = mismatch_at(
                    index,
                    "instruction",
                    differences(event.retire, seen),
                    command=header.command,
                    programs=header.programs,
                    hart=event.hart,
                    insn=event,
                    before=history(TraceReader(trace), index, event.hart),
                )
                break
    return found
