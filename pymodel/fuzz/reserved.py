# SPDX-License-Identifier: Apache-2.0
"""Reserved encodings of the instructions that the block has: the golden model, the RTL and Spike all trap on them.

Reserved encodings next to instructions that only Spike has (indexed and segment accesses, division, fixed and floating
point, ...) are not here: nothing of those is ever generated.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from vctx.pymodel.isa.encoding import TABLE

_VM = 1 << 25
_LOAD, _STORE = 0x07, 0x27
_WIDTHS = (0, 5, 6, 7)
_WIDTH, _LUMOP, _MOP, _MEW, _NF = 0x7000, 0x1F << 20, 3 << 26, 1 << 28, 7 << 29
_OPCODE = 0x7F
_VS2, _VS1 = 0x1F << 20, 0x1F << 15
_F6 = 0xFC00707F
_OPIVV, _OPMVV, _OPIVI, _OPIVX, _OPMVX = 0x0057, 0x2057, 0x3057, 0x4057, 0x6057


@dataclass(frozen=True)
class Reserved:
    """Reserved words: those with `match` in the bits `mask`. `rule` is the item of the specification."""

    name: str
    rule: str
    match: int
    mask: int


def _memory() -> Iterator[Reserved]:
    unit = _OPCODE | _WIDTH | _LUMOP | _MOP | _MEW | _NF
    for store in (False, True):
        opcode, letter, sumop = (_STORE, "s", "sumop") if store else (_LOAD, "l", "lumop")
        for width in _WIDTHS:
            base = width << 12 | opcode
            for code in range(32):
                if code not in (0, 8, 11) and (store or code != 16):
                    yield Reserved(f"v{letter}e*.v, {sumop} {code}", "D-2", code << 20 | base, unit)
            yield Reserved(f"v{letter}e*.v, mew", "D-1", _MEW | base, _OPCODE | _WIDTH | _MOP | _MEW | _LUMOP | _NF)
            strided = _MEW | 2 << 26 | base
            yield Reserved(f"v{letter}se*.v, mew", "D-1", strided, _OPCODE | _WIDTH | _MOP | _MEW | _NF)
            yield Reserved(f"v{letter}<nr>r, masked", "D-17", 8 << 20 | base, unit & ~_NF | _VM)
            for nf in (2, 4, 5, 6):
                match = nf << 29 | _VM | 8 << 20 | base
                yield Reserved(f"v{letter}<nr>r, {nf + 1} registers", "D-17", match, unit | _VM)
            if width:
                yield Reserved(f"v{letter}m.v, wide", "D-16", _VM | 11 << 20 | base, unit | _VM)
                if store:
                    yield Reserved("vs<nr>r.v, wide", "D-17", _VM | 8 << 20 | base, unit & ~_NF | _VM)
        yield Reserved(f"v{letter}m.v, masked", "D-16", 11 << 20 | opcode, unit | _VM)
        for nf in range(1, 8):
            yield Reserved(f"v{letter}m.v, nf {nf}", "D-16", nf << 29 | _VM | 11 << 20 | opcode, unit | _VM)


def _each_nonzero(name: str, rule: str, spec: str, field: int) -> Iterator[Reserved]:
    """The words of an instruction whose `field`, which must be zero, has one given bit set."""
    row = TABLE[spec]
    for bit in range(32):
        if field >> bit & 1:
            yield Reserved(name, rule, row.match | 1 << bit, row.mask & ~field | 1 << bit)


def _operations() -> Iterator[Reserved]:
    for bit in range(25, 30):
        yield Reserved("vset*, bits 31:30 = 2", "C-1", 2 << 30 | 1 << bit | 0x7057, 3 << 30 | 1 << bit | 0x707F)
    for source in ("v", "x", "i"):
        yield from _each_nonzero("vmv.v.*, vs2 not 0", "E-6", f"vmv.v.{source}", _VS2)
    yield from _each_nonzero("vmv.s.x, vs2 not 0", "E-8", "vmv.s.x", _VS2)
    yield from _each_nonzero("vid.v, vs2 not 0", "E-12", "vid.v", _VS2)
    for name, rule in (("vmv.s.x", "E-8"), ("vmv.x.s", "E-7"), ("vmv1r.v", "E-11"), ("vmv8r.v", "E-11")):
        row = TABLE[name]
        yield Reserved(f"{name}, masked", rule, row.match & ~_VM, row.mask)
    for imm in sorted(set(range(32)) - {0, 1, 3, 7}):
        yield Reserved("vmv<nr>r.v, another count", "E-11", 0x27 << 26 | _VM | imm << 15 | _OPIVI, _F6 | _VM | _VS1)
    for row in TABLE.values():
        if row.mnemonic.endswith(".mm"):
            yield Reserved(f"{row.mnemonic}, masked", "E-15", row.match & ~_VM, row.mask)
    for name, funct6, category in (
        ("vsub.vi", 0x02, _OPIVI),
        ("vrsub.vv", 0x03, _OPIVV),
        ("vmsltu.vi", 0x1A, _OPIVI),
        ("vmslt.vi", 0x1B, _OPIVI),
        ("vmsgtu.vv", 0x1E, _OPIVV),
        ("vmsgt.vv", 0x1F, _OPIVV),
    ):
        yield Reserved(f"{name} does not exist", "E-5, E-13", funct6 << 26 | category, _F6)
    for vs1 in (*range(1, 16), *range(18, 32)):
        match = 0x10 << 26 | _VM | vs1 << 15 | _OPMVV
        yield Reserved("VWXUNARY0, another vs1", "E-7, E-25", match, _F6 | _VM | _VS1)
    for vs1 in (0, 1, *range(8, 32)):
        yield Reserved("VXUNARY0, another vs1", "E-17", 0x12 << 26 | vs1 << 15 | _OPMVV, _F6 | _VS1)
    for vs1 in (0, *range(4, 16), *range(18, 32)):
        yield Reserved("VMUNARY0, another vs1", "E-26", 0x14 << 26 | vs1 << 15 | _OPMVV, _F6 | _VS1)
    for name, rule, funct6s, category in (
        ("vmin.vi, vmax.vi", "E-20", range(0x04, 0x08), _OPIVI),
        ("vred*.vx", "E-23", range(0x00, 0x08), _OPMVX),
        ("vwredsum.vx", "E-23", range(0x30, 0x32), _OPIVX),
        ("vwredsum.vi", "E-23", range(0x30, 0x32), _OPIVI),
        ("vslide1up.vv, vslide1down.vv", "E-24", range(0x0E, 0x10), _OPMVV),
        ("vslidedown.vv", "E-24", (0x0F,), _OPIVV),
        ("multiply-add, another funct6", "E-21", (0x28, 0x2A, 0x2C, 0x2E), _OPMVV),
        ("vwmaccus.vv", "E-22", (0x3E,), _OPMVV),
        ("widening multiply, another funct6", "E-22", (0x39,), _OPMVX),
    ):
        for funct6 in funct6s:
            yield Reserved(f"{name} does not exist", rule, funct6 << 26 | category, _F6)


RESERVED: tuple[Reserved, ...] = (*_memory(), *_operations())
