# SPDX-License-Identifier: Apache-2.0
"""What the tests of the golden hypervisor share: an observer that keeps everything, vector states, ways to run."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest

from vctx.pymodel.isa import Hart, decode
from vctx.pymodel.isa.csr_numbers import VECTOR_CSRS
from vctx.pymodel.isa.encoding import Kind
from vctx.pymodel.kvm import V6_5, V12, Exit, ExitReason, Kernel, KernelVersion, KvmError, Slice, Vcpu
from vctx.pymodel.kvm.onereg import reg_size
from vctx.pymodel.kvm.structs import VState
from vctx.pymodel.trace.records import Event, Issue, Mark, Retire


@dataclass
class Log:
    """Observer that keeps all events in order; block instructions as (hart, issue, retire), stores as tuples."""

    events: list[object] = field(default_factory=list)

    def insn(self, hart_id: int, pc: int, issue: Issue, retire: Retire) -> None:
        self.events.append((hart_id, issue, retire))

    def store(self, hart_id: int, paddr: int, data: bytes) -> None:
        self.events.append((paddr, data))

    def event(self, event: Event) -> None:
        self.events.append(event)

    def mnemonics(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Yield each block instruction's mnemonic and the functions it ran in, outermost first."""
        stack: list[str] = []
        for event in self.events:
            if isinstance(event, Mark):
                if event.enter:
                    stack.append(event.what)
                else:
                    assert stack.pop() == event.what
            elif isinstance(event, tuple) and len(event) == 3:
                yield decode(event[1].insn).mnemonic, tuple(stack)
        assert not stack

    def count(self, mnemonic: str, function: str) -> int:
        """Number of executions of `mnemonic` inside `function`."""
        return sum(name == mnemonic and function in stack for name, stack in self.mnemonics())

    def vector_insns(self) -> int:
        """Number of instructions that need the vector extension; status CSRs do not."""
        found = 0
        for event in self.events:
            if isinstance(event, tuple) and len(event) == 3:
                decoded = decode(event[1].insn)
                found += decoded.kind is not Kind.CSR or decoded.fields["csr"] in VECTOR_CSRS
        return found


@dataclass(frozen=True)
class State:
    """A whole vector state."""

    vregs: bytes
    vl: int
    vtype: int
    vstart: int
    vcsr: int


def random_state(rng: random.Random, vlenb: int) -> State:
    """A state that hardware can be in; vill as often as the rest of the cases."""
    vregs = rng.randbytes(32 * vlenb)
    if rng.random() < 0.3:
        return State(vregs, 0, 1 << 63, rng.randrange(8 * vlenb), rng.randrange(8))
    sew, lmul = rng.choice([(s, m) for s in range(4) for m in (0, 1, 2, 3, 5, 6, 7) if m < 4 or s <= m - 5])
    vlmax = 8 * vlenb // (8 << sew) * (1 << lmul if lmul < 4 else 1) // (1 if lmul < 4 else 1 << 8 - lmul)
    vtype = rng.randrange(4) << 6 | sew << 3 | lmul
    return State(vregs, rng.randrange(vlmax + 1), vtype, rng.randrange(8 * vlenb), rng.randrange(8))


def hw_state(hart: Hart) -> State:
    vec = hart.vec
    return State(vec.regs.tobytes(), vec.vl, vec.vtype, vec.vstart, vec.vcsr)


def set_hw_state(hart: Hart, state: State) -> None:
    vec = hart.vec
    vec.flat[:] = list(state.vregs)
    vec.vtype, vec.vl, vec.vstart, vec.vcsr = state.vtype, state.vl, state.vstart, state.vcsr


def memory_state(kernel: Kernel, vstate: VState) -> State:
    vregs = kernel.memory.read(vstate["datap"], kernel.vsize)
    return State(vregs, vstate["vl"], vstate["vtype"], vstate["vstart"], vstate["vcsr"])


def set_memory_state(kernel: Kernel, vstate: VState, state: State) -> None:
    hart = kernel.harts[0]
    kernel.write(hart, vstate["datap"], state.vregs)
    vstate.store(hart, vl=state.vl, vtype=state.vtype, vstart=state.vstart, vcsr=state.vcsr)


def make_vcpu(kernel: Kernel, program: str, owner: int = 0x1234, *, v_allowed: bool = True) -> Vcpu:
    kernel.prctl_v_allowed = v_allowed
    vcpu = kernel.vcpu_create(kernel.vm_create(program), owner)
    kernel.prctl_v_allowed = True
    return vcpu


def run_to_user(vcpu: Vcpu, hart: Hart) -> Exit:
    """One KVM_RUN, without rescheduling."""
    run = vcpu.run(hart)
    while True:
        try:
            next(run)
        except StopIteration as stop:
            exit_ = stop.value
            assert isinstance(exit_, Exit)
            return exit_


def run_rounds(vcpu: Vcpu, hart: Hart, rounds: int) -> list[tuple[int, ...]]:
    """Run until the guest reported `rounds` times; return the reports."""
    reports: list[tuple[int, ...]] = []
    while len(reports) < rounds:
        exit_ = run_to_user(vcpu, hart)
        assert exit_.reason in (ExitReason.REPORT, ExitReason.PUTCHAR), exit_
        if exit_.reason is ExitReason.REPORT:
            reports.append(exit_.args)
    return reports


def random_slice(rng: random.Random) -> Slice:
    return Slice(rng.randrange(1, 400), rng.choice([None, None, 0, 1, 5, 17]))


BOTH = pytest.mark.parametrize("version", [V12, V6_5], ids=lambda v: v.name)
"""A test for the patch as posted and as merged."""


def booted(version: KernelVersion = V6_5, **machine: object) -> Kernel:
    """A kernel that has booted, on a machine of these parameters."""
    kernel = Kernel(version, **machine)
    kernel.boot()
    return kernel


def owners(kernel: Kernel) -> list[str]:
    """Who holds memory, guest memory and its tables apart."""
    return [block.owner for block in kernel.alloc.outstanding if not block.owner.startswith("vm")]


def booted_with(version: KernelVersion, program: str = "scalar", vlen: int = 256) -> tuple[Kernel, Vcpu]:
    """A kernel and a vCPU that runs `program`."""
    kernel = booted(version, vlen=vlen)
    return kernel, make_vcpu(kernel, program)


def errno_of(call: Callable[..., object], *args: object) -> int:
    """The errno with which a system call fails, 0 if it does not."""
    try:
        call(*args)
    except KvmError as error:
        return error.errno
    return 0


def get_and_set(kernel: Kernel, vcpu: Vcpu, register: int) -> int:
    """Get a register and set it to zero; 0 or the errno, which must be the same."""
    got = errno_of(kernel.get_reg, vcpu, register)
    assert got == errno_of(kernel.set_reg, vcpu, register, bytes(reg_size(register)))
    return got
