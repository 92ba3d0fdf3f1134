# SPDX-License-Identifier: Apache-2.0
"""Fuzz programs on the golden hart and on Spike, one step at a time, compared after each.

Compared at every step: pc, mode and every integer register. At every instruction of the block: its record, and both
status registers whole. At every trap: the trap CSRs of the mode that takes it. At the end of a program: all vector
registers and all of RAM. `UNJUDGED` is what is not.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from vctx.pymodel.fuzz.machine import Machine
from vctx.pymodel.fuzz.program import Program, world
from vctx.pymodel.isa import Csr, disassemble
from vctx.pymodel.isa.latitude import POINTS
from vctx.pymodel.trace import MODE_NAMES, PAGE_SHIFT, PAGE_SIZE, Difference, Issue, Retire, Trap, differences
from vctx.tb.spike.oracle import Spike

# Points of `pymodel.isa.latitude` that are not Spike's to judge here. L-23, xtinst, is: trap CSRs are compared.
_UNJUDGED = ("L-17", "P-2", "P-4", "P-5")
UNJUDGED = tuple(point for point in POINTS if point.number in _UNJUDGED)

_IMPLICIT_READ = 0x3000  # mtinst or htinst of a guest-page fault on reading a VS-stage table
_TRAP_CSRS = {
    "M": (Csr.MEPC, Csr.MCAUSE, Csr.MTVAL, Csr.MTVAL2, Csr.MTINST),
    "HS": (Csr.SEPC, Csr.SCAUSE, Csr.STVAL, Csr.HTVAL, Csr.HTINST, Csr.HSTATUS),
    "VS": (Csr.VSEPC, Csr.VSCAUSE, Csr.VSTVAL),
}


@dataclass(frozen=True)
class Divergence:
    """Where golden hart and Spike part.

    Attributes:
        program: what they ran.
        pc, mode: of the instruction; `word` is the instruction itself, None when the fetch trapped or at the end.
        differences: the fields; expected is Spike, observed the golden hart.
    """

    program: Program
    pc: int
    mode: str
    word: int | None
    differences: tuple[Difference, ...]


class Latest:
    """An observer that keeps the record of the latest block instruction and passes it on."""

    def __init__(self, also: Callable[[Issue, Retire], None] | None) -> None:
        self.seen: tuple[Issue, Retire] | None = None
        self._also = also

    def insn(self, hart_id: int, pc: int, issue: Issue, retire: Retire) -> None:
        """See `pymodel.isa.Observer`."""
        self.seen = (issue, retire)
        if self._also is not None:
            self._also(issue, retire)

    def store(self, hart_id: int, paddr: int, data: bytes) -> None:
        """See `pymodel.isa.Observer`; RAM is compared at the end."""


class Lockstep:
    """A golden hart and a Spike hart side by side; use as a context manager.

    Args:
        vlen: VLEN in bits.
        observer: called with every instruction of the block on the golden hart.
        wide: the golden hart has every integer vector instruction, as Spike has.

    Attributes:
        instructions: instructions of the block compared so far; `steps`: steps of any kind.
        unfinished: programs that were cut off before their end.
    """

    def __init__(
        self, vlen: int, observer: Callable[[Issue, Retire], None] | None = None, *, wide: bool = False
    ) -> None:
        self._latest = Latest(observer)
        self._machine = Machine(vlen, self._latest, wide=wide)
        w = world()
        self._spike = Spike(vlen, w.base, w.size)
        self._spike.write(w.base, self._machine.image())
        self.instructions = self.steps = self.unfinished = 0

    def __enter__(self) -> Lockstep:
        return self

    def __exit__(self, *exc: object) -> None:
        self._spike.__exit__(None, None, None)

    def run(self, program: Program) -> Divergence | None:
        """Run a program from reset on both; return where they part, None if they do not.

        After a divergence this object must not be used again.
        """
        program = program.without_irqs()
        hart, spike, latest = self._machine.hart, self._spike, self._latest
        hart.reset(world().boot)
        hart.x[:] = [0] * 32
        spike.reset()
        spike.pc = world().boot
        for address, data in self._machine.load(program):
            spike.write(address, data)
        x = [0] * 32  # Spike's
        for _ in self._machine.steps(program):
            pc, mode = hart.pc, MODE_NAMES[hart.prv, hart.virt]
            latest.seen = None
            hart.step()
            step = spike.advance()
            self.steps += 1
            trapped = step.trapped
            if step.rd and not trapped:
                x[step.rd] = step.rd_value
            if (
                step.next_pc != hart.pc
                or step.next_prv != hart.prv
                or step.next_virt != hart.virt
                or x != hart.x
                or (latest.seen and self._block_differs(*latest.seen))
                or (trapped and self._trap_differences())
            ):
                return Divergence(program, pc, mode, step.insn or None, tuple(self._differences(x)))
        if not self._machine.finished(program):
            self.unfinished += 1
        found = self._final_differences()
        if found:
            return Divergence(program, hart.pc, MODE_NAMES[hart.prv, hart.virt], None, tuple(found))
        return None

    def _block_differs(self, issue: Issue, golden: Retire) -> bool:
        self.instructions += 1
        values, step = self._machine.hart.csr, self._spike.last
        return (
            self._judged(issue, golden) != golden
            or values[Csr.MSTATUS] != step.mstatus
            or values[Csr.VSSTATUS] != step.vsstatus
        )

    def _judged(self, issue: Issue, golden: Retire) -> Retire:
        """Return Spike's record of the last step, stores at physical addresses, less what Spike does not judge."""
        record = self._spike.record()
        if record.mem:
            pages = {page.vpn: page.ppn for page in issue.xlat}
            if any(vpn != ppn for vpn, ppn in pages.items()):
                record = record._replace(mem={_physical(pages, at): byte for at, byte in record.mem.items()})
        if record.trap is not None and golden.trap is not None and record.trap.tval2:
            tinst = Csr.MTINST if self._machine.hart.prv == 3 else Csr.HTINST
            if self._spike.csr(tinst) == _IMPLICIT_READ:
                trap = Trap(record.trap.cause, record.trap.tval, golden.trap.tval2)
                record = record._replace(trap=trap)
        return record

    def _trap_differences(self) -> list[Difference]:
        hart = self._machine.hart
        return self._csr_differences(_TRAP_CSRS[MODE_NAMES[hart.prv, hart.virt]])

    def _csr_differences(self, csrs: tuple[Csr, ...]) -> list[Difference]:
        golden, spike = self._machine.hart.csr, self._spike
        pairs = ((csr.name.lower(), spike.csr(csr), golden[csr]) for csr in csrs)
        return [Difference(name, f"{want:#x}", f"{got:#x}") for name, want, got in pairs if want != got]

    def _differences(self, x: list[int]) -> list[Difference]:
        """Return every field in which the last step differs."""
        hart, step = self._machine.hart, self._spike.last
        out = []
        mode, spike_mode = (MODE_NAMES[hart.prv, hart.virt], MODE_NAMES[step.next_prv, bool(step.next_virt)])
        if step.next_pc != hart.pc:
            out.append(Difference("pc after", f"{step.next_pc:#x}", f"{hart.pc:#x}"))
        if mode != spike_mode:
            out.append(Difference("mode after", spike_mode, mode))
        out += (
            Difference(f"x{register}", f"{want:#x}", f"{got:#x}")
            for register, (want, got) in enumerate(zip(x, hart.x, strict=True))
            if want != got
        )
        if self._latest.seen:
            issue, golden = self._latest.seen
            out += differences(self._judged(issue, golden), golden)
            out += self._csr_differences((Csr.MSTATUS, Csr.VSSTATUS))
        if step.trapped and mode == spike_mode and mode in _TRAP_CSRS:
            out += self._trap_differences()
        return out

    def _final_differences(self) -> list[Difference]:
        hart, spike, w = self._machine.hart, self._spike, world()
        expected = Retire(vregs=_registers(bytes(spike.vregs()), spike.vlenb), mem={})
        observed = Retire(vregs=_registers(hart.vec.flat.tobytes(), spike.vlenb), mem={})
        want, got = spike.read(w.base, w.size), self._machine.image()
        if want != got:
            pairs = [(at, a, b) for at, (a, b) in enumerate(zip(want, got, strict=True), w.base) if a != b]
            expected = expected._replace(mem={at: a for at, a, _ in pairs})
            observed = observed._replace(mem={at: b for at, _, b in pairs})
        return differences(expected, observed)


