# SPDX-License-Identifier: Apache-2.0
"""Group E: the vector registers in user space's hands: ids, sizes, errors, values, the list, and migration."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from random import Random

from vctx.pymodel.isa import Csr, Hart
from vctx.pymodel.kvm import onereg
from vctx.pymodel.kvm.abi import FROZEN
from vctx.pymodel.kvm.errors import KvmError
from vctx.pymodel.kvm.kernel import Kernel
from vctx.pymodel.kvm.onereg_vector import get_reg_vector, set_reg_vector
from vctx.pymodel.kvm.register_ids import isa_ext_id, vector_ids
from vctx.pymodel.kvm.state import Vcpu
from vctx.pymodel.kvm.vector import VREGS
from vctx.pymodel.scenarios.context import VectorContext
from vctx.pymodel.scenarios.guest_code import GuestCode
from vctx.pymodel.scenarios.lab import RAM_BASE_NO_V, VLEN, Group, Lab
from vctx.pymodel.scenarios.library.vector_unit import E8M8, VILL

GROUP = Group("E", "one-reg")

_CSRS = ("vstart", "vl", "vtype", "vcsr")
_VLENB, _DATAP, _V0, _END = 4, 5, 6, 38  # numbers in the final vector class
_TYPE, _NUMBER = 24, 0xFFFFFF


@GROUP.scenario(46, 59, checks=["id-table"])
def frozen_ids(lab: Lab) -> None:
    """Every id that programs were compiled with, of the kernel's day and of today; no two registers share one."""
    kernel = lab.kernel(harts=1, vlen=128)
    own = vector_ids(lab.version, kernel.layout, 16)
    for abi in dict.fromkeys((lab.version.abi, "newest")):
        _compare_ids(lab, abi, own)
    isa = {f"isa.{name}": isa_ext_id(lab.version, name) for name in lab.version.isa_ext_ids}
    names: dict[int, list[str]] = {}
    for name, one in (own | isa).items():
        names.setdefault(one, []).append(name)
    doubles = [" is ".join(sharing) for sharing in names.values() if len(sharing) > 1]
    lab.equal("id-table", "registers that share an id", [], doubles, ["S1"])


def _compare_ids(lab: Lab, abi: str, own: Mapping[str, int]) -> None:
    """Compare the kernel's own ids with those of an ABI."""
    of = f"in ABI {abi}"
    for name, due in FROZEN[abi].items():
        found = own.get(name)
        if found is None:
            lab.check("id-table", False, f"id of {name} {of}", hex(due), "no such register", ["S18"])
            continue
        class_ok = name.startswith("isa.") or found >> _TYPE & 0xFF == due >> _TYPE & 0xFF
        number_ok = found & _NUMBER == due & _NUMBER
        if name.startswith("isa."):
            lab.check("id-table", found == due, f"ISA_EXT id of {name[4:]} {of}", hex(due), hex(found), ["S8"])
        else:
            lab.check("id-table", class_ok, f"class of {name} {of}", hex(due), hex(found), ["S1"])
            lab.check("id-table", number_ok, f"number of {name} {of}", hex(due), hex(found), ["S17"])
    if abi == lab.version.abi:
        lab.equal("id-table", f"registers that ABI {abi} does not have", [], sorted(own.keys() - FROZEN[abi].keys()))


