# SPDX-License-Identifier: Apache-2.0
"""Spike as a judge of traces: execute every instruction of a trace on it, and compare what comes of it.

Spike is given what the trace gives the RTL: instruction, operands, mode, and the answers of the translate port as page
tables. Its vector state is its own from the first instruction to the last. It does not judge

* an instruction that stopped for an interrupt: Spike takes interrupts between instructions only;
* an instruction whose outcome depends on a choice that was made unlike Spike's (`tb.spike.masks`).

There it is given the recorded outcome and goes on from that. Every such instruction is counted, by reason.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

from vctx.pymodel.isa import decode, encode
from vctx.pymodel.isa.encoding import Kind
from vctx.pymodel.trace import (
    PAGE_SHIFT,
    PAGE_SIZE,
    Checkpoint,
    Difference,
    Insn,
    Issue,
    Retire,
    Store,
    TraceError,
    TraceReader,
    differences,
)
from vctx.pymodel.trace.header import Header
from vctx.tb.replay.report import history, mismatch_at
from vctx.tb.replay.result import Mismatch
from vctx.tb.spike import paging
from vctx.tb.spike.masks import Situation, mask_of, masked_settings
from vctx.tb.spike.oracle import Spike

_VSTART, _VCSR, _SATP, _VSSTATUS, _VSATP, _MSTATUS, _HGATP = 0x008, 0x00F, 0x180, 0x200, 0x280, 0x300, 0x680
_VS_SHIFT, _FS_SHIFT, _MPP_SHIFT = 9, 13, 11
_MPRV, _MPV = 1 << 17, 1 << 39
_DIRTY = 3
_RS1, _RS2 = 10, 11
_RESTORE = encode("vsetvl", rd=0, rs1=_RS1, rs2=_RS2)
IRQ = "irq"  # the reason for an instruction that stopped for an interrupt


@dataclass
class Judgement:
    """What Spike says of a trace.

    Attributes:
        instructions: executed on Spike; `judged` of them compared.
        unjudged: the others, by reason: `IRQ`, or a setting of `Latitude`.
        checkpoints: whole states compared.
        mismatch: the first difference, at which Spike stopped, or None.
        records: what Spike did, by position in the trace; judged instructions only.
    """

    instructions: int = 0
    judged: int = 0
    checkpoints: int = 0
    unjudged: Counter[str] = field(default_factory=Counter)
    mismatch: Mismatch | None = None
    records: dict[int, Retire] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Spike agrees with everything it judged."""
        return self.mismatch is None


class _Hart:
    """One hart of the trace on a Spike of its own, with code and page tables above the RAM.

    `before` is the state that the next instruction meets.
    """

    def __init__(self, header: Header, stack: ExitStack) -> None:
        self.before = Retire()
        self._ram = header.ram_base
        self._tables = header.ram_base + header.ram_size + paging.ALIGN - 1 & -paging.ALIGN
        size = self._tables + paging.SIZE - header.ram_base
        self.spike = stack.enter_context(Spike(header.vlen, header.ram_base, size))
        self.spike.write(header.ram_base, bytes([header.fill]) * header.ram_size)

    def execute(self, issue: Issue) -> Retire:
        """Execute an instruction as it was issued; store addresses in the record are physical."""
        spike, word = self.spike, issue.insn
        code, mode = self._tables + paging.CODE_OFFSET, 0
        pc, atp, hgatp = code, 0, 0
        if not paging.identity(issue.xlat, self._ram, self._tables + paging.SIZE):
            tables = paging.tables(issue, self._tables)
            spike.write(self._tables, tables.image)
            atp, hgatp = tables.atp, tables.hgatp
            if issue.prv == 3:  # data accesses are translated as if from HS, or from VS
                mode = _MPRV | 1 << _MPP_SHIFT | (_MPV if hgatp else 0)
            else:
                pc = tables.code
        spike.write(code, word.to_bytes(4, "little"))
        for shift, value in ((20, issue.rs2), (15, issue.rs1)):
            if word >> shift & 31:
                spike.set_x(word >> shift & 31, value)
        spike.set_mode(3, False)  # with V=1, satp would be vsatp
        spike.set_csr(_SATP, 0 if hgatp else atp)
        spike.set_csr(_VSATP, atp if hgatp else 0)
        spike.set_csr(_HGATP, hgatp)
        self._set_status(_MSTATUS, self.before.mstatus_vs, issue.fs_dirty, mode)
        self._set_status(_VSSTATUS, self.before.vsstatus_vs, issue.vsfs_dirty)
        spike.set_mode(issue.prv, issue.virt)
        spike.pc = pc
        record = spike.step()
        if record.mem:
            pages = {x.vpn: x.ppn for x in issue.xlat}
            record = record._replace(mem={_physical(pages, at): byte for at, byte in record.mem.items()})
        return record

    def adopt(self, state: Retire) -> None:
        """Make the state that of a record, everything that the record wrote included."""
        spike = self.spike
        self.before = state._replace(mstatus_vs=_DIRTY)
        self.execute(Issue(_RESTORE, rs1=state.vl, rs2=state.vtype))
        vregs = spike.vregs()
        for register, value in state.vregs.items():
            vregs[register * spike.vlenb : (register + 1) * spike.vlenb] = value
        spike.set_vregs(bytes(vregs))
        self.remember(state.mem)
        spike.set_csr(_VCSR, state.vcsr)
        spike.set_csr(_VSTART, state.vstart)
        self.before = state
        self._set_status(_MSTATUS, state.mstatus_vs, False)
        self._set_status(_VSSTATUS, state.vsstatus_vs, False)

    def remember(self, mem: Mapping[int, int]) -> None:
        """Write bytes to memory that were not written by this hart's own instructions."""
        run = bytearray()
        for address in sorted(mem):
            run.append(mem[address])
            if address + 1 not in mem:
                self.spike.write(address + 1 - len(run), bytes(run))
                run.clear()

    def snapshot(self) -> Retire:
        """Return the whole vector state."""
        vregs, vlenb = bytes(self.spike.vregs()), self.spike.vlenb
        registers = {r: vregs[r * vlenb : (r + 1) * vlenb] for r in range(32)}
        return self.before._replace(trap=None, irq=False, rd=None, mem={}, vregs=registers)

    def _set_status(self, csr: int, vs: int, fs_dirty: bool, other: int = 0) -> None:
        self.spike.set_csr(csr, vs << _VS_SHIFT | (_DIRTY << _FS_SHIFT if fs_dirty else 0) | other)


