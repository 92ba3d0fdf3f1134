# SPDX-License-Identifier: Apache-2.0
"""Lines about a whole part: harts that start and stop, copies to another VM, many vCPUs and processes at once.

Where a recording gives sums over tens of thousands of checks, the same is done some dozens of times.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from vctx.pymodel.kvm import MpState, Slice, Vcpu
from vctx.pymodel.kvm.abi import VECTOR_CSRS
from vctx.pymodel.kvm.onereg import UserBuffer
from vctx.pymodel.scenarios.guest_driver import Code, GuestDriver
from vctx.pymodel.scenarios.linux.guest_lines import load_as
from vctx.pymodel.scenarios.linux.part import Part, lines
from vctx.pymodel.scenarios.linux.session import CODES, Caller, errno_name, errno_of, seed_of
from vctx.pymodel.scenarios.linux.trace import Observed, Row, fnv1a

_LOOKS = 12  # of each guest at its own registers
_BUDGET = 4000  # most instructions of a slice
_SEED_OF_THREADS = 200
_VTYPE_OF_THREADS = 0xC8  # e16,m1,ta,ma
_WATCHED_PROCESS = 230  # seed of the process that shares a hart with a watching guest
_ALL_ONES = 0xFF


@lines("onereg_state")
def onereg_state(part: Part, row: Row) -> Observed:
    """All vector registers of a vCPU as user space reads them."""
    driver = part.vcpu(row)
    unlogged = _UNLOGGED.get(row.get("note", ""))
    if unlogged is not None:
        unlogged(part, row, driver)
    if part.name == "migrate" and "target" in part.memory:
        driver = part.recall("target")

    def look(one: GuestDriver) -> Observed:
        vregs = part.session.vregs(one)
        values = part.session.csrs(one) | {name: part.session.get(one, name) for name in ("vlenb", "vsstatus")}
        return Observed(values | {"fnv": fnv1a(vregs), "v": vregs.hex(), "err": 0}, ("vcpu",))

    return part.observe(row, driver, look)


def _load_shown(part: Part, row: Row, driver: GuestDriver) -> None:
    load_as(part, driver, row, seed_of(bytes.fromhex(row["v"])))


def _stop_and_go(part: Part, row: Row, driver: GuestDriver) -> None:
    part.memory["mp_set"] = [_set_mpstate(part, driver, state) for state in (MpState.STOPPED, MpState.RUNNABLE)]


# What the recorder did before a state line without a line of its own, by the note of that line.
_UNLOGGED: dict[str, Callable[[Part, Row, GuestDriver], None]] = {
    "source": _load_shown,
    "secondary before hart_stop": _load_shown,
    "secondary after MP_STATE STOPPED, RUNNABLE": _stop_and_go,
}


# Starting and stopping


@lines("mp_state")
def mp_state(part: Part, row: Row) -> Observed:
    """KVM_GET_MP_STATE."""
    return Observed({"err": 0, "state": int(part.session.kernel.get_mpstate(part.vcpu(row).vcpu))}, ("vcpu",))


@lines("mp_set")
def mp_set(part: Part, row: Row) -> Observed:
    """KVM_SET_MP_STATE, off and on again."""
    err_stop, err_run = part.recall("mp_set")
    return Observed({"err_stop": err_stop, "err_run": err_run})


@lines("mp_init_received")
def mp_init_received(part: Part, row: Row) -> Observed:
    """KVM_SET_MP_STATE that asks for a reset, which the VM may not have enabled; of the secondary vCPU by default."""
    error = _set_mpstate(part, part.session.driver(row.get("vcpu", 1)), MpState.INIT_RECEIVED)
    return Observed({"err": error, "ename": errno_name(error)}, ("vcpu",))


@lines("mp_reset_enable")
def mp_reset_enable(part: Part, row: Row) -> Observed:
    """KVM_ENABLE_CAP of KVM_CAP_RISCV_MP_STATE_RESET."""
    vm = part.vcpu(row).vcpu.vm
    error = errno_of(lambda: part.session.kernel.enable_mp_state_reset(vm))
    return Observed({"err": error, "ename": errno_name(error)})


def _set_mpstate(part: Part, driver: GuestDriver, state: MpState) -> int:
    return errno_of(lambda: part.session.kernel.set_mpstate(driver.vcpu, state))


@lines("hart_start")
def hart_start(part: Part, row: Row) -> Observed:
    """The boot vCPU, which has loaded its registers before, starts the secondary one."""
    boot = part.session.driver(0)
    boot.start()
    boot.command("set_vs", 1)
    shown = next(row for row in part.rest("onereg_state") if row["vcpu"] == 0)
    _load_shown(part, shown, boot)
    code = boot.command("hart_start", 1)
    return Observed({"code": CODES[code], "sbi_ret": boot["result"]})


@lines("hart_restart")
def hart_restart(part: Part, row: Row) -> Observed:
    """The secondary vCPU stops itself, the boot vCPU starts it again, and it runs."""
    boot, secondary = part.session.driver(0), part.session.driver(1)
    secondary.command("hart_stop")
    code = boot.command("hart_start", 1)
    started = secondary.start()
    return Observed({"code_boot": CODES[code], "sbi_ret": boot["result"], "code_secondary": CODES[started]})


# Copying


@lines("copy_fail")
def copy_fail(part: Part, row: Row) -> Observed:
    """Every register that the list names is copied to a vCPU of a new VM; this one could not be."""
    kernel, source = part.session.kernel, part.session.driver(0)
    target = part.memory["target"] = part.session.new_driver()
    failed = []
    for register in kernel.get_reg_list(source.vcpu):
        data = kernel.get_reg(source.vcpu, register)
        error = part.session.call(target, "set", register, UserBuffer(data))
        if error:
            failed.append((register, error))
    part.memory["copied"] = len(kernel.get_reg_list(source.vcpu)) - len(failed), len(failed)
    if not failed:
        return Observed({"id": None, "get": "0", "set": "0"})
    register, error = failed[0]
    return Observed({"id": register, "get": "0", "set": errno_name(error)})


@lines("copied")
def copied(part: Part, row: Row) -> Observed:
    """How many registers could be copied; the program counter, an address of the recorder's guest, went along."""
    ok, bad = part.recall("copied")
    pcs = [one.vcpu.guest_context["sepc"] for one in (part.session.driver(0), part.recall("target"))]
    part.recall("target").start()
    part.session.replace_driver(0, part.recall("target"))
    return Observed({"ok": ok, "bad": bad, "pc_dst": row["pc_src"] if pcs[0] == pcs[1] else pcs[1]}, ("pc_src",))


