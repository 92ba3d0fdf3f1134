# SPDX-License-Identifier: Apache-2.0
"""From a trace to a program: its instructions in the modes, translations and states of the trace, and what is right.

What is right comes from the records of the trace, so a program that ends with 0 on the golden hart, too, repeats them.
What no program can bring about (an interrupt at an element, an answer of the translate port that no tables give) is
left out: the program makes the state that it left, and goes on from there. It is counted, by reason.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from vctx.pymodel.exported.machine import Machine
from vctx.pymodel.exported.runner import (
    BEHIND,
    LINE,
    STUB_BYTES,
    WORD,
    Entry,
    Operands,
    Places,
    Snippets,
    Table,
    fold,
)
from vctx.pymodel.exported.tables import G_ALIGN, Answer, NoTablesError, Sets, Tables
from vctx.pymodel.isa import bits, decode
from vctx.pymodel.isa.bits import M64
from vctx.pymodel.isa.csr import modify
from vctx.pymodel.isa.csr_numbers import STATUS_CSRS, Csr
from vctx.pymodel.trace import (
    MODE_NAMES,
    PAGE_SHIFT,
    PAGE_SIZE,
    ByteRuns,
    Checkpoint,
    Event,
    Insn,
    Issue,
    Retire,
    Store,
    TraceError,
)
from vctx.pymodel.trace.header import Header

IRQ = "interrupt at an element"
NO_TABLES = "translations that no page tables give"
_DIRTY = 3
_MEMORY_FAULTS = (4, 5, 6, 7, 13, 15, 21, 23)
_ECALL = {"M": 11, "HS": 9, "VS": 10, "U": 8, "VU": 8}
_FS_SHIFT = 13


class Left(NamedTuple):
    """What an instruction left, as the runner sees it; VS and SD of the status registers, at their places."""

    rd: int
    vl: int
    vtype: int
    vstart: int
    vcsr: int
    mcause: int
    mtval: int
    mtval2: int
    mepc: int
    mstatus: int
    vsstatus: int

    def fold(self) -> int:
        """Return it as one number."""
        return fold(self[1:], self.rd)


@dataclass(frozen=True)
class Step:
    """One instruction of the trace in the program.

    Attributes:
        record: address of its record.
        index: position of its event in the trace.
        pc: where the program executes it, as its mode sees it.
        event: the event.
        left: what it must leave, in the order in which it is folded.
    """

    record: int
    index: int
    pc: int
    event: Insn
    left: Left

    @property
    def mode(self) -> str:
        """Name of the mode."""
        return MODE_NAMES[(self.event.issue.prv, self.event.issue.virt)]


@dataclass(frozen=True)
class Part:
    """Bytes of a program at an address."""

    name: str
    address: int
    data: bytes


@dataclass
class Exported:
    """A program.

    Attributes:
        machine: what it is made for.
        parts: everything but the runner. tohost: the address by which it ends.
        steps: its instructions, in order.
        left_out: how many instructions of the trace are not, by reason.
        signature: what the runner's signature must be at the end.
    """

    machine: Machine
    parts: list[Part]
    tohost: int
    steps: list[Step]
    left_out: Counter[str]
    signature: int


@dataclass(frozen=True)
class _Planned:
    """An instruction that is to be a step."""

    index: int
    event: Insn
    operands: tuple[int, int]
    machine_access: bool  # from M-mode, through the tables
    sets: tuple[int | None, int | None]  # numbers of the sets for V=0 and V=1 that it needs


@dataclass(frozen=True)
class _Adopted:
    """An instruction that is left out: what it left."""

    state: Retire


@dataclass(frozen=True)
class _Written:
    """Bytes written to the trace's memory by something else."""

    address: int
    data: bytes


@dataclass(frozen=True)
class _Checked:
    """All vector registers."""

    vregs: bytes


@dataclass
class _Fs:
    """FS of both levels, which the instructions of a trace write beside VS."""

    mstatus: int = 0
    vsstatus: int = 0

    def follow(self, issue: Issue, operand: int) -> None:
        """Take over what an instruction that retired has written; `operand` is the value of rs1."""
        d = decode(issue.insn)
        csr = d.fields.get("csr")
        source = d.fields.get("rs1", d.fields.get("uimm"))
        if csr not in STATUS_CSRS or not (d.mnemonic.startswith("csrrw") or source):
            return
        level = "vsstatus" if csr == Csr.VSSTATUS or (csr == Csr.SSTATUS and issue.virt) else "mstatus"
        value = d.fields.get("uimm", operand if source else 0)
        old = getattr(self, level) << _FS_SHIFT
        setattr(self, level, modify(d.mnemonic, old, value) >> _FS_SHIFT & 3)


