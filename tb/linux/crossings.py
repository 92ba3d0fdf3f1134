# SPDX-License-Identifier: Apache-2.0
"""Invariants of a real KVM: checked at the borders of its functions, from registers and from what went over the bus.

The recorder writes a line at each entry to and exit from a watched function: which hart, which vCPU, the state of the
vector unit (CSRs, and a hash of all registers), and what the module's own vector loads and stores moved on that hart
since the line before; marks of the init program stand between. Nothing here knows how the kernel lays out a context: an
owner's image is what its registers were when they were saved, and where its buffer is shows from the addresses of the
save.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from vctx.pymodel.scenarios.invariants import Ledger
from vctx.tb.linux.switches import LOAD, MOVES, PUT

OFF, CLEAN, DIRTY = 0, 2, 3  # values of VS
_V = ord("v") - ord("a")  # bit of the bitmap of extensions

KNOWN = {
    "kernel-vector": "S13, S25: vector code of the kernel's own and a loaded guest are not kept apart",
    "novec-guest-off": "S12: a guest without V runs with VS on, and nobody saves or restores it",
}
"""Invariants that Linux is known to break, with the defect (docs/kvm.md); no failure of a run."""

NOT_CHECKED = {
    "guest-transparent": "after user space or a reset changed the image, whatever is restored is right",
    "image-vs-at-put": "the image's VS is in a structure whose layout only the kernel's source has",
    "guards-intact": "the kernel's allocator puts no guard bytes around a context",
    "no-leak": "whose value a register holds cannot be told from the value",
}
"""What cannot be known of a kernel from outside, and why: such cases are not counted as checks."""

_SAVE, _RESTORE = MOVES["guest save"], MOVES["guest restore"]
_HOST_SAVE, _HOST_RESTORE = MOVES["host save"], MOVES["host restore"]
_CHANGES = ("kvm_riscv_vcpu_set_reg_vector", "kvm_riscv_vcpu_vector_reset")
_DESTROY = "kvm_arch_vcpu_destroy"

Unit = tuple[int, ...]  # vl, vtype, vstart, vcsr, hash of the registers


class Traffic(NamedTuple):
    """Vector loads, or stores: how many, bytes, the first address and that behind the last."""

    instructions: int
    bytes: int
    first: int
    end: int


@dataclass(frozen=True)
class Crossing:
    """A function of KVM entered or left; for the fields see above.

    Attributes:
        swaps: how often the module swapped sstatus on that hart since the crossing before, as it does at guest entry
            and exit; swapped_vs: what VS was before the last time, which is what the guest left.
        foreign: vector instructions of the kernel's own, not of KVM's, on that hart since then.
        extensions: bitmap of those that the guest has, where a function that is told is entered.
        part: of the init program.
    """

    hart: int
    enter: bool
    what: str
    who: str
    task: int
    vs: int
    unit: Unit
    swaps: int
    swapped_vs: int
    foreign: int
    extensions: int
    loads: Traffic
    stores: Traffic
    part: str

    @classmethod
    def of(cls, raw: dict[str, Any], part: str) -> Crossing:
        """Return what a line of the recorder's says, in a part of the init program."""
        raw["unit"] = tuple(raw["unit"])
        raw["loads"], raw["stores"] = Traffic(*raw["loads"]), Traffic(*raw["stores"])
        return cls(**raw, part=part)

    @property
    def where(self) -> str:
        """The place, for people."""
        return f"{self.part}: {self.what}, {self.who}, hart {self.hart}"


@dataclass
class _Vcpu:
    """What is known of a vCPU.

    Attributes:
        image: what its registers were when saved or first restored; None if it is not known.
        buffer: where its registers are saved; None before the first save or restore.
        hart: where it is loaded, or None.
    """

    image: Unit | None = None
    buffer: tuple[int, int] | None = None
    hart: int | None = None


@dataclass
class _Hart:
    """What is known of a hart while a vCPU is loaded there."""

    host: Unit | None = None  # of the task, when it was saved
    before: Crossing | None = None  # the entry of the function that is under way
    entered: int = 0  # guest entries and exits since load
    guest_vs: int | None = None
    saves: int = 0
    in_put: bool = False
    has_v: bool = True  # the guest
    foreign: int = 0  # vector instructions of the kernel's own since load


