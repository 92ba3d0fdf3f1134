# SPDX-License-Identifier: Apache-2.0
"""The instruction table: one row for each instruction serves decoding, encoding and disassembly.

A row is mnemonic, match, mask, operand syntax and class. The syntax is the assembler's; the words in it name operands
of `OPERANDS`, which says where the bits of each live. Vector rows follow Appendix 1 of the specification.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from functools import lru_cache
from itertools import product

from vctx.pymodel.isa.csr_numbers import CSR_NAMES
from vctx.pymodel.isa.errors import HartError
from vctx.pymodel.isa.vtype import vtype_text


class Kind(Enum):
    """Which executor an instruction belongs to."""

    ALU = auto()
    ALU_IMM = auto()
    UPPER = auto()
    JUMP = auto()
    BRANCH = auto()
    LOAD = auto()
    STORE = auto()
    AMO = auto()
    FENCE = auto()
    SYSTEM = auto()
    HLOAD = auto()
    HSTORE = auto()
    CSR = auto()
    VSET = auto()
    VMEM = auto()
    VOP = auto()
    FLOAT = auto()
    UNKNOWN = auto()


@dataclass(frozen=True, slots=True)
class Operand:
    """Where an operand lives: (lowest bit in the word, width, lowest bit in the value) for each piece."""

    keyword: str
    pieces: tuple[tuple[int, int, int], ...]
    signed: bool = False

    def extract(self, word: int) -> int:
        """Return the operand's value; signed operands as a signed Python integer."""
        value = 0
        for at, width, to in self.pieces:
            value |= (word >> at & (1 << width) - 1) << to
        if self.signed and value >> self.top:
            value -= 2 << self.top
        return value

    def insert(self, value: int) -> int:
        """Return the bits of the word that hold `value`; HartError when it does not fit."""
        bits = value & (2 << self.top) - 1
        word = 0
        for at, width, to in self.pieces:
            word |= (bits >> to & (1 << width) - 1) << at
        if self.extract(word) != value:
            raise HartError(f"operand {self.keyword}={value:#x} cannot be encoded")
        return word

    @property
    def top(self) -> int:
        """Highest bit number of the value."""
        return max(width + to for _, width, to in self.pieces) - 1


OPERANDS = {
    "rd": Operand("rd", ((7, 5, 0),)),
    "rs1": Operand("rs1", ((15, 5, 0),)),
    "rs2": Operand("rs2", ((20, 5, 0),)),
    "vd": Operand("vd", ((7, 5, 0),)),
    "vs1": Operand("vs1", ((15, 5, 0),)),
    "vs2": Operand("vs2", ((20, 5, 0),)),
    "vs3": Operand("vs3", ((7, 5, 0),)),
    "vm": Operand("vm", ((25, 1, 0),)),
    "fd": Operand("fd", ((7, 5, 0),)),
    "fs1": Operand("fs1", ((15, 5, 0),)),
    "fs2": Operand("fs2", ((20, 5, 0),)),
    "fs3": Operand("fs3", ((27, 5, 0),)),
    "v0": Operand("v0", ()),  # the mask of vmerge: printed, not encoded
    "aqrl": Operand("aqrl", ((25, 2, 0),)),
    "csr": Operand("csr", ((20, 12, 0),)),
    "uimm": Operand("uimm", ((15, 5, 0),)),
    "imm_i": Operand("imm", ((20, 12, 0),), signed=True),
    "imm_s": Operand("imm", ((7, 5, 0), (25, 7, 5)), signed=True),
    "imm_b": Operand("imm", ((8, 4, 1), (25, 6, 5), (7, 1, 11), (31, 1, 12)), signed=True),
    "imm_u": Operand("imm", ((12, 20, 0),)),
    "imm_j": Operand("imm", ((21, 10, 1), (20, 1, 11), (12, 8, 12), (31, 1, 20)), signed=True),
    "imm_v": Operand("imm", ((15, 5, 0),), signed=True),
    "sh6": Operand("imm", ((20, 6, 0),)),
    "sh5": Operand("imm", ((20, 5, 0),)),
    "pred": Operand("pred", ((24, 4, 0),)),
    "succ": Operand("succ", ((20, 4, 0),)),
    "vtypei11": Operand("vtypei", ((20, 11, 0),)),
    "vtypei10": Operand("vtypei", ((20, 10, 0),)),
}
_OPTIONAL = {"vm": 1, "aqrl": 0}  # operands that the assembler lets one leave out, with what is meant then
_TOKEN = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True, slots=True)
class InsnSpec:
    """One row of the table."""

    mnemonic: str
    match: int
    mask: int
    syntax: str
    kind: Kind

    @property
    def operands(self) -> tuple[Operand, ...]:
        """The encoded operands, in the order of the syntax."""
        return tuple(OPERANDS[name] for name in _TOKEN.findall(self.syntax) if OPERANDS[name].pieces)


