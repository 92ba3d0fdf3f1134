# SPDX-License-Identifier: Apache-2.0
"""Paths of code translated to Python functions.

A path is code that is executed from its first instruction on, perhaps with other blocks behind branches and jumps that
have gone the same way before. Its function leaves it where one goes another way, and goes round if the path ends at its
beginning. Arithmetic, branches and jumps become expressions (:mod:`pymodel.isa.semantics`), loads and stores are done
on the views of their pages, everything else is a call of its operation. The registers stay in the hart's list, so that
they are exact whatever happens.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from vctx.pymodel.isa import semantics
from vctx.pymodel.isa.bits import M64
from vctx.pymodel.isa.compiled import Op, Run, Step, Stopped
from vctx.pymodel.isa.encoding import Decoded, Kind, decode
from vctx.pymodel.isa.scalar import immediate
from vctx.pymodel.isa.state import HartState
from vctx.pymodel.isa.windows import Window, access_of, windows
from vctx.pymodel.trace.records import PAGE_SHIFT, PAGE_SIZE

_CACHED = 1 << 10  # translations: the same code is often at several places, or executed by several harts
_INLINE = frozenset({Kind.ALU, Kind.ALU_IMM, Kind.UPPER, Kind.LOAD, Kind.STORE, Kind.FENCE})
_TURNS = frozenset({Kind.BRANCH, Kind.JUMP})


def bind(steps: tuple[Step, ...], hart: HartState, ops: list[Op], stopped: Stopped) -> Run:
    """Return the function of a path on `hart`.

    Args:
        steps: the path.
        hart: what it is executed on.
        ops: the operation of each step. When the list becomes empty the function ends after the present instruction.
        stopped: is told where the function stops that is about to raise.
    """
    offsets = (*(step.offset for step in steps), steps[-1].offset + steps[-1].size)
    run: Run = _translated(steps)(hart, hart.x, hart.mmu, hart.memory.reserved, ops, offsets, stopped, _ignore)
    return run


@lru_cache(_CACHED)
def _translated(steps: tuple[Step, ...]) -> Callable[..., Run]:
    return semantics.define("bind", _Translator(steps).text())


def _ignore(*_: object) -> None:
    """Report to nobody."""


class _Translator:
    """Writes the text of a path."""

    def __init__(self, steps: tuple[Step, ...]) -> None:
        self._steps = steps
        self._decoded = [decode(step.word) for step in steps]
        self._loops = steps[-1].after == 0
        self._calls: list[int] = []  # steps whose operations are called by name
        self._uses: set[str] = set()  # what has to be set up
        self._lines: list[str] = []
        self._indent = 0

    def text(self) -> str:
        """Return the definition of `bind`."""
        self._indent = 4 if self._loops else 3
        index = 0
        while index < len(self._steps):
            self._begin(index)
            kind = self._decoded[index].kind
            if kind in _INLINE:
                index = self._straight(index)
                continue
            if kind in _TURNS:
                self._turn(index)
            else:
                self._call(index)
            index += 1
        self._end()
        body, self._lines = self._lines, []
        self._indent = 0
        self._head()
        return "\n".join([*self._lines, *body, *self._tail(), ""])

    def _head(self) -> None:
        self._line("def bind(hart, x, mmu, reserved, ops, offsets, stopped, ignore):")
        self._indent = 1
        self._line("hart_id = hart.hart_id")
        for index in self._calls:
            self._line(f"op{index} = ops[{index}]")
        self._line("def run(pc, left):")
        self._indent = 2
        self._line("i = 0")
        if self._loops:
            self._line("given = left")
        for name in ("loads", "stores"):
            if name in self._uses:
                self._line(f"{name} = mmu.{name}.get")
        if "report" in self._uses:
            self._line("observer = hart.observer")
            self._line("report = ignore if observer is None else observer.store")
        if "faults" in self._uses:
            self._line("faults = mmu.fault_pages")
        self._line("try:")
        if self._loops:
            self._line("    while True:")

    def _tail(self) -> list[str]:
        return [
            "        except BaseException:",
            f"            stopped(pc + offsets[i], {self._count('i')})",
            "            raise",
            "    return run",
        ]

    # Lines

    def _line(self, text: str) -> None:
        self._lines.append("    " * self._indent + text)

    def _count(self, index: int | str) -> str:
        """Return the text of the number of instructions executed ahead of a step."""
        return f"given - left + {index}" if self._loops else str(index)

    def _leave(self, target: str, done: int | str) -> str:
        return f"return {target}, {self._count(done)}"

    def _at(self, offset: int) -> str:
        return f"pc + {offset}" if offset else "pc"

    def _begin(self, index: int) -> None:
        """At the beginning of a block that is not the first: see whether all of it may be executed."""
        block = self._steps[index].block
        if index and block:
            self._line(f"if left < {index + block}:")
            self._line("    " + self._leave(self._at(self._steps[index].offset), index))

    # Instructions

    def _call(self, index: int) -> None:
        """Call the operation of a step."""
        step = self._steps[index]
        self._calls.append(index)
        self._line(f"i = {index}")
        self._line(f"op{index}({self._at(step.offset)})")
        self._stop(index)

    def _stop(self, index: int, indent: str = "") -> None:
        """After what an observer hears of: end here if it halted the hart, or asked for page faults."""
        self._uses.add("faults")
        step = self._steps[index]
        self._line(f"{indent}if faults or not ops:")
        self._line(f"{indent}    " + self._leave(self._at(step.offset + step.size), index + 1))

    def _turn(self, index: int) -> None:
        """Branch or jump."""
        step, d = self._steps[index], self._decoded[index]
        target = semantics.value("jal", "pc", str(step.offset + d.fields["imm"]))
        behind = self._at(step.offset + step.size)
        if d.kind is Kind.BRANCH:
            taken = semantics.value(d.mnemonic, _source(d, "rs1"), _source(d, "rs2"))
            if step.after is None:
                self._line(self._leave(f"{target} if {taken} else {behind}", index + 1))
            elif step.after == step.offset + step.size:
                self._line(f"if {taken}:")
                self._line("    " + self._leave(target, index + 1))
            else:
                self._line(f"if not ({taken}):")
                self._line("    " + self._leave(behind, index + 1))
            return
        if d.mnemonic == "jalr":
            self._line(f"target = {semantics.value('jalr', _source(d, 'rs1'), str(immediate(d)))}")
            target = "target"
        if d.fields["rd"]:
            self._line(f"x[{d.fields['rd']}] = {behind} & {M64}")
        if step.after is None:
            self._line(self._leave(target, index + 1))
        elif target == "target":
            self._line(f"if target != {self._at(step.after)}:")
            self._line("    " + self._leave(target, index + 1))

    def _straight(self, first: int) -> int:
        """Instructions from `first` on that are neither turns nor calls, of one block; return what is behind them."""
        last = first + 1
        while last < len(self._steps) and self._decoded[last].kind in _INLINE and not self._steps[last].block:
            last += 1
        for window in windows(self._decoded, first, last):
            for index in range(first, window.first):
                self._compute(index)
            self._window(window)
            first = window.last
        for index in range(first, last):
            self._compute(index)
        return last

    def _compute(self, index: int) -> None:
        d = self._decoded[index]
        rd = d.fields.get("rd", 0)
        if d.kind is Kind.FENCE or not rd:
            return
        if d.kind is Kind.UPPER:
            offset = self._steps[index].offset if d.mnemonic == "auipc" else 0  # pc is that of the path
            text = semantics.value(d.mnemonic, "pc", str(immediate(d) + offset))
        else:
            b = _source(d, "rs2") if d.kind is Kind.ALU else str(immediate(d))
            text = semantics.value(d.mnemonic, _source(d, "rs1"), b)
        self._line(f"x[{rd}] = {text}")

    # Memory

    def _window(self, window: Window) -> None:
        """Do the accesses of a window on the views of their pages, or everything in it by its operations."""
        conditions: list[str] = []
        for base in window.bases.values():
            n = base.register
            address = f"a{n}"
            self._line(f"{address} = {semantics.value('add', _register(n), str(base.low & M64))}")
            if base.loads:
                self._uses.add("loads")
                self._line(f"l{n} = loads({address} >> {PAGE_SHIFT})")
                conditions.append(f"l{n} is not None")
            if base.stores:
                self._uses |= {"stores", "report"}
                self._line(f"s{n} = stores({address} >> {PAGE_SHIFT})")
                conditions += [f"s{n} is not None", f"not s{n}[2]"]
            if base.align > 1:
                conditions.append(f"not {address} & {base.align - 1}")
            if base.span > base.align:
                conditions.append(f"{address} & {PAGE_SIZE - 1} <= {PAGE_SIZE - base.span}")
        if any(base.stores for base in window.bases.values()):
            conditions.append("not reserved")
        self._line(f"if {' and '.join(conditions)}:")
        self._indent += 1
        self._fast(window)
        self._indent -= 1
        self._line("else:")
        self._indent += 1
        self._slow(window)
        self._indent -= 1

    def _fast(self, window: Window) -> None:
        start = len(self._lines)
        for base in window.bases.values():
            n = base.register
            if base.stores:
                self._line(f"p{n}, w{n}, _ = s{n}")
                self._line(f"p{n} |= a{n} & {PAGE_SIZE - 1}")
            for shift in base.shifts:
                self._line(f"k{n}_{shift} = (a{n} & {PAGE_SIZE - 1}) >> {shift}")
        for index in range(window.first, window.last):
            d = self._decoded[index]
            if d.kind is Kind.LOAD:
                self._load(window, index)
            elif d.kind is Kind.STORE:
                self._store(window, index)
            else:
                self._compute(index)
        if len(self._lines) == start:
            self._line("pass")

    def _load(self, window: Window, index: int) -> None:
        d = self._decoded[index]
        n, access = d.fields["rs1"], access_of(d)
        if d.fields["rd"]:
            element = self._element(window, d, access)
            self._line(f"x[{d.fields['rd']}] = {access.loaded(f'l{n}', element)}")

    def _store(self, window: Window, index: int) -> None:
        """What `HartState.store_physical` does, where nobody watches the memory."""
        d = self._decoded[index]
        n, access = d.fields["rs1"], access_of(d)
        offset = d.fields["imm"] - window.bases[n].low
        self._line(f"i = {index}")
        self._line(f"value = {access.stored(_source(d, 'rs2'))}")
        self._line(f"w{n}[{access.view}][{self._element(window, d, access)}] = value")
        self._line(f"report(hart_id, p{n} + {offset}, value.to_bytes({access.size}, 'little'))")
        self._stop(index)

    def _element(self, window: Window, d: Decoded, access: semantics.Access) -> str:
        """Return the text of the index of an element in the view of its page."""
        base = window.bases[d.fields["rs1"]]
        distance = d.fields["imm"] - base.low >> access.shift
        index = f"k{base.register}_{access.shift}"
        return f"{index} + {distance}" if distance else index

    def _slow(self, window: Window) -> None:
        if window.last - window.first == 1:
            self._call(window.first)
            return
        self._line(f"for i in range({window.first}, {window.last}):")
        self._line("    ops[i](pc + offsets[i])")
        if any(base.stores for base in window.bases.values()):
            self._uses.add("faults")
            self._line("    if faults or not ops:")
            self._line("        " + self._leave("pc + offsets[i + 1]", "i + 1"))

    def _end(self) -> None:
        step, index = self._steps[-1], len(self._steps)
        if self._loops:
            self._line(f"left -= {index}")
            self._line(f"if left < {self._steps[0].block}:")
            self._line("    return pc, given - left")
        elif self._decoded[-1].kind not in _TURNS:
            self._line(self._leave(self._at(step.offset + step.size), index))


def _register(number: int) -> str:
    return f"x[{number}]" if number else "0"


def _source(d: Decoded, name: str) -> str:
    return _register(d.fields[name])