@dataclass
class _Judge:
    context: int  # bytes
    ledger: Ledger = field(default_factory=Ledger)
    vcpus: dict[str, _Vcpu] = field(default_factory=dict)
    harts: dict[int, _Hart] = field(default_factory=dict)

    def crossing(self, now: Crossing) -> None:
        vcpu, hart = self.vcpus.setdefault(now.who, _Vcpu()), self.harts.setdefault(now.hart, _Hart())
        hart.entered += now.swaps
        hart.foreign += now.foreign
        if now.swaps:
            hart.guest_vs = now.swapped_vs
        if now.what in _CHANGES:
            vcpu.image = None
        elif now.what == _DESTROY:
            self.vcpus.pop(now.who, None)
        elif now.what == LOAD:
            self._load(now, vcpu, hart)
        elif now.what == PUT:
            self._put(now, vcpu, hart)
        elif now.enter:
            hart.before = now
            self._enter(now, vcpu, hart)
        elif hart.before is not None and hart.before.what == now.what:
            self._leave(now, hart.before, vcpu, hart)
            hart.before = None

    def _load(self, now: Crossing, vcpu: _Vcpu, hart: _Hart) -> None:
        if now.enter:
            self.ledger.check(
                "one-owner", vcpu.hart in (None, now.hart), now.where, f"it is still loaded on hart {vcpu.hart}"
            )
            vcpu.hart = now.hart
            self.harts[now.hart] = _Hart()
        else:
            hart.entered = hart.foreign = 0
            hart.guest_vs = None

    def _put(self, now: Crossing, vcpu: _Vcpu, hart: _Hart) -> None:
        if now.enter:
            moved = now.loads.instructions + now.stores.instructions
            if hart.host is not None:  # its load was seen
                self.ledger.check(
                    "no-traffic-in-loop", not moved, now.where, f"{moved} vector loads and stores of KVM's since load"
                )
            hart.saves, hart.in_put = 0, True
            return
        if not hart.has_v:
            if hart.guest_vs is not None:
                self.ledger.check(
                    "novec-guest-off", hart.guest_vs == OFF, now.where, f"the guest left VS {_name(hart.guest_vs)}"
                )
        elif hart.guest_vs is not None:
            wanted = hart.guest_vs == DIRTY
            self.ledger.check(
                "save-iff-dirty",
                hart.saves == wanted,
                now.where,
                f"the guest left VS {_name(hart.guest_vs)}, and was saved {hart.saves} times",
            )
        elif hart.host is not None:
            self.ledger.check("load-put-idle", not hart.saves, now.where, "it was saved though it was not entered")
        vcpu.hart = None
        self.harts[now.hart] = _Hart()

    def _enter(self, now: Crossing, vcpu: _Vcpu, hart: _Hart) -> None:
        if now.what in (_SAVE, _RESTORE):
            hart.has_v = bool(now.extensions >> _V & 1)
        if now.what == _HOST_SAVE:
            hart.host = now.unit
        elif now.what == _SAVE and hart.has_v and hart.guest_vs == CLEAN and vcpu.image is not None:
            name = "kernel-vector" if hart.foreign else "clean-is-equal"
            self.ledger.check(
                name, now.unit == vcpu.image, now.where, lambda: _differ("registers", now.unit, vcpu.image)
            )

    def _leave(self, now: Crossing, before: Crossing, vcpu: _Vcpu, hart: _Hart) -> None:
        if before.vs == OFF:
            self.ledger.check("unit-left-off", now.vs == OFF, now.where, f"it left VS {_name(now.vs)}")
        if now.what == _HOST_RESTORE and hart.host is not None:
            host = hart.host
            self.ledger.check(
                "host-preserved", now.unit == host, now.where, lambda: _differ("the task's state", now.unit, host)
            )
        if now.what == _SAVE and now.stores.instructions:
            hart.saves += 1
            vcpu.image = before.unit
            self._whole(now, now.stores)
            self._buffer(now, now.stores, vcpu)
            self.ledger.check("save-iff-dirty", hart.in_put, now.where, "a guest was saved outside of put")
        if now.what in (_RESTORE, _HOST_RESTORE) and now.loads.instructions:
            self.ledger.check(
                "moves-are-whole",
                now.loads.bytes == self.context,
                now.where,
                f"{now.loads.bytes} bytes were loaded; a context has {self.context}",
            )
        if now.what == _RESTORE and hart.has_v:
            if now.loads.instructions:
                self._buffer(now, now.loads, vcpu)
            if vcpu.image is not None:
                image = vcpu.image
                self.ledger.check(
                    "guest-transparent", now.unit == image, now.where, lambda: _differ("the guest", now.unit, image)
                )
            elif now.loads.instructions:
                vcpu.image = now.unit
        if now.what == _HOST_SAVE and now.stores.instructions:
            self._whole(now, now.stores)

    def _whole(self, now: Crossing, stores: Traffic) -> None:
        size = stores.end - stores.first
        said = f"{stores.bytes} bytes went to {stores.first:#x} to {stores.end:#x}; a context has {self.context}"
        self.ledger.check("save-is-whole", stores.bytes == size == self.context, now.where, said)
        self.ledger.check("writes-in-context", size <= self.context, now.where, said)

    def _buffer(self, now: Crossing, moved: Traffic, vcpu: _Vcpu) -> None:
        if moved.bytes != self.context:  # which is said elsewhere
            return
        here = (moved.first, moved.end)
        if vcpu.buffer is not None:
            known = vcpu.buffer
            self.ledger.check(
                "datap-identity", here == known, now.where, lambda: f"at {here[0]:#x}, and before at {known[0]:#x}"
            )
        vcpu.buffer = here
        others = [name for name, other in self.vcpus.items() if other is not vcpu and _overlap(here, other.buffer)]
        self.ledger.check("one-owner", not others, now.where, lambda: f"its buffer is also that of {', '.join(others)}")


def _overlap(one: tuple[int, int], other: tuple[int, int] | None) -> bool:
    return other is not None and one[0] < other[1] and other[0] < one[1]


def _name(vs: int) -> str:
    return ("Off", "Initial", "Clean", "Dirty")[vs]


def _differ(what: str, found: Unit, wanted: Unit | None) -> str:
    names = ("vl", "vtype", "vstart", "vcsr", "registers")
    pairs = zip(names, found, wanted or found, strict=True)
    texts = [name if name == "registers" else f"{name} {a:#x} not {b:#x}" for name, a, b in pairs if a != b]
    return f"{what} differ in {', '.join(texts)}"


def judge(crossings: Path, vlen: int) -> Ledger:
    """Check the invariants of a recording.

    Args:
        crossings: what the recorder wrote. vlen: in bits.
    """
    judge = _Judge(32 * vlen // 8)
    for crossing in _read(crossings):
        judge.crossing(crossing)
    return judge.ledger


def _read(crossings: Path) -> Iterator[Crossing]:
    part = ""
    with crossings.open() as lines:
        for line in lines:
            raw = json.loads(line)
            if "mark" in raw:
                part = raw["mark"]
            else:
                yield Crossing.of(raw, part)