@dataclass(frozen=True, slots=True)
class Decoded:
    """A decoded instruction: the row, and the value of each operand by keyword (rd, rs1, vd, vm, imm, csr, ...)."""

    word: int
    spec: InsnSpec
    fields: Mapping[str, int]

    @property
    def mnemonic(self) -> str:
        """The mnemonic; `.word` for a word that encodes nothing the model knows."""
        return self.spec.mnemonic

    @property
    def kind(self) -> Kind:
        """Which executor the instruction belongs to."""
        return self.spec.kind


UNKNOWN = InsnSpec(".word", 0, 0, "", Kind.UNKNOWN)

_OPCODE, _F3, _F7 = 0x7F, 0x7000, 0xFE000000
_R = _OPCODE | _F3 | _F7
_I = _OPCODE | _F3
_RS2, _ALL = 0x1F00000, 0xFFFFFFFF
_VM = 1 << 25
_OP_V = 0x57
_F6_MASK, _VS2_MASK, _VS1_MASK = 0xFC00707F, 0x01F00000, 0x000F8000
_VLOAD, _VSTORE, _WIDTHS = 0x07, 0x27, {8: 0, 16: 5, 32: 6, 64: 7}
_MEMORY_MASK = 0xFC00707F  # opcode, width, mop, mew and nf: that of segments is not modelled


def _scalar() -> Iterator[InsnSpec]:
    yield InsnSpec("lui", 0x37, _OPCODE, "rd, imm_u", Kind.UPPER)
    yield InsnSpec("auipc", 0x17, _OPCODE, "rd, imm_u", Kind.UPPER)
    yield InsnSpec("jal", 0x6F, _OPCODE, "rd, imm_j", Kind.JUMP)
    yield InsnSpec("jalr", 0x67, _I, "rd, imm_i(rs1)", Kind.JUMP)
    for f3, name in {0: "beq", 1: "bne", 4: "blt", 5: "bge", 6: "bltu", 7: "bgeu"}.items():
        yield InsnSpec(name, f3 << 12 | 0x63, _I, "rs1, rs2, imm_b", Kind.BRANCH)
    for f3, name in enumerate(("lb", "lh", "lw", "ld", "lbu", "lhu", "lwu")):
        yield InsnSpec(name, f3 << 12 | 0x03, _I, "rd, imm_i(rs1)", Kind.LOAD)
    for f3, name in enumerate(("sb", "sh", "sw", "sd")):
        yield InsnSpec(name, f3 << 12 | 0x23, _I, "rs2, imm_s(rs1)", Kind.STORE)
    for f3, name in {0: "addi", 2: "slti", 3: "sltiu", 4: "xori", 6: "ori", 7: "andi"}.items():
        yield InsnSpec(name, f3 << 12 | 0x13, _I, "rd, rs1, imm_i", Kind.ALU_IMM)
    yield InsnSpec("addiw", 0x1B, _I, "rd, rs1, imm_i", Kind.ALU_IMM)
    for f3, f7, name in ((1, 0, "slli"), (5, 0, "srli"), (5, 0x20, "srai")):
        yield InsnSpec(name, f7 << 25 | f3 << 12 | 0x13, _R & ~_VM, "rd, rs1, sh6", Kind.ALU_IMM)
        yield InsnSpec(name + "w", f7 << 25 | f3 << 12 | 0x1B, _R, "rd, rs1, sh5", Kind.ALU_IMM)
    op = {0: ("add", "sll", "slt", "sltu", "xor", "srl", "or", "and"), 0x20: ("sub", "", "", "", "", "sra", "", "")}
    op[1] = ("mul", "mulh", "mulhsu", "mulhu", "div", "divu", "rem", "remu")
    op_32 = {0: ("addw", "sllw", "", "", "", "srlw", "", ""), 0x20: ("subw", "", "", "", "", "sraw", "", "")}
    op_32[1] = ("mulw", "", "", "", "divw", "divuw", "remw", "remuw")
    for opcode, group in ((0x33, op), (0x3B, op_32)):
        for f7, names in group.items():
            for f3, name in enumerate(names):
                if name:
                    yield InsnSpec(name, f7 << 25 | f3 << 12 | opcode, _R, "rd, rs1, rs2", Kind.ALU)
    amo = {0: "add", 1: "swap", 4: "xor", 8: "or", 12: "and", 16: "min", 20: "max", 24: "minu", 28: "maxu"}
    for f3, size in ((2, "w"), (3, "d")):
        base, mask = f3 << 12 | 0x2F, 0xF800707F
        yield InsnSpec(f"lr.{size}", 2 << 27 | base, mask | _RS2, "rd, (rs1) aqrl", Kind.AMO)
        yield InsnSpec(f"sc.{size}", 3 << 27 | base, mask, "rd, rs2, (rs1) aqrl", Kind.AMO)
        for f5, name in amo.items():
            yield InsnSpec(f"amo{name}.{size}", f5 << 27 | base, mask, "rd, rs2, (rs1) aqrl", Kind.AMO)


