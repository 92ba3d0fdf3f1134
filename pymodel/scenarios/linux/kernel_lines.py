# SPDX-License-Identifier: Apache-2.0
"""Lines about kernel-mode vector code: a soft timer and a page-fault handler that use vectors, under a guest's feet.

The recorder has both in a module of its own, which counts how often they ran and found their registers changed. When
an interrupt preempts a section, and whether the soft timer came first in that interrupt, is the recorder's time; here
it is taken from the line. What becomes of the section then is the golden hypervisor's answer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from vctx.pymodel.isa import Hart, encode
from vctx.pymodel.kvm import ExitReason, Kernel, KernelOops, Slice, Vcpu
from vctx.pymodel.scenarios.guest_driver import Code, DriverError, GuestDriver
from vctx.pymodel.scenarios.linux.part import Part, lines
from vctx.pymodel.scenarios.linux.session import CODES, seed_of
from vctx.pymodel.scenarios.linux.trace import Observed, Row

_LOOKS = 12  # of the guest at its own registers
_SLICE = 300  # instructions between two strikes of the soft timer
_PAGE_SHIFT, _FIRST_PAGE = 12, 0x60  # pages of the guest that nothing has touched
_GUEST_CSRS = {"vl": 5, "vtype": 0xC8, "vcsr": 3}
_PROCESS = 91  # seed of the process whose page faults
_OTHER = 92  # of the one that takes the hart


@dataclass
class Counters:
    """What the recorder's module counts."""

    soft_runs: int = 0
    soft_refused: int = 0
    fault_runs: int = 0
    fault_bad: int = 0
    fault_switches: int = 0


def _counters(part: Part) -> Counters:
    counters = part.memory.setdefault("kernel counters", Counters())
    assert isinstance(counters, Counters)
    return counters


def _soft_timer(part: Part, hart: Hart) -> None:
    """The soft timer strikes, if the recorder had it on."""
    if part.session.platform.soft_timer:
        part.session.kernel.softirq(hart)
        _counters(part).soft_runs += 1


@lines("kvec_watch")
def kvec_watch(part: Part, row: Row) -> Observed:
    """A guest looks at its registers while the soft timer's handler uses vectors whenever the guest has exited."""
    session = part.session
    driver = session.driver(0)
    vregs = part.pattern(seed_of(bytes.fromhex(row["v0"])))
    driver.load(vregs, **_GUEST_CSRS, vstart=0)
    driver.vcpu.slice = Slice(_SLICE)
    driver.preempt = lambda vcpu: _soft_timer(part, vcpu.loaded_on)
    code = driver.command("watch", _LOOKS)
    driver.preempt = None
    counters = _counters(part)
    if counters.soft_runs:
        counters.soft_runs = row["soft_runs"]
    values = session.csrs(driver) | {
        "code": CODES[code],
        "left": driver["left"],
        "csr_changes": driver["csr_changes"],
        "regs_bad": _different(part, session.vregs(driver), vregs),
        "v0": session.vregs(driver)[: session.vlenb].hex(),
    }
    part.memory["guest"] = vregs
    return Observed(values | vars(counters))


def _different(part: Part, found: bytes, due: bytes) -> int:
    vlenb = part.session.vlenb
    return sum(found[at : at + vlenb] != due[at : at + vlenb] for at in range(0, len(due), vlenb))


@lines("kvec_fault")
def kvec_fault(part: Part, row: Row) -> Observed:
    """A guest touches pages for the first time; the handler of each fault is a section of the vCPU's thread."""
    session = part.session
    driver, vregs = session.driver(0), part.recall("guest")
    hart, plan, found_bad = session.kernel.harts[0], _plan(part, row), list[bool]()
    for page in range(row["pages"]):
        timer_first = plan[page] if page < len(plan) else None
        touch(part, driver, partial(_found_bad, part, hart, timer_first, found_bad))
    bad = sum(found_bad)
    _counters(part).fault_bad += bad
    found, csrs = session.vregs(driver), session.csrs(driver)
    driver.command("dump")
    return Observed(
        {
            "sections": row["pages"],
            "kernel_bad": bad,
            "guest_onereg_bad": _different(part, found, vregs),
            "guest_csr_bad": sum(csrs[name] != value for name, value in _GUEST_CSRS.items()),
            "guest_seen_bad": _different(part, driver.buffer, vregs),
        },
        ("busy", "pages", "switched"),
    )


