# SPDX-License-Identifier: Apache-2.0
"""Where the fields of the kernel's structures lie, as the assembly in sw/ was built; the bits of its status CSRs."""

from __future__ import annotations

from collections.abc import Mapping

# sstatus, bits [10:9] VS; hstatus (B-1, B-22, F-1).
SR_SIE = 1 << 1
SR_SPIE = 1 << 5
SR_SPP = 1 << 8
SR_VS = 3 << 9
VS_OFF, VS_INITIAL, VS_CLEAN, VS_DIRTY = (field << 9 for field in range(4))
HSTATUS_SPV = 1 << 7
HSTATUS_SPVP = 1 << 8
HSTATUS_VTW = 1 << 21

# The order of struct kvm_vcpu_csr, which is that of struct kvm_riscv_csr and so of the CSR class of one-reg ids.
VCPU_CSRS = (
    *("vsstatus", "vsie", "vstvec", "vsscratch", "vsepc", "vscause", "vstval", "hvip", "vsatp", "scounteren"),
    "senvcfg",
)


class Layout:
    """The layout that a kernel program exports: `layout_<struct>_<field>` and `layout_<struct>_size`."""

    def __init__(self, constants: Mapping[str, int]) -> None:
        self._constants = {name.removeprefix("layout_"): value for name, value in constants.items()}

    def __getitem__(self, name: str) -> int:
        """Return the offset of field, or the size, `<struct>_<field>` in bytes."""
        return self._constants[name]

    def fields(self, struct: str) -> dict[str, int]:
        """Return the offset of each field of `struct`."""
        prefix = f"{struct}_"
        return {
            name.removeprefix(prefix): value
            for name, value in self._constants.items()
            if name.startswith(prefix) and name != f"{struct}_size"
        }