def _system() -> Iterator[InsnSpec]:
    yield InsnSpec("fence.tso", 0x8330000F, _ALL, "", Kind.FENCE)
    yield InsnSpec("fence", 0x0000000F, _I, "pred, succ", Kind.FENCE)
    yield InsnSpec("fence.i", 0x0000100F, _I, "", Kind.FENCE)
    for imm, name in {0: "ecall", 1: "ebreak", 0x102: "sret", 0x302: "mret", 0x105: "wfi"}.items():
        yield InsnSpec(name, imm << 20 | 0x73, _ALL, "", Kind.SYSTEM)
    for f7, name in {0x09: "sfence.vma", 0x11: "hfence.vvma", 0x31: "hfence.gvma"}.items():
        yield InsnSpec(name, f7 << 25 | 0x73, _R | 0xF80, "rs1, rs2", Kind.SYSTEM)
    for f3, name in ((1, "csrrw"), (2, "csrrs"), (3, "csrrc")):
        yield InsnSpec(name, f3 << 12 | 0x73, _I, "rd, csr, rs1", Kind.CSR)
        yield InsnSpec(name + "i", f3 + 4 << 12 | 0x73, _I, "rd, csr, uimm", Kind.CSR)
    hlv = {(0x30, 0): "hlv.b", (0x30, 1): "hlv.bu", (0x32, 0): "hlv.h", (0x32, 1): "hlv.hu", (0x32, 3): "hlvx.hu"}
    hlv |= {(0x34, 0): "hlv.w", (0x34, 1): "hlv.wu", (0x34, 3): "hlvx.wu", (0x36, 0): "hlv.d"}
    for (f7, rs2), name in hlv.items():
        yield InsnSpec(name, f7 << 25 | rs2 << 20 | 0x4073, _R | _RS2, "rd, (rs1)", Kind.HLOAD)
    for f7, name in {0x31: "hsv.b", 0x33: "hsv.h", 0x35: "hsv.w", 0x37: "hsv.d"}.items():
        yield InsnSpec(name, f7 << 25 | 0x4073, _R | 0xF80, "rs2, (rs1)", Kind.HSTORE)


