# SPDX-License-Identifier: Apache-2.0
"""Lines about what a hart holds, whosever that is, and about sections that call the scheduler.

The recorder has a module that looks (sw/linux_module). What runs in between, and when the soft timer strikes, is done
here as the part does it.
"""

from __future__ import annotations

from vctx.pymodel.isa import Csr, Hart
from vctx.pymodel.kvm import ExitReason, Slice, Vcpu
from vctx.pymodel.kvm.layout import SR_VS
from vctx.pymodel.scenarios.linux.kernel_lines import give_way, touch
from vctx.pymodel.scenarios.linux.part import Part, lines
from vctx.pymodel.scenarios.linux.session import CODES
from vctx.pymodel.scenarios.linux.trace import Observed, Row, fnv1a

_LOOKS = 12  # of the guest at its own registers
_SLICE = 300  # instructions between two strikes of the soft timer
_GUEST, _POKED, _OTHER = 33, 61, 92  # seeds of the recorder's guest, of what nobody owns, of another process
_GUEST_CSRS = {"vl": 5, "vtype": 0xC8, "vcsr": 3}
_BEFORE = 2  # a caller's report ahead of its system call


def _vregs(hart: Hart) -> bytes:
    return hart.vec.regs.tobytes()


def _equal(part: Part, found: bytes, other: bytes) -> int:
    vlenb = part.session.vlenb
    return sum(found[at : at + vlenb] == other[at : at + vlenb] for at in range(0, len(found), vlenb))


@lines("soft_timer")
def soft_timer(part: Part, row: Row) -> Observed:
    """A guest looks at its registers while a soft timer's handler uses vectors; what it saw last, and the CSRs."""
    driver, kernel, ran = part.vcpu(row), part.session.kernel, 0
    driver.load(part.pattern(_GUEST), **_GUEST_CSRS, vstart=0)

    def strike(vcpu: Vcpu) -> None:
        nonlocal ran
        kernel.softirq(vcpu.loaded_on)
        ran = 1

    driver.vcpu.slice, driver.preempt = Slice(_SLICE), strike
    code = driver.command("watch", _LOOKS)
    driver.preempt = None
    values = {name: driver[name] for name in _GUEST_CSRS} | {
        "ran": ran,
        "refused": 0,
        "code": CODES[code],
        "own": _equal(part, driver.second, part.pattern(_GUEST)),
        "fnv": fnv1a(driver.second),
    }
    return Observed(values)


@lines("section_guest")
def section_guest(part: Part, row: Row) -> Observed:
    """The guest whose faults the lines behind are about; whether sections are preemptible is a matter of the build."""
    vregs = part.memory["guest"] = part.pattern(_GUEST)
    part.vcpu(row).load(vregs, **_GUEST_CSRS, vstart=0)
    return Observed({"v0": vregs[: part.session.vlenb].hex()}, ("preemptible",))


@lines("section_schedule")
def section_schedule(part: Part, row: Row) -> Observed:
    """Sections that call the scheduler, in the thread of a loaded vCPU or of a process; how many find the unit on."""
    hart, found = part.session.kernel.harts[0], []
    if row["vcpu_loaded"]:
        for _ in range(row["sections"]):
            touch(part, part.vcpu(row), lambda vcpu: found.append(_scheduling_section(part, hart, vcpu)))
    else:
        process = part.session.caller(part.pattern(_POKED), 1)
        process.run_to(hart, ExitReason.SYSCALL)
        found += [_scheduling_section(part, hart, None) for _ in range(row["sections"])]
        process.run_to(hart, ExitReason.REPORT)
        part.session.kernel.switch_to(hart, None)
    return Observed({"unit_on": sum(found)}, ("vcpu_loaded", "sections"))


def _scheduling_section(part: Part, hart: Hart, vcpu: Vcpu | None) -> bool:
    kernel = part.session.kernel
    kernel.kernel_vector_begin(hart)
    kernel.xor(hart).load(hart)
    give_way(part, kernel, hart, vcpu)
    unit_on = bool(kernel.csr_read(hart, Csr.SSTATUS) & SR_VS)
    kernel.kernel_vector_end(hart)
    return unit_on


@lines("look_csrs")
def look_csrs(part: Part, row: Row) -> Observed:
    """CSRs of the hart when a vCPU has been put."""
    driver, hart = part.vcpu(row), part.session.kernel.harts[0]
    driver.command("nop")
    return Observed({"hgatp_zero": int(hart.csr[Csr.HGATP] == 0), "hedeleg": hart.csr[Csr.HEDELEG]})


@lines("look_switched")
def look_switched(part: Part, row: Row) -> Observed:
    """A process with vector state sleeps in a system call while another runs; the registers when it wakes up."""
    kernel, session = part.session.kernel, part.session
    hart = kernel.harts[0]
    sleeper, other = session.caller(part.pattern(_POKED), 0), session.caller(part.pattern(_OTHER), 2)
    sleeper.run_to(hart, ExitReason.SYSCALL)
    other.run_to(hart, ExitReason.REPORT, _BEFORE)
    kernel.switch_to(hart, sleeper.task)
    found = _vregs(hart)
    kernel.switch_to(hart, None)
    return Observed({"rc": 0, "others": _equal(part, found, part.pattern(_OTHER)), "fnv": fnv1a(found)})


@lines("look_unused")
def look_unused(part: Part, row: Row) -> Observed:
    """A process that never used vectors runs a guest on a hart whose registers hold something that is nobody's."""
    driver, hart = part.vcpu(row), part.session.kernel.harts[0]
    driver.load(part.pattern(_GUEST), **_GUEST_CSRS, vstart=0)
    hart.vec.flat[:] = list(part.pattern(_POKED))
    driver.command("nop")
    found = _vregs(hart)
    return Observed(
        {"poked": _equal(part, found, part.pattern(_POKED)), "guests": _equal(part, found, part.pattern(_GUEST))}
    )
