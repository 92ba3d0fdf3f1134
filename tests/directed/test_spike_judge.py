# SPDX-License-Identifier: Apache-2.0
"""Spike as a judge of traces: it translates as the trace says, and sees every difference."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from vctx.pymodel.isa import encode
from vctx.pymodel.kvm.machine import RAM_BASE as KVM_RAM_BASE
from vctx.pymodel.kvm.machine import RAM_SIZE as KVM_RAM_SIZE
from vctx.pymodel.scenarios.directed import SWEEPS
from vctx.pymodel.scenarios.directed.stimulus import A0, DIRTY, FILL, MODES, RAM_BASE, RAM_SIZE, VS_SHIFT, pattern
from vctx.pymodel.scenarios.shared_unit import SharedUnitConfig, run_shared_unit
from vctx.pymodel.trace import (
    Checkpoint,
    Event,
    Insn,
    Issue,
    Retire,
    Store,
    TraceError,
    TraceReader,
    TraceWriter,
    Trap,
    Xlat,
)
from vctx.pymodel.trace.recorder import Recorder
from vctx.tb.jobs.sweep import record
from vctx.tb.spike.judge import judge

ROOT = Path(__file__).resolve().parents[2]
VLEN = 128
E8 = 0xC0
VA = 0xC000_0000 - 8  # elements 0 to 7 are the end of one page, 8 to 15 the start of another, in tables of its own
LOW, HIGH = (RAM_BASE >> 12) + 5, (RAM_BASE >> 12) + 3
ELSEWHERE = 0x1234


def write(path: Path, events: Iterable[Event], **header: Any) -> Path:
    facts = {"scenario": path.stem, "command": "", "vlen": VLEN, "harts": 1, "seed": 1, "fill": FILL}
    facts |= {"ram_base": RAM_BASE, "ram_size": RAM_SIZE}
    with TraceWriter(path, facts | header) as writer:
        for event in events:
            writer.event(event)
    return path


def two_pages(mode: str, xlat: tuple[Xlat, Xlat], *, store: bool = False) -> list[Event]:
    """A load or store of v8 over two pages whose physical order is reversed; what it does is derived by hand."""
    prv, virt = MODES[mode]
    data = pattern(1, 16)
    before = data if store else bytes(16)  # v8
    addresses = [(LOW << 12) + 0xFF8 + i for i in range(8)] + [(HIGH << 12) + i for i in range(8)]
    off = Retire(mstatus_vs=DIRTY)
    on = off._replace(vsstatus_vs=DIRTY)
    ready = on._replace(vl=16, vtype=E8)
    done, moved = ready, 16
    for number, page in reversed(list(enumerate(xlat))):
        if page.fault:
            moved, address = 8 * number, VA + 8 * number
            tval2 = page.gpn << 10 | address >> 2 & 0x3FF if page.fault in (21, 23) else 0
            done = ready._replace(trap=Trap(page.fault, address, tval2), vstart=moved)
    if store:
        done = done._replace(mem=dict(zip(addresses[:moved], data, strict=False)))
    elif moved:
        done = done._replace(vregs={8: data[:moved] + before[moved:]})
    image = RAM_BASE + 0x100
    load, identity = encode("vle8.v", vd=8, rs1=A0), (Xlat(image >> 12, image >> 12),)
    status = Issue(encode("csrrw", rd=0, csr=0x300, rs1=A0), rs1=DIRTY << VS_SHIFT)
    return [
        Store(0, image, before),
        Store(0, addresses[0], data[:8]),
        Store(0, addresses[8], data[8:]),
        Insn(0, 0, status, off),
        Insn(0, 4, status._replace(insn=encode("csrrw", rd=0, csr=0x200, rs1=A0)), on),
        Insn(0, 8, Issue(encode("vsetvli", rd=0, rs1=A0, vtypei=E8), rs1=16), ready),
        Insn(0, 12, Issue(load, rs1=image, xlat=identity), ready._replace(vregs={8: before})),
        Insn(
            0,
            16,
            Issue(encode("vse8.v", vs3=8, rs1=A0) if store else load, VA, prv=prv, virt=virt, xlat=xlat),
            done,
        ),
    ]


def pages(first: int = 0, second: int = 0, gpn: int = 0) -> tuple[Xlat, Xlat]:
    """The two pages of `two_pages`, with these faults."""

    def page(vpn: int, ppn: int, fault: int) -> Xlat:
        return Xlat(vpn, 0 if fault else ppn, fault, gpn if fault in (21, 23) else 0)

    return page(VA >> 12, LOW, first), page((VA >> 12) + 1, HIGH, second)


@pytest.mark.parametrize("store", [False, True])
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("faulty", [None, 0, 1])
@pytest.mark.parametrize("kind", ["page", "access", "guest"])
def test_pages_answer_as_recorded(mode: str, kind: str, faulty: int | None, store: bool, tmp_path: Path) -> None:
    cause = {"page": 13, "access": 5, "guest": 21}[kind] + 2 * store
    faults = [cause if number == faulty else 0 for number in (0, 1)]
    trace = write(tmp_path / "t", two_pages(mode, pages(*faults, gpn=ELSEWHERE), store=store))
    if kind == "guest" and faulty is not None and mode in ("HS", "U"):  # no second stage there
        with pytest.raises(TraceError, match="guest-page fault"):
            judge(trace)
        return
    found = judge(trace)
    assert found.mismatch is None, found.mismatch.text()
    assert (found.judged, found.instructions) == (5, 5)


@pytest.mark.parametrize("page", [Xlat(1 << 40, RAM_BASE >> 12), Xlat(VA >> 12, 5)])
def test_pages_that_cannot_answer_so_are_refused(page: Xlat, tmp_path: Path) -> None:
    with pytest.raises(TraceError, match="Spike cannot translate"):
        judge(write(tmp_path / "t", two_pages("VS", (page, page))))


def falsified(event: Event, change: str) -> Event:
    assert isinstance(event, Insn)
    retire = event.retire
    changes: dict[str, Any] = {
        "rd": {"rd": (retire.rd or 0) ^ 1},
        "vl": {"vl": retire.vl + 1},
        "vs": {"mstatus_vs": retire.mstatus_vs ^ 1},
        "trap": {"trap": Trap(2, 0)},
        "register": {"vregs": {**retire.vregs, 31: bytes(16)}},
        "memory": {"mem": {**retire.mem, RAM_BASE: 0}},
    }
    return replace(event, retire=retire._replace(**changes[change]))


@pytest.mark.parametrize("change", ["rd", "vl", "vs", "trap", "register", "memory"])
def test_every_difference_is_seen(change: str, tmp_path: Path) -> None:
    source = tmp_path / "bugs"
    record(SWEEPS["bugs"], source, name="bugs", vlen=VLEN)
    events = list(TraceReader(source))
    index = next(i for i, e in enumerate(events) if i > 40 and isinstance(e, Insn) and e.retire.vregs)
    events[index] = falsified(events[index], change)
    found = judge(write(tmp_path / "wrong", events))
    assert found.mismatch is not None and found.mismatch.index == index
    assert (found.ok, found.mismatch.kind) == (False, "instruction")
    done = subprocess.run(
        [sys.executable, "-m", "vctx.tb.cli", "judge", str(tmp_path / "wrong")],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 1 and f"mismatch at event {index}" in done.stdout.decode()


def test_a_wrong_checkpoint_is_seen(tmp_path: Path) -> None:
    source = tmp_path / "bugs"
    record(SWEEPS["bugs"], source, name="bugs", vlen=VLEN)
    events = list(TraceReader(source))
    checkpoint = events[-1] if isinstance(events[-1], Checkpoint) else events[-2]
    assert isinstance(checkpoint, Checkpoint)
    checkpoint.state = checkpoint.state._replace(vregs={**checkpoint.state.vregs, 7: bytes(16)})
    found = judge(write(tmp_path / "wrong", events))
    assert found.mismatch is not None and found.mismatch.kind == "checkpoint"


def test_spike_agrees_with_a_hypervisor_on_two_harts(tmp_path: Path) -> None:
    config = SharedUnitConfig(vlen=VLEN, pairs=20, entries=60)
    facts = {"vlen": VLEN, "harts": config.harts, "ram_base": KVM_RAM_BASE, "ram_size": KVM_RAM_SIZE}
    with TraceWriter(tmp_path / "kvm", facts | {"seed": 1, "fill": FILL, "command": ""}) as writer:
        recorder = Recorder(writer, VLEN // 8)
        run_shared_unit(config, recorder)
        recorder.finish()
    done = subprocess.run(
        [sys.executable, "-m", "vctx.tb.cli", "judge", str(tmp_path / "kvm")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "agreed: " in done.stdout


def test_spike_refuses_what_it_cannot_judge(tmp_path: Path) -> None:
    """Harts without V; and a vector instruction that only Spike has, which would change its state."""
    facts = {"vlen": VLEN, "harts": 1, "ram_base": RAM_BASE, "ram_size": RAM_SIZE, "seed": 1, "fill": FILL}
    vdivu = 0x82A42457
    on = Insn(0, 0, Issue(encode("csrrs", rd=0, csr=0x300, rs1=10), rs1=1 << 9), Retire(mstatus_vs=1))
    illegal = Insn(0, 4, Issue(vdivu), Retire(trap=Trap(2, vdivu), vl=2, vtype=0, mstatus_vs=3))
    vset = Insn(0, 4, Issue(encode("vsetivli", rd=0, uimm=2, vtypei=0)), Retire(vl=2, vtype=0, mstatus_vs=3))
    for name, header, events, message in (
        ("without", {"has_v": False}, [on], "without V"),
        ("vdivu", {}, [on, vset, illegal], "Spike executes 0x82a42457"),
    ):
        with TraceWriter(tmp_path / name, facts | header) as writer:
            for event in events:
                writer.event(event)
        with pytest.raises(TraceError, match=message):
            judge(tmp_path / name)
