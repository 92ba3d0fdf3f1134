# SPDX-License-Identifier: Apache-2.0
"""Fuzz programs on the RTL: the golden hart records them into one trace, which the testbench replays."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from vctx.pymodel.fuzz.machine import FILL, Machine
from vctx.pymodel.fuzz.program import Program, world
from vctx.pymodel.places import RTL
from vctx.pymodel.trace import Checkpoint, Issue, Mark, Retire, TraceWriter
from vctx.pymodel.trace.recorder import Recorder
from vctx.tb.replay.launch import replay
from vctx.tb.replay.result import Latency, Mismatch, ReplayResult
from vctx.tb.simulators.filelist import OwnStatus

LATENCY = Latency(cycles=4, random=True, stall=16, xlat=2)
_MARK = "program"


class _Tee:
    """An observer that passes everything to a recorder, and instructions to `also`."""

    def __init__(self, recorder: Recorder, also: Callable[[Issue, Retire], None] | None) -> None:
        self._recorder = recorder
        self._also = also
        self.instructions = 0

    def insn(self, hart_id: int, pc: int, issue: Issue, retire: Retire) -> None:
        """See `pymodel.isa.Observer`."""
        self.instructions += 1
        self._recorder.insn(hart_id, pc, issue, retire)
        if self._also is not None:
            self._also(issue, retire)

    def store(self, hart_id: int, paddr: int, data: bytes) -> None:
        """See `pymodel.isa.Observer`."""
        self._recorder.store(hart_id, paddr, data)


@dataclass(frozen=True)
class Recorded:
    """A trace of programs: how many of them, their instructions on the block, and programs that were cut off."""

    trace: Path
    programs: int
    instructions: int
    unfinished: int


def record(
    programs: Iterable[Program],
    vlen: int,
    trace: Path,
    *,
    command: str,
    seed: int = 0,
    enough: int | None = None,
    observer: Callable[[Issue, Retire], None] | None = None,
) -> Recorded:
    """Run programs one after the other, from one reset, and write the trace.

    Between programs the hart stays as it is; each program sets the state that it needs. A mark names the program, a
    checkpoint compares all vector registers at its end.

    Args:
        programs: all for VLEN `vlen` in bits.
        trace: the file to write.
        command: what reproduces the trace, for its header.
        seed: of latencies and of initial values in the simulation.
        enough: stop after the program with which this many instructions are reached.
        observer: called with every instruction of the block.
    """
    w = world()
    header = {
        "scenario": "fuzz",
        "command": command,
        "vlen": vlen,
        "harts": 1,
        "seed": seed,
        "ram_base": w.base,
        "ram_size": w.size,
        "fill": FILL,
    }
    trace.parent.mkdir(parents=True, exist_ok=True)
    done = unfinished = 0
    with TraceWriter(trace, header) as writer:
        recorder = Recorder(writer, vlen // 8)
        tee = _Tee(recorder, observer)
        machine = Machine(vlen, tee)
        for number, program in enumerate(programs):
            for address, data in machine.load(program):
                recorder.store(0, address, data)
            recorder.event(Mark(0, True, _MARK, str(number)))
            unfinished += not machine.run(program)
            recorder.event(Checkpoint(0, machine.hart.snapshot()))
            recorder.event(Mark(0, False, _MARK, str(number)))
            done = number + 1
            if enough is not None and tee.instructions >= enough:
                break
        recorder.finish()
    return Recorded(trace, done, tee.instructions, unfinished)


@dataclass(frozen=True)
class RtlJudge:
    """Judges programs by replaying all of them in one simulation; see `pymodel.fuzz.shrink.Judge`.

    Attributes:
        sim, dlen: simulator and bus width in bits.
        out_dir: directory of the runs.
        rtl, status, keep_going, build_root: as for `tb.replay.launch.replay`.
    """

    sim: str
    dlen: int
    out_dir: Path
    rtl: Path = RTL
    status: OwnStatus | None = None
    keep_going: bool = False
    build_root: Path | None = None

    def __call__(self, programs: Sequence[Program]) -> int | None:
        """Return the position of the first program on which RTL and golden model differ."""
        if not programs:
            return None
        recorded = record(programs, programs[0].vlen, self.out_dir / "judge.trace", command="")
        mismatch = self.replay(recorded.trace).mismatch
        if mismatch is None:
            return None
        number = program_of(mismatch)
        if number is None:  # the image of RAM at the end differs: any of them
            return next((i for i, program in enumerate(programs) if len(programs) == 1 or self([program]) == 0), None)
        return number

    def replay(
        self, trace: Path, *, command: str | None = None, progress: Callable[[int], None] | None = None
    ) -> ReplayResult:
        """Replay a trace; errors as `tb.replay.launch.replay`."""
        return replay(
            trace,
            sim=self.sim,
            dlen=self.dlen,
            out_dir=self.out_dir / trace.stem,
            latency=LATENCY,
            command=command,
            progress=progress,
            rtl=self.rtl,
            status=self.status,
            keep_going=self.keep_going,
            build_root=self.build_root,
        )

    def at(self, out_dir: Path) -> RtlJudge:
        """Return a judge that works in another directory."""
        return replace(self, out_dir=out_dir)


def program_of(mismatch: Mismatch) -> int | None:
    """Return the number, in its trace, of the program in which the RTL left the trace; None at the trace's end."""
    return int(mismatch.who) if mismatch.where.startswith(_MARK) else None
