# SPDX-License-Identifier: Apache-2.0
"""A stop at every element of every kind of vector load and store, then the rest (D-5 to D-20).

For each kind of access and each element k, the base address puts element k at the start of a page:

* faults: that page cannot be accessed. The instruction must stop at the first active element from k on; the page is
  repaired; executed again, it must complete as if nothing had happened.
* irqs: everything can be accessed, but an interrupt arrives at element k.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle, product
from typing import Any

from vctx.pymodel.scenarios.directed.stimulus import (
    A0,
    A1,
    CLEAN,
    HOLE,
    RAM_BASE,
    Stimulus,
    pattern,
    vtype,
)
from vctx.pymodel.trace import Trap
from vctx.pymodel.trace.records import PAGE_SIZE

EDGE = RAM_BASE + 4 * PAGE_SIZE  # where the second page begins
VD = 8
LMUL = "m2"
MASK = bytes.fromhex("9c2d871eb4c35a6978d2b40fe1963c5a")  # repeated for as many elements as there are
# How the page fails: mode, and the causes of a load and of a store (D-8, D-9).
_FLAVOURS = (
    ("HS", 13, 15),
    ("VS", 21, 23),
    ("U", 13, 15),
    ("VU", 21, 23),
    ("VS", 5, 7),
    ("M", 13, 15),
    ("VU", 13, 15),
)
_GUEST = (21, 23)
_ACCESS = (5, 7)


@dataclass(frozen=True)
class Kind:
    """A kind of access.

    Attributes:
        mnemonic: the instruction; `vm` 0 when it is masked.
        size: EEW in bytes.
        evl: number of elements.
        stride: of a strided access, in elements; 0 for any other.
    """

    mnemonic: str
    size: int
    evl: int
    vm: int = 1
    stride: int = 0

    @property
    def distance(self) -> int:
        """Bytes from one element to the next (D-5, D-24)."""
        return self.size * (self.stride or 1)

    @property
    def store(self) -> bool:
        """It writes memory."""
        return self.mnemonic.startswith("vs")

    @property
    def first_only(self) -> bool:
        """Fault-only-first."""
        return "ff" in self.mnemonic

    @property
    def unit(self) -> bool:
        """It has a vm bit."""
        return re.fullmatch(r"v[ls]s?e\d+(ff)?\.v", self.mnemonic) is not None

    def active(self, first: int) -> list[int]:
        """Return the active elements from `first` on (D-5)."""
        return [i for i in range(first, self.evl) if self.vm or MASK[i // 8 % len(MASK)] >> i % 8 & 1]


def kinds(vlen: int) -> Iterator[Kind]:
    """Return every kind of load and store of the block. vl is VLMAX of e8,m2 and its like, so evl = 2*VLEN/EEW."""
    vlenb = vlen // 8
    for size in (1, 2, 4, 8):
        for mnemonic, vm in product((f"vle{8 * size}.v", f"vse{8 * size}.v", f"vle{8 * size}ff.v"), (1, 0)):
            yield Kind(mnemonic, size, 2 * vlenb // size, vm)
        for mnemonic, vm in product((f"vlse{8 * size}.v", f"vsse{8 * size}.v"), (1, 0)):
            yield Kind(mnemonic, size, 2 * vlenb // size, vm, stride=2)
    for mnemonic in ("vlm.v", "vsm.v"):
        yield Kind(mnemonic, 1, -(-2 * vlenb // 8))  # D-16
    for nr in (1, 2, 4, 8):
        for size in (1, 2, 4, 8):
            yield Kind(f"vl{nr}re{8 * size}.v", size, nr * vlenb // size)  # D-18
        yield Kind(f"vs{nr}r.v", 1, nr * vlenb)


class _Bench:
    """Registers and memory as they must be, byte by byte, and one step of an instruction against them."""

    def __init__(self, s: Stimulus) -> None:
        self.s = s
        self.regs = bytearray(s.registers)
        self.mem = bytearray(pattern(EDGE - PAGE_SIZE, 2 * PAGE_SIZE))
        self.salt = 0
        s.fill(EDGE - PAGE_SIZE, bytes(self.mem))
        self.vl = 2 * s.vlenb
        self.vtype = vtype(8, LMUL)
        s.vset(self.vtype)
        mask = (MASK * s.vlenb)[: self.vl // 8]
        s.fill(RAM_BASE, mask)
        s.do("vlm.v", vd=0, rs1=A0, a0=RAM_BASE)
        self.regs[: len(mask)] = mask

    def configure(self, kind: Kind) -> None:
        """Set vtype so that the kind has its number of elements; whole-register accesses ignore it (D-18)."""
        sew = 8 * kind.size if kind.unit else 8
        self.vtype, self.vl = vtype(sew, LMUL), 2 * self.s.vlenb * 8 // sew
        self.s.mode = "M"
        self.s.vset(self.vtype)

    def refill(self) -> None:
        """Change the source of loads, so that what was loaded before cannot pass for what must be loaded now."""
        self.salt += 1
        size = self.s.vlenb * 8
        data = bytes((b + 31 * self.salt) & 0xFF for b in pattern(EDGE - size, 2 * size))
        self.s.fill(EDGE - size, data)
        self.mem[PAGE_SIZE - size : PAGE_SIZE + size] = data

    def move(self, kind: Kind, base: int, elements: list[int]) -> dict[str, Any]:
        """Move elements between the expected registers and memory; return what the record says of it."""
        vlenb, written, stored = self.s.vlenb, set(), {}
        for i in elements:
            for k in range(kind.size):
                address, reg = base + i * kind.distance + k, VD * vlenb + i * kind.size + k
                at = address - (EDGE - PAGE_SIZE)
                if kind.store:
                    self.mem[at] = stored[address] = self.regs[reg]
                else:
                    self.regs[reg] = self.mem[at]
                    written.add(reg // vlenb)
        return {"vregs": {r: bytes(self.regs[r * vlenb : (r + 1) * vlenb]) for r in written}, "mem": stored}

    def do(self, kind: Kind, base: int, what: str, k: int, expect: dict[str, Any], irq: int | None = None) -> None:
        """Execute the instruction; `expect` comes on top of what is the same for all."""
        operands = {"vs3" if kind.store else "vd": VD, "rs1": A0} | ({"vm": kind.vm} if kind.unit else {})
        operands |= {"rs2": A1} if kind.stride else {}
        common = {"rd": None, "irq": False, "trap": None, "vl": self.vl, "vtype": self.vtype, "vstart": 0}
        moves = expect.get("vstart", 0) != self.s.hart.vec.vstart
        common |= {"vcsr": 0} | self.s.dirty(bool(expect["vregs"]) or "vl" in expect or moves)
        key = (self.s.mode, kind.mnemonic + ("" if kind.vm else ", masked"), f"element {k} of {kind.evl}", what)
        self.s.do(kind.mnemonic, a0=base, a1=kind.distance, irq=irq, key=key, expect=common | expect, **operands)


def element_faults(s: Stimulus) -> None:
    """Fault at every element of every kind, repair, resume."""
    bench = _Bench(s)
    flavours = cycle(_FLAVOURS)
    for kind in kinds(s.vlen):
        bench.configure(kind)
        for k in range(kind.evl):
            s.mode, load_cause, store_cause = next(flavours)
            _fault(bench, kind, k, store_cause if kind.store else load_cause)
    s.mode = "M"
    s.finish()


def _fault(bench: _Bench, kind: Kind, k: int, cause: int) -> None:
    s, base = bench.s, EDGE - k * kind.distance
    if k == 0 or kind.first_only:
        bench.refill()
    if k <= 1:  # B-9: Dirty afterwards, from Clean
        s.status(CLEAN, CLEAN)
    if cause in _GUEST or cause in _ACCESS:
        s.guest_fault(EDGE, HOLE if cause in _ACCESS else None)
    else:
        s.page_fault(EDGE)
    active = kind.active(0)
    before = [i for i in active if i < k]
    fault = next((i for i in active if i >= k), None)
    effects = bench.move(kind, base, before)
    if fault is None:  # D-10: nothing active lies beyond the edge
        bench.do(kind, base, "nothing there is active", k, effects)
    elif kind.first_only and fault > 0:  # D-14: trims vl, no trap, vstart is 0
        bench.do(kind, base, "trims", k, effects | {"vl": fault})
        _repair(s)
        mode, s.mode = s.mode, "M"
        s.vset(bench.vtype)
        s.mode = mode
        bench.do(kind, base, "again", k, bench.move(kind, base, active))
    else:
        address = base + fault * kind.distance
        tval2 = address >> 2 if cause in _GUEST else 0  # D-9; the map is an identity
        trapped = {"trap": Trap(cause, address, tval2), "vstart": fault}  # D-8, D-19
        bench.do(kind, base, "faults", k, effects | trapped)
        _repair(s)
        bench.do(kind, base, "resumes", k, bench.move(kind, base, kind.active(fault)))
    _repair(s)


def _repair(s: Stimulus) -> None:
    s.page_fault(None)
    s.guest_fault(None)


LAST_IRQ = 8191
"""The last element that the block can be told to stop at: irq_elem has 13 bits."""


def element_irqs(s: Stimulus) -> None:
    """Interrupt at every element of every kind, and beyond the last; resume."""
    bench = _Bench(s)
    modes = cycle(("M", "VS", "HS", "VU", "U"))
    for kind in kinds(s.vlen):
        bench.configure(kind)
        bench.refill()
        for k in range(kind.evl + 1):
            s.mode = next(modes)
            _interrupt(bench, kind, k)
    for kind in (Kind("vle8.v", 1, 2 * s.vlenb), Kind("vse8.v", 1, 2 * s.vlenb), Kind("vle8ff.v", 1, 2 * s.vlenb)):
        bench.configure(kind)
        _interrupt_and_fault(bench, kind)
    s.finish()


def _interrupt(bench: _Bench, kind: Kind, k: int) -> None:
    s = bench.s
    base = EDGE - k // 2 * kind.distance
    if k == kind.evl:  # nothing left to stop at
        for far in (k, s.vlen, LAST_IRQ // 2 + 1, LAST_IRQ):
            bench.do(kind, base, "completes", far, bench.move(kind, base, kind.active(0)), irq=far)
        return
    effects = bench.move(kind, base, [i for i in kind.active(0) if i < k])
    if k == 0:  # nothing has happened, so nothing becomes Dirty
        s.status(CLEAN, CLEAN)
        effects |= {"mstatus_vs": CLEAN, "vsstatus_vs": CLEAN}
    bench.do(kind, base, "stops", k, effects | {"irq": True, "vstart": k}, irq=k)
    if k == kind.evl // 2:  # still pending: no progress, but no harm either
        bench.do(kind, base, "stops again", k, {"irq": True, "vstart": k, "vregs": {}, "mem": {}}, irq=k - 1)
    bench.do(kind, base, "resumes", k, bench.move(kind, base, kind.active(k)))


def _interrupt_and_fault(bench: _Bench, kind: Kind) -> None:
    """A fault at element 8 and an interrupt around it: the earlier one wins, at the same element the interrupt."""
    s, fault = bench.s, 8
    base = EDGE - fault * kind.distance
    for k in (fault - 1, fault, fault + 1):
        bench.refill()
        s.mode = "HS"
        s.page_fault(EDGE)
        effects = bench.move(kind, base, kind.active(0)[: min(k, fault)])
        if k <= fault:
            effects |= {"irq": True, "vstart": k}
        elif kind.first_only:
            effects |= {"vl": fault}
        else:
            effects |= {"trap": Trap(15 if kind.store else 13, EDGE), "vstart": fault}
        bench.do(kind, base, "against a fault at 8", k, effects, irq=k)
        _repair(s)
        s.mode = "M"
        s.vset(bench.vtype)
