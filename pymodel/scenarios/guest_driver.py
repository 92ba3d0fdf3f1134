# SPDX-License-Identifier: Apache-2.0
"""User space's side of the driver guest: run one command in VS-mode and read what the guest saw.

The commands and the mailbox are those of sw/guests/driver.h; their numbers are read from the program.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum

from vctx.pymodel.errors import VctxError
from vctx.pymodel.isa import Hart
from vctx.pymodel.kvm.exits import Exit, ExitReason
from vctx.pymodel.kvm.kernel import Kernel
from vctx.pymodel.kvm.state import Vcpu, Vm

PROGRAM = "driver"
VM_SIZE = 0x8_0000
_PATIENCE = 100_000
_ARGUMENTS = 4
_NOP = 0x13


class DriverError(VctxError):
    """The driver guest did not do what it was asked."""


class Code(Enum):
    """How a command ended."""

    READY = "ready"
    DONE = "done"
    TRAP = "trap"
    INTR = "intr"
    """A signal came first; the command goes on at the next run."""


class GuestDriver:
    """A vCPU that runs the driver guest.

    Args:
        kernel: the hypervisor.
        vcpu: a vCPU of a VM made by :func:`driver_vm`.

    Attributes:
        exits: every exit to user space other than reports, oldest first.
        mmio_reply: what user space answers to the guest's MMIO loads, 8 bytes.
        preempt: called at each exit that the kernel handled itself; it may schedule the vCPU out and in.
    """

    def __init__(self, kernel: Kernel, vcpu: Vcpu) -> None:
        self.kernel = kernel
        self.vcpu = vcpu
        self.exits: list[Exit] = []
        self.mmio_reply = bytes(8)
        self.preempt: Callable[[Vcpu], None] | None = None
        self._constants = vcpu.vm.image.constants
        self._mail = vcpu.vm.image.symbols["heap"] + vcpu.vcpu_id * self._constants["driver_mail_size"]
        kernel.memset(kernel.harts[0], self._hpa(self._mail), 0, self._constants["driver_mail_size"])
        self._codes = {self._constants[f"driver_{code.value}"]: code for code in Code if code is not Code.INTR}

    # Running

    def start(self, hart: Hart | None = None) -> Code:
        """Run the guest until it reports for the first time, or again, without giving it a command."""
        return self._run(hart or self.kernel.harts[0])

    def command(self, name: str, *args: int, hart: Hart | None = None) -> Code:
        """Have the guest do command `name` of driver.h with up to four arguments."""
        self.prepare(name, *args)
        return self._run(hart or self.kernel.harts[0])

    def prepare(self, name: str, *args: int) -> None:
        """Give the guest a command without running it."""
        for n in range(_ARGUMENTS):
            self._poke(f"arg{n}", args[n] if n < len(args) else 0)
        self.vcpu.sbi_return = (0, self._constants[f"driver_cmd_{name}"])

    def execute(self, *words: int) -> Code:
        """Have the guest execute up to four instructions; they may clobber x5 to x7 and x28 to x31."""
        vm, slots = self.vcpu.vm, self._constants["driver_slots"]
        if len(words) > slots:
            raise DriverError(f"{len(words)} instructions for {slots} slots")
        code = b"".join(word.to_bytes(4, "little") for word in (*words, *[_NOP] * (slots - len(words))))
        self.kernel.write(self.kernel.harts[0], self._hpa(vm.image.symbols["driver_slot"]), code)
        return self.command("execute")

    def load(self, vregs: bytes, vl: int, vtype: int, vcsr: int, vstart: int) -> Code:
        """Have the guest load its whole vector state."""
        self.set_buffer(vregs)
        return self.command("load", vl, vtype, vcsr, vstart)

    def code(self, exit_: Exit) -> Code:
        """Return how the command ended that ended with the report `exit_`."""
        return self._codes[exit_.args[0]]

    # The mailbox

    def __getitem__(self, field: str) -> int:
        """Return a field of the mailbox, by its name in driver.h in lower case."""
        return self.kernel.memory.load(self._hpa(self._mail + self._constants[f"driver_mail_{field}"]), 8)

    @property
    def buffer(self) -> bytes:
        """The guest's buffer: v0 to v31 as last dumped or loaded."""
        return self.kernel.memory.read(self._hpa(self._mail + self._constants["driver_mail_buffer"]), self.kernel.vsize)

    def set_buffer(self, data: bytes) -> None:
        """Fill the guest's buffer."""
        address = self._hpa(self._mail + self._constants["driver_mail_buffer"])
        self.kernel.write(self.kernel.harts[0], address, data)

    @property
    def second(self) -> bytes:
        """What WATCH saw last in v0 to v31."""
        return self.kernel.memory.read(self._hpa(self._mail + self._constants["driver_mail_second"]), self.kernel.vsize)

    def _poke(self, field: str, value: int) -> None:
        address = self._hpa(self._mail + self._constants[f"driver_mail_{field}"])
        self.kernel.write(self.kernel.harts[0], address, value.to_bytes(8, "little"))

    def _hpa(self, gpa: int) -> int:
        address = self.vcpu.vm.gpa_to_hpa(gpa)
        if address is None:
            raise DriverError(f"{gpa:#x} is outside the memory of {self.vcpu.vm.name}")
        return address

    def _run(self, hart: Hart) -> Code:
        for _ in range(_PATIENCE):
            exit_ = self._to_user_space(hart)
            if exit_.reason is ExitReason.REPORT:
                return self.code(exit_)
            self.exits.append(exit_)
            if exit_.reason is ExitReason.INTR:
                return Code.INTR
            if exit_.reason is ExitReason.MMIO:
                self.vcpu.mmio_data = self.mmio_reply
            elif exit_.reason is not ExitReason.PUTCHAR:
                break
        raise DriverError(f"{self.vcpu.name} did not report but ended with {self.exits[-1]}")

    def _to_user_space(self, hart: Hart) -> Exit:
        run = self.vcpu.run(hart)
        while True:
            try:
                exit_ = next(run)
            except StopIteration as stop:
                ended = stop.value
                assert isinstance(ended, Exit)
                return ended
            if exit_.reason is ExitReason.STOPPED:
                self.vcpu.signal_pending = True
            if self.preempt is not None:
                self.preempt(self.vcpu)


def driver_vm(kernel: Kernel) -> Vm:
    """Create a VM that holds the driver guest."""
    return kernel.vm_create(PROGRAM, VM_SIZE)
