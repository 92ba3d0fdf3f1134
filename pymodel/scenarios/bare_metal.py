# SPDX-License-Identifier: Apache-2.0
"""A program of the user's on one bare hart, in the surroundings that Spike gives it.

The surroundings decide what a program finds in its registers and in mip, and when it loses an LR reservation: Spike
runs a hart in batches of 5000 instructions, which a trap or wfi cuts short, and ends reservations in between. There are
no devices but HTIF's exit.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from vctx.pymodel.errors import UsageError, VctxError
from vctx.pymodel.isa import Csr, Hart, HartConfig, Memory, decode, disassemble, encode
from vctx.pymodel.isa.compressed import expand
from vctx.pymodel.isa.encoding import Kind
from vctx.pymodel.isa.memory import LINE_SHIFT
from vctx.pymodel.isa.observer import CommitObserver, Observer
from vctx.pymodel.isa.trap import pending_interrupt
from vctx.pymodel.places_in_source import place_of
from vctx.pymodel.programs import Image
from vctx.pymodel.trace import Issue, Retire

RAM_BASE = 0x8000_0000
MIN_RAM = 1 << 20
MAX_RAM = 1 << 28
FILL = 0  # every byte of RAM and of the registers that nobody wrote

# The five instructions of the boot ROM: what they leave behind, and that they are counted.
_BOOT_INSTRUCTIONS = 5
_BOOT_DTB = 0x1020
_BATCH = 5000
_MTIP = 1 << 7  # mtimecmp is 0 and nobody sets it
_MISA = 2 << 62 | sum(1 << ord(letter) - ord("A") for letter in "ACDFHIMSUV")
_MARCHID = 5
_VS = 3 << 9
_VILL = 1 << 63
_A0, _A1, _T0 = 10, 11, 5
_ILLEGAL = 2

# What a trap wrote, by the mode (privilege, V) that it led to: cause, pc, and what went with it.
_TRAP_CSRS = {
    (3, False): (Csr.MCAUSE, Csr.MEPC, Csr.MTVAL),
    (1, False): (Csr.SCAUSE, Csr.SEPC, Csr.STVAL),
    (1, True): (Csr.VSCAUSE, Csr.VSEPC, Csr.VSTVAL),
}


class RunError(VctxError):
    """The program did not come to its end."""


@dataclass(frozen=True)
class Illegal:
    """An illegal instruction of a program: where it is, and what it is."""

    pc: int
    word: int

    @property
    def missing(self) -> bool:
        """No hart of ours has such an instruction; else the state that it met does not allow it."""
        full = self.word if self.word & 3 == 3 else expand(self.word)
        return full is None or decode(full).kind is Kind.UNKNOWN

    def text(self, program: Path) -> str:
        """Return the instruction, disassembled, and its place in the source, for people."""
        place = place_of(program, self.pc)
        where = f"in {place}, at {self.pc:#x}" if place else f"at {self.pc:#x}"
        return f"{disassemble(self.word)} ({self.word:#010x}) {where}"


@dataclass(frozen=True)
class BareResult:
    """How a program ended.

    Attributes:
        exit_code: what it told HTIF.
        instructions: retired by the program.
        traps: traps taken, interrupts included.
        setup: instructions that brought the RTL to the program's first.
        illegal: how many of the traps were illegal instructions; first_illegal: the first.
        unhandled: an illegal instruction that the program did not get over: it ended with an exit code other than 0,
            and neither mret nor sret retired in between. None if there is none.
        vectors: how often each vector instruction retired, by mnemonic, in the program.
    """

    exit_code: int
    instructions: int
    traps: int
    setup: int
    illegal: int
    first_illegal: Illegal | None
    unhandled: Illegal | None
    vectors: Mapping[str, int]


def tohost_address(image: Image) -> int:
    """Return the address of the program's HTIF mailbox; UsageError when it has none."""
    for table in (image.symbols, image.constants):
        if "tohost" in table:
            return table["tohost"]
    raise UsageError(f"{image.path} has no symbol tohost, by which a program ends (HTIF)")


