# SPDX-License-Identifier: Apache-2.0
"""Long traces: how time and memory of a batch replay grow with the number of instructions.

A trace is made from the program of contexts, recorded for a few iterations. All iterations but the first are equal byte
for byte, which is checked: one of them, repeated, is what the golden model would have recorded of a longer run.

`python -m vctx.tb.bench.long TRACE OUT_DIR` replays one trace and prints what it took, as a process of its own: memory
is measured as the largest that a process ever had.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from vctx.pymodel.places import ROOT
from vctx.pymodel.scenarios.bare_metal import ram_size
from vctx.pymodel.trace import TraceReader
from vctx.pymodel.trace.bulk import frames
from vctx.pymodel.trace.file import END_PAYLOAD, FRAME, KIND
from vctx.tb.bench.errors import BenchError
from vctx.tb.bench.workload import VLEN, context_program, record_program
from vctx.tb.replay.launch import replay
from vctx.tb.simulators.build import build
from vctx.tb.simulators.design import replay_design
from vctx.tb.simulators.find import simulator

DLEN = 128
LENGTHS = (100_000, 1_000_000, 10_000_000)  # instructions
MAX_MEMORY = 1 << 30  # bytes, of Python and the simulator together

_Event = tuple[int, bytes]  # kind and payload

_REPEATS = 1000  # iterations written at a time


@dataclass(frozen=True)
class LongReplay:
    """One replay: `seconds` of the replay alone, `memory` in bytes, of Python and the simulator together."""

    instructions: int
    trace_bytes: int
    seconds: float
    memory: int

    @property
    def nanoseconds(self) -> float:
        """Time for each instruction."""
        return 1e9 * self.seconds / self.instructions


def long_replays(out_dir: Path, lengths: tuple[int, ...], progress: Callable[[str], None]) -> list[LongReplay]:
    """Replay traces of at least these lengths; the files are removed.

    Raises:
        BenchError: RTL and trace differ.
    """
    out_dir.mkdir(parents=True, exist_ok=True)
    progress("building")
    ram = ram_size(context_program(out_dir, 1))
    build(simulator("verilator"), replay_design(VLEN, DLEN, 1, ram=ram, batch=True))
    trace = out_dir / "long.trace"
    found = []
    for instructions in lengths:
        progress(f"writing a trace of {instructions:,} instructions")
        written = write_long(trace, instructions)
        progress(f"replaying {written:,} instructions")
        try:
            found.append(_in_a_process(trace, out_dir / "run", written))
        finally:
            trace.unlink()
    return found


def write_long(trace: Path, instructions: int) -> int:
    """Write a trace of at least that many instructions, and return how many it has.

    Raises:
        BenchError: iterations of the program differ.
    """
    short = [trace.with_suffix(f".{count}") for count in (2, 3)]
    two, three = (_recorded(path, count) for count, path in zip((2, 3), short, strict=True))
    size = len(three) - len(two)
    end = next(at for at, (one, other) in enumerate(zip(two, three, strict=False)) if one != other)  # of an iteration
    body = two[end - size : end]
    if three[: end + size] != two[:end] + body:
        raise BenchError("the iterations of the program differ")
    each, rest = _instructions(body), _instructions(two)
    repeats = max(0, -(-(instructions - rest) // each))
    some, left = divmod(repeats, _REPEATS)
    with trace.open("wb") as file:
        start = TraceReader(short[0])
        events, crc = 0, start.crc
        file.write(short[0].read_bytes()[: start.body])
        for part, times in ((two[:end], 1), (body * _REPEATS, some), (body, left), (two[end:], 1)):
            framed = b"".join(FRAME.pack(kind, len(payload)) + payload for kind, payload in part)
            for _ in range(times):
                file.write(framed)
                crc = zlib.crc32(framed, crc)
            events += times * len(part)
        payload = END_PAYLOAD.pack(events, crc)
        file.write(FRAME.pack(KIND["end"], len(payload)) + payload)
    return rest + repeats * each


def _recorded(trace: Path, iterations: int) -> list[_Event]:
    """Record the program, and return the kind and payload of every event."""
    record_program(context_program(trace.parent, iterations), VLEN, trace)
    return [
        (int(part.kinds[at]), part.payload(at)) for part in frames(TraceReader(trace), 1024) for at in range(len(part))
    ]


def _instructions(events: list[_Event]) -> int:
    return sum(kind == KIND["insn"] for kind, _ in events)


def _in_a_process(trace: Path, out_dir: Path, instructions: int) -> LongReplay:
    command = [sys.executable, "-m", "vctx.tb.bench.long", str(trace), str(out_dir)]
    done = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise BenchError(f"the replay of {instructions:,} instructions failed:\n{done.stderr.strip()}")
    facts = json.loads(done.stdout)
    if facts["instructions"] != instructions:
        raise BenchError(f"{facts['instructions']:,} instructions of {instructions:,} were compared")
    return LongReplay(instructions, trace.stat().st_size, facts["seconds"], facts["memory"])


def main(trace: Path, out_dir: Path) -> None:
    """Replay one trace, and print how long it took and how much memory this process and the simulator had."""
    result = replay(trace, sim="verilator", dlen=DLEN, out_dir=out_dir)
    if result.mismatch is not None:
        sys.exit(result.mismatch.text())
    Path(result.observed).unlink()
    # In KiB. That of a child counts from its fork, so the sum is an upper bound.
    peaks = (resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    facts = {"instructions": result.instructions, "seconds": result.seconds, "memory": 1024 * sum(peaks)}
    print(json.dumps(facts))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
