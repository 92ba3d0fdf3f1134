# SPDX-License-Identifier: Apache-2.0
"""Cycles of a whole context's save and restore, beside the limit of the bus: 32 * VLEN / DLEN beats.

The save is what hypervisors do: four CSR reads, vsetvli, four vse8.v of eight registers. The restore is vsetvli, four
vle8.v, vsetvl and two CSR writes. Counts run from the issue of the first instruction to the retirement of the last.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from vctx.pymodel.isa import encode
from vctx.pymodel.trace import PAGE_SHIFT, Insn, Issue, Mark, Retire, Store, TraceWriter, Xlat
from vctx.tb.plots.svg import curves
from vctx.tb.replay.launch import replay
from vctx.tb.replay.result import Latency

RAM_BASE = 0x8000_0000
SAVE_AREA, RESTORE_AREA = RAM_BASE + 0x8000, RAM_BASE + 0x10000
MSTATUS, VSTART, VCSR, VL, VTYPE = 0x300, 0x008, 0x00F, 0xC20, 0xC21
E8M8 = 0xC3
INITIAL, DIRTY = 1, 3

VLENS, DLENS, LATENCIES = (128, 256, 512, 1024, 2048, 4096), (64, 128, 256, 512), (0, 10, 50)


@dataclass(frozen=True)
class Pace:
    """Cycles of a save and a restore; `limit` is the number of beats that one of them moves."""

    vlen: int
    dlen: int
    latency: int
    save: int
    restore: int

    @property
    def limit(self) -> int:
        """Beats of 32 registers."""
        return 32 * self.vlen // self.dlen


def write_trace(path: Path, vlen: int) -> None:
    """Write the trace that is measured."""
    group = vlen  # bytes of eight registers
    data = bytes((i * 7 + i // 251) & 0xFF for i in range(4 * group))
    state = {"vl": 0, "vtype": 1 << 63, "mstatus_vs": 0}
    header = {"vlen": vlen, "harts": 1, "seed": 1, "ram_base": RAM_BASE, "ram_size": 1 << 20, "fill": 0xA5}
    with TraceWriter(path, header | {"command": "vctx bench"}) as out:

        def insn(word: int, rs1: int = 0, rs2: int = 0, **effects: object) -> None:
            for name in state.keys() & effects.keys():
                state[name] = effects.pop(name)  # type: ignore[assignment]
            xlat = effects.pop("xlat", ())
            out.event(Insn(0, 0x1000, Issue(word, rs1, rs2, xlat=xlat), Retire(**state, **effects)))  # type: ignore[arg-type]

        def group_insn(load: bool, number: int, area: int) -> None:
            addr, part = area + number * group, data[number * group : (number + 1) * group]
            pages = range(addr >> PAGE_SHIFT, ((addr + group - 1) >> PAGE_SHIFT) + 1)
            xlat = tuple(Xlat(page, page) for page in pages)
            if load:
                regs = {8 * number + i: part[vlen // 8 * i : vlen // 8 * (i + 1)] for i in range(8)}
                insn(encode("vle8.v", vd=8 * number, rs1=10, vm=1), addr, xlat=xlat, vregs=regs)
            else:
                word = encode("vse8.v", vs3=8 * number, rs1=10, vm=1)
                insn(word, addr, xlat=xlat, mem=dict(enumerate(part, addr)))

        vsetvli = encode("vsetvli", rd=5, rs1=6, vtypei=E8M8)
        out.event(Store(0, RESTORE_AREA, data))
        insn(encode("csrrw", rd=0, csr=MSTATUS, rs1=6), INITIAL << 9, mstatus_vs=INITIAL)
        out.event(Mark(0, True, "restore", regions=(("context", RESTORE_AREA, 4 * group),)))
        insn(vsetvli, 1 << 20, rd=vlen, vl=vlen, vtype=E8M8, mstatus_vs=DIRTY)
        for number in range(4):
            group_insn(True, number, RESTORE_AREA)
        insn(encode("vsetvl", rd=0, rs1=6, rs2=7), vlen, E8M8)
        insn(encode("csrrw", rd=0, csr=VSTART, rs1=6))
        insn(encode("csrrw", rd=0, csr=VCSR, rs1=6))
        out.event(Mark(0, False, "restore"))
        out.event(Mark(0, True, "save", regions=(("context", SAVE_AREA, 4 * group),)))
        for csr, value in ((VSTART, 0), (VTYPE, E8M8), (VL, vlen), (VCSR, 0)):
            insn(encode("csrrs", rd=5, csr=csr, rs1=0), rd=value)
        insn(vsetvli, 1 << 20, rd=vlen)
        for number in range(4):
            group_insn(False, number, SAVE_AREA)
        out.event(Mark(0, False, "save"))


def measure(
    vlen: int, dlen: int, latency: int, out_dir: Path, *, sim: str = "icarus", build_root: Path | None = None
) -> Pace:
    """Replay a restore and a save, and return what they cost.

    Raises:
        AssertionError: the RTL departs from the trace.
    """
    out_dir.mkdir(parents=True, exist_ok=True)
    trace = out_dir / "pace.trace"
    write_trace(trace, vlen)
    result = replay(trace, sim=sim, out_dir=out_dir, dlen=dlen, latency=Latency(cycles=latency), build_root=build_root)
    assert result.ok, result.mismatch
    cycles = {count.what: count.cycles for count in result.visits}
    return Pace(vlen, dlen, latency, cycles["save"], cycles["restore"])


def paces(out_dir: Path) -> list[Pace]:
    """Return the cycles of every configuration of VLENS, DLENS and LATENCIES; several run at a time."""

    def one(config: tuple[int, int, int]) -> Pace:
        vlen, dlen, latency = config
        return measure(vlen, dlen, latency, out_dir / f"{vlen}-{dlen}-{latency}")

    configs = [config for config in itertools.product(VLENS, DLENS, LATENCIES) if config[1] <= config[0]]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(one, configs))


def plot(found: Sequence[Pace]) -> str:
    """Return the plot of `found` as SVG: a panel for save and restore at each latency, a curve a DLEN, over VLEN."""
    panels: dict[str, dict[str, dict[int, float]]] = {}
    for what in ("save", "restore"):
        for pace in sorted(found, key=lambda pace: pace.latency):
            cycles = pace.save if what == "save" else pace.restore
            curve = panels.setdefault(f"{what}, memory latency {pace.latency}", {}).setdefault(f"DLEN {pace.dlen}", {})
            curve[pace.vlen] = cycles / pace.limit
    return curves("cycles of a context's save and restore / limit (32 * VLEN / DLEN beats)", "VLEN", panels)
