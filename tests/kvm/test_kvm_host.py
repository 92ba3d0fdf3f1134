# SPDX-License-Identifier: Apache-2.0
"""Host tasks: what counts as first use of vectors, what they find then and after a system call, and want of memory."""

from __future__ import annotations

import random

import pytest
from kvm_driving import booted, hw_state, owners, random_state, set_hw_state

from vctx.pymodel.isa import Csr, encode
from vctx.pymodel.kvm import (
    CLEAN,
    DEFERRED_MAINTAINER,
    LINUX_6_12,
    LINUX_7_3,
    V6_5,
    Exit,
    ExitReason,
    HostTask,
    Kernel,
    KernelVersion,
    KvmError,
    Slice,
)
from vctx.pymodel.kvm.layout import VS_CLEAN, VS_DIRTY, VS_INITIAL, VS_OFF
from vctx.pymodel.scenarios.guest_code import A0, A1, A7, ZERO, Assembler
from vctx.pymodel.scenarios.invariants import Ledger
from vctx.pymodel.scenarios.monitor import Monitor

REPORT, CALL = 1, 2
VILL = 1 << 63
VSETIVLI = encode("vsetivli", rd=0, uimm=4, vtypei=3 << 3)


def task_of(kernel: Kernel, code: Assembler) -> HostTask:
    """A task that is current on hart 0 and runs `code`."""
    hart, task = kernel.harts[0], kernel.task_create(1)
    kernel.write(hart, task.regs["epc"], b"".join(word.to_bytes(4, "little") for word in code.words))
    kernel.switch_to(hart, task)
    return task


def call(code: Assembler, number: int) -> Assembler:
    return code.li(A7, number).insn("ecall")


def report_vtype_and_vl() -> Assembler:
    code = Assembler().insn("csrrs", rd=A0, csr=Csr.VTYPE, rs1=ZERO).insn("csrrs", rd=A1, csr=Csr.VL, rs1=ZERO)
    return call(code, REPORT)


def test_first_use_gives_zeroes() -> None:
    kernel = booted()
    hart, task = kernel.harts[0], kernel.task_create(0x200)
    set_hw_state(hart, random_state(random.Random(1), 32))
    kernel.switch_to(hart, task)
    task.slice = Slice(4)  # the fourth instruction reads vlenb and traps; it gets a slice of its own
    assert task.vstate["datap"] == 0
    assert task.run().reason is ExitReason.TIMER
    assert task.vstate["datap"] and hw_state(hart).vregs == bytes(1024)
    kernel.switch_to(hart, None)
    kernel.task_destroy(task)
    assert not any(block.owner.startswith("task0") for block in kernel.alloc.outstanding)


@pytest.mark.parametrize(
    ("version", "vtype", "byte", "vs"),
    [
        (V6_5, 0, 0, VS_CLEAN),
        (LINUX_6_12, 0, 0, VS_CLEAN),
        (LINUX_7_3, 0, 0, VS_CLEAN),
        (DEFERRED_MAINTAINER, VILL, 0xFF, VS_INITIAL),
        (CLEAN, VILL, 0xFF, VS_INITIAL),
    ],
    ids=lambda value: value.name if isinstance(value, KernelVersion) else "",
)
def test_what_first_use_finds(version: KernelVersion, vtype: int, byte: int, vs: int) -> None:
    """Zeros; in a maintainer's tree what a discard leaves (facts, 3.10). The monitor agrees, also after a switch."""
    ledger = Ledger()
    monitor = Monitor(ledger, None)
    kernel = booted(version, observer=monitor)
    monitor.attach(kernel)
    hart = kernel.harts[0]
    set_hw_state(hart, random_state(random.Random(1), 32))
    task = task_of(kernel, report_vtype_and_vl())
    assert task.run() == Exit(ExitReason.REPORT, (vtype, 0))
    assert hw_state(hart).vregs == bytes([byte]) * kernel.vsize
    assert task.vs == vs
    kernel.switch_to(hart, None)
    set_hw_state(hart, random_state(random.Random(2), 32))
    kernel.switch_to(hart, task)
    task.slice = Slice(1)
    task.run()
    assert hw_state(hart).vregs == bytes([byte]) * kernel.vsize
    assert ledger.violations == []


