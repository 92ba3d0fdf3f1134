# SPDX-License-Identifier: Apache-2.0
"""Programs for the tests of `vctx run`, and their commit logs on the golden hart and on Spike."""

from __future__ import annotations

import io
import random
from pathlib import Path

from spike_filter import filter_file

from vctx.pymodel import programs
from vctx.pymodel.isa import encode
from vctx.pymodel.isa.commit import CSR_NAMES
from vctx.pymodel.isa.csr import TABLE as CSRS
from vctx.pymodel.isa.csr_numbers import Csr
from vctx.pymodel.isa.encoding import TABLE, InsnSpec, Kind
from vctx.pymodel.programs import read_elf
from vctx.pymodel.scenarios.bare_metal import BareResult, run_bare_metal
from vctx.pymodel.trace import Issue, Retire
from vctx.pymodel.trace.commit_log import CommitLog
from vctx.tb.spike.log import run_spike

LIMIT = 200_000


class Ignore:
    """An observer that keeps nothing."""

    def insn(self, hart_id: int, pc: int, issue: Issue, retire: Retire) -> None: ...

    def store(self, hart_id: int, paddr: int, data: bytes) -> None: ...


def link(text: str, directory: Path, name: str = "program", *, skips_traps: bool = True) -> Path:
    """Assemble `text`, which defines main, with the start-up code of sw/bare and, if asked, a handler that skips."""
    source, elf = directory / f"{name}.S", directory / f"{name}.elf"
    source.write_text(f"\t.text\n\t.globl main\nmain:\n{text}\n")
    recipe = programs.PROGRAMS["bare-modes"]
    start = programs.sources(recipe)[0]
    handler = [start.with_name("skip_traps.S")] if skips_traps else []
    programs.link(recipe, [start, *handler, source], elf)
    return elf


def golden(elf: Path, vlen: int, limit: int = LIMIT) -> tuple[BareResult, list[str]]:
    """Run a program on the golden hart; return how it ended and the lines of its commit log."""
    log = io.StringIO()
    ended = run_bare_metal(read_elf(elf.name, elf), vlen, Ignore(), CommitLog(log, CSR_NAMES), limit=limit)
    return ended, log.getvalue().splitlines(keepends=True)


def spike(elf: Path, vlen: int, directory: Path) -> tuple[int, list[str]]:
    """Run a program on Spike; return its exit code and the filtered lines of its log."""
    log = directory / f"{elf.stem}-{vlen}.spike"
    exit_code = run_spike(elf, vlen, log)
    return exit_code, filter_file(log, elf)


def first_difference(one: list[str], other: list[str]) -> tuple[str, str] | None:
    """Return the first lines that differ, or None."""
    for lines in zip([*one, "end"], [*other, "end"], strict=False):
        if lines[0] != lines[1]:
            return lines
    return None


# Of these a write would end the test: it changes where traps go, or which instructions there are.
_KEPT = frozenset({Csr.MTVEC, Csr.MISA, Csr.MEPC, Csr.MSCRATCH})


def every_csr() -> str:
    """Return a program that applies every form of CSR instruction to every CSR, in M-mode."""
    lines = ["\tli s1, -1", "\tli s2, 0x5555555555555555"]
    for csr in CSRS:
        lines += [f"\tcsrrs a0, {csr:#x}, zero", f"\tcsrrci a0, {csr:#x}, 0"]
        if csr == Csr.MSTATUS:  # without interrupts, and without a change of the mode of loads
            lines += ["\tli t1, ~0x2000a", *(f"\tcsrr{op} a0, mstatus, t1" for op in "csw"), "\tcsrrwi a0, mstatus, 0"]
            lines += ["\tli t1, 0x600", "\tcsrs mstatus, t1"]
        elif csr not in _KEPT:
            lines += [f"\tcsrr{op} a0, {csr:#x}, {source}" for source in ("s1", "s2") for op in "wcs"]
            lines += [f"\tcsrr{op}i a0, {csr:#x}, 21" for op in "wcs"]
            lines.append(f"\tcsrw {csr:#x}, zero")
    return "\n".join([*lines, "\tli a0, 0", "\tj exit"])


_POINTERS = {  # registers that hold addresses: RAM, its end, and no RAM, however large vstart is
    16: 0x8008_0000,
    17: 0x8008_0FFD,
    18: 0x800F_FFF8,
    19: 0x800F_FFE0,
    20: 0x8010_0000,
    21: 0x7FFF_0000,
}
_MEMORY = (Kind.LOAD, Kind.STORE, Kind.AMO, Kind.VMEM, Kind.HLOAD, Kind.HSTORE)
_WEIGHTS = {
    Kind.VSET: 12,
    Kind.VMEM: 20,
    Kind.VOP: 15,
    Kind.CSR: 12,
    Kind.AMO: 8,
    Kind.LOAD: 4,
    Kind.STORE: 4,
    Kind.HLOAD: 2,
    Kind.HSTORE: 2,
    Kind.ALU: 4,
    Kind.ALU_IMM: 4,
}


def random_words(seed: int, count: int) -> str:
    """Return a program of random instructions in M-mode that keeps to itself: no jumps, and no way out of the mode."""
    rng = random.Random(seed)
    rows = {kind: [row for row in TABLE.values() if row.kind is kind] for kind in _WEIGHTS}
    csrs = [csr for csr in CSRS if csr not in _KEPT | {Csr.MSTATUS, Csr.SATP, Csr.MIE, Csr.SIE, Csr.HIE, Csr.VSIE}]
    lines = [f"\tli x{register}, {address:#x}" for register, address in _POINTERS.items()]
    for _ in range(count):
        (kind,) = rng.choices(list(_WEIGHTS), list(_WEIGHTS.values()))
        lines.append(f"\t.4byte {_random_word(rng, rng.choice(rows[kind]), csrs):#x}")
        if rng.random() < 0.05:  # VS goes Off, Initial and Clean, too
            lines += ["\tli t6, 0x600", "\tcsrc mstatus, t6", f"\tli t6, {rng.randrange(4) << 9}", "\tcsrs mstatus, t6"]
    return "\n".join([*lines, "\tli a0, 0", "\tj exit"])


def _random_word(rng: random.Random, row: InsnSpec, csrs: list[int]) -> int:
    fields = {}
    for operand in row.operands:
        width = operand.top + 1
        value = rng.getrandbits(width)
        match operand.keyword:
            case "rd" | "rs1" | "rs2":
                value = rng.choice((0, *range(5, 16)))
            case "vd" | "vs1" | "vs2" | "vs3":
                value = rng.choice((0, 4, 8, 16, 24, rng.randrange(32)))
            case "csr":
                value = rng.choice(csrs)
            case "vtypei":
                value = rng.randrange(256) if rng.random() < 0.85 else value
        if operand.signed and value >> width - 1:
            value -= 1 << width
        fields[operand.keyword] = value
    if row.kind in _MEMORY:
        fields["rs1"] = rng.choice(list(_POINTERS))
        if "imm" in fields:
            fields["imm"] = rng.choice((0, 8, -8, 16, 1, 2))
    return encode(row.mnemonic, **fields)
