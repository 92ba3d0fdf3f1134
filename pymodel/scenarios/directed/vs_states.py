# SPDX-License-Identifier: Apache-2.0
"""The 80 states: mode x mstatus.VS x vsstatus.VS, each with five kinds of instruction (B-3 to B-16).

Every state is set up afresh for each kind. The instruction is executed in its mode; then M-mode reads mstatus and
vsstatus, which shows VS and SD as software sees them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from vctx.pymodel.isa import Csr, encode
from vctx.pymodel.scenarios.directed.stimulus import (
    A0,
    DIRTY,
    ILLEGAL,
    MODES,
    OFF,
    RAM_BASE,
    RD,
    SD,
    VS_SHIFT,
    Probe,
    Stimulus,
    vtype,
)
from vctx.pymodel.trace import Retire, Trap

SOURCE, TARGET = RAM_BASE + 0x100, RAM_BASE + 0x200
LOADED = b"\x81"
KINDS = ("csrr", "vadd", "vset", "load", "store")
E8 = vtype(8)


@dataclass(frozen=True)
class State:
    """One of the 80 states."""

    mode: str
    mstatus_vs: int
    vsstatus_vs: int

    @property
    def key(self) -> tuple[str, ...]:
        """The first part of the probes' keys."""
        return (self.mode, str(self.mstatus_vs), str(self.vsstatus_vs))

    @property
    def virt(self) -> bool:
        """V = 1."""
        return MODES[self.mode][1]

    @property
    def on(self) -> bool:
        """Vector instructions execute: B-5 and B-14 with V=0, A-3 and B-13 with V=1."""
        return self.mstatus_vs != OFF and (not self.virt or self.vsstatus_vs != OFF)

    def after(self, kind: str) -> tuple[int, int]:
        """Return mstatus.VS and vsstatus.VS afterwards: Dirty unless it trapped or only read a CSR (B-8, B-10, B-11).

        With V=0 vsstatus.VS stays (B-14), with V=1 both become Dirty, whatever they were (B-13).
        """
        if not self.on or kind == "csrr":
            return self.mstatus_vs, self.vsstatus_vs
        return DIRTY, DIRTY if self.virt else self.vsstatus_vs


STATES = tuple(State(mode, m, v) for mode in MODES for m in range(4) for v in range(4))


def vs_states(s: Stimulus) -> None:
    """Put every kind of instruction to every state. vl is 1 throughout, and v1 counts the additions."""
    s.fill(SOURCE, LOADED)
    s.vset(E8, 1)
    v1 = s.register(1)
    for kind in KINDS:
        for state in STATES:
            s.status(DIRTY)
            s.vset(E8, 1)
            s.status(state.mstatus_vs, state.vsstatus_vs)
            s.mode = state.mode
            word, a0, effects = _instruction(s, kind, v1)
            if kind == "vadd" and state.on:
                v1 = effects["vregs"][1]
            _put(s, state, kind, word, a0, effects)
            s.mode = "M"
    s.finish()


def _instruction(s: Stimulus, kind: str, v1: bytes) -> tuple[int, int, Mapping[str, Any]]:
    """Return the instruction, its operand and what it does where it executes, as fields of the record."""
    if kind == "csrr":
        return encode("csrrs", rd=RD, csr=Csr.VL, rs1=0), 0, {"rd": 1}
    if kind == "vadd":
        total = (v1[0] + s.register(2)[0]) & 0xFF
        return encode("vadd.vv", vd=1, vs2=1, vs1=2), 0, {"vregs": {1: bytes([total]) + v1[1:]}}
    if kind == "vset":
        return encode("vsetvli", rd=RD, rs1=A0, vtypei=E8), 2, {"rd": 2, "vl": 2}
    if kind == "load":
        return encode("vle8.v", vd=3, rs1=A0), SOURCE, {"vregs": {3: LOADED + s.register(3)[1:]}}
    return encode("vse8.v", vs3=4, rs1=A0), TARGET, {"mem": {TARGET: s.register(4)[0]}}


def _put(s: Stimulus, state: State, kind: str, word: int, a0: int, effects: Mapping[str, Any]) -> None:
    mstatus_vs, vsstatus_vs = state.after(kind)
    expect: dict[str, Any] = {"trap": None, "rd": None, "vl": 1, "vtype": E8, "vstart": 0, "vregs": {}, "mem": {}}
    # Never a virtual-instruction exception, whichever of the two fields is Off (B-16).
    expect |= effects if state.on else {"trap": Trap(ILLEGAL, word)}
    if kind == "store" and s.latitude.precise_dirty:  # L-1: it changes no vector state
        mstatus_vs, vsstatus_vs = state.mstatus_vs, state.vsstatus_vs
    expect |= {"mstatus_vs": mstatus_vs, "vsstatus_vs": vsstatus_vs}
    s.word(word, a0=a0, key=(kind, *state.key, "executes"), expect=expect)
    s.mode = "M"
    for csr, vs in ((Csr.MSTATUS, mstatus_vs), (Csr.VSSTATUS, vsstatus_vs)):
        value = vs << VS_SHIFT | (SD if vs == DIRTY else 0)  # each SD from its own register (B-12)
        s.do("csrrs", rd=RD, csr=csr, rs1=0, key=(kind, *state.key, csr.name.lower()), expect={"rd": value})


@dataclass(frozen=True)
class Outcome:
    """What one kind of instruction did in one state.

    Attributes:
        cause: of the exception, 0 if it executed.
        mstatus_vs, vsstatus_vs, mstatus_sd, vsstatus_sd: the fields as software reads them afterwards.
    """

    cause: int
    mstatus_vs: int
    vsstatus_vs: int
    mstatus_sd: bool
    vsstatus_sd: bool

    def text(self) -> str:
        """Return both VS fields, each with a star when its SD is set."""
        fields = (self.mstatus_vs, self.mstatus_sd), (self.vsstatus_vs, self.vsstatus_sd)
        return "/".join(f"{vs}{'*' if sd else ''}" for vs, sd in fields)


Outcomes = Mapping[tuple[str, ...], Outcome]


def outcomes(probes: Iterable[Probe], records: Mapping[int, Retire]) -> Outcomes:
    """Return what records say of the states, by (kind, mode, mstatus.VS, vsstatus.VS), as far as they go."""
    by_key = {probe.key: records.get(probe.index) for probe in probes}
    found = {}
    for kind in KINDS:
        for state in STATES:
            key = (kind, *state.key)
            executed, mstatus, vsstatus = (by_key[*key, part] for part in ("executes", "mstatus", "vsstatus"))
            if executed is None or mstatus is None or vsstatus is None:
                continue
            cause = executed.trap.cause if executed.trap else 0
            m, v = mstatus.rd or 0, vsstatus.rd or 0
            found[key] = Outcome(cause, m >> VS_SHIFT & 3, v >> VS_SHIFT & 3, bool(m & SD), bool(v & SD))
    return found
