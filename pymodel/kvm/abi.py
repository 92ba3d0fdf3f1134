# SPDX-License-Identifier: Apache-2.0
"""What user space was compiled with: classes and numbers of one-reg, frozen for ever.

An id is architecture (63:56), log2 of the size in bytes (55:52), class (31:24) and number in the class (23:0); the
classes ISA_EXT, SBI_EXT, SBI_STATE and CSR split the number into a subtype (23:16) and a number.

The tables are literal on purpose: what a kernel version makes of its own choices is compared with them.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

ARCH_RISCV = 0x80 << 56
ARCH_MASK = 0xFF << 56
SIZE_SHIFT = 52
SIZE_MASK = 0xF << SIZE_SHIFT
TYPE_SHIFT = 24
TYPE_MASK = 0xFF << TYPE_SHIFT
SUBTYPE_MASK = 0xFF << 16

CONFIG, CORE, CSR, TIMER, FP_F, FP_D, ISA_EXT_TYPE, SBI_EXT_TYPE, SBI_STATE = 1, 2, 3, 4, 5, 6, 7, 8, 10
VECTOR_REG_TYPE = 9

SINGLE, MULTI_EN, MULTI_DIS = 0 << 16, 1 << 16, 2 << 16
"""Subtypes of ISA_EXT and SBI_EXT."""

CSR_SMSTATEEN = 2 << 16
"""The subtype of the CSR class for Smstateen; 0 is general, 1 AIA, 3 control-flow integrity (ssp)."""

LONG = 8

ISA_EXT = (
    *("a", "c", "d", "f", "h", "i", "m", "svpbmt", "sstc", "svinval", "zihintpause", "zicbom", "zicboz", "zbb"),
    *("ssaia", "v", "svnapot", "zba", "zbs", "zicntr", "zicsr", "zifencei", "zihpm", "smstateen", "zicond", "zbc"),
    *("zbkb", "zbkc", "zbkx", "zknd", "zkne", "zknh", "zkr", "zksed", "zksh", "zkt", "zvbb", "zvbc", "zvkb", "zvkg"),
    *("zvkned", "zvknha", "zvknhb", "zvksed", "zvksh", "zvkt", "zfh", "zfhmin", "zihintntl", "zvfh", "zvfhmin", "zfa"),
    *("ztso", "zacas", "sscofpmf", "zimop", "zca", "zcb", "zcd", "zcf", "zcmop", "zawrs"),
    *("smnpm", "ssnpm", "svade", "svadu", "svvptc", "zabha", "ziccrse", "zaamo", "zalrsc", "zicbop", "zfbfmin"),
    *("zvfbfmin", "zvfbfwma", "zclsd", "zilsd", "zalasr", "zicfilp", "zicfiss"),
)
"""ISA extensions by ISA_EXT number, as of Linux 7.3; an older kernel knows those up to some number."""

SBI_EXT = (
    *("v01", "time", "ipi", "rfence", "srst", "hsm", "pmu", "experimental", "vendor", "dbcn", "sta"),
    *("susp", "fwft", "mpxy"),
)
"""SBI extensions by SBI_EXT number, as of Linux 7.3."""

CONFIG_REGS = (
    *("isa", "zicbom_block_size", "mvendorid", "marchid", "mimpid", "zicboz_block_size", "satp_mode"),
    "zicbop_block_size",
)
"""CONFIG registers by number, as of Linux 7.3."""

MACHINE_IDS = ("mvendorid", "marchid", "mimpid")
"""Those of them that tell what the machine is."""

VECTOR_CSRS = ("vstart", "vl", "vtype", "vcsr")


def reg_id(reg_type: int, number: int, size: int = LONG) -> int:
    """Return the id of register `number` of a class, `size` bytes (a power of two)."""
    return ARCH_RISCV | (size.bit_length() - 1) << SIZE_SHIFT | reg_type << TYPE_SHIFT | number


def reg_size(register: int) -> int:
    """Return the size in bytes that an id names."""
    return 1 << ((register & SIZE_MASK) >> SIZE_SHIFT)


def _frozen(
    csrs: int, names: tuple[str, ...], v0: int, isa: int, isa_numbers: tuple[int, int, int]
) -> Mapping[str, int]:
    ids = {name: csrs + n for n, name in enumerate(names)} | {f"v{n}": v0 + n for n in range(32)}
    ids |= {f"isa.{name}": isa + n for name, n in zip(("svpbmt", "sstc", "v"), isa_numbers, strict=True)}
    return MappingProxyType(ids)


FROZEN: Mapping[str, Mapping[str, int]] = {
    "seed": _frozen(0x8030_0000_0700_0000, VECTOR_CSRS, 0x8040_0000_0700_0005, 0x8030_0000_0700_0000, (8, 9, 7)),
    "6.5": _frozen(0x8030_0000_0900_0000, VECTOR_CSRS, 0x8040_0000_0900_0006, 0x8030_0000_0700_0000, (7, 8, 15)),
    "newest": _frozen(
        0x8030_0000_0900_0000, (*VECTOR_CSRS, "vlenb"), 0x8040_0000_0900_0006, 0x8030_0000_0700_0000, (7, 8, 15)
    ),
}
"""The ids of vector registers and of the ISA_EXT numbers around V at VLEN 128, by ABI (facts, 3.2; items 46 and 59)."""