def _vector_memory() -> Iterator[InsnSpec]:
    load, store = _VLOAD, _VSTORE
    any_vm, fixed_vm = _MEMORY_MASK | _RS2, _MEMORY_MASK | _RS2 | _VM
    for eew, width in _WIDTHS.items():
        yield InsnSpec(f"vle{eew}.v", width << 12 | load, any_vm, "vd, (rs1) vm", Kind.VMEM)
        yield InsnSpec(f"vse{eew}.v", width << 12 | store, any_vm, "vs3, (rs1) vm", Kind.VMEM)
        yield InsnSpec(f"vle{eew}ff.v", 0x01000000 | width << 12 | load, any_vm, "vd, (rs1) vm", Kind.VMEM)
        for regs in (1, 2, 4, 8):
            match = regs - 1 << 29 | 0x02800000 | width << 12 | load
            yield InsnSpec(f"vl{regs}re{eew}.v", match, fixed_vm, "vd, (rs1)", Kind.VMEM)
        strided = 2 << 26 | width << 12
        yield InsnSpec(f"vlse{eew}.v", strided | load, _MEMORY_MASK, "vd, (rs1), rs2 vm", Kind.VMEM)
        yield InsnSpec(f"vsse{eew}.v", strided | store, _MEMORY_MASK, "vs3, (rs1), rs2 vm", Kind.VMEM)
    for regs in (1, 2, 4, 8):
        yield InsnSpec(f"vs{regs}r.v", regs - 1 << 29 | 0x02800000 | store, fixed_vm, "vs3, (rs1)", Kind.VMEM)
    yield InsnSpec("vlm.v", 0x02B00000 | load, fixed_vm, "vd, (rs1)", Kind.VMEM)
    yield InsnSpec("vsm.v", 0x02B00000 | store, fixed_vm, "vs3, (rs1)", Kind.VMEM)


# Operand categories: funct3 and source operand. OPIVV, OPIVX, OPIVI, the same with an unsigned immediate; OPMVV, OPMVX.
_CATEGORY = {
    "v": (0, "vs1"),
    "x": (4, "rs1"),
    "i": (3, "imm_v"),
    "u": (3, "uimm"),
    "V": (2, "vs1"),
    "X": (6, "rs1"),
}
# funct6 of the operations on elements, with their categories (E-5, E-13, E-19 to E-24). In those called WIDE vs2 has
# elements of 2*SEW bits.
_OPI = {
    0x00: ("vadd", "vxi"),
    0x02: ("vsub", "vx"),
    0x03: ("vrsub", "xi"),
    0x04: ("vminu", "vx"),
    0x05: ("vmin", "vx"),
    0x06: ("vmaxu", "vx"),
    0x07: ("vmax", "vx"),
    0x09: ("vand", "vxi"),
    0x0A: ("vor", "vxi"),
    0x0B: ("vxor", "vxi"),
    0x0E: ("vslideup", "xu"),
    0x0F: ("vslidedown", "xu"),
    0x18: ("vmseq", "vxi"),
    0x19: ("vmsne", "vxi"),
    0x1A: ("vmsltu", "vx"),
    0x1B: ("vmslt", "vx"),
    0x1C: ("vmsleu", "vxi"),
    0x1D: ("vmsle", "vxi"),
    0x1E: ("vmsgtu", "xi"),
    0x1F: ("vmsgt", "xi"),
    0x25: ("vsll", "vxu"),
    0x28: ("vsrl", "vxu"),
    0x29: ("vsra", "vxu"),
}
_OPI_WIDE = {0x2C: ("vnsrl", "vxu"), 0x2D: ("vnsra", "vxu")}
_OPM = {
    0x0E: ("vslide1up", "X"),
    0x0F: ("vslide1down", "X"),
    0x24: ("vmulhu", "VX"),
    0x25: ("vmul", "VX"),
    0x26: ("vmulhsu", "VX"),
    0x27: ("vmulh", "VX"),
    0x30: ("vwaddu", "VX"),
    0x31: ("vwadd", "VX"),
    0x32: ("vwsubu", "VX"),
    0x33: ("vwsub", "VX"),
    0x38: ("vwmulu", "VX"),
    0x3A: ("vwmulsu", "VX"),
    0x3B: ("vwmul", "VX"),
}
_OPM_WIDE = {
    0x34: ("vwaddu", "VX"),
    0x35: ("vwadd", "VX"),
    0x36: ("vwsubu", "VX"),
    0x37: ("vwsub", "VX"),
}
# These overwrite an operand, and the assembler wants vs2 last (E-21).
_OPM_ADD = {
    0x29: ("vmadd", "VX"),
    0x2B: ("vnmsub", "VX"),
    0x2D: ("vmacc", "VX"),
    0x2F: ("vnmsac", "VX"),
    0x3C: ("vwmaccu", "VX"),
    0x3D: ("vwmacc", "VX"),
    0x3E: ("vwmaccus", "X"),
    0x3F: ("vwmaccsu", "VX"),
}
_REDUCTIONS = ("vredsum", "vredand", "vredor", "vredxor", "vredminu", "vredmin", "vredmaxu", "vredmax")  # by funct6
_WIDENING_REDUCTIONS = ("vwredsumu", "vwredsum")  # funct6 0x30 + index (E-23)
_EXTENSIONS = ("vzext.vf8", "vsext.vf8", "vzext.vf4", "vsext.vf4", "vzext.vf2", "vsext.vf2")  # vs1 2 + index (E-17)
_MASK_LOGIC = ("vmandn", "vmand", "vmor", "vmxor", "vmorn", "vmnand", "vmnor", "vmxnor")  # funct6 0x18 + index (E-15)


