"""Compiled code of a hart: instructions by physical address, the blocks they form, and paths through hot blocks.

An instruction is compiled to an operation that gets its pc as argument, so what is compiled does not depend on
translations or modes, and is shared by every mapping of its page. It is kept until its memory is written, by anyone:
code is watched in lines of memory. The operations themselves are kept by instruction word.
"""

from __future__ import annotations

from collections.abc import Collection
from enum import Enum, auto
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from vctx.pymodel.isa.block import belongs_to_block, compile_block
from vctx.pymodel.isa.compressed import expand
from vctx.pymodel.isa.csr_numbers import QUIET_CSRS
from vctx.pymodel.isa.encoding import Decoded, Kind, decode
from vctx.pymodel.isa.memory import LINE_SHIFT, Memory
from vctx.pymodel.isa.mmu import Op
from vctx.pymodel.isa.scalar import BUILDERS
from vctx.pymodel.isa.translate import Step, bind
from vctx.pymodel.trace.records import PAGE_SHIFT, PAGE_SIZE

if TYPE_CHECKING:
    from vctx.pymodel.isa.commit import CommitReporter
    from vctx.pymodel.isa.hart import Hart

_OFFSET = PAGE_SIZE - 1
_LINE = 1 << LINE_SHIFT
_LONGEST = 64  # instructions of a block
_LONGEST_PATH = 192
HOT = 32  # executions of a block after which it is worth to be translated
_KEPT = 1 << 9  # closures: enough for what is executed again and again, few enough for the garbage collector
_FIRST = (0,)


class Flow(Enum):
    """What comes after an instruction that does not trap.

    NEXT: the next one, in the same mode and with the same translations.
    TURN: perhaps one elsewhere.
    SYSTEM: as TURN, and anything that the host looks at between instructions may be different: mode, CSRs, wfi. It may
        also read the count of retired instructions.
    """

    NEXT = auto()
    TURN = auto()
    SYSTEM = auto()


class Block:
    """Compiled instructions that follow one another; only the last may go elsewhere, and SYSTEM ones are alone.

    Attributes:
        ops: the instructions. It becomes empty when the block is discarded, which ends a loop over it.
        offsets: of each from the first one, in bytes; `length` of all in bytes.
        flow: of the last one.
        runs: how often all of it was executed since it began to be counted.
        after: where execution went on the last time, in bytes from the first instruction.
    """

    __slots__ = ("_home", "_start", "after", "flow", "length", "offsets", "ops", "runs")

    def __init__(self, ops: list[Op], offsets: tuple[int, ...], length: int, flow: Flow) -> None:
        self.ops = ops
        self.offsets = offsets
        self.length = length
        self.flow = flow
        self.runs = self.after = 0
        self._home: dict[int, Block] | None = None

    def keep(self, home: dict[int, Block], start: int) -> None:
        """Put the block into `home`, under `start`, until it is discarded."""
        self._home, self._start = home, start
        home[start] = self

    def index(self, distance: int) -> int:
        """Return the number of instructions in the first `distance` bytes."""
        return len(self.offsets) if distance == self.length else self.offsets.index(distance)

    def until(self, stops: Collection[int], start: int) -> int:
        """Return how many instructions come before the first of `stops` that is not the first instruction.

        Args:
            stops: offsets in the page; start: that of the block.
        """
        ahead = [stop - start for stop in stops if 0 < stop - start < self.length]
        return min((self.offsets.index(at) for at in ahead if at in self.offsets), default=len(self.offsets))

    def discard(self) -> None:
        """Never run this block again; if it is running, end it after the present instruction.

        Single instructions, which belong to no page, end by themselves.
        """
        if self._home is not None:
            self._home.pop(self._start, None)
            self.ops.clear()


