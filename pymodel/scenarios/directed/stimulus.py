# SPDX-License-Identifier: Apache-2.0
"""How a directed sequence is made: single instructions on the golden hart, recorded, with requirements beside them.

A sequence calls :meth:`Stimulus.do` for each instruction. What the specification requires of one goes in as `expect`,
a mapping of :class:`~pymodel.trace.Retire` fields to values, and becomes a :class:`Probe`. The golden model produces
the trace and never an expectation, so the same probes judge the golden model, the RTL and Spike.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from vctx.pymodel.isa import Csr, Hart, HartConfig, Latitude, Memory, encode
from vctx.pymodel.isa.bits import M64
from vctx.pymodel.trace import MODE_NAMES, Checkpoint, Difference, Issue, Retire, differences
from vctx.pymodel.trace.recorder import Recorder, Sink
from vctx.pymodel.trace.records import PAGE_SHIFT, PAGE_SIZE

RAM_BASE, RAM_SIZE, FILL = 0x8000_0000, 0x1_0000, 0xA5
HOLE = RAM_BASE + RAM_SIZE  # the first address without memory
_PRIVATE, _PRIVATE_SIZE = 0x9000_0000, 0x1_0000  # code and page tables, which the block never touches
_CODE, _VECTOR, _TABLES = _PRIVATE, _PRIVATE + 0x100, _PRIVATE + 0x4000
IMAGE = RAM_BASE + 0xC000  # initial values of the vector registers

MODES = {name: mode for mode, name in MODE_NAMES.items()}
OFF, INITIAL, CLEAN, DIRTY = range(4)
VS_SHIFT, FS_SHIFT = 9, 13
SD = 1 << 63
VILL = 1 << 63
A0, A1, RD = 10, 11, 5  # x registers of the operands and the result

ILLEGAL, VIRTUAL = 2, 22
_G_STAGE = 8 << 60
_LEAF, _BRANCH = 0xDF, 1  # V R W X U A D (Svade presets A and D); V


@dataclass(frozen=True)
class Probe:
    """What the specification requires of one instruction of a trace.

    Attributes:
        key: names the case, most general part first; several probes of a case share it but for the last part.
        index: position of the instruction among the events of the trace.
        expect: fields of the record and the values they must have; other fields are not stated.
    """

    key: tuple[str, ...]
    index: int
    expect: Mapping[str, Any]


@dataclass(frozen=True)
class Failure:
    """A probe that some producer's record does not satisfy; no differences if there is no record."""

    probe: Probe
    differences: list[Difference]

    def text(self) -> str:
        """Return one line for people."""
        what = ", ".join(f"{d.field} is {d.observed}, must be {d.expected}" for d in self.differences)
        return f"{' '.join(self.probe.key)} (event {self.probe.index}): {what or 'no record'}"


def failures(probes: Iterable[Probe], records: Mapping[int, Retire]) -> list[Failure]:
    """Return the probes that are not satisfied, by records given by position in the trace."""
    found = []
    for probe in probes:
        record = records.get(probe.index)
        wrong = None if record is None else differences(record._replace(**probe.expect), record)
        if wrong is None or wrong:
            found.append(Failure(probe, wrong or []))
    return found


def pattern(address: int, length: int) -> bytes:
    """Return bytes that depend on their address in every bit and differ from their neighbours and from FILL."""
    return bytes((a * 0x9D ^ a >> 8 ^ 0x5B) & 0xFF for a in range(address, address + length))