def _physical(pages: dict[int, int], address: int) -> int:
    page = pages.get(address >> PAGE_SHIFT)
    return address if page is None else page << PAGE_SHIFT | address & PAGE_SIZE - 1


def judge(trace: Path, command: str | None = None) -> Judgement:
    """Execute a trace on Spike, to the first difference.

    Args:
        trace: the file. command: what reproduces a difference; default what recorded the trace.

    Raises:
        ToolError: Spike is not installed. TraceError: not a trace, or one that Spike cannot judge: of harts without V,
            with translations that Spike cannot have, with vector instructions that only Spike has.
    """
    header = Header.of(trace)
    if not header.has_v:
        raise TraceError(f"{trace}: recorded on harts without V, and Spike has V")
    header = replace(header, command=command or header.command)
    reader = TraceReader(trace)
    settings = masked_settings(reader.header.get("latitude", {}))
    found = Judgement()
    with ExitStack() as stack:
        harts = [_Hart(header, stack) for _ in range(header.harts)]
        for index, event in enumerate(reader):
            if isinstance(event, Insn):
                _instruction(found, harts, index, event, settings, header, trace)
            elif isinstance(event, Store):
                for hart in harts:
                    hart.spike.write(event.paddr, event.data)
            elif isinstance(event, Checkpoint):
                found.checkpoints += 1
                wrong = differences(event.state, harts[event.hart].snapshot())
                if wrong:
                    found.mismatch = _report(trace, header, index, wrong, event)
            if found.mismatch is not None:
                break
    return found


def _report(trace: Path, header: Header, index: int, wrong: list[Difference], event: Insn | Checkpoint) -> Mismatch:
    insn = event if isinstance(event, Insn) else None
    return mismatch_at(
        index,
        "checkpoint" if insn is None else "instruction",
        wrong,
        command=header.command,
        programs=header.programs,
        hart=event.hart,
        insn=insn,
        before=history(TraceReader(trace), index, event.hart),
    )


def _instruction(
    found: Judgement, harts: list[_Hart], index: int, event: Insn, settings: list[str], header: Header, trace: Path
) -> None:
    hart, issue, expected = harts[event.hart], event.issue, event.retire
    found.instructions += 1
    reason = IRQ if expected.irq else mask_of(Situation(event, hart.before, header.vlen), settings)
    if reason is not None:
        found.unjudged[reason] += 1
        hart.adopt(expected)
    else:
        found.judged += 1
        record = found.records[index] = hart.execute(issue)
        wrong = differences(expected, record)
        if wrong and record.trap is None and decode(issue.insn).kind is Kind.UNKNOWN:
            raise TraceError(f"event {index}: Spike executes {issue.insn:#010x}, which the block does not have")
        if wrong:
            found.mismatch = _report(trace, header, index, wrong, event)
        hart.before = record
    for other in harts:
        if other is not hart:
            other.remember(expected.mem)
