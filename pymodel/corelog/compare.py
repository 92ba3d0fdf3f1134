# SPDX-License-Identifier: Apache-2.0
"""The one comparator of logs: an event of the core against what the golden hart did, field by field.

Each difference becomes a finding, and the golden hart goes on with the core's value.
"""

from __future__ import annotations

from collections.abc import Sequence

from vctx.pymodel.corelog.event import Access, Event
from vctx.pymodel.corelog.findings import First, Report
from vctx.pymodel.corelog.golden import Golden
from vctx.pymodel.corelog.rules import SCALAR, of_csr, of_insn, trap_differs, writes_status
from vctx.pymodel.isa import bits
from vctx.pymodel.isa.commit import CSR_NAMES
from vctx.pymodel.isa.compressed import expand_float
from vctx.pymodel.isa.csr_numbers import MSTATUS, VSSTATUS, ExtraCsr
from vctx.pymodel.isa.encoding import Decoded, Kind, decode_with, disassemble
from vctx.pymodel.isa.errors import ArchTrap
from vctx.pymodel.profiles import Profile
from vctx.pymodel.trace import MODE_NAMES
from vctx.pymodel.trace.records import Commit

_ALL_KINDS = frozenset({Kind.VOP, Kind.VMEM, Kind.FLOAT})
_SYSTEM = 0x73
_ECALLS = (8, 9, 10, 11)
_MVIP = 0x309