# Host processes


@lines("host_syscall")
def host_syscall(part: Part, row: Row) -> Observed:
    """A process fills its registers, makes a system call, and looks at them."""
    driver, kernel = part.vcpu(row), part.session.kernel
    inside: dict[str, Callable[[], Any]] = {
        "getpid (baseline, no KVM)": lambda: None,
        "KVM_RUN, guest spins": lambda: driver.command("nop"),
        "KVM_RUN, guest loads its own registers": lambda: driver.load(part.pattern(9), 2, 0xD0, 1, 1),
        "KVM_GET_ONE_REG": lambda: part.session.vregs(driver),
    }
    caller = part.session.caller(part.pattern(8), 6)
    caller.system_call(kernel.harts[0], inside[row["what"]])
    kernel.switch_to(kernel.harts[0], None)
    guest = part.session.vregs(driver)
    values = caller.csrs | {
        "same": int(caller.found == caller.vregs),
        "all_ones": int(set(caller.found) == {_ALL_ONES}),
        "guest_leak": int(any(a == b for a, b in zip(_words(caller.found), _words(guest), strict=True))),
        "v0": caller.found[: part.session.vlenb].hex(),
    }
    return Observed(values, ("what", "rc"))


def _words(data: bytes) -> list[bytes]:
    return [data[at : at + 8] for at in range(0, len(data), 8)]


@lines("host_spin")
def host_spin(part: Part, row: Row) -> Observed:
    """A process that shares its hart with guests finds its registers as they were whenever it looks."""
    caller: Caller = part.recall("callers")[row.get("proc", 0)]
    while not caller.rounds:
        caller.run_a_while(caller.task.hart or part.session.kernel.harts[0])
    return Observed({"mismatch": caller.bad}, ("proc", "iters"))


@lines("host_proc")
def host_proc(part: Part, row: Row) -> Observed:
    """The process ends; its status says whether its registers ever changed."""
    return Observed({"status": int(part.recall("callers")[0].bad != 0)})


# Several at once


@lines("round_robin")
def round_robin(part: Part, row: Row) -> Observed:
    """vCPUs take turns on alternating harts; each finds its registers as it left them."""
    harts, bad, runs = part.session.kernel.harts, 0, 0
    drivers = [part.session.driver(n) for n in range(row["vcpus"])]
    for n, driver in enumerate(drivers):
        driver.load(part.pattern(_SEED_OF_THREADS + n), n + 2, _VTYPE_OF_THREADS, n, n)
    for turn in range(row["rounds"]):
        for n, driver in enumerate(drivers):
            driver.command("nop", hart=harts[turn % len(harts)])
            driver.command("dump", hart=harts[(turn + 1) % len(harts)])
            found = [driver[name] for name in ("vl", "vtype", "vcsr", "vstart")]
            bad += found != [n + 2, _VTYPE_OF_THREADS, n, n]
            bad += driver.buffer != part.pattern(_SEED_OF_THREADS + n)
            runs += 2
    return Observed({"runs": runs, "bad": bad}, ("vcpus", "rounds"))


