# SPDX-License-Identifier: Apache-2.0
"""Group A: the vector unit itself, its CSRs and the VS fields, as a hypervisor meets them."""

from __future__ import annotations

from itertools import product

from vctx.pymodel.isa import Csr, Hart
from vctx.pymodel.kvm.kernel import Kernel
from vctx.pymodel.kvm.layout import SR_VS, VS_CLEAN, VS_DIRTY, VS_INITIAL, VS_OFF
from vctx.pymodel.scenarios.context import VREGS, VectorContext
from vctx.pymodel.scenarios.lab import VLEN, Group, Lab

GROUP = Group("A", "vector unit and its CSRs")

VECTOR_CSRS = (Csr.VSTART, Csr.VXSAT, Csr.VXRM, Csr.VCSR, Csr.VL, Csr.VTYPE, Csr.VLENB)
E8M8 = 0xC3  # e8, m8, ta, ma
VILL = 1 << 63
_ILLEGAL = "trap, cause 2"
VS_NAMES = {VS_OFF: "Off", VS_INITIAL: "Initial", VS_CLEAN: "Clean", VS_DIRTY: "Dirty"}


def set_vs(kernel: Kernel, hart: Hart, csr: Csr, vs: int) -> None:
    """Set the VS field of sstatus or vsstatus from HS-mode."""
    kernel.csr_clear(hart, csr, SR_VS)
    kernel.csr_set(hart, csr, vs)


def get_vs(kernel: Kernel, hart: Hart, csr: Csr) -> int:
    """Return the VS field, in place, as HS-mode reads it."""
    return kernel.csr_read(hart, csr) & SR_VS


def pattern(vsize: int, salt: int = 1) -> bytes:
    """Return register contents in which every byte says where it belongs."""
    return bytes((at * 29 + (at >> 8) * 7 + salt * 101) & 0xFF for at in range(vsize))


@GROUP.scenario(1, checks=["off-traps"])
def vs_off_closes_the_unit(lab: Lab) -> None:
    """With VS Off, all seven CSRs, vsetvli, vle8 and vse8 trap and change nothing."""
    kernel = lab.kernel()
    hart = kernel.harts[0]
    lab.put_on_hart(kernel, hart, VectorContext(pattern(kernel.vsize), 3, 5, 0, 6))
    set_vs(kernel, hart, Csr.SSTATUS, VS_OFF)
    buffer = kernel.alloc.kzalloc(hart, kernel.vsize, "buffer")
    before = VectorContext.of_hart(hart)
    for csr in VECTOR_CSRS:
        lab.equal("off-traps", f"csrr {csr.name.lower()}", _ILLEGAL, lab.attempt(hart, "csrrs", rd=5, csr=csr, rs1=0))
        lab.equal(
            "off-traps", f"csrw {csr.name.lower()}", _ILLEGAL, lab.attempt(hart, "csrrw", 1, rd=0, csr=csr, rs1=6)
        )
    lab.equal("off-traps", "vsetvli", _ILLEGAL, lab.attempt(hart, "vsetvli", rd=5, rs1=0, vtypei=E8M8))
    lab.equal("off-traps", "vle8.v", _ILLEGAL, lab.attempt(hart, "vle8.v", buffer, vd=0, rs1=6))
    lab.equal("off-traps", "vse8.v", _ILLEGAL, lab.attempt(hart, "vse8.v", buffer, vs3=0, rs1=6))
    lab.same("off-traps", "state after ten refused instructions", before, VectorContext.of_hart(hart))
    lab.equal("off-traps", "memory after vse8.v", bytes(kernel.vsize), kernel.memory.read(buffer, kernel.vsize))


