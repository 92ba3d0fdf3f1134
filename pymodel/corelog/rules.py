# SPDX-License-Identifier: Apache-2.0
"""Which items of docs/specification.md a difference is about: from the instruction, the register and the bits."""

from __future__ import annotations

from vctx.pymodel.isa import Csr, bits
from vctx.pymodel.isa.csr_numbers import CSR_NAMES, STATUS_CSRS, VECTOR_CSRS
from vctx.pymodel.isa.encoding import Decoded, Kind

_VECTOR = {
    Csr.VSTART: "A-6, A-7",
    Csr.VXSAT: "A-8, A-9",
    Csr.VXRM: "A-8, A-9",
    Csr.VCSR: "A-9",
    Csr.VL: "C-6, A-10",
    Csr.VTYPE: "C-3, A-11",
    Csr.VLENB: "A-13",
}
_FIELDS = {
    "SIE": bits.SIE,
    "MIE": bits.MIE,
    "SPIE": bits.SPIE,
    "UBE": 1 << 6,
    "MPIE": bits.MPIE,
    "SPP": bits.SPP,
    "VS": bits.VS,
    "MPP": bits.MPP,
    "FS": bits.FS,
    "XS": 3 << 15,
    "MPRV": bits.MPRV,
    "SUM": bits.SUM,
    "MXR": bits.MXR,
    "TVM": bits.TVM,
    "TW": bits.TW,
    "TSR": bits.TSR,
    "UXL": 3 << 32,
    "SXL": 3 << 34,
    "SBE": 1 << 36,
    "MBE": 1 << 37,
    "GVA": bits.GVA,
    "MPV": bits.MPV,
    "SD": bits.SD,
}
_TRAP_CSRS = frozenset({Csr.MEPC, Csr.MCAUSE, Csr.SEPC, Csr.SCAUSE, Csr.VSEPC, Csr.VSCAUSE})
_TVAL_CSRS = frozenset({Csr.MTVAL, Csr.STVAL, Csr.VSTVAL})
_KINDS = {
    Kind.VSET: "C-1 to C-10",
    Kind.VMEM: "D",
    Kind.VOP: "E",
    Kind.CSR: "F-7",
    Kind.SYSTEM: "F-6, F-7",
    Kind.HLOAD: "F-7",
    Kind.HSTORE: "F-7",
}
SCALAR = "RV64"


def of_csr(csr: int, core: int, model: int, virt: bool, *, written: bool = False) -> list[tuple[str, str]]:
    """Return (rule, what) for a CSR whose value differs; of a status register for each field that does.

    Args:
        csr, core, model: the register, and what each has.
        virt: V.
        written: an instruction that accesses a status register left that; so no Dirty is missing.
    """
    name = CSR_NAMES.get(csr, f"{csr:#x}")
    if csr not in STATUS_CSRS:
        if csr in _VECTOR:
            return [(_VECTOR[Csr(csr)], name)]
        if csr in _TVAL_CSRS:
            return [("B-17", name)]
        return [("F-4" if csr in _TRAP_CSRS else "F-2", name)]
    out = []
    left = core ^ model
    if left & (bits.VS | bits.FS) and bool(core & bits.SD) == _summary(core):
        left &= ~bits.SD  # it follows from what is wrong
    for field, mask in _FIELDS.items():
        if left & mask:
            out.append((_of_field(field, csr, model & mask, virt, written), f"{name}.{field}"))
            left &= ~mask
    if left:
        out.append(("B-22", f"{name}, bits {left:#x}"))
    return out


def _summary(status: int) -> bool:
    """Return SD as the fields of a status register make it (B-12)."""
    return any(status & mask == mask for mask in (bits.VS, bits.FS, _FIELDS["XS"]))


def _of_field(field: str, csr: int, model: int, virt: bool, written: bool) -> str:
    guest = csr == Csr.VSSTATUS or (csr == Csr.SSTATUS and virt)
    if field == "SD":
        return "B-12"
    if field in ("VS", "FS"):
        if not written and (model == bits.VS or (field == "FS" and model == bits.FS)):
            return "B-13" if guest else "B-8"
        return "B-4, B-15" if guest else "B-3, B-7"
    return "F-4, F-6" if field in ("SPP", "SPIE", "SIE", "MPP", "MPIE", "MIE", "MPV", "GVA") else "B-22"


def writes_status(d: Decoded) -> bool:
    """Return whether an instruction accesses a status register."""
    return d.kind is Kind.CSR and d.fields["csr"] in STATUS_CSRS


def of_insn(d: Decoded) -> str:
    """Return the rules about what an instruction computes."""
    if d.kind is Kind.CSR and d.fields["csr"] in VECTOR_CSRS:
        return _VECTOR[Csr(d.fields["csr"])]
    return _KINDS.get(d.kind, SCALAR)


def of_trap(d: Decoded, cause: int | None, expected: int | None, virt: bool) -> str:
    """Return the rules about an instruction that traps as it must not, or does not trap as it must.

    Args:
        d: the instruction.
        cause, expected: what the core and the model say; None for no trap.
        virt: V.
    """
    if {cause, expected} == {2, 22}:
        return "B-16, F-7"
    illegal = {cause, expected} & {2, 22}
    if d.kind is Kind.CSR and illegal:
        csr = d.fields["csr"]
        if csr in VECTOR_CSRS:
            return "A-3, A-4"
        return "F-7"
    if d.kind in (Kind.VSET, Kind.VMEM, Kind.VOP) and illegal:
        return "A-3, B-5, B-14" if virt else "B-5, " + _KINDS[d.kind]
    if d.kind is Kind.VMEM:
        return "D-8"
    return _KINDS.get(d.kind, SCALAR)


def trap_differs(d: Decoded, cause: int | None, expected: int | None, virt: bool) -> tuple[str, str]:
    """Return (rule, what) for a trap that is taken, or not, against the rules; arguments as of `of_trap`."""
    if cause is None:
        what = f"{d.mnemonic} executes, must trap with cause {expected}"
    elif expected is None:
        what = f"{d.mnemonic} traps with cause {cause}, must execute"
    else:
        what = f"{d.mnemonic}: cause {cause}, must be {expected}"
    return of_trap(d, cause, expected, virt), what
