# SPDX-License-Identifier: Apache-2.0
"""Group D: who has V: the guest's ISA, its changes, and who may make them."""

from __future__ import annotations

from vctx.pymodel.isa import Hart
from vctx.pymodel.kvm.kernel import Kernel
from vctx.pymodel.kvm.layout import VS_DIRTY, VS_INITIAL, VS_OFF
from vctx.pymodel.kvm.machine import RAM_BASE
from vctx.pymodel.kvm.state import Vcpu
from vctx.pymodel.kvm.vcpu import vcpu_load, vcpu_put
from vctx.pymodel.scenarios.context import VectorContext
from vctx.pymodel.scenarios.guest_code import FAIL_TRAP, GuestCode
from vctx.pymodel.scenarios.lab import RAM_BASE_NO_V, Group, Lab
from vctx.pymodel.scenarios.library.vector_unit import VS_NAMES, pattern

GROUP = Group("D", "the guest's ISA and permissions")

_ILLEGAL_IN_GUEST = FAIL_TRAP + 2
_GUEST_SAYS = {_ILLEGAL_IN_GUEST: "illegal instruction", 0: "it worked"}
_CANARY_REG = 8


def _reads_a_register(code: GuestCode) -> None:
    code.report_vreg(_CANARY_REG)


def _place_canary(lab: Lab, kernel: Kernel, hart: Hart) -> int:
    """Leave host values in the registers; return the first 64 bits of the register that guests look at."""
    content = pattern(kernel.vsize, 77)
    lab.put_on_hart(kernel, hart, VectorContext(content, 0, 0, 0, 0))
    at = _CANARY_REG * kernel.vsize // 32
    return int.from_bytes(content[at : at + 8], "little")


def _expect_no_vectors(lab: Lab, kernel: Kernel, vcpu: Vcpu, hart: Hart, how: str, *defects: str) -> None:
    """The guest must take an illegal instruction, and must not see the host's value."""
    canary = _place_canary(lab, kernel, hart)
    code, value = lab.reports(vcpu, hart)[0]
    found = _GUEST_SAYS.get(code, hex(code))
    due = _GUEST_SAYS[_ILLEGAL_IN_GUEST]
    lab.equal("isa-change-complete", f"{how}: guest executes vsetivli", due, found, defects)
    lab.check(
        "no-leak",
        code != 0 or value != canary,
        f"{how}: guest reads v{_CANARY_REG}",
        "no host value",
        f"the host's {canary:#x}",
        defects,
    )


@GROUP.scenario(38, checks=["isa-change-complete", "no-leak"])
def guest_denied_v(lab: Lab) -> None:
    """A guest created without V: VS Off at every entry, illegal instruction in the guest, no host value readable."""
    kernel = lab.kernel(harts=1)
    vcpu = lab.guest(kernel, _reads_a_register, v_allowed=False)
    why = "S22" if lab.has_v(kernel, vcpu) else "S2"
    _expect_no_vectors(lab, kernel, vcpu, kernel.harts[0], "V denied at creation", why)


@GROUP.scenario(38, checks=["novec-guest-off", "warns-of-loss"])
def novec_image_forced_on(lab: Lab) -> None:
    """A guest without V whose VS image is on for whatever reason is loaded and saved as Off, and not in silence."""
    kernel = lab.kernel(harts=1, ram_base=RAM_BASE_NO_V)
    hart = kernel.harts[0]
    vcpu = lab.vcpu_without_v(kernel, "scalar")
    vcpu.guest_context.set_vs(hart, VS_INITIAL)
    vcpu_load(vcpu, hart)
    lab.equal(
        "novec-guest-off", "vcpu_load of image VS Initial", VS_NAMES[VS_OFF], VS_NAMES[vcpu.guest_context.vs], ["S11"]
    )
    vcpu.guest_context.set_vs(hart, VS_DIRTY)
    warnings = len(kernel.warnings)
    vcpu_put(vcpu)
    lab.equal(
        "novec-guest-off", "vcpu_put of image VS Dirty", VS_NAMES[VS_OFF], VS_NAMES[vcpu.guest_context.vs], ["S11"]
    )
    said = kernel.warnings[warnings:]
    lab.check(
        "warns-of-loss", bool(said), "vcpu_put of dirty state of a guest without V", "a warning", "silence", ["S24"]
    )