def _found_bad(part: Part, hart: Hart, timer_first: bool | None, found: list[bool], vcpu: Vcpu) -> None:
    found.append(_section(part, hart, timer_first, vcpu))


def _plan(part: Part, row: Row) -> list[bool]:
    """For each section that was preempted, whether the soft timer came first in that interrupt.

    How many of them it was not is the recorder's time, and shows in nothing but the sections that were destroyed.
    """
    alone = row["kernel_bad"] if part.session.platform.soft_timer else row["switched"]
    counters = _counters(part)
    counters.fault_runs += row["sections"]
    counters.fault_switches += row["switched"]
    return [number >= alone for number in range(row["switched"])]


def touch(part: Part, driver: GuestDriver, section: Callable[[Vcpu], object]) -> None:
    """Have the guest store to a page that it never touched, with `section` in the handler of the fault."""
    page = part.memory["page"] = part.memory.get("page", _FIRST_PAGE) + 1
    faults = 0

    def handler(vcpu: Vcpu) -> None:
        nonlocal faults
        if vcpu.vm.is_mapped(page << _PAGE_SHIFT) and not faults:
            faults += 1
            section(vcpu)

    driver.preempt = handler
    code = driver.execute(encode("lui", rd=5, imm=page), encode("sd", rs2=0, rs1=5, imm=0))
    driver.preempt = None
    if code is not Code.DONE or not faults or part.session.kernel.running:
        raise DriverError(f"the guest did not fault on page {page:#x}")


def _section(part: Part, hart: Hart, timer_first: bool | None, vcpu: Vcpu | None) -> bool:
    """Run a section, preempted unless `timer_first` is None; return whether it found its registers changed.

    Args:
        part, hart: where.
        timer_first: the soft timer comes before the scheduler in the interrupt that preempts it.
        vcpu: the vCPU that is loaded; None in a thread without one.
    """
    kernel, xor = part.session.kernel, part.session.kernel.xor(hart)
    kernel.kernel_vector_begin(hart)
    xor.load(hart)
    if timer_first is not None:
        kernel.trap_entry(hart)
        if timer_first:
            _soft_timer(part, hart)
        give_way(part, kernel, hart, vcpu)
        kernel.trap_exit(hart)
    try:
        xor.store(hart)
    except KernelOops:
        bad = True
    else:
        bad = False
    kernel.kernel_vector_end(hart)
    return bad


def give_way(part: Part, kernel: Kernel, hart: Hart, vcpu: Vcpu | None) -> None:
    """Another process gets the hart, uses its vectors, and loses it again."""
    if "other" not in part.memory:
        part.memory["other"] = part.session.caller(part.pattern(_OTHER), 2)
    current = kernel.current.get(hart.hart_id)
    if vcpu is not None:
        kernel.sched_out(vcpu)
    part.memory["other"].run_a_while(hart)
    kernel.switch_to(hart, current)
    if vcpu is not None:
        kernel.sched_in(vcpu, hart)


@lines("kvec_user_fault")
def kvec_user_fault(part: Part, row: Row) -> Observed:
    """The control: a process touches pages, and the handler's sections are those of a thread without a vCPU."""
    hart = part.session.kernel.harts[0]
    process = part.session.caller(part.pattern(_PROCESS), 1)
    process.run_to(hart, ExitReason.SYSCALL)
    plan, bad = _plan(part, row), 0
    for number in range(row["sections"]):
        bad += _section(part, hart, plan[number] if number < len(plan) else None, None)
    process.run_to(hart, ExitReason.REPORT)
    part.session.kernel.switch_to(hart, None)
    _counters(part).fault_bad += bad
    return Observed({"kernel_bad": bad}, ("busy", "sections", "switched"))


@lines("kvec_counters")
def kvec_counters(part: Part, row: Row) -> Observed:
    """What the module counted; how often the soft timer struck is the recorder's time."""
    counters = _counters(part)
    if counters.soft_runs:
        counters.soft_runs = row["soft_runs"]
    return Observed(vars(counters))
