# SPDX-License-Identifier: Apache-2.0
"""Records of an RTL that departs from the golden model, grouped by the rule that they break as in a log.

What is expected stays the model's. So what an RTL gets wrong once would show again and again, until something writes
the same place. An instruction that meets state which already differs, and depends on it, is counted as *following*, and
is no finding of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from vctx.pymodel.corelog.findings import Findings, First
from vctx.pymodel.corelog.rules import of_csr, of_insn, trap_differs, writes_status
from vctx.pymodel.isa import Csr, bits, disassemble
from vctx.pymodel.isa.csr_numbers import STATUS_CSRS
from vctx.pymodel.isa.encoding import Decoded, Kind, decode
from vctx.pymodel.trace import MODE_NAMES, Insn, Retire

_VS = {"mstatus_vs": Csr.MSTATUS, "vsstatus_vs": Csr.VSSTATUS}
_STATE = {"vl": Csr.VL, "vtype": Csr.VTYPE, "vstart": Csr.VSTART, "vcsr": Csr.VCSR, **_VS}
_OWN = {Csr.VXSAT: "vcsr", Csr.VXRM: "vcsr", **{csr: name for name, csr in _STATE.items()}}
_WRITES = ("csrrw", "csrrwi")  # the whole register, whatever was in it


@dataclass
class _Wrong:
    """What of a hart differs.

    Attributes:
        state: fields of the record, with the model's value and the RTL's; after its last departure.
        registers: vector registers, as a mask.
    """

    state: dict[str, tuple[int, int]] = field(default_factory=dict)
    registers: int = 0


@dataclass(frozen=True)
class Departure:
    """An instruction of which the RTL makes something else.

    Attributes:
        index: position in the trace. insn: the instruction, and what the model makes of it.
        seen: what the RTL makes of it. vs: mstatus.VS and vsstatus.VS of the model before it.
        faults: what is wrong beyond the record: errors of protocol, unknown bits.
        rewritten: registers that its hart has written as it should since its last departure; None if that was the
            instruction before.
    """

    index: int
    insn: Insn
    seen: Retire
    vs: tuple[int, int]
    faults: Sequence[str] = ()
    rewritten: int | None = None


class Departures:
    """Groups departures; instructions of a hart come in their order.

    Attributes:
        findings: by rule. instructions: that depart. following: those of them that only follow from others.
    """

    def __init__(self) -> None:
        self.findings = Findings()
        self.instructions = 0
        self.following = 0
        self._wrong: dict[int, _Wrong] = {}
        self._memory = False  # some byte differs

    def add(self, departure: Departure) -> None:
        """Group one."""
        self.instructions += 1
        event, seen = departure.insn, departure.seen
        wrong = self._wrong.setdefault(event.hart, _Wrong())
        before = {} if departure.rewritten is not None else wrong.state
        wrong.registers &= ~(departure.rewritten or 0)
        want, d = event.retire, decode(event.issue.insn)
        state = {name: (getattr(want, name), getattr(seen, name)) for name in _STATE}
        state = {name: both for name, both in state.items() if both[0] != both[1]}
        ours = _ours(d, event.issue.virt)
        kept = {name for name, both in state.items() if before.get(name) == both}
        if d.mnemonic in _WRITES:
            kept -= ours & _VS.keys()
        control = bool(state.keys() - kept) or _differs(want, seen, "trap", "irq") or bool(departure.faults)
        data = _differs(want, seen, "rd", "vregs", "mem")
        is_csr = d.kind is Kind.CSR
        depends = before.keys() & (ours if is_csr and writes_status(d) else ours | _gates(event.issue.virt))
        data = data and (is_csr or not (wrong.registers or self._memory))
        if depends or not (control or data):
            self.following += 1
        else:
            self._find(departure, d, {name: both for name, both in state.items() if name not in kept}, data=data)
        wrong.state = state
        for register in want.vregs.keys() | seen.vregs.keys():
            same = want.vregs.get(register) == seen.vregs.get(register)
            wrong.registers = wrong.registers & ~(1 << register) | (not same) << register
        self._memory = self._memory or want.mem != seen.mem

    def checkpoint(self, index: int, hart: int, names: Sequence[str]) -> None:
        """Note that the whole state of a hart was compared, and differs in these fields of the record."""
        wrong = self._wrong.get(hart)
        if wrong is None:  # nothing that it did explains it
            first = First(index, 0, None, "", "", (0, 0), ", ".join(names), "")
            self.findings.add("checkpoint", "state that no instruction left wrong", first)

    def _find(self, departure: Departure, d: Decoded, state: dict[str, tuple[int, int]], *, data: bool) -> None:
        want, seen = departure.insn.retire, departure.seen
        virt = departure.insn.issue.virt
        cause, expected = (None if record.trap is None else record.trap.cause for record in (seen, want))
        for text in departure.faults:
            self._add(departure, "interface", text, "", "")
        if departure.faults:
            return
        if cause != expected:
            self._add(departure, *trap_differs(d, cause, expected, virt), _told(seen), _told(want))
            return
        if want.trap != seen.trap:
            self._add(departure, "B-17", f"tval of cause {cause}", _told(seen), _told(want))
        if want.irq != seen.irq:
            self._add(departure, "D-15", f"{d.mnemonic}: stops for an interrupt", str(seen.irq), str(want.irq))
        if data and want.rd != seen.rd:
            self._rd(departure, d, want.rd, seen.rd)
        for name, (model, rtl) in state.items():
            shift = bits.VS_SHIFT if name in _VS else 0
            csr = _STATE[name]
            for rule, what in of_csr(csr, rtl << shift, model << shift, virt, written=writes_status(d)):
                if cause is not None and d.kind is Kind.CSR:
                    rule, text = "F-7, A-4", f"{d.mnemonic} traps with cause {cause}, and writes {what}"
                else:
                    text = f"{d.mnemonic} leaves {what}"
                self._add(departure, rule, text, f"{rtl:#x}", f"{model:#x}")
        if data and want.vregs != seen.vregs:
            self._add(departure, of_insn(d), f"{d.mnemonic}: vector register", *_registers(want.vregs, seen.vregs))
        if data and want.mem != seen.mem:
            self._add(departure, of_insn(d), f"{d.mnemonic}: stored", *_bytes(want.mem, seen.mem))

    def _rd(self, departure: Departure, d: Decoded, model: int | None, rtl: int | None) -> None:
        texts = ["nothing" if value is None else f"{value:#x}" for value in (rtl, model)]
        if d.kind is not Kind.CSR or None in (model, rtl):
            self._add(departure, of_insn(d), f"{d.mnemonic}: result", *texts)
            return
        for rule, what in of_csr(d.fields["csr"], rtl or 0, model or 0, departure.insn.issue.virt, written=True):
            self._add(departure, rule, f"read of {what}", *texts)

    def _add(self, departure: Departure, rule: str, what: str, rtl: str, model: str) -> None:
        event = departure.insn
        word, mode = event.issue.insn, MODE_NAMES[event.issue.prv, event.issue.virt]
        first = First(departure.index, event.pc, word, disassemble(word), mode, departure.vs, rtl, model)
        self.findings.add(rule, what, first)


def _differs(want: Retire, seen: Retire, *names: str) -> bool:
    return any(getattr(want, name) != getattr(seen, name) for name in names)


def _gates(virt: bool) -> set[str]:
    """Return the fields that decide whether a vector instruction traps (A-3, B-5)."""
    return set(_VS) if virt else {"mstatus_vs"}


def _ours(d: Decoded, virt: bool) -> set[str]:
    """Return the fields that an instruction reads, apart from those."""
    if d.kind is not Kind.CSR:
        return set(_STATE) - set(_VS)
    csr = Csr(d.fields["csr"])
    if csr not in STATUS_CSRS:
        return {_OWN[csr]} if csr in _OWN else set()
    return {"vsstatus_vs" if csr is Csr.VSSTATUS or (virt and csr is Csr.SSTATUS) else "mstatus_vs"}


def _told(record: Retire) -> str:
    return "executes" if record.trap is None else f"trap, cause {record.trap.cause}, tval {record.trap.tval:#x}"


def _registers(want: Mapping[int, bytes], seen: Mapping[int, bytes]) -> tuple[str, str]:
    """Return the first register that differs, as the RTL and as the model have it."""
    first = min(reg for reg in want.keys() | seen.keys() if want.get(reg) != seen.get(reg))
    values = (seen.get(first), want.get(first))
    rtl, model = ("not written" if value is None else value[::-1].hex() for value in values)
    return f"v{first} = {rtl}", model


def _bytes(want: Mapping[int, int], seen: Mapping[int, int]) -> tuple[str, str]:
    """Return the first byte that differs, as the RTL and as the model have it."""
    first = min(address for address in want.keys() | seen.keys() if want.get(address) != seen.get(address))
    values = (seen.get(first), want.get(first))
    rtl, model = ("nothing" if value is None else f"{value:#04x}" for value in values)
    return f"{first:#x}: {rtl}", model