@GROUP.scenario(39, checks=["isa-change-complete", "no-leak"])
def v_disabled_before_the_first_run(lab: Lab) -> None:
    """User space takes V away after create: VS is Off, and the host's registers are not open to the guest."""
    kernel = lab.kernel(harts=1)
    vcpu = lab.guest(kernel, _reads_a_register)
    kernel.set_reg(vcpu, lab.isa_id("v"), 0)
    how = "V disabled by ISA_EXT after create"
    lab.equal("isa-change-complete", f"{how}: image VS", VS_NAMES[VS_OFF], VS_NAMES[vcpu.guest_context.vs], ["S12"])
    _expect_no_vectors(lab, kernel, vcpu, kernel.harts[0], how, "S12")


@GROUP.scenario(40, checks=["isa-change-complete"])
def v_enabled_after_create(lab: Lab) -> None:
    """V denied at create and given later: the guest can use it, from zero."""
    kernel = lab.kernel(harts=1)
    vcpu = lab.guest(kernel, _reads_a_register, v_allowed=False)
    kernel.set_reg(vcpu, lab.isa_id("v"), 1)
    how = "V enabled by ISA_EXT after create"
    lab.equal("isa-change-complete", f"{how}: image VS", VS_NAMES[VS_INITIAL], VS_NAMES[vcpu.guest_context.vs], ["S12"])
    report = lab.reports(vcpu, kernel.harts[0])[0]
    lab.equal("isa-change-complete", f"{how}: guest reports (code, v{_CANARY_REG})", (0, 0), report, ["S12"])


@GROUP.scenario(41, checks=["isa-change-complete"])
def v_toggled_off_and_on(lab: Lab) -> None:
    """V taken and given back before the first run: usable, and all zero."""
    kernel = lab.kernel(harts=1)
    hart = kernel.harts[0]
    vcpu = lab.guest(kernel, _reads_a_register)
    for value in (0, 1):
        kernel.set_reg(vcpu, lab.isa_id("v"), value)
    _place_canary(lab, kernel, hart)
    lab.equal("isa-change-complete", "guest reports (code, v8) after V off and on", (0, 0), lab.reports(vcpu, hart)[0])


@GROUP.scenario(42, checks=["isa-errors"])
def isa_fixed_after_the_first_run(lab: Lab) -> None:
    """After the first run another value is EBUSY, the same value is fine, and garbage is EINVAL."""
    kernel = lab.kernel(harts=1)
    vcpu = lab.vcpu(kernel, "scalar")
    isa_v = lab.isa_id("v")
    lab.equal("isa-errors", "ISA_EXT V := 2", "-EINVAL", lab.outcome(kernel.set_reg, vcpu, isa_v, 2))
    lab.rounds(vcpu, kernel.harts[0], 1)
    for value, due in ((1, "0"), (0, "-EBUSY")):
        found = lab.outcome(kernel.set_reg, vcpu, isa_v, value)
        lab.equal("isa-errors", f"ISA_EXT V := {value} after the first run", due, found, ["S20"])


@GROUP.scenario(43, checks=["prctl-gate", "isa-errors"])
def process_without_v(lab: Lab) -> None:
    """A process that gave up V by prctl cannot create a guest with V, nor enable it later, but may disable it."""
    kernel = lab.kernel(harts=1)
    vcpu = lab.vcpu(kernel, "scalar", v_allowed=False)
    isa_v = lab.isa_id("v")
    has_v = int(lab.has_v(kernel, vcpu))
    lab.equal("prctl-gate", "ISA_EXT V of a guest created without permission", 0, has_v, ["S22"])
    kernel.prctl_v_allowed = False
    lab.equal(
        "prctl-gate",
        "ISA_EXT V := 1 without permission",
        "-EINVAL",
        lab.outcome(kernel.set_reg, vcpu, isa_v, 1),
        ["S22"],
    )
    permitted = lab.vcpu(kernel, "scalar")
    kernel.prctl_v_allowed = False
    lab.equal("isa-errors", "ISA_EXT V := 0 without permission", "0", lab.outcome(kernel.set_reg, permitted, isa_v, 0))


