# SPDX-License-Identifier: Apache-2.0
"""Kernel versions as sets of small choices.

Every field is one difference between kernels that a guest, user space, the bus or an invariant can see; its docstring
names the fact (S-number) that it stands for. A version is nothing but a value of :class:`KernelVersion`, so a single
choice is tried with `dataclasses.replace(CLEAN, put_clears_hgatp=True)`; :mod:`pymodel.kvm.defects` does that for every
S-number.
"""

from __future__ import annotations

import errno
from dataclasses import dataclass, replace
from pathlib import PurePath

from vctx.pymodel.errors import UsageError
from vctx.pymodel.kvm.abi import CONFIG_REGS, ISA_EXT, SBI_EXT, VECTOR_REG_TYPE

_SEED_V = 7  # where the posted patch inserted V into the ISA_EXT numbers


@dataclass(frozen=True)
class KernelVersion:
    """One kernel's behaviour.

    Attributes:
        name: what the command line calls it.
        abi: the table of :data:`~pymodel.kvm.abi.FROZEN` that programs made for it were compiled with (item 46).
        isa_ext_count: how many ISA extensions of :data:`~pymodel.kvm.abi.ISA_EXT` it knows.
        config_regs, csr_regs: number of CONFIG and of general CSR registers of one-reg.
        csr_subtypes: subtypes of the CSR class (general, AIA, Smstateen, CFI); with but one, the number of a register
            is looked at before the caller's memory.
        sbi_ext_count: how many SBI extensions of :data:`~pymodel.kvm.abi.SBI_EXT` it knows.
        multi_isa_ext: it has MULTI_EN and MULTI_DIS (from Linux 6.6 on); without, the number of an ISA_EXT register is
            looked at before the caller's memory.
        block_sizes_listed: the block sizes of Zicbom, Zicboz and Zicbop are there for every guest, 0 for one without
            the extension; otherwise they do not exist for it.
        smstateen_enoent: the Smstateen registers of a guest without it give ENOENT, otherwise EINVAL.
        sbi_classes: it has the SBI_EXT and SBI_STATE classes that the model implements, not an earlier form.
        reg_list: it has KVM_GET_REG_LIST.
        zve_is_vector: has_vector() is true for a host with Zve only: buffers exist, but no guest has V (item 44).
        mp_state_reset: KVM_CAP_RISCV_MP_STATE_RESET exists (facts, 3.7).
        user_restore_deferred: a task that is switched in gets its registers only when it returns to user mode.
        syscall_discards: a system call throws the caller's vector registers away.
        initial_is_discarded: a task in VS Initial finds not zeros but what a discard leaves (facts, 3.10).
        exits: which table of :data:`~pymodel.kvm.exit_causes.EXITS` says what becomes of a guest's trap.
        reset_scounteren: the guest's scounteren after a reset.

        vector_reg_type: type number of the vector class of one-reg ids. 7 is also that of ISA_EXT, so no vector
            register can be reached; 9 is the final one (S1).
        isa_from_address: whether a guest has V is bit 21 of the address of its ISA bitmap, not of the bitmap (S2).
        get_reg_uninitialised: reading a vector register of a guest without V follows a stale stack word (S3).
        host_save_checks_v: host save and restore do nothing on a host without V; otherwise they trap there (S4).
        unwinds_create: a failed create frees the buffer it had already got (S5).
        datap_in_template: the guest's buffer belongs to the reset context, and reset copies the pointer into the live
            one, so that two contexts name one buffer (S6). Otherwise the live context owns it, and reset keeps it.
        put_clears_hgatp: vcpu_put writes 0 to hgatp (S7).
        v_renumbers: V is inserted at ISA_EXT number 7, which moves everything behind it; otherwise it is 15 (S8).
        zeroes_guest_buffer: the guest's buffer is allocated zeroed (S9).
        reset_needs_v: reset zeroes the guest's buffer only if the guest has V. Otherwise always, a null pointer with
            size 0 included (S10).
        clean_without_v: the state of a guest without V is called Clean, which turns its VS on; otherwise Off (S11).
        toggle_resets: giving a guest V or taking it repeats the vector reset (S12).
        restore_at_load: vcpu_load restores the guest, and kernel-mode vector code in the run loop knows nothing of
            that (S13). Otherwise the guest is restored at its first entry, and kernel-mode vector code flushes it
            (facts, 3.9).
        keeps_vs: save and restore leave sstatus.VS as they found it, otherwise Off (S14).
        reset_clears_csrs: the vector reset itself clears vstart, vl, vtype and vcsr; otherwise they come with the copy
            of the reset context (S15).
        resets_to_vill: vtype after reset is vill, otherwise 0, a legal e8,m1 (S16).
        vlenb_in_state: the vector state holds vlenb, before datap, which moves the numbers of v0 to v31 (S17).
        vlenb_register: vlenb can be read and set, and the list names the vector registers (S18).
        legalises: what user space wrote to vl, vtype, vcsr and vstart is made legal, in memory, before it is loaded;
            otherwise memory keeps what no register can hold (S19).
        distinct_errors: ENOENT, EINVAL and EBUSY each have their meaning, and setting what is already so succeeds;
            otherwise EINVAL for nearly everything (S20).
        exports_symbols: what KVM uses of the kernel's vector code is exported, so that it can be a module (S21).
        prctl_gates_v: a process that was denied V by prctl cannot give it to a guest (S22).
        host_side_eager: vcpu_load saves the host's registers whether or not a process has anything in them (S23).
        drops_dirty_silently: dirty state of a guest without V is dropped without a warning (S24).
        vlenb_checks_size: setting vlenb refuses sizes that its stack variable cannot take (facts, 3.3).
        preempted_section: what becomes of a preemptible section of kernel-mode vector code that is preempted while its
            thread has a vCPU loaded: "lost", since vcpu_put overwrites its registers before they are saved, or "saved"
            (S25); "none" for a kernel without such sections.
        routines: a file of assembly with somebody else's vector_save and vector_restore, in place of the kernel's own.
    """

    name: str
    abi: str

    isa_ext_count: int
    config_regs: int
    csr_regs: int
    csr_subtypes: int
    sbi_ext_count: int
    multi_isa_ext: bool
    block_sizes_listed: bool
    smstateen_enoent: bool
    sbi_classes: bool
    reg_list: bool
    zve_is_vector: bool
    mp_state_reset: bool
    user_restore_deferred: bool
    syscall_discards: bool
    initial_is_discarded: bool
    exits: str
    reset_scounteren: int

    vector_reg_type: int
    isa_from_address: bool
    get_reg_uninitialised: bool
    host_save_checks_v: bool
    unwinds_create: bool
    datap_in_template: bool
    put_clears_hgatp: bool
    v_renumbers: bool
    zeroes_guest_buffer: bool
    reset_needs_v: bool
    clean_without_v: bool
    toggle_resets: bool
    restore_at_load: bool
    keeps_vs: bool
    reset_clears_csrs: bool
    resets_to_vill: bool
    vlenb_in_state: bool
    vlenb_register: bool
    legalises: bool
    distinct_errors: bool
    exports_symbols: bool
    prctl_gates_v: bool
    host_side_eager: bool
    drops_dirty_silently: bool
    vlenb_checks_size: bool
    preempted_section: str
    routines: str = ""

    @property
    def program(self) -> str:
        """The build of the kernel's assembly, which fixes the layout of the vector state (S14, S17)."""
        return "kernel" + "-vlenb" * self.vlenb_in_state + "-vs" * self.keeps_vs

    @property
    def isa_ext_ids(self) -> tuple[str, ...]:
        """Names of the ISA_EXT registers, by number (S8)."""
        if not self.v_renumbers:
            return ISA_EXT[: self.isa_ext_count]
        others = [name for name in ISA_EXT[: self.isa_ext_count] if name != "v"]
        return (*others[:_SEED_V], "v", *others[_SEED_V:])

    @property
    def reset_vtype(self) -> int:
        """vtype after reset (S16)."""
        return 1 << 63 if self.resets_to_vill else 0

    @property
    def absent(self) -> int:
        """The errno for a register that does not exist, or not for this guest (S20)."""
        return errno.ENOENT if self.distinct_errors else errno.EINVAL

    @property
    def host_lacks(self) -> int:
        """The errno for an ISA extension that the host does not have (S20)."""
        return errno.ENOENT if self.distinct_errors else errno.EOPNOTSUPP

    @property
    def too_late(self) -> int:
        """The errno for a change of the ISA after the first run (S20)."""
        return errno.EBUSY if self.distinct_errors else errno.EOPNOTSUPP