class Comparison:
    """Compares events with commits and traps of the golden hart, and counts what was compared."""

    def __init__(self, golden: Golden, profile: Profile, report: Report) -> None:
        self._golden = golden
        self._hart = golden.hart
        self._values = golden.hart.csr.values
        self._profile = profile
        self._complete = profile.complete
        self._lists_x = "x" in profile.complete
        self._report = report
        self._before = (0, 0, golden.hart.mode)
        self._mem = self._mem_had = 0
        self._instructions = self._x = self._x_had = self._prv = 0
        self._refused: dict[int, int] = {}  # CSRs of which a write trapped, and that instruction's word

    def begin(self) -> None:
        """Note the state that the next event meets."""
        values = self._values
        self._before = values[MSTATUS], values[VSSTATUS], self._hart.mode

    def finish(self) -> None:
        """Add what was counted here to the report."""
        compared, had = self._report.compared, self._report.had
        compared["pc"] += self._instructions
        had["pc"] += self._instructions
        compared["mem"] += self._mem
        had["mem"] += self._mem_had
        compared["x"] += self._x
        had["x"] += self._x_had
        compared["mode"] += self._prv
        had["mode"] += self._instructions
        entries = [csr for csr in range(ExtraCsr.PMPCFG0, ExtraCsr.PMPCFG0 + 16, 2) if self._values.get(csr)]
        if entries:
            self._report.notes.append(
                "the program sets up PMP: the golden hart keeps its registers and forbids nothing by them"
            )

    def add(self, rule: str, what: str, event: Event, core: str, model: str, word: int | None = None) -> None:
        """Add a finding."""
        mstatus, vsstatus, mode = self._before
        word = event.insn if word is None else word
        text = "" if word is None else self.text(word)
        vs = mstatus >> bits.VS_SHIFT & 3, vsstatus >> bits.VS_SHIFT & 3
        self._report.add(rule, what, First(event.line, event.pc, word, text, MODE_NAMES[mode], vs, core, model))

    def decoded(self, word: int) -> Decoded:
        """Decode an instruction as it stands in memory."""
        full = word if word & 3 == 3 else expand_float(word)
        return decode_with(0 if full is None else full, _ALL_KINDS)

    def text(self, word: int) -> str:
        """Disassemble an instruction as it stands in memory."""
        full = word if word & 3 == 3 else expand_float(word)
        return f".half {word:#06x}" if full is None else disassemble(full)

    # --- an instruction ---

    def commit(self, event: Event, commit: Commit) -> None:
        """Compare an instruction that took effect on both sides."""
        self._instructions += 1
        if event.insn is not None and event.insn != commit.insn and event.insn != expand_float(commit.insn & 0xFFFF):
            self.add("control flow", "another instruction", event, f"{event.insn:#x}", f"{commit.insn:#x}")
        if event.prv is not None:
            self._prv += 1
            if event.prv != commit.prv:
                self.add("F-4, F-6", "privilege mode", event, str(event.prv), str(commit.prv), commit.insn)
        if event.virt is not None and event.virt != self._before[2][1]:
            self.add("F-4, F-6", "V", event, str(int(event.virt)), str(int(self._before[2][1])), commit.insn)
        want = commit.x
        if want is not None:
            self._x_had += 1
            if not event.x and self._lists_x:
                self.add("log", "x register not logged", event, "nothing", f"x{want[0]} = {want[1]:#x}", commit.insn)
        for pair in event.x:
            self._x += 1
            if pair != want:
                self._differing_x(event, commit, *pair)
        if event.f or commit.f is not None:
            self._float(event, commit)
        if commit.csrs or event.csrs:
            self._csrs(event, commit)
        if event.v or commit.vregs:
            self._vregs(event, commit)
        if event.mem or commit.loads or commit.stores:
            self._memory(event, commit)

    def _differing_x(self, event: Event, commit: Commit, register: int, value: int) -> None:
        want = None if commit.x is None or commit.x[0] != register else commit.x[1]
        d = self.decoded(commit.insn)
        if want is None:
            if register:
                self._x_extra(event, commit, d, register, value)
            return
        volatile = False
        if d.kind is Kind.CSR:
            csr = d.fields["csr"]
            virt = self._before[2][1]
            row = self._hart.csr.table[csr]
            reached = int(row.twin) if virt and row.twin is not None else csr
            mask = self._profile.volatile_bits.get(reached, 0) | self._profile.volatile_bits.get(csr, 0)
            if mask & 1 << 13 or mask & 1 << 9:  # SD follows the fields that it is derived of
                mask |= bits.SD
            volatile = csr in self._profile.volatile_csrs or not (value ^ want) & ~mask
            if not volatile:
                kept = value & ~mask | want & mask
                self._read_of(event, commit, csr, kept, want, virt)
        else:
            self.add(of_insn(d), f"{d.mnemonic}: result", event, f"x{register} = {value:#x}", f"{want:#x}", commit.insn)
        self._report.taken["volatile" if volatile else "adopted"] += 1
        self._hart.x[register] = value

    def _read_of(self, event: Event, commit: Commit, csr: int, value: int, want: int, virt: bool) -> None:
        refused = self._refused.get(csr)
        for rule, what in of_csr(csr, value, want, virt):
            if refused is not None:
                rule, what = "F-7, A-4", f"{what}: a write of it that trapped seems to have taken effect"
            self.add(rule, f"read of {what}", event, f"{value:#x}", f"{want:#x}", commit.insn)

    def _x_extra(self, event: Event, commit: Commit, d: Decoded, register: int, value: int) -> None:
        if value == self._hart.x[register]:
            return
        self.add(of_insn(d), f"{d.mnemonic}: writes another x register", event, f"x{register} = {value:#x}", "nothing")
        self._report.taken["adopted"] += 1
        self._hart.x[register] = value

    def _float(self, event: Event, commit: Commit) -> None:
        report = self._report
        report.had["f"] += commit.f is not None
        for register, value in event.f:
            report.compared["f"] += 1
            if self._hart.f[register] != value:
                name = self.decoded(commit.insn).mnemonic
                model = f"{self._hart.f[register]:#x}"
                self.add(SCALAR, f"{name}: f register", event, f"f{register} = {value:#x}", model, commit.insn)
                report.taken["adopted"] += 1
                self._hart.f[register] = value

    def _csrs(self, event: Event, commit: Commit) -> None:
        report, wanted, profile = self._report, commit.csrs, self._profile
        report.had["csr"] += len(wanted)
        seen = set()
        for csr, value in event.csrs:
            seen.add(csr)
            if csr in wanted:
                want = wanted[csr]
            elif csr in self._hart.csr.table:
                want = self._hart.csr[csr]
            else:
                continue
            report.compared["csr"] += 1
            if value == want:
                continue
            mask = profile.volatile_bits.get(csr, 0)
            if csr in profile.volatile_csrs or not (value ^ want) & ~mask:
                report.taken["volatile"] += 1
                continue
            d = self.decoded(commit.insn)
            written = writes_status(d)
            for rule, what in of_csr(csr, value & ~mask | want & mask, want, self._before[2][1], written=written):
                self.add(rule, f"{d.mnemonic} leaves {what}", event, f"{value:#x}", f"{want:#x}", commit.insn)
            report.taken["adopted"] += 1
            self._golden.adopt_csr(csr, value)
        if "csr" in self._complete:
            for csr in wanted.keys() - seen:
                if csr != _MVIP and csr not in profile.volatile_csrs:
                    name = CSR_NAMES[csr]
                    self.add("log", f"{name} not logged", event, "nothing", f"{wanted[csr]:#x}", commit.insn)
        if self._refused:
            d = self.decoded(commit.insn)
            if d.kind is Kind.CSR:
                self._refused.pop(d.fields["csr"], None)

    def _vregs(self, event: Event, commit: Commit) -> None:
        report, vec = self._report, self._hart.vec
        report.had["v"] += len(commit.vregs)
        seen = set()
        for register, value in event.v:
            seen.add(register)
            report.compared["v"] += 1
            want = int.from_bytes(vec.registers[register], "little")
            if value != want:
                d = self.decoded(commit.insn)
                self.add(
                    *(of_insn(d), f"{d.mnemonic}: vector register", event),
                    *(f"v{register} = {value:#x}", f"{want:#x}", commit.insn),
                )
                report.taken["adopted"] += 1
                self._golden.adopt_vector(register, value)
        if "v" in self._complete:
            for register in set(commit.vregs) - seen:
                self.add("log", "vector register not logged", event, "nothing", f"v{register}", commit.insn)

    def _memory(self, event: Event, commit: Commit) -> None:
        report = self._report
        loads, stores = commit.loads, commit.stores
        count = len(loads) + len(stores)
        self._mem_had += count
        if count == 1 == len(event.mem):  # most of them: one access, and the same
            access = event.mem[0]
            if loads:
                same = access.value is None and access.address == loads[0]
            else:
                address, size, value = stores[0]
                same = access == (address, value, size)
            if same:
                self._mem += 1
                return
        if not event.mem:
            if "mem" in self._complete:
                self.add("log", "memory access not logged", event, "nothing", "an access", commit.insn)
            return
        seen_loads = [access.address for access in event.mem if access.value is None]
        seen_stores = [access for access in event.mem if access.value is not None]
        if seen_loads:
            report.compared["mem"] += len(seen_loads)
            if seen_loads != list(loads) and (len(seen_loads) == len(loads) or "mem" in self._complete):
                self._differing_loads(event, commit, seen_loads)
        if seen_stores:
            report.compared["mem"] += len(seen_stores)
            if seen_stores != [(address, value, size) for address, size, value in stores]:
                self._differing_stores(event, commit, seen_stores)

    def _differing_loads(self, event: Event, commit: Commit, seen: Sequence[int]) -> None:
        d = self.decoded(commit.insn)
        core, model = (" ".join(f"{address:#x}" for address in list(side)[:4]) for side in (seen, commit.loads))
        self.add(of_insn(d), f"{d.mnemonic}: address of a load", event, core, model, commit.insn)

    def _differing_stores(self, event: Event, commit: Commit, seen: Sequence[Access]) -> None:
        core, model = _bytes(seen), _bytes([Access(at, value, size) for at, size, value in commit.stores])
        if core == model:  # in other pieces
            return
        d = self.decoded(commit.insn)
        wrong = {at: byte for at, byte in core.items() if model.get(at) != byte}
        if not wrong and "mem" not in self._complete:  # fewer than there were
            return
        first = min(wrong or model.keys() - core.keys())
        shown = [f"{first:#x}: {side[first]:#04x}" if first in side else "nothing" for side in (core, model)]
        self.add(of_insn(d), f"{d.mnemonic}: stored", event, shown[0], shown[1], commit.insn)
        self._report.taken["adopted"] += 1
        for address, byte in wrong.items():
            self._golden.adopt_store(address, 1, byte)

    # --- traps ---

    def trap(self, event: Event, trap: ArchTrap, word: int) -> ArchTrap:
        """Compare a trap that both sides take, and return the one to go on with."""
        report = self._report
        cause, tval = trap.cause, trap.tval
        d = self.decoded(word)
        if event.cause is not None and event.cause != cause:
            rule, what = trap_differs(d, event.cause, cause, self._hart.virt)
            self.add(rule, what, event, str(event.cause), str(cause), word)
            cause = event.cause
        report.had["tval"] += cause not in _ECALLS
        if event.tval is not None:
            report.compared["tval"] += 1
            if event.tval != tval:
                self.add("B-17", f"tval of cause {cause}", event, f"{event.tval:#x}", f"{tval:#x}", word)
                tval = event.tval
        elif "tval" in self._complete and cause not in _ECALLS:
            self.add("log", "tval not logged", event, "nothing", f"{tval:#x}", word)
        if d.kind is Kind.CSR:
            self._refused[d.fields["csr"]] = word
        if (cause, tval) == (trap.cause, trap.tval):
            return trap
        report.taken["adopted"] += 1
        return ArchTrap(cause, tval, tval2=trap.tval2, gva=trap.gva, tinst=trap.tinst)

    def adopt(self, event: Event) -> None:
        """Take over what an event wrote, after its difference was reported."""
        report, hart = self._report, self._hart
        for register, value in event.x:
            if register:
                hart.x[register] = value
                report.taken["adopted"] += 1
        for register, value in event.f:
            hart.f[register] = value
            report.taken["adopted"] += 1
        for register, value in event.v:
            self._golden.adopt_vector(register, value)
            report.taken["adopted"] += 1
        for csr, value in event.csrs:
            self._golden.adopt_csr(csr, value)
            report.taken["adopted"] += 1
        for access in event.mem:
            if access.value is not None:
                self._golden.adopt_store(access.address, access.size, access.value)
                report.taken["adopted"] += 1


def _bytes(accesses: Sequence[Access]) -> dict[int, int]:
    """Return the bytes stored, by virtual address."""
    out = {}
    for address, value, size in accesses:
        for i in range(size):
            out[address + i & bits.M64] = (value or 0) >> 8 * i & 0xFF
    return out
