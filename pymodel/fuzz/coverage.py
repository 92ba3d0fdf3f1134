# SPDX-License-Identifier: Apache-2.0
"""What the programs reached: points of (instruction, vtype, vstart, mask, mode, VS pair, outcome), and crosses of them.

The whole product has tens of millions of points, most of them of no interest, so it is only counted. The crosses below
are held against what is possible, and what was never reached is listed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import product
from typing import Any, NamedTuple

from vctx.pymodel.isa.csr_numbers import STATUS_CSRS, VECTOR_CSRS, Csr
from vctx.pymodel.isa.encoding import TABLE, Kind, decode, decode_with
from vctx.pymodel.isa.vtype import VILL, Vtype, decode_vtype, vtype_text
from vctx.pymodel.trace.records import MODE_NAMES, Issue, Retire

_MORE = frozenset({Kind.VOP, Kind.VMEM})
_BESIDE = "of other cores"  # an instruction that the block lacks: not among what is crossed
_MODES = tuple(MODE_NAMES.values())
_STARTS = ("0", "below vl", "below VLMAX", "VLMAX or more")
_PAIRS = tuple(product(range(4), range(4)))
_CSR_FORMS = tuple(spec.mnemonic for spec in TABLE.values() if spec.kind is Kind.CSR)
_STATUS_OUTCOMES = {
    ("mstatus", "M"): "ok",
    ("sstatus", "M"): "ok",
    ("vsstatus", "M"): "ok",
    ("sstatus", "HS"): "ok",
    ("vsstatus", "HS"): "ok",
    ("sstatus", "VS"): "ok",
    ("sstatus", "VU"): "22",
    ("vsstatus", "VS"): "22",
    ("vsstatus", "VU"): "22",
}  # F-7; every other access is an illegal instruction


class Point(NamedTuple):
    """One executed instruction, as coarse as coverage sees it.

    Attributes:
        insn: mnemonic, with the CSR's name for CSR instructions; "reserved" for a reserved encoding.
        vtype: the CSR before; vill is 1 << 63.
        start: vstart before, one of `_STARTS`.
        masked: vm is 0; None where there is no vm.
        mode: M, HS, U, VS or VU.
        pair: mstatus.VS and vsstatus.VS before.
        outcome: "ok", "trimmed" (fault-only-first that shortened vl), "irq", or the cause of the trap.
        moved: it stopped at an element other than the first one it was to execute.
    """

    insn: str
    vtype: int
    start: str
    masked: bool | None
    mode: str
    pair: tuple[int, int]
    outcome: str
    moved: bool


@dataclass(frozen=True)
class Cross:
    """A product of some features of points: what is possible, and how a point falls into it."""

    name: str
    possible: frozenset[tuple[Any, ...]]
    project: Callable[[Point], tuple[Any, ...]]


class Coverage:
    """Counts points; give it every instruction of a hart in order.

    Args:
        vlen: VLEN in bits.

    Attributes:
        points: how often each was reached.
    """

    def __init__(self, vlen: int) -> None:
        self.vlen = vlen
        self.points: Counter[Point] = Counter()
        self.restart()

    def restart(self) -> None:
        """The hart was reset."""
        self._before = Retire()

    def add(self, issue: Issue, retire: Retire) -> None:
        """Count one instruction."""
        before, self._before = self._before, retire
        vtype = decode_vtype(before.vtype, self.vlen)
        name, masked = _name(issue.insn)
        if name == _BESIDE:
            return
        if retire.trap is not None:
            outcome = str(retire.trap.cause)
        elif retire.irq:
            outcome = "irq"
        else:
            outcome = "trimmed" if name.endswith("ff.v") and retire.vl != before.vl else "ok"
        self.points[
            Point(
                name,
                before.vtype,
                _start_class(before.vstart, before.vl, vtype),
                masked,
                MODE_NAMES[issue.prv, issue.virt],
                (before.mstatus_vs, before.vsstatus_vs),
                outcome,
                outcome not in ("ok", "trimmed") and retire.vstart != before.vstart,
            )
        ] += 1


def _start_class(vstart: int, vl: int, vtype: Vtype) -> str:
    if vstart == 0:
        return _STARTS[0]
    if vstart < vl:
        return _STARTS[1]
    return _STARTS[2] if vstart < vtype.vlmax else _STARTS[3]


def _name(word: int) -> tuple[str, bool | None]:
    """Return the name of an instruction word and whether it is masked."""
    decoded = decode(word)
    if decoded.kind is Kind.UNKNOWN:
        return ("reserved" if decode_with(word, _MORE).kind is Kind.UNKNOWN else _BESIDE), None
    if decoded.kind is Kind.CSR:
        return f"{decoded.mnemonic} {Csr(decoded.fields['csr']).name.lower()}", None
    vm = decoded.fields.get("vm")
    return decoded.mnemonic, None if vm is None else vm == 0


# --- what is possible ---


@cache
def instructions() -> dict[str, str]:
    """Return every instruction of the block with its kind: vset, load, store, operation, vector CSR, status CSR."""
    kinds = {}
    for spec in TABLE.values():
        if spec.kind is Kind.VSET:
            kinds[spec.mnemonic] = "vset"
        elif spec.kind is Kind.VMEM:
            kinds[spec.mnemonic] = "store" if "vs3" in spec.syntax else "load"
        elif spec.kind is Kind.VOP:
            kinds[spec.mnemonic] = "operation"
        elif spec.kind is Kind.CSR:
            kinds |= {f"{spec.mnemonic} {csr.name.lower()}": "vector CSR" for csr in sorted(VECTOR_CSRS)}
            kinds |= {f"{spec.mnemonic} {csr.name.lower()}": "status CSR" for csr in sorted(STATUS_CSRS)}
    return kinds


def _outcomes(insn: str, kind: str) -> Iterator[str]:
    """What can come of an instruction."""
    if kind in ("load", "store"):
        load = kind == "load"
        element = TABLE[insn].match >> 12 & 7  # width code; 0 is a byte
        yield from ("ok", "2", *(("5", "13", "21") if load else ("7", "15", "23")))
        if element:
            yield "4" if load else "6"
        if insn.endswith("ff.v"):
            yield "trimmed"
    elif kind == "status CSR":
        csr = insn.split()[1]
        yield from {_STATUS_OUTCOMES.get((csr, mode), "2") for mode in _MODES}
    else:
        yield "2"
        form, _, csr = insn.partition(" ")
        if not (csr in ("vl", "vtype", "vlenb") and form.startswith("csrrw")):
            yield "ok"


def _rough(outcome: str) -> str:
    return {"2": "illegal", "22": "virtual", "ok": "ok", "trimmed": "ok"}.get(outcome, "stopped")


def _by_state() -> Iterator[tuple[str, str, tuple[int, int], str]]:
    """Kind, mode, VS pair and rough outcome."""
    for kind, mode, pair in product(sorted(set(instructions().values())), _MODES, _PAIRS):
        if kind == "status CSR":
            csrs = ("mstatus", "sstatus", "vsstatus")
            outcomes = {_rough(_STATUS_OUTCOMES.get((csr, mode), "2")) for csr in csrs}
        elif pair[0] == 0 or (mode[0] == "V" and pair[1] == 0):  # A-3, B-5
            outcomes = {"illegal"}
        elif kind == "vset":  # with VS on, only reserved encodings trap
            outcomes = {"ok"}
        else:
            outcomes = {"ok", "illegal"} | ({"stopped"} if kind in ("load", "store") else set())
        yield from ((kind, mode, pair, outcome) for outcome in outcomes)


def _shape(vtype: int) -> str:
    """SEW and LMUL of a vtype."""
    return "vill" if vtype == VILL else vtype_text(vtype).rsplit(", ", 2)[0]


def _faults() -> Iterator[tuple[str, str, bool]]:
    """Load or store, cause, and whether elements before it were done."""
    for kind, causes in (("load", ("5", "13", "21")), ("store", ("7", "15", "23"))):
        yield from product((kind,), causes, (False, True))
    yield from product(("load", "store"), ("irq",), (False, True))


@cache
def crosses() -> tuple[Cross, ...]:
    """Return the crosses."""
    kinds = instructions()
    legal = [vtype for vtype in range(256) if not decode_vtype(vtype, 128).vill]
    shapes = {_shape(vtype) for vtype in (*legal, VILL)}

    def cross(name: str, possible: Iterable[tuple[Any, ...]], project: Callable[[Point], tuple[Any, ...]]) -> Cross:
        return Cross(name, frozenset(possible), project)

    maskable = [name for name in kinds if " vm" in TABLE[name.split()[0]].syntax]
    return (
        cross("instruction x SEW, LMUL", product(kinds, shapes), lambda p: (p.insn, _shape(p.vtype))),
        cross("instruction x vstart", product(kinds, _STARTS), lambda p: (p.insn, p.start)),
        cross("instruction x mask", product(maskable, (False, True)), lambda p: (p.insn, p.masked)),
        cross("instruction x mode", product(kinds, _MODES), lambda p: (p.insn, p.mode)),
        cross("instruction x VS pair", product(kinds, _PAIRS), lambda p: (p.insn, p.pair)),
        cross(
            "instruction x outcome",
            ((name, outcome) for name, kind in kinds.items() for outcome in _outcomes(name, kind)),
            lambda p: (p.insn, p.outcome),
        ),
        cross("kind x vtype", product(set(kinds.values()), (*legal, VILL)), lambda p: (kinds.get(p.insn, ""), p.vtype)),
        cross(
            _BY_STATE,
            _by_state(),
            lambda p: (kinds.get(p.insn, ""), p.mode, p.pair, _rough(p.outcome)),
        ),
        cross("load, store x stop x position", _faults(), lambda p: (kinds.get(p.insn, ""), p.outcome, p.moved)),
    )


_BY_STATE = "kind x mode x VS pair x outcome"
_VS_NAMES = ("Off", "Initial", "Clean", "Dirty")


@dataclass(frozen=True)
class ModeResult:
    """The cross of kind, VS pair and outcome in one mode: bins `possible` and `reached`, and what was not, in words."""

    mode: str
    possible: int
    reached: int
    holes: tuple[str, ...]


def by_mode(points: Iterable[Point]) -> list[ModeResult]:
    """Return what was reached of each mode's states, kinds of instructions and outcomes."""
    cross = next(cross for cross in crosses() if cross.name == _BY_STATE)
    seen = {cross.project(point) for point in points}
    results = []
    for mode in _MODES:
        possible = {bin_ for bin_ in cross.possible if bin_[1] == mode}
        missing: dict[tuple[int, int], tuple[str, ...]] = {}
        for pair in _PAIRS:
            here = {bin_ for bin_ in possible if bin_[2] == pair}
            lost = sorted(f"{kind} {outcome}" for kind, _, _, outcome in here - seen)
            missing[pair] = ("nothing",) if len(lost) == len(here) else tuple(lost)
        results.append(ModeResult(mode, len(possible), len(possible & seen), tuple(_in_words(missing))))
    return results


