# SPDX-License-Identifier: Apache-2.0
"""The recorder holds scalar stores back until the block could see them, and orders harts where they share memory."""

from __future__ import annotations

from collections import Counter

import pytest

from vctx.pymodel.trace import Event, Insn, Issue, Retire, Store, Sync, Xlat
from vctx.pymodel.trace.recorder import Recorder

BASE = 0x8000_0000
PAGE = Xlat(vpn=BASE >> 12, ppn=BASE >> 12)
VLE8 = 0x02050007
VLSE8 = 0x0AB50407  # by a1
VSE8 = 0x02050027


class Log:
    def __init__(self) -> None:
        self.events: list[Event] = []

    def event(self, event: Event) -> None:
        self.events.append(event)


def load(addr: int) -> tuple[Issue, Retire]:
    return Issue(VLE8, rs1=addr, xlat=(PAGE,)), Retire(vregs={0: bytes(16)})


def store(addr: int, data: bytes) -> tuple[Issue, Retire]:
    return Issue(VSE8, rs1=addr, xlat=(PAGE,)), Retire(mem=dict(enumerate(data, addr)))


def recorder() -> tuple[Recorder, list[Event]]:
    log = Log()
    return Recorder(log, vlenb=16), log.events


def kinds(events: list[Event]) -> list[str]:
    return [type(event).__name__ for event in events]


def test_stores_wait_for_a_block_access_to_their_line() -> None:
    rec, events = recorder()
    rec.store(0, BASE + 0x100, b"ab")
    rec.store(0, BASE + 0x102, b"c")
    rec.store(0, BASE + 0x100, b"x")
    rec.store(0, BASE + 0x800, b"far")
    assert events == []
    rec.insn(0, 0, *load(BASE + 0x110))
    assert events[0] == Store(0, BASE + 0x100, b"xbc")
    assert kinds(events) == ["Store", "Insn"]
    rec.finish()
    assert events[-1] == Store(0, BASE + 0x800, b"far")


def test_gaps_in_a_line_stay_gaps() -> None:
    rec, events = recorder()
    rec.store(0, BASE, b"a")
    rec.store(0, BASE + 2, b"c")
    rec.finish()
    assert events == [Store(0, BASE, b"a"), Store(0, BASE + 2, b"c")]


def test_instruction_without_memory_access_flushes_nothing() -> None:
    rec, events = recorder()
    rec.store(0, BASE, b"a")
    rec.insn(0, 0, Issue(0x57), Retire())
    assert kinds(events) == ["Insn"]


def test_a_faulting_page_is_not_touched() -> None:
    rec, events = recorder()
    rec.store(0, BASE, b"a")
    rec.insn(0, 0, Issue(VLE8, rs1=BASE, xlat=(Xlat(vpn=BASE >> 12, fault=13),)), Retire())
    assert kinds(events) == ["Insn"]


def test_sync_only_between_conflicting_harts() -> None:
    rec, events = recorder()
    rec.insn(0, 0, *store(BASE, bytes(16)))
    rec.insn(1, 0, *load(BASE + 0x400))  # elsewhere: no order needed
    rec.insn(0, 0, *load(BASE + 0x400))  # two readers: no order needed
    assert kinds(events) == ["Insn"] * 3
    rec.insn(1, 0, *load(BASE))  # reads what hart 0 wrote
    assert kinds(events)[3:] == ["Sync", "Insn"]
    rec.insn(1, 0, *store(BASE, bytes(16)))  # its own line: no order needed
    assert kinds(events)[5:] == ["Insn"]
    rec.insn(0, 0, *store(BASE, bytes(16)))  # overwrites what hart 1 has read and written
    assert kinds(events)[6:] == ["Sync", "Insn"]


def test_a_held_store_released_by_another_hart_is_ordered_too() -> None:
    rec, events = recorder()
    rec.insn(0, 0, *load(BASE))
    rec.store(1, BASE, b"z")
    rec.insn(1, 0, *load(BASE))
    assert kinds(events) == ["Insn", "Sync", "Store", "Insn"]


def test_synced_events_replay_in_total_order() -> None:
    rec, events = recorder()
    for turn in range(6):
        rec.insn(turn % 2, 0, *store(BASE, bytes([turn])))
    insns = [e for e in events if isinstance(e, Insn)]
    assert [e.hart for e in insns] == [0, 1, 0, 1, 0, 1]
    assert sum(isinstance(e, Sync) for e in events) == 5