@GROUP.scenario(2, 3, checks=["off-traps", "vs-tracking"])
def two_enables(lab: Lab) -> None:
    """In a guest, vectors work only if VS is on at both levels; then both turn Dirty, else the cause is 2."""
    kernel = lab.kernel()
    hart = kernel.harts[0]
    for outer, inner in product(VS_NAMES, repeat=2):
        set_vs(kernel, hart, Csr.SSTATUS, outer)
        set_vs(kernel, hart, Csr.VSSTATUS, inner)
        hart.set_mode(1, True)
        found = lab.attempt(hart, "vsetivli", rd=5, uimm=3, vtypei=0)
        hart.set_mode(1, False)
        call = f"vsetivli in VS-mode, sstatus.VS {VS_NAMES[outer]}, vsstatus.VS {VS_NAMES[inner]}"
        legal = outer != VS_OFF and inner != VS_OFF
        lab.equal("off-traps", call, 3 if legal else _ILLEGAL, found)
        due = (VS_DIRTY, VS_DIRTY) if legal else (outer, inner)
        after = get_vs(kernel, hart, Csr.SSTATUS), get_vs(kernel, hart, Csr.VSSTATUS)
        lab.equal("vs-tracking", call, due, after)


@GROUP.scenario(3, checks=["vs-tracking"])
def host_leaves_the_guests_vs(lab: Lab) -> None:
    """What the host does with vectors dirties sstatus only; save and restore do not touch vsstatus."""
    kernel = lab.kernel()
    hart = kernel.harts[0]
    state = lab.context(kernel)
    for inner in VS_NAMES:
        set_vs(kernel, hart, Csr.VSSTATUS, inner)
        set_vs(kernel, hart, Csr.SSTATUS, VS_INITIAL)
        lab.attempt(hart, "vsetivli", rd=5, uimm=3, vtypei=0)
        lab.equal("vs-tracking", "vsetivli in HS-mode", VS_DIRTY, get_vs(kernel, hart, Csr.SSTATUS))
        for routine in ("vector_save", "vector_restore"):
            kernel.call(hart, routine, state.context)
            lab.equal("vs-tracking", f"{routine}: vsstatus.VS", inner, get_vs(kernel, hart, Csr.VSSTATUS))


@GROUP.scenario(4, 35, checks=["vs-tracking"])
def reads_may_stay_clean(lab: Lab) -> None:
    """Reading keeps VS Clean or makes it Dirty, both of which are allowed, and nothing else."""
    kernel = lab.kernel()
    hart = kernel.harts[0]
    buffer = kernel.alloc.kzalloc(hart, kernel.vsize, "buffer")
    lab.put_on_hart(kernel, hart, VectorContext(pattern(kernel.vsize), 0, 8, 0, 1))
    for name, operands in (
        *(("csrrs", {"rd": 5, "csr": csr, "rs1": 0}) for csr in VECTOR_CSRS),
        ("vse8.v", {"vs3": 8, "rs1": 6}),
    ):
        set_vs(kernel, hart, Csr.SSTATUS, VS_CLEAN)
        lab.attempt(hart, name, buffer if name == "vse8.v" else 0, **operands)
        after = get_vs(kernel, hart, Csr.SSTATUS)
        lab.check("vs-tracking", after in (VS_CLEAN, VS_DIRTY), f"{name} {operands}", "Clean or Dirty", VS_NAMES[after])


