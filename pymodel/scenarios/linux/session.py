# SPDX-License-Identifier: Apache-2.0
"""The machine on which a part of a recording is done again: kernel, vCPUs that run the driver guest, patterns."""

from __future__ import annotations

import errno
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from random import Random

from vctx.pymodel.errors import UsageError
from vctx.pymodel.isa import Hart
from vctx.pymodel.isa.latitude import Latitude
from vctx.pymodel.isa.vtype import VILL
from vctx.pymodel.kvm import Exit, ExitReason, HostTask, Kernel, KernelVersion, KvmError, Slice
from vctx.pymodel.kvm.abi import CONFIG, CSR, MACHINE_IDS, SBI_EXT, SBI_EXT_TYPE, VECTOR_CSRS, reg_id
from vctx.pymodel.kvm.onereg import UserBuffer, get_reg, set_reg
from vctx.pymodel.kvm.register_ids import isa_ext_id, vector_csr_id, vector_reg_id
from vctx.pymodel.scenarios.guest_driver import Code, GuestDriver, driver_vm
from vctx.pymodel.scenarios.linux.trace import Row, number

VREGS = 32
_SD = 1 << 63
# The choices of the recorder's emulator that its recordings show and that are not Spike's: L-6, L-9.
EMULATOR = Latitude(wide_sew_vill=False, vstart_alu_trap=False)
_WIDE = frozenset({0x1F, 0x16, 0x0D})  # e64,mf2; e32,mf4; e16,mf8: possible with any VLEN, but for L-6
_TAIL_MASK = 0xC0  # vta and vma, which do not matter
_RAM_SIZE = 0x1000_0000
_PMU = reg_id(SBI_EXT_TYPE, SBI_EXT.index("pmu"))
_ON_SPIKE = re.compile(r"\bhints=1\b")  # on the kernel's command line: how the init program speaks there
_SOFT_TIMER = re.compile(r"\bkvec=period_us=[1-9]")
_READY, _BEFORE, _AFTER = 1, 2, 3  # reports of sw/host/caller.S


@dataclass(frozen=True)
class Platform:
    """The recorder's machine, from the first lines of a recording.

    Two things in it are the kernel's: `pmu_sbi`, whether it was built with CONFIG_RISCV_PMU_SBI; and `soft_timer`,
    whether a module's soft timer used vectors all the time.
    """

    release: str
    vlen: int
    has_v: bool
    isa: frozenset[str]
    satp_mode: int
    harts: int
    machine_ids: Mapping[str, int]
    latitude: Latitude
    pmu_sbi: bool
    soft_timer: bool

    @property
    def has_zve(self) -> bool:
        """Whether the harts have vector registers, be it for Zve only."""
        return self.has_v or any(name.startswith("zve") for name in self.isa)

    @classmethod
    def of(cls, rows: list[Row]) -> Platform:
        """Read it from the boot line, and satp.MODE and the machine's ids from the configuration registers.

        Emulators differ in L-6, and the first vset* that asks for it tells; without one it is as in `EMULATOR`. Spike
        makes the choices that are the default. A
        kernel that lists the PMU for guests although the machine lacks what it needs was built not to look.

        Raises:
            UsageError: there is no boot line.
        """
        boot = next((row for row in rows if row["t"] == "boot"), None)
        if boot is None:
            raise UsageError("a recording starts with a boot line, and this one has none")
        letters, *names = boot["isa"].removeprefix("rv64").split("_")
        config = next((row for row in rows if row["t"] == "cfg"), {})
        machine_ids = {name: number(config.get(name, 0)) for name in MACHINE_IDS}
        isa = frozenset(letters.replace("v", "")) | frozenset(names)
        wide = (made for asked, made in _vsets(rows) if asked & ~_TAIL_MASK in _WIDE)
        vill = bool(next(wide, 0) & VILL)
        lists_pmu = any(number(row["id"]) == _PMU for row in rows if row["t"] == "reg")
        return cls(
            boot["release"],
            8 * boot["host_vlenb"],
            "v" in letters,
            isa,
            config.get("satp_mode", 8),
            boot["cpus"],
            machine_ids,
            Latitude() if _ON_SPIKE.search(boot["cmdline"]) else replace(EMULATOR, wide_sew_vill=vill),
            "sscofpmf" in isa or not lists_pmu,
            bool(_SOFT_TIMER.search(boot["cmdline"])),
        )