@GROUP.scenario(44, 64, checks=["isa-errors", "no-vector-access"])
def host_lacks_v(lab: Lab) -> None:
    """A host without V: enabling it is refused, and a guest that tries vectors gets its illegal instruction."""
    kernel = lab.kernel(harts=1, has_v=False)
    vcpu = lab.vcpu(kernel, "nov")
    found = lab.outcome(kernel.set_reg, vcpu, lab.isa_id("v"), 1)
    lab.equal("isa-errors", "ISA_EXT V := 1 on a host without V", "-ENOENT", found, ["S20"])
    before = lab.tap.vector
    vs = VS_NAMES[vcpu.guest_context.vs]
    lab.equal("no-vector-access", "image VS on a host without V", VS_NAMES[VS_OFF], vs, ["S2"])
    with lab.survives("no-oops", "KVM_RUN on a host without V", "S4"):
        lab.rounds(vcpu, kernel.harts[0], 1)
    tried = 3  # by the guest, in one round
    lab.check(
        "no-vector-access",
        lab.tap.vector - before <= tried,
        "KVM_RUN on a host without V",
        "the guest's own attempts only",
        lab.tap.vector - before,
        ["S4"],
    )


@GROUP.scenario(44, checks=["isa-errors", "isa-change-complete", "no-leak"])
def zve_only_host(lab: Lab) -> None:
    """A host with Zve64x but not V: no guest can have V, VS is Off at every entry, and nothing of the host shows."""
    kernel = lab.kernel(harts=1, zve_only=True)
    hart = kernel.harts[0]
    vcpu = lab.guest(kernel, _reads_a_register)
    found = lab.outcome(kernel.set_reg, vcpu, lab.isa_id("v"), 1)
    lab.equal("isa-errors", "ISA_EXT V := 1 on a host with Zve only", "-ENOENT", found, ["S20"])
    canary = int.from_bytes(hart.vec.regs[_CANARY_REG].tobytes()[:8], "little")
    with lab.survives("no-oops", "KVM_RUN on a host with Zve only", "S4"):
        code, value = lab.reports(vcpu, hart)[0]
        due = _GUEST_SAYS[_ILLEGAL_IN_GUEST]
        said = _GUEST_SAYS.get(code, hex(code))
        lab.equal("isa-change-complete", "guest executes vsetivli on a host with Zve only", due, said, ["S2"])
        leaked = code == 0 and value == canary
        lab.check("no-leak", not leaked, f"guest reads v{_CANARY_REG}", "no host value", f"{value:#x}", ["S2"])


@GROUP.scenario(45, checks=["v-by-bitmap"])
def v_comes_from_the_bitmap(lab: Lab) -> None:
    """The same guest at different addresses of kernel memory: it has V, or not, by its bitmap alone."""
    for ram_base in (RAM_BASE, RAM_BASE_NO_V):
        kernel = lab.kernel(harts=1, ram_base=ram_base)
        for allowed in (True, False):
            vcpu = lab.vcpu(kernel, "scalar", v_allowed=allowed)
            has_v = lab.has_v(kernel, vcpu)
            due = VS_NAMES[VS_INITIAL if has_v else VS_OFF]
            call = f"vcpu_create, ISA bitmap at {vcpu.isa_address:#x} with V={int(has_v)}: image VS"
            lab.equal("v-by-bitmap", call, due, VS_NAMES[vcpu.guest_context.vs], ["S2"])