# H-6: widths of loads and stores, CSR numbers, OP-V; each traps whether or not the hart knows it.
FIRST_USES = {
    "vsetivli": (VSETIVLI, True),
    "vle8.v": (0x02050007, True),
    "vse64.v": (0x02057027, True),
    "flw": (0x00052007, False),
    "fsd": (0x00053027, False),
    "vcsr": (encode("csrrs", rd=10, csr=Csr.VCSR, rs1=0), True),
    "CSR 0x00b": (0x00B02573, True),
    "vlenb": (encode("csrrs", rd=10, csr=Csr.VLENB, rs1=0), True),
    "CSR 0xc23": (0xC2302573, False),
    "fcsr": (0x00302573, False),
    "unimp": (0xC0001073, False),
    "sret": (encode("sret"), False),
}


@pytest.mark.parametrize("name", FIRST_USES)
@pytest.mark.parametrize("version", [V6_5, CLEAN], ids=lambda version: version.name)
def test_what_counts_as_first_use(version: KernelVersion, name: str) -> None:
    word, vector = FIRST_USES[name]
    kernel = booted(version)
    code = Assembler()
    code.words.append(word)
    task = task_of(kernel, code)
    task.slice = Slice(1)
    exit_ = task.run()
    assert bool(task.vstate["datap"]) == (task.vs != VS_OFF) == vector
    if not vector:
        assert (exit_.reason, exit_.args[0], exit_.args[2]) == (ExitReason.UNKNOWN, 2, word)


def test_task_on_a_host_without_v_is_killed() -> None:
    kernel = booted(has_v=False)
    hart, task = kernel.harts[0], kernel.task_create(0x200)
    kernel.switch_to(hart, task)
    exit_ = task.run()
    assert (exit_.reason, exit_.args[0]) == (ExitReason.UNKNOWN, 2)


@pytest.mark.parametrize("version", [V6_5, CLEAN], ids=lambda version: version.name)
def test_what_a_system_call_discards_stays_discarded_over_a_switch(version: KernelVersion) -> None:
    """VS is Dirty then, so that the switch saves the ones and vill (H-3)."""
    ledger = Ledger()
    monitor = Monitor(ledger, None)
    kernel = booted(version, observer=monitor)
    monitor.attach(kernel)
    hart = kernel.harts[0]
    code = Assembler()
    code.words.append(VSETIVLI)
    call(code, CALL).words += report_vtype_and_vl().words
    task = task_of(kernel, code)
    assert task.run().reason is ExitReason.SYSCALL
    assert task.vs == VS_DIRTY
    assert (hw_state(hart).vregs, hw_state(hart).vtype) == (b"\xff" * kernel.vsize, VILL)
    kernel.switch_to(hart, None)
    set_hw_state(hart, random_state(random.Random(3), 32))
    kernel.switch_to(hart, task)
    assert task.run() == Exit(ExitReason.REPORT, (VILL, 0))
    assert hw_state(hart).vregs == b"\xff" * kernel.vsize
    assert ledger.checks["task-transparent"] == 2 and ledger.violations == []


@pytest.mark.parametrize("nth", [1, 2, 3])
def test_a_task_without_memory_is_not_created(nth: int) -> None:
    """The program, which all tasks share, stays; then the task itself, and its work area."""
    kernel = booted()
    kernel.alloc.fail_nth(nth)
    with pytest.raises(KvmError, match="ENOMEM"):
        kernel.task_create(2)
    assert owners(kernel) == (["task text"] if nth > 1 else [])
