# SPDX-License-Identifier: Apache-2.0
"""Lines about the guest: what it did in VS-mode, what it saw there, and what user space reads afterwards."""

from __future__ import annotations

import errno
from collections.abc import Callable

from vctx.pymodel.isa import Cause, Csr, encode
from vctx.pymodel.kvm import ExitReason
from vctx.pymodel.kvm.abi import VECTOR_CSRS
from vctx.pymodel.kvm.exit_causes import EXITS, Action
from vctx.pymodel.kvm.layout import SR_VS
from vctx.pymodel.scenarios.guest_driver import Code, GuestDriver
from vctx.pymodel.scenarios.linux.part import SEPC_LOST, VS_WITHOUT_V, Part, lines
from vctx.pymodel.scenarios.linux.session import CODES
from vctx.pymodel.scenarios.linux.trace import Difference, Explanation, Observed, Row, differences, fnv1a, number

_VS_SHIFT = 9
_KERNEL_SPACE = 1 << 63  # the first address of the kernel's half
_SBI_EXIT = 35  # KVM_EXIT_RISCV_SBI
_VADD = encode("vadd.vv", vd=8, vs2=16, vs1=24, vm=1)
_VID = encode("vid.v", vd=8, vm=1)
_VMV1R = encode("vmv1r.v", vd=8, vs2=16)
_CSRW_VL = encode("csrrw", rd=0, csr=Csr.VL, rs1=11)
_CSRR_VSTART = encode("csrrs", rd=6, csr=Csr.VSTART, rs1=0)
_CSRWI_VCSR_6 = encode("csrrwi", rd=0, csr=Csr.VCSR, uimm=6)
_INSTRUCTIONS = {
    "vadd": _VADD,
    "vid": _VID,
    "vmv1r": _VMV1R,
    "csrw vl": _CSRW_VL,
    "vector csr read": _CSRR_VSTART,
    "csrr vector csrs": _CSRR_VSTART,
}
_VS_VALUES = {"set VS=Off": 0, "set VS=Initial": 1, "sstatus.VS=1": 1}
# What the recorder had the guest set its VS to before a dump without a line of its own, by the note of the dump.
_UNLOGGED_VS = {"secondary: state seen after reset": 1, "VS=Clean again": 2}
_HOST_SEED = 77  # what the process that runs the guest without V had in its registers


def vs_of(sstatus: int) -> int:
    """Return the VS field of a status register."""
    return (sstatus & SR_VS) >> _VS_SHIFT


@lines("first_run")
def first_run(part: Part, row: Row) -> Observed:
    """A vCPU runs for the first time, or for the first time after a reset; its sstatus at entry."""
    driver = part.vcpu(row)
    code = driver.start()
    return Observed({"code": CODES[code], "a0_sstatus": driver["sstatus_in"]}, ("vcpu",))


@lines("guest_result")
def guest_result(part: Part, row: Row) -> Observed:
    """The guest does one thing, that may trap."""
    driver = part.vcpu(row)
    code = _do(part, driver, row["note"])
    trapped = code is Code.TRAP
    values = {
        "code": CODES[code],
        "scause": driver["scause"] if trapped else 0,
        "stval": driver["stval"] if trapped else 0,
        "vs": vs_of(driver["sstatus_out"]),
    }
    return explain_vs(part, row, Observed(values, ("vcpu",)))


def explain_vs(part: Part, row: Row, observed: Observed) -> Observed:
    """Explain a line by VS_WITHOUT_V if all that differs is that VS holds what the guest wrote."""
    written = part.memory.get("vs_written", 0)
    if not part.session.platform.has_v and differences(row, observed) == (Difference("vs", written, 0),):
        observed.explanation = Explanation(VS_WITHOUT_V, f"the guest wrote {written}")
    return observed


def _do(part: Part, driver: GuestDriver, note: str) -> Code:
    if note in _VS_VALUES:
        part.memory["vs_written"] = _VS_VALUES[note]
        return driver.command("set_vs", _VS_VALUES[note])
    if note == "SBI console putchar":
        return driver.command("putchar")
    if note == "load v regs with V disabled":
        return _in_caller(part, lambda: driver.load(part.pattern(1), 1, 0, 0, 0))
    word = next(word for name, word in _INSTRUCTIONS.items() if note.startswith(name))
    return driver.execute(word)


