# SPDX-License-Identifier: Apache-2.0
"""A hart on a bench: 1 MiB of memory, an observer that keeps everything, and one-line stepping."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
from elftools.elf.elffile import ELFFile

from vctx.pymodel.isa import Csr, Hart, HartConfig, Latitude, Memory, encode
from vctx.pymodel.trace import Issue, Retire

BASE, SIZE = 0x8000_0000, 0x10_0000
CODE = BASE
DATA = BASE + 0x1_0000
HOLE = BASE + SIZE  # the first address without memory

MODES = {"M": (3, False), "HS": (1, False), "U": (0, False), "VS": (1, True), "VU": (0, True)}
OFF, INITIAL, CLEAN, DIRTY = range(4)
VS_SHIFT, FS_SHIFT = 9, 13
SD = 1 << 63
MTVEC, STVEC, VSTVEC = BASE + 0x100, BASE + 0x200, BASE + 0x300


class Rig:
    """A hart in M-mode with VS Dirty at both levels, and trap vectors that tell the modes apart."""

    def __init__(self, vlen: int = 256, *, has_v: bool = True, **latitude: bool) -> None:
        self.memory = Memory([(BASE, SIZE)])
        self.insns: list[tuple[int, Issue, Retire]] = []
        self.stores: list[tuple[int, bytes]] = []
        config = HartConfig(vlen=vlen, has_v=has_v, latitude=Latitude(**latitude))
        self.hart = Hart(config, self.memory, observer=self)
        self.vec, self.csr, self.x = self.hart.vec, self.hart.csr, self.hart.x
        self.hart.reset(CODE)
        self.csr[Csr.MTVEC], self.csr[Csr.STVEC], self.csr[Csr.VSTVEC] = MTVEC, STVEC, VSTVEC
        self.set_vs(DIRTY, DIRTY)

    def insn(self, hart_id: int, pc: int, issue: Issue, retire: Retire) -> None:
        self.insns.append((pc, issue, retire))

    def store(self, hart_id: int, paddr: int, data: bytes) -> None:
        self.stores.append((paddr, data))

    def mode(self, name: str) -> None:
        self.hart.set_mode(*MODES[name])

    def set_vs(self, mstatus: int, vsstatus: int) -> None:
        for csr, value in ((Csr.MSTATUS, mstatus), (Csr.VSSTATUS, vsstatus)):
            self.csr[csr] = self.csr[csr] & ~(3 << VS_SHIFT) | value << VS_SHIFT

    def vs(self) -> tuple[int, int]:
        return self.csr[Csr.MSTATUS] >> VS_SHIFT & 3, self.csr[Csr.VSSTATUS] >> VS_SHIFT & 3

    def vset(self, vtype: int, vl: int | None = None, vstart: int = 0) -> None:
        """Set vtype and vl (VLMAX if not given) without an instruction."""
        self.vec.vtype = vtype
        self.vec.vl = self.vec.type.vlmax if vl is None else vl
        self.vec.vstart = vstart

    def word(self, word: int, irq_elem: int | None = None) -> Retire | None:
        """Execute one instruction word at CODE; return its record if the block executes it."""
        self.memory.store(CODE, 4, word)
        self.hart.pc = CODE
        before = len(self.insns)
        self.hart.step(irq_elem)
        return self.insns[-1][2] if len(self.insns) > before else None

    def step(self, mnemonic: str, irq_elem: int | None = None, **operands: int) -> Retire | None:
        return self.word(encode(mnemonic, **operands), irq_elem)

    def block(self, mnemonic: str, irq_elem: int | None = None, **operands: int) -> Retire:
        """As :meth:`step`, for an instruction that must belong to the block."""
        retire = self.step(mnemonic, irq_elem, **operands)
        assert retire is not None
        return retire

    @property
    def issue(self) -> Issue:
        """The stimulus of the last block instruction."""
        return self.insns[-1][1]

    def trapped(self) -> tuple[str, int, int]:
        """Return (mode, cause, tval) of the trap that the last step took, by where it landed."""
        landed = {
            MTVEC: ("M", Csr.MCAUSE, Csr.MTVAL),
            STVEC: ("HS", Csr.SCAUSE, Csr.STVAL),
            VSTVEC: ("VS", Csr.VSCAUSE, Csr.VSTVAL),
        }
        assert self.hart.pc in landed, f"no trap: pc is {self.hart.pc:#x}"
        mode, cause, tval = landed[self.hart.pc]
        assert (self.hart.prv, self.hart.virt) == MODES[mode]
        return mode, self.csr[cause], self.csr[tval]

    def randomise(self, rng: np.random.Generator) -> None:
        """Fill the vector registers with random bytes."""
        self.vec.flat[:] = rng.integers(0, 256, self.vec.flat.size, np.uint8)


def vtype(sew: int, lmul: str = "m1", *, ta: bool = False, ma: bool = False) -> int:
    """Return a vtype value, e.g. `vtype(32, "mf2")`."""
    code = {"m1": 0, "m2": 1, "m4": 2, "m8": 3, "mf8": 5, "mf4": 6, "mf2": 7}[lmul]
    return code | (sew.bit_length() - 4) << 3 | ta << 6 | ma << 7


def assemble(lines: list[str], folder: Path) -> bytes:
    """Assemble with LLVM, an opinion independent of the model's instruction table; return the code."""
    source, elf = folder / "all.S", folder / "all.o"
    source.write_text("\n".join([".option norelax", *lines]) + "\n")
    command = [sys.executable, "-m", "ziglang", "cc", "-target", "riscv64-freestanding-none"]
    command += ["-mcpu=generic_rv64+m+a+c+v+h+zicsr+zifencei", "-c", str(source), "-o", str(elf)]
    subprocess.run(command, check=True, capture_output=True, text=True)
    with elf.open("rb") as file:
        code: bytes = ELFFile(file).get_section_by_name(".text").data()
    return code
