# SPDX-License-Identifier: Apache-2.0
"""The monitor: watches a kernel and its harts, checks the invariants, and passes everything on to the recorder.

It sees what the harts report (instructions, stores), the kernel's marks, and the kernel's probe points; it changes
nothing. What it keeps is what each owner left in the registers, who owns each register value, and how much the
hypervisor moved.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from vctx.pymodel.isa import Csr, Hart
from vctx.pymodel.kvm.alloc import AllocError
from vctx.pymodel.kvm.host import insn_is_vector
from vctx.pymodel.kvm.isa import guest_has_v, isa_has
from vctx.pymodel.kvm.kernel import Kernel
from vctx.pymodel.kvm.kmode import guest_is_live
from vctx.pymodel.kvm.layout import SR_VS, VS_CLEAN, VS_DIRTY, VS_INITIAL, VS_OFF
from vctx.pymodel.kvm.linux_names import call_path
from vctx.pymodel.kvm.machine import KernelObserver, Regions
from vctx.pymodel.kvm.state import HostTask, Vcpu
from vctx.pymodel.scenarios.context import VREGS, VectorContext
from vctx.pymodel.scenarios.invariants import Ledger
from vctx.pymodel.trace.records import ByteRuns, Checkpoint, Event, Issue, Mark, Retire

_RESTORES = frozenset({"guest_vector_restore", "host_vector_restore", "vstate_restore", "section_restore"})
_SAVES = frozenset({"guest_vector_save", "host_vector_save", "vstate_save", "section_save"})
MOVERS = _SAVES | _RESTORES
_KERNEL_CODE = "kernel_vector"
_OWNERS = frozenset({"guest", "task", "vstate_discard", _KERNEL_CODE})
_ILLEGAL = 2
_SYSTEM = 0x73
_VS_DIRTY_FIELD = VS_DIRTY >> 9
_RUNNERS = frozenset({"guest", "task"})
_GUEST_SAVE = "guest_vector_save"
_OWN_SAVES = frozenset({_GUEST_SAVE, "vstate_save"})  # of what a guest or task itself has changed
_OWN_RESTORES = frozenset({"guest_vector_restore", "vstate_restore"})


@dataclass(slots=True)
class _HartView:
    """What the monitor knows of one hart."""

    owners: list[str]
    stack: list[Mark] = field(default_factory=list)
    moves_at_entry: list[int] = field(default_factory=list)  # `moves` when each mark of the stack was entered
    off_at_entry: list[bool] = field(default_factory=list)  # whether VS was Off then
    dirty_at_entry: bool = False  # whether the guest's image had VS Dirty, when guest_vector_save was entered last
    moves: int = 0  # vector memory instructions of the hypervisor so far
    guest_saves: int = 0  # calls of guest_vector_save that moved anything
    kernel_uses: int = 0  # sections of kernel-mode vector code so far
    mstatus_vs: int = 0
    vsstatus_vs: int = 0


@dataclass(slots=True)
class _VcpuView:
    """What the monitor knows of one vCPU."""

    datap: int
    left: VectorContext | None = None  # what the guest left in the registers; None if it has no vectors
    vsstatus_vs: int | None = None  # what it left there
    host: VectorContext | None = None  # the hart's registers before vcpu_load, if the host has something in them
    kernel_uses: int = 0  # sections of kernel-mode vector code on the hart, before vcpu_load
    image: VectorContext | None = None  # its memory image before vcpu_load
    at_put: VectorContext | None = None
    dirty_at_put: bool = False
    moves_at_exit: int | None = None  # None until the first exit since load
    uses_at_exit: int = 0  # sections of kernel-mode vector code by then
    entered: bool = False  # since load
    saves_at_put: int = 0


class Monitor:
    """Observer of harts and kernel, and probe of the kernel.

    Args:
        ledger: counts the checks.
        then: receives every instruction, store and event afterwards.
        checkpoints: also record the whole state of the hart after each vcpu_put.

    Attributes:
        counts: entries, load/put pairs, calls of each function and, as "moved: <function>", how many of the calls of a
            save or restore function moved registers, as the model sees it.
    """

    def __init__(self, ledger: Ledger, then: KernelObserver | None, *, checkpoints: bool = True) -> None:
        self.ledger = ledger
        self.counts: Counter[str] = Counter()
        self._then = then
        self._checkpoints = checkpoints
        self._kernel: Kernel | None = None
        self._harts: dict[int, _HartView] = {}
        self._vcpus: dict[str, _VcpuView] = {}
        self._tasks: dict[str, VectorContext] = {}
        self._changed: set[str] = set()  # guests and tasks with something to save
        self._image_owners: dict[int, list[str]] = {}
        self._saving = 0  # saves in progress, on all harts
        self._then_store = None if then is None else then.store
        self._path: tuple[Mark, ...] = ()  # the functions that execution is in, or was in last
        self._subjects: dict[str, Vcpu | HostTask] = {}
        self._handlers = {
            "vcpu_load.enter": self._load_enter,
            "vcpu_load.exit": self._load_exit,
            "vcpu_put.enter": self._put_enter,
            "vcpu_put.exit": self._put_exit,
            "guest.enter": self._guest_enter,
            "guest.exit": self._guest_exit,
            "vcpu_reset.exit": self._reset_exit,
            "vcpu_destroy.exit": self._destroyed,
        }

    def attach(self, kernel: Kernel) -> None:
        """Watch `kernel`, whose observer is this monitor."""
        self._kernel = kernel
        kernel.probe = self.probe

    @property
    def kernel(self) -> Kernel:
        """The kernel watched."""
        assert self._kernel is not None
        return self._kernel

    def calls(self) -> str:
        """Return the functions that execution is in, or comes from, as Linux calls them, and for whom and where."""
        if not self._path:
            return ""
        last = self._path[-1]
        whose = f" for {last.who}" if last.who else ""
        relation = "in" if self._hart(last.hart).stack else "after"
        return f"{relation} {call_path([mark.what for mark in self._path])}{whose}, hart {last.hart}"

    # Observer

    def insn(self, hart_id: int, pc: int, issue: Issue, retire: Retire) -> None:
        """An instruction that the block executes."""
        view = self._hart(hart_id)
        top = view.stack[-1] if view.stack else None
        what = top.what if top else ""
        if issue.virt and not (view.mstatus_vs and view.vsstatus_vs) and insn_is_vector(issue.insn):
            trapped = retire.trap is not None and retire.trap.cause == _ILLEGAL
            clean = (retire.mstatus_vs, retire.vsstatus_vs) == (view.mstatus_vs, view.vsstatus_vs)
            whose = "guest-off-traps" if view.mstatus_vs else "hypervisor-off-traps"
            self._check(whose, trapped and clean, hart_id, lambda: f"{issue.insn:#010x} at {pc:#x} did {retire}")
        view.mstatus_vs, view.vsstatus_vs = retire.mstatus_vs, retire.vsstatus_vs
        if what in _RUNNERS and retire.mstatus_vs == _VS_DIRTY_FIELD:
            self._ran(view.stack[-1].who, issue.insn)
        if issue.xlat and what not in _OWNERS:
            view.moves += 1
        if retire.vregs and top is not None:
            self._written(view, top, retire)
        if retire.mem and what in _SAVES and top is not None:
            outside = _outside(retire.mem, top.regions)
            self._check("writes-in-context", not outside, hart_id, lambda: f"{what} wrote {outside[0]:#x}")
        if self._then is not None:
            self._then.insn(hart_id, pc, issue, retire)

    def _ran(self, who: str, insn: int) -> None:
        """Note if a guest or task, whose VS is Dirty, has a reason for it."""
        if who not in self._changed and _changes_vectors(insn):
            self._changed.add(who)

    def store(self, hart_id: int, paddr: int, data: bytes) -> None:
        """Memory written by scalar code or the kernel."""
        if self._saving:
            self._check_store(hart_id, paddr, data)
        if self._then_store is not None:
            self._then_store(hart_id, paddr, data)

    def _check_store(self, hart_id: int, paddr: int, data: bytes) -> None:
        stack = self._hart(hart_id).stack
        if stack and stack[-1].what in _SAVES:
            subject = self._subjects.get(stack[-1].who)
            self._check(
                "writes-in-context",
                subject is None or _inside(paddr, len(data), self._structures(subject)),
                hart_id,
                lambda: f"{stack[-1].what} wrote {len(data)} bytes at {paddr:#x}",
            )

    def event(self, event: Event) -> None:
        """A mark, or what else annotates the trace."""
        if isinstance(event, Mark):
            self._marked(self._hart(event.hart), event)
        if self._then is not None:
            self._then.event(event)

    def _marked(self, view: _HartView, mark: Mark) -> None:
        if mark.enter:
            view.stack.append(mark)
            self._path = tuple(view.stack)
            view.moves_at_entry.append(view.moves)
            view.off_at_entry.append(view.mstatus_vs == 0)
            self.counts[mark.what] += 1
            view.kernel_uses += mark.what == _KERNEL_CODE
            self._saving += mark.what in _SAVES
            if mark.what == _GUEST_SAVE:
                view.dirty_at_entry = self._is_dirty(self._subjects.get(mark.who))
            return
        view.stack.pop()
        if view.stack:
            self._path = tuple(view.stack)
        self._saving -= mark.what in _SAVES
        moved = view.moves != view.moves_at_entry.pop()
        was_off = view.off_at_entry.pop()
        if mark.what in MOVERS:
            self.counts[f"moved: {mark.what}"] += moved
            if mark.what == _GUEST_SAVE:
                view.guest_saves += moved
                wrong = "saved without need" if moved else "VS is Dirty, and nothing was saved"
                self._check("save-iff-dirty", moved == view.dirty_at_entry, mark.hart, wrong)
            self._check("unit-left-off", not was_off or view.mstatus_vs == 0, mark.hart, f"{mark.what} left VS on")
            if moved:
                self._check_need(mark, view)
        if mark.what == "vstate_discard":
            self._changed.add(mark.who)
            if (left := self._tasks.get(mark.who)) is not None:
                self._tasks[mark.who] = VectorContext.discarded(self.kernel.vsize, left.vcsr)
        if mark.what in _SAVES and mark.regions and moved:
            self._image_owners[mark.regions[0][1]] = list(view.owners)

    def _check_need(self, mark: Mark, view: _HartView) -> None:
        """Check that there was a reason to save, and note that there is none any more.

        To save a guest that is not Dirty is what `save-iff-dirty` is about.
        """
        if mark.what in _OWN_SAVES and (view.dirty_at_entry or mark.what != _GUEST_SAVE):
            needed = mark.who in self._changed
            self._check("no-needless-save", needed, mark.hart, f"{mark.what}, and nothing had changed")
        if mark.what in _OWN_SAVES | _OWN_RESTORES:
            self._changed.discard(mark.who)

    # Probe

    def probe(self, point: str, subject: Vcpu | HostTask, hart: Hart) -> None:
        """A point of the kernel's code that has been reached on behalf of `subject`."""
        self._subjects[subject.name] = subject
        if isinstance(subject, Vcpu):
            self._handlers[point](subject, hart)
        elif point == "task.enter":
            self._task_enter(subject, hart)
        else:
            self._task_exit(subject, hart)

    def changed_by_user(self, vcpu: Vcpu) -> None:
        """User space has changed the vector registers of `vcpu`, which is not loaded: that is what the guest finds."""
        self._view(vcpu).left = self._image(vcpu)

    def turned_dirty(self, who: Vcpu | HostTask) -> None:
        """Something below the kernel has made VS Dirty without need (B-10): the next save is none of its doing."""
        self._changed.add(who.name)

    def unpredictable(self, vcpu: Vcpu) -> None:
        """User space gave `vcpu` values that no register can hold: what the guest finds is not the monitor's matter."""
        self._view(vcpu).left = None

    def _load_enter(self, vcpu: Vcpu, hart: Hart) -> None:
        view = self._view(vcpu)
        self._check("image-vs-at-load", vcpu.guest_context.vs != VS_DIRTY, hart, "image VS is Dirty", vcpu)
        self._check_datap(vcpu, hart)
        kernel = self.kernel
        matters = kernel.version.host_side_eager or kernel.register_owner(hart) is not None
        view.host = VectorContext.of_hart(hart) if matters else None
        view.kernel_uses = self._hart(hart.hart_id).kernel_uses
        view.image = self._image(vcpu)
        view.entered, view.moves_at_exit = False, None

    def _load_exit(self, vcpu: Vcpu, hart: Hart) -> None:
        self.counts["pairs"] += 1
        self._check_clean(vcpu, hart)

    def _put_enter(self, vcpu: Vcpu, hart: Hart) -> None:
        view = self._view(vcpu)
        self._check_clean(vcpu, hart)
        view.at_put = VectorContext.of_hart(hart)
        view.dirty_at_put = self._is_dirty(vcpu)
        view.saves_at_put = self._hart(hart.hart_id).guest_saves
        self._hgatp_writes = len(self.kernel.hgatp_writes)

    def _put_exit(self, vcpu: Vcpu, hart: Hart) -> None:
        view = self._view(vcpu)
        image = self._image(vcpu)
        saves, due = self._hart(hart.hart_id).guest_saves - view.saves_at_put, int(view.dirty_at_put)
        self._check("save-iff-dirty", saves == due, hart, lambda: f"saved {saves} times, {due} are due", vcpu)
        if view.dirty_at_put and image is not None and view.at_put is not None:
            self._check_same("saved-is-equal", image, view.at_put, hart, vcpu)
        vs = vcpu.guest_context.vs
        self._check("image-vs-at-put", vs in (VS_OFF, VS_INITIAL, VS_CLEAN), hart, "image VS is Dirty", vcpu)
        undisturbed = view.kernel_uses == self._hart(hart.hart_id).kernel_uses
        if view.host is not None and (undisturbed or self.kernel.register_owner(hart) is not None):
            self._check_same("host-preserved", VectorContext.of_hart(hart), view.host, hart, vcpu)
        if not view.entered and image is not None and view.image is not None:
            self._check_same("load-put-idle", image, view.image, hart, vcpu)
        writes = self.kernel.hgatp_writes[self._hgatp_writes :]
        self._check("hgatp-kept", not writes, hart, lambda: f"hgatp was written with {writes[0].value:#x}", vcpu)
        self._check_datap(vcpu, hart)
        self._check_guards(hart, vcpu)
        if self._checkpoints:
            self.event(Checkpoint(hart.hart_id, hart.snapshot()))

    def _guest_enter(self, vcpu: Vcpu, hart: Hart) -> None:
        self.counts["entries"] += 1
        view, hart_view = self._view(vcpu), self._hart(hart.hart_id)
        on = vcpu.guest_context.vs != VS_OFF
        self.counts["entries with V"] += on
        has_v = isa_has(vcpu, "v")
        if not has_v:
            self._check("novec-guest-off", not on, hart, "image VS is not Off", vcpu)
        if view.moves_at_exit is not None and view.uses_at_exit == hart_view.kernel_uses:
            moved = hart_view.moves - view.moves_at_exit
            self._check("no-traffic-in-loop", moved == 0, hart, lambda: f"{moved} vector accesses", vcpu)
        if on and has_v:
            strangers = {owner for owner in hart_view.owners if owner != vcpu.name}
            self._check("one-owner", not strangers, hart, lambda: f"registers of {sorted(strangers)}", vcpu)
            if view.left is not None:
                self._check_same("guest-transparent", VectorContext.of_hart(hart), view.left, hart, vcpu)
        if view.vsstatus_vs is not None:
            found = hart.csr[Csr.VSSTATUS] & SR_VS
            self._check(
                "vsstatus-guest-owned", found == view.vsstatus_vs, hart, lambda: f"{view.vsstatus_vs} -> {found}", vcpu
            )
        view.entered = True

    def _guest_exit(self, vcpu: Vcpu, hart: Hart) -> None:
        view = self._view(vcpu)
        on = vcpu.guest_context.vs != VS_OFF
        view.left = VectorContext.of_hart(hart) if on else None
        view.vsstatus_vs = hart.csr[Csr.VSSTATUS] & SR_VS
        hart_view = self._hart(hart.hart_id)
        view.moves_at_exit, view.uses_at_exit = hart_view.moves, hart_view.kernel_uses

    def _reset_exit(self, vcpu: Vcpu, hart: Hart) -> None:
        view = self._view(vcpu)
        self.counts["resets"] += 1
        view.left = view.vsstatus_vs = view.moves_at_exit = None
        has_v = guest_has_v(vcpu)
        live = guest_is_live(vcpu)
        due = (VS_CLEAN if live else VS_INITIAL) if has_v else VS_OFF
        vs = vcpu.guest_context.vs
        if self.kernel.has_vector:
            self._check("reset-state", vs == due, hart, lambda: f"image VS {vs:#x}, {due:#x} is due", vcpu)
        datap = vcpu.guest_context.vector["datap"]
        if datap:
            self._image_owners[datap] = [vcpu.name] * VREGS
            if live and has_v:
                self._hart(hart.hart_id).owners[:] = [vcpu.name] * VREGS
        if has_v:
            zero = VectorContext.zero(self.kernel.vsize, self.kernel.version.reset_vtype)
            found = VectorContext.of_hart(hart) if live else self._image(vcpu)
            if found is not None:
                self._check_same("reset-state", found, zero, hart, vcpu)
            view.left = found or zero  # what reset left, right or wrong, is what the guest must find
        self._check_datap(vcpu, hart)

    def _destroyed(self, vcpu: Vcpu, hart: Hart) -> None:
        self.counts["destroyed"] += 1
        del self._vcpus[vcpu.name]
        self._check_guards(hart, vcpu)

    def _task_enter(self, task: HostTask, hart: Hart) -> None:
        self.counts["task slices"] += 1
        if task.vs == VS_OFF:
            return
        self.counts["task slices with V"] += 1
        strangers = {owner for owner in self._hart(hart.hart_id).owners if owner != task.name}
        self._check("one-owner", not strangers, hart, lambda: f"registers of {sorted(strangers)}", task)
        found = VectorContext.of_hart(hart)
        first = VectorContext.zero(self.kernel.vsize)
        if self.kernel.version.initial_is_discarded:
            first = VectorContext.discarded(self.kernel.vsize, found.vcsr)
        self._check_same("task-transparent", found, self._tasks.get(task.name, first), hart, task)

    def _task_exit(self, task: HostTask, hart: Hart) -> None:
        if task.vs == VS_INITIAL and self.kernel.version.initial_is_discarded:
            self._tasks.pop(task.name, None)  # it has changed nothing, and nothing is kept for it
        elif task.vs != VS_OFF:
            self._tasks[task.name] = VectorContext.of_hart(hart)

    # What is known of whom

    def _hart(self, hart_id: int) -> _HartView:
        view = self._harts.get(hart_id)
        if view is None:
            view = self._harts[hart_id] = _HartView([f"hart{hart_id}"] * VREGS)
        return view

    def _view(self, vcpu: Vcpu) -> _VcpuView:
        if vcpu.name not in self._vcpus:
            self._vcpus[vcpu.name] = _VcpuView(vcpu.guest_context.vector["datap"])
        return self._vcpus[vcpu.name]

    def _is_dirty(self, subject: Vcpu | HostTask | None) -> bool:
        return isinstance(subject, Vcpu) and subject.guest_context.vs == VS_DIRTY and guest_has_v(subject)

    def _image(self, vcpu: Vcpu) -> VectorContext | None:
        if not vcpu.guest_context.vector["datap"]:
            return None
        return VectorContext.of_image(vcpu.guest_context.vector, self.kernel.vsize)

    def _written(self, view: _HartView, top: Mark, retire: Retire) -> None:
        """Give the registers an instruction wrote their new owner: whoever runs, or whoever the image belongs to."""
        if top.what in _RESTORES and top.regions:
            source = self._image_owners.get(top.regions[0][1], [top.who] * VREGS)
            for reg in retire.vregs:
                view.owners[reg] = source[reg]
        elif top.what in _OWNERS:
            for reg in retire.vregs:
                view.owners[reg] = top.who

    def _structures(self, subject: Vcpu | HostTask) -> Regions:
        layout = self.kernel.layout
        if isinstance(subject, HostTask):
            return (("task", subject.address, layout["task_size"]),)
        contexts = (subject.guest_context, subject.host_context)
        return tuple(("context", context.address, layout["context_size"]) for context in contexts)

    # Checks

    def _check(
        self,
        name: str,
        ok: bool,
        hart: Hart | int,
        evidence: str | Callable[[], str],
        subject: Vcpu | HostTask | None = None,
    ) -> None:
        if ok:
            self.ledger.checks[name] += 1
            return
        hart_id = hart if isinstance(hart, int) else hart.hart_id
        stack = " > ".join(mark.what for mark in self._hart(hart_id).stack) or "-"
        who = subject.name if subject is not None else (self._hart(hart_id).stack or [Mark(0, True, "")])[-1].who
        self.ledger.check(name, False, f"hart {hart_id}, {who or '-'}, in {stack}", evidence)

    def _check_same(
        self, name: str, found: VectorContext, due: VectorContext, hart: Hart, subject: Vcpu | HostTask
    ) -> None:
        self._check(name, found == due, hart, lambda: found.differs(due), subject)

    def _check_clean(self, vcpu: Vcpu, hart: Hart) -> None:
        """VS Clean promises that registers and image agree (B-6), once the guest has been restored."""
        if vcpu.guest_context.vs != VS_CLEAN or not guest_has_v(vcpu) or not guest_is_live(vcpu):
            return
        image = self._image(vcpu)
        if image is not None:
            self._check_same("clean-is-equal", VectorContext.of_hart(hart), image, hart, vcpu)

    def _check_datap(self, vcpu: Vcpu, hart: Hart) -> None:
        due, found = self._view(vcpu).datap, vcpu.guest_context.vector["datap"]
        self._check("datap-identity", found == due, hart, lambda: f"{due:#x} -> {found:#x}", vcpu)

    def _check_guards(self, hart: Hart, vcpu: Vcpu) -> None:
        try:
            self.kernel.alloc.check_guards()
        except AllocError as error:
            self._check("guards-intact", False, hart, str(error), vcpu)
        else:
            self._check("guards-intact", True, hart, "", vcpu)


def _changes_vectors(insn: int) -> bool:
    """Whether an instruction can change vector state: every vector instruction, but for CSR reads (B-8)."""
    reads_csr = insn & 0x7F == _SYSTEM and insn >> 12 & 3 != 1 and not insn >> 15 & 31
    return insn_is_vector(insn) and not reads_csr


def _outside(mem: Mapping[int, int], regions: Regions) -> list[int]:
    """Return the addresses of `mem` that are in no region."""
    return [
        addr
        for first, data in ByteRuns.of(mem).runs
        if not _inside(first, len(data), regions)
        for addr in range(first, first + len(data))
        if not _inside(addr, 1, regions)
    ]


def _inside(addr: int, size: int, regions: Regions) -> bool:
    return any(first <= addr and addr + size <= first + length for _, first, length in regions)
