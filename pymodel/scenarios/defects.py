"""Known defects of kernel versions, and the invariants by which they show."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

from pymodel.kvm.version import KernelVersion


@dataclass(frozen=True)
class Defect:
    """A defect by its S-number: what it is, which versions have it, and which invariants it breaks."""

    name: str
    text: str
    present: Callable[[KernelVersion], bool]
    breaks: tuple[str, ...]


DEFECTS = (
    Defect(
        "S1",
        "vector one-reg ids share type 7 with the ISA-extension registers, which are tested first: "
        "no vector register can be read or written by user space",
        lambda version: version.vector_reg_type == 7,
        ("one-reg-round-trip",),
    ),
    Defect(
        "S2",
        "whether a guest has V is taken from a bit of the address of its ISA bitmap, not from the bitmap: "
        "a guest denied V gets it",
        lambda version: version.isa_from_address,
        ("novec-guest-off", "self-checks"),
    ),
    Defect(
        "S7",
        "vcpu_put writes 0 to hgatp, a line that an earlier commit had removed: it flushes the TLB where the VMID "
        "is no tag, and breaks any kernel that skips rewriting hgatp",
        lambda version: version.put_clears_hgatp,
        ("hgatp-kept",),
    ),
    Defect(
        "S22",
        "a process that was denied V by prctl still gives it to its guests",
        lambda version: not version.prctl_gates_v,
        ("novec-guest-off", "self-checks"),
    ),
)


def explanations(version: KernelVersion, broken: Collection[str]) -> list[Defect]:
    """Return the known defects of `version` that may be behind the broken invariants."""
    return [defect for defect in DEFECTS if defect.present(version) and set(defect.breaks) & set(broken)]