def test_two_pages_of_one_frame_release_a_line_once() -> None:
    """Both virtual pages of an access map to the same frame, so its first and last line may be the same."""
    log = Log()
    rec = Recorder(log, vlenb=512)
    rec.store(0, BASE + 0x40, b"a")
    at = 0x1050  # up to 0x2050
    pages = (Xlat(vpn=1, ppn=BASE >> 12), Xlat(vpn=2, ppn=BASE >> 12))
    rec.insn(0, 0, Issue(VLE8, rs1=at, xlat=pages), Retire())
    assert kinds(log.events) == ["Store", "Insn"]


def test_a_strided_access_reaches_anything_on_its_pages() -> None:
    """Below its base, too; a page that faults is not reached."""
    other = Xlat(PAGE.vpn + 5, PAGE.ppn + 5)
    log = Log()
    rec = Recorder(log, vlenb=32)
    for at in (0, 0x1000, 0x5FC0, 0x6000):
        rec.store(0, BASE + at, b"a")
    rec.insn(0, 0, Issue(VLSE8, rs1=BASE + 0x800, rs2=(1 << 64) - 0x7FF, xlat=(PAGE, other)), Retire())
    assert [e.paddr for e in log.events if isinstance(e, Store)] == [BASE, BASE + 0x5FC0]
    faulting = Xlat(PAGE.vpn + 1, fault=13)
    rec.insn(0, 0, Issue(VLSE8, rs1=BASE + 0x800, rs2=0x800, xlat=(PAGE, faulting)), Retire())
    assert kinds(log.events) == ["Store", "Store", "Insn", "Insn"]


def test_a_line_conflict_orders_every_line_of_the_access() -> None:
    """The Sync comes before the whole access, so that all of it counts afterwards."""
    rec, events = recorder()
    rec.insn(0, 0, *load(BASE + 0x40))
    rec.insn(1, 0, *store(BASE, bytes(0x48)))  # the second line conflicts
    rec.insn(0, 0, *store(BASE, bytes(8)))  # the first one does now
    assert kinds(events) == ["Insn", "Sync", "Insn", "Sync", "Insn"]


def test_a_masked_store_counts_for_its_lines_alone() -> None:
    """Bytes of the first line, of the border to the second, and of the fourth: the third one is free."""
    rec, events = recorder()
    stored = {BASE + at: 1 for at in (0, 0x3F, 0x40, 0xC5)}
    rec.insn(0, 0, Issue(VSE8, rs1=BASE, xlat=(PAGE,)), Retire(mem=stored))
    rec.insn(1, 0, *store(BASE + 0x80, bytes(0x40)))
    assert kinds(events) == ["Insn", "Insn"]
    for line in (0, 0x40, 0xC0):
        rec, events = recorder()
        rec.insn(0, 0, Issue(VSE8, rs1=BASE, xlat=(PAGE,)), Retire(mem=stored))
        rec.insn(1, 0, *store(BASE + line, bytes(1)))
        assert kinds(events) == ["Insn", "Sync", "Insn"]


@pytest.mark.parametrize("harts", [1, 2])
def test_a_hart_alone_needs_no_order(harts: int) -> None:
    """The trace is the same for one hart, and would not be for two."""
    traces = []
    for alone in (False, True):
        log = Log()
        rec = Recorder(log, vlenb=16, alone=alone)
        for turn in range(6):
            rec.store(turn % harts, BASE + turn, b"a")
            rec.insn(turn % harts, turn, *store(BASE, bytes([turn])))
            rec.insn(turn % harts, turn, *load(BASE + 0x40))
        rec.finish()
        traces.append(log.events)
    assert (traces[0] == traces[1]) == (harts == 1)


def test_events_are_counted_by_type() -> None:
    rec, events = recorder()
    rec.store(0, BASE, b"a")
    rec.insn(0, 0, *load(BASE))
    rec.insn(1, 0, *store(BASE, b"b"))
    assert rec.counts == Counter(kinds(events)) == {"Store": 1, "Insn": 2, "Sync": 1}


def test_long_and_unaligned_stores_are_held_by_line() -> None:
    rec, events = recorder()
    data = bytes(range(1, 201))
    rec.store(0, BASE + 0x3F, data)
    rec.finish()
    stored = [event for event in events if isinstance(event, Store)]
    assert [event.paddr for event in stored] == [BASE + 0x3F, BASE + 0x40, BASE + 0x80, BASE + 0xC0, BASE + 0x100]
    assert b"".join(event.data for event in stored) == data