def ram_size(image: Image) -> int:
    """Return how much RAM a program gets at RAM_BASE: the least power of two that holds it, at least MIN_RAM.

    Raises:
        UsageError: it does not lie in RAM, or cannot end.
    """
    tohost = tohost_address(image)
    if image.base < RAM_BASE or image.end > RAM_BASE + MAX_RAM:
        raise UsageError(
            f"{image.path} occupies {image.base:#x} to {image.end:#x}; RAM is {RAM_BASE:#x} to {RAM_BASE + MAX_RAM:#x}"
        )
    size = max(MIN_RAM, 1 << (image.end - RAM_BASE - 1).bit_length())
    if not RAM_BASE <= tohost <= RAM_BASE + size - 8:
        raise UsageError(f"{image.path}: tohost is at {tohost:#x}, outside RAM")
    return size


def _exit_code(image: Image, tohost: int) -> int | None:
    """Decode a value of tohost: device and command in the upper 16 bits, then code << 1 | 1."""
    if tohost == 0:
        return None
    if tohost >> 48 or not tohost & 1:
        raise UsageError(f"{image.path}: HTIF request {tohost:#x} is not an exit, which is all that is served")
    return tohost >> 1


class _Tally:
    """Counts the instructions that retire, by word, and passes everything on."""

    def __init__(self, observer: Observer) -> None:
        self.retired: Counter[int] = Counter()
        self._observer = observer

    def insn(self, hart_id: int, pc: int, issue: Issue, retire: Retire) -> None:
        """See `pymodel.isa.Observer`."""
        if retire.trap is None:
            self.retired[issue.insn] += 1
        self._observer.insn(hart_id, pc, issue, retire)

    def store(self, hart_id: int, paddr: int, data: bytes) -> None:
        """See `pymodel.isa.Observer`."""
        self._observer.store(hart_id, paddr, data)

    def vectors(self) -> Counter[str]:
        """Return how often each vector instruction retired, by mnemonic."""
        found: Counter[str] = Counter()
        for word, times in self.retired.items():
            d = decode(word)
            if d.kind is not Kind.CSR:
                found[d.mnemonic] += times
        return found


