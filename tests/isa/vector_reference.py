# SPDX-License-Identifier: Apache-2.0
"""What tests of vector arithmetic share: registers worked on an element at a time, and random situations."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st
from rig import CLEAN, DIRTY, Rig

from vctx.pymodel.isa import disassemble
from vctx.pymodel.isa.vtype import decode_vtype

LEGAL = [v for v in range(64) if not decode_vtype(v, 128).vill]


def signed(value: int, bits: int) -> int:
    return value - (value >> bits - 1 << bits)


class Reference:
    """The register file as one integer for each element, read and written one at a time."""

    def __init__(self, rig: Rig) -> None:
        self.bytes = bytearray(rig.vec.regs.tobytes())
        self.vlenb = rig.vec.vlenb
        self.written: set[int] = set()

    def get(self, reg: int, i: int, sew: int) -> int:
        at = reg * self.vlenb + i * sew // 8
        return int.from_bytes(self.bytes[at : at + sew // 8], "little")

    def set(self, reg: int, i: int, sew: int, value: int) -> None:
        at = reg * self.vlenb + i * sew // 8
        self.bytes[at : at + sew // 8] = (value & (1 << sew) - 1).to_bytes(sew // 8, "little")
        self.written.add(at // self.vlenb)

    def bit(self, reg: int, i: int) -> int:
        return self.bytes[reg * self.vlenb + i // 8] >> i % 8 & 1

    def set_bit(self, reg: int, i: int, value: int) -> None:
        at = reg * self.vlenb + i // 8
        self.bytes[at] = self.bytes[at] & ~(1 << i % 8) | bool(value) << i % 8
        self.written.add(reg)

    def check(self, rig: Rig) -> None:
        assert rig.vec.regs.tobytes() == bytes(self.bytes)
        expected = {r: bytes(self.bytes[r * self.vlenb : (r + 1) * self.vlenb]) for r in self.written}
        record = rig.insns[-1][2]
        assert record.trap is None, disassemble(rig.issue.insn)
        assert record.vregs == expected
        assert (record.vstart, record.mstatus_vs) == (0, DIRTY)


def prepare(data: st.DataObject, *, vstart: bool = False) -> tuple[Rig, int, int]:
    """Return a rig with random registers and a random vtype, vl and (if asked) vstart; and SEW and the group size."""
    rig = Rig(128, vstart_alu_trap=False)
    rig.randomise(np.random.default_rng(data.draw(st.integers(0, 2**32 - 1))))
    rig.set_vs(CLEAN, CLEAN)
    rig.vec.vtype = data.draw(st.sampled_from(LEGAL))
    rig.vec.vl = data.draw(st.integers(0, rig.vec.type.vlmax))
    if vstart:
        rig.vec.vstart = data.draw(st.integers(0, rig.vec.type.vlmax))
    return rig, rig.vec.type.sew, rig.vec.type.group


def register(data: st.DataObject, group: int, lowest: int = 0) -> int:
    return data.draw(st.integers(lowest, 32 // group - 1)) * group
