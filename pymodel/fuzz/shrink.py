# SPDX-License-Identifier: Apache-2.0
"""Shrinking: from a program that fails to a small one that fails too.

A judge looks at many candidates at once and names the first that fails, because for the RTL one simulation of a
hundred programs costs hardly more than one of a single program. Candidates come boldest first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TypeVar

from vctx.pymodel.fuzz.machine import Machine
from vctx.pymodel.fuzz.program import USER_ALIAS, Program, world
from vctx.pymodel.isa import Csr, bits, decode

Judge = Callable[[Sequence[Program]], int | None]
"""Returns the position of the first program that fails, None if none does."""

_T = TypeVar("_T")
_KEPT = ("mepc", "mstatus", "satp", "vsatp", "hgatp", "v0", "v8", "v16", "v24")  # 0 is not a simple value of these


def shrink(program: Program, judge: Judge, last_word: int | None = None) -> Program:
    """Return a smaller program that fails as well.

    Args:
        program: fails.
        judge: see `Judge`.
        last_word: number of the body's word at which it fails, if that is known; what follows is dropped first.
    """
    program = _prefix(program, judge, last_word)
    program = _late_start(program, judge)
    body = _reduce(list(program.body), lambda items: replace(program, body=tuple(items)), judge)
    smaller = replace(program, body=tuple(body))
    loose = [name for name, value in smaller.params.items() if value and name not in _KEPT]
    fixed = {name: value for name, value in smaller.params.items() if name in _KEPT}

    def with_params(names: Sequence[str]) -> Program:
        return replace(smaller, params=fixed | {name: smaller.params[name] for name in names})

    read = _registers(smaller)
    bold = [[], [name for name in loose if name in read], [name for name in loose if name in read or name[0] != "x"]]
    found = judge([with_params(names) for names in bold])
    return with_params(_reduce(loose if found is None else bold[found], with_params, judge))


def _prefix(program: Program, judge: Judge, last_word: int | None) -> Program:
    """Drop what comes after the word that fails."""
    if last_word is None:
        return program
    words = count = 0
    for item in program.body:
        if words > last_word:
            break
        words += len(item.words)
        count += 1
    cut = replace(program, body=program.body[:count])
    return cut if judge([cut]) == 0 else program


def _late_start(program: Program, judge: Judge) -> Program:
    """Start with the state that the golden hart has before one of the last items, as few as possible."""
    length = len(program.body)
    starts = sorted({length - (1 << i) for i in range(length.bit_length()) if 1 << i < length}, reverse=True)
    candidates = [late for start in starts if (late := _started_at(program, start)) is not None]
    found = judge(candidates) if candidates else None
    return program if found is None else candidates[found]


def _started_at(program: Program, start: int) -> Program | None:
    """Return the program from item `start` on, in the state that the golden hart has there; None if it gets not there.

    Registers come from the hart, vector registers stay as they were at the beginning.
    """
    w = world()
    target = w.body + 4 * sum(len(item.words) for item in program.body[:start])
    machine = Machine(program.vlen, wide=program.wide)
    hart, values = machine.hart, machine.hart.csr
    machine.load(program)
    for irq in machine.steps(program):
        if hart.pc in (target, target - USER_ALIAS):
            break
        hart.step(irq)
    else:
        return None
    mstatus = values[Csr.MSTATUS] & ~(bits.MPP | bits.MPV | bits.SD)
    state = {name: values[Csr[name.upper()]] for name in ("medeleg", "hedeleg", "hstatus", "vsstatus", "vcsr")}
    state |= {name: values[Csr[name.upper()]] for name in ("vstart", "vtype", "vl")}
    state |= {name: hart.x[int(name[1:])] for name in program.params if name.startswith("x")}
    state |= {
        "mstatus": mstatus | hart.prv << bits.MPP_SHIFT | (bits.MPV if hart.virt else 0),
        "mepc": w.body - (target - hart.pc),
    }
    return replace(program, params={**program.params, **state}, body=program.body[start:])


def _registers(program: Program) -> set[str]:
    """Return the names of the integer registers that the body names as sources."""
    fields = [decode(word).fields for word in program.words]
    return {f"x{each[source]}" for each in fields for source in ("rs1", "rs2") if source in each}


def _reduce(items: list[_T], build: Callable[[list[_T]], Program], judge: Judge) -> list[_T]:
    """Return a part of `items` that still fails and from which no single item can be taken (delta debugging)."""
    size = len(items)
    while size:
        candidates = list(_without(items, size))
        found = judge([build(kept) for kept, _ in candidates])
        if found is None:
            break
        items, size = candidates[found]
        size = min(size, len(items))
    return items


def _without(items: list[_T], size: int) -> Iterator[tuple[list[_T], int]]:
    """Yield (what is left, how many were taken) for every window of `size` items, then of half as many, down to one."""
    while size:
        for at in range(0, len(items), size):
            yield items[:at] + items[at + size :], size
        size //= 2
