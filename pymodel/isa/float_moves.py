# SPDX-License-Identifier: Apache-2.0
"""F and D as state: loads, stores, moves and sign injection, and when FS is Dirty. There is no arithmetic.

Harts that stand for other cores have it (`HartConfig.has_f`). FS gates and follows it as VS does vectors.
"""

from __future__ import annotations

from vctx.pymodel.isa.bits import M32, M64, sext
from vctx.pymodel.isa.compiled import Op
from vctx.pymodel.isa.encoding import Decoded
from vctx.pymodel.isa.errors import AbsentInsn
from vctx.pymodel.isa.state import HartState
from vctx.pymodel.trace.records import PAGE_SIZE

_OFFSET = PAGE_SIZE - 1
_BOX = M64 & ~M32  # the upper bits of a register that holds 32
_NAN = 0x7FC0_0000  # what a register holds that is not boxed
SIZES = {"w": 4, "d": 8, "s": 4}


def build_float(hart: HartState, d: Decoded, size: int) -> Op:
    """Bind an instruction of F or D to `hart`.

    The operation raises AbsentInsn for what is not modelled, if FS lets it execute at all.
    """
    name = d.mnemonic
    if name in ("flw", "fld"):
        return _load(hart, d, size)
    if name in ("fsw", "fsd"):
        return _store(hart, d, size)
    if name.startswith("fmv"):
        return _move(hart, d, size)
    if name.startswith("fsgnj"):
        return _sign(hart, d, size)

    def absent(pc: int) -> int:
        if not hart.float_on():
            raise hart.illegal(d.word)
        raise AbsentInsn(d.word)

    return absent


def _load(hart: HartState, d: Decoded, size: int) -> Op:
    x, f, mmu, memory = hart.x, hart.f, hart.mmu, hart.memory
    fd, rs1, imm, n = d.fields["fd"], d.fields["rs1"], d.fields["imm"], SIZES[d.mnemonic[-1]]

    def op(pc: int) -> int:
        if not hart.float_on():
            raise hart.illegal(d.word)
        address = x[rs1] + imm & M64
        value = memory.load(mmu.page(address, "load", n) | address & _OFFSET, n)
        f[fd] = value | _BOX if n == 4 else value
        hart.dirty_fs()
        return pc + size

    return op


def _store(hart: HartState, d: Decoded, size: int) -> Op:
    x, f, mmu = hart.x, hart.f, hart.mmu
    fs2, rs1, imm, n = d.fields["fs2"], d.fields["rs1"], d.fields["imm"], SIZES[d.mnemonic[-1]]

    def op(pc: int) -> int:
        if not hart.float_on():
            raise hart.illegal(d.word)
        address = x[rs1] + imm & M64
        hart.store_physical(mmu.page(address, "store", n) | address & _OFFSET, n, f[fs2])
        return pc + size

    return op


def _move(hart: HartState, d: Decoded, size: int) -> Op:
    x, f = hart.x, hart.f
    word = d.mnemonic in ("fmv.x.w", "fmv.w.x")
    to_x = "rd" in d.fields
    target, source = (d.fields["rd"], d.fields["fs1"]) if to_x else (d.fields["fd"], d.fields["rs1"])

    def op(pc: int) -> int:
        if not hart.float_on():
            raise hart.illegal(d.word)
        if to_x and target:
            x[target] = sext(f[source], 32) if word else f[source]
        elif not to_x:
            f[target] = x[source] & M32 | _BOX if word else x[source]
            hart.dirty_fs()
        return pc + size

    return op


def _sign(hart: HartState, d: Decoded, size: int) -> Op:
    f, fd, fs1, fs2 = hart.f, d.fields["fd"], d.fields["fs1"], d.fields["fs2"]
    kind, single = d.mnemonic.partition(".")[0], d.mnemonic.endswith(".s")
    sign = 1 << (31 if single else 63)

    def read(register: int) -> int:
        if not single:
            return f[register]
        return f[register] & M32 if f[register] & _BOX == _BOX else _NAN

    def op(pc: int) -> int:
        if not hart.float_on():
            raise hart.illegal(d.word)
        a, b = read(fs1), read(fs2)
        taken = {"fsgnj": b, "fsgnjn": ~b, "fsgnjx": a ^ b}[kind] & sign
        f[fd] = a & ~sign | taken | (_BOX if single else 0)
        hart.dirty_fs()
        return pc + size

    return op