CLEAN = KernelVersion(
    name="clean",
    abi="newest",
    isa_ext_count=len(ISA_EXT),
    config_regs=len(CONFIG_REGS),
    csr_regs=11,
    csr_subtypes=4,
    sbi_ext_count=len(SBI_EXT),
    multi_isa_ext=True,
    block_sizes_listed=True,
    smstateen_enoent=True,
    sbi_classes=True,
    reg_list=True,
    zve_is_vector=True,
    mp_state_reset=True,
    user_restore_deferred=True,
    syscall_discards=True,
    initial_is_discarded=True,
    exits="7.2",
    reset_scounteren=0,
    vector_reg_type=VECTOR_REG_TYPE,
    isa_from_address=False,
    get_reg_uninitialised=False,
    host_save_checks_v=True,
    unwinds_create=True,
    datap_in_template=False,
    put_clears_hgatp=False,
    v_renumbers=False,
    zeroes_guest_buffer=True,
    reset_needs_v=True,
    clean_without_v=False,
    toggle_resets=True,
    restore_at_load=False,
    keeps_vs=True,
    reset_clears_csrs=True,
    resets_to_vill=True,
    vlenb_in_state=True,
    vlenb_register=True,
    legalises=True,
    distinct_errors=True,
    exports_symbols=True,
    prctl_gates_v=True,
    host_side_eager=False,
    drops_dirty_silently=False,
    vlenb_checks_size=True,
    preempted_section="saved",
)
"""No known defect: every cure that exists, and one for each defect that upstream still has."""