class _Machine:
    """The hart, its memory, and Spike's batches."""

    def __init__(self, image: Image, vlen: int, observer: Observer, commits: CommitObserver | None) -> None:
        self.image = image
        self.tohost = tohost_address(image)
        self.memory = Memory([(RAM_BASE, ram_size(image))], FILL)
        self.tally = _Tally(observer)
        self.hart = Hart(HartConfig(vlen, has_zicntr=False), self.memory, 0, self.tally, commits)
        self.traps = self.illegal = 0
        self.first_illegal: Illegal | None = None
        self._last_illegal: tuple[Illegal, int] | None = None  # and how many returns had retired before it
        self.setup = 0
        self._batch = _BATCH - _BOOT_INSTRUCTIONS
        for address, data in image.segments:
            data = data.rstrip(b"\0")
            self.memory.write(address, data)
            observer.store(0, address, data)
        self._boot()
        self.tally.retired.clear()
        # A store to the lines of tohost, by whatever instruction, stops the hart's run.
        self._mailbox = {self.tohost >> LINE_SHIFT, self.tohost + 7 >> LINE_SHIFT}
        self._touched = False
        self.memory.on_write(self._written)
        self._watch()

    def _watch(self) -> None:
        for line in self._mailbox:
            self.memory.watch(line)

    def _written(self, line: int) -> None:
        if line in self._mailbox:
            self._touched = True
            self.hart.halt()

    def _boot(self) -> None:
        """Bring the hart to the program's first instruction.

        The RTL's register file is unknown after reset: instructions clear it, and leave everything else as reset.
        """
        hart = self.hart
        hart.reset(self.image.entry)
        hart.inject(encode("csrrs", rd=0, csr=Csr.MSTATUS, rs1=1), _VS)
        hart.inject(encode("vsetvli", rd=1, rs1=0, vtypei=3))
        for group in range(0, 32, 8):
            hart.inject(encode("vmv.v.i", vd=group, imm=0))
        hart.inject(encode("vsetvl", rd=1, rs1=0, rs2=2), 0, _VILL)
        hart.inject(encode("csrrc", rd=0, csr=Csr.MSTATUS, rs1=1), _VS)
        self.setup = hart.instret
        hart.x[:] = [0] * 32
        hart.x[_A0], hart.x[_A1], hart.x[_T0] = hart.hart_id, _BOOT_DTB, self.image.entry
        hart.instret = _BOOT_INSTRUCTIONS
        hart.csr[Csr.MISA] = _MISA
        hart.csr[Csr.MARCHID] = _MARCHID
        hart.csr[Csr.MIP] = _MTIP

    def advance(self, limit: int) -> tuple[int, int | None]:
        """Execute instructions up to the next event that matters here, and at least one or an interrupt.

        Args:
            limit: most instructions and traps, not 0.

        Returns:
            The number of instructions and traps, and the exit code if the program ended.
        """
        hart = self.hart
        if self._batch == 0:
            self._batch = _BATCH
            self.memory.unreserve(hart.hart_id, 0)
        if (cause := pending_interrupt(hart)) is not None:
            hart.interrupt(cause)
            self._trapped()
            return 1, None
        before = hart.instret
        done = hart.run((), min(limit, self._batch), pause=True)
        retired = hart.instret - before
        self._batch -= retired
        if retired < done:
            self._trapped()
        elif hart.waiting:
            self._wait()
        if not self._touched:
            return done, None
        self._touched = False
        self._watch()
        return done, _exit_code(self.image, self.memory.load(self.tohost, 8))

    def _trapped(self) -> None:
        self.traps += 1
        self._batch = 0
        cause, epc, tval = (self.hart.csr.values[csr] for csr in _TRAP_CSRS[self.hart.prv, self.hart.virt])
        if cause == _ILLEGAL:
            self.illegal += 1
            illegal = Illegal(epc, tval)
            self.first_illegal = self.first_illegal or illegal
            self._last_illegal = illegal, self.hart.returns

    @property
    def unreturned(self) -> Illegal | None:
        """The last illegal instruction, if nothing has returned from a trap since."""
        if self._last_illegal is None or self._last_illegal[1] != self.hart.returns:
            return None
        return self._last_illegal[0]

    def illegal_text(self) -> str:
        """Return what a message about a program without an end adds if there were illegal instructions."""
        if self.first_illegal is None:
            return ""
        return f"; illegal instructions: {self.illegal:,}, the first {self.first_illegal.text(self.image.path)}"

    def _wait(self) -> None:
        self.hart.waiting = False
        values = self.hart.csr.values
        if not values[Csr.MIP] & values[Csr.MIE]:
            raise RunError(
                f"{self.image.path}: wfi before {self.hart.pc:#x} waits for an interrupt that cannot come"
                f"{self.illegal_text()}"
            )
        self._batch = 0


def run_bare_metal(
    image: Image,
    vlen: int,
    observer: Observer,
    commits: CommitObserver | None = None,
    *,
    limit: int,
    progress: Callable[[int], None] | None = None,
) -> BareResult:
    """Run a program on a golden hart until it stores its exit code to tohost.

    Args:
        image: the program.
        vlen: VLEN in bits.
        observer: receives what the RTL has to repeat, the loading of the program included.
        commits: receives every instruction and trap of the program.
        limit: most instructions and traps.
        progress: called now and then with the number of them done.

    Raises:
        UsageError: see :func:`ram_size`; or the program asks HTIF for something else than exit.
        RunError: the limit is reached, or the program waits for ever.
    """
    machine = _Machine(image, vlen, observer, commits)
    start = machine.hart.instret
    done = reported = 0
    while done < limit:
        steps, exit_code = machine.advance(limit - done)
        if exit_code is not None:
            retired = machine.hart.instret - start
            return BareResult(
                exit_code,
                retired,
                machine.traps,
                machine.setup,
                machine.illegal,
                machine.first_illegal,
                machine.unreturned if exit_code else None,
                machine.tally.vectors(),
            )
        done += steps
        if progress is not None and done - reported >= _BATCH:
            progress(done)
            reported = done
    raise RunError(
        f"{image.path} has not ended after {limit:,} instructions and traps; pc is {machine.hart.pc:#x}"
        f"{machine.illegal_text()}"
    )