def _in_words(missing: dict[tuple[int, int], tuple[str, ...]]) -> Iterator[str]:
    """Say what is missing at which VS pairs; pairs that miss the same are said together."""
    for outer, name in enumerate(_VS_NAMES):
        inner: dict[tuple[str, ...], list[str]] = {}
        for at, own in enumerate(_VS_NAMES):
            if missing[outer, at]:
                inner.setdefault(missing[outer, at], []).append(own)
        for lost, owns in inner.items():
            what = "nothing at all" if lost == ("nothing",) else f"no {', '.join(lost)}"
            whose = "any" if len(owns) == len(_VS_NAMES) else " or ".join(owns)
            yield f"mstatus.VS {name}, vsstatus.VS {whose}: {what}"


@dataclass(frozen=True)
class CrossResult:
    """One cross: bins `possible` and `reached`, those that were `never` reached, and those reached `beside` them.

    A bin beside the possible ones is no failure by itself, but a sign that this module or the model is wrong.
    """

    name: str
    possible: int
    reached: int
    never: tuple[str, ...]
    beside: tuple[str, ...]


def evaluate(points: Iterable[Point], *, irqs: bool = True) -> list[CrossResult]:
    """Return what was reached of every cross; without `irqs`, stops for an interrupt do not count as possible."""
    seen = [point for point in points if point.insn != "reserved"]
    out = []
    for cross in crosses():
        possible = {bin_ for bin_ in cross.possible if irqs or "irq" not in bin_}
        reached = {cross.project(point) for point in seen}
        if cross.name == "instruction x mask":
            reached = {bin_ for bin_ in reached if bin_[1] is not None}
        if "stop" in cross.name:
            reached = {bin_ for bin_ in reached if bin_[1] in {b[1] for b in cross.possible}}
        if "outcome" in cross.name:
            reached = {bin_ for bin_ in reached if "irq" not in bin_}
        never, beside = possible - reached, reached - cross.possible
        out.append(CrossResult(cross.name, len(possible), len(possible & reached), _shown(never), _shown(beside)))
    return out


def _shown(bins: Iterable[tuple[Any, ...]]) -> tuple[str, ...]:
    return tuple(sorted(" x ".join(map(str, bin_)) for bin_ in bins))