LINUX_7_3 = replace(
    CLEAN,
    name="linux-7.3",
    initial_is_discarded=False,
    clean_without_v=True,
    toggle_resets=False,
    keeps_vs=False,
    reset_clears_csrs=False,
    resets_to_vill=False,
    legalises=False,
    host_side_eager=True,
    drops_dirty_silently=True,
    preempted_section="lost",
)
"""Linux 7.3-rc7, as recorded: restore at guest entry, flush before kernel-mode vector code (facts, 3.9), as merged."""

DEFERRED_MAINTAINER = replace(LINUX_7_3, name="deferred-maintainer", initial_is_discarded=True)
"""The same scheme in a maintainer's tree, where a task in VS Initial has nothing to restore (facts, 3.10)."""

LINUX_7_2 = replace(LINUX_7_3, name="linux-7.2", isa_ext_count=78, csr_subtypes=3, restore_at_load=True)
"""Linux 7.2.13, as recorded: the last with the scheme as it was posted, restore at load."""

LINUX_6_12 = replace(
    LINUX_7_2,
    name="linux-6.12",
    isa_ext_count=62,
    config_regs=7,
    sbi_ext_count=11,
    block_sizes_listed=False,
    smstateen_enoent=False,
    mp_state_reset=False,
    exits="6.12",
    reset_scounteren=7,
    unwinds_create=False,
    datap_in_template=True,
    zeroes_guest_buffer=False,
)
"""Linux 6.12.107, as recorded."""

V6_5 = replace(
    LINUX_6_12,
    name="v6.5",
    abi="6.5",
    isa_ext_count=17,
    config_regs=6,
    csr_regs=10,
    csr_subtypes=2,
    multi_isa_ext=False,
    sbi_classes=False,
    reg_list=False,
    zve_is_vector=False,
    user_restore_deferred=False,
    exits="6.5",
    vlenb_register=False,
    distinct_errors=False,
    vlenb_checks_size=False,
    preempted_section="none",
)
"""As merged in Linux 6.5."""

V12 = replace(
    V6_5,
    name="v12",
    abi="seed",
    isa_ext_count=9,
    config_regs=1,
    csr_subtypes=1,
    syscall_discards=False,
    exits="v12",
    vector_reg_type=7,
    isa_from_address=True,
    get_reg_uninitialised=True,
    host_save_checks_v=False,
    put_clears_hgatp=True,
    v_renumbers=True,
    reset_needs_v=False,
    vlenb_in_state=False,
    exports_symbols=False,
    prctl_gates_v=False,
)
"""The patch as posted (v12 16/17, September 2022), with its defects."""

_ALL = (V12, V6_5, LINUX_6_12, LINUX_7_2, LINUX_7_3, DEFERRED_MAINTAINER, CLEAN)

ALIASES = {"deferred": LINUX_7_3.name}
"""Other names that a version goes by."""

versions: dict[str, KernelVersion] = {version.name: version for version in _ALL}
versions |= {alias: versions[name] for alias, name in ALIASES.items()}
"""Every version by name, and by its other names."""


def with_routines(version: KernelVersion, routines: str) -> KernelVersion:
    """Return `version` with the save and restore routines of a file; without one, `version` itself."""
    if not routines:
        return version
    return replace(version, routines=routines, name=f"{version.name} with {PurePath(routines).name}")


def by_name(name: str) -> KernelVersion:
    """Return the version called `name`; UsageError names the allowed ones."""
    try:
        return versions[name]
    except KeyError:
        raise UsageError(f"unknown kernel version {name!r}; allowed are {', '.join(versions)}") from None
