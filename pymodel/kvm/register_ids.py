# SPDX-License-Identifier: Apache-2.0
"""The one-reg ids that a kernel version gives to vector registers and ISA extensions."""

from __future__ import annotations

from vctx.pymodel.kvm.abi import ISA_EXT_TYPE, LONG, VECTOR_CSRS, reg_id
from vctx.pymodel.kvm.layout import Layout
from vctx.pymodel.kvm.version import KernelVersion


def vector_csr_id(version: KernelVersion, layout: Layout, field: str) -> int:
    """Return the id of a vector CSR: the index of its long in the vector state (S17)."""
    return reg_id(version.vector_reg_type, layout[f"vstate_{field}"] // LONG)


def vector_reg_id(version: KernelVersion, layout: Layout, n: int, vlenb: int) -> int:
    """Return the id of v<n>, numbered behind the longs of the vector state (S17)."""
    return reg_id(version.vector_reg_type, layout["vstate_size"] // LONG + n, vlenb)


def isa_ext_id(version: KernelVersion, extension: str) -> int:
    """Return the id of an ISA_EXT register (S8)."""
    return reg_id(ISA_EXT_TYPE, version.isa_ext_ids.index(extension))


def vector_ids(version: KernelVersion, layout: Layout, vlenb: int) -> dict[str, int]:
    """Return the id of every vector register that the version has, and of ISA_EXT V, by name."""
    fields = (*VECTOR_CSRS, "vlenb") if version.vlenb_in_state and version.vlenb_register else VECTOR_CSRS
    ids = {field: vector_csr_id(version, layout, field) for field in fields}
    ids |= {f"v{n}": vector_reg_id(version, layout, n, vlenb) for n in range(32)}
    return ids | {f"isa.{name}": isa_ext_id(version, name) for name in ("svpbmt", "sstc", "v")}
