"""Kernel versions as sets of small choices.

Every field is one difference between kernels that a guest, user space, the bus or an invariant can see; its docstring
names the fact (S-number) that it stands for. A version is nothing but a value of :class:`KernelVersion`, so a single
choice is tried with `dataclasses.replace(V6_5, put_clears_hgatp=True)`.

What every version here has in common is in the code: the leak of a failed create (S5), the shared buffer of the live
and the reset context (S6), the guest buffer that is not zeroed by its allocation (S9), Clean without V (S11), the ISA
change that does not repeat the reset (S12), VS Off after every save and restore (S14), reset values by template and
vtype = 0 (S15, S16), no validation of vector CSRs (S19), the eager host side (S23), dirty state dropped without V
(S24).
"""

from __future__ import annotations

from dataclasses import dataclass

from pymodel.errors import UsageError


@dataclass(frozen=True)
class KernelVersion:
    """One kernel's behaviour.

    Attributes:
        name: what the command line calls it.
        program: which build of the kernel's assembly, and with it the layout of the vector state: five longs, or six
            with vlenb before datap (S17).
        vector_reg_type: type number of the vector class of one-reg ids. 7 is also that of ISA_EXT, so no vector
            register can be reached; 9 is the final one (S1).
        isa_ext_ids: names of the ISA_EXT registers, by number. V inserted at 7 renumbers what follows it (S8).
        isa_from_address: whether a guest has V is bit 21 of the address of its ISA bitmap, not of the bitmap (S2).
        get_reg_uninitialised: reading a vector register of a guest without V follows a stale stack word (S3).
        host_save_checks_v: host save and restore do nothing on a host without V; otherwise they trap there (S4).
        put_clears_hgatp: vcpu_put writes 0 to hgatp (S7).
        reset_needs_v: reset zeroes the guest's buffer only if the guest has V. Otherwise always, a null pointer with
            size 0 included (S9, S10).
        prctl_gates_v: a process that was denied V by prctl cannot give it to a guest (S22).
    """

    name: str
    program: str
    vector_reg_type: int
    isa_ext_ids: tuple[str, ...]
    isa_from_address: bool
    get_reg_uninitialised: bool
    host_save_checks_v: bool
    put_clears_hgatp: bool
    reset_needs_v: bool
    prctl_gates_v: bool


V12 = KernelVersion(
    name="v12",
    program="kernel",
    vector_reg_type=7,
    isa_ext_ids=("a", "c", "d", "f", "h", "i", "m", "v", "svpbmt", "sstc"),
    isa_from_address=True,
    get_reg_uninitialised=True,
    host_save_checks_v=False,
    put_clears_hgatp=True,
    reset_needs_v=False,
    prctl_gates_v=False,
)
"""The patch as posted (v12 16/17, September 2022), with its defects."""

V6_5 = KernelVersion(
    name="v6.5",
    program="kernel-vlenb",
    vector_reg_type=9,
    isa_ext_ids=(
        *("a", "c", "d", "f", "h", "i", "m", "svpbmt", "sstc", "svinval", "zihintpause"),
        *("zicbom", "zicboz", "zbb", "ssaia", "v", "svnapot"),
    ),
    isa_from_address=False,
    get_reg_uninitialised=False,
    host_save_checks_v=True,
    put_clears_hgatp=False,
    reset_needs_v=True,
    prctl_gates_v=True,
)
"""As merged in Linux 6.5."""

versions: dict[str, KernelVersion] = {version.name: version for version in (V12, V6_5)}
"""Every version by name."""


def by_name(name: str) -> KernelVersion:
    """Return the version called `name`; UsageError names the allowed ones."""
    try:
        return versions[name]
    except KeyError:
        raise UsageError(f"unknown kernel version {name!r}; allowed are {', '.join(versions)}") from None
