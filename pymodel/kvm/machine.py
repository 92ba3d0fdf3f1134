# SPDX-License-Identifier: Apache-2.0
"""The machine under the modelled kernel, and the means by which Python acts as its C code.

C code is Python, but what it does to the machine is done on the machine: a CSR access is an instruction injected into
the hart, a store is a write to the hart's memory that also reaches the trace, a call of assembly runs the assembly.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from itertools import count
from pathlib import Path
from typing import Protocol

from vctx.pymodel.isa import Csr, Hart, HartConfig, Memory, UnexpectedTrap, encode
from vctx.pymodel.isa.latitude import Latitude
from vctx.pymodel.isa.observer import Observer
from vctx.pymodel.kvm.abi import MACHINE_IDS
from vctx.pymodel.kvm.alloc import Allocator
from vctx.pymodel.kvm.errors import KernelOops
from vctx.pymodel.kvm.layout import Layout
from vctx.pymodel.kvm.version import KernelVersion
from vctx.pymodel.programs import Image, load
from vctx.pymodel.trace.records import PAGE_SIZE, Event, Mark

Regions = tuple[tuple[str, int, int], ...]

IRQ_S_TIMER = 5

# Where QEMU's virt machine loads a kernel. Bit 21 of every address in the 2 MiB from here on is set, which is what the
# posted patch takes for "has V" (S2).
RAM_BASE = 0x8020_0000
RAM_SIZE = 0x20_0000

# ISA extensions of the host but V, by the names of the one-reg ISA_EXT class.
HOST_ISA = ("a", "c", "d", "f", "h", "i", "m", "sstc")

_RD, _RS1 = 5, 6  # any registers: injected instructions take operand values, not register numbers


class KernelObserver(Observer, Protocol):
    """An observer that also takes the events that are not instructions or stores of a hart."""

    def event(self, event: Event) -> None:
        """Something to annotate the trace with, or to order it by."""


@dataclass(frozen=True, slots=True)
class Slice:
    """How long a guest or a task runs before the host's timer interrupt.

    Attributes:
        budget: instructions executed before the interrupt becomes pending.
        irq_elem: None takes it between two instructions. An element index takes it in the middle of the first vector
            memory instruction behind the budget that gets that far, if one comes within `HUNT` instructions.
    """

    HUNT = 64

    budget: int = 2000
    irq_elem: int | None = None


@dataclass(frozen=True, slots=True)
class CsrWrite:
    """A write of a CSR: by which hart, in which kernel function, of what."""

    hart: int
    where: str
    value: int


class Machine:
    """Harts, memory, allocator and the kernel's assembly.

    Args:
        version: the kernel's behaviour.
        harts: number of harts.
        vlen: VLEN in bits; has_v: whether the harts have the V extension at all; zve_only: they have Zve64x, not V.
        isa: the host's other ISA extensions, by their names in ISA_EXT; satp_mode: the host's satp.MODE.
        config_vector: False builds the kernel without vector support (CONFIG_VECTOR=n).
        config_pmu_sbi: False builds it without CONFIG_RISCV_PMU_SBI: it offers guests the PMU whatever the host has.
        latitude: the choices of the harts that the architecture leaves open; None for the golden hart's own.
        machine_ids: the host's mvendorid, marchid and mimpid, as vCPUs have them at first; 0 without.
        ram_base, ram_size: physical memory, in bytes; fill: value of every byte that nobody wrote.
        observer: receives everything that happens.

    Attributes:
        vsize: riscv_v_vsize, bytes of 32 vector registers; 0 until boot, and without V or CONFIG_VECTOR.
        host_isa: names of the host's ISA extensions.
        hgatp_writes: every write of hgatp, oldest first (S7).
        null_accesses: uses of a null pointer that did no harm because the size was 0 (S10).
        warnings: what the kernel warned of.
    """

    def __init__(
        self,
        version: KernelVersion,
        *,
        harts: int = 1,
        vlen: int = 256,
        has_v: bool = True,
        zve_only: bool = False,
        isa: Iterable[str] = HOST_ISA,
        satp_mode: int = 8,
        config_vector: bool = True,
        config_pmu_sbi: bool = True,
        latitude: Latitude | None = None,
        machine_ids: Mapping[str, int] | None = None,
        ram_base: int = RAM_BASE,
        ram_size: int = RAM_SIZE,
        fill: int = 0xA5,
        observer: KernelObserver | None = None,
    ) -> None:
        self.version = version
        self.config_vector = config_vector
        self.config_pmu_sbi = config_pmu_sbi
        self.observer = observer
        self.memory = Memory([(ram_base, ram_size)], fill)
        config = HartConfig(vlen=vlen, has_v=has_v, latitude=latitude or Latitude())
        self.harts = [Hart(config, self.memory, hart_id, observer) for hart_id in range(harts)]
        self.program: Image = load_kernel(version).relocated(ram_base)
        self.layout = Layout(self.program.constants)
        heap = -(-self.program.end // PAGE_SIZE) * PAGE_SIZE
        self.alloc = Allocator(self.memory, self.write, heap, ram_base + ram_size - heap)
        self.vsize = 0
        self.has_zve = has_v and config_vector
        self.host_isa = frozenset(isa) | ({"v"} if self.has_zve and not zve_only else set())
        self.satp_mode = satp_mode
        self.machine_ids = dict.fromkeys(MACHINE_IDS, 0) | dict(machine_ids or {})
        self.hgatp_writes: list[CsrWrite] = []
        self.null_accesses: list[str] = []
        self.warnings: list[str] = []
        self._machine_trap = self.program.symbols["machine_trap"]
        self._stops = frozenset({Hart.RETURN, Hart.TRAP_SENTINEL, self._machine_trap})

    # Memory

    def write(self, hart: Hart, address: int, data: bytes) -> None:
        """Write `data` at physical address `address` as the kernel running on `hart`."""
        self.memory.write(address, data)
        if self.observer is not None and data:
            self.observer.store(hart.hart_id, address, data)

    def memset(self, hart: Hart, address: int, value: int, size: int) -> None:
        """Fill `size` bytes. A null pointer with size 0 is as harmless as in C practice, but noted (S10)."""
        if not address:
            self.null_accesses.append(f"memset of {size} bytes at NULL")
        if size:
            self.write(hart, address, bytes([value]) * size)

    def memcpy(self, hart: Hart, to: int, source: int, size: int) -> None:
        """Copy `size` bytes."""
        self.write(hart, to, self.memory.read(source, size))

    def warn(self, text: str) -> None:
        """WARN_ON: say that something is wrong, and go on."""
        self.warnings.append(text)

    # CSRs

    def csr_read(self, hart: Hart, csr: Csr) -> int:
        """Return the value that `csrr` reads in the hart's present mode."""
        return self._inject(hart, _csr_insn("csrrs", csr, _RD, 0), 0)

    def csr_write(self, hart: Hart, csr: Csr, value: int, where: str = "") -> None:
        """Write a CSR with `csrw`; writes of hgatp are logged in `hgatp_writes` with `where`."""
        if csr is Csr.HGATP:
            self.hgatp_writes.append(CsrWrite(hart.hart_id, where, value))
        self._inject(hart, _csr_insn("csrrw", csr, 0, _RS1), value)

    def csr_set(self, hart: Hart, csr: Csr, bits: int) -> None:
        """Set bits of a CSR with `csrs`."""
        self._inject(hart, _csr_insn("csrrs", csr, 0, _RS1), bits)

    def csr_clear(self, hart: Hart, csr: Csr, bits: int) -> None:
        """Clear bits of a CSR with `csrc`."""
        self._inject(hart, _csr_insn("csrrc", csr, 0, _RS1), bits)

    def csr_read_clear(self, hart: Hart, csr: Csr, bits: int) -> int:
        """Clear bits of a CSR with `csrrc` and return its value before."""
        return self._inject(hart, _csr_insn("csrrc", csr, _RD, _RS1), bits)

    def hlvx(self, hart: Hart, address: int) -> int:
        """Return the 16 bits of guest code at guest-virtual `address`; UnexpectedTrap if they cannot be read."""
        return hart.inject(encode("hlvx.hu", rd=_RD, rs1=_RS1), rs1=address)

    def hfence_gvma(self, hart: Hart) -> None:
        """Discard all cached G-stage translations of `hart`."""
        self._inject(hart, encode("hfence.gvma", rs1=0, rs2=0), 0)

    def _inject(self, hart: Hart, insn: int, rs1: int) -> int:
        try:
            return hart.inject(insn, rs1=rs1)
        except UnexpectedTrap as trap:
            raise KernelOops(f"hart {hart.hart_id}: C code of the kernel took a {trap}") from trap

    # Assembly

    def call(self, hart: Hart, symbol: str, *args: int) -> int:
        """Call an assembly routine of the kernel and return a0.

        Raises:
            KernelOops: it trapped.
        """
        try:
            return hart.call(self.program.symbols[symbol], *args, limit=_CALL_LIMIT)
        except UnexpectedTrap as trap:
            raise KernelOops(f"hart {hart.hart_id}: {symbol} took a {trap}") from trap

    def call_stepwise(self, hart: Hart, symbol: str, arg: int, before: Callable[[int], None]) -> None:
        """Call assembly as :meth:`call` does, with `before(n)` ahead of its n-th instruction.

        Raises:
            KernelOops: it trapped, or does not return.
        """
        registers, pc = list(hart.x), hart.pc
        hart.x[1], hart.x[10] = Hart.RETURN, arg
        hart.pc = self.program.symbols[symbol]
        for index in count():
            if hart.pc == Hart.RETURN:
                break
            if index == _CALL_LIMIT:
                raise KernelOops(f"hart {hart.hart_id}: {symbol} has not returned after {index} instructions")
            before(index)
            hart.step()
            if hart.pc == Hart.TRAP_SENTINEL:
                raise KernelOops(f"hart {hart.hart_id}: {symbol} trapped at instruction {index}")
        hart.x[:] = registers
        hart.pc = pc

    def call_sret(self, hart: Hart, symbol: str, arg: int, until: Slice, at_sret: Callable[[], None]) -> None:
        """Call assembly that leaves HS-mode with an sret, and comes back by a trap and returns.

        Args:
            hart: runs it, in HS-mode.
            symbol: `switch_to` (a guest) or `user_enter` (a task).
            arg: its argument.
            until: when the timer interrupts the less privileged code.
            at_sret: called with the hart about to execute the `sret`.

        Raises:
            KernelOops: it does not return.
        """
        registers, pc = list(hart.x), hart.pc
        hart.x[1], hart.x[10] = Hart.RETURN, arg
        hart.pc = self.program.symbols[symbol]
        hart.run({self.program.symbols[_SRET_OF[symbol]]}, _SWITCH_LIMIT)
        at_sret()
        hart.step()
        hart.run(self._stops, until.budget)
        if hart.pc not in self._stops:
            if not _in_hs(hart):
                self._interrupt(hart, until.irq_elem)
            hart.run(self._stops, _SWITCH_LIMIT)
        if hart.pc != Hart.RETURN:
            where = "a trap to M-mode" if hart.pc == self._machine_trap else f"pc {hart.pc:#x}"
            raise KernelOops(f"hart {hart.hart_id}: {symbol} did not return but ended in {where}")
        hart.x[:] = registers
        hart.pc = pc

    def _interrupt(self, hart: Hart, irq_elem: int | None) -> None:
        """Deliver the timer interrupt, in the middle of a vector memory instruction if that was asked for."""
        if irq_elem is not None:
            for _ in range(Slice.HUNT):
                pc = hart.pc
                hart.step(irq_elem)
                if _in_hs(hart) or hart.pc in self._stops:
                    return
                if hart.pc == pc:
                    break
        hart.interrupt(IRQ_S_TIMER)

    # Annotations

    @contextmanager
    def marked(self, hart: Hart, what: str, who: str = "", regions: Regions = ()) -> Iterator[None]:
        """Bracket a function of the kernel with marks, also when it fails."""
        if self.observer is None:
            yield
            return
        self.observer.event(Mark(hart.hart_id, True, what, who, regions))
        try:
            yield
        except KernelOops as oops:
            oops.functions.insert(0, what)
            raise
        finally:
            self.observer.event(Mark(hart.hart_id, False, what, who, regions))


def load_kernel(version: KernelVersion) -> Image:
    """Return the kernel's assembly, with somebody else's routines if the version has them; errors as programs.load."""
    return load(version.program, Path(version.routines) if version.routines else None)


_CALL_LIMIT = 10_000  # far more than the instructions of a routine
_SWITCH_LIMIT = 1000  # far more than the instructions of a switch, so that a wrong one ends
_SRET_OF = {"switch_to": "switch_sret", "user_enter": "user_sret"}


def _in_hs(hart: Hart) -> bool:
    return hart.prv == 1 and not hart.virt


@cache
def _csr_insn(mnemonic: str, csr: Csr, rd: int, rs1: int) -> int:
    return encode(mnemonic, rd=rd, csr=csr, rs1=rs1)