class Path:
    """Compiled code that is executed from its first instruction on, translated to one function.

    Attributes:
        run: the function; `block`: number of instructions of the first block, the fewest to be executed.
        starts: offsets of its instructions in their page; `lines`: the lines of memory that they occupy.
    """

    __slots__ = ("_home", "_ops", "_start", "block", "lines", "run", "starts")
    flow: Final = Flow.TURN

    def __init__(self, hart: Hart, home: CodePage, start: int, steps: tuple[Step, ...], ops: list[Op]) -> None:
        self._home, self._start, self._ops = home, start, ops
        self.run = bind(steps, hart, ops)
        self.block = steps[0].block
        self.starts = frozenset(start + step.offset for step in steps)
        first = home.base + start
        self.lines = frozenset(
            first + step.offset + byte >> LINE_SHIFT for step in steps for byte in (0, step.size - 1)
        )
        home.paths[start] = self

    def discard(self) -> None:
        """Never run this path again; if it is running, end it after the present instruction."""
        self._home.paths.pop(self._start, None)
        self._ops.clear()
        block = self._home.blocks.get(self._start)
        if block is not None:
            block.runs = 0


class CodePage:
    """What is compiled of a page of physical memory, by offset in it: single instructions, longer blocks, and paths."""

    __slots__ = ("base", "blocks", "insns", "paths")

    def __init__(self, base: int) -> None:
        self.base = base
        self.insns: dict[int, Block] = {}
        self.blocks: dict[int, Block] = {}
        self.paths: dict[int, Path] = {}


