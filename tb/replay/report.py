# SPDX-License-Identifier: Apache-2.0
"""The report of a mismatch: where the RTL left the trace, when, in which code, and what led to it.

Every way of replaying makes it here, so all say the same. It costs something only when there is one.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from vctx.pymodel.errors import VctxError
from vctx.pymodel.trace import MODE_NAMES, Difference, Event, Insn, Mark
from vctx.tb.replay.result import Instruction, Mismatch

HISTORY = 10  # instructions before the mismatch that a report has
PERIOD = 10  # ns of the testbenches' clock

Numbered = tuple[int, Insn]  # an instruction with its position in the trace


def history(events: Iterable[Event], index: int, hart: int) -> list[Numbered]:
    """Return the last instructions of a hart before event `index` of a trace."""
    last: deque[Numbered] = deque(maxlen=HISTORY)
    for number, event in enumerate(events):
        if number >= index:
            break
        if isinstance(event, Insn) and event.hart == hart:
            last.append((number, event))
    return list(last)


def where_at(events: Iterable[Event], index: int, hart: int) -> tuple[str, str]:
    """Return the functions (calls joined by " > ") that a hart is in at event `index` of a trace, and the `who`."""
    stack: list[Mark] = []
    for number, event in enumerate(events):
        if number >= index:
            break
        if isinstance(event, Mark) and event.hart == hart:
            if event.enter:
                stack.append(event)
            else:
                stack.pop()
    return (" > ".join(mark.what for mark in stack), stack[-1].who) if stack else ("-", "-")


def mismatch_at(
    index: int,
    kind: str,
    differences: list[Difference],
    *,
    command: str,
    programs: Mapping[str, int | None] | None = None,
    hart: int = 0,
    insn: Insn | None = None,
    before: Collection[Numbered] = (),
    where: tuple[str, str] = ("-", "-"),
    time: int | None = None,
) -> Mismatch:
    """Return the report of a mismatch; see `Mismatch`.

    Args:
        programs: as in `pymodel.trace.header.Header`.
        insn: the instruction that differs, if it is one. before: those of its hart before it.
        where: functions, and on whose behalf. time: of the simulation, in ns.
    """
    code = Code(programs or {})
    numbered = [*before, *([(index, insn)] if insn is not None else [])]
    found = Mismatch(index, kind, hart, differences, command, where=where[0], who=where[1], time=time)
    found.cycle = None if time is None else time // PERIOD
    around = [each for _, each in numbered]
    described = [_described(number, each, code.symbol(each, around)) for number, each in numbered]
    if insn is not None:
        own = described.pop()
        found.pc, found.insn, found.disassembly = own.pc, own.insn, own.disassembly
        found.mode, found.symbol = own.mode, own.symbol
    found.before = described
    return found


def _described(index: int, event: Insn, symbol: str) -> Instruction:
    from vctx.pymodel.isa import disassemble  # loads the whole model, which a replay that agrees never needs

    word = event.issue.insn
    mode = MODE_NAMES[(event.issue.prv, event.issue.virt)]
    return Instruction(index, event.pc, word, disassemble(word), mode, symbol)


@dataclass(frozen=True)
class _Program:
    """A program that may have run.

    Attributes:
        path: its ELF file. words: its instructions by address.
        moved: how far from where it was linked it was loaded; None if that is not known.
    """

    name: str
    path: Path
    words: Mapping[int, int]
    moved: int | None

    def find(self, insn: Insn, around: Collection[Insn]) -> tuple[int, int]:
        """Return how many of the instructions `around` it has where `insn` is one of it, and the address of that.

        (0, 0) if it does not have `insn`.
        """
        word = insn.issue.insn
        found = [
            (sum(self.words.get(at + other.pc - insn.pc) == other.issue.insn for other in around), at)
            for at, each in self.words.items()
            if each == word and self.moved in (None, insn.pc - at)
        ]
        return max(found, default=(0, 0))


class Code:
    """The programs that a trace may have run, and the symbols of its instructions.

    A guest's addresses say nothing of which guest it is, and a task's program may lie anywhere. So the program is the
    one that has these very instructions at these distances.

    Args:
        programs: as in `pymodel.trace.header.Header`.
    """

    def __init__(self, programs: Mapping[str, int | None]) -> None:
        self._names = programs

    @cached_property
    def _programs(self) -> list[_Program]:
        from vctx.pymodel.programs import PROGRAMS, build, instructions, read_elf

        found = []
        for name, base in self._names.items():
            try:
                path = build(name) if name in PROGRAMS else Path(name)
                image = read_elf(name, path)
            except VctxError:  # it is no more, and so there are no symbols
                continue
            moved = None if base is None else base - image.base
            found.append(_Program(name if name in PROGRAMS else path.stem, path, dict(instructions(path)), moved))
        return found

    def symbol(self, insn: Insn, around: Collection[Insn]) -> str:
        """Return `program: symbol+offset` of an instruction among others of its hart; empty if no program has it.

        Programs that explain equally many of them have the same code there; usually it has the same name.
        """
        from vctx.pymodel.places_in_source import symbol_of

        mode = (insn.issue.prv, insn.issue.virt)
        like = [other for other in around if (other.issue.prv, other.issue.virt) == mode]
        found = [(*program.find(insn, like), program) for program in self._programs]
        most = max((explained for explained, _, _ in found), default=0)
        names: dict[str, str] = {}
        for explained, at, program in found:
            if explained and explained == most:
                names.setdefault(symbol_of(program.path, at), program.name)
        return " or ".join(f"{name}: {symbol}" for symbol, name in names.items())