def _vsets(rows: list[Row]) -> Iterator[tuple[int, int]]:
    """Yield the vtype asked for and the vtype got of every vset* that a guest executed."""
    for row in rows:
        if row["t"] == "vsetvl":
            yield number(row["vtype_in"]), number(row["vtype"])
        elif row["t"] == "step" and row["op"] == "guest_vsetvl":
            yield number(row["vtype"]), number(row["vtype_out"])
        elif row["t"] == "step" and row["op"] == "guest_load" and number(row["avl"]):
            yield number(row["vtype"]), number(row["vtype"]) if row["rd"] else VILL


class Session:
    """A kernel and its vCPUs, one VM for each unless `one_vm`.

    Args:
        platform: the recorder's machine, whose harts make its choices.
        version: the kernel.
        one_vm: all vCPUs belong to one VM, so that all but number 0 start powered off.
        prepared: vCPUs have reported once and set their VS to Initial when they are first used, which recordings do
            without a line of their own in most of their parts.
    """

    def __init__(self, platform: Platform, version: KernelVersion, *, one_vm: bool, prepared: bool) -> None:
        self.platform = platform
        self.vlenb = platform.vlen // 8
        self.kernel = self._kernel(version)
        self.kernel.boot()
        self._vm = driver_vm(self.kernel) if one_vm else None
        self._prepared = prepared
        self._drivers: dict[int, GuestDriver] = {}

    def _kernel(self, version: KernelVersion, *, modular: bool = False) -> Kernel:
        platform = self.platform
        return Kernel(
            version,
            modular=modular,
            harts=platform.harts,
            vlen=platform.vlen,
            has_v=platform.has_zve,
            zve_only=not platform.has_v,
            isa=platform.isa,
            satp_mode=platform.satp_mode,
            latitude=platform.latitude,
            config_pmu_sbi=platform.pmu_sbi,
            machine_ids=platform.machine_ids,
            ram_size=_RAM_SIZE,
        )

    def boot_modular(self) -> None:
        """Boot another such kernel, which has KVM as a module; errors as Kernel.boot."""
        self._kernel(self.kernel.version, modular=True).boot()

    def driver(self, number: int) -> GuestDriver:
        """Return vCPU `number`, created on first use."""
        if number not in self._drivers:
            driver = self.new_driver(number if self._vm else 0)
            self._drivers[number] = driver
            if self._prepared:
                driver.start()
                driver.command("set_vs", 1)
        return self._drivers[number]

    def new_driver(self, vcpu_id: int = 0) -> GuestDriver:
        """Create another vCPU, in a VM of its own unless there is but one."""
        return GuestDriver(self.kernel, self.kernel.vcpu_create(self._vm or driver_vm(self.kernel), 0, vcpu_id))

    def replace_driver(self, number: int, driver: GuestDriver) -> None:
        """Make `driver` vCPU `number` from now on."""
        self._drivers[number] = driver

    def caller(self, vregs: bytes, vcsr: int) -> Caller:
        """Create a host process that keeps `vregs` and `vcsr` in its registers."""
        return Caller(self.kernel, vregs, vcsr)

    # One-reg

    def vector_ids(self) -> list[int]:
        """Return the ids of vstart, vl, vtype, vcsr and v0 to v31."""
        version, layout = self.kernel.version, self.kernel.layout
        csrs = [vector_csr_id(version, layout, name) for name in VECTOR_CSRS]
        return csrs + [vector_reg_id(version, layout, n, self.vlenb) for n in range(VREGS)]

    def named_id(self, name: str) -> int:
        """Return the id of `v<n>`, a vector CSR, `vlenb`, `vsstatus`, `isa` or `V`; KvmError ENOENT if it has none."""
        version, layout = self.kernel.version, self.kernel.layout
        if name == "vsstatus":
            return reg_id(CSR, 0)
        if name == "isa":
            return reg_id(CONFIG, 0)
        if name == "V":
            return isa_ext_id(version, "v")
        if name[1:].isdigit():
            return vector_reg_id(version, layout, int(name[1:]), self.vlenb)
        if name == "vlenb" and not version.vlenb_in_state:
            raise KvmError(errno.ENOENT)
        return vector_csr_id(version, layout, name)

    def get(self, driver: GuestDriver, name: str) -> int:
        """Return a register by its name as a number.

        vsstatus comes without SD, which is derived from the rest (B-11): the recorder's emulator leaves it out when
        vsstatus is read by that name.
        """
        value = int.from_bytes(self.kernel.get_reg(driver.vcpu, self.named_id(name)), "little")
        return value & ~_SD if name == "vsstatus" else value

    def set(self, driver: GuestDriver, name: str, value: int) -> int:
        """Set a register by its name; return the errno."""
        return errno_of(lambda: self.kernel.set_reg(driver.vcpu, self.named_id(name), value))

    def call(self, driver: GuestDriver, op: str, register: int, buffer: UserBuffer) -> int:
        """KVM_GET_ONE_REG or KVM_SET_ONE_REG, by `op`; return the errno."""
        function = get_reg if op == "get" else set_reg
        return errno_of(lambda: function(driver.vcpu, self.kernel.harts[0], register, buffer))

    def vregs(self, driver: GuestDriver) -> bytes:
        """Return v0 to v31 back to back, read by one-reg."""
        return b"".join(
            self.kernel.get_reg(driver.vcpu, register) for register in self.vector_ids()[len(VECTOR_CSRS) :]
        )

    def csrs(self, driver: GuestDriver) -> Row:
        """Return vstart, vl, vtype and vcsr, read by one-reg."""
        return {name: self.get(driver, name) for name in VECTOR_CSRS}

    def set_state(self, driver: GuestDriver, vregs: bytes, csrs: Row) -> int:
        """Set v0 to v31 and the CSRs by one-reg; return the first errno."""
        values = [csrs[name].to_bytes(8, "little") for name in VECTOR_CSRS]
        values += [vregs[n * self.vlenb : (n + 1) * self.vlenb] for n in range(VREGS)]
        for register, value in zip(self.vector_ids(), values, strict=True):
            failed = self.call(driver, "set", register, UserBuffer(value))
            if failed:
                return failed
        return 0

    def copy_state(self, source: GuestDriver, target: GuestDriver) -> None:
        """Copy the vector state of one vCPU to another by one-reg."""
        self.set_state(target, self.vregs(source), self.csrs(source))

    # Several at once

    def interleave(self, drivers: list[GuestDriver], callers: list[Caller], rng: Random, budget: int) -> int:
        """Run the prepared command of every vCPU to its end, all harts shared, with host processes in between.

        Returns:
            The number of preemptions.
        """
        kernel, waiting, preemptions = self.kernel, list(drivers), 0
        runs = {driver: driver.vcpu.run(kernel.harts[n % len(kernel.harts)]) for n, driver in enumerate(drivers)}
        started: set[GuestDriver] = set()
        while waiting:
            hart = rng.choice(kernel.harts)
            free = [driver for driver in waiting if driver.vcpu.hart is None]
            if kernel.running.get(hart.hart_id) is None:
                if callers and rng.random() < 0.5:
                    rng.choice(callers).run_a_while(hart)
                kernel.switch_to(hart, None)
                if not free:
                    continue
                driver = rng.choice(free)
                if driver in started:
                    kernel.sched_in(driver.vcpu, hart)
                else:
                    runs[driver] = driver.vcpu.run(hart)
                    started.add(driver)
            else:
                driver = next(driver for driver in waiting if driver.vcpu.hart is hart)
            driver.vcpu.slice = Slice(rng.randrange(1, budget))
            try:
                next(runs[driver])
            except StopIteration:
                waiting.remove(driver)
                continue
            if rng.random() < 0.3:
                kernel.sched_out(driver.vcpu)
                preemptions += 1
        return preemptions