class Code:
    """The compiled code of one hart.

    Args:
        hart: executes it.
        memory: holds it.
        commits: reports what each fetched instruction took effect on; None for nobody.
    """

    def __init__(self, hart: Hart, memory: Memory, commits: CommitReporter | None) -> None:
        self._hart = hart
        self._memory = memory
        self._commits = commits
        self._pages: dict[int, CodePage] = {}
        self._compile_raw = lru_cache(_KEPT)(self._compile_fetched)
        self.word = lru_cache(_KEPT)(self._compile)
        memory.on_write(self._written)

    def page(self, paddr: int) -> CodePage:
        """Return the page that holds physical address `paddr`."""
        ppn = paddr >> PAGE_SHIFT
        page = self._pages.get(ppn)
        if page is None:
            page = self._pages[ppn] = CodePage(ppn << PAGE_SHIFT)
        return page

    def insn(self, page: CodePage, offset: int) -> Block | None:
        """Return the instruction at `offset` of `page`; None when its second half is on another page."""
        insn = page.insns.get(offset)
        if insn is None:
            memory, paddr = self._memory, page.base + offset
            raw = memory.load(paddr, 4 if offset + 2 < PAGE_SIZE else 2)
            if raw & 3 != 3:
                raw &= 0xFFFF
            elif offset + 2 == PAGE_SIZE:
                return None
            else:
                memory.watch(paddr + 2 >> LINE_SHIFT)
            memory.watch(paddr >> LINE_SHIFT)
            insn = page.insns[offset] = self._compile_raw(raw)
        return insn

    def heat(self, page: CodePage, start: int) -> None:
        """Note that the block at `start` of `page` is executed often: make a path of it."""
        steps = self._steps(page, start) if self._commits is None else ()
        if steps:
            ops = [op for step in steps if step.block for op in page.blocks[start + step.offset].ops]
            Path(self._hart, page, start, steps, ops)

    def _steps(self, page: CodePage, start: int) -> tuple[Step, ...]:
        """Follow the way that execution took from `start` the last time, as far as it repeats nothing."""
        blocks: dict[int, Block] = {}
        at, length = start, 0
        while at not in blocks and (block := page.blocks.get(at)) is not None and block.flow is not Flow.SYSTEM:
            length += len(block.offsets)
            if blocks and length > _LONGEST_PATH:
                break
            blocks[at] = block
            at += block.after
        if not blocks:  # a SYSTEM instruction, or one that has run at many places, but once at each
            return ()
        follows: list[int | None] = [*list(blocks)[1:], start if at == start else None]
        steps: list[Step] = []
        for (first, block), behind in zip(blocks.items(), follows, strict=True):
            for offset in block.offsets:
                word, size = self._word(page, first + offset)
                begins = len(block.offsets) if offset == 0 else 0
                steps.append(Step(first + offset - start, word, size, first + offset + size - start, begins))
            steps[-1] = steps[-1]._replace(after=None if behind is None else behind - start)
        return tuple(steps)

    def _word(self, page: CodePage, offset: int) -> tuple[int, int]:
        """Return the instruction at `offset` of `page` in 32-bit form, and its size in memory."""
        raw = self._memory.load(page.base + offset, 2)
        if raw & 3 == 3:
            return raw | self._memory.load(page.base + offset + 2, 2) << 16, 4
        word = expand(raw)
        return raw if word is None else word, 2  # what is illegal in 16 bits encodes nothing in 32 either

    def block(self, page: CodePage, offset: int) -> Block | None:
        """Return a block that begins at `offset` of `page`; None when the instruction there is on two pages.

        An instruction that was not compiled before is returned alone: what is executed only once is not worth more.
        """
        if offset not in page.insns:
            return self.insn(page, offset)
        ops: list[Op] = []
        offsets: list[int] = []
        length, flow = 0, Flow.NEXT
        while offset + length < PAGE_SIZE and len(ops) < _LONGEST and flow is Flow.NEXT:
            insn = self.insn(page, offset + length)
            if insn is None or (ops and insn.flow is Flow.SYSTEM):
                break
            ops += insn.ops
            offsets.append(length)
            length += insn.length
            flow = insn.flow
        block = Block(ops, tuple(offsets), length, flow)
        block.keep(page.blocks, offset)
        return block

    def across(self, low: int, high: int) -> Block:
        """Return the instruction whose halves are at these physical addresses, each of which may change or move."""
        return self._compile_raw(self._memory.load(high, 2) << 16 | self._memory.load(low, 2))

    def _compile_fetched(self, raw: int) -> Block:
        """Compile an instruction as it stands in memory, 2 or 4 bytes."""
        size = 4 if raw & 3 == 3 else 2
        word = raw if size == 4 else expand(raw)
        if word is None:
            return Block([self._illegal(raw)], _FIRST, size, Flow.TURN)
        decoded = decode(word)
        op = self._compile(word, size)
        if self._commits is not None:
            op = self._commits.wrap(decoded, raw, size, op)
        return Block([op], _FIRST, size, _flow(decoded))

    def _compile(self, word: int, size: int) -> Op:
        """Compile a 32-bit instruction word that takes `size` bytes of memory."""
        decoded = decode(word)
        if belongs_to_block(decoded):
            return compile_block(self._hart, decoded)
        return BUILDERS[decoded.kind](self._hart, decoded, size)

    def _illegal(self, raw: int) -> Op:
        def op(pc: int) -> int:
            raise self._hart.illegal(raw)

        return op

    def _written(self, line: int) -> None:
        page = self._pages.get(line << LINE_SHIFT >> PAGE_SHIFT)
        if page is None:
            return
        start = line << LINE_SHIFT & _OFFSET
        for offset in range(start - 2, start + _LINE):  # an instruction may begin in the line before
            page.insns.pop(offset, None)
        for first, block in list(page.blocks.items()):
            if first < start + _LINE and first + block.length > start:
                block.discard()
        for path in list(page.paths.values()):
            if line in path.lines:
                path.discard()


def _flow(d: Decoded) -> Flow:
    if d.kind is Kind.SYSTEM or (d.kind is Kind.CSR and d.fields["csr"] not in QUIET_CSRS):
        return Flow.SYSTEM
    return Flow.TURN if d.kind in (Kind.BRANCH, Kind.JUMP, Kind.UNKNOWN) else Flow.NEXT