@lines("signal")
def signal(part: Part, row: Row) -> Observed:
    """Signals stop a guest that looks at its registers; user space reads them right at each stop."""
    driver, vregs = part.session.driver(0), part.pattern(_SEED_OF_THREADS)
    driver.load(vregs, 5, _VTYPE_OF_THREADS, 3, 0)
    driver.vcpu.slice = Slice(_BUDGET)
    driver.preempt = _send_signal
    code, stops, bad, csr_bad = driver.command("watch", _LOOKS), 0, 0, 0
    while code is Code.INTR:
        stops += 1
        bad += part.session.vregs(driver) != vregs
        csrs = part.session.csrs(driver)
        csr_bad += [csrs[name] for name in ("vl", "vtype", "vcsr")] != [5, _VTYPE_OF_THREADS, 3]
        code = driver.start()
    values = {
        "eintr": row["eintr"] if stops else 0,
        "onereg_bad": bad,
        "csr_bad": csr_bad,
        "guest_mismatch": driver["left"],
        "guest_csr_mismatch": driver["csr_changes"],
        "exit_reason": 35,
    }
    return Observed(values)


def _send_signal(vcpu: Vcpu) -> None:
    vcpu.signal_pending = True


@lines("thread_check")
def thread_check(part: Part, row: Row) -> Observed:
    """Guests look at their registers while they and host processes preempt each other."""
    if "callers" not in part.memory:
        _run_threads(part)
    driver = part.vcpu(row)
    preempted = row["preempted"] if part.recall("preemptions") else 0
    values = {
        "code": "DONE",
        "preempted": preempted,
        "mismatch_words": driver["left"],
        "csr_mismatch": driver["csr_changes"],
    }
    return Observed(values, ("vcpu", "iters"))


def _run_threads(part: Part) -> None:
    session = part.session
    vcpus = 1 + max(row["vcpu"] for row in part.rest("thread_final"))
    drivers = [session.driver(n) for n in range(vcpus)]
    for n, driver in enumerate(drivers):
        driver.load(part.pattern(_SEED_OF_THREADS + n), n + 2, _VTYPE_OF_THREADS, n, 0)
        driver.prepare("watch", _LOOKS)
    callers = [session.caller(part.pattern(100 + n), n) for n in range(2)]
    part.memory |= {"callers": callers, "preemptions": session.interleave(drivers, callers, Random(1), _BUDGET)}


@lines("threads")
def threads(part: Part, row: Row) -> Observed:
    """All of them are done."""
    callers = part.recall("callers")
    values = {"host_procs": len(callers), "status": [int(caller.bad != 0) for caller in callers]}
    return Observed(values, ("vcpus",))


@lines("thread_final")
def thread_final(part: Part, row: Row) -> Observed:
    """The CSRs of a guest afterwards."""
    csrs = part.session.csrs(part.vcpu(row))
    return Observed({name: csrs[name] for name in VECTOR_CSRS if name != "vstart"}, ("vcpu",))


@lines("watch")
def watch(part: Part, row: Row) -> Observed:
    """A guest looks at its registers, or, without V, at whatever it finds there, while a process shares its hart."""
    driver, kernel = part.session.driver(0), part.session.kernel
    hart = kernel.harts[0]
    if row["v_disabled"]:
        driver.start()
        driver.command("set_vs", 1)
    own = driver.buffer if row["v_disabled"] else part.session.vregs(driver)
    process = part.session.caller(part.pattern(_WATCHED_PROCESS), 0)
    part.memory["callers"] = [process]
    process.task.slice = Slice(100)
    left = 5  # times that the process gets the hart

    def share(vcpu: Vcpu) -> None:
        nonlocal left
        if left:
            left -= 1
            kernel.sched_out(vcpu)
            process.run_a_while(hart)
            kernel.switch_to(hart, None)
            kernel.sched_in(vcpu, hart)

    driver.preempt = share
    driver.vcpu.slice = Slice(_BUDGET)
    code = driver.command("watch", _LOOKS)
    driver.preempt = None
    process.task.slice = Slice()
    changed = driver["left"] != 0
    found = driver.second
    values = {
        "code": CODES[code],
        "changed": int(changed),
        "iters_left": row["iters_left"] if changed else 0,
        "regs_equal_host_process": _equal(part, found, process.vregs),
        "regs_equal_own": _equal(part, found, own),
        "v0": found[: part.session.vlenb].hex(),
    }
    return Observed(values, ("v_disabled",))


def _equal(part: Part, found: bytes, other: bytes) -> int:
    vlenb = part.session.vlenb
    return sum(found[at : at + vlenb] == other[at : at + vlenb] for at in range(0, len(found), vlenb))