def _operations(
    rows: Mapping[int, tuple[str, str]], wide: str = "v", *, vs2_last: bool = False, kind: Kind = Kind.VOP
) -> Iterator[InsnSpec]:
    """Return the rows of operations given by funct6; `wide` is the letter of vs2 in the mnemonic."""
    for funct6, (name, categories) in rows.items():
        for category in categories:
            funct3, source = _CATEGORY[category]
            form = {"u": "i"}.get(category, category.lower())
            syntax = f"vd, {source}, vs2 vm" if vs2_last else f"vd, vs2, {source} vm"
            match = funct6 << 26 | funct3 << 12 | _OP_V
            yield InsnSpec(f"{name}.{wide}{form}", match, _F6_MASK, syntax, kind)


def _vector() -> Iterator[InsnSpec]:
    yield InsnSpec("vsetvli", 0x00007057, 0x8000707F, "rd, rs1, vtypei11", Kind.VSET)
    yield InsnSpec("vsetivli", 0xC0007057, 0xC000707F, "rd, uimm, vtypei10", Kind.VSET)
    yield InsnSpec("vsetvl", 0x80007057, 0xFE00707F, "rd, rs1, rs2", Kind.VSET)
    yield from _operations(_OPI)
    yield from _operations(_OPI_WIDE, "w")
    yield from _operations(_OPM)
    yield from _operations(_OPM_WIDE, "w")
    yield from _operations(_OPM_ADD, vs2_last=True)
    for category in "vxi":
        funct3, source = _CATEGORY[category]
        match = 0x17 << 26 | funct3 << 12 | _OP_V
        yield InsnSpec(f"vmerge.v{category}m", match, _F6_MASK | _VM, f"vd, vs2, {source}, v0", Kind.VOP)
        yield InsnSpec(f"vmv.v.{category}", match | _VM, _F6_MASK | _VM | _VS2_MASK, f"vd, {source}", Kind.VOP)
    for index, name in enumerate(_REDUCTIONS):
        yield InsnSpec(f"{name}.vs", index << 26 | 0x2057, _F6_MASK, "vd, vs2, vs1 vm", Kind.VOP)
    for index, name in enumerate(_WIDENING_REDUCTIONS):
        yield InsnSpec(f"{name}.vs", 0x30 + index << 26 | _OP_V, _F6_MASK, "vd, vs2, vs1 vm", Kind.VOP)
    for index, name in enumerate(_EXTENSIONS):
        yield InsnSpec(name, 0x12 << 26 | 2 + index << 15 | 0x2057, _F6_MASK | _VS1_MASK, "vd, vs2 vm", Kind.VOP)
    for index, name in enumerate(_MASK_LOGIC):
        yield InsnSpec(f"{name}.mm", 0x18 + index << 26 | _VM | 0x2057, _F6_MASK | _VM, "vd, vs2, vs1", Kind.VOP)
    yield InsnSpec("vmv.s.x", 0x42006057, _F6_MASK | _VM | _VS2_MASK, "vd, rs1", Kind.VOP)
    yield InsnSpec("vmv.x.s", 0x42002057, _F6_MASK | _VM | _VS1_MASK, "rd, vs2", Kind.VOP)
    yield InsnSpec("vcpop.m", 0x40082057, _F6_MASK | _VS1_MASK, "rd, vs2 vm", Kind.VOP)
    yield InsnSpec("vfirst.m", 0x4008A057, _F6_MASK | _VS1_MASK, "rd, vs2 vm", Kind.VOP)
    yield InsnSpec("viota.m", 0x50082057, _F6_MASK | _VS1_MASK, "vd, vs2 vm", Kind.VOP)
    yield InsnSpec("vid.v", 0x5008A057, _F6_MASK | _VS2_MASK | _VS1_MASK, "vd vm", Kind.VOP)
    for regs in (1, 2, 4, 8):
        match = 0x9E003057 | regs - 1 << 15
        yield InsnSpec(f"vmv{regs}r.v", match, _F6_MASK | _VM | _VS1_MASK, "vd, vs2", Kind.VOP)