def _in_caller(part: Part, action: Callable[[], Code]) -> Code:
    """Do something to the guest in a system call of the process that has vector state of its own."""
    codes: list[Code] = []
    part.recall("caller").system_call(part.session.kernel.harts[0], lambda: codes.append(action()))
    return codes[0]


@lines("run")
def run(part: Part, row: Row) -> Observed:
    """A process with vector state of its own runs a guest without V that dumps its registers."""
    driver = part.vcpu(row)
    caller = part.memory["caller"] = part.session.caller(part.pattern(_HOST_SEED), 0)
    code = part.memory["dumped"] = _in_caller(part, lambda: driver.command("dump"))
    return Observed({"rc": 0, "reason": _SBI_EXIT, "code": CODES[code], "host_in_fnv": fnv1a(caller.vregs)})


@lines("run_failed")
def run_failed(part: Part, row: Row) -> Observed:
    """KVM_RUN failed, and the part ended there; no golden hypervisor does that."""
    observed = Observed({"err": 0, "ename": "0", "pc": part.vcpu(row).vcpu.guest_context["sepc"]}, ("vcpu",))
    redirects = EXITS[part.session.kernel.version.exits].action(Cause.ILLEGAL) is Action.REDIRECT
    if redirects and row["err"] == errno.EOPNOTSUPP and number(row["pc"]) >= _KERNEL_SPACE:
        observed.explanation = Explanation(SEPC_LOST, f"the guest was to go on at {row['pc']}")
    return observed


@lines("guest_dump")
def guest_dump(part: Part, row: Row) -> Observed:
    """The guest reads its vector CSRs, and its registers too if the line has them."""
    driver = part.vcpu(row)
    if row["note"] in _UNLOGGED_VS:
        driver.command("set_vs", _UNLOGGED_VS[row["note"]])
    command = "dump" if row["v"] else "csrs"
    return part.observe(row, driver, lambda one: _dump(part, one, command))


def _dump(part: Part, driver: GuestDriver, command: str) -> Observed:
    if "dumped" in part.memory:  # the line before this one did it
        code = part.memory.pop("dumped")
    elif "caller" in part.memory:
        code = _in_caller(part, lambda: driver.command(command))
    else:
        code = driver.command(command)
    values: Row = {name: driver[name] for name in (*VECTOR_CSRS, "vlenb", "vxrm", "vxsat", "sstatus_in")}
    values |= {"vs_in": vs_of(driver["sstatus_in"]), "vs_out": vs_of(driver["sstatus_out"]), "code": CODES[code]}
    return Observed(
        values | {"fnv": fnv1a(driver.buffer), "v": driver.buffer.hex() if command == "dump" else ""}, ("vcpu",)
    )


@lines("vse")
def vse(part: Part, row: Row) -> Observed:
    """The guest stores v0, from vstart on."""
    driver = part.vcpu(row)
    code = driver.command("store")
    values: Row = {
        "code": CODES[code],
        "vs_before": vs_of(driver["sstatus_in"]),
        "vs_after": vs_of(driver["sstatus_out"]),
        "v0": driver.buffer[: part.session.vlenb].hex(),
    }
    return Observed(values)


@lines("guest_load")
def guest_load(part: Part, row: Row) -> Observed:
    """The guest loads its whole state; the CSR values show in the line behind."""
    driver = part.vcpu(row)
    code = load_as(part, driver, part.rest("onereg_state")[0], row["seed"])
    return Observed({"code": CODES[code], "rd": driver["result"], "vs_out": vs_of(driver["sstatus_out"])}, ("seed",))


def load_as(part: Part, driver: GuestDriver, row: Row, seed: int) -> Code:
    """Have the guest load the registers of `seed` and the CSRs that a state line shows."""
    csrs = [number(row[name]) for name in ("vl", "vtype", "vcsr", "vstart")]
    return driver.load(part.pattern(seed), *csrs)


