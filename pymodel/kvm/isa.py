# SPDX-License-Identifier: Apache-2.0
"""A guest's ISA bitmap: which bit is which extension, who may change it, and whether the guest has V."""

from __future__ import annotations

from vctx.pymodel.isa import Hart
from vctx.pymodel.kvm.abi import ISA_EXT
from vctx.pymodel.kvm.state import Vcpu

_LETTERS = 26

BASE_ISA_MASK = (1 << _LETTERS) - 1
_V_BIT = ord("v") - ord("a")


def isa_bit(extension: str) -> int:
    """Return the bit number of an extension: single letters as in misa, the others behind them."""
    if len(extension) == 1:
        return ord(extension) - ord("a")
    return _LETTERS + ISA_EXT.index(extension)


def isa_has(vcpu: Vcpu, extension: str) -> bool:
    """Whether the bitmap of the guest's ISA has `extension`."""
    return bool(vcpu.isa >> isa_bit(extension) & 1)


def guest_has_v(vcpu: Vcpu) -> bool:
    """Whether the kernel takes the guest to have V, which in the posted patch depends on where the bitmap lies (S2)."""
    if vcpu.kernel.version.isa_from_address:
        return bool(vcpu.isa_address >> _V_BIT & 1)
    return isa_has(vcpu, "v")


def isa_enable_allowed(vcpu: Vcpu, extension: str) -> bool:
    """Whether user space may give the guest `extension` (S22)."""
    if extension == "v" and vcpu.kernel.version.prctl_gates_v:
        return vcpu.kernel.prctl_v_allowed
    return extension != "h"


def isa_disable_allowed(extension: str) -> bool:
    """Whether user space may take `extension` from the guest; what has no enable bit in hardware stays."""
    return extension in {"d", "f", "h", "v", "svpbmt", "zicbom", "zicboz"}


def setup_isa(vcpu: Vcpu, hart: Hart) -> None:
    """Give a new guest everything that the host has and its creator may pass on."""
    kernel = vcpu.kernel
    bits = 0
    for extension in kernel.version.isa_ext_ids:
        if extension in kernel.host_isa and isa_enable_allowed(vcpu, extension):
            bits |= 1 << isa_bit(extension)
    vcpu.set_isa(hart, bits)
