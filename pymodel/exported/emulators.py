# SPDX-License-Identifier: Apache-2.0
"""What emulators are known to do otherwise, by version: which programs are for them, and what these may find there.

A departure says for which instruction which fields may have which other value. A state that departs stays as it is
until something writes it, so a field may also keep the value that it had one step before. Whatever else a program finds
there is not declared, and a test holds what an emulator does to that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from vctx.pymodel.exported.program import Left, Step
from vctx.pymodel.exported.runner import BEHIND, WORD, Operands
from vctx.pymodel.isa import bits, decode
from vctx.pymodel.isa.csr_numbers import Csr
from vctx.pymodel.isa.encoding import Kind
from vctx.pymodel.isa.vtype import decode_vtype

_CARRIED = "carried"  # a value that departed earlier and was not written since
_STATE = ("vl", "vtype", "vstart", "vcsr", "mstatus", "vsstatus")
_ECALL = {"M": 11, "HS": 9, "VS": 10, "U": 8, "VU": 8}
Others = Mapping[str, Sequence[int]]  # other values that a field may have, by its name in `Left`


@dataclass(frozen=True)
class Departure:
    """One thing that an emulator does otherwise.

    Attributes:
        item: of the specification, or the point of its latitude.
        text: what it does.
        others: what that makes of a step, by the state before it and VLEN.
    """

    item: str
    text: str
    others: Callable[[Step, Left, int], Others]


@dataclass(frozen=True)
class Emulator:
    """One version of an emulator.

    Attributes:
        name, version: of which it is true: all versions that begin so.
        departures: what it does otherwise.
        programs: names of those that are for it.
    """

    name: str
    version: str
    departures: tuple[Departure, ...]
    programs: tuple[str, ...]


def _retires(step: Step) -> dict[str, Sequence[int]]:
    """Return what a step that must trap leaves of the trap CSRs if it does not."""
    return {"mcause": [_ECALL[step.mode]], "mtval": [0], "mepc": [step.pc + BEHIND - WORD]}


def _kind(step: Step) -> Kind:
    return decode(step.event.issue.insn).kind


def _underived_sd(step: Step, before: Left, vlen: int) -> Others:
    return {"vsstatus": [step.left.vsstatus ^ bits.SD]}


def _sticky_sd(step: Step, before: Left, vlen: int) -> Others:
    d, issue = decode(step.event.issue.insn), step.event.issue
    if d.kind is not Kind.CSR or d.fields["csr"] != Csr.SSTATUS or issue.virt:
        return {}
    return {"mstatus": [step.left.mstatus | bits.SD]}


def _clean_access(step: Step, before: Left, vlen: int) -> Others:
    d = decode(step.event.issue.insn)
    trap = step.event.retire.trap
    if d.kind is not Kind.VMEM or (trap is not None and trap.cause == 2):
        return {}
    if "vs3" in d.fields or trap is not None or before.vl == 0:
        return {"mstatus": [before.mstatus], "vsstatus": [before.vsstatus]}
    return {}


def _kept_vstart(step: Step, before: Left, vlen: int) -> Others:
    if _kind(step) is not Kind.VMEM or not before.vstart or step.event.retire.trap is not None:
        return {}
    return {"vstart": [before.vstart], "mstatus": [before.mstatus], "vsstatus": [before.vsstatus]}


def _resumed_arithmetic(step: Step, before: Left, vlen: int) -> Others:
    if _kind(step) is not Kind.VOP or not before.vstart:
        return {}
    dirty = bits.VS | bits.SD
    return _retires(step) | {"vstart": [0], "mstatus": [dirty], "vsstatus": [dirty] if step.event.issue.virt else []}


def _kept_vl(step: Step, before: Left, vlen: int) -> Others:
    d = decode(step.event.issue.insn)
    if d.kind is not Kind.VSET or d.fields["rd"] or d.fields.get("rs1"):
        return {}
    requested = d.fields.get("vtypei", step.event.issue.rs2)
    return {"vtype": [requested], "vl": [min(before.vl, decode_vtype(requested, vlen).vlmax)]}


def _wide_sew(step: Step, before: Left, vlen: int) -> Others:
    d, issue = decode(step.event.issue.insn), step.event.issue
    if d.kind is not Kind.VSET:
        return {}
    requested = d.fields.get("vtypei", issue.rs2)
    most = decode_vtype(requested, vlen, wide_sew_vill=False).vlmax
    avl = d.fields.get("uimm", issue.rs1 if d.fields.get("rs1") else most if d.fields["rd"] else before.vl)
    vl = min(avl, most)
    return {"vtype": [requested], "vl": [vl], "rd": [vl] if d.fields["rd"] else []} if most else {}


def _wide_vxrm(step: Step, before: Left, vlen: int) -> Others:
    d, issue = decode(step.event.issue.insn), step.event.issue
    if d.kind is not Kind.CSR or d.fields["csr"] not in (Csr.VXRM, Csr.VXSAT, Csr.VCSR):
        return {}
    operand = issue.rs1 if "rs1" in d.fields else d.fields["uimm"]
    shift = 1 if d.fields["csr"] == Csr.VXRM else 0
    return {"vcsr": [operand << shift & bits.M64, (operand << shift | before.vcsr) & bits.M64]}


_UNDERIVED_SD = Departure("B-12", "SD of vsstatus does not follow VS and FS, but what was last written", _underived_sd)

_STICKY_SD = Departure("B-12", "after a write of sstatus SD of mstatus may be from before", _sticky_sd)

EMULATORS = (
    Emulator(
        "QEMU",
        "7.2",
        (
            _UNDERIVED_SD,
            _STICKY_SD,
            Departure("L-1", "stores, accesses that fault and loads with vl = 0 do not make VS Dirty", _clean_access),
            Departure("D-6", "a load or store with nothing left to do keeps vstart, and VS", _kept_vstart),
            Departure("L-9", "arithmetic starts at vstart, and does not trap", _resumed_arithmetic),
            Departure("L-4", "vset* with rd = rs1 = x0 keeps vl whatever the ratio is", _kept_vl),
            Departure("A-8", "vxrm and vxsat keep bits that they do not have", _wide_vxrm),
        ),
        ("states", "vset", "irq", "bugs", "kvm-hart0", "kvm-hart1"),
    ),
    Emulator(
        "QEMU",
        "10.0",
        (_UNDERIVED_SD, _STICKY_SD, Departure("L-6", "SEW may be more than LMUL * ELEN", _wide_sew)),
        ("states", "vset", "irq", "edges", "kvm-hart0", "kvm-hart1"),
    ),
)
"""All that are known."""


def of_version(name: str, version: str) -> Emulator | None:
    """Return what is known of a version of an emulator; None for nothing."""
    return next(
        (each for each in EMULATORS if each.name == name and f"{version}.".startswith(f"{each.version}.")), None
    )


def declared(program: str) -> dict[str, list[str] | None]:
    """Return, by emulator and version, what a program finds there; None where it is not for that version."""
    return {
        f"{each.name} {each.version}": [f"{departure.item}: {departure.text}" for departure in each.departures]
        if program in each.programs
        else None
        for each in EMULATORS
    }


@dataclass(frozen=True)
class Finding:
    """A step that left something else than it must.

    Attributes:
        number, step: which one.
        items: of the departures that explain it; none if nothing does.
    """

    number: int
    step: Step
    items: tuple[str, ...]


def explain(emulator: Emulator, steps: Sequence[Step], failed: Mapping[int, int], vlen: int) -> Iterator[Finding]:
    """Yield what an emulator's departures explain of the steps of a program that failed on it.

    Args:
        emulator: which. steps: of the program. failed: the fold that was found, by address of the record.
    """
    before = Left(0, 0, 1 << 63, *[0] * 8)
    right = before
    for number, step in enumerate(steps):
        found = failed.get(step.record)
        left, items = step.left, tuple[str, ...]()
        if found is not None:
            explained = _explained(emulator, step, before, right, found, vlen)
            if explained is not None:
                left, items = explained
            yield Finding(number, step, items)
        before, right = left, step.left


def _explained(
    emulator: Emulator, step: Step, before: Left, right: Left, found: int, vlen: int
) -> tuple[Left, tuple[str, ...]] | None:
    """Return what a step left by `found`, and what explains it; `right` is what the one before had to leave."""
    others: dict[str, dict[int, str]] = {}
    for field in _STATE:
        if getattr(before, field) != getattr(right, field):
            others.setdefault(field, {})[getattr(before, field)] = _CARRIED
    for departure in emulator.departures:
        for field, values in departure.others(step, before, vlen).items():
            for value in values:
                others.setdefault(field, {}).setdefault(value, departure.item)
    for value, item in list(others.get("vsstatus", {}).items()):  # each value with either SD
        others["vsstatus"].setdefault(value ^ bits.SD, item)
    if read := _read(step):
        value = getattr(before, read)
        others.setdefault("rd", {}).update(dict.fromkeys((value, value ^ bits.SD), _CARRIED))
    fields = [field for field in Left._fields if others.get(field)]
    choices = [[(getattr(step.left, field), ""), *others[field].items()] for field in fields]
    for choice in product(*choices):
        left = step.left._replace(**{field: value for field, (value, _) in zip(fields, choice, strict=True)})
        if left.fold() == found:
            return left, tuple(sorted({item for _, item in choice if item}))
    return None


def _read(step: Step) -> str | None:
    """Return the status register that an instruction reads into an integer register."""
    operands, issue = Operands.of(step.event.issue.insn), step.event.issue
    if not operands.status or not operands.rd or step.event.retire.trap is not None:
        return None
    csr = decode(issue.insn).fields["csr"]
    return "vsstatus" if csr == Csr.VSSTATUS or (csr == Csr.SSTATUS and issue.virt) else "mstatus"