@lines("exit_mmio")
def exit_mmio(part: Part, row: Row) -> Observed:
    """The guest stores to and loads from an address without memory: two exits, in one command."""
    driver = part.vcpu(row)
    if "mmio" not in part.memory:
        stored, reply = bytes.fromhex(row["data"]), number(part.rest("mmio")[0]["read"])
        driver.mmio_reply = reply.to_bytes(8, "little")
        code = driver.command("mmio", number(row["gpa"]), int.from_bytes(stored, "little"))
        exits = [exit_.args for exit_ in driver.exits if exit_.reason is ExitReason.MMIO]
        part.memory |= {"mmio": exits, "mmio_code": code, "mmio_buffer": exits[0][3].to_bytes(8, "little")}
    gpa, size, write, _ = part.recall("mmio").pop(0)
    # A load's exit shows what user space still has in the buffer that it shares with the kernel.
    values = {"gpa": gpa, "len": size, "write": write, "data": part.recall("mmio_buffer").hex()}
    return Observed(values, ("vcpu",))


@lines("mmio")
def mmio(part: Part, row: Row) -> Observed:
    """What the guest then had loaded."""
    return Observed({"code": CODES[part.recall("mmio_code")], "read": part.vcpu(row)["result"]})


@lines("vsetvl")
def vsetvl(part: Part, row: Row) -> Observed:
    """The guest executes vsetvl; it and user space then read vl and vtype."""
    driver, session = part.vcpu(row), part.session
    avl, vtype = number(row["avl"]), number(row["vtype_in"])
    code = driver.command("vsetvl", avl, vtype)
    values = {
        "code": CODES[code],
        "rd": driver["result"],
        "vl": driver["vl"],
        "vtype": driver["vtype"],
        "onereg_vl": session.get(driver, "vl"),
        "onereg_vtype": session.get(driver, "vtype"),
    }
    return Observed(values, ("avl", "vtype_in"))


@lines("odd_nodirty")
def odd_nodirty(part: Part, row: Row) -> Observed:
    """The guest runs without touching vectors; user space reads back what it had set."""
    driver = part.vcpu(row)
    driver.command("nop")
    return Observed(part.session.csrs(driver), ("case",))


@lines("odd_dirty")
def odd_dirty(part: Part, row: Row) -> Observed:
    """The guest dirties its state; user space reads what the hardware made of what it had set."""
    driver, session = part.vcpu(row), part.session
    code = driver.command("dump")
    kept = driver.buffer == session.vregs(driver)
    return Observed(session.csrs(driver) | {"code": CODES[code], "vregs_ok": int(kept)}, ("case",))


@lines("counters")
def counters(part: Part, row: Row) -> Observed:
    """How often user space saw what; the number of runs is the recorder's."""
    reasons = [exit_.reason for exit_ in part.vcpu(row).exits]
    return Observed(
        {"intr": reasons.count(ExitReason.INTR), "mmio": reasons.count(ExitReason.MMIO)},
        ("runs",),
    )


@lines("csr_only")
def csr_only(part: Part, row: Row) -> Observed:
    """The guest changes or reads little; user space reads the CSRs."""
    driver, what = part.vcpu(row), row["what"]
    if what == "guest wrote vstart=3 vcsr=6, no vector instruction":
        code = part.csr_write(driver, 3, 6)
    else:
        codes = [_little(one, what) for one in part.both(driver)]
        code = codes[0].name

    def look(one: GuestDriver) -> Observed:
        values = part.session.csrs(one) | {"vsstatus_vs": vs_of(part.session.get(one, "vsstatus")), "code": code}
        return Observed(values, ("what",))

    return part.observe(row, driver, look)


def _little(driver: GuestDriver, what: str) -> Code:
    if what.startswith("guest ran vsetvl avl=4 vtype=0xc9"):
        return driver.command("vsetvl", 4, 0xC9)
    if what.startswith("guest wrote vcsr=6 then vid.v"):
        return driver.execute(_CSRWI_VCSR_6, _VID)
    if what.startswith("guest ran vs1r.v"):
        return driver.command("store")
    if what.endswith("run without vector code"):
        return driver.command("nop")
    return driver.command("dump")


