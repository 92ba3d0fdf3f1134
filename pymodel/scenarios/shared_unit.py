# SPDX-License-Identifier: Apache-2.0
"""The main job: several vCPUs and host tasks share the vector units of a few harts, from one seed.

A scheduler plays the host: it runs tasks, enters and leaves KVM's run loop, preempts vCPUs and moves them between
harts, lets user space set registers through one-reg, resets a guest inside the run loop, destroys and creates vCPUs.
Every choice comes from one random generator and none depends on what the kernel does with vector state, so the same
seed gives the same schedule under a lazy and under an eager hypervisor.
"""

from __future__ import annotations

import hashlib
import itertools
from collections import Counter
from collections.abc import Callable, Generator
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from vctx.pymodel.isa import Hart
from vctx.pymodel.kvm import onereg
from vctx.pymodel.kvm.errors import KvmError
from vctx.pymodel.kvm.exits import Exit, ExitReason
from vctx.pymodel.kvm.kernel import Kernel
from vctx.pymodel.kvm.kmode import guest_is_live
from vctx.pymodel.kvm.layout import VS_DIRTY, VS_OFF
from vctx.pymodel.kvm.machine import RAM_BASE, RAM_SIZE, KernelObserver, Slice
from vctx.pymodel.kvm.state import HostTask, Vcpu, Vm
from vctx.pymodel.kvm.vector import VREGS
from vctx.pymodel.kvm.version import KernelVersion, by_name, with_routines
from vctx.pymodel.programs import load
from vctx.pymodel.scenarios.context import VectorContext
from vctx.pymodel.scenarios.faults import FAULTS, describe
from vctx.pymodel.scenarios.invariants import Ledger
from vctx.pymodel.scenarios.jobs import JOBS, PROGRAMS_WITHOUT_V, WITHOUT_V
from vctx.pymodel.scenarios.monitor import Monitor
from vctx.pymodel.trace.records import PAGE_SIZE

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class SharedUnitConfig:
    """What takes part and for how long.

    Attributes:
        job: name of one of :data:`JOBS`.
        kernel: name of the kernel version.
        vlen: VLEN in bits.
        harts, vcpus, tasks: how many take part.
        seed: of every random choice.
        pairs, entries: the run ends when there were at least this many load/put pairs and guest entries, 1 or more.
        has_v: the harts have vectors; without, host tasks do not take part, and only guests that need none.
        eager: save and restore at every guest exit and entry, whatever VS says, instead of lazily.
        programs: the guests, in turn; by default all that the harts permit.
        slice: longest time slice of a guest, in instructions: what decides how often guests exit.
        routines: a file of save and restore routines in place of the kernel's own.
    """

    job: str = "small"
    kernel: str = "v6.5"
    vlen: int = 256
    harts: int = 2
    vcpus: int = 4
    tasks: int = 2
    seed: int = 1
    pairs: int = 200
    entries: int = 2000
    has_v: bool = True
    eager: bool = False
    programs: tuple[str, ...] = ()
    slice: int = 500
    routines: str = ""

    @property
    def guests(self) -> tuple[str, ...]:
        """The programs of guests, in turn."""
        return self.programs or (JOBS[self.job].programs if self.has_v else PROGRAMS_WITHOUT_V)

    @property
    def ram_size(self) -> int:
        """Memory of the machine, in bytes: so much for every six vCPUs."""
        return RAM_SIZE * -(-self.vcpus // 6)

    def images(self) -> dict[str, int | None]:
        """Return the programs that run, and where each is loaded if that is known beforehand."""
        bases = {name: load(name).base for name in self.guests}
        return {by_name(self.kernel).program: RAM_BASE, **dict.fromkeys(JOBS[self.job].tasks), **bases}

    def eagerly(self) -> SharedUnitConfig:
        """Return the same under an eager hypervisor."""
        return replace(self, eager=True)


@dataclass
class SharedUnitResult:
    """What happened, as the model saw it.

    Attributes:
        counts: events by name (entries, pairs, saves, resets, exits by reason, ...).
        checks, broken: checks and failed checks by invariant; `violations` are the first of each.
        visible: what each vCPU saw: a digest for each of its exits, by name.
        instructions: instructions that all harts executed.
        reached: coverage points, each with how often, if somebody counted them (`tb.runs.coverage`).
        fault: why the kernel could not go on; empty if it came to the end.
    """

    counts: Counter[str] = field(default_factory=Counter)
    ledger: Ledger = field(default_factory=Ledger)
    visible: dict[str, list[bytes]] = field(default_factory=dict)
    instructions: int = 0
    reached: Counter[Any] = field(default_factory=Counter)
    fault: str = ""


@dataclass
class _Thread:
    """A user-space thread that runs one vCPU."""

    vcpu: Vcpu
    program: str
    run: Generator[Exit, None, Exit] | None = None  # KVM_RUN, None in user space

    @property
    def hart(self) -> Hart | None:
        """The hart where the vCPU is loaded."""
        return self.vcpu.hart


class SharedUnit:
    """One run of the main job; see :func:`run_shared_unit`.

    Args:
        version: the kernel; that which the configuration names, unless it has no name.
        ledger: counts the checks; a new one by default.
    """

    def __init__(
        self,
        config: SharedUnitConfig,
        observer: KernelObserver | None,
        *,
        version: KernelVersion | None = None,
        ledger: Ledger | None = None,
    ) -> None:
        self._config = config
        self._job = JOBS[config.job]
        self._random = Random(config.seed)
        self.result = SharedUnitResult(ledger=ledger or Ledger())
        self._monitor = Monitor(self.result.ledger, observer)
        self.kernel = Kernel(
            version or with_routines(by_name(config.kernel), config.routines),
            harts=config.harts,
            vlen=config.vlen,
            has_v=config.has_v,
            ram_size=config.ram_size,
            observer=self._monitor,
        )
        self._monitor.attach(self.kernel)
        self._programs = itertools.cycle(config.guests)
        self._owner = 0
        self._threads: list[_Thread] = []
        self._tasks: list[HostTask] = []

    # The schedule

    def execute(self, progress: Progress | None = None) -> None:
        """Run to the end, or until the kernel cannot go on, which breaks an invariant.

        Args:
            progress: called with (done, total), guest entries, as far as the pairs have come, too.
        """
        counts, ledger = self._monitor.counts, self.result.ledger
        ledger.calls = self._monitor.calls
        try:
            self._run(progress)
        except FAULTS as error:
            self.result.fault = describe(error)
        ledger.check("no-oops", not self.result.fault, "the kernel", self.result.fault)
        ledger.calls = ledger.event = None  # results go from process to process, kernels and files do not
        self.result.counts.update(counts)
        self.result.instructions = sum(hart.instret for hart in self.kernel.harts)

    def _run(self, progress: Progress | None) -> None:
        config, counts = self._config, self._monitor.counts
        self.kernel.boot()
        self._threads = [self._create() for _ in range(config.vcpus)]
        programs = itertools.islice(itertools.cycle(self._job.tasks), config.tasks if config.has_v else 0)
        self._tasks = [self.kernel.task_create(self._new_owner(), program=program) for program in programs]
        while counts["entries"] < config.entries or self._pairs() < config.pairs:
            self._turn(self._random.choice(self.kernel.harts))
            if self._due("renewals", self._job.renewals):
                self._renew()
            if self._due("reset requests", self._job.resets):
                self._request_reset()
            if progress is not None:
                done = min(counts["entries"] / config.entries, self._pairs() / config.pairs, 1)
                progress(int(done * config.entries), config.entries)
        self._wind_down()

    def _pairs(self) -> int:
        """Load/put pairs of the schedule, which an eager hypervisor's own do not shorten."""
        return self._monitor.counts["pairs"] - self.result.counts["eager pairs"]

    def _due(self, event: str, total: int) -> bool:
        """Tell whether it is time for the next of `total` events, spread evenly over the guest entries."""
        happened = self.result.counts[event]
        done = self._monitor.counts["entries"] * (total + 1) >= (happened + 1) * self._config.entries
        return happened < total and done

    def _turn(self, hart: Hart) -> None:
        """Let something happen on `hart`."""
        thread = next((t for t in self._threads if t.hart is hart), None)
        if thread is None:
            if self._happens("softirqs", self._job.softirqs):
                self.kernel.softirq(hart)
            if self._random.random() < 0.4:
                self._run_task(hart)
            else:
                self._start_vcpu(hart)
        elif self._random.random() < 0.06:
            self._preempt(thread)
        else:
            self._enter(thread)

    def _run_task(self, hart: Hart) -> None:
        free = [task for task in self._tasks if task.hart in (None, hart)]
        if not free:
            return
        task = self._random.choice(free)
        self.kernel.switch_to(hart, task)
        task.slice = self._slice(600)
        exit_ = task.run()
        if exit_.reason is not ExitReason.TIMER:
            self._judge(task.name, "task", hart, exit_)

    def _start_vcpu(self, hart: Hart) -> None:
        waiting = [t for t in self._threads if t.hart is None]
        if not waiting:
            return
        thread = self._random.choice(waiting)
        if self._random.random() < 0.5:
            self.kernel.switch_to(hart, None)  # else the task itself is the process that runs the vCPU
        if thread.run is None:
            if self._random.random() < 0.25:
                self._one_reg(thread, hart)
            thread.run = thread.vcpu.run(hart)
            self._enter(thread)
            return
        self.kernel.sched_in(thread.vcpu, hart)
        if self._random.random() < 0.1:
            self._preempt(thread)  # loaded and put again without having run

    def _preempt(self, thread: _Thread) -> None:
        self._make_dirty(thread)
        self.kernel.sched_out(thread.vcpu)
        self.result.counts["preemptions"] += 1

    def _enter(self, thread: _Thread) -> None:
        """Resume KVM_RUN up to its next exit."""
        vcpu, run = thread.vcpu, thread.run
        assert run is not None
        before = vcpu.last_hart
        if self._happens("swap-outs", self._job.swap_outs):
            self._swap_out(vcpu.vm)
        vcpu.slice = self._slice(self._config.slice)
        try:
            exit_ = next(run)
        except StopIteration as returned:
            exit_ = returned.value
            thread.run = None
            self._judge(vcpu.name, thread.program, vcpu.last_hart, exit_)
        self.result.counts["migrations"] += before is not None and vcpu.last_hart is not before
        self.result.counts[f"exits: {exit_.reason.value}"] += 1
        self._see(vcpu, exit_)
        if self._config.eager and vcpu.hart is not None:
            hart = vcpu.hart
            self._make_dirty(thread)
            self.kernel.sched_out(vcpu)
            self.kernel.sched_in(vcpu, hart)
            self.result.counts["eager pairs"] += 1

    def _happens(self, event: str, share: float) -> bool:
        """Tell whether an event that comes by chance comes now, and count it."""
        happens = share > 0 and self._random.random() < share
        self.result.counts[event] += happens
        return happens

    def _swap_out(self, vm: Vm) -> None:
        """Take away one of the guest's pages: its next access, in the middle of a vector perhaps, brings it back."""
        self.kernel.unmap_page(vm, vm.base + PAGE_SIZE * self._random.randrange(vm.size // PAGE_SIZE))

    def _make_dirty(self, thread: _Thread) -> None:
        """For the eager hypervisor, whatever may have changed has changed."""
        vcpu = thread.vcpu
        if self._config.eager and vcpu.hart is not None and vcpu.guest_context.vs != VS_OFF and guest_is_live(vcpu):
            vcpu.guest_context.set_vs(vcpu.hart, VS_DIRTY)
            self._monitor.turned_dirty(vcpu)

    def _slice(self, most: int) -> Slice:
        """A time slice, sometimes ended inside a vector memory instruction."""
        budget = self._random.randrange(1, most)
        inside = self._random.random() < self._job.inside
        last = self._config.vlen
        if self._job.early:
            last = 1 << self._random.randrange(1, last.bit_length())
        elem = self._random.randrange(1, last)
        return Slice(budget, elem if inside else None)

    def _wind_down(self) -> None:
        """Let every vCPU return to user space and every hart be without a task, then end."""
        for thread in self._threads:
            self._to_user_space(thread)
        for hart in self.kernel.harts:
            self.kernel.switch_to(hart, None)

    def _to_user_space(self, thread: _Thread) -> None:
        if thread.run is not None and thread.hart is None:
            self.kernel.sched_in(thread.vcpu, self._free_hart())
        thread.vcpu.signal_pending = thread.run is not None
        while thread.run is not None:
            self._enter(thread)

    def _free_hart(self) -> Hart:
        """A hart without a vCPU; if there is none, one is preempted."""
        for hart in self.kernel.harts:
            if not any(t.hart is hart for t in self._threads):
                return hart
        self._preempt(next(t for t in self._threads if t.hart is not None))
        return self._free_hart()

    # Lives of vCPUs

    def _new_owner(self) -> int:
        self._owner += 1
        return self._owner

    def _create(self) -> _Thread:
        program = next(self._programs)
        self.kernel.prctl_v_allowed = program not in WITHOUT_V
        vcpu = self.kernel.vcpu_create(self.kernel.vm_create(program), self._new_owner())
        self.kernel.prctl_v_allowed = True
        self.result.counts["created"] += 1
        return _Thread(vcpu, program)

    def _renew(self) -> None:
        """Destroy a vCPU and create one with the next program in its place."""
        kept = min(self._job.kept, len(self._threads) - 1)
        at = self._random.randrange(kept, len(self._threads))
        self._to_user_space(self._threads[at])
        vcpu = self._threads[at].vcpu
        self.kernel.vcpu_destroy(vcpu)
        if self._job.frees_vms:
            vcpu.vm.free(self.kernel.harts[0])
        self._threads[at] = self._create()
        self.result.counts["renewals"] += 1

    def _request_reset(self) -> None:
        thread = self._random.choice(self._threads)
        self.kernel.request_reset(thread.vcpu)
        self.result.counts["reset requests"] += 1

    def _one_reg(self, thread: _Thread, hart: Hart) -> None:
        """User space sets a vector register and a vector CSR of a guest, reads them back, and restores them."""
        kernel, vcpu = self.kernel, thread.vcpu
        vlenb, n = self._config.vlen // 8, self._random.randrange(VREGS)
        csr = self._random.choice(("vstart", "vl", "vtype", "vcsr"))
        data, value = self._random.randbytes(vlenb), self._random.randrange(1 << 64)
        if vcpu.guest_context.vs == VS_OFF:
            return
        ids = (
            (onereg.vector_reg_id(kernel.version, kernel.layout, n, vlenb), data),
            (onereg.vector_csr_id(kernel.version, kernel.layout, csr), value.to_bytes(8, "little")),
        )
        image = VectorContext.of_image(vcpu.guest_context.vector, kernel.vsize)
        isa = vcpu.isa
        for (reg, new), name in zip(ids, (f"v{n}", csr), strict=True):
            try:
                old = kernel.get_reg(vcpu, reg)
                kernel.set_reg(vcpu, reg, new)
                read = kernel.get_reg(vcpu, reg)
                kernel.set_reg(vcpu, reg, old)
                evidence = f"id {reg:#x} ({name}) read {read.hex()} after {new.hex()} was set"
            except KvmError as error:
                read, evidence = b"", f"id {reg:#x} ({name}): {error}"
            unchanged = VectorContext.of_image(vcpu.guest_context.vector, kernel.vsize) == image and vcpu.isa == isa
            if vcpu.isa != isa:
                evidence += f"; ISA bitmap {isa:#x} -> {vcpu.isa:#x}"
                vcpu.set_isa(hart, isa)
            self.result.ledger.check(
                "one-reg-round-trip", read == new and unchanged, f"user space of {vcpu.name}", evidence
            )

    # Judgement

    def _judge(self, who: str, program: str, hart: Hart | None, exit_: Exit) -> None:
        """Hear what a guest or task says of its own results."""
        where = f"hart {hart.hart_id if hart else '-'}, {who} ({program})"
        if exit_.reason is ExitReason.REPORT:
            code, detail = exit_.args
            self.result.ledger.check(
                "self-checks", code == 0, where, lambda: f"reported failure {code}, detail {detail:#x}"
            )
        elif exit_.reason in (ExitReason.UNKNOWN, ExitReason.MEMORY_FAULT):
            text = f"died: {exit_.reason.value} {[hex(arg) for arg in exit_.args]}"
            self.result.ledger.check("self-checks", False, where, text)

    def _see(self, vcpu: Vcpu, exit_: Exit) -> None:
        """Digest what the guest can tell of its state after an exit: its registers, and where it is."""
        context = vcpu.guest_context
        state = hashlib.blake2b(digest_size=8)
        state.update(repr((exit_, context["sepc"])).encode())
        state.update(self.kernel.memory.read(context.address, 8 * 32))
        if context.vs != VS_OFF:
            loaded = vcpu.hart
            held = (
                VectorContext.of_hart(loaded)
                if loaded is not None
                else VectorContext.of_image(context.vector, self.kernel.vsize)
            )
            state.update(held.vregs)
            state.update(repr(held[1:]).encode())
        self.result.visible.setdefault(vcpu.name, []).append(state.digest())


def config_of(job: str, **changes: Any) -> SharedUnitConfig:
    """Return the configuration of a job of :data:`JOBS`, as long as that is; `changes` are of any of its fields."""
    made = JOBS[job]
    lengths = {"pairs": made.pairs, "entries": made.entries, "slice": made.slice}
    return SharedUnitConfig(**{"job": job, **lengths, **changes})


def run_shared_unit(
    config: SharedUnitConfig,
    observer: KernelObserver | None = None,
    progress: Progress | None = None,
    event: Callable[[], int] | None = None,
) -> SharedUnitResult:
    """Run the main job on the golden model.

    Args:
        config: what takes part.
        observer: receives instructions, stores and events, e.g. a :class:`~pymodel.trace.recorder.Recorder`.
        progress: called with (guest entries so far, guest entries in all).
        event: tells how many events the trace has, for violations; None without a trace.
    """
    job = SharedUnit(config, observer)
    job.result.ledger.event = event
    job.execute(progress)
    return job.result


def compare_with_eager(lazy: SharedUnitResult, eager: SharedUnitResult) -> None:
    """Check, in the ledger of `lazy`, that the guests could not tell the two hypervisors apart (item 75, 76).

    Not if one of them did not come to its end, which its own ledger says.
    """
    if lazy.fault or eager.fault:
        return
    for name in sorted(lazy.visible.keys() | eager.visible.keys()):
        ours, theirs = lazy.visible.get(name, []), eager.visible.get(name, [])
        for at, (one, other) in enumerate(zip(ours, theirs, strict=False)):
            lazy.ledger.check("eager-equivalent", one == other, name, f"exit {at} looks different")
        lazy.ledger.check(
            "eager-equivalent",
            len(ours) == len(theirs),
            name,
            f"{len(ours)} exits, {len(theirs)} eager",
        )
    for what in ("guest_vector_save", "guest_vector_restore", "host_vector_save", "host_vector_restore"):
        done, most = lazy.counts[f"moved: {what}"], eager.counts[f"moved: {what}"]
        lazy.ledger.check("lazy-saves-less", done <= most, what, f"{done} against {most} eager")