@GROUP.scenario(47, 56, checks=["one-reg-round-trip"])
def every_register_reads_back(lab: Lab) -> None:
    """Each CSR and v0 to v31, set and read back before the first run; the ISA bitmap stays."""
    kernel = lab.kernel(harts=1)
    random = Random(47)
    vcpu = lab.vcpu(kernel, "scalar")
    isa = vcpu.isa
    legal = {"vstart": 5, "vl": 9, "vtype": 0x11, "vcsr": 6}
    values = [(name, lab.csr_id(name), value.to_bytes(8, "little")) for name, value in legal.items()]
    values += [(f"v{n}", lab.vreg_id(n), random.randbytes(VLEN // 8)) for n in range(VREGS)]
    for name, register, data in values:
        done = lab.outcome(kernel.set_reg, vcpu, register, data)
        lab.equal("one-reg-round-trip", f"set {name} (id {register:#x})", "0", done, ["S1"])
        lab.equal("one-reg-round-trip", f"ISA bitmap after set {name}", hex(isa), hex(vcpu.isa), ["S1"])
    for name, register, data in values:
        found = _get(kernel, vcpu, register)
        lab.equal("one-reg-round-trip", f"get {name} (id {register:#x})", data.hex(), found, ["S1"])


def _get(kernel: Kernel, vcpu: Vcpu, register: int) -> str:
    try:
        return kernel.get_reg(vcpu, register).hex()
    except KvmError as error:
        return str(error)


@GROUP.scenario(47, 55, checks=["one-reg-values", "no-oops"])
def illegal_values(lab: Lab) -> None:
    """vl above VLMAX, reserved vtype, vcsr and vstart all ones: no trap at restore, and memory agrees with hardware."""
    ones = (1 << 64) - 1
    for values in (
        {"vl": ones, "vtype": 0},
        {"vl": 5, "vtype": 0x04},
        {"vl": 5, "vtype": VILL},
        {"vl": 5, "vtype": ones},
        {"vcsr": ones},
        {"vstart": ones, "vl": 5, "vtype": E8M8},
    ):
        kernel = lab.kernel(harts=1)
        hart = kernel.harts[0]

        def write(code: GuestCode) -> None:
            code.yields(1).report_register()

        vcpu = lab.guest(kernel, write)
        for name, value in values.items():
            # The vector class itself, which S1 hides behind another.
            data = onereg.UserBuffer(value.to_bytes(8, "little"))
            set_reg_vector(vcpu, hart, lab.csr_id(name) & _NUMBER, 8, data)
        lab.monitor.unpredictable(vcpu)
        call = f"set {', '.join(f'{name}={value:#x}' for name, value in values.items())}, then KVM_RUN"
        with lab.survives("no-oops", call):
            run = vcpu.run(hart)
            next(run)
            held = VectorContext.of_hart(hart)
            lab.finish(run)
            image = VectorContext.of_image(vcpu.guest_context.vector, kernel.vsize)
            lab.same("one-reg-values", f"{call}: memory against the registers the guest had", held, image, ["S19"])


@GROUP.scenario(48, 49, 50, checks=["one-reg-errors"])
def sizes_and_indexes(lab: Lab) -> None:
    """All 16 size codes with all numbers from 0 to 40: the exact errno of get, and of set from a short buffer."""
    kernel = lab.kernel(harts=1)
    vcpu = lab.vcpu(kernel, "scalar")
    hart = kernel.harts[0]
    wrong: dict[str, list[tuple[str, str, str]]] = {"S1": [], "S17": [], "S18": [], "S20": []}
    # Without any of v0 to v31 the class itself is out of reach; without one or two, they are numbered differently.
    unreachable = lab.outcome(_get_sized, vcpu, hart, _V0 + 1, VLEN // 8) != "0"
    for number, code in product(range(41), range(16)):
        size = 1 << code
        due = _errno_due(number, size)
        for call in (_get_sized, _set_sized):
            if call is _set_sized and due == "0":
                continue  # it would change the register
            found = lab.outcome(call, vcpu, hart, number, size)
            if found == due:
                continue
            if "0" not in (due, found):
                why = "S20"
            elif number == _VLENB:
                why = "S18"
            else:
                why = "S1" if unreachable else "S17"
            wrong[why].append((f"{call.__name__[1:4]}, number {number}, {size} bytes", due, found))
    for defect, calls in wrong.items():
        call_, due, found = calls[0] if calls else ("all 16 sizes x 41 numbers", "", "")
        more = f", and {len(calls) - 1} more calls" if len(calls) > 1 else ""
        lab.check("one-reg-errors", not calls, call_ + more, due, found, [defect])


def _get_sized(vcpu: Vcpu, hart: Hart, number: int, size: int) -> None:
    register = onereg.reg_id(vcpu.kernel.version.vector_reg_type, number, size)
    onereg.get_reg(vcpu, hart, register, onereg.UserBuffer(bytes(size)))


def _set_sized(vcpu: Vcpu, hart: Hart, number: int, size: int) -> None:
    register = onereg.reg_id(vcpu.kernel.version.vector_reg_type, number, size)
    onereg.set_reg(vcpu, hart, register, onereg.UserBuffer(bytes(size)))


def _errno_due(number: int, size: int) -> str:
    """Facts, 3.3: a wrong size comes before "no such register" among the CSRs, and not beyond v31."""
    if number < _V0:
        if size != 8:
            return "-EINVAL"
        return "-ENOENT" if number == _DATAP else "0"
    if number < _END:
        return "0" if size == VLEN // 8 else "-EINVAL"
    return "-ENOENT"


@GROUP.scenario(51, 52, checks=["vlenb-register"])
def vlenb(lab: Lab) -> None:
    """vlenb reads VLEN/8 right after create, takes that value and no other, and never more than a long."""
    kernel = lab.kernel(harts=1)
    vcpu = lab.vcpu(kernel, "scalar")
    hart = kernel.harts[0]
    register = onereg.reg_id(lab.version.vector_reg_type, _VLENB)
    due = (VLEN // 8).to_bytes(8, "little").hex()
    lab.equal("vlenb-register", f"get vlenb (id {register:#x})", due, _get(kernel, vcpu, register), ["S18"])
    for value, errno_due in ((VLEN // 8, "0"), (0, "-EINVAL"), (VLEN // 4, "-EINVAL")):
        found = lab.outcome(kernel.set_reg, vcpu, register, value)
        lab.equal("vlenb-register", f"set vlenb to {value}", errno_due, found, ["S18"])
    for code in range(9):
        size = 1 << code
        if size != 8:
            register = onereg.reg_id(lab.version.vector_reg_type, _VLENB, size)
            buffer = onereg.UserBuffer(bytes([0xFF]) * size)
            found = lab.outcome(onereg.set_reg, vcpu, hart, register, buffer)
            lab.equal("vlenb-register", f"set vlenb with {size} bytes", "-EINVAL", found, ["S18"])


@GROUP.scenario(53, checks=["one-reg-errors"])
def user_memory_not_mapped(lab: Lab) -> None:
    """A buffer that is not there, or ends too early, is EFAULT; after the register itself was found good."""
    kernel = lab.kernel(harts=1)
    vcpu = lab.vcpu(kernel, "scalar")
    hart = kernel.harts[0]
    for name, register, room in (("vl", lab.csr_id("vl"), 0), ("v3", lab.vreg_id(3), 8)):
        for call in (onereg.get_reg, onereg.set_reg):
            found = lab.outcome(call, vcpu, hart, register, onereg.UserBuffer(bytes(room)))
            lab.equal("one-reg-errors", f"{call.__name__} {name}, {room} bytes mapped", "-EFAULT", found, ["S1"])


@GROUP.scenario(54, checks=["one-reg-errors"])
def get_without_v(lab: Lab) -> None:
    """Reading a vector register of a guest without V: ENOENT, always, and nothing of the kernel in user's buffer."""
    kernel = lab.kernel(harts=1, ram_base=RAM_BASE_NO_V)
    vcpu = lab.vcpu_without_v(kernel, "scalar")
    hart = kernel.harts[0]
    secret = kernel.alloc.kzalloc(hart, 64, "secret")
    kernel.write(hart, secret, b"secret!!" * 8)
    for word in (0, secret, 0xAAAA_AAAA_AAAA_AAAA):
        kernel.stale_stack_word = word
        buffer = onereg.UserBuffer(bytes(8))
        # The vector class itself, which S1 hides behind another.
        found = lab.outcome(_copy_vector_reg, vcpu, buffer)
        call = f"get vstart without V, stale stack word {word:#x}"
        no_leak = bytes(buffer.data) == bytes(8) and not found.startswith("oops")
        lab.check(
            "one-reg-errors", no_leak, call, "-ENOENT and 8 zero bytes", f"{found} and {bytes(buffer.data)!r}", ["S3"]
        )
        lab.equal("one-reg-errors", call, "-ENOENT", found, ["S20"] if no_leak else ["S3"])


def _copy_vector_reg(vcpu: Vcpu, buffer: onereg.UserBuffer) -> None:
    buffer.copy_to_user(get_reg_vector(vcpu, 0, 8))


@GROUP.scenario(57, checks=["reg-list"])
def register_list(lab: Lab) -> None:
    """KVM_GET_REG_LIST: 37 vector registers with V, none without, in order; E2BIG names the number that is due."""
    kernel = lab.kernel(harts=1)
    for allowed in (True, False):
        vcpu = lab.vcpu(kernel, "scalar", v_allowed=allowed)
        regs = onereg.RegList(0)
        found = lab.outcome(onereg.get_reg_list, vcpu, regs)
        lab.equal("reg-list", "KVM_GET_REG_LIST with n = 0", "-E2BIG", found, ["S18"])
        due = regs.n
        found = lab.outcome(onereg.get_reg_list, vcpu, regs)
        lab.equal("reg-list", f"KVM_GET_REG_LIST with n = {due}", ("0", due), (found, len(regs.reg)), ["S18"])
        vector = [register & _NUMBER for register in regs.reg if register >> _TYPE & 0xFF == 9]
        wanted = [n for n in range(_END) if n != _DATAP] if allowed else []
        unwanted = "S22" if lab.has_v(kernel, vcpu) else "S2"
        why = "S18" if found != "0" or allowed else unwanted
        lab.equal("reg-list", f"vector registers in the list, V allowed: {allowed}", wanted, vector, [why])


@GROUP.scenario(58, checks=["migration"])
def migration(lab: Lab) -> None:
    """A used vCPU copied to a fresh one, register by register in random order: the guest goes on unaware."""
    for seed in range(3):
        kernel = lab.kernel(harts=2)
        source = lab.vcpu(kernel, "canary", 5)
        lab.rounds(source, kernel.harts[0], 3)
        target = lab.vcpu(kernel, "canary", 5)
        memory = kernel.memory.read(source.vm.memory, source.vm.size)
        kernel.write(kernel.harts[0], target.vm.memory, memory)
        names = [("vector", lab.csr_id(name)) for name in _CSRS] + [("vector", lab.vreg_id(n)) for n in range(VREGS)]
        names += [("core", onereg.reg_id(onereg.CORE, n)) for n in range(33)]
        names += [("csr", onereg.reg_id(onereg.CSR, n)) for n in range(10)]
        Random(seed).shuffle(names)
        for kind, register in names:
            call = f"copy of {kind} register {register:#x}"
            with lab.survives("migration", call, "S1"):
                kernel.set_reg(target, register, kernel.get_reg(source, register))
        here = VectorContext.of_image(source.guest_context.vector, kernel.vsize)
        there = VectorContext.of_image(target.guest_context.vector, kernel.vsize)
        lab.same("migration", "vector state of the copy", here, there, ["S1"])
        lab.monitor.changed_by_user(target)
        # The exit that the source has not completed yet is completed by whoever has the vCPU now.
        target.user_exit = source.user_exit
        lab.rounds(target, kernel.harts[1], 2)


@GROUP.scenario(47, checks=["one-reg-values"])
def values_after_a_run(lab: Lab) -> None:
    """What a guest left in its registers is what user space reads after the run."""
    kernel = lab.kernel(harts=1)
    hart = kernel.harts[0]

    def write(code: GuestCode) -> None:
        code.vset(7, E8M8).insn("vmv.v.i", vd=8, imm=-3).csrw(Csr.VCSR, 5).report_register()

    vcpu = lab.guest(kernel, write)
    lab.reports(vcpu, hart)
    for name, due in (("vl", 7), ("vtype", E8M8), ("vcsr", 5), ("vstart", 0)):
        found = _get(kernel, vcpu, lab.csr_id(name))
        lab.equal("one-reg-values", f"get {name} after the run", due.to_bytes(8, "little").hex(), found, ["S1"])
    found = _get(kernel, vcpu, lab.vreg_id(8))
    lab.equal("one-reg-values", "get v8 after the run", "fd" * 7, found[:14], ["S1"])