@lines("vsstatus_by_onereg")
def vsstatus_by_onereg(part: Part, row: Row) -> Observed:
    """User space sets the guest's own VS; the guest then reads its CSRs."""
    driver, session = part.vcpu(row), part.session
    if "started" not in part.memory:
        part.memory["started"] = driver.start()
    status = session.get(driver, "vsstatus") & ~SR_VS | row["vs"] << _VS_SHIFT
    error = session.set(driver, "vsstatus", status)
    readback = session.get(driver, "vsstatus")
    code = driver.command("csrs")
    if code is Code.DONE:
        part.memory["dumped"] = code
    return Observed({"err": error, "readback": readback, "code": CODES[code]}, ("vs",))


@lines("vsstatus_dump")
def vsstatus_dump(part: Part, row: Row) -> Observed:
    """The guest dumps its registers, which user space had set."""
    driver = part.vcpu(row)
    expected = part.session.vregs(driver)
    driver.command("dump")
    return Observed({"vregs_ok": int(driver.buffer == expected)}, ("vs",))


@lines("vsstatus_after")
def vsstatus_after(part: Part, row: Row) -> Observed:
    """User space reads the guest's vsstatus."""
    return Observed({"vsstatus": part.session.get(part.vcpu(row), "vsstatus")}, ("vs",))


@lines("step")
def step(part: Part, row: Row) -> Observed:
    """A step of the random walk: user space or the guest changes something, or the guest runs without doing so."""
    return _STEPS[row["op"]](part, row)


def _set_v(part: Part, row: Row) -> Observed:
    value = int.from_bytes(bytes.fromhex(row["data"]), "little")
    errors = [part.session.set(one, f"v{row['reg']}", value) for one in part.both(part.vcpu(row))]
    return Observed({"err": errors[0]}, ("n", "vcpu", "op", "reg", "data"))


def _set_csr(part: Part, row: Row) -> Observed:
    errors = [part.session.set(one, row["reg"], number(row["value"])) for one in part.both(part.vcpu(row))]
    return Observed({"err": errors[0]}, ("n", "vcpu", "op", "reg", "value"))


def _run_novec(part: Part, row: Row) -> Observed:
    codes = [one.command("nop") for one in part.both(part.vcpu(row))]
    return Observed({"code": CODES[codes[0]]}, ("n", "vcpu", "op"))


def _load(part: Part, row: Row) -> Observed:
    driver = part.vcpu(row)
    avl, vtype, vregs = number(row["avl"]), number(row["vtype"]), bytes.fromhex(row["v"])
    codes = [one.load(vregs, avl, vtype, row["vcsr"], row["vstart"]) for one in part.both(driver)]
    inputs = ("n", "vcpu", "op", "avl", "vtype", "vcsr", "vstart", "v")
    return Observed({"code": CODES[codes[0]], "rd": driver["result"]}, inputs)


def _vsetvl(part: Part, row: Row) -> Observed:
    driver = part.vcpu(row)
    avl, vtype = number(row["avl"]), number(row["vtype"])
    codes = [one.command("vsetvl", avl, vtype) for one in part.both(driver)]
    values = {"code": CODES[codes[0]], "rd": driver["result"], "vl": driver["vl"], "vtype_out": driver["vtype"]}
    return Observed(values, ("n", "vcpu", "op", "avl", "vtype"))


def _csrw(part: Part, row: Row) -> Observed:
    code = part.csr_write(part.vcpu(row), number(row["vstart"]), row["vcsr"])
    return Observed({"code": code}, ("n", "vcpu", "op", "vstart", "vcsr"))


_STEPS = {
    "set_v": _set_v,
    "set_csr": _set_csr,
    "run_novec": _run_novec,
    "guest_load": _load,
    "guest_vsetvl": _vsetvl,
    "guest_csrw": _csrw,
}


@lines("random_begin")
def random_begin(part: Part, row: Row) -> Observed:
    """The random walk starts."""
    return Observed({"vlenb": part.session.vlenb}, ("seed", "steps", "vcpus"))