# What the block lacks: rows for disassembly, so that a report can name what a program wanted, and for harts that stand
# for other cores, which execute the integer vector instructions among them, and moves of floating point.
_ABSENT_OPI = {
    0x0C: ("vrgather", "vxu"),
    0x0E: ("vrgatherei16", "v"),
    0x20: ("vsaddu", "vxi"),
    0x21: ("vsadd", "vxi"),
    0x22: ("vssubu", "vx"),
    0x23: ("vssub", "vx"),
    0x27: ("vsmul", "vx"),
    0x2A: ("vssrl", "vxu"),
    0x2B: ("vssra", "vxu"),
}
_ABSENT_OPI_WIDE = {0x2E: ("vnclipu", "vxu"), 0x2F: ("vnclip", "vxu")}
_ABSENT_OPM = {
    0x08: ("vaaddu", "VX"),
    0x09: ("vaadd", "VX"),
    0x0A: ("vasubu", "VX"),
    0x0B: ("vasub", "VX"),
    0x20: ("vdivu", "VX"),
    0x21: ("vdiv", "VX"),
    0x22: ("vremu", "VX"),
    0x23: ("vrem", "VX"),
}
_CARRIES = {0x10: ("vadc", "vxi"), 0x11: ("vmadc", "vxi"), 0x12: ("vsbc", "vx"), 0x13: ("vmsbc", "vx")}
_SET_MASK = {1: "vmsbf.m", 2: "vmsof.m", 3: "vmsif.m"}  # by vs1


def _absent() -> Iterator[InsnSpec]:
    yield from _operations(_ABSENT_OPI)
    yield from _operations(_ABSENT_OPI_WIDE, "w")
    yield from _operations(_ABSENT_OPM)
    for funct6, (name, categories) in _CARRIES.items():
        for category in categories:
            funct3, source = _CATEGORY[category]
            match, mask = funct6 << 26 | funct3 << 12 | _OP_V, _F6_MASK | _VM
            yield InsnSpec(f"{name}.v{category}m", match, mask, f"vd, vs2, {source}, v0", Kind.VOP)
            if name.startswith("vm"):
                yield InsnSpec(f"{name}.v{category}", match | _VM, mask, f"vd, vs2, {source}", Kind.VOP)
    for vs1, name in _SET_MASK.items():
        match = 0x14 << 26 | vs1 << 15 | 0x2057
        yield InsnSpec(name, match, _F6_MASK | _VS1_MASK, "vd, vs2 vm", Kind.VOP)
    yield InsnSpec("vcompress.vm", 0x17 << 26 | _VM | 0x2057, _F6_MASK | _VM, "vd, vs2, vs1", Kind.VOP)
    for (eew, width), fields in product(_WIDTHS.items(), range(1, 9)):
        seg, segment = (f"seg{fields}", fields - 1 << 29 | width << 12) if fields > 1 else ("", width << 12)
        for letter, opcode, data in (("l", _VLOAD, "vd"), ("s", _VSTORE, "vs3")):
            row = segment | opcode
            if fields > 1:
                suffix = f"{seg}e{eew}"
                yield InsnSpec(f"v{letter}{suffix}.v", row, _MEMORY_MASK | _RS2, f"{data}, (rs1) vm", Kind.VMEM)
                syntax = f"{data}, (rs1), rs2 vm"
                yield InsnSpec(f"v{letter}s{suffix}.v", 2 << 26 | row, _MEMORY_MASK, syntax, Kind.VMEM)
                if letter == "l":
                    first_only = 0x01000000 | row
                    yield InsnSpec(f"vl{suffix}ff.v", first_only, _MEMORY_MASK | _RS2, "vd, (rs1) vm", Kind.VMEM)
            for mop, order in ((1, "u"), (3, "o")):
                name = f"v{letter}{order}x{seg}ei{eew}.v"
                yield InsnSpec(name, mop << 26 | row, _MEMORY_MASK, f"{data}, (rs1), vs2 vm", Kind.VMEM)