@GROUP.scenario(5, checks=["csr-rules"])
def csr_access_rules(lab: Lab) -> None:
    """vl, vtype and vlenb are read-only; vcsr has three bits, which vxrm and vxsat name too; SD follows VS."""
    kernel = lab.kernel()
    hart = kernel.harts[0]
    set_vs(kernel, hart, Csr.SSTATUS, VS_INITIAL)
    for csr in (Csr.VL, Csr.VTYPE, Csr.VLENB):
        lab.equal("csr-rules", f"csrw {csr.name.lower()}", _ILLEGAL, lab.attempt(hart, "csrrw", rd=0, csr=csr, rs1=6))
    for value, vcsr in ((VILL | 0xFF, 7), (0, 0), (5, 5)):
        kernel.csr_write(hart, Csr.VCSR, value)
        lab.equal("csr-rules", f"csrw vcsr, {value:#x}", vcsr, kernel.csr_read(hart, Csr.VCSR))
        lab.equal("csr-rules", "csrr vxrm", vcsr >> 1, kernel.csr_read(hart, Csr.VXRM))
        lab.equal("csr-rules", "csrr vxsat", vcsr & 1, kernel.csr_read(hart, Csr.VXSAT))
    kernel.csr_write(hart, Csr.VXRM, 3)
    lab.equal("csr-rules", "csrw vxrm, 3 over vcsr 5", 7, kernel.csr_read(hart, Csr.VCSR))
    for vs in VS_NAMES:
        set_vs(kernel, hart, Csr.SSTATUS, vs)
        sd = kernel.csr_read(hart, Csr.SSTATUS) >> 63
        lab.equal("csr-rules", f"SD with VS {VS_NAMES[vs]} and FS Off", int(vs == VS_DIRTY), sd)
    set_vs(kernel, hart, Csr.SSTATUS, VS_OFF)


@GROUP.scenario(6, checks=["vset-rules"])
def vset_results(lab: Lab) -> None:
    """AVL up to VLMAX is taken exactly, reserved vtypes give vill, and every vset* zeroes vstart."""
    kernel = lab.kernel()
    hart = kernel.harts[0]
    set_vs(kernel, hart, Csr.SSTATUS, VS_INITIAL)
    # vtype, AVL, the vl and vtype due; VLMAX of e8,m8 is VLEN.
    for vtype, avl, vl, after in (
        (E8M8, VLEN, VLEN, E8M8),
        (E8M8, 7, 7, E8M8),
        (0x18, 3, 3, 0x18),
        (0x04, 1, 0, VILL),  # vlmul 4 is reserved
        (0x20, 1, 0, VILL),  # vsew 4 is reserved
        (0x100, 1, 0, VILL),  # a bit above vma
        (VILL | E8M8, 1, 0, VILL),
    ):
        kernel.csr_write(hart, Csr.VSTART, 2)
        got = lab.attempt(hart, "vsetvl", avl, vtype, rd=5, rs1=6, rs2=7)
        call = f"vsetvl with AVL {avl}, vtype {vtype:#x}"
        found = got, kernel.csr_read(hart, Csr.VL), kernel.csr_read(hart, Csr.VTYPE), kernel.csr_read(hart, Csr.VSTART)
        lab.equal("vset-rules", call, (vl, vl, after, 0), found)
    set_vs(kernel, hart, Csr.SSTATUS, VS_OFF)


@GROUP.scenario(7, 8, checks=["vset-rules", "linear-image"])
def linear_image(lab: Lab) -> None:
    """At VLEN 128, 256 and 512: VLMAX of e8,m8 is 8*vlenb, and four stores are the image of all registers."""
    for vlen in (128, 256, 512):
        kernel = lab.kernel(vlen=vlen)
        hart = kernel.harts[0]
        image = pattern(kernel.vsize)
        lab.equal("linear-image", f"riscv_v_vsize at VLEN {vlen}", VREGS * vlen // 8, kernel.vsize)
        lab.put_on_hart(kernel, hart, VectorContext(image, 0, 0, 0, 0))
        set_vs(kernel, hart, Csr.SSTATUS, VS_INITIAL)
        got = lab.attempt(hart, "vsetvli", rd=5, rs1=0, vtypei=E8M8)
        lab.equal("vset-rules", f"vsetvli rd, x0, e8, m8 at VLEN {vlen}", vlen, got)
        buffer = kernel.alloc.kzalloc(hart, kernel.vsize, "buffer")
        for group in range(0, VREGS, 8):
            lab.attempt(hart, "vse8.v", buffer + group * vlen // 8, vs3=group, rs1=6)
        set_vs(kernel, hart, Csr.SSTATUS, VS_OFF)
        lab.equal("linear-image", f"four vse8.v at VLEN {vlen}", image, kernel.memory.read(buffer, kernel.vsize))
