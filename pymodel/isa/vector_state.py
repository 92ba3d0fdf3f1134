"""The vector registers and CSRs of one hart (A, E-16)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pymodel.isa.latitude import Latitude
from pymodel.isa.vtype import VILL, Vtype, decode_vtype

_DTYPES = {1: "<u1", 2: "<u2", 4: "<u4", 8: "<u8"}
Elements = NDArray[np.unsignedinteger]


class VectorState:
    """v0 to v31 and the vector CSRs.

    Attributes:
        regs: uint8 array of shape (32, VLEN/8), byte 0 of a register first; register groups are contiguous.
        flat: the same bytes as one array.
        elements: the same bytes as little-endian unsigned elements, by element size in bytes (1, 2, 4, 8).
        type: the decoded vtype.
        vl: vector length in elements. vxrm, vxsat: 2 and 1 bits.
    """

    def __init__(self, vlen: int, fill: int, latitude: Latitude) -> None:
        self.vlen = vlen
        self._wide_sew_vill = latitude.wide_sew_vill
        self.regs: NDArray[np.uint8] = np.full((32, vlen // 8), fill, np.uint8)
        self.flat = self.regs.reshape(-1)
        self.elements: dict[int, Elements] = {size: self.flat.view(name) for size, name in _DTYPES.items()}
        self.reset()

    def reset(self) -> None:
        """Reset the CSRs: vill, everything else 0; the registers keep their contents (A-14)."""
        self.type: Vtype = decode_vtype(VILL, self.vlen)
        self.vl = 0
        self._vstart = 0
        self._vxrm = 0
        self._vxsat = 0

    @property
    def vlenb(self) -> int:
        """The vlenb CSR: bytes in a register (A-13)."""
        return self.vlen // 8

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
        return self._vxrm

    @vxrm.setter
    def vxrm(self, value: int) -> None:
        self._vxrm = value & 3

    @property
    def vxsat(self) -> int:
        """The vxsat CSR: 1 bit (A-8)."""
        return self._vxsat

    @vxsat.setter
    def vxsat(self, value: int) -> None:
        self._vxsat = value & 1

    @property
    def vcsr(self) -> int:
        """The vcsr CSR: {vxrm, vxsat}, the same storage (A-9)."""
        return self._vxrm << 1 | self._vxsat

    @vcsr.setter
    def vcsr(self, value: int) -> None:
        self.vxsat = value
        self.vxrm = value >> 1

    def mask_bits(self, reg: int, start: int, stop: int) -> NDArray[np.bool_]:
        """Return bits `start` to `stop` - 1 of a mask register as booleans."""
        bits = np.unpackbits(self.regs[reg], count=stop, bitorder="little")
        return bits[start:].view(np.bool_)