class Caller:
    """A host process that runs sw/host/caller.S, or another `program` with the same work area and the same CSRs.

    Attributes:
        rounds: how often its registers were looked at before a system call; bad: how often they had changed.
    """

    def __init__(self, kernel: Kernel, vregs: bytes, vcsr: int, program: str = "caller") -> None:
        self.kernel = kernel
        self.vregs = vregs
        self.vcsr = vcsr
        self.task: HostTask = kernel.task_create(vcsr, program=program)
        self.rounds = self.bad = 0
        kernel.write(kernel.harts[0], self.task.work, vregs)

    @property
    def found(self) -> bytes:
        """v0 to v31 as it last found them."""
        return self.kernel.memory.read(self.task.work + len(self.vregs), len(self.vregs))

    @property
    def csrs(self) -> Row:
        """The CSRs as it last found them."""
        return {
            name: self.task.regs[x] for name, x in (("vl", "x18"), ("vtype", "x19"), ("vcsr", "x20"), ("vstart", "x21"))
        }

    def run_to(self, hart: Hart, reason: ExitReason, kind: int | None = None) -> Exit:
        """Make it current on `hart` and run it to an exit; reports before that are judged."""
        self.kernel.switch_to(hart, self.task)
        while True:
            exit_ = self.task.run()
            self._judge(exit_)
            if exit_.reason is reason and (kind is None or exit_.args[0] == kind):
                return exit_

    def run_a_while(self, hart: Hart) -> None:
        """Run it on `hart` for a slice, unless it is current on another."""
        if self.task.hart in (None, hart):
            self.kernel.switch_to(hart, self.task)
            self._judge(self.task.run())

    def system_call(self, hart: Hart, during: Callable[[], None]) -> None:
        """Run it to its system call, do `during` in there, and run it until it has looked at its registers again."""
        self.run_to(hart, ExitReason.SYSCALL)
        during()
        self.run_to(hart, ExitReason.REPORT, _AFTER)

    def _judge(self, exit_: Exit) -> None:
        if exit_.reason is ExitReason.REPORT and exit_.args[0] == _BEFORE:
            self.rounds += 1
            self.bad += self.found != self.vregs or self.csrs["vcsr"] != self.vcsr


def errno_of(call: Callable[[], object]) -> int:
    """Return the errno with which a system call fails, 0 if it does not."""
    try:
        call()
    except KvmError as error:
        return error.errno
    return 0


def errno_name(number: int) -> str:
    """Return the name of an errno as recordings have it, "0" for none."""
    return errno.errorcode[number] if number else "0"


def pattern(seed: int, vlenb: int) -> bytes:
    """Return what recordings put into v0 to v31 for a seed."""
    return bytes(
        seed * 53 + reg * 29 + at * 7 + (at >> 3) * 3 + 1 & 0xFF for reg in range(VREGS) for at in range(vlenb)
    )


def seed_of(vregs: bytes) -> int:
    """Return the seed, modulo 256, whose pattern starts with the first byte of `vregs`."""
    return (vregs[0] - 1) * pow(53, -1, 256) % 256


CODES = {Code.READY: "REDY", Code.DONE: "DONE", Code.TRAP: "TRAP"}
"""Status codes of the driver guest as recordings have them."""
