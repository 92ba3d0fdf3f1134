# SPDX-License-Identifier: Apache-2.0
"""The compiler of a hart: instructions by physical address, the blocks they form, and paths through hot blocks.

An instruction is compiled to an operation that gets its pc as argument, so what is compiled does not depend on
translations or modes, and is shared by every mapping of its page. It is kept until its memory is written, by anyone:
code is watched in lines of memory. The operations themselves are kept by instruction word.
"""

from __future__ import annotations

from functools import lru_cache

from vctx.pymodel.isa.block import belongs_to_block, compile_block
from vctx.pymodel.isa.commit import CommitReporter
from vctx.pymodel.isa.compiled import Block, CodePage, Flow, Op, Path, Step, Stopped
from vctx.pymodel.isa.compressed import expand, expand_float
from vctx.pymodel.isa.csr_numbers import QUIET_CSRS
from vctx.pymodel.isa.encoding import UNKNOWN, Decoded, Kind, decode_with
from vctx.pymodel.isa.float_moves import build_float
from vctx.pymodel.isa.memory import LINE_SHIFT
from vctx.pymodel.isa.scalar import BUILDERS
from vctx.pymodel.isa.state import HartState
from vctx.pymodel.isa.translate import bind
from vctx.pymodel.trace.records import PAGE_SHIFT, PAGE_SIZE

_OFFSET = PAGE_SIZE - 1
_LINE = 1 << LINE_SHIFT
_LONGEST = 64  # instructions of a block
_LONGEST_PATH = 192
HOT = 32  # executions of a block after which it is worth to be translated
_KEPT = 1 << 9  # closures: enough for what is executed again and again, few enough for the garbage collector
_FIRST = (0,)


class Code:
    """The compiled code of one hart.

    Args:
        hart: what it is executed on; its memory holds it.
        stopped: is told where a path stops that is about to raise.
        commits: reports what each fetched instruction took effect on; None for nobody.
    """

    def __init__(self, hart: HartState, stopped: Stopped, commits: CommitReporter | None) -> None:
        self._hart = hart
        self._memory = hart.memory
        self._stopped = stopped
        self._commits = commits
        config = hart.config
        self._more = frozenset((Kind.VOP, Kind.VMEM) * config.wide + (Kind.FLOAT,) * config.has_f)
        self._expand = expand_float if config.has_f else expand
        self._pages: dict[int, CodePage] = {}  # by physical page: code is compiled once, whoever maps it
        self._compile_raw = lru_cache(_KEPT)(self._compile_fetched)
        self.word = lru_cache(_KEPT)(self._compile)
        hart.memory.on_write(self._written)

    def decode(self, word: int) -> Decoded:
        """Decode a 32-bit instruction word as this hart has it."""
        return decode_with(word, self._more)

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
            Path(page, start, steps, ops, bind(steps, self._hart, ops, self._stopped))

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
        word = self._expand(raw)
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
        word = raw if size == 4 else self._expand(raw)
        if word is None:
            return Block([self._illegal(raw)], _FIRST, size, Flow.TURN)
        decoded = self.decode(word)
        op = self._compile(word, size)
        if self._commits is not None:
            op = self._commits.wrap(decoded, raw, size, op)
        return Block([op], _FIRST, size, _flow(decoded))

    def _compile(self, word: int, size: int) -> Op:
        """Compile a 32-bit instruction word that takes `size` bytes of memory."""
        decoded = self.decode(word)
        if not self._hart.config.has_v and decoded.kind in (Kind.VSET, Kind.VMEM, Kind.VOP):
            decoded = Decoded(word, UNKNOWN, {})
        if belongs_to_block(decoded):
            return compile_block(self._hart, decoded)
        if decoded.kind is Kind.FLOAT:
            return build_float(self._hart, decoded, size)
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
