# SPDX-License-Identifier: Apache-2.0
"""Bit helpers and the field positions of the status registers (B-22, F-1)."""

from __future__ import annotations

M32 = (1 << 32) - 1
M64 = (1 << 64) - 1
SIGN64 = 1 << 63

# mstatus; sstatus and vsstatus hold a subset at the same positions.
SIE = 1 << 1
MIE = 1 << 3
SPIE = 1 << 5
MPIE = 1 << 7
SPP = 1 << 8
VS_SHIFT = 9
VS = 3 << VS_SHIFT
MPP_SHIFT = 11
MPP = 3 << MPP_SHIFT
FS = 3 << 13
MPRV = 1 << 17
SUM = 1 << 18
MXR = 1 << 19
TVM = 1 << 20
TW = 1 << 21
TSR = 1 << 22
UXL64 = 2 << 32
SXL64 = 2 << 34
GVA = 1 << 38
MPV = 1 << 39
SD = 1 << 63

# hstatus
HS_GVA = 1 << 6
SPV = 1 << 7
SPVP = 1 << 8
HU = 1 << 9
VTVM = 1 << 20
VTW = 1 << 21
VTSR = 1 << 22


def sext(value: int, bits: int) -> int:
    """Sign-extend the low `bits` bits of `value` to 64 bits, as an unsigned integer."""
    sign = 1 << (bits - 1)
    return (((value & ((1 << bits) - 1)) ^ sign) - sign) & M64


def signed(value: int, bits: int = 64) -> int:
    """Return the low `bits` bits of `value` as a Python integer in two's complement."""
    sign = 1 << (bits - 1)
    return ((value & ((1 << bits) - 1)) ^ sign) - sign
