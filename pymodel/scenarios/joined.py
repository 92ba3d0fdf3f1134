# SPDX-License-Identifier: Apache-2.0
"""One trace out of many kernels, so that one simulation replays them all.

Each kernel starts on harts that are out of reset and in memory that nobody wrote. Between two kernels the trace brings
the RTL back to that: instructions put the vector CSRs and VS where reset puts them, stores restore the fill pattern.
The registers need nothing, since every boot loads them.
"""

from __future__ import annotations

from vctx.pymodel.isa import Csr, Hart, HartConfig, Memory, encode
from vctx.pymodel.kvm.layout import SR_VS
from vctx.pymodel.trace.recorder import Recorder, Sink
from vctx.pymodel.trace.records import PAGE_SIZE, Event, Insn, Issue, Retire, Store, Sync

_VILL = 1 << 63


class JoinedTrace:
    """Writes kernels of one configuration, one after the other, to `sink`.

    Args:
        vlen: VLEN in bits; has_v: the harts have V; fill: value of every byte that nobody wrote.

    Attributes:
        events: events written so far.
    """

    def __init__(self, sink: Sink, vlen: int, *, has_v: bool, fill: int) -> None:
        self.events = 0
        self._sink = sink
        self._vlen = vlen
        self._has_v = has_v
        self._fill = bytes([fill]) * PAGE_SIZE
        self._dirty: set[int] = set()  # pages written since they held the fill pattern
        self._last: dict[int, Retire] = {}
        self._recorder: Recorder | None = None

    def event(self, event: Event) -> None:
        """Write an event and note what it changes."""
        if isinstance(event, Insn):
            self._last[event.hart] = event.retire
            self._dirty.update(address & -PAGE_SIZE for address in event.retire.mem)
        elif isinstance(event, Store):
            pages = range(event.paddr & -PAGE_SIZE, event.paddr + len(event.data), PAGE_SIZE)
            self._dirty.update(pages)
        self._sink.event(event)
        self.events += 1

    def kernel(self) -> Recorder:
        """Return the recorder of the next kernel; the one before is over."""
        self.finish()
        self._recorder = Recorder(self, self._vlen // 8)
        return self._recorder

    def finish(self) -> None:
        """End the present kernel, and leave the state of a reset."""
        if self._recorder is None:
            return
        self._recorder.finish()
        self._recorder = None
        self.event(Sync())
        for hart_id, last in sorted(self._last.items()):
            self._reset(hart_id, last)
        for page in sorted(self._dirty):
            self.event(Store(0, page, self._fill))
        self._dirty.clear()
        self._last.clear()
        self.event(Sync())

    def _reset(self, hart_id: int, last: Retire) -> None:
        """Record the instructions that bring the hart from what `last` left to the reset state."""
        hart = Hart(HartConfig(self._vlen, has_v=self._has_v), Memory([(0, PAGE_SIZE)]), hart_id, self)
        vec = hart.vec
        vec.vtype, vec.vl, vec.vstart, vec.vcsr = last.vtype, last.vl, last.vstart, last.vcsr
        hart.csr[Csr.MSTATUS] = hart.csr[Csr.MSTATUS] & ~SR_VS | last.mstatus_vs << 9
        hart.csr[Csr.VSSTATUS] = hart.csr[Csr.VSSTATUS] & ~SR_VS | last.vsstatus_vs << 9
        if self._has_v:
            hart.inject(encode("csrrs", rd=0, csr=Csr.MSTATUS, rs1=5), SR_VS)
            hart.inject(encode("vsetvl", rd=0, rs1=5, rs2=6), 0, _VILL)
            hart.inject(encode("csrrw", rd=0, csr=Csr.VCSR, rs1=5), 0)
        hart.inject(encode("csrrc", rd=0, csr=Csr.VSSTATUS, rs1=5), SR_VS)
        hart.inject(encode("csrrc", rd=0, csr=Csr.MSTATUS, rs1=5), SR_VS)

    # Observer of the harts that do this

    def insn(self, hart_id: int, pc: int, issue: Issue, retire: Retire) -> None:
        """An instruction on the way to the reset state."""
        self.event(Insn(hart_id, pc, issue, retire))

    def store(self, hart_id: int, paddr: int, data: bytes) -> None:
        """There are no stores on that way."""
        raise AssertionError
