# SPDX-License-Identifier: Apache-2.0
"""The vector registers and CSRs of one hart (A, E-16)."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from vctx.pymodel.isa.latitude import Latitude
from vctx.pymodel.isa.vtype import VILL, Vtype, decode_vtype
from vctx.pymodel.trace.records import Registers, set_runs

_DTYPES = {1: "<u1", 2: "<u2", 4: "<u4", 8: "<u8"}
Elements = NDArray[np.unsignedinteger]
Booleans = NDArray[np.bool_]


class VectorState:
    """v0 to v31 and the vector CSRs.

    Attributes:
        vlen, vlenb: bits and bytes in a register; the latter is the vlenb CSR (A-13).
        regs: uint8 array of shape (32, VLEN/8), byte 0 of a register first; register groups are contiguous.
        flat: the same bytes as one array; `view` as a memoryview; `registers` as a memoryview for each register.
        elements: the same bytes as little-endian unsigned elements, by element size in bytes (1, 2, 4, 8).
        type: the decoded vtype.
        vl: vector length in elements. vxrm, vxsat: 2 and 1 bits.
    """

    def __init__(self, vlen: int, fill: int, latitude: Latitude) -> None:
        self.vlen = vlen
        vlenb = self.vlenb = vlen // 8
        # One buffer: numpy computes on many elements at once, a memoryview moves bytes at less cost.
        buffer = bytearray([fill]) * (32 * vlenb)
        self.view = memoryview(buffer)
        self.registers = [self.view[at : at + vlenb] for at in range(0, len(buffer), vlenb)]
        self.flat: NDArray[np.uint8] = np.frombuffer(buffer, np.uint8)
        self.regs = self.flat.reshape(32, vlenb)
        self._wide_sew_vill = latitude.wide_sew_vill
        self.elements: dict[int, Elements] = {size: self.flat.view(name) for size, name in _DTYPES.items()}
        self._spans = lru_cache(maxsize=256)(self._find_spans)  # programs use few groups, again and again
        self.reset()

    def reset(self) -> None:
        """Reset the CSRs: vill, everything else 0; the registers keep their contents (A-14)."""
        self.type: Vtype = decode_vtype(VILL, self.vlen)
        self.vl = 0
        self._vstart = 0  # executors read it here, as a property costs a call, and write the property
        self._vcsr = 0  # likewise

    @property
    def vtype(self) -> int:
        """The vtype CSR; an unsupported value becomes vill (A-11)."""
        return self.type.value

    @vtype.setter
    def vtype(self, value: int) -> None:
        self.type = decode_vtype(value, self.vlen, self._wide_sew_vill)

    @property
    def vstart(self) -> int:
        """The vstart CSR: log2(VLEN) bits (A-6, L-19)."""
        return self._vstart

    @vstart.setter
    def vstart(self, value: int) -> None:
        self._vstart = value & self.vlen - 1

    @property
    def vxrm(self) -> int:
        """The vxrm CSR: 2 bits (A-8)."""
        return self._vcsr >> 1

    @vxrm.setter
    def vxrm(self, value: int) -> None:
        self._vcsr = (value & 3) << 1 | self._vcsr & 1

    @property
    def vxsat(self) -> int:
        """The vxsat CSR: 1 bit (A-8)."""
        return self._vcsr & 1

    @vxsat.setter
    def vxsat(self, value: int) -> None:
        self._vcsr = self._vcsr & ~1 | value & 1

    @property
    def vcsr(self) -> int:
        """The vcsr CSR: {vxrm, vxsat}, the same storage (A-9)."""
        return self._vcsr

    @vcsr.setter
    def vcsr(self, value: int) -> None:
        self._vcsr = value & 7

    def values(self, regs: int) -> Registers:
        """Return the values of some registers, bit i of `regs` for v<i>."""
        return Registers(regs, b"".join(self._spans(regs)))

    def _find_spans(self, regs: int) -> list[memoryview]:
        """Return the bytes of some registers, those that adjoin as one."""
        vlenb = self.vlenb
        return [self.view[first * vlenb : (first + count) * vlenb] for first, count in set_runs(regs)]

    def mask_bits(self, reg: int, start: int, stop: int) -> Booleans:
        """Return bits `start` to `stop` - 1 of a mask register as booleans; not to be written."""
        return _booleans(self.registers[reg][: stop + 7 >> 3].tobytes(), stop)[start:]

    def mask_value(self, reg: int) -> int:
        """Return a mask register as an integer: bit i is mask bit i."""
        return int.from_bytes(self.registers[reg], "little")

    def write_mask(self, reg: int, bits: int, written: int) -> None:
        """Write those bits of a mask register that are set in `written`; the others stay (E-13, E-16)."""
        value = self.mask_value(reg) & ~written | bits & written
        self.registers[reg][:] = value.to_bytes(self.vlenb, "little")


@lru_cache(maxsize=1024)
def _booleans(data: bytes, count: int) -> Booleans:
    """Return the low `count` bits of a mask register's first bytes as booleans."""
    return np.unpackbits(np.frombuffer(data, np.uint8), count=count, bitorder="little").view(np.bool_)
