"""`make bench`: how fast things are, side by side on this machine, and how many cycles the RTL takes.

Speeds are instructions compared per second, and mean something only as ratios within one run. Cycles are exact.
"""

from __future__ import annotations

import itertools
import time
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.table import Table

from pymodel.scenarios.shared_unit import SharedUnitConfig
from pymodel.trace import TraceReader, TraceWriter
from tb.cosim import LATENCY, record
from tb.launch import replay
from tb.pace import Pace, measure
from tb.result import write_json
from tb.simulator import SIM_BUILD, replay_design, simulator

VLEN, DLEN, HARTS = 256, 128, 2
VLENS, DLENS, LATENCIES = (128, 256, 512, 1024, 2048, 4096), (64, 128, 256, 512), (0, 10, 50)
STEP_EVENTS = 12_000  # a step-by-step replay of more shows nothing new


def _cut(trace: Path, out: Path, events: int) -> Path:
    """Write the first events of a trace."""
    reader = TraceReader(trace)
    with TraceWriter(out, reader.header) as writer:
        for event in itertools.islice(reader, events):
            writer.event(event)
    return out


def speeds(out_dir: Path) -> dict[str, float]:
    """Return instructions per second of each way to replay one recorded scenario, builds and starts excluded."""
    config = SharedUnitConfig(kernel="v6.5", vlen=VLEN, harts=HARTS, vcpus=4, tasks=2, seed=1, pairs=200, entries=2000)
    out_dir.mkdir(parents=True, exist_ok=True)
    trace = out_dir / "bench.trace"
    started = time.perf_counter()
    model = record(config, trace, "make bench", lambda *_: None)
    recording = time.perf_counter() - started
    rows: dict[str, float] = {}
    short = _cut(trace, out_dir / "short.trace", STEP_EVENTS)
    for sim in ("verilator", "icarus"):
        for step in (True, False):
            tool = simulator(sim)
            ram = TraceReader(trace).header["ram_size"]
            tool.build(replay_design(VLEN, DLEN, HARTS, ram=ram, batch=not step))
            source = trace if sim == "verilator" and not step else short
            result = replay(source, sim=sim, dlen=DLEN, out_dir=out_dir / "run", latency=LATENCY, step=step)
            assert result.ok, result.mismatch
            rows[f"{sim}, {'step by step' if step else 'batch'}"] = result.instructions / result.seconds
            if sim == "verilator" and not step:
                rows["golden model and recording"] = result.instructions / recording
                rows["record, then replay in batch"] = result.instructions / (recording + result.seconds)
    rows["golden model, every instruction of the harts"] = model.instructions / recording
    return rows


def paces(out_dir: Path) -> list[Pace]:
    """Return the cycles of save and restore in every configuration."""
    return [
        measure(vlen, dlen, latency, out_dir)
        for vlen, dlen, latency in itertools.product(VLENS, DLENS, LATENCIES)
        if dlen <= vlen
    ]


def main() -> None:
    """Measure, print tables and write bench.json."""
    console, out_dir = Console(), SIM_BUILD / "bench"
    rows = speeds(out_dir)
    base = rows["verilator, step by step"]
    table = Table(title="instructions per second", box=None, title_justify="left")
    for column in ("", "per second", "ratio"):
        table.add_column(column, justify="right" if column else "left")
    for name, speed in rows.items():
        table.add_row(name, f"{speed:,.0f}", f"{speed / base:.2f}")
    console.print(table)
    found = paces(out_dir)
    table = Table(title="cycles of a context's save and restore", box=None, title_justify="left")
    for column in ("VLEN", "DLEN", "latency", "limit", "save", "restore", "save / limit", "restore / limit"):
        table.add_column(column, justify="right")
    for pace in found:
        cells = (pace.vlen, pace.dlen, pace.latency, pace.limit, pace.save, pace.restore)
        ratios = (f"{pace.save / pace.limit:.2f}", f"{pace.restore / pace.limit:.2f}")
        table.add_row(*map(str, cells), *ratios)
    console.print(table)
    write_json(out_dir / "bench.json", {"speeds": rows, "paces": [asdict(p) | {"limit": p.limit} for p in found]})
    console.print(f"result: {out_dir / 'bench.json'}")


if __name__ == "__main__":
    main()