def _registers(flat: bytes, vlenb: int) -> dict[int, bytes]:
    return {register: flat[register * vlenb : (register + 1) * vlenb] for register in range(32)}


def _physical(pages: dict[int, int], address: int) -> int:
    """Map an address by the pages that the golden hart used; whether they are right shows in RAM at the end."""
    vpn = address >> PAGE_SHIFT
    return pages.get(vpn, vpn) << PAGE_SHIFT | address & PAGE_SIZE - 1


def diverges(programs: Sequence[Program]) -> int | None:
    """Judge programs by running them on both; see `pymodel.fuzz.shrink.Judge`."""
    for number, program in enumerate(programs):
        with Lockstep(program.vlen, wide=program.wide) as lockstep:
            if lockstep.run(program) is not None:
                return number
    return None


def text(divergence: Divergence) -> str:
    """Return the report for people: the instruction, and the fields as a table."""
    d = divergence
    shown = "fetch, or end of the program" if d.word is None else f"{d.word:08x}  {disassemble(d.word)}"
    rows = [("field", "Spike", "golden"), *((x.field, x.expected, x.observed) for x in d.differences[:16])]
    widths = [max(len(row[i]) for row in rows) for i in (0, 1)]
    lines = [f"  {d.mode} {d.pc:#x}: {shown}"]
    lines += (f"  {name:{widths[0]}}  {want:{widths[1]}}  {got}" for name, want, got in rows)
    return "\n".join(lines)
