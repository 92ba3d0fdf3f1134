# SPDX-License-Identifier: Apache-2.0
"""What becomes of a guest's traps: a table for each kernel, complete, and as Linux has it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from kvm_driving import booted

from vctx.pymodel.isa import Cause, Csr, Hart, encode
from vctx.pymodel.kvm import CLEAN, LINUX_6_12, LINUX_7_2, LINUX_7_3, V6_5, V12, Exit, ExitReason, KernelVersion
from vctx.pymodel.kvm.exit_causes import EXITS, Action
from vctx.pymodel.kvm.version import versions
from vctx.pymodel.scenarios.guest_code import A1, FAIL_TRAP, S0, GuestCode
from vctx.pymodel.scenarios.lab import Lab

EVERY = pytest.mark.parametrize("version", dict.fromkeys(versions.values()), ids=lambda v: v.name)
OUTSIDE = 0x1000_0000  # guest-physical, no memory


def test_every_table_has_every_cause() -> None:
    for exits in EXITS.values():
        assert set(exits.actions) == set(Cause)
    assert {version.exits for version in versions.values()} == set(EXITS)


# By exception code, what a trap of the guest that comes to the kernel ends in: "r" is given back to the guest.
LINUX = {
    "v12": {"r": {2}, "delegated": {0, 3, 8, 12, 13, 15}},
    "6.5": {"r": {2, 4, 6}, "delegated": {0, 3, 8, 12, 13, 15}},
    "6.12": {"r": {1, 2, 4, 5, 6, 7}, "delegated": {0, 3, 8, 12, 13, 15}},
    "7.2": {"r": {1, 4, 5, 6, 7}, "delegated": {0, 2, 3, 8, 12, 13, 15}},
}


@pytest.mark.parametrize("name", EXITS)
def test_the_tables_are_those_of_linux(name: str) -> None:
    exits, due = EXITS[name], LINUX[name]
    found = {action: {cause for cause in range(32) if exits.action(cause) is action} for action in Action}
    assert found[Action.REDIRECT] == due["r"]
    assert found[Action.SBI] == {10}
    assert found[Action.GSTAGE] == {20, 21, 23}
    assert found[Action.VIRTUAL] == {22}
    assert found[Action.UNKNOWN] == set(range(32)) - due["r"] - {10, 20, 21, 22, 23}
    assert exits.hedeleg == sum(1 << cause for cause in due["delegated"])


@EVERY
def test_hedeleg_is_the_tables(version: KernelVersion) -> None:
    kernel = booted(version)
    assert kernel.harts[0].csr[Csr.HEDELEG] == EXITS[version.exits].hedeleg


def run_guest(version: KernelVersion, write: Callable[[GuestCode], object]) -> Exit:
    lab = Lab(version)
    kernel = lab.kernel(harts=1)
    return lab.to_user(lab.guest(kernel, write), kernel.harts[0])


@pytest.mark.parametrize(
    ("mnemonic", "operands", "cause"),
    [
        ("vle32.v", {"vd": 8, "rs1": S0}, 4),
        ("vse32.v", {"vs3": 8, "rs1": S0}, 6),
        ("lw", {"rd": A1, "rs1": S0, "imm": 0}, 4),
        ("sd", {"rs2": A1, "rs1": S0, "imm": 0}, 6),
        ("amoadd.w", {"rd": A1, "rs1": S0, "rs2": A1}, 6),
    ],
)
@EVERY
def test_a_misaligned_access_is_the_guests_own(
    version: KernelVersion, mnemonic: str, operands: dict[str, int], cause: int
) -> None:
    """KVM_RUN goes on: the guest takes the trap at the instruction itself, with its address. 6.0 did not do that."""
    at = []

    def write(code: GuestCode) -> None:
        code.li(S0, code.entry + 0x802).vset(4, 2 << 3)
        at.append(code.entry + 4 * len(code.words))
        code.insn(mnemonic, **operands)

    exit_ = run_guest(version, write)
    if version is V12:
        assert exit_.reason is ExitReason.UNKNOWN and exit_.args[:2] == (cause, at[0])
    else:
        assert exit_ == Exit(ExitReason.REPORT, (FAIL_TRAP + cause, at[0]))


@EVERY
def test_a_breakpoint_is_the_guests_own(version: KernelVersion) -> None:
    for vs in (0, 1 << 9):
        exit_ = run_guest(version, lambda code, vs=vs: code.set_vs(vs).insn("ebreak"))
        assert exit_.reason is ExitReason.REPORT and exit_.args[0] == FAIL_TRAP + 3


@EVERY
def test_an_illegal_instruction_is_the_guests_own(version: KernelVersion) -> None:
    """Given back by the kernel, or, from 2025 on, delegated to it: to the guest it is the same."""
    lab = Lab(version)
    kernel = lab.kernel(harts=1)
    vcpu = lab.guest(kernel, lambda code: code.set_vs(0).insn("vsetivli", rd=5, uimm=4, vtypei=0))
    run, reasons = vcpu.run(kernel.harts[0]), []
    with pytest.raises(StopIteration) as stop:
        while True:
            reasons.append(next(run).reason)
    assert stop.value.value.args[0] == FAIL_TRAP + 2
    delegated = version.exits == "7.2"
    assert (ExitReason.REDIRECT in reasons) is not delegated
    assert set(lab.ledger.broken) <= {"hgatp-kept"}  # S7 of v12


@pytest.mark.parametrize("version", [V12, V6_5, LINUX_6_12, LINUX_7_2, LINUX_7_3, CLEAN], ids=lambda v: v.name)
def test_a_guest_kernel_turns_vs_on_at_the_first_use_of_its_user(version: KernelVersion) -> None:
    """VS Off in VU-mode, an illegal instruction there, VS on in the handler, and the instruction again."""
    lab = Lab(version)
    kernel = lab.kernel(harts=1)

    def write(code: GuestCode) -> None:
        handler = [
            encode("csrrs", rd=18, csr=Csr.SCAUSE, rs1=0),
            encode("csrrs", rd=19, csr=Csr.SSTATUS, rs1=0),
            encode("addi", rd=9, rs1=9, imm=1),
            encode("addi", rd=6, rs1=0, imm=0x200),
            encode("csrrs", rd=0, csr=Csr.SSTATUS, rs1=6),
            encode("sret"),
        ]
        code.insn("jal", rd=0, imm=4 + 4 * len(handler))
        at = code.entry + 4 * len(code.words)
        code.words += handler
        code.csrw(Csr.STVEC, at).set_vs(0)
        code.li(5, 0x100).insn("csrrc", rd=0, csr=Csr.SSTATUS, rs1=5)  # SPP = U
        code.insn("auipc", rd=5, imm=0).insn("addi", rd=5, rs1=5, imm=16)
        code.insn("csrrw", rd=0, csr=Csr.SEPC, rs1=5).insn("sret")
        code.insn("vsetivli", rd=20, uimm=5, vtypei=0).insn("vmv.v.i", vd=4, imm=7).insn("vmv.x.s", rd=21, vs2=4)
        code.insn("jal", rd=0, imm=0)

    vcpu = lab.guest(kernel, write)
    run = vcpu.run(kernel.harts[0])
    while next(run).reason is not ExitReason.TIMER:
        pass
    found = {name: vcpu.guest_context[name] for name in ("x9", "x18", "x20", "x21")}
    assert found == {"x9": 1, "x18": 2, "x20": 5, "x21": 7}
    assert vcpu.guest_context["x19"] >> 8 & 1 == 0  # from VU
    assert not lab.ledger.broken or version.isa_from_address


# The kernel's own read of the guest's instruction (HLVX)


def guest_that_loses_its_code(
    version: KernelVersion, mnemonic: str, *, second_half: bool = False
) -> tuple[Exit, list[ExitReason]]:
    """A guest stores outside its memory, and the page with that instruction leaves the G-stage before it is read."""
    lab = Lab(version)
    kernel = lab.kernel(harts=1)
    hart, done = kernel.harts[0], []

    def write(code: GuestCode) -> None:
        code.li(S0, OUTSIDE).vset(8, 0)
        if second_half:  # the instruction straddles two pages, and the second is the one that goes
            nops = 0xFFC - (code.entry + 4 * len(code.words) & 0xFFF)
            for _ in range(nops // 4):
                code.insn("addi", rd=0, rs1=0, imm=0)
            code.words.append(0x0001_0001 & 0xFFFF | (encode("sd", rs2=0, rs1=S0, imm=0) & 0xFFFF) << 16)
            code.words.append(encode("sd", rs2=0, rs1=S0, imm=0) >> 16 | 0x0001 << 16)
        elif mnemonic == "sd":
            code.insn("sd", rs2=0, rs1=S0, imm=0)
        else:
            code.insn("vse8.v", vs3=8, rs1=S0)

    vcpu = lab.guest(kernel, write)
    watch = kernel.probe

    def probe(point: str, who: object, where: Hart) -> None:
        if watch is not None:
            watch(point, who, where)  # type: ignore[arg-type]
        if point == "guest.exit" and not done and where.csr[Csr.SCAUSE] == 23:
            done.append(point)
            vcpu.vm.unmap_page(where, vcpu.guest_context["sepc"] + 2 * second_half)
            kernel.hfence_gvma(where)

    kernel.probe = probe
    hstatus = hart.csr[Csr.HSTATUS]
    run, reasons = vcpu.run(hart), []
    with pytest.raises(StopIteration) as stop:
        while True:
            reasons.append(next(run).reason)
    assert done and hart.csr[Csr.HSTATUS] == hstatus
    return stop.value.value, reasons


@pytest.mark.parametrize("second_half", [False, True])
@EVERY
def test_a_guest_page_fault_of_the_kernels_own_read(version: KernelVersion, second_half: bool) -> None:
    exit_, reasons = guest_that_loses_its_code(version, "sd", second_half=second_half)
    if EXITS[version.exits].retries_fetch:
        assert reasons[-2:] == [ExitReason.RETRY, ExitReason.GSTAGE_FAULT]
        assert exit_ == Exit(ExitReason.MMIO, (OUTSIDE, 8, 1, 0))
    else:
        assert reasons[-1] is not ExitReason.RETRY
        assert exit_.reason is ExitReason.REPORT and exit_.args[0] == FAIL_TRAP + 21


@EVERY
def test_the_same_of_a_vector_store_that_nothing_emulates(version: KernelVersion) -> None:
    exit_, reasons = guest_that_loses_its_code(version, "vse8.v")
    if EXITS[version.exits].retries_fetch:
        assert exit_ == Exit(ExitReason.MEMORY_FAULT, (OUTSIDE, 23)) and ExitReason.RETRY in reasons
    else:
        assert exit_.reason is ExitReason.REPORT and exit_.args[0] == FAIL_TRAP + 21