class Stimulus:
    """A golden hart over 64 KiB of memory, its recorder, and the probes so far.

    Every sequence starts in the state that :meth:`fresh` describes.

    Args:
        sink: takes the trace.
        vlen: VLEN in bits.
        latitude: the choices of the golden model.

    Attributes:
        latitude: the same, or the defaults.
        hart: the golden hart; sequences give it instructions by :meth:`do` only.
        mode: the mode of the next instruction, "M", "HS", "U", "VS" or "VU".
        prefix: first part of the keys of the next probes.
        probes: what is required of the trace.
        registers: initial contents of v0 to v31 back to back.
    """

    def __init__(self, sink: Sink, vlen: int, latitude: Latitude | None = None) -> None:
        self.vlen = vlen
        self.vlenb = vlen // 8
        self.memory = Memory([(RAM_BASE, RAM_SIZE), (_PRIVATE, _PRIVATE_SIZE)], fill=FILL)
        self.recorder = Recorder(sink, self.vlenb)
        self.latitude = latitude or Latitude()
        self.hart = Hart(HartConfig(vlen=vlen, latitude=self.latitude), self.memory, observer=self)
        self.hart.csr[Csr.MTVEC] = _VECTOR
        self.memory.write(_TABLES, bytes(6 * PAGE_SIZE))
        self.mode = "M"
        self.prefix: tuple[str, ...] = ()
        self.probes: list[Probe] = []
        self._record: Retire | None = None
        self._issue: Issue | None = None
        self.registers = pattern(IMAGE, 32 * self.vlenb)
        self.fill(IMAGE, self.registers)
        self.fresh()

    # --- observer of the hart ---

    def insn(self, hart_id: int, pc: int, issue: Issue, retire: Retire) -> None:
        """The hart executed a block instruction."""
        self.recorder.insn(hart_id, pc, issue, retire)
        self._issue, self._record = issue, retire

    def store(self, hart_id: int, paddr: int, data: bytes) -> None:
        """The hart stored by a scalar instruction."""
        self.recorder.store(hart_id, paddr, data)

    # --- instructions ---

    def word(
        self,
        word: int,
        *,
        a0: int = 0,
        a1: int = 0,
        irq: int | None = None,
        key: tuple[str, ...] = (),
        expect: Mapping[str, Any] | None = None,
    ) -> Retire:
        """Execute an instruction word in `mode` and return what the golden hart did.

        Args:
            word: an instruction that the block executes; its register operands are A0 and A1.
            a0, a1: their values.
            irq: an interrupt arrives at this element.
            key, expect: see :class:`Probe`; without `expect` the instruction is part of the set-up.
        """
        hart = self.hart
        self.memory.store(_CODE, 4, word)
        hart.set_mode(*MODES[self.mode])
        hart.x[A0], hart.x[A1], hart.pc = a0 & M64, a1 & M64, _CODE
        self._record = None
        hart.step(irq)
        if self._record is None:
            raise ValueError(f"{word:#010x} is not an instruction of the block, or could not be fetched")
        if expect is not None:
            self.probes.append(Probe((*self.prefix, *key), self.recorder.counts.total() - 1, expect))
        return self._record

    def do(
        self,
        mnemonic: str,
        *,
        a0: int = 0,
        a1: int = 0,
        irq: int | None = None,
        key: tuple[str, ...] = (),
        expect: Mapping[str, Any] | None = None,
        **operands: int,
    ) -> Retire:
        """As :meth:`word`, by mnemonic and operands."""
        return self.word(encode(mnemonic, **operands), a0=a0, a1=a1, irq=irq, key=key, expect=expect)

    def status(self, vs: int, vsstatus_vs: int | None = None, *, fs: int = OFF, vsstatus_fs: int = OFF) -> None:
        """Write mstatus, and vsstatus if given, from M-mode: VS and FS as given, everything else 0."""
        mode, self.mode = self.mode, "M"
        self.do("csrrw", rd=0, csr=Csr.MSTATUS, rs1=A0, a0=vs << VS_SHIFT | fs << FS_SHIFT)
        if vsstatus_vs is not None:
            self.do("csrrw", rd=0, csr=Csr.VSSTATUS, rs1=A0, a0=vsstatus_vs << VS_SHIFT | vsstatus_fs << FS_SHIFT)
        self.mode = mode

    def dirty(self, changes: bool) -> dict[str, int]:
        """Return what to expect of VS after a vector instruction that executes, and `changes` vector state or does not.

        Where it changes nothing, a precise design leaves VS alone (L-1), and nothing is required of it.
        """
        if not changes and self.latitude.precise_dirty:
            return {}
        return {"mstatus_vs": DIRTY} | ({"vsstatus_vs": DIRTY} if MODES[self.mode][1] else {})  # B-13, B-14

    def csrw(
        self, csr: Csr, value: int, *, key: tuple[str, ...] = (), expect: Mapping[str, Any] | None = None
    ) -> Retire:
        """Write a CSR."""
        return self.do("csrrw", rd=0, csr=csr, rs1=A0, a0=value, key=key, expect=expect)

    def vset(
        self, vtype: int, avl: int = -1, *, key: tuple[str, ...] = (), expect: Mapping[str, Any] | None = None
    ) -> Retire:
        """Set vtype and vl in the present mode, through vsetvl; the default AVL gives VLMAX."""
        return self.do("vsetvl", rd=RD, rs1=A0, rs2=A1, a0=avl, a1=vtype, key=key, expect=expect)

    def fresh(self) -> None:
        """Go to the initial state: M-mode, VS Dirty at both levels, v0 to v31 loaded, all else 0, vtype e8,m8."""
        self.mode = "M"
        self.status(DIRTY, DIRTY)
        self.csrw(Csr.VCSR, 0)
        self.csrw(Csr.VSTART, 0)
        for first in range(0, 32, 8):
            self.do("vl8re8.v", vd=first, rs1=A0, a0=IMAGE + first * self.vlenb)
        self.vset(vtype(8, "m8"), 0)

    def register(self, number: int, count: int = 1) -> bytes:
        """Return the initial contents of `count` registers."""
        return self.registers[number * self.vlenb : (number + count) * self.vlenb]

    def checkpoint(self) -> None:
        """Compare the whole vector state here."""
        self.recorder.event(Checkpoint(0, self.hart.snapshot()))

    def finish(self) -> None:
        """End the sequence: compare the whole state and the whole memory."""
        self.checkpoint()
        self.recorder.finish()

    # --- memory ---

    def fill(self, paddr: int, data: bytes) -> None:
        """Write memory, as scalar code or a device would."""
        self.memory.write(paddr, data)
        self.recorder.store(0, paddr, data)

    def page_fault(self, page: int | None) -> None:
        """Make loads and stores to the page at address `page` take page faults; None for no page."""
        faults = self.hart.mmu.fault_pages
        faults.clear()
        if page is not None:
            faults[page >> PAGE_SHIFT] = {"load", "store"}

    def guest_fault(self, page: int | None, target: int | None = None) -> None:
        """Turn the second stage of translation on, an identity map but for the page at address `page`.

        That page leads to `target`; without `target` it takes guest-page faults. None for no page, second stage off.
        """
        self.hart.csr[Csr.HGATP] = 0 if page is None else _G_STAGE | _TABLES >> PAGE_SHIFT
        if page is None:
            return
        middle, low = _TABLES + 4 * PAGE_SIZE, _TABLES + 5 * PAGE_SIZE  # after a root of 16 KiB (F-3)
        gigabyte, megabytes = RAM_BASE >> 30, RAM_BASE >> 21 & 0x1FF
        self._entry(_TABLES, gigabyte, middle, _BRANCH)
        self._entry(middle, megabytes, low, _BRANCH)
        self._entry(middle, _PRIVATE >> 21 & 0x1FF, _PRIVATE, _LEAF)  # the code, a page of 2 MiB
        for offset in range(0, RAM_SIZE, PAGE_SIZE):
            address = RAM_BASE + offset
            if address != page:
                self._entry(low, offset >> PAGE_SHIFT, address, _LEAF)
            else:
                self._entry(low, offset >> PAGE_SHIFT, target or 0, _LEAF if target else 0)
        self.hart.mmu.flush()

    def _entry(self, table: int, index: int, target: int, flags: int) -> None:
        self.memory.store(table + 8 * index, 8, target >> PAGE_SHIFT << 10 | flags)


def vtype(sew: int, lmul: str = "m1", *, ta: bool = False, ma: bool = False) -> int:
    """Return a vtype value, e.g. `vtype(32, "mf2")` (A-11, A-12)."""
    code = {"m1": 0, "m2": 1, "m4": 2, "m8": 3, "mf8": 5, "mf4": 6, "mf2": 7}[lmul]
    return code | (sew.bit_length() - 4) << 3 | ta << 6 | ma << 7