@dataclass
class _Memory:
    """The trace's memory as it becomes, and which lines of it vector instructions of the program write."""

    base: int
    image: bytearray
    written: set[int] = field(default_factory=set)

    def write(self, address: int, data: bytes, *, vector: bool = False) -> None:
        """Write bytes."""
        at = address - self.base
        self.image[at : at + len(data)] = data
        if vector:
            self.written.update(range(at // LINE, (at + len(data) - 1) // LINE + 1))

    def runs(self) -> Iterator[tuple[int, bytes]]:
        """Iterate over runs of written lines, as (offset, bytes)."""
        lines = sorted(self.written)
        first = 0
        for number, line in enumerate(lines):
            if number + 1 == len(lines) or lines[number + 1] != line + 1:
                start = lines[first] * LINE
                yield start, bytes(self.image[start : (line + 1) * LINE])
                first = number + 1


class _Plan:
    """First pass: what to do, in order, and the page tables that it takes."""

    def __init__(self, header: Header, machine: Machine, hart: int) -> None:
        self.header = header
        self._never = machine.never_set
        self._hart = hart
        self._vlenb = header.vlen // 8
        self._vregs = bytearray(32 * self._vlenb)
        self.memory = _Memory(header.ram_base, bytearray([header.fill]) * header.ram_size)
        self.start = b""  # the memory before the first instruction
        self.actions: list[_Planned | _Adopted | _Written | _Checked] = []
        self.host, self.guest = Sets(), Sets()
        self.left_out: Counter[str] = Counter()
        self._pending: list[_Written] = []

    def take(self, index: int, event: Event) -> None:
        """Take the next event."""
        if isinstance(event, Store):
            self._pending.append(_Written(event.paddr, event.data))
        elif isinstance(event, Insn):
            if event.hart == self._hart:
                self._catch_up()
                self._insn(index, event)
            else:
                self._pending += (_Written(address, data) for address, data in ByteRuns.of(event.retire.mem).runs)
        elif isinstance(event, Checkpoint) and event.hart == self._hart:
            self._catch_up()
            self.actions.append(_Checked(b"".join(event.state.vregs[reg] for reg in range(32))))

    def finish(self) -> None:
        """Take the end of the trace; nobody sees what is still pending."""
        self._pending.clear()
        self._catch_up()
        vregs = _Checked(bytes(self._vregs))
        if self.actions[-1:] != [vregs]:
            self.actions.append(vregs)

    def _catch_up(self) -> None:
        """Let the stores take effect that are pending: before the first instruction they are there from the start."""
        for written in self._pending:
            self.memory.write(written.address, written.data)
            if self.start:
                self.actions.append(written)
        self._pending.clear()
        if not self.start:
            self.start = bytes(self.memory.image)

    def _insn(self, index: int, event: Insn) -> None:
        retire = event.retire
        try:
            if retire.irq:
                raise NoTablesError(IRQ)
            action: _Planned | _Adopted = self._planned(index, event)
        except NoTablesError as reason:
            self.left_out[IRQ if retire.irq else f"{NO_TABLES}: {reason}"] += 1
            action = _Adopted(retire)
        self.actions.append(action)
        for register, value in retire.vregs.items():
            self._vregs[register * self._vlenb : (register + 1) * self._vlenb] = value
        for address, data in ByteRuns.of(retire.mem).runs:
            self.memory.write(address, data, vector=True)

    def _planned(self, index: int, event: Insn) -> _Planned:
        issue, trap = event.issue, event.retire.trap
        rs1, rs2 = issue.rs1, issue.rs2
        if Operands.of(issue.insn).status:
            rs1 &= ~self._never
        machine = issue.prv == 3
        faults = trap is not None and trap.cause in _MEMORY_FAULTS
        if not issue.xlat:
            return _Planned(index, event, (rs1, rs2), False, (None, None))
        if machine and not faults and all(not x.fault and x.vpn == x.ppn for x in issue.xlat):
            return _Planned(index, event, (rs1, rs2), False, (None, None))  # moved with the memory
        user = issue.prv != 1
        answers = {x.vpn: Answer.of(x, user=user, virt=issue.virt) for x in issue.xlat}
        number = (self.guest if issue.virt else self.host).find(answers)
        return _Planned(index, event, (rs1, rs2), machine, (None, number) if issue.virt else (number, None))


class _Builder:
    """Second pass: the bytes of the program."""

    def __init__(self, plan: _Plan, machine: Machine) -> None:
        self.plan = plan
        self.machine = machine
        self.places = Places(machine)
        self.snippets = Snippets(self.places)
        for action in plan.actions:  # their number decides where everything else lies
            if isinstance(action, _Planned):
                self.snippets.offset(action.event.issue.insn)
        words = self.snippets.image()
        tables_at = _aligned(self.places.words + len(words), G_ALIGN)
        facts = {"base": tables_at, "code": machine.start, "hole": machine.hole}
        # How many tables there are does not depend on where the memory lies.
        size = len(self._tables(0, facts).image)
        self.window = tables_at + size
        self.tables = self._tables(self.window, facts)
        self.steps_at = self.window + _aligned(plan.header.ram_size, PAGE_SIZE)
        self.parts = [
            Part("words", self.places.words, words),
            Part("tables", tables_at, self.tables.image),
            Part("window", self.window, plan.start),
        ]
        self.table = Table(self.places)
        self.steps: list[Step] = []
        self.signature = 0
        self._fs = _Fs()
        self._sets: tuple[int, int] | None = None

    def _tables(self, window: int, facts: dict[str, int]) -> Tables:
        plan = self.plan
        return Tables(plan.host, plan.guest, window=window, first=plan.header.ram_base >> PAGE_SHIFT, **facts)

    def build(self) -> Exported:
        """Return the program; TraceError if it does not fit."""
        self._translate((0, 0))
        for action in self.plan.actions:
            if isinstance(action, _Planned):
                self._step(action)
            elif isinstance(action, _Written):
                self.table.store(self._moved(action.address), action.data)
            elif isinstance(action, _Adopted):
                self._adopt(action.state)
            else:
                self.table.add(Entry.SAVE_REGISTERS)
                self._check(self.places.registers, action.vregs)
        for offset, data in self.plan.memory.runs():
            self._check(self.window + offset, data)
        self.parts.append(Part("steps", self.steps_at, self.table.image()))
        end = _aligned(self.steps_at + len(self.parts[-1].data), PAGE_SIZE)
        tohost = self._mailbox(end)
        if max(end, tohost + PAGE_SIZE) > self.machine.end:
            raise TraceError(f"the program ends at {end:#x}, behind RAM: it needs {end - self.machine.start:#x} bytes")
        return Exported(self.machine, self.parts, tohost, self.steps, self.plan.left_out, self.signature)

    def _mailbox(self, end: int) -> int:
        """Return the page of tohost: one that no step sees at its address, for those who look at a log only."""
        wanted = self.machine.tohost
        if wanted is not None and self.machine.start - PAGE_SIZE < wanted < end:
            raise TraceError(f"tohost {wanted:#x} is inside the program, which ends at {end:#x}")
        page = end >> PAGE_SHIFT if wanted is None else wanted >> PAGE_SHIFT
        taken = self.plan.host.pages | self.plan.guest.pages
        while wanted is None and page in taken:
            page += 1
        return page << PAGE_SHIFT

    def _moved(self, address: int) -> int:
        """Return where an address of the trace's memory is in the program."""
        return address - self.plan.header.ram_base + self.window

    def _translate(self, sets: tuple[int, int]) -> None:
        if sets != self._sets:
            self._sets = sets
            host, guest = self.tables.satp[sets[0]], self.tables.vsatp[sets[1]]
            self.table.add(Entry.TRANSLATE, host, guest, self.tables.hgatp)

    def _step(self, step: _Planned) -> None:
        event = step.event
        issue, retire = event.issue, event.retire
        host, guest = self._sets or (0, 0)
        self._translate(
            (host if step.sets[0] is None else step.sets[0], guest if step.sets[1] is None else step.sets[1])
        )
        self._set_fs(issue)
        rs1, rs2 = step.operands
        if issue.prv == 3 and issue.xlat and not step.machine_access:
            rs1 = rs1 + self._moved(0) & M64
        snippet = self.places.words + self.snippets.offset(issue.insn)
        word = snippet + WORD
        if issue.prv != 3:
            word = self.tables.seen(word, user=issue.prv == 0)
        operands = Operands.of(issue.insn)
        status = issue.prv << bits.MPP_SHIFT | (bits.MPV if issue.virt else 0)
        status |= bits.MPRV if step.machine_access else 0
        if retire.trap is None:
            self._fs.follow(issue, rs1)
        left = self._left(event, operands.before(rs1, rs2), word)
        record = self.table.add(Entry.STEP, status, word, snippet, rs1, rs2, left.fold())
        self.steps.append(Step(self.steps_at + record, step.index, word, event, left))
        self._judged(left.fold())

    def _set_fs(self, issue: Issue) -> None:
        """Make FS as the instruction is to find it: Dirty, or, if it is and must not be, Off."""
        numbers = []
        for level, dirty in (("mstatus", issue.fs_dirty), ("vsstatus", issue.vsfs_dirty)):
            now = getattr(self._fs, level)
            wanted = now if (now == _DIRTY) == dirty else _DIRTY if dirty else 0
            numbers += [(now & ~wanted) << _FS_SHIFT, (wanted & ~now) << _FS_SHIFT]
            setattr(self._fs, level, wanted)
        if any(numbers):
            self.table.add(Entry.STATUS, *numbers)

    def _left(self, event: Insn, before: int, word: int) -> Left:
        """Return what a step must leave; `before` is what rd held."""
        issue, retire = event.issue, event.retire
        trap = retire.trap
        cause, tval, tval2 = _ECALL[MODE_NAMES[(issue.prv, issue.virt)]], 0, 0
        if trap is not None:
            cause, tval, tval2 = trap.cause, trap.tval, trap.tval2
        rd = before if retire.rd is None else retire.rd
        if Operands.of(issue.insn).status:
            rd &= bits.SD | bits.VS
        state = (retire.vl, retire.vtype, retire.vstart, retire.vcsr)
        levels = (_shown(retire.mstatus_vs, self._fs.mstatus), _shown(retire.vsstatus_vs, self._fs.vsstatus))
        pc = word if trap is not None else word + BEHIND - WORD
        return Left(rd, *state, cause, tval, tval2, pc, *levels)

    def _check(self, address: int, data: bytes) -> None:
        expected = fold(int.from_bytes(data[at : at + 8], "little") for at in range(0, len(data), 8))
        self.table.add(Entry.CHECK, address, len(data) // 8, expected)
        self._judged(expected)

    def _judged(self, expected: int) -> None:
        self.signature = fold((expected,), self.signature)

    def _adopt(self, state: Retire) -> None:
        """Make the state that an instruction left."""
        for register, value in state.vregs.items():
            self.table.store(self.places.registers, value)
            self.table.add(Entry.LOAD_REGISTER, STUB_BYTES * register, self.places.registers)
        for address, data in ByteRuns.of(state.mem).runs:
            self.table.store(self._moved(address), data)
        levels = (state.mstatus_vs << bits.VS_SHIFT, state.vsstatus_vs << bits.VS_SHIFT)
        self.table.add(Entry.ADOPT, state.vl, state.vtype, state.vcsr, state.vstart, *levels)


def _shown(vs: int, fs: int) -> int:
    """Return VS and SD as a status register shows them (B-12)."""
    return vs << bits.VS_SHIFT | (bits.SD if _DIRTY in (vs, fs) else 0)


def _aligned(value: int, multiple: int) -> int:
    return -(-value // multiple) * multiple


def translate(header: Header, events: Iterable[Event], machine: Machine, *, hart: int = 0) -> Exported:
    """Return the program of one hart of a trace.

    Args:
        header, events: the trace; of other harts what they store counts.
        machine: what to make it for; VLEN must be that of the trace.

    Raises:
        TraceError: of another VLEN or of harts without V, or the program does not fit into the machine's RAM.
    """
    if header.vlen != machine.vlen or not header.has_v:
        raise TraceError(f"a trace of VLEN {header.vlen * header.has_v} is no program for VLEN {machine.vlen}")
    plan = _Plan(header, machine, hart)
    for index, event in enumerate(events):
        plan.take(index, event)
    plan.finish()
    return _Builder(plan, machine).build()
