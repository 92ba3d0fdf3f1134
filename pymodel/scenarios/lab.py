# SPDX-License-Identifier: Apache-2.0
"""The laboratory: where a scenario gets its kernels, drives them, and says what must hold.

Every kernel it hands out is watched by the monitor, so the invariants of the vector context are checked in every
scenario; a scenario adds checks of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from vctx.pymodel.errors import VctxError
from vctx.pymodel.isa import Hart, UnexpectedTrap, decode, disassemble, encode
from vctx.pymodel.isa.csr_numbers import VECTOR_CSRS
from vctx.pymodel.isa.encoding import Kind
from vctx.pymodel.kvm import onereg
from vctx.pymodel.kvm.errors import KernelMisuseError, KernelOops, KvmError
from vctx.pymodel.kvm.exits import Exit, ExitReason
from vctx.pymodel.kvm.kernel import Kernel
from vctx.pymodel.kvm.layout import Layout
from vctx.pymodel.kvm.machine import RAM_BASE, KernelObserver
from vctx.pymodel.kvm.state import Vcpu
from vctx.pymodel.kvm.structs import VState
from vctx.pymodel.kvm.version import KernelVersion
from vctx.pymodel.scenarios.context import VectorContext, allocate_context
from vctx.pymodel.scenarios.faults import ENDS, FAULTS, describe
from vctx.pymodel.scenarios.guest_code import GuestCode
from vctx.pymodel.scenarios.invariants import ALL_INVARIANTS, Ledger
from vctx.pymodel.scenarios.monitor import Monitor
from vctx.pymodel.trace.records import MODE_NAMES, Event, Issue, Mark, Retire

VLEN = 256
HARTS = 2
RAM_BASE_NO_V = RAM_BASE + (1 << 21)
"""Where bit 21 of every address is clear: a kernel that asks the address (S2) finds no V here."""
_PATIENCE = 2000  # exits of one KVM_RUN
_MOST_ENTRIES = 20_000  # of guests in one kernel, ten times what any scenario needs

Run = Generator[Exit, None, Exit]


@dataclass(frozen=True)
class Scenario:
    """A named scenario.

    Attributes:
        name: unique.
        group: letter of its group; `items` are the numbers it covers, of the 77 of the library.
        checks: the invariants that it checks itself, beyond those that the monitor checks everywhere.
        text: what it does, in a line.
        run: does it.
    """

    name: str
    group: str
    items: tuple[int, ...]
    checks: tuple[str, ...]
    text: str
    run: Callable[[Lab], None]


class Group:
    """The scenarios of one group, in the order of their definition."""

    def __init__(self, letter: str, title: str) -> None:
        self.letter = letter
        self.title = title
        self.scenarios: list[Scenario] = []

    def scenario(self, *items: int, checks: Sequence[str]) -> Callable[[Callable[[Lab], None]], Callable[[Lab], None]]:
        """Register a function as a scenario, by its name with dashes; its docstring says what it does."""
        unknown = set(checks) - ALL_INVARIANTS.keys()
        if unknown:
            raise VctxError(f"no invariant is named {', '.join(sorted(unknown))}")

        def register(run: Callable[[Lab], None]) -> Callable[[Lab], None]:
            text = (run.__doc__ or "").strip().splitlines()[0]
            name = run.__name__.replace("_", "-")
            self.scenarios.append(Scenario(name, self.letter, items, tuple(checks), text, run))
            return run

        return register


@dataclass
class Tap:
    """Observer that remembers where execution is and what was stored, and passes everything on.

    Attributes:
        instructions: instructions of the vector unit so far, status CSRs included; `vector` of them need V.
        stores: bytes stored by scalar code and the kernel, as (address, length), since it was last cleared.
        marks: functions entered, in order, since it was last cleared.
        entries: of guests.
    """

    then: KernelObserver
    instructions: int = 0
    vector: int = 0
    stores: list[tuple[int, int]] = field(default_factory=list)
    marks: list[str] = field(default_factory=list)
    entries: int = 0
    _at: tuple[int, int, Issue] | None = None

    def insn(self, hart_id: int, pc: int, issue: Issue, retire: Retire) -> None:
        """An instruction that the block executes."""
        self.instructions += 1
        decoded = decode(issue.insn)
        self.vector += decoded.kind is not Kind.CSR or decoded.fields["csr"] in VECTOR_CSRS
        self._at = hart_id, pc, issue
        self.then.insn(hart_id, pc, issue, retire)

    def store(self, hart_id: int, paddr: int, data: bytes) -> None:
        """Memory written by scalar code or the kernel."""
        self.stores.append((paddr, len(data)))
        self.then.store(hart_id, paddr, data)

    def event(self, event: Event) -> None:
        """A mark, or another annotation."""
        if isinstance(event, Mark) and event.enter:
            self.marks.append(event.what)
            self.entries += event.what == "guest"
            if self.entries > _MOST_ENTRIES:
                raise KernelMisuseError("the guests do not come to an end")
        self.then.event(event)

    def stored_in(self, address: int, size: int) -> bool:
        """Tell whether a remembered store touched `size` bytes at `address`."""
        return any(at < address + size and address < at + length for at, length in self.stores)

    def where(self) -> str:
        """The instruction of the vector unit that was executed last."""
        if self._at is None:
            return "before the first vector-unit instruction"
        hart_id, pc, issue = self._at
        mode = MODE_NAMES[(issue.prv, issue.virt)]
        place = "kernel C code" if pc == Hart.INJECT_PC else f"pc {pc:#x}"
        return f"after instruction {self.instructions}, hart {hart_id}, {mode}, {place}: {disassemble(issue.insn)}"


class _Nothing:
    """The end of a chain of observers."""

    def insn(self, hart_id: int, pc: int, issue: Issue, retire: Retire) -> None:
        """Ignore."""

    def store(self, hart_id: int, paddr: int, data: bytes) -> None:
        """Ignore."""

    def event(self, event: Event) -> None:
        """Ignore."""


# Makes the observer that records a kernel, from its number in the scenario, VLEN, harts, whether these have V, and
# where RAM starts.
RecorderFactory = Callable[[int, int, int, bool, int], KernelObserver]


class Lab:
    """What a scenario works with.

    Args:
        version: the kernel under audit.
        recorder: see :data:`RecorderFactory`; None to record nothing.

    Attributes:
        ledger: the checks and what was found.
        monitor: of the kernel created last.
        why_not: why the scenario does not apply to the kernel; empty if it does.
    """

    def __init__(self, version: KernelVersion, recorder: RecorderFactory | None = None) -> None:
        self.version = version
        self.ledger = Ledger()
        self.why_not = ""
        self._recorder = recorder
        self._kernels = 0
        self._tap: Tap | None = None

    # Kernels and what lives in them

    def kernel(
        self,
        *,
        vlen: int = VLEN,
        has_v: bool = True,
        harts: int = HARTS,
        monitored: bool = True,
        own_routines: bool = False,
        **machine: Any,
    ) -> Kernel:
        """Return a booted kernel; arguments as :class:`~pymodel.kvm.machine.Machine`.

        Args:
            vlen, has_v, harts, machine: see there.
            monitored: the monitor watches it; not for scenarios that break the kernel on purpose.
            own_routines: it saves and restores with its own routines, whoever's are under audit.
        """
        version = replace(self.version, routines="") if own_routines else self.version
        then = self.observer(vlen, harts, has_v=has_v, ram_base=machine.get("ram_base", RAM_BASE))
        # Harts without V have no registers that a checkpoint could hold.
        monitor = Monitor(self.ledger if monitored else Ledger(), then, checkpoints=has_v)
        self._tap = Tap(monitor)
        self.ledger.locate = self._tap.where
        self.ledger.calls = monitor.calls
        kernel = Kernel(version, vlen=vlen, has_v=has_v, harts=harts, observer=self._tap, **machine)
        monitor.attach(kernel)
        kernel.boot()
        self.monitor = monitor
        return kernel

    def observer(self, vlen: int, harts: int, *, has_v: bool = True, ram_base: int = RAM_BASE) -> KernelObserver:
        """Return what is to see everything that the next kernel does."""
        if self._recorder is None:
            return _Nothing()
        self._kernels += 1
        return self._recorder(self._kernels - 1, vlen, harts, has_v, ram_base)

    def not_applicable(self, why: str) -> None:
        """Say that the scenario has no meaning for this kernel."""
        self.why_not = why

    @property
    def tap(self) -> Tap:
        """What was executed and stored by the kernel created last."""
        assert self._tap is not None
        return self._tap

    def vcpu(self, kernel: Kernel, program: str, owner: int = 0x1234, *, v_allowed: bool = True) -> Vcpu:
        """Create a vCPU in a VM of its own; its creator may use V or not."""
        kernel.prctl_v_allowed = v_allowed
        vcpu = kernel.vcpu_create(kernel.vm_create(program), owner)
        kernel.prctl_v_allowed = True
        return vcpu

    def has_v(self, kernel: Kernel, vcpu: Vcpu) -> bool:
        """Whether the guest's ISA bitmap has V, as user space reads it."""
        return bool(int.from_bytes(kernel.get_reg(vcpu, self.isa_id("v")), "little"))

    def vcpu_without_v(self, kernel: Kernel, program: str) -> Vcpu:
        """Create a vCPU without V in its ISA bitmap: denied by prctl or, where that is no bar (S22), taken away."""
        vcpu = self.vcpu(kernel, program, v_allowed=False)
        if self.has_v(kernel, vcpu):
            kernel.set_reg(vcpu, self.isa_id("v"), 0)
        return vcpu

    def guest(
        self, kernel: Kernel, write: Callable[[GuestCode], Any], *, v_allowed: bool = True, vs: int = 1 << 9
    ) -> Vcpu:
        """Create a vCPU that executes what `write` puts down."""
        vcpu = self.vcpu(kernel, "scalar", v_allowed=v_allowed)
        code = GuestCode(vcpu.vm, vs)
        write(code)
        code.load(kernel.harts[0])
        return vcpu

    def context(self, kernel: Kernel, owner: str = "scratch") -> VState:
        """Return a vector state in memory that belongs to no vCPU."""
        return allocate_context(kernel, kernel.harts[0], owner)

    def set_image(self, kernel: Kernel, state: VState, content: VectorContext) -> None:
        """Write a vector state into memory."""
        hart = kernel.harts[0]
        kernel.write(hart, state["datap"], content.vregs)
        state.store(hart, vstart=content.vstart, vl=content.vl, vtype=content.vtype, vcsr=content.vcsr)

    def put_on_hart(self, kernel: Kernel, hart: Hart, content: VectorContext) -> None:
        """Bring a hart's registers into a state, as the restore routine does."""
        state = self.context(kernel)
        self.set_image(kernel, state, content)
        kernel.call(hart, "vector_restore", state.context)

    # Driving

    def to_user(self, vcpu: Vcpu, hart: Hart) -> Exit:
        """Do one KVM_RUN, without rescheduling."""
        return self.finish(vcpu.run(hart))

    def finish(self, run: Run) -> Exit:
        """Resume KVM_RUN until it returns."""
        for _ in range(_PATIENCE):
            try:
                next(run)
            except StopIteration as returned:
                exit_ = returned.value
                assert isinstance(exit_, Exit)
                return exit_
        raise KernelMisuseError("the guest does not return to user space")

    def reports(self, vcpu: Vcpu, hart: Hart, count: int = 1) -> list[tuple[int, ...]]:
        """Run until the guest has reported `count` times; an exit that is no report ends it with that exit's reason."""
        found: list[tuple[int, ...]] = []
        while len(found) < count:
            exit_ = self.to_user(vcpu, hart)
            if exit_.reason is ExitReason.REPORT:
                found.append(exit_.args)
            elif exit_.reason is not ExitReason.PUTCHAR:
                raise KernelOops(f"{vcpu.name} died: {exit_.reason.value} {[hex(arg) for arg in exit_.args]}")
        return found

    def rounds(self, vcpu: Vcpu, hart: Hart, count: int, defects: Sequence[str] = ()) -> None:
        """Run until the guest has reported `count` rounds, each of which must be right by its own judgement."""
        for report in self.reports(vcpu, hart, count):
            text = f"reported failure {report[0]:#x}, detail {report[1]:#x}"
            self.ledger.check("self-checks", report[0] == 0, f"guest of {vcpu.name}", text, defects)

    def attempt(self, hart: Hart, mnemonic: str, rs1_value: int = 0, rs2_value: int = 0, **operands: int) -> int | str:
        """Execute one instruction in the hart's mode; return the value of rd, or the trap as text."""
        try:
            return hart.inject(encode(mnemonic, **operands), rs1_value, rs2_value)
        except UnexpectedTrap as trap:
            return f"trap, cause {trap.cause}"

    # One-reg

    def csr_id(self, field_name: str) -> int:
        """Id of a vector CSR in the kernel's own numbering."""
        return onereg.vector_csr_id(self.version, self._layout, field_name)

    def vreg_id(self, n: int, vlen: int = VLEN) -> int:
        """Id of v<n> in the kernel's own numbering."""
        return onereg.vector_reg_id(self.version, self._layout, n, vlen // 8)

    def isa_id(self, extension: str) -> int:
        """Id of an ISA_EXT register in the kernel's own numbering."""
        return onereg.isa_ext_id(self.version, extension)

    @property
    def _layout(self) -> Layout:
        return self.monitor.kernel.layout

    def outcome(self, call: Callable[..., Any], *args: Any) -> str:
        """Return how a system call ends: "0" or the errno, e.g. "-EINVAL"; an oops as its text."""
        try:
            call(*args)
        except KvmError as error:
            return str(error)
        except KernelOops as oops:
            return f"oops: {oops}"
        return "0"

    # Checks

    def check(
        self, invariant: str, ok: bool, call: str, expected: object, found: object, defects: Sequence[str] = ()
    ) -> bool:
        """Check an invariant.

        Args:
            call: what was called or executed; expected, found: what it must give, and gave.
            defects: known defects that a failure would demonstrate.
        """
        self.ledger.check(invariant, ok, call, f"expected {_text(expected)}, found {_text(found)}", defects)
        return ok

    def equal(self, invariant: str, call: str, expected: object, found: object, defects: Sequence[str] = ()) -> bool:
        """Check that something is as expected."""
        return self.check(invariant, expected == found, call, expected, found, defects)

    def same(
        self, invariant: str, call: str, due: VectorContext, found: VectorContext, defects: Sequence[str] = ()
    ) -> bool:
        """Check that two vector states are the same."""
        self.ledger.check(invariant, due == found, call, lambda: f"expected -> found: {found.differs(due)}", defects)
        return due == found

    @contextmanager
    def survives(self, invariant: str, call: str, *defects: str) -> Iterator[None]:
        """Check that the kernel gets through a piece of the scenario; the piece ends where it does not."""
        try:
            yield
        except FAULTS as error:
            self.ledger.check(invariant, False, call, f"expected no fault, found {describe(error)}", defects)
        else:
            self.ledger.check(invariant, True, call, "", defects)


def _text(value: object) -> str:
    if isinstance(value, tuple):
        return f"({', '.join(_text(one) for one in value)})"
    if isinstance(value, bytes):
        return value.hex()
    return hex(value) if isinstance(value, int) and not isinstance(value, bool) and value > 9 else str(value)


@dataclass(frozen=True)
class Outcome:
    """What came of a scenario: its checks, and why it does not apply to the kernel, if so."""

    scenario: Scenario
    ledger: Ledger
    why_not: str

    @property
    def ok(self) -> bool:
        """Whether nothing was broken."""
        return not self.ledger.broken


def run_scenario(scenario: Scenario, version: KernelVersion, recorder: RecorderFactory | None = None) -> Outcome:
    """Run a scenario on a kernel version.

    A scenario that the kernel does not let come to its end has broken the invariant "completes".
    """
    lab = Lab(version, recorder)
    try:
        scenario.run(lab)
    except ENDS as error:
        lab.ledger.check("completes", False, scenario.name, describe(error))
    else:
        lab.ledger.check("completes", True, scenario.name, "")
    return Outcome(scenario, lab.ledger, lab.why_not)