def _float() -> Iterator[InsnSpec]:
    """F and D."""
    fmadd = {0x43: "fmadd", 0x47: "fmsub", 0x4B: "fnmsub", 0x4F: "fnmadd"}
    three = {0x00: "fadd", 0x04: "fsub", 0x08: "fmul", 0x0C: "fdiv"}
    by_funct3 = {0x10: ("fsgnj", "fsgnjn", "fsgnjx"), 0x14: ("fmin", "fmax"), 0x50: ("fle", "flt", "feq")}
    integers = ("w", "wu", "l", "lu")
    for fmt, (letter, width, name) in enumerate((("s", 2, "w"), ("d", 3, "d"))):
        yield InsnSpec(f"fl{name}", width << 12 | _VLOAD, _I, "fd, imm_i(rs1)", Kind.FLOAT)
        yield InsnSpec(f"fs{name}", width << 12 | _VSTORE, _I, "fs2, imm_s(rs1)", Kind.FLOAT)
        for opcode, mnemonic in fmadd.items():
            yield InsnSpec(f"{mnemonic}.{letter}", fmt << 25 | opcode, 0x0600007F, "fd, fs1, fs2, fs3", Kind.FLOAT)

        def row(f7: int, funct3: int | None, rs2: int | None, mnemonic: str, syntax: str, fmt: int = fmt) -> InsnSpec:
            match = (f7 | fmt) << 25 | (funct3 or 0) << 12 | (rs2 or 0) << 20 | 0x53
            mask = _OPCODE | _F7 | (0 if funct3 is None else _F3) | (0 if rs2 is None else _RS2)
            return InsnSpec(mnemonic, match, mask, syntax, Kind.FLOAT)

        yield from (row(f7, None, None, f"{mnemonic}.{letter}", "fd, fs1, fs2") for f7, mnemonic in three.items())
        yield row(0x2C, None, 0, f"fsqrt.{letter}", "fd, fs1")
        for f7, names in by_funct3.items():
            target = "rd" if f7 == 0x50 else "fd"
            yield from (row(f7, f3, None, f"{text}.{letter}", f"{target}, fs1, fs2") for f3, text in enumerate(names))
        yield row(0x70, 0, 0, f"fmv.x.{name}", "rd, fs1")
        yield row(0x78, 0, 0, f"fmv.{name}.x", "fd, rs1")
        yield row(0x70, 1, 0, f"fclass.{letter}", "rd, fs1")
        yield row(0x20, None, 1 - fmt, f"fcvt.{letter}.{'ds'[fmt]}", "fd, fs1")
        for rs2, integer in enumerate(integers):
            yield row(0x60, None, rs2, f"fcvt.{integer}.{letter}", "rd, fs1")
            yield row(0x68, None, rs2, f"fcvt.{letter}.{integer}", "fd, rs1")


TABLE: Mapping[str, InsnSpec] = {
    spec.mnemonic: spec for rows in (_scalar(), _system(), _vector_memory(), _vector()) for spec in rows
}
ABSENT: Mapping[str, InsnSpec] = {spec.mnemonic: spec for rows in (_absent(), _float()) for spec in rows}
_BY_OPCODE: dict[int, list[InsnSpec]] = {}
for _spec in TABLE.values():
    _BY_OPCODE.setdefault(_spec.match & _OPCODE, []).append(_spec)


@lru_cache(maxsize=1 << 16)
def decode(word: int) -> Decoded:
    """Decode a 32-bit instruction word.

    A word that no row matches decodes to mnemonic `.word`, kind UNKNOWN, without fields: an illegal instruction.
    """
    for spec in _BY_OPCODE.get(word & _OPCODE, ()):
        if word & spec.mask == spec.match:
            return _decoded(word, spec)
    return Decoded(word, UNKNOWN, {})


@lru_cache(maxsize=1 << 16)
def decode_with(word: int, kinds: frozenset[Kind]) -> Decoded:
    """Decode as :func:`decode`, and also what the block lacks of these kinds: VOP and VMEM, and FLOAT."""
    insn = decode(word)
    if insn.kind is not Kind.UNKNOWN or not kinds:
        return insn
    spec = _absent_row(word)
    return insn if spec is None or spec.kind not in kinds else _decoded(word, spec)


def _absent_row(word: int) -> InsnSpec | None:
    return next((spec for spec in ABSENT.values() if word & spec.mask == spec.match), None)


def _decoded(word: int, spec: InsnSpec) -> Decoded:
    return Decoded(word, spec, {operand.keyword: operand.extract(word) for operand in spec.operands})


def is_widening(d: Decoded) -> bool:
    """Tell whether an instruction writes a group of elements of 2*SEW bits (E-22)."""
    return d.mnemonic.startswith("vw") and not d.mnemonic.endswith(".vs")


def encode(mnemonic: str, **operands: int) -> int:
    """Encode an instruction from its operands by keyword.

    >>> hex(encode("vle8.v", vd=8, rs1=10, vm=0))
    '0x50407'

    Registers are numbers; `imm` is signed where the instruction sign-extends it, a byte offset for branches and
    jumps, and the 20-bit field for lui and auipc. `vm` may be left out (unmasked), and so may `aqrl` (0).

    Raises:
        HartError: unknown mnemonic, missing, surplus or out-of-range operand.
    """
    spec = TABLE.get(mnemonic) or ABSENT.get(mnemonic)
    if spec is None:
        raise HartError(f"unknown mnemonic {mnemonic!r}")
    word = spec.match
    left = dict(operands)
    for operand in spec.operands:
        value = left.pop(operand.keyword, _OPTIONAL.get(operand.keyword))
        if value is None:
            raise HartError(f"{mnemonic} {spec.syntax}: operand {operand.keyword} is missing")
        word |= operand.insert(value)
    if left:
        raise HartError(f"{mnemonic} {spec.syntax}: no operand {', '.join(left)}")
    return word


_X_NAMES = ["zero", "ra", "sp", "gp", "tp", "t0", "t1", "t2", "s0", "s1", *(f"a{i}" for i in range(8))]
_X_NAMES += [*(f"s{i}" for i in range(2, 12)), *(f"t{i}" for i in range(3, 7))]
_AQRL = ("", ".rl", ".aq", ".aqrl")


def _operand_text(name: str, value: int) -> str:
    if name in ("rd", "rs1", "rs2"):
        return _X_NAMES[value]
    if name in ("vd", "vs1", "vs2", "vs3"):
        return f"v{value}"
    if name in ("fd", "fs1", "fs2", "fs3"):
        return f"f{value}"
    if name == "vm":
        return "" if value else ", v0.t"
    if name == "csr":
        return CSR_NAMES.get(value, f"{value:#x}")
    if name in ("pred", "succ"):
        return "".join(letter for bit, letter in zip((8, 4, 2, 1), "iorw", strict=True) if value & bit) or "0"
    if name.startswith("vtypei"):
        return vtype_text(value)
    if name == "imm_u":
        return f"{value:#x}"
    return str(value)


def disassemble(word: int) -> str:
    """Return the instruction in standard assembler syntax.

    >>> disassemble(0x0C30_7ED7)
    'vsetvli t4, zero, e8, m8, ta, ma'

    Branch and jump targets are byte offsets from the instruction. Vector instructions that are not executed have their
    text, too; other unknown words give `.word 0x...`.
    """
    insn = decode(word)
    if insn.kind is Kind.UNKNOWN:
        spec = _absent_row(word)
        if spec is None:
            return f".word {word:#010x}"
        insn = _decoded(word, spec)
    mnemonic = insn.mnemonic + _AQRL[insn.fields.get("aqrl", 0)]

    def text(token: re.Match[str]) -> str:
        operand = OPERANDS[token[0]]
        if token[0] == "aqrl":
            return ""
        return _operand_text(token[0], insn.fields[operand.keyword]) if operand.pieces else token[0]

    operands = _TOKEN.sub(text, insn.spec.syntax).replace(" ,", ",").strip()
    return f"{mnemonic} {operands}" if operands else mnemonic
